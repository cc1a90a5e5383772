"""Filters of every kind, and what claims about any filter and stride are held to."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache, partial
from typing import Any

import mpmath
import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import number
from scaledet.reference.pixel import PooledPixel, autocorrelation, composite
from scaledet.reference.rates import (
    dense_transition,
    measured_alpha,
    measured_beta,
    pooled_values,
    spectral_radius,
)
from scaledet.symbolic.claims import agree
from scaledet.symbols import d, f, k, m, n, s
from scaledet.theory.growth.smoothness import smoothness

Weights = tuple[int, ...]
Filter = tuple[Weights, int]

RealFilter = tuple[tuple[Fraction, ...], int]


def share(weights: Sequence[int]) -> tuple[Fraction, ...]:
    """Divide by the sum."""
    return tuple(Fraction(w, sum(weights)) for w in weights)


def _filters(stride: int, digits: str) -> tuple[Filter, ...]:
    """Read filters: the digits of a word are the weights."""
    return tuple((tuple(map(int, word)), stride) for word in digits.split())


SUM_RULE: tuple[Filter, ...] = (
    *_filters(2, "11 121 2332 132 12012 1111 111111 1038301 1002001 1013012"),
    *_filters(3, "111 111111 212121 12321 1367631"),
    *_filters(4, "11111111 10211201"),
)
"""With sum rule: of order 1 to 3, skew ones, nu_R < 1 at order 2, a span of 3, a logarithm."""
NO_SUM_RULE: tuple[Filter, ...] = (
    *_filters(3, "11"),
    *_filters(5, "111"),
    *_filters(2, "21 111 1212 101 3141"),
    *_filters(3, "124 51122"),
    *_filters(2, "11111"),
)
SIGNED: tuple[RealFilter, ...] = (
    (share([2, -1]), 2),
    (share([3, -2, 5]), 2),
    (share([-1, 3, -2, 1]), 2),
    (share([1, 3, 2, -2]), 3),
    (share([1, 1, 1]), 3),
    (share([1]), 2),
    (share([1, 1]), 2),
)
"""Real filters of sum one."""
NORMALISED = tuple((share(w), stride) for w, stride in NO_SUM_RULE[:7])
REAL: tuple[RealFilter, ...] = (
    *SIGNED,
    *((share(w), stride) for w, stride in (SUM_RULE[3], SUM_RULE[13])),
    *NORMALISED,
)
"""Signed and non-negative filters."""
DEEP = (1, 2, 3)


def divided(weights: Sequence[Fraction], stride: int) -> tuple[Fraction, ...] | None:
    """Weights of a/(q/s), or None without sum rule."""
    rest, quotient = [Fraction(w) for w in weights], []
    while len(rest) >= stride:
        lead = rest[0]
        quotient.append(lead * stride)
        rest = [value - (lead if at < stride else 0) for at, value in enumerate(rest)][1:]
    return tuple(quotient) if quotient and not any(rest) else None


def averaged(weights: Sequence[Fraction], stride: int) -> tuple[Fraction, ...]:
    """Weights of (q/s) e."""
    wider = [Fraction(0)] * (len(weights) + stride - 1)
    for at, weight in enumerate(weights):
        for j in range(stride):
            wider[at + j] += weight / stride
    return tuple(wider)


def order_and_rest(weights: Sequence[int], stride: int) -> tuple[int, tuple[Fraction, ...]]:
    """Largest n with a = (q/s)^n b, and b."""
    rest, count = share(weights), 0
    while (smaller := divided(rest, stride)) is not None:
        rest, count = smaller, count + 1
    return count, rest


def radius(weights: Sequence[Fraction], stride: int) -> Any:
    """Spectral radius of the dense transition operator."""
    return spectral_radius(tuple(number(w) for w in weights), stride)


@cache
def taps(weights: tuple[Fraction, ...], stride: int, layer: int) -> list[Fraction]:
    """Composite filter, convolved."""
    return composite(weights, stride, layer)


def correlations(weights: tuple[Fraction, ...], stride: int) -> Callable[[int, int], Fraction]:
    """c_k(m) of any real weights, from the composite filter."""
    return cache(lambda layer, lag: autocorrelation(taps(weights, stride, layer), lag))


@cache
def images(given: Filter) -> dict[Any, Any]:
    """Quantities of pooled images, and gamma_k of the filter without one average."""
    weights, stride = given
    values = pooled_values(PooledPixel([(list(share(weights)), stride)]))
    quotient = divided(share(weights), stride)
    return values if quotient is None else {**values, y.gamma: correlations(quotient, stride)}


def tried(claim: Any, panel: Sequence[Filter], *, attained: Sequence[Filter] = ()) -> str:
    """Confront a claim in k, s and f with pooled images; attained at every layer where said."""
    for given, layer in itertools.product(panel, DEEP):
        case = {k: layer, s: given[1], f: len(given[0])}
        agree(claim, [case], images(given), tight=given in attained)
    count = len(panel) * len(DEEP)
    return f"{count} cases, {len(panel)} filters" + (", attained" if attained else "")


def window(length: int, stride: int) -> int:
    """M of the closed window."""
    return max(1, -(-(length - 1) // (stride - 1)) - 1)


@cache
def power(weights: tuple[Fraction, ...], stride: int, layer: int) -> Any:
    """T^k on the closed window, dense and exact."""
    if layer == 0:
        return sp.eye(2 * window(len(weights), stride) + 1)
    matrix = dense_transition(weights, stride, window(len(weights), stride))
    return matrix * power(weights, stride, layer - 1)


def powers(claim: Any) -> str:
    """Confront powers of dense matrices with correlated composite filters."""
    count = 0
    for weights, stride in REAL:
        reach = window(len(weights), stride)

        def entry(
            layer: int, row: int, column: int, w: Any = weights, t: int = stride, r: int = reach
        ) -> Any:
            if layer < 1 or max(abs(row), abs(column)) > r:
                raise IndexError(f"({row}, {column}) is beyond the window")
            return power(w, t, layer)[row + r, column + r]

        values = {
            y.transition_entry: entry,
            y.transition_norm: lambda layer, w=weights, t=stride: max(map(abs, power(w, t, layer))),
            y.c: correlations(weights, stride),
        }
        lags = range(-reach, reach + 1) if claim.has(m) else [0]
        for layer, row, column in itertools.product((1, 2, 3), lags, lags):
            agree(claim, [{k: layer, m: row, n: column, s: stride}], values)
            count += 1
    return f"exact in {count} cases, signed filters included"


def radii(claim: Any) -> str:
    """Confront a claim on the spectral radius of real filters of sum one."""
    cases = [{y.rho: radius(weights, stride), s: stride} for weights, stride in REAL]
    return agree(claim, cases, tight=True)


def overlapping(claim: Any) -> str:
    """Confront gamma_k at distance S_k, with the sites per residue class counted."""
    for given, layer in itertools.product(SUM_RULE, DEEP):
        weights, stride = given
        quotient = divided(share(weights), stride)
        if quotient is None:
            raise ValueError(f"{given} has no sum rule")
        sites = [at for at, value in enumerate(taps(quotient, stride, layer)) if value]
        most = max(Counter(at % stride**layer for at in sites).values())
        if most > max(1, -(-(len(weights) - stride) // (stride - 1))):
            raise ValueError(f"{most} sites per class for {given}")
        boxes = set(weights) == {1} and len(weights) in (stride, 2 * stride)
        agree(claim, [{k: layer, n: most}], images(given), tight=boxes)
    return f"{len(SUM_RULE) * len(DEEP)} cases, attained by boxes of length s and 2s"


def intertwined(claim: Any) -> str:
    """Confront autocorrelations of e and of (q/s) e."""
    cases = 0
    for weights, stride in SIGNED:
        values = {
            y.quotient_correlation: partial(autocorrelation, weights),
            y.autocorrelation: partial(autocorrelation, averaged(weights, stride)),
        }
        reach = range(-len(weights) - stride, len(weights) + stride + 1)
        agree(claim, [{m: lag, s: stride} for lag in reach], values)
        cases += len(reach)
    return f"exact in {cases} cases, signed filters included"


def averaged_radii(claim: Any) -> str:
    """Confront spectral radii of dense matrices of e and of (q/s) e."""
    cases = []
    for weights, stride in (*SIGNED, *NORMALISED):
        wider = radius(averaged(weights, stride), stride)
        cases.append({y.rho_b: radius(weights, stride), y.rho: wider, s: stride})
    return agree(claim, cases)


@cache
def facts(given: Filter) -> dict[Any, Any]:
    """Measured exponents, order and quotient of a filter; radii of dense matrices."""
    weights, stride = given
    order, rest = order_and_rest(weights, stride)
    known = {
        s: stride,
        n: order,
        y.rho_b: radius(rest, stride),
        y.alpha: measured_alpha(weights, stride),
        y.nu: smoothness(weights, stride).nu,
    }
    if order:
        quotient = divided(share(weights), stride) or ()
        known[y.rho_g] = radius(quotient, stride)
    return known


def exponents(claim: Any, panel: Sequence[Filter]) -> str:
    """Confront a claim on exponents with measured ones."""
    cases = [
        {**facts(given), d: dim, y.beta: dim * measured_beta(*given)}
        for given in panel
        for dim in ((1, 2) if claim.has(y.beta) else (1,))
    ]
    return agree(claim, cases)


def leaking(claim: Any) -> str:
    """Confront the bound without sum rule, other layers following; fibres are searched."""
    count = 0
    for given in NO_SUM_RULE:
        weights, stride = given
        least = {y.delta: defect(share(weights), stride)}
        for later in (given, ((1, 2, 1), 2), ((2, 1, 1), 1)):
            short = later == given and len(weights) <= stride and len(set(weights)) == 1
            for layer in DEEP:
                agree(claim, [{k: layer, **least}], followed(given, later), tight=short)
                count += 1
    return f"{count} cases, attained by boxes shorter than the stride"


@cache
def followed(first: Filter, later: Filter) -> dict[Any, Any]:
    """Quantities of pooled images: one layer, then equal other ones."""
    return pooled_values(PooledPixel([(list(share(w)), stride) for w, stride in (first, later)]))


@cache
def defect(weights: tuple[Fraction, ...], stride: int) -> Any:
    """Least mean of 1 - cos over a fibre, weighted by |a^|^2, on a grid of fibres."""
    least = mpmath.inf
    with mpmath.workdps(60):
        polynomial = [mpmath.mpf(w.numerator) / w.denominator for w in reversed(weights)]
        for at in range(25):
            angles = [(mpmath.pi * at / 24 + 2 * mpmath.pi * r) / stride for r in range(stride)]
            squares = [abs(mpmath.polyval(polynomial, mpmath.expj(angle))) ** 2 for angle in angles]
            total = sum(squares)
            if total > mpmath.mpf(10) ** -30:
                mean = sum(p * (1 - mpmath.cos(a)) for p, a in zip(squares, angles, strict=True))
                least = min(least, mean / total)
        return sp.Float(mpmath.nstr(least, 50), 50)
