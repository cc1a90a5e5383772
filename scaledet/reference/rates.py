r"""Growth rates read off the composite filters themselves: what exponents are held to.

The squares :math:`c_k(0)` and :math:`c_k(0) - c_k(1)` are summed over composite filters convolved
on the fine grid (beyond 2^18 sites the plain recursion over all lags goes on), and Euclid's
algorithm finds the shortest linear recurrence that generates them; further layers must confirm it.
No window, folding or determinant of a transition operator is used. Spectral radii are those of
dense matrices, by the exact characteristic polynomial.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import count, pairwise, repeat
from typing import Any

import sympy as sp
from flint import fmpq, fmpq_poly

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.errors import DerivationError
from scaledet.reference.exact import number, refute
from scaledet.reference.pixel import PooledPixel, autocorrelation, composites
from scaledet.reference.recursion import PlainRecursion

__all__ = [
    "Rate",
    "Values",
    "deep_squares",
    "dense_transition",
    "dominant_root",
    "far_sensitivity",
    "growth_rates",
    "measured_alpha",
    "measured_beta",
    "pooled_values",
    "shortest_recurrence",
    "spectral_radius",
    "window",
]

DIGITS = 50
_SPARE = 3
"""Terms beyond the 2n that fix a recurrence of order n, which must confirm it."""
_PHASES = 3200
"""Grid phases of the deepest layer that is pooled."""
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

    def affordable(function: Callable[..., Any]) -> Callable[..., Any]:
        def at(k: int, *rest: int) -> Any:
            if pooled.stride(k) > _PHASES:
                raise IndexError(f"layer {k} has more than {_PHASES} grid phases")
            return function(k, *rest)

        return cache(at)

    return {
        y.c: affordable(pooled.correlation),
        y.h: cache(pooled.filter),
        y.D: affordable(pooled.sensitivity),
        y.W: affordable(pooled.support),
        y.S: pooled.stride,
        y.A: affordable(lambda k: sp.sqrt(1 + 12 * number(pooled.variance(k)))),
        y.highest: affordable(
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

    >>> [rate.value for rate in growth_rates((1, 1), 2)]
    [1/2, 1/4]
    """
    peak, drop = _recurrences(deep_squares(weights, stride), weights)
    return dominant_root(peak), dominant_root(drop)


@cache
def deep_squares(weights: tuple[int, ...], stride: int) -> list[tuple[int, int]]:
    """Return the sums of h(j)^2 and h(j) h(j + 1) at depths 0, 1, ..., as far as needed.

    h has integer weights: divide by the sum of the weights to the power 2k.

    >>> deep_squares((1, 1, 1), 2)[:3]
    [(1, 0), (3, 2), (13, 10)]
    """
    squares: list[tuple[int, int]] = []
    for pair in _convolved(weights, stride):
        squares.append(pair)
        highest = (len(squares) - _SPARE) // 2
        if all(0 < len(rule) <= highest for rule in _recurrences(squares, weights)):
            break
    return squares


def _recurrences(squares: list[tuple[int, int]], weights: tuple[int, ...]) -> list[list[Any]]:
    """Shortest recurrences of c_k(0) and c_k(0) - c_k(1), from the integers of `deep_squares`."""
    total = sum(weights) ** 2
    sequences = [c0 for c0, _ in squares], [c0 - c1 for c0, c1 in squares]
    return [
        shortest_recurrence([Fraction(term, total**k) for k, term in enumerate(terms)])
        for terms in sequences
    ]


def _convolved(weights: tuple[int, ...], stride: int) -> Iterator[tuple[int, int]]:
    """Squares of the composite filters of 0, 1, 2, ... layers.

    Filters too long for memory are followed by the plain recursion over all lags that matter,
    which must reproduce all those that were convolved.
    """
    layer = [Fraction(w) for w in weights], stride
    recursion, filters, longest = PlainRecursion(*layer), composites(repeat(layer)), 0
    for k in count():
        squares = int(recursion.correlation(k, 0)), int(recursion.correlation(k, 1))
        if longest * stride <= _LONGEST:
            taps, _ = next(filters)
            longest = len(taps)
            if squares != (sum(t * t for t in taps), sum(t * u for t, u in pairwise(taps))):
                refute(f"the plain recursion and the composite filter of {weights} differ")
        yield squares


