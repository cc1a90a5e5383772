"""Finite images with borders: composite matrices, moves at the border, noise, planes, sums."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.borders import distance_steps, matrix_steps, move_steps, noise_steps


def derivation() -> Derivation:
    """Derive the sensitivities of a network that no translation leaves as it is."""
    chain, residual, lost = matrix_steps()
    distance, plane = distance_steps()
    stays, wraps, inside, sensitivity, along = move_steps()
    matched, energy = noise_steps()
    return Derivation(
        title="Finite images with borders",
        abstract="Padding, sizes that do not divide and branches end translation invariance, but "
        "the network stays one matrix. $D_k$, $Q_k$ and $G_k$ are sums over its Gram matrix, "
        "exact at every size: its diagonal, the entries beside it and the sum of all.",
        assumptions=(
            "weights $\\ge 0$, biases $\\ge 0$; branches meet in sums after the first ReLU: no "
            "ReLU acts on clean images, and biases drop out of differences",
            "one active pixel at any of $N$ places, all equally likely; $P_k e_p$ is linear",
            "$D_k Q_k$ is the mean square change when the pixel moves to one of both neighbours, "
            "$Q_k$ the mean square distance of two images; every pixel's noise is independent",
            "planes: separable layers in a chain, the axis of a move drawn first",
        ),
        steps=(
            *(chain, residual, lost, distance, stays, wraps, inside, sensitivity),
            *(matched, energy, plane, along),
        ),
        result={"Q_k": distance.expression.rhs, "D_k": sensitivity.expression.rhs},
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
