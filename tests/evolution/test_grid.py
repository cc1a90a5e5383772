"""Integrals and convolutions on grids against closed forms, and their order."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scaledet.evolution.grid import ORDER, convolve, correlate, end_weights, integral, interpolate


def test_end_weights_begin_as_gregory_s():
    """Full weights of the eighth-order rule, from Bernoulli's numbers by exact arithmetic."""
    bernoulli = [-1 / 2, 1 / 6, 0, -1 / 30, 0, 1 / 42, 0, -1 / 30]
    for p in range(ORDER):
        power = (end_weights() * np.arange(ORDER, dtype=float) ** p).sum()
        expected = -1 / 2 if p == 0 else bernoulli[p] / (p + 1)
        assert power == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("degree", range(ORDER))
def test_polynomials_are_integrated_exactly(degree):
    x = np.linspace(0, 2, 21)
    assert integral(x**degree, 0.1) == pytest.approx(2 ** (degree + 1) / (degree + 1), rel=1e-13)


def test_integrals_converge_with_order_nine():
    errors = []
    for count in (20, 40):
        x = np.linspace(0, 3, count + 1)
        errors.append(abs(integral(np.cos(x), 3 / count) - math.sin(3)))
    assert 8 < math.log2(errors[0] / errors[1]) < 11
    # Negative control: the plain sum, half weights at the ends, has order 2.
    plain = []
    for count in (20, 40):
        y = np.cos(np.linspace(0, 3, count + 1))
        plain.append(abs((y.sum() - (y[0] + y[-1]) / 2) * 3 / count - math.sin(3)))
    assert math.log2(plain[0] / plain[1]) == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize(("first", "second"), [(400, 400), (400, 150), (150, 400)])
def test_boxes_of_any_lengths_convolve_to_a_trapezium(first, second):
    step = 0.01
    trapezium = convolve(np.ones(first + 1), np.ones(second + 1), step)
    x = step * np.arange(first + second + 1)
    a, b = step * min(first, second), step * max(first, second)
    expected = np.minimum(np.minimum(x, a), a + b - x)
    np.testing.assert_allclose(trapezium, np.maximum(expected, 0), atol=1e-12)


def test_convolution_of_two_exponentials():
    x = np.linspace(0, 30, 1501)
    density = convolve(np.exp(-x), np.exp(-2 * x), x[1])[:1501]
    np.testing.assert_allclose(density, np.exp(-x) - np.exp(-2 * x), atol=1e-11)


def test_convolution_keeps_the_relative_accuracy_of_tails():
    x = np.linspace(0, 25, 2001)
    density = np.exp(-(x**2) / 2)
    doubled = convolve(density, density, x[1])
    y = x[1] * np.arange(len(doubled))
    erf = np.array([math.erf(value / 2) for value in y])
    expected = math.sqrt(math.pi) * np.exp(-(y**2) / 4) * erf
    far = (y > 5) & (y < 20)
    assert expected[far].min() < 1e-43
    np.testing.assert_allclose(doubled[far], expected[far], rtol=1e-12)


def test_correlation_of_two_exponentials():
    x = np.linspace(0, 40, 2001)
    density = correlate(np.exp(-x), np.exp(-3 * x), x[1])
    np.testing.assert_allclose(density[:1000], np.exp(-x[:1000]) / 4, rtol=1e-9)


def test_interpolation_is_exact_for_polynomials_and_at_grid_points():
    grid = np.arange(40.0)
    x = np.array([0, 0.25, 1, 5.5, 20.1, 38.75, 39])
    # Rounding is that of the ten neighbours: 9^5 * 1e-16.
    np.testing.assert_allclose(interpolate(grid**5, x), x**5, rtol=1e-12, atol=1e-11)
    values = np.random.default_rng(0).normal(size=40)
    np.testing.assert_array_equal(interpolate(values, grid), values)
