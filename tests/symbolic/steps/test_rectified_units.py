"""The derivation of G_k where every layer rectifies, and the quadrature it is held to."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import scaledet as sd
from scaledet import symbols as y
from scaledet.errors import DerivationError
from scaledet.reference.rectified_units import (
    LayeredNoise,
    both_on,
    rectified_covariance,
    torus_noise,
)
from scaledet.symbolic.steps.rectified_network import derive_layers
from scaledet.symbolic.steps.rectified_units import (
    boxes_law,
    flat_law,
    growth_step,
    layer_noise_steps,
)
from scaledet.symbols import c, d, k
from scaledet.theory.noise.layers import layer_noise
from tests import dense as reference
from tests.mutation import mutants

PACKAGE = Path(__file__).parents[1] / "scaledet"


@pytest.mark.parametrize("dim", [d, 1, 2, 3])
def test_every_step_is_confirmed(dim):
    steps = [*layer_noise_steps(dim), flat_law(dim), boxes_law(dim), growth_step(dim)]
    assert all(step.verify() for step in steps)
    assert all(step.status == "proved" for step in steps)


def test_law_against_the_engine():
    net = sd.Network([sd.Layer([1, 2, 4], 2), sd.Layer(3), sd.Layer([3, 1], 2)], dim=2)
    found = sd.predict(net, rectify="layers")
    law = layer_noise_steps(2)[-1].expression.rhs
    peaks = 1 / (2 * np.pi * sd.predict(net).G_mean) ** 0.5
    for depth in (1, 2, 3):
        values = {
            c(1, 0): peaks[1],
            c(k, 0): peaks[depth],
            y.G_variance(k): found.G_variance[depth],
        }
        assert float(law.subs(values)) == pytest.approx(found.G[depth], rel=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize(
    ("kernel", "stride"), [(3, 1), (3, 2), ([1, 2, 1], 2), ([1, 0, 1], 1), ([5, 1], 3), (7, 4)]
)
def test_fluctuations_stay_between_a_quarter_and_their_first_value(kernel, stride, dim):
    found = sd.predict(sd.Network.uniform(kernel, stride, 12, dim=dim), rectify="layers").G_variance
    assert (found[1:] <= (math.pi - 1) / (2 * math.pi) + 1e-15).all()
    assert (found[1:] >= 0.25).all()
    assert found[1] == pytest.approx((math.pi - 1) / (2 * math.pi), rel=1e-14)


def test_numbers_of_a_network():
    net = sd.Network([sd.Layer([1, 2]), sd.Layer([1, 1, 3], 2)], dim=2)
    found = sd.derive(net, rectify="layers")
    assert float(found.result["G_2"]) == pytest.approx(
        sd.predict(net, rectify="layers").G[2], 1e-13
    )
    assert "beta" not in found.result
    deep = sd.derive(sd.Network.uniform(3, 2, 20), rectify="layers")
    assert "G_20" not in deep.result
    assert deep.result["beta"] == sd.predict_exponents(kernel=3, stride=2).beta


def test_amplitude_of_one_filter():
    found = sd.derive(kernel=[1, 2, 1], rectify="layers").result
    assert sp.simplify(found["G_prefactor"] - c(1, 0) * sp.sqrt(sp.pi / 3) / (2 * sp.pi)) == 0
    net = sd.Network.uniform([1, 2, 1], 1, 2000)
    mean = sd.predict(net, rectify="layers")
    amplitude = float(found["G_prefactor"].subs(c(1, 0), sp.Rational(3, 8)))
    assert mean.G_mean[-1] / mean.A[-1] == pytest.approx(amplitude, rel=1e-3)


def test_wrong_numbers_are_caught():
    derivation = derive_layers(1, net=sd.Network([sd.Layer(2), sd.Layer(2, 2)]))
    step = derivation.steps[-1]
    assert step.verify()
    for _, wrong in mutants(step.expression):
        with pytest.raises(DerivationError):
            step.claiming(wrong).verify()


def test_quadrature_against_the_reference():
    for first, second, rho in ((0, 0, 0.3), (1, 2, 0.5), (0, 3, 0.9)):
        expected = float(reference.rectified_covariance(float(first), float(second), rho))
        assert float(rectified_covariance(first, second, rho)) == pytest.approx(expected, rel=1e-13)
    assert float(both_on(0.5)) == pytest.approx(1 / 3, rel=1e-15)


def test_sums_over_weights_and_tori_against_the_engine():
    layers = (((1, 1), 1), ((3, 1), 2))
    net = sd.Network([sd.Layer([1, 1]), sd.Layer([3, 1], 2)])
    found = sd.predict(net, rectify="layers")
    noise = LayeredNoise(layers)
    for depth in (1, 2):
        drift, spread = noise.parts(depth, 1)
        assert float(drift) == pytest.approx(found.G_mean[depth], rel=1e-13)
        assert float(spread) == pytest.approx(found.G_variance[depth], rel=1e-13)
        assert torus_noise(layers, depth, (256, 320)) == pytest.approx(found.G[depth], rel=1e-12)
    mean, variance = layer_noise(net, None, None)
    assert mean[0] == 0
    assert variance[0] == 2


@pytest.mark.parametrize(("dim", "error"), [(4, ValueError), (0, ValueError), ("d", TypeError)])
def test_refused(dim, error):
    with pytest.raises(error, match="dim must be an integer"):
        layer_noise_steps(dim)
