r"""The transition operator of one filter and stride, on finitely many lags, and its growth rates.

:math:`(T v)(m) = \sum_n A(m - s n)\, v(n)` restricted to :math:`|m| \le M`,
:math:`M = \max(1, \lceil (f-1)/(s-1) \rceil - 1)`, and folded to :math:`m \ge 0` by symmetry.
The window decides c_k(0) and c_k(1); lags outside are not zero, only not needed.
Sources: Eirola 1992, Villemoes 1994 (the operator); the growth along the orbit of delta_0, rather
than the largest eigenvalues, is our derivation.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from flint import fmpz, fmpz_mat, fmpz_poly

from scaledet.algebra.interruptible import interruptible
from scaledet.algebra.roots import PositiveRoot, dominant_root
from scaledet.errors import ArgumentError
from scaledet.network.kernel import Kernel
from scaledet.theory.correlation.exact import kernel_correlation

__all__ = [
    "Growth",
    "correlation_growth",
    "growth",
    "refuse_rounded_sum_rule",
    "transition_matrix",
]


@dataclass(frozen=True, eq=False)
class Growth:
    """Generating functions N(z)/R(z) of the integers C_k(0) and C_k(0) - C_k(1), their growth.

    `peak` and `drop` are the growth rates per layer of c_k(0) and c_k(0) - c_k(1), normalised.
    """

    peak: PositiveRoot
    drop: PositiveRoot
    peak_fraction: tuple[fmpz_poly, fmpz_poly]
    drop_fraction: tuple[fmpz_poly, fmpz_poly]


def transition_matrix(weights: tuple[int, ...], stride: int) -> fmpz_mat:
    """Folded integer transition operator of `weights` (trimmed) at `stride` >= 2.

    Divide by the square of the weights' sum for the normalised operator.
    """
    return _correlation_matrix(_from_lag_zero(weights), stride)


def _from_lag_zero(weights: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(value) for value in kernel_correlation(weights).coeffs()[len(weights) - 1 :])


def _correlation_matrix(correlation: tuple[int, ...], stride: int) -> fmpz_mat:
    reach = len(correlation) - 1
    radius = max(1, -(-reach // (stride - 1)) - 1)

    def at(lag: int) -> fmpz:
        return fmpz(correlation[abs(lag)] if abs(lag) <= reach else 0)

    lags = range(radius + 1)
    return fmpz_mat(
        [[at(m - stride * n) + (at(m + stride * n) if n else 0) for n in lags] for m in lags]
    )


@lru_cache(maxsize=256)
def growth(weights: tuple[int, ...], stride: int) -> Growth:
    """Exact growth of c_k(0) and c_k(0) - c_k(1) under repeated pooling at `stride` >= 2.

    The minimal recurrences of both integer sequences follow from det(1 - zT) by cancelling
    common factors with the numerators; growth rates are their dominant roots.
    """
    return correlation_growth(_from_lag_zero(weights), stride)


@lru_cache(maxsize=256)
def correlation_growth(correlation: tuple[int, ...], stride: int) -> Growth:
    """Return the same for any autocorrelation of one layer, A(0), A(1), ... of integers >= 0."""
    matrix = _correlation_matrix(correlation, stride)
    order = matrix.nrows()
    vector = fmpz_mat(order, 1, [1] + [0] * (order - 1))
    peaks, drops = [], []
    for _ in range(order):
        peaks.append(vector[0, 0])
        drops.append(vector[0, 0] - vector[1, 0])
        vector = matrix * vector
    bits = max(abs(entry) for entry in matrix.entries()).bit_length()
    characteristic = interruptible(matrix, "charpoly", seconds=1.6e-11 * order**4 * bits)
    reversed_characteristic = fmpz_poly(list(reversed(characteristic.coeffs())))
    scale = Fraction(2 * sum(correlation) - correlation[0])

    def minimal(terms: list[fmpz]) -> tuple[PositiveRoot, tuple[fmpz_poly, fmpz_poly]]:
        product = fmpz_poly(terms) * reversed_characteristic
        numerator = fmpz_poly(product.coeffs()[:order])
        common = numerator.gcd(reversed_characteristic)
        numerator, denominator = numerator // common, reversed_characteristic // common
        recurrence = fmpz_poly(list(reversed(denominator.coeffs())))
        return dominant_root(recurrence, scale), (numerator, denominator)

    peak, peak_fraction = minimal(peaks)
    drop, drop_fraction = minimal(drops)
    return Growth(peak, drop, peak_fraction, drop_fraction)


def refuse_rounded_sum_rule(pool: Kernel, step: int) -> None:
    """Raise ``ValueError`` for float weights that meet the sum rule only up to rounding."""
    defect = pool.sum_rule_defect(step)
    if 0 < defect < Fraction(1, 10**6) and max(w.denominator for w in pool.weights) > 10**9:
        raise ArgumentError(
            f"kernel must satisfy the sum rule at stride {step} exactly or clearly violate it; "
            f"its coset sums differ by {float(defect):.1e}, a rounding error of float weights: "
            "give the weights as integers or Fractions"
        )
