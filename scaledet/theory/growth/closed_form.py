"""Closed forms in k of c_k(0) and c_k(0) - c_k(1), where radicals suffice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flint import fmpq_poly, fmpz_poly

from scaledet.theory.growth.amplitudes import principal_part

__all__ = ["closed_form"]


def closed_form(
    fraction: tuple[fmpz_poly, fmpz_poly], scale: Any, k: Any
) -> tuple[Any, int] | None:
    r"""Return a closed form in k of :math:`C_k / scale^k`, and the first k it holds for.

    By partial fractions of the generating function over the roots :math:`\lambda` of the
    recurrence,

    .. math:: C_k = \sum_\lambda \sum_{j=1}^{m_\lambda} B_{\lambda j} \binom{k+j-1}{j-1} \lambda^k
       \qquad (k > \deg N - \deg R) ;

    before that the polynomial part of N/R adds to it.

    `fraction` is (N, R) without common factor, as ``growth`` returns it; `scale` the square of the
    sum of the integer weights; `k` an integer and non-negative symbol. The form is exact and real:
    pairs of complex roots appear as powers of their modulus times a cosine and a sine. None if a
    factor of R is irreducible of degree 3 or more. Source: partial fractions in Q(lambda).

    >>> import sympy as sp
    >>> from scaledet.theory.growth.transition import growth
    >>> k = sp.Symbol("k", integer=True, nonnegative=True)
    >>> closed_form(growth((1, 2, 1, 2), 2).peak_fraction, 36, k)
    (4*(5/36)**k/13 + 55/(117*2**k), 1)
    """
    import sympy as sp

    numerator, denominator = fraction
    _, factors = fmpz_poly(list(reversed(denominator.coeffs()))).factor()
    if any(factor.degree() > 2 for factor, _ in factors):
        return None
    scale = sp.sympify(scale)
    total = sp.Integer(0)
    for factor, order in factors:
        part = principal_part(fraction, factor, order)
        for j, element in enumerate(part):
            growing = sp.prod([(k + i) / sp.Integer(i) for i in range(1, j + 1)])
            for term in _powers(element, [int(c) for c in factor.coeffs()], scale, k):
                total += growing * term
    return total, max(0, numerator.degree() - denominator.degree() + 1)


def _powers(element: fmpq_poly, factor: list[int], scale: Any, k: Any) -> Iterator[Any]:
    """Real terms that sum up to e(x) (x/scale)^k over the roots x of `factor`, of degree <= 2."""
    import sympy as sp

    constant, slope = (sp.Rational(int(element[j].p), int(element[j].q)) for j in (0, 1))
    if len(factor) == 2:
        yield constant * (sp.Rational(-factor[0], factor[1]) / scale) ** k
        return
    free, linear, square = factor
    centre = sp.Rational(-linear, 2 * square)
    spread = sp.sqrt(sp.Rational(abs(linear**2 - 4 * free * square), 4 * square**2))
    if linear**2 > 4 * free * square:
        for sign in (1, -1):
            root = sp.expand((centre + sign * spread) / scale)
            yield (constant + slope * centre + sign * slope * spread) * root**k
        return
    radius, angle = sp.sqrt(sp.Rational(free, square)) / scale, sp.atan2(spread, centre)
    real, imaginary = constant + slope * centre, slope * spread
    yield 2 * radius**k * (real * sp.cos(k * angle) - imaginary * sp.sin(k * angle))
