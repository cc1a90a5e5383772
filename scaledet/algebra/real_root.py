"""A SymPy number: the largest real root of an irreducible integer polynomial.

SymPy's own ``CRootOf`` is exact too, but evaluating one of degree 30 takes it minutes;
python-flint certifies the same root in milliseconds, at any precision.
"""

from __future__ import annotations

from functools import cmp_to_key, lru_cache
from typing import Any

import sympy as sp
from flint import acb, arb, ctx, fmpz_poly
from mpmath.libmp import from_man_exp

from scaledet.errors import ArgumentTypeError

__all__ = ["BallNumber", "RealRoot", "by_value", "complex_roots", "largest_real_root"]


def complex_roots(polynomial: fmpz_poly) -> list[acb]:
    """Enclose the distinct complex roots at the current working precision."""
    pairs: Any = polynomial.complex_roots()
    return [root for root, _ in pairs]


def by_value(first: arb, second: arb) -> int:
    """Order balls, for ``functools.cmp_to_key``; overlapping ones are equal."""
    return int(bool(first > second)) - int(bool(first < second))


@lru_cache(maxsize=256)
def _float_parts(number: BallNumber, bits: int) -> tuple[int, int]:
    """Mantissa and exponent: evaluating a formula asks often."""
    mantissa, exponent = number.ball(bits).mid().man_exp()
    return int(mantissa), int(exponent)


def largest_real_root(polynomial: fmpz_poly, bits: int) -> arb:
    """Enclose the largest real root of a squarefree integer polynomial to about `bits` bits."""
    with ctx.workprec(bits + 32):
        reals = [root.real for root in complex_roots(polynomial) if root.imag == 0]
    return max(reals, key=cmp_to_key(by_value))


class BallNumber(sp.NumberSymbol):  # type: ignore[misc]  # SymPy ships no types
    """An irrational real algebraic number that python-flint evaluates, by its `ball`."""

    is_real = True
    is_irrational = True
    is_algebraic = True
    is_finite = True

    def ball(self, bits: int) -> arb:
        """Enclosure with `bits` correct bits."""
        raise ArgumentTypeError(f"{type(self).__name__} must define ball; got bits = {bits}")

    def __getnewargs__(self) -> tuple[Any, ...]:
        raise ArgumentTypeError(f"{type(self).__name__} must define __getnewargs__")

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

    def as_poly_in(self, symbol: Any) -> Any:
        """Return the minimal polynomial (up to a factor) as a SymPy ``Poly`` in `symbol`."""
        return sp.Poly(list(reversed(self.coefficients)), symbol)

    def _sympystr(self, printer: Any) -> str:
        polynomial = printer.doprint(self.as_poly_in(sp.Symbol("x")).as_expr())
        return f"RealRoot({polynomial})"

    def _latex(self, printer: Any) -> str:
        polynomial = printer.doprint(self.as_poly_in(sp.Symbol("x")).as_expr())
        return rf"\max\left\{{x \in \mathbb{{R}} : {polynomial} = 0\right\}}"
