r"""The recurrence in k of c_k(0) for equal layers of stride 1, proved by a certificate.

There :math:`c_k(m) = [z^m] A(z)^k`, :math:`A(z) = a(z)\, a(1/z)`, is holonomic in k:

.. math:: \sum_{i=0}^r p_i(k)\, c_{k+i}(0) = 0, \qquad
          c_k(1) = \frac{1}{q(k)} \sum_{i=0}^{r-1} q_i(k)\, c_{k+i}(0), \qquad k \ge 0,

so the exact D_k = 1 - c_k(1)/c_k(0) of all layers costs a few products of integers per layer.
Only binomial kernels (and their dilations) have a closed form: see `Recurrence.closed_form`.
Many layers at once are taken by binary splitting: the product of their companion matrices, numbers
of similar size multiplied with each other, in blocks so that numbers stay short.
Search: `telescoping`; proof: `Recurrence.verify`. Source of the splitting: Chudnovsky & Chudnovsky
1988.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpz, fmpz_mat, fmpz_poly

from scaledet import validate
from scaledet.algebra.interruptible import reduced
from scaledet.errors import ArgumentError
from scaledet.isolation import LOCK, isolated
from scaledet.network.kernel import Kernel, as_kernel
from scaledet.theory.correlation.exact import Correlation, kernel_correlation
from scaledet.theory.correlation.telescoping import Certificate, telescope

__all__ = ["Recurrence", "Walk", "recurrence"]

_BLOCKS = 100
"""Blocks that a long way is divided into: few and long are slow, as are many and short."""
_SHOWN = 400
"""Longest equation (characters) that a repr spells out."""


@dataclass(frozen=True, repr=False)
class Recurrence:
    r"""Recurrence of c_k(0) and c_k(1) for equal layers of stride 1 on the infinite lattice.

    Polynomials in k are tuples of integers, lowest power first, without a common factor:
    `coefficients` are p_0, ..., p_r, and `lag_one` is ((q_0, ..., q_{r-1}), q). Their certificates
    are the rho(t) that prove them, see `verify`. If the span of the kernel is not 1, all q_i are 0
    and `lag_one_certificate` is empty.
    """

    kernel: Kernel
    coefficients: tuple[tuple[int, ...], ...]
    certificate: Certificate
    lag_one: tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]
    lag_one_certificate: Certificate

    @property
    def order(self) -> int:
        """The order r."""
        return len(self.coefficients) - 1

    @property
    def degree(self) -> int:
        """Largest degree in k of a coefficient."""
        return max(len(row) for row in self.coefficients) - 1

    @property
    def weights(self) -> tuple[int, ...]:
        """Integer weights of the kernel compressed to span 1: z^span stands for z in c_k(0)."""
        return self.kernel.trimmed[:: self.kernel.span]

    @isolated
    def verify(self) -> None:
        r"""Prove both identities by expanding them, with SymPy polynomials alone.

        With theta = z d/dz and :math:`R = (z - 1/z)\, \rho(z + 1/z)` the Laurent polynomials

        .. math:: \sum_i p_i(k) A^i \quad\text{and}\quad
                  q(k) \frac{z + 1/z}{2} - \sum_i q_i(k) A^i

        must equal :math:`\vartheta(R A^k) / A^k = \vartheta R + k R\, \vartheta A / A` with their
        rho: then, times A^k, their constant terms vanish for every integer k >= 0 at which the
        denominator of rho does not. It never does: its coefficients must be positive. A kernel of
        span > 1 is compressed first; its c_k(1) is 0, no lag being a multiple of the span. Raises
        ArithmeticError naming the identity that fails.
        """
        numerators, denominator = self.lag_one
        proved = _proves(self.weights, self.coefficients, (), self.certificate)
        nothing_lost = sum(self.weights) == sum(self.kernel.trimmed)  # when it was compressed
        if not (proved and nothing_lost and any(self.coefficients[-1])):
            raise ArithmeticError(f"the recurrence of c_k(0) is not proved for {self.kernel!r}")
        proved = any(denominator) and len(numerators) == self.order
        if self.kernel.span > 1:
            proved = proved and not any(map(any, numerators))
        else:
            negated = [[-c for c in row] for row in numerators]
            proved = proved and _proves(
                self.weights, negated, denominator, self.lag_one_certificate
            )
        if not proved:
            raise ArithmeticError(f"the formula for c_k(1) is not proved for {self.kernel!r}")

    @isolated
    def equation(self) -> Any:
        """Return the SymPy equation sum_i p_i(k) c(k + i, 0) = 0 in the package's symbols."""
        import sympy as sp

        from scaledet.symbols import c, k

        terms = (
            sp.Poly(row[::-1], k).as_expr() * c(k + i, 0) for i, row in enumerate(self.coefficients)
        )
        # Whether it is always true would take SymPy seconds to ponder.
        return sp.Eq(sp.Add(*terms), 0, evaluate=False)

    @isolated
    def closed_form(self) -> tuple[Any, Any] | None:
        r"""Return (c_k(0), D_k) in SymPy's k for a binomial kernel, dilated or not; else None.

        A = (z + 2 + 1/z)^n / 4^n gives :math:`c_k(0) = \binom{2nk}{nk} / 4^{nk}` and
        D_k = 1/(nk + 1) (D_k = 1 if dilated): the case in which order 1 is certain.

        >>> recurrence([1, 2, 1]).closed_form()
        (binomial(4*k, 2*k)/4**(2*k), 1/(2*k + 1))
        """
        n = len(self.weights) - 1
        if self.weights != tuple(math.comb(n, j) for j in range(n + 1)):
            return None
        import sympy as sp

        from scaledet.symbols import k

        peak = sp.binomial(2 * n * k, n * k) / sp.Integer(4) ** (n * k)
        return peak, 1 / (n * k + 1) if self.kernel.span == 1 else sp.Integer(1)

    def peaks(self, depth: int) -> Iterator[Fraction]:
        """Yield c_0(0), ..., c_depth(0)."""
        walk = Walk(self)
        for k in range(validate.integer("depth", depth, 0) + 1):
            correlation = walk.to(k)
            yield reduced(correlation.values[0], correlation.scale)

    def sensitivity(self, k: int) -> Fraction:
        """Return D_k = 1 - c_k(1)/c_k(0) on the infinite lattice, one active pixel, d = 1."""
        peak, lag_one = Walk(self).to(validate.integer("k", k, 0)).values
        return reduced(peak - lag_one, peak)

    def __repr__(self) -> str:
        title = f"Recurrence of {self.kernel!r}: order {self.order}, degree {self.degree}"
        names = ["c_k(0)", *(f"c_{{k+{i}}}(0)" for i in range(1, self.order + 1))]
        shown = " + ".join(
            f"({_text(row)}) {name}" for row, name in zip(self.coefficients, names, strict=True)
        )
        return f"{title}\n  {shown} = 0" if len(shown) <= _SHOWN else title


