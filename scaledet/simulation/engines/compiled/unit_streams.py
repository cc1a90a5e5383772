"""The random numbers of many units at once, compiled: streams of NumPy's tree, whole numbers.

The stream at spawn key (..., unit, child) is the one of ``numpy.random.SeedSequence``: its pool is
that of (...) with two more numbers mixed in. Whole numbers below a bound are the upper bits of the
words of the lanes, one lane after the other; words that give none are left out.

Source: O'Neill, Developing a seed_seq alternative, 2015, as in NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scaledet.simulation.engines.compiled.compilation import (
    Integers,
    Words,
    compiled,
    inlined,
)
from scaledet.simulation.engines.compiled.gaussian_stream import LANES, next_word, seed_lanes

__all__ = ["draw_below", "states_of_units"]

# Constants of numpy.random.SeedSequence, whose words have 32 bits.
_FACTOR, _FACTOR_STEP, _WORD = 0x43B0D7E5, 0x931E8875, 2**32
_STEP, _LEFT, _RIGHT = np.uint64(_FACTOR_STEP), np.uint64(0xCA01F9DD), np.uint64(0x4973F715)
_LOW, _HALF, _UPPER, _ZERO = np.uint64(_WORD - 1), np.uint64(16), np.uint64(32), np.uint64(0)


def states_of_units(seeds: np.random.SeedSequence, units: Sequence[int], child: int) -> Words:
    """Return the states [units, 4, LANES] of streams: ``new_state`` of (unit, child) below `seeds`.

    >>> from scaledet.simulation.engines.compiled.gaussian_stream import new_state
    >>> numpys = new_state(np.random.SeedSequence(7, spawn_key=(0, 5, 1)))
    >>> seeds = np.random.SeedSequence(7, spawn_key=(0,))
    >>> bool((states_of_units(seeds, [5], 1) == numpys).all())
    True
    """
    entropy, size = seeds.entropy, len(seeds.pool)
    numbers = [entropy] if isinstance(entropy, int) else list(entropy or ())
    length = max(size, sum(map(_words, numbers))) + sum(map(_words, seeds.spawn_key))
    # The factor changes with every word that is hashed: of all pairs, then once for each place.
    hashed = size * size + size * (length - size)
    factor = np.uint64(_FACTOR * pow(_FACTOR_STEP, hashed, _WORD) % _WORD)
    states = np.empty((len(units), 4, LANES), np.uint64)
    _seed_units(seeds.pool, factor, np.array(units, np.uint64), np.uint64(child), states)
    return states


def _words(number: int) -> int:
    """Return how many words of 32 bits a seed sequence makes of a number."""
    return max(1, -(-int(number).bit_length() // 32))


@inlined
def _mix_in(pool: NDArray[np.uint32], factor: np.uint64, word: np.uint64) -> np.uint64:
    """Mix one more word into the pool, as a seed sequence does; return the next factor."""
    for at in range(len(pool)):
        value = word ^ factor
        factor = factor * _STEP & _LOW
        value = value * factor & _LOW
        value = value ^ value >> _HALF
        mixed = _LEFT * np.uint64(pool[at]) - _RIGHT * value & _LOW
        pool[at] = np.uint32(mixed ^ mixed >> _HALF)
    return factor


@compiled("void(uint32[::1], uint64, uint64[::1], uint64, uint64[:,:,::1])")
def _seed_units(
    pool: NDArray[np.uint32], factor: np.uint64, units: Words, child: np.uint64, states: Words
) -> None:
    """Fill `states` for all units, from the pool and the next factor of the stream above them."""
    below = np.empty_like(pool)
    for index in range(len(units)):
        for at in range(len(pool)):
            below[at] = pool[at]
        then = _mix_in(below, factor, units[index] & _LOW)
        if units[index] >> _UPPER > _ZERO:
            then = _mix_in(below, then, units[index] >> _UPPER)
        _mix_in(below, then, child)
        seed_lanes(below, states[index])


@compiled("void(uint64[:,:,::1], int64[::1], int64[::1], int64[:,::1])")
def draw_below(states: Words, counts: Integers, bounds: Integers, numbers: Integers) -> None:
    """Fill `numbers` [images, m] with independent ones, uniform in 0 ... bounds[m] - 1.

    Unit number i has counts[i] images, which follow those of the units before; `states` go on.
    """
    shifts = np.empty(len(bounds), np.uint64)
    for at in range(len(bounds)):
        shifts[at] = 64
        while np.uint64(bounds[at] - 1) >> (np.uint64(64) - shifts[at]) > _ZERO or shifts[at] > 63:
            shifts[at] -= np.uint64(1)
    first = 0
    for unit in range(len(counts)):
        flat, lane = states[unit].reshape(4 * LANES), 0
        for image in range(first, first + counts[unit]):
            for at in range(len(bounds)):
                number = bounds[at]
                while number >= bounds[at]:
                    number = np.int64(next_word(flat, lane) >> shifts[at])
                    lane = (lane + 1) % LANES
                numbers[image, at] = number
        first += counts[unit]
