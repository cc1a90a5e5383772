r"""Mean and variance of rectified Gaussian variables."""

from __future__ import annotations

import math
from typing import NamedTuple

from scaledet.scenario import Rectify

__all__ = ["RectifiedMoments", "noise_moments"]

_SQRT_2PI = math.sqrt(2 * math.pi)


class RectifiedMoments(NamedTuple):
    """Mean and variance of the perturbation of one background pixel and of one active pixel."""

    background_mean: float
    background_variance: float
    active_mean: float
    active_variance: float


def noise_moments(sigma: float, rectify: Rectify) -> RectifiedMoments:
    r"""Moments of the perturbation that enters the network, pixel by pixel.

    With Z standard normal: ``rectify="input"`` perturbs a background pixel by
    relu(sigma Z) and an active one by relu(1 + sigma Z) - 1; ``"noise"`` both by relu(sigma Z);
    ``None`` both by sigma Z. The moments follow from

    .. math:: E\,\mathrm{relu}(m + \sigma Z) = m\,\Phi(t) + \sigma\,\phi(t), \qquad
              E\,\mathrm{relu}(m + \sigma Z)^2 = (m^2 + \sigma^2)\,\Phi(t) + m \sigma\,\phi(t),

    t = m / sigma, arranged without cancellation. All dimensionless. Source: elementary integrals;
    the rectified noise of Tomasini et al., arXiv:2210.01506.

    >>> noise_moments(1.0, "noise").background_mean * math.sqrt(2 * math.pi)
    1.0
    """
    from scipy.special import ndtr

    if rectify is None:
        return RectifiedMoments(0.0, sigma**2, 0.0, sigma**2)
    mean = sigma / _SQRT_2PI
    variance = sigma**2 * (0.5 - 1 / (2 * math.pi))
    if rectify == "noise":
        return RectifiedMoments(mean, variance, mean, variance)
    t = 1 / sigma
    density = math.exp(-t * t / 2) / _SQRT_2PI
    off = float(ndtr(-t))  # probability that the active pixel is switched off
    active_mean = sigma * density - off
    active_square = sigma**2 * (float(ndtr(t)) - t * density) + off
    return RectifiedMoments(mean, variance, active_mean, active_square - active_mean**2)
