"""The effective receptive field A_k: five steps of the model."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.reference.pixel import PooledPixel
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbols import f, k, n, s

__all__ = ["receptive_field"]

SKEW = [([Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)], step) for step in (1, 2, 3)]


def receptive_field() -> tuple[Step, ...]:
    """Derive A_k: of a box, of any filter, of equal layers, with and without stride."""
    return _box(), _width(), _additive(), _strided(), _flat()


def _boxes(length: int, stride: int) -> PooledPixel:
    return PooledPixel([([Fraction(1, length)] * length, stride)])


def _box() -> Step:
    place = sp.Dummy("place", integer=True)
    mean = sp.summation(place, (place, 0, f - 1)) / f
    value = sp.together(sp.expand(sp.summation(place**2, (place, 0, f - 1)) / f - mean**2))

    def confront(claim: Any) -> str:
        found = []
        for length in range(1, 7):
            pooled = _boxes(length, 2)
            found.append(agree(claim, [{f: length}], {y.spread: pooled.variance}))
        return f"exact for {len(found)} lengths"

    return Step(
        "How far does a unit see? Read the filter as a probability law: a box of $f$ sites has "
        "the variance",
        sp.Eq(y.spread(1), value),
        "the first two moments of the uniform law on $0, \\ldots, f - 1$ are sums of integers and "
        "of squares.",
        Check("filters of one layer, read off pooled images", confront),
    )


def _width() -> Step:
    value = sp.sqrt(1 + 12 * y.spread(k))

    def confront(claim: Any) -> str:
        found = []
        for length in (2, 3, 5):
            pooled = _boxes(length, length)
            values = {y.A: pooled.support, y.spread: pooled.variance}
            found.append(agree(claim, [{k: depth} for depth in (1, 2, 3)], values))
        return f"{found[0]} for each of f = 2, 3, 5"

    return Step(
        "The effective receptive field $A_k$ is the width of the box of equal variance.",
        sp.Eq(y.A(k), value),
        "this solves $\\mathrm{Var}(h_k) = (A_k^2 - 1)/12$. Unlike the support it does not "
        "count tails that carry no weight.",
        Check("networks whose composite filter is a box: the sites that one unit sees", confront),
    )


def _additive() -> Step:
    def confront(claim: Any) -> str:
        found = []
        for weights, stride in SKEW:
            pooled = PooledPixel([(weights, stride)])
            cases = [
                {k: depth, s: stride, y.kappa(2): pooled.variance(1)} for depth in (0, 1, 2, 3)
            ]
            found.append(agree(claim, cases, {y.spread: pooled.variance}))
        return f"{found[0]} for each of s = 1, 2, 3"

    return Step(
        "Equal layers of variance $\\kappa_2$ and stride $s$ add up.",
        sp.Eq(y.spread(k), y.kappa(2) * sp.Sum(s ** (2 * n - 2), (n, 1, k))),
        "the composite filter is a convolution, the law of a sum of independent steps: the step "
        "of layer $n$ is read on a grid of spacing $S_{n-1} = s^{n-1}$.",
        Check("pooled images, a skew filter at strides 1, 2 and 3", confront),
    )


def _receptive(stride: Any) -> Any:
    """A_k^2 of equal boxes of length f, summed."""
    total = sp.summation(stride ** (2 * n - 2), (n, 1, k))
    return sp.simplify(1 + (f**2 - 1) * total)


def _strided() -> Step:
    square = sp.simplify(sp.piecewise_fold(_receptive(s)).args[-1].expr.subs(f, s))
    value = sp.sqrt(sp.powsimp(square))

    def confront(claim: Any) -> str:
        found = []
        for length in (2, 3, 5):
            pooled = _boxes(length, length)
            cases = [{k: depth, s: length} for depth in (1, 2, 3)]
            found.append(agree(claim, cases, {y.A: pooled.support}))
        return f"{found[0]} for each of s = 2, 3, 5"

    return Step(
        "Boxes whose length is their stride, $f = s$: every unit averages a block.",
        sp.Eq(y.A(k), value),
        "$1 + (s^2 - 1) \\sum_n s^{2n-2} = s^{2k}$: the sum telescopes.",
        Check("the sites that one unit of layer $k$ sees", confront),
    )


def _flat() -> Step:
    value = _receptive(sp.Integer(1))

    def confront(claim: Any) -> str:
        found = []
        for length in (2, 3, 4):
            pooled = _boxes(length, 1)
            widths = [sp.sqrt(1 + 12 * sp.Rational(*pooled.variance(at).as_integer_ratio()))
                      for at in range(4)]  # fmt: skip
            cases = [{k: depth, f: length} for depth in (1, 2, 3)]
            found.append(agree(claim, cases, {y.A: lambda at, own=widths: own[at]}))
        return f"{found[0]} for each of f = 2, 3, 4"

    return Step(
        "Boxes of length $f$ without stride: a random walk.",
        sp.Eq(y.A(k) ** 2, value),
        "at $s = 1$ all $k$ terms of the sum are equal: $A_k$ grows as $\\sqrt{k}$.",
        Check("the variance of filters read off pooled images", confront),
    )
