r"""Two active pixels: exact averages over the pairs of a scale-detection task.

With the Gram matrix :math:`K = P_k^T P_k` (a product over axes) and M the mean move,
:math:`M e_p = E_e[e_{p+e}] - e_p`, independent moves of both pixels give

.. math:: E|f_k(\tau x) - f_k(x)|^2 = E_p|P(e_{p+e} - e_p)|^2 + E_q|P(e_{q+e'} - e_q)|^2
          + 2\, E_{p,q} \langle P M e_p, P M e_q \rangle .

Averages over ordered admitted pairs (p, q) of :math:`\prod_a X_a(p_a, q_a)` need the sums of each
X_a over displacements (T1) or blocks (T2) only, see `AxisSums`: position and displacement may
depend on each other. Everything runs in integers: in those of the filter itself, or in its first
256 bits. Source: our derivation, after the model of Tomasini et al., arXiv:2210.01506.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpz, fmpz_poly

from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.network.network import Network
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.correlation.exact import composite_filter
from scaledet.theory.signal.axis_sums import AxisSums
from scaledet.theory.signal.moments import Moments

__all__ = [
    "PairAverage",
    "exact_pair_sensitivity",
    "label_weights",
    "pair_moments",
    "require_memory",
    "task_moments",
]

_BITS = 256
"""Bits of a filter that is not exact."""
_CANCELLING = Fraction(1, 2**64)
"""Ratio of Q_k to the mean square representation below which these bits might not suffice."""
_LONGEST = 2**22
_LARGEST_SQUARE = 4096
"""Largest sides of the images of a task (pixels)."""


def require_memory(task: ScaleDetection) -> None:
    """Raise if the task is too large for arrays of `size` integers, or of size^2 where needed."""
    position = task.variant == "T1" and not task.periodic and task.dim > 1
    largest = _LARGEST_SQUARE if position else _LONGEST
    if task.size > largest:
        reason = (
            "which holds the mean image, size^2 numbers, if periodic=False"
            if position
            else "which holds arrays of `size` integers"
        )
        raise ArgumentError(
            f"task.size must be at most {largest} in predict, {reason}; got {task.size}"
        )


def pair_moments(network: Network, depth: int, average: PairAverage, *, exact: bool) -> Moments:
    """Evaluate `Moments` at one layer from the composite filter and its moves."""
    task, dim = average.task, average.task.dim
    stride = network.strides[depth]
    pool, scale = _filter(network, depth, task.size, exact)
    ahead, behind = np.roll(pool, -1) - pool, pool - np.roll(pool, 1)
    move = ahead - behind  # twice the mean move, so that integers stay integers
    sums = AxisSums(task, stride)
    squares = sums.by_phase(pool * pool).sum(axis=0)
    moved = sums.by_phase(ahead * ahead + behind * behind).sum(axis=0)

    def over_axes(special: dict[int, Any], usual: Any) -> list[Any]:
        return [special.get(axis, usual) for axis in range(dim)]

    gram, both_moved = sums.nested(pool, pool), sums.nested(move, move)
    # Twice E_e: two directions per axis, dim axes.
    single = sum(average.first_pixel(over_axes({a: moved}, squares)) for a in range(dim))
    crossed = dim * average.pairs(over_axes({0: both_moved}, gram))
    if dim > 1:
        half_moved = sums.nested(move, pool)  # moving the other pixel gives the same sums
        crossed += dim * (dim - 1) * average.pairs(over_axes({0: half_moved, 1: half_moved}, gram))
    active = average.first_pixel([squares] * dim)
    power = scale ** (2 * dim)
    square = 2 * (active + average.pairs([gram] * dim)) / power
    return Moments(
        displacement=single / (dim * power) + crossed / (2 * dim * dim * power),
        distance=2 * (square - average.mean_square(pool, stride) / power),
        square=square,
        active=active / power,
        flat=Fraction((task.size // stride) ** dim),
        mass=average.first_pixel([sums.by_phase(pool).sum(axis=0)] * dim) / scale**dim,
        trace=Fraction(int(task.size // stride * squares.sum()) ** dim, power),
    )


def _filter(network: Network, depth: int, size: int, exact: bool) -> tuple[Any, int]:
    """Return the composite filter, with room for a move on both sides, and its sum.

    It is wrapped around the torus if it is longer; its index is the pixel modulo the stride.
    """
    weights = list(map(fmpz, composite_filter(network, depth)))
    excess = 0 if exact else int(sum(weights)).bit_length() - _BITS
    if excess > 0:
        weights = [weight >> excess for weight in weights]
    values = np.array([fmpz(0)] * network.strides[depth] + weights + [fmpz(0)], dtype=object)
    if len(values) > size:
        missing = -len(values) % size
        values = np.append(values, np.full(missing, fmpz(0))).reshape(-1, size).sum(axis=0)
    return values, int(values.sum())


def exact_pair_sensitivity(
    network: Network, depth: int, task: ScaleDetection, *, balanced: bool
) -> Fraction:
    """D_depth of the task as an exact rational."""
    moments = _exact_moments(network, depth, PairAverage(task, balanced))
    return Fraction(moments.displacement / moments.distance)


def _exact_moments(net: Network, depth: int, average: PairAverage) -> Moments:
    moments = pair_moments(net, depth, average, exact=True)
    if moments.distance == 0:
        raise ExhaustionError.at(depth, average.task.size)
    return moments


def task_moments(net: Network, task: ScaleDetection, balanced: bool) -> list[Moments]:
    """Moments of layers 0 ... depth, from all bits of the filter where the first would cancel."""
    average = PairAverage(task, balanced)
    result = []
    for k in range(net.depth + 1):
        moments = pair_moments(net, k, average, exact=False)
        if moments.distance < _CANCELLING * moments.square:
            moments = _exact_moments(net, k, average)
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
    """Average over a task's pairs, every pair weighing the same or (balanced) every label."""

    task: ScaleDetection
    balanced: bool

    @cached_property
    def _weights(self) -> tuple[int, int, int]:
        """Weights of the labels +1 and -1, and their common denominator."""
        weights = label_weights(self.task, self.balanced)
        scale = math.lcm(*(weight.denominator for weight in weights.values()))
        return int(weights[1] * scale), int(weights[-1] * scale), scale

    @property
    def scale(self) -> int:
        """Common denominator of the weights of the pairs."""
        return self._weights[2]

    @property
    def uniform(self) -> bool:
        """Whether every pixel is in as many pairs as any other."""
        return self.task.variant == "T2" or self.task.periodic

    def pairs(self, axes: Sequence[Any]) -> Any:
        """Average of the product over axes of X_a over ordered pairs; see `AxisSums.nested`."""
        near, far, scale = self._weights
        alone = math.prod(sums[0] for sums in axes)
        every = math.prod(sums[-1] for sums in axes)
        within, beyond = (self._within(axes, bound) for bound in self._bounds)
        return _quotient(near * (within - alone) + far * (every - beyond), scale)

    @property
    def _bounds(self) -> tuple[int, int]:
        """Squared distances (T1) below which all pairs have label +1, or not yet label -1."""
        return self.task.rule.bounds if self.task.variant == "T1" else (1, 1)

    def _within(self, axes: Sequence[Any], bound: int) -> Any:
        """Sum over the pairs of squared distance below `bound` (T1) or in one block (T2)."""
        if self.task.variant == "T2":
            return math.prod(sums[1] for sums in axes)
        last = len(axes[0]) - 1
        reach = math.isqrt(bound - 1)
        if len(axes) == 1 or self.task.norm == "Linf":
            return math.prod(sums[min(reach, last)] for sums in axes)
        apart = range(min(reach, last) + 1)
        rest = [min(math.isqrt(bound - 1 - m * m), last) for m in apart]
        on_first = np.diff(axes[0][: len(apart)], prepend=0)
        return (on_first * axes[1][rest]).sum()

    def first_pixel(self, vectors: Sequence[Any]) -> Any:
        """Average of the product over axes of v_a(p_a) over the first pixels of the pairs.

        Each v is given over one period, a divisor of the task's size.
        """
        if self.uniform:
            periods = math.prod(len(vector) for vector in vectors)
            return _quotient(math.prod(vector.sum() for vector in vectors), periods)
        total = self.partners.astype(vectors[0].dtype)
        for vector in vectors:
            # Contracts the leading axis; the next one moves to the front.
            cells = total.reshape(-1, len(vector), *total.shape[1:]).sum(axis=0)
            total = np.tensordot(vector, cells, axes=(0, 0))
        return _quotient(total, self.scale)

    def mean_square(self, pool: Any, stride: int) -> Fraction:
        """Sum over the units of the squares of the pooled mean image; `pool` as for `AxisSums`."""
        task = self.task
        if self.uniform:
            units = (task.size // stride) ** task.dim
            return Fraction(
                4 * units * int(pool.sum()) ** (2 * task.dim), task.size ** (2 * task.dim)
            )
        image = self.partners
        for _ in range(task.dim):
            lines = image.reshape(-1, task.size)
            image = np.array([_pooled(pool, stride, line) for line in lines]).reshape(
                (*image.shape[:-1], -1)
            )
            image = np.moveaxis(image, -1, 0)
        return Fraction(int(4 * (image * image).sum()), self.scale**2)

    @cached_property
    def partners(self) -> Any:
        """Weights of all ordered pairs with the first pixel at p, times their denominator."""
        near, far, _ = self._weights
        low, high = (self._closer(bound) for bound in self._bounds)
        return near * (low - 1).astype(object) + far * (self.task.rule.pixels - high).astype(object)

    def _closer(self, bound: int) -> Any:
        """Count the pixels of squared distance below `bound` from each pixel, with open ends."""
        size = self.task.size
        pixel = np.arange(size)[:, None]

        def within(reach: Any) -> Any:
            return 1 + np.minimum(pixel, reach) + np.minimum(size - 1 - pixel, reach)

        apart = np.arange(min(math.isqrt(bound - 1), size - 1) + 1)
        if self.task.dim == 1:
            return within(apart[-1])[:, 0]
        if self.task.norm == "Linf":
            return within(apart[-1]) * within(apart[-1]).T
        # Products of floats, exact for numbers of pixels.
        at_distance = np.diff(within(apart), axis=1, prepend=0).astype(float)
        rest = np.array([math.isqrt(bound - 1 - m * m) for m in apart.tolist()])
        return (at_distance @ within(rest).T).astype(np.int64)


def _quotient(value: Any, scale: int) -> Any:
    """Return an exact quotient of integers, a float of a float."""
    floating = np.asarray(value).dtype.kind == "f"
    return float(value) / scale if floating else Fraction(int(value), scale)


def _pooled(pool: Any, stride: int, line: Any) -> Any:
    """Pool one line of the torus: the sums of ``pool[e] * line[e + stride * i]``."""
    size = len(line)
    product = fmpz_poly(line.tolist()) * fmpz_poly(pool[::-1].tolist())
    values = np.zeros(2 * size, dtype=object)
    coefficients = product.coeffs()
    values[: len(coefficients)] = coefficients
    return np.roll(values[:size] + values[size:], 1 - len(pool))[::stride]
