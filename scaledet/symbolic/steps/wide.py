"""Wide networks of random filters: before training, with common filters, and between."""

from __future__ import annotations

from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes import wide as routes
from scaledet.symbolic.routes.checks import against
from scaledet.symbols import (
    D,
    N,
    S,
    alike,
    c,
    closeness,
    common,
    h,
    j,
    k,
    m,
    n,
    root_change,
    s,
    tap_alike,
    wide_change,
)

__all__ = ["before_steps", "common_step", "stride_steps"]

_FLOATS: dict[str, Any] = {"digits": routes.DIGITS}


def before_steps() -> tuple[Step, Step, Step]:
    """Derive that squares pool before training, and that D_k cannot fall fast."""
    jumps = (sp.sqrt(h(k, j)) - sp.sqrt(h(k, j + 1))) ** 2
    return (
        Step(
            "Independent taps, $C = \\mathrm{diag}(a)$. The mean square of a representation, over "
            "the positions of any image, falls as the number of sites does:",
            sp.Eq(y.wide_square(k), y.wide_square(0) / S(k)),
            "for $C$ diagonal only equal sites matter, and $\\kappa(a, a, a) = a/2$: the mean "
            "square of the units at a site is $\\Phi_{k+1}(i, i) = \\sum_f a_f \\Phi_k(s i + f, "
            "s i + f)$, the *square* of the image pooled. It is the same for noise as for signal, "
            "whatever their signs. On a large torus noise meets blank sites almost everywhere, so "
            "$Q_k G_k = L \\sigma^2/S_k$ and $Q_k = 2/S_k$: $G_k = 1$ for matched noise, at every "
            "depth. Noise piles up where a mean, not a square, is pooled.",
            against(
                "images of both signs at all positions, unequal skew layers",
                routes.squares,
                **_FLOATS,
            ),
        ),
        Step(
            "Stride 1. A move changes the norm of the units at every site; the squares of these "
            "changes add up to",
            sp.Eq(root_change(k), sp.Sum(jumps, (j, -sp.oo, sp.oo))),
            "by step 1 the units over $j$ have the mean squares $h_k(j)$ and $h_k(j + 1)$ for the "
            "two images.",
            against("squares of the units, site by site, skew filters", routes.norms, **_FLOATS),
        ),
        Step(
            "Before training the change by a move cannot fall faster:",
            sp.Ge(wide_change(k), root_change(k)),
            "$|u - v| \\ge ||u| - |v||$ at every site. For a filter of variance $\\kappa_2$ the "
            "right side is $1/(4 k \\kappa_2)$ to leading order, and $Q_k \\to 2$: $D_k$ falls no "
            "faster than $1/(8 k \\kappa_2)$, which is $A_k^{-2}$, as with common filters, at half "
            "of their prefactor. That $D_k$ attains it is open. Measured (box 3, infinite line): "
            "$8 k \\kappa_2 D_k$ is 8.71, 3.47, 1.99, 1.47, 1.26 at $k = 10, 100, 400, 1600, "
            "6400$. An angle $\\theta$ between the images that new differences, of order "
            "$k^{-2}$, feed and ReLUs reduce by $2 \\theta^3/(3 \\pi)$ would leave an excess "
            "$k^{-4/3}$ of $D_k$, as these numbers do. With biases of variance $10^{-2}$ $D_k$ "
            "stops falling: 0.347, 0.229, 0.229, 0.266 at $k = 10, 50, 100, 400$ (measured too).",
            against(
                "one pixel and its neighbour, depths up to 600",
                routes.walks,
                loose="attained at the image",
                **_FLOATS,
            ),
        ),
    )


def common_step() -> Step:
    """Derive that common filters give back the pooled model."""
    return Step(
        "Common filters, $C = a a^T$, random over channels: the pooled model.",
        sp.Eq(D(k), (c(k, 0) - c(k, 1)) / (c(k, 0) - 1 / N)),
        "let $\\Phi_k^{xy}(i, j) = u(i) v(j)$ with $u, v \\ge 0$, as it is at $k = 0$ for images "
        "without negative pixels. Then $K^{xy}(i, j) = 2 (P u)(i) (P v)(j)$, the correlation is 1 "
        "at all sites, and $\\kappa$ halves it: $\\Phi_{k+1}^{xy}(i, j) = (P u)(i) (P v)(j)$. So "
        "all distances are those of the images $P_k x$. Noise that is rectified before it enters "
        "obeys this too; noise of both signs does not, for layer 1 has correlation $-1$ where the "
        "signs differ, and carries the positive and the negative part in different channels.",
        against(
            "all positions and pairs on rings of 10 to 14 pixels, the kernel carried out",
            routes.common_filters,
            **_FLOATS,
        ),
    )


def _kernel(x: Any) -> Any:
    return (sp.sqrt(1 - x**2) + (sp.pi - sp.acos(x)) * x) / sp.pi


