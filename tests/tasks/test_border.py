"""The mean square displacement of pairs on images with a border, against all moves of all pairs."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest

import scaledet as sd
from scaledet.tasks.border import bordered_mean_square

TASKS = [
    sd.ScaleDetection(size=8, xi=3, gap=0),
    sd.ScaleDetection(size=9, xi=4, gap=1, periodic=False),
    sd.ScaleDetection(size=8, xi=2, variant="T2"),
    sd.ScaleDetection(size=5, xi=2, gap=0, dim=2),
    sd.ScaleDetection(size=5, xi=2, gap=0, dim=2, periodic=False, norm="Linf"),
    sd.ScaleDetection(size=4, xi=2, variant="T2", dim=2),
]


def law(site, size, border):
    """Return the places of a pixel after its move, each with its probability."""
    dim, result = len(site), {}
    for axis in range(dim):
        places = []
        for sign in (1, -1):
            place = list(site)
            place[axis] += sign
            if 0 <= place[axis] < size:
                places.append(tuple(place))
            elif border == "stay":
                places.append(tuple(site))
        for place in places:
            result[place] = result.get(place, 0) + Fraction(1, dim * len(places))
    return result


def brute_force(task, balanced, border):
    means = {}
    for label in (1, -1):
        total = Fraction(0)
        pairs = task.pairs(label).tolist()
        for p, q in pairs:
            moved = [law(site, task.size, border).items() for site in (p, q)]
            for (a, wa), (b, wb) in itertools.product(*moved):
                change = {}
                for place, height in ((tuple(p), -1), (tuple(q), -1), (a, 1), (b, 1)):
                    change[place] = change.get(place, 0) + height
                total += wa * wb * sum(height**2 for height in change.values())
        means[label] = (total, len(pairs))
    if balanced:
        return sum(total / count for total, count in means.values()) / 2
    return sum(t for t, _ in means.values()) / sum(c for _, c in means.values())


@pytest.mark.parametrize("task", TASKS, ids=repr)
@pytest.mark.parametrize("border", ["stay", "inside"])
@pytest.mark.parametrize("balanced", [False, True])
def test_mean_square_displacement_is_that_of_all_moves(task, border, balanced):
    expected = brute_force(task, balanced, border)
    assert bordered_mean_square(task.rule, balanced, border) == expected
    if border == "stay":  # less than around the torus: some do not move
        assert expected < task.mean_square_displacement(balanced=balanced)
