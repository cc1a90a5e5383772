r"""Filters drawn at random: the covariance of the weights at the taps of each layer.

A filter a of sum 1 gives the family :math:`C_t = (1 - t)\, \mathrm{diag}(a) + t\, a a^T`: at t = 0
the taps are independent, of variances a; at t = 1 all filters are multiples of a; below 0 they are
high-pass.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.network.grid_kernel import GridKernel
from scaledet.network.kernel import Kernel
from scaledet.network.layer import Layer
from scaledet.network.network import Network, require_network
from scaledet.network.pooling import tap_sites

__all__ = ["Taps", "checked_taps", "window_sites"]

Array = NDArray[np.float64]

_ROUNDING = 1e-10
"""Negative eigenvalues above minus this, relative to the largest, are rounding errors."""


@dataclass(frozen=True, eq=False)
class Taps:
    """Covariance of a layer's weights, diag(`spread`) + sum_r `factors`[r] v_r v_r^T.

    Attributes
    ----------
    spread : ndarray, shape [F]
        The diagonal part; F is the number of taps, in the order of a raster.
    factors : ndarray, shape [r]
        Amplitudes of the parts of rank one.
    vectors : ndarray, shape [r, F]
        Their vectors.
    """

    spread: Array
    factors: Array
    vectors: Array

    @property
    def matrix(self) -> Array:
        """The covariance, shape [F, F]."""
        return np.diag(self.spread) + (self.vectors.T * self.factors) @ self.vectors

    @property
    def diagonal(self) -> bool:
        """Whether the weights at different taps are independent."""
        return not len(self.factors)


def _require_random_layers(net: Network, caller: str) -> None:
    """Raise unless the layers are a chain of convolutions without bias of their own."""
    if not net.is_chain:
        raise ArgumentError(f"{caller} needs a chain of layers; got a graph, {net!r}")
    for k, layer in enumerate(net, start=1):
        accepted = (
            f"{caller} needs layers that average, with bias 0 (bias_variance gives random biases), "
            "count_include_pad=True and ceil_mode=False"
        )
        if layer.is_max or layer.bias or not layer.count_include_pad or layer.ceil_mode:
            raise ArgumentError(f"{accepted}; layer {k} is {layer!r}")


def checked_taps(caller: str, net: Any, pooling: Any, covariances: Any) -> tuple[Taps, ...]:
    """Return the covariances that the arguments `pooling` and `tap_covariances` stand for.

    `caller` names the public function that needs them.
    """
    _require_random_layers(require_network(net), caller)
    if covariances is not None:
        if np.ndim(pooling) or pooling:
            raise ArgumentError(
                f"pooling must be left out when tap_covariances are given; got {pooling!r}"
            )
        given = list(covariances)
        if len(given) != net.depth:
            raise ArgumentError(
                f"tap_covariances must hold one matrix per layer, {net.depth}; got {len(given)}"
            )
        return tuple(_given_taps(net, k, matrix) for k, matrix in enumerate(given))
    scalar = np.ndim(pooling) == 0
    values = [pooling] * net.depth if scalar else list(pooling)
    if len(values) != net.depth:
        raise ArgumentError(
            f"pooling must be one number, or one per layer, {net.depth}; got {len(values)}"
        )
    return tuple(_pooling_taps(net, k, value, scalar) for k, value in enumerate(values))


def _pooling_taps(net: Network, k: int, value: Any, scalar: bool) -> Taps:
    name = "pooling" if scalar else f"pooling[{k}]"
    share = validate.real(name, value)
    layer = net[k]
    if layer.signed:
        raise ArgumentError(
            f"pooling needs non-negative kernels; layer {k + 1} has {layer.filter!r} (give "
            "tap_covariances)"
        )
    weights = _weights(layer, net.dim)
    if share > 1:  # Below 0, too, C is positive: v^T C v = E v^2 - t Var v under the law a.
        raise ArgumentError(
            f"{name} must be at most 1, for (1 - t) diag(a) + t a a^T to be positive; got {value!r}"
        )
    if share == 0:
        return Taps(weights, np.empty(0), np.empty((0, len(weights))))
    return Taps((1 - share) * weights, np.array([share]), weights[None])


def _given_taps(net: Network, k: int, given: Any) -> Taps:
    name = f"tap_covariances[{k}]"
    count = len(_places(net[k], net.dim))
    accepted = f"a symmetric positive semi-definite {count} x {count} matrix of finite numbers"
    matrix = validate.floats(name, given, accepted)
    if matrix.shape != (count, count):
        raise ArgumentError(f"{name} must be {accepted}; got shape {matrix.shape}")
    size = abs(matrix).max(initial=0.0)
    if not np.isfinite(matrix).all() or abs(matrix - matrix.T).max() > 1e-9 * size:
        raise ArgumentError(f"{name} must be {accepted}; got {given!r}")
    if not (matrix - np.diag(np.diag(matrix))).any() and (np.diag(matrix) >= 0).all():
        return Taps(np.diag(matrix).copy(), np.empty(0), np.empty((0, count)))
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    if values[0] < -_ROUNDING * values[-1]:
        raise ArgumentError(f"{name} must be {accepted}; got the eigenvalue {values[0]:g}")
    kept = values > 1e-15 * values[-1]
    return Taps(np.zeros(count), values[kept], vectors.T[kept])


def _axes(layer: Layer, dim: int) -> list[tuple[int, int]]:
    """Return the number of taps along every axis and their distance."""
    taps = layer.taps
    if isinstance(taps, GridKernel):
        lengths: Sequence[int] = taps.shape
    elif isinstance(taps, Kernel):
        lengths = (len(taps),) * dim
    else:
        lengths = tuple(map(len, taps))
    gaps = layer.dilation if isinstance(layer.dilation, tuple) else (layer.dilation,) * dim
    return list(zip(lengths, gaps, strict=True))


def _places(layer: Layer, dim: int) -> list[tuple[int, ...]]:
    """Return where each tap stands in its window, in the order of a raster."""
    ranges = (range(0, length * gap, gap) for length, gap in _axes(layer, dim))
    return list(itertools.product(*ranges))


def _weights(layer: Layer, dim: int) -> Array:
    """Return the weights of the filter at its taps."""
    taps = layer.taps
    if isinstance(taps, GridKernel):
        return np.ravel(taps.array())
    kernels = taps if isinstance(taps, tuple) else (taps,) * dim
    weights = np.ones(1)
    for kernel in kernels:
        weights = np.multiply.outer(weights, [float(weight) for weight in kernel]).ravel()
    return weights


def window_sites(layer: Layer, sides: Sequence[int]) -> NDArray[np.int64]:
    """Return the site that tap f of output i reads, shape [outputs, F]; -1 where it is padding.

    Outputs, sites and taps are numbered in the order of a raster.

    >>> window_sites(Layer(3, 2, padding=1), [4]).tolist()
    [[-1, 0, 1], [1, 2, 3]]
    """
    dim = len(sides)
    rules = [layer.rule(axis, dim) for axis in range(dim)]
    read = tap_sites(rules, sides, _places(layer, dim))
    return np.stack([sites.ravel() for sites in read], axis=1)
