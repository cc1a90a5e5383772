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
from scaledet.errors import DerivationError
from scaledet.reference.exact import number, refute
from scaledet.reference.recursion import PlainRecursion
from scaledet.symbolic.claims import evaluate
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbols import k
from scaledet.theory.growth.asymptote import Asymptote

__all__ = ["prefactor_steps"]


def prefactor_steps(
    found: Asymptote, orbit: PlainRecursion, dim: Any, rectify: str | None
) -> tuple[list[Step], dict[str, Any]]:
    """Return the steps on prefactors, plateau and crossover, and the named results.

    None on a law that has no limit (its prefactor keeps oscillating, or a power of k multiplies
    D_k).

    >>> from scaledet.theory.growth.asymptote import asymptote
    >>> from scaledet.reference.recursion import PlainRecursion
    >>> found = asymptote(2, 2)
    >>> recursion = PlainRecursion(found.exponents.kernel.weights, 2)
    >>> prefactor_steps(found, recursion, 1, "input")[1]["crossover"]
    -1 + pi
    """
    exponents = found.exponents
    steps: list[Step] = []
    result: dict[str, Any] = {}
    width, log_power = found.width, exponents.log_power
    if found.reason is not None:
        return steps, result
    if exponents.alpha == 0:
        steps.append(Step(
            "The sensitivity to displacements tends to a plateau.",
            sp.Eq(sp.Limit(y.D(k), k, sp.oo), found.ratio),
            "both sequences grow alike, and their dominant pole is simple and alone (a primitive "
            "matrix); the ratio of the residues there remains.",
            Check("the plain recursion, settled to 10 digits",
                  partial(_settled, wanted=sp.Limit(y.D(k), k, sp.oo),
                          value=lambda layer: number(orbit.sensitivity(layer)))),
        ))  # fmt: skip
        result["D_plateau"] = found.ratio
    elif log_power == 0:
        wanted = sp.Limit(y.D(k) * y.A(k) ** exponents.alpha, k, sp.oo)
        steps.append(Step(
            "The prefactor of the law $D_k \\sim A_k^{-\\alpha}$.",
            sp.Eq(wanted, found.D_prefactor),
            "the ratio of the residues of both generating functions at their dominant poles, and "
            "$A_k \\to s^k \\sqrt{12 \\kappa_2/(s^2 - 1)}$.",
            Check("the plain recursion, settled to 10 digits",
                  partial(_settled, wanted=wanted, value=lambda layer: number(
                      orbit.sensitivity(layer)).evalf(40)
                      * (width * exponents.stride**layer) ** exponents.alpha)),
        ))  # fmt: skip
        result["D_prefactor"] = found.D_prefactor
    if rectify is None:
        return steps, result
    prefactor, meeting = found.G_prefactor(dim), found.crossover(dim)
    wanted = sp.Limit(y.G(k) / y.A(k) ** (dim * exponents.beta), k, sp.oo)

    def confront_prefactor(claim: Any) -> str:
        def at_dim(at: int) -> Any:
            def value(layer: int) -> Any:
                part = number(orbit.correlation(layer, 0)).evalf(40) ** -at / (2 * sp.pi)
                return part / (width * exponents.stride**layer) ** (at * exponents.beta)

            return partial(_settled, wanted=wanted.subs(y.d, at), value=value)

        return _each_dim(claim, dim, at_dim)

    steps.append(Step(
        "The prefactor of the law $G_k \\sim A_k^{\\beta}$.",
        sp.Eq(wanted, prefactor),
        "$c_k(0) \\sim C \\rho^k$ with $C$ the residue at the dominant pole.",
        Check("the plain recursion, settled to 10 digits", confront_prefactor),
    ))  # fmt: skip

    def confront_crossover(claim: Any) -> str:
        """Follow the growing part down to where it equals the constant one."""

        def at_dim(at: int) -> Any:
            def value(layer: int) -> Any:
                part = number(orbit.correlation(layer, 0)).evalf(40) ** -at
                scale = width * exponents.stride**layer
                return scale * ((sp.pi - 1) / part).evalf(40) ** (1 / (at * exponents.beta))

            return partial(_settled, wanted=y.crossover, value=value)

        return _each_dim(claim, dim, at_dim)

    steps.append(Step(
        "Both parts of $G_k$ are equal at the crossover scale.",
        sp.Eq(y.crossover, meeting),
        "solve $r A_*^{\\beta} = (\\pi - 1)/(2\\pi)$ with the prefactor $r$.",
        Check("the growing part of exact $G_k$, followed back to the constant part",
              confront_crossover),
    ))  # fmt: skip
    return steps, result | {"G_prefactor": prefactor, "crossover": meeting}


def _each_dim(claim: Any, dim: Any, check: Any) -> str:
    if dim is not y.d:
        return str(check(dim)(claim))
    return " and ".join(
        check(at)(sp.Eq(claim.lhs.subs(y.d, at), claim.rhs.subs(y.d, at), evaluate=False))
        for at in (1, 2, 3)
    )


def _settled(claim: Any, *, wanted: Any, value: Any) -> str:
    """Hold a limit to exact numbers at growing depth, until 10 digits stand still."""
    if claim.lhs != wanted:
        refute(f"{claim} is no claim on {wanted}")
    layer, last = 16, None
    while layer <= 2048:
        now = sp.sympify(value(layer)).evalf(40)
        if last is not None and abs(now - last) <= abs(now) * sp.Float(10) ** -12:
            right = evaluate(claim.rhs, {}).evalf(40)
            if not right.is_Float and not right.is_Rational:
                refute(f"{claim} claims no number")
            if abs(right - now) > abs(now) * sp.Float(10) ** -10:
                refute(f"{claim}: measured {now.evalf(12)}")
            return f"measured {now.evalf(11)} at layer {layer}"
        last, layer = now, 2 * layer
    raise DerivationError(f"{claim}: exact values have not settled by layer {layer // 2}")
