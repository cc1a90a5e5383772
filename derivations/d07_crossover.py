"""The crossover of G_k, local exponents, and why a fit over few layers reads too small a beta."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.crossover import crossover_steps


def derivation() -> Derivation:
    """Derive the crossover and its effect on measured exponents."""
    steps = crossover_steps()
    law, _, strided, _, local, _, _, _, fit, *_ = steps
    return Derivation(
        title="Crossover and local exponents",
        abstract="$G_k$ is a constant plus a power of $A_k$. Until the power has outgrown the "
        "constant by far, any fit reads too small an exponent $\\beta$, while the exponent "
        "$\\alpha$ of $D_k$ shows early.",
        assumptions=(
            "the law of piling up, $G_k = (\\pi - 1)/(2 \\pi) + c_k(0)^{-d}/(2 \\pi)$: rectified "
            "noise, $L \\sigma^2 = 2$, infinite lattice, one active pixel",
            "boxes: of length $f = s$ at stride $s$, where $c_k(0) = 1/A_k$ at every depth; or of "
            "length $f$ without stride, where $c_k(0)$ approaches $\\sqrt{3/\\pi}/A_k$",
            "$A_k$ is read as a continuous variable $A$ where exponents are local: "
            "$\\beta_{loc} = \\mathrm{d} \\log\\, G / \\mathrm{d} \\log\\, A$ and "
            "$\\alpha_{loc} = -\\mathrm{d} \\log\\, D / \\mathrm{d} \\log\\, A$",
        ),
        steps=steps,
        result={
            "G_k": law.expression.rhs,
            "crossover": strided.expression.rhs,
            "beta_local": local.expression.rhs,
            "beta_fit": fit.expression.rhs,
        },
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
