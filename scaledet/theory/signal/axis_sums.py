r"""Sums over pairs of pixels on one axis, from the composite filter alone.

With a(p), b(p) filters on the torus of N pixels and, i running over the N/S units,

.. math:: X(p, q) = \sum_i a(p - S i)\, b(q - S i),

X does not change if both pixels move by S. Sums of X over the pairs at every distance, or in one
block, thus need O(N) numbers:

- on the torus, the pairs at displacement m give N/S times the correlation
  :math:`\sum_p a(p)\, b(p + m)`;
- between open ends, the N/S - |J| translations of two cells of S pixels that are J cells apart give
  the correlation of cells at that distance, :math:`m = J S + \rho` with :math:`|\rho| < S`, and |J|
  more of them meet around the torus;
- in blocks of side xi, sums over p and q are products of sums of the filters over windows.

All is exact in integers. Source: our derivation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpz_poly

from scaledet.tasks.scale_detection import ScaleDetection

__all__ = ["AxisSums"]


@dataclass(frozen=True)
class AxisSums:
    """Sums of X on one axis of a task, for a network of total stride `stride`.

    Filters are object arrays of integers of one length, at most the task's size; their index is the
    pixel up to a multiple of `stride`.
    """

    task: ScaleDetection
    stride: int

    @property
    def _units(self) -> int:
        return self.task.size // self.stride

    def nested(self, first: Any, second: Any) -> Any:
        """Sum X over sets of pairs (p, q), each of which holds the one before.

        T1: the pairs of distance 0 ... r at index r. T2: p = q; p and q in one block; all pairs.
        """
        if self.task.variant == "T2":
            alone = self._units * (first * second).sum()
            every = self._units * first.sum() * second.sum()
            return np.array([alone, self._in_blocks(first, second), every], dtype=object)
        if self.task.periodic:
            return np.cumsum(self._around(first, second))
        return np.cumsum(self._between_ends(first, second))

    def _around(self, first: Any, second: Any) -> Any:
        """Sum over the pairs at each distance on the torus; those left out are 0."""
        size, longest = self.task.size, self.task.size // 2
        both = self._units * _correlation(first, second)
        middle = len(both) // 2
        result = both[middle:]
        result[1:] += both[:middle][::-1]
        if len(result) > longest + 1:
            beyond = result[longest + 1 :]
            result = result[: longest + 1]
            result[size - longest - len(beyond) : size - longest] += beyond[::-1]
        return result

    def _between_ends(self, first: Any, second: Any) -> Any:
        """Sum over the pairs at each distance 0 ... size - 1 between open ends."""
        size, stride, units = self.task.size, self.stride, self._units
        # Cells are kept apart by as many zeros, so that two cells mix with no third one.
        both = _correlation(*(self._spaced(filter_) for filter_ in (first, second)))
        shift = np.arange(len(both)) - len(both) // 2
        within = (shift + stride) % (2 * stride) != 0  # a cell and its zeros never meet themselves
        both, shift = both[within], shift[within]
        apart = (shift + stride) // (2 * stride)
        distance = np.abs(shift - stride * apart)
        result = np.zeros(size, dtype=object)
        np.add.at(result, distance, both * (units - np.abs(apart)))
        other = apart != 0
        np.add.at(result, size - distance[other], both[other] * np.abs(apart[other]))
        return result

    def _spaced(self, values: Any) -> Any:
        cells = self.by_phase(values)
        return np.concatenate([cells, np.zeros_like(cells)], axis=1).ravel()

    def by_phase(self, values: Any) -> Any:
        """Reshape a filter to its cells, [cells, stride]."""
        missing = -len(values) % self.stride
        return np.append(values, np.zeros(missing, dtype=object)).reshape(-1, self.stride)

    def _in_blocks(self, first: Any, second: Any) -> Any:
        """Sum over the pairs in one block: windows start at the multiples of gcd(stride, xi)."""
        size, side = self.task.size, int(self.task.xi)
        step = math.gcd(self.stride, side)
        products = self._windows(first, step) * self._windows(second, step)
        return size * step // (side * self.stride) * products.sum()

    def _windows(self, values: Any, step: int) -> Any:
        """Sum a filter over windows of side xi at every `step` pixels, those of sum 0 apart."""
        size, side = self.task.size, int(self.task.xi)
        nothing = np.zeros(side, dtype=object)
        if len(values) + side < size:
            line = np.concatenate([nothing, values, nothing])
        else:
            ring = np.append(values, np.zeros(size - len(values), dtype=object))
            line = np.append(ring, ring[:side])
        below = np.append(np.zeros(1, dtype=object), np.cumsum(line))
        return (below[side:-1] - below[: -1 - side])[::step]


def _correlation(first: Any, second: Any) -> Any:
    """Return the sums of ``first[p] * second[p + m]`` for -len < m < len, in this order."""
    product = fmpz_poly(first[::-1].tolist()) * fmpz_poly(second.tolist())
    result = np.zeros(2 * len(first) - 1, dtype=object)
    coefficients = product.coeffs()
    result[: len(coefficients)] = coefficients
    return result
