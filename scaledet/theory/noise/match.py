r"""Read non-negative variables as rectified Gaussian ones of the same means and covariances.

A variable :math:`V \ge 0` of mean m and variance v is taken for :math:`s\,\mathrm{relu}(h + X)`,
a pair of them for one whose (X, Y) have the correlation that gives their covariance. All three
equations have one solution: :math:`m/\sqrt v` and the covariance are increasing functions of h and
of the correlation. Source: ours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from scaledet.theory.noise.gaussians import (
    covariance_and_slope,
    rectified_covariance,
    rectified_mean,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["matched_correlation", "matched_height"]

_LOWEST, _HIGHEST = -37.0, 9.0
_STEPS = 60


def matched_height(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return h at which relu(h + X) has mean `ratio` times its standard deviation.

    Error below 1e-10; -37, below which relu(h + X) is lost in underflow, is the lowest.

    >>> h = np.array([-8.0, 0.0, 3.0])
    >>> deviation = np.sqrt(rectified_covariance(h, h, np.ones(3)))
    >>> bool(np.allclose(matched_height(rectified_mean(h) / deviation), h, rtol=0, atol=1e-12))
    True
    """
    heights, logs = _table()
    with np.errstate(divide="ignore"):
        wanted = np.log(ratio)
    result = np.interp(wanted, logs, heights)
    inside = (wanted > logs[0]) & (wanted < logs[-1])
    h, target = result[inside], wanted[inside]
    for _ in range(4):  # the table is good to three digits: Newton's method doubles them
        value, slope = _log_ratio(h)
        h = np.clip(h - (value - target) / slope, _LOWEST, _HIGHEST)
    result[inside] = h
    # Beyond the table nothing is rectified, to double precision.
    return np.where(wanted >= logs[-1], ratio, result)


@lru_cache
def _table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    heights = np.linspace(_LOWEST, _HIGHEST, 1000)
    return heights, _log_ratio(heights)[0]


def _log_ratio(h: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logarithm of mean over standard deviation of relu(h + X), and its derivative."""
    from scipy.special import ndtr

    mean = rectified_mean(h)
    variance = rectified_covariance(h, h, np.ones_like(h))
    slope = ndtr(h) / mean - mean * ndtr(-h) / variance
    return np.log(mean) - np.log(variance) / 2, slope


def matched_correlation(
    first: NDArray[np.float64], second: NDArray[np.float64], covariance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the correlation in [-1, 1] at which relu(h + X) and relu(k + Y) have `covariance`.

    The nearest end where none has. Newton's method from above: the covariance is convex in rho
    where rho >= 0.

    >>> h, k, rho = np.array([0.3]), np.array([-1.0]), np.array([0.7])
    >>> bool(abs(matched_correlation(h, k, rectified_covariance(h, k, rho)) - rho) < 1e-13)
    True
    """
    result = np.ones_like(covariance)
    todo = np.arange(covariance.size)
    for _ in range(_STEPS):
        rho = result[todo]
        value, slope = covariance_and_slope(first[todo], second[todo], rho)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = (value - covariance[todo]) / slope
        step = np.where(slope > 0, step, 0.0)
        result[todo] = np.clip(rho - step, -1.0, 1.0)
        todo = todo[np.abs(result[todo] - rho) > 1e-14]
        if not len(todo):
            break
    return result
