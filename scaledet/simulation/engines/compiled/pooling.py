"""Pooling of noisy images, compiled: as `network.pooling` does, one axis at a time, in place.

Blocks of images are interleaved: eight neighbours in memory are one pixel of eight images, at any
stride and in any dimension. An image too large for that is a block of its own, pooled by the same
code, which then takes eight pixels at a time where these are neighbours. What is pooled is compared
with a constant in the same loop: data come from the cache once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scaledet.simulation.engines.compiled.compilation import Plan, inlined
from scaledet.simulation.engines.compiled.vectors import (
    EIGHT,
    address,
    larger,
    load,
    number,
    put,
    spaced,
    splat,
    store,
)

__all__ = ["Layer", "layer_along", "pool_axis"]


Layer = tuple[int, int, int, float, float]
"""Where its weights are, length, stride, bias, and lowest output: 0, or minus infinity where
nothing is rectified. There are three weights at least, the rest zeros."""

_Eights = tuple[Any, Any, Any, Any]
"""Four times eight numbers. There are four sums, because additions to one wait for each other."""


@inlined
def layer_along(plan: Plan, k: int, axis: int) -> Layer:
    """Return layer number k, from 0 on, along an axis: the last one adds the bias and rectifies."""
    dim, _, _, _, _, weights, lengths, strides, biases, lowest, _ = plan
    bias, least = (biases[k], lowest) if axis == dim - 1 else (0.0, -np.inf)
    return address(weights) + k * weights.strides[0], lengths[k], strides[k], bias, least


@inlined
def _stored(y: int, to: int, values: _Eights, around: Any, sums: _Eights) -> _Eights:
    """Store `values`, and return the `sums` with their squared differences from `around` added."""
    a, b, c, d = values
    one, two, three, four = sums
    store(y, to, a)
    store(y, to + EIGHT, b)
    store(y, to + 2 * EIGHT, c)
    store(y, to + 3 * EIGHT, d)
    a, b, c, d = a - around, b - around, c - around, d - around
    return one + a * a, two + b * b, three + c * c, four + d * d


@inlined
def _pool_neighbours(
    x: int,
    source: int,
    layer: Layer,
    reference: float,
    y: int,
    to: int,
    fours: int,
    sums: _Eights,
) -> _Eights:
    """Pool three taps at stride 1 as `_pool_fours` does, where they follow: each is read once."""
    weights, _, _, bias, lowest = layer
    constant, least, around = splat(bias), splat(lowest), splat(reference)
    first, second = splat(number(weights, 0)), splat(number(weights, 1))
    third = splat(number(weights, 2))
    m, n = load(x, source), load(x, source + EIGHT)
    for _ in range(fours):
        source += 4 * EIGHT
        o, p = load(x, source - 2 * EIGHT), load(x, source - EIGHT)
        a = larger(constant + first * m + second * n + third * o, least)
        b = larger(constant + first * n + second * o + third * p, least)
        m, n = load(x, source), load(x, source + EIGHT)
        c = larger(constant + first * o + second * p + third * m, least)
        d = larger(constant + first * p + second * m + third * n, least)
        sums = _stored(y, to, (a, b, c, d), around, sums)
        to += 4 * EIGHT
    return sums


@inlined
def _pool_fours(
    x: int,
    source: int,
    hop: int,
    tap: int,
    layer: Layer,
    reference: float,
    y: int,
    to: int,
    fours: int,
    sums: _Eights,
) -> _Eights:
    """Pool four times eight numbers at a time, as `_pool_run` does."""
    weights, length, _, bias, lowest = layer
    constant, least, around = splat(bias), splat(lowest), splat(reference)
    first, second = splat(number(weights, 0)), splat(number(weights, 1))
    third = splat(number(weights, 2))
    step = EIGHT * hop
    for _ in range(fours):
        at = source
        a = constant + first * load(x, at)
        b = constant + first * load(x, at + step)
        c = constant + first * load(x, at + 2 * step)
        d = constant + first * load(x, at + 3 * step)
        if length > 1:
            at += tap
            a = a + second * load(x, at)
            b = b + second * load(x, at + step)
            c = c + second * load(x, at + 2 * step)
            d = d + second * load(x, at + 3 * step)
        if length > 2:
            at += tap
            a = a + third * load(x, at)
            b = b + third * load(x, at + step)
            c = c + third * load(x, at + 2 * step)
            d = d + third * load(x, at + 3 * step)
        for j in range(3, length):
            at += tap
            weight = splat(number(weights, j))
            a = a + weight * load(x, at)
            b = b + weight * load(x, at + step)
            c = c + weight * load(x, at + 2 * step)
            d = d + weight * load(x, at + 3 * step)
        a, b, c, d = larger(a, least), larger(b, least), larger(c, least), larger(d, least)
        sums = _stored(y, to, (a, b, c, d), around, sums)
        source += 4 * step
        to += 4 * EIGHT
    return sums


@inlined
def _pool_run(
    x: int,
    source: int,
    hop: int,
    tap: int,
    layer: Layer,
    reference: float,
    y: int,
    target: int,
    width: int,
    sums: _Eights,
) -> _Eights:
    """Pool `width` numbers: y[target + i] = relu(sum_j weights[j] x[at(i) + tap j] + bias).

    Eight at a time, at(i) are neighbours, `hop` times eight numbers after the eight before; but
    `hop` numbers apart where pixels are single, and what is left over is.
    """
    weights, length, _, bias, lowest = layer
    vectors, alone = width // EIGHT, tap == 1 and hop > 1
    fours = 0 if alone else vectors // 4
    # Loops of their own, which need fewer registers, where numbers are neighbours.
    if hop == 1 and tap == EIGHT and length == 3:
        sums = _pool_neighbours(x, source, layer, reference, y, target, fours, sums)
    elif hop == 1:
        sums = _pool_fours(x, source, 1, tap, layer, reference, y, target, fours, sums)
    else:
        sums = _pool_fours(x, source, hop, tap, layer, reference, y, target, fours, sums)
    source += 4 * fours * EIGHT * hop
    target += 4 * fours * EIGHT
    constant, least, around = splat(bias), splat(lowest), splat(reference)
    one, two, three, four = sums
    for _ in range(vectors - 4 * fours):
        a = constant
        for j in range(length):
            at = source + j * tap
            a = a + splat(number(weights, j)) * (spaced(x, at, hop) if alone else load(x, at))
        a = larger(a, least)
        store(y, target, a)
        a = a - around
        one = one + a * a
        source += EIGHT * hop
        target += EIGHT
    rest = 0.0
    for _ in range(width - EIGHT * vectors):
        value = bias
        for j in range(length):
            value += number(weights, j) * number(x, source + j * tap)
        value = value if value > lowest else lowest
        put(y, target, value)
        rest += (value - reference) * (value - reference)
        source += hop
        target += 1
    return one + splat(rest / EIGHT), two, three, four


@inlined
def pool_axis(
    lines: int,
    seam: int,
    shape: tuple[int, int, int, int],
    layer: Layer,
    reference: float,
) -> Any:
    """Pool the axis n of images [outer, n, inner] at `lines`, in place, to [outer, outputs, inner].

    `shape` is (outer, n, outputs, inner); interleaved images are a part of inner. Pixels around
    the seam are moved to `seam` before. Return eight numbers, of each interleaved image if there
    are several, whose sum is that of the squared differences from `reference`.
    """
    outer, n, outputs, inner = shape
    _, length, stride, _, _ = layer
    sums = (splat(0.0), splat(0.0), splat(0.0), splat(0.0))
    straight = min(outputs, (n - length) // stride + 1) if n >= length else 0
    around = stride * (outputs - 1 - straight) + length if straight < outputs else 0
    for o in range(outer):
        at = stride * straight
        for row in range(around):
            while at >= n:
                at -= n
            begin, to = (o * n + at) * inner, row * inner
            for i in range(0, inner - EIGHT + 1, EIGHT):
                store(seam, to + i, load(lines, begin + i))
            for i in range(inner // EIGHT * EIGHT, inner):
                put(seam, to + i, number(lines, begin + i))
            at += 1
        for part in range(2):
            x, source, first = (seam, 0, straight) if part else (lines, o * n * inner, 0)
            rows = outputs - straight if part else straight
            runs, width, hop = 1, rows * inner, stride
            if stride > 1 and inner != 1 and inner != EIGHT:
                runs, width, hop = rows, inner, 1
            for run in range(runs):
                begin = source + run * stride * inner
                to = (o * outputs + first + run) * inner
                sums = _pool_run(x, begin, hop, inner, layer, reference, lines, to, width, sums)
    one, two, three, four = sums
    return (one + two) + (three + four)
