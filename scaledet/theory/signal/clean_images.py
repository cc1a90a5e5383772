r"""Images without noise through any biases: D_k and Q_k by carrying the images themselves.

A negative bias cuts the signal, so that no recursion of filters applies. With :math:`\varphi^p`
the representation of the active pixel p less that of the empty image, p over one cell of
:math:`S_k^d` positions and N_k^d units at layer k,

.. math:: Q_k = 2 \Bigl(E_p |\varphi^p|^2 - \bigl(E_p \textstyle\sum_i \varphi^p_i\bigr)^2 / N_k^d
          \Bigr), \qquad D_k Q_k = E_p E_e |\varphi^{p + e} - \varphi^p|^2 .

The images live on a window that holds two supports of the composite filter, or on the torus if
that is smaller. Source: the model of Tomasini et al., arXiv:2210.01506, taken literally.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.network.network import Network
from scaledet.network.pooling import apply_layer

__all__ = ["cell_positions", "clean_moments", "pixel_images", "window"]

_CHUNK = 1 << 22
_LARGEST = 1 << 31
# Q_k below this part of the mean square representation is rounding.
_ROUNDING = 1e-13


def window(net: Network, size: int) -> int:
    """Side of a torus on which no layer meets its own image, at most `size` (pixels)."""
    total = net.strides[-1]
    needed = 2 * net.support[-1]
    longest = max(len(layer.kernel) * step for layer, step in zip(net, net.strides, strict=False))
    return min(size, total * -(-max(needed, longest) // total))


def pixel_images(positions: NDArray[np.int64], side: int) -> NDArray[np.float64]:
    """Images [n, side, ...] with one active pixel each, at `positions` [n, dim]."""
    count, dim = positions.shape
    images = np.zeros((count,) + (side,) * dim)
    images[(np.arange(count), *(positions % side).T)] = 1.0
    return images


def cell_positions(net: Network, per_chunk: int) -> Iterator[NDArray[np.int64]]:
    """Positions [n, dim] of one cell of the last layer's stride, some at a time."""
    cell = np.indices((net.strides[-1],) * net.dim).reshape(net.dim, -1).T
    step = max(1, per_chunk)
    for start in range(0, len(cell), step):
        yield cell[start : start + step]


def clean_moments(net: Network, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """D_k and Q_k for k = 0 ... depth; relative error below 1e-12, cancellation in Q_k apart.

    Raises ExhaustionError at the first layer where all images look alike: the bias has cut the
    signal, or pooling has averaged it away (Q_k below 1e-13 of the mean square representation).
    """
    dim, side = net.dim, window(net, size)
    cell = net.strides[-1] ** dim
    if cell * side**dim > _LARGEST:
        raise ArgumentError(
            f"depth must be smaller with negative biases, where images are carried through one by "
            f"one: {cell} positions of the pixel on {side}^{dim} pixels are too many"
        )
    totals = np.zeros((3, net.depth + 1))
    for positions in cell_positions(net, _CHUNK // side**dim):
        start = pixel_images(positions, side)
        shifted = [pixel_images(positions + step, side) for step in np.eye(dim, dtype=np.int64)]
        empty = np.zeros_like(start[:1])
        for k in range(net.depth + 1):
            if k:
                layer = net.layers[k - 1]
                start, empty, *shifted = (
                    apply_layer(image, layer, rectify=True) for image in (start, empty, *shifted)
                )
            signal = start - empty
            totals[0, k] += (signal * signal).sum()
            totals[1, k] += signal.sum()
            totals[2, k] += sum(((moved - start) ** 2).sum() for moved in shifted) / dim
    square, mass, displacement = totals / cell
    units = np.array([(size // stride) ** dim for stride in net.strides])
    distance = 2 * (square - mass * mass / units)
    for k in range(net.depth + 1):
        if square[k] == 0:
            raise ExhaustionError.at(k, size, "Q_k = 0: the bias switches every unit off")
        if distance[k] <= _ROUNDING * square[k]:
            raise ExhaustionError.at(k, size, "Q_k = 0 up to rounding")
    return displacement / distance, distance
