"""Boxes without stride, many layers deep: exact composite filters, and slopes against A_k."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mpmath

from scaledet.symbolic.routes.noise import exact

__all__ = ["deep_correlation", "deep_slopes"]


@lru_cache
def _moment(length: int, depth: int, lag: int = 0) -> Any:
    """c_k(lag) of boxes without stride, from the exact composite filter."""
    taps = [1]
    for _ in range(depth):
        padded = [0] * (length - 1) + taps + [0] * (length - 1)
        taps = [sum(padded[at : at + length]) for at in range(len(taps) + length - 1)]
    total = sum(tap * after for tap, after in zip(taps, taps[lag:], strict=False))
    with mpmath.workdps(40):
        return mpmath.mpf(total) / length ** (2 * depth)


def deep_correlation(length: int, depth: int, lag: int) -> Any:
    return exact(_moment(length, depth, lag))


@lru_cache
def deep_slopes(length: int, depth: int, dim: int = 1) -> tuple[Any, Any]:
    """Slopes of log G and -log D against log A at this depth, from nine layers around it."""
    near = range(depth - 4, depth + 5)
    with mpmath.workdps(40):
        places = [mpmath.log(1 + at * (length**2 - 1)) / 2 for at in near]
        known = [(_moment(length, at), _moment(length, at, 1)) for at in near]
        noise = [mpmath.log(mpmath.pi - 1 + zero**-dim) for zero, _ in known]
        drops = [-mpmath.log(1 - one / zero) for zero, one in known]
        return exact(_derivative(places, noise)), exact(_derivative(places, drops))


def _derivative(places: list[Any], values: list[Any]) -> Any:
    """Slope at the middle place of the polynomial through all."""
    middle = len(places) // 2
    others = [at for at in range(len(places)) if at != middle]
    total = mpmath.mpf(0)
    for at in others:
        ratio = mpmath.fprod(
            (places[middle] - places[other]) / (places[at] - places[other])
            for other in others if other != at
        )  # fmt: skip
        gap = places[at] - places[middle]
        total += (values[at] - values[middle]) * ratio / gap
    return total
