"""The compiled work on windows: clean and displaced images of units, all images of one at once.

A clean image differs from a constant background only near its active pixels. A window [n]^dim of
the torus around each of them, wherever it begins, holds the image as it is there; what lies outside
all windows is background. Windows of an image that overlap share what they hold (`overlaps`). The
windows of a unit lie in one array [n, ..., columns], innermost the images, first of the first
pixel, then of the second, clean ones before displaced ones. A window as wide as the map is the map
itself, begins at 0, and is the only one of its image.
"""

from __future__ import annotations

import numpy as np

from scaledet.simulation.engines.compiled.compilation import (
    PLAN,
    Floats,
    Integers,
    Plan,
    compiled,
    inlined,
)
from scaledet.simulation.engines.compiled.overlaps import share
from scaledet.simulation.engines.compiled.pooling import Layer, layer_along
from scaledet.simulation.engines.compiled.vectors import (
    EIGHT,
    address,
    integer,
    load,
    number,
    put,
    store,
)

__all__ = ["clean_pass", "pool_windows", "site"]


@inlined
def _move_on(
    starts: Integers,
    first: int,
    parts: int,
    count: int,
    layer: tuple[int, int, int],
    side: int,
    whole: bool,
    moved: Integers,
    offsets: Integers,
) -> None:
    """From where windows begin, set where they begin on the next map, of `side`.

    `layer` is its length and stride, and by how much windows have been extended on the left. Set
    also `offsets` [dim, columns]: where, in the window, the first output that it reaches begins.
    """
    length, stride, left = layer
    for part in range(parts):
        for image in range(count):
            for axis in range(starts.shape[2]):
                start = starts[part, first + image, axis]
                reached = -((length - 1 - start) // stride)
                offset = stride * reached - start + left
                offsets[axis, part * count + image] = offset
                offsets[axis, (parts + part) * count + image] = offset
                while reached < 0:
                    reached += side
                beyond = side if reached >= side else 0
                moved[part, first + image, axis] = 0 if whole else reached - beyond


@inlined
def pool_windows(
    x: int,
    shape: tuple[int, int, int, int, int],
    whole: bool,
    background: float,
    layer: Layer,
    offsets: int,
    y: int,
) -> None:
    """Pool the axis n of windows [outer, n, inner, count] at `x`: [outer, outputs, inner, count].

    `shape` is (outer, n, outputs, inner, count). Output 0 of image b begins at offsets[b] of its
    window; of `whole` maps at 0, and they are periodic. What is pooled goes to `y`.
    """
    outer, n, outputs, inner, count = shape
    taps, length, stride, bias, lowest = layer
    width = inner * count
    same = whole or stride == 1
    ahead = 0 if whole else integer(offsets, 0)
    # Outputs that see three rows inside are pooled in one go, with stride 1 all of them together.
    low, high, together = 0, 0, 1
    if same and length <= 3:
        low, high = max(0, -(ahead // stride)), min(outputs, (n - 3 - ahead) // stride + 1)
        together = max(1, high - low) if stride == 1 else 1
    a, b, c = number(taps, 0), number(taps, 1), number(taps, 2)
    for o in range(outer if same else 0):
        for t in range(low, high, together):
            above, into = (o * n + stride * t + ahead) * width, (o * outputs + t) * width
            for i in range(together * width):
                value = bias + a * number(x, above + i) + b * number(x, above + width + i)
                value += c * number(x, above + 2 * width + i)
                put(y, into + i, value if value > lowest else lowest)
        for t in range(outputs):
            if low <= t < high:
                continue
            into = (o * outputs + t) * width
            for j in range(length):
                first = stride * t + j
                row = first % n if whole else first + ahead
                inside, weight, begin = 0 <= row < n, number(taps, j), (o * n + row) * width
                floor = lowest if j == length - 1 else -np.inf
                for i in range(width):
                    value = bias if j == 0 else number(y, into + i)
                    value += weight * (number(x, begin + i) if inside else background)
                    put(y, into + i, value if value > floor else floor)
    for row in range(0 if same else outer * outputs):
        o, t = row // outputs, row % outputs
        for i in range(inner):
            for image in range(count):
                first = stride * t + integer(offsets, image)
                place = (o * n * inner + i) * count + image
                value = bias
                for j in range(length):
                    inside = 0 <= first + j < n
                    pixel = number(x, place + (first + j if inside else 0) * width)
                    value += number(taps, j) * (pixel if inside else background)
                value = value if value > lowest else lowest
                put(y, (row * inner + i) * count + image, value)


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
    background: float,
    values: int,
    sums: int,
    history: Floats,
    block: int,
    past: int,
    totals: Floats,
) -> None:
    """Add up what D and Q need at one layer, and write the clean windows into `history`.

    `maps` is (window, side, parts): the windows `values` of `parts` for every image begin at
    `starts` [parts, images, dim]; those of this unit are `count` from image `first` on. Distances
    are measured from `background`, or where windows are whole maps from the first image: it keeps
    them free of cancellation. `sums` is room for a map; `history` [blocks, ..., lanes], of as many
    images each, is written from this `block` and row `past` on, one part after the other. Added to
    `totals` are the squared displacement responses, the sum of (f - mean of f)^2, and that of f^2
    inside.
    """
    window, side, parts = maps
    dim, lanes = starts.shape[2], history.shape[2]
    rows, pixels = window ** (dim - 1), side**dim
    half, size = parts * count, rows * window
    width, whole = 2 * half, window == side
    response, norm, apart, spread = 0.0, 0.0, 0.0, 0.0
    for i in range(size):
        middle = number(values, i * width) if whole else background
        for at in range(i * width, i * width + half):
            clean, displaced = number(values, at), number(values, at + half)
            response += (displaced - clean) * (displaced - clean)
            norm += clean * clean
            apart += (clean - middle) * (clean - middle)
    for part in range(parts):
        for tile in range(0, count, lanes):
            page = address(history) + (block + tile // lanes) * history.strides[0]
            begin, row_of = part * count + tile, past + part * size
            if lanes == EIGHT and tile + EIGHT <= count:
                for i in range(size):
                    store(page, (row_of + i) * EIGHT, load(values, i * width + begin))
                continue
            for i in range(size):
                for lane in range(min(lanes, count - tile)):
                    value = number(values, i * width + begin + lane)
                    put(page, (row_of + i) * lanes + lane, value)
    # Of a map much larger than the sites that the windows touch, only these are zeroed and squared.
    dense = half * size >= pixels
    for at in range(pixels if dense else 0):
        put(sums, at, 0.0)
    for step in range(1 if dense else 0, 2 if dense else 3):
        for part in range(parts):
            page, lane = address(history) + block * history.strides[0], 0
            for image in range(first, first + count):
                begin = starts[part, image, dim - 1]
                straight = min(window, side - begin)
                at = (past + part * size) * lanes + lane
                for row in range(rows):
                    start = site(starts, part, image, row, window, side)
                    for i in range(row * window, row * window + window):
                        inside = i - row * window < straight
                        place = start + i - row * window + (begin if inside else begin - side)
                        total = number(sums, place)
                        if step == 1:
                            middle = number(values, i * width) if whole else background
                            total += number(page, at) - middle
                        else:
                            spread += total * total if step == 2 else 0.0
                            total = 0.0
                        put(sums, place, total)
                        at += lanes
                lane += 1
                if lane == lanes:
                    page, lane = page + history.strides[0], 0
    for at in range(pixels if dense else 0):
        spread += number(sums, at) * number(sums, at)
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
    values: int,
    maps: int,
) -> None:
    """Turn windows `values` [n, ..., columns] into whole `maps` [side, ..., 2 count]."""
    parts, dim = starts.shape[0], starts.shape[2]
    half = parts * count
    for at in range(side**dim * 2 * count):
        put(maps, at, background)
    for part in range(parts - 1, -1, -1):  # later ones are blank where they overlap
        for row in range(window ** (dim - 1)):
            for image in range(count):
                begin = site(starts, part, first + image, row, window, side)
                column = starts[part, first + image, dim - 1]
                for i in range(row * window, row * window + window):
                    at = (begin + column) * 2 * count + image
                    place = i * 2 * half + part * count + image
                    put(maps, at, number(values, place))
                    put(maps, at + count, number(values, place + half))
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
    values: int,
) -> None:
    """Paint clean and displaced images of a unit into its windows `values` [n, ..., columns]."""
    pixels, dim = positions.shape[1:]
    half = parts * count
    for at in range(window**dim * 2 * half):
        put(values, at, 0.0)
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
                        at = at * 2 * half + column
                        put(values, at, number(values, at) + 1.0)


@compiled(
    f"void({PLAN}, int64[::1], int64[:,:,::1], int64[:,:,::1], int64[::1], float64[:,::1],"
    " float64[::1], int64[:,::1], int64[:,:,:,::1], float64[:,:,::1],"
    " float64[:,:,::1])"
)
def clean_pass(
    plan: Plan,
    extents: Integers,
    positions: Integers,
    moved: Integers,
    counts: Integers,
    room: Floats,
    map_of_sums: Floats,
    offsets: Integers,
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
    as extents[k]. There is `room` [2, ...] for the largest of any unit twice, in `offsets`
    [dim, ...] for a number of each window, and for a whole map.
    """
    dim, sides, windows, pasts, backgrounds, _, lengths, strides, _, _, _ = plan
    values, spare, sums = address(room), address(room) + room.strides[0], address(map_of_sums)
    first, block, lanes = 0, 0, history.shape[2]
    for unit in range(len(counts)):
        count, old, left = counts[unit], 0, 0
        for k in range(len(sides)):
            side, window, background = sides[k], windows[k], backgrounds[k, 0]
            whole = window == side
            parts = 1 if whole else starts.shape[1]
            if k == 0:
                _paint(positions, moved, first, count, parts, window, side, starts[0], values)
            else:
                length, stride, before = lengths[k - 1], strides[k - 1], sides[k - 1]
                if whole and old < before:
                    around = backgrounds[k - 1, 0]
                    _fill_up(starts[k - 1], first, count, old, before, around, values, spare)
                    values, spare, old = spare, values, before
                layer_of, half = (length, stride, left), parts * count
                _move_on(
                    starts[k - 1], first, parts, count, layer_of, side, whole, starts[k], offsets
                )
                for axis in range(dim):
                    inner = old ** (dim - 1 - axis)
                    shape = (window**axis, old, window, inner, 2 * half)
                    layer = layer_along(plan, k - 1, axis)
                    here = address(offsets) + axis * offsets.strides[0]
                    pool_windows(values, shape, whole, backgrounds[k - 1, axis], layer, here, spare)
                    values, spare = spare, values
            size, old, left = window**dim, window, 0
            if parts > 1:
                maps = (window, side, left, old, background)
                share(starts[k], first, count, maps, True, values, spare)
            _add_up(
                starts[k],
                first,
                count,
                (window, side, parts),
                background,
                values,
                sums,
                history,
                block,
                pasts[k],
                totals[unit, k],
            )
            # Windows are last needed here if the next maps are whole, or there are none.
            ends = k + 1 == len(sides) or windows[k + 1] == sides[k + 1]
            if parts > 1 and not ends and extents[k] > window:
                old, left = extents[k], lengths[k] - 1
                maps = (window, side, left, old, background)
                share(starts[k], first, count, maps, False, values, spare)
                values, spare = spare, values
            totals[unit, k, 2] += background**2 * (side**dim - parts * size) * count
        first += count
        block += (count + lanes - 1) // lanes
