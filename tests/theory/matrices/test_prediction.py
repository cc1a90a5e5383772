"""Predictions of networks that are no torus as results: refusals, files, sizes, noise as drawn."""

from __future__ import annotations

import re

import numpy as np
import pytest

import scaledet as sd
from scaledet import Layer, Network
from scaledet.reference.bordered import Bordered
from tests.theory.matrices.test_pixel import CORNER, RESIDUAL, graph

PADDED = Network([Layer(3, padding=1)] * 2)
DIFFERENT = Network([Layer((3, 2), (1, 2), padding=1)] * 2, dim=2)


@pytest.mark.parametrize(
    ("net", "options", "message"),
    [
        (
            Network([Layer(3), Layer(2, padding=0, pooling="max")], names=["a", "b"]),
            {},
            r"layer 2 \('b'\) is Layer.*, which pools the maximum \(simulate",
        ),
        (
            Network([Layer(sd.Kernel([1, -1], signed=True), padding=1)]),
            {},
            r"layer 1 is .*signed kernel \(simulate",
        ),
        (
            Network([Layer(3, padding=1), Layer(3, bias=-0.5)]),
            {},
            r"layer 2 is .* has bias -0.5 \(simulate",
        ),
        (PADDED, {"rectify": "layers"}, "rectify must be 'input', 'noise' or None .*simulate"),
        (PADDED, {"background": 1.0}, "background must be 0.0 .*got 1.0 .*simulate"),
        (PADDED, {"method": "closure"}, "method must be 'exact' .*got 'closure'"),
        (PADDED, {"moves": "jump"}, "moves must be one of 'wrap', 'stay', 'inside'; got 'jump'"),
    ],
)
def test_what_is_not_linear_is_refused(net, options, message):
    with pytest.raises(ValueError, match=message):
        sd.predict(net, size=9, **options)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            graph(RESIDUAL, 1),
            r"needs a chain .*layer 4 \('sum'\) receives .*predict at finite size",
        ),
        (DIFFERENT, r"along all axes; layer 1 is .*net.along\(axis\)"),
        (Network([Layer(CORNER, padding=1)] * 2, dim=2), "along all axes; layer 1 is Layer"),
    ],
)
def test_the_infinite_lattice_of_others_is_refused(net, message):
    for function in (sd.predict, sd.predict_exponents):
        with pytest.raises(ValueError, match=message):
            function(net)


def test_padding_does_not_matter_to_the_infinite_lattice_and_exponents_say_so(tmp_path):
    padded = Network([Layer(4, 2, padding=1)] * 3, dim=2)
    plain = Network([Layer(4, 2)] * 3, dim=2)
    assert np.array_equal(sd.predict(padded).G, sd.predict(plain).G)
    exponents, of_torus = sd.predict_exponents(padded), sd.predict_exponents(plain)
    assert (exponents.alpha, exponents.beta) == (of_torus.alpha, of_torus.beta)
    for text in (repr(exponents), exponents._repr_html_()):
        assert "of the infinite lattice: padding matters to finite images only" in text
    assert "infinite" not in repr(of_torus)
    loaded = sd.load(exponents.save(tmp_path / "exponents.npz"))
    assert loaded.padded
    assert repr(loaded) == repr(exponents)


def test_a_wide_image_comes_near_the_infinite_lattice():
    net = Network([Layer(3, padding=1)] * 3, dim=2)
    infinite = sd.predict(net)
    gaps = [abs(sd.predict(net, size=size).D / infinite.D - 1).max() for size in (100, 200, 400)]
    assert gaps[2] < 0.02
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.1)
    assert gaps[1] / gaps[2] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(
    ("net", "size", "options"),
    [
        (PADDED, 9, {"moves": "stay"}),
        (DIFFERENT, (8, 6), {"moves": "inside"}),
        (graph(RESIDUAL, 2), (5, 4), {}),
        (PADDED, 9, {"task": sd.ScaleDetection(size=9, xi=3, gap=0), "moves": "inside"}),
    ],
)
def test_round_trip(net, size, options, tmp_path):
    prediction = sd.predict(net, size=size, **options)
    loaded = sd.load(prediction.save(tmp_path / "prediction.npz"))
    assert loaded.scenario == prediction.scenario
    assert loaded.moves == options.get("moves", "wrap")
    for name in ("D", "G", "R", "Q", "A", "support"):
        assert np.array_equal(getattr(loaded, name), getattr(prediction, name))
    assert loaded.exact_D == prediction.exact_D
    assert f"size {size}" in repr(loaded) or "task" in options
    frame = loaded.to_dataframe()
    assert frame["D"].tolist() == prediction.D.tolist()


