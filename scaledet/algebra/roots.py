"""Exact algebraic numbers: dominant roots of integer polynomials and logarithms of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from flint import acb, arb, ctx, fmpq, fmpq_poly, fmpz_poly

from scaledet.algebra.balls import complex_roots, largest, largest_real_root, refined
from scaledet.algebra.interruptible import interruptible
from scaledet.isolation import LOCK

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
        bits = int(3.33 * digits) + 32
        root = largest_real_root(self.factor, bits)
        with LOCK, ctx.workprec(bits):
            return root / arb(fmpq(self.scale.numerator, self.scale.denominator))

    def __float__(self) -> float:
        return float(self.ball().mid())

    def sympy(self) -> Any:
        """Return the exact SymPy number: radicals up to degree 2, else a ``RealRoot``."""
        import sympy as sp

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
    roots: list[_Root] = []
    bits = 128
    with LOCK, ctx.workprec(bits):
        seconds = 6e-10 * polynomial.degree() ** 2 * polynomial.height_bits()
        for factor, multiplicity in interruptible(polynomial, "factor", seconds=seconds)[1]:
            roots += [_Root(ball, factor, multiplicity) for ball in complex_roots(factor)]
    while True:
        reals = [root for root in roots if root.ball.imag == 0 and root.ball.real > 0]
        ball = largest(root.ball for root in reals)
        top = next(root for root in reals if root.ball is ball)
        roots = [root for root in roots if not abs(root.ball) < top.ball.real]
        # The root itself always overlaps; a second one means equal modulus, which no precision
        # can separate, unless both are real.
        alone = len(roots) == 1
        if alone or (bits >= _LARGEST_PRECISION and sum(root in roots for root in reals) == 1):
            return PositiveRoot(top.factor, scale, top.multiplicity, alone)
        bits *= 4
        roots = [replace(root, ball=refined(root.factor, root.ball, bits)) for root in roots]


@dataclass(frozen=True, eq=False)
class _Root:
    """A root of a polynomial, its irreducible factor and the multiplicity of this one."""

    ball: acb
    factor: fmpz_poly
    multiplicity: int


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
