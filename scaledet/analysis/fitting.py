"""Fit power laws, refusing poor fits, and compute local slopes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError, FitError
from scaledet.results import tables
from scaledet.results.contents import count, optional, real, together
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
        Weighted squared residuals in log-log coordinates, degrees of freedom, goodness of fit;
        chi2 and p_value are None if the data had no errors, so that `error` is from the scatter.
    window : tuple of int
        First and last index used, both included.
    corrected : bool
        Whether values were divided by a given correction; the law is that of the quotients.

    Examples
    --------
    >>> fit = fit_exponent([1, 2, 4], [1.0, 0.5, 0.25], [0.01, 0.01, 0.01])
    >>> round(fit.slope, 9), round(float(fit(8)), 9)
    (-1.0, 0.125)
    """

    slope: float
    error: float
    amplitude: float
    chi2: float | None
    dof: int
    p_value: float | None
    window: tuple[int, int]
    corrected: bool = False

    _kind = "exponent_fit"
    _facts: ClassVar = {
        "slope": real(),
        **dict.fromkeys(("error", "amplitude"), real(minimum=0)),
        **dict.fromkeys(("chi2", "p_value"), optional(real(minimum=0))),
        "dof": count(1),
        "window": together(count(), count(2)),
        "corrected": validate.flag,
    }

    def _values(self) -> dict[str, Any]:
        values = {name: value for name, value in vars(self).items() if name != "window"}
        return {**values, "first": self.window[0], "last": self.window[1]}

    def _title(self) -> str:
        values = "values / correction" if self.corrected else "values"
        return f"ExponentFit of {values} = amplitude A^slope"

    def _described(self) -> dict[str, str]:
        return {
            "slope": tables.with_error(self.slope, self.error),
            "amplitude": f"{self.amplitude:.5g}",
            "window": "k = {} ... {}".format(*self.window),
            "quality": self._quality(),
        }

    def _quality(self) -> str:
        if self.chi2 is None:
            return f"error from the scatter, {self.dof} dof; not tested"
        return f"chi2 = {self.chi2:.1f} for {self.dof} dof, p = {self.p_value:.2g}"

    def __repr__(self) -> str:
        first, last = self.window
        return (
            f"ExponentFit: slope = {self.slope:.5g} +- {self.error:.2g} over k = {first} ... "
            f"{last}{', corrected' if self.corrected else ''} ({self._quality()})"
        )

    def __call__(self, receptive_field: Any) -> Any:
        """Value of the fitted law at the given A (pixels)."""
        return self.amplitude * np.asarray(receptive_field, dtype=float) ** self.slope


