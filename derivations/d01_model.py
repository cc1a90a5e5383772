"""The model: images, layers, sensitivities, and what they are before the first layer."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps import model
from scaledet.symbolic.steps.noise import geometry_steps
from scaledet.symbols import d

ASSUMPTIONS = (
    "an image on the torus of $L = N^d$ pixels has one active pixel of height 1 at a uniform "
    "position: $x = e_p$",
    "layer $k$ maps $x$ to $\\mathrm{relu}(P x + b_k)$, where $P$ pools with a filter $a \\ge 0$ "
    "of sum 1 at stride $s_k$, a tensor product of $d$ equal filters, and $b_k \\ge 0$; $P_k$ "
    "denotes $k$ such poolings, $f_k$ the whole network",
    "$D_k = \\mathrm{E}|f_k(\\tau x) - f_k(x)|^2 / Q_k$, where $\\tau$ moves each active pixel by "
    "one site along a random axis, with random sign",
    "$G_k = \\mathrm{E}|f_k(x + \\eta) - f_k(x)|^2 / Q_k$, where $\\eta$ is white Gaussian noise "
    "of variance $\\sigma^2$ that is rectified when it enters",
    "$Q_k = \\mathrm{E}|f_k(x) - f_k(x')|^2$ for two independent images $x$ and $x'$",
)


def derivation() -> Derivation:
    """Derive what follows from the model alone."""
    survival, _, peak, distance = geometry_steps(d)
    moved = model.displacement()
    sensitivity = model.sensitivity(moved, distance)
    start, energy = model.input_steps(sensitivity)
    noise, half = model.input_noise(distance)
    field = model.receptive_field()
    return Derivation(
        title=model.PAGE,
        abstract="A pooled ReLU network is linear on clean images. Its sensitivities to "
        "displacements and to noise then follow from the overlaps of pooled pixels, at any size "
        "and in any dimension.",
        assumptions=ASSUMPTIONS,
        steps=(
            *(model.linearity(), survival, peak, distance, moved, sensitivity),
            *(model.sensitivity_ratio(), start, energy, model.pair_energy(), noise, half),
            *field,
        ),
        result={
            "Q_k": distance.expression.rhs,
            "D_k": sensitivity.expression.rhs,
            "D_0": start.expression.rhs,
            "G_0": half.expression.rhs,
            "A_k": field[1].expression.rhs,
        },
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
