"""Fit power laws, refusing poor fits, and compute local slopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError, FitError
from scaledet.results import tables
from scaledet.results.contents import count, real, together
from scaledet.results.result import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ExponentFit", "fit_exponent", "local_exponents"]

# The logarithm of an estimate is Gaussian only while its relative error is small.
_LARGEST_RELATIVE_ERROR = 0.3
# A covariance matrix whose correlations are less symmetric than this is refused.
_ROUNDING = 1e-6


@dataclass(frozen=True, repr=False)
class ExponentFit(Record):
    """A power law values = amplitude * A^slope that fits the data.

    Attributes
    ----------
    slope, error : float
        Exponent and its standard error (dimensionless).
    amplitude : float
        Value at A = 1.
    chi2, dof, p_value
        Weighted squared residuals in log-log coordinates, degrees of freedom, goodness of fit.
    window : tuple of int
        First and last index used, both included.

    Examples
    --------
    >>> fit = fit_exponent([1, 2, 4], [1.0, 0.5, 0.25], [0.01, 0.01, 0.01])
    >>> round(fit.slope, 9), round(float(fit(8)), 9)
    (-1.0, 0.125)
    """

    slope: float
    error: float
    amplitude: float
    chi2: float
    dof: int
    p_value: float
    window: tuple[int, int]

    _kind = "exponent_fit"
    _facts: ClassVar = {
        "slope": real(),
        **dict.fromkeys(("error", "amplitude", "chi2"), real(minimum=0)),
        "dof": count(1),
        "p_value": real(minimum=0),
        "window": together(count(), count(2)),
    }

    def _values(self) -> dict[str, Any]:
        values = {name: value for name, value in vars(self).items() if name != "window"}
        return {**values, "first": self.window[0], "last": self.window[1]}

    def _title(self) -> str:
        return "ExponentFit of values = amplitude A^slope"

    def _described(self) -> dict[str, str]:
        return {
            "slope": tables.with_error(self.slope, self.error),
            "amplitude": f"{self.amplitude:.5g}",
            "window": "k = {} ... {}".format(*self.window),
            "chi2": f"{self.chi2:.1f} for {self.dof} dof, p = {self.p_value:.2g}",
        }

    def __repr__(self) -> str:
        first, last = self.window
        return (
            f"ExponentFit: slope = {self.slope:.5g} +- {self.error:.2g} over k = {first} ... "
            f"{last} (chi2 = {self.chi2:.1f} for {self.dof} dof, p = {self.p_value:.2g})"
        )

    def __call__(self, receptive_field: Any) -> Any:
        """Value of the fitted law at the given A (pixels)."""
        return self.amplitude * np.asarray(receptive_field, dtype=float) ** self.slope


def fit_exponent(
    A: Any,
    values: Any,
    errors: Any,
    window: tuple[int, int] | None = None,
    *,
    reject: float = 1e-3,
) -> ExponentFit:
    r"""Fit values = C A^slope by generalised least squares on logarithms.

    Parameters
    ----------
    A : array_like, shape [n]
        Increasing and positive (pixels).
    values : array_like, shape [n]
        Positive.
    errors : array_like, shape [n] or [n, n]
        Standard errors, or the covariance matrix of `values` (layers of one simulation share
        their noise: pass the block of ``Simulation.covariance``).
    window : (k0, k1), optional
        First and last index to use, both included; default all. At least three points.
    reject : float, default 1e-3
        Goodness of fit below which the data are no power law; 0 or more, below 1.

    Returns
    -------
    ExponentFit

    Raises
    ------
    FitError
        If the goodness of fit is below `reject`; carries slope, error, chi2, p_value, window.
    TypeError, ValueError
        For bad arrays, relative errors above 0.3 or fewer than three points.

    Examples
    --------
    >>> widths = np.array([1.0, 2, 4, 8, 16])
    >>> fit_exponent(widths, 3 * widths**-2, 0.01 * widths**-2)
    ExponentFit: slope = -2 +- 0.0015 over k = 0 ... 4 (chi2 = 0.0 for 3 dof, p = 1)
    """
    widths, measured = _curve(A, values)
    count = len(widths)
    covariance = _covariance(errors, count)
    first, last = _window(window, count)
    reject = validate.real("reject", reject, minimum=0.0)
    if reject >= 1:
        raise ArgumentError(f"reject must be below 1; got {reject!r}")
    part = slice(first, last + 1)
    x, y = np.log(widths[part]), np.log(measured[part])
    relative = covariance[part, part] / np.outer(measured[part], measured[part])
    worst = float(np.sqrt(np.diag(relative)).max())
    if worst > _LARGEST_RELATIVE_ERROR:
        raise ArgumentError(
            f"errors must be at most {_LARGEST_RELATIVE_ERROR:.0%} of values in the window; "
            f"got {worst:.0%}"
        )
    try:
        factor = np.linalg.cholesky(relative)
    except np.linalg.LinAlgError:
        raise ArgumentError("errors must be a positive definite covariance matrix") from None
    design = np.linalg.solve(factor, np.stack([np.ones_like(x), x], axis=1))
    target = np.linalg.solve(factor, y)
    solution = np.linalg.lstsq(design, target, rcond=None)[0]
    from scipy.special import chdtrc

    chi2 = float(((target - design @ solution) ** 2).sum())
    dof = len(x) - 2
    fit = ExponentFit(
        slope=float(solution[1]),
        error=float(np.sqrt(np.linalg.inv(design.T @ design)[1, 1])),
        amplitude=float(np.exp(solution[0])),
        chi2=chi2,
        dof=dof,
        p_value=float(chdtrc(dof, chi2)),
        window=(first, last),
    )
    if fit.p_value < reject:
        facts = vars(fit).copy()
        del facts["amplitude"]
        raise FitError(
            f"values must follow a power law over k = {first} ... {last}; the best slope "
            f"{fit.slope:.4g} +- {fit.error:.2g} has chi2 = {chi2:.1f} for {dof} degrees of "
            f"freedom (p = {fit.p_value:.1e} < {reject:g})",
            **facts,
        )
    return fit


def local_exponents(A: Any, values: Any) -> NDArray[np.float64]:
    r"""Slopes between neighbouring layers, ln(v_{k+1}/v_k) / ln(A_{k+1}/A_k), shape [n - 1].

    Each belongs to the geometric mean of its two A (where to draw it).

    Parameters
    ----------
    A, values : array_like, shape [n]
        Positive; `A` strictly increasing (pixels).

    Raises
    ------
    TypeError, ValueError
        For bad arrays.

    Examples
    --------
    >>> local_exponents([1, 2, 4], [1.0, 0.25, 0.0625])
    array([-2., -2.])
    """
    widths, measured = _curve(A, values)
    return np.asarray(np.diff(np.log(measured)) / np.diff(np.log(widths)))


def _curve(A: Any, values: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    widths, measured = validate.vector("A", A), validate.vector("values", values)
    if len(widths) != len(measured):
        raise ArgumentError(f"values must have the length of A, {len(widths)}; got {len(measured)}")
    if len(widths) < 2:
        raise ArgumentError(f"A must have at least 2 entries; got {len(widths)}")
    falls = np.diff(widths) <= 0
    if falls.any():
        index = int(np.argmax(falls)) + 1
        raise ArgumentError(
            f"A must be strictly increasing; got A[{index}] = {widths[index]} after "
            f"{widths[index - 1]}"
        )
    return widths, measured


def _covariance(errors: Any, count: int) -> NDArray[np.float64]:
    array = validate.floats("errors", errors, "an array of numbers")
    if array.shape == (count,):
        array = np.diag(validate.vector("errors", array) ** 2)
    elif array.shape != (count, count):
        raise ArgumentError(
            f"errors must have shape [{count}] or [{count}, {count}]; got {array.shape}"
        )
    variances = np.diag(array)
    with np.errstate(invalid="ignore"):
        skew = abs(array - array.T) > _ROUNDING * np.sqrt(np.outer(variances, variances))
    bad = skew | ~np.isfinite(array) | np.diag(variances <= 0)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ArgumentError(
            "errors must be finite and symmetric, variances > 0; "
            f"got errors[{row}, {column}] = {array[row, column]}"
        )
    return array


def _window(window: Any, count: int) -> tuple[int, int]:
    if window is None:
        first, last = 0, count - 1
    else:
        if not isinstance(window, tuple | list | np.ndarray) or len(window) != 2:
            raise ArgumentTypeError(f"window must be a pair of indices (k0, k1); got {window!r}")
        first = validate.integer("window[0]", window[0], 0, count - 1)
        last = validate.integer("window[1]", window[1], 0, count - 1)
    if last - first < 2:
        raise ArgumentError(
            f"window must hold at least 3 of the {count} layers, so that the fit can fail; "
            f"got {(first, last)}"
        )
    return first, last
