"""Hold claims on one filter with a stride to the plain recursion, its zeros and its products."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import sympy as sp
from flint import nmod_mat

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.network.kernel import Kernel
from scaledet.reference.exact import number, refute
from scaledet.reference.recursion import PlainRecursion, measured
from scaledet.symbolic.claims import agree, evaluate
from scaledet.symbolic.derivation import Check
from scaledet.symbolic.routes.checks import check_in, dimensions
from scaledet.symbols import k, z

__all__ = [
    "RATES",
    "annihilates",
    "beta_check",
    "falls",
    "generates",
    "grows",
    "lowest_maximum",
    "measures",
    "multiplicity",
    "settled",
    "settled_check",
    "smooth",
]

_PRIME = 2**61 - 1
"""What is not 0 modulo a prime is not 0."""
RATES = "exact local rates of the plain recursion"


def generates(claim: Any, recursion: PlainRecursion, order: int) -> str:
    """Hold a generating function to the sequence, term by term.

    Both sides obey linear recurrences of order <= `order`: agreement in the first 2 order + 2
    terms is identity.
    """
    total = claim.lhs
    if not isinstance(total, sp.Sum) or total.limits != (sp.Tuple(k, 0, sp.oo),):
        refute(f"{claim} is no generating function in k >= 0")
    terms = 2 * order + 2
    series = sum(
        (evaluate(total.function, {k: layer}, recursion.functions()) for layer in range(terms)),
        sp.S.Zero,
    )
    top, bottom = sp.fraction(sp.together(claim.rhs))
    if bottom.has(k) or top.has(k) or claim.rhs.free_symbols != {z}:
        refute(f"{claim} is no function of z")
    rest = sp.Poly(sp.expand(top - bottom * series), z)
    low = [power for (power,), value in rest.terms() if value and power < terms]
    if low:
        refute(f"{claim} differs from the sequence at z^{min(low)}")
    if sp.Poly(bottom, z).degree() > order:
        refute(f"{claim}: denominator of degree above {order}")
    return f"{terms} terms: an identity, as both sides obey a recurrence of order {order}"


def annihilates(claim: Any, variable: Any, terms: list[Fraction], start: int) -> str:
    """Hold a minimal polynomial to a sequence: it annihilates it, and nothing shorter does.

    The recurrence holds from term `start` on (the generating function may have a polynomial
    part); a Hankel determinant that is not zero excludes any shorter one.
    """
    difference = claim.lhs - claim.rhs
    if difference.free_symbols != {variable}:
        refute(f"{claim} is no polynomial equation in {variable}")
    try:
        polynomial = sp.Poly(difference, variable)
    except sp.PolynomialError:
        refute(f"{claim} is no polynomial equation")
    coefficients = polynomial.all_coeffs()[::-1]
    degree, values = len(coefficients) - 1, [number(term) for term in terms[start:]]
    residues = [term.numerator * pow(term.denominator, -1, _PRIME) for term in terms[start:]]
    for at in range(len(values) - degree):
        if sum(c * v for c, v in zip(coefficients, values[at:], strict=False)) != 0:
            refute(f"{claim} fails at term {at + start}")
    hankel = [[at + i for i in range(degree)] for at in range(degree)]
    modular = nmod_mat([[residues[at] for at in row] for row in hankel], _PRIME)
    if int(modular.det()) == 0:
        matrix = sp.Matrix([[values[at] for at in row] for row in hankel])
        if matrix.det(method="domain-ge") == 0:
            refute(f"{claim} is not minimal")
    return f"{len(values) - degree} terms; Hankel determinant of order {degree} not zero"


def measures(claim: Any, symbol: Any, value: Any, error: Any) -> str:
    """Hold a claimed number to a measured one."""
    if claim.lhs != symbol:
        refute(f"{claim} is no claim on {symbol}")
    right = evaluate(claim.rhs, {})
    if not right.is_number or not right.is_real:
        refute(f"{claim} claims no real number")
    if abs(right.evalf(50) - value) > error:
        refute(f"{claim}: measured {value.evalf(12)}")
    return f"measured {value.evalf(10)} within {error.evalf(2)}"


def grows(claim: Any, *, symbol: Any, recursion: PlainRecursion, name: str) -> str:
    """Hold a growth rate per layer to the measured one of "peak" or "drop"."""
    rate, error = measured(recursion, name)
    value = recursion.stride**rate
    return measures(claim, symbol, value, 4 * error * value)


def falls(claim: Any, *, recursion: PlainRecursion) -> str:
    """Hold alpha to the measured growth of c_k(0) and of c_k(0) - c_k(1)."""
    (peak, near), (drop, far) = (measured(recursion, name) for name in ("peak", "drop"))
    return measures(claim, y.alpha, peak - drop, near + far)


def beta_check(recursion: PlainRecursion, dim: Any) -> Check:
    """Hold beta to the measured growth of 1/c_k(0)^d."""

    def confront(claim: Any, at: int) -> str:
        peak, error = measured(recursion, "peak")
        claimed = sp.Eq(claim.lhs, evaluate(claim.rhs, {y.d: at}), evaluate=False)
        return measures(claimed, y.beta, -at * peak, at * error)

    return check_in(dimensions(dim), RATES, confront)


def settled(claim: Any, *, subject: Any, value: Callable[[int], Any]) -> str:
    """Hold a limit to exact numbers at growing depth, until 20 digits (or 10) stand still."""
    if claim.lhs != subject:
        refute(f"{claim} is no claim on {subject}")
    right = evaluate(claim.rhs, {}).evalf(40)
    if not right.is_Float and not right.is_Rational:
        refute(f"{claim} claims no number")
    layer, now = 16, number(value(16)).evalf(40)
    while layer < 2048:
        layer, before = 2 * layer, now
        now = number(value(layer)).evalf(40)
        moved = abs(now - before)
        if moved <= abs(now) * sp.Float(10) ** -22:
            break
    if moved > abs(now) * sp.Float(10) ** -12:
        refute(f"{claim}: exact values have not settled by layer {layer}")
    if abs(right - now) > max(100 * moved, abs(now) * sp.Float(10) ** -20):
        refute(f"{claim}: measured {now.evalf(12)}")
    return f"measured {now.evalf(11)} at layer {layer}"


def settled_check(route: str, subject: Any, dim: Any, value: Callable[[int, int], Any]) -> Check:
    """Hold a limit to exact numbers at a dimension and growing depth, in each dimension."""

    def confront(claim: Any, at: int) -> str:
        claimed = sp.Eq(*(side.subs(y.d, at) for side in claim.args), evaluate=False)
        return settled(claimed, subject=subject.subs(y.d, at), value=partial(value, at))

    return check_in(dimensions(dim), route, confront)


def multiplicity(kernel: Kernel, stride: int) -> int:
    """Smallest multiplicity of the zeros of a at the non-trivial s-th roots of unity."""
    coefficients = [mpmath.mpf(w.numerator) / w.denominator for w in reversed(kernel.weights)]
    lowest = len(coefficients)
    with mpmath.workdps(50):
        for r in range(1, stride):
            root, order = mpmath.expjpi(mpmath.mpf(2 * r) / stride), 0
            values = list(coefficients)
            while values and abs(mpmath.polyval(values, root)) < mpmath.mpf(10) ** -12:
                degree = len(values) - 1
                values = [v * (degree - i) for i, v in enumerate(values[:-1])]
                order += 1
            lowest = min(lowest, order)
    return lowest


def smooth(claim: Any, *, kernel: Kernel, stride: int, quotient: PlainRecursion) -> str:
    """Confront nu_R with the zeros of the filter and the measured energy of its quotient."""
    rate, error = measured(quotient, "peak")
    return measures(claim, y.nu, multiplicity(kernel, stride) - (1 + rate) / 2, error)


def lowest_maximum(claim: Any, *, kernel: Kernel, stride: int) -> str:
    """Minimise max_l |phi^(theta + 2 pi l)| over a grid, then around its lowest points."""
    weights = [float(w) for w in reversed(kernel.weights)]
    shifts = 2 * np.pi * np.arange(-40, 41)
    levels = int(np.ceil(np.log(1e6) / np.log(stride)))

    def largest(theta: Any) -> Any:
        angle = np.add.outer(np.asarray(theta), shifts)
        product = np.ones(angle.shape)
        for _ in range(levels):
            angle = angle / stride
            product *= np.abs(np.polyval(weights, np.exp(1j * angle)))
        return product.max(axis=-1)

    grid = np.linspace(1e-3, np.pi, 361)
    values = largest(grid)
    lowest = float(values.min())
    for at in np.argsort(values)[:4]:
        low, high = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
        for _ in range(60):
            inner = np.array([low + (high - low) / 3, high - (high - low) / 3])
            left, right = largest(inner)
            low, high = (low, inner[1]) if left < right else (inner[0], high)
        lowest = min(lowest, float(largest((low + high) / 2)))
    agreement = agree(claim, [{y.riesz: sp.Integer(0) if lowest < 1e-11 else sp.Float(lowest)}])
    return f"smallest value {lowest:.2g}; {agreement}"