def recurrence(kernel: Kernel | int | Sequence[Any]) -> Recurrence:
    """Find the recurrence of least order that creative telescoping proves.

    The order is at most one plus the number of zeros of alpha(t) = A(z), t = z + 1/z, other than
    t = -2: (f + 1) // 2 for a box of length f.

    Signed kernels are refused, and single weights (then c_k(0) = 1 and nothing pools).

    >>> recurrence(3)
    Recurrence of Kernel(1/3, 1/3, 1/3): order 2, degree 3
      (8 k^3 + 26 k^2 + 25 k + 7) c_k(0) + (-80 k^3 - 300 k^2 - 358 k - 135) c_{k+1}(0) + \
(72 k^3 + 306 k^2 + 405 k + 162) c_{k+2}(0) = 0
    """
    kernel = as_kernel(kernel)
    if kernel.signed:
        raise ArgumentError(f"kernel must have weights >= 0, not signed; got {kernel!r}")
    if kernel.support == 1:
        raise ArgumentError(f"kernel must have at least two non-zero weights; got {kernel!r}")
    peak, lag = telescope(kernel.trimmed[:: kernel.span])
    *numerators, denominator = lag.coefficients
    certificate = lag.certificate
    if kernel.span > 1:
        numerators, denominator = [()] * len(numerators), (1,)
        certificate = Certificate((), (1,))
    return Recurrence(
        kernel, peak.coefficients, peak.certificate, (tuple(numerators), denominator), certificate
    )


def _text(row: Sequence[int]) -> str:
    """Write a polynomial in k."""
    powers = ["", " k", *(f" k^{n}" for n in range(2, len(row)))]
    terms = [f"{c}{power}" for c, power in zip(row, powers, strict=False) if c]
    return " + ".join(reversed(terms)).replace("+ -", "- ") or "0"


