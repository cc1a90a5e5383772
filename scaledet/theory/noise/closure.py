r"""Noise through biases of any sign, layer by layer: means and covariances, closed approximately.

Noise that enters unrectified is Gaussian after the first pooling: its rectified moments are exact.
From then on the pooled units are not negative, and their law is not known: they are taken for
rectified Gaussian variables of the same means and covariances (`rectified_match`), which the next
bias and ReLU turn into

.. math:: s\, \mathrm{relu}(h + X) + b \;\longrightarrow\; s\, \mathrm{relu}(h + b / s + X),
          \qquad b < 0 .

A bias :math:`b \ge 0` rectifies nothing and needs no law: the closure is exact if all biases
after the first are. Source: ours; closing with a Gaussian law instead is several times worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scaledet.errors import ArgumentError
from scaledet.theory.noise.gaussians import rectified_covariance, rectified_mean
from scaledet.theory.noise.match import matched_correlation, matched_height
from scaledet.theory.noise.moments import noise_moments
from scaledet.theory.signal.clean_images import (
    activated,
    cell_positions,
    pixel_images,
    pooled,
    window,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scaledet.network.network import Layer, Network

__all__ = ["closure_noise"]

_CHUNK = 1 << 22
_LARGEST = 1 << 30
# Variances below this part of the largest are rounding: such a unit does not move.
_ROUNDING = 1e-28


class _Energies(NamedTuple):
    """Per layer, summed over units: squared mean perturbation, and variance."""

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


def closure_noise(
    net: Network, size: int, sigma: float, rectify: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance part of E|f_k(x + eta) - f_k(x)|^2; shape [depth + 1] each.

    Raises
    ------
    ValueError
        If the covariances are too many.
    """
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
        background = np.array(_carried(net, np.zeros((1,) + (side,) * dim), sigma, rectify))
        totals += background * ((size / side) ** dim - 1)
    return totals[0], totals[1]


def _carried(net: Network, clean: NDArray[np.float64], sigma: float, rectify: str) -> _Energies:
    """Carry means [n, ...] and covariances [n, ..., ...] of noisy images through the layers."""
    noise = noise_moments(sigma, None if rectify == "layers" else rectify)
    active = clean > 0
    mean = clean + np.where(active, noise.active_mean, noise.background_mean)
    variance = np.where(active, noise.active_variance, noise.background_variance)
    rows = [_energies(mean - clean, variance)]
    covariance = np.zeros(0)
    for k, layer in enumerate(net.layers, start=1):
        clean = activated(clean, layer)
        mean = pooled(mean, layer)
        covariance = _first_covariance(variance, layer) if k == 1 else pooled(covariance, layer)
        signed = k == 1 and rectify == "layers"
        mean, covariance = _rectified(mean, covariance, float(layer.bias), signed)
        rows.append(_energies(mean - clean, _diagonal(covariance)))
    return _Energies(*np.array(rows).T)


def _energies(change: NDArray[np.float64], variance: NDArray[np.float64]) -> tuple[float, float]:
    return float((change * change).sum()), float(variance.sum())


def _diagonal(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variances [n, units] of covariances [n, ..., ...]."""
    count = len(covariance)
    units = round((covariance.size / count) ** 0.5)
    return np.diagonal(covariance.reshape(count, units, units), axis1=1, axis2=2)


def _first_covariance(variance: NDArray[np.float64], layer: Layer) -> NDArray[np.float64]:
    """Covariances of the units of layer 1 above pixels of independent noise."""
    count, *shape = variance.shape
    pixels = variance[0].size
    pool = pooled(np.eye(pixels).reshape(pixels, *shape), layer)
    outputs = pool.shape[1:]
    flat = pool.reshape(pixels, -1)
    found = np.stack([flat.T @ (own[:, None] * flat) for own in variance.reshape(count, -1)])
    return found.reshape(count, *outputs, *outputs)


def _rectified(
    mean: NDArray[np.float64], covariance: NDArray[np.float64], bias: float, signed: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
    one, other = (which, first), (which, second)
    scale = deviation[one] * deviation[other]
    correlation = covariance[which, first, second] / scale
    if not signed:
        correlation = matched_correlation(height[one], height[other], correlation)
    correlation[first == second] = 1.0
    height = height + bias / deviation
    found = scale * rectified_covariance(height[one], height[other], correlation)
    result = np.zeros_like(covariance)
    result[which, first, second] = found
    result[which, second, first] = found
    means = np.where(moving, deviation * rectified_mean(height), np.maximum(mean + bias, 0.0))
    return means.reshape(shape), result.reshape(full)
