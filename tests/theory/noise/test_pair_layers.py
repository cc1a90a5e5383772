"""Two pixels, rectify="layers": against all pairs, by dense quadrature, and against samples."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from tests import dense as reference
from tests.network.test_network import build

SKEW = [([2, 1, 1], 1), ([1, 2], 2)]
STRIDED = [([1, 1, 2], 2), ([2, 1], 1), ([1, 1], 2)]
CASES = [
    (SKEW, {"size": 6, "xi": 2, "gap": 0}),
    (SKEW, {"size": 8, "xi": 4, "variant": "T2"}),
    (SKEW, {"size": 6, "xi": 2, "gap": 0, "periodic": False}),
    (STRIDED, {"size": 8, "xi": 3, "gap": 1}),
    (STRIDED, {"size": 12, "xi": 3, "variant": "T2"}),  # blocks and grid have no common phase
    (STRIDED, {"size": 8, "xi": 3, "gap": 1, "periodic": False}),
    ([([1, 2], 2), ([2, 1], 1)], {"size": 4, "xi": 2, "variant": "T2", "dim": 2}),
    ([([1, 2], 2), ([2, 1], 1)], {"size": 4, "xi": 2, "gap": 0, "dim": 2, "periodic": False}),
]


@pytest.mark.parametrize(("layers", "options"), CASES)
@pytest.mark.parametrize(("sigma", "balanced"), [(0.05, False), (0.7, True)])
def test_against_all_pairs(layers, options, sigma, balanced):
    task = sd.ScaleDetection(**options)
    size, dim = task.size, task.dim
    net = build(layers, dim)
    prediction = sd.predict(net, task=task, sigma=sigma, balanced=balanced, rectify="layers")
    pairs = reference.pixel_pairs(**{"gap": task.gap, **options})
    actives, weights = reference.weighted_pairs(pairs, balanced)
    weights = [float(weight) for weight in weights]
    mean, variance = reference.layered_noise(layers, size, dim, sigma, actives, weights).T
    spread = prediction.Q[1:]
    np.testing.assert_allclose(prediction.G[1:], (mean + variance) / spread, rtol=1e-11)
    np.testing.assert_allclose(prediction.G_mean[1:], mean / spread, rtol=1e-9)
    assert prediction.G[0] * prediction.Q[0] == pytest.approx(size**dim * sigma**2, rel=1e-14)
    plain = sd.predict(net, task=task, balanced=balanced)
    for name in ("D", "Q"):
        assert np.array_equal(getattr(prediction, name), getattr(plain, name))


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("options", [{"variant": "T2"}, {"gap": 1}, {"gap": 1, "periodic": False}])
def test_a_layer_that_does_not_pool_rectifies_the_input(options, balanced):
    task = sd.ScaleDetection(size=16, xi=4, **options)
    rest = [sd.Layer(3), sd.Layer([1, 2], 2)]
    late = sd.predict(
        sd.Network([sd.Layer(1), *rest]), task=task, balanced=balanced, rectify="layers"
    )
    early = sd.predict(sd.Network(rest), task=task, balanced=balanced)
    np.testing.assert_allclose(late.G[1:], early.G, rtol=1e-11)
    np.testing.assert_allclose(late.G_mean[1:], early.G_mean, rtol=1e-11)


def test_positive_bias():
    task = sd.ScaleDetection(size=6, xi=2, gap=0)
    layers = [sd.Layer([2, 1, 1], 1, bias=0.125), sd.Layer([1, 2], 2, bias=1)]
    prediction = sd.predict(sd.Network(layers), task=task, sigma=0.3, rectify="layers")
    actives, weights = reference.weighted_pairs(reference.pixel_pairs(6, 2), False)
    weights = [float(weight) for weight in weights]
    parts = reference.layered_noise(SKEW, 6, 1, 0.3, actives, weights, bias=0.125)
    np.testing.assert_allclose((prediction.G * prediction.Q)[1:], parts.sum(axis=1), rtol=1e-11)


def test_against_simulation():
    task = sd.ScaleDetection(size=16, xi=4, gap=1, periodic=False)
    net = sd.Network([sd.Layer([2, 1, 1], 2), sd.Layer(2, 2)])
    p = sd.predict(net, task=task, rectify="layers", balanced=True)
    m = sd.simulate(net, task=task, rectify="layers", balanced=True, samples=300_000, rng=8)
    assert sd.compare(p, m).p_value > 1e-3
    other = sd.predict(net, task=task, balanced=True)
    assert (np.abs(other.G - m.G) / m.G_err)[1:].min() > 50


def test_refusals():
    net = sd.Network.uniform(2, 2, 2)
    task = sd.ScaleDetection(size=2048, xi=40, periodic=False)
    with pytest.raises(ValueError, match=r"task.size must be smaller with rectify='layers'.*2048"):
        sd.predict(net, task=task, rectify="layers")
    with pytest.raises(ValueError, match=r"needs bias >= 0 .*layer 1 has bias -0.1"):
        sd.predict(
            sd.Network.uniform(2, 2, 2, bias=-0.1),
            rectify="layers",
            task=sd.ScaleDetection(size=16, xi=4, gap=1),
        )
