r"""Noise that enters unrectified and meets a ReLU in every layer: exact.

Layer 1 pools the noise into correlated Gaussian units, adds any bias and rectifies them; after it
every unit is non-negative and, with biases >= 0, the network is linear. With w the perturbation
of the units of layer 1 and :math:`\bar c_k` the autocorrelation of the filter of layers 2 ... k,
averaged over the position of the active pixel,

.. math:: E|f_k(x + \eta) - f_k(x)|^2 = \Bigl(\frac{S_1}{S_k}\Bigr)^d \sum_n \bar c_k(n)\, W(n),
          \qquad W(n) = E_p \sum_a E\, w_a w_{a + n} .

Far from the active pixel the covariance of :math:`w_a, w_{a+n}` is that of rectified Gaussians
of mean :math:`b_1` and correlation :math:`\rho_n = c_1(s_1 n)/c_1(0)`, for bias 0 an arc-cosine
kernel; next to it their means are unequal. On the infinite lattice at L sigma^2 = 2, with biases
0, only the former is left, for :math:`k \ge 1`

.. math:: G_k = \frac{c_1(0)^d}{c_k(0)^d} \Bigl[\frac{1}{2\pi}
          + \sum_n \bar c_k(n)\, \mathrm{Cov}_{\rho_n}\Bigr] ,

whose second part lies between 1/4 and (pi - 1)/(2 pi) (`derivations/d13_rectified_layers.py`).
Source: the model of Tomasini et al., arXiv:2210.01506; moments of Cho and Saul 2009; ours the rest.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError
from scaledet.network.network import Network
from scaledet.theory.correlation.exact import correlation
from scaledet.theory.noise.gaussians import (
    Array,
    centred_covariance,
    rectified_covariance,
    rectified_excess,
)

__all__ = ["layer_noise"]

_LARGEST = 1 << 31
"""Pairs of units next to the active pixel that are visited at most."""


def layer_noise(net: Network, size: int | None, sigma: float | None) -> tuple[Array, Array]:
    """Mean and variance part of E|f_k(x + eta) - f_k(x)|^2 S_k^d; shape [depth + 1] each.

    Relative error of their sum below 1e-12. Biases count in layer 1 only: later ones are
    taken for >= 0. Without size: the limit at L sigma^2 = 2, biases 0.
    """
    first = _FirstLayer.of(net, size)
    tails = _tails(net, size, int(first.distance.max()))
    weights = first.copies * tails[:, first.distance].prod(axis=2)
    if size is None or sigma is None:
        total = 2.0
        power = total * first.peak
        mean = np.full(net.depth, power / (2 * math.pi))
        variance = power * (weights @ centred_covariance(first.correlation))
    else:
        total = size**net.dim * sigma * sigma
        power = total * first.peak
        deviation = sigma * math.sqrt(first.peak)
        level = np.array(float(net.layers[0].bias) / deviation)
        drift, means, covariances = first.perturbation(deviation, level)
        unit = net.layers[0].stride ** net.dim * deviation * deviation
        rest = float(rectified_excess(level))
        mean = power * rest**2 + unit * (2 * rest * drift + weights @ means)
        background = rectified_covariance(level, level, first.correlation)
        variance = weights @ (power * background + unit * covariances)
    return np.append(0.0, np.maximum(mean, 0.0)), np.append(total, variance)


@dataclass(frozen=True, eq=False)
class _FirstLayer:
    """Units of layer 1 that are correlated, or that see the same active pixel.

    `profiles` [s, units]: height that an active pixel adds along one axis, by its phase. For the
    displacements `steps` [lags, d], one for each class of permutations of the axes: `distance`
    along every axis around the torus, number of `copies`, `correlation` of the noise of both units.
    `peak` is c_1(0)^d, the variance of their noise over sigma^2.
    """

    profiles: Array
    steps: NDArray[np.int64]
    distance: NDArray[np.int64]
    copies: Array
    correlation: Array
    peak: float

    @classmethod
    def of(cls, net: Network, size: int | None) -> _FirstLayer:
        layer, dim = net.layers[0], net.dim
        stride = layer.stride
        lags = (layer.kernel.support - 1) // stride
        units = 3 * lags + 1 if size is None else min(3 * lags + 1, size // stride)
        around = np.arange(-lags, lags + 1) if units > 2 * lags else np.arange(units)
        near = np.abs(around) if units > 2 * lags else np.minimum(around, units - around)
        if math.comb(len(around) + dim - 1, dim) * (stride * units) ** dim > _LARGEST:
            raise ArgumentError(
                f"kernel of layer 1 must be shorter with rectify='layers' in d = {dim}, where all "
                f"pairs of units next to the active pixel are visited; got {layer.kernel!r}"
            )
        places = np.array(list(itertools.combinations_with_replacement(range(len(around)), dim)))
        exact = correlation(net, 1, size=size, lags=stride * lags)
        lag = np.array([exact.values[stride * n] / exact.values[0] for n in range(lags + 1)])
        profiles = np.zeros((stride, units))
        for j, weight in enumerate(layer.kernel.trimmed):
            profiles[j % stride, -(j // stride) % units] = weight / sum(layer.kernel.trimmed)
        return cls(
            profiles=profiles,
            steps=around[places],
            distance=near[places],
            copies=np.array([_permutations(place) for place in places.tolist()]),
            correlation=lag[near[places]].prod(axis=1),
            peak=float(exact.values[0] / exact.scale) ** dim,
        )

    def perturbation(self, deviation: float, level: Array) -> tuple[float, Array, Array]:
        """Average, over its phases, the change that an active pixel makes to units of mean `level`.

        Return the sum of the changes of the means and, by displacement, the sums of the products
        of two changes and of the changes of the covariances, in units of the standard deviation.
        """
        stride, units = self.profiles.shape
        dim = self.steps.shape[1]
        heights = reduce(np.multiply.outer, [self.profiles] * dim)
        # [s, n, s, n, ...] to [phases, n, n, ...]
        order = [*range(0, 2 * dim, 2), *range(1, 2 * dim, 2)]
        heights = heights.transpose(order).reshape(-1, *[units] * dim) / deviation
        change = rectified_excess(level + heights) - rectified_excess(level)
        axes = tuple(range(1, dim + 1))
        means, covariances = [], []
        for step, rho in zip(self.steps, self.correlation, strict=True):
            means.append((change * np.roll(change, -step, axes)).sum())
            other = np.roll(heights, -step, axes)
            low, high = np.minimum(heights, other), np.maximum(heights, other)
            lit = high > 0
            pairs, counts = np.unique(low[lit] + 1j * high[lit], return_counts=True)
            near = rectified_covariance(level + pairs.real, level + pairs.imag, rho)
            covariances.append(counts @ (near - rectified_covariance(level, level, rho)))
        phases = stride**dim
        return change.sum() / phases, np.array(means) / phases, np.array(covariances) / phases


def _permutations(place: Sequence[int]) -> float:
    """Count the different permutations of a multiset."""
    repeats = Counter(place).values()
    return math.factorial(len(place)) / math.prod(math.factorial(count) for count in repeats)


def _tails(net: Network, size: int | None, lags: int) -> Array:
    """Autocorrelation of the filter of layers 2 ... k by lag (units of layer 1), k = 1 ..."""
    rows = [[1.0] + [0.0] * lags]
    if net.depth == 1:
        return np.array(rows)
    tail = net[1:]
    units = None if size is None else size // net.layers[0].stride
    flat = len(list(takewhile(lambda layer: layer.stride == 1, tail.layers)))
    # As many nodes as the torus has, or so many that nothing wraps.
    endless = 2 * tail.support[flat] + lags
    nodes = endless if units is None else min(units, endless)
    gain = np.ones(nodes // 2 + 1)
    for layer in tail.layers[:flat]:
        weights = np.zeros(nodes)
        for j, weight in enumerate(layer.kernel.trimmed):
            # After the strides the torus may be shorter than a kernel.
            weights[j % nodes] += weight / sum(layer.kernel.trimmed)
        gain = gain * np.abs(np.fft.rfft(weights)) ** 2
        rows.append(np.fft.irfft(gain, nodes)[: lags + 1].tolist())
    for k in range(flat + 1, tail.depth + 1):
        exact = correlation(tail, k, size=units, lags=lags)
        rows.append([value / exact.scale for value in exact.values])
    return np.array(rows)
