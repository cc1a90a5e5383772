r"""Rigid shifts of given images: how far the representations move, at every grid phase.

Images pool at every site, :math:`y(u) = \sum_j h_k(j)\, x(u + j)`, layer after layer with holes of
S_{k-1} - 1 sites between the weights; the network keeps the sites :math:`u \equiv -t` modulo
S_k if the image stands t sites from where it was given. So one pass serves all positions. Q_k is
that of independent images at independent uniform positions,

.. math:: Q_k = \frac{2}{S_k^d} \Bigl(E \sum_u (y(u) - \bar y)^2 + L \operatorname{Var} \bar y
          \Bigr),

:math:`\bar y = \bar x` being the mean of an image. With adaptive layers the sum is over the units
of the component that the image chooses, and the factor :math:`S_k^{-d}` is left out: a uniform
position shifts this component uniformly. Source: our derivation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.network.network import Network
from scaledet.network.polyphase import adaptive_maps
from scaledet.network.pooling import pool_axis
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.signal.pairs import label_weights
from scaledet.theory.signal.shifts import Position

__all__ = ["adaptive_distances", "adaptive_pair_distances", "image_changes", "require_unlike"]

Array = NDArray[np.float64]

# A mean square deviation below this part of the mean square image is rounding.
_ROUNDING = 1e-26
# Q_k below this part of the mean square representation is what a difference of both leaves.
_CANCELLED = 1e-13
_MOST_PIXELS = 2**24
_CHUNK = 4096


def require_unlike(images: Array) -> None:
    """Raise if there is nothing to see: all images are one constant."""
    if (images == images.flat[0]).all():
        raise ArgumentError(
            f"images must not all be one constant; got {images.flat[0]} at every pixel"
        )


def image_changes(
    net: Network, images: Array, shift: Sequence[int], position: Position
) -> tuple[Array, Array]:
    """E|f_k(S_m x) - f_k(x)|^2 and Q_k for k = 0 ... depth."""
    dim, size, axes = net.dim, images.shape[1], tuple(range(1, net.dim + 1))
    offset = _spread(images)
    change = np.roll(images, shift, axes) - images
    # Without their mean, images that have become alike leave rounding of their deviations only.
    deviation = images - images.mean(axis=axes, keepdims=True)
    moved, distance = [], []
    for k, stride in enumerate(net.strides):
        if k:
            step = net.strides[k - 1]
            change, deviation = (_dense(y, net, k, step) for y in (change, deviation))
        cells = (change**2).mean(axis=0).reshape([size // stride, stride] * dim)
        phases = cells.sum(axis=tuple(range(0, 2 * dim, 2)))
        if position is None:
            moved.append(phases.mean())
        elif position == "worst":
            moved.append(phases.max())
        else:
            moved.append(phases[tuple(-p % stride for p in position)])
        spread = (deviation**2).sum() / len(images) + size**dim * offset
        distance.append(2 * _distinct(spread, images, k) / stride**dim)
    return np.array(moved), np.array(distance)


def adaptive_distances(net: Network, images: Array) -> Array:
    """Q_k for k = 0 ... depth of images at uniform positions, all layers adaptive."""
    axes = tuple(range(1, net.dim + 1))
    result = []
    for k, outputs in enumerate(adaptive_maps(net, images)):
        units = outputs[0].size
        deviation = outputs - outputs.mean(axis=axes, keepdims=True)
        spread = (deviation**2).sum() / len(outputs) + units * _spread(outputs)
        result.append(2 * _distinct(spread, images, k))
    return np.array(result)


def _spread(images: Array) -> Any:
    """Variance of the images' means."""
    return images.reshape(len(images), -1).mean(axis=1).var()


def _distinct(spread: Any, images: Array, layer: int) -> Any:
    """Return the mean square deviation unless it is 0, up to rounding."""
    if spread <= _ROUNDING * (images**2).sum() / len(images):
        raise ExhaustionError.at(layer, images.shape[1], "Q_k = 0 up to rounding")
    return spread


def _dense(images: Array, net: Network, layer: int, step: int) -> Array:
    """Pool at every site with the kernel of a layer, its weights `step` sites apart."""
    weights = net[layer - 1].kernel.weights
    spaced = np.zeros((len(weights) - 1) * step + 1)
    spaced[::step] = [float(weight) for weight in weights]
    for axis in range(1, images.ndim):
        images = pool_axis(images, spaced, 1, axis)
    return images


def adaptive_pair_distances(net: Network, task: ScaleDetection, balanced: bool) -> Array:
    """Q_k for k = 0 ... depth of a task's own images, all enumerated, all layers adaptive."""
    if (pixels := sum(task.counts.values()) * task.rule.pixels) > _MOST_PIXELS:
        raise ArgumentError(
            f"task must have at most {_MOST_PIXELS} pixels in all its images together with "
            f"phase='adaptive', which enumerates them; got {pixels} (give images=, a sample)"
        )
    weights = label_weights(task, balanced)
    squares, means = np.zeros(net.depth + 1), [np.zeros(())] * (net.depth + 1)
    for label, weight in weights.items():
        for pairs in task.iter_pairs(label, chunk=_CHUNK):
            for k, outputs in enumerate(adaptive_maps(net, task.images(pairs)[:, 0])):
                squares[k] += 2 * float(weight) * (outputs**2).sum()
                means[k] = means[k] + 2 * float(weight) * outputs.sum(axis=0)
    distance = 2 * (squares - np.array([(mean**2).sum() for mean in means]))
    for k, value in enumerate(distance):
        if value <= _CANCELLED * squares[k]:
            raise ExhaustionError.at(k, task.size, "Q_k = 0 up to rounding")
    return np.asarray(distance)
