"""Noise of fixed norm against integrals over the circle, samples, and Gaussian noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

import scaledet as sd
from tests import dense as reference


def circle(layers, sigma, rectify):
    """[(mean part, E|P_k w|^2)] on two pixels: every direction of the noise."""
    count = 400_000
    angle = 2 * np.pi * (np.arange(count) + 0.5) / count
    eta = sigma * math.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)])
    image = np.array([[1.0], [0.0]])
    if rectify == "input":
        change = np.maximum(image + eta, 0) - image
    else:
        change = eta if rectify is None else np.maximum(eta, 0)
    result = []
    for matrix in reference.pooling_matrices(layers, 2):
        pooled = np.array([[float(e) for e in row] for row in matrix]) @ change
        result.append(((pooled.mean(axis=1) ** 2).sum(), (pooled**2).sum() / count))
    return np.array(result)


@pytest.mark.parametrize("rectify", ["input", "noise", None])
@pytest.mark.parametrize("sigma", [0.3, 0.8, 5.0])
def test_two_pixels_are_a_circle(rectify, sigma):
    layers = [([2, 1], 1), ([3, 1], 1)]
    net = sd.Network([sd.Layer(*layer) for layer in layers])
    found = sd.predict(net, size=2, sigma=sigma, rectify=rectify, noise="sphere")
    mean, total = circle(layers, sigma, rectify).T
    # The midpoint rule meets kinks: its error is of second order.
    np.testing.assert_allclose(found.G * found.Q, total, rtol=1e-9)
    np.testing.assert_allclose(found.G_mean * found.Q, mean, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rectify", ["noise", None])
def test_homogeneous_responses_do_not_tell_the_laws_apart(rectify):
    for net, size in ((sd.Network.uniform(3, 2, 3), 8), (sd.Network.uniform(2, 2, 2, dim=2), 8)):
        for sigma in (0.1, 2.0):
            laws = [
                sd.predict(net, size=size, sigma=sigma, rectify=rectify, noise=noise)
                for noise in ("sphere", "gaussian")
            ]
            np.testing.assert_allclose(laws[0].G, laws[1].G, rtol=1e-13)


def test_they_differ_by_one_over_the_square_of_the_number_of_pixels():
    differences = []
    for size in (16, 64, 256, 1024):
        net = sd.Network.uniform([1, 2, 1], 2, 3)
        sphere, gauss = (
            sd.predict(net, size=size, sigma=1.0, noise=noise) for noise in ("sphere", "gaussian")
        )
        differences.append(size**2 * (sphere.G / gauss.G - 1))
        # The pixel of height 1 is switched off with weight exp(-L/4) only.
        sphere, gauss = (
            sd.predict(net, size=size, noise=noise) for noise in ("sphere", "gaussian")
        )
        assert np.abs(sphere.G / gauss.G - 1).max() < 2 * math.exp(-size / 4) + 1e-13
    settled = np.array(differences)
    assert (np.abs(settled[-1]) > 1e-2).all()
    assert (np.abs(settled[-1] / settled[-2] - 1) < 0.02).all()


def test_against_samples():
    layers, size, sigma = [([1, 2, 1], 1), ([1, 1], 2)], 4, 1.0
    net = sd.Network([sd.Layer(*layer) for layer in layers])
    rng = np.random.default_rng(9)
    count = 2_000_000
    eta = rng.standard_normal((count, size))
    eta *= sigma * math.sqrt(size) / np.linalg.norm(eta, axis=1, keepdims=True)
    place = rng.integers(size, size=count)
    image = np.zeros((count, size))
    image[np.arange(count), place] = 1
    change = np.maximum(image + eta, 0) - image
    sphere, gauss = (
        sd.predict(net, size=size, sigma=sigma, noise=noise) for noise in ("sphere", "gaussian")
    )
    pulls = []
    for k, matrix in enumerate(reference.pooling_matrices(layers, size)):
        values = ((change @ np.array(matrix, dtype=float).T) ** 2).sum(axis=1)
        error = values.std() / math.sqrt(count)
        assert abs(values.mean() - sphere.G[k] * sphere.Q[k]) < 4 * error
        pulls.append(abs(values.mean() - gauss.G[k] * gauss.Q[k]) / error)
    assert max(pulls) > 20


def test_result_says_so(tmp_path):
    found = sd.predict(sd.Network.uniform(3, 2, 2), size=16, noise="sphere")
    assert "noise on the sphere" in repr(found)
    assert sd.load(found.save(tmp_path / "sphere.npz")).noise == "sphere"
    with pytest.raises(ValueError, match="noise must be one of 'gaussian', 'sphere'; got 'ball'"):
        sd.predict(sd.Network.uniform(3, 2, 2), size=16, noise="ball")
    with pytest.raises(ValueError, match=r"noise must be 'gaussian' .*rectify='layers'.*'sphere'"):
        sd.predict(sd.Network.uniform(3, 2, 2), size=16, noise="sphere", rectify="layers")
