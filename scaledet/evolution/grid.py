r"""Integrals, convolutions and interpolation of functions given on a uniform grid, to high order.

The functions are smooth on their interval and jump at its ends. The plain sum is corrected there
by weights :math:`\gamma_r` on the first and last eight points,

.. math:: \int_0^\infty \varphi = h \sum_{j \ge 0} \varphi_j
              + h \sum_{r < 8} \gamma_r \varphi_r + O(h^9), \qquad
          \sum_r \gamma_r = -\tfrac12, \quad \sum_r \gamma_r r^p = \frac{B_{p+1}}{p + 1},

p = 1 ... 7 (Gregory's rule, from the Euler-Maclaurin formula). Sums of
non-negative numbers do not cancel: tails keep their relative accuracy, which a Fourier transform
would lose.
Source: Gregory's rule is classical; its use on densities with an atom is ours.
"""

from __future__ import annotations

from functools import lru_cache
from math import factorial, floor

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ORDER",
    "at_most",
    "convolve",
    "correlate",
    "density_at",
    "integral",
    "interpolate",
    "resampled",
]

Array = NDArray[np.float64]

ORDER = 8
"""Number of end weights; the rule is exact for polynomials below this degree."""
_WINDOW = 10
"""Points of one interpolating polynomial."""


@lru_cache(maxsize=1)
def end_weights() -> Array:
    """Corrections gamma_r of the trapezoidal sum with full weight at its end."""
    powers = np.arange(ORDER)
    moments = np.array([-1 / 2, 1 / 12, 0, -1 / 120, 0, 1 / 252, 0, -1 / 240])
    matrix = np.arange(ORDER, dtype=float)[None, :] ** powers[:, None]
    return np.asarray(np.linalg.solve(matrix, moments))


def integral(values: Array, step: float) -> float:
    """Integral over the whole grid of at least 16 points."""
    gamma = end_weights()
    ends = gamma @ values[:ORDER] + gamma @ values[: -ORDER - 1 : -1]
    return float(step * (values.sum() + ends))


def convolve(f: Array, g: Array, step: float) -> Array:
    r"""Convolution :math:`\int f(y) g(x - y) dy` of two densities on half lines, same step.

    Entry i belongs to the sum of the first points plus i steps; both have at least 16 points.
    """
    result = np.convolve(f, g)
    for still, moving in ((f, g), (g, f)):
        size = len(moving)
        # The overlap ends at the start of `still` as long as `moving` reaches that far, then at
        # the end of `moving`.
        result[:size] += np.convolve(end_weights() * still[:ORDER], moving)[:size]
        tail = end_weights()[::-1] * moving[-ORDER:]
        result[size:] += np.convolve(still, tail)[ORDER:]
    corner = 2 * ORDER
    result[:corner] = _corner(f, g)
    result[-corner:] = _corner(f[::-1], g[::-1])[::-1]
    return np.maximum(step * result, 0.0)


def _corner(f: Array, g: Array) -> Array:
    """First convolution values, whose overlap is too short for end weights, in units of a step."""
    return np.array([f[: len(form)] @ form @ g[: len(form)] for form in _corner_forms()])


@lru_cache(maxsize=1)
def _corner_forms() -> tuple[Array, ...]:
    """Bilinear forms of the convolution at m steps of the interpolating polynomials."""
    nodes, weights = np.polynomial.legendre.leggauss(2 * ORDER)
    forms = []
    for m in range(2 * ORDER):
        y = m * (nodes + 1) / 2
        points = max(m + 1, ORDER)
        left, right = _lagrange(y, points), _lagrange(m - y, points)
        forms.append(left.T @ (right * (m * weights / 2)[:, None]))
    return tuple(forms)


def _lagrange(x: Array, points: int) -> Array:
    """Lagrange polynomials of the nodes 0 ... points - 1 at x, shape [len(x), points]."""
    away = x - np.arange(points)[:, None]
    before, after = np.ones_like(away), np.ones_like(away)
    for a in range(1, points):
        before[a] = before[a - 1] * away[a - 1]
        after[-a - 1] = after[-a] * away[-a]
    last = points - 1
    scale = [(-1.0) ** (last - a) * factorial(a) * factorial(last - a) for a in range(points)]
    return np.asarray((before * after).T / np.array(scale))


def correlate(f: Array, g: Array, step: float) -> Array:
    r"""Density :math:`\int_0^\infty f(x + y) g(y) dy` of a difference, at the points of f."""
    return convolve(f[::-1], g, step)[: len(f)][::-1]


def interpolate(values: Array, x: Array) -> Array:
    """Values between the grid points: `x` in units of the step, 0 <= x <= len(values) - 1."""
    first = np.clip(np.floor(x).astype(int) - _WINDOW // 2 + 1, 0, len(values) - _WINDOW)
    weights = _lagrange(x - first, _WINDOW)
    return np.asarray((weights * values[first[:, None] + np.arange(_WINDOW)]).sum(axis=1))


def density_at(values: Array, x: Array) -> Array:
    """Interpolate a density, which is never negative."""
    return np.maximum(interpolate(values, x), 0.0)


def resampled(values: Array, ratio: float) -> Array:
    """Return a density on a grid over the same interval whose step is `ratio` times as long."""
    last = len(values) - 1
    count = floor(last / ratio + 1e-9) + 1
    return density_at(values, np.minimum(ratio * np.arange(count), last))


def at_most(values: Array, step: float, points: int) -> tuple[Array, float]:
    """Return a density and the step of its grid, made coarser if it has more than `points`."""
    last = len(values) - 1
    if last < points:
        return values, step
    return density_at(values, np.linspace(0, last, points)), step * (last / (points - 1))
