"""Derive what holds for layers that may all differ, and where an anti-aliasing filter helps."""

from __future__ import annotations

from functools import partial

import sympy as sp

from scaledet import symbols as y
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.reference.exact import number
from scaledet.reference.layers import BEHIND, UnequalLayers
from scaledet.symbolic.confrontation import ENOUGH
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.prose import Entrywise
from scaledet.symbolic.routes.checks import against
from scaledet.symbolic.routes.layers import (
    BOX_3,
    FIRST,
    ODD,
    PAIR,
    SMOOTH,
    Layers,
    brute,
    by_powers,
    capped,
    exponent,
    layer_values,
    layers,
    limit,
)
from scaledet.symbolic.routes.waves import DIPPING, behind, waves
from scaledet.symbolic.steps.any_filter import PAGE as LEAK
from scaledet.symbols import N, f, i, k, m, n, p, rho, rho_drop, s, z
from scaledet.theory.correlation.exact import correlation
from scaledet.theory.growth.exponents import predict_exponents

__all__ = [
    "PAGE",
    "block_steps",
    "cap_steps",
    "filter_steps",
    "front_law",
    "order_steps",
    "structure_steps",
]

PAGE = "Whole architectures"
SKEW = brute(layers(([1, 2, 4], 2), ([3, 1, 0, 2], 3), ([1, 3], 1), ([2, 1], 2)))
ROUTE = "pooled one-pixel images, four skew filters at strides 2, 3, 1 and 2"


def front_law(images: UnequalLayers = SKEW) -> Step:
    """Return the transition operator of one more layer in front, tried on given layers."""
    images = UnequalLayers([*images.layers, *[BEHIND] * (ENOUGH - images.depth)])
    cases = [{i: at, z: base} for base in (2, 3) for at in range(1, images.depth + 1)]
    return Step(
        "A layer in front of the others acts on their autocorrelation as its transition operator: "
        "with $v_i$ that of layers $i, \\ldots, k$ taken by themselves,",
        sp.Eq(y.tail(i, z), y.layer_correlation(i, z) * y.tail(i + 1, z ** y.layer_stride(i))),
        "the same product, begun at its first factor. By coefficients $v_i = T_i v_{i+1}$, "
        "$(T_i v)(m) = \\sum_n \\mathcal{A}_i(m - s_i n)\\, v(n)$, so that $c_k = T_1 \\cdots "
        "T_k\\, \\delta_0$: the last layer acts first. The operators do not commute.",
        against(
            f"overlaps of pooled images of layers $i$ to {images.depth} alone, at all lags, "
            "summed at $z = 2$ and $3$",
            cases,
            layer_values(images),
        ),
    )


def structure_steps() -> list[Step]:
    """Return h_k, c_k, D_k, A_k and W_k of layers that may all differ."""
    values = layer_values(SKEW) | {
        y.h: lambda at, j: SKEW.pooled.filter(SKEW.require(at), j),
        y.W: lambda at: SKEW.pooled.support(SKEW.require(at)),
        y.A: lambda at: sp.sqrt(1 + 12 * number(SKEW.pooled.variance(SKEW.require(at)))),
    }
    sites = [{k: at, m: j} for at in (2, 3, 4, 1) for j in range(-1, 20)]
    every = [{k: 2}, {k: 3}, {k: 4}, {k: 1}]
    added = y.h(k - 1, m - y.S(k - 1) * n) * y.layer_weight(k, n)
    behind = Step(
        "A layer behind the others adds a factor to the composite filter, read in steps of all "
        "strides before it.",
        sp.Eq(y.h(k, m), sp.Sum(added, (n, -sp.oo, sp.oo))),
        "a unit of layer $k$ adds up units of layer $k - 1$ with weights $a_k(n)$, and these see "
        "the image through $h_{k-1}$, shifted by $S_{k-1}$ from one to the next. Hence "
        "$h_k(z) = \\prod_i a_i(z^{S_{i-1}})$.",
        against(ROUTE, sites, values),
    )
    stable = Step(
        "The sensitivity to displacements needs two numbers of the product.",
        sp.Eq(y.D(k), 1 - y.c(k, 1) / y.c(k, 0)),
        "nothing in the argument for equal layers used that they are equal: averaged over the "
        "$S_k$ phases a move costs $2 (c_k(0) - c_k(1))/S_k$, and $Q_k = 2 c_k(0)/S_k$.",
        against(f"differences of images; {ROUTE}", every, values),
    )
    variances = sp.Sum(y.layer_variance(i) * y.S(i - 1) ** 2, (i, 1, k))
    field = Step(
        "Variances add, each in units of the pixels that a step of its layer spans: the receptive "
        "field.",
        sp.Eq(y.A(k), sp.sqrt(1 + 12 * variances)),
        "read as a law, $h_k$ is that of a sum of independent $S_{i-1} X_i$ with $X_i$ drawn from "
        "$a_i$, and $A_k^2 = 1 + 12\\, \\mathrm{Var}\\, h_k$ by definition. A late filter counts "
        "with the square of all strides before it.",
        against(f"the filter read off {ROUTE}", every, values),
    )
    support = Step(
        "Supports add likewise.",
        sp.Eq(y.W(k), 1 + sp.Sum((y.layer_length(i) - 1) * y.S(i - 1), (i, 1, k))),
        "the degree of a product is the sum of the degrees, $(f_i - 1) S_{i-1}$ for layer $i$.",
        against(f"the filter read off {ROUTE}", every, values),
    )
    return [behind, front_law(), stable, field, support]


