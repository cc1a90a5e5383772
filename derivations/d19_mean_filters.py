"""Wide networks whose filters have means over input channels: two coupled maps."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.mean_filters import coherent_step, layer_steps, linear_step


def derivation() -> Derivation:
    """Derive the coupled recursion, its limit of coherent filters, and a mixture that is solved."""
    return Derivation(
        title="Filters with means over input channels",
        abstract="Filters that share a mean over their input channels, as weight decay leaves "
        "them, act on the mean over channels, which they pool as the model does; the rest of them "
        "acts on covariances. Which of the two wins decides how $D_k$ falls.",
        assumptions=(
            "the filter from input channel $c$ to an output channel is $m(j)/C_{in}$ plus a "
            "Gaussian rest, independent over channels, of covariance $V/C_{in}$ between taps",
            "the law of $(m, b_h)$ over output channels is given by rows, all alike likely",
            "one pixel at a uniform position of the torus, where $D_k$ is claimed",
        ),
        steps=(*layer_steps(), coherent_step(), linear_step()),
        result={},
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
