r"""Derive the sensitivities of unequal layers, and the exponents of a block that repeats.

With :math:`h_k(z) = \prod_i a_i(z^{S_{i-1}})` and its autocorrelation c_k, one active pixel on the
infinite lattice has

.. math:: D_k = 1 - \frac{c_k(1)}{c_k(0)}, \qquad
          G_k = \frac{\pi - 1}{2\pi} + \frac{1}{2\pi\, c_k(0)^d}, \qquad
          A_k^2 = 1 + 12 \sum_i \mathrm{Var}(a_i)\, S_{i-1}^2 .

Source: Tomasini et al., arXiv:2210.01506 (the model); our derivation for unequal layers.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.network import Network
from scaledet.reference.exact import number
from scaledet.reference.layers import BEHIND, UnequalLayers, noise_sensitivity
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.prose import (
    Entrywise,
    abstract,
    assumptions,
    factor,
    printable,
    reading_order,
    shown_layers,
)
from scaledet.symbolic.steps.blocks import block_steps
from scaledet.theory.correlation.exact import correlation

__all__ = ["derive_network"]

DEEPEST = 1000
"""Layers of the deepest network whose exact numbers are written out."""
POLYNOMIAL = 30_000
"""Products spent on one generating function of pooled images."""
STEP = 300
"""Largest power of z in such a function that one site of a layer stands for."""


def derive_network(net: Network, rectify: str | None = "input") -> Derivation:
    r"""Derive D_k, G_k and A_k of any network, and alpha and beta if its layers repeat a block.

    Assumes an infinite lattice with the total noise power fixed, :math:`L \sigma^2 = 2`, and one
    active pixel; for the exponents, that the block is then repeated without end.

    Parameters
    ----------
    net : Network
        Non-negative kernels and biases, at most 1000 layers; dimension 1 to 3.
    rectify : {"input", "noise", None}, default "input"
        How the noise meets the ReLU; None is linear noise.

    Returns
    -------
    Derivation
        With K layers, `result` holds ``"D_K"``, ``"G_K"`` and ``"A_K"`` (K a number: ``"D_3"``),
        exact but for numbers of more than 60 digits, which are rounded to 30. If the layers repeat
        a block at least twice and anything pools, also ``"alpha"`` and ``"beta"``, per layer
        ``A_k``, and ``"plateau"``, the limit of D_k, where it is not 0.

    Raises
    ------
    ValueError, TypeError
        For signed kernels, negative biases, more than 1000 layers, and other bad arguments.

    Examples
    --------
    >>> from scaledet import Layer
    >>> block = [Layer(3), Layer(2, stride=2)]
    >>> found = derive_network(Network(block * 2))
    >>> found.result["D_4"], found.result["beta"]
    (2/41, 1)
    >>> len(found.check()) == len(found.steps)
    True
    """
    if not isinstance(net, Network):
        raise ArgumentTypeError(f"net must be a Network; got {net!r}")
    validate.choice("rectify", rectify, ("input", "noise", None))
    net.require_theory("derive")
    if net.depth > DEEPEST:
        raise ArgumentError(f"net must have at most {DEEPEST} layers in derive; got {net.depth}")
    layers = [(layer.kernel.weights, layer.stride) for layer in net]
    routes = UnequalLayers([*layers, BEHIND])
    steps = [_filter_step(net, routes)]
    first = _affordable(net, routes, squared=True)
    if sum(layer.kernel.support > 1 for layer in net.layers[:first]) > 1:
        steps.append(_order_step(net, routes))
    steps += [_geometry_step(net, routes), _correlation_step(net, routes)]
    last = [_field(net, routes), _displacement(net, routes), _noise(net, routes, rectify)]
    steps += last
    result = {
        f"{name}_{net.depth}": step.expression.rhs
        for name, step in zip("ADG", last, strict=True)
    }  # fmt: skip
    if net.period < net.depth:
        more, exponents = block_steps(net, rectify)
        steps += more
        result |= exponents
    return Derivation(
        title=f"Sensitivities of a network of {net.depth} layer{'s' * (net.depth > 1)}",
        abstract=abstract(net, result),
        assumptions=assumptions(net, rectify, any(s.expression.has(sp.Float) for s in steps)),
        steps=tuple(steps),
        result={name: result[name] for name in sorted(result, key=reading_order)},
    )


def _filter_step(net: Network, routes: UnequalLayers) -> Step:
    depth = _affordable(net, routes, squared=False)
    first = UnequalLayers(routes.layers[: depth + 1])
    product = sp.Mul(*(factor(net, i) for i in range(1, depth + 1)))
    more = "" if depth == net.depth else f", and so on to layer {net.depth}"
    values = {
        y.h: first.generating,
        y.layer_weight: lambda i, j: first.layers[i - 1][0][j],
    }
    return Step(
        "The composite filter, which tells how much of every pixel one output unit sees, is the "
        "product of the layers' filters. A layer reads its input in steps of all strides before "
        f"it{more}.",
        sp.Eq(y.h(depth, y.z), product),
        "pixel $j$ reaches the unit along every way of writing $j = \\sum_i S_{i-1} j_i$ with "
        "$j_i$ a position in the kernel of layer $i$, and each way carries the product of the "
        "weights: coefficients of $z^j$ in $\\prod_i a_i(z^{S_{i-1}})$.",
        Check(
            "the filter of one unit, read off pooled one-pixel images, summed at $z = 2$ and 3",
            lambda claim: agree(claim, [{y.z: at} for at in (2, 3)], values),
        ),
    )


def _affordable(net: Network, routes: UnequalLayers, *, squared: bool) -> int:
    """Depth to which generating functions are read off pooled images, at least 1."""
    units = len(net.layers[0].kernel)
    for k in range(2, min(net.depth, 6) + 1):
        units += (net.support[k - 1] // net.strides[k - 1] + 1) * len(net.layers[k - 1].kernel)
        images = 2 * net.support[k] + net.strides[k] if squared else net.support[k]
        if images * units > POLYNOMIAL or net.strides[k] > STEP or k > routes.image_depth:
            return k - 1
    return min(net.depth, 6)


def _order_step(net: Network, routes: UnequalLayers) -> Step:
    depth = _affordable(net, routes, squared=True)
    layers = routes.layers[:depth]
    tails = {i: UnequalLayers(layers[i - 1 :]) for i in range(1, depth + 2)}
    alone = {i: UnequalLayers([layer]) for i, layer in enumerate(layers, start=1)}
    values = {
        y.tail: lru_cache(lambda i, z: tails[i].correlated(tails[i].depth, z)),
        y.layer_correlation: lru_cache(lambda i, z: alone[i].correlated(1, z)),
        y.layer_stride: lambda i: alone[i].layers[0][1],
    }
    cases = [{y.i: at, y.z: 2} for at in range(1, depth + 1)]
    return Step(
        "Let $v_i$ be the autocorrelation of layers $i, \\ldots, k$ taken by themselves, so that "
        "$v_1 = c_k$ and $v_{k+1} = 1$. One more layer in front is one transition operator: the "
        "last layer acts first.",
        sp.Eq(y.tail(y.i, y.z),
              y.layer_correlation(y.i, y.z) * y.tail(y.i + 1, y.z ** y.layer_stride(y.i))),
        "the layers behind layer $i$ see its output, one site of which is $s_i$ of its input; the "
        "autocorrelation of a product of polynomials is the product of the autocorrelations, "
        "$\\mathcal{A}_i(z) = a_i(z)\\, a_i(1/z)$. Coefficient by coefficient this is "
        "$v_i = T_i v_{i+1}$ with $(T_i v)(m) = \\sum_n \\mathcal{A}_i(m - s_i n)\\, v(n)$, hence "
        "$c_k = T_1 T_2 \\cdots T_k\\, \\delta_0$.",
        Check(
            f"overlaps of pooled one-pixel images of layers $i$ to {depth} alone, at all lags, "
            "summed at $z = 2$",
            lambda claim: agree(claim, cases, values),
        ),
    )  # fmt: skip


def _table(left: list[list[Any]], right: list[list[Any]]) -> Entrywise:
    return Entrywise(sp.ImmutableMatrix(left), sp.ImmutableMatrix(right))


def _geometry_step(net: Network, routes: UnequalLayers) -> Step:
    shown = shown_layers(net)
    squares = [1 + 12 * net.variance[k] for k in shown]
    right = [
        [net.strides[k], net.support[k], printable(square)]
        for k, square in zip(shown, squares, strict=True)
    ]
    values = {
        y.S: routes.stride,
        y.W: routes.support,
        y.A: lambda k: sp.sqrt(1 + 12 * number(routes.variance(routes.require(k)))),
    }
    return Step(
        "Cumulative stride, support and effective receptive field"
        + _which(net, shown, "of every layer."),
        _table([[y.S(k), y.W(k), y.A(k) ** 2] for k in shown], right),
        "strides multiply and supports add, $W_k = 1 + \\sum_i (f_i - 1) S_{i-1}$. Read as a law, "
        "$h_k$ is that of a sum of independent steps $S_{i-1} X_i$, whose variances add: "
        "$\\mathrm{Var}\\, h_k = \\sum_i \\mathrm{Var}(a_i)\\, S_{i-1}^2$. The receptive field is "
        "the width of the box of equal variance, $A_k^2 = 1 + 12\\, \\mathrm{Var}\\, h_k$.",
        Check("the filter on the fine grid, site by site, where it is short enough, and raw "
              "moments beyond", lambda claim: agree(claim, [{}], values)),
    )  # fmt: skip


def _which(net: Network, shown: list[int], every: str) -> str:
    return f" {every}" if len(shown) == net.depth else " of the layers written out."


def _correlation_step(net: Network, routes: UnequalLayers) -> Step:
    shown = shown_layers(net)
    found = [(exact.values, exact.scale) for exact in (correlation(net, k) for k in shown)]
    right = [[printable(Fraction(v, scale)) for v in values] for values, scale in found]
    return Step(
        "The autocorrelation at the two lags that matter"
        + ("." if len(shown) == net.depth else ", for the layers written out."),
        _table([[y.c(k, 0), y.c(k, 1)] for k in shown], right),
        "$c_k = T_1 \\cdots T_k\\, \\delta_0$, where $(T_i v)(m) = \\sum_n "
        "\\mathcal{A}_i(m - s_i n)\\, v(n)$, worked outwards from $\\delta_0$. For the lags "
        "$|m| \\le r$ an operator needs those $|n| \\le (r + f_i - 1)/s_i$ of what stands behind "
        "it: finitely many at every layer.",
        Check(
            f"{routes.reached(net.depth)}, which must agree",
            lambda claim: agree(claim, [{}], {y.c: routes.correlation}),
        ),
    )


def _field(net: Network, routes: UnequalLayers) -> Step:
    last = net.depth
    square = printable(1 + 12 * net.variance[last])
    return Step(
        "So the network sees pixels through a window as wide as this box (pixels per axis).",
        sp.Eq(y.A(last), sp.sqrt(square)),
        "this is the last row of the table of strides.",
        Check("the filter on the fine grid, or raw moments", lambda claim: agree(claim, [{}], {
            y.A: lambda k: sp.sqrt(1 + 12 * number(routes.variance(routes.require(k))))})),
    )  # fmt: skip


def _displacement(net: Network, routes: UnequalLayers) -> Step:
    exact = correlation(net, net.depth)
    value = 1 - Fraction(exact.values[1], exact.values[0])
    axes = "" if net.dim == 1 else (
        " In $d$ dimensions $c_k(0)^{d-1}$ stands in both and cancels, whichever axis the pixel "
        "moves along.")  # fmt: skip
    return Step(
        "A move by one site changes the representation by what neighbouring pixels do not share.",
        sp.Eq(y.D(net.depth), printable(value)),
        "averaged over the grid phase $|P(e_{p+1} - e_p)|^2$ is $2 (c_k(0) - c_k(1))/S_k$, and two "
        "independent pixels, far apart, differ by $Q_k = 2 c_k(0)/S_k$: the ratio is "
        f"$D_k = 1 - c_k(1)/c_k(0)$.{axes}",
        Check(
            f"differences of pooled images up to layer {min(net.depth, routes.image_depth)}"
            + ("" if routes.image_depth >= net.depth else "; beyond, filters and walkers"),
            lambda claim: agree(claim, [{}], {y.D: routes.sensitivity}),
        ),
    )


def _noise(net: Network, routes: UnequalLayers, rectify: str | None) -> Step:
    exact = correlation(net, net.depth)
    peak = printable(Fraction(exact.values[0], exact.scale) ** net.dim)
    if rectify is None:
        value: Any = sp.Integer(1)
        why = ("linear noise of variance $\\sigma^2$ costs $\\sigma^2 \\sum h_k^2$ in each of the "
               "$L/S_k^d$ units, in all $2 c_k(0)^d / S_k^d$, and $Q_k$ is the same.")  # fmt: skip
    else:
        value = (sp.pi - 1) / (2 * sp.pi) + 1 / (2 * sp.pi * peak)
        why = (
            "rectified noise has mean $\\sigma/\\sqrt{2\\pi}$ and variance "
            "$\\sigma^2 (\\pi - 1)/(2\\pi)$. Each of the $L/S_k^d$ units keeps the mean, "
            "for weights sum to 1, and takes $c_k(0)^d$ of the variance; with $L \\sigma^2 = 2$ "
            "and $Q_k = 2 c_k(0)^d/S_k^d$ the ratio is "
            "$G_k = \\frac{\\pi-1}{2\\pi} + \\frac{1}{2\\pi\\, c_k(0)^d}$; what happens on the "
            "active pixel itself vanishes with $\\sigma$.")  # fmt: skip
    noise = partial(noise_sensitivity, routes, net.dim, rectify)
    digits = 25 if peak.is_Float else 65
    return Step(
        "Noise: pooling averages the fluctuations away but not the mean of what the ReLU lets "
        "through." if rectify else "Noise that is not rectified keeps its share of the signal.",
        sp.Eq(y.G(net.depth), value),
        why,
        Check("moments of the noise by quadrature, spread over the weights of one unit",
              lambda claim: agree(claim, [{}], {y.G: noise}, digits=digits)),
    )  # fmt: skip
