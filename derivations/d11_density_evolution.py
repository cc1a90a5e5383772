"""The law of a unit through layers that do not overlap: a block-spin renormalisation."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.biased_boxes import density_steps


def derivation() -> Derivation:
    """Derive the recursion of the law of a unit and its consequences for G_k."""
    steps = density_steps()
    law, _, mean, variance, _, _, energy, _ = steps
    return Derivation(
        title="Density evolution: the law of a unit with a bias in every layer",
        abstract="Where filters do not overlap, background units stay independent, and their law "
        "at one layer follows from that at the layer before: convolve, shift, cut at zero. It is "
        "a renormalisation by blocks, exact at any size, depth and bias. Without cuts the mean "
        "is kept and the fluctuations average out; a cut changes both by the moments of the part "
        "that it takes away.",
        assumptions=(
            "boxes $f = s$ in $d$ dimensions, $n = s^d$ inputs a unit; noise independent from "
            "pixel to pixel, of any law; a ReLU in every layer; layers $k \\ge 1$, and $k = 0$ "
            "if the noise enters rectified",
            "heights $y_k = n^k X_k$ in units of $n^{-k}$, of mean $\\bar y_k$; biases "
            "$b_k = -\\beta_k n^{-k} \\le 0$; a positive bias shifts a law that is rectified "
            "before, and cuts nothing; for sums over heights, heights and budgets are integers",
            "unequal weights and $f < s$: the same with weighted sums (the package's `evolve`)",
        ),
        steps=steps,
        result={
            "p_k": law.expression.rhs,
            "mean": mean.expression.rhs,
            "variance": variance.expression.rhs,
            "energy": energy.expression.rhs,
        },
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
