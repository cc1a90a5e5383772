"""A SymPy number: a polynomial with rational coefficients in one real algebraic number.

Sums of powers of a ``RealRoot`` are exact as well, but SymPy evaluates them term by term, and
Horner's nesting of them exponentially slowly; balls of python-flint take milliseconds and carry a
certified error, cancellation included.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy as sp
from flint import arb, arb_poly, ctx, fmpq_poly, fmpz_poly

from scaledet.algebra.real_root import BallNumber, largest_real_root

__all__ = ["FieldElement", "element_ball", "exact_number"]


@lru_cache(maxsize=64)
def _root(factor: tuple[int, ...], bits: int) -> arb:
    """Enclose the largest real root; one generator serves many elements."""
    return largest_real_root(fmpz_poly(list(factor)), bits)


def element_ball(element: fmpq_poly, factor: fmpz_poly, bits: int) -> arb:
    """Enclose `element` at the largest real root of the irreducible `factor` to `bits` bits.

    The error is relative: the working precision grows until cancellation has left `bits` bits.

    >>> from flint import fmpq_poly, fmpz_poly
    >>> element_ball(fmpq_poly([-7, 5]), fmpz_poly([-2, 0, 1]), 64).str(15)
    '[0.0710678118654752 +/- 4.41e-17]'
    """
    if not element % fmpq_poly(factor):
        return arb(0)
    generator = tuple(int(c) for c in factor.coeffs())
    working = bits + 32
    while True:
        with ctx.workprec(working):
            value = arb_poly(element.numer())(_root(generator, working)) / arb(element.denom())
        if value.rel_accuracy_bits() >= bits:
            return value
        working *= 2


def exact_number(element: fmpq_poly, factor: fmpz_poly) -> Any:
    """Return `element` at the largest real root of `factor` as an exact SymPy number.

    Numbers of degree 1 and 2 are written with rationals and square roots, whatever the degree of
    the field; all others are a `FieldElement`.

    >>> from flint import fmpq_poly, fmpz_poly
    >>> exact_number(fmpq_poly([5, -1], 2), fmpz_poly([2, -5, 1]))
    5/4 - sqrt(17)/4
    >>> exact_number(fmpq_poly([1, 0, 1]), fmpz_poly([-2, 0, 0, 0, 1]))
    1 + sqrt(2)
    """
    modulus = fmpq_poly(factor)
    element %= modulus
    if element.degree() <= 0:
        return _rational(element[0])
    relation = _quadratic_relation(element, modulus)
    if relation is None:
        return FieldElement(
            tuple(int(c) for c in element.numer().coeffs()),
            int(element.denom()),
            tuple(int(c) for c in factor.coeffs()),
        )
    half, square = relation  # (element - half)^2 = square
    rest = element_ball(element - fmpq_poly([half]), factor, 16)
    return _rational(half) + (1 if rest > 0 else -1) * sp.sqrt(_rational(square))


def _rational(value: Any) -> Any:
    return sp.Rational(int(value.p), int(value.q))


def _quadratic_relation(element: fmpq_poly, modulus: fmpq_poly) -> tuple[Any, Any] | None:
    """Rational (p, q) with (e - p)^2 = q in the field, if there are any."""
    power = element * element % modulus
    leading = element.degree()
    half = power[leading] / element[leading] / 2
    rest = power - 2 * half * element
    return (half, rest[0] + half * half) if rest.degree() <= 0 else None


class FieldElement(BallNumber):
    """sum_j (n_j / denominator) x^j at the largest real root x of sum_j f_j x^j.

    The f_j are integers of an irreducible polynomial, the n_j integers, fewer than the f_j. The
    number is irrational: `exact_number` makes only such ones.

    Examples
    --------
    >>> number = FieldElement((-5, 4), 1, (-2, 0, 0, 1))
    >>> number.evalf(30), number < 0.04
    (0.0396841995794926590688424291129, True)
    >>> number
    FieldElement(4*x - 5, x**3 - 2)
    """

    numerator: tuple[int, ...]
    denominator: int
    factor: tuple[int, ...]

    def __new__(
        cls, numerator: tuple[int, ...], denominator: int, factor: tuple[int, ...]
    ) -> FieldElement:
        """Make the number from n_0, n_1, ..., the denominator, and f_0, f_1, ..."""
        instance: FieldElement = sp.AtomicExpr.__new__(cls)
        instance.numerator = tuple(int(c) for c in numerator)
        instance.denominator = int(denominator)
        instance.factor = tuple(int(c) for c in factor)
        return instance

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.numerator, self.denominator, self.factor)

    def ball(self, bits: int) -> arb:
        """Enclosure with `bits` correct bits."""
        element = fmpq_poly(list(self.numerator), self.denominator)
        return element_ball(element, fmpz_poly(list(self.factor)), bits)

    def as_expressions(self, symbol: Any) -> tuple[Any, Any]:
        """Return both polynomials, of the number and of the root, in `symbol`."""
        coefficients = [Fraction(c, self.denominator) for c in self.numerator]
        value = sum(sp.Rational(c.numerator, c.denominator) * symbol**j
                    for j, c in enumerate(coefficients))  # fmt: skip
        return value, sp.Poly(list(reversed(self.factor)), symbol).as_expr()

    def _sympystr(self, printer: Any) -> str:
        value, factor = self.as_expressions(sp.Symbol("x"))
        return f"FieldElement({printer.doprint(value)}, {printer.doprint(factor)})"

    def _latex(self, printer: Any) -> str:
        value, factor = (printer.doprint(e) for e in self.as_expressions(sp.Symbol("x")))
        root = rf"\max\left\{{x \in \mathbb{{R}} : {factor} = 0\right\}}"
        return rf"\left[{value}\right]_{{x = {root}}}"
