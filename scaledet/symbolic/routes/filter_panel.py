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

SUM_RULE: tuple[Filter, ...] = (
    ((1, 1), 2),
    ((1, 2, 1), 2),
    ((2, 3, 3, 2), 2),
    ((1, 3, 2), 2),
    ((1, 2, 0, 1, 2), 2),
    ((1, 1, 1, 1), 2),
    ((1,) * 6, 2),
    ((1, 0, 3, 8, 3, 0, 1), 2),
    ((1, 0, 0, 2, 0, 0, 1), 2),
    ((1, 0, 1, 3, 0, 1, 2), 2),
    ((1,) * 3, 3),
    ((1,) * 6, 3),
    ((2, 1, 2, 1, 2, 1), 3),
    ((1, 2, 3, 2, 1), 3),
    ((1, 3, 6, 7, 6, 3, 1), 3),
    ((1,) * 8, 4),
    ((1, 0, 2, 1, 1, 2, 0, 1), 4),
)
"""With sum rule: of order 1 to 3, skew ones, nu_R < 1 at order 2, a span of 3, a logarithm."""
NO_SUM_RULE: tuple[Filter, ...] = (
    ((1, 1), 3),
    ((1, 1, 1), 5),
    ((2, 1), 2),
    ((1,) * 3, 2),
    ((1, 2, 1, 2), 2),
    ((1, 0, 1), 2),
    ((3, 1, 4, 1), 2),
    ((1, 2, 4), 3),
    ((5, 1, 1, 2, 2), 3),
    ((1,) * 5, 2),
)
SIGNED: tuple[tuple[tuple[Fraction, ...], int], ...] = (
    ((Fraction(2), Fraction(-1)), 2),
    ((Fraction(1, 2), Fraction(-1, 3), Fraction(5, 6)), 2),
    ((Fraction(-1), Fraction(3), Fraction(-2), Fraction(1)), 2),
    ((Fraction(1, 4), Fraction(3, 4), Fraction(1, 2), Fraction(-1, 2)), 3),
    ((Fraction(1, 3),) * 3, 3),
    ((Fraction(1),), 2),
    ((Fraction(1, 2), Fraction(1, 2)), 2),
)
"""Real filters of sum one."""
DEEP = (1, 2, 3)


def share(weights: Sequence[int]) -> tuple[Fraction, ...]:
    """Divide by the sum."""
    return tuple(Fraction(w, sum(weights)) for w in weights)


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
def images(one: Filter) -> dict[Any, Any]:
    """Quantities of pooled images, and gamma_k of the filter without one average."""
    weights, stride = one
    values = pooled_values(PooledPixel([(list(share(weights)), stride)]))
    quotient = divided(share(weights), stride)
    return values if quotient is None else {**values, y.gamma: correlations(quotient, stride)}


def tried(
    claim: Any, panel: Sequence[Filter], *, attained: Sequence[Filter] = (), deep: Any = DEEP
) -> str:
    """Confront a claim in k, s and f with pooled images; attained at every layer where said."""
    count = 0
    for one in panel:
        cases = [{k: layer, s: one[1], f: len(one[0])} for layer in deep]
        for case in cases:
            agree(claim, [case], images(one), tight=one in attained)
        count += len(cases)
    return f"{count} cases, {len(panel)} filters" + (", attained" if attained else "")


