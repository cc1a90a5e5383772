"""SymPy numbers: the largest real root of an integer polynomial, and polynomials in such a root.

SymPy's own ``CRootOf`` is exact too, but evaluating one of degree 30 takes it minutes, and sums of
powers of a root are evaluated term by term; balls of python-flint take milliseconds at any
precision and carry a certified error, cancellation included.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import sympy as sp
from flint import arb, ctx, fmpq_poly, fmpz_poly, nmod_poly
from mpmath.libmp import from_man_exp

from scaledet.algebra.balls import element_ball, field_quotient, largest_real_root
from scaledet.isolation import LOCK

__all__ = ["BallNumber", "FieldElement", "RealRoot", "exact_number", "exact_quotient"]

_LONGEST_DIVISION = 10**6
"""Degree squared times bits of a division in a field that is carried out (below 0.1 s)."""
_PRIME = 2**61 - 1
_MOST_DIGITS = 4300
"""Digits of the longest integer that Python turns into text."""


class BallNumber(sp.NumberSymbol):  # type: ignore[misc]  # SymPy ships no types
    """A real number, no integer, that python-flint evaluates: by its `ball`.

    Irrational and algebraic, if a subclass does not say otherwise.
    """

    is_real = True
    is_irrational: bool | None = True
    is_algebraic: bool | None = True
    is_finite = True

    def ball(self, bits: int) -> arb:
        """Enclosure with `bits` correct bits."""
        raise NotImplementedError

    def __getnewargs__(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def _hashable_content(self) -> tuple[Any, ...]:
        return self.__getnewargs__()

    def __eq__(self, other: object) -> bool:
        if type(self) is type(other):
            return bool(self.__getnewargs__() == other.__getnewargs__())
        return False

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.__getnewargs__()))

    def _as_mpf_val(self, prec: int) -> Any:
        return from_man_exp(*_float_parts(self, prec + 8), prec)

    def approximation_interval(self, number_cls: type) -> Any:
        """Return the neighbouring integers, which SymPy's ``floor`` asks for."""
        if not issubclass(number_cls, sp.Integer):
            return None
        return sp.Integer(self._floor()), sp.Integer(self._floor() + 1)

    def __int__(self) -> int:
        whole = self._floor()
        return whole if whole >= 0 else whole + 1

    def _floor(self) -> int:
        """Largest integer below the number, which is none itself."""
        bits, whole = 128, None
        while whole is None:
            with LOCK, ctx.workprec(bits):
                whole, bits = self.ball(bits).floor().unique_fmpz(), 2 * bits
        return int(whole)


@lru_cache(maxsize=256)
def _float_parts(number: BallNumber, bits: int) -> tuple[int, int]:
    """Mantissa and exponent: evaluating a formula asks often."""
    mantissa, exponent = number.ball(bits).mid().man_exp()
    return int(mantissa), int(exponent)


class RealRoot(BallNumber):
    """Largest real root of sum_j c_j x^j, with integers c_j, assumed irreducible and irrational.

    Examples
    --------
    >>> root = RealRoot((-2, 0, 0, 1))
    >>> root.evalf(30), root**3 > 1
    (1.25992104989487316476721060728, True)
    """

    coefficients: tuple[int, ...]

    def __new__(cls, coefficients: tuple[int, ...]) -> RealRoot:
        """Make the number from c_0, c_1, ..., c_n."""
        instance: RealRoot = sp.AtomicExpr.__new__(cls)
        instance.coefficients = tuple(int(c) for c in coefficients)
        return instance

    def __getnewargs__(self) -> tuple[tuple[int, ...]]:
        return (self.coefficients,)

    def ball(self, bits: int) -> arb:
        """Enclosure with `bits` correct bits."""
        return largest_real_root(fmpz_poly(list(self.coefficients)), bits)

    def _sympystr(self, printer: Any) -> str:
        return f"RealRoot({_printed(self.coefficients, printer)})"

    def _latex(self, printer: Any) -> str:
        return _root_latex(_printed(self.coefficients, printer))


