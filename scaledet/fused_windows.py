"""The compiled pass over clean and displaced images of a unit: their windows, all images at once.

A clean image differs from a constant background only near its active pixels: a window [n]^dim of
the torus, wherever it begins. The windows of all images of a unit lie in one array [n, ..., count],
the images innermost. A window as wide as the map is the map itself, and begins at 0.
"""

from __future__ import annotations

import numpy as np

from scaledet.compiled import Floats, Integers, compiled

__all__ = ["clean_pass", "site"]


@compiled(
    "void(float64[::1], int64, int64, int64, int64, int64, boolean, float64, float64[::1], int64,"
    " int64, int64[::1], float64, float64, float64[::1])"
)
def _pool_axis(
    x: Floats,
    outer: int,
    n: int,
    outputs: int,
    inner: int,
    count: int,
    whole: bool,
    background: float,
    weights: Floats,
    length: int,
    stride: int,
    offsets: Integers,
    bias: float,
    lowest: float,
    y: Floats,
) -> None:
    """Pool the axis n of windows [outer, n, inner, count] into `y` [outer, outputs, inner, count].

    Output 0 of image b begins at offsets[b] of its window.
    """
    width = inner * count
    same = whole or stride == 1
    for o in range(outer):
        for t in range(outputs):
            begin = (o * outputs + t) * width
            target = y[begin : begin + width]
            for i in range(width):
                target[i] = bias
            for j in range(length):
                weight = weights[j]
                first = stride * t + j
                if same:
                    row = first % n if whole else first + offsets[0]
                    if 0 <= row < n:
                        begin = (o * n + row) * width
                        source = x[begin : begin + width]
                        for i in range(width):
                            target[i] += weight * source[i]
                    else:
                        for i in range(width):
                            target[i] += weight * background
                    continue
                for image in range(count):
                    row = first + offsets[image]
                    inside = 0 <= row < n
                    begin = (o * n + (row if inside else 0)) * width + image
                    for p in range(inner):
                        value = x[begin + p * count] if inside else background
                        target[p * count + image] += weight * value
            for i in range(width):
                target[i] = target[i] if target[i] > lowest else lowest


@compiled("int64(int64[:,::1], int64, int64, int64, int64)")
def site(
    starts: Integers,
    image: int,
    row: int,
    window: int,
    side: int,
) -> int:
    """Return where row number `row` of a window begins in the map, its last axis left out."""
    index, unit = 0, side
    for axis in range(starts.shape[1] - 2, -1, -1):
        index += (starts[image, axis] + row % window) % side * unit
        row //= window
        unit *= side
    return index


@compiled("void(float64[::1], int64[:,::1], int64, int64, int64, float64, float64[::1])")
def _fill_up(
    values: Floats,
    starts: Integers,
    rows: int,
    window: int,
    side: int,
    background: float,
    spare: Floats,
) -> None:
    """Turn windows into whole maps, in place."""
    count, dim = starts.shape
    width = 2 * count
    size = width
    for _ in range(dim):
        size *= side
    for i in range(size):
        spare[i] = background
    for image in range(width):
        for row in range(rows):
            begin = site(starts, image % count, row, window, side)
            for p in range(window):
                column = (starts[image % count, dim - 1] + p) % side
                spare[(begin + column) * width + image] = values[(row * window + p) * width + image]
    for i in range(size):
        values[i] = spare[i]


