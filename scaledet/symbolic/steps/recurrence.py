"""Derive the exact recurrence in k of equal stride-1 layers, with its certificate.

Source: creative telescoping (Zeilberger 1991); the reduction for autocorrelations is ours.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.network.kernel import Kernel
from scaledet.reference.exact import number, refute
from scaledet.reference.pixel import autocorrelation
from scaledet.symbolic.claims import agree, evaluate
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.checks import against
from scaledet.symbolic.routes.series import exact_correlation
from scaledet.symbols import k, t
from scaledet.theory.correlation.recurrence import Recurrence, recurrence
from scaledet.theory.correlation.telescoping import Certificate

__all__ = ["recurrence_steps"]

NEAR = (0, 1, 2, 3, 5, 8, 40)
"""Layers at which the recurrence is confronted with the expanded filter."""
LAYERS = (7, 2, 1, 0)
"""Layers at which the certificate is confronted with integer points."""


def recurrence_steps(kernel: Kernel) -> tuple[list[Step], dict[str, Any]]:
    """Return the steps on the recurrence of c_k(0), c_k(1) from it, and closed forms.

    >>> steps, named = recurrence_steps(Kernel([1, 1]))
    >>> named["D_k"], named["recurrence"]
    (1/(k + 1), (-2*k - 1)*c(k, 0) + (2*k + 2)*c(k + 1, 0))
    """
    rule = recurrence(kernel)
    exact = partial(exact_correlation, kernel)
    values = {y.c: exact, y.D: lambda layer: 1 - exact(layer, 1) / exact(layer, 0)}
    called = f"the filter $({', '.join(kernel.shown())})$"
    cases = [{k: layer} for layer in NEAR]
    check = against("the filter expanded in integers, $k \\le 40$", cases, values)
    equation = rule.equation()
    steps = [
        Step(
            f"For {called}, the peaks obey a linear recurrence whose coefficients are polynomials "
            "in $k$.",
            equation,
            "multiply the certificate below by $\\alpha^k$ and take constant terms: those of a "
            "total derivative vanish.",
            check,
        ),
        _certificate(rule),
    ]
    named = {"recurrence": equation.lhs}
    if kernel.span == 1:
        numerators, denominator = rule.lag_one
        ratio = sp.Add(*(_poly(row) * y.c(k + i, 0) for i, row in enumerate(numerators)))
        steps.append(
            Step(
                f"For {called}, the overlap of neighbours follows from the same peaks.",
                sp.Eq(y.c(k, 1), ratio / _poly(denominator), evaluate=False),
                "$t/2$, whose constant term against $\\alpha^k$ is $c_k(1)$, reduces modulo total "
                "derivatives to a combination of the same powers.",
                check,
            )
        )
    closed = rule.closed_form()
    if closed is not None:
        peak, drop = closed
        statement = f"For {called}, in closed form:"
        why = "the recurrence has order one; its solution is a central binomial coefficient."
        ratio = "$D_k = 1 - c_k(1)/c_k(0)$."
        steps.append(Step(statement, sp.Eq(y.c(k, 0), peak), why, check))
        steps.append(Step(statement, sp.Eq(y.D(k), drop), ratio, check))
        named |= {"c_k(0)": peak, "D_k": drop}
    return steps, named


def _poly(row: Any) -> Any:
    return sp.Poly(list(row)[::-1], k).as_expr()


def _certificate(rule: Recurrence) -> Step:
    """Return the identity that proves the recurrence, in t = z + 1/z."""
    weights = [sp.Integer(w) for w in rule.weights]
    total = sum(weights)
    lags = [autocorrelation(weights, j) for j in range(len(weights))]
    # z^j + z^-j = 2 T_j(t/2).
    alpha = sp.expand(
        (lags[0] + sum(2 * v * sp.chebyshevt(j, t / 2) for j, v in enumerate(lags) if j)) / total**2
    )
    rows = [_poly(row) for row in rule.certificate.numerators]
    denominator = _poly(rule.certificate.denominator)
    rho = sp.Add(*(row * t**j for j, row in enumerate(rows))) / denominator
    rise = sp.Add(*(sp.Mul(j, t ** (j - 1), row) for j, row in enumerate(rows))) / denominator
    left = sp.Add(
        *(_poly(row) * alpha**i for i, row in enumerate(rule.coefficients)), evaluate=False
    )
    right = t * rho + (t**2 - 4) * rise + k * _slope(alpha, rule.certificate)
    degree = max(4, len(weights) * (len(rule.coefficients) + 1))

    def confront(claim: Any) -> str:
        points = range(2 + degree // 2, -3, -1)
        for layer in LAYERS:
            # Numbers for k first: polynomials in t are left, which are short.
            there = claim.func(*(evaluate(side, {k: layer}) for side in claim.args), evaluate=False)
            evidence = agree(there, [{t: point} for point in points])
        try:
            rule.verify()
        except ArithmeticError as error:
            refute(str(error))
        for layer in (1, 4):
            if _constant_term(alpha, layer) != number(exact_correlation(rule.kernel, layer, 0)):
                refute(f"{alpha} is not the autocorrelation of {rule.kernel!r}")
        where = f"{evidence} at each of {len(LAYERS)} layers"
        return f"{where}; expanded in full in $z$ and $k$ by other code"

    return Step(
        "Certificate: a combination of powers of $\\alpha(t) = \\mathcal{A}(z)$, $t = z + 1/z$, "
        "is a total derivative.",
        sp.Eq(left, right, evaluate=False),
        "the right side is $z\\,\\frac{d}{dz}[(z - 1/z)\\, r(t)\\, \\alpha^k] / \\alpha^k$, in "
        "$t$, for one rational $r$, found by reducing $1, \\alpha, \\alpha^2, \\dots$ modulo "
        "such derivatives until they depend on each other. Expanding both sides is the proof.",
        Check("integer points, and full expansion", confront),
    )


def _slope(alpha: Any, rho: Certificate) -> Any:
    """Return (t^2 - 4) rho alpha'/alpha in lowest terms: alpha divides its numerator."""
    ring, *symbols = sp.ring([t, k], sp.QQ)
    numerator = ring.from_dict(
        {(j, n): value for j, row in enumerate(rho.numerators) for n, value in enumerate(row)}
    )
    denominator = ring.from_dict({(0, n): value for n, value in enumerate(rho.denominator)})
    symbol, divisor = symbols[0], ring.from_expr(alpha)
    quotient = (numerator * (symbol**2 - 4) * divisor.diff(symbol)).exquo(divisor)
    above, below = quotient.cancel(denominator)
    return above.as_expr() / below.as_expr()


def _constant_term(alpha: Any, power: int) -> Any:
    """Constant term in z of alpha(z + 1/z)^power."""
    poly = sp.Poly(alpha**power, t)
    return sum(
        (value * sp.binomial(n, n // 2) for (n,), value in poly.terms() if n % 2 == 0), sp.S.Zero
    )
