"""The compiled pass over noisy images: pooled and compared while they are in cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from scaledet.simulation.engines.compiled.compilation import (
    PLAN,
    Floats,
    Integers,
    Plan,
    compiled,
    inlined,
)
from scaledet.simulation.engines.compiled.pooling import pool_axis
from scaledet.simulation.engines.compiled.vectors import EIGHT, larger, load, splat, store
from scaledet.simulation.engines.compiled.windows import site

__all__ = ["noisy_pass"]

_FOUR = 4 * EIGHT
"""Numbers taken at a time: additions to a sum wait for each other."""

Images = tuple[Floats, int, bool]
"""An array, where images in it begin, and whether they do: a constant image if they do not."""


@inlined
def _enter(lines: Floats, width: int, mode: int, clean: Images) -> tuple[Any, Any]:
    """Turn the noise lines[:width] into noisy images, in place, x being the `clean` ones.

    `mode` 0: relu(x + noise), 1: x + relu(noise), 2: x + noise. If x does not vary, it is zero.
    Return eight numbers each whose sums are those of the noise (rectified in modes 0 and 1) and of
    its square.
    """
    x, begin, varies = clean
    inside, lowest = mode == 0, -np.inf if mode == 2 else 0.0
    least, total, square = splat(lowest), splat(0.0), splat(0.0)
    four = width // _FOUR * _FOUR
    for at in range(0, four, _FOUR):
        a, b = load(lines, at), load(lines, at + EIGHT)
        c, d = load(lines, at + 2 * EIGHT), load(lines, at + 3 * EIGHT)
        e, f, g, h = larger(a, least), larger(b, least), larger(c, least), larger(d, least)
        total = total + ((e + f) + (g + h))
        square = square + ((e * e + f * f) + (g * g + h * h))
        if varies:
            place = begin + at
            p, q = load(x, place), load(x, place + EIGHT)
            r, s = load(x, place + 2 * EIGHT), load(x, place + 3 * EIGHT)
            if inside:
                e, f = larger(a + p, least), larger(b + q, least)
                g, h = larger(c + r, least), larger(d + s, least)
            else:
                e, f, g, h = e + p, f + q, g + r, h + s
        store(lines, at, e)
        store(lines, at + EIGHT, f)
        store(lines, at + 2 * EIGHT, g)
        store(lines, at + 3 * EIGHT, h)
    for at in range(four, width - EIGHT + 1, EIGHT):
        a, e = load(lines, at), larger(load(lines, at), least)
        total, square = total + e, square + e * e
        p = load(x, begin + at) if varies else splat(0.0)
        store(lines, at, larger(a + p, least) if inside else e + p)
    rest, power = 0.0, 0.0
    for at in range(width // EIGHT * EIGHT, width):
        value, pixel = lines[at], x[begin + at] if varies else 0.0
        entered = value if value > lowest else lowest
        rest += entered
        power += entered * entered
        value = (value if inside else entered) + pixel
        lines[at] = value if value > lowest else lowest
    return total + splat(rest / EIGHT), square + splat(power / EIGHT)


@inlined
def _apart(lines: Floats, width: int, clean: Images, background: float) -> Any:
    """Return eight numbers whose sum is the squared distance of lines[:width] from `clean`."""
    images, begin, varies = clean
    constant, total = splat(background), splat(0.0)
    four = width // _FOUR * _FOUR
    for at in range(0, four, _FOUR):
        a, b, c, d = constant, constant, constant, constant
        if varies:
            place = begin + at
            a, b = load(images, place), load(images, place + EIGHT)
            c, d = load(images, place + 2 * EIGHT), load(images, place + 3 * EIGHT)
        a, b = load(lines, at) - a, load(lines, at + EIGHT) - b
        c, d = load(lines, at + 2 * EIGHT) - c, load(lines, at + 3 * EIGHT) - d
        total = total + ((a * a + b * b) + (c * c + d * d))
    for at in range(four, width - EIGHT + 1, EIGHT):
        a = load(lines, at) - (load(images, begin + at) if varies else constant)
        total = total + a * a
    rest = 0.0
    for at in range(width // EIGHT * EIGHT, width):
        value = lines[at] - (images[begin + at] if varies else background)
        rest += value * value
    return total + splat(rest / EIGHT)


@inlined
def _exchange(
    lines: Floats,
    starts: Integers,
    image: int,
    shape: tuple[int, int, int, int, int],
    back: bool,
    windows: Floats,
) -> None:
    """Exchange windows of interleaved images, from number `image` on, with what is in `windows`.

    `shape` is (parts, window, side, images, lanes). Going `back`, the first part comes last.
    """
    parts, window, side, here, lanes = shape
    dim = starts.shape[2]
    rows = window ** (dim - 1)
    for index in range(parts):
        part = parts - 1 - index if back else index
        where = starts[part]
        for lane in range(here):
            source = part * rows * window * lanes + lane
            for row in range(rows):
                line = site(where, image + lane, row, window, side)
                column = where[image + lane, dim - 1]
                for _ in range(window):
                    at = (line + column) * lanes + lane
                    windows[source], lines[at] = lines[at], windows[source]
                    column = column + 1 if column + 1 < side else 0
                    source += lanes


@inlined
def _sum_of(eight: Any, numbers: Floats, count: int) -> float:
    """Return the sum of the first `count` of eight numbers; `numbers` is room for them."""
    store(numbers, 0, eight)
    total = 0.0
    for i in range(count):
        total += numbers[i]
    return total


@compiled(
    f"void({PLAN}, int64[:,:,:,::1], float64[:,:,::1], int64, int64, int64, int64, float64[:,::1],"
    " float64[::1], float64[::1], float64[::1])",
    reassociate=False,
)
def noisy_pass(
    plan: Plan,
    starts: Integers,
    history: Floats,
    first: int,
    page: int,
    count: int,
    mode: int,
    noise: Floats,
    seam: Floats,
    responses: Floats,
    controls: Floats,
) -> None:
    """Add noise to blocks of images, pool them, and add up the responses of every layer.

    Taken are `count` images from number `first` and block `page` on, `mode` is that of `_enter`.
    Their `noise` [blocks, ...] is overwritten. It is interleaved as the clean windows are,
    `history` [blocks, ..., lanes], one part after the other in each layer; these begin at `starts`
    [depth + 1, parts, images, dim], and maps that are whole have one part. `seam` is room for the
    pixels around one. Squared distances of noisy and clean are added to `responses` [depth + 1],
    sums of the noise and of its square to `controls`.
    """
    dim, sides, windows, pasts, backgrounds, weights, lengths, strides, biases, lowest, _ = plan
    lanes = history.shape[2]
    past, numbers, size = history.reshape(history.size), np.empty(EIGHT), 1
    for k in range(len(sides)):
        if windows[k] < sides[k]:
            size = max(size, windows[k] ** dim)
    saved = np.empty(starts.shape[1] * size * lanes)
    for block in range((count + lanes - 1) // lanes):
        image, lines = first + block * lanes, noise[block]
        here = min(lanes, count - block * lanes)
        valid = EIGHT if lanes == 1 else here
        for k in range(len(sides)):
            side, window, background = sides[k], windows[k], backgrounds[k, 0]
            if k > 0:
                n = sides[k - 1]
                outer, inner = 1, n ** (dim - 1) * lanes
                for axis in range(dim):
                    final = axis == dim - 1
                    bias, least = (biases[k - 1], lowest) if final else (0.0, -np.inf)
                    layer = (weights, k - 1, lengths[k - 1], strides[k - 1], bias, least)
                    pool_axis(lines, seam, (outer, n, side, inner), layer)
                    outer *= side
                    inner //= n
            # Windows are compared by themselves, and background left in their place meanwhile.
            whole = window == side
            shape = (starts.shape[1], window, side, here, lanes)
            width, pixels = shape[0] * window**dim * lanes, side**dim * lanes
            begin = ((page + block) * history.shape[1] + pasts[k]) * lanes
            if not whole:
                saved[:width] = background
            for step in range(2 if whole else 0, 4):
                if step == 0 or step == 3:
                    if not whole:
                        _exchange(lines, starts[k], image, shape, step == 3, saved)
                    continue
                inside = whole or step == 1
                x, numbers_of_x = (lines, pixels) if whole or step == 2 else (saved, width)
                clean = (past, begin, inside)
                if k == 0:
                    entered, square = _enter(x, numbers_of_x, mode, clean)
                    controls[0] += _sum_of(entered, numbers, valid)
                    controls[1] += _sum_of(square, numbers, valid)
                apart = _apart(x, numbers_of_x, clean, background)
                responses[k] += _sum_of(apart, numbers, valid)
