"""The derivation of G_k where every layer rectifies, and the quadrature it is held to."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp

import scaledet as sd
from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.errors import DerivationError
from scaledet.reference.quadrature import both_on, expectation
from scaledet.reference.rectified_units import LayeredNoise, torus_noise
from scaledet.symbolic.steps.rectified_network import derive_layers
from scaledet.symbolic.steps.rectified_units import (
    PAGE,
    boxes_law,
    flat_law,
    growth_step,
    layer_noise_law,
    layer_noise_steps,
)
from scaledet.symbols import c, d, k
from scaledet.theory.noise.layers import layer_noise
from tests.mutation import mutants


@pytest.mark.parametrize("dim", [d, 1, 2, 3])
def test_every_step_is_confirmed(dim):
    steps = [*layer_noise_steps(dim), flat_law(dim), boxes_law(dim), growth_step(dim)]
    assert all(step.verify() for step in steps)
    assert all(step.status == "proved" for step in steps)


def test_law_against_the_engine():
    net = sd.Network([sd.Layer([1, 2, 4], 2), sd.Layer(3), sd.Layer([3, 1], 2)], dim=2)
    predicted = sd.predict(net, rectify="layers")
    law = layer_noise_steps(2)[-1].expression.rhs
    peaks = 1 / (2 * np.pi * sd.predict(net).G_mean) ** 0.5
    for depth in (1, 2, 3):
        values = {
            c(1, 0): peaks[1],
            c(k, 0): peaks[depth],
            y.G_variance(k): predicted.G_variance[depth],
        }
        assert float(law.subs(values)) == pytest.approx(predicted.G[depth], rel=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize(
    ("kernel", "stride"), [(3, 1), (3, 2), ([1, 2, 1], 2), ([1, 0, 1], 1), ([5, 1], 3), (7, 4)]
)
def test_fluctuations_stay_between_a_quarter_and_their_first_value(kernel, stride, dim):
    net = sd.Network.uniform(kernel, stride, 12, dim=dim)
    spread = sd.predict(net, rectify="layers").G_variance
    assert (spread[1:] <= (math.pi - 1) / (2 * math.pi) + 1e-15).all()
    assert (spread[1:] >= 0.25).all()
    assert spread[1] == pytest.approx((math.pi - 1) / (2 * math.pi), rel=1e-14)


def test_numbers_of_a_network():
    net = sd.Network([sd.Layer([1, 2]), sd.Layer([1, 1, 3], 2)], dim=2)
    derived = sd.derive(net, rectify="layers")
    predicted = sd.predict(net, rectify="layers").G[2]
    assert float(derived.result["G_2"]) == pytest.approx(predicted, 1e-13)
    assert "beta" not in derived.result
    deep = sd.derive(sd.Network.uniform(3, 2, 20), rectify="layers")
    assert "G_20" not in deep.result
    assert deep.result["beta"] == sd.predict_exponents(kernel=3, stride=2).beta


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), ([1, 2, 1], 1), ([1, 0, 1], 1)])
def test_equal_layers_have_the_page_of_their_filter_and_numbers(kernel, stride):
    single = sd.derive(kernel=kernel, stride=stride, rectify="layers")
    many = sd.derive(sd.Network.uniform(kernel, stride, 4), rectify="layers")
    assert many.abstract == single.abstract
    assert [step.expression for step in many.steps[:-1]] == [
        step.expression for step in single.steps
    ]
    assert set(many.result) == {*single.result, "G_4"}


@pytest.mark.parametrize("dim", [d, 1, 2, 3])
def test_networks_cite_the_law(dim):
    cited, derived = layer_noise_law(dim), layer_noise_steps(dim)[-1]
    assert cited.expression == derived.expression
    assert cited.verify() == derived.verify()
    assert PAGE in cited.justification


def test_amplitude_of_one_filter():
    result = sd.derive(kernel=[1, 2, 1], rectify="layers").result
    assert sp.simplify(result["G_prefactor"] - c(1, 0) * sp.sqrt(sp.pi / 3) / (2 * sp.pi)) == 0
    net = sd.Network.uniform([1, 2, 1], 1, 2000)
    mean = sd.predict(net, rectify="layers")
    amplitude = float(result["G_prefactor"].subs(c(1, 0), sp.Rational(3, 8)))
    assert mean.G_mean[-1] / mean.A[-1] == pytest.approx(amplitude, rel=1e-3)


def test_wrong_numbers_are_caught():
    derivation = derive_layers(1, net=sd.Network([sd.Layer(2), sd.Layer(2, 2)]))
    step = derivation.steps[-1]
    assert step.verify()
    for _, wrong in mutants(step.expression):
        with pytest.raises(DerivationError):
            step.claiming(wrong).verify()


def test_quadrature_of_signs():
    assert float(both_on(0.5)) == pytest.approx(1 / 3, rel=1e-15)


def test_sums_over_weights_and_tori_against_the_engine():
    layers = (((1, 1), 1), ((3, 1), 2))
    net = sd.Network([sd.Layer([1, 1]), sd.Layer([3, 1], 2)])
    predicted = sd.predict(net, rectify="layers")
    noise = LayeredNoise(layers)
    for depth in (1, 2):
        drift, spread = noise.parts(depth, 1)
        assert float(drift) == pytest.approx(predicted.G_mean[depth], rel=1e-13)
        assert float(spread) == pytest.approx(predicted.G_variance[depth], rel=1e-13)
        on_tori = torus_noise(layers, depth, (256, 320))
        assert on_tori == pytest.approx(predicted.G[depth], rel=1e-12)
    mean, variance = layer_noise(net, None, None)
    assert mean[0] == 0
    assert variance[0] == 2


@pytest.mark.parametrize(("dim", "error"), [(4, ValueError), (0, ValueError), ("d", TypeError)])
def test_refused(dim, error):
    with pytest.raises(error, match="dim must be an integer"):
        layer_noise_steps(dim)


def test_quadrature_is_certified_near_correlation_one() -> None:
    rho = 1 - 1e-13
    with mpmath.workdps(40):
        exact = mpmath.mpf(1) / 4 + mpmath.asin(rho) / (2 * mpmath.pi)
        assert abs(both_on(rho) / exact - 1) < mpmath.mpf(10) ** -30
    with pytest.raises(ArithmeticError, match=r"is known to .* only"):
        expectation(lambda z: z * (1 / (z - z)))