def stride_steps() -> tuple[Step, Step, Step, Step, Step]:
    """Derive D_k of boxes as long as their stride for every share, and how it falls."""
    slope = sp.sqrt(2) / (3 * sp.pi)
    met = sp.Sum((s - 1) * s**-n * alike(k - n, n), (n, 1, k))
    gain = closeness(n + 1) - closeness(n)
    return (
        Step(
            "Now boxes of length $s$ at stride $s$, $C = (1 - t_w)\\, \\mathrm{diag}(a) + t_w\\, a "
            "a^T$. Two different taps have the correlation",
            sp.Eq(tap_alike, common / (s * (1 - common) + common)),
            "their variances are $(1 - t_w)/s + t_w/s^2$, their covariance is $t_w/s^2$. It is "
            "also the share of the filters' variance that is common.",
            against("tap covariances of four shares", routes.meeting_taps, **_FLOATS),
        ),
        Step(
            "Each pixel is seen by one site, through one tap. Neighbours that have not met are at "
            "different taps in every layer, which multiplies their correlation by $r_w$; then the "
            "ReLU:",
            sp.Eq(alike(0, n + 1), _kernel(tap_alike * alike(0, n))),
            "the last pixel of a window has the last tap, its neighbour the first tap of the next "
            "window, up to the layer in which they meet at two taps of one window. One site with "
            "one input other than zero: covariances are products of $C_{ff'}$ and $\\Phi$, and the "
            "arc-cosine kernel of equal variances is taken relative to its value at correlation 1.",
            against("neighbours that meet in layers 1 to 4, sent through", routes.apart, **_FLOATS),
        ),
        Step(
            "Once they have met, both have the same tap in every layer, and only ReLUs act:",
            sp.Eq(alike(n + 1, m), _kernel(alike(n, m))),
            "the same with correlation 1 of the weights.",
            against(
                "neighbours up to 5 layers behind their meeting, sent through",
                routes.together,
                digits=7,
            ),
        ),
        Step(
            "The sensitivity to displacements on the infinite lattice, for every share and depth:",
            sp.Eq(D(k), 1 - met),
            "of neighbouring pixels the part $s^{-n} (s - 1)$ first meets in layer $n$, and "
            "differs then by $1 - \\chi_{k - n}(n)$ of the distance of two independent pixels; the "
            "part $s^{-k}$ has not met and keeps all of it. At $t_w = 1$ all $\\chi$ are 1 and "
            "$D_k = s^{-k}$.",
            against("all neighbours of rings, s = 2 to 5", routes.boxes, **_FLOATS),
        ),
        Step(
            "The correlations approach 1 by a power of the depth only. With $q_n = "
            "1/\\sqrt{1 - \\chi_n}$,",
            sp.Ge(gain, slope),
            "with $\\chi = \\cos \\theta$ the kernel is $\\cos \\theta + (\\sin \\theta - \\theta "
            "\\cos \\theta)/\\pi = 1 - \\theta^2/2 + \\theta^3/(3 \\pi) + O(\\theta^4)$, so that "
            "$q$ grows by $\\sqrt 2/(3 \\pi)$ a layer as $\\theta \\to 0$; that "
            "it never grows less is tested, not proved. Hence $1 - \\chi_n$ falls as "
            "$9 \\pi^2/(2 n^2)$ for every $t_w < 1$, and $D_k$ as $9 \\pi^2/(2 k^2)$, while "
            "$A_k = s^k$: $\\alpha = 0$ for every $t_w < 1$, and $\\alpha = 1$ at $t_w = 1$. The "
            "transition is at common filters themselves; near them $D_k$ falls as $1/A_k$ until it "
            "is of the order of $1 - r_w$. "
            "Open, with the numbers measured, box 3, infinite line. Stride 1, $0 < t_w < 1$: "
            "$k D_k$ is 0.439, 0.319, 0.297, 0.276 for $t_w = 1/2$ and 0.369, 0.361, 0.356, 0.350 "
            "for $9/10$ at $k = 10, 50, 100, 300$; at $t_w = 1$ it tends to $3/8$, and the bound "
            "for $t_w = 0$ is $3/16$: $D_k$ seems to fall as $A_k^{-2}$ for every $t_w$, without a "
            "transition. Stride 2, filters that overlap: $D_k$ is 0.347, 0.203, 0.150 for $t_w = "
            "0$, 0.311, 0.186, 0.142 for $1/2$, 0.268, 0.216, 0.195 for $9/10$ at $k = 5, 10, 15$, "
            "below the plateau 0.219 of $t_w = 1$ and still falling. Biases of variance $10^{-2}$: "
            "at stride 1 $k D_k$ is 0.741, 0.713, 0.722, 0.733 for $t_w = 1/2$, as above, and "
            "0.450, 0.453, 0.450, 0.444 for $9/10$, while $D_k$ stops falling for $t_w = 0$; at "
            "stride 2 it does for every $t_w < 1$, at 0.579, 0.565, 0.380 for $t_w = 0, 1/2, 9/10$ "
            "(box 3) and 0.531, 0.533, 0.286 (box 2, where $D_k = 2^{-k}$ stays at $t_w = 1$): "
            "images then differ from biases by ever less, and ReLUs act alike on both.",
            against("neighbours through up to 39 layers", routes.far_together, digits=5),
            status="tested",
        ),
    )
