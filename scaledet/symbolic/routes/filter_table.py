"""Single filters of the derivation of any filter and stride, held to exact numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from scaledet import symbols as y
from scaledet.reference.pixel import composite
from scaledet.reference.rates import far_sensitivity, growth_rates, measured_alpha, measured_beta
from scaledet.symbolic.claims import agree
from scaledet.symbolic.routes.boxes import law_values
from scaledet.symbols import k, m

RATES = "growth rates of exact squares of composite filters"
RANGE = (
    "every filter of sum rule and span 1 with coprime weights: up to 3 and length up to 5 at "
    "stride 2, up to 2 and length up to 6 at strides 3 and 4"
)

LOGARITHMIC = (1, 0, 3, 8, 3, 0, 1)
SMOOTH = ((1, 2, 1), (1, 3, 3, 1), (1, 4, 6, 4, 1), (2, 1))
TWINS = ((1, 3, 2), (1, 2, 0, 1, 2), (1, 1), (1, 0, 1))


def box_table(claim: Any) -> str:
    """Confront exponents of boxes with measured ones."""
    return agree(claim, [{}], law_values())


def named(claim: Any) -> str:
    """Confront exponents of single filters at stride 2 with measured ones."""
    measures = {"alpha": measured_alpha, "beta": measured_beta}
    known = {
        y.filter_exponent(kind, *weights): measure(weights, 2)
        for weights in (*SMOOTH, *TWINS)
        for kind, measure in measures.items()
    }
    return agree(claim, [known])


def far_box(claim: Any) -> str:
    """Confront the plateau of box 3 at stride 2."""
    return agree(claim, [{y.plateau: far_sensitivity((1, 1, 1), 2)}])


def cohomologous(claim: Any) -> str:
    """Confront composite filters of [1, 2, 0, 1, 2] and [1, 3, 2], site by site."""
    rows = {
        name: [composite([Fraction(w, 6) for w in weights], 2, layer) for layer in range(6)]
        for name, weights in ((y.h, TWINS[1]), (y.g, TWINS[0]))
    }
    values = {
        name: lambda layer, at, taps=taps: taps[layer][at] if 0 <= at < len(taps[layer]) else 0
        for name, taps in rows.items()
    }
    cases = [{k: layer, m: at} for layer in (1, 2, 3, 4) for at in range(-1, 5 * 2**layer)]
    return agree(claim, cases, values)


def logarithm(claim: Any) -> str:
    """Confront the multiplicity of the growth rate of c_k(0) - c_k(1)."""
    return agree(claim, [{y.multiplicity: growth_rates(LOGARITHMIC, 2)[1].multiplicity}])


def small_filters() -> Iterator[tuple[tuple[int, ...], int]]:
    """All filters with sum rule and span 1 of coprime weights in a range."""
    for stride, highest, longest in ((2, 3, 5), (3, 2, 6), (4, 2, 6)):
        for length in range(2, longest + 1):
            for weights in itertools.product(range(highest + 1), repeat=length):
                support = [at for at, weight in enumerate(weights) if weight]
                cosets = {sum(weights[r::stride]) for r in range(stride)}
                coprime = math.gcd(*support) == math.gcd(*weights) == 1
                if weights[0] and weights[-1] and len(cosets) == 1 and coprime:
                    yield weights, stride


def stable(claim: Any) -> str:
    """Confront a claim on alpha with every small filter of sum rule and span 1."""
    return agree(claim, [{y.alpha: measured_alpha(*given)} for given in small_filters()])


def simple(claim: Any) -> str:
    """Confront the multiplicity of the growth rates of every small filter with sum rule."""
    cases = [
        {y.multiplicity: rate.multiplicity}
        for given in small_filters()
        for rate in growth_rates(*given)
    ]
    return agree(claim, cases)
