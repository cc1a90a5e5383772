"""Pooling of lines, compiled: as `network.pooling` does, one line of one image at a time.

A line is the last axis of an image, with room for the neighbours across the seam.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scaledet.simulation.engines.compiled.compilation import Floats, compiled

__all__ = ["pool_line"]

_ONE: Any = np.uint64(1)
_TWO: Any = np.uint64(2)
_THREE: Any = np.uint64(3)


@compiled(
    "float64(float64[::1], uint64, float64[:,::1], uint64, int64, int64, float64, float64, float64,"
    " float64[::1], uint64, uint64)"
)
def pool_line(
    x: Floats,
    start: int,
    weights: Floats,
    layer: int,
    length: int,
    stride: int,
    bias: float,
    lowest: float,
    reference: float,
    y: Floats,
    begin: int,
    n: int,
) -> float:
    """Write relu(sum_j weights[layer, j] x[start + stride i + j] + bias) to y[begin : begin + n].

    Return the sum of (y - reference)^2. `weights` holds zeros from `length` to the next multiple
    of 4 at least, and `x` finite values as far as these reach. `lowest` is 0, or minus infinity
    where nothing is rectified. Offsets are unsigned and arrays are not sliced: the compiler then
    neither counts references nor looks for negative indices.
    """
    total = 0.0
    if stride == 1 and length <= 3:
        a, b, c = weights[layer, 0], weights[layer, 1], weights[layer, 2]
        for i in range(n):
            at = start + i
            value = bias + a * x[at] + b * x[at + _ONE] + c * x[at + _TWO]
            value = value if value > lowest else lowest
            y[begin + i] = value
            total += (value - reference) * (value - reference)
        return total
    if stride == 2 and length <= 2:
        a, b = weights[layer, 0], weights[layer, 1]
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
            a, b = weights[layer, j], weights[layer, j + _ONE]
            c, d = weights[layer, j + _TWO], weights[layer, j + _THREE]
            for i in range(n):
                at = start + i + j
                y[begin + i] += a * x[at] + b * x[at + _ONE] + c * x[at + _TWO] + d * x[at + _THREE]
    elif stride == 2:
        for j in range(0, np.uint64(length), 2):
            a, b = weights[layer, j], weights[layer, j + _ONE]
            for i in range(n):
                at = start + _TWO * i + j
                y[begin + i] += a * x[at] + b * x[at + _ONE]
    else:
        step: Any = np.uint64(stride)
        for i in range(n):
            at = start + step * i
            value = bias
            for j in range(np.uint64(length)):
                value += weights[layer, j] * x[at + j]
            y[begin + i] = value
    for i in range(n):
        value = y[begin + i]
        value = value if value > lowest else lowest
        y[begin + i] = value
        total += (value - reference) * (value - reference)
    return total
