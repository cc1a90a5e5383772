"""The images of units: made of whole numbers, they follow the same law as those drawn by NumPy."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

import scaledet as sd
from scaledet.simulation.engines.base import Images, Specification
from scaledet.simulation.engines.images import draw_images, image_bounds, images_at
from tests.runs import specification

TASKS = [
    sd.ScaleDetection(size=6, xi=2, gap=0),
    sd.ScaleDetection(size=6, xi=3, gap=1, periodic=False),
    sd.ScaleDetection(size=6, xi=3, variant="T2"),
    sd.ScaleDetection(size=3, xi=1.2, gap=0, dim=2),
]


def every_image(spec: Specification) -> Images:
    """The images of all numbers, each of which is as probable as any other."""
    bounds = image_bounds(spec).tolist()
    return images_at(spec, np.array(list(itertools.product(*map(range, bounds))), np.int64))


def frequencies(images: Images) -> dict[tuple[int, ...], float]:
    rows = np.concatenate([images.positions, images.moved], axis=1).reshape(
        len(images.positions), -1
    )
    counts = Counter(map(tuple, rows.tolist()))
    return {row: count / len(rows) for row, count in counts.items()}


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_one_pixel_is_anywhere_and_moves_by_one_site(dim: int) -> None:
    spec = specification(sd.Network.uniform(2, 2, 1, dim=dim), 4)
    law = frequencies(every_image(spec))
    expected = set()
    for place in itertools.product(range(4), repeat=dim):
        for axis, step in itertools.product(range(dim), (1, -1)):
            moved = list(place)
            moved[axis] = (moved[axis] + step) % 4
            expected.add((*place, *moved))
    assert law.keys() == expected
    assert set(law.values()) == {1 / (4**dim * 2 * dim)}


@pytest.mark.parametrize("task", TASKS, ids=repr)
@pytest.mark.parametrize("balanced", [False, True])
def test_pairs_are_uniform(task: sd.ScaleDetection, balanced: bool) -> None:
    net = sd.Network.uniform(1, 1, 1, dim=task.dim)
    spec = specification(net, None, task=task, balanced=balanced)
    images = every_image(spec)
    pairs = Counter(tuple(pair) for pair in images.positions.reshape(len(images[0]), -1).tolist())
    for label in (1, -1):
        listed = [tuple(pair) for pair in task.pairs(label).reshape(-1, 2 * task.dim).tolist()]
        share = 1 / 2 if balanced else task.counts[label] / sum(task.counts.values())
        for pair in listed:
            assert pairs[pair] / len(images.positions) == pytest.approx(share / len(listed))
    # Every pair makes all joint moves, each as often.
    joint = np.concatenate([images.positions, images.moved], axis=1)
    counts = Counter(map(tuple, joint.reshape(len(joint), -1).tolist()))
    pair = tuple(task.pairs(1)[0].ravel().tolist())
    of_pair = [count for row, count in counts.items() if row[: 2 * task.dim] == pair]
    assert sum(of_pair) == pairs[pair]
    assert len(of_pair) == (2 * task.dim) ** 2
    assert len(set(of_pair)) == 1


@pytest.mark.parametrize(
    ("task", "balanced"),
    [(None, False), *itertools.product(TASKS[:3], (False, True))],
    ids=repr,
)
def test_the_law_is_that_of_the_images_that_numpy_draws(task, balanced: bool) -> None:
    net = sd.Network.uniform(1, 1, 1)
    spec = specification(net, 6 if task is None else None, task=task, balanced=balanced)
    law = frequencies(every_image(spec))
    number = 200 * len(law)
    drawn = draw_images(spec, np.random.default_rng(1), number)
    counts = {row: share * number for row, share in frequencies(drawn).items()}
    assert counts.keys() <= law.keys()
    chi_square = sum(
        (counts.get(row, 0) - number * p) ** 2 / (number * p) for row, p in law.items()
    )
    free = len(law) - 1
    assert abs(chi_square - free) < 4 * np.sqrt(2 * free)
