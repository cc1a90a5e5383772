r"""Two active pixels: exact averages over the pairs of a scale-detection task.

With the Gram matrix :math:`K = P_k^T P_k` (a product over axes) and M the mean move,
:math:`M e_p = E_e[e_{p+e}] - e_p`, independent moves of both pixels give

.. math:: E|f_k(\tau x) - f_k(x)|^2 = E_p|P(e_{p+e} - e_p)|^2 + E_q|P(e_{q+e'} - e_q)|^2
          + 2\, E_{p,q} \langle P M e_p, P M e_q \rangle .

Averages over ordered admitted pairs (p, q) of :math:`\prod_a X_a(p_a, q_a)`, X_a matrices on the
pixels of one axis, need the sums of each X_a over displacements (T1) or blocks (T2) only:
position and displacement may depend on each other. Everything runs in floats or, with the same
code, in exact integers. Source: our derivation, after the model of Tomasini et al.,
arXiv:2210.01506.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpz_mat

from scaledet.errors import ExhaustionError
from scaledet.network.network import Network
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.correlation.exact import pooling_matrix

__all__ = [
    "PairAverage",
    "PairMoments",
    "exact_pair_sensitivity",
    "label_weights",
    "pair_moments",
    "task_moments",
]

# Below this ratio of Q_k to the mean square representation, floats lose more than four digits.
_CANCELLING = 1e-5

# Products of numbers that take a tenth of a second.
_FLOAT_PRODUCTS = 2**31
_INTEGER_PRODUCTS = 2**26

Number = float | Fraction


@dataclass(frozen=True)
class PairMoments:
    """Averages over the data set at one layer (numbers, or Fractions if exact).

    `displacement`: E|f(tau x) - f(x)|^2; `square`: E|f(x)|^2; `mean_square`: |E f(x)|^2; `active`:
    E|P e_p|^2; `mass`: E sum_i (P e_p)_i; `trace`: sum of |P e_i|^2 over all pixels.
    """

    displacement: Number
    square: Number
    mean_square: Number
    active: Number
    mass: Number
    trace: Number

    @property
    def distance(self) -> Number:
        """Q_k, the mean square distance of two independent images."""
        return 2 * (self.square - self.mean_square)


def pair_moments(network: Network, depth: int, average: PairAverage) -> PairMoments:
    """Evaluate `PairMoments` at one layer from the 1-D pooling matrix and its moved columns.

    Memory: a few matrices of size^2 numbers.
    """
    size, dim, exact = average.task.size, average.task.dim, average.exact
    pool, scale = pooling_matrix(network, depth, size, exact=exact)
    ahead, behind = np.roll(pool, -1, axis=1) - pool, pool - np.roll(pool, 1, axis=1)
    move = ahead - behind  # twice the mean move, so that integers stay integers
    squares = (pool * pool).sum(axis=0)
    moved = (ahead**2).sum(axis=0) + (behind**2).sum(axis=0)
    gram = _product(pool, pool, exact)
    half_moved = _product(move, pool, exact)
    both_moved = _product(move, move, exact)

    def over_axes(special: dict[int, Any], usual: Any) -> list[Any]:
        return [special.get(axis, usual) for axis in range(dim)]

    # Twice E_e: two directions per axis, dim axes.
    single = sum(average.first_pixel(over_axes({a: moved}, squares)) for a in range(dim))
    crossed = 0
    for a in range(dim):
        for b in range(dim):
            special = {a: both_moved} if a == b else {a: half_moved, b: half_moved.T}
            crossed = crossed + average.pairs(over_axes(special, gram))
    active = average.first_pixel([squares] * dim)
    overlap = average.pairs([gram] * dim)
    mass = average.first_pixel([pool.sum(axis=0)] * dim)
    mean = average.mean_image()
    for axis in range(dim):
        mean = np.moveaxis(np.tensordot(pool, mean, axes=(1, axis)), 0, axis)

    def over(value: Any, divisor: int) -> Number:
        return Fraction(value) / divisor if exact else float(value) / divisor

    power = scale ** (2 * dim)
    return PairMoments(
        displacement=over(single, dim * power) + over(crossed, 2 * dim * dim * power),
        square=over(2 * active + 2 * overlap, power),
        mean_square=over((mean * mean).sum(), power),
        active=over(active, power),
        mass=over(mass, scale**dim),
        trace=over(squares.sum() ** dim, power),
    )


def _product(left: Any, right: Any, exact: bool) -> Any:
    """left^T right, by python-flint if the entries are integers of any size.

    So many rows at a time that one product takes a fraction of a second: Ctrl-C waits for it.
    """
    rows = max(1, (_INTEGER_PRODUCTS if exact else _FLOAT_PRODUCTS) // right.size)
    if len(left.T) > rows:
        parts = [left[:, i : i + rows] for i in range(0, left.shape[1], rows)]
        return np.concatenate([_product(part, right, exact) for part in parts])
    if not exact:
        return left.T @ right
    product = fmpz_mat(left.T.tolist()) * fmpz_mat(right.tolist())
    return np.array([[int(entry) for entry in row] for row in product.tolist()], dtype=object)


def exact_pair_sensitivity(
    network: Network, depth: int, task: ScaleDetection, *, balanced: bool
) -> Fraction:
    """D_depth of the task as an exact rational."""
    moments = _exact_moments(network, depth, task, balanced)
    return Fraction(moments.displacement / moments.distance)


def _exact_moments(net: Network, depth: int, task: ScaleDetection, balanced: bool) -> PairMoments:
    moments = pair_moments(net, depth, PairAverage(task, balanced, exact=True))
    if moments.distance == 0:
        raise ExhaustionError.at(depth, task.size)
    return moments


def task_moments(net: Network, task: ScaleDetection, balanced: bool) -> list[PairMoments]:
    """Moments of layers 0 ... depth, in exact numbers where floats would cancel."""
    average = PairAverage(task, balanced, exact=False)
    result = []
    for k in range(net.depth + 1):
        moments = pair_moments(net, k, average)
        if moments.distance < _CANCELLING * moments.square:
            moments = _exact_moments(net, k, task, balanced)
        result.append(moments)
    return result


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
            return Fraction(int(total), self._scale) if self.exact else float(total)
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
