r"""Filters and functions of small D at given width, found by search or integrated piece by piece.

Nothing here knows the sharp limit of ``derivations/d14_limits.py``: it is held to these numbers.
The uncertainty product of a function h >= 0 on the line is
:math:`6\, \mathrm{Var}(h) \int h'^2 / \int h^2`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
from scipy import optimize

from scaledet.reference.pixel import autocorrelation

__all__ = [
    "Integrals",
    "StationaryWindow",
    "even_integrals",
    "interpolated",
    "rearranged",
    "stable_filter",
]

Points = list[tuple[Fraction, Fraction]]

_INTEGRANDS: tuple[Callable[[Any, Any], Any], ...] = (
    lambda _, h: h,
    lambda x, h: x * h,
    lambda x, h: x * x * h,
    lambda _, h: h * h,
)


@dataclass(frozen=True)
class Integrals:
    """Integrals of h, x h, x^2 h, h^2 and h'^2."""

    mass: Any
    first: Any
    second: Any
    square: Any
    slope: Any

    @property
    def uncertainty(self) -> Any:
        """Product 6 Var(h) |h'|^2/|h|^2."""
        mean = self.first / self.mass
        return 6 * (self.second / self.mass - mean * mean) * self.slope / self.square


def _integrated(points: Points) -> Integrals:
    """Integrals of the function that is linear between the points; by Simpson's rule, exact."""
    sums = [Fraction(0)] * 5
    for (start, left), (end, right) in pairwise(points):
        width = end - start
        if width == 0:
            continue
        nodes = ((start, left, 1), ((start + end) / 2, (left + right) / 2, 4), (end, right, 1))
        for place, integrand in enumerate(_INTEGRANDS):
            sums[place] += width / 6 * sum(share * integrand(x, h) for x, h, share in nodes)
        sums[4] += (right - left) ** 2 / width
    return Integrals(*sums)


def interpolated(weights: Sequence[Fraction]) -> Integrals:
    """Integrals of the function that is linear between the weights of a filter, and 0 beyond.

    >>> interpolated([Fraction(1)]).uncertainty            # a triangle: 6 (1/6) 2/(2/3)
    Fraction(3, 1)
    """
    return _integrated(_polygon(weights))


def _polygon(weights: Sequence[Fraction]) -> Points:
    heights = [Fraction(0), *(Fraction(w) for w in weights), Fraction(0)]
    return [(Fraction(at), height) for at, height in enumerate(heights)]


def rearranged(weights: Sequence[Fraction]) -> Integrals:
    """Integrals of the same function once its level sets are centred at 0.

    >>> rearranged([Fraction(1), Fraction(0), Fraction(1)]).uncertainty    # twice as wide
    Fraction(3, 1)
    """
    polygon = _polygon(weights)
    levels = sorted({height for _, height in polygon})
    half: Points = []
    for low, high in pairwise(levels):
        for level in (low, high):
            length = Fraction(0)
            for (_, left), (_, right) in pairwise(polygon):
                bottom, top = min(left, right), max(left, right)
                if bottom >= high:
                    length += 1
                elif top >= high:
                    length += (top - level) / (top - bottom)
            half.append((length / 2, level))
    half.append((Fraction(0), levels[-1]))
    return _integrated([(-x, height) for x, height in half] + half[::-1])


class StationaryWindow:
    """The polynomial on [-1, 1] of the least uncertainty product, by the Ritz method.

    It is even, of degree `2 * terms`, and vanishes at both ends together with its slope. It solves
    the equation of stationarity, -h'' - lambda h = v - x^2 with v the variance of h, projected on
    the polynomials that vanish at the ends. At 60 digits.

    Attributes
    ----------
    frequency, variance, product : mpmath.mpf
        Square root of lambda; v; the uncertainty product.
    coefficients : list of mpmath.mpf
        Of 1, x^2, x^4, ...

    Examples
    --------
    >>> print(mpmath.nstr(StationaryWindow(6).product, 8))
    2.5702102
    """

    def __init__(self, terms: int) -> None:
        with mpmath.workdps(60):
            rows = range(terms + 1)
            self._square = [[2 / mpmath.mpf(2 * (i + j) + 1) for j in rows] for i in rows]
            self._slope = [
                [8 * i * j / mpmath.mpf(max(2 * (i + j) - 1, 1)) for j in rows] for i in rows
            ]
            start = (mpmath.mpf(3), mpmath.mpf(1) / 7)
            rate, self.variance = mpmath.findroot(self._mismatch, start, tol=1e-90)
            self.coefficients = self._solution(rate, self.variance)
            self.frequency = mpmath.sqrt(rate)
            self.product = even_integrals(self.coefficients).uncertainty

    def _solution(self, rate: Any, variance: Any) -> list[Any]:
        """Solve the projected equation in the basis x^(2i) - x^(2i + 2)."""
        size = len(self._square) - 1
        form = [
            [slope - rate * square for slope, square in zip(*rows, strict=True)]
            for rows in zip(self._slope, self._square, strict=True)
        ]
        load = [2 * variance / (2 * i + 1) - mpmath.mpf(2) / (2 * i + 3) for i in range(size + 1)]
        matrix = mpmath.matrix(size, size)
        for i in range(size):
            for j in range(size):
                matrix[i, j] = form[i][j] - form[i + 1][j] - form[i][j + 1] + form[i + 1][j + 1]
        right = mpmath.matrix([before - after for before, after in pairwise(load)])
        inside = [mpmath.mpf(0), *mpmath.lu_solve(matrix, right), mpmath.mpf(0)]
        return [after - before for before, after in pairwise(inside)]

    def _mismatch(self, rate: Any, variance: Any) -> tuple[Any, Any]:
        """Difference of the variances, and the slope at 1."""
        solution = self._solution(rate, variance)
        sums = even_integrals(solution)
        return sums.second / sums.mass - variance, sum(i * a for i, a in enumerate(solution))


