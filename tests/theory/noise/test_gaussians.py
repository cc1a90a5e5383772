"""Moments of rectified Gaussian variables against quadrature, closed forms and identities."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from scaledet.theory.noise.gaussians import (
    centred_covariance,
    matched_correlation,
    matched_height,
    rectified_covariance,
    rectified_excess,
    rectified_mean,
)
from tests import dense as reference


def covariance(h: float, k: float, rho: float) -> float:
    return float(rectified_covariance(np.array(h), np.array(k), np.array(rho)))


@pytest.mark.parametrize("rho", [0.01, 0.5, 0.8, 0.95, 0.999, 0.99999])
def test_non_negative_heights_against_quadrature(rho: float) -> None:
    for h, k in itertools.combinations_with_replacement((0.0, 0.4, 1.0, 2.3, 6.0, 20.0), 2):
        assert covariance(h, k, rho) == pytest.approx(
            float(reference.rectified_covariance(h, k, rho)), rel=1e-12
        )


@pytest.mark.parametrize("rho", [-0.95, -0.3, 0.2, 0.9, 0.999])
def test_any_height_against_quadrature(rho: float) -> None:
    for h, k in itertools.product((-3.0, -0.7, 0.2, 1.5), repeat=2):
        expected = float(reference.rectified_covariance(h, k, rho))
        assert covariance(h, k, rho) == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("h", [-4.0, -0.5, 0.0, 0.3, 2.0])
def test_full_correlation_is_the_variance(h: float) -> None:
    mean = h * math.erfc(-h / math.sqrt(2)) / 2 + math.exp(-h * h / 2) / math.sqrt(2 * math.pi)
    square = (h * h + 1) * math.erfc(-h / math.sqrt(2)) / 2
    square += h * math.exp(-h * h / 2) / math.sqrt(2 * math.pi)
    assert covariance(h, h, 1.0) == pytest.approx(square - mean**2, abs=1e-14)
    assert float(rectified_mean(np.array(h))) == pytest.approx(mean, rel=1e-13)


def test_zero_means_are_the_arc_cosine_kernel() -> None:
    rho = np.array([-1, -0.5, 0, 1e-9, 0.3, 0.9, 1.0])
    angle = np.arccos(rho)
    kernel = (np.sin(angle) + (np.pi - angle) * rho) / (2 * np.pi)
    expected = kernel - 1 / (2 * np.pi)
    np.testing.assert_allclose(centred_covariance(rho), expected, rtol=1e-14, atol=2e-16)
    np.testing.assert_allclose(rectified_covariance(0 * rho, 0 * rho, rho), expected, atol=1e-15)
    # the leading term alone survives a correlation at which the kernel itself cancels
    assert float(centred_covariance(np.array(1e-12))) == pytest.approx(2.5e-13, rel=1e-12)


def test_far_from_the_kink_nothing_is_rectified() -> None:
    heights = np.array([50.0, 1e10, 1e200])
    np.testing.assert_array_equal(rectified_covariance(heights, heights[::-1], 0.37), 0.37)
    np.testing.assert_array_equal(rectified_excess(heights), 0)
    np.testing.assert_array_equal(rectified_covariance(-heights, heights, 0.37), 0)


def test_against_samples() -> None:
    rng = np.random.default_rng(11)
    x, z = rng.standard_normal((2, 1_000_000))
    h, k, rho = 0.4, -0.3, 0.6
    first = np.maximum(h + x, 0)
    second = np.maximum(k + rho * x + math.sqrt(1 - rho**2) * z, 0)
    products = (first - first.mean()) * (second - second.mean())
    error = products.std() / 1000
    assert abs(products.mean() - covariance(h, k, rho)) < 3.5 * error
    # rho P(h) P(k), what a linearised ReLU would give, is rejected
    linear = rho * 0.25 * math.erfc(-h / math.sqrt(2)) * math.erfc(-k / math.sqrt(2))
    assert abs(products.mean() - linear) > 10 * error


def test_heights_come_back():
    h = np.concatenate([np.linspace(-36, 9, 181), [9.5, 40.0, 1e8]])
    ratio = rectified_mean(h) / np.sqrt(rectified_covariance(h, h, np.ones_like(h)))
    np.testing.assert_allclose(matched_height(ratio), h, rtol=1e-13, atol=1e-10)


def test_a_ratio_below_all_is_the_lowest_height():
    assert matched_height(np.array([0.0, 1e-200])).tolist() == [-37.0, -37.0]


@pytest.mark.parametrize(("low", "high"), [(-2, 5), (-9, 0), (3, 30)])
def test_correlations_come_back(low, high):
    rng = np.random.default_rng(4)
    h, k = rng.uniform(low, high, (2, 500))
    rho = np.concatenate([rng.uniform(0, 1, 498), [0.0, 1.0]])
    h[-1] = k[-1]
    correlation = matched_correlation(h, k, rectified_covariance(h, k, rho))
    np.testing.assert_allclose(correlation, rho, rtol=0, atol=1e-12)


def test_a_covariance_that_none_has_gives_the_nearest_end():
    h, k = np.array([0.0]), np.array([1.0])
    most = rectified_covariance(h, k, np.ones(1))
    assert matched_correlation(h, k, most * 1.1).tolist() == [1.0]
