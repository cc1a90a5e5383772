"""The compiled engine: noise drawn, pooled and compared image by image while it is in cache.

The same definition as `numpy_engine`, with less memory. Clean and displaced images differ from a
constant background only in a window around the active pixels, so only windows are kept of them
and pooled; the noisy image is pooled whole. Compiled code is kept on disk by numba.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from scaledet.simulation.engines.compiled.gaussian_stream import fill_normals, new_state, padded
from scaledet.simulation.engines.compiled.noisy_images import noisy_pass
from scaledet.simulation.engines.compiled.windows import add_up, move_on, pool_axis
from scaledet.simulation.unit import Images, UnitSums, add_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scaledet.simulation.unit import Specification

__all__ = ["bytes_needed", "most_images", "run"]

# Pixels of a unit: it takes about a second.
_PIXELS = 2**27
# Numbers that the windows of a unit may hold.
_WINDOWS = 2**18
# Numbers of noise drawn at a time; one image where it has more.
_ROWS = 2**15
# What the compiled code reads beyond the last weight, at most.
_SLACK = 4
_MODES = {"input": 0, "noise": 1, None: 2, "layers": 2}
# Noise to which the image has been added before: what enters is its rectified sum.
_ADDED = 3


@dataclass(frozen=True)
class _Plan:
    """Sides of the map, of the windows, and backgrounds around them, k = 0 ... depth."""

    sides: NDArray[np.int64]
    windows: NDArray[np.int64]
    backgrounds: NDArray[np.float64]
    weights: NDArray[np.float64]
    lengths: NDArray[np.int64]
    strides: NDArray[np.int64]
    biases: NDArray[np.float64]
    pasts: NDArray[np.int64]
    capacity: int
    room: int


@lru_cache(maxsize=16)
def _plan(spec: Specification) -> _Plan:
    network, dim = spec.network, spec.network.dim
    lengths = np.array([len(layer.kernel) for layer in network], np.int64)
    weights = np.zeros((network.depth, int(lengths.max()) + _SLACK))
    for row, layer in zip(weights, network, strict=True):
        row[: len(layer.kernel)] = [float(weight) for weight in layer.kernel]
    biases = np.array([float(layer.bias) for layer in network])
    sides = spec.size // np.array([int(s) for s in network.strides], np.int64)
    # One pixel and its neighbours; the pixels of a pair, and noise, may be anywhere.
    near = spec.task is None and not spec.background
    windows = [min(3, spec.size) if near else spec.size]
    backgrounds = np.zeros((network.depth + 1, dim))
    for k, layer in enumerate(network):
        reached = -(-(windows[-1] + lengths[k] - 1) // layer.stride)
        windows.append(int(sides[k + 1] if windows[-1] == sides[k] else min(reached, sides[k + 1])))
        value = backgrounds[k, 0]
        for axis in range(dim):
            backgrounds[k, axis] = value
            value *= weights[k].sum()
        value += biases[k]
        backgrounds[k + 1] = value if spec.rectify is None else max(value, 0.0)
    # A window that covers the next map is pooled as a whole image.
    entered = [k for k in range(network.depth) if windows[k + 1] == sides[k + 1]]
    largest = max([*windows, *(int(sides[k]) for k in entered)])
    pasts = np.cumsum([0, *(window**dim for window in windows)], dtype=np.int64)
    strides = np.array([layer.stride for layer in network], np.int64)
    room = padded(spec.size**dim) + int(lengths.max()) + int(strides.max()) + _SLACK
    return _Plan(
        sides, np.array(windows, np.int64), backgrounds, weights, lengths, strides, biases, pasts,
        largest**dim, room,
    )  # fmt: skip


def bytes_needed(spec: Specification, count: int) -> int:
    """Two or three images, or a map of sums; and of each clean and displaced image the windows."""
    plan, pixels = _plan(spec), spec.size**spec.network.dim
    first = pixels + 4 * plan.capacity * count
    second = (_rows(plan, count) + _scratch(spec)) * plan.room
    own = count * pixels if spec.background else 0
    return int(8 * (max(first, second) + count * int(plan.pasts[-1]) + own))


def _rows(plan: _Plan, count: int) -> int:
    """Return how many images' noise is drawn at a time."""
    return int(min(count, max(1, _ROWS // plan.room)))


def _scratch(spec: Specification) -> int:
    """Return how many images' room noise needs beside it: one to pool into, one for a line."""
    return 1 if spec.network.dim == 1 else 2


def most_images(spec: Specification) -> int:
    """Return the largest number of images in a unit: their windows fit the cache, it takes seconds.

    Two, where they need more.
    """
    plan = _plan(spec)
    windows = _WINDOWS // (4 * plan.capacity + int(plan.pasts[-1]))
    return int(max(2, min(windows, _PIXELS // spec.size**spec.network.dim)))


def run(
    spec: Specification,
    images: Images,
    seeds: np.random.SeedSequence,
    noise: NDArray[np.float64] | None = None,
) -> UnitSums:
    """Send the images through the network; `noise` [n, pixels] replaces the noise drawn."""
    plan, dim, count = _plan(spec), spec.network.dim, len(images.positions)
    depth, pixels, first = spec.network.depth, spec.size**dim, int(plan.windows[0])
    starts = np.zeros((depth + 1, count, dim), np.int64)
    if first < spec.size:
        starts[0] = (images.positions[:, 0] - 1) % spec.size
    responses, controls = np.zeros(depth + 1), np.zeros(2)
    lowest = -np.inf if spec.rectify is None else 0.0
    history, totals = _clean_pass(plan, images, starts, lowest)
    together = _rows(plan, count)
    lines = np.zeros((together + _scratch(spec)) * plan.room)
    state = new_state(seeds)
    for start in range(0, count, together):
        mine = slice(start, min(start + together, count))
        here = mine.stop - start
        part = lines[: here * plan.room].reshape(here, plan.room)
        if noise is None:
            fill_normals(state, part, padded(pixels), spec.sigma)
        else:
            part[:, :pixels] = noise[mine]
        mode, entered = _MODES[spec.rectify], controls
        if images.background is not None and spec.rectify == "input":
            felt = np.maximum(part[:, :pixels], 0.0)
            controls += felt.sum(), np.square(felt).sum()
            part[:, :pixels] += images.background[mine]
            add_pixels(part, images.positions[mine], spec.size)
            mode, entered = _ADDED, np.zeros(2)
        noisy_pass(
            dim, plan.sides, plan.windows, plan.pasts, plan.backgrounds, plan.weights,
            plan.lengths, plan.strides, plan.biases, lowest, starts, history, start, here, mode,
            plan.room, lines, responses, entered,
        )  # fmt: skip
    displacement, distance, square = totals.T
    return UnitSums(
        displacement / count,
        responses / count,
        2 * distance / (count - 1),
        square / count,
        controls / (count * pixels),
    )


def _clean_pass(
    plan: _Plan, images: Images, starts: NDArray[np.int64], lowest: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Send clean and displaced images through the layers, their windows only.

    `starts` [depth + 1, count, dim], where the windows begin, is given for k = 0 and written for
    the others. Returns the clean windows [count, ...], one layer after the other, and the sums
    of `add_up` [depth + 1, 3].
    """
    levels, count, dim = starts.shape
    history, totals = np.empty((count, int(plan.pasts[-1]))), np.zeros((levels, 3))
    values = _paint(
        images, starts[0], int(plan.sides[0]), int(plan.windows[0]), plan.capacity, lowest
    )
    spare, sums = np.empty_like(values), np.zeros(int(plan.sides[0]) ** dim)
    offsets = np.empty((dim, 2 * count), np.int64)
    for k in range(levels):
        side, window = int(plan.sides[k]), int(plan.windows[k])
        whole = window == side
        if k:
            old, before = int(plan.windows[k - 1]), int(plan.sides[k - 1])
            length, stride = int(plan.lengths[k - 1]), int(plan.strides[k - 1])
            if whole and old < before:
                values = _filled_up(
                    values, starts[k - 1], old, before, plan.backgrounds[k - 1, 0], len(spare)
                )
                old = before
            move_on(starts[k - 1], length, stride, side, whole, starts[k], offsets)
            for axis in range(dim):
                outer, inner = window**axis, old ** (dim - 1 - axis)
                final = axis == dim - 1
                pool_axis(
                    values, outer, old, window, inner, 2 * count, whole,
                    plan.backgrounds[k - 1, axis], plan.weights, k - 1, length, stride,
                    offsets[axis], plan.biases[k - 1] if final else 0.0,
                    lowest if final else -np.inf, spare,
                )  # fmt: skip
                values, spare = spare, values
        # The background, or where windows are whole the first image, keeps sums of squared
        # distances free of cancellation.
        background, size = plan.backgrounds[k, 0], window**dim
        origin = values[: size * 2 * count : 2 * count].copy() if whole else (
            np.full(size, background))  # fmt: skip
        add_up(
            starts[k], window ** (dim - 1), window, side, origin, values, sums, history,
            int(plan.pasts[k]), totals[k],
        )  # fmt: skip
        totals[k, 2] += background**2 * (side**dim - size) * count
    return history, totals


def _filled_up(
    values: NDArray[np.float64],
    starts: NDArray[np.int64],
    window: int,
    side: int,
    background: float,
    room: int,
) -> NDArray[np.float64]:
    """Turn windows into whole maps."""
    count, dim = starts.shape
    result = np.full(room, background)
    maps = result[: side**dim * 2 * count].reshape(side**dim, 2, count)
    inside = values[: window**dim * 2 * count].reshape(window**dim, 2, count)
    place = np.zeros((window,) * dim + (count,), np.int64)
    for axis in range(dim):
        shape = [window if axis == other else 1 for other in range(dim)]
        coordinate = (np.arange(window).reshape(*shape, 1) + starts[:, axis]) % side
        place += coordinate * side ** (dim - 1 - axis)
    image = np.arange(count)
    for moved in range(2):
        maps[place.reshape(-1, count), moved, image] = inside[:, moved]
    return result


def _paint(
    images: Images,
    starts: NDArray[np.int64],
    size: int,
    side: int,
    capacity: int,
    lowest: float,
) -> NDArray[np.float64]:
    """Windows [side^dim, 2 n] of clean and moved images, in an array with room for `capacity`."""
    count, _, dim = images.positions.shape
    result = np.zeros(capacity * 2 * count)
    inside = result[: side**dim * 2 * count].reshape(side**dim, 2, count)
    for moved, positions in enumerate((images.positions, images.moved)):
        painted = inside[:, moved].T
        if images.background is not None:
            painted += images.background
        add_pixels(painted, (positions - starts[:, None]) % size, side)
    return result if images.background is None else np.maximum(result, lowest, out=result)
