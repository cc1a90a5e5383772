"""The crossover of G_k from its constant to a power of A_k, and exponents measured near it."""

from __future__ import annotations

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes import box_noise as boxes
from scaledet.symbolic.routes.checks import DIMS, against, against_in, check_in
from scaledet.symbolic.steps.series import box_cumulants, peak_series, sensitivity_series
from scaledet.symbols import A, c, crossover, d, f, k, n, s, tolerance, width

FLUCTUATIONS = (sp.pi - 1) / (2 * sp.pi)
STRIDED = 1 / (2 * sp.pi)
"""Prefactor r of boxes f = s."""

ON_TORI = "the mean and the fluctuations of noise, pooled by boxes on tori"
CUBIC = "the cubic through $G$ for boxes of 1 to 5 pixels, differentiated"
BISECTED = "the scale at which the differentiated cubic reaches $(1 - \\epsilon) d$, by bisection"
DEEP = "exact composite filters of boxes of 2 to 5, 60 to 160 layers"


def crossover_steps() -> tuple[Step, ...]:
    """Derive the scale of the crossover, local exponents near it, and what fits read there."""
    law = Step(
        "The law of piling up in terms of the receptive field.",
        sp.Eq(y.G(k), FLUCTUATIONS + y.prefactor * A(k) ** d),
        "$c_k(0)^{-d}$ is proportional to $A_k^d$: at every depth for boxes $f = s$, with "
        "$r = 1/(2 \\pi)$, and at large depth without stride, with "
        "$r = (\\pi/3)^{d/2}/(2 \\pi)$.",
        against_in(
            DIMS,
            "noise pooled by boxes on tori, extrapolated to infinite size",
            boxes.one_box,
            digits=9,
        ),
    )
    power, ratio = (sp.Dummy(name, positive=True) for name in ("power", "ratio"))
    (equal,) = sp.solve(FLUCTUATIONS - y.prefactor * power, power)
    scale = Step(
        "At the crossover scale $A_*$ the mean of the noise weighs as much as its fluctuations.",
        sp.Eq(crossover, equal ** (1 / d)),
        "both parts of $G$ are equal at $r A_*^d = (\\pi - 1)/(2 \\pi)$.",
        against_in(DIMS, ON_TORI, boxes.balanced, digits=9),
    )
    strided = Step(
        "For boxes $f = s$ the crossover comes early.",
        sp.Eq(crossover, scale.expression.rhs.subs(y.prefactor, STRIDED)),
        "insert $r = 1/(2 \\pi)$. In $d = 1$ this is 2.14 pixels, in $d = 3$ only 1.29.",
        against_in(
            DIMS, ON_TORI, lambda dim: [{d: dim, crossover: boxes.balance(dim, 2)}], digits=9
        ),
    )
    plain = scale.expression.rhs.subs(y.prefactor, ratio**d / (2 * sp.pi))
    value = sp.powdenest(sp.expand_power_base(sp.simplify(plain), force=True), force=True)
    route = "noise pooled by boxes of 3 on large tori, extrapolated to infinite depth"
    flat = Step(
        "Without stride it comes a little earlier still.",
        sp.Eq(crossover, value.subs(ratio, sp.sqrt(sp.pi / 3))),
        "insert $r = (\\pi/3)^{d/2}/(2 \\pi)$: a Gaussian filter has a smaller $c_k(0)$ than the "
        "box of equal variance.",
        against_in(
            DIMS, route, lambda dim: [{d: dim, crossover: boxes.flat_balance(dim)}], digits=4
        ),
    )
    noise = FLUCTUATIONS * (1 + (width / crossover) ** d)
    local = Step(
        "The local exponent that is read off $G$ at the scale $A$.",
        sp.Eq(y.beta_local, sp.simplify(width * sp.diff(noise, width) / noise)),
        "as $r = (\\pi - 1)/(2 \\pi A_*^d)$, the derivative of $\\log\\, G$ is $d$ times the share "
        "of the mean in $G$. At the crossover itself it is $d/2$.",
        against_in(DIMS, CUBIC, boxes.on_curve, digits=7),
    )
    lack = Step(
        "It lacks the share of the fluctuations: $\\beta_{loc}$ is below $d$ at every $A$, and "
        "approaches it as $(A_*/A)^d$.",
        sp.Eq(d - y.beta_local, sp.simplify(d - local.expression.rhs)),
        "the two shares add up to one. In $d = 1$ this is slow.",
        against_in(DIMS, CUBIC, boxes.on_curve, digits=7),
    )
    share = sp.simplify(local.expression.rhs.subs(width, ratio * crossover) / d)
    (needed,) = sp.solve(sp.simplify(share).subs(ratio**d, power) - (1 - tolerance), power)
    reach = Step(
        "To read $\\beta = d$ within a relative error $\\epsilon$ takes the receptive field",
        sp.Eq(width / crossover, needed ** (1 / d)),
        "solve $\\beta_{loc} = (1 - \\epsilon) d$. One percent needs $A = 99^{1/d} A_*$: two "
        "decades beyond the crossover in $d = 1$.",
        against_in(DIMS, BISECTED, boxes.where_reached, digits=5),
    )
    layers = Step(
        "For boxes $f = s$ that is the number of layers",
        sp.Eq(k, sp.log((sp.pi - 1) * (1 / tolerance - 1)) / (d * sp.log(s))),
        "$A_k = s^k$, counted from one pixel. At $s = 2$ a layer is an octave: one percent takes "
        "7.7 octaves in $d = 1$, 3.9 in $d = 2$, 2.6 in $d = 3$.",
        against_in(DIMS, BISECTED, boxes.where_reached, digits=5),
    )
    centre = sp.Rational(boxes.WINDOW - 1, 2)
    weight = sp.summation((n - centre) ** 2, (n, 0, boxes.WINDOW - 1))
    term = (n - centre) * sp.log(sp.pi - 1 + s ** (d * (k + n)))
    fit = Step(
        "A straight line fitted to $\\log\\, G$ against $\\log\\, A$ over the five layers "
        "$k, \\ldots, k + 4$, boxes $f = s$.",
        sp.Eq(y.beta_fit, sp.Sum(term, (n, 0, boxes.WINDOW - 1)) / (weight * sp.log(s))),
        "least squares weigh equidistant points by their distance from the middle one. For "
        "$d = 1$, $s = 2$ the layers 0 to 4 give 0.64, the layers 1 to 5 give 0.76, and 2 to 6 "
        "give 0.86, where the exponent is 1. The deviation is not statistical: no number of "
        "images mends it, only depth.",
        against(
            "numpy's fit to noise pooled on tori, in $d = 3$ to noise over the weights of a unit; "
            "nine windows from $k = 0$ to $3$, $s = 2, 3, 4, 5$, $d = 1, 2, 3$",
            boxes.fitted,
            digits=8,
        ),
    )
    u = sp.Dummy("u", positive=True)
    (first,) = peak_series(1, box_cumulants(1))
    height = (1 + first * (f**2 - 1) * u) / sp.sqrt(1 - u)
    gain = sp.factor(sp.series(height, u, 0, 2).removeO().coeff(u, 1))
    peak = Step(
        "Without stride the power law itself is reached only gradually: at $A = A_k$, up to terms "
        "of order $A^{-4}$,",
        sp.Eq(c(k, 0) * width, sp.sqrt(3 / sp.pi) * (1 + gain / width**2)),
        "insert $k = (A^2 - 1)/(f^2 - 1)$ into $c_k(0) = (\\pi k (f^2 - 1)/3)^{-1/2} "
        "(1 - 3 (f^2 + 1)/(40 (f^2 - 1) k) + \\ldots)$, the local limit theorem and its first "
        "correction, which is due to the fourth cumulant of the box.",
        against(DEEP, boxes.deep_boxes, digits=5),
    )
    extra = -d * width * sp.diff(sp.log(peak.expression.rhs), width)
    order = sp.limit(sp.factor(extra * width**2), width, sp.oo)
    slope = Step(
        "So a term in $A^{-2}$ joins the local exponent. Up to terms of order $A^{-3}$,",
        sp.Eq(y.beta_local, local.expression.rhs + order / width**2),
        "$G$ carries $c_k(0)^{-d}$, and the logarithmic derivative of the correction adds. In "
        "$d = 1$ the crossover still decides. In $d = 2$ both terms are of order $A^{-2}$, and the "
        "sum stays below $d$. In $d = 3$ the new term decides: longer boxes approach $\\beta = 3$ "
        "from below, boxes of 2 from above, beyond $A \\approx 8.3$ and by less than 0.1 percent.",
        check_in(
            DIMS,
            f"{DEEP}, differentiated over nine layers",
            lambda claim, dim: agree(claim, boxes.deep_boxes(dim), digits=3 if dim == 1 else 5),
        ),
    )
    depth = (1 / u - 1) / (f**2 - 1)
    terms = sensitivity_series(2, box_cumulants(1))
    drop = sum(term / depth**power for power, term in enumerate(terms, start=1))
    relative = sp.series(sp.simplify(drop / u), u, 0, 2).removeO()
    rise = sp.series(2 * u * sp.diff(sp.log(u * relative), u), u, 0, 2).removeO()
    stability = Step(
        "Stability shows early. The local exponent of $D$, up to terms of order $A^{-4}$, is",
        sp.Eq(y.alpha_local, 2 + sp.factor(rise.coeff(u, 1)) / width**2),
        "insert $k = (A^2 - 1)/(f^2 - 1)$ into $D_k = 3/((f^2 - 1) k) - "
        "9 (f^2 + 6)/(10 (f^2 - 1)^2 k^2) + \\ldots$ and differentiate. At $f = 2$, where "
        "$D_k = 3/(A_k^2 + 2)$, one percent needs $A = 14$, against $A = 207$ for $\\beta$ in "
        "$d = 1$. Boxes $f = s$ have $D_k = 1/A_k$ and $\\alpha_{loc} = 1$ at every depth.",
        against(f"{DEEP}, differentiated over nine layers", boxes.deep_boxes, digits=4),
    )
    near = law, scale, strided, flat, local, lack
    return *near, reach, layers, fit, peak, slope, stability
