"""The compiled work on windows: clean and displaced images of a unit, all images at once.

A clean image differs from a constant background only near its active pixels: a window [n]^dim of
the torus, wherever it begins. The windows of all images of a unit lie in one array [n, ..., count],
the images innermost. A window as wide as the map is the map itself, and begins at 0.
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

__all__ = ["clean_pass", "pool_windows", "site"]

Painted = tuple[Integers, Integers, Floats]
"""Active pixels before and after the move [count, pixels, dim], and noise [count, n^dim or 0]."""


@inlined
def _move_on(
    starts: Integers,
    length: int,
    stride: int,
    side: int,
    whole: bool,
    moved: Integers,
    offsets: Integers,
) -> None:
    """From where windows begin [count, dim], set where they begin on the next map, of `side`.

    Set also `offsets` [dim, 2 count], for clean and displaced images: where, in the window, the
    first output that it reaches begins.
    """
    count, dim = starts.shape
    for image in range(count):
        for axis in range(dim):
            start = starts[image, axis]
            first = -((length - 1 - start) // stride)
            offsets[axis, image] = stride * first - start
            offsets[axis, count + image] = stride * first - start
            moved[image, axis] = 0 if whole else first % side


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
    for o in range(outer):
        for t in range(outputs):
            target: Any = np.uint64((o * outputs + t) * width)
            first = stride * t + (0 if whole else offsets[0])
            if same and length <= 3 and 0 <= first <= n - 3:  # all in one go
                a, b, c = weights[k, 0], weights[k, 1], weights[k, 2]
                above: Any = np.uint64((o * n + first) * width)
                middle: Any = above + line
                below: Any = middle + line
                for i in range(line):
                    value = bias + a * x[above + i] + b * x[middle + i] + c * x[below + i]
                    y[target + i] = value if value > lowest else lowest
                continue
            for i in range(line):
                y[target + i] = bias
            for j in range(length):
                weight = weights[k, j]
                first = stride * t + j
                if same:
                    row = first % n if whole else first + offsets[0]
                    if 0 <= row < n:
                        source: Any = np.uint64((o * n + row) * width)
                        for i in range(line):
                            y[target + i] += weight * x[source + i]
                    else:
                        for i in range(line):
                            y[target + i] += weight * background
                    continue
                for image in range(count):
                    row = first + offsets[image]
                    inside = 0 <= row < n
                    begin = (o * n + (row if inside else 0)) * width + image
                    at = (o * outputs + t) * width + image
                    for p in range(0, width, count):
                        value = x[begin + p] if inside else background
                        y[at + p] += weight * value
            if lowest == 0.0:
                for i in range(line):
                    y[target + i] = y[target + i] if y[target + i] > 0.0 else 0.0


@inlined
def site(starts: Integers, image: int, row: int, window: int, side: int) -> int:
    """Return where row number `row` of a window begins in the map, its last axis left out."""
    index, unit = 0, side
    for axis in range(starts.shape[1] - 2, -1, -1):
        index += (starts[image, axis] + row % window) % side * unit
        row //= window
        unit *= side
    return index


@inlined
def _add_up(
    starts: Integers,
    window: int,
    side: int,
    origin: Floats,
    values: Floats,
    sums: Floats,
    history: Floats,
    past: int,
    totals: Floats,
) -> None:
    """Add up what D and Q need at one layer, and write the clean windows into `history`.

    The windows `values` [n, ..., 2 count], clean images first, begin at `starts` [count, dim] on a
    map of `side`, each `window` wide. Distances are measured from `origin` [window^dim], on which
    their rounding depends, but not their values. `sums`, a map of zeros, is zero again afterwards;
    `history` [blocks, ..., lanes], of `lanes` images each, is written from row `past` on. Added to `totals` are the squared
    displacement responses, the sum of (f - mean of f)^2, and that of f^2 inside.
    """
    count, dim = starts.shape
    rows, pixels = window ** (dim - 1), side**dim
    width, size = 2 * count, rows * window
    response, norm, apart, spread = 0.0, 0.0, 0.0, 0.0
    for i in range(size):
        for image in range(i * width, i * width + count):
            clean = values[image]
            response += (values[image + count] - clean) * (values[image + count] - clean)
            norm += clean * clean
            apart += (clean - origin[i]) * (clean - origin[i])
    lanes = history.shape[2]
    for block in range(len(history)):
        first = block * lanes
        begin: Any = np.uint64(first)
        for i in range(np.uint64(size)):
            for lane in range(np.uint64(min(lanes, count - first))):
                value = values[i * np.uint64(width) + begin + lane]
                history[block, np.uint64(past) + i, lane] = value
    for image in range(count):
        block, lane = image // lanes, image % lanes
        for row in range(rows):
            begin = site(starts, image, row, window, side)
            straight = min(window, side - starts[image, dim - 1])
            for part in range(2):  # up to the seam, and from there
                low, high = (straight, window) if part else (0, straight)
                source: Any = np.uint64(row * window + low)
                target: Any = np.uint64(past) + source
                place: Any = np.uint64(begin + (0 if part else starts[image, dim - 1]))
                for i in range(np.uint64(high - low)):
                    sums[place + i] += history[block, target + i, lane] - origin[source + i]
    if count * size >= pixels:
        for i in range(pixels):
            spread += sums[i] * sums[i]
            sums[i] = 0.0
    else:  # a map much larger than the sites that the windows touch
        for image in range(count):
            for row in range(rows):
                begin = site(starts, image, row, window, side)
                column = starts[image, dim - 1]
                for _ in range(window):
                    spread += sums[begin + column] * sums[begin + column]
                    sums[begin + column] = 0.0
                    column = column + 1 if column + 1 < side else 0
    totals[0] += response
    totals[1] += apart - spread / count
    totals[2] += norm


@inlined
def _fill_up(
    starts: Integers, window: int, side: int, background: float, values: Floats, maps: Floats
) -> None:
    """Turn windows `values` [n, ..., 2 count] into whole `maps` [side, ..., 2 count]."""
    count, dim = starts.shape
    width = 2 * count
    maps[: side**dim * width] = background
    for row in range(window ** (dim - 1)):
        for image in range(count):
            begin, column = site(starts, image, row, window, side), starts[image, dim - 1]
            for i in range(row * window, row * window + window):
                at = (begin + column) * width + image
                maps[at] = values[i * width + image]
                maps[at + count] = values[i * width + image + count]
                column = column + 1 if column + 1 < side else 0


@inlined
def _paint(
    images: Painted, window: int, side: int, lowest: float, starts: Integers, values: Floats
) -> None:
    """Paint clean and displaced images into the windows `values` [n, ..., 2 count] of zeros."""
    positions, moved, background = images
    count, pixels, dim = positions.shape
    for i in range(background.shape[1]):
        for image in range(count):
            values[i * 2 * count + image] = background[image, i]
            values[i * 2 * count + count + image] = background[image, i]
    for image in range(count):
        for axis in range(dim):
            starts[image, axis] = (positions[image, 0, axis] - 1) % side if window < side else 0
        for pixel in range(pixels):
            clean, displaced = 0, 0
            for axis in range(dim):
                start = starts[image, axis]
                clean = clean * window + (positions[image, pixel, axis] - start) % side
                displaced = displaced * window + (moved[image, pixel, axis] - start) % side
            values[clean * 2 * count + image] += 1.0
            values[displaced * 2 * count + count + image] += 1.0
    if background.shape[1] > 0:
        for i in range(window**dim * 2 * count):
            values[i] = values[i] if values[i] > lowest else lowest


@compiled(
    f"void({PLAN}, Tuple((int64[:,:,::1], int64[:,:,::1], float64[:,::1])), float64[::1],"
    " float64[::1], int64[:,:,::1], float64[:,:,::1], float64[:,::1])"
)
def clean_pass(
    plan: Plan,
    images: Painted,
    values: Floats,
    spare: Floats,
    starts: Integers,
    history: Floats,
    totals: Floats,
) -> None:
    """Send the windows of clean and displaced images through the layers.

    Written are where they begin, `starts` [depth + 1, count, dim], and the clean windows `history`
    [blocks, ..., lanes], one layer after the other. The sums of `_add_up` are added to `totals`
    [depth + 1, 3]. There is room for the largest windows in `values`, zeros, and in `spare`.
    """
    dim, sides, windows, pasts, backgrounds, weights, lengths, strides, biases, lowest, _ = plan
    count = starts.shape[1]
    origin, sums = np.empty(len(values) // (2 * count)), np.zeros(sides[0] ** dim)
    offsets = np.empty((dim, 2 * count), np.int64)
    _paint(images, windows[0], sides[0], lowest, starts[0], values)
    for k in range(len(sides)):
        side, window, background = sides[k], windows[k], backgrounds[k, 0]
        whole = window == side
        if k > 0:
            old, length, stride = windows[k - 1], lengths[k - 1], strides[k - 1]
            if whole and old < sides[k - 1]:
                _fill_up(starts[k - 1], old, sides[k - 1], backgrounds[k - 1, 0], values, spare)
                values, spare = spare, values
                old = sides[k - 1]
            _move_on(starts[k - 1], length, stride, side, whole, starts[k], offsets)
            for axis in range(dim):
                shape = (window**axis, old, window, old ** (dim - 1 - axis), 2 * count)
                final = axis == dim - 1
                bias, least = (biases[k - 1], lowest) if final else (0.0, -np.inf)
                layer = (weights, k - 1, length, stride, bias, least)
                around = backgrounds[k - 1, axis]
                pool_windows(values, shape, whole, around, layer, offsets[axis], spare)
                values, spare = spare, values
        # The background, or where windows are whole the first image, keeps sums of squared
        # distances free of cancellation.
        size = window**dim
        for i in range(size):
            origin[i] = values[i * 2 * count] if whole else background
        _add_up(starts[k], window, side, origin, values, sums, history, pasts[k], totals[k])
        totals[k, 2] += background**2 * (side**dim - size) * count
