"""What the sharp limit of D_k is confronted with: filters and polynomials found by search.

Integrals are taken piece by piece, and the most stable window is the Ritz solution of its problem.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache, partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.reference.exact import refute
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.rates import pooled_values
from scaledet.reference.stable_filters import (
    Integrals,
    StationaryWindow,
    even_integrals,
    interpolated,
    rearranged,
    stable_filter,
)
from scaledet.symbolic.claims import Values, agree
from scaledet.symbolic.derivation import Check
from scaledet.symbolic.routes.checks import against
from scaledet.symbolic.routes.limits import FAMILY, LAYERS, PANEL, members
from scaledet.symbols import k, n

RANKED = ((1, 3, 5, 4, 2), (1, 4, 0, 2, 3), (3, 0, 2, 2), (1, 1), (1, 6, 1))
"""Filters; the second and the third have not their weights in the order of their size."""
SLOW = (((1, 20), 1),)
"""Layers that hardly pool."""
DEEPEST = 8
"""Last layer whose pooled images are integrated."""
TERMS = 14
"""Terms of the Ritz solution: 30 digits."""
GIVEN = (
    (1,),
    (1, -1),
    (3, 0, -2),
    (0, 3),
    (1, Fraction(-3, 2), 0, Fraction(1, 3)),
    (2, 1, -1, 5),
)
"""Coefficients of 1, x^2, x^4, ... of even polynomials."""


def pair(member: int) -> list[Any]:
    """Two weights."""
    return [Fraction(1), Fraction(member)]


def window(member: int) -> list[Any]:
    """Values of the most stable window, far apart, to twelve digits."""
    half = 600 * member
    coefficients = [float(a) for a in ritz().coefficients]
    squares = [(at / half) ** 2 for at in range(1 - half, half)]
    heights = [sum(a * x**i for i, a in enumerate(coefficients)) for x in squares]
    return [Fraction(round(1e12 * max(height / coefficients[0], 0))) for height in heights]


@cache
def ritz() -> StationaryWindow:
    """Return the polynomial that stands for the most stable window."""
    return StationaryWindow(TERMS)


@cache
def _pooled(layers: tuple[tuple[tuple[int, ...], int], ...]) -> Values:
    exact = [([Fraction(w, sum(weights)) for w in weights], stride) for weights, stride in layers]
    pooled = PooledPixel(exact)

    def line(layer: int) -> list[Fraction]:
        if layer > DEEPEST:
            raise IndexError(f"layer {layer} is not integrated")
        seen = pooled.seen(layer)
        return [seen.get(j, Fraction(0)) for j in range(min(seen), max(seen) + 1)]

    def ordered(layer: int, at: int) -> Fraction:
        ranked = sorted(pooled.seen(layer).values(), reverse=True)
        rank = 2 * at - 1 if at > 0 else -2 * at
        return ranked[rank] if rank < len(ranked) else Fraction(0)

    return {
        **pooled_values(pooled),
        y.spread: cache(pooled.variance),
        y.ordered: cache(ordered),
        y.uncertainty: cache(lambda layer: interpolated(line(layer)).uncertainty),
        y.rearranged: cache(lambda layer: rearranged(line(layer)).uncertainty),
    }


def _stacks(claim: Any, **options: Any) -> str:
    """Confront a claim with every stack of layers; `tight`: attained by one of them at least."""
    deep = [*LAYERS, {k: 4}]
    cases = [{**_pooled(layers), **layer} for layers in (*PANEL, SLOW) for layer in deep]
    return agree(claim, cases, **options)


STACKS = Check("integrals of pooled images, unequal layers included", _stacks)
CENTRED = Check(
    "the same integrals, level sets measured and centred; symmetric filters attain it",
    lambda claim: _stacks(claim, tight=True),
)


def _ranked(quantity: Any, member: int, *at: int) -> Any:
    """Quantity of the filter with this number."""
    return _pooled(((RANKED[member - 1], 1),))[quantity](1, *at)


MEMBERS: Values = {quantity: partial(_ranked, quantity) for quantity in (y.c, y.spread, y.ordered)}
SORTED = against(
    "five filters and their powers, weights pooled and sorted; $[1, 3, 5, 4, 2]$ attains it",
    [
        *({**MEMBERS, k: member} for member in range(1, len(RANKED) + 1)),
        *({**_pooled(((weights, 1),)), k: layer} for layer in (2, 3, 4) for weights in RANKED),
    ],
    tight=True,
)
PAIRS = Check(
    "pooled one-pixel images, unequal layers included; two weights attain it",
    lambda claim: f"{agree(claim, FAMILY, members(pair), tight=True)}; {_stacks(claim)}",
)


@cache
def _long_windows() -> Values:
    product = cache(lambda member: interpolated(window(member)).uncertainty)
    return {**members(window), y.uncertainty: product}


LONG = Check(
    "pooled one-pixel images; the Ritz window, sampled at 1,199 sites and more, attains it to six "
    "digits",
    lambda claim: (
        f"{_stacks(claim)}; {agree(claim, FAMILY, _long_windows(), tight=True, digits=6)}"
    ),
)


def _number(value: Any) -> Any:
    return sp.Float(mpmath.nstr(value, 45), 45)


def _window() -> dict[Any, Any]:
    return {y.omega: _number(ritz().frequency), y.window_variance: _number(ritz().variance)}


WINDOW = against("the Ritz solution, a polynomial of degree 28 at 60 digits", lambda: [_window()])


@cache
def _split(member: int) -> tuple[Integrals, Integrals]:
    """Integrals of an even polynomial, and of it less a multiple of the window of equal mass."""
    with mpmath.workdps(60):
        best = ritz().coefficients
        given = [sp.Rational(a) for a in GIVEN[member - 1]]
        padded = [mpmath.mpf(a.p) / a.q for a in given] + [mpmath.mpf(0)] * len(best)
        whole = padded[: len(best)]
        share = even_integrals(whole).mass / even_integrals(best).mass
        rest = [a - share * b for a, b in zip(whole, best, strict=True)]
        return even_integrals(whole), even_integrals(rest)


EVEN = against(
    "six even polynomials, and the Ritz solution taken from each",
    lambda: [{**_window(), n: member} for member in range(1, len(GIVEN) + 1)],
    {
        y.even_mass: lambda member: _number(_split(member)[0].mass),
        y.even_moment: lambda member: _number(_split(member)[0].second),
        y.even_square: lambda member: _number(_split(member)[0].square),
        y.even_slope: lambda member: _number(_split(member)[0].slope),
        y.rest_square: lambda member: _number(_split(member)[1].square),
        y.rest_slope: lambda member: _number(_split(member)[1].slope),
    },
)


@cache
def _least(tenths: int) -> Fraction:
    """D of the best explicit filter of this width, from its pooled images."""
    width = Fraction(tenths, 10)
    weights = stable_filter(width)
    pooled = PooledPixel([([Fraction(w, sum(weights)) for w in weights], 1)])
    if 1 + 12 * pooled.variance(1) > width**2:
        refute(f"{weights} is wider than {width}")
    return pooled.sensitivity(1)


LEAST = against(
    "filters found by local searches over their weights, rounded and pooled in exact rationals: "
    "what they attain",
    [{}],
    {y.least: _least},
    digits=7,
)