@compiled(
    "void(int64, int64[::1], int64[::1], float64[:,::1], float64[:,::1], int64[::1], int64[::1],"
    " float64[::1], float64, int64[:,:,::1], float64[::1], float64[::1], float64[::1],"
    " float64[:,::1], float64[:,::1])"
)
def clean_pass(
    dim: int,
    sides: Integers,
    windows: Integers,
    backgrounds: Floats,
    weights: Floats,
    lengths: Integers,
    strides: Integers,
    biases: Floats,
    lowest: float,
    starts: Integers,
    values: Floats,
    sums: Floats,
    spare: Floats,
    history: Floats,
    totals: Floats,
) -> None:
    """Send clean and displaced images through the layers, and add up what Q and D need.

    Parameters
    ----------
    sides, windows
        Side of the map and of the windows, k = 0 ... depth.
    backgrounds : [depth + 1, dim]
        Value around the windows, one for each axis pooled before.
    weights, lengths, strides, biases
        Of the layers; `lowest` is 0, or minus infinity where nothing is rectified.
    starts : [depth + 1, count, dim]
        Where the windows begin; given for k = 0, written for the others.
    values
        The windows at k = 0, [n, ..., 2 count], clean images first, with room for the largest.
    sums
        A map of zeros, and zero again afterwards; `spare` is scratch.
    history : [count, ...]
        Written: the clean windows of all layers, one after the other.
    totals : [3, depth + 1]
        Added to: squared displacement responses; sum of (f - mean of f)^2; sum of f^2.
    """
    count = starts.shape[1]
    width = 2 * count
    offsets = np.zeros(width, np.int64)
    past = 0
    for k in range(len(sides)):
        side, window = sides[k], windows[k]
        whole = window == side
        rows, pixels = 1, 1
        for _ in range(dim - 1):
            rows *= window
            pixels *= side
        pixels *= side
        size = rows * window
        if k:
            stride, length = strides[k - 1], lengths[k - 1]
            old = windows[k - 1]
            if whole and old < sides[k - 1]:
                before = 1
                for _ in range(dim - 1):
                    before *= old
                _fill_up(
                    values, starts[k - 1], before, old, sides[k - 1], backgrounds[k - 1, 0], spare
                )
                old = sides[k - 1]
            outer, inner = 1, 1
            for _ in range(dim - 1):
                inner *= old
            for axis in range(dim):
                for image in range(count):
                    start = starts[k - 1, image, axis]
                    first = -((length - 1 - start) // stride)
                    offsets[image] = stride * first - start
                    offsets[count + image] = offsets[image]
                    starts[k, image, axis] = 0 if whole else first % side
                last = axis == dim - 1
                _pool_axis(
                    values, outer, old, window, inner, width, whole, backgrounds[k - 1, axis],
                    weights[k - 1], length, stride, offsets, biases[k - 1] if last else 0.0,
                    lowest if last else -np.inf, spare,
                )  # fmt: skip
                for i in range(outer * window * inner * width):
                    values[i] = spare[i]
                outer *= window
                inner //= old
        felt, norm, apart, spread = 0.0, 0.0, 0.0, 0.0
        background = backgrounds[k, 0]
        for i in range(size):
            for image in range(i * width, i * width + count):
                clean = values[image]
                felt += (values[image + count] - clean) * (values[image + count] - clean)
                norm += clean * clean
        # Distances do not depend on the origin; the background, or where windows are whole the
        # first image, keeps their sums free of cancellation.
        for image in range(count):
            for row in range(rows):
                begin = site(starts[k], image, row, window, side)
                column = starts[k, image, dim - 1]
                for i in range(row * window, row * window + window):
                    value = values[i * width + image]
                    history[image, past + i] = value
                    value -= values[i * width] if whole else background
                    apart += value * value
                    sums[begin + column] += value
                    column = column + 1 if column + 1 < side else 0
        if count * size >= pixels:
            for i in range(pixels):
                spread += sums[i] * sums[i]
                sums[i] = 0.0
        else:  # a map much larger than what the windows touch
            for image in range(count):
                for row in range(rows):
                    begin = site(starts[k], image, row, window, side)
                    column = starts[k, image, dim - 1]
                    for _ in range(window):
                        spread += sums[begin + column] * sums[begin + column]
                        sums[begin + column] = 0.0
                        column = column + 1 if column + 1 < side else 0
        totals[0, k] += felt
        totals[1, k] += apart - spread / count
        totals[2, k] += norm + background * background * (pixels - size) * count
        past += size
