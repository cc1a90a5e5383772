"""rectify="layers": exact noise through rectifying layers, against dense quadrature and samples."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from tests import dense as reference
from tests.network.test_network import build

CASES = [
    ([([1, 2, 1], 1), ([1, 1], 2)], 6, 1),
    ([([2, 1, 1], 2), ([1, 2], 1), ([1, 1], 2)], 8, 1),
    ([([5, 1, 2], 1), ([1, 1], 1)], 3, 1),  # the kernel covers the torus
    ([([1, 1, 1, 2], 2), ([2, 1], 1)], 6, 1),  # its autocorrelation wraps
    ([([1, 0, 2], 1), ([0, 1, 1], 1)], 7, 1),  # a unit between two that see the pixel does not
    ([([1, 1, 1], 2), ([3, 0, 2], 1)], 4, 1),  # the second kernel is longer than layer 1
    ([([3, 1], 3), ([1, 2], 1)], 6, 1),  # some pixels are seen by nobody
    ([([1, 2], 1), ([1, 1], 2)], 4, 2),
    ([([1, 1, 2], 2), ([1, 2], 1)], 4, 2),
    ([([1, 2], 2), ([2, 1], 1)], 4, 3),
]


@pytest.mark.parametrize(("layers", "size", "dim"), CASES)
@pytest.mark.parametrize("sigma", [0.02, 0.3, 3.0])
def test_against_dense_matrices_and_quadrature(layers, size, dim, sigma):
    prediction = sd.predict(build(layers, dim), size=size, sigma=sigma, rectify="layers")
    mean, variance = reference.layered_noise(layers, size, dim, sigma).T
    spread = np.array([float(q) for _, q in reference.one_pixel(layers, size, dim)])
    assert prediction.G[0] == pytest.approx(size**dim * sigma**2 / spread[0], rel=1e-14)
    assert prediction.G_mean[0] == 0
    np.testing.assert_allclose(prediction.G[1:], (mean + variance) / spread[1:], rtol=1e-12)
    # The mean may cancel, down to nothing if all units see the pixel and noise is weak.
    assert (np.abs(prediction.G_mean[1:] - mean / spread[1:]) < 1e-14 * prediction.G[1:]).all()
    plain = sd.predict(build(layers, dim), size=size)
    assert np.array_equal(prediction.D, plain.D)
    assert np.array_equal(prediction.Q, plain.Q)


def test_a_layer_that_does_not_pool_rectifies_the_input():
    rest = [sd.Layer(3), sd.Layer([1, 2], 2)]
    for size, sigma in ((16, None), (16, 1.0), (16, 1e-4), (None, None)):
        late = sd.predict(
            sd.Network([sd.Layer(1), *rest]), size=size, sigma=sigma, rectify="layers"
        )
        early = sd.predict(sd.Network(rest), size=size, sigma=sigma)
        for name in ("G", "G_mean", "G_variance"):
            np.testing.assert_allclose(getattr(late, name)[1:], getattr(early, name), rtol=1e-12)


@pytest.mark.parametrize(("stride", "dim"), [(2, 1), (3, 1), (2, 2), (2, 3)])
def test_boxes_win_one_layer(stride, dim):
    prediction = sd.predict(sd.Network.uniform(stride, stride, depth=6, dim=dim), rectify="layers")
    k = np.arange(1, 7)
    law = (math.pi - 1) / (2 * math.pi) + stride ** (dim * (k - 1.0)) / (2 * math.pi)
    np.testing.assert_allclose(prediction.G[1:], law, rtol=1e-13)
    assert prediction.G[0] == 1


def test_infinite_lattice_is_the_limit_of_large_images():
    for layers in (
        [sd.Layer([1, 3, 1]), sd.Layer(4, 2), sd.Layer([2, 1])],
        [sd.Layer(5, 2), sd.Layer(2), sd.Layer(2, 2)],
    ):
        net = sd.Network(layers)
        endless = sd.predict(net, rectify="layers")
        errors = [
            np.abs(sd.predict(net, size=size, rectify="layers").G / endless.G - 1).max()
            for size in (2**12, 2**20)
        ]
        # what is left is of order 1/N
        assert errors[1] < errors[0] / 250
        assert errors[1] < 2e-5


def test_stride_one_depth_on_a_torus_and_beyond():
    net = sd.Network.uniform(3, 1, depth=400)
    endless, torus = (sd.predict(net, size=size, rectify="layers") for size in (None, 2**20))
    np.testing.assert_allclose(torus.G, endless.G, rtol=1e-4)
    # The mean contributes c_1(0)/(2 pi) to c_k(0) G_k, the fluctuations a part like k^(-1/2).
    peak = 1 / (2 * np.pi * sd.predict(net).G_mean)
    np.testing.assert_allclose((peak * endless.G_mean)[1:], (1 / 3) / (2 * math.pi), rtol=1e-12)
    rest = (peak * endless.G_variance)[[100, 400]]
    assert rest[0] / rest[1] == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("kernel", [[1, 2, 1], [1, 1, 1], [1, 3, 3, 1]])
def test_noise_piles_up_between_two_bounds(kernel, dim):
    net = sd.Network.uniform(kernel, 2, depth=12, dim=dim)
    layered = sd.predict(net, rectify="layers")
    peak = 1 / (2 * np.pi * sd.predict(net).G_mean)  # c_k(0)^d
    ratio = layered.G[1:] * peak[1:] / peak[1]
    assert (ratio > 1 / (2 * math.pi)).all()
    assert (ratio <= 0.5 + 1e-15).all()
    exponents = [sd.predict_exponents(net, rectify=rectify) for rectify in ("layers", "input")]
    assert exponents[0].beta == exponents[1].beta != 0
    assert exponents[0].alpha == exponents[1].alpha


SIMULATED = [
    (sd.Network([sd.Layer(3), sd.Layer(2, 2), sd.Layer([1, 2, 1], 2)]), 8, 0.1),
    (sd.Network([sd.Layer([3, 1, 1], 2), sd.Layer([2, 1])]), 8, 1.0),
    (sd.Network.uniform([1, 2, 1], 2, 2, dim=2), 8, 0.3),
]


@pytest.mark.parametrize(("net", "size", "sigma"), SIMULATED)
def test_against_simulation_to_a_thousandth(net, size, sigma):
    p = sd.predict(net, size=size, sigma=sigma, rectify="layers")
    m = sd.simulate(net, size=size, sigma=sigma, rectify="layers", samples=600_000, rng=20)
    assert (m.G_err / m.G < 2e-3).all()
    assert sd.compare(p, m).p_value > 1e-3
    for rival in ("input", "noise", None):
        other = sd.predict(net, size=size, sigma=sigma, rectify=rival)
        assert (np.abs(other.G - m.G) / m.G_err)[1:].min() > 8


def test_save_and_load(tmp_path):
    prediction = sd.predict(sd.Network.uniform(3, 2, 3), size=16, rectify="layers")
    again = sd.load(prediction.save(tmp_path / "layers.npz"))
    assert again.rectify == "layers"
    assert np.array_equal(again.G, prediction.G)
    assert "rectify = 'layers'" in repr(again)


BIASED = [
    ([([1, 2, 1], 1), ([1, 1], 2)], 6, 1),
    ([([2, 1, 1], 2), ([1, 2], 1), ([1, 1], 2)], 8, 1),
    ([([1, 1, 1, 2], 2), ([2, 1], 1)], 6, 1),
    ([([1, 2], 1), ([1, 1], 2)], 4, 2),
]


@pytest.mark.parametrize(("layers", "size", "dim"), BIASED)
@pytest.mark.parametrize("sigma", [0.05, 0.4])
@pytest.mark.parametrize("bias", ["-1/16", "1/10"])
def test_any_bias_in_layer_one_is_exact(layers, size, dim, sigma, bias):
    """Later biases >= 0 change nothing."""
    biases = [Fraction(bias), Fraction(1, 7), Fraction(0)][: len(layers)]
    net = sd.Network(
        [sd.Layer(*layer, bias=b) for layer, b in zip(layers, biases, strict=True)], dim
    )
    prediction = sd.predict(net, size=size, sigma=sigma, rectify="layers")
    expected = reference.layered_noise(layers, size, dim, sigma, bias=float(biases[0]))
    mean, variance = expected.T
    np.testing.assert_allclose(prediction.G[1:] * prediction.Q[1:], mean + variance, rtol=1e-12)
    exact = reference.biased_images(layers, biases, size, dim)
    for k, (sensitivity, spread) in enumerate(exact):
        assert prediction.D[k] == pytest.approx(float(sensitivity), rel=1e-12)
        assert prediction.Q[k] == pytest.approx(float(spread), rel=1e-12)
    unbiased = sd.predict(build(layers, dim), size=size, sigma=sigma, rectify="layers")
    assert not np.allclose(prediction.G[1:], unbiased.G[1:], rtol=1e-3)


@pytest.mark.parametrize(
    ("kernel", "dim", "biases", "size", "sigma"),
    [
        (2, 1, [-0.03, 0.01, 0], 32, 0.3),
        ([1, 2], 1, [-0.05, 0, 0.1], 32, 0.2),
        (2, 2, [-0.01, 0, 0], 16, 0.3),
        (2, 1, [0, 0, 0, 0], 64, None),
    ],
)
def test_against_the_evolved_laws_of_layers_without_overlap(kernel, dim, biases, size, sigma):
    """Densities convolved on grids: nothing in common but the definition."""
    net = sd.Network([sd.Layer(kernel, 2, bias) for bias in biases], dim)
    prediction = sd.predict(net, size=size, sigma=sigma, rectify="layers")
    evolved = sd.evolve(net, size=size, sigma=sigma)
    np.testing.assert_allclose(prediction.G, evolved.G, rtol=1e-12)
    np.testing.assert_allclose(prediction.D, evolved.D, rtol=1e-12)
    np.testing.assert_allclose(prediction.Q, evolved.Q, rtol=1e-12)


def test_negative_biases_after_layer_one_are_refused_with_what_to_do():
    net = sd.Network([sd.Layer(3, bias=-0.5), sd.Layer(3, bias=-0.02)])
    message = r"bias >= 0 .*layer 2 has bias -0.02 .*evolve.*method='closure'"
    with pytest.raises(ValueError, match=message):
        sd.predict(net, size=8, rectify="layers")
    with pytest.raises(ValueError, match=r"bias >= 0 .*layer 1 has bias -0.5 .*method='closure'"):
        sd.predict(net, size=8)
    for bias in (-0.02, 0.02):
        equal = sd.Network.uniform(3, 2, 4, bias=bias)
        with pytest.raises(ValueError, match=r"rectify='layers' needs bias 0.*layer 1 has bias"):
            sd.predict_exponents(equal, rectify="layers")
        with pytest.raises(ValueError, match=r"predict on the infinite lattice with .* needs bias"):
            sd.predict(equal, rectify="layers")


def test_other_refusals():
    with pytest.raises(ValueError, match=r"kernel of layer 1 must be shorter .*d = 3"):
        sd.predict(sd.Network.uniform(200, 1, 2, dim=3), rectify="layers")
    with pytest.raises(ValueError, match="needs non-negative kernels"):
        sd.predict(sd.Network([sd.Layer(sd.Kernel([2, -1], signed=True))]), rectify="layers")
