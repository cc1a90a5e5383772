"""Whole architectures: unequal layers, blocks, and where an anti-aliasing filter must stand."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp
from publish import main

import scaledet as sd
from scaledet import symbols as y
from scaledet.reference.exact import number
from scaledet.reference.layers import UnequalLayers
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.prose import Entrywise
from scaledet.symbolic.routes.long_networks import Layers, brute, exponent, layers
from scaledet.symbolic.steps.aliasing import cap_steps, filter_steps
from scaledet.symbolic.steps.network import derive_network
from scaledet.symbols import i, k, m, n, rho, rho_drop, s, z

SKEW = layers(([1, 2, 4], 2), ([3, 1, 0, 2], 3), ([1, 3], 2))


def derived(given: Layers) -> Any:
    """Results of the package's derivation of a network."""
    net = sd.Network([sd.Layer(list(weights), stride) for weights, stride in given])
    return derive_network(net).result


@cache
def skew() -> UnequalLayers:
    return brute(SKEW)


@cache
def tail(first: int) -> UnequalLayers:
    """Layers first, first + 1, ... of the skew network by themselves."""
    return skew().after(first)


def kernel_variance(layer: int) -> Fraction:
    weights, _ = SKEW[layer - 1]
    moments = [Fraction(sum(j**e * w for j, w in enumerate(weights)), sum(weights)) for e in (1, 2)]
    return moments[1] - moments[0] ** 2


def on_images(claim: Any, cases: list[dict[Any, int]]) -> str:
    """Confront a claim with the pooled images of three skew layers at strides 2, 3 and 2."""

    def weight(layer: int, at: int) -> Fraction:
        weights, _ = skew().layers[layer - 1]
        return weights[at] if 0 <= at < len(weights) else Fraction(0)

    def layer(at: int) -> int:
        if not 1 <= at <= len(SKEW):
            raise IndexError(f"there is no layer {at}")
        return at

    pooled = skew().pooled
    values = {
        y.S: skew().stride,
        y.h: lambda at, j: pooled.filter(skew().require(at), j),
        y.c: skew().correlation,
        y.D: skew().sensitivity,
        y.A: lambda at: sp.sqrt(1 + 12 * number(pooled.variance(skew().require(at)))),
        y.W: lambda at: pooled.support(skew().require(at)),
        y.layer_weight: lambda at, j: weight(layer(at), j),
        y.layer_variance: lambda at: kernel_variance(layer(at)),
        y.layer_length: lambda at: len(SKEW[layer(at) - 1][0]),
        y.layer_stride: lambda at: SKEW[layer(at) - 1][1],
        y.layer_correlation: lambda at, x: generating((SKEW[layer(at) - 1],), x),
        y.tail: lambda at, x: tail(at).correlated(tail(at).depth, x),
    }
    return agree(claim, cases, values)


def generating(layers: Layers, x: int) -> Fraction:
    """Sum of the autocorrelation times x^m over all lags m."""
    own = brute(layers)
    return own.correlated(own.depth, x)