def order_steps() -> list[Step]:
    """Return two pairs of layers in both orders."""
    strides = layers(([1, 1, 1], 2), ([1, 1, 1], 3))
    places = layers(([1, 1, 1], 1), ([1, 1], 2))
    return [
        _order(
            strides,
            "Order matters, even of strides alone. Box 3 at stride 2, then box 3 at "
            "stride 3, against the same layers exchanged (primed):",
            "the products are $(1 + z + z^2)(1 + z^2 + z^4)/9$ and $(1 + z + z^2)(1 + z^3 + "
            "z^6)/9$. The second is box 9, as wide as it can be; the first is wide only to its own "
            "stride, and has $A_2^2 = 41$ against 81.",
        ),
        _order(
            places,
            "Pooling before or after: box 3 at stride 1 before box 2 at stride 2, "
            "against behind it (primed):",
            "behind a stride of 2 every weight of box 3 stands for two pixels: the product is "
            "box 6, $A_2^2 = 36$ against 12. A filter is worth more on a coarse grid, as long "
            "as the stride has not done harm before (steps 10 to 19).",
        ),
    ]


def _order(given: Layers, statement: str, why: str) -> Step:
    orders = (given, given[::-1])
    first, second = (brute(order) for order in orders)
    exact = [correlation(_network(order), 2) for order in orders]
    sensitivities = [1 - sp.Rational(row.values[1], row.values[0]) for row in exact]
    values = {
        y.D: lambda at: first.pooled.sensitivity(first.require(at)),
        y.reordered: lambda at: second.pooled.sensitivity(second.require(at)),
    }
    return Step(
        statement,
        Entrywise(
            sp.ImmutableMatrix([[y.D(2), y.reordered(2)]]), sp.ImmutableMatrix([sensitivities])
        ),
        why,
        against("differences of pooled one-pixel images at all phases, both orders", [{}], values),
    )


def block_steps() -> list[Step]:
    """Return the exponents of a block, and one that both orders share."""
    block = layers(([1, 1, 1], 1), ([1, 1], 2))
    base = Step(
        "A block of layers that repeats without end has exponents, of the block: with $s$ the "
        "product of its strides and $\\rho$, $\\rho_D$ the growth rates of $c(0)$ and "
        "$c(0) - c(1)$ per block,",
        sp.Eq(y.alpha, sp.log(rho / rho_drop) / sp.log(s)),
        "one block acts on the autocorrelation as one layer with filter "
        "$\\prod_i a_i(z^{S_{i-1}})$ and stride $s = s_1 \\cdots s_p$, for "
        "$T_1 \\cdots T_p$ is its transition operator. $A_k$ grows by $s$ per block, $D_k$ by "
        "$\\rho_D/\\rho$: the base of the logarithm is the total stride.",
        Check(
            "blocks of boxes no longer than their strides, for which $c_k(0)$ and $D_k$ are "
            "pure powers: images of one and of two blocks, total strides 6, 6 and 4",
            by_powers,
        ),
    )
    both = _alpha(
        "Box 3 at stride 1 and box 2 at stride 2, repeated in either order, have the same",
        "$T_1 T_2$ and $T_2 T_1$ share their eigenvalues other than 0, and box 2 at stride 2 does "
        "no harm when it comes first: it treats both phases alike. Only the prefactor "
        "differs (step 7).",
        [block, block[::-1]],
    )
    return [base, both]


