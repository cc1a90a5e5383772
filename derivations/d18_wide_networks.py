"""Wide networks of random filters: sensitivities before training, with common filters, between."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.wide import before_steps, common_step, stride_steps


def derivation() -> Derivation:
    """Derive what independent taps do, that common filters pool, and D_k of boxes between."""
    squares, norms, slow = before_steps()
    pooled = common_step()
    taps, meeting, after, boxes, power = stride_steps()
    return Derivation(
        title="Wide networks before and after training",
        abstract="Random filters with independent taps pool squares: noise does not pile up, and "
        "deep layers become stable slowly. Filters that are common to all channels pool the image "
        "itself: the model of the other pages. Between them, boxes as long as their stride have "
        "$\\alpha = 0$ for every share $t_w < 1$.",
        assumptions=(
            "filters independent over channels, Gaussian, of variance 2 over the channels, with "
            "covariance $C_{ff'}$ between taps; no biases; the number of channels to infinity",
            "then pre-activations are Gaussian of covariance $K^{xy}(i, j) = 2 \\sum_{ff'} C_{ff'} "
            "\\Phi^{xy}(s i + f, s j + f')$, and $\\Phi^{xy} = \\kappa(K^{xx}, K^{yy}, K^{xy})$ "
            "behind the ReLU, $\\kappa$ the arc-cosine kernel of order one (Cho and Saul 2009); "
            "the page on filters with means derives the covariance, for any number of channels",
            "one pixel at a uniform position of the torus",
        ),
        steps=(squares, norms, slow, pooled, taps, meeting, after, boxes, power),
        result={},
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
