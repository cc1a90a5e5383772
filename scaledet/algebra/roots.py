"""Exact algebraic numbers: dominant roots of integer polynomials and logarithms of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flint import arb, fmpz_poly

__all__ = ["PositiveRoot", "dominant_root", "log_in_base"]

_LARGEST_PRECISION = 4096
"""Bits that are far beyond the root separation bound of the small polynomials met here."""


@dataclass(frozen=True, eq=False)
class PositiveRoot:
    """The largest positive root of an irreducible integer polynomial, divided by `scale`.

    `multiplicity` is that of the factor in the polynomial it came from; `peak_alone` says
    whether every other root of that polynomial has a strictly smaller modulus.
    """

    factor: fmpz_poly
    scale: Fraction
    multiplicity: int
    peak_alone: bool

    def same_as(self, other: PositiveRoot) -> bool:
        """Whether two roots of the same scale are the same number."""
        return self.scale == other.scale and self.factor == other.factor

    def ball(self, digits: int = 30) -> arb:
        """Enclosure of the number in ball arithmetic, to about `digits` digits."""
        from flint import arb, ctx, fmpq

        from scaledet.algebra.sympy_numbers import largest_real_root

        bits = int(3.33 * digits) + 32
        root = largest_real_root(self.factor, bits)
        with ctx.workprec(bits):
            return root / arb(fmpq(self.scale.numerator, self.scale.denominator))

    def __float__(self) -> float:
        return float(self.ball().mid())

    def sympy(self) -> Any:
        """Return the exact SymPy number: radicals up to degree 2, else a ``RealRoot``."""
        import sympy as sp
        from flint import fmpq, fmpq_poly

        from scaledet.algebra.sympy_numbers import RealRoot, exact_number

        p, q = self.scale.numerator, self.scale.denominator
        if self.factor.degree() > 2:
            return RealRoot(tuple(int(c) for c in self.factor.coeffs())) / sp.Rational(p, q)
        return exact_number(fmpq_poly([0, fmpq(q, p)]), self.factor)


def dominant_root(polynomial: fmpz_poly, scale: Fraction = Fraction(1)) -> PositiveRoot:
    """Return the root of largest modulus over `scale`, for the recurrence of a positive sequence.

    By Pringsheim's theorem the growth rate of a non-negative linear recurrent sequence (its
    minimal characteristic polynomial given) is itself a root: a positive real one.

    >>> from flint import fmpz_poly
    >>> dominant_root(fmpz_poly([2, -5, 1])).sympy()
    sqrt(17)/2 + 5/2
    """
    from flint import ctx

    from scaledet.algebra.sympy_numbers import by_value, complex_roots

    _, factors = polynomial.factor()
    order = cmp_to_key(by_value)
    precision = 128
    while True:
        with ctx.workprec(precision):
            candidates, moduli = [], []
            for factor, multiplicity in factors:
                roots = complex_roots(factor)
                moduli += [abs(root) for root in roots]
                reals = [r.real for r in roots if r.imag == 0 and r.real > 0]
                if reals:
                    candidates.append((max(reals, key=order), factor, multiplicity))
            top = max(candidates, key=lambda candidate: order(candidate[0]))
            if all(other is top or bool(top[0] > other[0]) for other in candidates):
                # The root itself always overlaps; a second one means equal modulus, which no
                # precision can separate.
                rivals = sum(not bool(modulus < top[0]) for modulus in moduli)
                if rivals == 1 or precision >= _LARGEST_PRECISION:
                    return PositiveRoot(top[1], scale, top[2], rivals == 1)
        precision *= 4


def log_in_base(number: Any, base: int) -> Any:
    r"""Return :math:`\log_{base}(number)` of a positive SymPy number in a canonical exact form.

    A rational number loses its factors of the base (of its primitive root); an irrational one is
    brought into (1/base, 1] by a power of the base. What is left stays a logarithm over log(base).

    >>> import sympy as sp
    >>> log_in_base(sp.Integer(8), 4), log_in_base(sp.Rational(1, 6), 3)
    (3/2, -1 - log(2)/log(3))
    """
    import sympy as sp

    if number.is_Rational:
        root, power = sp.perfect_power(base) or (base, 1)
        reduced, shift = _without_factor(Fraction(int(number.p), int(number.q)), int(root))
        rest = sp.Rational(reduced.numerator, reduced.denominator)
        return sp.Rational(shift, int(power)) + sp.log(rest) / sp.log(base)
    whole = 0
    value = float(number)
    while value > 1:
        value, whole = value / base, whole + 1
    while value * base <= 1:
        value, whole = value * base, whole - 1
    return whole + sp.log(sp.expand(number * sp.Integer(base) ** (-whole))) / sp.log(base)


def _without_factor(number: Fraction, factor: int) -> tuple[Fraction, int]:
    """Return (r, n) with number = r * factor**n, r's denominator prime to `factor`, n largest."""
    shift = 0
    while math.gcd(number.denominator, factor) > 1:
        number, shift = number * factor, shift - 1
    while number.numerator % factor == 0:
        number, shift = number / factor, shift + 1
    return number, shift
