"""Limits that no filter beats: bounds of D_k, c_k(0), alpha and beta; the sharp one of D_k."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.limits import PAGE, limit_steps
from scaledet.symbolic.steps.sharp_limit import sharp_steps


def derivation() -> Derivation:
    """Derive the limits of D_k, c_k(0) and both exponents, and the sharp limit of D_k A_k^2."""
    steps, sharp = limit_steps(), sharp_steps()
    support, _, _, lowest, *_, alpha, beta = steps
    certified, _, limit = sharp[-3:]
    return Derivation(
        title=PAGE,
        abstract="However its layers are chosen, a stack of non-negative filters gains stability "
        "no faster than $A_k^2$, and noise piles up on it no faster than $A_k^d$. At given $A_k$ "
        "it has $D_k \\ge C/(A_k^2 + 1 + C/3)$ with $C = 2.5702\\dots$, the best number there is; "
        "the least $D_k$ of narrow filters is certified, up to $A_k = 2$ in closed form, beyond "
        "it by numbers.",
        assumptions=(
            "filters $a \\ge 0$ of sum 1 at any strides; layers may differ",
            "one active pixel, every grid phase equally likely; infinite lattice; in more than one "
            "dimension tensor products, whose $D_k$ is that of one axis",
            "exponents, where they exist: $A_k \\to \\infty$, and rectified noise matched to the "
            "displacement",
        ),
        steps=(*steps, *sharp),
        result={
            "c_k(0)_min": support.expression.rhs,
            "D_k_min": lowest.expression.rhs,
            "alpha_max": alpha.expression.rhs,
            "beta_max": beta.expression.rhs,
            "omega": certified.expression.rhs,
            "C": limit.expression.rhs,
        },
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
