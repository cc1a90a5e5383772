r"""The least D of non-negative filters of a given width, certified for one width at a time.

The sites of the n largest weights form a set of n sites, and a filter is a mixture of these sets
with weights :math:`b_n \ge 0`, the differences of its weights in descending order. Put boxes of n
sites, centred at 0 or 1/2, in place of the sets: neither D nor the variance rises, and then both
are quadratic forms of b,

.. math:: c(0) - c(1) = b^T K b, \quad c(0) = b^T M b, \quad
    (\mathrm{Var}\, h - v) (\textstyle\sum_j h(j))^2 = b^T V b .

So :math:`D \ge t` at every variance up to v if :math:`b^T (K - t M + \mu V) b \ge 0` for all
:math:`b \ge 0`, with any :math:`\mu \ge 0`; and this holds if the matrix is the sum of a positive
definite one and one of entries >= 0. `search` finds both by an interior-point method in floats;
`certify` proves for these very floats, in ball arithmetic, that they do. Boxes of more than n sites
count as boxes of n: that leaves the last row of K out, and V grows with the length.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from flint import arb, ctx, fmpq
from numpy.typing import NDArray

__all__ = ["Certificate", "certify", "search"]

_BITS = 160
_LAST = 3
"""Number of last columns in which every entry of the non-negative matrix is free."""
_PRECISION = 1e-10
"""How close the search comes to the best bound, times A^2."""
_STEPS = 2000
"""Steps after which the search ends in any case; up to width 20 it takes a few hundred."""

Matrix = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Certificate:
    """Numbers that prove a lower bound of D, if `certify` says so.

    Attributes
    ----------
    bound : float
        The lower bound t.
    multiplier : float
        The weight mu of the variance.
    spare : array of floats, shape [n, n]
        The matrix of entries >= 0, for boxes of 1 to n sites.
    """

    bound: float
    multiplier: float
    spare: NDArray[np.float64]


class _Forms(NamedTuple):
    """The matrices K, M and V."""

    drop: Matrix
    square: Matrix
    excess: Matrix


def _forms(count: int, width: Fraction) -> _Forms:
    """Exact matrices for boxes of 1 to `count` sites and more, v = (width^2 - 1)/12."""
    sites = range(1, count + 1)
    near = {0: Fraction(1), 1: Fraction(1, 2)}

    def excess(m: int, n: int) -> Fraction:
        apart = Fraction((m + n) % 2, 8)
        return m * n * ((m * m + n * n - 2 * width * width) / 24 + apart)

    def drop(m: int, n: int) -> Fraction:
        return Fraction(0) if count in (m, n) else near.get(abs(m - n), Fraction(0))

    entries = (drop, lambda m, n: Fraction(min(m, n)), excess)
    return _Forms(*(np.array([[of(m, n) for n in sites] for m in sites]) for of in entries))


class _Barrier:
    """The function x_0 weight + log det P(x) + sum_i log x_i, i >= 1, of a search.

    x holds the bound, the multiplier and the free entries of the non-negative matrix, scaled by the
    width so that all are of the order of one.
    """

    def __init__(self, width: Fraction) -> None:
        self.size = float(width)
        self.count = count = int(1.55 * self.size) + 3
        root = np.sqrt(np.arange(1, count + 1))
        self.scale = np.outer(root, root)
        forms = (np.array(form, dtype=float) / self.scale for form in _forms(count, width))
        self.drop, square, excess = forms
        self.linear = (-square / self.size**2, excess / self.size**5)
        free = [
            (m, n) for n in range(count) for m in range(n + 1) if n - m == 1 or n >= count - _LAST
        ]
        self.rows, self.columns = np.array(free).T
        self.twice = np.where(self.rows == self.columns, 1.0, 2.0)
        self.start = np.concatenate([[-1.0, 1e-2], np.full(len(free), 1e-2 / self.size)])

    def spare(self, x: Matrix) -> Matrix:
        full = np.zeros((self.count, self.count))
        full[self.rows, self.columns] = full[self.columns, self.rows] = x[2:]
        return full

    def matrix(self, x: Matrix) -> Matrix:
        square, excess = self.linear
        matrix: Matrix = self.drop + x[0] * square + x[1] * excess - self.spare(x)
        return matrix

    def moved(self, x: Matrix, step: Matrix, length: float, weight: float) -> Matrix:
        """Go along Newton's step as far as the function rises well; halve it until it does."""
        share, value = 1.0, self.value(x, weight)
        while share > 1 / (1 + length):
            further = x + share * step
            if self.value(further, weight) > value + share * length**2 / 10:
                return further
            share /= 2
        return x + step / (1 + length)  # stays inside: the barrier is self-concordant

    def value(self, x: Matrix, weight: float) -> float:
        """Return the function at x; minus infinity outside its domain."""
        try:
            pivots = np.diag(np.linalg.cholesky(self.matrix(x)))
        except np.linalg.LinAlgError:
            return -np.inf
        if (x[1:] <= 0).any():
            return -np.inf
        return float(weight * x[0] + 2 * np.log(pivots).sum() + np.log(x[1:]).sum())

    def newton(self, x: Matrix, weight: float) -> tuple[Matrix, float]:
        """Newton's step towards the maximum, and its length in the norm of the curvature."""
        rows, columns, twice = self.rows, self.columns, self.twice
        inverse = np.linalg.inv(self.matrix(x))
        inverse = (inverse + inverse.T) / 2
        gradient = np.empty(len(x))
        gradient[2:] = -twice * inverse[rows, columns]
        curvature = np.empty((len(x), len(x)))
        for line, form in enumerate(self.linear):
            side = inverse @ form @ inverse
            gradient[line] = np.sum(inverse * form)
            curvature[line, :2] = [np.sum(side * other) for other in self.linear]
            curvature[line, 2:] = curvature[2:, line] = -twice * side[rows, columns]
        products = inverse[np.ix_(rows, rows)] * inverse[np.ix_(columns, columns)]
        products += inverse[np.ix_(rows, columns)] * inverse[np.ix_(columns, rows)]
        curvature[2:, 2:] = products * np.outer(twice, twice) / 2
        gradient[0] += weight
        gradient[1:] += 1 / x[1:]
        curvature[np.arange(1, len(x)), np.arange(1, len(x))] += 1 / x[1:] ** 2
        step = np.linalg.solve(curvature, gradient)
        return step, float(np.sqrt(gradient @ step))


