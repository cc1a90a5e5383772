r"""Moving the two pixels of a pair by one site each, around the torus.

Each of the :math:`2d` moves of a pixel is a step of +1 or -1 along one axis.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scaledet.tasks import pairs as pair_law

if TYPE_CHECKING:
    from scaledet.tasks.scale_detection import ScaleDetection

__all__ = [
    "mean_square_at",
    "mean_square_displacement",
    "move_freely",
    "move_keeping_label",
    "move_on_one_side",
    "move_within_blocks",
    "pick_true",
    "unit_moves",
]


def unit_moves(dim: int) -> NDArray[np.int64]:
    """Return the ``2 dim`` moves by one site, shape ``[2 dim, dim]``.

    >>> unit_moves(2).tolist()
    [[1, 0], [0, 1], [-1, 0], [0, -1]]
    """
    axes = np.eye(dim, dtype=np.int64)
    return np.concatenate([axes, -axes])


def move_freely(
    positions: NDArray[np.int64], size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Move both pixels of each pair independently by one of the `unit_moves`.

    >>> move_freely(np.array([[[0], [3]]]), 8, np.random.default_rng(0)).tolist()
    [[[7], [2]]]
    """
    moves = unit_moves(positions.shape[-1])
    steps: NDArray[np.int64] = moves[rng.integers(len(moves), size=positions.shape[:2])]
    return (positions + steps) % size


def move_keeping_label(
    task: ScaleDetection, positions: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Move each pair within its blocks (T2) or on its side of the scale (T1)."""
    if task.variant == "T2":
        return move_within_blocks(positions, task.size, int(task.xi), rng)
    edge = math.ceil(Fraction(task.xi) ** 2)
    return move_on_one_side(positions, task.size, edge, task.periodic, task.norm, rng)


def move_within_blocks(
    positions: NDArray[np.int64], size: int, side: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Move each pixel uniformly among its moves that stay in its block of side 1 < `side` < `size`.

    >>> move_within_blocks(np.array([[[0], [5]]]), 8, 2, np.random.default_rng(0)).tolist()
    [[[1], [4]]]
    """
    reached = _reached(positions, size)
    inside = (reached // side == positions[:, :, None] // side).all(axis=-1)
    first, second = (pick_true(inside[:, pixel], rng) for pixel in (0, 1))
    return _chosen(reached, first, second)


def move_on_one_side(
    positions: NDArray[np.int64],
    size: int,
    edge: int,
    periodic: bool,
    norm: str,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Move each pair uniformly among the joint moves that keep it on its side of `edge`.

    The sides are squared distance < `edge` and >= `edge`. Some joint move always keeps the
    distance: both pixels move alike or, where one would wrap and the distance does not, they
    change places.

    >>> positions = np.array([[[0], [7]]])
    >>> move_on_one_side(positions, 8, 25, False, "L2", np.random.default_rng(0)).tolist()
    [[[7], [0]]]
    """

    def near(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
        return pair_law.squared_distance(first, second, size, periodic, norm) < edge

    reached = _reached(positions, size)
    before = near(positions[:, 0], positions[:, 1])
    after = near(reached[:, 0, :, None], reached[:, 1, None, :])
    same = (after == before[:, None, None]).reshape(len(positions), -1)
    first, second = np.divmod(pick_true(same, rng), reached.shape[2])
    return _chosen(reached, first, second)


def pick_true(allowed: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the index of a uniformly drawn True entry of each row (each row must have one).

    >>> pick_true(np.array([[False, True], [True, False]]), np.random.default_rng(0)).tolist()
    [1, 0]
    """
    seen = np.cumsum(allowed, axis=1)
    chosen = rng.integers(seen[:, -1])
    found: NDArray[np.int64] = (seen > chosen[:, None]).argmax(axis=1)
    return found


def _reached(positions: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Positions after each of the moves, shape [pair, pixel, move, axis]."""
    return (positions[:, :, None] + unit_moves(positions.shape[-1])) % size


def _chosen(
    reached: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Pairs after the moves of index `first` and `second` of their two pixels."""
    rows = np.arange(len(reached))
    return np.stack([reached[rows, 0, first], reached[rows, 1, second]], axis=1)


def mean_square_at(displacement: tuple[int, ...], size: int) -> Fraction:
    r"""Mean of :math:`|\tau x - x|^2` over the moves of two pixels `displacement` apart.

    Every one of the :math:`(2d)^2` joint moves on the torus is made and the image differences
    are squared and summed pixel by pixel: exact for wraps and collisions.

    >>> [str(mean_square_at((m,), 16)) for m in (1, 2, 3)]
    ['2', '9/2', '4']
    """
    dim = len(displacement)
    moves = [tuple(map(int, move)) for move in unit_moves(dim)]
    total = 0
    for joint in itertools.product(moves, repeat=2):
        change: Counter[tuple[int, ...]] = Counter()
        for site, move in zip(((0,) * dim, displacement), joint, strict=True):
            change[tuple(x % size for x in site)] -= 1
            change[tuple((x + step) % size for x, step in zip(site, move, strict=True))] += 1
        total += sum(height * height for height in change.values())
    return Fraction(total, len(moves) ** 2)


def mean_square_displacement(task: ScaleDetection, balanced: bool) -> Fraction:
    r"""Mean of :math:`|\tau x - x|^2` over the admitted pairs of `task` and the free moves.

    It is 4 at all displacements but those within two steps, which are corrected for one by one.

    >>> from scaledet.tasks.scale_detection import ScaleDetection
    >>> mean_square_displacement(ScaleDetection(size=8, xi=3, gap=0), False)
    Fraction(25, 7)
    """
    steps = sorted({step % task.size for step in range(-2, 3)})
    excess = {1: Fraction(0), -1: Fraction(0)}  # summed over the pairs of each label
    for vector in itertools.product(steps, repeat=task.dim):
        if any(vector):
            correction = mean_square_at(vector, task.size) - 4
            plus, minus = pair_law.ordered_pairs_at(task, vector)
            excess[1] += correction * plus / 2
            excess[-1] += correction * minus / 2
    counts = task.counts
    if balanced:
        return 4 + (excess[1] / counts[1] + excess[-1] / counts[-1]) / 2
    return 4 + (excess[1] + excess[-1]) / sum(counts.values())
