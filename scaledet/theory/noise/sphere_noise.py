r"""Noise of fixed norm: uniform on the sphere of radius sigma sqrt(L) instead of Gaussian.

Gaussian noise is sphere noise times an independent radius of the same mean square, and
:math:`|P_k\, \mathrm{relu}(\eta)|^2` is homogeneous of degree two: for ``rectify="noise"`` and
None, G_k is the same for both, at every size. For "input" they differ by the active pixel alone:

.. math:: E_k S_k^d = L \mu_1^2 + L v_0 C + \bigl(E w_a^2 - \tfrac12 \sigma^2\bigr) C
          + 2 \bigl(E w_a r_i - \mu_1^2\bigr) (1 - C),

:math:`w_a = \mathrm{relu}(1 + \eta_a) - 1`, :math:`r_i = \mathrm{relu}(\eta_i)` at another pixel.
Its two moments differ by a relative 1/L, and it is one pixel of L: at fixed sigma the relative
difference of G_k is of order 1/L^2, and at matched noise, which hardly ever switches the active
pixel off, exponentially small. Source: ours.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["sphere_noise"]

_REACH = 13.0
_NODES = 160


def sphere_noise(
    pixels: int, sigma: float, rectify: str | None, peak: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance part of E|f_k(x + eta) - f_k(x)|^2 S_k^d, for c_k(0)^d = `peak`.

    Relative error of the sum below 1e-12.

    >>> mean, variance = sphere_noise(64, 0.5, "noise", np.array([1.0, 0.5]))
    >>> (mean + variance).round(6).tolist()       # L sigma^2/2 at the input, as for Gaussian noise
    [8.0, 5.27324]
    """
    power = pixels * sigma * sigma
    if rectify is None:
        return np.zeros_like(peak), power * peak
    total = power * (1 / (2 * math.pi) + (0.5 - 1 / (2 * math.pi)) * peak)
    rest = sigma * math.sqrt(pixels) * _unit_mean(pixels)
    if rectify == "noise":
        mean = np.full_like(peak, pixels * rest**2)
        return mean, total - mean
    drift, square, product = _active_pixel(pixels, sigma)
    total = total + (square - sigma**2 / 2) * peak
    total = total + 2 * (product - sigma**2 / (2 * math.pi)) * (1 - peak)
    shift = drift - rest
    mean = pixels * rest**2 + 2 * rest * shift + shift**2 * peak
    return mean, total - mean


def _unit_mean(count: int) -> float:
    """E relu(u_1) on the unit sphere in `count` dimensions."""
    ratio = math.exp(math.lgamma(count / 2) - math.lgamma((count + 1) / 2))
    return ratio / (2 * math.sqrt(math.pi))


def _active_pixel(pixels: int, sigma: float) -> tuple[float, float, float]:
    """E w_a, E w_a^2 and E w_a r_i, by the latitude of the noise along the active pixel.

    eta_a = R sin(t) with density cos(t)^(L - 2); the others fill a sphere of radius R cos(t).
    """
    radius = sigma * math.sqrt(pixels)
    end = min(math.pi / 2, _REACH / math.sqrt(pixels))
    kink = -math.asin(1 / radius) if radius > 1 else -end
    marks = sorted({-end, max(kink, -end), 0.0, end})
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    pieces = [((b - a) / 2, (a + b) / 2) for a, b in pairwise(marks)]
    t = np.concatenate([centre + half * nodes for half, centre in pieces])
    density = np.concatenate([half * weights for half, _ in pieces])
    density = density * np.exp((pixels - 2) * np.log1p(-(np.sin(t) ** 2)) / 2)
    density /= density.sum()
    change = np.maximum(1 + radius * np.sin(t), 0.0) - 1
    others = radius * np.cos(t) * _unit_mean(pixels - 1)
    return float(density @ change), float(density @ change**2), float(density @ (change * others))
