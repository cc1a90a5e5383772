"""Sensitivities to deformations of images: noise, limits, arguments."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from tests.image_reference import decaying_spectrum, pooling_matrices

NET = sd.Network([sd.Layer(3), sd.Layer([1, 2, 1], 2)], dim=2)
TAU = sd.Diffeomorphism.with_displacement(0.5, 8, 3)
SPECTRUM = decaying_spectrum(15)


def predicted(net=NET, spectrum=SPECTRUM, tau=TAU, size=8, **given):
    return sd.predict_images(net, spectrum, tau, size=size, **given)


def test_matched_noise_has_the_energy_of_the_deformation():
    for interpolation in ("linear", "band-limited"):
        made = predicted(interpolation=interpolation)
        assert 64 * made.sigma**2 == pytest.approx(made.D[0] * made.Q[0], rel=1e-12)
        assert made.R[0] == pytest.approx(1, rel=1e-12)
        np.testing.assert_allclose(made.R, made.D / made.G, rtol=1e-12)


@pytest.mark.parametrize("rectify", [None, "noise"])
def test_noise_by_dense_matrices(rectify):
    made = predicted(rectify=rectify, sigma=0.3)
    mean = 0 if rectify is None else 0.3 / np.sqrt(2 * np.pi)
    variance = 0.09 if rectify is None else 0.09 * (0.5 - 0.5 / np.pi)
    for k, matrix in enumerate(pooling_matrices(NET, 8)):
        noise = mean**2 * (matrix.sum(axis=1) ** 2).sum() + variance * (matrix**2).sum()
        assert made.G[k] * made.Q[k] == pytest.approx(noise, rel=1e-12)


def test_small_displacements_count_by_their_square():
    small = sd.Diffeomorphism.with_displacement(2e-3, 8, 3)
    smaller = sd.Diffeomorphism.with_displacement(2e-4, 8, 3)
    for interpolation, deviation in (("band-limited", 1e-5), ("linear", 2e-3)):
        ratio = (
            predicted(tau=small, interpolation=interpolation).D
            / predicted(tau=smaller, interpolation=interpolation).D
        )
        np.testing.assert_allclose(ratio, 100, rtol=deviation)


def test_a_bias_that_is_not_negative_changes_nothing():
    biased = sd.Network([sd.Layer(3, bias=0.5), sd.Layer([1, 2, 1], 2)], dim=2)
    np.testing.assert_array_equal(predicted(biased).D, predicted().D)


@pytest.mark.parametrize(
    "padded",
    [
        sd.Layer(3, padding=1),
        sd.Layer(2, 2, padding=0),
        sd.Layer(3, 2, padding=1, padding_mode="circular"),
    ],
)
def test_borders_are_refused(padded):
    """Else D of the torus would pass for that of a padded network, up to 30 % off.

    The displacements vanish at the edges of the image, so that even grids that begin elsewhere on
    the torus have another D.
    """
    with pytest.raises(sd.errors.ArgumentError, match=r"layer 2 is .*\(.*torus|simulate_images"):
        predicted(sd.Network([sd.Layer(3), padded], dim=2))


def test_the_scale_of_the_pixels_does_not_matter():
    np.testing.assert_allclose(predicted(spectrum=1e4 * SPECTRUM).D, predicted().D, rtol=1e-12)


def test_images_that_all_look_alike_at_a_layer():
    net = sd.Network.uniform(2, 2, 3, dim=2)
    spectrum = np.ones((8, 8))
    spectrum[0, 0] = 0  # one brightness, so that the last mean is the same for all images
    with pytest.raises(sd.ExhaustionError, match="at most 2 on size 8") as caught:
        predicted(net, spectrum)
    assert caught.value.largest_depth == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"net": sd.Network.uniform(2, 2, 1)}, "net must have dim=2 for images; got dim=1"),
        ({"net": "vgg"}, "net must be a Network; got 'vgg'"),
        ({"tau": 1.0}, "deformation must be a Diffeomorphism; got 1.0"),
        ({"size": 9}, "size must be a multiple of the total stride"),
        ({"spectrum": np.ones((10, 10))}, r"\[8, 8\] .* M >= 15.*got shape \[10, 10\]"),
        ({"spectrum": np.arange(64.0).reshape(8, 8)}, r"got S\(q\) != S\(-q\)"),
        ({"spectrum": np.zeros((8, 8))}, "of positive sum; got the sum 0"),
        ({"spectrum": np.full((8, 8), np.inf)}, "got one that is not finite"),
        ({"rectify": "input"}, "rectify must be 'noise' or None.*simulate_images takes it"),
        ({"rectify": "off"}, "rectify must be one of"),
        ({"method": "exact"}, "method must be one of 'gaussian', 'local'; got 'exact'"),
        ({"interpolation": "gaussian"}, "interpolation must be one of 'linear', 'band-limited'"),
        ({"sigma": 0}, "sigma must be a finite real number > 0; got 0"),
        (
            {"net": sd.Network([sd.Layer(3, bias=-1)], dim=2)},
            "predict_images needs bias >= 0",
        ),
        (
            {"net": sd.Network([sd.Layer(sd.Kernel([1, -1], signed=True))], dim=2)},
            "predict_images needs non-negative kernels",
        ),
        ({"tau": sd.Diffeomorphism(9, 0.1)}, "size must be at least 10 pixels"),
        ({"tau": sd.Diffeomorphism(3, 1e300)}, "displacement of at most 8 pixels"),
        ({"tau": sd.Diffeomorphism(3, 1e-12)}, "displacement of at least 0.0001 pixels"),
    ],
)
def test_wrong_arguments(given, words):
    with pytest.raises(sd.errors.ArgumentError, match=words):
        predicted(**given)
