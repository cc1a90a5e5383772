"""Filters of every kind, and what claims about any filter and stride are held to."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache, partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.network.kernel import Kernel
from scaledet.reference.pixel import PooledPixel, autocorrelation, composite
from scaledet.reference.rates import (
    Values,
    dense_transition,
    growth_rates,
    measured_alpha,
    measured_beta,
    pooled_values,
    spectral_radius,
    window,
)
from scaledet.symbolic.claims import Case, agree, agree_each
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
    *_filters(2, "11 121 2332 132 12012 1111 111111 1038301 1002001 1013012 14641"),
    *_filters(3, "111 111111 212121 12321 1367631"),
    *_filters(4, "11111111 10211201"),
    *_filters(5, "11111 1344431"),
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
    *((share(weights), 2) for weights in ([2, -1], [3, -2, 5], [-1, 3, -2, 1])),
    *((share(weights), 3) for weights in ([1, 3, 2, -2], [1, 1, 1])),
    *((share(weights), stride) for weights, stride in (([1, -1, 3, 2], 4), ([2, 0, 1], 5))),
    *((share(weights), 2) for weights in ([1], [1, 1])),
)
"""Real filters of sum one."""
NORMALISED = tuple((share(w), stride) for w, stride in NO_SUM_RULE[:7])
REAL: tuple[RealFilter, ...] = (
    *SIGNED,
    *((share(w), stride) for w, stride in (SUM_RULE[3], SUM_RULE[13])),
    *NORMALISED,
)
"""Signed and non-negative filters."""

SMOOTH = ((1, 2, 1), (1, 3, 3, 1), (1, 4, 6, 4, 1), (2, 1))
TWINS = ((1, 3, 2), (1, 2, 0, 1, 2), (1, 1), (1, 0, 1))
RATES = "growth rates of exact squares of composite filters"
RANGE = (
    "every filter of sum rule and span 1 with coprime weights: up to 3 and length up to 5 at "
    "stride 2, up to 2 and length up to 6 at strides 3 and 4"
)


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


taps = cache(composite)


def correlations(weights: tuple[Fraction, ...], stride: int) -> Callable[[int, int], Fraction]:
    """c_k(m) of any real weights, from the composite filter."""
    return cache(lambda layer, lag: autocorrelation(taps(weights, stride, layer), lag))


@cache
def images(*layers: Filter) -> Values:
    """Quantities of pooled images, and gamma_k of the first filter without one average."""
    values = pooled_values(PooledPixel([(list(share(w)), stride) for w, stride in layers]))
    weights, stride = layers[0]
    quotient = divided(share(weights), stride)
    return values if quotient is None else {**values, y.gamma: correlations(quotient, stride)}


def depths(stride: int) -> Sequence[int]:
    """Layers that are tried, those first that tell most indices apart."""
    return (3, 2, 4, 1) if stride < 4 else (3, 2, 1)


def tried(claim: Any, panel: Sequence[Filter], *, attained: Sequence[Filter] = ()) -> str:
    """Confront a claim in k, s and f with pooled images; attained at every layer where said."""
    trials = (
        ([{k: layer, s: given[1], f: len(given[0])}], images(given), given in attained)
        for given in panel
        for layer in depths(given[1])
    )
    count = agree_each(claim, trials)
    return f"{count} cases, {len(panel)} filters" + (", attained" if attained else "")


@cache
def power(weights: tuple[Fraction, ...], stride: int, layer: int) -> Any:
    """T^k on the closed window, dense and exact."""
    reach = window(len(weights), stride)
    if layer == 0:
        return sp.eye(2 * reach + 1)
    return dense_transition(weights, stride, reach) * power(weights, stride, layer - 1)


def _powers(weights: tuple[Fraction, ...], stride: int) -> Values:
    """Entries of T^k, the largest of them, and c_k."""
    reach = window(len(weights), stride)

    def entry(layer: int, row: int, column: int) -> Any:
        if layer < 1 or max(abs(row), abs(column)) > reach:
            raise IndexError(f"({row}, {column}) is beyond the window")
        return power(weights, stride, layer)[row + reach, column + reach]

    return {
        y.transition_entry: entry,
        y.transition_norm: lambda layer: max(map(abs, power(weights, stride, layer))),
        y.c: correlations(weights, stride),
    }


def powers(claim: Any) -> str:
    """Confront powers of dense matrices with correlated composite filters."""

    def cases(weights: tuple[Fraction, ...], stride: int) -> list[Case]:
        reach = window(len(weights), stride)
        lags = range(-reach, reach + 1) if claim.has(m) else [0]
        indices = itertools.product((2, 3, 4, 1), lags, lags)
        return [{k: layer, m: row, n: column, s: stride} for layer, row, column in indices]

    count = agree_each(claim, ((cases(*given), _powers(*given), False) for given in REAL))
    return f"exact in {count} cases, signed filters included"


def radii() -> list[Case]:
    """Spectral radii of real filters of sum one."""
    return [{y.rho: spectral_radius(weights, stride), s: stride} for weights, stride in REAL]


def overlapping(claim: Any) -> str:
    """Confront gamma_k at distance S_k, with the sites per residue class counted."""

    def trial(given: Filter, layer: int) -> tuple[list[Case], Values, bool]:
        weights, stride = given
        quotient = divided(share(weights), stride) or ()
        sites = [at for at, value in enumerate(taps(quotient, stride, layer)) if value]
        most = max(Counter(at % stride**layer for at in sites).values())
        if most > max(1, -(-(len(weights) - stride) // (stride - 1))):
            raise ValueError(f"{most} sites per class for {given}")
        boxes = set(weights) == {1} and len(weights) == 2 * stride
        return [{k: layer, n: most}], images(given), boxes

    trials = (trial(given, layer) for given in SUM_RULE for layer in depths(given[1]))
    count = agree_each(claim, trials)
    return f"{count} cases, attained by boxes of length 2s"


def intertwined(claim: Any) -> str:
    """Confront autocorrelations of e and of (q/s) e."""

    def trial(weights: tuple[Fraction, ...], stride: int) -> tuple[list[Case], Values, bool]:
        values: Values = {
            y.quotient_correlation: partial(autocorrelation, weights),
            y.autocorrelation: partial(autocorrelation, averaged(weights, stride)),
        }
        reach = len(weights) + stride
        return [{m: lag, s: stride} for lag in range(-reach, reach + 1)], values, False

    count = agree_each(claim, itertools.starmap(trial, SIGNED))
    return f"exact in {count} cases, signed filters included"


def averaged_radii() -> list[Case]:
    """Spectral radii of dense matrices of e and of (q/s) e."""
    return [
        {
            y.rho_b: spectral_radius(w, stride),
            y.rho: spectral_radius(averaged(w, stride), stride),
            s: stride,
        }
        for w, stride in (*SIGNED, *NORMALISED)
    ]


@cache
def facts(weights: Weights, stride: int) -> Case:
    """Measured exponents, order and quotient of a filter; radii of dense matrices."""
    order, rest = 0, share(weights)
    while (smaller := divided(rest, stride)) is not None:
        order, rest = order + 1, smaller
    known = {
        s: stride,
        n: order,
        y.rho_b: spectral_radius(rest, stride),
        y.alpha: measured_alpha(weights, stride),
        y.nu: smoothness(Kernel(weights), stride).nu,
    }
    if order:
        known[y.rho_g] = spectral_radius(divided(share(weights), stride) or (), stride)
    return known


def exponents(panel: Sequence[Filter], dims: Sequence[int] = (1,)) -> list[Case]:
    """Measured exponents of filters, in one dimension or in several."""
    return [
        {**facts(*given), d: dim, y.beta: dim * measured_beta(*given)}
        for given in panel
        for dim in dims
    ]


def leaking(claim: Any) -> str:
    """Confront the bound without sum rule, other layers following; fibres are searched."""

    def trial(given: Filter, later: Filter) -> tuple[list[Case], Values, bool]:
        weights, stride = given
        least = {y.delta: defect(share(weights), stride)}
        short = later == given and len(weights) <= stride and len(set(weights)) == 1
        return [{k: layer, **least} for layer in depths(stride)], images(given, later), short

    followed = [
        (given, later) for given in NO_SUM_RULE for later in (given, ((1, 2, 1), 2), ((2, 1, 1), 1))
    ]
    count = agree_each(claim, itertools.starmap(trial, followed))
    return f"{count} cases, attained by boxes shorter than the stride"


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


def named() -> list[Case]:
    """Measured exponents of single filters at stride 2."""
    measures = {"alpha": measured_alpha, "beta": measured_beta}
    return [
        {
            y.filter_exponent(kind, *weights): measure(weights, 2)
            for weights in (*SMOOTH, *TWINS)
            for kind, measure in measures.items()
        }
    ]


def cohomologous(claim: Any) -> str:
    """Confront composite filters of [1, 2, 0, 1, 2] and [1, 3, 2], site by site."""

    def sites(weights: Weights) -> Callable[[int, int], Fraction]:
        rows = [composite([Fraction(w, 6) for w in weights], 2, layer) for layer in range(6)]
        return lambda layer, at: rows[layer][at] if 0 <= at < len(rows[layer]) else Fraction(0)

    cases = [{k: layer, m: at} for layer in (1, 2, 3, 4) for at in range(-1, 5 * 2**layer)]
    return agree(claim, cases, {y.h: sites(TWINS[1]), y.g: sites(TWINS[0])})


def small_filters() -> Iterator[Filter]:
    """All filters with sum rule and span 1 of coprime weights in a range."""
    for stride, highest, longest in ((2, 3, 5), (3, 2, 6), (4, 2, 6)):
        for length in range(2, longest + 1):
            for weights in itertools.product(range(highest + 1), repeat=length):
                support = [at for at, weight in enumerate(weights) if weight]
                cosets = {sum(weights[r::stride]) for r in range(stride)}
                coprime = math.gcd(*support) == math.gcd(*weights) == 1
                if weights[0] and weights[-1] and len(cosets) == 1 and coprime:
                    yield weights, stride


def small_alphas() -> list[Case]:
    """Measured alpha of every small filter of sum rule and span 1."""
    return [{y.alpha: measured_alpha(*given)} for given in small_filters()]


def small_multiplicities() -> list[Case]:
    """Multiplicity of both growth rates of every small filter with sum rule."""
    return [
        {y.multiplicity: rate.multiplicity}
        for given in small_filters()
        for rate in growth_rates(*given)
    ]
