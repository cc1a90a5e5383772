"""Density evolution against exact laws, brute force over clean images, and simulation."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from tests import evolution_reference as reference
from tests.evolution import biased

# Sixteen digits: float biases stand for their binary values, exact rationals for theirs.
TWENTIETH = Fraction(1, 20)
LAPLACE = {"sigma": 0.1, "noise": "laplace", "rectify": "input"}


def within(value: float, expected: float, error: float) -> bool:
    return abs(value - float(expected)) <= error


@pytest.mark.parametrize("points", [700, 1024, 2048])
@pytest.mark.parametrize(
    ("copies", "biases"),
    [
        (2, [-0.02] * 6),
        (2, [-0.01, 0.02, -0.05, 0, -0.001]),
        (3, [-0.03] * 4),
        (4, [0, -0.02, 0]),
        (2, [0] * 6),
    ],
)
def test_rectified_laplace_noise_against_its_exact_laws(copies, biases, points):
    size = 2 * copies ** len(biases)
    evolution = sd.evolve(biased(copies, biases), size=size, points=points, **LAPLACE)
    for k, exact in enumerate(reference.laplace_laws(copies, 0.1, biases)):
        for name, expected in zip(("atom", "mean", "variance"), exact, strict=True):
            value, error = getattr(evolution, name)[k], getattr(evolution, f"{name}_err")[k]
            assert within(value, expected, error), (k, name)
            # The error says something: at the default it is small.
            assert points < 2048 or error <= 1e-9 * float(expected)


def test_the_error_falls_with_the_eighth_power_of_the_step_or_faster():
    exact = reference.laplace_laws(2, 0.1, [-0.02] * 4)
    errors = []
    for points in (600, 1200):
        evolution = sd.evolve(biased(2, [-0.02] * 4), size=32, points=points, **LAPLACE)
        errors.append([abs(evolution.variance[k] / float(exact[k][2]) - 1) for k in range(1, 5)])
    order = np.log2(max(errors[0]) / max(errors[1]))
    assert 8 < order < 11


@pytest.mark.parametrize(
    ("first", "second"), [(0, -0.02), (-0.03, -0.02), (0.02, -0.05), (-0.05, -0.1)]
)
def test_second_layer_of_gaussian_noise_by_quadrature(first, second):
    evolution = sd.evolve(biased(2, [first, second]), sigma=0.1, size=8)
    expected = reference.second_layer(0.1, first, second)
    for name, value in zip(("atom", "mean", "variance"), expected, strict=True):
        # Quadrature and density evolution both to about 1e-13; the atom is one minus the rest.
        tolerance = getattr(evolution, f"{name}_err")[2] + 1e-12 * max(abs(value), 1e-3)
        assert within(getattr(evolution, name)[2], value, tolerance), name


@pytest.mark.parametrize("sigma", [0.02, 1.0])
@pytest.mark.parametrize("bias", [-0.1, 0, 0.3])
def test_first_layer_is_a_rectified_gaussian(sigma, bias):
    evolution = sd.evolve(biased([1, 2, 1], [bias] * 1), sigma=sigma, size=6)
    s = sigma * math.sqrt(6) / 4
    t = bias / s
    off, phi = math.erfc(t / math.sqrt(2)) / 2, math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    mean = s * (t * (1 - off) + phi)
    square = s * s * ((1 + t * t) * (1 - off) + t * phi)
    assert evolution.atom[1] == pytest.approx(off, rel=1e-14)
    # In the tail t = -8.2 the textbook formulas cancel by the factor t^4 = 5000.
    assert evolution.mean[1] == pytest.approx(mean, rel=1e-11)
    assert evolution.variance[1] == pytest.approx(square - mean**2, rel=1e-11)


@pytest.mark.parametrize(("kernel", "dim"), [(2, 1), ([1, 2], 1), (2, 2)])
def test_far_above_zero_noise_stays_gaussian(kernel, dim):
    """A bias of 20 sigma in every layer: no ReLU is felt."""
    sigma, depth = 0.1, 4
    evolution = sd.evolve(biased(kernel, [20 * sigma] * depth, dim=dim), sigma=sigma, size=32)
    weights = [1, 1] if kernel == 2 else kernel
    share = (sum(w * w for w in weights) / sum(weights) ** 2) ** dim
    for k in range(1, depth + 1):
        mean, deviation = 20 * sigma * k, sigma * share ** (k / 2)
        law = evolution.laws[k]
        assert evolution.mean[k] == pytest.approx(mean, rel=1e-14)
        assert evolution.variance[k] == pytest.approx(deviation**2, rel=1e-13)
        z = (law.grid - mean) / deviation
        expected = np.exp(-(z**2) / 2) / (deviation * math.sqrt(2 * math.pi))
        np.testing.assert_allclose(law.values, expected, rtol=1e-9, atol=1e-9 * expected.max())
        assert law.atom < 1e-50
    # The noise is then linear: G_k stays L sigma^2 / 2 but for size.
    linear = sd.predict(
        sd.Network.uniform(kernel, 2, depth, dim), size=32, sigma=sigma, rectify=None
    )
    np.testing.assert_allclose(evolution.G, linear.G, rtol=1e-12)


def test_sum_of_two_uniform_variables():
    """relu(triangle + b): atom, mean and variance are polynomials of b."""
    half = math.sqrt(3) * 0.1
    for bias in (-0.03, 0.0):
        evolution = sd.evolve(biased(2, [bias] * 1), sigma=0.1, size=4, noise="uniform")
        t = -bias / half  # the mean of two has density (1 - |x|)/half on [-half, half]
        atom = 1 - (1 - t) ** 2 / 2
        mean = half * (1 - t) ** 3 / 6
        square = half**2 * (1 - t) ** 4 / 12
        expected = {"atom": atom, "mean": mean, "variance": square - mean**2}
        for name, value in expected.items():
            assert within(getattr(evolution, name)[1], value, getattr(evolution, f"{name}_err")[1])


@pytest.mark.parametrize("rectify", ["input", "noise"])
@pytest.mark.parametrize(
    ("kernel", "stride", "dim", "depth", "size"),
    [
        (2, 2, 1, 6, 256),
        ([1, 2], 2, 1, 6, 128),
        (3, 4, 1, 3, 128),
        ([1, 2, 4], 3, 2, 2, 27),
        (2, 2, 3, 3, 16),
        (1, 2, 1, 3, 16),
    ],
)
def test_without_negative_biases_it_is_the_linear_theory(rectify, kernel, stride, dim, depth, size):
    net = sd.Network.uniform(kernel, stride, depth, dim)
    exact = sd.predict(net, size=size, rectify=rectify)
    evolution = sd.evolve(net, size=size, rectify=rectify)
    np.testing.assert_allclose(evolution.G, exact.G, rtol=1e-14)
    np.testing.assert_allclose(evolution.Q, exact.Q, rtol=1e-14)
    assert list(evolution.exact_D) == list(exact.exact_D)
    # A bias above zero lifts the background and changes nothing.
    above = biased(kernel, [TWENTIETH] * depth, stride=stride, dim=dim)
    lifted = sd.evolve(above, size=size, rectify=rectify)
    np.testing.assert_allclose(lifted.G, exact.G, rtol=1e-13)
    assert list(lifted.exact_D) == list(exact.exact_D)


@pytest.mark.parametrize(
    ("kernel", "stride", "dim", "size"),
    [(2, 2, 1, 256), ([1, 2], 2, 1, 64), (3, 4, 1, 128), ([1, 2], 2, 2, 16), (2, 2, 3, 16)],
)
def test_without_biases_it_is_the_exact_theory_of_noise_rectified_by_every_layer(
    kernel, stride, dim, size
):
    """Two routes that share no code: a law on a grid, and moments in closed form."""
    net = sd.Network.uniform(kernel, stride, 3, dim)
    exact = sd.predict(net, size=size, rectify="layers")
    evolution = sd.evolve(net, size=size)
    np.testing.assert_allclose(evolution.G, exact.G, rtol=1e-13)
    np.testing.assert_allclose(evolution.D, exact.D, rtol=1e-14)


@pytest.mark.parametrize("rectify", ["input", "noise", "layers"])
def test_infinite_lattice_without_biases(rectify):
    net = sd.Network.uniform(2, 2, 30)
    evolution = sd.evolve(net, rectify=rectify)
    exact = sd.predict(net, rectify=rectify)
    np.testing.assert_allclose(evolution.G, exact.G, rtol=1e-13)
    np.testing.assert_allclose(evolution.D, exact.D, rtol=1e-15)


def test_infinite_lattice_is_the_limit_of_large_ones():
    """Biases of 0.1 sigma: at size 2^40 the signal does not feel them."""
    size, depth = 2**40, 6
    sigma = math.sqrt(2 / size)
    limit = sd.evolve(biased(2, [-0.1] * depth))
    large = sd.evolve(biased(2, [-0.1 * sigma] * depth), size=size)
    # Corrections of relative order sigma * 2^depth = 1e-4.
    np.testing.assert_allclose(large.G, limit.G, rtol=2e-4)
    np.testing.assert_allclose(large.variance / sigma**2, limit.variance, rtol=1e-9)


def test_thirty_layers_keep_the_mean_and_halve_the_variance():
    depth = 30
    evolution = sd.evolve(biased(2, [0] * depth), size=2 ** (depth + 1))
    mean = evolution.mean[1]
    np.testing.assert_allclose(evolution.mean[1:], mean, rtol=1e-15)
    variance = evolution.variance[1] / 2.0 ** np.arange(depth)
    np.testing.assert_allclose(evolution.variance[1:], variance, rtol=1e-14)
    # 2^-(2^k): exact in its logarithm after it has left the range of floats.
    exponents = [law.log_atom / math.log(2) for law in evolution.laws[1:]]
    np.testing.assert_allclose(exponents, [-(2.0**k) for k in range(depth)], rtol=1e-13)
    # The grid has not drifted from the mean it carries, in units of the deviation.
    last = evolution.laws[-1]
    x = last.start + last.step * np.arange(len(last.values))
    on_grid = float((last.values * x).sum() * last.step)
    assert abs(on_grid - last.mean) < 1e-9 * math.sqrt(last.variance)


@pytest.mark.parametrize(
    ("weights", "stride", "dim", "size", "biases"),
    [
        ([1, 1], 2, 1, 16, [-TWENTIETH, Fraction(1, 50), -TWENTIETH]),
        ([1, 2], 2, 1, 16, [-TWENTIETH, -Fraction(1, 30), 0]),
        ([1, 2], 2, 1, 8, [Fraction(1, 10), -Fraction(1, 7), 0]),
        ([2, 1], 3, 1, 18, [-TWENTIETH, 0]),
        ([1, 2, 4], 3, 1, 9, [-Fraction(1, 4), Fraction(1, 9)]),
        ([1, 2], 2, 2, 4, [-TWENTIETH, -Fraction(1, 60)]),
        ([1, 3], 3, 2, 6, [-TWENTIETH]),
    ],
)
def test_clean_images_against_enumeration(weights, stride, dim, size, biases):
    exact = reference.clean_statistics(weights, stride, biases, size, dim)
    evolution = sd.evolve(biased(weights, biases, stride=stride, dim=dim), size=size)
    assert list(evolution.exact_Q) == [distance for distance, _ in exact]
    assert list(evolution.exact_D) == [move / distance for distance, move in exact]


SIMULATED = [
    ([1, 1], 2, 1, 32, [-0.02, -0.02, -0.02], "layers", "gaussian"),
    ([1, 1], 2, 1, 32, [-0.05, 0.02, -0.05], "layers", "gaussian"),
    ([1, 1, 1], 3, 1, 54, [0, -0.05, 0.01], "layers", "laplace"),
    ([1, 1], 2, 2, 16, [-0.02, 0, -0.02], "layers", "uniform"),
    ([1, 2], 2, 1, 32, [-0.05, -0.05, 0.01, 0], "layers", "gaussian"),
    ([2, 1], 3, 1, 54, [-0.03, 0.01, -0.02], "input", "gaussian"),
    ([1, 2], 2, 2, 16, [0.02, -0.1, 0], "noise", "laplace"),
    ([1, 1], 2, 1, 16, [-0.1, -0.05, 0], "input", "laplace"),
    ([1, 1, 1], 4, 1, 32, [-0.02, -0.01], "noise", "uniform"),
]


@pytest.mark.parametrize(
    ("weights", "stride", "dim", "size", "biases", "rectify", "noise"), SIMULATED
)
def test_noise_against_simulation(weights, stride, dim, size, biases, rectify, noise):
    options = {"size": size, "sigma": 0.2, "rectify": rectify, "noise": noise}
    evolution = sd.evolve(biased(weights, biases, stride=stride, dim=dim), **options)
    energy, error = reference.noise_energy(
        weights, stride, biases, samples=20_000, dim=dim, rng=2210, **options
    )
    # Power: the standard errors are below 1 % (4 % deep down), so that 5 of them are a real test.
    assert (error < 0.04 * energy).all()
    # 9 networks, up to 5 layers each, all from fixed streams: 4.5 standard errors.
    alive = len(evolution.G)
    pulls = (evolution.G * evolution.Q[:alive] - energy[:alive]) / error[:alive]
    assert np.abs(pulls).max() < 4.5, pulls


def test_a_gaussian_closure_fails_the_simulation():
    """Negative control: the unit is no rectified Gaussian from layer 2 on."""
    biases, size, sigma = [0, -0.01, -0.01], 256, 0.1
    evolution = sd.evolve(biased(2, biases), size=size, sigma=sigma)
    energy, error = reference.noise_energy(
        [1, 1], 2, biases, size=size, sigma=sigma, rectify="layers", samples=20_000, rng=7
    )
    closed = reference.gaussian_closure(2, sigma, biases)
    units = size / 2.0 ** np.arange(4)
    exact = evolution.G * evolution.Q
    active = exact - (units - 1) * (evolution.variance + (evolution.mean - 0) ** 2)
    assert (np.abs((exact - energy) / error) < 4).all()
    wrong = (units - 1) * closed + active
    assert abs(wrong[1] - energy[1]) < 4 * error[1]  # the first layer is Gaussian before its ReLU
    assert (np.abs(wrong - energy)[2:] > 6 * error[2:]).all()
