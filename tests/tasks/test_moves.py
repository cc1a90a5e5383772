"""Moves of the pixels: one site each, uniform over those allowed, exact mean squares."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from scaledet.tasks.moves import mean_square_at
from scaledet.tasks.scale_detection import ScaleDetection
from tests.scale_detection_reference import (
    TASKS,
    all_pairs,
    by_label,
    every_t1,
    every_task,
    moves_of,
    squared,
)


def torus_steps(task, before, after):
    step = np.abs(after - before)
    return np.minimum(step, task.size - step)


@every_task
@pytest.mark.parametrize("keep", [False, True])
def test_each_pixel_moves_by_exactly_one_site(task, keep):
    where = np.repeat(task.pairs(), 5, axis=0)
    before = where.copy()
    moved = task.move_pairs(where, rng=11, label_preserving=keep)
    assert np.array_equal(where, before)
    assert (moved.dtype, moved.shape) == (np.int64, where.shape)
    assert ((moved >= 0) & (moved < task.size)).all()
    steps = torus_steps(task, where, moved)
    assert (steps.sum(axis=-1) == 1).all()


def kept(task, pair):
    """What a label-preserving move of `pair` does not change: blocks (T2), side of xi (T1)."""
    if task.variant == "T2":
        return [tuple(x // task.xi for x in site) for site in pair]
    return squared(task, *pair) < Fraction(task.xi) ** 2


@every_task
def test_label_preserving_moves_are_uniform_over_those_allowed(task):
    pairs = task.pairs()
    rng = np.random.default_rng(6)
    excluded = by_label(task)[0][:2]
    chosen = [*pairs[rng.permutation(len(pairs))[:5]].tolist(), *excluded]
    chosen.append([(0,) * task.dim, (task.size - 1,) * task.dim])
    chosen.append([(0,) * task.dim, (0,) * task.dim])
    for p, q in chosen:
        joint = itertools.product(moves_of(task, p), moves_of(task, q))
        allowed = [(a, b) for a, b in joint if kept(task, (a, b)) == kept(task, (p, q))]
        n = 60 * len(allowed)
        moved = task.move_pairs(np.array([[p, q]] * n), rng=rng, label_preserving=True)
        seen = Counter(tuple(map(tuple, pair)) for pair in moved.tolist())
        assert set(seen) == set(allowed)
        expected = Counter(allowed)
        observed = [seen[move] for move in expected]
        shares = [60 * multiplicity for multiplicity in expected.values()]
        assert len(shares) == 1 or stats.chisquare(observed, shares).pvalue > 1e-5


@pytest.mark.parametrize("dim", [1, 2])
def test_free_moves_are_independent_and_uniform(dim):
    task = ScaleDetection(size=8, xi=2, variant="T2", dim=dim)
    pair = [[0] * dim, [5] * dim]
    n = 100 * (2 * dim) ** 2
    moved = task.move_pairs([pair] * n, rng=2)
    seen = Counter(tuple(map(tuple, after)) for after in moved.tolist())
    joint = list(itertools.product(moves_of(task, pair[0]), moves_of(task, pair[1])))
    assert set(seen) == set(joint)
    assert stats.chisquare([seen[move] for move in joint]).pvalue > 1e-3


@pytest.mark.parametrize("dim", [1, 2])
def test_label_preserving_t2_never_crosses_a_block(dim):
    task = ScaleDetection(size=6, xi=2, variant="T2", dim=dim)
    where = np.repeat(task.pairs(), 20, axis=0)
    for _ in range(3):
        moved = task.move_pairs(where, rng=3, label_preserving=True)
        assert np.array_equal(moved // 2, where // 2)
        where = moved
    free = task.move_pairs(where, rng=3)
    assert (np.abs(free - where) == 5).any()  # without it, pixels do wrap


@every_t1
def test_label_preserving_t1_keeps_the_side_of_xi(task):
    where = np.repeat(np.array(all_pairs(task)), 3, axis=0)
    moved = task.move_pairs(where, rng=4, label_preserving=True)
    for before, after in zip(where.tolist(), moved.tolist(), strict=True):
        sides = [squared(task, *pair) < Fraction(task.xi) ** 2 for pair in (before, after)]
        assert sides[0] == sides[1]


def brute_mean_square(task, pairs):
    """Mean over the pairs and the joint moves of the squared change of the images."""
    joint = [list(itertools.product(moves_of(task, p), moves_of(task, q))) for p, q in pairs]
    after = task.images(np.array(joint).reshape(-1, 2, task.dim))
    before = np.repeat(task.images(pairs), len(joint[0]), axis=0)
    return Fraction(int(((after - before) ** 2).sum()), len(after))


SMALL = [
    ScaleDetection(size=3, xi=1.5, gap=0, periodic=False),
    ScaleDetection(size=2, xi=1.2, gap=0, dim=2),
    ScaleDetection(size=3, xi=1.2, gap=0, dim=2),
    ScaleDetection(size=5, xi=3, gap=1, periodic=False),
    ScaleDetection(size=4, xi=3, gap=0, dim=2, periodic=False, norm="Linf"),
]


@pytest.mark.parametrize("task", SMALL + [t for t in TASKS if t.size**t.dim <= 36], ids=str)
def test_mean_square_displacement_equals_brute_force(task):
    groups = by_label(task)
    means = {sign: brute_mean_square(task, groups[sign]) for sign in (1, -1)}
    weighted = sum(means[sign] * task.counts[sign] for sign in (1, -1))
    assert task.mean_square_displacement() == weighted / sum(task.counts.values())
    assert task.mean_square_displacement(balanced=True) == (means[1] + means[-1]) / 2


def test_mean_square_at_given_displacements():
    means = [mean_square_at((m,), 32) for m in (1, 2, 3, 16, 30, 31)]
    assert means == [2, Fraction(9, 2), 4, 4, Fraction(9, 2), 2]
    assert mean_square_at((1,), 2) == 0 + Fraction(0)  # both pixels change places
    far = [v for v in itertools.product(range(16), repeat=2) if sum(min(x, 16 - x) for x in v) > 2]
    assert {mean_square_at(v, 16) for v in far} == {4}


def test_mean_square_displacement_of_sampled_moves():
    task = ScaleDetection(size=16, xi=3, gap=0, dim=2, periodic=False)
    for balanced in (False, True):
        positions, _ = task.draw_pairs(10000, rng=1, balanced=balanced)
        images = task.images(positions)
        squares = ((task.displace(images, rng=2) - images) ** 2).sum(axis=(1, 2, 3))
        error = squares.std() / math.sqrt(len(squares))
        exact = float(task.mean_square_displacement(balanced=balanced))
        assert abs(squares.mean() - exact) < 4 * error
