r"""Networks whose strided layers let the image choose its grid, carried out on integer images.

Slow on purpose: every grid, every rotation and every shift of the outputs is tried. The image lies
on a torus, or zeros are padded around the image of every layer. Nothing here knows of filters as a
whole, and nothing is shared with the simulation.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from scaledet.reference.torus import Torus

__all__ = ["Layers", "least_change", "outputs"]

Image = Any
"""Array of integers of Python, of any dimension."""
Layers = Sequence[tuple[Sequence[int], int]]
"""Integer weights and strides of the layers; units are those of the weights, not normalised."""


def outputs(
    image: Image, layers: Layers, *, zeros: bool = False, first: bool = False
) -> list[Image]:
    """Representations of layers 0, 1, ... of one image, each layer on the grid that it chooses.

    A layer keeps the grid of the largest sum of squares and, among equal ones, of the greatest
    sequence of heights, read from whichever site makes it greatest. With `first` it keeps the first
    among equal ones, as published code does. With `zeros` the image of every layer is padded with
    zeros to both sides, so that pooling at every site keeps its size.

    >>> [image.tolist() for image in outputs([0, 3, 0, 1], [([1], 2)])]
    [[0, 3, 0, 1], [3, 1]]
    >>> outputs([0, 3, 0, 1], [([1, 2], 2)], zeros=True)[1].tolist()       # 6 3 2 1
    [6, 2]
    """
    result = [np.array(image, dtype=object)]
    for weights, stride in layers:
        dense = _pooled(result[-1], weights, zeros)
        starts = itertools.product(range(stride), repeat=dense.ndim)
        grids = [dense[tuple(slice(at, None, stride) for at in start)] for start in starts]
        greatest = max(_square(grid) for grid in grids)
        equal = [grid for grid in grids if _square(grid) == greatest]
        result.append(equal[0] if first else max(equal, key=_greatest_sequence))
    return result


def _pooled(image: Image, weights: Sequence[int], zeros: bool) -> Image:
    """Pool at every site, y(i) = sum_j a_j x(i + j); padded, the window is centred."""
    before, after = ((len(weights) - 1) // 2, len(weights) // 2) if zeros else (0, 0)
    # Enough zeros around keep every window from reaching around the torus.
    wide = np.zeros([before + side + after for side in image.shape], dtype=object)
    wide[tuple(slice(before, before + side) for side in image.shape)] = image
    pooled = Torus([(weights, 1)], len(wide), wide.ndim).run(wide[None], 1)[0]
    return pooled[tuple(map(slice, image.shape))]


def _square(image: Image) -> int:
    return int((image * image).sum())


def _rotations(image: Image) -> Iterator[Image]:
    axes = tuple(range(image.ndim))
    for shift in itertools.product(*(range(side) for side in image.shape)):
        yield np.roll(image, shift, axes)


def _greatest_sequence(image: Image) -> tuple[int, ...]:
    return max(tuple(rotated.ravel().tolist()) for rotated in _rotations(image))


def least_change(before: Image, after: Image) -> int:
    """Least sum of squared differences over all circular shifts of one of two images.

    >>> least_change(np.array([3, 1, 0]), np.array([1, 0, 2]))
    1
    """
    return min(_square(rotated - before) for rotated in _rotations(after))