def search(width: Fraction) -> Certificate:
    """Search for the best bound at effective receptive fields up to `width` > 1, in floats.

    >>> round(search(Fraction(2)).bound, 9)
    0.5
    """
    barrier = _Barrier(width)
    x, weight = barrier.start, 1.0
    for _ in range(_STEPS):
        step, length = barrier.newton(x, weight)
        x = barrier.moved(x, step, length, weight)
        if length < 0.5:
            if len(x) < _PRECISION * weight:
                break
            weight *= 6
    size = barrier.size
    bound, multiplier = float(x[0]) / size**2, float(x[1]) / size**5
    return Certificate(bound, multiplier, barrier.spare(x) * barrier.scale)


def certify(certificate: Certificate, width: Fraction) -> bool:
    """Whether a certificate proves its bound for every filter with A_k up to `width`.

    >>> best = search(Fraction(3))
    >>> certify(best, Fraction(3)), certify(best, Fraction(301, 100))
    (True, False)
    """
    spare = certificate.spare
    count = len(spare)
    bound, multiplier = Fraction(certificate.bound), Fraction(certificate.multiplier)
    square = width * width
    # A further site on a box of `count` sites or more adds to its entry beside a box of m sites,
    # not longer, at least this times m mu / 24, and beside itself this times mu / 12, less t.
    beside_shorter = 3 * count**2 + 2 - 2 * square
    beside_itself = (2 * count + 1) * (2 * count**2 + 2 * count + 1 - square)
    if min(multiplier, beside_shorter, multiplier * beside_itself - 12 * bound) < 0:
        return False
    if not (spare >= 0).all() or not (spare == spare.T).all():
        return False
    drop, gram, excess = _forms(count, width)
    exact = np.array([[Fraction(value) for value in row] for row in spare.tolist()])
    return _positive_definite(drop - bound * gram + multiplier * excess - exact)


def _positive_definite(matrix: Matrix) -> bool:
    """Whether all pivots of Gauss elimination are certainly positive."""
    with ctx.workprec(_BITS):
        rows = [[arb(fmpq(v.numerator, v.denominator)) for v in row] for row in matrix.tolist()]
        while rows:
            (pivot, *right), *below = rows
            if not pivot > 0:
                return False
            rows = [
                [value - row[0] * top / pivot for value, top in zip(row[1:], right, strict=True)]
                for row in below
            ]
    return True
