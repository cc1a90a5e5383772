"""The compiled random numbers: known answers, NumPy's generator, and the Gaussian law."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from scaledet.simulation.engines.compiled.gaussian_stream import (
    BATCH,
    LANES,
    fill_normals,
    new_state,
    next_words,
    padded,
)

# The test sets that NumPy publishes with its generators: a seed, then a thousand words.
PUBLISHED = Path(np.random.__file__).parent / "tests" / "data"
# The first words of sfc64-testset-1.csv, seed 0xdeadbeaf.
FIRST = (0xA475F55FBB6BC638, 0xB2D594B6C29D971C, 0x275BC4ECE4484FB1)


class Words(np.random.bit_generator.ISeedSequence):
    """A seed sequence that gives the words it was made of."""

    def __init__(self, words: np.ndarray) -> None:
        self.words = words

    def generate_state(self, n_words: int, dtype: type = np.uint64) -> np.ndarray:
        assert n_words == len(self.words)
        return self.words.astype(dtype)


def lane_words(seeds: np.random.SeedSequence, lane: int, count: int) -> np.ndarray:
    """Words of one lane by NumPy's own generator."""
    state = seeds.generate_state(3 * LANES, np.uint64)[3 * lane : 3 * lane + 3]
    return np.random.SFC64(Words(state)).random_raw(count)


@pytest.mark.parametrize("number", [1, 2])
def test_known_answers(number: int) -> None:
    """The published words, in every lane."""
    table = (PUBLISHED / f"sfc64-testset-{number}.csv").read_text().splitlines()
    (seed, *expected) = [int(line.split(",")[1], 16) for line in table]
    assert len(expected) == 1000
    assert number == 2 or tuple(expected[:3]) == FIRST
    state = np.ones((4, LANES), np.uint64)
    state[:3] = np.random.SeedSequence(seed).generate_state(3, np.uint64)[:, None]
    words = np.empty((12 + 1000, LANES), np.uint64)
    next_words(state, words)
    assert (words[12:] == np.array(expected, np.uint64)[:, None]).all()


def test_every_lane_is_numpys_generator() -> None:
    seeds = np.random.SeedSequence(7, spawn_key=(1, 2))
    words = np.empty((100, LANES), np.uint64)
    next_words(new_state(seeds), words)
    for lane in range(LANES):
        assert (words[:, lane] == lane_words(seeds, lane, 100)).all()


def test_box_muller_of_these_words_to_rounding() -> None:
    seeds = np.random.SeedSequence(3)
    out = np.full((4, 25 * BATCH + 7), np.nan)
    fill_normals(new_state(seeds), out, 25 * BATCH, 2.5)
    assert np.isnan(out[:, -7:]).all()
    out = out[:, :-7].ravel()
    words = np.array([lane_words(seeds, lane, 200) for lane in range(LANES)]).T
    uniform = ((words >> np.uint64(12)).astype(float) + 0.5) * 2.0**-52
    radius = 2.5 * np.sqrt(-2 * np.log(uniform[0::2]))
    angle = 2 * np.pi * uniform[1::2] - np.pi
    expected = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    np.testing.assert_allclose(out.reshape(expected.shape), expected, rtol=0, atol=2e-14)


def test_extreme_words() -> None:
    """The smallest and the largest uniform numbers give finite Gaussian ones."""
    tiny = 2.0**-53
    for word, expected in ((0, math.sqrt(-2 * math.log(tiny))), (2**64 - 2, math.sqrt(2 * tiny))):
        state = np.zeros((4, LANES), np.uint64)
        # a + b + counter is the first word; b = c = 0 makes the second a small number.
        state[0] = np.uint64(word)
        out = np.empty(BATCH)
        fill_normals(state, out[None], BATCH, 1.0)
        assert np.isfinite(out).all()
        radius = np.hypot(out[:LANES], out[LANES:])
        np.testing.assert_allclose(radius, expected, rtol=1e-12)


def test_padding() -> None:
    assert [padded(n) for n in (1, BATCH, BATCH + 1)] == [BATCH, BATCH, 2 * BATCH]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_law_is_gaussian(seed: int) -> None:
    n = 2**20
    out = np.empty(n)
    fill_normals(new_state(np.random.SeedSequence(seed)), out[None], n, 1.0)
    assert stats.kstest(out, "norm").pvalue > 1e-3
    # Moments of a standard Gaussian, in their standard errors.
    for order, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((out**order).mean() - expected) < 4 * math.sqrt(variance / n)
    # Neither the numbers of a pair nor those of neighbouring lanes or batches know each other.
    for lag in (1, LANES, BATCH):
        for a, b in ((out, out), (out**2 - 1, out**2 - 1)):
            scale = np.sqrt((a**2).mean() * (b**2).mean() / n)
            assert abs((a[lag:] * b[:-lag]).mean()) < 4 * scale
