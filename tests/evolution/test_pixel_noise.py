"""Laws of pooled noise before and after the first rectification."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from scaledet.evolution.pixel_noise import Noise, checked_noise
from scaledet.theory.noise.input import noise_moments

POINTS = 2000


@pytest.mark.parametrize("sigma", [0.01, 0.3, 2.0])
def test_gaussian_noise_at_the_input_has_the_moments_of_the_linear_theory(sigma):
    noise = Noise("gaussian", sigma)
    expected = noise_moments(sigma, "input")
    background, active = noise.rectified(0.0, POINTS), noise.rectified(1.0, POINTS)
    assert background[1] == pytest.approx(expected.background_mean, rel=1e-14)
    assert background[0].variance == pytest.approx(expected.background_variance, rel=1e-14)
    assert active[1] == pytest.approx(expected.active_mean, rel=1e-12, abs=1e-300)
    assert active[0].variance == pytest.approx(expected.active_variance, rel=1e-12)


@pytest.mark.parametrize("height", [-30.0, -5.0, -1.0, 0.0, 3.0, 20.0])
def test_rectified_gaussian_in_both_tails(height):
    law, added = Noise("gaussian", 1.0).rectified(height, POINTS)
    assert law.log_atom == pytest.approx(stats.norm.logcdf(-height), rel=1e-12)
    assert law.mass == pytest.approx(stats.norm.sf(-height), rel=1e-12)
    # Mills' ratio: E relu(t + Z) = phi(t) (1 - |t| M(|t|)).
    t = abs(height)
    mills = (
        math.sqrt(math.pi / 2)
        * float(stats.norm.sf(t) / stats.norm.pdf(t))
        / math.sqrt(math.pi / 2)
    )
    tail = float(stats.norm.pdf(t)) * (1 - t * mills)
    expected = tail if height < 0 else height + tail
    # 1 - t M cancels by the factor t^2 = 900.
    assert law.edge + law.mean == pytest.approx(expected, rel=1e-11)
    assert added == pytest.approx(expected - height, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("bias", [-0.1, 0.0, 0.1])
def test_sum_of_two_laplace_variables(bias):
    """Density (1 + |x|/c) exp(-|x|/c) / (4 c) of the sum of two."""
    sigma = 0.2
    law, _ = Noise("laplace", sigma).pooled([(0.5, 2)], POINTS).rectified(bias, POINTS)
    c = sigma / math.sqrt(2) / 2  # the mean of two has half the scale
    x = np.linspace(max(0.0, -bias), 60 * c, 400_001)
    density = (1 + x / c) * np.exp(-x / c) / (4 * c)
    if bias <= 0:
        mass, mean = np.trapezoid(density, x), np.trapezoid(density * (x + bias), x)
        assert law.mass == pytest.approx(mass, rel=1e-7)  # the trapezoidal rule: 1e-8
        assert law.mean == pytest.approx(mean, rel=1e-7)
    else:
        below = (2 + bias / c) * math.exp(-bias / c) / 4
        assert law.atom == pytest.approx(below, rel=1e-4)  # a kink of third order inside the grid


@pytest.mark.parametrize("name", ["laplace", "uniform"])
def test_pooled_noise_is_centred_with_the_right_variance(name):
    noise = Noise(name, 0.3).pooled([(0.25, 1), (0.375, 2)], POINTS)
    law = noise.law(POINTS)
    x = law.grid
    assert law.step * law.values.sum() == pytest.approx(1, rel=1e-3)
    assert law.step * (law.values * x).sum() == pytest.approx(0, abs=1e-12)
    spread = 0.09 * (0.25**2 + 2 * 0.375**2)
    assert law.variance == pytest.approx(spread, rel=1e-14)
    assert law.step * (law.values * x**2).sum() == pytest.approx(spread, rel=2e-3)


def test_samples_keep_their_mean_and_variance():
    samples = np.random.default_rng(0).exponential(0.1, 5000) - 0.08
    noise = checked_noise(samples, None)
    assert (noise.mean, noise.sigma) == (samples.mean(), samples.std())
    law, added = noise.rectified(0.0, POINTS)
    rectified = np.maximum(samples, 0)
    # Each sample is shared between neighbours one step apart: a second-order error.
    assert law.atom == pytest.approx(np.mean(samples <= 0), abs=5e-3)
    assert law.mean == pytest.approx(rectified.mean(), rel=1e-3)
    assert law.variance == pytest.approx(rectified.var(), rel=2e-3)
    assert added == pytest.approx(rectified.mean() - samples.mean(), rel=2e-3)
