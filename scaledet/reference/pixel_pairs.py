"""Two active pixels that move at random on the infinite lattice, move by move."""

from __future__ import annotations

import itertools
from fractions import Fraction

__all__ = ["pair_energy", "walks"]


def _steps(dim: int) -> list[tuple[int, ...]]:
    return [
        tuple(sign * (axis == at) for at in range(dim)) for axis in range(dim) for sign in (1, -1)
    ]


def _added(*vectors: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*vectors, strict=True)))


def walks(steps: int, offset: tuple[int, ...]) -> int:
    """Count the walks from the origin to `offset`, one by one."""
    walks = itertools.product(_steps(len(offset)), repeat=steps)
    return sum(_added((0,) * len(offset), *walk) == offset for walk in walks)


def pair_energy(offset: tuple[int, ...]) -> Fraction:
    """Average |tau x - x|^2 over all moves of the two pixels; they may collide."""
    origin, total, moves = (0,) * len(offset), 0, _steps(len(offset))
    for one, other in itertools.product(moves, repeat=2):
        change: dict[tuple[int, ...], int] = {}
        for place, height in (
            (one, 1), (_added(offset, other), 1), (origin, -1), (offset, -1),
        ):  # fmt: skip
            change[place] = change.get(place, 0) + height
        total += sum(height**2 for height in change.values())
    return Fraction(total, len(moves) ** 2)
