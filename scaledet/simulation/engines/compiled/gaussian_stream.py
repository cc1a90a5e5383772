r"""Streams of Gaussian numbers, compiled: SFC64 in 32 interleaved lanes, Box-Muller.

SFC64 is Chris Doty-Humphrey's generator as in ``numpy.random.SFC64``: lane number i of a stream
gives the words of NumPy's generator seeded with the i-th three words of the seed sequence. Two
words give two Gaussian numbers,

.. math:: \sqrt{-2 \ln u}\, \cos \varphi, \quad \sqrt{-2 \ln u}\, \sin \varphi, \qquad
          \varphi = 2 \pi v - \pi, \quad u, v = (w + \tfrac12)\, 2^{-52},

w the upper 52 bits of a word, so no number exceeds 8.6 standard deviations. The logarithm and the
circle are power series, written out so that the compiler computes several lanes at a time.
Sources: Doty-Humphrey, PractRand; Box and Muller 1958.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scaledet.simulation.engines.compiled.compilation import Floats, Words, compiled

__all__ = ["BATCH", "LANES", "fill_normals", "new_state", "next_words", "padded"]

LANES = 32
BATCH = 2 * LANES
"""Numbers come in batches of this many."""

_DISCARDED = 12
"""Words that SFC64 discards after seeding."""

_SHIFT_RIGHT, _SHIFT_LEFT, _ROTATE = np.uint64(11), np.uint64(3), np.uint64(24)
_ROTATE_BACK, _ONE, _LOWER = np.uint64(40), np.uint64(1), np.uint64(12)
# Constants of numpy.random.SeedSequence, whose words have 32 bits.
_HASH, _HASH_STEP, _LOW = np.uint64(0x8B51F9DD), np.uint64(0x58F38DED), np.uint64(2**32 - 1)
_HALF_TURN = math.pi / 2
_LN_2 = math.log(2)
# The bits of sqrt(1/2): mantissas are taken in [sqrt(1/2), sqrt(2)).
_ROOT_HALF = np.int64(np.float64(math.sqrt(0.5)).view(np.int64))
_ULP = 2.0**-52

# Series 1/(2 i + 1) of artanh(x)/x, (-1)^i/(2 i + 1)! of sin(x)/x, (-1)^i/(2 i)! of cos(x). Their
# relative remainders are below 1e-15 for |x| <= 3 - 2 sqrt(2) and pi/4. Highest power first.
_ARTANH = tuple(1 / (2 * i + 1) for i in range(8, -1, -1))
_SINE = tuple((-1) ** i / math.factorial(2 * i + 1) for i in range(7, -1, -1))
_COSINE = tuple((-1) ** i / math.factorial(2 * i) for i in range(8, -1, -1))


def new_state(seeds: np.random.SeedSequence) -> Words:
    """Seed all lanes as ``numpy.random.SFC64`` does: a, b, c and a counter, uint64 [4, LANES]."""
    state = np.empty((4, LANES), np.uint64)
    _seed(seeds.pool, state)
    return state


def padded(count: int) -> int:
    """Return the length of an array that holds `count` numbers in whole batches."""
    return -(-count // BATCH) * BATCH


@compiled("void(uint64[:,::1], uint64[:,::1])")
def next_words(state: Words, words: Words) -> None:
    """Fill `words` [n, LANES] with the next n words of every lane."""
    a, b, c, counter = state[0], state[1], state[2], state[3]
    for row in range(len(words)):
        for lane in range(LANES):
            word = a[lane] + b[lane] + counter[lane]
            counter[lane] += _ONE
            a[lane] = b[lane] ^ (b[lane] >> _SHIFT_RIGHT)
            b[lane] = c[lane] + (c[lane] << _SHIFT_LEFT)
            c[lane] = ((c[lane] << _ROTATE) | (c[lane] >> _ROTATE_BACK)) + word
            words[row, lane] = word


@compiled("void(uint32[::1], uint64[:,::1])")
def _seed(pool: NDArray[np.uint32], state: Words) -> None:
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
    next_words(state, np.empty((_DISCARDED, LANES), np.uint64))


@compiled("void(uint64[:,::1], float64[:,::1], int64, float64)", reassociate=False)
def fill_normals(state: Words, out: Floats, count: int, sigma: float) -> None:
    """Begin every row of `out` with Gaussian numbers of standard deviation `sigma`.

    Their number, `count`, is that of whole batches.
    """
    words = np.empty((2, LANES), np.uint64)
    flat = words.reshape(BATCH)
    mantissas = np.empty(BATCH, np.int64)
    uniform = np.empty(BATCH)
    bits = uniform.view(np.int64)
    for number in range(len(out) * (count // BATCH)):
        row, start = number // (count // BATCH), number % (count // BATCH) * BATCH
        batch = out[row, start : start + BATCH]
        next_words(state, words)
        for i in range(BATCH):
            uniform[i] = (np.float64(np.int64(flat[i] >> _LOWER)) + 0.5) * _ULP
        for i in range(LANES):  # split u into 2^exponent and a factor near 1
            exponent = (bits[i] - _ROOT_HALF) >> 52
            bits[i] -= exponent << 52
            mantissas[i] = exponent
        for i in range(LANES):
            x = (uniform[i] - 1.0) / (uniform[i] + 1.0)
            x2 = x * x
            series = _ARTANH[0]
            for coefficient in _ARTANH[1:]:
                series = series * x2 + coefficient
            logarithm = 2.0 * x * series + np.float64(mantissas[i]) * _LN_2
            uniform[i] = sigma * np.sqrt(-2.0 * logarithm)
        for i in range(LANES):
            x = (uniform[LANES + i] - 0.5) * _HALF_TURN
            x2 = x * x
            sine, cosine = _SINE[0], _COSINE[0]
            for coefficient in _SINE[1:]:
                sine = sine * x2 + coefficient
            for coefficient in _COSINE[1:]:
                cosine = cosine * x2 + coefficient
            sine *= x
            # An eighth of a turn at most, doubled twice: the whole circle.
            sine_2, cosine_2 = 2.0 * sine * cosine, 1.0 - 2.0 * sine * sine
            batch[i] = uniform[i] * (1.0 - 2.0 * sine_2 * sine_2)
            batch[LANES + i] = uniform[i] * (2.0 * sine_2 * cosine_2)
