"""The rectified-Gaussian closure: where it is exact, how far off it is, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from scaledet.theory.noise.gaussians import rectified_covariance, rectified_mean
from tests import dense as reference

EXACT = [
    (sd.Network([sd.Layer(3), sd.Layer([1, 2, 1], 2, 0.1), sd.Layer([2, 1], 2)]), 16),
    (sd.Network([sd.Layer([2, 1, 1], 2, -0.03), sd.Layer(4, 2), sd.Layer(2, 1, 0.2)]), 64),
    (sd.Network([sd.Layer([1, 2], 1, 0.05), sd.Layer([1, 2, 1], 2)], dim=2), 16),
    (sd.Network([sd.Layer([1, 2], 2, -0.01), sd.Layer(2)], dim=3), 4),
]


@pytest.mark.parametrize(("net", "size"), EXACT)
@pytest.mark.parametrize("sigma", [0.02, 0.5])
def test_exact_where_no_later_bias_is_negative(net, size, sigma):
    """Two engines that share the moments of two units only."""
    exact = sd.predict(net, size=size, sigma=sigma, rectify="layers")
    closed = sd.predict(net, size=size, sigma=sigma, rectify="layers", method="closure")
    np.testing.assert_allclose(closed.G, exact.G, rtol=1e-12)
    # Next to weak noise the mean is what is left of larger numbers.
    assert (np.abs(closed.G_mean - exact.G_mean) < 1e-14 * exact.G).all()
    assert np.array_equal(closed.Q, exact.Q)


@pytest.mark.parametrize("rectify", ["input", "noise"])
def test_exact_where_no_bias_is_negative(rectify):
    net = sd.Network([sd.Layer(3, 1, 0.1), sd.Layer([1, 2, 1], 2), sd.Layer([2, 1], 2, 0.2)])
    for size in (12, 64):
        exact = sd.predict(net, size=size, sigma=0.4, rectify=rectify)
        closed = sd.predict(net, size=size, sigma=0.4, rectify=rectify, method="closure")
        np.testing.assert_allclose(closed.G, exact.G, rtol=1e-12)
        np.testing.assert_allclose(closed.G_variance, exact.G_variance, rtol=1e-12)


def test_window_does_not_matter(monkeypatch):
    net = sd.Network([sd.Layer(3, 1, -0.01), sd.Layer([1, 2, 1], 2, -0.02)])
    small = sd.predict(net, size=64, rectify="layers", method="closure")
    monkeypatch.setattr("scaledet.theory.noise.closure.window", lambda _, size: size)
    large = sd.predict(net, size=64, rectify="layers", method="closure")
    np.testing.assert_allclose(small.G, large.G, rtol=1e-12)


def gaussian_closure(layers, biases, size, sigma):
    """Q_k G_k, k >= 1, in d = 1, with a Gaussian law before every ReLU."""
    result = np.zeros(len(layers))
    for active in range(size):
        clean = mean = np.eye(size)[active]
        covariance = sigma**2 * np.eye(size)
        for k, ((weights, stride), bias) in enumerate(zip(layers, biases, strict=True)):
            pool = np.array(reference.layer_matrix(weights, stride, len(mean)), dtype=float)
            clean = np.maximum(pool @ clean + bias, 0)
            mean, covariance = pool @ mean + bias, pool @ covariance @ pool.T
            width = np.sqrt(np.diag(covariance))
            heights, scale = mean / width, np.outer(width, width)
            mean = width * rectified_mean(heights)
            covariance = scale * rectified_covariance(
                heights[:, None], heights[None, :], covariance / scale
            )
            result[k] += ((mean - clean) ** 2).sum() + np.trace(covariance)
    return result / size


def test_a_gaussian_law_is_rejected_at_layer_two_where_the_exact_one_is_not():
    layers = [([1, 1, 1], 1), ([1, 1], 2), ([1, 2], 1)]
    net = sd.Network([sd.Layer(*layer) for layer in layers])
    p = sd.predict(net, size=12, sigma=0.4, rectify="layers")
    m = sd.simulate(net, size=12, sigma=0.4, rectify="layers", samples=400_000, rng=31)
    assert sd.compare(p, m).p_value > 1e-3
    gaussian = gaussian_closure(layers, [0, 0, 0], 12, 0.4) / p.Q[1:]
    pulls = np.abs(gaussian - m.G[1:]) / m.G_err[1:]
    assert pulls[0] < 4  # layer 1 is Gaussian
    assert pulls[1:].min() > 15


MEASURED = [
    # kernel, stride, depth, size, sigma, bias, largest error at layers 2, 3, 4 (per cent)
    ([1, 1, 1], 1, 4, 16, None, -0.02, (1.5, 3, 5)),
    ([1, 2, 1], 2, 4, 32, 0.1, -0.02, (5, 6, 7)),
    (2, 1, 4, 64, 0.1, -0.02, (3, 9, 15)),
    ([1, 2, 1], 1, 4, 32, None, -0.005, (1, 1, 1.5)),
]


@pytest.mark.parametrize(("kernel", "stride", "depth", "size", "sigma", "bias", "bounds"), MEASURED)
def test_error_is_what_the_docstring_says(kernel, stride, depth, size, sigma, bias, bounds):
    net = sd.Network.uniform(kernel, stride, depth, bias=bias)
    p = sd.predict(net, size=size, sigma=sigma, rectify="layers", method="closure")
    m = sd.simulate(net, size=size, sigma=sigma, rectify="layers", samples=100_000, rng=3)
    noise = m.G_err / m.G
    error = p.G / m.G - 1
    assert (np.abs(error) < 4 * noise)[:2].all()  # exact up to layer 1
    assert (np.abs(error[2:]) < np.array(bounds) / 100 + 3 * noise[2:]).all()
    weights = [1] * kernel if isinstance(kernel, int) else kernel
    gaussian = gaussian_closure([(weights, stride)] * depth, [bias] * depth, size, p.sigma)
    worse = np.abs(gaussian / p.Q[1:] / m.G[1:] - 1)
    assert (worse[1:] > 2 * np.abs(error[2:])).all()


@pytest.mark.parametrize(
    ("bias", "sigma", "bounds"), [(-0.005, None, (0.1, 0.2, 0.8)), (-0.02, None, (0.5, 2.1, 5.2))]
)
def test_error_against_evolved_laws(bias, sigma, bounds):
    net = sd.Network.uniform(2, 2, 4, bias=bias)
    prediction = sd.predict(net, size=64, sigma=sigma, rectify="layers", method="closure")
    evolved = sd.evolve(net, size=64, sigma=sigma)
    error = np.abs(prediction.G / evolved.G - 1)
    assert (error[:2] < 1e-12).all()
    assert (error[2:] < np.array(bounds) / 100).all()
    # It is an approximation from layer 2 on.
    assert (error[2:] > 1e-4).all()


def test_units_that_do_not_move():
    """Weak noise below a bias moves only the units next to the pixel, which do not rectify it."""
    net = sd.Network([sd.Layer(3, bias=-0.1), sd.Layer(3, bias=-0.01)])
    prediction = sd.predict(net, size=32, sigma=1e-6, rectify="layers", method="closure")
    assert np.isfinite(prediction.G).all()
    assert prediction.G_mean[-1] < 1e-20
    # Three units of variance 1/3, correlated by 2/3 and 1/3, reach five with weights 1/3; the
    # outer two of these stay at 1/3 (1/3 - 0.1) - 0.01 > 0 on average.
    unit = 1e-12 / 3
    assert prediction.G[1] * prediction.Q[1] == pytest.approx(3 * unit, rel=1e-12)
    pooled = (2 * 1 + 2 * (2 + 2 * 2 / 3) + (3 + 4 * 2 / 3 + 2 / 3)) / 9
    assert prediction.G[2] * prediction.Q[2] == pytest.approx(pooled * unit, rel=1e-12)


def test_result_says_that_it_is_approximate(tmp_path):
    net = sd.Network.uniform(3, 1, 2, bias=-0.02)
    prediction = sd.predict(net, size=16, rectify="layers", method="closure")
    assert prediction.approximate
    assert prediction.method == "closure"
    title = "Prediction (approximate: rectified-Gaussian closure) of Network"
    assert repr(prediction).startswith(title)
    assert title in prediction._repr_html_()
    with pytest.raises(ValueError, match="exact_D needs method 'exact'; got 'closure'"):
        _ = prediction.exact_D
    again = sd.load(prediction.save(tmp_path / "closure.npz"))
    assert again.approximate
    assert repr(again) == repr(prediction)
    exact = sd.predict(sd.Network([sd.Layer(3, bias=-0.02)]), size=16, rectify="layers")
    assert not exact.approximate
    with pytest.raises(ValueError, match="exact_D needs bias >= 0"):
        _ = exact.exact_D


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "gauss"}, "method must be one of 'exact', 'closure'; got 'gauss'"),
        ({"rectify": None}, "method must be 'exact' with rectify=None"),
        ({"size": None}, "method 'closure' needs one pixel and a finite size; got size=None"),
        (
            {"size": None, "task": sd.ScaleDetection(size=16, xi=4, gap=1)},
            r"method 'closure' needs one pixel .*; got ScaleDetection",
        ),
        (
            {"net": sd.Network([sd.Layer(sd.Kernel([2, -1], signed=True))])},
            "predict needs non-negative kernels",
        ),
        (
            {"net": sd.Network.uniform(4, 2, 5, dim=2, bias=-1e-9), "size": 256},
            r"depth must be smaller with method='closure'.*1024 phases",
        ),
    ],
)
def test_refusals(arguments, message):
    net = sd.Network.uniform(3, 1, 2, bias=-0.02)
    given = {"net": net, "size": 16, "rectify": "layers", "method": "closure", **arguments}
    with pytest.raises(ValueError, match=message):
        sd.predict(given.pop("net"), **given)
