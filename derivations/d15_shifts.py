"""Rigid shifts beside local moves: the grid phase averaged, fixed, and chosen by the image."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.shifts import adaptive_steps, average_steps, phase_steps


def derivation() -> Derivation:
    """Derive D_k of rigid shifts, and that adaptive grids make it zero for circular ones."""
    change, equivariance, boxes = phase_steps()
    mean, line, plane, local = average_steps()
    chosen, limits = adaptive_steps()
    return Derivation(
        title="Rigid shifts and the phase of the grid",
        abstract="A rigid shift by $m$ pixels changes one pixel's representation as the "
        "autocorrelation $c_k(m)$ says, on average over the grid phase; at a fixed phase it may "
        "be nothing or all. Layers that let the image choose its grid undo circular shifts "
        "exactly, but neither local moves nor shifts of images padded with zeros.",
        assumptions=(
            "filters $a \\ge 0$ of sum 1 and biases $\\ge 0$; the last two steps hold for filters "
            "of either sign and any bias",
            "one active pixel at a uniform position of the torus, shifts around the torus; the "
            "last two steps are about any image",
            "$D_k(m) = \\mathrm{E}|f_k(S_m x) - f_k(x)|^2/Q_k$, $S_m$ shifting the image by $m$ "
            "pixels; on chosen grids the outputs are compared up to a shift of the output grid",
            "adaptive polyphase sampling: Chaman and Dokmanić, arXiv:2011.14214, with ties decided "
            "by the values",
        ),
        steps=(change, equivariance, boxes, mean, line, plane, local, chosen, limits),
        result={"D_k(m)": line.expression.rhs, "D_k(1)": local.expression.rhs},
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
