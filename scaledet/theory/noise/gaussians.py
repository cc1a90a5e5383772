r"""Means and covariances of rectified Gaussian variables, in units of their standard deviations.

With X, Y standard normal of correlation :math:`\rho` and density :math:`\varphi_\rho`, Price's
theorem says that the covariance C of relu(h + X) and relu(k + Y) grows with :math:`\rho` at the
rate :math:`P(X > -h, Y > -k)`, and this at the rate :math:`\varphi_\rho(h, k)`:

.. math:: C = \rho\, \Phi(h) \Phi(k) + \int_0^\rho (\rho - u)\, \varphi_u(h, k)\, du .

For :math:`\rho \ge 0` nothing cancels. At h = k = 0 it is the arc-cosine kernel of order one.

Conversely, a variable :math:`V \ge 0` of mean m and variance v is read as
:math:`s\,\mathrm{relu}(h + X)`, a pair of them with the correlation of (X, Y) that gives their
covariance. These equations have one solution, for :math:`m/\sqrt v` and the covariance increase
with h and with the correlation.
Source: Price 1958; Cho and Saul 2009 (zero means); the arrangement and the inversion are ours.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "centred_covariance",
    "covariance_and_slope",
    "matched_correlation",
    "matched_height",
    "normal_cdf",
    "normal_density",
    "rectified_covariance",
    "rectified_excess",
    "rectified_mean",
    "unit_rule",
]

Array = NDArray[np.float64]

_SQRT_2PI = math.sqrt(2 * math.pi)
# (largest artanh of the correlation, nodes of the Gauss-Legendre rule up to there); beyond 18 the
# integral changes by less than 1e-20.
_RULES = ((1.2, 24), (4.0, 64), (18.0, 160))
_BLOCK = 1 << 20
_LOWEST, _HIGHEST = -37.0, 9.0
_STEPS = 60


def normal_cdf(x: Any) -> Any:
    """Return the distribution function of the standard normal law, elementwise."""
    from scipy.special import ndtr  # slow to import, and not needed by every prediction

    return ndtr(x)


def normal_density(x: Array) -> Array:
    """Return the density of the standard normal law, elementwise; 0 beyond 40."""
    near = np.clip(x, -40.0, 40.0)
    with np.errstate(under="ignore"):
        return np.asarray(np.exp(-near * near / 2) / _SQRT_2PI)


def rectified_excess(height: Array) -> Array:
    r"""Return E relu(h + X) - relu(h), :math:`\phi(h) - |h|\, \Phi(-|h|)`."""
    size = np.abs(height)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        value = normal_density(size) - size * normal_cdf(-size)
    return np.asarray(np.where(size < 38, np.maximum(value, 0.0), 0.0))


def rectified_mean(height: Array) -> Array:
    """Return E relu(h + X)."""
    return np.maximum(height, 0.0) + rectified_excess(height)


def centred_covariance(correlation: Array) -> Array:
    r"""Return Cov(relu(X), relu(Y)), the arc-cosine kernel less the product of the means.

    .. math:: \frac{1}{2\pi} \bigl(\sqrt{1 - \rho^2} + \rho\, (\pi - \arccos\rho) - 1\bigr)
    """
    rho = np.clip(correlation, -1.0, 1.0)
    root = np.sqrt((1 - rho) * (1 + rho))
    return np.asarray(rho / 4 + (rho * np.arcsin(rho) - rho * rho / (1 + root)) / (2 * np.pi))


def rectified_covariance(first: Array, second: Array, correlation: Array) -> Array:
    """Return Cov(relu(h + X), relu(k + Y)) for arrays h, k and rho in [-1, 1] of one shape.

    Relative error below 1e-12 for rho >= 0 and h, k >= 0; below 1e-13 absolutely elsewhere
    (tested against quadrature of 30 digits).
    """
    return covariance_and_slope(first, second, correlation)[0]


def covariance_and_slope(first: Array, second: Array, correlation: Array) -> tuple[Array, Array]:
    """Return the covariance C of `rectified_covariance` and dC/drho = P(X > -h, Y > -k).

    >>> slope = covariance_and_slope(np.array(0.0), np.array(0.0), np.array(0.5))[1]
    >>> bool(abs(slope - 1 / 3) < 1e-15)                # 1/4 + arcsin(rho) / (2 pi)
    True
    """
    shape = np.broadcast_shapes(np.shape(first), np.shape(second), np.shape(correlation))
    h, k, rho = (np.ravel(part) for part in np.broadcast_arrays(first, second, correlation))
    rho = np.clip(rho, -1.0, 1.0)
    slope = np.asarray(normal_cdf(h) * normal_cdf(k))
    result = rho * slope
    with np.errstate(divide="ignore"):
        reach = np.clip(np.arctanh(rho), -_RULES[-1][0], _RULES[-1][0])
    # Elsewhere the density, at most phi(h) or phi(k), is below 1e-313.
    inside = (np.abs(h) < 38) & (np.abs(k) < 38) & (rho != 0)
    low = 0.0
    for high, count in _RULES:
        group = np.flatnonzero(inside & (np.abs(reach) > low) & (np.abs(reach) <= high))
        for start in range(0, len(group), _BLOCK // count):
            rows = group[start : start + _BLOCK // count]
            more, steeper = _integrals(h[rows], k[rows], rho[rows], reach[rows], count)
            result[rows] += more
            slope[rows] += steeper
        low = high
    return result.reshape(shape), slope.reshape(shape)


def _integrals(h: Array, k: Array, rho: Array, reach: Array, count: int) -> tuple[Array, Array]:
    r"""Integrate (rho - u) phi_u and phi_u over y, u = tanh y, where phi_u varies within one unit.

    .. math:: \varphi_u(h, k)\, du = \frac{dy}{2 \pi \cosh y}
              \exp\bigl(-\tfrac12 k^2 - \tfrac12 (h \cosh y - k \sinh y)^2\bigr)
    """
    nodes, weights = unit_rule(count)
    y = reach[:, None] * nodes
    cosh = np.cosh(y)
    exponent = (h[:, None] * cosh - k[:, None] * np.sinh(y)) ** 2 + k[:, None] ** 2
    with np.errstate(under="ignore"):
        density = np.exp(-exponent / 2) / cosh
        weighted = (rho[:, None] - np.tanh(y)) * density
    scale = reach / (2 * np.pi)
    return scale * (weighted @ weights), scale * (density @ weights)


@lru_cache
def unit_rule(count: int) -> tuple[Array, Array]:
    """Gauss-Legendre rule on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


def matched_height(ratio: Array) -> Array:
    """Return h at which relu(h + X) has mean `ratio` times its standard deviation.

    Error below 1e-10; -37, below which relu(h + X) is lost in underflow, is the lowest.
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
def _table() -> tuple[Array, Array]:
    heights = np.linspace(_LOWEST, _HIGHEST, 1000)
    return heights, _log_ratio(heights)[0]


def _log_ratio(h: Array) -> tuple[Array, Array]:
    """Logarithm of mean over standard deviation of relu(h + X), and its derivative."""
    mean = rectified_mean(h)
    variance = rectified_covariance(h, h, np.ones_like(h))
    slope = normal_cdf(h) / mean - mean * normal_cdf(-h) / variance
    return np.log(mean) - np.log(variance) / 2, slope


def matched_correlation(first: Array, second: Array, covariance: Array) -> Array:
    """Return the correlation in [-1, 1] at which relu(h + X) and relu(k + Y) have `covariance`.

    The nearest end where none has. Newton's method from above: the covariance is convex in rho
    where rho >= 0.
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
