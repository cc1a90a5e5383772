r"""Moving the two pixels of a pair by one site each, by default around the torus.

Each of the :math:`2d` moves of a pixel is a step of +1 or -1 along one axis.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scaledet.tasks.border import Border, landed
from scaledet.tasks.pairs import label_counts, ordered_pairs_at
from scaledet.tasks.rule import Rule

__all__ = [
    "mean_square_at",
    "mean_square_displacement",
    "move_freely",
    "move_keeping_label",
    "moved_by",
]


def _unit_moves(dim: int) -> NDArray[np.int64]:
    """Return the ``2 dim`` moves by one site, shape ``[2 dim, dim]``."""
    axes = np.eye(dim, dtype=np.int64)
    return np.concatenate([axes, -axes])


def move_freely(
    positions: NDArray[np.int64],
    size: int,
    rng: np.random.Generator,
    border: Literal["wrap"] | Border = "wrap",
) -> NDArray[np.int64]:
    """Move both pixels of each pair [n, 2, dim] independently by one site.

    `border` says what becomes of a move that would leave the image.
    """
    moves = rng.integers(2 * positions.shape[-1], size=positions.shape[:2])
    return moved_by(positions, moves, size, border)


def moved_by(
    positions: NDArray[np.int64],
    moves: NDArray[np.int64],
    size: int,
    border: Literal["wrap"] | Border = "wrap",
) -> NDArray[np.int64]:
    """Move pixels [n, pixels, dim], each by the one of its ``2 dim`` moves that `moves` names.

    >>> moved_by(np.array([[[0, 5]], [[0, 5]]]), np.array([[1], [2]]), 8).tolist()
    [[[0, 6]], [[7, 5]]]
    """
    steps: NDArray[np.int64] = _unit_moves(positions.shape[-1])[moves]
    return landed(positions + steps, size, border)


def move_keeping_label(
    rule: Rule, positions: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Move each pair uniformly among the joint moves that keep its blocks (T2) or its side of xi.

    The sides (T1) are distance < xi and >= xi. Some joint move always keeps the distance: both
    pixels move alike or, where one would wrap and the distance does not, they change places.

    >>> rule = Rule(8, 5, 0, "T1", dim=1, periodic=False, norm="L2")
    >>> move_keeping_label(rule, np.array([[[0], [7]]]), np.random.default_rng(0)).tolist()
    [[[7], [0]]]
    """
    # Positions after each of the moves, shape [pair, pixel, move, axis].
    moved = (positions[:, :, None] + _unit_moves(rule.dim)) % rule.size
    if rule.variant == "T2":
        inside = (moved // rule.side == positions[:, :, None] // rule.side).all(axis=-1)
        first, second = (_pick_true(inside[:, pixel], rng) for pixel in (0, 1))
    else:
        edge = math.ceil(Fraction(rule.xi) ** 2)
        before = rule.squared_distance(positions[:, 0], positions[:, 1]) < edge
        after = rule.squared_distance(moved[:, 0, :, None], moved[:, 1, None, :]) < edge
        same = (after == before[:, None, None]).reshape(len(positions), -1)
        first, second = np.divmod(_pick_true(same, rng), moved.shape[2])
    rows = np.arange(len(positions))
    return np.stack([moved[rows, 0, first], moved[rows, 1, second]], axis=1)


def _pick_true(allowed: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the index of a uniformly drawn True entry of each row (each row must have one)."""
    seen = np.cumsum(allowed, axis=1)
    chosen = rng.integers(seen[:, -1])
    return np.asarray((seen > chosen[:, None]).argmax(axis=1))


def mean_square_at(displacement: tuple[int, ...], size: int) -> Fraction:
    r"""Mean of :math:`|\tau x - x|^2` over the moves of two pixels `displacement` apart.

    Every one of the :math:`(2d)^2` joint moves on the torus is made and the image differences
    are squared and summed pixel by pixel: exact for wraps and collisions.

    >>> [str(mean_square_at((m,), 16)) for m in (1, 2, 3)]
    ['2', '9/2', '4']
    """
    dim = len(displacement)
    moves = [tuple(map(int, move)) for move in _unit_moves(dim)]
    total = 0
    for joint in itertools.product(moves, repeat=2):
        change: Counter[tuple[int, ...]] = Counter()
        for site, move in zip(((0,) * dim, displacement), joint, strict=True):
            change[tuple(x % size for x in site)] -= 1
            change[tuple((x + step) % size for x, step in zip(site, move, strict=True))] += 1
        total += sum(height * height for height in change.values())
    return Fraction(total, len(moves) ** 2)


def mean_square_displacement(rule: Rule, balanced: bool) -> Fraction:
    r"""Mean of :math:`|\tau x - x|^2` over the admitted pairs of a task and the free moves.

    The value is 4 beyond two steps; each nearer displacement is corrected by itself.
    """
    steps = sorted({step % rule.size for step in range(-2, 3)})
    excess = {1: Fraction(0), -1: Fraction(0)}  # summed over the pairs of each label
    for vector in filter(any, itertools.product(steps, repeat=rule.dim)):
        correction = (mean_square_at(vector, rule.size) - 4) / 2
        ordered = ordered_pairs_at(rule, vector)
        for label in excess:
            excess[label] += correction * ordered[label]
    counts = label_counts(rule)
    if balanced:
        return 4 + (excess[1] / counts[1] + excess[-1] / counts[-1]) / 2
    return 4 + (excess[1] + excess[-1]) / sum(counts.values())
