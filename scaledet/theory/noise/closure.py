r"""Noise through biases of any sign, layer by layer: means and covariances, closed approximately.

Noise that enters unrectified is Gaussian after the first pooling: its rectified moments are exact.
From then on the pooled units are not negative, and their law is not known: they are taken for
rectified Gaussian variables of the same means and covariances (`gaussians`), which the next
bias and ReLU turn into

.. math:: s\, \mathrm{relu}(h + X) + b \;\longrightarrow\; s\, \mathrm{relu}(h + b / s + X),
          \qquad b < 0 .

A bias :math:`b \ge 0` rectifies nothing and needs no law: the closure is exact if all biases
after the first are. Source: ours; closing with a Gaussian law instead is several times worse.
"""

from __future__ import annotations

import numpy as np

from scaledet.errors import ArgumentError
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.network.pooling import apply_layer, pool_axis
from scaledet.scenario import Rectify
from scaledet.theory.noise.gaussians import (
    Array,
    matched_correlation,
    matched_height,
    rectified_covariance,
    rectified_mean,
)
from scaledet.theory.noise.input import noise_moments
from scaledet.theory.signal.clean_images import cell_positions, pixel_images, window

__all__ = ["closure_noise"]

_CHUNK = 1 << 22
_LARGEST = 1 << 30
# Variances below this part of the largest are rounding: such a unit does not move.
_ROUNDING = 1e-28


def closure_noise(net: Network, size: int, sigma: float, rectify: Rectify) -> Array:
    """Mean and variance part of E|f_k(x + eta) - f_k(x)|^2; shape [2, depth + 1]."""
    dim, side = net.dim, window(net, size)
    units = (side // net.layers[0].stride) ** dim
    cell = net.strides[-1] ** dim
    if cell * units**2 > _LARGEST:
        raise ArgumentError(
            "depth must be smaller with method='closure', which holds the covariances of all units "
            f"for every grid phase: {cell} phases of {units} units are too many"
        )
    totals = np.zeros((2, net.depth + 1))
    for positions in cell_positions(net, _CHUNK // units**2):
        totals += _carried(net, pixel_images(positions, side), sigma, rectify)
    totals /= cell
    if side < size:
        # Beyond the window every unit is background.
        background = _carried(net, np.zeros((1,) + (side,) * dim), sigma, rectify)
        totals += background * ((size / side) ** dim - 1)
    return totals


def _carried(net: Network, clean: Array, sigma: float, rectify: Rectify) -> Array:
    """Carry means [n, ...] and covariances [n, ..., ...] of noisy images through the layers.

    Return, [2, depth + 1] and summed over units, squared mean perturbation and variance.
    """
    noise = noise_moments(sigma, None if rectify == "layers" else rectify)
    active = clean > 0
    mean = clean + np.where(active, noise.active_mean, noise.background_mean)
    variance = np.where(active, noise.active_variance, noise.background_variance)
    rows = [_energies(mean - clean, variance)]
    covariance = np.zeros(0)
    for k, layer in enumerate(net.layers, start=1):
        clean = apply_layer(clean, layer, rectify=True)
        mean = _pooled(mean, layer)
        covariance = _first_covariance(variance, layer) if k == 1 else _pooled(covariance, layer)
        signed = k == 1 and rectify == "layers"
        mean, covariance = _rectified(mean, covariance, float(layer.bias), signed)
        rows.append(_energies(mean - clean, _diagonal(covariance)))
    return np.array(rows).T


def _pooled(values: Array, layer: Layer) -> Array:
    """Pool along every axis but the first."""
    weights = np.array([float(weight) for weight in layer.kernel.weights])
    for axis in range(1, values.ndim):
        values = pool_axis(values, weights, layer.stride, axis)
    return values


def _energies(change: Array, variance: Array) -> tuple[float, float]:
    return float((change * change).sum()), float(variance.sum())


def _diagonal(covariance: Array) -> Array:
    """Variances [n, units] of covariances [n, ..., ...]."""
    count = len(covariance)
    units = round((covariance.size / count) ** 0.5)
    return np.diagonal(covariance.reshape(count, units, units), axis1=1, axis2=2)


def _first_covariance(variance: Array, layer: Layer) -> Array:
    """Covariances of the units of layer 1 above pixels of independent noise."""
    count, *shape = variance.shape
    pixels = variance[0].size
    pool = _pooled(np.eye(pixels).reshape(pixels, *shape), layer)
    outputs = pool.shape[1:]
    flat = pool.reshape(pixels, -1)
    rows = variance.reshape(count, -1)
    covariances = np.stack([flat.T @ (row[:, None] * flat) for row in rows])
    return covariances.reshape(count, *outputs, *outputs)


def _rectified(mean: Array, covariance: Array, bias: float, signed: bool) -> tuple[Array, Array]:
    """Add the bias and rectify Gaussian (`signed`) or non-negative units."""
    if bias >= 0 and not signed:
        return mean + bias, covariance
    shape, full = mean.shape, covariance.shape
    mean = mean.reshape(len(mean), -1)
    variance = _diagonal(covariance)
    covariance = covariance.reshape(len(mean), mean.shape[1], -1)
    moving = variance > _ROUNDING * variance.max(initial=0.0)
    deviation = np.sqrt(np.where(moving, variance, 1.0))
    if not signed:
        moving &= mean > 0
        height = matched_height(np.where(moving, mean / deviation, 1.0))
        deviation /= np.sqrt(rectified_covariance(height, height, np.ones_like(height)))
    else:
        height = mean / deviation
    # Upper triangle only, and only where units move together.
    which, first, second = np.nonzero(np.triu(covariance != 0))
    kept = moving[which, first] & moving[which, second]
    which, first, second = which[kept], first[kept], second[kept]
    left, right = (which, first), (which, second)
    scale = deviation[left] * deviation[right]
    correlation = covariance[which, first, second] / scale
    if not signed:
        correlation = matched_correlation(height[left], height[right], correlation)
    correlation[first == second] = 1.0
    height = height + bias / deviation
    rectified = scale * rectified_covariance(height[left], height[right], correlation)
    result = np.zeros_like(covariance)
    result[which, first, second] = rectified
    result[which, second, first] = rectified
    means = np.where(moving, deviation * rectified_mean(height), np.maximum(mean + bias, 0.0))
    return means.reshape(shape), result.reshape(full)
