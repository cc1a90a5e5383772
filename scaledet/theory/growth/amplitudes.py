r"""Exact leading behaviour of c_k(0), c_k(0) - c_k(1), D_k and G_k at infinite depth.

With N(z)/R(z) the generating function of the integers :math:`C_k` and :math:`\lambda` the
dominant root, a pole of order m at :math:`1/\lambda`,

.. math:: C_k \sim C \lambda^k k^{m-1}, \quad
   C = \frac{1}{(m-1)!} \lim_{z \to 1/\lambda} (1 - \lambda z)^m \frac{N(z)}{R(z)} ,

an element of the field :math:`\mathbf{Q}(\lambda)`, in which everything here is computed.

For non-negative kernels c_k(0) has one simple dominant root: it is a diagonal entry of the powers
of a non-negative matrix, whose class of lag 0 is primitive as A(0) > 0. No other class adds to
that rate in c_k(1), since c_k(1) <= c_k(0): where alpha = 0, D_k has a limit. Where alpha > 0, a
power of k or oscillations are possible in c_k(0) - c_k(1), and found.
Source: partial fractions; Perron and Frobenius; the rest is our derivation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scaledet import validate
from scaledet.algebra.roots import PositiveRoot
from scaledet.theory.growth.transition import Growth, growth

if TYPE_CHECKING:
    from flint import arb, fmpq_poly, fmpz_poly

    from scaledet.network.kernel import Kernel
    from scaledet.theory.growth.exponents import Exponents

__all__ = ["Amplitude", "Asymptote", "amplitude", "asymptote", "plateau", "principal_part"]


@dataclass(frozen=True, eq=False)
class Amplitude:
    r"""The number C of :math:`C_k \sim C \lambda^k k^{m-1}`, as `top` / `bottom` in Q(lambda).

    `root` holds lambda (its `scale` belongs to the normalised rate, not to C) and m.
    """

    root: PositiveRoot
    top: fmpq_poly
    bottom: fmpq_poly

    @cached_property
    def element(self) -> fmpq_poly:
        """C as a polynomial in lambda, of lower degree than its minimal polynomial."""
        return _quotient(self.top, self.bottom, self.root.factor)

    def sympy(self) -> Any:
        """Return the exact SymPy number: radicals up to degree 2, else a ``FieldElement``."""
        from scaledet.algebra.sympy_numbers import exact_number

        return exact_number(self.element, self.root.factor)

    def ball(self, digits: int = 30) -> arb:
        """Enclosure of the number in ball arithmetic, to `digits` correct digits."""
        from scaledet.algebra.sympy_numbers import element_ball

        return element_ball(self.element, self.root.factor, int(3.33 * digits) + 8)

    def __float__(self) -> float:
        return float(self.ball().mid())

    def over(self, other: Amplitude) -> Any:
        """Return the exact quotient of two amplitudes; one SymPy number if a field holds both."""
        if self.root.same_as(other.root):
            if self.bottom == other.bottom:
                return Amplitude(self.root, self.top, other.top).sympy()
            top, bottom = self.top * other.bottom, self.bottom * other.top
            return Amplitude(self.root, top, bottom).sympy()
        return self.sympy() / other.sympy()


def _quotient(top: fmpq_poly, bottom: fmpq_poly, factor: fmpz_poly) -> fmpq_poly:
    """Divide in the field Q[x]/(factor)."""
    from flint import fmpq_poly

    modulus = fmpq_poly(factor)
    return top % modulus * (bottom % modulus).xgcd(modulus)[1] % modulus


def _taylor(
    fraction: tuple[fmpz_poly, fmpz_poly], which: int, power: int, factor: fmpz_poly
) -> fmpq_poly:
    r"""Coefficient of w^power in :math:`\lambda^p N` (or R), w = 1 - lambda z, p >= both degrees.

    lambda is a root of `factor`: :math:`(-1)^j \sum_i \binom{i}{j} n_i \lambda^{p - i}`.
    """
    from flint import fmpq_poly, fmpz_poly

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

    >>> rates = growth((5, 6, 9, 12, 15, 8, 9, 6, 3, 0, 2), 5)
    >>> principal_part(rates.drop_fraction, rates.drop.factor, rates.drop.multiplicity)
    [7/15, 8/15]
    """
    bottom = [_taylor(fraction, 1, order + j, factor) for j in range(order)]
    series: list[fmpq_poly] = []
    for j in range(order):
        rest = _taylor(fraction, 0, j, factor)
        for i in range(j):
            rest -= series[i] * bottom[j - i]
        series.append(_quotient(rest, bottom[0], factor))
    return series[::-1]


def amplitude(fraction: tuple[fmpz_poly, fmpz_poly], root: PositiveRoot) -> Amplitude:
    r"""Return the amplitude of the dominant `root` of the sequence of a generating function.

    Meaningful as a limit of :math:`C_k / (\lambda^k k^{m-1})` if ``root.peak_alone``.

    >>> rates = growth((1, 1, 1), 2)
    >>> amplitude(rates.peak_fraction, rates.peak).sympy()
    sqrt(17)/34 + 1/2
    """
    order = root.multiplicity
    top = _taylor(fraction, 0, 0, root.factor)
    bottom = _taylor(fraction, 1, order, root.factor) * math.factorial(order - 1)
    return Amplitude(root, top, bottom)


