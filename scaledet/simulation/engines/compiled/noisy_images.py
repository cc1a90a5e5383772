"""The compiled pass over noisy images: pooled and compared while they are in cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from scaledet.simulation.engines.compiled.compilation import (
    PLAN,
    Bytes,
    Floats,
    Integers,
    Plan,
    compiled,
    inlined,
)
from scaledet.simulation.engines.compiled.pooling import CELL, Clean, pool_axis
from scaledet.simulation.engines.compiled.vectors import EIGHT, larger, load, splat, store
from scaledet.simulation.engines.compiled.windows import site

__all__ = ["noisy_pass"]

Added = tuple[Floats, int, bool]
"""Images to be added to the noise, where they begin, and whether they are not the clean ones."""

Windows = tuple[int, int, Floats, int]
"""How wide windows are, the side of their maps, interleaved windows, and where they begin."""


@inlined
def _enter(
    lines: Floats, width: int, mode: int, added: Added, clean: Clean
) -> tuple[Any, Any, Any]:
    """Turn the noise lines[:width] into noisy images, in place.

    `mode` 0: relu(x + noise), 1: x + relu(noise), 2: x + noise, x being what is `added`. Return
    eight numbers each whose sums are the squared distance from `clean`, the noise (rectified in
    modes 0 and 1), and its square.
    """
    x, source, differs = added
    images, begin, whole, touched, _ = clean
    inside, lowest = mode == 0, -np.inf if mode == 2 else 0.0
    least, nothing = splat(lowest), splat(0.0)
    # Sums of every other eight: additions need not wait for the one before.
    total, entered, square = nothing, nothing, nothing
    totals, enters, squares = nothing, nothing, nothing
    for at in range(0, width - EIGHT + 1, EIGHT):
        noise = load(lines, at)
        noise_in = larger(noise, least)
        noisy, apart = noise_in, noise_in
        if whole or touched[np.uint64(at) // np.uint64(CELL)]:
            image = load(x, source + at)
            noisy = larger(noise + image, least) if inside else noise_in + image
            apart = noisy - (load(images, begin + at) if differs else image)
        store(lines, at, noisy)
        total, totals = totals, total + apart * apart
        entered, enters = enters, entered + noise_in
        square, squares = squares, square + noise_in * noise_in
    rest, more, power = 0.0, 0.0, 0.0
    for at in range(width // EIGHT * EIGHT, width):
        value = lines[at]
        value_in = value if value > lowest else lowest
        more += value_in
        power += value_in * value_in
        near = whole or touched[at // CELL]
        value = (value if inside else value_in) + (x[source + at] if near else 0.0)
        value = value if value > lowest else lowest
        lines[at] = value
        value -= images[begin + at] if near else 0.0
        rest += value * value
    total = total + totals + splat(rest / EIGHT)
    return total, entered + enters + splat(more / EIGHT), square + squares + splat(power / EIGHT)


@inlined
def _sum_of(numbers: Floats, count: int) -> float:
    total = 0.0
    for i in range(count):
        total += numbers[i]
    return total


@inlined
def _paint(
    starts: Integers, image: int, here: int, windows: Windows, clean: Clean, lanes: int
) -> None:
    """Paint `here` windows, of images from number `image` on, into the cells that they touch."""
    window, side, values, begin = windows
    maps, _, _, touched, background = clean
    dim = starts.shape[1]
    for lane in range(here):
        source = begin + lane
        for row in range(window ** (dim - 1)):
            line = site(starts, image + lane, row, window, side)
            column = starts[image + lane, dim - 1]
            for _ in range(window):
                at = (line + column) * lanes + lane
                cell = at // CELL
                if not touched[cell]:
                    touched[cell] = 1
                    for part in range(4):
                        store(maps, cell * CELL + part * EIGHT, splat(background))
                maps[at] = values[source]
                column = column + 1 if column + 1 < side else 0
                source += lanes


@compiled(
    f"void({PLAN}, int64[:,:,::1], float64[:,:,::1], int64, int64, int64, float64[:,::1],"
    " float64[:,::1], float64[::1], uint8[::1], float64[::1], float64[::1], float64[::1])",
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
    maps: Floats,
    touched: Bytes,
    seam: Floats,
    responses: Floats,
    controls: Floats,
) -> None:
    """Add noise to blocks of images, pool them, and add up the responses of every layer.

    Taken are `count` images from number `first` on, `mode` is that of `_enter`. Their `noise`
    [blocks, ...] is overwritten; it is interleaved as the clean windows are, `history` [blocks,
    pixels of all layers, lanes], which begin at `starts` [depth + 1, images, dim]. `images`
    [blocks, ...] are what the noise is added to, or empty if the clean ones are. There is room for
    a block of clean maps in `maps`, for flags of its cells in `touched`, zeros, and for pixels
    around a seam in `seam`.
    Squared distances of noisy and clean are added to `responses` [depth + 1], sums of the noise
    and of its square to `controls`.
    """
    dim, sides, windows, pasts, backgrounds, weights, lengths, strides, biases, lowest, _ = plan
    lanes = history.shape[2]
    past = history.reshape(history.size)
    numbers = np.empty(EIGHT)
    for block in range((count + lanes - 1) // lanes):
        image = first + block * lanes
        here = min(lanes, count - block * lanes)
        valid = EIGHT if lanes == 1 else here
        lines = noise[block]
        page = image // lanes * history.shape[1]
        for k in range(len(sides)):
            side, window, begin = sides[k], windows[k], (page + pasts[k]) * lanes
            width, whole = side**dim * lanes, window == side
            shown, place = (past, begin) if whole else (maps, 0)
            clean = (shown, place, whole, touched, backgrounds[k, 0])
            if not whole:
                _paint(starts[k], image, here, (window, side, past, begin), clean, lanes)
            if k == 0:
                differs = images.size > 0
                x, source = (images[block], 0) if differs else (shown, place)
                total, entered, square = _enter(lines, width, mode, (x, source, differs), clean)
                store(numbers, 0, entered)
                controls[0] += _sum_of(numbers, valid)
                store(numbers, 0, square)
                controls[1] += _sum_of(numbers, valid)
            else:
                n, total = sides[k - 1], splat(0.0)
                outer, inner = 1, n ** (dim - 1) * lanes
                for axis in range(dim):
                    final = axis == dim - 1
                    bias, least = (biases[k - 1], lowest) if final else (0.0, -np.inf)
                    layer = (weights, k - 1, lengths[k - 1], strides[k - 1], bias, least)
                    shape = (outer, n, side, inner)
                    total = pool_axis(lines, seam, shape, layer, final, clean)
                    outer *= side
                    inner //= n
            store(numbers, 0, total)
            responses[k] += _sum_of(numbers, valid)
            if not whole:
                touched[: width // CELL + 1] = 0
