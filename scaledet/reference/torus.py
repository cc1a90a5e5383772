"""Networks carried out on small tori, pixel by pixel: finite-size claims are held to them.

Images are stacks of arrays that are shifted, weighted, added and rectified, layer after layer.
Arrays of integers stay exact. Nothing here knows of composite filters or transition operators.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

__all__ = [
    "Law",
    "Torus",
    "at_displacement",
    "blocks",
    "labelled",
    "mixed",
    "ring_distance",
    "uniform",
]

Images = Any
"""Array of shape [images, size, ..., size]; integers are exact, floats are floats."""
Law = dict[tuple[int, int], Fraction]
"""Probability of ordered pairs of pixels, which are numbered."""

_LARGEST = 1 << 62
"""Integers beyond it are Python's."""


class Torus:
    """A network with integer weights on the torus of `size` pixels a side.

    Pixels are numbered in raster order. In pairs of pixels both are active; they may coincide.

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

    def images(self, k: int, active: Any, *, real: bool = False) -> Any:
        """Representations of images with these active pixels, shape [images, units].

        `active` has the shape [images, pixels]; a pixel that stands there twice has height 2.
        """
        active = np.asarray(active)
        # Two pixels, differences, and sums over all units and images stay below its square.
        largest = 4 * self.scale(k) * (1 + sum(map(abs, self.biases))) * self.pixels
        dtype = np.int64 if largest**2 < _LARGEST else object
        images = np.zeros((len(active), self.pixels), dtype)
        np.add.at(images, (np.arange(len(active))[:, None], active), 1)
        images = images.reshape(-1, *[self.size] * self.dim)
        return self.run(images, k, real=real).reshape(len(active), -1)

    def features(self, k: int, *, real: bool = False) -> Any:
        """Representation of every one-pixel image at layer k, shape [pixels, units]."""
        if (k, real) not in self._features:
            self._features[k, real] = self.images(k, np.arange(self.pixels)[:, None], real=real)
        return self._features[k, real]

    def overlap(self, k: int, p: int, q: int) -> Fraction:
        """Inner product of the pooled images of pixels p and q."""
        if min(p, q) < 0:
            raise IndexError(f"there is no pixel {min(p, q)}")
        features = self.features(k)
        return Fraction(int(features[p] @ features[q]), self.scale(k) ** 2)

    def output(self, k: int, i: int, p: int, *, real: bool = True) -> Fraction:
        """Height of unit i of layer k on the image of pixel p."""
        if min(i, p) < 0:
            raise IndexError(f"there is no pixel or unit {min(i, p)}")
        return Fraction(int(self.features(k, real=real)[p, i]), self.scale(k))

    def square(self, k: int) -> Fraction:
        """Mean square of the pooled images of one pixel."""
        return Fraction(int((self.features(k) ** 2).sum()), self.pixels * self.scale(k) ** 2)

    def distance(self, k: int) -> Fraction:
        """Q_k: mean square distance of the real representations over all pairs of pixels."""
        features = self.features(k, real=True)
        total = sum(int(((features - image) ** 2).sum()) for image in features)
        return Fraction(total, (self.pixels * self.scale(k)) ** 2)

    def displacement(self, k: int) -> Fraction:
        """Mean square change of the real representation over all pixels and moves by one site."""
        features = self.features(k, real=True)
        total = int(((features[self.neighbours] - features[:, None]) ** 2).sum())
        return Fraction(total, self.neighbours.size * self.scale(k) ** 2)

    def sensitivity(self, k: int) -> Fraction:
        """D_k of one pixel."""
        return self.displacement(k) / self.distance(k)

    def correlation(self, k: int, lag: int) -> Fraction:
        """c_k(lag) of the filter that output unit 0 applies to one line of pixels."""
        taps = self.line.features(k)[:, 0]
        return Fraction(int(taps @ np.roll(taps, -lag)), self.line.scale(k) ** 2)

    @cached_property
    def line(self) -> Torus:
        """The same network in one dimension."""
        return Torus(self.layers, self.size)

    @cached_property
    def neighbours(self) -> Any:
        """The pixels one site away from every pixel, shape [pixels, 2 dim]."""
        signs = itertools.product(range(self.dim), (-1, 1))
        return np.stack([np.roll(self._grid, sign, axis).ravel() for axis, sign in signs], axis=1)

    def walks(self, steps: int, start: int, end: int) -> int:
        """Count the walks of this many steps from one pixel to another, one by one."""
        if steps < 0:
            raise IndexError(f"there is no walk of {steps} steps")
        ends = np.array([start])
        for _ in range(steps):
            ends = self.neighbours[ends].ravel()
        return int((ends == end).sum())

    def at_lag(self, *lag: int) -> Law:
        """All pairs of pixels whose second one lies at this displacement from the first."""
        shifted = np.roll(self._grid, [-step for step in lag], tuple(range(self.dim)))
        pairs = zip(self._grid.ravel().tolist(), shifted.ravel().tolist(), strict=True)
        return dict.fromkeys(pairs, Fraction(1, self.pixels))

    def pair_overlap(self, k: int, law: Law) -> Fraction:
        """Mean overlap of the pooled images of both pixels under a law of pairs."""
        return sum((w * self.overlap(k, p, q) for (p, q), w in law.items()), Fraction(0))

    def pair_cross(self, k: int, law: Law) -> Fraction:
        """Mean inner product of the changes of both pixels, each moved on its own."""
        features, moves, total = self.features(k), self.neighbours, Fraction(0)
        for pair, weight in law.items():
            first, second = (features[moves[pixel]] - features[pixel] for pixel in pair)
            total += weight * int((first @ second.T).sum())
        return total / (2 * self.dim * self.scale(k)) ** 2

    def pair_change(self, k: int, law: Law) -> Fraction:
        """Mean square change of the pooled image of both pixels over all joint moves."""
        moves, total = self.neighbours, Fraction(0)
        for pair, weight in law.items():
            moved = list(itertools.product(*(moves[pixel] for pixel in pair)))
            before, *after = self.images(k, [pair, *moved])
            total += weight * int(((np.array(after) - before) ** 2).sum())
        return total / (2 * self.dim * self.scale(k)) ** 2

    def pair_distance(self, k: int, law: Law) -> Fraction:
        """Q_k of two pixels: all pairs of images of a law of pairs."""
        images = self.images(k, list(law))
        unit = math.lcm(*(weight.denominator for weight in law.values()))
        weights = np.array([int(weight * unit) for weight in law.values()], dtype=object)
        total = sum(
            weight * (weights @ ((images - image) ** 2).sum(axis=1))
            for weight, image in zip(weights, images, strict=True)
        )
        return Fraction(int(total), (unit * self.scale(k)) ** 2)

    def pair_sensitivity(self, k: int, law: Law) -> Fraction:
        """D_k of two pixels under a law of pairs."""
        return self.pair_change(k, law) / self.pair_distance(k, law)

    @cached_property
    def _grid(self) -> Any:
        return np.arange(self.pixels).reshape([self.size] * self.dim)

    def _first(self, k: int) -> list[tuple[tuple[int, ...], int]]:
        if not 0 <= k <= len(self.layers):
            raise IndexError(f"there is no layer {k}")
        return self.layers[:k]


def uniform(pairs: Iterable[tuple[int, int]]) -> Law:
    """Every one of these pairs with the same probability, in either order."""
    both = {pair for a, b in pairs for pair in ((a, b), (b, a))}
    return dict.fromkeys(sorted(both), Fraction(1, len(both)))


def mixed(*laws: Law) -> Law:
    """All laws with the same probability."""
    pairs = sorted({pair for law in laws for pair in law})
    return {
        pair: sum((law.get(pair, Fraction(0)) for law in laws), Fraction(0)) / len(laws)
        for pair in pairs
    }


def ring_distance(a: int, b: int, size: int) -> int:
    """Distance around a ring."""
    return min((a - b) % size, (b - a) % size)


def labelled(size: int, low: Any, high: Any) -> tuple[Law, Law]:
    """Laws of both labels of T1: distance < low, and distance >= high."""
    pairs = list(itertools.combinations(range(size), 2))
    near = [pair for pair in pairs if ring_distance(*pair, size) < low]
    return uniform(near), uniform([pair for pair in pairs if ring_distance(*pair, size) >= high])


def blocks(size: int, side: int, offset: int = 0) -> tuple[Law, Law]:
    """Laws of both labels of T2, the blocks of this side cut `offset` pixels later."""
    pairs = list(itertools.combinations(range(size), 2))
    block = [(q - offset) % size // side for q in range(size)]
    same = [(a, b) for a, b in pairs if block[a] == block[b]]
    return uniform(same), uniform([(a, b) for a, b in pairs if block[a] != block[b]])


def at_displacement(law: Law, size: int, lag: int) -> Fraction:
    """Probability that the second pixel lies at `lag` from the first, around the ring."""
    return sum((w for (a, b), w in law.items() if (b - a - lag) % size == 0), Fraction(0))
