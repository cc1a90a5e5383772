"""Networks carried out on small tori, pixel by pixel: what finite-size derivations are held to.

Images are stacks of arrays that are shifted, weighted, added and rectified, layer after layer.
Arrays of integers stay exact. Nothing here knows of composite filters or transition operators.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

__all__ = ["Torus"]

Images = Any
"""Array of shape [images, size, ..., size]; integers are exact, floats are floats."""


class Torus:
    """A network with integer weights on the torus of `size` pixels a side.

    Parameters
    ----------
    layers : sequence of (weights, stride)
        Integer weights, divided by their sum; in `dim` dimensions the tensor product.
    size : int
        Pixels a side; every stride must divide what is left of it.
    dim : int, default 1
        Dimension.
    biases : sequence of int, optional
        Added by the layers of the real network, in units of ``1 / scale(k)``.

    Examples
    --------
    >>> torus = Torus([([1, 1], 2)], size=4, biases=[3])
    >>> torus.overlap(1, 0, 1), torus.distance(1), torus.displacement(1)
    (Fraction(1, 4), Fraction(1, 4), Fraction(1, 4))
    """

    def __init__(
        self,
        layers: Sequence[tuple[Sequence[int], int]],
        size: int,
        dim: int = 1,
        biases: Sequence[int] = (),
    ) -> None:
        self.layers = [(tuple(weights), stride) for weights, stride in layers]
        if size % math.prod(stride for _, stride in self.layers):
            raise ValueError(f"the strides of {self.layers} do not divide {size}")
        self.size, self.dim, self.pixels = size, dim, size**dim
        self.biases = tuple(biases) or (0,) * len(layers)
        self._features: dict[tuple[int, bool], Any] = {}

    def stride(self, k: int) -> int:
        """Cumulative stride S_k."""
        return math.prod(stride for _, stride in self._first(k))

    def scale(self, k: int) -> int:
        """Integer unit of layer k: real heights are integers over this."""
        return math.prod(sum(weights) ** self.dim for weights, _ in self._first(k))

    def run(self, images: Images, k: int, *, real: bool = False) -> Images:
        """Layers 1 ... k in units of ``1 / scale(k)``; `real` adds biases and rectifies."""
        for (weights, stride), bias in zip(self._first(k), self.biases, strict=False):
            for axis in range(1, self.dim + 1):
                kept = np.arange(0, images.shape[axis], stride)
                images = sum(
                    weight * np.take(np.roll(images, -j, axis), kept, axis)
                    for j, weight in enumerate(weights)
                )
            if real:
                images = np.maximum(images + bias, 0)
        return images

    def features(self, k: int, *, real: bool = False) -> Any:
        """Representation of every one-pixel image at layer k, shape [pixels, units]."""
        if (k, real) not in self._features:
            pixel = np.eye(self.pixels, dtype=np.int64).reshape(-1, *[self.size] * self.dim)
            self._features[k, real] = self.run(pixel, k, real=real).reshape(self.pixels, -1)
        return self._features[k, real]

    def overlap(self, k: int, p: int, q: int) -> Fraction:
        """Inner product of the pooled images of pixels p and q (raster order)."""
        if min(p, q) < 0:
            raise IndexError(f"there is no pixel {min(p, q)}")
        found = self.features(k)
        return Fraction(int(found[p] @ found[q]), self.scale(k) ** 2)

    def output(self, k: int, i: int, p: int, *, real: bool = True) -> Fraction:
        """Height of unit i of layer k on the image of pixel p."""
        if min(i, p) < 0:
            raise IndexError(f"there is no pixel or unit {min(i, p)}")
        return Fraction(int(self.features(k, real=real)[p, i]), self.scale(k))

    def distance(self, k: int) -> Fraction:
        """Q_k: mean square distance of the real representations over all pairs of pixels."""
        return self._mean_square(k, itertools.product(range(self.pixels), repeat=2))

    def displacement(self, k: int) -> Fraction:
        """Mean square change of the real representation over all pixels and moves by one site."""
        return self._mean_square(k, self.moves)

    def correlation(self, k: int, lag: int) -> Fraction:
        """c_k(lag) of the filter that output unit 0 applies to one line of pixels."""
        taps = self._line.features(k)[:, 0]
        return Fraction(int(taps @ np.roll(taps, -lag)), self._line.scale(k) ** 2)

    @cached_property
    def _line(self) -> Torus:
        return Torus(self.layers, self.size)

    @cached_property
    def moves(self) -> list[tuple[int, int]]:
        """All (pixel, pixel one site away): 2 dim of them per pixel."""
        grid = np.arange(self.pixels).reshape([self.size] * self.dim)
        steps = [(axis, sign) for axis in range(self.dim) for sign in (1, -1)]
        return [
            (int(p), int(q))
            for axis, sign in steps
            for p, q in zip(grid.flat, np.roll(grid, sign, axis).flat, strict=True)
        ]

    def _mean_square(self, k: int, pairs: Any) -> Fraction:
        found = self.features(k, real=True)
        one, other = np.array(list(pairs)).T
        total = int(((found[one] - found[other]) ** 2).sum())
        return Fraction(total, len(one) * self.scale(k) ** 2)

    def _first(self, k: int) -> list[tuple[tuple[int, ...], int]]:
        if not 0 <= k <= len(self.layers):
            raise IndexError(f"there is no layer {k}")
        return self.layers[:k]
