r"""Derive the sensitivity to noise of networks in which every layer rectifies, biases zero.

The law is cited; a page adds what is special to its filter or network: amplitude, exponent,
numbers. D_k and alpha are those of noise rectified anywhere else: clean images meet no kink.
Source: our derivation.
"""

from __future__ import annotations

import itertools
from collections import Counter
from math import prod
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.network.kernel import Kernel
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.symbolic.derivation import Derivation, Step
from scaledet.symbolic.prose import layers_in_words
from scaledet.symbolic.routes.rectified_units import beta_check, network_check
from scaledet.symbolic.steps.rectified_units import (
    boxes_law,
    flat_law,
    growth_step,
    layer_noise_law,
    unit_covariance,
)
from scaledet.symbols import correlation as rho
from scaledet.theory.correlation.exact import correlation
from scaledet.theory.growth.exponents import Exponents, predict_exponents

_DEEPEST = 12
"""Layers whose weights are all summed over."""
_WIDEST = 256
"""Sites that such a network sees at most."""


def derive_layers(
    dim: Any, *, kernel: Kernel | str | None = None, stride: Any = 1, net: Network | None = None
) -> Derivation:
    """Derive G_k of one filter, of a family of filters, or of a network.

    Parameters
    ----------
    dim : 1, 2, 3 or the symbol d
        Dimension (with `net`: its own).
    kernel : Kernel, "box" or "any"
        "any" and, at stride 1, "box" stand for every filter of span 1.
    stride : int or the symbol s
        With "box" the symbol: boxes whose length is their stride.
    net : Network
        Biases 0. Equal layers have the page of their filter, and numbers.

    Examples
    --------
    >>> derive_layers(1, kernel=Kernel([1, 1, 1]), stride=2).result["beta"]
    -log(sqrt(17)/18 + 5/18)/log(2)
    >>> net = Network([Layer(2), Layer(2, 2)])
    >>> derive_layers(1, net=net).result["G_2"]
    sqrt(3)/(6*pi) + 4/9
    """
    if net is not None:
        subject = layers_in_words(net)
        steps: list[Step] = []
        if net.period < net.depth and net.support[net.period] > 1:
            subject, steps = _repeated(net, dim)
        steps += _numbers(net)
    elif isinstance(kernel, Kernel):
        subject, steps = _repeated(Network([Layer(kernel, stride)] * 2), dim)
    elif stride == y.s:
        subject, steps = "Boxes whose length is the stride", [boxes_law(dim), growth_step(dim)]
    else:
        subject, steps = "Any filter", [flat_law(dim), growth_step(dim)]
    steps.insert(0, layer_noise_law(dim))
    return Derivation(
        title="Noise and a ReLU in every layer",
        abstract=f"{subject.rstrip('.')}: the first ReLU gives the noise a mean, which later "
        "layers keep while they dilute the signal. The noise piles up with the exponent of noise "
        "rectified at the input, less by the factor $c_1(0)^d$ that the first pooling wins.",
        assumptions=(
            "filters $a \\ge 0$ of sum 1, biases 0; $x + \\eta$ enters and every layer rectifies",
            "infinite lattice first, at $L \\sigma^2 = 2$; one active pixel, every grid phase "
            "equally likely; $k \\ge 1$",
            "idealised: one channel, no padding, no learned filters",
        ),
        steps=tuple(steps),
        result={_name(step.expression.lhs): step.expression.rhs for step in steps},
    )


def _name(quantity: Any) -> str:
    named = {y.beta: "beta", y.prefactor: "G_prefactor"}
    return named.get(quantity) or f"G_{quantity.args[0]}"


def _repeated(net: Network, dim: Any) -> tuple[str, list[Step]]:
    """Name the block that `net` repeats, and derive its amplitude and its exponent."""
    block = net[: net.period]
    exponents: Exponents = predict_exponents(Network(block.layers * 2), rectify="layers")
    exponent = Step(
        "The exponent of noise, $G_k \\sim A_k^{\\beta}$.",
        sp.Eq(y.beta, dim * exponents.beta),
        "the fluctuations are bounded, and the part that piles up is a constant over $c_k(0)^d$: "
        "its growth is that of $1/c_k(0)^d$, whatever $c_1(0)$.",
        beta_check(block, dim),
    )
    if net.period > 1:
        return layers_in_words(net), [exponent]
    kernel, stride = net.layers[0].kernel, net.layers[0].stride
    amplitude = [flat_law(dim)] if stride == 1 and kernel.span == 1 else []
    name = f"The filter ({', '.join(kernel.shown())}) at stride {stride}"
    return name, [*amplitude, exponent]


def _numbers(net: Network) -> list[Step]:
    """Return the step on G at the last layer in numbers, if the network is small."""
    if net.depth > _DEEPEST or net.support[-1] ** net.dim > _WIDEST:
        return []
    first, last = _autocorrelation(net[:1]), _autocorrelation(net)
    later = _autocorrelation(Network(net.layers[1:])) if net.depth > 1 else [sp.Integer(1)]
    shared = first[:: net.layers[0].stride]
    half = list(zip([overlap / shared[0] for overlap in shared], later, strict=False))
    line = [*reversed(half[1:]), *half]
    weights: Counter[Any] = Counter()
    for place in itertools.product(line, repeat=net.dim):
        ratios, shares = zip(*place, strict=True)
        weights[prod(ratios)] += prod(shares)
    spread = sum(weight * unit_covariance().subs(rho, at) for at, weight in weights.items())
    scale = (first[0] / last[0]) ** net.dim
    step = Step(
        f"The sensitivity to noise at layer {net.depth}, in numbers.",
        sp.Eq(y.G(net.depth), sp.expand(scale / (2 * sp.pi) + scale * spread)),
        "insert $c_1$, $c_k(0)$ and $\\bar c_k$ of these layers into the law.",
        network_check(net),
    )
    return [step]


def _autocorrelation(net: Network) -> list[Any]:
    exact = correlation(net, net.depth, lags=max(net.support[-1] - 1, 1))
    return [sp.Rational(value, exact.scale) for value in exact.values]
