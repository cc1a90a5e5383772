"""Two pixels and a label: overlaps, independent moves, D_k and Q_k of the scale-detection task."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps import model
from scaledet.symbolic.steps.pairs import block_steps, label_steps, law_steps, overlap_steps


def derivation() -> Derivation:
    """Derive the sensitivities of two-pixel images."""
    distance, sensitivity, far = law_steps()
    return Derivation(
        title="Two pixels and a label",
        abstract="Images of two active pixels, as in the scale-detection tasks, need the "
        "autocorrelation $c_k$ at the displacement of the pixels and its fourth difference, "
        "averaged over the pairs of the label; where the label knows the grid, as in T2, also the "
        "phase.",
        assumptions=(
            "two distinct active pixels of height 1; each moves by one site along a random axis, "
            "random sign, independently, and they may collide",
            "filters $a \\ge 0$ of sum 1, biases $\\ge 0$: no ReLU acts on clean images",
            "the tasks of arXiv:2210.01506. T1 (distance below $\\xi - g$ against at least "
            "$\\xi + g$) lives on a ring of $N$ pixels, T2 (same block of side $\\xi$ or not) on "
            "blocks that start at pixel 0",
            "exact at every finite $N$ and depth; no limit is taken but where it is said",
        ),
        steps=(
            *overlap_steps(),
            model.pair_energy().cited(model.PAGE),
            distance,
            sensitivity,
            far,
            *label_steps(),
            *block_steps(),
        ),
        result={"Q_k": distance.expression.rhs, "D_k": sensitivity.expression.rhs},
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
