"""The compiled pass over images that carry noise themselves: their maps are nowhere constant.

Clean, displaced and noisy images are pooled together, a few of each at a time, all of them whole:
arrays [3, n, ..., count], first the clean ones.
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
from scaledet.simulation.engines.compiled.pooling import layer_along
from scaledet.simulation.engines.compiled.vectors import address, number, put
from scaledet.simulation.engines.compiled.windows import pool_windows

__all__ = ["whole_pass"]


@inlined
def _add_active(positions: Integers, first: int, side: int, values: int, count: int) -> None:
    """Add active pixels of height 1 to `count` images [n, ..., count], from number `first` on."""
    for image in range(count):
        for pixel in range(positions.shape[1]):
            at = 0
            for axis in range(positions.shape[2]):
                at = at * side + positions[first + image, pixel, axis]
            at = at * count + image
            put(values, at, number(values, at) + 1.0)


@compiled(
    f"void({PLAN}, int64[:,:,::1], int64[:,:,::1], int64, int64, float64[:,::1], float64[:,::1],"
    " float64[:,::1], float64[::1], float64[::1], float64[:,::1], float64[::1])"
)
def whole_pass(
    plan: Plan,
    positions: Integers,
    moved: Integers,
    first: int,
    mode: int,
    backgrounds: Floats,
    noise: Floats,
    room: Floats,
    origins: Floats,
    sums: Floats,
    totals: Floats,
    controls: Floats,
) -> None:
    """Send images of a unit, from number `first` on, through the layers.

    Their active pixels are at `positions` and `moved` [images, pixels, dim], what they carry is
    `backgrounds` [n, ...], and `noise` [n, ...] enters by `mode` as in `noisy_pass`. There is
    `room` [2, ...] for three times so many images twice. Added to `totals` [depth + 1, 4] are
    the squared responses to displacement and noise, the squared distances from the first image of
    the unit, and the squares; to `sums`, of all maps one after the other, the differences from the
    first image, which `origins` keep; to `controls` the noise and its square.
    """
    dim, sides, _, pasts, _, _, _, _, _, lowest, _ = plan
    count, values, spare = len(backgrounds), address(room), address(room) + room.strides[0]
    entered, power = 0.0, 0.0
    size = sides[0] ** dim
    once, twice = size * count, 2 * size * count
    for i in range(size):
        for image in range(count):
            put(values, i * count + image, backgrounds[image, i])
            put(values, once + i * count + image, backgrounds[image, i])
            put(values, twice + i * count + image, noise[image, i])
    for part in range(2):
        places = moved if part else positions
        _add_active(places, first, sides[0], values + part * once * 8, count)
    least = 0.0 if mode < 2 else -np.inf
    for at in range(once):
        drawn, plain = number(values, twice + at), number(values, at)
        displaced = number(values, once + at)
        drawn_in = drawn if drawn > least else least
        clean = plain if plain > lowest else lowest
        noisy = plain + drawn
        noisy = noisy if noisy > 0.0 else 0.0
        put(values, at, clean)
        put(values, once + at, displaced if displaced > lowest else lowest)
        put(values, twice + at, noisy if mode == 0 else clean + drawn_in)
        entered += drawn_in
        power += drawn_in * drawn_in
    controls[0] += entered
    controls[1] += power
    for k in range(len(sides)):
        side = sides[k]
        if k > 0:
            old = sides[k - 1]
            for axis in range(dim):
                layer = layer_along(plan, k - 1, axis)
                shape = (3 * side**axis, old, side, old ** (dim - 1 - axis), count)
                pool_windows(values, shape, True, 0.0, layer, 0, spare)
                values, spare = spare, values
        size, past = side**dim, pasts[k]
        once, twice = size * count, 2 * size * count
        if first == 0:
            for i in range(size):
                origins[past + i] = number(values, i * count)
        displacement, response, square, distance = 0.0, 0.0, 0.0, 0.0
        for at in range(once):
            clean = number(values, at)
            shifted, noisy = number(values, once + at) - clean, number(values, twice + at) - clean
            displacement += shifted * shifted
            response += noisy * noisy
            square += clean * clean
        for i in range(size):
            origin, total = origins[past + i], 0.0
            for image in range(count):
                apart = number(values, i * count + image) - origin
                total += apart
                distance += apart * apart
            sums[past + i] += total
        totals[k, 0] += displacement
        totals[k, 1] += response
        totals[k, 2] += distance
        totals[k, 3] += square
