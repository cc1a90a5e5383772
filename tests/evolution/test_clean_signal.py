"""Clean images, exactly; brute force over whole images is in test_evolution."""

from __future__ import annotations

from fractions import Fraction

import pytest

import scaledet as sd
from scaledet.evolution import clean_signal as signal_paths
from scaledet.evolution.clean_signal import clean_layers, slot_weights


def test_weights_of_all_slots_add_up():
    layer = sd.Layer([1, 2, 4], stride=4)
    for axes in (1, 2, 3):
        weights = slot_weights(layer, axes)
        assert sum(weights.values()) == 1
        assert sum(w * p for w, p in weights.items()) == Fraction(1, 4**axes)
        assert weights[Fraction(0)] == 1 - Fraction(3, 4) ** axes


@pytest.mark.parametrize("copies", [2, 3, 8])
@pytest.mark.parametrize("bias", [Fraction(-1, 1000), Fraction(-1, 30)])
def test_the_active_unit_at_constant_bias(copies, bias):
    """n^-k - |b| (1 - n^-k) n/(n - 1), then 0."""
    net = sd.Network.uniform(copies, copies, depth=8, bias=bias)
    for k, layer in enumerate(clean_layers(net, None if copies > 3 else copies**9)):
        share = Fraction(1, copies**k)
        b = 0 if copies > 3 else bias  # the infinite lattice feels no bias
        expected = share + b * (1 - share) * Fraction(copies, copies - 1)
        assert set(layer.heights) == {max(expected, Fraction(0))}
        assert layer.alive == (expected > 0)


@pytest.mark.parametrize("kernel", [2, [1, 2], [1, 2, 4]])
@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("size", [None, 1])
def test_without_bias_it_is_the_linear_theory(kernel, dim, size):
    stride = 3
    net = sd.Network.uniform(kernel, stride, 3, dim)
    size = None if size is None else 54
    exact = sd.predict(net, size=size)
    for k, layer in enumerate(clean_layers(net, size)):
        assert layer.displacement / layer.distance == exact.exact_D[k]
        assert float(layer.distance) == pytest.approx(exact.Q[k], rel=1e-14)


def test_a_torus_of_one_unit_still_tells_slots_of_unequal_weight_apart():
    net = sd.Network.uniform([1, 2], 2, 2)
    last = list(clean_layers(net, 4))[-1]
    heights = {Fraction(1, 9), Fraction(2, 9), Fraction(4, 9)}
    assert set(last.heights) == heights
    assert last.displacement / last.distance == sd.predict(net, size=4).exact_D[2]


def test_too_many_heights_are_refused(monkeypatch):
    monkeypatch.setattr(signal_paths, "_MOST", 200)
    biases = [Fraction(-1, 10**9 + k) for k in range(6)]
    net = sd.Network([sd.Layer([1, 2, 4], 3, bias) for bias in biases])
    with pytest.raises(ValueError, match="depth must be at most 4 for these unequal weights"):
        list(clean_layers(net, 3**7))
