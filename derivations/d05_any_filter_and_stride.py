"""Any non-negative filter at any stride: smoothness decides both exponents."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.any_filter import (
    PAGE,
    averaging_steps,
    examples,
    law_steps,
    operator_steps,
    sum_rule_steps,
)


def derivation() -> Derivation:
    """Derive alpha and beta of any filter and stride."""
    laws = law_steps()
    _, nu, alpha, beta, _ = laws
    return Derivation(
        title=PAGE,
        abstract="With $a = (q/s)^n b$, $q = 1 + z + \\dots + z^{s-1}$, the smoothness number "
        "$\\nu_R = n - \\frac{1}{2} \\log_s(s \\rho_b)$ decides both exponents: $\\alpha = 2 "
        "\\min(1, \\max(0, \\nu_R))$ and $\\beta = d\\, (1 + 2 \\min(0, \\nu_R))$. The "
        "representation becomes stable if and only if all grid phases receive the same weight and "
        "the filter has span 1.",
        assumptions=(
            "equal layers of one filter $a \\ge 0$ of sum 1 and length $f \\ge 2$, end weights not "
            "zero, stride $s \\ge 2$; biases $\\ge 0$",
            "one active pixel, every grid phase equally likely; infinite lattice first, then $k "
            "\\to \\infty$; exponents are limits of $-\\log D_k/\\log A_k$ and $\\log G_k/\\log "
            "A_k$",
            "noise rectified at the input and matched to the displacement: what grows in $G_k$ is "
            "$c_k(0)^{-d}/(2 \\pi)$",
        ),
        steps=(*operator_steps(), *sum_rule_steps(), *averaging_steps(), *laws, *examples()),
        result={
            "nu_R": nu.expression.rhs,
            "alpha": alpha.expression.rhs,
            "beta": beta.expression.rhs,
        },
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
