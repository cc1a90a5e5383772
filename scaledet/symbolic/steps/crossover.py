"""The crossover of G_k from its constant to a power of A_k, and exponents measured near it."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes import box_noise as boxes
from scaledet.symbolic.routes.checks import DIMS, against, check_in
from scaledet.symbolic.routes.deep_boxes import deep_correlation, deep_slopes
from scaledet.symbolic.steps.series import box_cumulants, peak_series, sensitivity_series
from scaledet.symbols import A, c, crossover, d, f, k, n, s, tolerance, width

FLUCTUATIONS = (sp.pi - 1) / (2 * sp.pi)
STRIDED = 1 / (2 * sp.pi)
"""Prefactor r of boxes f = s."""

ON_TORI = "the mean and the fluctuations of noise, pooled by boxes on tori"
CUBIC = "the cubic through $G$ for boxes of 1 to 5 pixels, differentiated"
BISECTED = "the scale at which the differentiated cubic reaches $(1 - \\epsilon) d$, by bisection"
DEEP = "exact composite filters of boxes of 2, 3 and 4, 80 to 160 layers"

BOXES = ((2, 160), (3, 100), (4, 80))
"""Lengths and depths of boxes without stride."""


def power_law() -> Step:
    """State the law of noise in terms of the receptive field."""

    def confront(claim: Any, dim: int) -> str:
        for length in (1, 2, 3, 4, 5):
            values = {y.G: partial(boxes.total_noise, dim, length), A: partial(pow, length)}
            agree(claim, [{d: dim, k: 1, y.prefactor: STRIDED}], values, digits=9)
        return "to 9 digits for f = s = 1, ..., 5"

    return Step(
        "The law of piling up in terms of the receptive field.",
        sp.Eq(y.G(k), FLUCTUATIONS + y.prefactor * A(k) ** d),
        "$c_k(0)^{-d}$ is proportional to $A_k^d$: at every depth for boxes $f = s$, with "
        "$r = 1/(2 \\pi)$, and at large depth without stride, with "
        "$r = (\\pi/3)^{d/2}/(2 \\pi)$.",
        check_in(DIMS, "noise pooled by one box on tori, extrapolated to infinite size", confront),
    )


def crossover_scale() -> Step:
    """Derive the scale at which both parts of G_k are equal."""
    power = sp.symbols("power", positive=True)
    (equal,) = sp.solve(FLUCTUATIONS - y.prefactor * power, power)

    def confront(claim: Any, dim: int) -> str:
        for length in (2, 3):
            drift, _ = boxes.box_parts(dim, length, 1)
            case = {y.prefactor: drift / length**dim, crossover: boxes.balance(dim, length)}
            agree(claim, [{d: dim, **case}], digits=9)
        return "to 9 digits for s = 2, 3"

    return Step(
        "At the crossover scale $A_*$ the mean of the noise weighs as much as its fluctuations.",
        sp.Eq(crossover, equal ** (1 / d)),
        "both parts of $G$ are equal at $r A_*^d = (\\pi - 1)/(2 \\pi)$.",
        check_in(DIMS, ON_TORI, confront),
    )


def strided_scale(scale: Step) -> Step:
    """Derive the crossover of boxes f = s."""
    return Step(
        "For boxes $f = s$ the crossover comes early.",
        sp.Eq(crossover, scale.expression.rhs.subs(y.prefactor, STRIDED)),
        "insert $r = 1/(2 \\pi)$. In $d = 1$ this is 2.14 pixels, in $d = 3$ only 1.29.",
        against(
            ON_TORI, lambda: [{d: dim, crossover: boxes.balance(dim, 2)} for dim in DIMS], digits=9
        ),
    )


def flat_scale(scale: Step) -> Step:
    """Derive the crossover without stride."""
    ratio = sp.symbols("ratio", positive=True)
    plain = scale.expression.rhs.subs(y.prefactor, ratio**d / (2 * sp.pi))
    value = sp.powdenest(sp.expand_power_base(sp.simplify(plain), force=True), force=True)

    def confront(claim: Any, dim: int) -> str:
        _, spread = boxes.box_parts(dim, 2, 1)
        measured = (spread / boxes.flat_prefactor(dim)) ** (1 / dim)
        agree(claim, [{d: dim, crossover: measured}], digits=4)
        return "to 4 digits"

    route = "noise pooled by boxes of 3 on large tori, extrapolated to infinite depth"
    return Step(
        "Without stride it comes a little earlier still.",
        sp.Eq(crossover, value.subs(ratio, sp.sqrt(sp.pi / 3))),
        "insert $r = (\\pi/3)^{d/2}/(2 \\pi)$: a Gaussian filter has a smaller $c_k(0)$ than the "
        "box of equal variance.",
        check_in(DIMS, route, confront),
    )


def local_exponent() -> Step:
    """Derive the logarithmic slope of the law."""
    noise = FLUCTUATIONS * (1 + (width / crossover) ** d)
    return Step(
        "The local exponent that is read off $G$ at the scale $A$.",
        sp.Eq(y.beta_local, sp.simplify(width * sp.diff(noise, width) / noise)),
        "as $r = (\\pi - 1)/(2 \\pi A_*^d)$, the derivative of $\\log\\, G$ is $d$ times the share "
        "of the mean in $G$. At the crossover itself it is $d/2$.",
        against(CUBIC, _on_curve, digits=7),
    )


def shortfall(local: Step) -> Step:
    """Derive how much the local exponent lacks."""
    return Step(
        "It lacks the share of the fluctuations: $\\beta_{loc}$ is below $d$ at every $A$, and "
        "approaches it as $(A_*/A)^d$.",
        sp.Eq(d - y.beta_local, sp.simplify(d - local.expression.rhs)),
        "the two shares add up to one. In $d = 1$ this is slow.",
        against(CUBIC, _on_curve, digits=7),
    )


def _on_curve() -> list[dict[Any, Any]]:
    return [
        {
            d: dim,
            width: at,
            crossover: boxes.balance(dim, 2),
            y.beta_local: boxes.local_slope(dim, at),
        }
        for dim, at in itertools.product(DIMS, (1.5, 3.0, 8.0))
    ]


def needed_width(local: Step) -> Step:
    """Derive the receptive field at which beta is read to a given accuracy."""
    ratio, power = sp.symbols("ratio power", positive=True)
    share = sp.simplify(local.expression.rhs.subs(width, ratio * crossover) / d)
    (needed,) = sp.solve(sp.simplify(share).subs(ratio**d, power) - (1 - tolerance), power)
    return Step(
        "To read $\\beta = d$ within a relative error $\\epsilon$ takes the receptive field",
        sp.Eq(width / crossover, needed ** (1 / d)),
        "solve $\\beta_{loc} = (1 - \\epsilon) d$. One percent needs $A = 99^{1/d} A_*$: two "
        "decades beyond the crossover in $d = 1$.",
        against(BISECTED, _where_reached, digits=5),
    )


def needed_layers() -> Step:
    """Derive the number of layers that this takes boxes f = s."""
    return Step(
        "For boxes $f = s$ that is the number of layers",
        sp.Eq(k, sp.log((sp.pi - 1) * (1 / tolerance - 1)) / (d * sp.log(s))),
        "$A_k = s^k$, counted from one pixel. At $s = 2$ a layer is an octave: one percent takes "
        "7.7 octaves in $d = 1$, 3.9 in $d = 2$, 2.6 in $d = 3$.",
        against(BISECTED, _where_reached, digits=5),
    )


def _where_reached() -> list[dict[Any, Any]]:
    return [
        {
            d: dim,
            s: stride,
            tolerance: sp.Rational(1, parts),
            crossover: boxes.balance(dim, 2),
            width: boxes.reached(dim, 1 / parts),
            k: math.log(boxes.reached(dim, 1 / parts)) / math.log(stride),
        }
        for dim, stride, parts in itertools.product(DIMS, (2, 3), (4, 20, 100))
    ]


def fitted_exponent() -> Step:
    """Derive the slope of a straight line fitted over five layers."""
    centre = sp.Rational(boxes.WINDOW - 1, 2)
    weight = sp.summation((n - centre) ** 2, (n, 0, boxes.WINDOW - 1))
    term = (n - centre) * sp.log(sp.pi - 1 + s ** (d * (k + n)))

    def confront(claim: Any) -> str:
        windows = ((1, 2, 0), (1, 2, 1), (1, 3, 0), (2, 2, 0))
        slopes = [boxes.fitted_slope(*window) for window in windows]
        cases = [
            {d: dim, s: stride, k: start, y.beta_fit: slope}
            for (dim, stride, start), slope in zip(windows, slopes, strict=True)
        ]
        agree(claim, cases, digits=8)
        return f"slopes {', '.join(f'{slope:.3f}' for slope in slopes)} to 8 digits"

    return Step(
        "A straight line fitted to $\\log\\, G$ against $\\log\\, A$ over the five layers "
        "$k, \\ldots, k + 4$, boxes $f = s$.",
        sp.Eq(y.beta_fit, sp.Sum(term, (n, 0, boxes.WINDOW - 1)) / (weight * sp.log(s))),
        "least squares weigh equidistant points by their distance from the middle one. For "
        "$d = 1$, $s = 2$ the layers 0 to 4 give 0.64, the layers 1 to 5 give 0.76, and 2 to 6 "
        "give 0.86, where the exponent is 1. The deviation is not statistical: no number of "
        "images mends it, only depth.",
        Check(
            "numpy's fit to noise pooled on tori; windows from $k = 0, 1$ at $s = 2$, $k = 0$ at "
            "$s = 3$, and $k = 0$ in $d = 2$",
            confront,
        ),
    )


def flat_peak() -> Step:
    """Derive c_k(0) of boxes without stride, to the first correction in 1/A."""
    u = sp.Dummy("u", positive=True)
    (first,) = peak_series(1, box_cumulants(1))
    peak = (1 + first * (f**2 - 1) * u) / sp.sqrt(1 - u)
    gain = sp.factor(sp.series(peak, u, 0, 2).removeO().coeff(u, 1))

    def confront(claim: Any) -> str:
        for case in _deep_cases():
            agree(claim, [case], {y.c: partial(deep_correlation, case[f])}, digits=5)
        return f"to 5 digits for {len(BOXES)} boxes"

    return Step(
        "Without stride the power law itself is reached only gradually: at $A = A_k$, up to terms "
        "of order $A^{-4}$,",
        sp.Eq(c(k, 0) * width, sp.sqrt(3 / sp.pi) * (1 + gain / width**2)),
        "insert $k = (A^2 - 1)/(f^2 - 1)$ into $c_k(0) = (\\pi k (f^2 - 1)/3)^{-1/2} "
        "(1 - 3 (f^2 + 1)/(40 (f^2 - 1) k) + \\ldots)$, the local limit theorem and its first "
        "correction, which is due to the fourth cumulant of the box.",
        Check(DEEP, confront),
    )


def flat_slope(local: Step, peak: Step) -> Step:
    """Correct the local exponent of a pure power for boxes without stride."""
    gain = peak.expression.rhs / sp.sqrt(3 / sp.pi)
    extra = -d * width * sp.diff(sp.log(gain), width)
    order = sp.limit(sp.factor(extra * width**2), width, sp.oo)

    def confront(claim: Any) -> str:
        for dim, digits in ((1, 3), (2, 5), (3, 5)):
            agree(claim, _deep_cases(dim), digits=digits)
        return "to 3, 5 and 5 digits in d = 1, 2, 3"

    return Step(
        "So a term in $A^{-2}$ joins the local exponent. Up to terms of order $A^{-3}$,",
        sp.Eq(y.beta_local, local.expression.rhs + order / width**2),
        "$G$ carries $c_k(0)^{-d}$, and the logarithmic derivative of the correction adds. In "
        "$d = 1$ the crossover still decides. In $d = 2$ both terms are of order $A^{-2}$, and the "
        "sum stays below $d$. In $d = 3$ the new term decides: longer boxes approach $\\beta = 3$ "
        "from below, boxes of 2 from above, beyond $A \\approx 8.3$ and by less than 0.1 percent.",
        Check(f"{DEEP}, differentiated over nine layers", confront),
    )


def local_stability() -> Step:
    """Derive the local exponent of D_k of boxes without stride."""
    u = sp.Dummy("u", positive=True)
    depth = (1 / u - 1) / (f**2 - 1)
    terms = sensitivity_series(2, box_cumulants(1))
    drop = sum(term / depth**order for order, term in enumerate(terms, start=1))
    relative = sp.series(sp.simplify(drop / u), u, 0, 2).removeO()
    slope = sp.series(2 * u * sp.diff(sp.log(u * relative), u), u, 0, 2).removeO()
    return Step(
        "Stability shows early. The local exponent of $D$, up to terms of order $A^{-4}$, is",
        sp.Eq(y.alpha_local, 2 + sp.factor(slope.coeff(u, 1)) / width**2),
        "insert $k = (A^2 - 1)/(f^2 - 1)$ into $D_k = 3/((f^2 - 1) k) - "
        "9 (f^2 + 6)/(10 (f^2 - 1)^2 k^2) + \\ldots$ and differentiate. At $f = 2$, where "
        "$D_k = 3/(A_k^2 + 2)$, one percent needs $A = 14$, against $A = 207$ for $\\beta$ in "
        "$d = 1$. Boxes $f = s$ have $D_k = 1/A_k$ and $\\alpha_{loc} = 1$ at every depth.",
        against(f"{DEEP}, differentiated over nine layers", _deep_cases, digits=4),
    )


def _deep_cases(dim: int = 1) -> list[dict[Any, Any]]:
    scale = (sp.pi - 1) ** sp.Rational(1, dim) * sp.sqrt(3 / sp.pi)
    cases = []
    for length, depth in BOXES:
        beta, alpha = deep_slopes(length, depth, dim)
        area = sp.sqrt(1 + depth * (length**2 - 1))
        case = {d: dim, f: length, k: depth, width: area, crossover: scale}
        cases.append({**case, y.beta_local: beta, y.alpha_local: alpha})
    return cases
