"""Exponents of linear layers whose filters are drawn at random, by the covariance of their taps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

from scaledet import rationals, validate
from scaledet.algebra.roots import log_in_base
from scaledet.errors import ArgumentError
from scaledet.isolation import isolated
from scaledet.network.kernel import entries
from scaledet.results.contents import count
from scaledet.results.result import Record
from scaledet.theory.growth.amplitudes import plateau, spelled
from scaledet.theory.growth.transition import correlation_growth

if TYPE_CHECKING:
    from typing import Self

__all__ = ["LinearExponents", "predict_linear_exponents"]


@dataclass(frozen=True, repr=False)
class LinearExponents(Record):
    r"""How D_k of linear random layers falls, with the facts that this follows from.

    Attributes
    ----------
    alpha : sympy.Expr
        Exact: :math:`D_k \sim A_k^{-\alpha}` (dimensionless).
    plateau : sympy.Expr or None
        Limit of D_k on the infinite lattice; None if D_k keeps oscillating.
    autocorrelation : tuple of Fraction
        A(0), A(1), ..., A(m) = sum_f C_{f, f+m}.
    stride : int
        Step between the outputs (pixels).

    Examples
    --------
    >>> from scaledet import predict_linear_exponents
    >>> predict_linear_exponents([[2, 1], [1, 2]], stride=2).plateau
    2/3
    """

    alpha: Any
    plateau: Any
    autocorrelation: tuple[Fraction, ...]
    stride: int

    _kind = "linear_exponents"
    _facts: ClassVar = {"stride": count(1)}

    def _values(self) -> dict[str, Any]:
        return vars(self)

    @isolated
    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        texts = [rationals.full_text(value) for value in self.autocorrelation]
        return {**facts, "autocorrelation": texts, "alpha": float(self.alpha)}, arrays

    @classmethod
    @isolated
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Compute again what was saved, from the autocorrelation and the stride."""
        stride = cls._facts["stride"]("stride", facts["stride"])
        lags = tuple(rationals.parsed(text) for text in facts.pop("autocorrelation"))
        given = vars(_exponents(lags, stride))
        if not math.isclose(value := facts.pop("alpha"), given["alpha"], rel_tol=1e-12):
            raise ArgumentError(f"alpha is {spelled(given['alpha'])}; got {value!r}")
        return super().from_stored({**given, **facts}, arrays)

    @isolated
    def __repr__(self) -> str:
        return super().__repr__()

    def _title(self) -> str:
        return f"Exponents of linear random layers, stride {self.stride}"

    def _described(self) -> dict[str, str]:
        limit = "none" if self.plateau is None else spelled(self.plateau)
        return {"D_k ~ A_k^-alpha": f"alpha = {spelled(self.alpha)}", "limit of D_k": limit}


@isolated
def predict_linear_exponents(tap_covariance: Any, *, stride: int = 1) -> LinearExponents:
    r"""Exact exponent of D_k of equal linear layers whose filters have the given tap covariance.

    .. math:: c_{k+1}(m) = \sum_n A(m - s n)\, c_k(n), \qquad A(m) = \sum_f C_{f, f+m} ,

    the transition operator of `predict_exponents` with A in place of the autocorrelation of a
    filter; for C = a a^T both are the same.

    Parameters
    ----------
    tap_covariance : nested sequence or array [F, F]
        C, exact as the weights of `Kernel`; no A(m) may be negative. One dimension.
    stride : int, default 1
        Step s between the outputs (pixels).

    Returns
    -------
    LinearExponents

    Raises
    ------
    ValueError, TypeError
        For bad arguments, and for a negative A(m).

    Notes
    -----
    Assumes an infinite lattice, k to infinity, no ReLU: `predict_wide` with ``rectify=None`` gives
    D_k at finite depth and size. A_k is s^k, and at stride 1 grows as the root of k. The noise
    sensitivity of linear networks does not grow. Source: our derivation.

    Examples
    --------
    Independent taps, at any weight, keep layers of stride 2 from becoming stable:

    >>> predict_linear_exponents([[2, 2], [2, 2]], stride=2).alpha
    1
    >>> predict_linear_exponents([[2, 1], [1, 2]], stride=2)
    Exponents of linear random layers, stride 2
      D_k ~ A_k^-alpha   alpha = 0
      limit of D_k       2/3 = 0.666667
    """
    stride = validate.integer("stride", stride, 1, 2**48)
    return _exponents(_autocorrelation(tap_covariance), stride)


def _autocorrelation(given: Any) -> tuple[Fraction, ...]:
    accepted = "a symmetric matrix, F rows of F numbers"
    rows = [entries(row) for row in entries(given) or ()]
    if not rows or any(row is None or len(row) != len(rows) for row in rows):
        raise ArgumentError(f"tap_covariance must be {accepted}; got {given!r}")
    matrix = [
        [validate.rational(f"tap_covariance[{i}][{j}]", v, decides=False) for j, v in enumerate(r)]
        for i, r in enumerate(row for row in rows if row is not None)
    ]
    size = range(len(matrix))
    if any(matrix[i][j] != matrix[j][i] for i in size for j in size):
        raise ArgumentError(f"tap_covariance must be {accepted}; got {given!r}")
    lags = [sum((matrix[i][i + m] for i in size[: len(size) - m]), Fraction(0)) for m in size]
    if min(lags) < 0 or not lags[0]:
        raise ArgumentError(
            "tap_covariance must have non-negative sums along its diagonals, the main one "
            f"positive; got {[rationals.text(lag) for lag in lags]}"
        )
    while not lags[-1]:
        lags.pop()
    return tuple(lags)


def _exponents(lags: Sequence[Fraction], stride: int) -> LinearExponents:
    import sympy as sp

    span = math.gcd(*(m for m, value in enumerate(lags) if value))
    if stride == 1:
        # c_k is the law of a random walk: D_k = 1/(k variance) + ... if neighbours can meet.
        meet = span == 1
        return LinearExponents(
            sp.Integer(2 if meet else 0), sp.Integer(0 if meet else 1), tuple(lags), stride
        )
    scale = math.lcm(*(value.denominator for value in lags))
    rates = correlation_growth(tuple(int(value * scale) for value in lags), stride)
    alike = rates.peak.same_as(rates.drop)
    drop, peak = rates.drop.sympy(), rates.peak.sympy()
    alpha = sp.Integer(0) if alike else -log_in_base(drop / peak, stride)
    return LinearExponents(alpha, plateau(rates), tuple(lags), stride)
