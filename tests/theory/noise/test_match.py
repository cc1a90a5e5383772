"""Rectified Gaussian variables found again from their moments."""

from __future__ import annotations

import numpy as np
import pytest

from scaledet.theory.noise.gaussians import rectified_covariance, rectified_mean
from scaledet.theory.noise.match import matched_correlation, matched_height


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
    found = matched_correlation(h, k, rectified_covariance(h, k, rho))
    np.testing.assert_allclose(found, rho, rtol=0, atol=1e-12)


def test_a_covariance_that_none_has_gives_the_nearest_end():
    h, k = np.array([0.0]), np.array([1.0])
    most = rectified_covariance(h, k, np.ones(1))
    assert matched_correlation(h, k, most * 1.1).tolist() == [1.0]
