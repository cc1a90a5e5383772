"""Stacks of images given as arrays, as they enter a network: checked, and with noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.network.network import Network

__all__ = ["as_stack", "with_noise"]

_SMALLEST, _LARGEST = 1e-100, 1e100


def as_stack(name: str, value: Any, net: Network) -> NDArray[np.float64]:
    """Return images [n, *sides] of finite floats that pass through `net`.

    An axis of length 1 after the first one, the channel of ``ScaleDetection.images``, is dropped.

    >>> as_stack("images", [[[1, 0, 0, 2]]], Network.uniform(2, 2)).shape
    (1, 4)
    """
    sides = {1: "N", 2: "H, W"}.get(net.dim, "D, H, W")
    accepted = f"finite real numbers of shape [n, {sides}] or [n, 1, {sides}], n >= 1"
    images = validate.floats(name, value, accepted)
    if images.ndim == net.dim + 2 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim != net.dim + 1 or not len(images):
        raise ArgumentError(f"{name} must be {accepted}; got shape {list(np.shape(value))}")
    bad = ~np.isfinite(images)
    if bad.any():
        place = np.argwhere(bad)[0].tolist()
        raise ArgumentError(f"{name} must be {accepted}; got {images[tuple(place)]} at {place}")
    largest = abs(images).max()
    if largest and not _SMALLEST <= largest <= _LARGEST:
        raise ArgumentError(
            f"{name} must have their largest modulus in [{_SMALLEST:g}, {_LARGEST:g}], so that "
            f"squares fit floats; got {largest:g}"
        )
    net.feasible_size(images.shape[1:])
    return images


def with_noise(
    images: NDArray[np.float64], eta: NDArray[np.float64], rectify: str | None
) -> NDArray[np.float64]:
    """Return relu(x + eta) for rectify="input", x + relu(eta) for "noise", and else x + eta.

    >>> x, eta = np.ones(2), np.array([-3.0, 1.0])
    >>> [with_noise(x, eta, rectify).tolist() for rectify in ("input", "noise", "layers", None)]
    [[0.0, 2.0], [1.0, 2.0], [-2.0, 2.0], [-2.0, 2.0]]
    """
    noisy = images + (np.maximum(eta, 0.0) if rectify == "noise" else eta)
    return np.maximum(noisy, 0.0) if rectify == "input" else noisy