def _proves(
    weights: Sequence[int],
    powers: Sequence[Sequence[int]],
    half_t: Sequence[int],
    certificate: Certificate,
) -> bool:
    """Whether sum_i powers[i] A^i + half_t (z + 1/z)/2 is theta(R A^k)/A^k with the rho given."""
    import sympy as sp

    ring, z, k = sp.ring("z, k", sp.ZZ)

    def in_k(row: Sequence[int]) -> Any:
        return ring.from_dict({(0, n): c for n, c in enumerate(row)})

    # Everything in powers of z >= 0: A = a / (W^2 z^reach), R = u / z^shift.
    reach, shift = len(weights) - 1, max(1, len(certificate.numerators))
    a = ring.from_dict({(n, 0): w for n, w in enumerate(weights)})
    a *= ring.from_dict({(reach - n, 0): w for n, w in enumerate(weights)})
    u = ring.zero
    for j, row in enumerate(reversed(certificate.numerators)):
        u = u * (z**2 + 1) + in_k(row) * z**j
    u *= z**2 - 1
    # The identity times 2 A W^(2 top + 2) z^(reach (top + 1) + shift) and the denominator of rho.
    top, square, power = len(powers) - 1, sum(weights) ** 2, ring.one
    left = in_k(half_t) * square**top * a * (z**2 + 1) * z ** (reach * top + shift - 1)
    for i, weight in enumerate(powers):
        power *= a
        left += 2 * square ** (top - i) * in_k(weight) * z ** (reach * (top - i) + shift) * power
    right = a * (z * u.diff(z) - shift * u) + k * u * (z * a.diff(z) - reach * a)
    positive = bool(certificate.denominator) and min(certificate.denominator) > 0
    return positive and left * in_k(certificate.denominator) == (
        right * 2 * square**top * z ** (reach * top)
    )


class Walk:
    """A layer k along the depth, from which later layers are reached.

    Holds C_k(0), ..., C_{k+r-1}(0). The first layers, up to the last k at which a divisor
    vanishes (none does for any kernel tried), come from A^k itself.
    """

    def __init__(self, recurrence: Recurrence) -> None:
        self._recurrence = recurrence
        numerators, denominator = recurrence.lag_one
        self._square = fmpz(sum(recurrence.weights)) ** 2
        self._peak = self._integral(recurrence.coefficients)
        *self._lag, self._lag_divisor = self._integral(numerators, denominator)
        zeros = [*self._peak[-1].roots(), *self._lag_divisor.roots()]
        self._first = max(0, *(int(root) + 1 for root, _ in zeros))
        self._k = -1
        self._window: list[fmpz] = []

    def __reduce__(self) -> tuple[type[Walk], tuple[Recurrence]]:
        return Walk, (self._recurrence,)

    def _integral(self, rows: Sequence[Sequence[int]], *others: Sequence[int]) -> list[fmpz_poly]:
        """Turn coefficients of c_{k+i}(0), then of c_k(1), into coefficients of the integers C."""
        top = len(rows)
        result = [self._square ** (top - i) * fmpz_poly(list(row)) for i, row in enumerate(rows)]
        result += [self._square**top * fmpz_poly(list(row)) for row in others]
        common = fmpz(0)
        for polynomial in result:
            common = common.gcd(polynomial.content())
        return [polynomial // common for polynomial in result]

    def to(self, k: int) -> Correlation:
        """Go to layer k (back by starting again); return C_k(0), C_k(1) and W^(2k)."""
        with LOCK:  # two threads must not lead it to two layers
            return self._to(k)

    def _to(self, k: int) -> Correlation:
        if k < self._first:
            peak, lag_one = self._direct(k)
        else:
            if not self._first <= self._k <= k:
                self._k, order = self._first, self._recurrence.order
                self._window = [self._direct(self._first + i)[0] for i in range(order)]
            block = max(1, (k - self._k) // _BLOCKS)
            while self._k < k:
                self._advance(min(block, k - self._k))
            peak = self._window[0]
            lag_one = _dot([q(k) for q in self._lag], self._window) // self._lag_divisor(k)
        return Correlation((int(peak), int(lag_one)), int(self._square**k))

    def _direct(self, k: int) -> tuple[fmpz, fmpz]:
        weights = self._recurrence.weights
        power, centre = kernel_correlation(weights) ** k, k * (len(weights) - 1)
        return power[centre], power[centre + 1] if self._recurrence.kernel.span == 1 else fmpz(0)

    def _advance(self, steps: int) -> None:
        if steps == 1:
            *below, top = (polynomial(self._k) for polynomial in self._peak)
            self._window = [*self._window[1:], -_dot(below, self._window) // top]
        else:
            matrix, divisor = self._product(self._k, self._k + steps)
            moved = matrix * fmpz_mat(len(self._window), 1, self._window)
            self._window = [value // divisor for value in moved.entries()]
        self._k += steps

    def _product(self, start: int, stop: int) -> tuple[fmpz_mat, fmpz]:
        """Matrix and divisor that take the window from `start` to `stop`."""
        if stop - start == 1:
            *below, top = (polynomial(start) for polynomial in self._peak)
            order = len(below)
            entries = [fmpz(0)] * (order * order)
            entries[1 :: order + 1] = [top] * (order - 1)
            entries[-order:] = [-p for p in below]
            return fmpz_mat(order, order, entries), top
        middle = (start + stop) // 2
        early, early_divisor = self._product(start, middle)
        late, late_divisor = self._product(middle, stop)
        return late * early, late_divisor * early_divisor


def _dot(left: Sequence[fmpz], right: Sequence[fmpz]) -> fmpz:
    return sum((a * b for a, b in zip(left, right, strict=True)), fmpz(0))
