"""The effective receptive field A_k: the variance of a filter read as a probability law."""

from __future__ import annotations

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.receptive_field import on_boxes, on_disjoint_boxes, on_equal_layers
from scaledet.symbols import f, j, k, n, s


def receptive_field() -> tuple[Step, Step, Step]:
    """Derive the variance of a box, what A_k is, and that variances of layers add up."""
    mean = sp.summation(j, (j, 0, f - 1)) / f
    variance = sp.together(sp.expand(sp.summation(j**2, (j, 0, f - 1)) / f - mean**2))
    box = Step(
        "How far does a unit see? Read the filter as a probability law: a box of $f$ sites has "
        "the variance",
        sp.Eq(y.spread(1), variance),
        "the first two moments of the uniform law on $0, \\ldots, f - 1$ are sums of integers and "
        "of squares.",
        Check("filters of one layer, read off pooled images", on_boxes),
    )
    width = Step(
        "The effective receptive field $A_k$ is the width of the box of equal variance.",
        sp.Eq(y.A(k), sp.sqrt(1 + 12 * y.spread(k))),
        "this solves $\\mathrm{Var}(h_k) = (A_k^2 - 1)/12$. Unlike the support it does not "
        "count tails that carry no weight.",
        Check(
            "networks whose composite filter is a box: the sites that one unit sees",
            on_disjoint_boxes,
        ),
    )
    additive = Step(
        "Equal layers of variance $\\kappa_2$ and stride $s$ add up.",
        sp.Eq(y.spread(k), y.kappa(2) * sp.Sum(s ** (2 * n - 2), (n, 1, k))),
        "the composite filter is a convolution, the law of a sum of independent steps: the step "
        "of layer $n$ is read on a grid of spacing $S_{n-1} = s^{n-1}$.",
        Check("pooled images, a skew filter at strides 1, 2 and 3", on_equal_layers),
    )
    return box, width, additive
