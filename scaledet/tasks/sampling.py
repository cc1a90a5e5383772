"""Drawing pairs of given labels, with or without replacement."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError
from scaledet.tasks.enumeration import PairOrder

__all__ = [
    "Part",
    "Split",
    "distinct",
    "draw",
    "draw_balanced",
    "draw_parts",
    "iterate",
    "pairs_at",
    "rank_bounds",
]


class Part(NamedTuple):
    """One part of a `Split`: images [n, 1, ...], labels int8 [n], positions int64 [n, 2, dim]."""

    images: NDArray[np.float64]
    labels: NDArray[np.int8]
    positions: NDArray[np.int64]


class Split(NamedTuple):
    """Three parts that have no pair of pixels in common."""

    train: Part
    validation: Part
    test: Part


def iterate(order: PairOrder, label: int | None, chunk: int) -> Iterator[NDArray[np.int64]]:
    """Iterate over the pairs of `label` (None: of +1, then of -1), `chunk` at a time."""
    count = sum(order.counts.values()) if label is None else order.counts[label]
    for start in range(0, count, chunk):
        ranks = np.arange(start, min(start + chunk, count))
        yield _any_pairs(order, ranks)[0] if label is None else order.pairs(label, ranks)


def draw(
    order: PairOrder, n: int, label: int | None, balanced: bool, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Draw `n` independent pairs and their labels.

    They are uniform over the pairs of `label` or, if it is None, of a label drawn by a fair coin
    (`balanced`) or of both labels.
    """
    if label is not None:
        labels = np.full(n, label, dtype=np.int8)
    elif balanced:
        labels = (1 - 2 * rng.integers(2, size=n)).astype(np.int8)
    else:
        return _any_pairs(order, rng.integers(sum(order.counts.values()), size=n))
    return _draw_labelled(order, labels, rng), labels


def draw_balanced(
    order: PairOrder, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Draw `n` independent pairs, half of each label, and their labels."""
    labels = _balanced_labels(n, bool(rng.integers(2)), rng)
    return _draw_labelled(order, labels, rng), labels


def rank_bounds(order: PairOrder, balanced: bool) -> tuple[int, ...]:
    """Return the bounds of the independent whole numbers, from 0 on, that `pairs_at` needs."""
    plus, minus = order.counts[1], order.counts[-1]
    return (2, plus, minus) if balanced else (plus + minus,)


def pairs_at(order: PairOrder, numbers: NDArray[np.int64], balanced: bool) -> NDArray[np.int64]:
    """Return the pairs of numbers [n, ...] below `rank_bounds`.

    If they are `balanced`: a coin, then a pair of label +1 and one of -1, between which it decides.
    """
    if balanced:
        labels = (1 - 2 * numbers[:, 0]).astype(np.int8)
        ranks = [numbers[labels == label, place] for label, place in ((1, 1), (-1, 2))]
        return _pairs(order, labels, ranks)
    return _any_pairs(order, numbers[:, 0])[0]


def _draw_labelled(
    order: PairOrder, labels: NDArray[np.int8], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw independent pairs, each uniform over those of its label."""
    ranks = [
        rng.integers(count, size=np.count_nonzero(labels == label))
        for label, count in order.counts.items()
    ]
    return _pairs(order, labels, ranks)


def draw_parts(
    order: PairOrder, sizes: Sequence[int], rng: np.random.Generator
) -> list[tuple[NDArray[np.int64], NDArray[np.int8]]]:
    """Draw positions and labels of parts of `sizes`, balanced, in which no pair occurs twice."""
    extra = _extra_plus(order, sizes, rng)
    labels = [_balanced_labels(n, more, rng) for n, more in zip(sizes, extra, strict=True)]
    together = np.concatenate(labels)
    ranks = [
        distinct(count, int(np.count_nonzero(together == label)), rng)
        for label, count in order.counts.items()
    ]
    positions = np.split(_pairs(order, together, ranks), np.cumsum(sizes)[:-1])
    return list(zip(positions, labels, strict=True))


def _extra_plus(
    order: PairOrder, sizes: Sequence[int], rng: np.random.Generator
) -> tuple[bool, ...]:
    """Draw which parts of odd size have one more pair of label +1; the others one more of -1."""
    plus, minus = order.counts[1], order.counts[-1]
    halves = sum(size // 2 for size in sizes)
    odd = sum(size % 2 for size in sizes)
    options = [
        extra
        for extra in itertools.product(*([False, True][: 1 + size % 2] for size in sizes))
        if halves + sum(extra) <= plus and halves + odd - sum(extra) <= minus
    ]
    if not options:
        rarer, other = sorted((plus, minus))
        raise ArgumentError(
            f"train + validation + test must be <= {2 * rarer + min(odd, other - rarer)}; got "
            f"{sum(sizes)}: half of each part has label +1, and there are {plus} pairs of "
            f"label +1 and {minus} of label -1"
        )
    return options[int(rng.integers(len(options)))]


def _any_pairs(
    order: PairOrder, ranks: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Pairs and labels of `ranks` among the pairs of +1 followed by those of -1."""
    plus = order.counts[1]
    labels = np.where(ranks < plus, 1, -1).astype(np.int8)
    return _pairs(order, labels, [ranks[labels == 1], ranks[labels == -1] - plus]), labels


def _pairs(
    order: PairOrder, labels: NDArray[np.int8], ranks: Sequence[NDArray[np.int64]]
) -> NDArray[np.int64]:
    """Pairs for `labels`, each label taking its `ranks` (those of +1, then of -1) in turn."""
    parts = [order.pairs(label, of_label) for label, of_label in zip((1, -1), ranks, strict=True)]
    positions = np.empty((len(labels), *parts[0].shape[1:]), dtype=np.int64)
    for label, part in zip((1, -1), parts, strict=True):
        positions[labels == label] = part
    return positions


def _balanced_labels(n: int, more_plus: bool, rng: np.random.Generator) -> NDArray[np.int8]:
    """`n` labels in random order, half +1; if `n` is odd, one more +1 or one more -1."""
    labels = np.full(n, -1, dtype=np.int8)
    labels[: (n + more_plus) // 2] = 1
    rng.shuffle(labels)
    return labels


def distinct(count: int, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`n` distinct integers below `count` in uniformly random order, memory of order `n`."""
    if count <= 4 * n:
        return rng.permutation(count)[:n]
    chosen = np.empty(0, dtype=np.int64)
    while len(chosen) < n:  # the first n distinct values of a sequence of independent draws
        drawn = np.concatenate([chosen, rng.integers(count, size=n + n // 4)])
        chosen = drawn[np.sort(np.unique(drawn, return_index=True)[1])]
    return chosen[:n]
