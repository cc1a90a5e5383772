"""d dimensions: tensor products factorise, so alpha stays and beta is d times that of a line."""

from __future__ import annotations

from publish import main

from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps import dimensions, model
from scaledet.symbolic.steps.noise import geometry_steps, noise_law
from scaledet.symbols import d


def derivation() -> Derivation:
    """Derive how the sensitivities depend on the dimension."""
    distance = geometry_steps(d)[-1]
    sensitivity = model.sensitivity(model.displacement(), distance).cited(model.PAGE)
    noise = noise_law("input", d)
    alpha, beta = dimensions.exponent_steps()
    return Derivation(
        title="The dimension of the image",
        abstract="Filters are tensor products, so everything about one pixel is a product over "
        "axes. On the infinite lattice $D_k$ is that of a line, its limit and $\\alpha$ included; "
        "what grows in $G_k$ is the $d$-th power, and $\\beta$ is $d$ times that of a line.",
        assumptions=(
            "the torus of $L = N^d$ pixels, filters that are tensor products of one filter "
            "$a \\ge 0$ of sum 1, the same stride along every axis; biases $\\ge 0$",
            "one active pixel, uniformly placed, moved by one site along a random axis, random "
            "sign; $c_k$ is that of one axis, of the filter wrapped around the torus where it "
            "does",
            "noise independent and Gaussian with $L \\sigma^2 = 2$",
            "exact at finite size and depth; where a limit is taken, $L \\to \\infty$ comes first, "
            "then the depth",
        ),
        steps=(
            dimensions.factorisation(),
            distance.cited(model.PAGE),
            sensitivity,
            dimensions.infinite_sensitivity(sensitivity),
            noise,
            *(alpha, beta),
            *dimensions.width_steps(),
        ),
        result={
            "Q_k": distance.expression.rhs,
            "D_k": sensitivity.expression.rhs,
            "G_k": noise.expression.rhs,
            "alpha": alpha.expression.rhs,
            "beta": beta.expression.rhs,
        },
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
