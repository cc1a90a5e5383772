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
from scaledet.simulation.engines.compiled.pooling import layer_along, pool_axis
from scaledet.simulation.engines.compiled.vectors import (
    EIGHT,
    address,
    beginning,
    larger,
    load,
    number,
    put,
    splat,
    store,
    sum_of,
)
from scaledet.simulation.engines.compiled.windows import site

__all__ = ["noisy_pass"]

_FOUR = 4 * EIGHT
"""Numbers taken at a time: additions to a sum wait for each other."""

_DIGITS = 2.0**-10
"""Part of the squares that are taken away again which must remain, for three digits to be lost."""

Images = tuple[int, int, bool]
"""An address, how many numbers from there images begin, and whether they do: a constant image if
they do not."""


@inlined
def _enter(lines: int, width: int, mode: int, clean: Images) -> tuple[Any, Any]:
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
        value, pixel = number(lines, at), number(x, begin + at) if varies else 0.0
        entered = value if value > lowest else lowest
        rest += entered
        power += entered * entered
        value = (value if inside else entered) + pixel
        put(lines, at, value if value > lowest else lowest)
    return total + splat(rest / EIGHT), square + splat(power / EIGHT)


@inlined
def _apart(lines: int, width: int, clean: Images, background: float) -> Any:
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
        value = number(lines, at) - (number(images, begin + at) if varies else background)
        rest += value * value
    return total + splat(rest / EIGHT)


@inlined
def _change(windows: int, width: int, clean: Images, background: float) -> tuple[Any, Any]:
    """Return what the square of windows[:width] - constant gains if `clean` replaces the constant.

    Then that square itself: eight numbers each, as `_apart` does.
    """
    images, begin, _ = clean
    constant, gain, square = splat(background), splat(0.0), splat(0.0)
    for at in range(0, width - EIGHT + 1, EIGHT):
        off, shift = load(windows, at) - constant, load(images, begin + at) - constant
        gain = gain + shift * (shift - (off + off))
        square = square + off * off
    rest, power = 0.0, 0.0
    for at in range(width // EIGHT * EIGHT, width):
        value = number(windows, at) - background
        moved = number(images, begin + at) - background
        rest += moved * (moved - 2.0 * value)
        power += value * value
    return gain + splat(rest / EIGHT), square + splat(power / EIGHT)


@inlined
def _exchange(
    lines: int,
    starts: Integers,
    image: int,
    shape: tuple[int, int, int, int, int],
    back: bool,
    copied: bool,
    windows: int,
) -> None:
    """Exchange windows of interleaved images, from number `image` on, with what is in `windows`.

    `shape` is (parts, window, side, images, lanes). Going `back`, the first part comes last. If
    only `copied`, `lines` stay.
    """
    parts, window, side, here, lanes = shape
    dim = starts.shape[2]
    rows = window ** (dim - 1)
    for index in range(parts):
        part = parts - 1 - index if back else index
        for lane in range(here):
            source = part * rows * window * lanes + lane
            for row in range(rows):
                line = site(starts, part, image + lane, row, window, side)
                column = starts[part, image + lane, dim - 1]
                for first in range(2):  # up to the seam, and from there
                    count = min(window, side - column)
                    at = (line + (0 if first else column)) * lanes + lane
                    for _ in range(window - count if first else count):
                        value = number(lines, at)
                        if not copied:
                            put(lines, at, number(windows, source))
                        put(windows, source, value)
                        at += lanes
                        source += lanes


@compiled(
    f"void({PLAN}, int64[:,:,:,::1], float64[:,:,::1], int64, int64, int64, int64, float64[:,::1],"
    " float64[:,::1], float64[::1], float64[::1])",
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
    room: Floats,
    responses: Floats,
    controls: Floats,
) -> None:
    """Add noise to blocks of images, pool them, and add up the responses of every layer.

    Taken are `count` images from number `first` and block `page` on, `mode` is that of `_enter`.
    Their `noise` [blocks, ...] is overwritten. It is interleaved as the clean windows are,
    `history` [blocks, ..., lanes], one part after the other in each layer; these begin at `starts`
    [depth + 1, parts, images, dim], and maps that are whole have one part. There is
    `room` [2, ...] for the pixels around a seam, and for the windows of a block. Squared distances
    of noisy and clean are added to `responses` [depth + 1], sums of the noise and of its square to
    `controls`.
    """
    dim, sides, windows, pasts, backgrounds, _, _, _, _, _, _ = plan
    lanes, past, seam = history.shape[2], address(history), address(room)
    saved = seam + room.strides[0]
    for block in range((count + lanes - 1) // lanes):
        image, lines = first + block * lanes, address(noise) + block * noise.strides[0]
        here = min(lanes, count - block * lanes)
        taken = beginning(EIGHT if lanes == 1 else here)
        for k in range(len(sides)):
            side, window, background = sides[k], windows[k], backgrounds[k, 0]
            squares, apart = splat(0.0), splat(0.0)
            if k > 0:
                n = sides[k - 1]
                outer, inner = 1, n ** (dim - 1) * lanes
                for axis in range(dim):
                    layer = layer_along(plan, k - 1, axis)
                    squares = pool_axis(lines, seam, (outer, n, side, inner), layer, background)
                    outer *= side
                    inner //= n
            whole = window == side
            shape = (starts.shape[1], window, side, here, lanes)
            width, pixels = starts.shape[1] * window**dim * lanes, side**dim * lanes
            begin = ((page + block) * history.shape[1] + pasts[k]) * lanes
            # All is compared with the background, windows are then corrected (step 0). If that
            # loses digits, they are compared by themselves, and background is left in their place
            # meanwhile. Noise enters in this way, too.
            for step in range(2 if whole else 1 if k == 0 else 0, 3 if whole else 5):
                if not whole and step != 2 and step != 3:
                    if step == 1:
                        for at in range(width):
                            put(saved, at, background)
                    _exchange(lines, starts[k], image, shape, step == 4, step == 0, saved)
                inside = whole or step == 2
                clean = (past, begin, inside)
                if step == 0:
                    gain, square = _change(saved, width, clean, background)
                    total, lost = sum_of((squares + gain) * taken), sum_of(square * taken)
                    if total > _DIGITS * lost:
                        responses[k] += total
                        break
                elif step == 2 or step == 3:
                    x, numbers_of_x = (lines, pixels) if whole or step == 3 else (saved, width)
                    if k == 0:
                        entered, apart = _enter(x, numbers_of_x, mode, clean)
                        controls[0] += sum_of(entered * taken)
                        controls[1] += sum_of(apart * taken)
                    if k > 0 or inside:  # elsewhere the noise that enters is all there is
                        apart = _apart(x, numbers_of_x, clean, background)
                    responses[k] += sum_of(apart * taken)
