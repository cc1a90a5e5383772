"""Streams of units: those of NumPy's tree, and whole numbers of the law that they should have."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scaledet.simulation.engines.compiled.gaussian_stream import LANES, new_state, next_words
from scaledet.simulation.engines.compiled.unit_streams import draw_below, states_of_units
from tests.simulation.engines.compiled.test_gaussian_stream import excess_correlation

ENTROPIES = [0, 5, 2**32, 2**100 + 3, 2**300 + 1, (0,), (1, 2, 3), (2**40, 0, 2**200)]


@pytest.mark.parametrize("entropy", ENTROPIES, ids=repr)
@pytest.mark.parametrize("key", [(), (0,), (3, 2**33), (0, 1, 2, 3, 4)], ids=repr)
def test_streams_are_those_of_numpys_tree(entropy, key: tuple[int, ...]) -> None:
    seeds = np.random.SeedSequence(entropy, spawn_key=key)
    units = [0, 1, 7, 2**32 - 1, 2**32, 2**61 + 5]
    for child in (0, 1):
        states = states_of_units(seeds, units, child)
        for unit, state in zip(units, states, strict=True):
            below = np.random.SeedSequence(entropy, spawn_key=(*key, unit, child))
            assert (state == new_state(below)).all()


def drawn(counts: list[int], bounds: list[int], seed: int = 1) -> np.ndarray:
    states = states_of_units(np.random.SeedSequence(seed), range(len(counts)), 0)
    numbers = np.empty((sum(counts), len(bounds)), np.int64)
    draw_below(states, np.array(counts), np.array(bounds), numbers)
    return numbers


def test_known_numbers() -> None:
    """Upper bits of the words of all lanes in turn; those that are too large are left out."""
    bounds = [1, 2, 3, 1000, 1024, 2**40 + 1, 2**62]
    counts = [3, 0, 40]
    numbers = iter(drawn(counts, bounds).tolist())
    for unit, count in enumerate(counts):
        state = new_state(np.random.SeedSequence(1, spawn_key=(unit, 0)))
        words = np.empty((100, LANES), np.uint64)
        next_words(state, words)
        word = iter(words.ravel().tolist())
        for _ in range(count):
            for bound, number in zip(bounds, next(numbers), strict=True):
                expected = bound
                while expected >= bound:
                    expected = next(word) >> (64 - max(1, (bound - 1).bit_length()))
                assert number == expected
    assert next(numbers, None) is None


@pytest.mark.parametrize("bounds", [[3, 5], [6, 1, 7], [10, 2, 2]])
def test_numbers_are_uniform_and_independent(bounds: list[int]) -> None:
    """Over many small units: the joint law of one image, and that of two neighbours in a unit."""
    numbers = drawn([4] * 20_000, bounds, seed=3)
    for rows in (numbers, numbers[0::4], numbers[1::4]):
        index = np.ravel_multi_index(tuple(rows.T), bounds)
        counts = np.bincount(index, minlength=np.prod(bounds))
        assert stats.chisquare(counts).pvalue > 1e-3
    first, second = numbers[0::4, 0], numbers[1::4, 0]
    table = np.bincount(first * bounds[0] + second, minlength=bounds[0] ** 2)
    assert stats.chisquare(table).pvalue > 1e-3


def test_units_do_not_know_each_other() -> None:
    """Neither the images of neighbouring units, nor the lanes of their noise."""
    units = 256
    numbers = drawn([2000] * units, [2**20]).reshape(units, -1).T.astype(float)
    assert abs(excess_correlation(numbers)) < 4
    states = states_of_units(np.random.SeedSequence(2), range(8), 1)
    words = np.empty((8, 4000, LANES), np.uint64)
    for state, rows in zip(states, words, strict=True):
        next_words(state, rows)
    lanes = (words >> np.uint64(11)).astype(float).transpose(1, 0, 2).reshape(4000, -1)
    assert abs(excess_correlation(lanes)) < 4
    # A twentieth of another lane would be seen.
    assert excess_correlation(lanes + 0.05 * np.roll(lanes, 1, axis=1)) > 6
