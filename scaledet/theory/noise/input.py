r"""Noise at the input, pixel by pixel, without and with background noise on the images.

With background noise the image is :math:`u = \mathrm{relu}(x + \xi \zeta)`, the noisy one
:math:`\mathrm{relu}(x + \xi \zeta + \sigma \eta)` (``rectify="input"``),
:math:`u + \mathrm{relu}(\sigma \eta)` ("noise"), or, without any ReLU, :math:`x + \xi \zeta` and
:math:`x + \xi \zeta + \sigma \eta` (None); :math:`\zeta, \eta` are white and of unit variance. Only
the active pixel moves, :math:`\zeta` stays. With :math:`C = c_k(0)^d`, :math:`C_1 = c_k(0)^{d-1}
c_k(1)`, u of mean :math:`\mu, \mu + \Delta` and variance v, V on background and active pixels, and
:math:`\delta` the change of a pixel as it becomes active, of variance :math:`V_\delta`,

.. math:: Q_k S_k^d = 2 \Delta^2 (C - 1/L) + 2 ((L - 1) v + V) C, \qquad
          D_k Q_k S_k^d = 2 \Delta^2 (C - C_1) + 2 V_\delta C ,

and G_k as without background, with the moments of the perturbation w of one pixel. Two limits:

- sigma << xi: the noise meets pixels that are on or off by themselves, half of them each. The
  response is linear, E w = sigma^2 p(0)/2 with p the density of the pixel before its ReLU, of
  second order, and E w^2 = sigma^2 P(on): noise does not pile up until L E(w)^2, of order
  L sigma^4/xi^2, has outgrown L sigma^2 c_k(0)^d;
- sigma >> xi, 1: the image is forgotten, E w = sigma/sqrt(2 pi) and E w^2 = sigma^2/2 in every
  pixel: G_k/sigma^2 saturates at (1/pi + (1 - 1/pi) C) L/(2 Q_k S_k^d).

Source: the model of Tomasini et al., arXiv:2210.01506; the background is ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scaledet.scenario import Rectify, Scenario
from scaledet.theory.noise.gaussians import (
    normal_cdf,
    normal_density,
    rectified_covariance,
    rectified_excess,
    unit_rule,
)
from scaledet.theory.signal.moments import Moments

__all__ = ["input_moments", "input_noise", "moments_noise", "noise_moments"]

Array = NDArray[np.float64]

_REACH = 12.0
"""Standard deviations beyond which a Gaussian density is neglected (1e-32)."""
_NODES = 128


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
    """
    if rectify is None:
        return RectifiedMoments(0.0, sigma**2, 0.0, sigma**2)
    mean = sigma / math.sqrt(2 * math.pi)
    variance = sigma**2 * (0.5 - 1 / (2 * math.pi))
    if rectify == "noise":
        return RectifiedMoments(mean, variance, mean, variance)
    t = 1 / sigma
    density = math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    off = float(normal_cdf(-t))  # probability that the active pixel is switched off
    active_mean = sigma * density - off
    active_square = sigma**2 * (float(normal_cdf(t)) - t * density) + off
    return RectifiedMoments(mean, variance, active_mean, active_square - active_mean**2)


def input_noise(scenario: Scenario, peak: Array) -> tuple[Array, Array]:
    """Return both parts of E|f_k(x + eta) - f_k(x)|^2 S_k^d of one pixel; `peak` is c_k(0)^d.

    On the infinite lattice the noise has the total power L sigma^2 = 2.
    """
    size, sigma = scenario.side, scenario.sigma
    if size is None or sigma is None:
        linear = scenario.rectify is None
        mean = np.full_like(peak, 0.0 if linear else 1 / np.pi)
        return mean, peak * (2.0 if linear else (np.pi - 1) / np.pi)
    pixels = size**scenario.network.dim
    noise = input_moments(sigma, scenario.rectify, scenario.background).noise
    shift = noise.active_mean - noise.background_mean
    total = pixels * noise.background_mean**2 + 2 * noise.background_mean * shift
    mean = total + shift**2 * peak
    spread = (pixels - 1) * noise.background_variance + noise.active_variance
    return mean, spread * peak


