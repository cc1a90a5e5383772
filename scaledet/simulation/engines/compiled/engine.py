"""The compiled engine: noise drawn, pooled and compared image by image while it is in cache.

The same definition as in the plain engine, with less memory. Clean and displaced images differ
from a constant background only in a window around the active pixels, so only windows are kept of
them and pooled; the noisy image is pooled whole. Compiled code is kept on disk.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from scaledet.simulation.engines.base import Images, Specification, UnitSums, add_pixels
from scaledet.simulation.engines.compiled.compilation import Floats, Integers, warn_if_not_kept
from scaledet.simulation.engines.compiled.gaussian_stream import fill_normals, new_state, padded
from scaledet.simulation.engines.compiled.noisy_images import noisy_pass
from scaledet.simulation.engines.compiled.vectors import EIGHT
from scaledet.simulation.engines.compiled.windows import clean_pass

__all__ = ["bytes_needed", "most_images", "run"]

warn_if_not_kept()

# Pixels of a unit: it takes about a second.
_PIXELS = 2**27
# Numbers that the windows of a unit may hold.
_WINDOWS = 2**18
# Pixels of the largest images of which several are interleaved.
_INTERLEAVED = 2**15
# Numbers of noise drawn at a time; one block of images where it has more.
_DRAWN = 2**15
# The compiled code reads at most so many numbers beyond the last weight.
_SLACK = 4
_MODES = {"input": 0, "noise": 1, None: 2, "layers": 2}


class _Plan(NamedTuple):
    """Sides of the maps and windows, where windows are kept, and backgrounds, k = 0 ... depth.

    Then the layers. No more than `seam` pixels are needed across one; the largest window has
    `capacity` pixels; layer k of an image's windows begins at pasts[k].
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
    seam: int
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
    largest, seam = windows[0], 0
    backgrounds = np.zeros((depth + 1, dim))
    for k in range(depth):
        reached = -(-(windows[k] + int(lengths[k]) - 1) // int(strides[k]))
        whole = windows[k] == sides[k] or reached >= sides[k + 1]
        windows.append(sides[k + 1] if whole else reached)
        # A window that covers the next map is pooled as a whole image.
        largest = max(largest, sides[k] if whole else reached)
        seam = max(seam, int(2 * lengths[k] - strides[k]) * sides[k] ** (dim - 1))
        value = backgrounds[k, 0]
        for axis in range(dim):
            backgrounds[k, axis] = value
            value *= weights[k].sum()
        backgrounds[k + 1] = max(value + biases[k], spec.lowest)
    pasts = np.cumsum([0, *(window**dim for window in windows)], dtype=np.int64)
    maps = (np.array(sides, np.int64), np.array(windows, np.int64), pasts, backgrounds)
    layers = (weights, lengths, strides, biases)
    return _Plan(dim, *maps, *layers, spec.lowest, seam, largest**dim)


def bytes_needed(spec: Specification, count: int) -> int:
    """Return the bytes of noisy and clean images (or a map of sums) and of all windows."""
    plan, blocks = _plan(spec), _blocks(spec, count)
    first = spec.pixels + 4 * plan.capacity * count
    second = blocks.room * blocks.together + blocks.lanes * (plan.seam + plan.capacity)
    background = 0
    if spec.scenario.background:
        background = count * spec.pixels
        second += blocks.room * blocks.together
    history = blocks.number * blocks.lanes * int(plan.pasts[-1])
    return 8 * (max(first, second) + history + background)


def most_images(spec: Specification) -> int:
    """Let a unit end in seconds and its windows fit the cache, but always allow two images."""
    plan = _plan(spec)
    windows = _WINDOWS // (4 * plan.capacity + int(plan.pasts[-1]))
    return max(2, min(windows, _PIXELS // spec.pixels))


class _Blocks(NamedTuple):
    """The `number` of blocks of `lanes` interleaved images, each in an array of `room` numbers.

    The noise of so many `together` is drawn at a time.
    """

    number: int
    lanes: int
    room: int
    together: int


def _blocks(spec: Specification, count: int) -> _Blocks:
    """Interleave images if several of them fit the cache."""
    lanes = EIGHT if spec.pixels <= _INTERLEAVED and 2 * count >= EIGHT else 1
    number, room = -(-count // lanes), padded(spec.pixels * lanes)
    return _Blocks(number, lanes, room, min(number, max(1, _DRAWN // room)))


def _aligned(*shape: int) -> Floats:
    """Return zeros that begin where a line of the cache does."""
    size = math.prod(shape)
    numbers = np.zeros(size + EIGHT)
    begin = -numbers.ctypes.data // numbers.itemsize % EIGHT
    return numbers[begin : begin + size].reshape(shape)


def _interleaved(images: Floats, lanes: int) -> Floats:
    """Return images [n, pixels] as blocks [blocks, pixels * lanes], with zeros where none are."""
    number = -(-len(images) // lanes)
    whole = np.zeros((number * lanes, images.shape[1]))
    whole[: len(images)] = images
    turned = whole.reshape(number, lanes, -1).transpose(0, 2, 1)
    return np.ascontiguousarray(turned).reshape(number, -1)


def run(
    spec: Specification, images: Images, seeds: np.random.SeedSequence, noise: Floats | None = None
) -> UnitSums:
    """Send the images through the network; `noise` [n, pixels] replaces the noise drawn."""
    plan, count, pixels = _plan(spec), len(images.positions), spec.pixels
    blocks = _blocks(spec, count)
    lanes = blocks.lanes
    starts = np.empty((spec.network.depth + 1, count, plan.dim), np.int64)
    responses, controls = np.zeros(len(starts)), np.zeros(2)
    history, totals = _aligned(blocks.number, int(plan.pasts[-1]), lanes), np.zeros((len(starts), 3))
    around = np.empty((count, 0)) if images.background is None else images.background
    painted = (images.positions, images.moved, around)
    room = 2 * count * plan.capacity
    clean_pass(plan[:-1], painted, np.zeros(room), np.empty(room), starts, history, totals)
    lines = _aligned(blocks.together, blocks.room)
    seam, entered = _aligned(plan.seam * lanes), np.empty((0, 0))
    state, mode = new_state(seeds), _MODES[spec.scenario.rectify]
    for start in range(0, count, blocks.together * lanes):
        batch = slice(start, min(start + blocks.together * lanes, count))
        here = batch.stop - start
        part = lines[: -(-here // lanes)]
        if noise is None:
            fill_normals(state, part, padded(pixels * lanes), spec.sigma)
        else:
            part[:, : pixels * lanes] = _interleaved(noise[batch], lanes)
        if images.background is not None and spec.scenario.rectify == "input":
            unrectified = images.background[batch].copy()
            add_pixels(unrectified, images.positions[batch], spec.size)
            entered = _interleaved(unrectified, lanes)
        noisy_pass(
            plan[:-1], starts, history, start, here, mode, part, entered, seam, responses, controls
        )
    displacement, distance, square = totals.T
    distance = 2 * distance / (count - 1)
    controls /= count * pixels
    return UnitSums(displacement / count, responses / count, distance, square / count, controls)