def plateau(rates: Growth) -> Any:
    """Limit of D_k on the infinite lattice as an exact SymPy number; None if there is none.

    >>> plateau(growth((2, 1), 2)), plateau(growth((1, 1), 2))
    (1/3, 0)
    """
    import sympy as sp

    if not rates.peak.same_as(rates.drop):
        return sp.Integer(0)
    if not rates.peak.peak_alone or not rates.drop.peak_alone:
        return None
    if rates.peak.multiplicity != rates.drop.multiplicity:
        return sp.Integer(0)
    top = amplitude(rates.drop_fraction, rates.drop)
    return top.over(amplitude(rates.peak_fraction, rates.peak))


@dataclass(frozen=True, eq=False, repr=False)
class Asymptote:
    r"""Leading behaviour of one filter and stride repeated without end, on the infinite lattice.

    With the exponents, the width :math:`B s^k` of the receptive field,
    :math:`B^2 = 12 \kappa_2/(s^2 - 1)`, and c_k(0) ~ C rho^k, c_k(0) - c_k(1) ~ C_D rho_D^k k^p:

    .. math:: D_k \sim P k^p A_k^{-\alpha},\ P = \frac{C_D}{C} B^\alpha, \qquad
       G_k \sim r A_k^\beta,\ r = \frac{C^{-d} B^{-\beta}}{2 \pi} .

    Attributes
    ----------
    exponents : Exponents
        alpha, beta (of d = 1), p = ``log_power``, the kernel, the stride.
    peak, drop : Amplitude or None
        C and C_D; None where the sequence has no limit.
    reason : str or None
        Why an amplitude is missing.
    """

    exponents: Exponents
    peak: Amplitude | None
    drop: Amplitude | None
    reason: str | None

    def __repr__(self) -> str:
        kernel, stride = self.exponents.kernel, self.exponents.stride
        rows = [f"Asymptote of {kernel!r}, stride {stride}"]
        for name, value in (("C", self.peak), ("C_D", self.drop)):
            if value is not None:
                text = str(value.sympy())
                number = f"{float(value):.6g}"
                rows.append(f"  {name} = {text} = {number}" if len(text) <= 60 and text != number
                            else f"  {name} = {number}")  # fmt: skip
        return "\n".join([*rows, f"  {self.reason}"] if self.reason else rows)

    @cached_property
    def ratio(self) -> Any:
        """C_D / C, exact; the limit of D_k if alpha = 0; None without limit."""
        if self.peak is None or self.drop is None:
            return None
        return self.drop.over(self.peak)

    @property
    def width(self) -> Any:
        """B of A_k ~ B s^k (pixels), exact."""
        import sympy as sp

        variance, stride = self.exponents.kernel.variance, self.exponents.stride
        square = 12 * variance / (stride**2 - 1)
        return sp.sqrt(sp.Rational(square.numerator, square.denominator))

    @property
    def D_prefactor(self) -> Any:
        """P of D_k ~ P k^p A_k^-alpha, any dimension; None without limit."""
        return None if self.ratio is None else self.ratio * self.width**self.exponents.alpha

    def G_prefactor(self, dim: Any = 1) -> Any:
        """Return r of G_k ~ r A_k^beta, noise matched, rectify = "input" (or "noise").

        `dim` is 1, 2, 3 or a SymPy symbol; beta = dim * ``exponents.beta``.
        """
        import sympy as sp

        if self.peak is None:
            return None
        dim = dim if isinstance(dim, sp.Symbol) else validate.integer("dim", dim, 1, 3)
        return (self.peak.sympy() * self.width**self.exponents.beta) ** (-dim) / (2 * sp.pi)

    def crossover(self, dim: Any = 1) -> Any:
        """A_k from which the growing part of G_k exceeds its constant (pi - 1)/(2 pi) (pixels)."""
        import sympy as sp

        noise = self.G_prefactor(dim)
        if noise is None:
            return None
        return ((sp.pi - 1) / (2 * sp.pi * noise)) ** (1 / (dim * self.exponents.beta))


def asymptote(kernel: Kernel | int | Sequence[Any], stride: int) -> Asymptote:
    r"""Return the exact leading behaviour under repeated pooling at `stride` >= 2.

    Parameters
    ----------
    kernel : int, Kernel or sequence of weights
        An integer n means ``box(n)``. Refused as by ``predict_exponents``.
    stride : int
        At least 2 (pixels).

    Notes
    -----
    If c_k(0) - c_k(1) has several dominant roots of equal modulus, D_k times a power of A_k keeps
    oscillating: `drop`, `ratio` and `D_prefactor` are None and `reason` says so.

    Examples
    --------
    >>> found = asymptote(3, 2)
    >>> found.ratio, found.D_prefactor
    (5/4 - sqrt(17)/4, 5/4 - sqrt(17)/4)
    >>> asymptote([1, 2, 1], 2).D_prefactor
    3
    >>> import sympy as sp
    >>> asymptote(4, 4).G_prefactor(sp.Symbol("d")), asymptote(4, 4).crossover()
    (1/(2*pi), -1 + pi)
    """
    from scaledet.theory.growth.exponents import predict_exponents

    stride = validate.integer("stride", stride, 2)
    found = predict_exponents(kernel=kernel, stride=stride)
    rates = growth(found.kernel.trimmed, stride)
    peak = amplitude(rates.peak_fraction, rates.peak) if rates.peak.peak_alone else None
    drop = amplitude(rates.drop_fraction, rates.drop) if rates.drop.peak_alone else None
    missing = [name for name, value in (("c_k(0)", peak), ("c_k(0) - c_k(1)", drop))
               if value is None]  # fmt: skip
    reason = None
    if missing:
        reason = (f"no limit: {' and '.join(missing)} over its growth rate to the power k keeps "
                  "oscillating (several dominant roots of equal modulus)")  # fmt: skip
    return Asymptote(found, peak, drop, reason)
