"""The exact law of the pairs of a task: how many have each label, and how far apart they are."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from scaledet.tasks.rule import Rule

__all__ = ["DistanceLaw", "displacement_mask", "distance_law", "label_counts", "ordered_pairs_at"]


@dataclass(frozen=True, eq=False)
class DistanceLaw:
    """Exact law of the distance of the two pixels, given the label.

    Attributes
    ----------
    squared : int64 array, shape [k]
        The squared distances that occur, increasing (pixels squared).
    counts : int64 array, shape [k]
        Number of unordered pairs at each of them.

    Examples
    --------
    >>> law = DistanceLaw(squared=np.array([1, 4]), counts=np.array([8, 24]))
    >>> law.distances.tolist(), law.probabilities
    ([1.0, 2.0], (Fraction(1, 4), Fraction(3, 4)))
    """

    squared: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def distances(self) -> NDArray[np.float64]:
        """The distances, increasing (pixels)."""
        return np.sqrt(self.squared.astype(np.float64))

    @property
    def probabilities(self) -> tuple[Fraction, ...]:
        """Probability of each distance for a uniform pair of the label; their sum is 1."""
        total = int(self.counts.sum())
        return tuple(Fraction(int(count), total) for count in self.counts)


def label_counts(rule: Rule) -> dict[int, int]:
    """Return the number of unordered pairs of each label, exact, without enumeration."""
    pixels = rule.pixels
    if rule.variant == "T2":
        block = rule.side**rule.dim
        plus = pixels // block * math.comb(block, 2)
        return {1: plus, -1: math.comb(pixels, 2) - plus}
    low, high = (_ordered_below(rule, bound) for bound in rule.bounds)
    return {1: (low - pixels) // 2, -1: (pixels**2 - high) // 2}


def _ordered_below(rule: Rule, bound: int) -> int:
    """Ordered pairs, equal pixels included, of squared distance < `bound`, which is >= 1."""
    size = rule.size

    def within(squared: int) -> int:
        """Ordered pairs on one axis of squared distance <= `squared`."""
        reach = min(math.isqrt(squared), size - 1)
        if rule.periodic:
            return size * min(2 * reach + 1, size)
        return size + reach * (2 * size - reach - 1)

    if rule.dim == 1:
        return within(bound - 1)
    if rule.norm == "Linf":
        return within(bound - 1) ** 2
    on_axis = _axis_pairs(size, rule.periodic)[: math.isqrt(bound - 1) + 1].tolist()
    return sum(number * within(bound - 1 - k * k) for k, number in enumerate(on_axis))


def _axis_pairs(size: int, periodic: bool) -> NDArray[np.int64]:
    """Return the numbers of ordered pairs of coordinates on one axis at distance 0, 1, 2, ...

    >>> _axis_pairs(6, True).tolist(), _axis_pairs(4, False).tolist()
    ([6, 12, 12, 6], [4, 6, 4, 2])
    """
    if periodic:
        ordered = np.full(size // 2 + 1, 2 * size, dtype=np.int64)
        if size % 2 == 0:
            ordered[-1] = size
    else:
        ordered = 2 * np.arange(size, 0, -1, dtype=np.int64)
    ordered[0] = size
    return ordered


def displacement_mask(rule: Rule, label: int) -> NDArray[np.bool_]:
    """Return which displacements have `label` (T1), shape ``[size] * dim``."""
    apart = np.arange(rule.size, dtype=np.int64)
    if rule.periodic:
        apart = np.minimum(apart, rule.size - apart)
    mask: NDArray[np.bool_] = rule.labels_at(_squared_grid(rule, apart)) == label
    return mask


def distance_law(rule: Rule, label: int) -> DistanceLaw:
    """Return the law of the distance, from the pairs of each axis and not from all pairs."""
    in_blocks = rule.variant == "T2"
    ordered = _ordered_in_blocks(rule, label) if in_blocks else _ordered_at(rule)
    squared = _squared_grid(rule, np.arange(len(ordered), dtype=np.int64))
    admitted = ordered > 0 if in_blocks else rule.labels_at(squared) == label
    admitted &= squared > 0
    values, where = np.unique(squared[admitted], return_inverse=True)
    counts = np.zeros(len(values), dtype=np.int64)
    np.add.at(counts, where, ordered[admitted])
    counts //= 2  # ordered to unordered pairs
    values.flags.writeable = counts.flags.writeable = False
    return DistanceLaw(values, counts)


def _ordered_at(rule: Rule) -> NDArray[np.int64]:
    """Ordered pairs at each distance per axis, equal pixels included."""
    return _outer(np.multiply, _axis_pairs(rule.size, rule.periodic), rule.dim)


def _ordered_in_blocks(rule: Rule, label: int) -> NDArray[np.int64]:
    """Ordered pairs (T2) of `label` at each distance per axis, equal pixels included for +1."""
    on_axis = rule.size // rule.side * _axis_pairs(rule.side, periodic=False)
    same = _outer(np.multiply, on_axis, rule.dim)
    if label == 1:
        return same
    ordered = _ordered_at(rule)
    ordered[(slice(rule.side),) * rule.dim] -= same
    return ordered


def _squared_grid(rule: Rule, apart: NDArray[np.int64]) -> NDArray[np.int64]:
    """Squared distance at every combination of the distances `apart` per axis."""
    return _outer(np.add if rule.norm == "L2" else np.maximum, apart * apart, rule.dim)


def _outer(combine: np.ufunc, values: NDArray[np.int64], dim: int) -> NDArray[np.int64]:
    return values if dim == 1 else np.asarray(combine.outer(values, values))


def ordered_pairs_at(rule: Rule, displacement: tuple[int, ...]) -> dict[int, int]:
    """Return how many p have (p, p + `displacement` mod size) of each label, 0: left out.

    The displacement has entries in ``[0, size)`` and is not 0.
    """
    size = rule.size
    if rule.variant == "T2":
        side = rule.side
        same = math.prod(size // side * max(0, side - min(m, size - m)) for m in displacement)
        return {1: same, -1: rule.pixels - same, 0: 0}
    numbers = {1: 0, -1: 0, 0: 0}
    # On each axis size - m positions p do not wrap and m do: |p - q| is m or size - m.
    cases = [((m, size - m), (size - m, m)) for m in displacement]
    for case in itertools.product(*cases):
        apart = np.array([[distance for distance, _ in case]])
        label = int(rule.labels_of(apart, np.zeros_like(apart))[0])
        numbers[label] += math.prod(positions for _, positions in case)
    return numbers
