r"""Averages over the pairs of a scale-detection task of products over axes.

For matrices X_a on the pixels of one axis, the average over ordered admitted pairs (p, q) of
:math:`\prod_a X_a(p_a, q_a)` needs the sums of each X_a over displacements (T1) or blocks (T2)
only. Source: our derivation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from scaledet.tasks.scale_detection import ScaleDetection

__all__ = ["PairAverage", "label_weights"]


def label_weights(task: ScaleDetection, balanced: bool) -> dict[int, Fraction]:
    """Weight of one ordered pair of each label."""
    counts = task.counts
    if balanced:
        return {label: Fraction(1, 4 * count) for label, count in counts.items()}
    return dict.fromkeys(counts, Fraction(1, 2 * sum(counts.values())))


@dataclass(frozen=True, eq=False)
class PairAverage:
    """Average over a task's pairs, every pair weighing the same or (balanced) every label.

    With `exact`, matrices hold Python integers and averages are Fractions.
    """

    task: ScaleDetection
    balanced: bool
    exact: bool

    @cached_property
    def _label_weights(self) -> dict[int, Fraction]:
        return label_weights(self.task, self.balanced)

    @cached_property
    def _scale(self) -> int:
        """Common denominator of the weights of exact averages; 1 for floats."""
        return math.lcm(*(w.denominator for w in self._label_weights.values())) if self.exact else 1

    @cached_property
    def _table(self) -> Any:
        """T1: weight of a pair by its displacement (times the common denominator)."""
        total = None
        for label, weight in self._label_weights.items():
            mask = self.task.displacement_mask(label)
            scaled = weight * self._scale
            part = mask.astype(object) * int(scaled) if self.exact else mask * float(scaled)
            total = part if total is None else total + part
        return total

    def pairs(self, matrices: Sequence[Any]) -> Any:
        """Average of the product over axes of ``matrices[a][p_a, q_a]`` over ordered pairs."""
        if self.task.variant == "T1":
            total = self._table
            for matrix in matrices:
                # Contracts the leading axis; the next one moves to the front.
                total = np.tensordot(self._by_displacement(matrix), total, axes=(0, 0))
            return self._finished(total)
        # T2: the same pixel twice is no pair; two pixels are either in one block or in two.
        same = math.prod(self._within_blocks(matrix) for matrix in matrices)
        alone = math.prod(matrix.trace() for matrix in matrices)
        every = math.prod(matrix.sum() for matrix in matrices)
        near, far = self._label_weights[1] * self._scale, self._label_weights[-1] * self._scale
        if self.exact:
            return Fraction(int(near) * (same - alone) + int(far) * (every - same), self._scale)
        return float(near) * (same - alone) + float(far) * (every - same)

    def first_pixel(self, vectors: Sequence[Any]) -> Any:
        """Average of the product over axes of ``vectors[a][p_a]`` over the pixels of the pairs."""
        size = self.task.size
        return self.pairs([np.repeat(vector[:, None], size, axis=1) for vector in vectors])

    def mean_image(self) -> Any:
        """Mean of the images, shape [size] * dim."""
        task = self.task
        pixels = task.size**task.dim
        if task.variant == "T2" or task.periodic:
            level: Any = Fraction(2, pixels) if self.exact else 2 / pixels
            return np.full((task.size,) * task.dim, level, dtype=object if self.exact else float)
        # Number of pixels at distance m of pixel p along one axis with open ends.
        pixel = np.arange(task.size)[:, None]
        lag = np.arange(task.size)[None, :]
        partners = (pixel + lag < task.size).astype(int) + ((pixel >= lag) & (lag > 0))
        total = self._table
        for _ in range(task.dim):
            total = np.tensordot(total, partners.astype(total.dtype), axes=(0, 1))
        return 2 * (total * Fraction(1, self._scale) if self.exact else total)

    def _finished(self, total: Any) -> Any:
        return Fraction(int(total), self._scale) if self.exact else float(total)

    def _by_displacement(self, matrix: Any) -> Any:
        """Sum X(p, q) over the pairs of pixels at each displacement (see `displacement_mask`)."""
        size = self.task.size
        first = np.arange(size)[:, None]
        second = first + np.arange(size)[None, :]
        if self.task.periodic:
            return matrix[first, second % size].sum(axis=0)
        inside = second < size
        upper = np.where(inside, matrix[first, second % size], 0).sum(axis=0)
        lower = np.where(inside, matrix[second % size, first], 0).sum(axis=0)
        lower[0] = 0
        return upper + lower

    def _within_blocks(self, matrix: Any) -> Any:
        side = int(self.task.xi)
        starts = range(0, self.task.size, side)
        return sum(matrix[b : b + side, b : b + side].sum() for b in starts)
