"""Laws and moments of the units, layer by layer."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.evolution.density import noisy_layers, weight_groups
from scaledet.evolution.pixel_noise import Noise

NOISE = Noise("gaussian", 0.2)


def test_groups_count_every_input_of_a_unit():
    for weights, dim in (([1, 2], 1), ([1, 2], 3), ([1, 0, 1, 2], 2)):
        layer = sd.Layer(weights, stride=5)
        groups = weight_groups(layer, dim)
        assert sum(weight * count for weight, count in groups) == 1
        assert sum(count for _, count in groups) == sum(w > 0 for w in weights) ** dim
        assert [weight for weight, _ in groups] == sorted({weight for weight, _ in groups})


@pytest.mark.parametrize("rectify", ["layers", "input", "noise"])
@pytest.mark.parametrize(("kernel", "stride"), [([1, 2], 2), ([2, 1], 3), ([1, 3, 1], 3)])
def test_moments_after_the_last_cut_are_those_of_the_laws(rectify, kernel, stride):
    """A last bias of -1e-30 keeps the laws of all slots; without it only moments are carried."""
    layers = [sd.Layer(kernel, stride, bias) for bias in (Fraction(-1, 50), Fraction(1, 90))]
    last = [sd.Layer(kernel, stride, bias) for bias in (0, Fraction(-1, 10**30))]
    short, full = (
        noisy_layers(sd.Network([*layers, end]), NOISE, rectify, 1500, active=True)[-1]
        for end in last
    )
    assert short.active == ()
    assert len(full.active) == len({*kernel}) ** 3
    assert float(sum(unit.probability for unit in full.active)) == pytest.approx(full.seen)
    assert short.seen == full.seen
    assert short.active_shift == pytest.approx(full.active_shift, rel=1e-7)
    assert short.active_square == pytest.approx(full.active_square, rel=1e-7)


def test_active_units_are_the_pixels_of_a_unit_one_by_one():
    """The mean over slots of every unit's law, simulated."""
    net = sd.Network([sd.Layer([1, 3], 2, -0.1), sd.Layer([1, 3], 2, -0.05)])
    layer = noisy_layers(net, NOISE, "layers", 1500, active=True)[2]
    rng = np.random.default_rng(8)
    units = sorted((float(unit.clean), unit) for unit in layer.active if unit.clean)
    for pixel in range(4):
        clean = np.zeros(4)
        clean[pixel] = 1
        noisy = clean + rng.normal(0, 0.2, (200_000, 4))
        for bias in (-0.1, -0.05):
            clean, noisy = (
                np.maximum(x.reshape(*x.shape[:-1], -1, 2) @ np.array([0.25, 0.75]) + bias, 0)
                for x in (clean, noisy)
            )
        if not clean[0]:
            continue
        unit = next(unit for height, unit in units if abs(height - clean[0]) < 1e-12)
        change = (noisy - clean)[:, 0]
        error = change.std() / np.sqrt(len(change))
        assert abs(change.mean() - unit.shift) < 4 * error
        square = change**2
        assert abs(square.mean() - unit.square) < 4 * square.std() / np.sqrt(len(square))


def test_background_only():
    layers = noisy_layers(sd.Network.uniform(2, 2, 3), NOISE, "input", 600, active=False)
    assert all(layer.active == () for layer in layers)
    assert [layer.active_square for layer in layers] == [0] * 4
    assert [layer.shift for layer in layers] == pytest.approx([layers[0].shift] * 4)
