r"""Growth rates read off the composite filters themselves: what exponents are held to.

The squares :math:`c_k(0)` and :math:`c_k(0) - c_k(1)` are summed over composite filters convolved
on the fine grid (beyond 2^18 sites the plain recursion over all lags goes on), and the shortest
linear recurrence that generates them is found by the algorithm of Berlekamp and Massey; further
layers must confirm it. No window, folding or determinant of a transition operator is used. Spectral
radii are those of dense matrices, by the exact characteristic polynomial.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import count
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import number, refute
from scaledet.reference.layers import shortest_recurrence
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.recursion import PlainRecursion

__all__ = ["Rate", "deep_squares", "dense_transition", "far_sensitivity", "growth_rates",
           "measured_alpha", "measured_beta", "pooled_values", "spectral_radius"]  # fmt: skip

DIGITS = 50
_SPARE = 3
"""Terms beyond the 2n that fix a recurrence of order n, which must confirm it."""
_LONGEST = 1 << 18
"""Sites of the longest composite filter that is convolved."""

Values = dict[Any, Callable[..., Any]]


@dataclass(frozen=True)
class Rate:
    """Growth rate per layer of a sequence, and its multiplicity as a root of the recurrence."""

    value: Any
    multiplicity: int


def pooled_values(pooled: PooledPixel) -> Values:
    """Every quantity of the composite filter, from pooled images, each computed once.

    >>> values = pooled_values(PooledPixel([([Fraction(1, 2)] * 2, 2)]))
    >>> values[y.c](2, 1), values[y.A](2), values[y.highest](1)
    (Fraction(3, 16), 4, Fraction(1, 2))
    """
    return {
        y.c: cache(pooled.correlation),
        y.h: cache(pooled.filter),
        y.D: cache(pooled.sensitivity),
        y.W: cache(pooled.support),
        y.S: pooled.stride,
        y.A: cache(lambda k: sp.sqrt(1 + 12 * number(pooled.variance(k)))),
        y.highest: cache(
            lambda k: max(pooled.filter(k, j) for j in range(-1, 2 * pooled.support(k) + 1))
        ),
    }


def measured_alpha(weights: Sequence[int], stride: int) -> Any:
    """Exponent of D_k ~ S_k^-alpha, to 40 digits or exact, logarithms left aside.

    >>> measured_alpha((1, 2, 1), 2), measured_alpha((2, 1), 2)
    (2, 0)
    """
    peak, drop = growth_rates(tuple(weights), stride)
    return _exponent(peak.value / drop.value, stride)


def measured_beta(weights: Sequence[int], stride: int) -> Any:
    """Exponent of 1/c_k(0) ~ S_k^beta, to 40 digits or exact.

    >>> measured_beta((1, 1), 4)
    1/2
    """
    peak, _ = growth_rates(tuple(weights), stride)
    return _exponent(1 / peak.value, stride)


def _exponent(ratio: Any, stride: int) -> Any:
    value = sp.expand_log(sp.log(ratio), factor=True) / sp.expand_log(sp.log(stride), factor=True)
    value = value if ratio.is_Rational else value.evalf(DIGITS)
    return sp.Integer(0) if abs(value) < sp.Float(10) ** -40 else value


@cache
def growth_rates(weights: tuple[int, ...], stride: int) -> tuple[Rate, Rate]:
    """Growth per layer of c_k(0) and of c_k(0) - c_k(1), measured.

    Examples
    --------
    >>> [rate.value for rate in growth_rates((1, 1), 2)]
    [1/2, 1/4]
    """
    squares = deep_squares(weights, stride)
    total = sum(weights) ** 2
    peaks = [Fraction(c0, total**k) for k, (c0, _) in enumerate(squares)]
    drops = [Fraction(c0 - c1, total**k) for k, (c0, c1) in enumerate(squares)]
    return _dominant(_recurrence(peaks)), _dominant(_recurrence(drops))


@cache
def deep_squares(weights: tuple[int, ...], stride: int) -> list[tuple[int, int]]:
    """Return the sums of h(j)^2 and h(j) h(j + 1) at depths 0, 1, ..., as far as needed.

    h has integer weights: divide by the sum of the weights to the power 2k.

    >>> deep_squares((1, 1, 1), 2)[:3]
    [(1, 0), (3, 2), (13, 10)]
    """
    total, found = sum(weights) ** 2, [(1, 0)]
    for terms in _convolved(weights, stride):
        found.append(terms)
        orders = [
            len(_recurrence([Fraction(term, total**k) for k, term in enumerate(terms)])) - 1
            for terms in ([c0 for c0, _ in found], [c0 - c1 for c0, c1 in found])
        ]
        if len(found) >= 2 * max(orders) + _SPARE:
            break
    return found


def _convolved(weights: tuple[int, ...], stride: int) -> Iterator[tuple[int, int]]:
    """Squares of the composite filters of 1, 2, ... layers.

    Filters too long for memory are followed by the plain recursion over all lags that matter,
    which must reproduce the last one that was convolved.
    """
    orbit = PlainRecursion([Fraction(w) for w in weights], stride)
    taps, step = np.array([1], dtype=object), 1
    for k in count(1):
        last = int(orbit.correlation(k, 0)), int(orbit.correlation(k, 1))
        if len(taps) * stride <= _LONGEST:
            longer = np.zeros(len(taps) + (len(weights) - 1) * step, dtype=object)
            for j, weight in enumerate(weights):
                longer[j * step : j * step + len(taps)] += weight * taps
            taps, step = longer, step * stride
            if last != (int(taps @ taps), int(taps[1:] @ taps[:-1])):
                refute(f"the plain recursion and the composite filter of {weights} differ")
        yield last


def _recurrence(terms: Sequence[Fraction]) -> list[Fraction]:
    """Shortest c with sum_i c[i] terms[n - i] = 0, c[0] = 1."""
    return [Fraction(1), *(-r for r in shortest_recurrence(terms))]


@cache
def far_sensitivity(weights: tuple[int, ...], stride: int) -> Any:
    """Limit of D_k, from the confirmed recurrences continued until 40 digits have settled.

    >>> far_sensitivity((2, 1), 2).round(12)
    0.333333333333
    """
    squares = deep_squares(weights, stride)
    total, before = sum(weights) ** 2, None
    peaks = [Fraction(c0, total**k) for k, (c0, _) in enumerate(squares)]
    drops = [Fraction(c0 - c1, total**k) for k, (c0, c1) in enumerate(squares)]
    rules = [_recurrence(peaks), _recurrence(drops)]
    while len(peaks) < 4000:
        for terms, rule in zip((peaks, drops), rules, strict=True):
            terms.append(-sum((c * terms[-i] for i, c in enumerate(rule) if i), Fraction(0)))
        ratio = number(drops[-1] / peaks[-1]).evalf(DIGITS)
        if before is not None and abs(ratio - before) <= abs(ratio) * sp.Float(10, DIGITS) ** -44:
            break
        before = ratio
    else:
        refute(f"D_k of {weights} at stride {stride} does not settle")
    return ratio


def _dominant(recurrence: Sequence[Fraction]) -> Rate:
    """Root of largest modulus of x^n + c_1 x^(n-1) + ..."""
    variable = sp.Symbol("x")
    polynomial = sp.Poly([number(value) for value in recurrence], variable)
    return _largest_root(polynomial)


def _largest_root(polynomial: Any) -> Rate:
    best, found = mpmath.mpf(0), Rate(sp.Integer(0), 1)
    for factor, multiplicity in polynomial.factor_list()[1]:
        coefficients = factor.all_coeffs()
        if len(coefficients) == 2:
            roots = [abs(-coefficients[1] / coefficients[0])]
        else:
            with mpmath.workdps(DIGITS + 15):
                values = mpmath.polyroots(
                    [mpmath.mpf(int(value)) for value in factor.clear_denoms()[1].all_coeffs()],
                    maxsteps=500, extraprec=400,
                )  # fmt: skip
                roots = [sp.Float(mpmath.nstr(abs(v), DIGITS + 5), DIGITS + 5) for v in values]
        top = max(roots)
        size = mpmath.mpf(float(top))
        if size > best * (1 + mpmath.mpf(10) ** -12):
            best, found = size, Rate(top, multiplicity)
        elif size > best * (1 - mpmath.mpf(10) ** -12):
            found = Rate(found.value, max(multiplicity, found.multiplicity))
    return found


def dense_transition(weights: Sequence[Any], stride: int, reach: int) -> Any:
    """Matrix A(m - s n), |m|, |n| <= reach, of any real weights, with A their autocorrelation.

    >>> dense_transition([1, 1], 2, 1)
    Matrix([
    [1, 1, 0],
    [0, 2, 0],
    [0, 1, 1]])
    """
    values = [number(weight) for weight in weights]

    def at(lag: int) -> Any:
        pairs = zip(values, values[abs(lag) :], strict=False)
        return sum((one * other for one, other in pairs), sp.Integer(0))

    lags = range(-reach, reach + 1)
    return sp.Matrix([[at(m - stride * n) for n in lags] for m in lags])


@cache
def spectral_radius(weights: tuple[Any, ...], stride: int) -> Any:
    """Spectral radius of the transition operator on a closed window; weights as given.

    >>> spectral_radius((Fraction(1, 3),) * 3, 2).round(10) == ((5 + sp.sqrt(17)) / 18).round(10)
    True
    """
    reach = max(1, -(-(len(weights) - 1) // (stride - 1)) - 1)
    matrix = dense_transition(weights, stride, reach)
    return _largest_root(sp.Poly(matrix.charpoly().as_expr(), matrix.charpoly().gen)).value
