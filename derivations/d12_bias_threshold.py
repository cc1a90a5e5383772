"""Negative biases: when the signal dies, when the noise dies, and which schedule is best."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.biased_boxes import threshold_steps


def derivation() -> Derivation:
    """Derive both thresholds."""
    steps = threshold_steps()
    _, constant, death, proportional, *_, critical = steps
    return Derivation(
        title="Negative biases: the death of the signal and of the noise",
        abstract="A bias takes height off the noise and off the signal. The signal has a budget "
        "of 1, in units of its own height $n^{-k}$, and dies when it is used up; equal shares of "
        "it lead to a recursion with a transition between survival and death of the noise. No "
        "schedule kills unbounded noise and spares the signal at every depth; of all ways to "
        "divide a budget, one cut in the first layer leaves the least noise.",
        assumptions=(
            "boxes $f = s$ in $d$ dimensions, $n = s^d$ inputs a unit; a ReLU in every layer, "
            "biases $b_k \\le 0$; one active pixel of height 1 unless said otherwise",
            "budgets $\\beta_k = n^k |b_k|$; heights $y_k = n^k X_k$ of units without the active "
            "pixel, of mean $\\bar y_k$; $u_k$ is the clean unit over it",
            "noise independent from pixel to pixel; statements for all depths are for unbounded "
            "noise such as Gaussian noise",
        ),
        steps=steps,
        result={
            "u_k": constant.expression.rhs,
            "dead_layer": death.expression.rhs,
            "proportional": proportional.expression.rhs,
            "critical_probability": critical.expression.rhs,
        },
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
