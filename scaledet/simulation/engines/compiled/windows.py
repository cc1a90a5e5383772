"""The compiled work on windows: clean and displaced images of units, all images of one at once.

A clean image differs from a constant background only near its active pixels. A window [n]^dim of
the torus around each of them, wherever it begins, holds the image as it is there; what lies outside
all windows is background. Windows of an image that overlap share what they hold (`overlaps`). The
windows of a unit lie in one array [n, ..., columns], innermost the images, first of the first
pixel, then of the second, clean ones before displaced ones. A window as wide as the map is the map
itself, begins at 0, and is the only one of its image.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scaledet.simulation.engines.compiled.compilation import (
    PLAN,
    Floats,
    Integers,
    LayerNumbers,
    Plan,
    compiled,
    inlined,
)
from scaledet.simulation.engines.compiled.overlaps import share
from scaledet.simulation.engines.compiled.vectors import (
    EIGHT,
    address,
    load,
    number,
    put,
    store,
)

__all__ = ["clean_pass", "pool_windows", "site"]


@inlined
def _move_on(
    starts: Integers,
    part: int,
    first: int,
    count: int,
    layer: tuple[int, int, int],
    side: int,
    whole: bool,
    moved: Integers,
    offsets: Integers,
) -> None:
    """From where windows of one part begin, set where they begin on the next map, of `side`.

    `layer` is its length and stride, and by how much windows have been extended on the left. Set
    also `offsets` [dim, columns]: where, in the window, the first output that it reaches begins.
    """
    length, stride, left = layer
    half = offsets.shape[1] // 2
    for image in range(count):
        for axis in range(starts.shape[2]):
            start = starts[part, first + image, axis]
            reached = -((length - 1 - start) // stride)
            offset = stride * reached - start + left
            offsets[axis, part * count + image] = offset
            offsets[axis, half + part * count + image] = offset
            while reached < 0:
                reached += side
            beyond = side if reached >= side else 0
            moved[part, first + image, axis] = 0 if whole else reached - beyond


@inlined
def pool_windows(
    x: Floats,
    shape: tuple[int, int, int, int, int],
    whole: bool,
    background: float,
    layer: LayerNumbers,
    offsets: Integers,
    y: Floats,
) -> None:
    """Pool the axis n of windows [outer, n, inner, count] into `y` [outer, outputs, inner, count].

    `shape` is (outer, n, outputs, inner, count). Output 0 of image b begins at offsets[b] of its
    window; of `whole` maps at 0, and they are periodic.
    """
    outer, n, outputs, inner, count = shape
    weights, k, length, stride, bias, lowest = layer
    width = inner * count
    # Unsigned: no index is negative, and the compiler need not look.
    line: Any = np.uint64(width)
    same = whole or stride == 1
    ahead = 0 if whole else offsets[0]
    # Outputs that see three rows inside are pooled in one go, with stride 1 all of them together.
    low, high, together = 0, 0, 1
    if same and length <= 3:
        low, high = max(0, -(ahead // stride)), min(outputs, (n - 3 - ahead) // stride + 1)
        together = max(1, high - low) if stride == 1 else 1
    for o in range(outer if same else 0):
        for t in range(low, high, together):
            a, b, c = weights[k, 0], weights[k, 1], weights[k, 2]
            above: Any = np.uint64((o * n + stride * t + ahead) * width)
            middle: Any = above + line
            below: Any = middle + line
            into: Any = np.uint64((o * outputs + t) * width)
            for i in range(np.uint64(together * width)):
                value = bias + a * x[above + i] + b * x[middle + i] + c * x[below + i]
                y[into + i] = value if value > lowest else lowest
        for t in range(outputs):
            if low <= t < high:
                continue
            target: Any = np.uint64((o * outputs + t) * width)
            for i in range(line):
                y[target + i] = bias
            for j in range(length):
                weight = weights[k, j]
                first = stride * t + j
                row = first % n if whole else first + ahead
                if 0 <= row < n:
                    source: Any = np.uint64((o * n + row) * width)
                    for i in range(line):
                        y[target + i] += weight * x[source + i]
                else:
                    for i in range(line):
                        y[target + i] += weight * background
            if lowest == 0.0:
                for i in range(line):
                    y[target + i] = y[target + i] if y[target + i] > 0.0 else 0.0
    taps = address(weights) + k * weights.strides[0]
    for row in range(0 if same else outer * outputs):
        o, t = row // outputs, row % outputs
        for i in range(inner):
            for image in range(count):
                ahead, place = stride * t + offsets[image], (o * n * inner + i) * count + image
                value = bias
                for j in range(length):
                    inside = 0 <= ahead + j < n
                    pixel = number(address(x), place + (ahead + j) * width) if inside else background
                    value += number(taps, j) * pixel
                value = value if value > lowest else lowest
                put(address(y), (row * inner + i) * count + image, value)


@inlined
def site(starts: Integers, part: int, image: int, row: int, window: int, side: int) -> int:
    """Return where row number `row` of a window begins in the map, its last axis left out."""
    index, unit = 0, side
    for axis in range(starts.shape[2] - 2, -1, -1):
        index += (starts[part, image, axis] + row % window) % side * unit
        row //= window
        unit *= side
    return index


@inlined
def _add_up(
    starts: Integers,
    first: int,
    count: int,
    maps: tuple[int, int, int],
    origin: Floats,
    values: Floats,
    sums: Floats,
    history: Floats,
    block: int,
    past: int,
    totals: Floats,
) -> None:
    """Add up what D and Q need at one layer, and write the clean windows into `history`.

    `maps` is (window, side, parts): the windows `values` of `parts` for every image begin at
    `starts` [parts, images, dim]; those of this unit are `count` from image `first` on. Distances
    are measured from `origin` [window^dim], on which their rounding depends, but not their values.
    `sums`, a map of zeros, is zero again afterwards; `history` [blocks, ..., lanes], of as many
    images each, is written from this `block` and row `past` on, one part after the other. Added to
    `totals` are the squared displacement responses, the sum of (f - mean of f)^2, and that of f^2
    inside.
    """
    window, side, parts = maps
    dim, lanes = starts.shape[2], history.shape[2]
    rows, pixels = window ** (dim - 1), side**dim
    half, size = parts * count, rows * window
    width = 2 * half
    response, norm, apart, spread = 0.0, 0.0, 0.0, 0.0
    for i in range(size):
        for image in range(i * width, i * width + half):
            clean = values[image]
            response += (values[image + half] - clean) * (values[image + half] - clean)
            norm += clean * clean
            apart += (clean - origin[i]) * (clean - origin[i])
    for part in range(parts):
        for tile in range(0, count, lanes):
            page = address(history) + (block + tile // lanes) * history.strides[0]
            begin, row_of = part * count + tile, past + part * size
            if lanes == EIGHT and tile + EIGHT <= count:
                for i in range(size):
                    eight = load(address(values), i * width + begin)
                    store(page, (row_of + i) * EIGHT, eight)
                continue
            for i in range(size):
                for lane in range(min(lanes, count - tile)):
                    value = number(address(values), i * width + begin + lane)
                    put(page, (row_of + i) * lanes + lane, value)
        for image in range(count):
            page = address(history) + (block + image // lanes) * history.strides[0]
            column = starts[part, first + image, dim - 1]
            straight = min(window, side - column)
            for row in range(rows):
                start = site(starts, part, first + image, row, window, side)
                for seam in range(2):  # up to the seam, and from there
                    low, high = (straight, window) if seam else (0, straight)
                    source = row * window + low
                    place = start + (0 if seam else column)
                    at = (past + part * size + source) * lanes + image % lanes
                    for i in range(high - low):
                        apart_from = number(page, at) - number(address(origin), source + i)
                        total = number(address(sums), place + i) + apart_from
                        put(address(sums), place + i, total)
                        at += lanes
    if half * size >= pixels:
        for i in range(pixels):
            spread += sums[i] * sums[i]
            sums[i] = 0.0
    else:  # a map much larger than the sites that the windows touch
        for part in range(parts):
            for image in range(first, first + count):
                for row in range(rows):
                    start = site(starts, part, image, row, window, side)
                    column = starts[part, image, dim - 1]
                    for _ in range(window):
                        spread += sums[start + column] * sums[start + column]
                        sums[start + column] = 0.0
                        column = column + 1 if column + 1 < side else 0
    totals[0] += response
    totals[1] += apart - spread / count
    totals[2] += norm


@inlined
def _fill_up(
    starts: Integers,
    first: int,
    count: int,
    window: int,
    side: int,
    background: float,
    values: Floats,
    maps: Floats,
) -> None:
    """Turn windows `values` [n, ..., columns] into whole `maps` [side, ..., 2 count]."""
    parts, dim = starts.shape[0], starts.shape[2]
    half = parts * count
    maps[: side**dim * 2 * count] = background
    for part in range(parts - 1, -1, -1):  # later ones are blank where they overlap
        for row in range(window ** (dim - 1)):
            for image in range(count):
                begin = site(starts, part, first + image, row, window, side)
                column = starts[part, first + image, dim - 1]
                for i in range(row * window, row * window + window):
                    at = (begin + column) * 2 * count + image
                    place = i * 2 * half + part * count + image
                    maps[at] = values[place]
                    maps[at + count] = values[place + half]
                    column = column + 1 if column + 1 < side else 0


@inlined
def _paint(
    positions: Integers,
    moved: Integers,
    first: int,
    count: int,
    parts: int,
    window: int,
    side: int,
    starts: Integers,
    values: Floats,
) -> None:
    """Paint clean and displaced images of a unit into its windows `values` [n, ..., columns]."""
    pixels, dim = positions.shape[1:]
    half = parts * count
    values[: window**dim * 2 * half] = 0.0
    for part in range(parts):
        for image in range(first, first + count):
            for axis in range(dim):
                start = (positions[image, part, axis] - 1) % side
                starts[part, image, axis] = start if window < side else 0
            for pixel in range(pixels):
                for displaced in range(2):
                    at, inside = 0, True
                    for axis in range(dim):
                        place = moved[image, pixel, axis]
                        if displaced == 0:
                            place = positions[image, pixel, axis]
                        place = (place - starts[part, image, axis]) % side
                        inside = inside and place < window
                        at = at * window + place
                    if inside:
                        column = displaced * half + part * count + image - first
                        values[at * 2 * half + column] += 1.0


@compiled(
    f"void({PLAN}, int64[::1], int64[:,:,::1], int64[:,:,::1], int64[::1], float64[::1],"
    " float64[::1], float64[::1], int64[:,:,:,::1], float64[:,:,::1], float64[:,:,::1])"
)
def clean_pass(
    plan: Plan,
    extents: Integers,
    positions: Integers,
    moved: Integers,
    counts: Integers,
    values: Floats,
    spare: Floats,
    sums: Floats,
    starts: Integers,
    history: Floats,
    totals: Floats,
) -> None:
    """Send the windows of clean and displaced images of units through the layers.

    Units hold `counts` images, one after the other, with active pixels at `positions` and `moved`
    [images, pixels, dim]. Written are where windows begin, `starts` [depth + 1, parts, images,
    dim], one part for each pixel, of maps that are whole part 0 alone; and the clean windows
    `history` [blocks, ..., lanes], one layer after the other, each unit in blocks of its own. The
    sums of `_add_up` are added to `totals` [units, depth + 1, 3]. Layer k + 1 needs windows as wide
    as extents[k]. There is room for the largest of any unit in `values` and in `spare`;
    `sums`, a map of zeros, is zero again afterwards.
    """
    dim, sides, windows, pasts, backgrounds, weights, lengths, strides, biases, lowest, _ = plan
    several = starts.shape[1]
    origin = np.empty(np.max(windows) ** dim)
    first, block, lanes = 0, 0, history.shape[2]
    for unit in range(len(counts)):
        count = counts[unit]
        for k in range(len(sides)):
            side, window, background = sides[k], windows[k], backgrounds[k, 0]
            whole = window == side
            parts = 1 if whole else several
            if k == 0:
                _paint(positions, moved, first, count, parts, window, side, starts[0], values)
            else:
                old, length, stride, left = windows[k - 1], lengths[k - 1], strides[k - 1], 0
                before = sides[k - 1]
                if whole and old < before:
                    around = backgrounds[k - 1, 0]
                    _fill_up(starts[k - 1], first, count, old, before, around, values, spare)
                    values, spare = spare, values
                    old = before
                elif extents[k - 1] > old:
                    left, width = length - 1, extents[k - 1]
                    extent = (old, before, left, width, backgrounds[k - 1, 0])
                    share(starts[k - 1], first, count, extent, False, values, spare)
                    values, spare = spare, values
                    old = width
                offsets = np.empty((dim, 2 * parts * count), np.int64)
                for part in range(parts):
                    layer_of = (length, stride, left)
                    _move_on(
                        starts[k - 1], part, first, count, layer_of, side, whole, starts[k], offsets
                    )
                for axis in range(dim):
                    inner = old ** (dim - 1 - axis)
                    shape = (window**axis, old, window, inner, 2 * parts * count)
                    final = axis == dim - 1
                    bias, least = (biases[k - 1], lowest) if final else (0.0, -np.inf)
                    layer = (weights, k - 1, length, stride, bias, least)
                    around = backgrounds[k - 1, axis]
                    pool_windows(values, shape, whole, around, layer, offsets[axis], spare)
                    values, spare = spare, values
            if parts > 1:
                extent = (window, side, 0, window, background)
                share(starts[k], first, count, extent, True, values, spare)
            # The background, or where windows are whole the first image, keeps sums of squared
            # distances free of cancellation.
            size = window**dim
            for i in range(size):
                origin[i] = values[i * 2 * count] if whole else background
            maps = (window, side, parts)
            _add_up(
                starts[k],
                first,
                count,
                maps,
                origin,
                values,
                sums,
                history,
                block,
                pasts[k],
                totals[unit, k],
            )
            totals[unit, k, 2] += background**2 * (side**dim - parts * size) * count
        first += count
        block += (count + lanes - 1) // lanes
