"""Consequences of the law of noise: finite size, linear noise, filters of two kinds, beta."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sympy as sp

from scaledet import symbols as y
from scaledet.reference.pixel import PooledPixel
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes import box_noise, noise
from scaledet.symbolic.routes.checks import DIMS, against, against_in, check_in
from scaledet.symbolic.steps.noise import finite_noise, noise_steps
from scaledet.symbolic.steps.rectified_units import PAGE as LAYERS
from scaledet.symbolic.steps.rectified_units import boxes_law as layer_boxes
from scaledet.symbols import L, c, d, k, s


def piling_up_steps(law: Step) -> tuple[Step, ...]:
    """Derive what the law of noise rectified at the input says about sizes, filters and beta."""
    power, pixels = (sp.Dummy(name, positive=True) for name in ("power", "pixels"))
    weak = {
        y.active_mean: 0,
        y.active_variance: y.sigma**2,
        y.mu_1: y.sigma / sp.sqrt(2 * sp.pi),
        y.v_0: y.sigma**2 * (sp.pi - 1) / (2 * sp.pi),
    }
    finite = finite_noise("input", d).expression.rhs.subs(weak)
    plain = finite.subs({y.sigma: sp.sqrt(2 / pixels), L: pixels, c(k, 0) ** d: power})
    endless = law.expression.rhs.subs(c(k, 0) ** d, power)
    numerator = sp.expand(sp.simplify(plain * (1 - 1 / (pixels * power)) - endless) * pixels)
    value = (endless + numerator / pixels).subs({pixels: L, power: c(k, 0) ** d})
    matched = Step(
        "At matched noise the whole dependence on size, up to terms of order $\\mathrm{e}^{-L/4}$.",
        sp.Eq(y.G(k) * (1 - 1 / (L * c(k, 0) ** d)), value),
        "$m_a$ and $v_a - \\sigma^2$ carry the factor $\\mathrm{e}^{-1/(2 \\sigma^2)}$, with "
        "$\\sigma^2 = 2/L$: without them the result at any size is a rational function of $L$. "
        "The correction matters once $c_k(0)^d$ comes near $1/L$, where $h_k$ covers the torus "
        "and $Q_k$ vanishes.",
        against(
            "noise pooled on tori of 96, $12^2$ and $10^3$ pixels; the exact engine of the package "
            "for other networks, d = 1, 2, 3",
            noise.finite_size,
            digits=11,
        ),
    )
    route = "Gaussian moments by quadrature, noise pooled on tori"
    alone = Step(
        "If the noise is rectified alone, $x + \\mathrm{relu}(\\eta)$, the dependence on size is "
        "simpler, and exact.",
        sp.Eq(y.G(k) * (1 - 1 / (L * c(k, 0) ** d)), law.expression.rhs),
        "active and background pixels are perturbed alike: put $m_a = \\mu_1$ and $v_a = v_0$. "
        "The infinite lattice does not tell the two kinds of noise apart, for it sees the "
        "background only.",
        against_in(DIMS, route, noise.rectified_alone, digits=11),
    )
    linear = replace(
        finite_noise(None, d),
        statement="Noise that no ReLU rectifies has no mean, and no part that grows.",
        justification="$\\mathcal{E}_k = L \\sigma^2 (c_k(0)/S_k)^d$, divided by $Q_k$.",
    )
    route = "all displacements, and all outcomes of a noise of few values, pooled"
    relative = Step(
        "With matched linear noise the relative sensitivity knows neither size nor dimension.",
        sp.Eq(y.R(k), 1 - c(k, 1) / c(k, 0)),
        "in the quotient $D_k / G_k$ the signal $Q_k$ cancels, and so does $c_k(0)^{d-1}$: along "
        "the axes that the pixel does not move, displacement and noise are averaged alike. With "
        "linear noise stability is gained by averaging and nothing is paid for it; with rectified "
        "noise $R_k$ falls by the further factor $G_k \\sim A_k^d$.",
        against_in(DIMS, route, noise.linear_ratio),
    )
    width, ratio = (sp.Dummy(name, positive=True) for name in ("width", "ratio"))
    spread = sp.expand_power_base(law.expression.rhs.subs(c(k, 0), 1 / (ratio * width)))
    value = sp.limit(sp.expand(spread / width**d), width, sp.oo)
    route = "noise pooled by boxes of 3 on large tori, extrapolated in powers of $A_k^{-2}$"
    flat = Step(
        "Without stride $G_k$ grows as $r A_k^d$, with the same $r$ for every filter of span 1.",
        sp.Eq(y.prefactor, value.subs(ratio**d, (sp.pi / 3) ** (d / 2))),
        "$c_k(0)$ is the chance that two independent walks of $k$ steps of variance $\\kappa_2$ "
        "end at the same site; by the local limit theorem it falls as "
        "$(4 \\pi k \\kappa_2)^{-1/2}$. As $A_k^2$ grows as $12 k \\kappa_2$, this is "
        "$\\sqrt{3/\\pi}/A_k$. Insert it and divide by $A_k^d$.",
        against_in(
            DIMS,
            route,
            lambda dim: [{d: dim, y.prefactor: box_noise.flat_prefactor(dim)}],
            digits=4,
        ),
    )
    route = "noise pooled by boxes on tori, extrapolated to infinite size"
    boxes = Step(
        "Boxes whose length is their stride, $f = s$, where $A_k = s^k$: the law is exact at "
        "every depth, with $r = 1/(2 \\pi)$.",
        sp.Eq(y.G(k), law.expression.rhs.subs(c(k, 0), s**-k)),
        "a box of $s^k$ sites has $c_k(0) = s^{-k}$: it holds $s^k$ weights of square $s^{-2k}$.",
        against_in(
            DIMS, route, lambda dim: box_noise.by_boxes(dim, box_noise.total_noise), digits=9
        ),
    )
    slope = sp.simplify(width * sp.diff(spread, width) / spread)
    growth = Step(
        "In both cases $G_k \\sim A_k^\\beta$ with",
        sp.Eq(y.beta, sp.limit(slope, width, sp.oo)),
        "wherever $c_k(0) A_k$ tends to a constant, the logarithmic slope of $G$ against $A$ "
        "tends to $d$: the constant part of $G$ is left behind. The mean of the noise fills the "
        "whole image, the signal one pixel. Pooling spreads this pixel over $A_k^d$ sites, its "
        "mean square falls by as much, and the mean of the noise stays. Where a stride breaks the "
        "sum rule, the filter may be so rough that $c_k(0)$ falls more slowly than $1/A_k$: then "
        "$\\beta < d$.",
        check_in(
            DIMS,
            "boxes $f = s = 2$, noise pooled on tori, differences of successive layers; boxes of "
            "3 without stride, two deep layers",
            box_noise.growth,
        ),
    )
    any_size = matched, alone, linear, noise_steps(None, d)[-1], relative
    return *any_size, flat, boxes, growth, layer_boxes(d).cited(LAYERS)


def linear_noise(pools: Sequence[PooledPixel]) -> Step:
    """Return the step beta = 0, confronted with pooled noise and pixels at layers 1 to 3."""
    return Step(
        "Linear noise is neither averaged away nor piled up.",
        sp.Eq(y.beta, sp.Integer(0)),
        "the energy of white noise and $Q_k$ both shrink as $c_k(0)^d$.",
        against("energies of pooled noise and pixels", lambda: noise.linear_growth(pools)),
    )
