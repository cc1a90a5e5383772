"""The images of units: their law, drawn by a NumPy generator or made of whole numbers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from scaledet.simulation.engines.base import Images, Integers, Specification
from scaledet.tasks.border import landed
from scaledet.tasks.enumeration import PairOrder, pair_order
from scaledet.tasks.moves import move_freely, moved_by
from scaledet.tasks.rule import Rule
from scaledet.tasks.sampling import pairs_at, rank_bounds

__all__ = ["draw_images", "image_bounds", "images_at"]


def draw_images(spec: Specification, rng: np.random.Generator, count: int) -> Images:
    """Draw the active pixels, where the move takes them, and the noise that images carry."""
    scenario = spec.scenario
    if scenario.task is not None:
        positions, _ = scenario.task.draw_pairs(count, rng=rng, balanced=scenario.balanced)
        return Images(positions, move_freely(positions, spec.size, rng, scenario.moves))
    dim = spec.network.dim
    # Equal sides are drawn from one bound: several bounds make another use of the stream.
    bounds = spec.sides if len(set(spec.sides)) > 1 else spec.sides[0]
    positions = rng.integers(bounds, size=(count, 1, dim))
    axis = rng.integers(dim, size=count)
    sign = 2 * rng.integers(2, size=count) - 1
    moved = positions.copy()
    moved[np.arange(count), 0, axis] += sign
    background = None
    if scenario.background:
        background = scenario.background * rng.standard_normal((count, spec.pixels))
    return Images(positions, landed(moved, spec.sides, scenario.moves), background)


def image_bounds(spec: Specification) -> Integers:
    """Return the bounds of the independent whole numbers, from 0 on, that `images_at` needs."""
    dim, task = spec.network.dim, spec.scenario.task
    if task is None:
        return np.array([*(spec.size,) * dim, 2 * dim])
    return np.array([*rank_bounds(_order(task.rule), spec.scenario.balanced), 2 * dim, 2 * dim])


def images_at(spec: Specification, numbers: Integers) -> Images:
    """Return the images, without their background, of numbers [n, ...] below `image_bounds`.

    They are those of a torus.
    """
    task = spec.scenario.task
    if task is None:
        positions = np.ascontiguousarray(numbers[:, None, :-1])
    else:
        positions = pairs_at(_order(task.rule), numbers[:, :-2], spec.scenario.balanced)
    return Images(positions, moved_by(positions, numbers[:, -positions.shape[1] :], spec.size))


@lru_cache(maxsize=4)
def _order(rule: Rule) -> PairOrder:
    return pair_order(rule)