def cap_steps() -> list[Step]:
    """Return what a first layer leaves to the layers behind it: a bound, and a limit."""
    turn = sp.cos(2 * sp.pi * m * n / N)
    every = (m, -sp.oo, sp.oo)
    near, same = (sp.Sum(y.autocorrelation(s * m + lag) * turn, every) for lag in (1, 0))
    wave = Step(
        "What can layers behind make of a first layer? If they pass a single wave, "
        "$\\theta = 2 \\pi n/N$ from one unit of the first layer to the next, the sensitivity is",
        sp.Eq(y.wave_sensitivity(n, N), 1 - near / same),
        "the wave has the amplitude $u_p = \\sum_j a(p - s j)\\, e^{-i j \\theta}$ for an active "
        "pixel at $p$. Up to a common factor the lower sum is the mean of $|u_p|^2$ over the "
        "phases, the upper one that of $u_p u_{p+1}^*$, its real part. By Fourier transformation "
        "both are sums over the $s$ angles $\\varphi$ with $s \\varphi = \\theta$, the fibre of "
        "$\\theta$: $D(\\theta)$ is the mean of $1 - \\cos \\varphi$ over it, with the weights "
        "$|\\hat a(\\varphi)|^2$.",
        against("pooled images of every phase, summed against waves; $N = 5$ and 8", waves),
    )
    lowest = Step(
        "This is the limit that the first layer sets: no layers behind it, whatever their filters "
        "and strides, come below the least of these. It is 0 if the first layer gives all phases "
        "the same weight, and only then.",
        sp.Ge(y.D(k), y.lowest_wave),
        "$D_k$ is a mean of $D(\\theta)$ with weights that the layers behind choose: the argument "
        f"of the page “{LEAK}”, where the least of these is $\\delta$. Long filters of both signs "
        "concentrate on one wave and come as near as one likes; filters $\\ge 0$ pass $\\theta = "
        "0$ best and may not. With equal weights $D(0) = 0$; else that page shows $\\delta > 0$.",
        Check(
            "pooled images, filters of both signs behind six first layers; the least by a scan "
            "of waves, approached to four digits by long ones",
            behind,
        ),
    )
    drops = sp.Sum((y.phase_mass(p) - y.phase_mass(p + 1)) ** 2, (p, 0, s - 1))
    squares = sp.Sum(y.phase_mass(p) ** 2, (p, 0, s - 1))
    large, small = (f + 1) / (2 * f), (f - 1) / (2 * f)
    odd = sp.factor(2 * (large - small) ** 2 / (2 * (large**2 + small**2)))
    cap = Step(
        "Layers behind that become stable pass the longest wave alone, and bring $D_k$ to its "
        "value. Let $w_p$ be the sum of the outputs of the first layer for an active pixel at "
        "phase $p$ of its grid. Then $D_k$ tends to",
        sp.Eq(y.plateau, drops / (2 * squares)),
        "$w_p$ is the sum of the weights of one residue class, $\\sum_n a(p - s n)$, the "
        "amplitude of the wave $\\theta = 0$. To the layers behind, "
        "$r$ steps cost at most $r^2$ times one, and one costs nothing in the limit: all "
        "units that see the pixel are as good as one, and the image of the pixel is $w_p$ times "
        "one and the same bump. A move changes $w_p$ to $w_{p \\pm 1}$, with $w_s = w_0$.",
        Check(
            "exact $D_k$ 41 and 21 layers deep, six first layers at strides 2 to 5, two stable "
            "networks behind each",
            partial(capped, firsts=FIRST),
        ),
    )
    dipping = DIPPING + SMOOTH
    dip = Step(
        "That is where $D_k$ ends, not what it cannot undercut: $[1, 0, 0, 1, 2]$ at stride 2 has "
        "$w = (3/4, 1/4)$ and the limit 2/5, but $[1, 2, 1]$ behind it reaches",
        sp.Eq(y.D(2), 1 - sp.Rational(*_lag_ratio(dipping))),
        "shorter waves cost this first layer less: $D(\\theta)$ falls from 2/5 at $\\theta = 0$ to "
        "0.2297 at $\\cos \\theta = 0.3604$. More layers $[1, 2, 1]$ lead back to 2/5.",
        against(
            "differences of pooled one-pixel images", [{}], {y.D: brute(dipping * 2).sensitivity}
        ),
    )
    boxes = Step(
        "Stable layers behind an odd box of length $f$ at stride 2 therefore bring $D_k$ to the "
        "value below. For boxes it is a bound, too: whatever stands behind, none come below it.",
        sp.Eq(y.plateau, odd),
        "its two phases receive $(f+1)/(2f)$ and $(f-1)/(2f)$. That is 1/5 for the box of length 3 "
        "and 1/25 for the length 7 that many networks begin with: longer is better, even is right. "
        "That no layers undercut it is derived on the page of boxes: there $c_k(0) - c_k(1)$ is "
        "the same for all waves, and $c_k(0)$ largest for the longest.",
        Check(
            "exact $D_k$ deep behind boxes of 3, 5, 7 and 11 pixels", partial(capped, firsts=ODD)
        ),
    )
    return [wave, lowest, cap, dip, boxes]


