"""Rectified noise piles up: G_k at any size, and why it grows as A_k^d."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.noise import PAGE, noise_steps
from scaledet.symbolic.steps.piling_up import piling_up_steps
from scaledet.symbols import d


def derivation() -> Derivation:
    """Derive the law of piling up."""
    general = noise_steps("input", d)
    law = general[-1]
    consequences = piling_up_steps(law)
    *_, flat, _, beta, _ = consequences
    return Derivation(
        title=PAGE,
        abstract="Pooling averages the fluctuations of noise and signal alike, but it keeps the "
        "mean that a ReLU gives to the noise. Against a signal that pooling dilutes over $A_k^d$ "
        "pixels, this mean grows as $A_k^d$: $\\beta = d$. Linear noise does not pile up at all.",
        assumptions=(
            "filters $a \\ge 0$ of sum 1, biases $\\ge 0$; layers may differ; one active pixel at "
            "a uniform position on the torus of $L = N^d$ pixels",
            "white Gaussian noise $\\eta$, rectified once: $\\mathrm{relu}(x + \\eta)$ enters, "
            "unless said otherwise",
            "exponents and prefactors: matched noise, $L \\sigma^2 = 2$, first $L \\to \\infty$ "
            "at fixed $k$, then $k \\to \\infty$",
        ),
        steps=(*general, *consequences),
        result={
            "G_k": law.expression.rhs,
            "beta": beta.expression.rhs,
            "G_prefactor": flat.expression.rhs,
        },
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
