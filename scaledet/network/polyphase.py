r"""Adaptive polyphase sampling: a strided layer that lets every image choose its grid phase.

A layer of stride s pools at every site and keeps one of the :math:`s^d` grids of spacing s. An
ordinary layer keeps the grid through site 0. An adaptive one keeps the grid, a *polyphase
component* of the pooled image, of the largest sum of squares.

A circular shift of the image permutes the components and shifts them. A choice that does not
depend on their order or position thus yields the same component, shifted: the outputs agree up to
a shift of the output grid. That needs two cares. The sum of squares must not depend on the order of
its terms (`math.fsum` rounds once), and among components of equal sums the choice must not fall
on the first: it falls on that whose greatest rotation in lexicographic order is the greatest.

Source: Chaman & Dokmanic, "Truly shift-invariant convolutional neural networks", CVPR 2021
(arXiv:2011.14214), with the rule for ties added.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np

from scaledet.errors import ArgumentError
from scaledet.network.layer import Layer
from scaledet.network.pooling import apply_layer

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PHASES", "Phase", "adaptive_maps", "apply_adaptive_layer"]

Phase = Literal["average", "fixed", "adaptive"]
"""How images lie on the grids of strided layers: anywhere, as given, or as they choose."""

PHASES: tuple[Phase, ...] = ("average", "fixed", "adaptive")

# Sums of squares that NumPy finds so close are added up again, with one rounding.
_NEAR = 1e-9


def adaptive_maps(
    layers: Iterable[Layer], images: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Yield the images [n, ...], then the map of every layer of a chain, all of them adaptive."""
    return itertools.accumulate(layers, apply_adaptive_layer, initial=images)


def apply_adaptive_layer(images: NDArray[np.float64], layer: Layer) -> NDArray[np.float64]:
    """Pool images [n, ...] at every site, add the bias, rectify, and keep a component of each.

    >>> images = np.array([[0.0, 3.0, 0.0, 1.0], [1.0, 0.0, 3.0, 0.0]])   # shifted by one site
    >>> apply_adaptive_layer(images, Layer(1, stride=2))
    array([[3., 1.],
           [1., 3.]])
    """
    steps = [layer.stride_along(axis) for axis in range(images.ndim - 1)]
    dense = apply_layer(images, Layer(**{**layer.arguments(), "stride": 1}), rectify=True)
    if not any(step > 1 for step in steps):
        return dense
    for side, step in zip(dense.shape[1:], steps, strict=True):
        if side % step:
            raise ArgumentError(
                f"adaptive sampling at stride {step} needs pooled images whose sides are multiples "
                f"of it, for components of one size; got {side} pixels"
            )
    starts = itertools.product(*map(range, steps))
    grids = [
        (slice(None), *(slice(start, None, step) for start, step in zip(at, steps, strict=True)))
        for at in starts
    ]
    # A zero of negative sign becomes an ordinary one, so that equal components have equal bytes.
    components = np.stack([dense[grid] for grid in grids], axis=1) + 0.0
    chosen = [_chosen(of_image) for of_image in components]
    return np.asarray(components[np.arange(len(images)), chosen])


def _chosen(components: NDArray[np.float64]) -> int:
    """Return the index of the component to keep, whichever their order and position."""
    sums = (components**2).reshape(len(components), -1).sum(axis=1)
    near = np.flatnonzero(sums >= (1 - _NEAR) * sums.max()).tolist()
    if len(near) == 1:
        return int(near[0])
    exact = {i: math.fsum((components[i] ** 2).ravel().tolist()) for i in near}
    greatest = max(exact.values())
    tied = [i for i in near if exact[i] == greatest]
    return int(max(tied, key=lambda i: _greatest_rotation(components[i]))) if tied[1:] else tied[0]


def _greatest_rotation(component: NDArray[np.float64]) -> bytes:
    """Return the greatest rotation as bytes, which are ordered as non-negative floats are."""
    axes = tuple(range(component.ndim))
    tops = np.argwhere(component == component.max()).tolist()
    big_endian = component.astype(">f8")
    return max(np.roll(big_endian, [-x for x in top], axes).tobytes() for top in tops)
