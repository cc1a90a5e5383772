"""Gaussian and Lanczos filters: exact sums, the formula up to the documented rounding, refusals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import norm

import scaledet as sd


@pytest.mark.parametrize(("length", "sigma"), [(7, 1), (5, Fraction(4, 5)), (4, 0.5), (31, 2.5)])
def test_gaussian_is_the_sampled_density(length, sigma):
    kernel = sd.gaussian(length, sigma)
    places = np.arange(length) - (length - 1) / 2
    values = norm.pdf(places, scale=float(sigma))
    values /= values.max()
    units = np.array([float(w / max(kernel)) for w in kernel])
    assert np.abs(units - values).max() <= 5.1e-13
    assert sum(kernel) == 1
    assert kernel.weights == kernel.weights[::-1]


def test_gaussian_weights_are_whole_numbers_of_the_twelfth_decimal():
    kernel = sd.gaussian(3, 1)
    assert kernel == sd.Kernel([606530659713, 10**12, 606530659713])


def test_even_gaussians_meet_the_sum_rule_at_stride_2_and_odd_ones_do_not():
    assert sd.gaussian(6, 1).sum_rule_defect(2) == 0
    assert sd.gaussian(7, 1).sum_rule_defect(2) > 0.01


def test_the_narrowest_and_the_widest_gaussian():
    assert sd.gaussian(5, 0.01).trimmed == (1,)
    assert sd.gaussian(4, 0.01).trimmed == (1, 1)
    assert sd.gaussian(5, 1e200).is_box


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("lobes", [1, 2, 3])
def test_lanczos_is_the_windowed_sinc(stride, lobes):
    kernel = sd.lanczos(stride, lobes)
    length = 2 * lobes * stride - stride % 2
    places = (np.arange(length) - (length - 1) / 2) / stride
    values = np.sinc(places) * np.sinc(places / lobes)
    np.testing.assert_allclose([float(w) for w in kernel], values / values.sum(), atol=2e-12)
    assert kernel.signed
    assert sum(kernel) == 1
    assert kernel.weights == kernel.weights[::-1]
    assert (min(kernel) < 0) == (lobes > 1 and stride > 1)


def test_lanczos_is_simulated_and_not_predicted():
    net = sd.Network.uniform(sd.lanczos(2, lobes=1), 2, 2)
    assert sd.simulate(net, size=16, samples=100, rng=0).D[0] > 0
    with pytest.raises(ValueError, match="simulate"):
        sd.predict(net, size=16)


WRONG = {
    "length must be an integer": lambda: sd.gaussian(2.0, 1),
    "length must be an integer in": lambda: sd.gaussian(0, 1),
    "sigma must be a finite real number >= 0.01; got 0": lambda: sd.gaussian(3, 0),
    "sigma must be a finite real number >= 0.01; got nan": lambda: sd.gaussian(3, float("nan")),
    "sigma must be a finite real number >= 0.01; got '1'": lambda: sd.gaussian(3, "1"),
    "stride must be an integer": lambda: sd.lanczos("kernel"),
    "lobes must be an integer in": lambda: sd.lanczos(2, 0),
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        WRONG[message]()
