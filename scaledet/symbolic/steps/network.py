"""Derive the sensitivities of a network, and the exponents of a block that repeats.

A block that repeats is one layer: its composite filter at its total stride. Source: Tomasini et
al., arXiv:2210.01506 (the model); our derivation for unequal layers.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.kernel import Kernel
from scaledet.network.network import Network
from scaledet.reference.layers import BEHIND, UnequalLayers, noise_sensitivity
from scaledet.symbolic.derivation import Derivation, Step
from scaledet.symbolic.prose import (
    Entrywise,
    abstract,
    assumptions,
    factor,
    printable,
    shown_layers,
)
from scaledet.symbolic.routes.checks import against
from scaledet.symbolic.routes.layers import layer_values
from scaledet.symbolic.steps.architectures import PAGE, front_law
from scaledet.symbolic.steps.no_stride import derive_flat
from scaledet.symbolic.steps.noise import PAGE as NOISE
from scaledet.symbolic.steps.noise import noise_law
from scaledet.symbolic.steps.strided import derive_strided
from scaledet.theory.correlation.exact import composite_filter, correlation
from scaledet.theory.coverage import require_theory

__all__ = ["derive_network"]

AT = [{y.z: 2}, {y.z: 3}]
"""Arguments of generating functions."""
DEEPEST = 1000
"""Layers of the deepest network whose exact numbers are written out."""
POLYNOMIAL = 30_000
"""Products that one generating function of pooled images may cost."""
STEP = 300
"""Largest power of z in such a function that one site of a layer stands for."""
MULTIPLIED = 16
"""Sites of the longest filter of a block that is multiplied out."""
ORDER = 4
"""Corrections in 1/k of a block without stride."""
RECURRENT = 5
"""Weights of the longest filter whose recurrence in k is derived: longer ones take minutes."""


def derive_network(net: Network, rectify: str | None = "input") -> Derivation:
    r"""Derive D_k, G_k and A_k of any network, and the laws of its block if its layers repeat one.

    Assumes an infinite lattice with the total noise power fixed, :math:`L \sigma^2 = 2`, and one
    active pixel; for the laws of a block, that it is then repeated without end.

    With K layers, `result` holds ``"D_K"``, ``"G_K"`` and ``"A_K"`` (K a number: ``"D_3"``), exact
    but for numbers of more than 60 digits, which are rounded to 30. If the layers repeat a block at
    least twice and anything pools, it also holds what is derived of the filter of the block at its
    total stride, with k the number of blocks: ``"alpha"``, ``"beta"``, ``"D_k"``, ``"plateau"``.

    >>> from scaledet import Layer
    >>> block = [Layer(3), Layer(2, stride=2)]
    >>> page = derive_network(Network(block * 2))
    >>> page.result["D_4"], page.result["beta"]
    (2/41, 1)
    """
    if not isinstance(net, Network):
        raise ArgumentTypeError(f"net must be a Network; got {net!r}")
    validate.choice("rectify", rectify, ("input", "noise", None))
    require_theory(net, "derive")
    if net.depth > DEEPEST:
        raise ArgumentError(f"net must have at most {DEEPEST} layers in derive; got {net.depth}")
    routes = _routes(net)
    last = _last_layer(net, routes, rectify)
    result = {f"{name}_{net.depth}": step.expression.rhs for name, step in last.items()}
    assumed: tuple[str, ...] = ()
    if net.period < net.depth and net.support[-1] > 1:
        steps, laws, assumed = _repeated(net[: net.period], rectify)
        result |= laws
    else:
        steps = _layer_by_layer(net, routes)
    steps += last.values()
    return Derivation(
        title=f"Sensitivities of a network of {net.depth} layer{'s' * (net.depth > 1)}",
        abstract=abstract(net, result),
        assumptions=(
            *assumptions(net, rectify, any(step.expression.has(sp.Float) for step in steps)),
            *assumed,
        ),
        steps=tuple(steps),
        result=result,
    )


def _routes(net: Network) -> UnequalLayers:
    return UnequalLayers([*((layer.kernel.weights, layer.stride) for layer in net), BEHIND])


def _repeated(
    block: Network, rectify: str | None
) -> tuple[list[Step], dict[str, Any], tuple[str, ...]]:
    """Return the page of the filter of a block at its total stride, and what it assumes."""
    kernel, steps = block.layers[0].kernel, []
    assumed: tuple[str, ...] = ()
    if block.depth > 1:
        kernel, steps = Kernel(composite_filter(block, block.depth)), [_block_step(block)]
        assumed = ("in the laws of the block $k$ counts blocks, in its numbers it counts layers",)
    stride = block.strides[-1]
    if stride > 1:
        page = derive_strided(kernel, stride, block.dim, rectify)
    else:
        recurrent = len(kernel.trimmed) <= RECURRENT
        page = derive_flat(kernel, ORDER, block.dim, rectify, recurrent=recurrent)
    return [*steps, *page.steps], dict(page.result), assumed


def _block_step(block: Network) -> Step:
    product = _product(block, block.depth)
    if block.support[-1] <= MULTIPLIED:
        product = sp.factor_terms(sp.expand(product))
    images = _routes(block)
    values = layer_values(images) | {y.h: images.convolved}
    return Step(
        f"A block of {block.depth} layers repeats without end. Multiplied out, its filter is that "
        f"of one layer with stride {block.strides[-1]}.",
        sp.Eq(y.h(block.depth, y.z), product),
        "the composite filter is the product of the layers' filters, each in steps of all strides "
        "before it, and the transition operator of the block is that of this filter.",
        against("the filter convolved on the fine grid, summed at $z = 2$ and 3", AT, values),
    )


def _product(net: Network, depth: int) -> Any:
    return sp.Mul(*(factor(net, i) for i in range(1, depth + 1)))


def _layer_by_layer(net: Network, routes: UnequalLayers) -> list[Step]:
    shown = _affordable(net, routes, squared=False)
    images = UnequalLayers(routes.layers[: shown + 1])
    values = layer_values(images) | {y.h: images.generating}
    more = "" if shown == net.depth else f", and so on to layer {net.depth}"
    steps = [
        Step(
            "The composite filter, which tells how much of every pixel one output unit sees, is "
            "the product of the layers' filters. A layer reads its input in steps of all strides "
            f"before it{more}.",
            sp.Eq(y.h(shown, y.z), _product(net, shown)),
            "coefficients of $z^j$ in $\\prod_i a_i(z^{S_{i-1}})$ add up the weights of all ways "
            f"from pixel $j$ to the unit: see the page “{PAGE}”.",
            against(
                "the filter of one unit, read off pooled one-pixel images, summed at $z = 2$ and 3",
                AT,
                values,
            ),
        )
    ]
    depth = _affordable(net, routes, squared=True)
    if sum(layer.kernel.support > 1 for layer in net.layers[:depth]) > 1:
        steps.append(front_law(UnequalLayers(routes.layers[:depth])).cited(PAGE))
    return [*steps, *_tables(net, routes)]


def _affordable(net: Network, routes: UnequalLayers, *, squared: bool) -> int:
    """Depth to which generating functions are read off pooled images, at least 1."""
    units = len(net.layers[0].kernel)
    for k in range(2, min(net.depth, 6) + 1):
        units += (net.support[k - 1] // net.strides[k - 1] + 1) * len(net.layers[k - 1].kernel)
        images = 2 * net.support[k] + net.strides[k] if squared else net.support[k]
        if images * units > POLYNOMIAL or net.strides[k] > STEP or k > routes.image_depth:
            return k - 1
    return min(net.depth, 6)


def _table(left: list[list[Any]], right: list[list[Any]]) -> Entrywise:
    return Entrywise(sp.ImmutableMatrix(left), sp.ImmutableMatrix(right))


def _tables(net: Network, routes: UnequalLayers) -> list[Step]:
    """Return stride, support, receptive field and autocorrelation of the layers shown."""
    shown, values = shown_layers(net), layer_values(routes)
    every = "of every layer" if len(shown) == net.depth else "of the layers written out"
    written = "" if len(shown) == net.depth else ", for the layers written out"
    sizes = [[net.strides[k], net.support[k], printable(1 + 12 * net.variance[k])] for k in shown]
    exact = [correlation(net, k) for k in shown]
    lags = [[printable(Fraction(v, row.scale)) for v in row.values] for row in exact]
    geometry = Step(
        f"Cumulative stride, support and effective receptive field {every}.",
        _table([[y.S(k), y.W(k), y.A(k) ** 2] for k in shown], sizes),
        "strides multiply, supports and variances add, and the receptive field is the width of the "
        f"box of equal variance: see the page “{PAGE}”.",
        against(
            "the filter on the fine grid, site by site, where it is short enough, and raw "
            "moments beyond",
            [{}],
            values,
        ),
    )
    overlap = Step(
        f"The autocorrelation at the two lags that matter{written}.",
        _table([[y.c(k, 0), y.c(k, 1)] for k in shown], lags),
        "$c_k = T_1 \\cdots T_k\\, \\delta_0$, where $(T_i v)(m) = \\sum_n "
        "\\mathcal{A}_i(m - s_i n)\\, v(n)$, worked outwards from $\\delta_0$. For the lags "
        "$|m| \\le r$ an operator needs those $|n| \\le (r + f_i - 1)/s_i$ of what stands behind "
        "it: finitely many at every layer.",
        against(f"{routes.reached(net.depth)}, which must agree", [{}], values),
    )
    return [geometry, overlap]


def _last_layer(net: Network, routes: UnequalLayers, rectify: str | None) -> dict[str, Step]:
    """Return D, G and A at the last layer."""
    last, exact = net.depth, correlation(net, net.depth)
    value = 1 - Fraction(exact.values[1], exact.values[0])
    peak = printable(Fraction(exact.values[0], exact.scale) ** net.dim)
    piled = (sp.pi - 1) / (2 * sp.pi) + 1 / (2 * sp.pi * peak)
    axes = " In $d$ dimensions $c_k(0)^{d-1}$ cancels." if net.dim > 1 else ""
    beyond = "" if routes.image_depth >= last else "; beyond, filters and walkers"
    law = noise_law(rectify, net.dim)
    return {
        "D": Step(
            "A move by one site changes the part that neighbouring pixels do not share.",
            sp.Eq(y.D(last), printable(value)),
            f"$D_k = 1 - c_k(1)/c_k(0)$ for any layers: see the page “{PAGE}”.{axes}",
            against(
                f"differences of pooled images up to layer {min(last, routes.image_depth)}{beyond}",
                [{}],
                layer_values(routes),
            ),
        ),
        "G": Step(
            law.statement,
            sp.Eq(y.G(last), sp.Integer(1) if rectify is None else piled),
            f"the law of noise, from the page “{NOISE}”, at the peak of these layers.",
            against(
                "moments of the noise by quadrature, spread over the weights of one unit",
                [{}],
                {y.G: partial(noise_sensitivity, routes, net.dim, rectify)},
                digits=25 if peak.is_Float else 65,
            ),
        ),
        "A": Step(
            "So the network sees pixels through a window as wide as this box (pixels per axis).",
            sp.Eq(y.A(last), sp.sqrt(printable(1 + 12 * net.variance[last]))),
            "variances add, each in units of the pixels that a step of its layer spans.",
            against("the filter on the fine grid, or raw moments", [{}], layer_values(routes)),
        ),
    }
