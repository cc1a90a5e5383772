"""The effective receptive field A_k: the variance of a filter read as a probability law."""

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

SKEW = [Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)]


def receptive_field() -> tuple[Step, Step, Step]:
    """Derive the variance of a box, what A_k is, and that variances of layers add up."""
    return _box(), _width(), _additive()


def _boxes(length: int, stride: int) -> PooledPixel:
    return PooledPixel([([Fraction(1, length)] * length, stride)])


def _box() -> Step:
    place = sp.Dummy("place", integer=True)
    mean = sp.summation(place, (place, 0, f - 1)) / f
    value = sp.together(sp.expand(sp.summation(place**2, (place, 0, f - 1)) / f - mean**2))

    def confront(claim: Any) -> str:
        for length in range(1, 7):
            agree(claim, [{f: length}], {y.spread: _boxes(length, 2).variance})
        return "exact for 6 lengths"

    return Step(
        "How far does a unit see? Read the filter as a probability law: a box of $f$ sites has "
        "the variance",
        sp.Eq(y.spread(1), value),
        "the first two moments of the uniform law on $0, \\ldots, f - 1$ are sums of integers and "
        "of squares.",
        Check("filters of one layer, read off pooled images", confront),
    )


def _width() -> Step:
    def confront(claim: Any) -> str:
        evidence = ""
        for length in (2, 3, 5):
            pooled = _boxes(length, length)
            values = {y.A: pooled.support, y.spread: pooled.variance}
            evidence = agree(claim, [{k: layer} for layer in (1, 2, 3)], values)
        return f"{evidence} for each of f = 2, 3, 5"

    return Step(
        "The effective receptive field $A_k$ is the width of the box of equal variance.",
        sp.Eq(y.A(k), sp.sqrt(1 + 12 * y.spread(k))),
        "this solves $\\mathrm{Var}(h_k) = (A_k^2 - 1)/12$. Unlike the support it does not "
        "count tails that carry no weight.",
        Check("networks whose composite filter is a box: the sites that one unit sees", confront),
    )


def _additive() -> Step:
    def confront(claim: Any) -> str:
        evidence = ""
        for stride in (1, 2, 3):
            pooled = PooledPixel([(SKEW, stride)])
            case = {s: stride, y.kappa(2): pooled.variance(1)}
            cases = [{**case, k: layer} for layer in (0, 1, 2, 3)]
            evidence = agree(claim, cases, {y.spread: pooled.variance})
        return f"{evidence} for each of s = 1, 2, 3"

    return Step(
        "Equal layers of variance $\\kappa_2$ and stride $s$ add up.",
        sp.Eq(y.spread(k), y.kappa(2) * sp.Sum(s ** (2 * n - 2), (n, 1, k))),
        "the composite filter is a convolution, the law of a sum of independent steps: the step "
        "of layer $n$ is read on a grid of spacing $S_{n-1} = s^{n-1}$.",
        Check("pooled images, a skew filter at strides 1, 2 and 3", confront),
    )
