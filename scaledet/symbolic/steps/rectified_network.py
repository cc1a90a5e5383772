r"""Derive the sensitivity to noise of networks in which every layer rectifies, biases zero.

The law of `derive_layer_noise`, then what a network adds: its own numbers, its amplitude, its
exponent. D_k and alpha are those of noise rectified anywhere else: clean images meet no kink.
Source: our derivation.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import sympy as sp

from scaledet import symbols as y
from scaledet.network.kernel import Kernel
from scaledet.network.network import Layer, Network
from scaledet.reference.exact import number
from scaledet.symbolic.claims import evaluate
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.prose import layers_in_words
from scaledet.symbolic.routes.rectified_units import network_check
from scaledet.symbolic.routes.repeated_block import DIGITS, close, log, repeated_block
from scaledet.symbolic.steps.rectified_units import (
    boxes_law,
    flat_law,
    growth_step,
    layer_noise_steps,
)
from scaledet.theory.correlation.exact import correlation
from scaledet.theory.growth.exponents import Exponents, predict_exponents

__all__ = ["derive_layers"]

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
        Biases 0.

    Examples
    --------
    >>> derive_layers(1, kernel=Kernel([1, 1, 1]), stride=2).result["beta"]
    -log(sqrt(17)/18 + 5/18)/log(2)
    >>> net = Network([Layer(2), Layer(2, 2)])
    >>> derive_layers(1, net=net).result["G_2"]
    sqrt(3)/(6*pi) + 4/9
    """
    steps = list(layer_noise_steps(dim))
    result = {"G_k": steps[-1].expression.rhs}
    subject = "Any filter"
    if isinstance(kernel, Kernel):
        net = Network([Layer(kernel, stride)] * 2)
        more, named = _exponent(net, dim)
        subject = f"The filter ({', '.join(map(str, kernel.weights))}) at stride {stride}"
        if net.strides[-1] == 1 and kernel.span == 1:
            more.insert(0, flat_law(dim))
            named["G_prefactor"] = more[0].expression.rhs
    elif net is not None:
        more, named = _numbers(net)
        if net.period < net.depth and net.support[net.period] > 1:
            found, exponent = _exponent(net, dim)
            more, named = more + found, named | exponent
        subject = layers_in_words(net)
    elif stride == y.s:
        more = [boxes_law(dim), growth_step(dim)]
        named = {"G_k": more[0].expression.rhs, "beta": more[1].expression.rhs}
        subject = "Boxes whose length is the stride"
    else:
        more = [flat_law(dim), growth_step(dim)]
        named = {"G_prefactor": more[0].expression.rhs, "beta": more[1].expression.rhs}
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
        steps=(*steps, *more),
        result={**result, **named},
    )


def _exponent(net: Network, dim: Any) -> tuple[list[Step], dict[str, Any]]:
    block = Network(net.prefix(net.period).layers)
    exponents: Exponents = predict_exponents(Network(block.layers * 2), rectify="layers")
    repeated = repeated_block(block)

    def piled(n: int) -> Any:
        return -log(repeated.peak(n))

    def confront(claim: Any) -> str:
        found = ""
        for axes in (1, 2, 3) if dim == y.d else (dim,):
            with mpmath.workdps(DIGITS):
                value, error = (axes * part for part in repeated.slope(piled))
            own = sp.Eq(claim.lhs, evaluate(claim.rhs, {y.d: axes}), evaluate=False)
            found = close(own, y.beta, (value, error))
        return found

    step = Step(
        "The exponent of noise, $G_k \\sim A_k^{\\beta}$.",
        sp.Eq(y.beta, dim * exponents.beta),
        "the fluctuations are bounded, and what piles up is a constant over $c_k(0)^d$: its growth "
        "is that of $1/c_k(0)^d$, whatever $c_1(0)$.",
        Check(f"local exponents of $1/c_k(0)^d$ from {repeated.route}", confront),
    )
    return [step], {"beta": step.expression.rhs}


def _numbers(net: Network) -> tuple[list[Step], dict[str, Any]]:
    """Return the step on G at the last layer in numbers, if the network is small."""
    if net.depth > _DEEPEST or net.support[-1] ** net.dim > _WIDEST:
        return [], {}
    first, lag = net.layers[0], _autocorrelation(net.prefix(1))
    last = Fraction(*_peak(net))
    after = _autocorrelation(Network(net.layers[1:])) if net.depth > 1 else {0: sp.Integer(1)}
    scale = (lag[0] / number(last)) ** net.dim
    ratios = {
        n: lag[abs(n) * first.stride] / lag[0]
        for n in range(-(len(lag) - 1), len(lag))
        if lag.get(abs(n) * first.stride)
    }
    places: dict[Any, Any] = {sp.Integer(1): sp.Integer(1)}
    for _ in range(net.dim):
        wider: dict[Any, Any] = {}
        for rho, weight in places.items():
            for n, ratio in ratios.items():
                share = weight * after.get(abs(n), sp.Integer(0))
                wider[rho * ratio] = wider.get(rho * ratio, sp.Integer(0)) + share
        places = wider
    spread = sum(weight * _covariance(rho) for rho, weight in places.items())
    value = sp.expand(scale / (2 * sp.pi) + scale * spread)
    step = Step(
        f"The sensitivity to noise at layer {net.depth}, in numbers.",
        sp.Eq(y.G(net.depth), value),
        "insert $c_1$, $c_k(0)$ and $\\bar c_k$ of these layers into the law.",
        network_check(net),
    )
    return [step], {f"G_{net.depth}": value}


def _peak(net: Network) -> tuple[int, int]:
    found = correlation(net, net.depth)
    return found.values[0], found.scale


def _autocorrelation(net: Network) -> dict[int, Any]:
    lags = net.support[-1] - 1
    found = correlation(net, net.depth, lags=max(lags, 1))
    return {n: sp.Rational(value, found.scale) for n, value in enumerate(found.values)}


def _covariance(rho: Any) -> Any:
    root = sp.sqrt(1 - rho**2)
    return (root - 1 + rho * (sp.pi / 2 + sp.asin(rho))) / (2 * sp.pi)
