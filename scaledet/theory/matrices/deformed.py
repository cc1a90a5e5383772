r"""Deformed images of a given covariance at every layer, from the matrices of the network.

With :math:`M_k` the matrix of layer k and C the covariance of images y,

.. math:: E|M_k y|^2 = \mathrm{tr}\, M_k C M_k^T = \sum_{p, p'} (M_k^T M_k)(p, p')\, C(p, p') .

Where M is a product over both axes, so is :math:`M_k^T M_k`, and C is needed one row of pixels at a
time. Otherwise C is held whole, once for all layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError
from scaledet.network.network import Network
from scaledet.theory.matrices.maps import Factor, factors, is_sparse, together
from scaledet.theory.signal.deformed_images import DeformedCovariance

__all__ = ["Energies", "image_energies"]

Floats = NDArray[np.float64]

_LARGEST = 64
"""Largest side of images whose covariance is held whole."""
_BYTES = 64
"""Most memory for every pair of pixels: two covariances, a matrix and its product, sparse ones."""


class Energies(NamedTuple):
    """Mean squares E|M_k y|^2 for k = 0 ... depth.

    Attributes
    ----------
    plain, moved : array [depth + 1]
        Of the images about their mean, and of their differences tau x - x.
    white, flat : array [depth + 1]
        Of white noise of variance 1, and of the image whose pixels are all 1.
    """

    plain: Floats
    moved: Floats
    white: Floats
    flat: Floats


def image_energies(
    net: Network, size: int, covariance: DeformedCovariance, *, local: bool
) -> Energies:
    """Return the mean squares at every layer.

    With `local` the displacement is constant within every receptive field.
    """
    parts = factors(net, (size, size))
    distances = covariance.local_distances() if local else None
    if parts[0].axis is None:
        return _whole(parts[0], covariance, distances)
    return _separable(parts, covariance, distances)


def _separable(
    parts: list[Factor], covariance: DeformedCovariance, distances: Floats | None
) -> Energies:
    grams = [np.array(axis) for axis in zip(*together(parts, _grams), strict=True)]
    lags = [_lag_sums(gram) for gram in grams]

    def total(at_lags: Floats) -> Floats:
        return np.asarray(np.einsum("ka,ab,kb->k", lags[0], at_lags, lags[1]))

    if distances is None:
        moved = np.zeros(len(grams[0]))
        for row, rows, distance in covariance.distances():
            twice = np.where(rows == row, 1.0, 2.0) * grams[0][:, row, rows]
            moved += np.einsum("kr,xrz,kxz->k", twice, distance, grams[1], optimize=True)
    else:
        moved = total(distances)
    white = np.prod([np.trace(gram, axis1=1, axis2=2) for gram in grams], axis=0)
    flat = np.prod([gram.sum(axis=(1, 2)) for gram in grams], axis=0)
    return Energies(total(covariance.plain), moved, white, flat)


def _grams(part: Factor) -> Iterator[Floats]:
    for matrix in part.floats():
        yield (matrix.T @ matrix).toarray()


def _lag_sums(gram: Floats) -> Floats:
    """Return the sums over the pixels at each lag p - p' = -(N - 1) ... N - 1, per layer."""
    size = gram.shape[1]
    lags = [np.trace(gram, offset, axis1=2, axis2=1) for offset in range(1 - size, size)]
    return np.stack(lags, axis=1)


def _whole(part: Factor, covariance: DeformedCovariance, distances: Floats | None) -> Energies:
    size = covariance.size
    if size > _LARGEST:
        gigabytes = [f"{_BYTES * n**4 / 1e9:.2g} GB" for n in (size, _LARGEST)]
        raise ArgumentError(
            f"size must be at most {_LARGEST} where the network is no product over both axes, as "
            f"with branches or kernels on a grid; got {size}, whose pairs of pixels take "
            f"up to {gigabytes[0]} ({_LARGEST}: {gigabytes[1]}; simulate_images takes any size)"
        )
    plain = _at_pairs(covariance.plain, size)
    moved = _moved(covariance) if distances is None else _at_pairs(distances, size)
    rows = [
        (
            *_traces(matrix, (plain, moved)),
            matrix.data @ matrix.data,
            np.square(matrix.sum(axis=1)).sum(),
        )
        for matrix in part.floats()
    ]
    return Energies(*np.array(rows).T)


def _at_pairs(at_lags: Floats, size: int) -> Floats:
    """Return the covariance of all pairs of pixels, [N^2, N^2], from that at all lags."""
    lags = np.subtract.outer(np.arange(size), np.arange(size)) + size - 1
    result = np.empty((size, size, size, size))
    for row in range(size):
        result[row] = at_lags[lags[row]][:, lags].transpose(1, 0, 2)
    return result.reshape(size**2, size**2)


def _moved(covariance: DeformedCovariance) -> Floats:
    """Return the covariance of tau x - x for all pairs of pixels."""
    size = covariance.size
    result = np.empty((size, size, size, size))
    for row, rows, distance in covariance.distances():
        result[row][:, rows] = distance
        result[rows, :, row] = distance.transpose(1, 2, 0)
    return result.reshape(size**2, size**2)


def _traces(matrix: Any, covariances: tuple[Floats, ...]) -> list[float]:
    """Return tr M C M^T for every C."""
    if is_sparse(matrix):
        return [float(matrix.multiply(matrix @ each).sum()) for each in covariances]
    dense = matrix.toarray()
    return [float(np.einsum("ij,ij->", dense @ each, dense)) for each in covariances]