def shortest_recurrence(terms: Sequence[Fraction]) -> list[Any]:
    """Shortest r with terms[n] = sum_i r[i] terms[n - 1 - i]; empty if the terms show none.

    By Euclid's algorithm: the generating function is the fraction of least degrees.

    >>> shortest_recurrence([Fraction(v) for v in (0, 1, 1, 2, 3, 5, 8, 13)])
    [1, 1]
    """
    count = len(terms)
    before = fmpq_poly([0] * count + [1])
    top = fmpq_poly([fmpq(*term.as_integer_ratio()) for term in terms])
    last, bottom = fmpq_poly([0]), fmpq_poly([1])
    while 2 * top.degree() >= count:
        quotient, rest = divmod(before, top)
        before, top, last, bottom = top, rest, bottom, last - quotient * bottom
    order = max(bottom.degree(), top.degree() + 1) if bottom[0] != 0 else 0
    return [number(-bottom[j] / bottom[0]) for j in range(1, order + 1)]


@cache
def far_sensitivity(weights: tuple[int, ...], stride: int) -> Any:
    """Limit of D_k, from the plain recursion followed until 44 digits have settled.

    >>> far_sensitivity((2, 1), 2).round(12)
    0.333333333333
    """
    recursion = PlainRecursion([Fraction(w, sum(weights)) for w in weights], stride)
    before: Any = sp.oo
    for layer in (64, 128, 256, 512, 1024, 2048):
        now = number(recursion.sensitivity(layer)).evalf(DIGITS)
        if abs(now - before) <= abs(now) * sp.Float(10, DIGITS) ** -44:
            return now
        before = now
    raise DerivationError(f"D_k of {weights} at stride {stride} does not settle")


def dominant_root(recurrence: Sequence[Any]) -> Rate:
    """Root of largest modulus of x^r = sum_i r_i x^(r - 1 - i): its modulus and multiplicity.

    >>> dominant_root([Fraction(1), Fraction(1)]).value.round(10)
    1.6180339887
    """
    polynomial = sp.Poly([1, *(-number(r) for r in recurrence)], sp.Symbol("x"))
    largest = Rate(sp.Integer(0), 1)
    for factor, multiplicity in polynomial.factor_list()[1]:
        coefficients = factor.all_coeffs()
        if len(coefficients) == 2:
            moduli = [abs(coefficients[1] / coefficients[0])]
        else:
            integers = [mpmath.mpf(int(v)) for v in factor.clear_denoms()[1].all_coeffs()]
            with mpmath.workdps(DIGITS + 15):
                roots = mpmath.polyroots(integers, maxsteps=500, extraprec=400)
                moduli = [sp.Float(mpmath.nstr(abs(v), DIGITS + 5), DIGITS + 5) for v in roots]
        top = max(moduli)
        excess = float(top) / float(largest.value) - 1 if largest.value else 1
        if excess > 1e-12:
            largest = Rate(top, multiplicity)
        elif excess > -1e-12:
            largest = Rate(largest.value, max(multiplicity, largest.multiplicity))
    return largest


def dense_transition(weights: Sequence[Any], stride: int, reach: int) -> Any:
    """Matrix A(m - s n), |m|, |n| <= reach, of any real weights, with A their autocorrelation.

    >>> dense_transition([1, 1], 2, 1)
    Matrix([
    [1, 1, 0],
    [0, 2, 0],
    [0, 1, 1]])
    """
    values = [number(weight) for weight in weights]
    lags = range(-reach, reach + 1)
    return sp.Matrix(
        [[number(autocorrelation(values, m - stride * n)) for n in lags] for m in lags]
    )


def window(length: int, stride: int) -> int:
    """Reach M of the smallest closed window of lags that holds 0 and 1.

    >>> window(3, 2), window(6, 2)
    (1, 4)
    """
    return max(1, -(-(length - 1) // (stride - 1)) - 1)


@cache
def spectral_radius(weights: tuple[Any, ...], stride: int) -> Any:
    """Spectral radius of the transition operator on a closed window; weights as given.

    >>> spectral_radius((Fraction(1, 3),) * 3, 2).round(10) == ((5 + sp.sqrt(17)) / 18).round(10)
    True
    """
    matrix = dense_transition(weights, stride, window(len(weights), stride))
    return dominant_root([-value for value in matrix.charpoly().all_coeffs()[1:]]).value
