"""The slow, obvious reference for `ScaleDetection`: all pairs of small images, one by one."""

from __future__ import annotations

import functools
import itertools
from fractions import Fraction

import pytest

from scaledet.tasks.scale_detection import ScaleDetection

T1_TASKS = [
    ScaleDetection(size=size, xi=xi, gap=gap, dim=dim, periodic=periodic, norm=norm)
    for periodic in (True, False)
    for size, xi, gap, dim, norm in [
        (4, Fraction(3, 2), 0.25, 1, "L2"),
        (7, 2.5, 0.5, 1, "L2"),
        (8, 3, 1, 1, "Linf"),
        (12, 4, 1, 1, "L2"),
        (4, Fraction(6, 5), 0.0, 2, "L2"),
        (5, 2, 0, 2, "L2"),
        (5, 2, 0, 2, "Linf"),
        (6, Fraction(9, 4), Fraction(1, 4), 2, "L2"),
        (6, 2, 0.5, 2, "Linf"),
        (7, 2.5, 0.5, 2, "L2"),
    ]
]
T2_TASKS = [
    ScaleDetection(size=size, xi=xi, variant="T2", dim=dim, periodic=periodic, norm=norm)
    for periodic in (True, False)
    for size, xi, dim, norm in [
        (4, 2, 1, "L2"),
        (9, 3, 1, "L2"),
        (12, 6, 1, "Linf"),
        (4, 2, 2, "L2"),
        (6, 2, 2, "Linf"),
        (6, 3, 2, "L2"),
    ]
]
TASKS = T1_TASKS + T2_TASKS
every_task = pytest.mark.parametrize("task", TASKS, ids=str)
every_t1 = pytest.mark.parametrize("task", T1_TASKS, ids=str)


def all_pairs(task):
    sites = list(itertools.product(range(task.size), repeat=task.dim))
    return list(itertools.combinations(sites, 2))


def apart(task, p, q):
    result = []
    for a, b in zip(p, q, strict=True):
        distance = abs(a - b)
        result.append(min(distance, task.size - distance) if task.periodic else distance)
    return result


def squared(task, p, q):
    steps = apart(task, p, q)
    return sum(s * s for s in steps) if task.norm == "L2" else max(steps) ** 2


def label(task, p, q):
    if task.variant == "T2":
        return 1 if all(a // task.xi == b // task.xi for a, b in zip(p, q, strict=True)) else -1
    square = squared(task, p, q)
    if square < (Fraction(task.xi) - Fraction(task.gap)) ** 2:
        return 1
    return -1 if square >= (Fraction(task.xi) + Fraction(task.gap)) ** 2 else 0


@functools.cache
def by_label(task):
    """All pairs of sites by label: 1, -1 and 0 for those left out."""
    groups = {1: [], -1: [], 0: []}
    for p, q in all_pairs(task):
        groups[label(task, p, q)].append((p, q))
    return groups


def as_set(positions):
    """Pairs as a set of sorted tuples; fails if one of them occurs twice."""
    pairs = [tuple(sorted(map(tuple, pair))) for pair in positions.tolist()]
    assert len(set(pairs)) == len(pairs)
    return set(pairs)


def moves_of(task, site):
    for axis, sign in itertools.product(range(task.dim), (1, -1)):
        moved = list(site)
        moved[axis] = (moved[axis] + sign) % task.size
        yield tuple(moved)
