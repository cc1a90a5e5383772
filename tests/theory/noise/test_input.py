"""Noise at the input, without and with background: quadrature, samples, two limits."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import scaledet as sd
from scaledet.theory.noise.input import input_moments, noise_moments
from tests import dense as reference
from tests.network.test_network import build

SIGMAS = [1e-3, 0.03, 0.1, 0.2, 0.5, 1, 3, 30, 1e3]


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("rectify", ["input", "noise", None])
def test_noise_moments_by_quadrature(sigma, rectify):
    moments = noise_moments(sigma, rectify)
    low = reference.perturbation_moments(sigma, rectify, 0)
    high = reference.perturbation_moments(sigma, rectify, 1)
    expected = [float(value) for value in (*low, *high)]
    # Quadrature is good to about 1e-25. In the active mean sigma phi - Phi cancels by the factor
    # (1/sigma)^2 <= 1e3 where it is not negligible: 1e3 roundings of 1e-16 of a number itself
    # below sigma; relative to sigma it is never worse than 1e-15.
    for value, target, unit in zip(moments, expected, (sigma, sigma**2) * 2, strict=True):
        assert value == pytest.approx(target, rel=1e-13, abs=1e-15 * unit)


def test_closed_forms_of_the_background():
    moments = noise_moments(2.0, "input")
    # a few roundings
    assert moments.background_mean == pytest.approx(2 / math.sqrt(2 * math.pi), rel=4e-16)
    assert moments.background_variance == pytest.approx(4 * (0.5 - 0.5 / math.pi), rel=1e-15)
    assert noise_moments(2.0, None) == (0.0, 4.0, 0.0, 4.0)


@pytest.mark.parametrize("sigma", [1e-150, 1e-30, 1e-5, 0.02])
def test_small_noise_leaves_the_active_pixel_linear(sigma):
    moments = noise_moments(sigma, "input")
    # The pixel switches off with probability Phi(-50) or less, far below one rounding.
    assert abs(moments.active_mean) < 1e-300
    assert moments.active_variance == pytest.approx(sigma**2, rel=4e-16)


@pytest.mark.parametrize("sigma", [1e10, 1e150])
def test_large_noise_forgets_the_pixel(sigma):
    moments = noise_moments(sigma, "input")
    # The pixel's height is a correction of relative order 1/sigma <= 1e-10.
    assert moments.active_mean == pytest.approx(moments.background_mean, rel=2e-10)
    assert moments.active_variance == pytest.approx(moments.background_variance, rel=2e-10)


def expectation(function, *kinks):
    """E function(Z), Z standard normal, 30 digits."""
    with mpmath.workdps(30):
        marks = {mpmath.mpf(k) for k in (-30, -8, -3, -1, 0, 1, 3, 8, 30)}
        marks |= {mpmath.mpf(k) for k in kinks if -30 < k < 30}
        return mpmath.quad(lambda z: function(z) * mpmath.npdf(z), sorted(marks))


def gaussian_relu(b, sigma, power):
    """E relu(b + sigma Z)^power."""
    t = b / sigma
    if power == 1:
        return b * mpmath.ncdf(t) + sigma * mpmath.npdf(t)
    return (b * b + sigma * sigma) * mpmath.ncdf(t) + b * sigma * mpmath.npdf(t)


@pytest.mark.parametrize("xi", [0.05, 0.4, 3.0])
@pytest.mark.parametrize("sigma", [1e-3, 0.3, 0.5, 2.0])
def test_moments_by_quadrature(xi, sigma):
    moments = input_moments(sigma, "input", xi)
    with mpmath.workdps(30):
        for height, mean, variance in (
            (0, moments.noise.background_mean, moments.noise.background_variance),
            (1, moments.noise.active_mean, moments.noise.active_variance),
        ):

            def change(z, power, height=height):
                b = height + xi * z
                first = gaussian_relu(b, sigma, 1)
                on = max(b, mpmath.mpf(0))
                return (
                    first - on
                    if power == 1
                    else gaussian_relu(b, sigma, 2) - 2 * on * first + on * on
                )

            kink = -height / mpmath.mpf(xi)
            near = [kink + step * sigma / xi for step in (-12, -5, -2, 0, 2, 5, 12)]
            first, second = (expectation(lambda z, p=p, f=change: f(z, p), *near) for p in (1, 2))
            assert mean == pytest.approx(float(first), rel=1e-11, abs=1e-14 * sigma)
            assert variance == pytest.approx(float(second - first**2), rel=1e-11)
        kinks = (0, -1 / mpmath.mpf(xi))

        def step(z):
            return max(1 + xi * z, mpmath.mpf(0)) - max(xi * z, mpmath.mpf(0))

        first = expectation(step, *kinks)
        second = expectation(lambda z: step(z) ** 2, *kinks)
        assert moments.signal == pytest.approx(float(first), rel=1e-13)
        assert moments.flicker == pytest.approx(float(second - first**2), rel=1e-12)


def test_the_two_ways_to_integrate_meet():
    for xi in (0.1, 1.0, 10.0):
        below, above = (input_moments(xi * (1 + e), "input", xi).noise for e in (0, 1e-12))
        np.testing.assert_allclose(below, above, rtol=1e-10)


def samples_of(layers, size, dim, xi, sigma, rectify, count, rng):
    """Squared responses [count, depth + 1] to move and noise, and squared distances of images."""
    pixels = size**dim
    pools = [
        np.array([[float(e) for e in row] for row in matrix])
        for matrix in reference.pooling_matrices(layers, size, dim)
    ]
    around = np.array(reference.neighbours(size, dim))
    index = np.arange(count)
    place = rng.integers(pixels, size=count)
    moved = around[place, rng.integers(2 * dim, size=count)]
    zeta, eta = (
        xi * rng.standard_normal((count, pixels)),
        sigma * rng.standard_normal((count, pixels)),
    )
    plain = np.zeros((count, pixels))
    plain[index, place] = 1
    shifted = np.zeros((count, pixels))
    shifted[index, moved] = 1

    def relu(values):
        return values if rectify is None else np.maximum(values, 0)

    image, displaced = relu(plain + zeta), relu(shifted + zeta)
    noisy = relu(plain + zeta + eta) if rectify != "noise" else image + relu(eta)
    changes = displaced - image, noisy - image, image - np.roll(image, 1, axis=0)
    return [
        np.array([((change @ pool.T) ** 2).sum(axis=1) for pool in pools]).T for change in changes
    ]


SIMULATED = [
    ([([1, 2, 1], 2), ([1, 1], 1)], 8, 1, 0.2, 0.5),
    ([([1, 2, 1], 2), ([1, 1], 1)], 8, 1, 0.5, 0.1),
    ([([2, 1], 1), ([1, 1], 2)], 4, 2, 0.3, 0.3),
]


@pytest.mark.parametrize(("layers", "size", "dim", "xi", "sigma"), SIMULATED)
@pytest.mark.parametrize("rectify", ["input", "noise", None])
def test_against_samples(layers, size, dim, xi, sigma, rectify):
    net = build(layers, dim)
    p = sd.predict(net, size=size, sigma=sigma, rectify=rectify, background=xi)
    clean = sd.predict(net, size=size, sigma=sigma, rectify=rectify)
    sampled = samples_of(layers, size, dim, xi, sigma, rectify, 200_000, np.random.default_rng(77))
    expected = p.D * p.Q, p.G * p.Q, p.Q
    rivals = clean.D * clean.Q, clean.G * clean.Q, clean.Q
    worst = [0.0, 0.0, 0.0]
    for which, (values, target, rival) in enumerate(zip(sampled, expected, rivals, strict=True)):
        error = values.std(axis=0) / math.sqrt(len(values))
        if which == 2:  # every image is in two distances
            error *= math.sqrt(2)
        # A move at the input changes linear images by exactly 2.
        error = np.maximum(error, 1e-12)
        assert (np.abs(values.mean(axis=0) - target) < 4 * error).all()
        worst[which] = float((np.abs(values.mean(axis=0) - rival) / error).max())
    assert worst[2] > 10
    if rectify is not None:
        assert worst[0] > 10
    if rectify == "input":
        assert worst[1] > 10


@pytest.mark.parametrize("rectify", ["input", "noise", None])
def test_against_the_simulation(rectify):
    net = sd.Network([sd.Layer([2, 1], 1), sd.Layer(2, 2)], dim=2)
    options = {"size": 8, "sigma": 0.4, "rectify": rectify, "background": 0.3}
    m = sd.simulate(net, samples=60_000, rng=14, **options)
    assert sd.compare(sd.predict(net, **options), m).p_value > 1e-3
    clean = sd.predict(net, **{**options, "background": 0.0})
    assert (np.abs(m.D - clean.D) / m.D_err).max() > 20


def test_no_background_is_the_limit_of_weak_background():
    net = sd.Network([sd.Layer(3), sd.Layer(2, 2)])
    for rectify in ("input", "noise", None):
        clean = sd.predict(net, size=16, sigma=0.3, rectify=rectify)
        weak = sd.predict(net, size=16, sigma=0.3, rectify=rectify, background=1e-8)
        for name in ("D", "G", "Q", "G_mean"):
            np.testing.assert_allclose(getattr(weak, name), getattr(clean, name), rtol=1e-7)


def test_weak_noise_on_a_background_is_linear_and_does_not_pile_up():
    net, size, xi = sd.Network.uniform([1, 2, 1], 2, 4), 64, 0.5
    p = sd.predict(net, size=size, sigma=1e-5, background=xi)
    moments = input_moments(1e-5, "input", xi)
    density = 1 / (math.sqrt(2 * math.pi) * xi)
    assert moments.noise.background_mean == pytest.approx(1e-10 * density / 2, rel=1e-6)
    assert moments.noise.background_variance == pytest.approx(0.5e-10, rel=1e-4)
    on = math.erfc(-1 / (xi * math.sqrt(2))) / 2
    peak = sd.predict(net, size=size, sigma=1.0, rectify=None)
    half = peak.G * peak.Q / size  # c_k(0)/S_k
    linear = 1e-10 * ((size - 1) / 2 + on) * half
    np.testing.assert_allclose(p.G * p.Q, linear, rtol=1e-4)
    # without a background the mean piles up at any strength
    clean = sd.predict(net, size=size, sigma=1e-5)
    assert clean.G_mean[-1] > 3 * clean.G_variance[-1]
    assert p.G_mean[-1] < 1e-8 * p.G_variance[-1]


@pytest.mark.parametrize("xi", [0.0, 0.5])
def test_strong_noise_forgets_the_image(xi):
    net, size = sd.Network.uniform(3, 2, 3), 32
    predictions = [sd.predict(net, size=size, sigma=s, background=xi) for s in (1e3, 1e5)]
    linear = sd.predict(net, size=size, sigma=1.0, rectify=None)
    peak = linear.G * linear.Q * np.array(net.strides) / size
    saturated = (1 / math.pi + (1 - 1 / math.pi) * peak) * size / (2 * np.array(net.strides))
    errors = [np.abs(p.G * p.Q / p.sigma**2 / saturated - 1).max() for p in predictions]
    assert errors[1] < 1e-4
    assert errors[1] < errors[0] / 50


def test_weak_noise_without_background():
    """The active pixel passes the noise, the background half of it: G_k/sigma^2 is constant."""
    net, size = sd.Network.uniform(3, 2, 3), 32
    predictions = [sd.predict(net, size=size, sigma=s) for s in (1e-6, 0.05)]
    np.testing.assert_allclose(predictions[0].G / 1e-12, predictions[1].G / 0.05**2, rtol=1e-12)
    linear = sd.predict(net, size=size, sigma=1.0, rectify=None)
    strides = np.array(net.strides)
    peak = linear.G * linear.Q * strides / size
    law = (size - 2) / (2 * math.pi) + (size * (0.5 - 0.5 / math.pi) + 0.5 + 1 / math.pi) * peak
    np.testing.assert_allclose(
        predictions[0].G * predictions[0].Q * strides / 1e-12, law, rtol=1e-12
    )


def test_result_carries_the_background(tmp_path):
    prediction = sd.predict(sd.Network.uniform(3, 2, 2), size=16, background=0.25)
    assert prediction.background == 0.25
    assert "background = 0.25" in repr(prediction)
    assert sd.load(prediction.save(tmp_path / "background.npz")).background == 0.25
    with pytest.raises(ValueError, match=r"exact_D needs background 0; got 0.25"):
        _ = prediction.exact_D
    m = sd.simulate(prediction.network, size=16, samples=300, rng=0)
    with pytest.raises(ValueError, match=r"prediction.background must equal the simulation's 0.0"):
        sd.compare(prediction, m)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"background": -0.1},
            ValueError,
            r"background must be a finite real number >= 0; got -0.1",
        ),
        ({"background": "1"}, TypeError, "background must be .*; got '1'"),
        ({"background": 1e-200}, ValueError, r"background must be 0 or in .*got 1e-200"),
        ({"size": None}, ValueError, "background must be 0.0 on the infinite lattice.*got 0.5"),
        ({"rectify": "layers"}, ValueError, "background must be 0.0 .*rectify='layers'.*got 0.5"),
        ({"method": "closure"}, ValueError, "background must be 0.0 .*'closure'; got 0.5"),
        (
            {"size": None, "task": sd.ScaleDetection(size=16, xi=4, gap=1)},
            ValueError,
            "background must be 0.0 .*with a task.*got 0.5",
        ),
    ],
)
def test_refusals(arguments, error, message):
    given = {"size": 16, "background": 0.5, **arguments}
    with pytest.raises(error, match=message):
        sd.predict(sd.Network.uniform(3, 2, 2), **given)
