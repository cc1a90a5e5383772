r"""Derive the prefactors of both laws, the plateau of D_k, and the crossover scale of G_k.

.. math:: D_k \sim P A_k^{-\alpha}, \qquad G_k \sim r A_k^{\beta}, \qquad
          r A_*^\beta = \frac{\pi - 1}{2\pi} .

Source: residues of the generating functions at their dominant poles; our derivation.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import number
from scaledet.reference.recursion import PlainRecursion
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.sequences import settled, settled_check
from scaledet.symbols import k
from scaledet.theory.growth.asymptote import Asymptote

__all__ = ["prefactor_steps"]

ROUTE = "the plain recursion, settled to 10 digits or more"


def prefactor_steps(
    limits: Asymptote, recursion: PlainRecursion, dim: Any, rectify: str | None
) -> tuple[list[Step], dict[str, Any]]:
    """Return the steps on prefactors, plateau and crossover, and the named results.

    There is none on a law without limit: its prefactor keeps oscillating, or a power of k
    multiplies D_k.

    >>> from scaledet.theory.growth.asymptote import asymptote
    >>> limits = asymptote(2, 2)
    >>> recursion = PlainRecursion(limits.exponents.kernel.weights, 2)
    >>> prefactor_steps(limits, recursion, 1, "input")[1]["crossover"]
    -1 + pi
    """
    exponents = limits.exponents
    if limits.reason is not None:
        return [], {}
    alpha, beta, steps = exponents.alpha, exponents.beta, {}

    def width(layer: int) -> Any:
        return limits.width * exponents.stride**layer

    def moved(layer: int) -> Any:
        return number(recursion.sensitivity(layer)).evalf(40) * width(layer) ** alpha

    def growing(at: int, layer: int) -> Any:
        return number(recursion.peak(layer)).evalf(40) ** -at

    limit = sp.Limit(y.D(k) * y.A(k) ** alpha, k, sp.oo)
    check = Check(ROUTE, partial(settled, subject=limit, value=moved))
    if alpha == 0:
        steps["plateau"] = Step(
            "The sensitivity to displacements tends to a plateau.",
            sp.Eq(limit, limits.ratio),
            "both sequences grow alike, and their dominant pole is simple and alone (a primitive "
            "matrix); the ratio of the residues there remains.",
            check,
        )
    elif exponents.log_power == 0:
        steps["D_prefactor"] = Step(
            "The prefactor of the law $D_k \\sim A_k^{-\\alpha}$.",
            sp.Eq(limit, limits.D_prefactor),
            "the ratio of the residues of both generating functions at their dominant poles, and "
            "$A_k \\to s^k \\sqrt{12 \\kappa_2/(s^2 - 1)}$.",
            check,
        )
    if rectify is not None:
        limit = sp.Limit(y.G(k) / y.A(k) ** (dim * beta), k, sp.oo)
        steps["G_prefactor"] = Step(
            "The prefactor of the law $G_k \\sim A_k^{\\beta}$.",
            sp.Eq(limit, limits.G_prefactor(dim)),
            "$c_k(0) \\sim C \\rho^k$ with $C$ the residue at the dominant pole.",
            settled_check(
                ROUTE,
                limit,
                dim,
                lambda at, layer: growing(at, layer) / (2 * sp.pi) / width(layer) ** (at * beta),
            ),
        )
        steps["crossover"] = Step(
            "Both parts of $G_k$ are equal at the crossover scale.",
            sp.Eq(y.crossover, limits.crossover(dim)),
            "solve $r A_*^{\\beta} = (\\pi - 1)/(2\\pi)$ with the prefactor $r$.",
            settled_check(
                "the growing part of exact $G_k$, followed back to the constant part",
                y.crossover,
                dim,
                lambda at, layer: (
                    width(layer) * ((sp.pi - 1) / growing(at, layer)).evalf(40) ** (1 / (at * beta))
                ),
            ),
        )
    return list(steps.values()), {name: step.expression.rhs for name, step in steps.items()}
