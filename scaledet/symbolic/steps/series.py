r"""Equal layers without stride: c_k(0), D_k and G_k as asymptotic series in 1/k, to any order.

With :math:`A = a * a^\sim` the autocorrelation of the kernel and :math:`\hat A = |\hat a|^2`,

.. math::

    c_k(m) = \frac{1}{2\pi} \int_{-\pi}^{\pi} \hat A(\theta)^k \cos(m\theta)\, d\theta, \qquad
    \log \hat A(\theta) = \sum_{j \ge 1} \frac{2 (-1)^j \kappa_{2j}}{(2j)!}\, \theta^{2j},

where :math:`\kappa_n` are the cumulants of the kernel read as a probability law (the odd ones
cancel). In :math:`y = k\theta^2` the first term is a Gaussian weight of moments
:math:`\langle y^n \rangle = (2n-1)!! / (2\kappa_2)^n`; the exponential of all others and the
cosine are expanded in 1/k. The coefficient of :math:`k^{-n}` is homogeneous of weight n, with
weight j - 1 for :math:`\kappa_{2j}/\kappa_2^j` and 1 for :math:`1/\kappa_2`: one power of one
denominator serves all its terms, and polynomials over the rationals do the rest.

Every series assumes equal layers of stride 1, one active pixel, an infinite lattice and a kernel
of span 1: then :math:`|\hat a| = 1` at :math:`\theta = 0` only, and the rest of the circle adds
an exponentially small amount. The series are asymptotic and need not converge (for box 2 that of
c_k(0) is Stirling's). Source: Laplace's method, our derivation; D_k ~ 1/k for boxes is Tomasini et
al., arXiv:2210.01506.

In all of them `order` is the number of coefficients (with all cumulants symbolic 20 is slow, 40
hopeless), and `cumulants` holds ``{2: kappa_2, 4: kappa_4, ...}``, or kappa_2, kappa_4, ... in this
order: rational numbers or rational functions of symbols, at least up to kappa_{2 order + 2} (for
D_k: kappa_{2 order}). Left out, they are the symbols themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from scaledet import symbols
from scaledet.network.kernel import Kernel, as_kernel

__all__ = ["box_cumulants", "kernel_cumulants", "noise_series", "peak_series", "sensitivity_series"]

Cumulants = Mapping[int, Any] | Sequence[Any] | None
"""What the series accept: see the head of this module."""


def peak_series(order: int, cumulants: Cumulants = None) -> list[sp.Expr]:
    r"""Coefficients a_1, ..., a_n of the autocorrelation of the composite filter at lag 0.

    .. math:: c_k(0) \sqrt{4\pi k \kappa_2} = 1 + \sum_{j=1}^{n} \frac{a_j}{k^j} + O(k^{-n-1})

    >>> peak_series(1)
    [kappa_4/(16*kappa_2**2)]
    >>> peak_series(2, box_cumulants(2))[1]
    -(13*f**4 - 134*f**2 + 13)/(4480*(f**2 - 1)**2)
    >>> peak_series(3, kernel_cumulants(2, 3))
    [-1/8, 1/128, 5/1024]
    """
    law = _law(cumulants, order + 1)
    peaks = _peaks(law, _terms(law, order))
    return [law.coefficient(peaks[n], n) for n in range(1, order + 1)]


def sensitivity_series(order: int, cumulants: Cumulants = None) -> list[sp.Expr]:
    r"""Coefficients d_1, ..., d_n of the sensitivity D_k to a move by one site, in any dimension.

    .. math:: D_k = 1 - \frac{c_k(1)}{c_k(0)} = \sum_{j=1}^{n} \frac{d_j}{k^j} + O(k^{-n-1}),
              \qquad d_1 = \frac{1}{4\kappa_2}

    >>> sensitivity_series(2)
    [1/(4*kappa_2), (-kappa_2 + 2*kappa_4)/(32*kappa_2**3)]
    >>> sensitivity_series(2, box_cumulants(1))
    [3/(f**2 - 1), -9*(f**2 + 6)/(10*(f**2 - 1)**2)]
    >>> sensitivity_series(4, kernel_cumulants(2, 4))  # D_k = 1 / (k + 1)
    [1, -1, 1, -1]
    """
    law = _law(cumulants, order)
    terms = _terms(law, order - 1)
    peaks, drops = _peaks(law, terms), _drops(law, terms)
    series = [law.ring.zero]
    for n in range(1, order + 1):
        series.append(drops[n] - sum(series[j] * peaks[n - j] for j in range(1, n)))
    return [law.coefficient(series[n], n) for n in range(1, order + 1)]


def noise_series(order: int, cumulants: Cumulants = None, dim: int | None = None) -> list[sp.Expr]:
    r"""Coefficients g_1, ..., g_n of the sensitivity G_k to noise rectified at the input.

    The noise is matched to the displacement: :math:`G_k = (\pi - 1 + c_k(0)^{-d}) / 2\pi`, so

    .. math::

        G_k = \frac{\pi - 1}{2\pi} + \frac{(4\pi k \kappa_2)^{d/2}}{2\pi}
              \left(1 + \sum_{j=1}^{n} \frac{g_j}{k^j} + O(k^{-n-1})\right)

    g_j is a polynomial of degree j in the symbol d, or a number if `dim` is 1, 2 or 3.

    >>> noise_series(1)
    [-d*kappa_4/(16*kappa_2**2)]
    >>> noise_series(1, box_cumulants(1))
    [3*d*(f**2 + 1)/(40*(f**2 - 1))]
    >>> noise_series(3, kernel_cumulants(2, 3), dim=2)  # 1/c_k(0)^2 of box 2
    [1/4, 1/32, -1/128]
    """
    law = _law(cumulants, order + 1)
    power = -law.ring(symbols.d if dim is None else dim)
    peaks = _peaks(law, _terms(law, order))
    # Q = P^power obeys P Q' = power P' Q.
    series = [law.ring.one]
    for n in range(1, order + 1):
        total = sum((power * j - (n - j)) * (peaks[j] * series[n - j]) for j in range(1, n + 1))
        series.append(total * law.ring.domain(1, n))
    return [law.coefficient(series[n], n) for n in range(1, order + 1)]


def box_cumulants(order: int) -> dict[int, sp.Expr]:
    r"""Cumulants kappa_2, ..., kappa_{2n+2} of the box of symbolic length f, n = `order`.

    Weights 1/f have the cumulant generating function :math:`\log(\sinh(f t/2)/(f \sinh(t/2)))`,
    hence, with the Bernoulli numbers B (source: textbook cumulants of a discrete uniform law),

    .. math:: \kappa_{2j} = \frac{B_{2j}}{2j} \left(f^{2j} - 1\right)

    >>> box_cumulants(1)
    {2: f**2/12 - 1/12, 4: 1/120 - f**4/120}
    """
    orders = range(2, 2 * order + 3, 2)
    return {n: sp.expand(sp.bernoulli(n) / n * (symbols.f**n - 1)) for n in orders}


def kernel_cumulants(kernel: Kernel | int | Sequence[Any], order: int) -> dict[int, sp.Rational]:
    r"""Exact cumulants kappa_2, ..., kappa_{2n+2} of a kernel (an integer: a box), n = `order`.

    The kernel is read as a probability law of moments :math:`m_r = \sum_j a_j j^r` (source:
    textbook):

    .. math:: \kappa_r = m_r - \sum_{i=1}^{r-1} \binom{r-1}{i-1} \kappa_i\, m_{r-i}

    >>> kernel_cumulants([1, 2, 1], 2)
    {2: 1/2, 4: -1/4, 6: 1/2}
    """
    highest = 2 * order + 2
    pool = as_kernel(kernel)
    total, powers = sum(pool.trimmed), list(pool.trimmed)
    moments, cumulants = [Fraction(1)], [Fraction(0)]
    for r in range(1, highest + 1):
        powers = [j * value for j, value in enumerate(powers)]
        moments.append(Fraction(sum(powers), total))
        lower = sum(math.comb(r - 1, i - 1) * cumulants[i] * moments[r - i] for i in range(1, r))
        cumulants.append(moments[r] - lower)
    return {r: sp.Rational(*cumulants[r].as_integer_ratio()) for r in range(2, highest + 1, 2)}


@dataclass(frozen=True)
class _Law:
    """A kernel's cumulants in a ring of polynomials over the rationals that contains d.

    With C = `clear` a common denominator of all kappa_{2j} / kappa_2 and `unit` = 2 kappa_2 C,
    the coefficient of k^-n is a polynomial over unit^n. In these units ``rest[j]``, j >= 2, is
    the coefficient of theta^2j in the exponent: (-1)^j kappa_{2j} C^(j-1) / (kappa_2 (2j)!).
    """

    ring: Any
    rest: list[Any]
    clear: Any
    unit: Any

    def coefficient(self, polynomial: Any, n: int) -> sp.Expr:
        """Return `polynomial` / unit^n, reduced; factored if it has a single symbol."""
        content, base = self.unit.numer.primitive()
        value, power = polynomial * self.unit.denom**n * (1 / content) ** n, n
        while value and power and not base.is_ground:
            quotient, remainder = divmod(value, base)
            if remainder:
                break
            value, power = quotient, power - 1
        top = value.as_expr()
        top = sp.factor(top) if len(top.free_symbols) <= 1 else sp.gcd_terms(top)
        return top / base.as_expr() ** power


def _law(given: Cumulants, count: int) -> _Law:
    """Read kappa_2, ..., kappa_{2 count}."""
    orders = range(2, 2 * count + 1, 2)
    given = {n: symbols.kappa(n) for n in orders} if given is None else given
    if isinstance(given, Sequence):
        given = dict(zip(orders, given, strict=False))
    values = [
        value if isinstance(value := given[n], sp.Expr) else sp.Rational(value) for n in orders
    ]
    letters = set().union(*(value.free_symbols for value in values)) - {symbols.d}
    ring = sp.ring([symbols.d, *sorted(letters, key=str)], sp.QQ)[0]
    field = ring.to_field()
    kappas = [field.from_expr(value) for value in values]
    ratios = [kappa / kappas[0] for kappa in kappas]
    clear = ring.one
    for ratio in ratios:
        clear = clear.lcm(ratio.denom)
    rest = [ring.zero, ring.zero]
    for j, ratio in enumerate(ratios[1:], 2):
        scaled = (ratio.numer * clear ** (j - 1)).exquo(ratio.denom)
        rest.append(scaled * sp.QQ((-1) ** j, math.factorial(2 * j)))
    return _Law(ring, rest, clear, 2 * kappas[0] * field(clear))


def _terms(law: _Law, order: int) -> list[list[Any]]:
    """Entry [n][m]: the factor of k^-n y^(n+m) in exp E, E the exponent beyond its Gaussian part.

    m counts the factors taken from E. From (exp E)' = E' exp E, by powers of 1/k.
    """
    table = [[law.ring.one]]
    for n in range(1, order + 1):
        row = [law.ring.zero] * (n + 1)
        for i in range(1, n + 1):
            for m, value in enumerate(table[n - i]):
                row[m + 1] += value * law.rest[i + 1] * i
        table.append([value * law.ring.domain(1, n) for value in row])
    return table


def _mean(law: _Law, row: list[Any], n: int) -> Any:
    """Gaussian mean of y^(n+m) over the entries m of `row`: (2(n+m) - 1)!! each."""
    moments = (math.prod(range(1, 2 * (n + m), 2)) for m in range(len(row)))
    return sum((v * moment for v, moment in zip(row, moments, strict=True)), law.ring.zero)


def _peaks(law: _Law, terms: list[list[Any]]) -> list[Any]:
    """Coefficients of k^-n in c_k(0) sqrt(4 pi k kappa_2), times unit^n."""
    return [_mean(law, row, n) for n, row in enumerate(terms)]


def _drops(law: _Law, terms: list[list[Any]]) -> list[Any]:
    """Coefficients for c_k(0) - c_k(1): the cosine adds powers (y/k)^r, each with C^r."""
    result = [law.ring.zero]
    for n in range(1, len(terms) + 1):
        total = law.ring.zero
        for r in range(1, n + 1):
            cosine = law.clear**r * law.ring.domain((-1) ** (r + 1), math.factorial(2 * r))
            total += _mean(law, terms[n - r], n) * cosine
        result.append(total)
    return result
