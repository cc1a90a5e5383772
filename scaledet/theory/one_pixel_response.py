r"""The response to one active pixel: its signal, and the noise model that the scenario asks for.

A noise model takes scenario and signal and returns both parts, due to the mean and to the variance
of the noise, of :math:`E|f_k(x + \eta) - f_k(x)|^2 S_k^d`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scaledet.scenario import Scenario
from scaledet.theory.noise.closure import closure_noise
from scaledet.theory.noise.input import input_moments
from scaledet.theory.noise.layers import layer_noise
from scaledet.theory.response import Response, torus
from scaledet.theory.signal.clean_images import clean_moments
from scaledet.theory.signal.one_pixel import pixel_moments

__all__ = ["one_pixel_response"]

Parts = tuple[NDArray[np.float64], NDArray[np.float64]]


class _Signal(NamedTuple):
    """D_k, Q_k, Q_k S_k^d / 2, and c_k(0)^d (empty where biases cut the signal)."""

    sensitivity: NDArray[np.float64]
    distance: NDArray[np.float64]
    half: NDArray[np.float64]
    peak: NDArray[np.float64]


def one_pixel_response(scenario: Scenario, method: str) -> Response:
    """Evaluate the response of a scenario without task; `method` as in ``predict``."""
    signal = _signal(scenario)
    if method == "closure":
        mean, variance = _closure(scenario, signal)
    elif scenario.rectify == "layers":
        mean, variance = layer_noise(scenario.network, scenario.size, scenario.sigma)
    elif scenario.size is None:
        mean, variance = _limit(scenario, signal)
    else:
        mean, variance = _input(scenario, signal)
    power = 2 * signal.half
    return Response(signal.sensitivity, signal.distance, mean / power, variance / power)


def _signal(scenario: Scenario) -> _Signal:
    net, size = scenario.network, scenario.size
    if size is not None and any(layer.bias < 0 for layer in net):
        sensitivity, distance = clean_moments(net, size)
        half = distance * np.array([float(stride**net.dim) for stride in net.strides]) / 2
        return _Signal(sensitivity, distance, half, np.empty(0))
    sensitivity, peak, half = pixel_moments(net, size)
    if scenario.background:
        side, sigma = torus(scenario)
        moments = input_moments(sigma, scenario.rectify, scenario.background)
        fluctuation = (side**net.dim - 1) * moments.background_variance + moments.active_variance
        moved = moments.signal**2 * sensitivity * half + moments.flicker * peak
        half = moments.signal**2 * half + fluctuation * peak
        sensitivity = moved / half
    # Powers in exact integers first: S_k^d may exceed the range of a float in between.
    areas = np.array([1 / stride**net.dim for stride in net.strides])
    return _Signal(sensitivity, 2 * half * areas, half, peak)


def _closure(scenario: Scenario, signal: _Signal) -> Parts:
    parts = closure_noise(scenario.network, *torus(scenario), scenario.rectify)
    mean, variance = (part * (2 * signal.half / signal.distance) for part in parts)
    return mean, variance


def _limit(scenario: Scenario, signal: _Signal) -> Parts:
    """Noise of total power L sigma^2 = 2 on the infinite lattice."""
    linear = scenario.rectify is None
    mean = np.full_like(signal.peak, 0.0 if linear else 1 / np.pi)
    return mean, signal.peak * (2.0 if linear else (np.pi - 1) / np.pi)


def _input(scenario: Scenario, signal: _Signal) -> Parts:
    size, sigma = torus(scenario)
    pixels = size**scenario.network.dim
    noise = input_moments(sigma, scenario.rectify, scenario.background).noise
    shift = noise.active_mean - noise.background_mean
    total = pixels * noise.background_mean**2
    total += 2 * noise.background_mean * shift
    mean = total + shift**2 * signal.peak
    spread = (pixels - 1) * noise.background_variance + noise.active_variance
    return mean, spread * signal.peak
