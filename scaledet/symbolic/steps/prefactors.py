r"""Derive the prefactors of both laws, the plateau of D_k, and the crossover scale of G_k.

.. math:: D_k \sim P A_k^{-\alpha}, \qquad G_k \sim r A_k^{\beta}, \qquad
          r A_*^\beta = \frac{\pi - 1}{2\pi} .

Source: residues of the generating functions at their dominant poles; our derivation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import number
from scaledet.reference.recursion import PlainRecursion
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.sequences import settled
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
    steps = {}
    if exponents.alpha == 0:
        steps["plateau"] = _plateau(limits, recursion)
    elif exponents.log_power == 0:
        steps["D_prefactor"] = _stability(limits, recursion)
    if rectify is not None:
        steps["G_prefactor"] = _noise(limits, recursion, dim)
        steps["crossover"] = _crossover(limits, recursion, dim)
    return list(steps.values()), {name: step.expression.rhs for name, step in steps.items()}


def _plateau(limits: Asymptote, recursion: PlainRecursion) -> Step:
    limit = sp.Limit(y.D(k), k, sp.oo)
    return Step(
        "The sensitivity to displacements tends to a plateau.",
        sp.Eq(limit, limits.ratio),
        "both sequences grow alike, and their dominant pole is simple and alone (a primitive "
        "matrix); the ratio of the residues there remains.",
        Check(ROUTE, partial(settled, subject=limit, value=recursion.sensitivity)),
    )


def _stability(limits: Asymptote, recursion: PlainRecursion) -> Step:
    alpha = limits.exponents.alpha
    limit = sp.Limit(y.D(k) * y.A(k) ** alpha, k, sp.oo)

    def value(layer: int) -> Any:
        return number(recursion.sensitivity(layer)).evalf(40) * _width(limits, layer) ** alpha

    return Step(
        "The prefactor of the law $D_k \\sim A_k^{-\\alpha}$.",
        sp.Eq(limit, limits.D_prefactor),
        "the ratio of the residues of both generating functions at their dominant poles, and "
        "$A_k \\to s^k \\sqrt{12 \\kappa_2/(s^2 - 1)}$.",
        Check(ROUTE, partial(settled, subject=limit, value=value)),
    )


def _noise(limits: Asymptote, recursion: PlainRecursion, dim: Any) -> Step:
    beta = limits.exponents.beta
    limit = sp.Limit(y.G(k) / y.A(k) ** (dim * beta), k, sp.oo)

    def value(at: int, layer: int) -> Any:
        growing = number(recursion.peak(layer)).evalf(40) ** -at / (2 * sp.pi)
        return growing / _width(limits, layer) ** (at * beta)

    return Step(
        "The prefactor of the law $G_k \\sim A_k^{\\beta}$.",
        sp.Eq(limit, limits.G_prefactor(dim)),
        "$c_k(0) \\sim C \\rho^k$ with $C$ the residue at the dominant pole.",
        Check(ROUTE, partial(_in_dimensions, subject=limit, value=value, dim=dim)),
    )


def _crossover(limits: Asymptote, recursion: PlainRecursion, dim: Any) -> Step:
    beta = limits.exponents.beta

    def value(at: int, layer: int) -> Any:
        """Follow the growing part down to where it equals the constant one."""
        growing = number(recursion.peak(layer)).evalf(40) ** -at
        return _width(limits, layer) * ((sp.pi - 1) / growing).evalf(40) ** (1 / (at * beta))

    return Step(
        "Both parts of $G_k$ are equal at the crossover scale.",
        sp.Eq(y.crossover, limits.crossover(dim)),
        "solve $r A_*^{\\beta} = (\\pi - 1)/(2\\pi)$ with the prefactor $r$.",
        Check(
            "the growing part of exact $G_k$, followed back to the constant part",
            partial(_in_dimensions, subject=y.crossover, value=value, dim=dim),
        ),
    )


def _width(limits: Asymptote, layer: int) -> Any:
    return limits.width * limits.exponents.stride**layer


def _in_dimensions(claim: Any, *, subject: Any, value: Callable[[int, int], Any], dim: Any) -> str:
    """Hold a limit to its values in dimension `dim`, or in all three if it is the symbol d."""
    evidence = []
    for at in (1, 2, 3) if dim is y.d else (dim,):
        sides = (side.subs(y.d, at) for side in (claim.lhs, claim.rhs))
        claimed = sp.Eq(*sides, evaluate=False)
        in_dim = subject.subs(y.d, at)
        evidence.append(settled(claimed, subject=in_dim, value=partial(value, at)))
    return " and ".join(evidence)
