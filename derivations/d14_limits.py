"""Limits that no filter beats: bounds of D_k, c_k(0), alpha and beta."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.limits import PAGE, limit_steps


def derivation() -> Derivation:
    """Derive the limits of D_k, c_k(0) and both exponents."""
    steps = limit_steps()
    support, _, _, lowest, *_, alpha, beta = steps
    return Derivation(
        title=PAGE,
        abstract="However its layers are chosen, a stack of non-negative filters gains stability "
        "no faster than $A_k^2$, and noise piles up on it no faster than $A_k^d$.",
        assumptions=(
            "filters $a \\ge 0$ of sum 1 at any strides; layers may differ",
            "one active pixel, every grid phase equally likely; infinite lattice",
            "exponents, where they exist: $A_k \\to \\infty$, and rectified noise matched to the "
            "displacement",
        ),
        steps=steps,
        result={
            "c_k(0)_min": support.expression.rhs,
            "D_k_min": lowest.expression.rhs,
            "alpha_max": alpha.expression.rhs,
            "beta_max": beta.expression.rhs,
        },
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
