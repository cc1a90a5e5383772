"""The compiled engine: noise drawn, pooled and compared image by image while it is in cache.

The same definition as in the plain engine, with less memory. Clean and displaced images differ
from a constant background only in windows around the active pixels, so only windows are kept of
them and pooled; the noisy image is pooled whole. Images that carry noise are pooled whole, all
three. Compiled code is kept on disk.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from scaledet.simulation.engines.base import Images, Specification, UnitSums
from scaledet.simulation.engines.compiled.compilation import (
    Floats,
    Integers,
    Words,
    warn_if_not_kept,
)
from scaledet.simulation.engines.compiled.gaussian_stream import fill_normals, new_state, padded
from scaledet.simulation.engines.compiled.noisy_images import noisy_pass
from scaledet.simulation.engines.compiled.unit_streams import draw_below, states_of_units
from scaledet.simulation.engines.compiled.vectors import EIGHT
from scaledet.simulation.engines.compiled.whole_images import whole_pass
from scaledet.simulation.engines.compiled.windows import clean_pass
from scaledet.simulation.engines.images import image_bounds, images_at

__all__ = ["bytes_needed", "most_images", "run", "run_units"]

warn_if_not_kept()

# Pixels of a unit: it takes about a second.
_PIXELS = 2**27
# Numbers that the windows of a unit may hold.
_WINDOWS = 2**18
# Pixels of the largest images of which several are interleaved.
_INTERLEAVED = 2**15
# Numbers of noise drawn at a time; one block of images where it has more.
_DRAWN = 2**16
# Images of units that are pooled together, unless one unit has more.
_TOGETHER = 256
# Numbers of whole images, and what they are pooled into, that fit the cache.
_WHOLE = 2**18
# The compiled code reads at most so many numbers beyond the last weight.
_SLACK = 4
_MODES = {"input": 0, "noise": 1, None: 2, "layers": 2}


class _Plan(NamedTuple):
    """Sides of the maps and windows, where windows are kept, and backgrounds, k = 0 ... depth.

    Then the layers. No more than `seam` pixels are needed across one. An image has
    `parts` windows, or one where windows are whole maps. Layer k + 1 needs them as wide as
    extents[k]; the largest of an image take `capacity` numbers, and those of layer k begin at
    pasts[k].
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
    extents: Integers
    parts: int
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
    # A window for each pixel: it and its neighbours.
    parts = 1 if spec.scenario.task is None else 2
    whole = parts * 3 >= spec.size or bool(spec.scenario.background)
    windows, extents = [spec.size if whole else 3], []
    numbers = [windows[0] ** dim * (1 if whole else parts)]
    largest, seam = numbers[0], 0
    backgrounds = np.zeros((depth + 1, dim))
    for k in range(depth):
        length, stride = int(lengths[k]), int(strides[k])
        seam = max(seam, (2 * length - stride) * sides[k] ** (dim - 1))
        reached = -(-(windows[k] + length - 1) // stride)
        whole = windows[k] == sides[k] or parts * reached >= sides[k + 1]
        windows.append(sides[k + 1] if whole else reached)
        numbers.append(windows[k + 1] ** dim * (1 if whole else parts))
        # Windows that cover the next map are pooled as a whole image; several are extended as far
        # as outputs reach that see them, by length - 1 on the left.
        extended = windows[k] + (2 * length + stride - 3 if parts > 1 else 0)
        extents.append(sides[k] if whole else extended)
        largest = max(largest, extents[k] ** dim * (1 if whole else parts), numbers[k + 1])
        value = backgrounds[k, 0]
        for axis in range(dim):
            backgrounds[k, axis] = value
            value *= weights[k].sum()
        backgrounds[k + 1] = max(value + biases[k], spec.lowest)
    pasts = np.cumsum([0, *numbers], dtype=np.int64)
    maps = (np.array(sides, np.int64), np.array(windows, np.int64), pasts, backgrounds)
    layers = (weights, lengths, strides, biases)
    rest = (np.array(extents, np.int64), parts, largest)
    return _Plan(dim, *maps, *layers, spec.lowest, seam, *rest)


def bytes_needed(spec: Specification, count: int) -> int:
    """Return the bytes of the arrays of `_Room`, and of where windows begin."""
    plan = _plan(spec)
    maps = int(plan.pasts[-1])
    if spec.scenario.background:
        tile = _tile(spec)
        return 8 * (2 * tile * (3 * spec.pixels + padded(spec.pixels)) + 2 * maps)
    lanes, length, together = _blocks(spec, count)
    units = max(1, min(_TOGETHER, most_images(spec)) // count)
    kept = units * -(-count // lanes) * lanes * maps
    places = 2 * plan.parts * count * plan.dim * (1 + units * len(plan.sides))
    return 8 * (length * together + 2 * _width(plan, count, lanes) + kept + places)


def most_images(spec: Specification) -> int:
    """Let a unit end in seconds and its windows fit the cache, but always allow two images."""
    most = _PIXELS // spec.pixels
    if not spec.scenario.background:
        plan = _plan(spec)
        most = min(most, _WINDOWS // (4 * plan.capacity + int(plan.pasts[-1])))
    return max(2, most)


def _blocks(spec: Specification, count: int) -> tuple[int, int, int]:
    """Return how images are interleaved: `lanes` of them, if several fit the cache, are a block.

    Then the numbers that a block takes, and of how many blocks noise is drawn at a time.
    """
    together = spec.pixels <= _INTERLEAVED and most_images(spec) >= EIGHT
    lanes = EIGHT if together else 1
    room = padded(spec.pixels * lanes)
    return lanes, room, min(-(-count // lanes), max(1, _DRAWN // room))


def _aligned(*shape: int) -> Floats:
    """Return zeros that begin where a line of the cache does."""
    numbers = np.zeros(math.prod(shape) + EIGHT)
    begin = -numbers.ctypes.data // numbers.itemsize % EIGHT
    return numbers[begin : begin + math.prod(shape)].reshape(shape)


def _interleaved(images: Floats, lanes: int) -> Floats:
    """Return images [n, pixels] as blocks [blocks, pixels * lanes], the last filled up with zeros.

    >>> _interleaved(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), 2)
    array([[1., 3., 2., 4.],
           [5., 0., 6., 0.]])
    """
    blocks = np.zeros((-(-len(images) // lanes), lanes, images.shape[1]))
    blocks.reshape(-1, images.shape[1])[: len(images)] = images
    return blocks.transpose(0, 2, 1).reshape(len(blocks), -1)


def _tile(spec: Specification) -> int:
    """Return how many images that carry noise are pooled together."""
    fitting = _WHOLE // (6 * spec.pixels)
    return next((tile for tile in (16, 8, 4, 2) if tile <= fitting), 1)


def run(
    spec: Specification, images: Images, seeds: np.random.SeedSequence, noise: Floats | None = None
) -> UnitSums:
    """Send the images through the network; `noise` [n, pixels] replaces the noise drawn.

    So does the background of the images, if they have it.
    """
    counts = np.array([len(images.positions)], np.int64)
    room = _room(spec, [counts])
    return UnitSums.unpacked(_packed(spec, images, counts, new_state(seeds)[None], room, noise)[0])


def run_units(
    spec: Specification, seeds: np.random.SeedSequence, units: Sequence[int], counts: Sequence[int]
) -> Floats:
    """Return the packed sums [units, ...] of units below `seeds`.

    Images are drawn from stream (unit, 0), noise from (unit, 1).
    """
    bounds, batches = image_bounds(spec), list(_batches(spec, counts))
    room = _room(spec, [np.array(counts[batch], np.int64) for batch in batches])
    packed = []
    for batch in batches:
        images = np.array(counts[batch], np.int64)
        numbers = np.empty((images.sum(), len(bounds)), np.int64)
        draw_below(states_of_units(seeds, units[batch], 0), images, bounds, numbers)
        states = states_of_units(seeds, units[batch], 1)
        packed.append(_packed(spec, images_at(spec, numbers), images, states, room))
    return np.concatenate(packed)


def _batches(spec: Specification, counts: Sequence[int]) -> Iterator[slice]:
    """Divide units into batches of as many images as are pooled together."""
    most, begin, total = min(_TOGETHER, most_images(spec)), 0, 0
    for unit, count in enumerate(counts):
        if total and total + count > most:
            yield slice(begin, unit)
            begin, total = unit, 0
        total += count
    yield slice(begin, len(counts))


class _Room(NamedTuple):
    """Arrays that batches of units are computed in, one after the other, as the passes name them.

    Noise needs the first two as well: none is drawn before all windows are pooled.
    """

    noise: Floats
    room: Floats
    sums: Floats
    offsets: Integers
    history: Floats


def _room(spec: Specification, batches: Sequence[Integers]) -> _Room:
    """Return room for batches of units, of so many images each."""
    plan, most = _plan(spec), max(int(counts.max()) for counts in batches)
    maps = int(plan.pasts[-1])
    if spec.scenario.background:
        tile = _tile(spec)
        noise, room = np.empty((2 * tile, padded(spec.pixels))), _aligned(2, 3 * tile * spec.pixels)
        return _Room(
            noise, room, np.empty(maps), np.empty((0, 0), np.int64), np.empty((1, maps, 1))
        )
    lanes, length, together = _blocks(spec, most)
    blocks = max(int((-(-counts // lanes)).sum()) for counts in batches)
    noise, room = _aligned(together, length), _aligned(2, _width(plan, most, lanes))
    offsets = np.empty((plan.dim, 2 * plan.parts * most), np.int64)
    return _Room(noise, room, noise[0], offsets, _aligned(blocks, maps, lanes))


def _width(plan: _Plan, most: int, lanes: int) -> int:
    """Return how many numbers the windows of `most` images take, clean and displaced.

    As many at least as those of a block of noisy ones, or the pixels around their seam.
    """
    return padded(max(2 * most * plan.capacity, lanes * plan.capacity, lanes * plan.seam))


def _packed(
    spec: Specification,
    images: Images,
    counts: Integers,
    states: Words,
    room: _Room,
    noise: Floats | None = None,
) -> Floats:
    """Return the packed sums of units of `counts` images each, whose noise is drawn by `states`."""
    measure = _whole_sums if spec.scenario.background else _window_sums
    displacement, response, distance, square, controls = measure(
        spec, images, counts, states, room, noise
    )
    number = counts[:, None]
    means = (displacement / number, response / number, 2 * distance / (number - 1), square / number)
    return np.hstack([*means, controls / (number * spec.pixels)])


_Sums = tuple[Floats, Floats, Floats, Floats, Floats]


def _window_sums(
    spec: Specification,
    images: Images,
    counts: Integers,
    states: Words,
    room: _Room,
    noise: Floats | None,
) -> _Sums:
    """Return sums over units of the squared responses, of (f - mean of f)^2, of f^2, of noise."""
    plan, units, pixels = _plan(spec), len(counts), spec.pixels
    layers, number = len(plan.sides), len(images.positions)
    starts = np.empty((layers, plan.parts, number, plan.dim), np.int64)
    lanes, history, totals = room.history.shape[2], room.history, np.zeros((units, layers, 3))
    numbers, mode = plan[:-3], _MODES[spec.scenario.rectify]
    arrays = (room.room, room.sums, room.offsets, starts, history, totals)
    clean_pass(numbers, plan.extents, images.positions, images.moved, counts, *arrays)
    responses, controls = np.zeros((units, layers)), np.zeros((units, 2))
    first, page, together = 0, 0, len(room.noise) * lanes
    for unit, count in enumerate(counts.tolist()):
        for begin in range(0, count, together):
            start, here = first + begin, min(together, count - begin)
            part = room.noise[: -(-here // lanes)]
            if noise is None:
                fill_normals(states[unit], part, padded(pixels * lanes), spec.sigma)
            else:
                part[:, : pixels * lanes] = _interleaved(noise[start : start + here], lanes)
            into = (part, room.room, responses[unit], controls[unit])
            noisy_pass(numbers, starts, history, start, page, here, mode, *into)
            page += len(part)
        first += count
    displacement, distance, square = np.moveaxis(totals, 2, 0)
    return displacement, responses, distance, square, controls


def _whole_sums(
    spec: Specification,
    images: Images,
    counts: Integers,
    states: Words,
    room: _Room,
    noise: Floats | None,
) -> _Sums:
    """Return what `_window_sums` does, of images that carry noise."""
    plan, units, pixels = _plan(spec), len(counts), spec.pixels
    totals, controls = np.zeros((units, len(plan.sides), 4)), np.zeros((units, 2))
    tile, scenario, first = _tile(spec), spec.scenario, 0
    numbers, mode, sums = plan[:-3], _MODES[scenario.rectify], room.sums
    for unit, count in enumerate(counts.tolist()):
        sums[:] = 0.0
        here = slice(first, first + count)
        painted = images.positions[here], images.moved[here]
        for start in range(0, count, tile):
            shown = min(tile, count - start)
            carried, part = room.noise[:shown], room.noise[tile : tile + shown]
            given = slice(first + start, first + start + shown)
            if images.background is None:
                fill_normals(states[unit], carried, padded(pixels), scenario.background)
            else:
                carried[:, :pixels] = images.background[given]
            if noise is None:
                fill_normals(states[unit], part, padded(pixels), spec.sigma)
            else:
                part[:, :pixels] = noise[given]
            into = (room.room, room.history[0, :, 0], sums, totals[unit], controls[unit])
            whole_pass(numbers, *painted, start, mode, carried, part, *into)
        squares = np.square(sums, out=sums)
        totals[unit, :, 2] -= np.add.reduceat(squares, plan.pasts[:-1]) / count
        first += count
    displacement, responses, distance, square = np.moveaxis(totals, 2, 0)
    return displacement, responses, distance, square, controls