def test_where_axes_differ_widths_are_geometric_means():
    prediction = sd.predict(DIFFERENT, size=(8, 6))
    along = [DIFFERENT.along(axis) for axis in (0, 1)]
    for name, field in (("A", "box_width"), ("support", "support")):
        axes = np.array([getattr(net, field) for net in along], dtype=float)
        assert getattr(prediction, name) == pytest.approx(np.sqrt(axes.prod(axis=0)), rel=1e-14)
    assert prediction.to_dataframe()["stride"].tolist() == [1, (1, 2), (1, 4)]


def test_large_images_in_floats_are_those_of_exact_integers():
    net = Network([Layer(3, padding=1)] * 20, dim=2)
    prediction = sd.predict(net, size=224)
    for k in (1, 10, 20):
        assert prediction.D[k] == pytest.approx(float(prediction.exact_D[k]), rel=1e-13)


def test_images_that_do_not_fit_into_memory_are_refused_with_a_size_that_does():
    net = Network([Layer(CORNER, padding=1)] * 20, dim=2)
    with pytest.raises(ValueError, match=r"size must be at most about \d+ .*GB.* 4000 x 4000"):
        sd.predict(net, size=4000)
    with pytest.raises(ValueError, match=r"exact_D needs .*512 pixels in all.*; got 900"):
        sd.predict(net[:1], size=30).exact_D  # noqa: B018


@pytest.mark.parametrize("rectify", ["input", "noise"])
def test_noise_as_it_is_drawn(rectify):
    """Images with Gaussian noise go through every layer, its bias and its ReLU."""
    nodes = {**RESIDUAL, "end": (Layer(3, 2, bias=0.25, padding=1), ["sum"])}
    net, sigma, draws = graph(nodes, 1), 0.4, 40_000
    rng = np.random.default_rng(13)
    reference = Bordered(net, (9,), exact=False)
    clean = np.eye(9)[rng.integers(9, size=draws)]
    noise = sigma * rng.normal(size=clean.shape)
    noisy = np.maximum(clean + noise, 0) if rectify == "input" else clean + np.maximum(noise, 0)
    prediction = sd.predict(net, size=9, sigma=sigma, rectify=rectify)
    pairs = zip(reference.run(noisy, real=True), reference.run(clean, real=True), strict=True)
    for k, (disturbed, image) in enumerate(pairs):
        squares = ((disturbed - image) ** 2).sum(axis=1)
        error = squares.std() / np.sqrt(draws)
        assert abs(squares.mean() - prediction.G[k] * prediction.Q[k]) < 4 * error


def test_scenarios_name_what_is_new():
    text = repr(sd.predict(PADDED, size=9, moves="stay"))
    assert re.search(r"padding=1.*size 9.*moves = 'stay'", text)


def test_depths_at_which_the_border_has_taken_all_are_refused_with_one_that_works():
    """Two thirds of what is left go to the padding at every layer once one pixel is left."""
    net = Network([Layer(3, 2, padding=1)] * 1000)
    with pytest.raises(ValueError, match=r"depth must be at most \d+ here") as caught:
        sd.predict(net, size=16)
    last = int(re.search(r"at most (\d+) here", str(caught.value))[1])
    prediction = sd.predict(net[:last], size=16)
    assert prediction.D[-1] == pytest.approx(prediction.D[10], rel=1e-12)
