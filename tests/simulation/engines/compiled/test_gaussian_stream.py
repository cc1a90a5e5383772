"""The compiled random numbers: known answers, NumPy's generator, and the Gaussian law."""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Iterator
from pathlib import Path

import mpmath
import numba
import numpy as np
import pytest
from scipy import special, stats

from scaledet.simulation.engines.compiled import gaussian_stream as stream
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
# The numbers of the first words of lanes 0 and 1 of the stream of seed 2024.
FROZEN = ((-0.5582720446824534, -0.7063008858850051), (-0.2395180047454776, -0.30418517341512463))


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


def normals(seeds: int | np.random.SeedSequence, count: int) -> np.ndarray:
    out = np.empty(count)
    fill_normals(
        new_state(np.random.SeedSequence(seeds) if isinstance(seeds, int) else seeds),
        out[None],
        count,
        1.0,
    )
    return out


def normals_of(words: np.ndarray) -> np.ndarray:
    """The numbers [n, 2] of chosen words."""
    words = words.astype(np.uint64)
    out = np.empty((-(-len(words) // LANES), 2, LANES))
    for batch, row in zip(out, np.resize(words, (len(out), LANES)), strict=True):
        state = np.zeros((4, LANES), np.uint64)
        state[0] = row  # a + b + counter is the first word
        fill_normals(state, batch.reshape(1, BATCH), BATCH, 1.0)
    return out.transpose(0, 2, 1).reshape(-1, 2)[: len(words)]


def python_words(a: int, b: int, c: int) -> Iterator[int]:
    """SFC64 by integers of any length."""
    counter, mask = 1, 2**64 - 1
    while True:
        word = (a + b + counter) & mask
        a, b = b ^ (b >> 11), (c + (c << 3)) & mask
        c = (((c << 24 | c >> 40) & mask) + word) & mask
        counter += 1
        yield word


def box_muller(word: int) -> tuple[mpmath.mpf, mpmath.mpf, mpmath.mpf]:
    """The exact numbers of a word, and their radius."""
    with mpmath.workdps(40):
        half = mpmath.mpf(1) / 2
        radius = mpmath.sqrt(-2 * mpmath.log(((word >> 24) + half) / 2**40))
        t = (word % 2**24 + half) / 2**23 - 1
        return radius * mpmath.cospi(t), radius * mpmath.sinpi(t), radius


def test_known_numbers() -> None:
    """The first numbers of a stream, by slow arithmetic of integers and of 40 digits."""
    seeds = np.random.SeedSequence(2024)
    lanes = seeds.generate_state(3 * LANES, np.uint64).reshape(LANES, 3).tolist()
    batches = normals(seeds, 5 * BATCH).reshape(5, 2, LANES)
    for lane, (a, b, c) in enumerate(lanes):
        words = python_words(a, b, c)
        for _ in range(12):
            next(words)
        for pair in batches[:, :, lane]:
            x, y, radius = box_muller(next(words))
            assert max(abs(pair[0] - x), abs(pair[1] - y)) < 3e-13 * radius
    np.testing.assert_allclose(batches[0, :, :2].T, FROZEN, rtol=0, atol=1e-12)


def test_any_word_gives_its_numbers() -> None:
    """Also the first and the last, those around powers of two and their halves, and quadrants."""
    at_root = [math.isqrt(2 ** (2 * k - 1)) for k in range(2, 41)]
    radii = [0, 2**40 - 1, *at_root, *(2**k + i for k in range(40) for i in (-1, 0))]
    angles = [0, 2**24 - 1, *(2**21 * k + i for k in range(1, 8) for i in (-1, 0))]
    words = [k << 24 | angles[i % len(angles)] for i, k in enumerate(radii)]
    words += [12345678901 << 24 | angle for angle in angles]
    words += np.random.SFC64(5).random_raw(500).tolist()
    assert 7.53 < box_muller(0)[2] < 7.54
    for pair, word in zip(normals_of(np.array(words, np.uint64)), words, strict=True):
        x, y, radius = box_muller(word)
        assert max(abs(pair[0] - x), abs(pair[1] - y)) < 3e-13 * radius


def test_many_words_to_rounding() -> None:
    seeds = np.random.SeedSequence(3)
    out = np.full((4, 25 * BATCH + 7), np.nan)
    fill_normals(new_state(seeds), out, 25 * BATCH, 2.5)
    assert np.isnan(out[:, -7:]).all()
    words = np.array([lane_words(seeds, lane, 100) for lane in range(LANES)]).T
    radius = 2.5 * np.sqrt(-2 * np.log(((words >> np.uint64(24)).astype(float) + 0.5) * 2.0**-40))
    angle = np.pi * (((words & np.uint64(2**24 - 1)).astype(float) + 0.5) * 2.0**-23 - 1)
    expected = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    out = out[:, :-7].reshape(expected.shape)
    np.testing.assert_allclose(out / radius[:, None], expected / radius[:, None], atol=3e-13)


def error_of_interpolation(values, low, high, coefficients) -> float:
    """Hold coefficients to those of the polynomial through the Chebyshev nodes."""
    n = len(coefficients)
    roots = [mpmath.cos(mpmath.pi * (2 * k + 1) / (2 * n)) for k in range(n)]
    nodes = [(low + high) / 2 + (high - low) / 2 * root for root in roots]
    powers = mpmath.matrix([[x**j for j in reversed(range(n))] for x in nodes])
    exact = mpmath.lu_solve(powers, mpmath.matrix([values(x) for x in nodes]))
    assert coefficients == tuple(float(c) for c in exact)
    between = [x for x in mpmath.linspace(low, high, 201) if x]
    return float(max(abs(mpmath.polyval(coefficients, x) - values(x)) for x in between))


def test_coefficients() -> None:
    with mpmath.workdps(50):
        root = mpmath.sqrt(2)
        ends = 1 / root - 1, root - 1
        log = error_of_interpolation(lambda x: -2 * mpmath.log1p(x) / x, *ends, stream._LOG)
        sine = error_of_interpolation(
            lambda y: mpmath.sinpi(mpmath.sqrt(y)) / mpmath.sqrt(y), 0, 1, stream._SINE
        )
        cosine = error_of_interpolation(
            lambda y: mpmath.cospi(mpmath.sqrt(y)), 0, 1, stream._COSINE
        )
    assert max(log, sine, cosine) < 2e-13


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64", "aarch64", "arm64"), reason="other instructions"
)
def test_several_lanes_are_computed_at_a_time() -> None:
    """A loop or a library call too many, and the compiler would take one lane after the other."""
    packed = r"sqrtpd|sqrt\s+v\d+\.2d|sqrt\.2d|sqrt\s+z\d+\.d"
    again = numba.jit(**fill_normals.targetoptions)(fill_normals.py_func)
    again.compile(fill_normals.signatures[0])
    alone = numba.njit("float64(float64)")(lambda x: 1 + np.sqrt(x))
    (code,), (scalar,) = again.inspect_asm().values(), alone.inspect_asm().values()
    assert re.search(packed, code)
    assert "sqrt" in scalar
    assert not re.search(packed, scalar)


def test_padding() -> None:
    assert [padded(n) for n in (1, BATCH, BATCH + 1)] == [BATCH, BATCH, 2 * BATCH]


def test_steps_of_the_radius_are_finer_than_the_law_shows() -> None:
    """The law of the exact map of all words, against the Gaussian law."""
    step = 2.0**-40
    for sigmas, error in ((5.0, 6e-9), (6.0, 3e-6), (7.0, 3e-3)):
        u = (np.arange(int(math.exp(-(sigmas**2) / 2) / step) + 1) + 0.5) * step
        radius = np.maximum(np.sqrt(-2 * np.log(u)), sigmas)
        beyond = step * (2 / np.pi * np.arccos(sigmas / radius)).sum()
        assert abs(beyond / (2 * stats.norm.sf(sigmas)) - 1) < error
    # Moments are those of the radius. All but the smallest u are integrated well by midpoints.
    cells = 2**20
    powers = -2 * np.log((np.arange(cells) + 0.5) * step)
    for k in (1, 2, 3, 4):
        exact = 2**k * math.factorial(k)
        first = exact * special.gammaincc(k + 1, -math.log(cells * step))
        assert abs(step * (powers**k).sum() - first) < 2e-9 * exact


def test_steps_of_the_angle_are_finer_than_a_kink_shows() -> None:
    angle = np.pi * ((np.arange(2**24) + 0.5) * 2.0**-23 - 1)
    assert np.maximum(np.cos(angle), 0).mean() == pytest.approx(1 / np.pi, rel=1e-13)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_law_is_gaussian(seed: int) -> None:
    n = 2**22
    out = normals(seed, n)
    assert stats.kstest(out[: 2**20], "norm").pvalue > 1e-3
    # Moments of a standard Gaussian, in their standard errors.
    power = np.ones(n)
    for order in range(1, 9):
        power *= out
        expected = special.factorial2(order - 1) if order % 2 == 0 else 0.0
        variance = special.factorial2(2 * order - 1) - expected**2
        assert abs(power.mean() - expected) < 4 * math.sqrt(variance / n)


def test_tails() -> None:
    """As many numbers beyond 1 to 6 standard deviations, on both sides, as there should be."""
    n, chunks = 2**20, 64
    state, out = new_state(np.random.SeedSequence(8)), np.empty(n)
    sigmas = np.arange(1.0, 7.0)
    counts = np.zeros((2, len(sigmas)))
    for _ in range(chunks):
        fill_normals(state, out[None], n, 1.0)
        far = out[np.abs(out) > 1]
        counts += [[np.count_nonzero(sign * far > s) for s in sigmas] for sign in (1, -1)]
    expected = n * chunks * stats.norm.sf(sigmas)
    assert (abs(counts - expected) < 4 * np.sqrt(expected) + 0.5).all()


def excess_correlation(columns: np.ndarray) -> float:
    """Squared correlations of all pairs of columns: their excess, in standard errors."""
    pairs = columns.shape[1] * (columns.shape[1] - 1) // 2
    correlations = np.corrcoef(columns, rowvar=False)[np.triu_indices(columns.shape[1], 1)]
    return float((len(columns) * (correlations**2).sum() - pairs) / math.sqrt(2 * pairs))


def test_numbers_do_not_know_each_other() -> None:
    """Neither those of a batch, nor those of neighbouring batches, nor those of other streams."""
    out = normals(4, 2**15 * BATCH).reshape(-1, BATCH)
    neighbours = np.hstack([out[:-1], out[1:]])
    roots = np.random.SeedSequence(5, spawn_key=(3,)).spawn(32)
    streams = np.array([normals(seeds, 2**16) for seeds in roots]).T
    for columns in (neighbours, streams):
        for values in (columns, columns**2):
            assert abs(excess_correlation(values)) < 4
        # A fiftieth of another column would be seen.
        mixed = columns + 0.02 * np.roll(columns, 1, axis=1)
        assert excess_correlation(mixed) > 6
