"""Pooling of lines and windows, compiled: what `pooling` does, for one image at a time.

An image is an array [n, n, n] with leading sides 1 in less than three dimensions, stored flat. A
`line` is its last axis with room for the neighbours across the seam. Functions read no global
state and know no theory: they pool, add the bias, rectify and add up squares.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scaledet.compiled import Floats, compiled

__all__ = ["pool_line", "pool_outer_axis"]

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


@compiled(
    "void(float64[::1], int64, int64, int64, float64[:,::1], int64, int64, int64, float64[::1])"
)
def pool_outer_axis(
    x: Floats,
    outer: int,
    n: int,
    inner: int,
    weights: Floats,
    layer: int,
    length: int,
    stride: int,
    y: Floats,
) -> None:
    """Pool the periodic middle axis of `x` [outer, n, inner] into `y` [outer, n/stride, inner]."""
    outputs = n // stride
    for o in range(outer):
        for i in range(outputs):
            start = (o * outputs + i) * inner
            target = y[start : start + inner]
            for p in range(inner):
                target[p] = 0.0
            for j in range(length):
                begin = (o * n + (stride * i + j) % n) * inner
                source = x[begin : begin + inner]
                weight = weights[layer, j]
                for p in range(inner):
                    target[p] += weight * source[p]
