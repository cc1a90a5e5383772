"""The exact law of the pairs of a task: which label they have, how many, how far apart."""

from __future__ import annotations

import itertools
import math
import numbers
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scaledet import validate

if TYPE_CHECKING:
    from scaledet.tasks.scale_detection import ScaleDetection

__all__ = [
    "DistanceLaw",
    "as_label",
    "axis_pairs",
    "displacement_mask",
    "distance_law",
    "label_counts",
    "labels_of",
    "longest_squared",
    "ordered_pairs_at",
    "squared_distance",
]


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


def as_label(value: Any) -> int:
    """Return `value` as a label, 1 or -1; integers of any type are accepted."""
    plain = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return int(validate.choice("label", int(value) if plain else value, (1, -1)))


def squared_distance(
    first: NDArray[np.int64], second: NDArray[np.int64], size: int, periodic: bool, norm: str
) -> NDArray[np.int64]:
    """Squared distance of positions of shape ``[..., dim]`` (pixels squared, exact).

    >>> squared_distance(np.array([[0, 0]]), np.array([[7, 3]]), 8, True, "L2").tolist()
    [10]
    """
    apart = np.abs(first - second)
    if periodic:
        apart = np.minimum(apart, size - apart)
    squares = apart * apart
    return np.asarray(squares.sum(axis=-1) if norm == "L2" else squares.max(axis=-1))


def longest_squared(size: int, dim: int, periodic: bool, norm: str) -> int:
    """Return the largest squared distance on the image (pixels squared).

    >>> longest_squared(8, 2, True, "L2"), longest_squared(8, 2, False, "Linf")
    (32, 49)
    """
    side = size // 2 if periodic else size - 1
    return side**2 * (dim if norm == "L2" else 1)


def labels_of(
    task: ScaleDetection, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.int8]:
    """Return the label of each pair of positions ``[n, dim]``, 0 if it is not admitted."""
    squared = squared_distance(first, second, task.size, task.periodic, task.norm)
    if task.variant == "T1":
        return _labels_at(task, squared)
    same = (first // int(task.xi) == second // int(task.xi)).all(axis=-1)
    return np.where(squared == 0, 0, np.where(same, 1, -1)).astype(np.int8)


def _labels_at(task: ScaleDetection, squared: NDArray[np.int64]) -> NDArray[np.int8]:
    """Label (T1) at each squared distance, 0 if left out."""
    low, high = _bounds(task)
    labels = ((squared > 0) & (squared < low)).astype(np.int8)
    labels[squared >= high] = -1
    return labels


def _bounds(task: ScaleDetection) -> tuple[int, int]:
    """Label +1 (T1) is 0 < squared distance < the first, -1 is >= the second."""
    xi, gap = Fraction(task.xi), Fraction(task.gap)
    return math.ceil((xi - gap) ** 2), math.ceil((xi + gap) ** 2)


def axis_pairs(size: int, periodic: bool) -> NDArray[np.int64]:
    """Return the numbers of ordered pairs of coordinates on one axis at distance 0, 1, 2, ...

    >>> axis_pairs(6, True).tolist(), axis_pairs(4, False).tolist()
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


def label_counts(task: ScaleDetection) -> tuple[int, int]:
    """Return the numbers of unordered pairs of label +1 and of -1, exact, without enumeration."""
    pixels = int(task.size**task.dim)
    if task.variant == "T2":
        block = int(task.xi) ** task.dim
        plus = pixels // block * math.comb(block, 2)
        return plus, math.comb(pixels, 2) - plus
    low, high = (_ordered_below(task, bound) for bound in _bounds(task))
    return (low - pixels) // 2, (pixels**2 - high) // 2


def _ordered_below(task: ScaleDetection, bound: int) -> int:
    """Ordered pairs, equal pixels included, of squared distance < `bound`, which is >= 1."""

    def within(squared: int) -> int:
        """Ordered pairs on one axis of squared distance <= `squared`."""
        reach = min(math.isqrt(squared), task.size - 1)
        if task.periodic:
            return task.size * min(2 * reach + 1, task.size)
        return task.size + reach * (2 * task.size - reach - 1)

    if task.dim == 1:
        return within(bound - 1)
    if task.norm == "Linf":
        return within(bound - 1) ** 2
    number = axis_pairs(task.size, task.periodic).tolist()
    reach = math.isqrt(bound - 1)
    return sum(n * within(bound - 1 - k * k) for k, n in enumerate(number[: reach + 1]))


def displacement_mask(task: ScaleDetection, label: int) -> NDArray[np.bool_]:
    """Return which displacements have `label` (T1), shape ``[size] * dim``."""
    apart = np.arange(task.size, dtype=np.int64)
    if task.periodic:
        apart = np.minimum(apart, task.size - apart)
    mask: NDArray[np.bool_] = _labels_at(task, _squared_grid(task, apart)) == label
    return mask


def distance_law(task: ScaleDetection, label: int) -> DistanceLaw:
    """Return the law of the distance, from the pairs of each axis and not from all pairs."""
    if task.variant == "T2":
        ordered = _ordered_in_blocks(task, label)
        admitted = ordered > 0
    else:
        ordered = _outer(np.multiply, axis_pairs(task.size, task.periodic), task.dim)
    squared = _squared_grid(task, np.arange(len(ordered), dtype=np.int64))
    if task.variant == "T1":
        admitted = _labels_at(task, squared) == label
    admitted &= squared > 0
    values, where = np.unique(squared[admitted], return_inverse=True)
    counts = np.zeros(len(values), dtype=np.int64)
    np.add.at(counts, where, ordered[admitted])
    counts //= 2  # ordered to unordered pairs
    values.flags.writeable = counts.flags.writeable = False
    return DistanceLaw(values, counts)


def _ordered_in_blocks(task: ScaleDetection, label: int) -> NDArray[np.int64]:
    """Ordered pairs (T2) of `label` at each distance per axis, equal pixels included for +1."""
    side = int(task.xi)
    on_axis = task.size // side * axis_pairs(side, periodic=False)
    same = _outer(np.multiply, on_axis, task.dim)
    if label == 1:
        return same
    ordered = _outer(np.multiply, axis_pairs(task.size, task.periodic), task.dim)
    ordered[(slice(side),) * task.dim] -= same
    return ordered


def _squared_grid(task: ScaleDetection, apart: NDArray[np.int64]) -> NDArray[np.int64]:
    """Squared distance at every combination of the distances `apart` per axis."""
    return _outer(np.add if task.norm == "L2" else np.maximum, apart * apart, task.dim)


def _outer(combine: np.ufunc, values: NDArray[np.int64], dim: int) -> NDArray[np.int64]:
    return values if dim == 1 else np.asarray(combine.outer(values, values))


def ordered_pairs_at(task: ScaleDetection, displacement: tuple[int, ...]) -> tuple[int, int]:
    """Return how many p have (p, p + `displacement` mod size) of label +1 and of -1.

    The displacement has entries in ``[0, size)`` and is not 0.
    """
    n = task.size
    if task.variant == "T2":
        side = int(task.xi)
        same = math.prod(n // side * max(0, side - min(m, n - m)) for m in displacement)
        return same, int(n**task.dim) - same
    number = {1: 0, -1: 0, 0: 0}
    # On each axis n - m positions p do not wrap and m do: |p - q| is m or n - m.
    cases = [((m, n - m), (n - m, m)) for m in displacement]
    for case in itertools.product(*cases):
        apart = np.array([[distance for distance, _ in case]])
        label = int(labels_of(task, apart, np.zeros_like(apart))[0])
        number[label] += math.prod(positions for _, positions in case)
    return number[1], number[-1]
