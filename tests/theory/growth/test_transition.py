"""The transition operator: its window, its orbit, its generating functions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from scaledet.theory.growth.transition import growth, transition_matrix
from tests.dense import strided_orbit

FILTERS = [
    ((1, 1), 2),
    ((1, 1, 1), 2),
    ((1, 2, 1), 2),
    ((1, 2, 1, 2), 2),
    ((1, 2, 0, 1, 2), 2),
    ((1, 0, 1), 2),
    ((1,) * 6, 3),
    ((2, 1), 5),
    ((1, 5, 1, 7, 1, 2, 3, 1), 3),
    ((1,) * 9, 2),
]


@pytest.mark.parametrize(("weights", "stride"), FILTERS)
def test_the_window_gives_the_first_two_lags_exactly(weights, stride):
    matrix = transition_matrix(weights, stride)
    rows = [[int(matrix[i, j]) for j in range(matrix.ncols())] for i in range(matrix.nrows())]
    vector = [1] + [0] * (len(rows) - 1)
    for expected in strided_orbit(list(weights), stride, 12):
        assert (vector[0], vector[1]) == expected
        vector = [sum(a * b for a, b in zip(row, vector, strict=True)) for row in rows]


@pytest.mark.parametrize(("weights", "stride"), FILTERS)
def test_generating_functions(weights, stride):
    rates = growth(weights, stride)
    orbit = strided_orbit(list(weights), stride, 30)
    for (numerator, denominator), expected in (
        (rates.peak_fraction, [zero for zero, _ in orbit]),
        (rates.drop_fraction, [zero - one for zero, one in orbit]),
    ):
        top = [int(c) for c in numerator.coeffs()]
        bottom = [int(c) for c in denominator.coeffs()]
        series = []
        for n in range(31):
            value = Fraction(top[n] if n < len(top) else 0)
            value -= sum(bottom[j] * series[n - j] for j in range(1, min(n, len(bottom) - 1) + 1))
            series.append(value / bottom[0])
        assert series == expected


@pytest.mark.parametrize(("weights", "stride"), FILTERS)
def test_growth_rates_against_exact_integers_at_depth_200(weights, stride):
    rates = growth(weights, stride)
    orbit = strided_orbit(list(weights), stride, 201)
    scale = sum(weights) ** 2
    for root, values in (
        (rates.peak, [zero for zero, _ in orbit]),
        (rates.drop, [zero - one for zero, one in orbit]),
    ):
        ratio = float(Fraction(values[201], values[200] * scale))
        # The second largest rate of these filters is at most 0.85 of the first: 0.85^200 = 1e-14,
        # and the root is rounded to a float.
        assert float(root) == pytest.approx(ratio, rel=1e-12)


def test_not_simply_the_two_largest_eigenvalues():
    """[1, 2, 1, 2] at stride 2: the two largest eigenvalues would give alpha = 1.848."""
    matrix = transition_matrix((1, 2, 1, 2), 2)
    dense = np.array(
        [[float(int(matrix[i, j])) for j in range(matrix.ncols())] for i in range(matrix.nrows())]
    )
    sizes = sorted(abs(np.linalg.eigvals(dense)), reverse=True)
    assert np.log2(sizes[0] / sizes[1]) == pytest.approx(1.848, abs=5e-4)  # three decimals given
    rates = growth((1, 2, 1, 2), 2)
    assert rates.peak.same_as(rates.drop)
