"""Moments of the rectified noise against numerical quadrature."""

from __future__ import annotations

import math

import pytest

from scaledet.theory.noise.input import noise_moments
from tests.dense import perturbation_moments

SIGMAS = [1e-3, 0.03, 0.1, 0.2, 0.5, 1, 3, 30, 1e3]


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("rectify", ["input", "noise", None])
def test_moments_by_quadrature(sigma, rectify):
    moments = noise_moments(sigma, rectify)
    low = perturbation_moments(sigma, rectify, 0)
    high = perturbation_moments(sigma, rectify, 1)
    expected = [float(value) for value in (*low, *high)]
    # Quadrature is good to about 1e-25. In the active mean sigma phi - Phi cancels by the factor
    # (1/sigma)^2 <= 1e3 where it is not negligible: 1e3 roundings of 1e-16 of a number itself
    # below sigma; relative to sigma it is never worse than 1e-15.
    for value, target, unit in zip(moments, expected, (sigma, sigma**2) * 2, strict=True):
        assert value == pytest.approx(target, rel=1e-13, abs=1e-15 * unit)


def test_closed_forms_of_the_background():
    moments = noise_moments(2.0, "input")
    # a few roundings
    assert moments.background_mean == pytest.approx(2 / math.sqrt(2 * math.pi), rel=4e-16)
    assert moments.background_variance == pytest.approx(4 * (0.5 - 0.5 / math.pi), rel=1e-15)
    assert noise_moments(2.0, None) == (0.0, 4.0, 0.0, 4.0)


@pytest.mark.parametrize("sigma", [1e-150, 1e-30, 1e-5, 0.02])
def test_small_noise_leaves_the_active_pixel_linear(sigma):
    moments = noise_moments(sigma, "input")
    # The pixel switches off with probability Phi(-50) or less, far below one rounding.
    assert abs(moments.active_mean) < 1e-300
    assert moments.active_variance == pytest.approx(sigma**2, rel=4e-16)


@pytest.mark.parametrize("sigma", [1e10, 1e150])
def test_large_noise_forgets_the_pixel(sigma):
    moments = noise_moments(sigma, "input")
    # The pixel's height is a correction of relative order 1/sigma <= 1e-10.
    assert moments.active_mean == pytest.approx(moments.background_mean, rel=2e-10)
    assert moments.active_variance == pytest.approx(moments.background_variance, rel=2e-10)
