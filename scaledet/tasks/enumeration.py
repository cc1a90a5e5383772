"""The pairs of each label numbered 0, 1, 2, ...: pair number k without enumerating the others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from scaledet.tasks import pairs as pair_law

if TYPE_CHECKING:
    from scaledet.tasks.scale_detection import ScaleDetection

__all__ = ["BlockOrder", "DisplacementOrder", "PairOrder", "pair_order", "unrank_combination"]


class PairOrder(Protocol):
    """A bijection between ranks and pairs, for each label."""

    @property
    def counts(self) -> dict[int, int]:
        """Number of pairs of each label."""

    def pairs(self, label: int, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the pairs [n, 2, dim] of `ranks` in 0 ... counts[label] - 1."""


def pair_order(task: ScaleDetection) -> PairOrder:
    """Return the order of the pairs of `task`.

    >>> from scaledet.tasks.scale_detection import ScaleDetection
    >>> order = pair_order(ScaleDetection(size=4, xi=2, variant="T2"))
    >>> order.pairs(1, np.arange(2)).tolist()
    [[[0], [1]], [[2], [3]]]
    """
    if task.variant == "T2":
        return BlockOrder(task.counts, task.size, task.dim, int(task.xi))
    vectors = {
        label: _half(pair_law.displacement_mask(task, label), task.periodic) for label in (1, -1)
    }
    ends = {
        label: np.cumsum(_extents(vectors[label], task.size, task.periodic).prod(axis=1))
        for label in vectors
    }
    return DisplacementOrder(task.counts, task.size, task.periodic, vectors, ends)


@dataclass(frozen=True, eq=False)
class DisplacementOrder:
    """The pairs of T1, by displacement m = q - p, then by the position of p.

    Attributes
    ----------
    vectors : for each label, int64 array of shape [k, dim]
        The displacements, one of each m and -m.
    ends : for each label, int64 array of shape [k]
        Number of pairs of the first 1, 2, ..., k displacements.
    """

    counts: dict[int, int]
    size: int
    periodic: bool
    vectors: dict[int, NDArray[np.int64]]
    ends: dict[int, NDArray[np.int64]]

    def pairs(self, label: int, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the pairs of `ranks`."""
        ends = self.ends[label]
        index = np.searchsorted(ends, ranks, side="right")
        step = self.vectors[label][index]
        extents = _extents(step, self.size, self.periodic)
        rest = ranks - (ends[index] - extents.prod(axis=1))  # rank among those of this step
        first = np.empty_like(step)
        for axis in reversed(range(step.shape[1])):
            rest, first[:, axis] = np.divmod(rest, extents[:, axis])
        if not self.periodic:
            first -= np.minimum(step, 0)
        pairs = np.stack([first, (first + step) % self.size], axis=1)
        return _smaller_index_first(pairs, self.size)


def _half(mask: NDArray[np.bool_], periodic: bool) -> NDArray[np.int64]:
    """One of each displacement m and -m, shape [k, dim], of those with a True entry in `mask`."""
    vectors = np.argwhere(mask).astype(np.int64)
    size, dim = len(mask), mask.ndim
    if periodic:
        return vectors[_raster(vectors, size) <= _raster(-vectors % size, size)]
    if dim == 1:
        return vectors
    mirrored = vectors[(vectors > 0).all(axis=1)] * np.array([1, -1])
    return np.concatenate([vectors, mirrored])


def _extents(vectors: NDArray[np.int64], size: int, periodic: bool) -> NDArray[np.int64]:
    """Sides of the box of positions p for which the (p, p + m) are each pair once."""
    if not periodic:
        return size - np.abs(vectors)
    extents = np.full_like(vectors, size)
    # If m = -m, p and q would both be counted: halve the box along an axis where m is not 0.
    own = np.flatnonzero((2 * vectors % size == 0).all(axis=1))
    extents[own, (vectors[own] > 0).argmax(axis=1)] //= 2
    return extents


@dataclass(frozen=True, eq=False)
class BlockOrder:
    """The pairs of T2, by their blocks of side `side`, then by their places in these."""

    counts: dict[int, int]
    size: int
    dim: int
    side: int

    def pairs(self, label: int, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the pairs of `ranks`."""
        volume = self.side**self.dim
        if label == 1:
            block, rank = np.divmod(ranks, math.comb(volume, 2))
            blocks = np.stack([block, block], axis=1)
            places = np.stack(unrank_combination(rank), axis=1)
        else:
            rank, place = np.divmod(ranks, volume**2)
            blocks = np.stack(unrank_combination(rank), axis=1)
            places = np.stack(np.divmod(place, volume), axis=1)
        corners = np.unravel_index(blocks, (self.size // self.side,) * self.dim)
        offsets = np.unravel_index(places, (self.side,) * self.dim)
        pairs = np.stack(corners, axis=-1) * self.side + np.stack(offsets, axis=-1)
        return _smaller_index_first(pairs.astype(np.int64, copy=False), self.size)


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
