"""Spearman's correlation of few points, with the exact law of all permutations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError

__all__ = ["RankCorrelation", "rank_correlation"]

_MOST = 14
"""Largest number of points of a group: the law is summed over all its subsets."""

Floats = NDArray[np.float64]
Group = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True)
class RankCorrelation:
    """A correlation of ranks, tested against all permutations within groups.

    Attributes
    ----------
    rho : float
        Spearman's correlation; of several groups, of the ranks within each, less their mean.
    p_value : float
        Share of permutations with a correlation of at least this size, of either sign.
    error : float
        Standard deviation of the correlation over all permutations.
    critical : float
        Smallest size of a correlation with a p-value of at most that asked for; infinite if no
        permutation has one.
    """

    rho: float
    p_value: float
    error: float
    critical: float


def rank_correlation(groups: Sequence[Group], level: float = 0.05) -> RankCorrelation | None:
    """Correlate the ranks of x and y; None if one of them does not vary in any group.

    Examples
    --------
    >>> both = rank_correlation([([1, 2, 3, 4, 5], [2, 3, 5, 7, 11])])
    >>> both.rho, round(both.p_value * 120)    # one order of 5! and its reverse
    (1.0, 2)
    """
    pairs = [(_ranks(x), _ranks(y)) for x, y in groups]
    norm = math.sqrt(
        sum(int(x @ x) for x, _ in pairs) * sum(int(y @ y) for _, y in pairs),
    )
    if not norm:
        return None
    total = sum(int(x @ y) for x, y in pairs)
    law = np.ones(1)
    for x, y in pairs:
        law = np.convolve(law, _law(x, y))
    sums = np.abs(np.arange(len(law)) - len(law) // 2)
    shares = np.bincount(sums, law / law.sum())
    tail = np.cumsum(shares[::-1])[::-1]
    rare = np.flatnonzero((tail <= level * (1 + 1e-12)) & (shares > 0))
    return RankCorrelation(
        total / norm,
        float(tail[abs(total)]),
        math.sqrt(float(shares @ np.arange(len(shares)) ** 2)) / norm,
        float(rare[0]) / norm if len(rare) else math.inf,
    )


def _ranks(values: Sequence[float]) -> NDArray[np.int64]:
    """Twice the ranks, less their mean: integers, also of equal values, which share a rank."""
    from scipy.stats import rankdata

    if len(values) > _MOST:
        raise ArgumentError(f"groups must be of at most {_MOST} points; got {len(values)}")
    ranks: Floats = 2 * rankdata(values) - (len(values) + 1)
    return np.rint(ranks).astype(np.int64)


def _law(x: NDArray[np.int64], y: NDArray[np.int64]) -> Floats:
    """Count the permutations of y by the sum of products with x, which lies in [-reach, reach]."""
    reach = int(np.sort(np.abs(x)) @ np.sort(np.abs(y)))
    counts = {0: np.zeros(2 * reach + 1)}  # by the set of values of y that are used up
    counts[0][reach] = 1
    for entry in x:
        further: dict[int, Floats] = {}
        for used, law in counts.items():
            for place, value in enumerate(y):
                if not used >> place & 1:
                    shifted = np.roll(law, int(entry * value))
                    key = used | 1 << place
                    further[key] = further[key] + shifted if key in further else shifted
        counts = further
    return next(iter(counts.values()))
