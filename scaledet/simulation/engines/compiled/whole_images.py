"""The compiled pass over images that carry noise themselves: their maps are nowhere constant.

Clean, displaced and noisy images are pooled together, a few of each at a time, all of them whole:
arrays [3, n, ..., count], first the clean ones.
"""

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
from scaledet.simulation.engines.compiled.windows import pool_windows

__all__ = ["whole_pass"]


@inlined
def _add_active(positions: Integers, first: int, side: int, values: Floats, count: int) -> None:
    """Add active pixels of height 1 to `count` images [n, ..., count], from number `first` on."""
    for image in range(count):
        for pixel in range(positions.shape[1]):
            at = 0
            for axis in range(positions.shape[2]):
                at = at * side + positions[first + image, pixel, axis]
            values[at * count + image] += 1.0


@compiled(
    f"void({PLAN}, int64[:,:,::1], int64[:,:,::1], int64, int64, float64[:,::1], float64[:,::1],"
    " float64[::1], float64[::1], float64[::1], float64[::1], float64[:,::1], float64[::1])"
)
def whole_pass(
    plan: Plan,
    positions: Integers,
    moved: Integers,
    first: int,
    mode: int,
    backgrounds: Floats,
    noise: Floats,
    values: Floats,
    spare: Floats,
    origins: Floats,
    sums: Floats,
    totals: Floats,
    controls: Floats,
) -> None:
    """Send images of a unit, from number `first` on, through the layers.

    Their active pixels are at `positions` and `moved` [images, pixels, dim], what they carry is
    `backgrounds` [n, ...], and `noise` [n, ...] enters by `mode` as in `noisy_pass`. There is room
    for three times so many images in `values` and in `spare`. Added to `totals` [depth + 1, 4] are
    the squared responses to displacement and noise, the squared distances from the first image of
    the unit, and the squares; to `sums`, of all maps one after the other, the differences from the
    first image, which `origins` keep; to `controls` the noise and its square.
    """
    dim, sides, _, pasts, _, weights, lengths, strides, biases, lowest, _ = plan
    count = len(backgrounds)
    none = np.zeros(1, np.int64)
    entered, power = 0.0, 0.0
    width: Any = np.uint64(count)
    size: Any = np.uint64(sides[0] ** dim)
    once, twice = size * width, size * width * np.uint64(2)
    for i in range(size):
        for image in range(width):
            values[i * width + image] = backgrounds[image, i]
            values[once + i * width + image] = backgrounds[image, i]
            values[twice + i * width + image] = noise[image, i]
    _add_active(positions, first, sides[0], values[:once], count)
    _add_active(moved, first, sides[0], values[once:twice], count)
    least = 0.0 if mode < 2 else -np.inf
    for at in range(once):
        drawn, plain, displaced = values[twice + at], values[at], values[once + at]
        drawn_in = drawn if drawn > least else least
        clean = plain if plain > lowest else lowest
        noisy = plain + drawn
        noisy = noisy if noisy > 0.0 else 0.0
        values[at] = clean
        values[once + at] = displaced if displaced > lowest else lowest
        values[twice + at] = noisy if mode == 0 else clean + drawn_in
        entered += drawn_in
        power += drawn_in * drawn_in
    controls[0] += entered
    controls[1] += power
    for k in range(len(sides)):
        side = sides[k]
        if k > 0:
            old = sides[k - 1]
            for axis in range(dim):
                final = axis == dim - 1
                bias, floor = (biases[k - 1], lowest) if final else (0.0, -np.inf)
                layer = (weights, k - 1, lengths[k - 1], strides[k - 1], bias, floor)
                shape = (3 * side**axis, old, side, old ** (dim - 1 - axis), count)
                pool_windows(values, shape, True, 0.0, layer, none, spare)
                values, spare = spare, values
        size, past = np.uint64(side**dim), np.uint64(pasts[k])
        once, twice = size * width, size * width * np.uint64(2)
        if first == 0:
            for i in range(size):
                origins[past + i] = values[i * width]
        displacement, response, square, distance = 0.0, 0.0, 0.0, 0.0
        for at in range(once):
            clean = values[at]
            displacement += (values[once + at] - clean) * (values[once + at] - clean)
            response += (values[twice + at] - clean) * (values[twice + at] - clean)
            square += clean * clean
        for i in range(size):
            origin, total = origins[past + i], 0.0
            for image in range(width):
                apart = values[i * width + image] - origin
                total += apart
                distance += apart * apart
            sums[past + i] += total
        totals[k, 0] += displacement
        totals[k, 1] += response
        totals[k, 2] += distance
        totals[k, 3] += square
