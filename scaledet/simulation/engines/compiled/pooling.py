"""Pooling of noisy images, compiled: as `network.pooling` does, one axis at a time, in place.

Blocks of images are interleaved: eight neighbours in memory are one pixel of eight images, at any
stride and in any dimension. An image too large for that is a block of its own, pooled by the same
code, which then takes eight pixels at a time where these are neighbours.
"""

from __future__ import annotations

from scaledet.simulation.engines.compiled.compilation import Floats, LayerNumbers, inlined
from scaledet.simulation.engines.compiled.vectors import EIGHT, larger, load, spaced, splat, store

__all__ = ["pool_axis"]


@inlined
def _pool_fours(
    x: Floats, source: int, hop: int, tap: int, layer: LayerNumbers, y: Floats, to: int, fours: int
) -> None:
    """Pool four times eight numbers at a time, as `_pool_run` does."""
    weights, k, length, _, bias, lowest = layer
    constant, least, step = splat(bias), splat(lowest), EIGHT * hop
    first, second, third = splat(weights[k, 0]), splat(weights[k, 1]), splat(weights[k, 2])
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
            weight = splat(weights[k, j])
            a = a + weight * load(x, at)
            b = b + weight * load(x, at + step)
            c = c + weight * load(x, at + 2 * step)
            d = d + weight * load(x, at + 3 * step)
        store(y, to, larger(a, least))
        store(y, to + EIGHT, larger(b, least))
        store(y, to + 2 * EIGHT, larger(c, least))
        store(y, to + 3 * EIGHT, larger(d, least))
        source += 4 * step
        to += 4 * EIGHT


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
) -> None:
    """Pool `width` numbers: y[target + i] = relu(sum_j weights[k, j] x[at(i) + tap j] + bias).

    Eight at a time, at(i) are neighbours, `hop` times eight numbers after the eight before; but
    `hop` numbers apart where pixels are single, and what is left over is. `weights` holds three
    numbers at least.
    """
    weights, k, length, _, bias, lowest = layer
    vectors, alone = width // EIGHT, tap == 1 and hop > 1
    fours = 0 if alone else vectors // 4
    if hop == 1:  # a loop of its own, which needs fewer registers
        _pool_fours(x, source, 1, tap, layer, y, target, fours)
    else:
        _pool_fours(x, source, hop, tap, layer, y, target, fours)
    source += 4 * fours * EIGHT * hop
    target += 4 * fours * EIGHT
    constant, least = splat(bias), splat(lowest)
    for _ in range(vectors - 4 * fours):
        a = constant
        for j in range(length):
            at = source + j * tap
            a = a + splat(weights[k, j]) * (spaced(x, at, hop) if alone else load(x, at))
        store(y, target, larger(a, least))
        source += EIGHT * hop
        target += EIGHT
    for _ in range(width - EIGHT * vectors):
        value = bias
        for j in range(length):
            value += weights[k, j] * x[source + j * tap]
        y[target] = value if value > lowest else lowest
        source += hop
        target += 1


@inlined
def pool_axis(
    lines: Floats, seam: Floats, shape: tuple[int, int, int, int], layer: LayerNumbers
) -> None:
    """Pool the axis n of images [outer, n, inner] in place, to [outer, outputs, inner].

    `shape` is (outer, n, outputs, inner); interleaved images are a part of inner. Pixels around
    the seam are moved to `seam` before.
    """
    outer, n, outputs, inner = shape
    _, _, length, stride, _, _ = layer
    straight = min(outputs, (n - length) // stride + 1) if n >= length else 0
    around = stride * (outputs - 1 - straight) + length if straight < outputs else 0
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
                _pool_run(x, begin, hop, inner, layer, lines, to, width)
