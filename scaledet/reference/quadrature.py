"""Moments of rectified Gaussian variables, integrated from their definition.

Integrals are taken by flint in ball arithmetic (source: Johansson, Numerical integration in
arbitrary-precision ball arithmetic, 2018), which bounds their error. No closed form is used.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from flint import acb, arb, ctx, fmpq

from scaledet.algebra.precision import mpmath
from scaledet.isolation import LOCK

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
"""Working precision in mpmath, and the digits to which integrals are good."""
_BITS = 200
"""Working precision of the integrals, whose absolute error is far below that of `DIGITS`."""
_FARTHEST = 16
"""Ends of the range of integration; beyond it the density is below 1e-55."""

Moments = tuple[Any, Any, Any, Any]
"""Mean and variance of the perturbation of a background pixel, then of an active one."""


def expectation(
    integrand: Callable[[Any], Any], start: Any = -_FARTHEST, stop: Any = _FARTHEST
) -> Any:
    """E integrand(Z) over start < Z < stop, Z standard normal, for an entire function of balls.

    >>> mpmath.nstr(expectation(lambda z: z * z), 10)
    '1.0'
    """
    with LOCK, ctx.workprec(_BITS):
        low, high = _ball(start).max(-_FARTHEST), _ball(stop).min(_FARTHEST)
        if not low < high:
            return mpmath.mpf(0)
        integral = acb.integral(lambda z, _: integrand(z) * _density(z), low, high).real
        if not integral.rad() < arb(10) ** -DIGITS:
            raise ArithmeticError(f"an expectation is known to {integral} only")
        with mpmath.workdps(DIGITS):
            return mpmath.ldexp(*map(int, integral.mid().man_exp()))


def _ball(value: Any) -> Any:
    return arb(fmpq(value.numerator, value.denominator) if isinstance(value, Fraction) else value)


def _density(z: Any) -> Any:
    """Density of a standard normal variable."""
    return (-z * z / 2).exp() / (2 * arb.pi()).sqrt()


def _below(z: Any) -> Any:
    """Probability that a standard normal variable lies below z."""
    return (-z / arb(2).sqrt()).erfc() / 2


@lru_cache(maxsize=512)
def rectified_moment(order: int, height: Any, sigma: Any) -> Any:
    """E relu(height + sigma Z)^order.

    >>> mpmath.nstr(rectified_moment(2, 0, 3), 10)
    '4.5'
    """
    with LOCK, ctx.workprec(_BITS):
        height, sigma = _ball(height), _ball(sigma)
        return expectation(lambda z: (height + sigma * z) ** order, start=-height / sigma)


@lru_cache(maxsize=256)
def gaussian_moments(sigma: Any, rectify: str | None, pixel: Any = 1) -> Moments:
    """Mean and variance of the perturbation of a background pixel and of one of height `pixel`.

    >>> [mpmath.nstr(moment, 5) for moment in gaussian_moments(1, "noise")]
    ['0.39894', '0.34085', '0.39894', '0.34085']
    """
    return *_perturbation(sigma, rectify, 0), *_perturbation(sigma, rectify, pixel)


def _perturbation(sigma: Any, rectify: str | None, height: Any) -> tuple[Any, Any]:
    with LOCK, ctx.workprec(_BITS), mpmath.workdps(DIGITS):
        clean, width = _ball(height if rectify == "input" else 0), _ball(sigma)
        kink = -_FARTHEST if rectify is None else -clean / width

        def moment(power: int, mean: Any = 0) -> Any:
            """Moment about `mean` of the change, which is -clean where the ReLU acts."""
            changed = expectation(lambda z: (width * z - mean) ** power, start=kink)
            return changed + expectation(lambda _: acb(-clean - mean) ** power, stop=kink)

        mean = moment(1)
        return mean, moment(2, _ball(mean))


@lru_cache(maxsize=4096)
def rectified_product(first: Any, second: Any, correlation: Any) -> Any:
    """E relu(first + X) relu(second + Y), X and Y standard normal, their correlation >= 0.

    >>> mpmath.nstr(rectified_product(0, 0, 1), 10)
    '0.5'
    """
    with LOCK, ctx.workprec(_BITS):
        first, second, rho = map(_ball, (first, second, correlation))
        if rho == 1:
            both = (-first).max(-second)
            return expectation(lambda x: (first + x) * (second + x), start=both)
        rest = (1 - rho * rho).sqrt()

        def mean(height: Any) -> Any:
            return height * _below(height / rest) + rest * _density(height / rest)

        return expectation(lambda x: (first + x) * mean(second + rho * x), start=-first)


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
    with LOCK, ctx.workprec(_BITS):
        rho = _ball(correlation)
        if rho == 1:
            return mpmath.mpf(0.5)
        rest = (1 - rho * rho).sqrt()
        return expectation(lambda x: _below(rho * x / rest), start=0)
