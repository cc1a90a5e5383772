"""Counts, labels and laws of the distance against a brute force over all pairs."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from scaledet.tasks.scale_detection import ScaleDetection
from tests.scale_detection_reference import (
    TASKS,
    all_pairs,
    as_set,
    by_label,
    every_t1,
    every_task,
    label,
    squared,
)


@every_task
def test_counts_labels_and_pairs_equal_brute_force(task):
    groups = by_label(task)
    assert task.counts == {1: len(groups[1]), -1: len(groups[-1])}
    assert task.excluded == len(groups[0])
    assert task.total_pairs == len(all_pairs(task))
    for sign in (1, -1):
        assert as_set(task.pairs(sign)) == set(groups[sign])
    assert as_set(task.pairs()) == set(groups[1] + groups[-1])
    pairs = np.array(all_pairs(task))
    expected = [label(task, p, q) for p, q in all_pairs(task)]
    for first, second in [(0, 1), (1, 0)]:
        given = task.label_of(pairs[:, first], pairs[:, second])
        assert given.dtype == np.int8
        assert given.tolist() == expected


@every_task
def test_distance_law_equals_brute_force(task):
    groups = by_label(task)
    for sign in (1, -1):
        expected = Counter(squared(task, p, q) for p, q in groups[sign])
        law = task.distance_law(sign)
        assert law.squared.tolist() == sorted(expected)
        assert dict(zip(law.squared.tolist(), law.counts.tolist(), strict=True)) == expected
        assert law.distances == pytest.approx([math.sqrt(s) for s in sorted(expected)], rel=1e-15)
        assert sum(law.probabilities) == 1
        assert law.probabilities[0] == Fraction(expected[min(expected)], len(groups[sign]))
        with pytest.raises(ValueError, match="read-only"):
            law.counts[0] = 0


@every_t1
def test_displacement_mask_equals_brute_force(task):
    groups = by_label(task)
    for sign in (1, -1):
        expected = np.zeros((task.size,) * task.dim, dtype=bool)
        for p, q in groups[sign]:
            step = np.array(q) - np.array(p)
            if task.periodic:
                expected[tuple(step % task.size)] = expected[tuple(-step % task.size)] = True
            else:
                expected[tuple(np.abs(step))] = True
        mask = task.displacement_mask(sign)
        assert mask.dtype == np.bool_
        assert np.array_equal(mask, expected)
        assert not mask.flat[0]


@pytest.mark.parametrize("norm", ["L2", "Linf"])
@pytest.mark.parametrize("periodic", [True, False])
def test_a_32_by_32_image_has_523776_pairs(periodic, norm):
    task = ScaleDetection(size=32, xi=8.5, gap=1, dim=2, periodic=periodic, norm=norm)
    assert task.total_pairs == 523776
    assert sum(task.counts.values()) + task.excluded == 523776
    sites = np.stack(np.unravel_index(np.arange(1024), (32, 32)), axis=-1)
    i, j = np.triu_indices(1024, 1)
    given = Counter(task.label_of(sites[i], sites[j]).tolist())
    assert given == {1: task.counts[1], -1: task.counts[-1], 0: task.excluded}
    for sign in (1, -1):
        assert len(task.pairs(sign)) == task.counts[sign] == task.distance_law(sign).counts.sum()


def test_t2_of_32_by_32_leaves_nothing_out():
    task = ScaleDetection(size=32, xi=8, variant="T2", dim=2)
    assert task.counts == {1: 16 * math.comb(64, 2), -1: 523776 - 16 * math.comb(64, 2)}
    assert task.excluded == 0


def test_large_sizes_are_counted_without_enumeration():
    for size in (1024, 4096):
        blocks = ScaleDetection(size=size, xi=64, variant="T2", dim=2)
        assert sum(blocks.counts.values()) == math.comb(size**2, 2)
    blocks = ScaleDetection(size=1024, xi=64, variant="T2", dim=2)
    assert int(blocks.distance_law(-1).counts.sum()) == blocks.counts[-1]
    for periodic in (True, False):
        large = ScaleDetection(size=512, xi=100.5, gap=3, dim=2, periodic=periodic)
        assert {
            sign: int(large.distance_law(sign).counts.sum()) for sign in (1, -1)
        } == large.counts
        positions, labels = large.draw_pairs(1000, rng=0)
        assert np.array_equal(large.label_of(positions[:, 0], positions[:, 1]), labels)
    assert "pairs +1" in repr(ScaleDetection(size=2**15, xi=100, dim=2, periodic=False))


def test_distances_are_compared_exactly():
    exact = ScaleDetection(size=20, xi=Fraction(21, 10), gap=Fraction(1, 10))
    assert exact.counts[1] == 20
    # The binary values of 2.1 and 0.1 differ by more than 2: floats are read as decimals.
    assert ScaleDetection(size=20, xi=2.1, gap=0.1) == exact
    binary = ScaleDetection(size=20, xi=Fraction(2.1), gap=Fraction(0.1))
    assert binary.counts[1] == 40
    for tenth in range(12, 80):  # Distances are integers: 3.1 - 0.1 and 2.9 + 0.1 decide.
        given, meant = tenth / 10, Fraction(tenth, 10)
        pair = [
            ScaleDetection(size=20, xi=xi, gap=gap).counts
            for xi, gap in ((given, 0.1), (meant, Fraction(1, 10)))
        ]
        assert pair[0] == pair[1]
    with pytest.warns(UserWarning, match=r"xi = 2\.0999999999999996 is read as 2\.1, up to"):
        assert ScaleDetection(size=20, xi=3 * 0.7, gap=0.1) == exact
    tiny = Fraction(1, 10**30)
    assert ScaleDetection(size=20, xi=3, gap=0).counts[1] == 40
    assert ScaleDetection(size=20, xi=3 + tiny, gap=0).counts[1] == 60
    assert ScaleDetection(size=20, xi=3 + tiny, gap=tiny).counts[1] == 40
    assert type(ScaleDetection(xi=np.float64(14.0)).xi) is int


def test_a_coincident_pair_is_not_admitted():
    for task in TASKS:
        site = np.zeros((1, task.dim), dtype=int)
        assert task.label_of(site, site).tolist() == [0]
