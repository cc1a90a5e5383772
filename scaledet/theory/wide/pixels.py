r"""Square distances of images of few active pixels, by what surrounds these pixels only.

Windows that contain no pixel see a blank image. So for pixels p, p' that no window contains both,
the distance of the images is that of each from the blank one, E(p, p') = E(p, 0) + E(p', 0).
"""

from __future__ import annotations

import math
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from scaledet.network.network import Network
from scaledet.scenario import Moves, Scenario
from scaledet.tasks.border import move_weights
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.signal.pairs import label_weights
from scaledet.theory.wide.recursion import distances, image_state
from scaledet.theory.wide.windows import WideNetwork, announce

__all__ = ["BLANK", "Moments", "PixelPairs", "one_pixel_moments", "period", "reach", "task_moments"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

BLANK = -1
"""Stands for a pixel that is not there."""


class Moments(NamedTuple):
    """Mean square distance to the moved image, and to an independent one; shape [depth + 1]."""

    displacement: Array
    distance: Array


class PixelPairs:
    """Square distances of pairs of images, each given by its active pixels [n, m]."""

    def __init__(self, net: WideNetwork) -> None:
        self._net = net

    def distances(self, first: Integers, second: Integers) -> Array:
        """Return E, shape [depth + 1, n]; pixels that coincide add up, `BLANK` is none."""
        step = self._net.at_a_time(self._widths(first, second))
        chunks = (slice(start, start + step) for start in range(0, len(first), step))
        return np.concatenate([self._chunk(first[c], second[c]) for c in chunks], axis=1)

    def announce(self, first: Integers, second: Integers, times: int, what: str) -> None:
        """Warn if the `distances` will take long, being asked for so many times."""
        announce(self._net.work(self._widths(first, second)) * len(first) * times, what)

    def _widths(self, first: Integers, second: Integers) -> Array:
        """Return the number of places at every layer, of the largest of a few pairs."""
        net = self._net
        if not net.blank_is_uniform:
            return np.asarray(net.counts + 1)
        some = np.concatenate([first, second], axis=1)[:: max(1, len(first) // 64)]
        maps = net.around(np.where(some < 0, int(net.counts[0]), some))
        return np.array([float(each.real.shape[1]) for each, _ in maps])

    def _chunk(self, first: Integers, second: Integers) -> Array:
        net = self._net
        count = int(net.counts[0])
        pairs = [np.where(part < 0, count, part) for part in (first, second)]
        rows = np.arange(len(first))[:, None]
        if not net.blank_is_uniform:
            maps = list(net.everywhere())
            images = [np.zeros((len(first), count + 1)) for _ in pairs]
            for image, pixels in zip(images, pairs, strict=True):
                np.add.at(image, (rows, pixels), 1.0)
                image[:, -1] = 0.0
        else:
            found = list(net.around(np.concatenate(pairs, axis=1)))
            maps, sites = [each for each, _ in found], found[0][1]
            images = [np.zeros((len(first), sites.shape[1] + 1)) for _ in pairs]
            for image, pixels in zip(images, pairs, strict=True):
                hit = sites[:, :, None] == pixels[:, None, :]
                image[:, :-1] = np.where(sites < count, hit.sum(axis=2), 0)
        state = image_state(net, images[0][:, None], images[1][:, None])
        return distances(net, maps, state)


def period(net: Network, sides: tuple[int, ...], axis: int) -> int:
    """Return the shift of an image along an axis that shifts all maps by whole sites."""
    rules = [layer.rule(axis, net.dim) for layer in net]
    side = sides[axis]
    step = math.prod(rule.stride for rule in rules)
    return step if side % step == 0 and all(rule.is_torus for rule in rules) else side


def reach(net: Network, axis: int) -> int:
    """Return the pixels along an axis that the last layer's outputs see."""
    length, step = 1, 1
    for layer in net:
        rule = layer.rule(axis, net.dim)
        length += step * (rule.length - 1)
        step *= rule.stride
    return length


def one_pixel_moments(net: WideNetwork, moves: Moves) -> Moments:
    """Average over a uniformly placed pixel, its moves, and an independent pixel."""
    sides, dim = net.sides, len(net.sides)
    periods = [period(net.network, sides, axis) for axis in net.axes]
    grid = np.stack(np.meshgrid(*map(np.arange, periods), indexing="ij"), axis=-1)
    grid = grid.reshape(-1, dim)
    pixels = PixelPairs(net)
    starts, ends, weights = _moved(grid, sides, moves)
    flat = [_flat(part, sides)[:, None] for part in (starts, ends)]
    displacement = pixels.distances(*flat) @ weights / len(grid)
    return Moments(displacement, _distance(net, pixels, grid))


def _distance(net: WideNetwork, pixels: PixelPairs, grid: Integers) -> Array:
    sides = net.sides
    steps, doubled = _near_steps(sides, [reach(net.network, axis) for axis in net.axes])
    first = np.repeat(grid, len(steps), axis=0)
    other = (first + np.tile(steps, (len(grid), 1))) % np.array(sides)
    pairs = _flat(first, sides)[:, None], _flat(other, sides)[:, None]
    pixels.announce(*pairs, 1, "Q, by pairs of pixels that share a window,")
    near = pixels.distances(*pairs)
    near = near.reshape(len(near), len(grid), len(steps)) @ doubled
    total = net.counts[0]
    if 1 + doubled.sum() == total:
        return np.asarray(near.mean(axis=1) / total)
    blank = np.full((len(grid), 1), BLANK)
    alone = pixels.distances(_flat(grid, sides)[:, None], blank)
    far = total - 1 - doubled.sum()  # E(p, p) = 0
    return np.asarray((near.mean(axis=1) + 2 * far * alone.mean(axis=1)) / total)


def _near_steps(sides: tuple[int, ...], reaches: list[int]) -> tuple[Integers, Array]:
    """Return the steps to other pixels that share a window, one of each m and -m, and weights."""
    along = [
        np.arange(side) if 2 * far - 1 >= side else np.arange(1 - far, far) % side
        for side, far in zip(sides, reaches, strict=True)
    ]
    steps = np.stack(np.meshgrid(*along, indexing="ij"), axis=-1).reshape(-1, len(sides))
    size = np.array(sides)
    number, opposite = _flat(steps, sides), _flat(-steps % size, sides)
    kept = (number <= opposite) & (number > 0)
    return steps[kept], np.where(number < opposite, 2.0, 1.0)[kept]


def _flat(places: Integers, sides: tuple[int, ...]) -> Integers:
    return np.asarray(np.ravel_multi_index(tuple(places.T), sides), dtype=np.int64)


def _moved(
    grid: Integers, sides: tuple[int, ...], moves: Moves
) -> tuple[Integers, Integers, Array]:
    """Return pixels, where they move, and the probability of the move."""
    starts, ends, weights = [], [], []
    for axis, side in enumerate(sides):
        for sign in (1, -1):
            move = np.zeros(len(sides), dtype=np.int64)
            move[axis] = sign
            likely = np.full(len(grid), 0.5)
            if moves != "wrap":
                likely = move_weights(side, moves)[grid[:, axis], 1 + sign] / 2
            taken = likely > 0
            starts.append(grid[taken])
            ends.append((grid[taken] + move) % np.array(sides))
            weights.append(likely[taken] / len(sides))
    return np.concatenate(starts), np.concatenate(ends), np.concatenate(weights)


def task_images(scenario: Scenario) -> tuple[Integers, Array]:
    """Return the images of a task as pairs of pixels [n, 2, dim], and their probabilities."""
    task = cast("ScaleDetection", scenario.task)
    images, weights = [], []
    for label, weight in label_weights(task, scenario.balanced).items():
        images.append(task.pairs(label))
        weights.append(np.full(len(images[-1]), float(2 * weight)))  # of a pair in either order
    return np.concatenate(images), np.concatenate(weights)


def task_moments(net: WideNetwork, scenario: Scenario) -> Moments:
    """Average over the images of a task, their moves, and an independent image."""
    images, weights = task_images(scenario)
    sides = net.sides
    flat = np.stack([_flat(images[:, j], sides) for j in (0, 1)], axis=1)
    chosen, shares = _orbits(net, scenario, images, weights)
    pixels = PixelPairs(net)
    # Q: each representative against all images.
    distance = np.zeros(net.network.depth + 1)
    displacement = np.zeros_like(distance)
    first = np.broadcast_to(flat[chosen[0]], flat.shape)
    pixels.announce(first, flat, len(chosen), "Q, by all pairs of images of the task,")
    for index, share in zip(chosen, shares, strict=True):
        first = np.broadcast_to(flat[index], flat.shape)
        distance += share * (pixels.distances(first, flat) @ weights)
        ends, likely = _joint_moves(images[index], sides, scenario.moves)
        first = np.broadcast_to(flat[index], ends.shape)
        displacement += share * (pixels.distances(first, ends) @ likely)
    return Moments(displacement, distance)


def _joint_moves(pair: Integers, sides: tuple[int, ...], moves: Moves) -> tuple[Integers, Array]:
    """Return the pixels after each joint move of the two, [m, 2], and its probability."""
    parts = []
    for pixel in pair:
        _, moved, weights = _moved(pixel[None], sides, moves)
        ends, stays = _flat(moved, sides), 1 - weights.sum()
        if stays > 1e-12:
            ends = np.append(ends, _flat(pixel[None], sides))
            weights = np.append(weights, stays)
        parts.append((ends, weights))
    (left, p), (right, q) = parts
    both = np.stack([np.repeat(left, len(right)), np.tile(right, len(left))], axis=1)
    return np.asarray(both, dtype=np.int64), np.outer(p, q).ravel()


def _orbits(
    net: WideNetwork, scenario: Scenario, images: Integers, weights: Array
) -> tuple[Integers, Array]:
    """Return one image of every class of translates, and the probability of the class."""
    task, sides = cast("ScaleDetection", scenario.task), net.sides
    steps = []
    for axis, side in enumerate(sides):
        step = period(net.network, sides, axis)
        if task.variant == "T2":
            step = math.lcm(step, task.rule.side)
        elif not task.periodic:
            step = side
        steps.append(range(0, side, step) if scenario.moves == "wrap" else range(1))
    shifts = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, len(sides))
    lowest = np.full(len(images), np.iinfo(np.int64).max)
    total = math.prod(sides)
    for shift in shifts:
        moved = (images + shift) % np.array(sides)
        left, right = (_flat(moved[:, j], sides) for j in (0, 1))
        np.minimum(lowest, np.minimum(left, right) * total + np.maximum(left, right), out=lowest)
    _, chosen, belongs = np.unique(lowest, return_index=True, return_inverse=True)
    shares = np.bincount(belongs.ravel(), weights=weights)
    return np.asarray(chosen, dtype=np.int64), np.asarray(shares, dtype=np.float64)