def _printed(coefficients: tuple[int, ...], printer: Any, denominator: int = 1) -> str:
    """Write a polynomial in x, or only how long it is."""
    digits = int(max(map(abs, (*coefficients, denominator))).bit_length() * math.log10(2)) + 1
    if digits > _MOST_DIGITS:
        text = f"degree {len(coefficients) - 1}, integers of {digits} digits"
        return rf"\text{{{text}}}" if printer.printmethod == "_latex" else text
    polynomial = sp.Poly(coefficients[::-1], sp.Symbol("x")).as_expr()
    return str(printer.doprint(sp.expand(polynomial / denominator)))


def _root_latex(polynomial: str) -> str:
    return rf"\max\left\{{x \in \mathbb{{R}} : {polynomial} = 0\right\}}"


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

    def _texts(self, printer: Any) -> tuple[str, str]:
        """Text of both polynomials, of the number and of the root."""
        value = _printed(self.numerator, printer, self.denominator)
        return value, _printed(self.factor, printer)

    def _sympystr(self, printer: Any) -> str:
        return "FieldElement({}, {})".format(*self._texts(printer))

    def _latex(self, printer: Any) -> str:
        value, factor = self._texts(printer)
        return rf"\left[{value}\right]_{{x = {_root_latex(factor)}}}"


def exact_quotient(top: fmpq_poly, bottom: fmpq_poly, factor: fmpz_poly) -> Any:
    """Return top/bottom at the largest real root of `factor` as an exact SymPy number.

    It is one number of the field, as `exact_number` writes it, unless the division would take
    long: its coefficients may have degree times as many digits as those of both. Then it stays a
    quotient of two numbers (a rational one never does).

    >>> from flint import fmpq_poly, fmpz_poly
    >>> exact_quotient(fmpq_poly([1]), fmpq_poly([1, 1]), fmpz_poly([-2, 0, 1]))
    -1 + sqrt(2)
    """
    modulus = fmpq_poly(factor)
    top, bottom = top % modulus, bottom % modulus
    bits = factor.height_bits() + bottom.numer().height_bits()
    if factor.degree() ** 2 * bits <= _LONGEST_DIVISION:
        return exact_number(field_quotient(top, bottom, factor), factor)
    leading = bottom.degree()
    if top * bottom[leading] == bottom * top[leading]:
        return _rational(top[leading] / bottom[leading])
    return exact_number(top, factor) / exact_number(bottom, factor)


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
    degree = element.degree()
    if degree <= 0:
        return _rational(element[0])
    # If there is a rational p, (e - p)^2 is rational in the field: modulo a prime, too.
    general = _no_square_root(element.numer(), factor)
    if not general:
        square = element * element % modulus
        half = square[degree] / element[degree] / 2
        rest = square - 2 * half * element
        general = rest.degree() > 0
    if general:
        numerator = tuple(int(c) for c in element.numer().coeffs())
        return FieldElement(numerator, int(element.denom()), tuple(int(c) for c in factor.coeffs()))
    positive = element_ball(element - fmpq_poly([half]), factor, 16) > 0
    root = sp.sqrt(_rational(rest[0] + half * half))
    return _rational(half) + (root if positive else -root)


def _no_square_root(element: fmpz_poly, factor: fmpz_poly) -> bool:
    """Whether arithmetic modulo a prime shows that no (e - p)^2 with rational p is rational."""
    if any(part[part.degree()] % _PRIME == 0 for part in (element, factor)):
        return False
    number, degree = nmod_poly(element.coeffs(), _PRIME), element.degree()
    square = number * number % nmod_poly(factor.coeffs(), _PRIME)
    return bool((square * number[degree] - number * square[degree]).degree() > 0)


def _rational(value: Any) -> Any:
    return sp.Rational(int(value.p), int(value.q))
