"""Given images, padding, two dimensions and bad arguments of predict_wide."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from scaledet.reference.wide import WideNet
from tests.theory.wide.closeness import close

UNIFORM = sd.Network.uniform
NET = UNIFORM(3, depth=2)


def test_given_images_are_those_of_brute_force():
    images = np.random.default_rng(0).normal(size=(4, 9))
    taps = 0.3 * np.eye(3) / 3 + 0.7 * np.ones((3, 3)) / 9
    plain = WideNet([(taps, 1), (taps, 3)], bias_variance=0.2)
    pairs = [(images[i], images[j]) for i in range(4) for j in range(i)]
    moved = [(x, np.roll(x, sign)) for x in images for sign in (1, -1)]
    net = sd.Network([sd.Layer(3), sd.Layer(3, 3)])
    p = sd.predict_wide(net, images=images, pooling=0.7, bias_variance=0.2, rng=0)
    assert p.Q.tolist() == pytest.approx(plain.mean_over(pairs).tolist(), rel=1e-6)
    assert (p.D * p.Q).tolist() == pytest.approx(plain.mean_over(moved).tolist(), rel=1e-6)
    assert p.G[0] == pytest.approx(p.D[0], rel=0.02)  # matched
    assert p.images == 4


def test_all_pixels_given_as_images_are_the_pixel():
    """Q is over different images where they are given."""
    p = sd.predict_wide(NET, images=np.eye(12), pooling=0.4, rng=0)
    pixel = sd.predict_wide(NET, size=12, pooling=0.4, rng=1)
    assert close(p.Q, pixel.Q * 12 / 11, 1e-12)
    assert close(p.D, pixel.D * 11 / 12, 1e-12)
    assert (abs(p.G * 12 / 11 - pixel.G) < 4 * np.hypot(p.G_err, pixel.G_err) + 1e-12).all()
    again = sd.predict_wide(NET, images=np.eye(12), displaced=np.roll(np.eye(12), 1, 1), rng=0)
    assert close(again.D, sd.predict_wide(NET, images=np.eye(12), rng=0).D, 1e-12)


def test_channels_are_averaged():
    """Equal channels are one; independent ones decorrelate what one channel keeps aligned."""
    images = np.random.default_rng(0).random((3, 1, 8))
    alone = sd.predict_wide(NET, images=images, pooling=1, rectify="input")
    copies = sd.predict_wide(NET, images=np.repeat(images, 4, axis=1), pooling=1, rectify=None)
    assert close(copies.D, alone.D, 1e-10)
    other = np.random.default_rng(1).random((3, 4, 8))
    both = [
        sd.predict_wide(NET, images=other, pooling=1, rectify=r, noise_error=0.1, rng=0)
        for r in ("input", None)
    ]
    assert abs(both[0].D[2] / both[1].D[2] - 1) > 1e-3


@pytest.mark.parametrize("t", [0, 0.5])
def test_two_dimensions_against_rows(t):
    """A kernel along one axis leaves rows apart: pixels of other rows are far."""
    flat = sd.predict_wide(UNIFORM(3, depth=2), size=12, pooling=t, noise_error=0.1, rng=0)
    net = sd.Network([sd.Layer((1, 3))] * 2, dim=2)
    p = sd.predict_wide(net, size=(4, 12), pooling=t, noise_error=0.1, rng=0)
    near = sd.predict_wide(
        net,
        images=np.eye(48)[:12].reshape(12, 4, 12),
        pooling=t,
        rng=0,
        displaced=np.roll(np.eye(48)[:12].reshape(12, 4, 12), 1, 2),
        noise_error=0.1,
    )
    assert close(near.Q * 11 / 12, flat.Q, 1e-12)
    assert close(near.D * 12 / 11, flat.D, 1e-12)
    # Pixels of other rows are as far as from a blank image, twice.
    alone = sd.predict_wide(
        net,
        images=[np.eye(48)[0].reshape(4, 12), np.zeros((4, 12))],
        pooling=t,
        noise_error=0.1,
        rng=0,
    )
    assert close(p.Q, flat.Q / 4 + 0.75 * 2 * alone.Q, 1e-12)


@pytest.mark.parametrize("bias_variance", [0, 0.5])
@pytest.mark.parametrize("t", [0, 0.5])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_padding_is_that_of_images_without_symmetry(mode, t, bias_variance):
    """Pixels, by what surrounds them, are equal to the same pixels given as whole images."""
    net = sd.Network([sd.Layer(3, padding=1, padding_mode=mode), sd.Layer([1, 2], 2, padding=0)])
    given = {"pooling": t, "bias_variance": bias_variance, "noise_error": 0.5}
    p = sd.predict_wide(net, size=9, rng=0, **given)
    images = sd.predict_wide(net, images=np.eye(9), rng=0, **given)
    assert close(p.Q, images.Q * 8 / 9, 1e-12)
    assert close(p.D, images.D * 9 / 8, 1e-12)


def test_moves_at_the_border():
    net = UNIFORM(3, depth=2, padding=1)
    eye = np.eye(5)
    for moves, ends in (("stay", [[0, 1], [4, 3]]), ("inside", [[1, 1], [3, 3]])):
        first = np.stack(
            [eye[[ends[0][0], 0, 1, 2, ends[1][0]]], eye[[ends[0][1], 2, 3, 4, ends[1][1]]]]
        )
        images = sd.predict_wide(net, images=eye, displaced=first, noise_error=0.5, rng=0)
        p = sd.predict_wide(net, size=5, moves=moves, noise_error=0.5, rng=0)
        assert close(p.D, images.D * 5 / 4, 1e-12)


def test_zero_padding_is_not_the_torus():
    torus = sd.predict_wide(NET, size=8, rng=0)
    padded = sd.predict_wide(UNIFORM(3, depth=2, padding=1), size=8, rng=0)
    assert abs(padded.D / torus.D - 1)[1:].min() > 0.002


def test_axes_that_differ_are_shown_by_their_geometric_mean():
    net = sd.Network([sd.Layer(3, (1, 2), padding=1)] * 2, dim=2)
    sizes = {"size": 6, "rng": 0}
    results = [
        sd.predict_wide(net, noise_error=0.5, **sizes),
        sd.simulate_wide(net, width=4, networks=2, samples=2, **sizes),
    ]
    per_axis = [net.along(axis).box_width for axis in (0, 1)]
    for result in results:
        assert close(result.A, np.sqrt(np.prod(per_axis, axis=0)), 1e-12)
        assert result.columns()["A"].tolist() == result.A.tolist()
        assert "5.1382" in repr(result)


def test_exhaustion_is_named():
    with pytest.raises(sd.ExhaustionError, match="layer 3"):
        sd.predict_wide(UNIFORM(2, 2, 3), size=8, pooling=1, rectify="input")
    assert sd.predict_wide(UNIFORM(2, 2, 3), size=8, pooling=0.5, noise_error=0.1, rng=0).Q[3] > 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": 12, "pooling": 1.5}, r"pooling must be at most 1, .*; got 1.5"),
        ({"size": 12, "pooling": [0.5]}, r"pooling must be one number, or one per layer, 2; got 1"),
        ({"size": 12, "pooling": "all"}, r"pooling must be a finite real number; got 'all'"),
        ({"size": 12, "tap_covariances": [np.eye(3)]}, r"one matrix per layer, 2; got 1"),
        ({"size": 12, "tap_covariances": [np.eye(3), np.eye(2)]}, r"3 x 3 .* got shape \(2, 2\)"),
        ({"size": 12, "tap_covariances": [np.eye(3), -np.eye(3)]}, r"got the eigenvalue -1"),
        ({"size": 12, "tap_covariances": [np.eye(3)] * 2, "pooling": 0.5}, r"pooling must be left"),
        ({"size": 12, "weight_variance": 0}, r"weight_variance must be .* > 0; got 0"),
        ({"size": 12, "bias_variance": -1}, r"bias_variance must be .* >= 0; got -1"),
        ({"size": 12, "noise_error": 0}, r"noise_error must be .* between 0 and 1"),
        ({"size": 12, "rectify": "all"}, r"rectify must be one of"),
        ({"size": 12, "displaced": np.eye(3)}, r"displaced must be left out without images"),
        ({}, r"size must be given"),
        ({"images": np.eye(12)[:1]}, r"images must be .* n >= 2; got shape \[1, 12\]"),
        ({"images": [[np.nan] * 12] * 2}, r"images must be finite numbers"),
        ({"images": np.ones((2, 12))}, r"displaced must differ from images"),
        ({"images": np.eye(12), "size": 6}, r"size must be left out or that of images"),
        ({"images": np.eye(12), "displaced": np.eye(6)}, r"displaced must be finite .* \[6, 6\]"),
        ({"images": np.eye(12), "moves": "stay"}, r"moves must be 'wrap' with images"),
    ],
)
def test_bad_arguments(given, message):
    with pytest.raises(ValueError, match=message):
        sd.predict_wide(NET, **given)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (UNIFORM(3, depth=2, bias=0.1), r"layer 1 is Layer\(.*bias"),
        (UNIFORM(3, depth=2, padding=1, count_include_pad=False), r"count_include_pad=True"),
        (UNIFORM(2, 2, padding=0, pooling="max"), r"layers that average"),
        (sd.Network([sd.Layer(3)] * 2, inputs=[[0], [0, 1]]), r"a chain of layers; got a graph"),
        (UNIFORM(sd.Kernel([1, -1], signed=True)), r"pooling needs non-negative kernels"),
    ],
)
def test_layers_beyond_the_theory(net, message):
    for call in (sd.predict_wide, sd.simulate_wide):
        with pytest.raises(ValueError, match=message):
            call(net, size=12)
    with pytest.raises(TypeError, match="net must be a Network; got 3"):
        sd.predict_wide(3, size=12)


def test_signed_kernels_take_covariances():
    net = UNIFORM(sd.Kernel([1, -1], signed=True), depth=2)
    matrix = np.array([[1.0, -1.0], [-1.0, 1.0]]) / 2
    p = sd.predict_wide(net, size=8, tap_covariances=[matrix] * 2, rng=0)
    s = sd.simulate_wide(
        net, size=8, tap_covariances=[matrix] * 2, width=150, networks=40, samples=60, rng=0
    )
    assert (abs(s.D - p.D) < 4 * s.D_err + 1e-12).all()
    assert "support" in repr(p)
    assert "support" in repr(s)
