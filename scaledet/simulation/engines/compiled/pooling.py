"""Pooling of noisy images, compiled: as `network.pooling` does, one axis at a time, in place.

Blocks of images are interleaved: eight neighbours in memory are one pixel of eight images, at any
stride and in any dimension. An image too large for that is a block of its own, pooled by the same
code, which then takes eight pixels at a time where these are neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scaledet.simulation.engines.compiled.compilation import Bytes, Floats, LayerNumbers, inlined
from scaledet.simulation.engines.compiled.vectors import EIGHT, larger, load, splat, store

__all__ = ["CELL", "Clean", "pool_axis"]

CELL = 4 * EIGHT
"""Numbers of one flag of `Clean`."""

Clean = tuple[Floats, int, bool, Bytes, float]
"""Clean images of a block, and where they begin: `whole` maps, or flags of the cells of a map that
windows touch; elsewhere clean images are a constant background, and nothing is stored."""


@inlined
def _pool_run(
    x: Floats,
    source: int,
    hop: int,
    tap: int,
    layer: LayerNumbers,
    y: Floats,
    target: int,
    width: int,
    final: bool,
    clean: Clean,
) -> Any:
    """Pool `width` numbers: y[target + i] = relu(sum_j weights[k, j] x[at(i) + tap j] + bias).

    Eight at a time, at(i) are neighbours, `hop` times eight numbers after the eight before; what
    is left over, or all if the `hop` of single pixels is not 1, is `hop` numbers apart. Return
    eight numbers whose sum is the squared distance from `clean`, those of interleaved images
    apart, if the axis is the `final` one.
    """
    weights, k, length, _, bias, lowest = layer
    images, begin, whole, touched, background = clean
    vectors = 0 if tap == 1 and hop > 1 else width // EIGHT
    constant, least, around = splat(bias), splat(lowest), splat(background)
    first, second, third = splat(weights[k, 0]), splat(weights[k, 1]), splat(weights[k, 2])
    total, step = splat(0.0), EIGHT * hop
    for _ in range(vectors // 4):
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
            weight = splat(weights[k, j])
            a = a + weight * load(x, at)
            b = b + weight * load(x, at + step)
            c = c + weight * load(x, at + 2 * step)
            d = d + weight * load(x, at + 3 * step)
        a, b, c, d = larger(a, least), larger(b, least), larger(c, least), larger(d, least)
        store(y, target, a)
        store(y, target + EIGHT, b)
        store(y, target + 2 * EIGHT, c)
        store(y, target + 3 * EIGHT, d)
        if final:
            cell: Any = np.uint64(target) // np.uint64(CELL)
            if whole or touched[cell] | touched[cell + np.uint64(1)]:
                place = begin + target
                a, b = a - load(images, place), b - load(images, place + EIGHT)
                place += 2 * EIGHT
                c, d = c - load(images, place), d - load(images, place + EIGHT)
            else:
                a, b, c, d = a - around, b - around, c - around, d - around
            total = total + ((a * a + b * b) + (c * c + d * d))
        source += 4 * step
        target += 4 * EIGHT
    for _ in range(vectors % 4):
        value = constant
        for j in range(length):
            value = value + splat(weights[k, j]) * load(x, source + j * tap)
        value = larger(value, least)
        store(y, target, value)
        if final:
            cell = np.uint64(target) // np.uint64(CELL)
            near = whole or touched[cell] | touched[cell + np.uint64(1)]
            value = value - (load(images, begin + target) if near else around)
            total = total + value * value
        source += step
        target += EIGHT
    rest = 0.0
    for _ in range(width - EIGHT * vectors):
        value = bias
        for j in range(length):
            value += weights[k, j] * x[source + j * tap]
        value = value if value > lowest else lowest
        y[target] = value
        if final:
            near = whole or touched[target // CELL]
            value -= images[begin + target] if near else background
            rest += value * value
        source += hop
        target += 1
    return total + splat(rest / EIGHT)


@inlined
def pool_axis(
    lines: Floats,
    seam: Floats,
    shape: tuple[int, int, int, int],
    layer: LayerNumbers,
    final: bool,
    clean: Clean,
) -> Any:
    """Pool the axis n of images [outer, n, inner] in place, to [outer, outputs, inner].

    `shape` is (outer, n, outputs, inner); interleaved images are a part of inner. Pixels around
    the seam are moved to `seam` before. What is returned is what `_pool_run` returns.
    """
    outer, n, outputs, inner = shape
    _, _, length, stride, _, _ = layer
    straight = min(outputs, (n - length) // stride + 1) if n >= length else 0
    around = stride * (outputs - 1 - straight) + length if straight < outputs else 0
    total = splat(0.0)
    for o in range(outer):
        for row in range(around):
            begin = (o * n + (stride * straight + row) % n) * inner
            for i in range(inner):
                seam[row * inner + i] = lines[begin + i]
        for part in range(2):
            x, source, first = (seam, 0, straight) if part else (lines, o * n * inner, 0)
            rows = outputs - straight if part else straight
            runs, width, hop = 1, rows * inner, stride
            if stride > 1 and inner != 1 and inner != EIGHT:
                runs, width, hop = rows, inner, 1
            for run in range(runs):
                begin = source + run * stride * inner
                to = (o * outputs + first + run) * inner
                total = total + _pool_run(
                    x, begin, hop, inner, layer, lines, to, width, final, clean
                )
    return total
