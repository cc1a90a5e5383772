"""A ReLU in every layer: rectified Gaussian units, and why their noise piles up all the same."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps import rectified_units as steps
from scaledet.symbols import d


def derivation() -> Derivation:
    """Derive the law of piling up for noise that every layer rectifies."""
    general = steps.layer_noise_steps(d)
    flat, beta = steps.flat_law(d), steps.growth_step(d)
    return Derivation(
        title=steps.PAGE,
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
        steps=(*general, steps.halved_noise(), flat, steps.boxes_law(d), beta),
        result={
            "G_k": general[-1].expression.rhs,
            "beta": beta.expression.rhs,
            "G_prefactor": flat.expression.rhs,
        },
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
