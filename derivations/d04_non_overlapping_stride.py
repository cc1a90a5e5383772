"""Boxes: stride = length, where everything is explicit, and any length at any stride."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.box_law import box_law_steps
from scaledet.symbolic.steps.boxes import disjoint_boxes
from scaledet.symbols import d


def derivation() -> Derivation:
    """Derive the laws of boxes."""
    disjoint, named = disjoint_boxes(d, "input")
    law = box_law_steps()
    return Derivation(
        title="Boxes: stride equal to the length, and the general law",
        abstract="Boxes that do not overlap compose to one box, and $D_k = 1/A_k$ exactly, while "
        "rectified noise piles up as $A_k^d$. A box of any length $f$ becomes stable if and only "
        "if the stride $s$ divides $f$; then $\\alpha = 1 + \\beta(f/s, s)$.",
        assumptions=(
            "equal layers of boxes of length $f$ and stride $s \\ge 2$, $f = s$ up to the "
            "crossover; biases $\\ge 0$: clean images stay non-negative and no ReLU acts on them",
            "one active pixel, every grid phase equally likely; infinite lattice, except for the "
            "step on the torus; $k \\to \\infty$ after it",
            "noise rectified at the input and matched to the displacement, $L\\sigma^2 = 2$, with "
            "$L \\to \\infty$ first at fixed $k$",
        ),
        steps=(*disjoint, *law),
        result={**named, "alpha": law[-1].expression.rhs},
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
