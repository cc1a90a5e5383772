"""Exponents of linear layers with given tap covariance: against filters, and against D_k itself."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("weights", [[1, 1], [1, 2, 1], [1, 1, 1], [1, 0, 1], [2, 1, 1, 3]])
def test_common_filters_have_the_exponents_of_the_filter(weights, stride):
    outer = [[a * b for b in weights] for a in weights]
    linear = sd.predict_linear_exponents(outer, stride=stride)
    exact = sd.predict_exponents(kernel=weights, stride=stride, rectify=None)
    assert (linear.alpha, linear.plateau) == (exact.alpha, exact.plateau)


@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("t", [Fraction(0), Fraction(1, 3), Fraction(9, 10)])
@pytest.mark.parametrize("size", [2, 3])
def test_plateau_is_the_limit_of_deep_layers(size, t, stride):
    f = Fraction(1, size)
    matrix = [[(1 - t) * f * (i == j) + t * f * f for j in range(size)] for i in range(size)]
    linear = sd.predict_linear_exponents(matrix, stride=stride)
    assert linear.alpha == 0
    lags = {m: float(np.trace(np.array(matrix, float), m)) for m in range(1 - size, size)}
    c = {0: 1.0}
    for _ in range(60):  # lags beyond 3 are never needed again
        c = {
            m: sum(lags.get(m - stride * n, 0.0) * value for n, value in c.items())
            for m in range(-3, 4)
        }
    assert 1 - c[1] / c[0] == pytest.approx(float(linear.plateau), rel=1e-10)


def test_transition_at_common_filters():
    """alpha of boxes as long as their stride is 0 for every t < 1, and 1 at t = 1."""

    def alpha(t):
        matrix = [[(1 - t) / 2 * (i == j) + t / 4 for j in range(2)] for i in range(2)]
        return sd.predict_linear_exponents(matrix, stride=2).alpha

    shares = [Fraction(0), Fraction(1, 2), Fraction(999, 1000), Fraction(1)]
    assert [alpha(t) for t in shares] == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "tap_covariance must be a symmetric matrix"),
        ([[1, 2]], "tap_covariance must be a symmetric matrix"),
        ([[1, 2], [1, 1]], "tap_covariance must be a symmetric matrix"),
        ([[1, -1], [-1, 1]], "non-negative sums along its diagonals.*got .'2', '-1'."),
        ([[0]], "the main one positive"),
    ],
)
def test_bad_arguments(given, message):
    with pytest.raises(ValueError, match=message):
        sd.predict_linear_exponents(given)


def test_arrays_are_accepted():
    assert sd.predict_linear_exponents(np.eye(3), stride=2).plateau == 1
