r"""Exact amplitudes of c_k(0) and c_k(0) - c_k(1) at infinite depth, and the limit of D_k.

With N(z)/R(z) the generating function of the integers :math:`C_k` and :math:`\lambda` the
dominant root, a pole of order m at :math:`1/\lambda`,

.. math:: C_k \sim C \lambda^k k^{m-1}, \quad
   C = \frac{1}{(m-1)!} \lim_{z \to 1/\lambda} (1 - \lambda z)^m \frac{N(z)}{R(z)} ,

an element of the field :math:`\mathbf{Q}(\lambda)`, in which everything here is computed.

For non-negative kernels c_k(0) has one simple dominant root: it is a diagonal entry of the powers
of a non-negative matrix, whose class of lag 0 is primitive as A(0) > 0. No other class adds to
that rate in c_k(1), since c_k(1) <= c_k(0): where alpha = 0, D_k has a limit. Where alpha > 0, a
power of k or oscillations are possible in c_k(0) - c_k(1).
Source: partial fractions; Perron and Frobenius; the rest is our derivation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from flint import arb, ctx, fmpq_poly, fmpz_poly

from scaledet.algebra.balls import element_ball, field_quotient
from scaledet.algebra.roots import PositiveRoot
from scaledet.isolation import LOCK
from scaledet.rationals import shown
from scaledet.theory.growth.transition import Growth

__all__ = ["Amplitude", "amplitude", "plateau", "principal_part", "spelled"]


def spelled(value: Any) -> str:
    """Write an exact number with its decimal value, or this alone if the number is long."""
    text, number = shown(value, str, instead=""), f"{float(value):.6g}"
    if value.is_Integer:
        return text
    return f"{text} = {number}" if 0 < len(text) <= 60 else number


@dataclass(frozen=True, eq=False)
class Amplitude:
    r"""The number C of :math:`C_k \sim C \lambda^k k^{m-1}`, as `top` / `bottom` in Q(lambda).

    `root` holds lambda (its `scale` belongs to the normalised rate, not to C) and m.
    """

    root: PositiveRoot
    top: fmpq_poly
    bottom: fmpq_poly

    def sympy(self) -> Any:
        """Return the exact SymPy number: radicals up to degree 2, else a ``FieldElement``."""
        from scaledet.algebra.sympy_numbers import exact_quotient

        return exact_quotient(self.top, self.bottom, self.root.factor)

    def ball(self, digits: int = 30) -> arb:
        """Enclosure of the number in ball arithmetic, to `digits` correct digits."""
        bits = int(3.33 * digits) + 8
        top, bottom = (
            element_ball(part, self.root.factor, bits + 8) for part in (self.top, self.bottom)
        )
        with LOCK, ctx.workprec(bits + 32):
            return top / bottom

    def __float__(self) -> float:
        return float(self.ball().mid())

    def over(self, other: Amplitude) -> Any:
        """Return the exact quotient of two amplitudes; one SymPy number if a field holds both."""
        if self.root.same_as(other.root):
            top, bottom = self.top * other.bottom, self.bottom * other.top
            return Amplitude(self.root, top, bottom).sympy()
        return self.sympy() / other.sympy()


def _taylor(
    fraction: tuple[fmpz_poly, fmpz_poly], which: int, power: int, factor: fmpz_poly
) -> fmpq_poly:
    r"""Coefficient of w^power in :math:`\lambda^p N` (or R), w = 1 - lambda z, p >= both degrees.

    lambda is a root of `factor`: :math:`(-1)^j \sum_i \binom{i}{j} n_i \lambda^{p - i}`.
    """
    length = max(len(polynomial.coeffs()) for polynomial in fraction)
    terms = [0] * length
    for i, coefficient in enumerate(fraction[which].coeffs()):
        terms[length - 1 - i] = (-1) ** power * math.comb(i, power) * int(coefficient)
    return fmpq_poly(fmpz_poly(terms) % factor)


def principal_part(
    fraction: tuple[fmpz_poly, fmpz_poly], factor: fmpz_poly, order: int
) -> list[fmpq_poly]:
    r"""Return B_1, ..., B_m of :math:`N/R = \sum_j B_j (1 - \lambda z)^{-j}` + regular terms.

    lambda is any root of the irreducible `factor`, 1/lambda a pole of `order` m; B_j are in
    Q(lambda).
    """
    bottom = [_taylor(fraction, 1, order + j, factor) for j in range(order)]
    series: list[fmpq_poly] = []
    for j in range(order):
        rest = _taylor(fraction, 0, j, factor)
        for i in range(j):
            rest -= series[i] * bottom[j - i]
        series.append(field_quotient(rest, bottom[0], factor))
    return series[::-1]


def amplitude(fraction: tuple[fmpz_poly, fmpz_poly], root: PositiveRoot) -> Amplitude:
    r"""Return the amplitude of the dominant `root` of the sequence of a generating function.

    Meaningful as a limit of :math:`C_k / (\lambda^k k^{m-1})` if ``root.peak_alone``.
    """
    order = root.multiplicity
    top = _taylor(fraction, 0, 0, root.factor)
    bottom = _taylor(fraction, 1, order, root.factor) * math.factorial(order - 1)
    return Amplitude(root, top, bottom)


def plateau(rates: Growth) -> Any:
    """Limit of D_k on the infinite lattice as an exact SymPy number; None if there is none."""
    import sympy as sp

    if not rates.peak.same_as(rates.drop):
        return sp.Integer(0)
    if not rates.peak.peak_alone or not rates.drop.peak_alone:
        return None
    if rates.peak.multiplicity != rates.drop.multiplicity:
        return sp.Integer(0)
    top = amplitude(rates.drop_fraction, rates.drop)
    return top.over(amplitude(rates.peak_fraction, rates.peak))