def even_integrals(coefficients: Sequence[Any]) -> Integrals:
    """Integrals over [-1, 1] of the even polynomial with these coefficients of 1, x^2, ...

    >>> even_integrals([Fraction(1), Fraction(-1)]).square         # (1 - x^2)^2
    Fraction(16, 15)
    """
    terms = list(enumerate(coefficients))
    mass, second = (sum(2 * a / (2 * i + 1 + p) for i, a in terms) for p in (0, 2))
    square = sum(2 * a * b / (2 * (i + j) + 1) for i, a in terms for j, b in terms)
    slope = sum(8 * i * j * a * b / max(2 * (i + j) - 1, 1) for i, a in terms for j, b in terms)
    return Integrals(mass, 0, second, square, slope)


@lru_cache(maxsize=64)
def stable_filter(width: Fraction) -> tuple[int, ...]:
    """Weights (integers) of a filter of small D, of effective receptive field at most `width`.

    The best of some local searches over the weights themselves, rounded to ten digits.

    >>> weights = stable_filter(Fraction(2))
    >>> round(weights[0] / weights[1], 3)
    1.0
    """
    count = int(1.55 * float(width)) + 3
    sites = np.arange(count)
    target = float(width * width - 1) / 12 * (1 - 1e-8)
    candidates = []
    rng = np.random.default_rng(0)
    for trial in range(12):
        centre = (count - 1) / 2 + (trial % 3) / 4
        bump = np.maximum(1 - ((sites - centre) / (0.8 * float(width) + 0.5)) ** 2, 0) ** 2
        start = bump if trial < 3 else bump * rng.random(count)
        result = optimize.minimize(
            _sensitivity_and_gradient,
            start / start.sum(),
            jac=True,
            method="SLSQP",
            bounds=[(0, 1)] * count,
            constraints=[
                {
                    "type": "ineq",
                    "fun": lambda h: target - sites**2 @ h + (sites @ h) ** 2,
                    "jac": lambda h: 2 * (sites @ h) * sites - sites**2,
                },
                {"type": "eq", "fun": lambda h: h.sum() - 1, "jac": np.ones_like},
            ],
            options={"maxiter": 1000, "ftol": 1e-14},
        )
        whole = [round(1e10 * max(float(weight), 0)) for weight in result.x]
        if _width_square(whole) <= width * width:
            candidates.append(whole)
    best = min(candidates, key=_sensitivity)
    used = [at for at, weight in enumerate(best) if weight]
    return tuple(best[used[0] : used[-1] + 1])


def _sensitivity_and_gradient(weights: Any) -> tuple[Any, Any]:
    square = weights @ weights
    beside = np.convolve(weights, [1, 0, 1], "same") / 2
    share = weights @ beside / square
    return 1 - share, 2 * (share * weights - beside) / square


def _sensitivity(weights: Sequence[int]) -> Fraction:
    """D of one layer of this filter."""
    exact = [Fraction(weight) for weight in weights]
    return 1 - autocorrelation(exact, 1) / autocorrelation(exact, 0)


def _width_square(weights: Sequence[int]) -> Fraction:
    """A^2 of one layer of this filter."""
    total = sum(weights)
    mean, second = (
        Fraction(sum(at**power * weight for at, weight in enumerate(weights)), total)
        for power in (1, 2)
    )
    return 1 + 12 * (second - mean * mean)