def structure_steps() -> list[Step]:
    """Return h_k, c_k, D_k, A_k and W_k of layers that may all differ."""
    route = "pooled one-pixel images, three skew filters at strides 2, 3 and 2"
    fields = sp.Sum(y.layer_variance(i) * y.S(i - 1) ** 2, (i, 1, k))
    behind = Step(
        "A layer behind the others adds a factor to the composite filter, read in steps of all "
        "strides before it.",
        sp.Eq(y.h(k, m), sp.Sum(y.h(k - 1, m - y.S(k - 1) * n) * y.layer_weight(k, n),
                                (n, -sp.oo, sp.oo))),
        "a unit of layer $k$ adds up units of layer $k - 1$ with weights $a_k(n)$, and these see "
        "the image through $h_{k-1}$, shifted by $S_{k-1}$ from one to the next. Hence "
        "$h_k(z) = \\prod_i a_i(z^{S_{i-1}})$.",
        Check(route, lambda claim: on_images(
            claim, [{k: at, m: j} for at in (1, 2, 3) for j in range(-1, 20)])),
    )  # fmt: skip
    front = Step(
        "A layer in front of the others acts on their autocorrelation as its transition operator: "
        "with $v_i$ that of layers $i, \\ldots, k$ taken by themselves,",
        sp.Eq(y.tail(i, z),
              y.layer_correlation(i, z) * y.tail(i + 1, z ** y.layer_stride(i))),
        "the same product, begun at its first factor. By coefficients $v_i = T_i v_{i+1}$, "
        "$(T_i v)(m) = \\sum_n \\mathcal{A}_i(m - s_i n)\\, v(n)$, so that $c_k = T_1 \\cdots "
        "T_k\\, \\delta_0$: the last layer acts first. The operators do not commute.",
        Check(f"{route}: overlaps at all lags, summed at $z = 2$",
              lambda claim: on_images(claim, [{i: at, z: 2} for at in (1, 2, 3)])),
    )  # fmt: skip
    stable = Step(
        "The sensitivity to displacements needs two numbers of the product.",
        sp.Eq(y.D(k), 1 - y.c(k, 1) / y.c(k, 0)),
        "nothing in the argument for equal layers used that they are equal: averaged over the "
        "$S_k$ phases a move costs $2 (c_k(0) - c_k(1))/S_k$, and $Q_k = 2 c_k(0)/S_k$.",
        Check(f"differences of images; {route}",
              lambda claim: on_images(claim, [{k: at} for at in (1, 2, 3)])),
    )  # fmt: skip
    field = Step(
        "Variances add, each in units of the pixels that a step of its layer spans: the receptive "
        "field.",
        sp.Eq(y.A(k), sp.sqrt(1 + 12 * fields)),
        "read as a law, $h_k$ is that of a sum of independent $S_{i-1} X_i$ with $X_i$ drawn from "
        "$a_i$, and $A_k^2 = 1 + 12\\, \\mathrm{Var}\\, h_k$ by definition. A late filter counts "
        "with the square of all strides before it.",
        Check(f"the filter read off {route}",
              lambda claim: on_images(claim, [{k: at} for at in (1, 2, 3)])),
    )  # fmt: skip
    support = Step(
        "Supports add likewise.",
        sp.Eq(y.W(k), 1 + sp.Sum((y.layer_length(i) - 1) * y.S(i - 1), (i, 1, k))),
        "the degree of a product is the sum of the degrees, $(f_i - 1) S_{i-1}$ for layer $i$.",
        Check(f"the filter read off {route}",
              lambda claim: on_images(claim, [{k: at} for at in (1, 2, 3)])),
    )  # fmt: skip
    return [behind, front, stable, field, support]


def order_steps() -> list[Step]:
    """Return two pairs of layers in both orders."""
    strides = layers(([1, 1, 1], 2), ([1, 1, 1], 3))
    places = layers(([1, 1, 1], 1), ([1, 1], 2))
    return [
        _order(strides, "Order matters, even of strides alone. Box 3 at stride 2, then box 3 at "
               "stride 3, against the same layers exchanged (primed):",
               "the products are $(1 + z + z^2)(1 + z^2 + z^4)/9$ and "
               "$(1 + z + z^2)(1 + z^3 + z^6)/9$. The second is box 9, as wide as it can be; the "
               "first is wide only to its own stride, and has $A_2^2 = 41$ against 81."),
        _order(places, "Pooling before or after: box 3 at stride 1 before box 2 at stride 2, "
               "against behind it (primed):",
               "behind a stride of 2 every weight of box 3 stands for two pixels: the product is "
               "box 6, $A_2^2 = 36$ against 12. A filter is worth more on a coarse grid, as long "
               "as the stride has not done harm before (steps 10 to 16)."),
    ]  # fmt: skip


