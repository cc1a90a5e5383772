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


Windows = tuple[Floats, int, Integers, Integers, int]
"""Clean windows [images, ..., 1] of all layers, number of an image, where the rows of its parts are
that cross a line (-1: none does), where they begin in it, and how wide they are."""


@inlined
def _pool_and_compare(
    lines: Floats,
    source: int,
    target: int,
    n: int,
    layer: LayerNumbers,
    background: float,
    clean_rows: Windows,
) -> float:
    """Pool a line of the noisy image, and return its squared distance from the clean one.

    It goes from `source` on in `lines` to `target`, where it has `n` pixels. The clean one is
    `background` outside its windows, which may lie around the seam. Those that overlap count once:
    later ones are background there.
    """
    history, image, pasts, begins, window = clean_rows
    total = pool_line(lines, source, layer, background, lines, target, n)
    near, apart = 0.0, 0.0
    for part in range(len(pasts)):
        start, past = begins[part], pasts[part]
        straight = min(window, n - start)
        for seam in range(2 if past >= 0 else 0):
            at = np.uint64(target + (0 if seam else start))
            inside = np.uint64(past + (straight if seam else 0))
            for i in range(np.uint64(window - straight if seam else straight)):
                value, clean = lines[at + i], history[image, inside + i, 0]
                near += (value - background) * (value - background)
                apart += (value - clean) * (value - clean)
    if near <= _CANCELS * total:
        return total - near + apart
    # The active pixels outshine the noise: add up all pixels by themselves.
    apart = 0.0
    for i in range(n):
        clean = background
        for part in range(len(pasts) - 1, -1, -1):
            inside = (i - begins[part]) % n
            if pasts[part] >= 0 and inside < window:
                clean = history[image, pasts[part] + inside, 0]
        apart += (lines[target + i] - clean) * (lines[target + i] - clean)
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
    been added; history[image] begins with x in its windows. Added to `totals`: the sum of the
    noise (rectified in modes 0, 1, 3), that of its square, and the squared distance of noisy and
    clean.
    """
    parts, dim = 1 if window == side else starts.shape[0], starts.shape[2]
    lowest = -np.inf if mode == 2 else 0.0
    rows, pixels = window ** (dim - 1), side**dim
    for part in range(parts):
        past, where = part * window**dim, starts[part]
        for row in range(rows):
            begin = source + site(where, image, row, window, side)
            column = where[image, dim - 1]
            for i in range(past + row * window, past + row * window + window):
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
    for part in range(parts - 1, -1, -1):  # later ones are background where they overlap
        past, where = part * window**dim, starts[part]
        for row in range(rows):
            begin = source + site(where, image, row, window, side)
            column = where[image, dim - 1]
            for i in range(past + row * window, past + row * window + window):
                plain, clean = lines[begin + column], history[image, i, 0]
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
    f"void({PLAN}, int64[:,:,:,::1], float64[:,:,::1], int64, int64, int64, float64[::1],"
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

    Clean windows `history` [images, ..., 1], one part after the other in each layer, begin at
    `starts` [depth + 1, parts, images, dim]; of whole maps there is one part. `count` images from
    number `first` on are taken, `mode` is that of `_enter`. `lines` has their noise and
    scratch, both overwritten: count + 1 parts of `room` numbers (one more in several dimensions),
    each an image and its neighbours across the seam. Squared distances of noisy and clean are
    added to `responses` [depth + 1], sums of the noise and of its square to `controls`.
    """
    dim, sides, windows, pasts, backgrounds, weights, lengths, strides, biases, lowest, room = plan
    saved = np.empty(pasts[1])
    begins, passed = np.empty(starts.shape[1], np.int64), np.empty(starts.shape[1], np.int64)
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
                # Which row of the windows is this, if any?
                parts = 1 if window == outputs else starts.shape[1]
                for part in range(parts):
                    begins[part] = starts[k + 1, part, image, dim - 1]
                    rest, inside, unit = row, True, window
                    passed[part] = pasts[k + 1] + part * window**dim
                    for axis in range(dim - 2, -1, -1):
                        at = (rest % outputs - starts[k + 1, part, image, axis]) % outputs
                        rest //= outputs
                        inside = inside and at < window
                        passed[part] += at * unit
                        unit *= window
                    passed[part] = passed[part] if inside else -1
                into, background = target + row * outputs, backgrounds[k + 1, 0]
                clean_rows = (history, image, passed[:parts], begins[:parts], window)
                response += _pool_and_compare(
                    lines, line, into, outputs, layer, background, clean_rows
                )
            responses[k + 1] += response
            source, target = target, source
    controls[0] += totals[0]
    controls[1] += totals[1]
    responses[0] += totals[2]
