"""Filters with means over input channels: brute force, limits, and networks carried out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats.qmc import MultivariateNormalQMC

import scaledet as sd
from scaledet.reference.mean_filters import CoherentLayer, CoherentNet, rectified_product
from scaledet.theory.wide.mixture import FINE, ROUGH, rectified_mixture
from tests.theory.wide.closeness import close

UNIFORM = sd.Network.uniform
NET = sd.Network([sd.Layer(3), sd.Layer(2, 2)])
RNG = np.random.default_rng(3)
MEANS = [RNG.normal(0.3, 0.7, (3, 3)), RNG.normal(0.2, 0.7, (2, 2))]
BIASES = [RNG.normal(0, 0.3, 3), RNG.normal(0, 0.3, 2)]
IMAGES = RNG.normal(0.5, 1, (3, 8))
MOVED = IMAGES + 0.3 * RNG.normal(size=IMAGES.shape)
CHEAP = {"noise_error": 0.5, "rng": 0}


def brute(fixed, share=0.4, weights=(0.8, 0.5), noise=(0.1, 0.0)):
    layers = []
    for k, length in enumerate((3, 2)):
        taps = (1 - share) * np.eye(length) / length + share / length**2
        rows = list(zip(MEANS[k], BIASES[k], strict=True))
        layers.append(CoherentLayer(weights[k] * taps, (1, 2)[k], rows, fixed))
    return CoherentNet(layers, noise)


@pytest.mark.parametrize("fixed", [False, True])
def test_given_images_are_those_of_brute_force(fixed):
    net = brute(fixed)
    given = {"weight_variance": (0.8, 0.5), "bias_variance": (0.1, 0), "pooling": 0.4, **CHEAP}
    given |= {"images": IMAGES, "displaced": MOVED, "mean_filters": MEANS, "biases": BIASES}
    p = sd.predict_wide(NET, fixed_sums=fixed, **given)
    moved = np.mean([net.distance(*pair) for pair in zip(IMAGES, MOVED, strict=True)], axis=0)
    apart = np.mean([net.distance(*pair) for pair in itertools.combinations(IMAGES, 2)], axis=0)
    assert p.Q.tolist() == pytest.approx(apart.tolist(), rel=1e-6)
    assert (p.D * p.Q).tolist() == pytest.approx(moved.tolist(), rel=1e-8)
    other = sd.predict_wide(NET, fixed_sums=not fixed, **given)
    assert abs(other.D / p.D - 1)[1:].min() > 0.01
    assert p.weight_variance == (0.8, 0.5)
    assert p.mean_power.tolist() == pytest.approx([(m**2).sum() / len(m) for m in MEANS])


def test_pixels_are_those_of_brute_force():
    """Blank sites have biases, and what surrounds a pixel stands for all of them."""
    net, eye = brute(False, weights=(0.8, 0.8), noise=(0.1, 0.1)), np.eye(8)
    p = sd.predict_wide(
        NET,
        size=8,
        pooling=0.4,
        weight_variance=0.8,
        bias_variance=0.1,
        mean_filters=MEANS,
        biases=BIASES,
        **CHEAP,
    )
    # By the period of the strides, two pixels stand for all.
    apart = np.mean([net.distance(eye[i], eye[j]) for i in (0, 1) for j in range(8)], axis=0)
    moved = [net.distance(eye[i], eye[i + m]) for i in (2, 3) for m in (1, -1)]
    assert p.Q.tolist() == pytest.approx(apart.tolist(), rel=1e-8)
    assert (p.D * p.Q).tolist() == pytest.approx(np.mean(moved, axis=0).tolist(), rel=1e-8)


@pytest.mark.parametrize("t", [0, 0.5])
@pytest.mark.parametrize("mode", ["zeros", "reflect"])
def test_padding_is_that_of_images_without_symmetry(mode, t):
    net = sd.Network([sd.Layer(3, padding=1, padding_mode=mode), sd.Layer(2, 2, padding=0)])
    given = {"pooling": t, "mean_filters": MEANS, "biases": BIASES, **CHEAP}
    p = sd.predict_wide(net, size=9, **given)
    images = sd.predict_wide(net, images=np.eye(9), **given)
    assert close(p.Q, images.Q * 8 / 9, 1e-6)
    assert close(p.D * p.Q, images.D * images.Q, 1e-12)
    every = np.eye(9)
    plain = sd.predict_wide(net, images=every, pooling=t, **CHEAP)
    assert abs(plain.D / images.D - 1)[1:].min() > 0.01


@pytest.mark.parametrize("given", [{"size": 12}, {"images": np.abs(RNG.normal(size=(4, 12)))}])
@pytest.mark.parametrize("rectify", ["layers", None])
@pytest.mark.parametrize("t", [0, 0.5])
def test_means_of_zero_change_nothing(given, rectify, t):
    net = UNIFORM(3, depth=3)
    zero = [np.zeros((2, 3))] * 3
    arguments = {**given, "pooling": t, "rectify": rectify, "bias_variance": 0.2, "rng": 0}
    plain = sd.predict_wide(net, **arguments)
    p = sd.predict_wide(net, mean_filters=zero, biases=[np.zeros(2)] * 3, **arguments)
    assert close(p.D * p.Q, plain.D * plain.Q, 1e-11)
    assert close(p.Q, plain.Q, 1e-6)
    assert (abs(p.G - plain.G) <= 4 * np.hypot(p.G_err, plain.G_err) + 1e-12).all()


def test_coherent_filters_alone_are_the_model():
    """C = 0, rows c_h a: positive channels carry the pooled image, whatever the signs."""
    factors = np.array([1.0, -0.5, 0.7, -1.2])
    for net, size in ((UNIFORM(3, depth=4), 24), (UNIFORM([1, 2, 1], 2, 2), 16)):
        kernel = np.array([float(weight) for weight in net[0].filter])
        means = [factors[:, None] * kernel] * net.depth
        for name, exact in (("D", 1e-12), ("Q", None)):
            p = sd.predict_wide(net, size=size, mean_filters=means, weight_variance=0, **CHEAP)
            model = sd.predict(net, size=size)
            if exact:
                assert close(getattr(p, name), getattr(model, name), exact)
            else:
                gain = np.mean(np.maximum(factors, 0) ** 2)
                mean = np.mean(np.maximum(factors, 0))
                scale = [1.0, *(gain * mean ** (2 * k) for k in range(net.depth))]
                assert close(p.Q, model.Q * scale, 1e-12)


def test_a_known_first_layer_is_carried_out():
    """C = 0 and the filters themselves as rows, on images of one channel."""
    filters, biases = RNG.normal(size=(5, 3)), RNG.normal(0, 0.2, 5)
    net = UNIFORM(3)
    p = sd.predict_wide(
        net,
        images=IMAGES,
        displaced=MOVED,
        mean_filters=[filters],
        biases=[biases],
        tap_covariances=[np.zeros((3, 3))],
        **CHEAP,
    )

    def units(images):
        windows = np.stack([np.roll(images, -f, axis=1) for f in range(3)], axis=2)
        return np.maximum(windows @ filters.T + biases, 0)

    moved = np.square(units(IMAGES) - units(MOVED)).sum(axis=(1, 2)).mean() / 5
    assert p.D[1] * p.Q[1] == pytest.approx(moved, rel=1e-12)


def test_two_dimensions_against_rows():
    """A kernel along one axis leaves rows apart."""
    flat = sd.predict_wide(
        NET, images=IMAGES, displaced=MOVED, mean_filters=MEANS, pooling=0.4, **CHEAP
    )
    net = sd.Network([sd.Layer((1, 3)), sd.Layer((1, 2), (1, 2))], dim=2)
    rows = {"images": IMAGES, "displaced": MOVED}
    twice = {name: np.repeat(each[:, None], 2, axis=1) for name, each in rows.items()}
    p = sd.predict_wide(net, mean_filters=MEANS, pooling=0.4, **twice, **CHEAP)
    assert close(p.D, flat.D, 1e-7)
    assert close(p.Q, 2 * flat.Q, 1e-7)


def test_fixed_sums_of_random_filters_are_random_filters():
    """Rows drawn from the law of the sums, and deviations from the mean: the same networks."""
    draw = MultivariateNormalQMC(np.zeros(3), np.eye(3) * 2 / 3, rng=0)
    rows = [draw.random(512)] * 2
    net = UNIFORM(3, depth=2)
    given = {"images": IMAGES, "displaced": MOVED, **CHEAP}
    plain = sd.predict_wide(net, **given)
    p = sd.predict_wide(net, mean_filters=rows, fixed_sums=True, **given)
    double = sd.predict_wide(net, mean_filters=rows, **given)
    assert close(p.D, plain.D, 0.03)
    assert close(p.Q, plain.Q, 0.03)
    assert abs(double.Q / plain.Q - 1)[1:].min() > 0.3


@pytest.mark.parametrize("closeness", [1.0, 0.1, 1e-3, 1e-6])
def test_moments_of_mixtures_are_integrals(closeness):
    rng = np.random.default_rng(5)
    levels = rng.normal(0, 1.5, (1, 3, 4))
    levels = np.stack([levels, levels + closeness * rng.normal(size=levels.shape)])
    first = rng.normal(size=(3, 4)) * [[2], [1], [0.1]]
    second = first + closeness * rng.normal(size=first.shape)
    roots = (first, first), (second, second), (first, second), (first - second,) * 2
    before = np.stack([(a @ b.T)[None] for a, b in roots])
    covariances, means = rectified_mixture(levels, before, FINE)
    for place, (a, b) in enumerate(((0, 0), (1, 1), (0, 1))):
        for i, j in np.ndindex(3, 3):
            exact = [
                rectified_product(
                    levels[a, 0, i, h],
                    levels[b, 0, j, h],
                    before[a, 0, i, i],
                    before[b, 0, j, j],
                    before[place, 0, i, j],
                )
                for h in range(4)
            ]
            assert covariances[place, 0, i, j] == pytest.approx(np.mean(exact), abs=1e-11)
    alone = [rectified_product(u, 1.0, before[1, 0, 2, 2], 0.0, 0.0) for u in levels[1, 0, 2]]
    assert means[1, 0, 2] == pytest.approx(np.mean(alone), rel=1e-12)
    rough = rectified_mixture(levels, before, ROUGH)[0]
    assert abs(rough - covariances).max() < 1e-6
    equal = np.einsum("pbii->pbi", before).copy()
    assert close(rectified_mixture(levels, equal)[0][3], np.einsum("bii->bi", covariances[3]), 1e-9)


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9])
def test_small_distances_keep_their_digits(distance):
    """D scales as the square of a small displacement."""
    rng = np.random.default_rng(7)
    x, step = rng.normal(size=(2, 1, 1, 5, 4))
    root, change = rng.normal(size=(2, 1, 5, 6))

    def after(size):
        moved = root + size * change
        pairs = (root, root), (moved, moved), (root, moved), (size * change,) * 2
        before = np.stack([(a * b).sum(axis=-1) for a, b in pairs])
        levels = np.concatenate([x, x + size * step])
        return rectified_mixture(levels, before)[0][3] / size**2

    assert close(after(distance), after(1e-4), 20 * max(distance, 1e-4))


def deviation(simulated, predicted, name):
    error = getattr(simulated, f"{name}_err")
    if name in "GR":
        error = np.hypot(error, getattr(predicted, f"{name}_err"))
    return abs(getattr(simulated, name) - getattr(predicted, name)) / (error + 1e-12)


@pytest.mark.parametrize(
    "given",
    [
        {"size": 12},
        {"size": 12, "fixed_sums": True, "pooling": 0.4},
        {"size": 12, "weight_variance": (0, 0.5), "bias_variance": (0.1, 0)},
        {"size": 12, "rectify": "input"},
        {"task": sd.ScaleDetection(size=8, xi=3, gap=0), "pooling": 0.4},
    ],
)
def test_random_networks_have_the_coupled_maps(given):
    """And not what their variances alone would give."""
    law = {"weight_variance": 1, "mean_filters": MEANS, "biases": BIASES, **given}
    predicted = sd.predict_wide(NET, rng=0, noise_error=0.01, **law)
    simulated = sd.simulate_wide(NET, width=200, networks=60, samples=16, rng=1, **law)
    for name in "DGRQ":
        assert deviation(simulated, predicted, name).max() < 4.5, name
    apart = {name: value for name, value in law.items() if name != "mean_filters"}
    rival = sd.predict_wide(NET, **{**apart, "weight_variance": 1, "fixed_sums": False}, **CHEAP)
    assert deviation(simulated, rival, "D").max() > 15


def test_the_difference_to_the_limit_falls_as_one_over_the_width():
    """Times the width it is about 1.3 of Q_2: channel means of finite networks fluctuate."""
    net = UNIFORM(3, depth=2)
    law = {"size": 6, "weight_variance": 1, "mean_filters": [MEANS[0]] * 2}
    limit = sd.predict_wide(net, **law, **CHEAP).Q[2]
    scaled, errors = {}, {}
    for width, networks in {4: 6000, 16: 6000, 64: 200}.items():
        s = sd.simulate_wide(net, width=width, networks=networks, samples=8, rng=2, **law)
        scaled[width] = width * (s.Q[2] / limit - 1)
        errors[width] = width * s.Q_err[2] / limit
    assert scaled[4] > 5 * errors[4]
    assert scaled[16] > 4 * errors[16]
    for width in (16, 64):
        assert abs(scaled[width] - scaled[4]) < 4 * np.hypot(errors[width], errors[4])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mean_filters": [MEANS[0]]}, r"mean_filters must hold an array or None per layer, 2"),
        ({"mean_filters": [MEANS[1]] * 2}, r"mean_filters\[0\] must be .* \[H, 3\], .*\[2, 2\]"),
        ({"mean_filters": [None, np.full((1, 2), np.nan)]}, r"mean_filters\[1\] must be .* finite"),
        (
            {"biases": [np.eye(2), None]},
            r"biases\[0\] must be .* shape \[H\], .*got shape \[2, 2\]",
        ),
        ({"biases": [None, []]}, r"biases\[1\] must be .* H >= 1; got shape \[0\]"),
        ({"mean_filters": MEANS, "biases": [None, [1, 2, 3]]}, r"each of the 2 rows .*; got 3"),
        ({"weight_variance": [1]}, r"weight_variance must be one number, or one per layer, 2"),
        ({"weight_variance": [1, 0]}, r"weight_variance\[1\] must be .* > 0; got 0"),
        (
            {"weight_variance": 0, "mean_filters": [None, MEANS[1]]},
            r"weight_variance must be .* > 0",
        ),
        ({"bias_variance": [0, -1]}, r"bias_variance\[1\] must be .* >= 0; got -1"),
        ({"tap_covariances": [np.zeros((3, 3)), np.eye(2)]}, r"tap_covariances\[0\] must not be 0"),
        ({"fixed_sums": 1}, r"fixed_sums must be True or False; got 1"),
    ],
)
def test_bad_arguments(given, message):
    for call in (sd.predict_wide, sd.simulate_wide):
        with pytest.raises(ValueError, match=message):
            call(NET, size=12, **given)


def test_results_say_what_the_law_is():
    law = {"size": 8, "weight_variance": (1, 0.5), "mean_filters": [MEANS[0], None], "rng": 0}
    results = [
        sd.predict_wide(NET, noise_error=0.5, **law),
        sd.simulate_wide(NET, width=30, networks=3, samples=4, **law),
    ]
    for result in results:
        assert "variance of weights 1, 0.5, of biases 0, filters of mean square" in repr(result)
        assert result.mean_power.tolist() == [np.square(MEANS[0]).sum(axis=1).mean(), 0]
