"""Sensitivities measured on images: by definition, against the theory, and their errors."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from scaledet.network.grid_kernel import GridKernel
from scaledet.simulation.images import _estimates
from tests.image_reference import decaying_spectrum

NET = sd.Network([sd.Layer(3), sd.Layer(2, 2, bias=0.1)], dim=2)
TAU = sd.Diffeomorphism.with_displacement(0.8, 12, 3)


def random_images(count, size=12, seed=0):
    """Gaussian images of spectrum |q|^-2: pieces of larger ones."""
    width = 2 * size - 1
    waves = np.fft.fft2(np.random.default_rng(seed).standard_normal((count, width, width)))
    return np.fft.ifft2(waves * np.sqrt(decaying_spectrum(width)) * width).real[:, :size, :size]


def test_the_theory_of_their_spectrum_agrees():
    images = random_images(2000)
    spectrum = decaying_spectrum(23)
    measured = sd.simulate_images(NET, images, TAU, rng=1)
    theory = sd.predict_images(NET, spectrum, TAU, size=12)
    for name in "DGQ":
        pulls = (getattr(measured, name) - getattr(theory, name)) / getattr(measured, f"{name}_err")
        if name == "G":  # both are matched to a sigma of their own
            scale = (measured.sigma / theory.sigma) ** 2
            pulls = (measured.G / scale - theory.G) / measured.G_err
        assert np.abs(pulls).max() < 4, name
    # Negative control: another displacement is told apart.
    other = sd.predict_images(NET, spectrum, sd.Diffeomorphism.with_displacement(1, 12, 3), size=12)
    assert (np.abs(measured.D - other.D) > 5 * measured.D_err).all()


@pytest.mark.parametrize("rectify", [None, "layers"])
def test_branches_and_borders_by_definition(rectify):
    """Zeros beside the images, and a layer that receives the images and a map."""
    layers = [sd.Layer(3, padding=1, bias=-0.1), sd.Layer([1, 2], padding=((1, 0), (1, 0)))]
    net = sd.Network(layers, dim=2, inputs=[(0,), (0, 1)])
    images = np.abs(random_images(40))

    def pooled(stack, weights):
        wide = np.pad(stack, ((0, 0), (1, 1), (1, 1)))
        taps = [(i, j, a * b) for i, a in enumerate(weights) for j, b in enumerate(weights)]
        return sum(w * wide[:, i : i + 12, j : j + 12] for i, j, w in taps)

    def relu(values):
        return values if rectify is None else np.maximum(values, 0)

    first = relu(pooled(images, [1 / 3] * 3) - 0.1)
    second = relu(pooled(images + first, [1 / 3, 2 / 3, 0]))
    made = sd.simulate_images(net, images, TAU, rng=1, rectify=rectify)
    for k, maps in enumerate((images, first, second)):
        distance = 2 * 40 / 39 * np.square(maps - maps.mean(axis=0)).sum() / 40
        assert made.Q[k] == pytest.approx(distance, rel=1e-12)


@pytest.mark.parametrize("rectify", [None, "noise"])
def test_noise_of_given_strength_agrees_with_the_theory(rectify):
    images = random_images(1500) + (0 if rectify is None else 200)
    measured = sd.simulate_images(NET, images, TAU, rectify=rectify, sigma=0.5, rng=2)
    theory = sd.predict_images(
        NET, sd.power_spectrum(images), TAU, size=12, rectify=rectify, sigma=0.5
    )
    noise, expected = measured.G * measured.Q, theory.G * theory.Q
    assert (np.abs(noise - expected) < 4 * measured.G_draw_err * measured.Q).all()


@pytest.mark.parametrize("rectify", ["input", "noise", "layers", None])
def test_one_draw_by_definition(rectify):
    """With a displacement so small that nothing moves, what is left is the noise."""
    images = np.random.default_rng(0).random((4, 6, 6))
    tau = sd.Diffeomorphism(2, 1e-30)
    net = sd.Network([sd.Layer(2, 2, bias=-0.3)], dim=2)
    made = sd.simulate_images(net, images, tau, rectify=rectify, sigma=0.4, repeats=400, rng=3)
    rng = np.random.default_rng(7)

    def pooled(values):
        means = values.reshape(-1, 3, 2, 3, 2).mean(axis=(2, 4)) - 0.3
        return means if rectify is None else np.maximum(means, 0)

    clean = pooled(images)
    noises = []
    for _ in range(400):
        eta = 0.4 * rng.standard_normal(images.shape)
        if rectify == "noise":
            noisy = images + np.maximum(eta, 0)
        else:
            noisy = np.maximum(images + eta, 0) if rectify == "input" else images + eta
        noises.append(((pooled(noisy) - clean) ** 2).sum(axis=(1, 2)).mean())
    pairs = [((clean[i] - clean[j]) ** 2).sum() for i in range(4) for j in range(i)]
    assert made.Q[1] == pytest.approx(np.mean(pairs), rel=1e-12)
    error = np.hypot(np.std(noises) / 20, made.G_draw_err[1] * made.Q[1])
    assert abs(np.mean(noises) - made.G[1] * made.Q[1]) < 4 * error
    assert made.D.max() < 1e-20


@pytest.mark.parametrize("rectify", ["input", "layers", None])
def test_branches_max_pooling_and_signed_kernels_by_definition(rectify):
    images = np.random.default_rng(0).random((4, 6, 6))
    edges = GridKernel([[-1, 0], [0, 1]], signed=True)
    net = sd.Network(
        [
            sd.Layer(2, 2, padding=0, pooling="max"),
            sd.Layer(edges, 2, bias=-0.1, padding=0),
            sd.Layer(1, padding=0),
        ],
        dim=2,
        inputs=[(0,), (0,), (1, 2)],
    )

    def pooled(x):
        largest = x.reshape(-1, 3, 2, 3, 2).max(axis=(2, 4))
        step = x[:, 1::2, 1::2] - x[:, ::2, ::2] - 0.1
        if rectify is None:
            return largest + step
        return np.maximum(np.maximum(largest, 0) + np.maximum(step, 0), 0)

    tau = sd.Diffeomorphism.with_displacement(0.5, 6, 2)
    repeats = 400
    made = sd.simulate_images(net, images, tau, rectify=rectify, sigma=0.4, repeats=repeats, rng=3)
    clean = pooled(images)
    pairs = [((clean[i] - clean[j]) ** 2).sum() for i in range(4) for j in range(i)]
    assert made.Q[3] == pytest.approx(np.mean(pairs), rel=1e-12)
    rng, squares = np.random.default_rng(7), []
    for _ in range(repeats):
        noisy = images + 0.4 * rng.standard_normal(images.shape)
        noisy = np.maximum(noisy, 0) if rectify == "input" else noisy
        changed = tau.apply(images, rng=rng), noisy
        squares.append([((pooled(x) - clean) ** 2).sum(axis=(1, 2)).mean() for x in changed])
    mean, scatter = np.mean(squares, axis=0), np.std(squares, axis=0) / repeats**0.5
    for name, value, error in zip("DG", mean, scatter, strict=True):
        own = getattr(made, f"{name}_draw_err")[3] * made.Q[3]
        assert abs(value - getattr(made, name)[3] * made.Q[3]) < 4 * np.hypot(error, own)
        assert own < 0.1 * value


def test_the_theory_of_borders_and_branches_agrees():
    images, spectrum = random_images(1000), decaying_spectrum(23)
    layers = [sd.Layer(3, padding=1), sd.Layer(3, 2, padding=1), sd.Layer(1, 2, padding=0)]
    net = sd.Network(
        [*layers, sd.Layer([[1, 2], [3, 1]], padding=1)], dim=2, inputs=[(0,), (1,), (1,), (2, 3)]
    )
    measured = sd.simulate_images(net, images, TAU, sigma=0.2, rng=1)
    theory = sd.predict_images(net, spectrum, TAU, size=12, sigma=0.2)
    for name in "DGQ":
        pulls = (getattr(measured, name) - getattr(theory, name)) / getattr(measured, f"{name}_err")
        assert np.abs(pulls).max() < 4, name
    # Negative control: the other branch in place of both is told apart.
    chain = sd.Network(net.layers, dim=2, inputs=[(0,), (1,), (1,), (3,)])
    other = sd.predict_images(chain, spectrum, TAU, size=12, sigma=0.2)
    for name in "GQ":
        error = getattr(measured, f"{name}_err")[4]
        assert abs(getattr(measured, name)[4] - getattr(other, name)[4]) > 5 * error, name


def test_errors_are_the_jackknife_of_the_images():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((6, 5))
    moved, noisy = rng.random((2, 3, 6, 1))

    def ratios(kept):
        pairs = [((points[i] - points[j]) ** 2).sum() for i in kept for j in kept if i != j]
        d, g = moved[:, kept].mean() / np.mean(pairs), noisy[:, kept].mean() / np.mean(pairs)
        return np.array([d, g, d / g, np.mean(pairs)])

    spread = ((points - points.mean(axis=0)) ** 2).sum(axis=1)[:, None]
    made = _estimates(4, moved, noisy, spread, spread + 1)
    every = list(range(6))
    left = np.array([ratios([i for i in every if i != j]) for j in every])
    errors = np.sqrt(5 * left.var(axis=0))
    for name, value, error in zip("DGRQ", ratios(every), errors, strict=True):
        assert made[name][0] == pytest.approx(value, rel=1e-12)
        assert made[f"{name}_err"][0] == pytest.approx(error, rel=1e-10)


def test_errors_over_draws_are_the_scatter_of_repeated_runs():
    images = random_images(30)
    runs = [sd.simulate_images(NET, images, TAU, sigma=0.3, rng=seed) for seed in range(60)]
    for name in "DG":
        scatter = np.std([getattr(run, name) for run in runs], axis=0, ddof=1)
        error = np.sqrt(np.mean([getattr(run, f"{name}_draw_err") ** 2 for run in runs], axis=0))
        np.testing.assert_allclose(error, scatter, rtol=0.4)
        assert (error < [getattr(run, f"{name}_err") for run in runs]).mean() > 0.9


def test_chunks_and_seeds(monkeypatch):
    images = random_images(40)
    first = sd.simulate_images(NET, images, TAU, rng=5)
    again = sd.simulate_images(NET, images, TAU, rng=np.random.default_rng(5))
    other = sd.simulate_images(NET, images, TAU, rng=6)
    np.testing.assert_array_equal(first.D, again.D)
    assert not np.array_equal(first.D, other.D)
    monkeypatch.setattr("scaledet.simulation.images._CHUNK", 12 * 12 * 7)
    chunked = sd.simulate_images(NET, images, TAU, rng=5)
    np.testing.assert_allclose(chunked.Q, first.Q, rtol=1e-12)
    assert (np.abs(chunked.D - first.D) < 5 * first.D_draw_err).all()
    assert chunked.sigma == pytest.approx(first.sigma, rel=0.1)


def test_signed_kernels_have_no_receptive_field():
    net = sd.Network([sd.Layer(sd.Kernel([1, -1], signed=True))], dim=2)
    made = sd.simulate_images(net, random_images(10), TAU, rng=0)
    assert made.columns()["support"].tolist() == [1, 2]
    assert "support" in repr(made)


def test_gaussian_interpolation_is_another_number():
    images = random_images(50)
    linear, gaussian = (
        sd.simulate_images(NET, images, TAU, rng=5, interpolation=kind)
        for kind in ("linear", "gaussian")
    )
    assert gaussian.interpolation == "gaussian"
    assert not np.allclose(linear.D, gaussian.D, rtol=1e-3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"images": np.zeros((2, 12, 12))}, "images must be at least three"),
        ({"images": np.zeros((5, 12, 12))}, "images must change when they are deformed"),
        ({"images": np.zeros((5, 12, 12)), "sigma": 1}, "exhausted at layer 0"),
        ({"images": -np.ones((5, 12, 12)), "rectify": "input"}, "no pixel below 0.*got -1"),
        ({"repeats": 1}, "repeats must be an integer >= 2; got 1"),
        ({"interpolation": "cubic"}, "interpolation must be one of"),
        ({"rectify": True}, "rectify must be one of"),
        ({"rng": "seed"}, "rng must be None"),
        ({"net": sd.Network([sd.Layer(3, 5)], dim=2)}, "size must be a multiple"),
        ({"images": np.ones((5, 12, 16))}, r"shape \[n, N, N\].*got shape \[5, 12, 16\]"),
    ],
)
def test_wrong_arguments(given, words):
    arguments = {"net": NET, "images": random_images(5), "deformation": TAU, **given}
    with pytest.raises(sd.errors.ArgumentError, match=words):
        sd.simulate_images(**arguments)
