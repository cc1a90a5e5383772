"""The pairs of each label numbered 0, 1, 2, ...: pair number k without enumerating the others.

An order has the number of pairs of each label, `counts`, and a method `pairs(label, ranks)`, which
returns the pairs [n, 2, dim] of `ranks` in 0 ... counts[label] - 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scaledet.tasks.pairs import displacement_mask, label_counts
from scaledet.tasks.rule import Rule

__all__ = ["BlockOrder", "DisplacementOrder", "PairOrder", "pair_order", "unrank_combination"]


class DisplacementOrder:
    """The pairs of T1, by displacement m = q - p, then by the position of p."""

    def __init__(self, rule: Rule) -> None:
        self.counts = label_counts(rule)
        self._size, self._periodic = rule.size, rule.periodic
        # The displacements of each label, one of each m and -m, shape [k, dim].
        self._vectors = {
            label: _half(displacement_mask(rule, label), rule.periodic) for label in (1, -1)
        }
        # Number of pairs of the first 1, 2, ..., k displacements.
        self._ends = {
            label: np.cumsum(_extents(vectors, rule.size, rule.periodic).prod(axis=1))
            for label, vectors in self._vectors.items()
        }

    def pairs(self, label: int, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the pairs of `ranks`."""
        ends = self._ends[label]
        index = np.searchsorted(ends, ranks, side="right")
        step = self._vectors[label][index]
        extents = _extents(step, self._size, self._periodic)
        rest = ranks - (ends[index] - extents.prod(axis=1))  # rank among the pairs of this step
        first = np.empty_like(step)
        for axis in reversed(range(step.shape[1])):
            rest, first[:, axis] = np.divmod(rest, extents[:, axis])
        if not self._periodic:
            first -= np.minimum(step, 0)
        pairs = np.stack([first, (first + step) % self._size], axis=1)
        return _smaller_index_first(pairs, self._size)


def _half(mask: NDArray[np.bool_], periodic: bool) -> NDArray[np.int64]:
    """Return the displacements that `mask` marks, one of each m and -m, shape [k, dim]."""
    vectors = np.argwhere(mask).astype(np.int64)
    size, dim = len(mask), mask.ndim
    if periodic:
        return vectors[_raster(vectors, size) <= _raster(-vectors % size, size)]
    if dim == 1:
        return vectors
    mirrored = vectors[(vectors > 0).all(axis=1)] * np.array([1, -1])
    return np.concatenate([vectors, mirrored])


def _extents(vectors: NDArray[np.int64], size: int, periodic: bool) -> NDArray[np.int64]:
    """Return the sides of the box of positions p in which (p, p + m) is each pair once."""
    if not periodic:
        return size - np.abs(vectors)
    extents = np.full_like(vectors, size)
    # If m = -m, p and q would both be counted: halve the box along an axis where m is not 0.
    opposite = np.flatnonzero((2 * vectors % size == 0).all(axis=1))
    extents[opposite, (vectors[opposite] > 0).argmax(axis=1)] //= 2
    return extents


class BlockOrder:
    """The pairs of T2, by their blocks, then by their places in these."""

    def __init__(self, rule: Rule) -> None:
        self.counts = label_counts(rule)
        self._size, self._dim, self._side = rule.size, rule.dim, rule.side

    def pairs(self, label: int, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the pairs of `ranks`."""
        volume = self._side**self._dim
        if label == 1:
            block, rank = np.divmod(ranks, math.comb(volume, 2))
            blocks = np.stack([block, block], axis=1)
            places = np.stack(unrank_combination(rank), axis=1)
        else:
            rank, place = np.divmod(ranks, volume**2)
            blocks = np.stack(unrank_combination(rank), axis=1)
            places = np.stack(np.divmod(place, volume), axis=1)
        corners = np.unravel_index(blocks, (self._size // self._side,) * self._dim)
        offsets = np.unravel_index(places, (self._side,) * self._dim)
        pairs = np.stack(corners, axis=-1) * self._side + np.stack(offsets, axis=-1)
        return _smaller_index_first(pairs.astype(np.int64, copy=False), self._size)


PairOrder = BlockOrder | DisplacementOrder
"""A bijection between ranks and pairs, for each label."""


def pair_order(rule: Rule) -> PairOrder:
    """Return the order of the pairs of a task.

    >>> order = pair_order(Rule(4, 2, 0, "T2", dim=1, periodic=True, norm="L2"))
    >>> order.pairs(1, np.arange(2)).tolist()
    [[[0], [1]], [[2], [3]]]
    """
    return BlockOrder(rule) if rule.variant == "T2" else DisplacementOrder(rule)


def unrank_combination(ranks: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs ``i < j`` of rank ``j (j - 1) / 2 + i``, for ranks below 2**60.

    >>> [part.tolist() for part in unrank_combination(np.arange(4))]
    [[0, 0, 1, 0], [1, 2, 2, 3]]
    """
    j = (np.sqrt(2.0 * ranks + 0.25) + 0.5).astype(np.int64)
    j -= j * (j - 1) // 2 > ranks  # the square root may be off by one
    j += j * (j + 1) // 2 <= ranks
    return ranks - j * (j - 1) // 2, j


def _smaller_index_first(pairs: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Swap, in place, the pixels of pairs [n, 2, dim] that are not in raster order."""
    index = _raster(pairs, size)
    swap = index[:, 0] > index[:, 1]
    pairs[swap] = pairs[swap, ::-1]
    return pairs


def _raster(positions: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Raster index of positions [..., dim]."""
    return np.asarray(positions @ size ** np.arange(positions.shape[-1])[::-1])
