"""Two-pixel images of small tori, pooled one by one in integers: slow, and sure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

Site = tuple[int, ...]
Law = dict[tuple[int, int], Fraction]
"""Probability of every ordered pair of pixels of a ring."""


class Torus:
    """The images of one or two active pixels under layers of integer weights.

    The filter of `dim` dimensions is the tensor product, and weights are divided by their sum.
    """

    def __init__(self, layers: Sequence[tuple[list[int], int]], size: int, dim: int = 1) -> None:
        self.layers, self.size, self.dim = list(layers), size, dim
        self.sites: list[Site] = list(itertools.product(range(size), repeat=dim))
        self.moves = [tuple(s * (a == b) for b in range(dim)) for a in range(dim) for s in (1, -1)]
        self.joint_moves = list(itertools.product(self.moves, repeat=2))
        self._images: dict[Any, Any] = {}
        self._changes: dict[Any, Fraction] = {}
        self._known: dict[Any, Fraction] = {}

    def stride(self, depth: int) -> int:
        """Cumulative stride S_k."""
        return math.prod(stride for _, stride in self.first(depth))

    def first(self, depth: int) -> list[tuple[list[int], int]]:
        """Layers 1 ... depth; ``IndexError`` if there are fewer."""
        if not 0 <= depth <= len(self.layers):
            raise IndexError(f"there is no layer {depth}")
        return self.layers[:depth]

    def scale(self, depth: int) -> int:
        """Divisor of the integers of a representation."""
        line = math.prod(sum(weights) for weights, _ in self.first(depth))
        return math.prod([line] * self.dim)

    def wrap(self, site: Sequence[int], move: Sequence[int]) -> Site:
        """Site reached by a move around the torus."""
        return tuple((a + b) % self.size for a, b in zip(site, move, strict=True))

    def image(self, depth: int, *pixels: Site) -> Any:
        """Representation, in integers, of the image with these pixels active."""
        key = (depth, *sorted(pixels))
        if key not in self._images:
            found = np.zeros((self.size,) * self.dim, dtype=np.int64)
            for pixel in pixels:
                found[pixel] += 1
            for weights, stride in self.first(depth):
                found = self._pool(found, weights, stride)
            self._images[key] = found.ravel()
        return self._images[key]

    def _pool(self, image: Any, weights: list[int], stride: int) -> Any:
        total = np.zeros([n // stride for n in image.shape], dtype=np.int64)
        for taps in itertools.product(range(len(weights)), repeat=self.dim):
            shifted = np.roll(image, [-j for j in taps], axis=tuple(range(self.dim)))
            kept = shifted[(slice(None, None, stride),) * self.dim]
            total += math.prod(weights[j] for j in taps) * kept
        return total

    def overlap(self, depth: int, one: Site, other: Site) -> Fraction:
        """Inner product of the representations of two one-pixel images."""
        origin = (0,) * self.dim
        pixels = (self.wrap(one, origin), self.wrap(other, origin))
        left, right = (self.image(depth, pixel) for pixel in pixels)
        return Fraction(int(left @ right), self.scale(depth) ** 2)

    def correlation(self, depth: int, lag: int) -> Fraction:
        """c_k(lag) of the filter of output unit 0 of a ring, wrapped around it."""
        taps = [int(self.image(depth, (q,))[0]) for q in range(self.size)]
        total = sum(w * taps[(q + lag) % self.size] for q, w in enumerate(taps))
        return Fraction(total, self.scale(depth) ** 2)

    def change(self, depth: int, one: Site, other: Site) -> Fraction:
        """Mean square change of the two-pixel image over all joint moves."""
        if (depth, one, other) not in self._changes:
            before, total = self.image(depth, one, other), 0
            for first, second in self.joint_moves:
                after = self.image(depth, self.wrap(one, first), self.wrap(other, second))
                total += int(((after - before) ** 2).sum())
            mean = Fraction(total, len(self.joint_moves) * self.scale(depth) ** 2)
            self._changes[depth, one, other] = mean
        return self._changes[depth, one, other]

    def crossed(self, depth: int, one: Site, other: Site) -> Fraction:
        """Mean inner product of the changes of both pixels, each moved on its own."""
        total = 0
        for first, second in self.joint_moves:
            left = self.image(depth, self.wrap(one, first)) - self.image(depth, one)
            right = self.image(depth, self.wrap(other, second)) - self.image(depth, other)
            total += int(left @ right)
        return Fraction(total, len(self.joint_moves) * self.scale(depth) ** 2)

    def averaged(
        self, quantity: Callable[[int, Site, Site], Fraction], depth: int, *lag: int
    ) -> Fraction:
        """Average of a quantity of two pixels over the position of the first."""
        key = (quantity.__name__, depth, *lag)
        if key not in self._known:
            values = [quantity(depth, site, self.wrap(site, lag)) for site in self.sites]
            self._known[key] = sum(values, Fraction(0)) / len(values)
        return self._known[key]

    def distance(self, depth: int, law: Law) -> Fraction:
        """Q_k of a ring by enumeration of all pairs of two-pixel images."""
        images = np.array([self.image(depth, (a,), (b,)) for a, b in law])
        squares = ((images[:, None] - images[None, :]) ** 2).sum(axis=2)
        unit = math.lcm(*(w.denominator for w in law.values()))
        weights = np.array([int(w * unit) for w in law.values()])
        return Fraction(int(weights @ squares @ weights), (unit * self.scale(depth)) ** 2)

    def sensitivity(self, depth: int, law: Law) -> Fraction:
        """D_k of a ring by enumeration of all images, moves, and pairs of images."""
        moved = sum((w * self.change(depth, (a,), (b,)) for (a, b), w in law.items()), Fraction(0))
        return moved / self.distance(depth, law)


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
    return uniform(near), uniform([q for q in pairs if ring_distance(*q, size) >= high])


def blocks(size: int, side: int, offset: int = 0) -> tuple[Law, Law]:
    """Laws of both labels of T2, the blocks of this side cut `offset` pixels later."""
    pairs = list(itertools.combinations(range(size), 2))
    block = [(q - offset) % size // side for q in range(size)]
    same = [(a, b) for a, b in pairs if block[a] == block[b]]
    return uniform(same), uniform([(a, b) for a, b in pairs if block[a] != block[b]])


def at_displacement(law: Law, size: int, lag: int) -> Fraction:
    """Probability that the second pixel lies at `lag`, round the ring, from the first."""
    if lag < 1:
        raise IndexError(f"there is no displacement {lag} between two pixels")
    return sum((w for (a, b), w in law.items() if (b - a - lag) % size == 0), Fraction(0))


def signed_moves(moves: Sequence[Any], stay: Any) -> list[tuple[Any, Any, int]]:
    """Expand <e_{p+e} - e_p, e_{q+f} - e_q> over all moves e, f: (shift of p, of q, sign)."""
    return [
        term
        for e, f in itertools.product(moves, repeat=2)
        for term in ((e, f, 1), (e, stay, -1), (stay, f, -1), (stay, stay, 1))
    ]


@cache
def rings() -> tuple[Torus, Torus]:
    """Two rings with skew filters at unequal strides."""
    return (
        Torus([([1, 2, 4], 2), ([3, 1, 0, 2], 3)], 12),
        Torus([([2, 1], 1), ([1, 3], 2)], 10),
    )
