"""The compiled engine: noise drawn, pooled and compared image by image while it is in cache.

The same definition as in the plain engine, with less memory. Clean and displaced images differ
from a constant background only in a window around the active pixels, so only windows are kept of
them and pooled; the noisy image is pooled whole. Compiled code is kept on disk.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from scaledet.simulation.engines.base import Images, Specification, UnitSums, add_pixels
from scaledet.simulation.engines.compiled.compilation import Floats, Integers, warn_if_not_kept
from scaledet.simulation.engines.compiled.gaussian_stream import fill_normals, new_state, padded
from scaledet.simulation.engines.compiled.noisy_images import noisy_pass
from scaledet.simulation.engines.compiled.windows import clean_pass

__all__ = ["bytes_needed", "most_images", "run"]

warn_if_not_kept()

# Pixels of a unit: it takes about a second.
_PIXELS = 2**27
# Numbers that the windows of a unit may hold.
_WINDOWS = 2**18
# Numbers of noise drawn at a time; one image where it has more.
_ROWS = 2**15
# The compiled code reads at most so many numbers beyond the last weight.
_SLACK = 4
_MODES = {"input": 0, "noise": 1, None: 2, "layers": 2}
# Noise to which the image has been added before: its rectified sum enters.
_ADDED = 3


class _Plan(NamedTuple):
    """Sides of the maps and windows, where windows are kept, and backgrounds, k = 0 ... depth.

    Then the layers. An image and its neighbours across the seam take `room` numbers; the largest
    window has `capacity` pixels; layer k of an image's windows begins at pasts[k].
    """

    dim: int
    sides: Integers
    windows: Integers
    pasts: Integers
    backgrounds: Floats
    weights: Floats
    lengths: Integers
    strides: Integers
    biases: Floats
    lowest: float
    room: int
    capacity: int


@lru_cache(maxsize=16)
def _plan(spec: Specification) -> _Plan:
    network, dim, depth = spec.network, spec.network.dim, spec.network.depth
    lengths = np.array([len(layer.kernel) for layer in network], np.int64)
    strides = np.array([layer.stride for layer in network], np.int64)
    biases = np.array([float(layer.bias) for layer in network])
    weights = np.zeros((depth, int(lengths.max()) + _SLACK))
    for k, layer in enumerate(network):
        weights[k, : lengths[k]] = [float(weight) for weight in layer.kernel]
    sides = [spec.size // int(total) for total in network.strides]
    # One pixel and its neighbours; the pixels of a pair, and noise, may be anywhere.
    near = spec.scenario.task is None and not spec.scenario.background
    windows = [min(3, spec.size) if near else spec.size]
    largest = windows[0]
    backgrounds = np.zeros((depth + 1, dim))
    for k in range(depth):
        reached = -(-(windows[k] + int(lengths[k]) - 1) // int(strides[k]))
        whole = windows[k] == sides[k] or reached >= sides[k + 1]
        windows.append(sides[k + 1] if whole else reached)
        # A window that covers the next map is pooled as a whole image.
        largest = max(largest, sides[k] if whole else reached)
        value = backgrounds[k, 0]
        for axis in range(dim):
            backgrounds[k, axis] = value
            value *= weights[k].sum()
        backgrounds[k + 1] = max(value + biases[k], spec.lowest)
    pasts = np.cumsum([0, *(window**dim for window in windows)], dtype=np.int64)
    maps = (np.array(sides, np.int64), np.array(windows, np.int64), pasts, backgrounds)
    room = padded(spec.pixels) + int(lengths.max()) + int(strides.max()) + _SLACK
    layers = (weights, lengths, strides, biases)
    return _Plan(dim, *maps, *layers, spec.lowest, room, largest**dim)


def bytes_needed(spec: Specification, count: int) -> int:
    """Return the bytes of two or three images (or a map of sums) and of all windows."""
    plan = _plan(spec)
    first = spec.pixels + 4 * plan.capacity * count
    _, second = _batch(plan, count)
    background = count * spec.pixels if spec.scenario.background else 0
    return 8 * (max(first, second) + count * int(plan.pasts[-1]) + background)


def most_images(spec: Specification) -> int:
    """Let a unit end in seconds and its windows fit the cache, but always allow two images."""
    plan = _plan(spec)
    windows = _WINDOWS // (4 * plan.capacity + int(plan.pasts[-1]))
    return max(2, min(windows, _PIXELS // spec.pixels))


def _batch(plan: _Plan, count: int) -> tuple[int, int]:
    """Return how many images' noise is drawn at a time, and the numbers that this takes.

    Beside the noise lies an image to pool into and, in several dimensions, one for a line.
    """
    together = min(count, max(1, _ROWS // plan.room))
    return together, (together + min(plan.dim, 2)) * plan.room


def run(
    spec: Specification, images: Images, seeds: np.random.SeedSequence, noise: Floats | None = None
) -> UnitSums:
    """Send the images through the network; `noise` [n, pixels] replaces the noise drawn."""
    plan, count, pixels = _plan(spec), len(images.positions), spec.pixels
    starts = np.empty((spec.network.depth + 1, count, plan.dim), np.int64)
    responses, controls = np.zeros(len(starts)), np.zeros(2)
    history, totals = np.empty((count, int(plan.pasts[-1]))), np.zeros((len(starts), 3))
    around = np.empty((count, 0)) if images.background is None else images.background
    painted = (images.positions, images.moved, around)
    room = 2 * count * plan.capacity
    clean_pass(plan[:-1], painted, np.zeros(room), np.empty(room), starts, history, totals)
    together, length = _batch(plan, count)
    lines = np.zeros(length)
    state = new_state(seeds)
    for start in range(0, count, together):
        batch = slice(start, min(start + together, count))
        here = batch.stop - start
        part = lines[: here * plan.room].reshape(here, plan.room)
        if noise is None:
            fill_normals(state, part, padded(pixels), spec.sigma)
        else:
            part[:, :pixels] = noise[batch]
        mode, sums = _MODES[spec.scenario.rectify], controls
        if images.background is not None and spec.scenario.rectify == "input":
            entered = np.maximum(part[:, :pixels], 0.0)
            controls += entered.sum(), np.square(entered).sum()
            part[:, :pixels] += images.background[batch]
            add_pixels(part, images.positions[batch], spec.size)
            mode, sums = _ADDED, np.zeros(2)
        noisy_pass(plan[:-1], starts, history, start, here, mode, lines, responses, sums)
    displacement, distance, square = totals.T
    distance = 2 * distance / (count - 1)
    controls /= count * pixels
    return UnitSums(displacement / count, responses / count, distance, square / count, controls)
