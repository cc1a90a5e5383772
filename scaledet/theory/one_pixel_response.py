r"""D_k, Q_k and both parts of G_k of one active pixel, whatever meets it: the engines assembled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scaledet.theory.noise.input import input_moments
from scaledet.theory.signal.one_pixel import pixel_moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scaledet.scenario import Experiment

__all__ = ["one_pixel_columns"]


def one_pixel_columns(
    found: Experiment, method: str, background: float, noise: str
) -> dict[str, NDArray[np.float64]]:
    """Evaluate D, Q, G_mean and G_variance for k = 0 ... depth; arguments as in ``predict``."""
    net, size, sigma, rectify = found.network, found.size, found.sigma, found.rectify
    # Powers in exact integers first: S_k^d may exceed the range of a float in between.
    areas = np.array([1 / stride**net.dim for stride in net.strides])
    if size is not None and any(layer.bias < 0 for layer in net):
        from scaledet.theory.signal.clean_images import clean_moments

        sensitivity, distance = clean_moments(net, size)
        half = distance * np.array([float(stride**net.dim) for stride in net.strides]) / 2
    else:
        sensitivity, peak, half = pixel_moments(net, size)
        distance = 2 * half * areas
    # Both parts of the mean square response, times S_k^d; half is Q_k S_k^d / 2.
    if method == "closure" and size is not None and sigma is not None and rectify is not None:
        from scaledet.theory.noise.closure import closure_noise

        parts = closure_noise(net, size, sigma, rectify)
        mean, variance = (part * (2 * half / distance) for part in parts)
    elif rectify == "layers":
        from scaledet.theory.noise.layers import layer_noise

        mean, variance = layer_noise(net, size, sigma)
    elif size is None or sigma is None:
        mean = np.full_like(peak, 0.0 if rectify is None else 1 / np.pi)
        variance = peak * (2.0 if rectify is None else (np.pi - 1) / np.pi)
    elif noise == "sphere":
        from scaledet.theory.noise.sphere_noise import sphere_noise

        mean, variance = sphere_noise(size**net.dim, sigma, rectify, peak)
    else:
        pixels = size**net.dim
        moments = input_moments(sigma, rectify, background)
        if background:
            own = (pixels - 1) * moments.background_variance + moments.active_variance
            moved = moments.signal**2 * sensitivity * half + moments.flicker * peak
            half = moments.signal**2 * half + own * peak
            sensitivity = moved / half
            distance = 2 * half * areas
        shift = moments.noise.active_mean - moments.noise.background_mean
        total = pixels * moments.noise.background_mean**2
        total += 2 * moments.noise.background_mean * shift
        mean = total + shift**2 * peak
        spread = (pixels - 1) * moments.noise.background_variance + moments.noise.active_variance
        variance = spread * peak
    return {
        "D": sensitivity,
        "Q": distance,
        "G_mean": mean / (2 * half),
        "G_variance": variance / (2 * half),
    }
