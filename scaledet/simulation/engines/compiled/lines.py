"""Pooling of lines, compiled: as `network.pooling` does, one line of one image at a time.

A line is the last axis of an image, with room for the neighbours across the seam.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scaledet.simulation.engines.compiled.compilation import Floats, LayerNumbers, inlined

__all__ = ["pool_line"]

_ONE: Any = np.uint64(1)
_TWO: Any = np.uint64(2)
_THREE: Any = np.uint64(3)


@inlined
def pool_line(
    x: Floats,
    source: int,
    layer: LayerNumbers,
    reference: float,
    y: Floats,
    target: int,
    count: int,
) -> float:
    """Write relu(sum_j weights[k, j] x[source + stride i + j] + bias) to y[target + i], i < count.

    Return the sum of (y - reference)^2. `weights` holds zeros from `length` to the next multiple
    of 4 at least, and `x` finite values as far as these reach. Offsets are unsigned and arrays are
    not sliced: the compiler then neither counts references nor looks for negative indices.
    """
    weights, number, length, stride, bias, lowest = layer
    k: Any = np.uint64(number)
    start: Any = np.uint64(source)
    begin: Any = np.uint64(target)
    n: Any = np.uint64(count)
    total = 0.0
    if stride == 1 and length <= 3:
        a, b, c = weights[k, 0], weights[k, 1], weights[k, 2]
        for i in range(n):
            at = start + i
            value = bias + a * x[at] + b * x[at + _ONE] + c * x[at + _TWO]
            value = value if value > lowest else lowest
            y[begin + i] = value
            total += (value - reference) * (value - reference)
        return total
    if stride == 2 and length <= 2:
        a, b = weights[k, 0], weights[k, 1]
        for i in range(n):
            at = start + _TWO * i
            value = bias + a * x[at] + b * x[at + _ONE]
            value = value if value > lowest else lowest
            y[begin + i] = value
            total += (value - reference) * (value - reference)
        return total
    for i in range(n):
        y[begin + i] = bias
    if stride == 1:
        for j in range(0, np.uint64(length), 4):
            a, b = weights[k, j], weights[k, j + _ONE]
            c, d = weights[k, j + _TWO], weights[k, j + _THREE]
            for i in range(n):
                at = start + i + j
                y[begin + i] += a * x[at] + b * x[at + _ONE] + c * x[at + _TWO] + d * x[at + _THREE]
    elif stride == 2:
        for j in range(0, np.uint64(length), 2):
            a, b = weights[k, j], weights[k, j + _ONE]
            for i in range(n):
                at = start + _TWO * i + j
                y[begin + i] += a * x[at] + b * x[at + _ONE]
    else:
        step: Any = np.uint64(stride)
        for i in range(n):
            at = start + step * i
            value = bias
            for j in range(np.uint64(length)):
                value += weights[k, j] * x[at + j]
            y[begin + i] = value
    for i in range(n):
        value = y[begin + i]
        value = value if value > lowest else lowest
        y[begin + i] = value
        total += (value - reference) * (value - reference)
    return total
