"""The exact law of Spearman's correlation, by all permutations and by SciPy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from scaledet.analysis.rank_correlation import rank_correlation
from scaledet.errors import ArgumentError


def sizes(x, y) -> np.ndarray:
    """Sizes of the correlations of all permutations."""
    ranks = stats.rankdata(x)
    other = [stats.rankdata(p) for p in itertools.permutations(y)]
    return np.abs([np.corrcoef(ranks, p)[0, 1] for p in other])


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]),
        ([1, 2, 3, 4, 5, 6], [3, 1, 2, 6, 5, 4]),
        ([1, 1, 2, 3, 3, 3], [5, 4, 4, 2, 1, 2]),  # ties
    ],
)
def test_one_group_is_all_permutations(x, y):
    law = rank_correlation([(x, y)])
    assert law.rho == pytest.approx(stats.spearmanr(x, y).statistic)
    every = sizes(x, y)
    assert law.p_value == pytest.approx(np.mean(every >= abs(law.rho) - 1e-9))
    assert law.error == pytest.approx(np.sqrt(np.mean(every**2)))
    rare = [r for r in np.unique(every.round(9)) if np.mean(every >= r - 1e-9) <= 0.05]
    assert law.critical == pytest.approx(min(rare, default=math.inf))


def test_groups_are_permuted_within_themselves():
    # Within each group x and y go opposite ways, though together they rise.
    x, y = [1, 2, 3, 11, 12, 13], [3, 2, 1, 13, 12, 11]
    assert rank_correlation([(x, y)]).rho > 0
    law = rank_correlation([(x[:3], y[:3]), (x[3:], y[3:])])
    assert (law.rho, law.p_value) == (-1, pytest.approx(2 / 36))
    assert law.critical == math.inf  # no permutation is rare enough


def test_p_values_of_no_correlation_are_uniform():
    rng = np.random.default_rng(0)
    p = [rank_correlation([rng.normal(size=(2, 7))]).p_value for _ in range(400)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=4 * math.sqrt(0.0475 / 400))


def test_nothing_varies():
    assert rank_correlation([([1, 1, 1], [1, 2, 3])]) is None
    assert rank_correlation([]) is None
    assert rank_correlation([([1], [2])]) is None


def test_too_many_points():
    with pytest.raises(ArgumentError, match="at most 14 points; got 15"):
        rank_correlation([(range(15), range(15))])
