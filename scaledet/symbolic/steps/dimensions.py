"""Tensor products in d dimensions: overlaps factorise, and exponents follow."""

from __future__ import annotations

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes import dimensions as routes
from scaledet.symbolic.routes.checks import against
from scaledet.symbols import L, d, k, m_1, m_2, rho, rho_drop, s


def factorisation() -> Step:
    """Derive that the autocorrelation is a product over axes."""
    return Step(
        "A filter that is a tensor product stays one through all layers, and so does its "
        "autocorrelation; in the plane",
        sp.Eq(y.site_correlation(k, m_1, m_2), y.c(k, m_1) * y.c(k, m_2)),
        "each layer acts along one axis after the other, with the same stride: "
        "$h_k(j_1, \\ldots, j_d) = \\prod_a h_k(j_a)$. The overlap of two pixels, averaged over "
        "the phases of the grid, is then a product of $c_k(m_a)/S_k$, one for each axis.",
        against(
            "overlaps of images on 18 x 18 pixels at every phase, skew filters, 25 lags",
            routes.plane,
        ),
    )


def infinite_sensitivity(finite: Step) -> Step:
    """Derive D_k on the infinite lattice from D_k at any size."""
    zero, one, size = (sp.Dummy(name, positive=True) for name in ("zero", "one", "size"))
    plain = finite.expression.rhs.subs({y.c(k, 0): zero, y.c(k, 1): one, L: size})
    limit = sp.expand(sp.simplify(sp.limit(plain, size, sp.oo)))
    return Step(
        "On the infinite lattice the dimension drops out.",
        sp.Eq(y.D(k), limit.subs({zero: y.c(k, 0), one: y.c(k, 1)})),
        "this is the limit $L \\to \\infty$ of the step before: numerator and denominator share "
        "$c_k(0)^{d-1}$.",
        against(
            "one-pixel images on 18, 18 x 18 and 6 x 6 x 6 pixels, which no filter wraps around: "
            "changes over twice the squares",
            routes.wide_tori,
        ),
    )


def exponent_steps() -> tuple[Step, Step]:
    """Derive alpha and beta in d dimensions from the growth rates on a line."""
    alpha = Step(
        "The exponent of stability does not depend on the dimension. With equal layers at stride "
        "$s$, $c_k(0)$ growing as $\\rho^k$ and $c_k(0) - c_k(1)$ as $\\rho_D^k$,",
        sp.Eq(y.alpha, sp.log(rho / rho_drop) / sp.log(s)),
        "$D_k \\sim (\\rho_D/\\rho)^k$ on the infinite lattice, while $A_k$ grows as $S_k = s^k$ "
        "along each axis: $D_k \\sim A_k^{-\\alpha}$.",
        against(
            "boxes of length $f \\le s$, whose $c_k(0)$ and $D_k$ are pure powers from layer 1 "
            "on: pooled images of layers 1 and 2 in 1, 2 and 3 dimensions; $\\rho$ and $\\rho_D$ "
            "from those of a line",
            routes.powers,
        ),
    )
    beta = Step(
        "The exponent of noise is $d$ times that of a line.",
        sp.Eq(y.beta, -d * sp.log(rho) / sp.log(s)),
        "the growing part of $G_k$ is $1/(2\\pi\\, c_k(0)^d) \\sim \\rho^{-dk}$. "
        "The constant beside it makes early layers look flatter than this.",
        against(
            "the same boxes: the part of the noise due to its mean, over $Q_k$, at layers 1 and 2",
            routes.powers,
        ),
    )
    return alpha, beta


def width_steps() -> tuple[Step, Step]:
    """Derive the receptive field along an axis and as a volume."""
    width = Step(
        "The receptive field $A_k$ is a width per axis.",
        sp.Eq(y.A(k) ** 2, 1 + 12 * y.spread(k)),
        "summed over all other axes, the filter of $d$ dimensions is that of a line: its law has "
        "the variance $\\mathrm{Var}\\, h_k$ along every axis, and the box of equal variance is "
        "$A_k$ wide.",
        against(
            "covariance of the filter of one unit on 18, 18 x 18 and 6 x 6 x 6 pixels; the "
            "variance from a line",
            routes.widths,
        ),
    )
    volume = Step(
        "As a volume, the receptive field is therefore a cube.",
        sp.Eq(y.volume(k) ** 2, y.A(k) ** (2 * d)),
        "$V_k$ is the volume of the box with the covariance matrix of the filter, "
        "$V_k^2 = \\det(1 + 12\\, \\mathrm{Cov}\\, h_k)$; independent axes make it diagonal. Per "
        "volume both exponents are divided by $d$.",
        against(
            "the determinant, from all weights of one unit; the width from a line", routes.volumes
        ),
    )
    return width, volume
