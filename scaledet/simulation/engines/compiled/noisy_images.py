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

Images = tuple[Floats, int, bool]
"""An array, where images in it begin, and whether they do: a constant image if they do not."""


@inlined
def _enter(lines: Floats, width: int, mode: int, added: Images) -> tuple[Any, Any]:
    """Turn the noise lines[:width] into noisy images, in place.

    `mode` 0: relu(x + noise), 1: x + relu(noise), 2: x + noise, x being what is `added`, zeros if
    nothing is. Return eight numbers each whose sums are those of the noise (rectified in modes 0
    and 1) and of its square.
    """
    x, source, varies = added
    inside, lowest = mode == 0, -np.inf if mode == 2 else 0.0
    least, nothing = splat(lowest), splat(0.0)
    # Sums of every other eight: additions need not wait for the one before.
    total, square, totals, squares = nothing, nothing, nothing, nothing
    for at in range(0, width - EIGHT + 1, EIGHT):
        noise = load(lines, at)
        entered = larger(noise, least)
        image = load(x, source + at) if varies else nothing
        store(lines, at, larger(noise + image, least) if inside else entered + image)
        total, totals = totals, total + entered
        square, squares = squares, square + entered * entered
    rest, power = 0.0, 0.0
    for at in range(width // EIGHT * EIGHT, width):
        value = lines[at]
        value_in = value if value > lowest else lowest
        value = (value if inside else value_in) + (x[source + at] if varies else 0.0)
        lines[at] = value if value > lowest else lowest
        rest += value_in
        power += value_in * value_in
    return total + totals + splat(rest / EIGHT), square + squares + splat(power / EIGHT)


@inlined
def _apart(lines: Floats, width: int, clean: Images, background: float) -> Any:
    """Return eight numbers whose sum is the squared distance of lines[:width] from `clean`."""
    images, begin, varies = clean
    constant, total = splat(background), splat(0.0)
    four = width // (4 * EIGHT) * (4 * EIGHT)
    for at in range(0, four, 4 * EIGHT):
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
    lines: Floats, starts: Integers, image: int, shape: tuple[int, int, int, int], windows: Floats
) -> None:
    """Exchange the windows of images, from number `image` on, with numbers of interleaved maps.

    `shape` is (window, side, images, lanes).
    """
    window, side, here, lanes = shape
    dim = starts.shape[1]
    for lane in range(here):
        source = lane
        for row in range(window ** (dim - 1)):
            line = site(starts, image + lane, row, window, side)
            column = starts[image + lane, dim - 1]
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
    f"void({PLAN}, int64[:,:,::1], float64[:,:,::1], int64, int64, int64, float64[:,::1],"
    " float64[:,::1], float64[::1], float64[::1], float64[::1])",
    reassociate=False,
)
def noisy_pass(
    plan: Plan,
    starts: Integers,
    history: Floats,
    first: int,
    count: int,
    mode: int,
    noise: Floats,
    images: Floats,
    seam: Floats,
    responses: Floats,
    controls: Floats,
) -> None:
    """Add noise to blocks of images, pool them, and add up the responses of every layer.

    Taken are `count` images from number `first` on, `mode` is that of `_enter`. Their `noise`
    [blocks, ...] is overwritten; it is interleaved as the clean windows are, `history` [blocks,
    pixels of all layers, lanes], which begin at `starts` [depth + 1, images, dim]. `images`
    [blocks, ...] are what the noise is added to, or empty if the clean ones are. `seam` is
    room for the pixels around a seam.
    Squared distances of noisy and clean are added to `responses` [depth + 1], sums of the noise
    and of its square to `controls`.
    """
    dim, sides, windows, pasts, backgrounds, weights, lengths, strides, biases, lowest, _ = plan
    lanes = history.shape[2]
    past = history.reshape(history.size)
    numbers, size = np.empty(EIGHT), 1
    for k in range(len(sides)):
        if windows[k] < sides[k]:
            size = max(size, windows[k] ** dim)
    saved = np.empty(size * lanes)
    for block in range((count + lanes - 1) // lanes):
        image, lines = first + block * lanes, noise[block]
        page = image // lanes * history.shape[1]
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
            # Windows are exchanged for background while the rest is compared with it.
            shape = (window, side, here, lanes)
            if window < side:
                saved[: window**dim * lanes] = background
                _exchange(lines, starts[k], image, shape, saved)
            for part in range(2 if window < side else 1):
                x, width = (saved, window**dim * lanes)
                inside = part == 0
                if window == side or not inside:
                    x, width = lines, side**dim * lanes
                clean = (past, (page + pasts[k]) * lanes, inside)
                if k == 0:
                    added = (images[block], 0, True) if images.size > 0 else clean
                    total, square = _enter(x, width, mode, added)
                    controls[0] += _sum_of(total, numbers, valid)
                    controls[1] += _sum_of(square, numbers, valid)
                total = _apart(x, width, clean, background)
                responses[k] += _sum_of(total, numbers, valid)
            if window < side:
                _exchange(lines, starts[k], image, shape, saved)
