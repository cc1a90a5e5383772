"""Pooling of real images: the only arithmetic of the simulated network besides bias and ReLU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scaledet.network.layer import Layer

__all__ = ["apply_layer", "pool_axis"]


def pool_axis(
    images: NDArray[np.float64], weights: NDArray[np.float64], stride: int, axis: int
) -> NDArray[np.float64]:
    """Return y(i) = sum_j weights[j] images(stride * i + j) along one periodic axis.

    >>> pool_axis(np.array([[1.0, 0.0, 0.0, 4.0]]), np.array([0.5, 0.5]), 2, axis=1)
    array([[0.5, 2. ]])
    """
    moved = np.moveaxis(images, axis, -1)
    size = moved.shape[-1]
    outputs = size // stride
    reach = stride * (outputs - 1) + len(weights)
    turns = -(-reach // size)
    # Neighbours across the seam: the image once more, as far as the filter reaches.
    padded = np.concatenate([moved] * turns, axis=-1)[..., :reach] if turns > 1 else moved
    result = np.zeros((*moved.shape[:-1], outputs))
    for j, weight in enumerate(weights):
        if weight:
            result += weight * padded[..., j : j + stride * (outputs - 1) + 1 : stride]
    return np.moveaxis(result, -1, axis)


def apply_layer(images: NDArray[np.float64], layer: Layer, *, rectify: bool) -> NDArray[np.float64]:
    """Pool images [n, ...] along every axis but the first, add the bias, rectify."""
    weights = np.array([float(weight) for weight in layer.kernel.weights])
    for axis in range(1, images.ndim):
        images = pool_axis(images, weights, layer.stride, axis)
    if layer.bias:
        images = images + float(layer.bias)
    return np.maximum(images, 0.0) if rectify else images
