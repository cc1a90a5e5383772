"""Properties of any non-negative kernel, stride and depth, searched by hypothesis."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import scaledet as sd
from scaledet.theory.correlation.exact import correlations
from tests.dense import filter_sensitivities, one_pixel
from tests.network.test_network import build
from tests.theory.correlation.test_spectrum import STATED, relative_error


def steady(examples):
    """The same examples in every run, no time limit, nothing stored."""
    return settings(derandomize=True, deadline=None, max_examples=examples, database=None)


weights = st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any)
layer = st.tuples(weights, st.sampled_from([1, 1, 2, 3]))
layers_of_any_kind = st.lists(layer, min_size=1, max_size=4)


def size_for(layers, turns):
    """A feasible size."""
    total = math.prod(stride for _, stride in layers)
    longest = max(len(w) for w, _ in layers)
    return total * max(turns, -(-max(longest, 2) // total))


@steady(80)
@given(layers_of_any_kind, st.integers(1, 4), st.integers(1, 2))
def test_float_equals_exact_equals_reference(layers, turns, dim):
    size = size_for(layers, turns)
    expected = filter_sensitivities(layers, size, dim)
    dead = [k for k, (_, excess) in enumerate(expected) if not excess]
    net = build(layers, dim)
    if dead:
        with pytest.raises(sd.ExhaustionError) as caught:
            sd.predict(net, size=size)
        assert caught.value.layer == dead[0]
        return
    prediction = sd.predict(net, size=size)
    assert list(prediction.exact_D) == [sensitivity for sensitivity, _ in expected]
    for k, (sensitivity, excess) in enumerate(expected):
        assert relative_error(prediction.D[k], sensitivity) < STATED
        assert relative_error(prediction.Q[k], 2 * excess / net.strides[k] ** dim) < STATED


@steady(25)
@given(layers_of_any_kind, st.integers(1, 3))
def test_dense_matrices(layers, turns):
    size = size_for(layers, turns)
    assume(size <= 60)
    expected = one_pixel(layers, size)
    last = next((k for k, (_, spread) in enumerate(expected) if not spread), len(expected)) - 1
    assume(last > 0)
    prediction = sd.predict(build(layers[:last]), size=size)
    assert list(prediction.exact_D) == [sensitivity for sensitivity, _ in expected[: last + 1]]


@steady(40)
@given(layers_of_any_kind, st.integers(2, 30), st.integers(1, 3))
def test_input_sensitivity(layers, turns, dim):
    """D_0 = 1 / (1 - 1/L) whatever follows."""
    size = size_for(layers, turns)
    net = build(layers, dim)[:1]
    assume(size > 2)
    assume(filter_sensitivities(layers[:1], size, dim)[1][1] != 0)  # not exhausted
    prediction = sd.predict(net, size=size)
    assert prediction.exact_D[0] == 1 / (1 - Fraction(1, size**dim))
    assert relative_error(prediction.D[0], prediction.exact_D[0]) < STATED
    assert sd.predict(net).D[0] == 1


@steady(40)
@given(layers_of_any_kind, st.integers(2, 50), st.integers(0, 2))
def test_reversal_scaling_padding_and_bias_change_nothing(layers, factor, zeros):
    net = build(layers)
    plain = sd.predict(net)
    reversed_ = build([(w[::-1], s) for w, s in layers])
    scaled = build([([factor * v for v in w], s) for w, s in layers])
    padded = build([([0] * zeros + w + [0], s) for w, s in layers])
    biased = sd.Network([sd.Layer(w, s, bias=Fraction(factor, 7)) for w, s in layers])
    for other in (reversed_, scaled, padded, biased):
        prediction = sd.predict(other)
        assert prediction.exact_D == plain.exact_D
        for name in ("D", "G", "Q", "A", "support"):
            # The order of summation changes with the reversal: a few roundings.
            assert getattr(prediction, name) == pytest.approx(getattr(plain, name), rel=1e-13)


@steady(60)
@given(layers_of_any_kind)
def test_limits_that_no_filter_beats(layers):
    """c_k(0) >= 1/support; D_k >= 1 - cos(pi / (support + 1)), infinite lattice, d = 1."""
    net = build(layers)
    prediction = sd.predict(net)
    for k, c in enumerate(correlations(net)):
        assert Fraction(c.values[0], c.scale) >= Fraction(1, net.support[k])
        bound = 1 - math.cos(math.pi / (net.support[k] + 1))
        assert float(prediction.exact_D[k]) >= bound * (1 - 1e-12)  # rounding of the cosine
        assert 0 <= c.values[1] <= c.values[0]
    assert np.all(prediction.D <= 1 + 1e-15)


def sine_window(support, digits=10**9):
    return [round(digits * math.sin(math.pi * (j + 1) / (support + 1))) for j in range(support)]


@pytest.mark.parametrize("support", [2, 3, 8, 40])
def test_the_sine_window_attains_the_limit(support):
    prediction = sd.predict(sd.Network.uniform(sine_window(support), 1, depth=1))
    # weights rounded to 9 digits; D is stationary there, so its error is of second order
    assert prediction.D[1] == pytest.approx(1 - math.cos(math.pi / (support + 1)), rel=1e-12)


@steady(70)
@given(weights, st.integers(2, 4), st.booleans())
def test_stability_needs_the_sum_rule_and_span_one(a, stride, smooth):
    if smooth:  # half of the examples satisfy the sum rule
        longer = [0] * (len(a) + stride - 1)
        for i, value in enumerate(a):
            for j in range(stride):
                longer[i + j] += value
        a = longer
    assume(sum(v > 0 for v in a) > 1)
    exponents = sd.predict_exponents(kernel=a, stride=stride)
    sums = {sum(a[r::stride]) for r in range(stride)}
    positions = [j for j, v in enumerate(a) if v]
    span = math.gcd(*(j - positions[0] for j in positions))
    assert (exponents.alpha != 0) is (len(sums) == 1 and span == 1)
    assert 0 <= float(exponents.alpha) <= 2
    assert 0 <= float(exponents.beta) <= 1
    backwards = sd.predict_exponents(kernel=a[::-1], stride=stride)
    assert (backwards.alpha, backwards.beta) == (exponents.alpha, exponents.beta)


@steady(40)
@given(
    layers_of_any_kind, st.integers(1, 3), st.floats(1e-3, 30), st.sampled_from(["input", "noise"])
)
def test_noise_only_grows_from_its_mean(layers, turns, sigma, rectify):
    """G splits into positive parts; the mean part is at least that of the background alone."""
    size = size_for(layers, turns)
    net = build(layers)
    assume(all(excess for _, excess in filter_sensitivities(layers, size)))  # not exhausted
    prediction = sd.predict(net, size=size, sigma=sigma, rectify=rectify)
    units = np.array([size / stride for stride in net.strides])
    assert np.all(prediction.G_mean > 0)
    assert np.all(prediction.G_variance > 0)
    if rectify == "noise":
        mean = units * sigma**2 / (2 * np.pi)
        assert prediction.G_mean * prediction.Q == pytest.approx(mean, rel=STATED)