def window(length: int, stride: int) -> int:
    """M of the closed window."""
    return max(1, -(-(length - 1) // (stride - 1)) - 1)


@cache
def power(weights: tuple[Fraction, ...], stride: int, layer: int) -> Any:
    """T^k on the closed window, dense and exact."""
    if layer == 0:
        return sp.eye(2 * window(len(weights), stride) + 1)
    one = dense_transition(weights, stride, window(len(weights), stride))
    return one * power(weights, stride, layer - 1)


def real_filters() -> list[tuple[tuple[Fraction, ...], int]]:
    """Signed and non-negative filters."""
    return [
        *SIGNED,
        *((share(w), stride) for w, stride in (SUM_RULE[3], SUM_RULE[13], *NO_SUM_RULE[:7])),
    ]


def powers(claim: Any) -> str:
    """Confront powers of dense matrices with correlated composite filters."""
    count = 0
    for weights, stride in real_filters():
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
    cases = [{y.rho: radius(*one), s: one[1]} for one in real_filters()]
    return agree(claim, cases, tight=True)


def overlapping(claim: Any) -> str:
    """Confront gamma_k at distance S_k, with the sites per residue class counted."""
    count = 0
    for one in SUM_RULE:
        quotient = divided(share(one[0]), one[1])
        if quotient is None:
            raise ValueError(f"{one} has no sum rule")
        for layer in DEEP:
            sites = [at for at, value in enumerate(taps(quotient, one[1], layer)) if value]
            most = max(Counter(at % one[1] ** layer for at in sites).values())
            if most > max(1, -(-(len(one[0]) - one[1]) // (one[1] - 1))):
                raise ValueError(f"{most} sites per class for {one}")
            boxes = set(one[0]) == {1} and len(one[0]) in (one[1], 2 * one[1])
            agree(claim, [{k: layer, n: most}], images(one), tight=boxes)
            count += 1
    return f"{count} cases, attained by boxes of length $s$ and $2s$".replace("$", "")


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
    for weights, stride in (*SIGNED, *((share(w), stride) for w, stride in NO_SUM_RULE[:7])):
        once = averaged(weights, stride)
        cases.append({y.rho_b: radius(weights, stride), y.rho: radius(once, stride), s: stride})
    return agree(claim, cases)


@cache
def facts(one: Filter) -> dict[Any, Any]:
    """Measured exponents, order and quotient of a filter; radii of dense matrices."""
    weights, stride = one
    order, rest = order_and_rest(weights, stride)
    known = {
        s: stride,
        n: order,
        y.rho_b: radius(rest, stride),
        y.alpha: measured_alpha(*one),
        y.nu: smoothness(weights, stride).nu,
    }
    if order:
        quotient = divided(share(weights), stride) or ()
        known[y.rho_g] = radius(quotient, stride)
    return known


def exponents(claim: Any, panel: Sequence[Filter]) -> str:
    """Confront a claim on exponents with measured ones."""
    cases = [
        {**facts(one), d: dim, y.beta: dim * measured_beta(*one)}
        for one in panel
        for dim in ((1, 2) if claim.has(y.beta) else (1,))
    ]
    return agree(claim, cases)


def leaking(claim: Any) -> str:
    """Confront the bound without sum rule, other layers following; fibres are searched."""
    count = 0
    for one in NO_SUM_RULE:
        for later in (one, ((1, 2, 1), 2), ((2, 1, 1), 1)):
            short = later == one and len(one[0]) <= one[1] and len(set(one[0])) == 1
            for layer in DEEP:
                case = {k: layer, y.delta: defect(one)}
                agree(claim, [case], followed(one, later), tight=short)
                count += 1
    return f"{count} cases, attained by boxes shorter than the stride"


@cache
def followed(one: Filter, later: Filter) -> dict[Any, Any]:
    """Quantities of pooled images: one layer, then equal other ones."""
    return pooled_values(PooledPixel([(list(share(w)), stride) for w, stride in (one, later)]))


@cache
def defect(one: Filter) -> Any:
    """Least mean of 1 - cos over a fibre, weighted by |a^|^2, on a grid of fibres."""
    weights, stride = share(one[0]), one[1]
    least = mpmath.inf
    with mpmath.workdps(60):
        for at in range(25):
            angles = [(mpmath.pi * at / 24 + 2 * mpmath.pi * r) / stride for r in range(stride)]
            weigh = [
                abs(
                    sum(
                        mpmath.mpf(w.numerator) / w.denominator * mpmath.expj(j * angle)
                        for j, w in enumerate(weights)
                    )
                )
                ** 2
                for angle in angles
            ]
            if sum(weigh) > mpmath.mpf(10) ** -30:
                mean = sum(p * (1 - mpmath.cos(a)) for p, a in zip(weigh, angles, strict=True))
                least = min(least, mean / sum(weigh))
        return sp.Float(mpmath.nstr(least, 50), 50)
