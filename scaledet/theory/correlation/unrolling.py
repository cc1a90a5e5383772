r"""Exact c_k(0) and c_k(1) of equal layers of stride 1, unrolled from their recurrence.

In the integers :math:`C_k(m) = W^{2k} c_k(m)`, W the sum of the integer weights, one layer costs
r + 1 products and one exact division; many layers at once are taken by binary splitting: the
product of their companion matrices, numbers of similar size multiplied with each other.
Source: binary splitting (Chudnovsky & Chudnovsky 1988), here in blocks so that numbers stay short.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flint import fmpz, fmpz_mat, fmpz_poly

from scaledet.theory.correlation.exact import Correlation, kernel_correlation

if TYPE_CHECKING:
    from scaledet.theory.correlation.recurrence import Recurrence

__all__ = ["Walk"]

_BLOCKS = 100
"""Blocks that a long way is divided into: few and long are slow, as are many and short."""


class Walk:
    """A place along the depth that moves forward from where it is.

    Holds C_k(0), ..., C_{k+r-1}(0). The first layers, up to the last k at which a divisor
    vanishes (none does for any kernel tried), come from A^k itself.

    >>> from scaledet.theory.correlation.recurrence import recurrence
    >>> walk = Walk(recurrence(3))
    >>> walk.to(3)                                              # D_3 = (141 - 126) / 141
    Correlation(values=(141, 126), scale=729)
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
        """Coefficients of C_{k+i}(0) for those of c_{k+i}(0), then those of C_k(1)."""
        top = len(rows)
        result = [self._square ** (top - i) * fmpz_poly(list(row)) for i, row in enumerate(rows)]
        result += [self._square**top * fmpz_poly(list(row)) for row in others]
        common = fmpz(0)
        for polynomial in result:
            common = common.gcd(polynomial.content())
        return [polynomial // common for polynomial in result]

    def to(self, k: int) -> Correlation:
        """Go to layer k (back by starting again); return C_k(0), C_k(1) and W^(2k)."""
        if k < self._first:
            zero, one = self._direct(k)
        else:
            if not self._first <= self._k <= k:
                self._k, order = self._first, self._recurrence.order
                self._window = [self._direct(self._first + i)[0] for i in range(order)]
            block = max(1, (k - self._k) // _BLOCKS)
            while self._k < k:
                self._advance(min(block, k - self._k))
            zero = self._window[0]
            one = _dot([q(k) for q in self._lag], self._window) // self._lag_divisor(k)
        return Correlation((int(zero), int(one)), int(self._square**k))

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