def moments_noise(signal: Sequence[Moments], sigma: float, rectify: Rectify) -> tuple[Array, Array]:
    """Return both parts of E|f_k(x + eta) - f_k(x)|^2 of a data set."""
    noise = noise_moments(sigma, rectify)
    shift = noise.active_mean - noise.background_mean
    parts = []
    for moments in signal:
        mean = noise.background_mean**2 * float(moments.flat)
        mean += 2 * moments.pixels * noise.background_mean * shift * float(moments.mass)
        mean += shift**2 * float(moments.square)
        variance = noise.background_variance * float(moments.trace)
        spread = noise.active_variance - noise.background_variance
        variance += moments.pixels * spread * float(moments.active)
        parts.append((mean, variance))
    means, variances = np.array(parts).T
    return means, variances


class InputMoments(NamedTuple):
    r"""Moments of single pixels.

    Perturbation by the noise; :math:`\Delta` and :math:`V_\delta` of a pixel that becomes active;
    variances v of the background pixels and V of the active one.
    """

    noise: RectifiedMoments
    signal: float
    flicker: float
    background_variance: float
    active_variance: float


def input_moments(sigma: float, rectify: Rectify, background: float) -> InputMoments:
    """Moments of the perturbation by noise of `sigma` on a background of xi = `background`.

    Relative error below 1e-12.
    """
    noise = noise_moments(sigma, rectify)
    if not background:
        return InputMoments(noise, 1.0, 0.0, 0.0, 0.0)
    square = background * background
    if rectify is None:
        return InputMoments(noise, 1.0, 0.0, square, square)
    if rectify == "input":
        noise = RectifiedMoments(
            *_perturbation(0.0, sigma, background), *_perturbation(1.0, sigma, background)
        )
    loss, flicker = _loss(1 / background)
    heights = np.array([0.0, 1 / background])
    low, high = square * rectified_covariance(heights, heights, np.ones(2))
    return InputMoments(noise, 1 - loss, flicker, float(low), float(high))


def _loss(height: float) -> tuple[float, float]:
    """Mean and variance of 1 - delta, by which the background's kink shortens a unit step.

    It is 0 for zeta > 0, -xi zeta down to zeta = -1/xi, and 1 below.
    """
    z, weights = (min(height, _REACH) * part for part in unit_rule(_NODES))
    density = weights * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    off = float(normal_cdf(-height))
    mean = float(density @ z) / height + off
    return mean, float(density @ (z * z)) / height**2 + off - mean * mean


def _perturbation(height: float, sigma: float, background: float) -> tuple[float, float]:
    """Mean and variance of relu(B + sigma eta) - relu(B), B = height + xi zeta."""
    if sigma > background:
        total = math.hypot(sigma, background)
        heights = np.array([height / total, height / background])
        widths = np.array([total, background])
        mean = widths @ (rectified_excess(heights) * [1, -1])
        variances = widths**2 @ rectified_covariance(heights, heights, np.ones(2))
        shared = rectified_covariance(heights[0], heights[1], np.array(background / total))
        return float(mean), float(variances - 2 * total * background * shared)
    return _weak(height, sigma, background)


def _weak(height: float, sigma: float, background: float) -> tuple[float, float]:
    """Integrate over B = sigma t: the kink matters only where |t| is a few units."""
    t, weights = (_REACH * part for part in unit_rule(_NODES))
    gauss = normal_density(t)
    off = normal_cdf(-t)
    # E (relu(t + Z) - relu(t))^2, less 1 where the pixel is on; t < 0 by its size.
    on_change = (t * t - 1) * off - t * gauss
    off_square = (t * t + 1) * off - t * gauss
    above, below = (
        np.exp(-(((side * sigma * t - height) / background) ** 2) / 2)
        / (math.sqrt(2 * math.pi) * background)
        for side in (1, -1)
    )
    excess = rectified_excess(t)
    mean = sigma**2 * float(weights @ (excess * (above + below)))
    change = sigma * float(weights @ (on_change * above + off_square * below))
    square = sigma**2 * (float(normal_cdf(height / background)) + change)
    return mean, square - mean * mean
