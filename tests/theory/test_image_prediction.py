"""Sensitivities to deformations of images: noise, limits, arguments."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from tests.image_reference import decaying_spectrum, double_sum, pooling_matrices, sampled

NET = sd.Network([sd.Layer(3), sd.Layer([1, 2, 1], 2)], dim=2)
TAU = sd.Diffeomorphism.with_displacement(0.5, 8, 3)
SPECTRUM = decaying_spectrum(15)

L = sd.Layer
GRID = [[0, 1, 0], [1, 2, 3], [0, 1, 0]]
BORDERED = {
    "padded": sd.Network([L(3, padding=1), L(3, 2, padding=1), L([1, 2, 1], padding=1)], dim=2),
    "unlike axes": sd.Network(
        [
            L(3, padding=1, padding_mode="reflect"),
            L((2, 3), (1, 2), padding=((1, 0), (0, 2)), padding_mode="replicate"),
        ],
        dim=2,
    ),
    "kernel on a grid": sd.Network([L(GRID, padding=1), L(GRID, 2, padding=1)], dim=2),
    "branches": sd.Network(
        [L(3, padding=1), L(3, 2, padding=1, bias=0.2), L(1, 2, padding=0), L(1, padding=0)],
        dim=2,
        inputs=[(0,), (1,), (1,), (2, 3)],
    ),
    "grid and branches": sd.Network(
        [L(GRID), L(3, padding=1, count_include_pad=False), L(2, 2, padding=0)],
        dim=2,
        inputs=[(0,), (1,), (1, 2, 2)],
    ),
}
"""Networks that are no chains on the torus; the last three are no product over both axes."""


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


@pytest.mark.parametrize("name", BORDERED)
def test_borders_branches_and_grids_by_dense_matrices(name):
    net = BORDERED[name]
    made = predicted(net, interpolation="band-limited", rectify="noise", sigma=0.3)
    moved, distance = double_sum(net, SPECTRUM, TAU, 8)
    np.testing.assert_allclose(made.Q, distance, rtol=1e-11)
    np.testing.assert_allclose(made.D * made.Q, moved, rtol=1e-6)
    mean, variance = 0.3 / np.sqrt(2 * np.pi), 0.09 * (0.5 - 0.5 / np.pi)
    for k, matrix in enumerate(pooling_matrices(net, 8)):
        noise = mean**2 * (matrix.sum(axis=1) ** 2).sum() + variance * (matrix**2).sum()
        assert made.G[k] * made.Q[k] == pytest.approx(noise, rel=1e-12)
    # Negative control: the same layers without borders or sums are told apart.
    plain = [L(layer.filter, layer.step) for layer in net]
    other = predicted(sd.Network(plain[:2], dim=2), interpolation="band-limited").D
    assert name == "grid and branches" or np.abs(other[1:] / made.D[1:3] - 1).max() > 0.01


@pytest.mark.parametrize("name", ["padded", "grid and branches"])
def test_drawn_fields_through_borders_and_branches(name):
    net, draws = BORDERED[name], 200
    drawn = sampled(net, SPECTRUM, TAU, 8, draws, seed=4)
    made = [predicted(net, interpolation=kind).D for kind in ("band-limited", "linear")]
    pulls = (drawn.mean(axis=0) - made) / (drawn.std(axis=0) / draws**0.5)
    assert np.abs(pulls).max() < 4


@pytest.mark.parametrize("method", ["gaussian", "local"])
def test_a_product_and_the_whole_agree(method):
    """A sum with nothing added, or the same weights on a grid: no product, the same numbers."""
    net = BORDERED["padded"]
    same = sd.Network(net.layers, dim=2, inputs=[(0,), (1,), (2, 2)])
    weights = np.outer([1, 2, 1], [1, 2, 1])
    grid = sd.Network([*net[:2], L(weights, padding=1)], dim=2)
    expected, twice, gridded = (predicted(each, method=method) for each in (net, same, grid))
    for made in (twice, gridded):
        for quantity in ("D", "G"):
            np.testing.assert_allclose(
                getattr(made, quantity), getattr(expected, quantity), rtol=1e-11
            )
    np.testing.assert_allclose(twice.Q, expected.Q * [1, 1, 1, 4], rtol=1e-11)


def test_results_of_all_networks_are_shown_and_saved(tmp_path):
    for name, net in BORDERED.items():
        made = predicted(net)
        loaded = sd.load(made.save(tmp_path / f"{name}.npz"))
        assert repr(loaded) == repr(made)
        assert loaded.network == net
        assert len(made.to_dataframe()) == net.depth + 1
    widths = [BORDERED["unlike axes"].along(axis).box_width for axis in (0, 1)]
    np.testing.assert_allclose(
        predicted(BORDERED["unlike axes"]).A, np.sqrt(np.prod(widths, axis=0)), rtol=1e-14
    )


def test_images_larger_than_their_pairs_of_pixels_are_refused():
    tau = sd.Diffeomorphism.with_displacement(1, 66, 3)
    words = "size must be at most 64 where the network is no product.*got 66.*1.2 GB.*64: 1.1 GB"
    with pytest.raises(sd.errors.ArgumentError, match=words):
        predicted(BORDERED["branches"], decaying_spectrum(131), tau, 66)


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
        (
            {"net": sd.Network([sd.Layer(2, 2, padding=0, pooling="max")], dim=2)},
            r"predict_images needs layers that average; layer 1 .*\(simulate_images runs it\)",
        ),
        (
            {"net": sd.Network([L(sd.Kernel([1, -1], signed=True), padding=1)] * 2, dim=2)},
            "which has a signed kernel",
        ),
        (
            {"net": sd.Network([L(3, bias=-1)] * 2, dim=2, inputs=[(0,), (0, 1)])},
            "bias >= 0 .* has bias -1 .simulate_images runs it",
        ),
        ({"size": (8, 9)}, r"size must be an integer.*got \(8, 9\)"),
        ({"size": 2}, "size must be an integer in"),
        ({"net": sd.Network([L(12, padding=0)], dim=2)}, "layer 1, .*receives.* 8 pixels"),
        ({"tau": sd.Diffeomorphism(9, 0.1)}, "size must be at least 10 pixels"),
        ({"tau": sd.Diffeomorphism(3, 1e300)}, "displacement of at most 8 pixels"),
        ({"tau": sd.Diffeomorphism(3, 1e-12)}, "displacement of at least 0.0001 pixels"),
    ],
)
def test_wrong_arguments(given, words):
    with pytest.raises(sd.errors.ArgumentError, match=words):
        predicted(**given)
