"""A ReLU in every layer: rectified Gaussian units, and why their noise piles up all the same."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp
from publish import main

from scaledet import symbols as y
from scaledet.network.network import Layer, Network
from scaledet.reference.rectified_units import torus_noise
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.steps.rectified_units import (
    boxes_law,
    flat_law,
    growth_step,
    layer_noise_steps,
)
from scaledet.symbols import d
from scaledet.theory.prediction import predict

NETWORK = Network([Layer([1, 1]), Layer([3, 1], 2)])


def derivation() -> Derivation:
    """Derive the law of piling up for noise that every layer rectifies."""
    general = layer_noise_steps(d)
    flat, boxes, beta = flat_law(d), boxes_law(d), growth_step(d)
    return Derivation(
        title="A ReLU in every layer",
        abstract="If $x + \\eta$ enters a network whose every layer pools and rectifies, without "
        "bias, only the first ReLU acts. It gives the noise a mean that stays, and the noise piles "
        "up with the exponent of noise rectified at the input; the first pooling wins the factor "
        "$c_1(0)^d$. The fluctuations contribute between $1/4$ and $(\\pi - 1)/(2\\pi)$ at every "
        "layer.",
        assumptions=(
            "filters $a \\ge 0$ of sum 1, biases 0; layers may differ; one active pixel at a "
            "uniform position",
            "white Gaussian noise $\\eta$ enters unrectified, every layer rectifies",
            "first $L \\to \\infty$ at fixed $k \\ge 1$ and $L \\sigma^2 = 2$, then, for "
            "exponents and amplitudes, $k \\to \\infty$",
        ),
        steps=(*general, _start(), flat, boxes, beta),
        result={
            "G_k": general[-1].expression.rhs,
            "beta": beta.expression.rhs,
            "G_prefactor": flat.expression.rhs,
        },
    )  # fmt: skip


def _start() -> Step:
    return Step(
        "Layer 1 halves the noise, whatever it pools.",
        sp.Eq(y.G(1), sp.Rational(1, 2)),
        "at $k = 1$ the part of the mean is $1/(2\\pi)$ and that of the fluctuations "
        "$(\\pi - 1)/(2\\pi)$: a ReLU keeps half of the square of a variable that is as often "
        "positive as negative, and the signal is not touched.",
        Check("all pairs of units by quadrature on tori of 256 and 320 pixels, extrapolated; the "
              "exact engine of the package on $2^{40}$ pixels", _half),
    )  # fmt: skip


def _half(claim: Any) -> str:
    agree(claim, [{}], {y.G: _on_tori}, digits=11)
    return agree(claim, [{}], {y.G: _predicted}, digits=10)


@lru_cache
def _on_tori(layer: int) -> Any:
    layers = tuple((layer.kernel.trimmed, layer.stride) for layer in NETWORK)
    return sp.Float(torus_noise(layers, layer, (256, 320)))


@lru_cache
def _predicted(layer: int) -> Any:
    return sp.Float(float(predict(NETWORK, size=2**40, rectify="layers").G[layer]))


if __name__ == "__main__":
    main(derivation(), __file__)
