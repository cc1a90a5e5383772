"""Boxes without stride, many layers deep: exact composite filters, and slopes against A_k."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mpmath

from scaledet.reference.quadrature import DIGITS
from scaledet.symbolic.routes.noise import exact


@lru_cache
def _correlation(length: int, depth: int, lag: int = 0) -> Any:
    """c_k(lag) of boxes without stride, from the exact composite filter."""
    taps = [1]
    for _ in range(depth):
        padded = [0] * (length - 1) + taps + [0] * (length - 1)
        taps = [sum(padded[at : at + length]) for at in range(len(taps) + length - 1)]
    total = sum(tap * after for tap, after in zip(taps, taps[lag:], strict=False))
    with mpmath.workdps(DIGITS):
        return mpmath.mpf(total) / length ** (2 * depth)


def deep_peak(length: int, depth: int) -> Any:
    """c_k(0) as an mpmath number."""
    return _correlation(length, depth)


def deep_correlation(length: int, depth: int, lag: int) -> Any:
    """c_k(lag) as a SymPy number."""
    return exact(_correlation(length, depth, lag))


@lru_cache
def deep_slopes(length: int, depth: int, dim: int = 1) -> tuple[Any, Any]:
    """Slopes of log G and -log D against log A at this depth, from nine layers around it."""
    near = range(depth - 4, depth + 5)
    with mpmath.workdps(DIGITS):
        places = [mpmath.log(1 + at * (length**2 - 1)) / 2 for at in near]
        known = [(_correlation(length, at), _correlation(length, at, 1)) for at in near]
        noise = [mpmath.log(mpmath.pi - 1 + peak**-dim) for peak, _ in known]
        drops = [-mpmath.log(1 - beside / peak) for peak, beside in known]
        # The polynomial through all, in powers of the distance from the place in the middle.
        powers = mpmath.matrix([[(x - places[4]) ** n for n in range(9)] for x in places])
        first, second = (mpmath.lu_solve(powers, mpmath.matrix(v))[1] for v in (noise, drops))
        return exact(first), exact(second)
