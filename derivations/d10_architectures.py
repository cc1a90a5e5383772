"""Whole architectures: unequal layers, blocks, and where an anti-aliasing filter must stand."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.architectures import (
    PAGE,
    block_steps,
    cap_steps,
    filter_steps,
    order_steps,
    structure_steps,
)


def derivation() -> Derivation:
    """Derive what holds for layers that differ."""
    structure, blocks, cap = structure_steps(), block_steps(), cap_steps()
    _, _, stable, field, support = structure
    _, _, limit, *_ = cap
    return Derivation(
        title=PAGE,
        abstract="Layers may differ: their operators act in order, variances add, and a block that "
        "repeats has exponents. Where an anti-aliasing filter stands decides between the best "
        "stability there is and none: before a stride it helps, behind it is too late.",
        assumptions=(
            "filters $a_i \\ge 0$ of sum 1, strides $s_i$, biases $\\ge 0$, one channel, no "
            "branches; in $d$ dimensions tensor products, of which one axis is shown",
            "infinite lattice, one active pixel at a uniform grid phase; for exponents and limits "
            "the depth goes to infinity last",
            "idealised, and real networks are not like this: they pad with zeros, so that pixels "
            "near the border count less; they take maxima, which do not average and are not "
            "linear; they add branches and learn filters of both signs, between which a ReLU does "
            "act. Their first layers have larger kernels (step 14). What is derived here ranks "
            "designs of pooling; it predicts no accuracy",
        ),
        steps=(*structure, *order_steps(), *blocks, *cap, *filter_steps()),
        result={
            "D_k": stable.expression.rhs,
            "A_k": field.expression.rhs,
            "W_k": support.expression.rhs,
            "alpha": blocks[0].expression.rhs,
            "plateau": limit.expression.rhs,
        },
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
