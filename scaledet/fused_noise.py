"""The compiled pass over noisy images: drawn, pooled and compared while they are in cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from scaledet.compiled import Floats, Integers, compiled
from scaledet.fused_pooling import pool_line
from scaledet.fused_windows import pool_axis, site

__all__ = ["noisy_pass"]

# A difference that keeps less than this share of its terms is not taken.
_CANCELS = 0.99


@compiled(
    "float64(float64[::1], float64[:,::1], int64, int64, int64, float64, float64, float64,"
    " float64[::1], int64, int64, int64, float64[:,::1], int64, int64, int64)"
)
def _pool_and_compare(
    x: Floats,
    weights: Floats,
    layer: int,
    length: int,
    stride: int,
    bias: float,
    lowest: float,
    background: float,
    y: Floats,
    begin: int,
    n: int,
    start: int,
    history: Floats,
    number: int,
    past: int,
    window: int,
) -> float:
    """Pool a line of the noisy image, and return its squared distance from the clean one.

    That is history[number, past : past + window] from `start` on, around the seam, and
    `background` elsewhere.
    """
    total = pool_line(x, 0, weights, layer, length, stride, bias, lowest, background, y, begin, n)
    if window == 0:
        return total
    near, apart = 0.0, 0.0
    straight = min(window, n - start)
    for part in range(2):
        at = np.uint64(begin + (0 if part else start))
        mine = np.uint64(past + (straight if part else 0))
        for i in range(np.uint64(window - straight if part else straight)):
            value, clean = y[at + i], history[number, mine + i]
            near += (value - background) * (value - background)
            apart += (value - clean) * (value - clean)
    if near <= _CANCELS * total:
        return total - near + apart
    # The active pixels outshine the noise: add up what lies outside the window by itself.
    first = begin + (start + window) % n
    second = begin + n if start + window < n else first
    for i in range(first, second if second > first else begin + start):
        apart += (y[i] - background) * (y[i] - background)
    if second > first:
        for i in range(begin, begin + start):
            apart += (y[i] - background) * (y[i] - background)
    return apart


@compiled(
    "void(float64[::1], int64, int64, int64, int64[:,::1], int64, int64, float64[::1],"
    " float64[::1], float64[::1])"
)
def _enter(
    image: Floats,
    pixels: int,
    side: int,
    window: int,
    starts: Integers,
    number: int,
    mode: int,
    clean: Floats,
    totals: Floats,
    saved: Floats,
) -> None:
    """Turn noise into a noisy image, in place.

    `mode` 0: relu(x + noise), 1: x + relu(noise), 2: x + noise, 3: relu(noise), to which x has
    been added; `clean` begins with x in its window. Added to `totals`: the sum of the noise
    (rectified in modes 0, 1, 3), that of its square, and the squared distance of noisy and clean.
    """
    dim = starts.shape[1]
    lowest = -np.inf if mode == 2 else 0.0
    rows = 1
    for _ in range(dim - 1):
        rows *= window
    for row in range(rows):
        begin, column = site(starts, number, row, window, side), starts[number, dim - 1]
        for i in range(row * window, row * window + window):
            saved[i] = image[begin + column]
            column = column + 1 if column + 1 < side else 0
    total, square = 0.0, 0.0
    for i in range(pixels):
        value = image[i] if image[i] > lowest else lowest
        image[i] = value
        total += value
        square += value * value
    # Where windows are whole, what they replace is everything.
    whole = window == side
    felt = 0.0 if whole else square
    for row in range(rows):
        begin, column = site(starts, number, row, window, side), starts[number, dim - 1]
        for i in range(row * window, row * window + window):
            plain = image[begin + column]
            noisy = saved[i] if mode == 0 else plain
            noisy += 0.0 if mode == 3 else clean[i]
            noisy = noisy if noisy > lowest else lowest
            image[begin + column] = noisy
            felt += (noisy - clean[i]) * (noisy - clean[i])
            felt -= 0.0 if whole else plain * plain
            column = column + 1 if column + 1 < side else 0
    totals[0] += total
    totals[1] += square
    totals[2] += felt


@compiled(
    "void(int64, int64[::1], int64[::1], float64[:,::1], float64[:,::1], int64[::1], int64[::1],"
    " float64[::1], float64, int64[:,:,::1], float64[:,::1], int64, int64, float64[:,::1],"
    " float64[::1], float64[::1], float64[::1], float64[::1])"
)
def noisy_pass(
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
    history: Floats,
    first: int,
    mode: int,
    noise: Floats,
    other: Floats,
    line: Floats,
    responses: Floats,
    controls: Floats,
) -> None:
    """Add noise to one image after another, pool it, and add up what every layer feels.

    Parameters
    ----------
    dim, sides, windows, backgrounds, weights, lengths, strides, biases, lowest
        As in `fused_engine`: the layers, and the windows of clean images.
    starts, history
        Where the windows begin [depth + 1, images, dim]; the windows [images, ...], one layer
        after the other.
    first, mode
        Number of the first image; how the noise enters it, as in `_enter`.
    noise : [n, ...]
        Noise of as many images, with room for neighbours across the seam; overwritten.
    other, line
        Scratch: an image and an axis, with such room.
    responses, controls
        Added to: squared distances of noisy and clean, [depth + 1]; sums of the noise and of its
        square.
    """
    pixels = 1
    for _ in range(dim):
        pixels *= sides[0]
    saved = np.empty(windows[0] ** dim)
    totals = np.zeros(3)
    none = np.zeros(1, np.int64)
    for index in range(len(noise)):
        number, image = first + index, noise[index]
        clean = history[number]
        _enter(image, pixels, sides[0], windows[0], starts[0], number, mode, clean, totals, saved)
        past = windows[0] ** dim
        x, y = image, other
        for k in range(len(strides)):
            length, stride = lengths[k], strides[k]
            n, outputs, window = sides[k], sides[k + 1], windows[k + 1]
            lines, inner = 1, 1
            for _ in range(dim - 1):
                inner *= n
            for _ in range(dim - 1):
                pool_axis(
                    x, lines, n, outputs, inner, 1, True, 0.0, weights, k, length, stride, none,
                    0.0, -np.inf, y,
                )  # fmt: skip
                x, y = y, x
                lines *= outputs
                inner //= n
            reach = stride * (outputs - 1) + length + 3
            felt = 0.0
            for row in range(lines):
                source = x
                if dim > 1:
                    source = line
                    begin: Any = np.uint64(row * n)
                    for i in range(np.uint64(n)):
                        line[i] = x[begin + i]
                for i in range(n, reach):
                    source[i] = source[i - n]
                # Which row of the window is this, if any?
                rest, inside, unit, mine = row, True, 1, 0
                for axis in range(dim - 2, -1, -1):
                    at = (rest % outputs - starts[k + 1, number, axis]) % outputs
                    rest //= outputs
                    inside = inside and at < window
                    mine += at * unit
                    unit *= window
                felt += _pool_and_compare(
                    source, weights, k, length, stride, biases[k], lowest, backgrounds[k + 1, 0],
                    y, row * outputs, outputs, starts[k + 1, number, dim - 1], history, number,
                    past + mine * window, window if inside else 0,
                )  # fmt: skip
            responses[k + 1] += felt
            past += window**dim
            x, y = y, x
    controls[0] += totals[0]
    controls[1] += totals[1]
    responses[0] += totals[2]