def _lag_ratio(given: Layers) -> tuple[int, int]:
    """Return c(1) and c(0) of all layers, up to a common factor."""
    values = correlation(_network(given), len(given)).values
    return values[1], values[0]


def filter_steps() -> list[Step]:
    """Return alpha with no, a short, and the right filter before box 3 at stride 2, and behind."""
    after = BOX_3 + SMOOTH
    return [
        _alpha(
            "Repeat box 3 at stride 2 alone. It never becomes stable.",
            "the phases receive 2/3 and 1/3 in every layer, and $c(0)$ and $c(0) - c(1)$ shrink at "
            "the same pace.",
            [BOX_3],
        ),
        _alpha(
            "Put $[1, 1]$ at stride 1 before each box 3: stable.",
            "the filter of the block is $(1 + z)(1 + z + z^2)/6$, and its factor $1 + z$ gives "
            "both phases the same weight, the sum rule. What is left, box 3, limits the rest: "
            "$\\alpha$ is 1 plus the exponent of $c_k(0)$ of box 3 alone.",
            [PAIR + BOX_3],
        ),
        _alpha(
            "Put $[1, 2, 1]$ before each box 3: stable at the largest $\\alpha$ there is.",
            "the filter of the block is $(1 + z)^2 (1 + z + z^2)/12$. The factor $1 + z$ twice "
            "keeps ramps as well as constants; now the difference of neighbours falls as the "
            "inverse square of the width, and no filter does better, for the lowest Dirichlet "
            "eigenvalue of its support is of that order.",
            [SMOOTH + BOX_3],
        ),
        _alpha(
            "Put the same $[1, 2, 1]$ behind each box 3: nothing is gained.",
            "the filter of the block is $(1 + z + z^2)(1 + z^2)^2/12$, with weights 2/3 and 1/3 on "
            "the two phases. What the stride has aliased no later filter can tell apart.",
            [BOX_3 + SMOOTH],
        ),
        Step(
            "It stops where the first box 3 stops it.",
            sp.Eq(y.plateau, predict_exponents(_network(after * 2)).plateau),
            "behind the first box 3 follow $[1, 2, 1]$ and box 3 in turn, which by step 17 become "
            "stable: this is step 14 at $f = 3$.",
            Check("exact $D_k$ of 40 blocks", partial(limit, network=after * 40)),
        ),
    ]


def _alpha(statement: str, why: str, blocks: list[Layers]) -> Step:
    both = ", both orders" if len(blocks) > 1 else ""
    return Step(
        statement,
        sp.Eq(y.alpha, predict_exponents(_network(blocks[0] * 2)).alpha),
        why,
        Check(
            "growth rates of exact squares of composite filters, and local exponents in $A_k$ of "
            f"40 blocks by images, filters and walkers{both}",
            partial(exponent, blocks=blocks),
        ),
    )


def _network(given: Layers) -> Network:
    return Network([Layer(list(weights), stride) for weights, stride in given])
