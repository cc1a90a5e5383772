"""The compiled pass over noisy images: drawn, pooled and compared while they are in cache."""

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
from scaledet.simulation.engines.compiled.lines import pool_line
from scaledet.simulation.engines.compiled.windows import pool_windows, site

__all__ = ["noisy_pass"]

# A difference that keeps less than this share of its terms is not taken.
_CANCELS = 0.99


Windows = tuple[Floats, int, int]
"""Clean windows [images, ...] of all layers, number of an image, and where one of its rows is."""


@inlined
def _pool_and_compare(
    lines: Floats,
    source: int,
    target: int,
    n: int,
    layer: LayerNumbers,
    background: float,
    clean_row: Windows,
    start: int,
    window: int,
) -> float:
    """Pool a line of the noisy image, and return its squared distance from the clean one.

    It goes from `source` on in `lines` to `target`, where it has `n` pixels. The clean one is the
    row of a window from `start` on, around the seam, and `background` elsewhere.
    """
    history, image, past = clean_row
    total = pool_line(lines, source, layer, background, lines, target, n)
    if window == 0:
        return total
    near, apart = 0.0, 0.0
    straight = min(window, n - start)
    for part in range(2):
        at = np.uint64(target + (0 if part else start))
        inside = np.uint64(past + (straight if part else 0))
        for i in range(np.uint64(window - straight if part else straight)):
            value, clean = lines[at + i], history[image, inside + i]
            near += (value - background) * (value - background)
            apart += (value - clean) * (value - clean)
    if near <= _CANCELS * total:
        return total - near + apart
    # The active pixels outshine the noise: add up the pixels outside the window by themselves.
    for i in range(n):
        if (i - start) % n >= window:
            apart += (lines[target + i] - background) * (lines[target + i] - background)
    return apart


@inlined
def _enter(
    lines: Floats,
    source: int,
    side: int,
    window: int,
    starts: Integers,
    image: int,
    mode: int,
    history: Floats,
    totals: Floats,
    saved: Floats,
) -> None:
    """Turn the noise from `source` on in `lines` into a noisy image, in place.

    `mode` 0: relu(x + noise), 1: x + relu(noise), 2: x + noise, 3: relu(noise), to which x has
    been added; history[image] begins with x in its window. Added to `totals`: the sum of the
    noise (rectified in modes 0, 1, 3), that of its square, and the squared distance of noisy and
    clean.
    """
    dim = starts.shape[1]
    lowest = -np.inf if mode == 2 else 0.0
    rows, pixels = window ** (dim - 1), side**dim
    for row in range(rows):
        begin = source + site(starts, image, row, window, side)
        column = starts[image, dim - 1]
        for i in range(row * window, row * window + window):
            saved[i] = lines[begin + column]
            column = column + 1 if column + 1 < side else 0
    total, square = 0.0, 0.0
    first: Any = np.uint64(source)
    for i in range(np.uint64(pixels)):
        value = lines[first + i]
        value = value if value > lowest else lowest
        lines[first + i] = value
        total += value
        square += value * value
    # Whole windows replace everything.
    whole = window == side
    response = 0.0 if whole else square
    for row in range(rows):
        begin = source + site(starts, image, row, window, side)
        column = starts[image, dim - 1]
        for i in range(row * window, row * window + window):
            plain, clean = lines[begin + column], history[image, i]
            noisy = saved[i] if mode == 0 else plain
            noisy += 0.0 if mode == 3 else clean
            noisy = noisy if noisy > lowest else lowest
            lines[begin + column] = noisy
            response += (noisy - clean) * (noisy - clean)
            response -= 0.0 if whole else plain * plain
            column = column + 1 if column + 1 < side else 0
    totals[0] += total
    totals[1] += square
    totals[2] += response


@compiled(
    f"void({PLAN}, int64[:,:,::1], float64[:,::1], int64, int64, int64, float64[::1],"
    " float64[::1], float64[::1])"
)
def noisy_pass(
    plan: Plan,
    starts: Integers,
    history: Floats,
    first: int,
    count: int,
    mode: int,
    lines: Floats,
    responses: Floats,
    controls: Floats,
) -> None:
    """Add noise to one image after another, pool it, and add up the responses of every layer.

    Clean windows `history` [images, ...] begin at `starts` [depth + 1, images, dim]; `count` images
    from number `first` on are taken, `mode` is that of `_enter`. `lines` has their noise and
    scratch, both overwritten: count + 1 parts of `room` numbers (one more in several dimensions),
    each an image and its neighbours across the seam. Squared distances of noisy and clean are
    added to `responses` [depth + 1], sums of the noise and of its square to `controls`.
    """
    dim, sides, windows, pasts, backgrounds, weights, lengths, strides, biases, lowest, room = plan
    saved = np.empty(pasts[1])
    totals = np.zeros(3)
    none = np.zeros(1, np.int64)
    for index in range(count):
        image, source, target = first + index, index * room, count * room
        _enter(lines, source, sides[0], windows[0], starts[0], image, mode, history, totals, saved)
        for k in range(len(strides)):
            length, stride = lengths[k], strides[k]
            n, outputs, window = sides[k], sides[k + 1], windows[k + 1]
            rows, inner = 1, n ** (dim - 1)
            plain = (weights, k, length, stride, 0.0, -np.inf)
            for _ in range(dim - 1):
                shape = (rows, n, outputs, inner, 1)
                x, y = lines[source : source + room], lines[target : target + room]
                pool_windows(x, shape, True, 0.0, plain, none, y)
                source, target = target, source
                rows *= outputs
                inner //= n
            layer = (weights, k, length, stride, biases[k], lowest)
            reach = stride * (outputs - 1) + length + 3
            response = 0.0
            for row in range(rows):
                line = source
                if dim > 1:
                    line = (count + 1) * room
                    to: Any = np.uint64(line)
                    begin: Any = np.uint64(source + row * n)
                    for i in range(np.uint64(n)):
                        lines[to + i] = lines[begin + i]
                for i in range(line + n, line + reach):
                    lines[i] = lines[i - n]
                # Which row of the window is this, if any?
                rest, inside, unit, past = row, True, window, pasts[k + 1]
                for axis in range(dim - 2, -1, -1):
                    at = (rest % outputs - starts[k + 1, image, axis]) % outputs
                    rest //= outputs
                    inside = inside and at < window
                    past += at * unit
                    unit *= window
                into, background = target + row * outputs, backgrounds[k + 1, 0]
                clean_row, start = (history, image, past), starts[k + 1, image, dim - 1]
                width = window if inside else 0
                response += _pool_and_compare(
                    lines, line, into, outputs, layer, background, clean_row, start, width
                )
            responses[k + 1] += response
            source, target = target, source
    controls[0] += totals[0]
    controls[1] += totals[1]
    responses[0] += totals[2]
