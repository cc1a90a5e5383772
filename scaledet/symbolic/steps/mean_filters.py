"""Filters with means over input channels: the two coupled maps, and who wins."""

from __future__ import annotations

from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes import mean_filters as routes
from scaledet.symbolic.routes.checks import against
from scaledet.symbols import D, N, c, f, factor_square, i, j, k, mean_factor, n, p, random_gain, s

__all__ = ["coherent_step", "layer_steps", "linear_step"]

_DRAWN = "all weights of four channels in, exactly; skew filters, strides 1 to 5"


def layer_steps() -> tuple[Step, Step, Step]:
    """Derive the mean and the covariance of pre-activations, given the row of a channel."""
    mean = sp.Sum(y.filter_sum(j) * y.channel_mean(s * i + j), (j, 0, f - 1))

    def spread(product: Any) -> Any:
        term = y.weight_covariance(j, n) * product
        return sp.Sum(term, (n, 0, f - 1), (j, 0, f - 1))

    sites = s * i + j, s * p + n
    about = y.channel_product(*sites)
    apart = about - y.channel_mean(sites[0]) * y.channel_mean(sites[1])
    return (
        Step(
            "Given the row $(m, b_h)$ of an output channel, its pre-activation has the mean",
            sp.Eq(y.row_level(i), y.channel_bias + mean),
            "the sum over input channels of $m(j)/C_{in}$ times the units there; the rest of the "
            "filters has mean 0. So this part sees the mean over channels only.",
            against(_DRAWN, routes.sites),
        ),
        Step(
            "Around it, the rest of the filters has the covariance",
            sp.Eq(y.row_covariance(i, p), spread(about)),
            "filters to different input channels are independent, of covariance $V/C_{in}$. Both "
            "hold for any number of channels. As it grows pre-activations become Gaussian, and the "
            "means over channels become those over the rows: $\\bar\\Phi_{k+1}(i)$ is the mean of "
            "$\\mathrm{E}\\,\\mathrm{relu}(z)$, $\\Phi_{k+1}(i, p)$ that of $\\mathrm{E}\\,"
            "\\mathrm{relu}(z) \\mathrm{relu}(z')$, for Gaussians whose covariance is that of "
            "rectified units of any heights (Price; last steps of the page on rectified layers).",
            against(_DRAWN, partial(routes.pairs, fixed=False)),
        ),
        Step(
            "Where filters sum to $m$ exactly, as when both are measured, it is instead",
            sp.Eq(y.row_covariance(i, p), spread(apart)),
            "the rest then sums to 0 over channels, and sees deviations from their mean only: "
            "independent filters of covariance $V/C_{in}$ less their mean over channels.",
            against(_DRAWN, partial(routes.pairs, fixed=True)),
        ),
    )


def coherent_step() -> Step:
    """Derive that coherent filters alone are the model."""
    return Step(
        "No rest, and coherent filters $m = c_h a$ with factors of both signs: the pooled model.",
        sp.Eq(D(k), (c(k, 0) - c(k, 1)) / (c(k, 0) - 1 / N)),
        "images have no negative pixels, so channels with $c_h > 0$ carry $c_h P_k x$, times a "
        "number that all layers before share, and the others nothing. All distances are those of "
        "$P_k x$ times one factor per layer.",
        against(
            "all positions and pairs on rings of 10 to 14 pixels, rows of four factors",
            routes.coherent_filters,
            digits=routes.DIGITS,
        ),
    )


def linear_step() -> Step:
    """Derive how coherent filters beside independent taps pool where nothing rectifies."""

    def change(lag_part: Any, start: Any) -> Any:
        weight = random_gain ** (k - n) * mean_factor ** (2 * n - 2)
        parts = sp.Sum(weight * (c(n, 0) - lag_part), (n, 1, k))
        return random_gain**k * start + factor_square * parts

    return Step(
        "Without ReLU, coherent filters $c_h a$ beside a rest with independent taps, "
        "$V = v_w\\, \\mathrm{diag}(a)$: squares of what the rest makes pool, and each layer adds "
        "the square of the mean over channels, which pools itself.",
        sp.Eq(D(k), change(c(n, 1), 1) / change(1 / N, 1 - 1 / N)),
        "the mean over channels of layer $n$ is $\\mu_h^n P_n x$. Layer $n$ turns it into units "
        "of mean square $\\omega_h \\mu_h^{2 n - 2} (P_n x)^2$, and the layers behind multiply "
        "these by $v_w$ each, their positions averaged. Hence at stride 1 on an infinite line: "
        "for $\\mu_h^2 > v_w$ the last terms win and $D_k$ falls as that of the model; for "
        "$\\mu_h^2 < v_w$ the first ones do, and $D_k$ stays above $1/(1 + \\omega_h/(v_w - "
        "\\mu_h^2))$ at every depth. The transition is at $\\mu_h^2 = v_w$; with boxes as long "
        "as their stride $c_n(0) = s^{-n}$, and it is at $\\mu_h^2 = s v_w$. Open: where it is "
        "with ReLUs, which the recursion of steps 1 and 2 computes.",
        against(
            "all positions and pairs on rings, three mixtures, matrix by matrix",
            routes.two_maps,
            digits=routes.DIGITS,
        ),
    )
