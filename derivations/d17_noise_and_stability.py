"""The least D_k at given noise: no filter is more stable at the same c_k(0)."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.tradeoff import bound_steps, stationary_steps


def derivation() -> Derivation:
    """Derive the trade-off between stability and noise, and the filters that attain it."""
    weighed, weights, gain = stationary_steps()
    largest, least, right = bound_steps()
    return Derivation(
        title="The price of stability",
        abstract="Noise piles up as $c_k(0)$ falls, and a stable filter needs a small $c_k(0)$. "
        "Lagrangian duality gives the least $D_k$ at every $c_k(0)$ in closed form; a single "
        "layer, a piece of a cosine lifted until its ends vanish, attains it.",
        assumptions=(
            "composite filters $h_k \\ge 0$ of sum 1, of one layer or many, at any strides",
            "one active pixel, every grid phase equally likely; the infinite line; in more "
            "dimensions tensor products, whose $D_k$ is that of one axis",
            "matched noise, rectified at the input: $G_k = \\frac{1}{2} (1 - \\frac{1}{\\pi}) + "
            "1/(2 \\pi\\, c_k(0)^d)$ falls as $c_k(0)$ grows",
        ),
        steps=(weighed, weights, gain, largest, least, right),
        result={"D_k_min": least.expression.rhs, "gain": gain.expression.rhs},
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
