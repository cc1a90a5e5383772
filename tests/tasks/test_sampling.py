"""Drawing pairs, samples and splits: balance, disjointness, uniformity with fixed seeds."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from scaledet.tasks.images import find_pairs
from scaledet.tasks.sampling import distinct
from scaledet.tasks.scale_detection import ScaleDetection
from tests.scale_detection_reference import T1_TASKS, T2_TASKS, as_set, every_task


def index_of(task, positions):
    """Row of each pair in task.pairs()."""
    scale = task.size ** np.arange(task.dim)[::-1]

    def code(pairs):
        return pairs @ scale @ np.array([task.size**task.dim, 1])

    known = code(task.pairs())
    order = np.argsort(known)
    return order[np.searchsorted(known[order], code(positions))]


@pytest.mark.parametrize(
    "task", [T1_TASKS[i] for i in (1, 2, 7, 11, 15, 19)] + T2_TASKS[:4], ids=str
)
def test_draw_pairs_is_uniform(task):
    plus, minus = task.counts[1], task.counts[-1]
    n = 40 * (plus + minus)
    uniform = np.full(plus + minus, 1 / (plus + minus))
    half = np.repeat([0.5 / plus, 0.5 / minus], [plus, minus])
    cases = [({}, uniform), ({"balanced": True}, half)]
    cases += [({"label": 1}, np.repeat([1 / plus, 0], [plus, minus]))]
    cases += [({"label": -1}, np.repeat([0, 1 / minus], [plus, minus]))]
    for options, expected in cases:
        positions, labels = task.draw_pairs(n, rng=3, **options)
        assert positions.shape == (n, 2, task.dim)
        assert labels.dtype == np.int8
        assert np.array_equal(task.label_of(positions[:, 0], positions[:, 1]), labels)
        seen = np.bincount(index_of(task, positions), minlength=plus + minus)
        assert seen[expected == 0].sum() == 0
        possible = expected > 0
        assert stats.chisquare(seen[possible], n * expected[possible]).pvalue > 1e-4


@pytest.mark.parametrize("task", [T1_TASKS[3], T1_TASKS[15], T2_TASKS[5]], ids=str)
@pytest.mark.parametrize("n", [1, 2, 9, 100])
def test_sample_is_balanced_and_draws_its_labels(task, n):
    images, labels = task.sample(n, rng=5)
    assert images.shape == (n, 1, *(task.size,) * task.dim)
    assert (images.dtype, labels.dtype) == (np.float64, np.int8)
    assert abs(int(labels.astype(int).sum())) == n % 2
    positions = find_pairs(images)
    assert np.array_equal(task.label_of(positions[:, 0], positions[:, 1]), labels)
    assert np.array_equal(task.images(positions), images)


def test_the_odd_label_and_the_order_of_a_sample_are_random():
    task = ScaleDetection(size=16, xi=4, gap=1)
    odd = [int(task.sample(3, rng=seed)[1].sum()) for seed in range(200)]
    assert set(odd) == {1, -1}
    assert 70 < odd.count(1) < 130
    first = [int(task.sample(2, rng=seed)[1][0]) for seed in range(200)]
    assert 70 < first.count(1) < 130


@pytest.mark.parametrize("dim", [1, 2])
def test_background_is_gaussian_of_the_given_standard_deviation(dim):
    clean = ScaleDetection(size=16, xi=4, gap=1, dim=dim)
    noisy = ScaleDetection(size=16, xi=4, gap=1, dim=dim, image_noise=0.05)
    images, labels = noisy.sample(4000 // 16**dim * 16, rng=8)
    reference, same = clean.sample(len(labels), rng=8)
    assert np.array_equal(labels, same)
    noise = (images - reference).ravel() / 0.05
    assert stats.kstest(noise, "norm").pvalue > 1e-3
    assert noise.std() == pytest.approx(1, abs=4 / math.sqrt(2 * noise.size))
    part = noisy.split(10, 0, 0, rng=1).train
    assert 0 < np.abs(part.images - noisy.images(part.positions)).max() < 0.5
    assert set(np.unique(noisy.images(part.positions))) == {0.0, 1.0}


@every_task
def test_everything_random_is_reproducible(task):
    positions = task.pairs()
    images = task.images(positions)
    for call in (
        lambda seed: task.draw_pairs(20, rng=seed)[0],
        lambda seed: task.draw_pairs(20, rng=seed, balanced=True)[0],
        lambda seed: task.sample(20, rng=seed)[0],
        lambda seed: task.split(2, 1, 1, rng=seed).train.positions,
        lambda seed: task.move_pairs(positions, rng=seed),
        lambda seed: task.displace(images, rng=seed),
    ):
        assert np.array_equal(call(7), call(7))
        assert np.array_equal(call(7), call(np.random.default_rng(7)))
        assert any(not np.array_equal(call(7), call(seed)) for seed in range(8, 14))


@pytest.mark.parametrize("task", [T1_TASKS[3], T1_TASKS[19], T2_TASKS[4]], ids=str)
@pytest.mark.parametrize("sizes", [(16, 6, 4), (7, 5, 3), (9, 0, 1)])
def test_split_is_disjoint_and_balanced(task, sizes):
    split = task.split(*sizes, rng=2)
    assert split._fields == ("train", "validation", "test")
    for part, size in zip(split, sizes, strict=True):
        assert part.positions.shape == (size, 2, task.dim)
        assert part.images.shape == (size, 1, *(task.size,) * task.dim)
        assert abs(int(part.labels.astype(int).sum())) == size % 2
        assert np.array_equal(task.images(part.positions), part.images)
        given = task.label_of(part.positions[:, 0], part.positions[:, 1])
        assert np.array_equal(given, part.labels)
    everything = np.concatenate([part.positions for part in split])
    assert len(as_set(everything)) == sum(sizes)


@every_task
def test_split_can_exhaust_the_smaller_label(task):
    rarer = min(task.counts, key=task.counts.get)
    count = task.counts[rarer]
    train, rest = 2 * (count // 2), 2 * count - 2 * (count // 2)
    split = task.split(train, rest, 0, rng=4)
    positions = np.concatenate([part.positions for part in split])
    labels = np.concatenate([part.labels for part in split])
    assert as_set(positions[labels == rarer]) == as_set(task.pairs(rarer))


@every_task
def test_the_largest_total_named_is_feasible_and_the_next_is_not(task):
    count = min(task.counts.values())
    with pytest.raises(ValueError, match=rf"must be <= {2 * count}; got {2 * count + 2}"):
        task.split(2 * count, 2, 0, rng=0)
    # Odd parts may take their odd pair from the more frequent label.
    more = max(task.counts.values())
    if more > count:
        split = task.split(2 * count + 1, 0, 0, rng=0)
        assert len(as_set(split.train.positions)) == 2 * count + 1
        with pytest.raises(ValueError, match=rf"must be <= {2 * count + 1}; got {2 * count + 3}"):
            task.split(2 * count + 3, 0, 0, rng=0)


def test_split_of_a_huge_data_set():
    task = ScaleDetection(size=512, xi=20, dim=2)
    split = task.split(40, 10, 10, rng=0)
    assert len(as_set(np.concatenate([part.positions for part in split]))) == 60


def test_drawing_without_replacement_is_uniform():
    for count, n in [(5, 2), (5, 5), (12, 2), (30, 3)]:
        rng = np.random.default_rng(count)
        draws = [tuple(distinct(count, n, rng).tolist()) for _ in range(4000)]
        assert all(len(set(draw)) == n for draw in draws)
        for place in range(n):
            seen = np.bincount([draw[place] for draw in draws], minlength=count)
            assert stats.chisquare(seen).pvalue > 1e-4
        pairs = Counter(draw[:2] for draw in draws)
        expected = list(itertools.permutations(range(count), 2))
        assert stats.chisquare([pairs[pair] for pair in expected]).pvalue > 1e-4
    assert len(np.unique(distinct(1000, 240, np.random.default_rng(0)))) == 240
    assert distinct(10, 0, np.random.default_rng(0)).tolist() == []
