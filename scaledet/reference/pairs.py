"""Laws of pairs of pixels of a ring: the probability of every ordered pair, counted one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

__all__ = ["Law", "at_displacement", "blocks", "labelled", "mixed", "ring_distance", "uniform"]

Law = dict[tuple[int, int], Fraction]
"""Probability of ordered pairs of pixels, which are numbered."""


def uniform(pairs: Iterable[tuple[int, int]]) -> Law:
    """Every one of these pairs with the same probability, in either order."""
    both = {pair for a, b in pairs for pair in ((a, b), (b, a))}
    return dict.fromkeys(sorted(both), Fraction(1, len(both)))


def mixed(*laws: Law) -> Law:
    """All laws with the same probability."""
    pairs = sorted({pair for law in laws for pair in law})
    return {
        pair: sum((law.get(pair, Fraction(0)) for law in laws), Fraction(0)) / len(laws)
        for pair in pairs
    }


def ring_distance(a: int, b: int, size: int) -> int:
    """Distance around a ring."""
    return min((a - b) % size, (b - a) % size)


def labelled(size: int, low: Any, high: Any) -> tuple[Law, Law]:
    """Laws of both labels of T1: distance < low, and distance >= high."""
    pairs = list(itertools.combinations(range(size), 2))
    near = [pair for pair in pairs if ring_distance(*pair, size) < low]
    return uniform(near), uniform([pair for pair in pairs if ring_distance(*pair, size) >= high])


def blocks(size: int, side: int, offset: int = 0) -> tuple[Law, Law]:
    """Laws of both labels of T2, the blocks of this side cut `offset` pixels later."""
    pairs = list(itertools.combinations(range(size), 2))
    block = [(q - offset) % size // side for q in range(size)]
    same = [(a, b) for a, b in pairs if block[a] == block[b]]
    return uniform(same), uniform([(a, b) for a, b in pairs if block[a] != block[b]])


def at_displacement(law: Law, size: int, lag: int) -> Fraction:
    """Probability that the second pixel lies at `lag` from the first, around the ring."""
    return sum((w for (a, b), w in law.items() if (b - a - lag) % size == 0), Fraction(0))
