"""Moments of rectified Gaussian variables, integrated from their definition. Slow on purpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from scaledet.algebra.precision import mpmath

__all__ = [
    "DIGITS",
    "Moments",
    "both_on",
    "expectation",
    "gaussian_moments",
    "rectified_covariance",
    "rectified_moment",
    "rectified_product",
]

DIGITS = 40
"""Working precision; the integrals are good to 30 digits."""
_GRID = (-16, -8, -4, -2, 0, 2, 4, 8, 16)
"""Where the range of integration is split; beyond it the density is below 1e-55."""

Moments = tuple[Any, Any, Any, Any]
"""Mean and variance of the perturbation of a background pixel, then of an active one."""


def expectation(
    integrand: Callable[[Any], Any], start: Any = -16, kinks: Sequence[Any] = ()
) -> Any:
    """E integrand(Z) over Z > start, Z standard normal, for a function smooth between the kinks.

    >>> mpmath.nstr(expectation(lambda z: z * z), 10)
    '1.0'
    """
    with mpmath.workdps(DIGITS):
        low = max(mpmath.mpf(start), mpmath.mpf(_GRID[0]))
        inside = (mpmath.mpf(at) for at in (*_GRID, *kinks) if low < at <= _GRID[-1])
        density = mpmath.npdf
        points = sorted({low, *inside})
        return mpmath.quad(lambda z: integrand(z) * density(z), points, method="gauss-legendre")


@lru_cache(maxsize=512)
def rectified_moment(order: int, height: Any, sigma: Any) -> Any:
    """E relu(height + sigma Z)^order.

    >>> mpmath.nstr(rectified_moment(2, 0, 3), 10)
    '4.5'
    """
    with mpmath.workdps(DIGITS):
        height, sigma = mpmath.mpmathify(height), mpmath.mpmathify(sigma)
        return expectation(lambda z: (height + sigma * z) ** order, -height / sigma)


@lru_cache(maxsize=256)
def gaussian_moments(sigma: Any, rectify: str | None, pixel: Any = 1) -> Moments:
    """Mean and variance of the perturbation of a background pixel and of one of height `pixel`.

    >>> [mpmath.nstr(moment, 5) for moment in gaussian_moments(1, "noise")]
    ['0.39894', '0.34085', '0.39894', '0.34085']
    """
    return *_perturbation(sigma, rectify, 0), *_perturbation(sigma, rectify, pixel)


def _perturbation(sigma: Any, rectify: str | None, height: Any) -> tuple[Any, Any]:
    with mpmath.workdps(DIGITS):
        clean, width = (
            mpmath.mpmathify(height if rectify == "input" else 0),
            mpmath.mpmathify(sigma),
        )

        def change(z: Any) -> Any:
            noisy = clean + width * z
            return (noisy if rectify is None else max(noisy, mpmath.mpf(0))) - clean

        kinks = [-clean / width]
        mean = expectation(change, kinks=kinks)
        return mean, expectation(lambda z: (change(z) - mean) ** 2, kinks=kinks)


@lru_cache(maxsize=4096)
def rectified_product(first: Any, second: Any, correlation: Any) -> Any:
    """E relu(first + X) relu(second + Y), X and Y standard normal, their correlation >= 0.

    >>> mpmath.nstr(rectified_product(0, 0, 1), 10)
    '0.5'
    """
    with mpmath.workdps(DIGITS):
        first, second, rho = map(mpmath.mpmathify, (first, second, correlation))
        rest = mpmath.sqrt(1 - rho * rho)

        def mean(height: Any) -> Any:
            if rest == 0:
                return max(height, mpmath.mpf(0))
            return height * mpmath.ncdf(height / rest) + rest * mpmath.npdf(height / rest)

        kinks = [-second / rho + step * rest for step in (-6, -2, 0, 2, 6)] if rho else []
        return expectation(lambda x: (first + x) * mean(second + rho * x), -first, kinks)


def rectified_covariance(first: Any, second: Any, correlation: Any) -> Any:
    """Cov(relu(first + X), relu(second + Y)), as in `rectified_product`.

    >>> mpmath.nstr(rectified_covariance(1, 2, 0), 10)
    '0.0'
    """
    with mpmath.workdps(DIGITS):
        apart = rectified_product(first, second, Fraction(0))
        return rectified_product(first, second, correlation) - apart


def both_on(correlation: Any) -> Any:
    """P(X > 0, Y > 0).

    >>> mpmath.nstr(both_on(0), 10)
    '0.25'
    """
    with mpmath.workdps(DIGITS):
        rho = mpmath.mpmathify(correlation)
        rest = mpmath.sqrt(1 - rho * rho)
        if rest == 0:
            return mpmath.mpf(0.5)
        return expectation(lambda x: mpmath.ncdf(rho * x / rest), 0, [rest, 4 * rest])
