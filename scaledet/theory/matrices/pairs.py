r"""Two active pixels on a finite image: averages over the pairs of a task, at every layer.

As in `signal.pairs`, but the Gram matrix K of a layer depends on both pixels of a pair. Where it is
a product over axes, its sums over the pairs at every distance along an axis, or in one block, are
all that is needed; otherwise every pair of pixels has its weight in one matrix. Source: our
derivation, after the model of Tomasini et al., arXiv:2210.01506.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpz, fmpz_mat

from scaledet.errors import ArgumentError
from scaledet.network.network import Network
from scaledet.scenario import Moves
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.matrices.grams import Grams, exact_grams, float_grams
from scaledet.theory.matrices.layerwise import Layerwise
from scaledet.theory.matrices.maps import Factor, factors
from scaledet.theory.signal.moments import Moments
from scaledet.theory.signal.pairs import PairAverage, label_weights

__all__ = ["pair_matrices"]

_CANCELLING = 1e-5
"""Ratio of Q_k to the mean square, as whose difference it is taken, so that 1e-10 is right."""
_LARGEST_AXIS = 4096
_LARGEST_GRID = 80 * 80
"""Most pixels whose pairs have a matrix."""
_ROWS = 64

Averages = Callable[[Sequence[Grams]], Moments]


def pair_matrices(net: Network, task: ScaleDetection, balanced: bool, moves: Moves) -> Layerwise:
    """Return the moments of the two-pixel images of a task."""
    parts = factors(net, (task.size,) * task.dim)
    _require_memory(parts, task)
    product = len(parts) == task.dim
    average = PairAverage(task, balanced)

    def averages(exact: bool) -> Averages:
        if product:
            return lambda grams: _over_axes(average, grams)
        weights = _pair_weights(task, balanced, exact)
        return lambda grams: _over_pairs(weights, *grams)

    return Layerwise(parts, moves, float_grams, exact_grams, averages, _CANCELLING)


def _require_memory(parts: Sequence[Factor], task: ScaleDetection) -> None:
    pixels = parts[0].pixels
    if len(parts) == task.dim:
        most, side, kind = _LARGEST_AXIS, _LARGEST_AXIS, "size^2"
    else:
        most, side, kind = _LARGEST_GRID, math.isqrt(_LARGEST_GRID), "size^4"
    if pixels > most:
        raise ArgumentError(
            f"task.size must be at most {side} in predict for a network that is no torus"
            f"{'' if kind == 'size^2' else ' and no product over axes'}, which holds six arrays of "
            f"{kind} numbers ({48e-9 * pixels**2:.2g} GB, at most {48e-9 * most**2:.2g} GB); got "
            f"{task.size}"
        )


def _over_axes(average: PairAverage, grams: Sequence[Grams]) -> Moments:
    """Average over the pairs, the Gram matrix being a product over axes."""
    task, dim = average.task, len(grams)
    unit = math.prod(each.unit for each in grams)
    squares = [each.squares for each in grams]
    plain, half, both = (
        [_nested(getattr(each, name), task) for each in grams] for name in ("plain", "half", "both")
    )

    def replaced(usual: list[Any], special: list[Any], axis: int) -> list[Any]:
        return [special[a] if a == axis else usual[a] for a in range(dim)]

    moved = [each.moved for each in grams]
    single = sum(average.first_pixel(replaced(squares, moved, a)) for a in range(dim))
    crossed = sum(average.pairs(replaced(plain, both, a)) for a in range(dim))
    if dim > 1:
        crossed += 2 * average.pairs(half)  # moving the other pixel gives the same sums
    active = average.first_pixel(squares)
    square = 2 * (active + average.pairs(plain)) / unit
    return Moments(
        displacement=(single / dim + crossed / (2 * dim * dim)) / unit,
        distance=2 * (square - _mean_square(average, grams) / unit),
        square=square,
        active=active / unit,
        mass=average.first_pixel([each.masses for each in grams]) / unit,
        flat=_ratio(math.prod(each.plain.sum() for each in grams), unit),
        trace=_ratio(math.prod(each.sum() for each in squares), unit),
    )


def _mean_square(average: PairAverage, grams: Sequence[Grams]) -> Any:
    """Square of the pooled mean image, times the units of the Gram matrices."""
    if average.uniform:
        pixels = average.task.rule.pixels
        return _ratio(4 * math.prod(each.plain.sum() for each in grams), pixels**2)
    image = average.partners
    if grams[0].plain.dtype == object:
        pooled = _product(grams[0].plain, image.reshape(len(image), -1))
        if len(grams) > 1:
            pooled = _product(pooled, grams[1].plain)
        return Fraction(int(4 * (image.reshape(pooled.shape) * pooled).sum()), average.scale**2)
    image = image.astype(float) / average.scale
    pooled = grams[0].plain @ image
    if len(grams) > 1:
        pooled = pooled @ grams[1].plain
    return 4 * float((image * pooled).sum())


def _nested(gram: Any, task: ScaleDetection) -> Any:
    """Sum over sets of pairs (p, q), each of which holds the one before, as `AxisSums.nested`.

    T1: the pairs of distance 0 ... r at index r. T2: p = q; p and q in one block; all pairs.
    """
    size = len(gram)
    if task.variant == "T2":
        side = task.rule.side
        blocks = (gram[b : b + side, b : b + side].sum() for b in range(0, size, side))
        return np.array([gram.trace(), sum(blocks), gram.sum()], dtype=gram.dtype)
    result = np.zeros(size // 2 + 1 if task.periodic else size, dtype=gram.dtype)
    for m in range(size):
        both = gram.diagonal(m).sum() + (gram.diagonal(-m).sum() if m else 0)
        result[min(m, size - m) if task.periodic else m] += both
    return np.cumsum(result)


def _pair_weights(task: ScaleDetection, balanced: bool, exact: bool) -> tuple[Any, int]:
    """Return the weight of every ordered pair of pixels, and what divides it."""
    weights = label_weights(task, balanced)
    scale = math.lcm(*(weight.denominator for weight in weights.values()))
    kind: Any = (lambda weight: fmpz(int(weight * scale))) if exact else float
    near, far = (kind(weights[label]) for label in (1, -1))
    places = np.indices((task.size,) * task.dim).reshape(task.dim, -1).T
    result = np.full((len(places),) * 2, kind(0), dtype=object if exact else float)
    for first in range(0, len(places), _ROWS):
        labels = task.rule.labels_of(places[first : first + _ROWS, None], places[None])
        rows = result[first : first + _ROWS]
        rows[labels == 1], rows[labels == -1] = near, far
    return result, scale if exact else 1


def _over_pairs(weights: tuple[Any, int], grams: Grams) -> Moments:
    """Average over the pairs, each with its entry of the Gram matrix."""
    law, scale = weights
    first, steps, unit = law.sum(axis=1), grams.steps, grams.unit
    squares, masses = grams.squares, grams.masses
    active = _ratio((first * squares).sum(), scale * unit)
    square = 2 * (active + _ratio((law * grams.plain).sum(), scale * unit))
    mean_square = _ratio(4 * (first * (grams.plain @ first)).sum(), scale**2 * unit)
    single = _ratio((first * grams.moved).sum(), steps * scale * unit)
    crossed = _ratio((law * grams.both).sum(), steps**2 * scale * unit)
    return Moments(
        displacement=2 * (single + crossed),
        distance=2 * (square - mean_square),
        square=square,
        active=active,
        mass=_ratio((first * masses).sum(), scale * unit),
        flat=_ratio(masses.sum(), unit),
        trace=_ratio(squares.sum(), unit),
    )


def _product(first: Any, second: Any) -> Any:
    product = fmpz_mat(first.tolist()) * fmpz_mat([list(map(int, row)) for row in second])
    return np.array(product.tolist(), dtype=object)


def _ratio(value: Any, unit: int) -> Any:
    return value / unit if isinstance(value, float) else Fraction(int(value), unit)
