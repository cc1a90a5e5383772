r"""Creative telescoping for powers of one Laurent polynomial: the search behind `recurrence`.

Let :math:`A(z) = a(z)\, a(1/z) = \alpha(t)`, :math:`t = z + 1/z`, and
:math:`\vartheta = z\, d/dz`. For every rho(t) the constant term of
:math:`\vartheta\bigl((z - 1/z)\, \rho\, A^k\bigr)` is zero. Divided by A^k, this is

.. math:: F_k(\rho) = t \rho + (t^2 - 4)\, (\rho' + k\, \rho\, \alpha'/\alpha),

a polynomial for rho = gamma sigma with
:math:`\gamma = \alpha / \gcd(\alpha, (t^2 - 4)\, \alpha')`. The leading term of
:math:`F_k(\gamma t^j)` is :math:`(n + k w)\, t^n` times that of gamma, with
:math:`n = j + 1 + \deg\gamma` and :math:`w = \deg\alpha`: never zero for k >= 0. So modulo these
exact forms every polynomial is one of degree <= deg gamma, over Q(k) a space of 1 + deg gamma
dimensions, and the remainders of 1, alpha, alpha^2, ... are soon linearly dependent.
Sources: Zeilberger, J. Symb. Comput. 11 (1991); Bostan, Dumont, Salvy, arXiv:1605.05082 (reduction
in the mixed case); the reduction in t for symmetric A is our derivation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from flint import fmpz, fmpz_poly

from scaledet.theory.correlation.exact import kernel_correlation

__all__ = ["Certificate", "Identity", "highest_order", "in_sum_of_inverses", "telescope"]

_ONE = fmpz_poly([1])
_CIRCLE = fmpz_poly([-4, 0, 1])
"""t^2 - 4 = (z - 1/z)^2."""


class Certificate(NamedTuple):
    """rho(t) = sum_j numerators[j](k) t^j / denominator(k); integers, lowest power of k first."""

    numerators: tuple[tuple[int, ...], ...]
    denominator: tuple[int, ...]


class Identity(NamedTuple):
    """A combination of polynomials in t that equals F_k(rho); see `telescope`."""

    coefficients: tuple[tuple[int, ...], ...]
    certificate: Certificate


class _Forms:
    """The exact forms of one alpha, and division by them.

    A polynomial in t is the list of its coefficients, polynomials in k, lowest power of t first.
    """

    def __init__(self, alpha: fmpz_poly) -> None:
        slope = _CIRCLE * alpha.derivative()
        common = alpha.gcd(slope)
        self.gamma = alpha // common
        self.slope = slope // common  # (t^2 - 4) gamma alpha' / alpha
        self.degree = self.gamma.degree()

    def form(self, j: int) -> list[fmpz_poly]:
        """Return F_k(gamma t^j)."""
        rho = self.gamma.left_shift(j)
        constant = rho.left_shift(1) + _CIRCLE * rho.derivative()
        growing = self.slope.left_shift(j)
        return [fmpz_poly([constant[n], growing[n]]) for n in range(j + self.degree + 2)]

    def divide(
        self, values: Sequence[fmpz_poly]
    ) -> tuple[list[fmpz_poly], fmpz_poly, list[tuple[fmpz_poly, fmpz_poly]]]:
        """Return (rest, d, sigma): the polynomial is rest / d + F_k(gamma sum_j sigma_j t^j)."""
        rest, denominator = list(values), _ONE
        sigma: list[tuple[fmpz_poly, fmpz_poly]] = []
        for n in range(len(rest) - 1, self.degree, -1):
            form = self.form(n - self.degree - 1)
            common = rest[n].gcd(form[n])
            factor, lead = rest[n] // common, form[n] // common
            rest = [lead * x - factor * y for x, y in zip(rest[:n], form, strict=False)]
            denominator *= lead
            sigma.append((factor, denominator))
        rest += [fmpz_poly([])] * (self.degree + 1 - len(rest))
        return rest, denominator, sigma[::-1]

    def certificate(self, values: Sequence[fmpz_poly], scale: int) -> Certificate:
        """Return the rho with F_k(rho) = values / scale, which must be an exact form."""
        rest, _, sigma = self.divide(values)
        if any(rest):
            raise ArithmeticError("no exact form: the recurrence does not hold")
        denominator = _ONE
        for _, d in sigma:
            denominator *= d // denominator.gcd(d)
        rho = [fmpz_poly([])] * (len(sigma) + self.degree)
        for j, (c, d) in enumerate(sigma):
            for i, weight in enumerate(self.gamma.coeffs()):
                rho[i + j] += weight * c * (denominator // d)
        *numerators, denominator = _primitive([*rho, denominator * scale])
        return Certificate(_integers(numerators), _integers([denominator])[0])


def _integers(polynomials: Iterable[fmpz_poly]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(c) for c in p.coeffs()) for p in polynomials)


def _primitive(polynomials: Sequence[fmpz_poly]) -> list[fmpz_poly]:
    """Divide by the greatest common divisor; make the last leading coefficient positive."""
    common = fmpz_poly([])
    for polynomial in polynomials:
        common = common.gcd(polynomial)
    if polynomials[-1].leading_coefficient() < 0:
        common = -common
    return [polynomial // common for polynomial in polynomials]


def _alpha(weights: tuple[int, ...]) -> fmpz_poly:
    """Return the polynomial with alpha(z + 1/z) = a(z) a(1/z), `weights` the integers a_j."""
    return in_sum_of_inverses(kernel_correlation(weights).coeffs()[len(weights) - 1 :])


def in_sum_of_inverses(values: Sequence[fmpz]) -> fmpz_poly:
    """Return P(t) with P(z + 1/z) = values[0] + sum_{m > 0} values[m] (z^m + z^-m)."""
    result, t = fmpz_poly([values[0]]), fmpz_poly([0, 1])
    before, power = fmpz_poly([2]), t  # z^m + z^-m
    for value in values[1:]:
        result += value * power
        before, power = power, t * power - before
    return result


def highest_order(weights: tuple[int, ...]) -> int:
    """Return 1 + deg gamma, which no order exceeds.

    It is 1 exactly for alpha = const (t + 2)^n, the binomial kernels: alpha(2) > 0.
    """
    return _Forms(_alpha(weights)).degree + 1


def _powers(forms: _Forms, alpha: fmpz_poly, count: int) -> list[tuple[list[fmpz_poly], fmpz_poly]]:
    """Remainders of 1, alpha, ..., alpha^count as (numerators, denominator).

    alpha F_{k+1}(rho) = F_k(alpha rho): a remainder at k + 1, times alpha, may be divided at k.
    """
    later = fmpz_poly([1, 1])
    rest, denominator, _ = forms.divide([_ONE])
    result = [(rest, denominator)]
    for _ in range(count):
        product = [fmpz_poly([])] * (alpha.degree() + forms.degree + 1)
        for i, value in enumerate(rest):
            for n, weight in enumerate(alpha.coeffs()):
                product[i + n] += weight * value(later)
        rest, lead, _ = forms.divide(product)
        *rest, denominator = _primitive([*rest, lead * denominator(later)])
        result.append((rest, denominator))
    return result


def _dependencies(
    columns: Sequence[Sequence[fmpz_poly]], target: Sequence[fmpz_poly]
) -> tuple[list[fmpz_poly], list[fmpz_poly]]:
    """First linear dependency of the columns, and the target in terms of those before it.

    Both as (y_0, ..., y_{r-1}, y_r): column r, or the target, times y_r is sum_{i<r} y_i column i.
    Fraction-free elimination (Bareiss), then Cramer's rule.
    """
    rows = [list(row) for row in zip(*columns, target, strict=True)]
    previous = _ONE
    r = 0
    while pivots := [i for i in range(r, len(rows)) if rows[i][r]]:
        best = min(pivots, key=lambda i: rows[i][r].degree())
        rows[r], rows[best] = rows[best], rows[r]
        top = rows[r]
        for row in rows[r + 1 :]:
            row[:] = [(top[r] * x - row[r] * y) // previous for x, y in zip(row, top, strict=True)]
        previous = top[r]
        r += 1
    if any(row[-1] for row in rows[r:]):
        raise ArithmeticError("c_k(1) is no combination of c_k(0), c_{k+1}(0), ... for this kernel")

    def solve(column: int) -> list[fmpz_poly]:
        values = [fmpz_poly([])] * r
        for i in reversed(range(r)):
            known = sum((rows[i][n] * values[n] for n in range(i + 1, r)), fmpz_poly([]))
            values[i] = (previous * rows[i][column] - known) // rows[i][i]
        return [*values, previous]

    return solve(r), solve(-1)


@lru_cache(maxsize=64)
def telescope(weights: tuple[int, ...]) -> tuple[Identity, Identity]:
    r"""Return the recurrence of c_k(0) of least order, and c_k(1) in its terms, each certified.

    For alpha normalised to alpha(2) = 1, with the rho of the certificates,

    .. math:: \sum_{i=0}^r p_i(k)\, \alpha^i = F_k(\rho), \qquad
              q_r(k)\, t/2 - \sum_{i=0}^{r-1} q_i(k)\, \alpha^i = F_k(\rho') .

    `weights` are at least two, the first and the last not zero. Raises ArithmeticError if t/2 is no
    such combination. It is one whenever r = 1 + deg gamma; no kernel of span 1 is known for which
    it is not.

    >>> telescope((1, 1))[0].coefficients                 # (2 k + 1) c_k(0) = (2 k + 2) c_{k+1}(0)
    ((-1, -2), (2, 2))
    """
    alpha, scale = _alpha(weights), sum(weights) ** 2
    forms = _Forms(alpha)
    powers = _powers(forms, alpha, forms.degree + 1)
    target, target_denominator, _ = forms.divide([fmpz_poly([]), _ONE])
    peak, lag = _dependencies([column for column, _ in powers], target)
    r = len(peak) - 1
    # From the numerators of the remainders to the polynomials alpha^i / scale^i themselves.
    below = [denominator * scale**i for i, (_, denominator) in enumerate(powers[: r + 1])]
    peak_terms = [-y * d for y, d in zip(peak[:r], below[:r], strict=True)]
    lag_terms = [y * d for y, d in zip(lag[:r], below[:r], strict=True)]
    peak = _primitive([*peak_terms, peak[r] * below[r]])
    lag = _primitive([*lag_terms, 2 * lag[r] * target_denominator])

    def identity(
        coefficients: list[fmpz_poly], powers: list[fmpz_poly], half_t: fmpz_poly
    ) -> Identity:
        """Certify sum_i powers[i] (alpha / scale)^i + half_t t/2."""
        top = len(powers) - 1
        values = [fmpz_poly([])] * (max(top * alpha.degree(), 1) + 1)
        for i, polynomial in enumerate(powers):
            for n, weight in enumerate((alpha**i).coeffs()):
                values[n] += 2 * scale ** (top - i) * weight * polynomial
        values[1] += scale**top * half_t
        return Identity(_integers(coefficients), forms.certificate(values, 2 * scale**top))

    return identity(peak, peak, fmpz_poly([])), identity(lag, [-q for q in lag[:r]], lag[r])
