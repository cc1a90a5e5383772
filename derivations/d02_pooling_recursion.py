"""The pooling recursion: from layers to c_k(m) and D_k = 1 - c_k(1)/c_k(0)."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.pooling_recursion import (
    PAGE,
    image_steps,
    recursion_law,
    sensitivity_law,
)


def derivation() -> Derivation:
    """Derive the recursion of the autocorrelation."""
    sensitivity = sensitivity_law()
    return Derivation(
        title=PAGE,
        abstract="One linear recursion for the autocorrelation of the composite filter carries "
        "every sensitivity of the network.",
        assumptions=(
            "filters $a \\ge 0$ of sum 1, equal layers, biases $\\ge 0$: clean images stay "
            "non-negative and no ReLU acts on them",
            "infinite lattice, $d = 1$, one active pixel at a uniform grid phase",
        ),
        steps=(*image_steps(), recursion_law(), sensitivity),
        result={"D_k": sensitivity.expression.rhs},
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
