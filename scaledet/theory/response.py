r"""The response of every layer to displacements and to noise, of one active pixel or of a task.

Noise models return both parts, due to the mean and to the variance of the noise, of
:math:`E|f_k(x + \eta) - f_k(x)|^2`, for one pixel times :math:`S_k^d`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from scaledet.scenario import Scenario
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.matrices.layerwise import Layerwise
from scaledet.theory.matrices.pairs import pair_matrices
from scaledet.theory.matrices.pixel import pixel_matrices
from scaledet.theory.noise.closure import closure_noise
from scaledet.theory.noise.input import input_moments, input_noise, moments_noise
from scaledet.theory.noise.layers import layer_noise
from scaledet.theory.noise.pair_layers import pair_layer_noise, require_few_pairs
from scaledet.theory.signal.clean_images import clean_moments
from scaledet.theory.signal.moments import Moments
from scaledet.theory.signal.one_pixel import pixel_moments
from scaledet.theory.signal.pairs import require_memory, task_moments

__all__ = ["Response", "layerwise", "matrix_response", "one_pixel_response", "pair_response"]

Array = NDArray[np.float64]


class Response(NamedTuple):
    """Arrays over k = 0 ... depth.

    `G_mean` and `G_variance` are the parts of G_k due to the mean and to the variance of the noise.
    """

    D: Array
    Q: Array
    G_mean: Array
    G_variance: Array


def _torus(scenario: Scenario) -> tuple[int, float]:
    """Pixels a side and standard deviation of the noise, of a scenario of finite size."""
    return cast("int", scenario.side), cast("float", scenario.sigma)


class _Signal(NamedTuple):
    """D_k, Q_k, Q_k S_k^d / 2, and c_k(0)^d (empty where biases cut the signal)."""

    sensitivity: Array
    distance: Array
    half: Array
    peak: Array


def one_pixel_response(scenario: Scenario, method: str) -> Response:
    """Evaluate the response of a scenario without task; `method` as in ``predict``."""
    signal = _signal(scenario)
    if method == "closure":
        parts = closure_noise(scenario.network, *_torus(scenario), scenario.rectify)
        mean, variance = parts * (2 * signal.half / signal.distance)
    elif scenario.rectify == "layers":
        mean, variance = layer_noise(scenario.network, scenario.side, scenario.sigma)
    else:
        mean, variance = input_noise(scenario, signal.peak)
    power = 2 * signal.half
    return Response(signal.sensitivity, signal.distance, mean / power, variance / power)


def _signal(scenario: Scenario) -> _Signal:
    net, size = scenario.network, scenario.side
    if size is not None and any(layer.bias < 0 for layer in net):
        sensitivity, distance = clean_moments(net, size)
        half = distance * np.array([float(stride**net.dim) for stride in net.strides]) / 2
        return _Signal(sensitivity, distance, half, np.empty(0))
    sensitivity, peak, half = pixel_moments(net, size)
    if scenario.background:
        side, sigma = _torus(scenario)
        moments = input_moments(sigma, scenario.rectify, scenario.background)
        fluctuation = (side**net.dim - 1) * moments.background_variance + moments.active_variance
        moved = moments.signal**2 * sensitivity * half + moments.flicker * peak
        half = moments.signal**2 * half + fluctuation * peak
        sensitivity = moved / half
    # Powers in exact integers first: S_k^d may exceed the range of a float in between.
    areas = np.array([1 / stride**net.dim for stride in net.strides])
    return _Signal(sensitivity, 2 * half * areas, half, peak)


def pair_response(scenario: Scenario) -> Response:
    """Evaluate the response of a scenario with a task; relative error below 1e-10."""
    net, task = scenario.network, cast("ScaleDetection", scenario.task)
    require_memory(task)
    if scenario.rectify == "layers":
        require_few_pairs(net, task)
    signal = task_moments(net, task, scenario.balanced)
    if scenario.rectify == "layers":
        sigma = _torus(scenario)[1]
        noise = pair_layer_noise(net, task, sigma, balanced=scenario.balanced)
        return _of_moments(signal, noise)
    return _of_moments(signal, _input_noise(scenario, signal))


def layerwise(scenario: Scenario) -> Layerwise:
    """Return the moments of every layer of a finite image that is no torus."""
    net, task, moves = scenario.network, scenario.task, scenario.moves
    if task is None:
        return pixel_matrices(net, scenario.sides, moves)
    return pair_matrices(net, task, scenario.balanced, moves)


def matrix_response(scenario: Scenario) -> Response:
    """Evaluate the response of a finite image that is no torus; relative error below 1e-10."""
    signal = layerwise(scenario).moments()
    return _of_moments(signal, _input_noise(scenario, signal))


def _input_noise(scenario: Scenario, signal: Sequence[Moments]) -> tuple[Array, Array]:
    return moments_noise(signal, cast("float", scenario.sigma), scenario.rectify)


def _of_moments(signal: Sequence[Moments], noise: tuple[Array, Array]) -> Response:
    distance = np.array([float(moments.distance) for moments in signal])
    sensitivity = [float(moments.displacement / moments.distance) for moments in signal]
    mean, variance = noise
    return Response(np.array(sensitivity), distance, mean / distance, variance / distance)