def _order(given: Layers, statement: str, why: str) -> Step:
    own, other = brute(given), brute(given[::-1])
    found = [derived(each)["D_2"] for each in (given, given[::-1])]
    return Step(
        statement,
        Entrywise(sp.ImmutableMatrix([[y.D(2), y.reordered(2)]]), sp.ImmutableMatrix([found])),
        why,
        Check("differences of pooled one-pixel images at all phases, both orders",
              lambda claim: agree(claim, [{}], {
                  y.D: lambda at: own.pooled.sensitivity(own.require(at)),
                  y.reordered: lambda at: other.pooled.sensitivity(other.require(at))})),
    )  # fmt: skip


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
        Check("blocks of boxes no longer than their strides, for which $c_k(0)$ and $D_k$ are "
              "pure powers: images of one and of two blocks, total strides 6, 6 and 4", by_powers),
    )  # fmt: skip
    both = Step(
        "Box 3 at stride 1 and box 2 at stride 2, repeated in either order, have the same",
        sp.Eq(y.alpha, derived(block * 2)["alpha"]),
        "$T_1 T_2$ and $T_2 T_1$ share their eigenvalues other than 0, and box 2 at stride 2 does "
        "no harm when it comes first: it treats both phases alike. Only the prefactor "
        "differs (step 7).",
        Check("exact $c_k$ of 40 blocks by images, filters and walkers, both orders",
              lambda claim: exponent(claim, y.alpha, [block, block[::-1]])),
    )  # fmt: skip
    return [base, both]


@cache
def powers() -> list[dict[Any, Any]]:
    """Measured exponents of blocks whose c_k(0) and D_k are pure powers."""
    cases = []
    for block in (layers(([1, 1], 2), ([1, 1, 1], 3)), layers(([1, 1], 3), ([1, 1], 2)),
                  layers(([1, 1], 2), ([1, 1], 2))):  # fmt: skip
        own = brute(block * 2)
        total, ends = own.stride(2), (2, 4)
        peak = [own.pooled.correlation(at, 0) for at in ends]
        drop = [c - own.pooled.correlation(at, 1) for c, at in zip(peak, ends, strict=True)]
        stable = [own.pooled.sensitivity(at) for at in ends]
        measured = sp.log(number(stable[0] / stable[1])) / sp.log(total)
        cases.append({rho: peak[1] / peak[0], rho_drop: drop[1] / drop[0], s: total,
                      y.alpha: measured})  # fmt: skip
    return cases


def by_powers(claim: Any) -> str:
    return agree(claim, powers())


def derivation() -> Derivation:
    """Derive what holds for layers that differ."""
    structure, blocks, cap = structure_steps(), block_steps(), cap_steps()
    return Derivation(
        title="Whole architectures",
        abstract="Layers may differ: their operators act in order, variances add, and a block that "
        "repeats has exponents. Where an anti-aliasing filter stands decides between the best "
        "stability there is and none: before a stride it helps, behind it is too late.",
        assumptions=(
            "filters $a_i \\ge 0$ of sum 1, strides $s_i$, biases $\\ge 0$, one channel, no "
            "branches; in $d$ dimensions tensor products, of which one axis is shown",
            "infinite lattice, one active pixel at a uniform grid phase; for exponents and limits "
            "the depth goes to infinity last",
            "idealised, and real networks are not like this: they pad with zeros, so that pixels "
            "near the border count less; they take maxima, which do not average and are not "
            "linear; they add branches and learn filters of both signs, between which a ReLU does "
            "act. Their first layers have larger kernels (step 11). What is derived here ranks "
            "designs of pooling; it predicts no accuracy",
        ),
        steps=(*structure, *order_steps(), *blocks, *cap, *filter_steps()),
        result={
            "D_k": structure[2].expression.rhs,
            "A_k": structure[3].expression.rhs,
            "W_k": structure[4].expression.rhs,
            "alpha": blocks[0].expression.rhs,
            "plateau": cap[0].expression.rhs,
        },
    )


if __name__ == "__main__":
    main(derivation(), __file__)
