"""SymPy numbers: the largest real root of an integer polynomial, and polynomials in such a root.

SymPy's own ``CRootOf`` is exact too, but evaluating one of degree 30 takes it minutes, and sums of
powers of a root are evaluated term by term; balls of python-flint take milliseconds at any
precision and carry a certified error, cancellation included.
"""

from __future__ import annotations

from functools import cmp_to_key, lru_cache
from typing import Any

import sympy as sp
from flint import acb, arb, arb_poly, ctx, fmpq_poly, fmpz_poly
from mpmath.libmp import from_man_exp

__all__ = [
    "BallNumber",
    "FieldElement",
    "RealRoot",
    "by_value",
    "complex_roots",
    "element_ball",
    "exact_number",
    "largest_real_root",
]


def complex_roots(polynomial: fmpz_poly) -> list[acb]:
    """Enclose the distinct complex roots at the current working precision."""
    pairs: Any = polynomial.complex_roots()
    return [root for root, _ in pairs]


def by_value(first: arb, second: arb) -> int:
    """Order balls, for ``functools.cmp_to_key``; overlapping ones are equal."""
    return int(bool(first > second)) - int(bool(first < second))


def largest_real_root(polynomial: fmpz_poly, bits: int) -> arb:
    """Enclose the largest real root of a squarefree integer polynomial to about `bits` bits."""
    with ctx.workprec(bits + 32):
        reals = [root.real for root in complex_roots(polynomial) if root.imag == 0]
    return max(reals, key=cmp_to_key(by_value))


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
        return _largest_root(self.coefficients, bits)

    def _sympystr(self, printer: Any) -> str:
        return f"RealRoot({_printed(self.coefficients, printer)})"

    def _latex(self, printer: Any) -> str:
        return _root_latex(_printed(self.coefficients, printer))


@lru_cache(maxsize=64)
def _largest_root(coefficients: tuple[int, ...], bits: int) -> arb:
    """Enclose the largest real root; one root serves many numbers of its field."""
    return largest_real_root(fmpz_poly(list(coefficients)), bits)


def _printed(coefficients: tuple[int, ...], printer: Any, denominator: int = 1) -> str:
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


def element_ball(element: fmpq_poly, factor: fmpz_poly, bits: int) -> arb:
    """Enclose `element` at the largest real root of the irreducible `factor` to `bits` bits.

    The error is relative: the working precision grows until cancellation has left `bits` bits.

    >>> from flint import fmpq_poly, fmpz_poly
    >>> element_ball(fmpq_poly([-7, 5]), fmpz_poly([-2, 0, 1]), 64).str(15)
    '[0.0710678118654752 +/- 4.41e-17]'
    """
    if not element % fmpq_poly(factor):
        return arb(0)
    coefficients = tuple(int(c) for c in factor.coeffs())
    working = bits + 32
    while True:
        with ctx.workprec(working):
            root = _largest_root(coefficients, working)
            value = arb_poly(element.numer())(root) / arb(element.denom())
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
    degree = element.degree()
    if degree <= 0:
        return _rational(element[0])
    # If there is a rational p, (e - p)^2 is rational in the field.
    square = element * element % modulus
    half = square[degree] / element[degree] / 2
    rest = square - 2 * half * element
    if rest.degree() > 0:
        numerator = tuple(int(c) for c in element.numer().coeffs())
        return FieldElement(numerator, int(element.denom()), tuple(int(c) for c in factor.coeffs()))
    positive = element_ball(element - fmpq_poly([half]), factor, 16) > 0
    root = sp.sqrt(_rational(rest[0] + half * half))
    return _rational(half) + (root if positive else -root)


def _rational(value: Any) -> Any:
    return sp.Rational(int(value.p), int(value.q))
