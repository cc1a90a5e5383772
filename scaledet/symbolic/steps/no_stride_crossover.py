"""Local exponents of boxes without stride: three steps of the crossover."""

from __future__ import annotations

from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.deep_boxes import deep_correlation, deep_slopes
from scaledet.symbolic.steps.series import box_cumulants, peak_series, sensitivity_series
from scaledet.symbols import c, crossover, d, f, k, width

__all__ = ["flat_exponents"]

DEEP = ((2, 160), (3, 100), (4, 80))
"""Lengths and depths."""


def flat_exponents(local: Step) -> tuple[Step, Step, Step]:
    """Correct the local exponent of a pure power, and derive that of D_k."""
    peak = _flat_peak()
    return peak, _flat_slope(local, peak), _stability()


def _flat_peak() -> Step:
    u = sp.Dummy("u", positive=True)
    (first,) = peak_series(1, box_cumulants(1))
    peak = (1 + first * (f**2 - 1) * u) / sp.sqrt(1 - u)
    gain = sp.factor(sp.series(peak, u, 0, 2).removeO().coeff(u, 1))

    def confront(claim: Any) -> str:
        for length, depth in DEEP:
            case = {f: length, k: depth, width: sp.sqrt(1 + depth * (length**2 - 1))}
            agree(claim, [case], {y.c: partial(deep_correlation, length)}, digits=5)
        return f"to 5 digits for {len(DEEP)} boxes"

    return Step(
        "Without stride the power law itself is reached only gradually: at $A = A_k$, up to terms "
        "of order $A^{-4}$,",
        sp.Eq(c(k, 0) * width, sp.sqrt(3 / sp.pi) * (1 + gain / width**2)),
        "insert $k = (A^2 - 1)/(f^2 - 1)$ into $c_k(0) = (\\pi k (f^2 - 1)/3)^{-1/2} "
        "(1 - 3 (f^2 + 1)/(40 (f^2 - 1) k) + \\ldots)$, the local limit theorem and its first "
        "correction, which is due to the fourth cumulant of the box.",
        Check("exact composite filters of boxes of 2, 3 and 4, 80 to 160 layers", confront),
    )


def _flat_slope(local: Step, peak: Step) -> Step:
    gain = peak.expression.rhs / sp.sqrt(3 / sp.pi)
    extra = -d * width * sp.diff(sp.log(gain), width)
    order = sp.limit(sp.factor(extra * width**2), width, sp.oo)

    def confront(claim: Any) -> str:
        for dim, digits in ((1, 3), (2, 5), (3, 5)):
            cases = [_flat_case(dim, *box) for box in DEEP]
            agree(claim, cases, digits=digits)
        return "to 3, 5 and 5 digits in d = 1, 2, 3"

    return Step(
        "So a term in $A^{-2}$ joins the local exponent. Up to terms of order $A^{-3}$,",
        sp.Eq(y.beta_local, local.expression.rhs + order / width**2),
        "$G$ carries $c_k(0)^{-d}$, and the logarithmic derivative of the correction adds. In "
        "$d = 1$ the crossover still decides. In $d = 2$ both terms are of order $A^{-2}$, and the "
        "sum stays below $d$. In $d = 3$ the new term decides: longer boxes approach $\\beta = 3$ "
        "from below, boxes of 2 from above, beyond $A \\approx 8.3$ and by less than 0.1 percent.",
        Check("exact composite filters of boxes of 2, 3 and 4, 80 to 160 layers, differentiated "
              "over nine layers", confront),
    )  # fmt: skip


def _stability() -> Step:
    u = sp.Dummy("u", positive=True)
    depth = (1 / u - 1) / (f**2 - 1)
    terms = sensitivity_series(2, box_cumulants(1))
    drop = sum(term / depth**order for order, term in enumerate(terms, start=1))
    relative = sp.series(sp.simplify(drop / u), u, 0, 2).removeO()
    slope = sp.series(2 * u * sp.diff(sp.log(u * relative), u), u, 0, 2).removeO()
    value = 2 + sp.factor(slope.coeff(u, 1)) / width**2

    def confront(claim: Any) -> str:
        cases = [
            {f: length, width: sp.sqrt(1 + depth * (length**2 - 1)),
             y.alpha_local: deep_slopes(length, depth)[1]}
            for length, depth in DEEP
        ]  # fmt: skip
        return agree(claim, cases, digits=4)

    return Step(
        "Stability shows early. The local exponent of $D$, up to terms of order $A^{-4}$, is",
        sp.Eq(y.alpha_local, value),
        "insert $k = (A^2 - 1)/(f^2 - 1)$ into $D_k = 3/((f^2 - 1) k) - "
        "9 (f^2 + 6)/(10 (f^2 - 1)^2 k^2) + \\ldots$ and differentiate. At $f = 2$, where "
        "$D_k = 3/(A_k^2 + 2)$, one percent needs $A = 14$, against $A = 207$ for $\\beta$ in "
        "$d = 1$. Boxes $f = s$ have $D_k = 1/A_k$ and $\\alpha_{loc} = 1$ at every depth.",
        Check("exact composite filters of boxes of 2, 3 and 4, 80 to 160 layers, differentiated "
              "over nine layers", confront),
    )  # fmt: skip


def _flat_case(dim: int, length: int, depth: int) -> dict[Any, Any]:
    return {
        d: dim, f: length, width: sp.sqrt(1 + depth * (length**2 - 1)),
        crossover: (sp.pi - 1) ** sp.Rational(1, dim) * sp.sqrt(3 / sp.pi),
        y.beta_local: deep_slopes(length, depth, dim)[0],
    }  # fmt: skip
