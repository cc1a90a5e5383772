"""D_k and Q_k through any biases: against Fractions, the recursion, and samples."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.theory.signal.clean_images import clean_moments, window
from tests import dense as reference
from tests.network.test_network import build

CASES = [
    ([([1, 2, 1], 1), ([1, 1], 2)], ("-1/10", "-1/20"), 8, 1),
    ([([2, 1, 1], 2), ([1, 2], 1), ([1, 1], 2)], ("1/5", "-1/4", "1/8"), 16, 1),
    ([([1, 1, 1], 1), ([1, 1], 1)], ("-1/5", "-1/30"), 20, 1),
    ([([1, 2], 1), ([1, 1], 2)], ("-1/20", "-1/50"), 4, 2),
    ([([1, 2], 2), ([2, 1], 1)], ("-1/40", "-1/80"), 4, 3),
]


@pytest.mark.parametrize(("layers", "biases", "size", "dim"), CASES)
def test_against_fractions(layers, biases, size, dim):
    biases = [Fraction(bias) for bias in biases]
    net = sd.Network(
        [sd.Layer(*layer, bias=b) for layer, b in zip(layers, biases, strict=True)], dim
    )
    moments = np.array(clean_moments(net, size)).T
    for row, exact in zip(moments, reference.biased_images(layers, biases, size, dim), strict=True):
        assert row == pytest.approx([float(value) for value in exact], rel=1e-12)
    unbiased = sd.predict(build(layers, dim), size=size)
    assert not np.allclose(moments[1:, 0], unbiased.D[1:], rtol=1e-3)


@pytest.mark.parametrize("bias", [0, 0.3])
def test_the_recursion_is_the_case_of_no_negative_bias(bias):
    layers = [sd.Layer(3, 1, bias), sd.Layer([1, 2, 1], 2), sd.Layer([2, 1], 2, bias)]
    for dim, size in ((1, 64), (1, 12), (2, 16)):
        net = sd.Network(layers, dim)
        exact = sd.predict(net, size=size)
        sensitivity, distance = clean_moments(net, size)
        np.testing.assert_allclose(sensitivity, exact.D, rtol=1e-12)
        np.testing.assert_allclose(distance, exact.Q, rtol=1e-12)


def test_window_does_not_matter(monkeypatch):
    net = sd.Network.uniform([1, 2, 1], 2, 2, bias=-0.01)
    assert window(net, 64) == 16
    small = clean_moments(net, 64)
    monkeypatch.setattr("scaledet.theory.signal.clean_images.window", lambda _, size: size)
    np.testing.assert_allclose(small, clean_moments(net, 64), rtol=1e-13)


def test_a_dead_signal_is_refused():
    net = sd.Network.uniform(2, 1, 5, bias=-0.1)
    with pytest.raises(sd.ExhaustionError, match=r"layer 4 .*bias switches every unit off") as info:
        sd.predict(net, size=16, method="closure")
    assert (info.value.layer, info.value.largest_depth) == (4, 3)
    with pytest.raises(sd.ExhaustionError, match=r"at most 2 on size 8.*rounding"):
        sd.predict(sd.Network.uniform(2, 2, 3, bias=-1e-9), size=8, method="closure")
    with pytest.raises(ValueError, match="depth must be smaller with negative biases"):
        clean_moments(sd.Network.uniform(2, 2, 6, dim=3, bias=-1e-9), 4096)


def test_against_simulation():
    net = sd.Network([sd.Layer([1, 2, 1], bias=-0.1), sd.Layer(3, 2, bias=-0.01)])
    p = sd.predict(net, size=12, rectify="layers", method="closure")
    m = sd.simulate(net, size=12, rectify="layers", samples=200_000, rng=12)
    for name in ("D", "Q"):
        pull = (getattr(m, name) - getattr(p, name)) / getattr(m, f"{name}_err")
        assert np.abs(pull).max() < 4
    plain = sd.predict(sd.Network([sd.Layer([1, 2, 1]), sd.Layer(3, 2)]), size=12)
    assert (np.abs(m.D - plain.D) / m.D_err)[1:].min() > 10