def fit_exponent(
    A: Any,
    values: Any,
    errors: Any = None,
    window: tuple[int, int] | None = None,
    *,
    correction: Any = None,
    blocks: int | None = None,
    reject: float = 1e-3,
) -> ExponentFit:
    r"""Fit values = C A^slope by generalised least squares on logarithms.

    Parameters
    ----------
    A : array_like, shape [n]
        Increasing and positive (pixels). Of this and all other arrays only the window is checked.
    values : array_like, shape [n]
        Positive.
    errors : array_like, shape [n] or [n, n], optional
        Standard errors, or the covariance matrix of `values` (layers of one simulation share
        their noise: pass the block of ``Simulation.covariance``). Without them all relative errors
        are taken for equal and independent, the error of the slope is that of the scatter about
        the law (Student's t with `dof` degrees of freedom), and no law is rejected.
    window : (k0, k1), optional
        First and last index to use, both included, negative ones counted from the end as Python
        does; default all. At least three points.
    correction : array_like, shape [n], optional
        Positive factors by which values differ from a power law: values / correction is fitted.
        Finite images bend the law of D by ``predict(net, size=size).D / predict(net).D``; finite
        images and early layers bend D by ``p.D * p.A**alpha`` and G by ``p.G / p.A**beta``, p the
        prediction, alpha and beta its exponents. The bend is then the theory's: the fit tests that
        values follow it, not that they follow a power law by themselves.
    blocks : int, optional
        Number of independent blocks whose scatter gave the covariance matrix, such as
        ``Simulation.blocks``. The goodness of fit and the error of the slope then allow for the
        matrix itself being an estimate (Hotelling's law); without it they take it for known.
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

    Notes
    -----
    With the residual chi2 of nu degrees of freedom and a covariance of f = B - 1 degrees,
    :math:`\chi^2 (f - \nu + 1) / (\nu f) \sim F_{\nu, f - \nu + 1}`, and the variance of the slope
    is :math:`(f - 1) f / ((f - \nu - 1)(f - \nu))` times that for a known covariance.
    Source: C. R. Rao, Biometrika 46 (1959) 49.

    Examples
    --------
    >>> widths = np.array([1.0, 2, 4, 8, 16])
    >>> fit_exponent(widths, 3 * widths**-2, 0.01 * widths**-2)
    ExponentFit: slope = -2 +- 0.0015 over k = 0 ... 4 (chi2 = 0.0 for 3 dof, p = 1)
    >>> fit_exponent(widths, [3, 2.2, 1.4, 1.1, 0], window=(0, -2)).dof
    2
    """
    widths, measured = _curve(A, values)
    count = len(widths)
    first, last = _window(window, count)
    x = np.log(_increasing(widths, first, last))
    used = _positive("values", measured, first, last)
    y = np.log(used)
    if correction is not None:
        factors = validate.floats("correction", correction, "an array of numbers")
        if factors.shape != (count,):
            raise ArgumentError(f"correction must have shape [{count}]; got {factors.shape}")
        y = y - np.log(_positive("correction", factors, first, last))
    relative = np.eye(len(x))
    if errors is not None:
        relative = _relative_covariance(errors, used, first, count)
    dof = len(x) - 2
    blocks = _blocks(blocks, errors, dof)
    reject = validate.real("reject", reject, minimum=0.0)
    if reject >= 1:
        raise ArgumentError(f"reject must be below 1; got {reject!r}")
    (level, slope), variance, chi2 = _line(x, y, relative)
    with np.errstate(over="ignore"):
        amplitude = float(np.exp(level))
    if not 0 < amplitude < np.inf:
        raise ArgumentError(
            f"A must be in units in which the law's value at A = 1, exp({level:.4g}), fits a float"
        )
    p_value, widening = None, chi2 / dof
    if errors is not None:
        p_value, widening = _quality(chi2, dof, blocks)
    fit = ExponentFit(
        slope=slope,
        error=math.sqrt(variance * widening),
        amplitude=amplitude,
        chi2=None if errors is None else chi2,
        dof=dof,
        p_value=p_value,
        window=(first, last),
        corrected=correction is not None,
    )
    if p_value is not None and p_value < reject:
        facts = ("slope", "error", "chi2", "dof", "p_value", "window")
        raise FitError(
            f"values{' / correction' if fit.corrected else ''} must follow a power law over "
            f"k = {first} ... {last}; the best slope {slope:.4g} +- {fit.error:.2g} has "
            f"chi2 = {chi2:.1f} for {dof} degrees of freedom (p = {p_value:.1e} < {reject:g})",
            **{name: getattr(fit, name) for name in facts},
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
    last = len(widths) - 1
    widths, measured = _increasing(widths, 0, last), _positive("values", measured, 0, last)
    return np.asarray(np.diff(np.log(measured)) / np.diff(np.log(widths)))


def _curve(A: Any, values: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return A and values as arrays of one length; what the numbers are is checked where used."""
    accepted = "a one-dimensional array of numbers"
    widths, measured = (
        validate.floats(name, array, accepted) for name, array in (("A", A), ("values", values))
    )
    for name, array in (("A", widths), ("values", measured)):
        if array.ndim != 1:
            raise ArgumentError(f"{name} must be {accepted}; got shape {array.shape}")
    if len(widths) != len(measured):
        raise ArgumentError(f"values must have the length of A, {len(widths)}; got {len(measured)}")
    if len(widths) < 2:
        raise ArgumentError(f"A must have at least 2 entries; got {len(widths)}")
    return widths, measured


def _positive(name: str, array: NDArray[np.float64], first: int, last: int) -> NDArray[np.float64]:
    """Return entries `first` to `last`, which must be finite and positive."""
    used = array[first : last + 1]
    bad = ~(np.isfinite(used) & (used > 0))
    if bad.any():
        index = first + int(np.argmax(bad))
        raise ArgumentError(
            f"{name} must be finite numbers > 0; got {name}[{index}] = {array[index]}"
        )
    return used


def _increasing(widths: NDArray[np.float64], first: int, last: int) -> NDArray[np.float64]:
    """Return entries `first` to `last` of A."""
    used = _positive("A", widths, first, last)
    falls = np.diff(used) <= 0
    if falls.any():
        index = int(np.argmax(falls)) + 1
        raise ArgumentError(
            f"A must be strictly increasing; got A[{first + index}] = {used[index]} after "
            f"{used[index - 1]}"
        )
    return used


def _relative_covariance(
    errors: Any, values: NDArray[np.float64], first: int, count: int
) -> NDArray[np.float64]:
    """Return the covariance of log(values) at entries `first` and so on of `count`."""
    array = validate.floats("errors", errors, "an array of numbers")
    last = first + len(values) - 1
    if array.shape == (count,):
        # Squared after the division: squares of small and large errors leave the range of floats.
        relative = np.diag((_positive("errors", array, first, last) / values) ** 2)
    elif array.shape == (count, count):
        used = array[first : last + 1, first : last + 1]
        relative = used / values[:, None] / values
        variances = np.diag(relative)
        with np.errstate(invalid="ignore"):
            skew = abs(relative - relative.T) > _ROUNDING * np.sqrt(np.outer(variances, variances))
        bad = skew | ~np.isfinite(used) | np.diag(variances <= 0)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise ArgumentError(
                "errors must be finite and symmetric, variances > 0; "
                f"got errors[{first + row}, {first + column}] = {used[row, column]}"
            )
    else:
        raise ArgumentError(
            f"errors must have shape [{count}] or [{count}, {count}]; got {array.shape}"
        )
    worst = float(np.sqrt(np.diag(relative)).max())
    if worst > _LARGEST_RELATIVE_ERROR:
        raise ArgumentError(
            f"errors must be at most {_LARGEST_RELATIVE_ERROR:.0%} of values in the window; "
            f"got {worst:.0%}"
        )
    return relative


def _line(
    x: NDArray[np.float64], y: NDArray[np.float64], covariance: NDArray[np.float64]
) -> tuple[tuple[float, float], float, float]:
    """Fit y = level + slope x; return (level, slope), the variance of the slope, and chi2."""
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        raise ArgumentError("errors must be a positive definite covariance matrix") from None
    design = np.linalg.solve(factor, np.stack([np.ones_like(x), x], axis=1))
    target = np.linalg.solve(factor, y)
    level, slope = np.linalg.lstsq(design, target, rcond=None)[0]
    residuals = target - design @ np.array([level, slope])
    variance = float(np.linalg.inv(design.T @ design)[1, 1])
    return (float(level), float(slope)), variance, float((residuals**2).sum())


def _blocks(blocks: Any, errors: Any, dof: int) -> int | None:
    if blocks is None:
        return None
    if errors is None or np.ndim(errors) != 2:
        raise ArgumentError(
            f"blocks must be left out unless errors is a covariance matrix; got {blocks!r}"
        )
    return validate.integer("blocks", blocks, dof + 3)


def _quality(chi2: float, dof: int, blocks: int | None) -> tuple[float, float]:
    """Return the goodness of fit, and by what the variance of the slope is too small."""
    from scipy.special import chdtrc, fdtrc

    if blocks is None:
        return float(chdtrc(dof, chi2)), 1.0
    free = blocks - 1
    p_value = float(fdtrc(dof, free - dof + 1, chi2 * (free - dof + 1) / (dof * free)))
    return p_value, (free - 1) * free / ((free - dof - 1) * (free - dof))


def _window(window: Any, count: int) -> tuple[int, int]:
    if window is None:
        first, last = 0, count - 1
    else:
        if not isinstance(window, tuple | list | np.ndarray) or len(window) != 2:
            raise ArgumentTypeError(f"window must be a pair of indices (k0, k1); got {window!r}")
        first, last = (
            validate.integer(f"window[{i}]", index, -count, count - 1) % count
            for i, index in enumerate(window)
        )
    if last - first < 2:
        raise ArgumentError(
            f"window must hold at least 3 of the {count} layers, so that the fit can fail; "
            f"got {(first, last)}"
        )
    return first, last
