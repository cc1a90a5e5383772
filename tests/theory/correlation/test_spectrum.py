"""The floating-point route at stride 1 against exact rationals, to 1e-12, up to depth 10^4."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
import pytest

import scaledet as sd
from scaledet.theory.correlation.spectrum import stride_one_moments
from tests.dense import (
    composite_filters,
    filter_sensitivities,
    stride_one_correlation,
    stride_one_sensitivity,
)
from tests.network.test_network import build

# The accuracy that scaledet states; everything here is compared with exact rationals.
STATED = 1e-12
DEPTHS = (1, 2, 3, 10, 100, 1000, 10_000)


def relative_error(value, exact):
    """|value / exact - 1| without rounding the exact number first."""
    return abs(Fraction(float(value)) / exact - 1)


@cache
def exact_correlation(weights, depth):
    return stride_one_correlation(list(weights), depth)


@pytest.mark.parametrize("weights", [(1, 1), (1, 1, 1), (1, 2, 1), (5, 2, 1, 3)])
@pytest.mark.parametrize("size", [None, 256, 81])
def test_relative_error_up_to_depth_ten_thousand(weights, size):
    net = sd.Network.uniform(list(weights), 1, depth=DEPTHS[-1])
    moments = stride_one_moments(net, net.depth, size)
    for k in DEPTHS:
        sensitivity, excess = stride_one_sensitivity(*exact_correlation(weights, k), size)
        if excess < Fraction(np.finfo(float).tiny):
            assert moments.excess[k] == 0.0
        else:
            assert relative_error(moments.excess[k], excess) < STATED
        assert relative_error(moments.ratio[k], sensitivity) < STATED
        peak = excess + (Fraction(1, size) if size else 0)
        assert relative_error(moments.peak[k], peak) < STATED


def test_predict_at_depth_ten_thousand_in_two_dimensions():
    net = sd.Network.uniform(2, 1, depth=10_000, dim=2)
    prediction = sd.predict(net, size=256)
    for k in (0, 1, 77, 1000, 10_000):
        sensitivity, excess = stride_one_sensitivity(*exact_correlation((1, 1), k), 256)
        zero = excess + Fraction(1, 256)
        square = zero**2 - Fraction(1, 256**2)
        assert relative_error(prediction.D[k], sensitivity * excess * zero / square) < STATED
        assert relative_error(prediction.Q[k], 2 * square) < STATED


@pytest.mark.parametrize("size", [None, 3, 4, 5, 8, 30])
@pytest.mark.parametrize(
    "layers",
    [
        [([1, 1], 1)] * 12,
        [([1, 2, 1], 1), ([1, 0, 1], 1)] * 6,
        [([3, 1], 1)] * 5 + [([1], 1)] * 3 + [([1, 1, 1], 1)] * 5,
        [([0, 1, 3], 1)] * 9,
        [([10**9, 1, 10**9], 1)] * 9,
        [([1, 0, 1], 1)] * 9,
        [([10**9, 1], 1)] * 9,
    ],
)
def test_small_sizes_and_unequal_layers(layers, size):
    if size is not None and size < max(len(weights) for weights, _ in layers):
        size = 2 * size + 1
    expected = filter_sensitivities(layers, size)
    alive = next((k for k, (_, excess) in enumerate(expected) if not excess), len(expected))
    net = build(layers)
    with np.errstate(invalid="ignore"):  # the ratio of an exhausted layer is 0 / 0, as in predict
        moments = stride_one_moments(net, net.depth, size)
    for k, (sensitivity, excess) in enumerate(expected[:alive]):
        assert relative_error(moments.ratio[k], sensitivity) < STATED
        assert relative_error(moments.excess[k], excess) < STATED
    assert not moments.excess[alive:].any()


def test_a_frequency_that_dominates_late_survives():
    """200 layers damp frequency 2 of 4 below e^-120 of frequency 1; the next kills frequency 1."""
    layers = [([3, 1], 1)] * 200 + [([1, 0, 1], 1)] * 2
    expected = filter_sensitivities(layers, 4)
    assert expected[-1][0] == 2
    prediction = sd.predict(build(layers), size=4)
    for k in (199, 200, 201, 202):
        assert relative_error(prediction.D[k], expected[k][0]) < STATED
        assert relative_error(prediction.Q[k], 2 * expected[k][1]) < STATED


def test_a_nearly_vanishing_frequency_is_accurate_when_it_is_all_that_is_left():
    """|a^(pi)|^2 = 1e-18 is no exact zero; the second layer leaves nothing else."""
    layers = [([500_000_001, 500_000_000], 1), ([1, 0, 1], 1)]
    expected = filter_sensitivities(layers, 4)
    prediction = sd.predict(build(layers), size=4)
    assert relative_error(prediction.Q[2], 2 * expected[2][1]) < STATED


@pytest.mark.parametrize("length", [2, 3, 5])
def test_dirichlet_saturation(length):
    """Deep at stride 1 only the lowest frequency is left: D_k -> 1 - cos(2 pi / N)."""
    size = 16
    prediction = sd.predict(sd.Network.uniform(length, 1, depth=1200), size=size)
    # What is left of the next frequency: (|a^(2)| / |a^(1)|)^2400 < e^-150.
    assert prediction.D[-1] == pytest.approx(1 - np.cos(2 * np.pi / size), rel=1e-13)
    assert np.all(np.diff(prediction.D) <= 1e-15)


@pytest.mark.parametrize("size", [64, 65])
def test_span_two(size):
    """[1, 0, 1]: D_k = 1 on the infinite lattice; on an even torus it tends to 2."""
    net = sd.Network.uniform([1, 0, 1], 1, depth=20_000)
    infinite = sd.predict(net)
    assert pytest.approx(np.ones(net.depth + 1), rel=STATED) == infinite.D
    prediction = sd.predict(net, size=size)
    # Left besides pi: the lowest frequencies, damped by cos(2 pi / N)^40000 < e^-180 (even N). On
    # an odd torus the pair (N +- 1)/2 is left, with 1 - cos(pi - pi / N).
    target = 2 if size % 2 == 0 else 1 + np.cos(np.pi / size)
    assert prediction.D[-1] == pytest.approx(target, rel=1e-12)


def test_composite_filter_of_the_reference_is_the_power():
    h, total = composite_filters([([1, 1], 1)] * 10)[-1]
    assert h == [1, 10, 45, 120, 210, 252, 210, 120, 45, 10, 1]
    assert total == 1024
