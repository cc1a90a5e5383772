"""When a simulation may stop: at the first of fixed prefixes of its units that is precise enough.

The rule looks at units 0 ... L - 1 for lengths L on a fixed schedule, never at what happens to be
finished: the result is the same for any number of workers, and after any number of interruptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from scaledet.errors import ExhaustionError
from scaledet.simulation.estimation import estimate, relative_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scaledet.simulation.unit import Specification

__all__ = ["is_precise", "prefix_lengths"]

# Fewer units do not tell their own scatter to better than 10 %.
_FIRST = 64


def prefix_lengths(units: int) -> list[int]:
    """Return the lengths that are looked at: 64, each next a quarter longer, `units` at last.

    >>> prefix_lengths(200)
    [64, 80, 100, 125, 156, 195, 200]
    """
    lengths, length = [], _FIRST
    while length < units:
        lengths.append(length)
        length += length // 4
    return [*lengths, units]


def is_precise(
    spec: Specification,
    counts: Sequence[int],
    packed: NDArray[np.float64],
    *,
    control: bool,
    target: float,
) -> bool:
    """Return whether every layer's relative standard error is below `target`."""
    try:
        # A response that no sample has shown yet has no relative error.
        with np.errstate(divide="ignore", invalid="ignore"):
            found = relative_errors(estimate(spec, counts, packed, control=control))
    except ExhaustionError:
        # Too few pairs seen so far; whether that is so in the end is judged in the end.
        return False
    return bool((found < target).all())
