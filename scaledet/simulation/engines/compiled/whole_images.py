"""The compiled pass over images that carry noise themselves: their maps are nowhere constant.

Clean, displaced and noisy images are pooled together, a few images at a time, all of them whole:
arrays [n, ..., columns], innermost clean, then displaced, then noisy ones.
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
def _add_active(
    positions: Integers, first: int, count: int, side: int, values: Floats, kind: int
) -> None:
    """Add active pixels of height 1 to the images of one kind in `values` [n, ..., 3 count]."""
    for image in range(count):
        for pixel in range(positions.shape[1]):
            at = 0
            for axis in range(positions.shape[2]):
                at = at * side + positions[first + image, pixel, axis]
            values[(3 * at + kind) * count + image] += 1.0


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
    columns = 3 * count
    none = np.zeros(1, np.int64)
    each = np.zeros((6, count))
    size: Any = np.uint64(sides[0] ** dim)
    width: Any = np.uint64(columns)
    once, twice = np.uint64(count), np.uint64(2 * count)
    for i in range(size):
        for image in range(once):
            value = backgrounds[image, i]
            values[i * width + image] = value
            values[i * width + once + image] = value
    _add_active(positions, first, count, sides[0], values, 0)
    _add_active(moved, first, count, sides[0], values, 1)
    least = 0.0 if mode < 2 else -np.inf
    for i in range(size):
        for image in range(once):
            at = i * width + image
            drawn, plain, displaced = noise[image, i], values[at], values[at + once]
            entered = drawn if drawn > least else least
            clean = plain if plain > lowest else lowest
            noisy = plain + drawn
            noisy = noisy if noisy > 0.0 else 0.0
            values[at] = clean
            values[at + once] = displaced if displaced > lowest else lowest
            values[at + twice] = noisy if mode == 0 else clean + entered
            each[4, image] += entered
            each[5, image] += entered * entered
    for k in range(len(sides)):
        side = sides[k]
        if k > 0:
            old = sides[k - 1]
            for axis in range(dim):
                final = axis == dim - 1
                bias, floor = (biases[k - 1], lowest) if final else (0.0, -np.inf)
                layer = (weights, k - 1, lengths[k - 1], strides[k - 1], bias, floor)
                shape = (side**axis, old, side, old ** (dim - 1 - axis), columns)
                pool_windows(values, shape, True, 0.0, layer, none, spare)
                values, spare = spare, values
        past: Any = np.uint64(pasts[k])
        size = np.uint64(side**dim)
        if first == 0:
            for i in range(size):
                origins[past + i] = values[i * width]
        each[:4] = 0.0
        for i in range(size):
            origin, total = origins[past + i], 0.0
            for image in range(once):
                at = i * width + image
                clean = values[at]
                displaced, noisy, apart = values[at + once], values[at + twice], clean - origin
                each[0, image] += (displaced - clean) * (displaced - clean)
                each[1, image] += (noisy - clean) * (noisy - clean)
                each[2, image] += apart * apart
                each[3, image] += clean * clean
                total += apart
            sums[past + i] += total
        for kind in range(4):
            for image in range(count):
                totals[k, kind] += each[kind, image]
    for image in range(count):
        controls[0] += each[4, image]
        controls[1] += each[5, image]
