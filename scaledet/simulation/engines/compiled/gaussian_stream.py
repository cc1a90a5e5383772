r"""Streams of Gaussian numbers, compiled: SFC64 in 32 interleaved lanes, Box-Muller.

SFC64 is Chris Doty-Humphrey's generator as in ``numpy.random.SFC64``: lane number i of a stream
gives the words of NumPy's generator seeded with the i-th three words of the seed sequence. One
word gives two Gaussian numbers,

.. math:: \sqrt{-2 \ln u}\, \cos \pi t, \quad \sqrt{-2 \ln u}\, \sin \pi t, \qquad
          u = (k + \tfrac12)\, 2^{-40}, \quad t = (l + \tfrac12)\, 2^{-23} - 1,

k its upper 40 bits and l its lower 24. Errors are below 3e-13 of the radius: logarithm and circle
are polynomials, without division or branch, so that the compiler computes as many lanes at a time
as the processor can.

The steps of u and t leave no trace that a simulation could see. Midpoints of 2^24 equal angles
integrate every polynomial of lower degree exactly, so moments are wrong by the steps of u alone:
less than 2e-9 of the moment up to the eighth. No number exceeds 7.54 standard deviations (beyond
that lie 5e-14 of the Gaussian ones); the probability to exceed 6 is right to 3e-6 of itself, to
exceed 7 to 0.3 %.

Sources: Doty-Humphrey, PractRand; Box and Muller 1958.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scaledet.simulation.engines.compiled.compilation import Floats, Words, compiled, inlined

__all__ = [
    "BATCH",
    "LANES",
    "fill_normals",
    "new_state",
    "next_word",
    "next_words",
    "padded",
    "seed_lanes",
]

LANES = 32
BATCH = 2 * LANES
"""Numbers come in batches of this many."""

_DISCARDED = 12
"""Words that SFC64 discards after seeding."""

_SHIFT_RIGHT, _SHIFT_LEFT, _ROTATE = np.uint64(11), np.uint64(3), np.uint64(24)
_ROTATE_BACK, _ONE = np.uint64(40), np.uint64(1)
# Constants of numpy.random.SeedSequence, whose words have 32 bits.
_HASH, _HASH_STEP, _LOW = np.uint64(0x8B51F9DD), np.uint64(0x58F38DED), np.uint64(2**32 - 1)
_LOW_24, _UPPER, _TO_MANTISSA = np.uint64(2**24 - 1), np.uint64(24), np.uint64(28)
_EXPONENT, _EXPONENT_BITS = np.uint64(52), np.uint64(0xFFF << 52)
# The bits of floats: integers are put into the mantissas of 2 and of 2^52, and those of uniform
# numbers are taken in [sqrt(1/2), sqrt(2)).
_BITS_1, _BITS_2 = np.float64(1.0).view(np.uint64), np.float64(2.0).view(np.uint64)
_BITS_52 = np.float64(2.0**52).view(np.uint64)
_FROM_ROOT_HALF = np.uint64(_BITS_1 - np.float64(math.sqrt(0.5)).view(np.uint64))
_BIAS = 2.0**52 + 1023 + 40
_LOG_2 = -2 * math.log(2)

# Polynomials that interpolate -2 ln(1 + x)/x, sin(pi t)/t and cos(pi t), these two in t^2, in the
# Chebyshev nodes of [sqrt(1/2) - 1, sqrt(2) - 1] and [0, 1]. Highest power first.
_LOG = (
    0.07774322563246243,
    -0.15841368543849355,
    0.1649005130148568,
    -0.153990245659453,
    0.163626513639432,
    -0.18145575076020773,
    0.20020059808776303,
    -0.22225524456540352,
    0.24999306141047503,
    -0.28571303535068826,
    0.3333334564645368,
    -0.4000000209708754,
    0.49999999901523484,
    -0.6666666665392852,
    1.0000000000023992,
    -2.0000000000001235,
)
_LOG_EVEN, _LOG_ODD = _LOG[1::2], _LOG[0::2]
_SINE = (
    6.980649174625925e-07,
    -2.1736923658198412e-05,
    0.0004661242037813419,
    -0.007370326308576967,
    0.08214585052180447,
    -0.599264522319693,
    2.5501640391963964,
    -5.167712780024454,
    3.141592653589636,
)
_COSINE = (
    -1.218309897177612e-07,
    4.267765203038364e-06,
    -0.00010459698853347578,
    0.0019295452499830535,
    -0.025806878651649164,
    0.23533062695527857,
    -1.3352627683318177,
    4.058712126375969,
    -4.9348022005434435,
    0.9999999999999938,
)


def new_state(seeds: np.random.SeedSequence) -> Words:
    """Seed all lanes as ``numpy.random.SFC64`` does: a, b, c and a counter, uint64 [4, LANES]."""
    state = np.empty((4, LANES), np.uint64)
    seed_lanes(seeds.pool, state)
    return state


def padded(count: int) -> int:
    """Return the length of an array that holds `count` numbers in whole batches."""
    return -(-count // BATCH) * BATCH


@inlined
def next_word(state: Words, lane: int) -> np.uint64:
    """Return the next word of a lane; `state` is flat: distances that the compiler can see."""
    a, b, c = state[lane], state[LANES + lane], state[2 * LANES + lane]
    word: np.uint64 = a + b + state[3 * LANES + lane]
    state[lane] = b ^ (b >> _SHIFT_RIGHT)
    state[LANES + lane] = c + (c << _SHIFT_LEFT)
    state[2 * LANES + lane] = ((c << _ROTATE) | (c >> _ROTATE_BACK)) + word
    state[3 * LANES + lane] += _ONE
    return word


@inlined
def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


@compiled("void(uint64[:,::1], uint64[:,::1])")
def next_words(state: Words, words: Words) -> None:
    """Fill `words` [n, LANES] with the next n words of every lane."""
    flat = state.reshape(4 * LANES)
    for row in range(len(words)):
        for lane in range(LANES):
            words[row, lane] = next_word(flat, lane)


@compiled("void(uint32[::1], uint64[:,::1])")
def seed_lanes(pool: NDArray[np.uint32], state: Words) -> None:
    """Fill a new state with the first 3 LANES words of a seed sequence, three to a lane.

    They are those of ``SeedSequence.generate_state``, whose call takes longer than a small unit.
    """
    factor, at = _HASH, 0
    for lane in range(LANES):
        for part in range(3):
            word = np.uint64(0)
            for half in range(2):
                value = np.uint64(pool[at % len(pool)]) ^ factor
                factor = factor * _HASH_STEP & _LOW
                value = value * factor & _LOW
                word |= (value ^ value >> np.uint64(16)) << np.uint64(32 * half)
                at += 1
            state[part, lane] = word
        state[3, lane] = _ONE
    flat = state.reshape(4 * LANES)
    for _ in range(_DISCARDED):
        for lane in range(LANES):
            next_word(flat, lane)


@compiled("void(uint64[:,::1], float64[:,::1], int64, float64)", reassociate=False)
def fill_normals(state: Words, out: Floats, count: int, sigma: float) -> None:
    """Begin every row of `out` with Gaussian numbers of standard deviation `sigma`.

    Their number, `count`, is that of whole batches.
    """
    flat = state.reshape(4 * LANES)
    for row in range(len(out)):
        for start in range(0, count, BATCH):
            batch = out[row, start : start + BATCH]
            for lane in range(LANES):
                word = next_word(flat, lane)
                # 2^40 u is k + 1/2, that is 1 + x times a power of two.
                uniform = np.uint64((word >> _UPPER) | _BITS_52).view(np.float64) - (2.0**52 - 0.5)
                bits = np.float64(uniform).view(np.uint64)
                above = bits + _FROM_ROOT_HALF
                x = np.uint64(bits - (above & _EXPONENT_BITS) + _BITS_1).view(np.float64) - 1.0
                exponent = np.uint64((above >> _EXPONENT) | _BITS_52).view(np.float64) - _BIAS
                x2 = x * x
                series = _polynomial(_LOG_EVEN, x2) + x * _polynomial(_LOG_ODD, x2)
                radius = sigma * np.sqrt(x * series + exponent * _LOG_2)
                turn = np.uint64(((word & _LOW_24) << _TO_MANTISSA) | _BITS_2).view(np.float64)
                t = turn - (3.0 - 2.0**-24)
                t2 = t * t
                batch[lane] = radius * _polynomial(_COSINE, t2)
                batch[LANES + lane] = radius * (t * _polynomial(_SINE, t2))
