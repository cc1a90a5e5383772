"""Density evolution against exact laws, brute force over clean images, and simulation."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.evolution.evolve import Evolution
from tests import evolution_reference as reference
from tests.evolution import biased

# Sixteen digits: float biases stand for their binary values, exact rationals for theirs.
TWENTIETH = Fraction(1, 20)
SIGNED = sd.Kernel([1, -1], signed=True)


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
    found = sd.evolve(
        biased(copies, biases),
        sigma=0.1,
        noise="laplace",
        rectify="input",
        size=2 * copies ** len(biases),
        points=points,
    )
    for k, exact in enumerate(reference.laplace_laws(copies, 0.1, biases)):
        for name, expected in zip(("atom", "mean", "variance"), exact, strict=True):
            value, error = getattr(found, name)[k], getattr(found, f"{name}_err")[k]
            assert within(value, expected, error), (k, name)
            # The error says something: at the default it is small.
            assert points < 2048 or error <= 1e-9 * float(expected)


def test_the_error_falls_with_the_eighth_power_of_the_step_or_faster():
    exact = reference.laplace_laws(2, 0.1, [-0.02] * 4)
    errors = []
    for points in (600, 1200):
        found = sd.evolve(
            biased(2, [-0.02] * 4),
            sigma=0.1,
            noise="laplace",
            rectify="input",
            size=32,
            points=points,
        )
        errors.append([abs(found.variance[k] / float(exact[k][2]) - 1) for k in range(1, 5)])
    order = np.log2(max(errors[0]) / max(errors[1]))
    assert 8 < order < 11


@pytest.mark.parametrize(
    ("first", "second"), [(0, -0.02), (-0.03, -0.02), (0.02, -0.05), (-0.05, -0.1)]
)
def test_second_layer_of_gaussian_noise_by_quadrature(first, second):
    found = sd.evolve(biased(2, [first, second]), sigma=0.1, size=8)
    expected = reference.second_layer(0.1, first, second)
    for name, value in zip(("atom", "mean", "variance"), expected, strict=True):
        # Quadrature and density evolution both to about 1e-13; the atom is one minus the rest.
        tolerance = getattr(found, f"{name}_err")[2] + 1e-12 * max(abs(value), 1e-3)
        assert within(getattr(found, name)[2], value, tolerance), name


@pytest.mark.parametrize("sigma", [0.02, 1.0])
@pytest.mark.parametrize("bias", [-0.1, 0, 0.3])
def test_first_layer_is_a_rectified_gaussian(sigma, bias):
    found = sd.evolve(biased([1, 2, 1], [bias] * 1), sigma=sigma, size=6)
    s = sigma * math.sqrt(6) / 4
    t = bias / s
    off, phi = math.erfc(t / math.sqrt(2)) / 2, math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    mean = s * (t * (1 - off) + phi)
    square = s * s * ((1 + t * t) * (1 - off) + t * phi)
    assert found.atom[1] == pytest.approx(off, rel=1e-14)
    # In the tail t = -8.2 the textbook formulas cancel by the factor t^4 = 5000.
    assert found.mean[1] == pytest.approx(mean, rel=1e-11)
    assert found.variance[1] == pytest.approx(square - mean**2, rel=1e-11)


@pytest.mark.parametrize(("kernel", "dim"), [(2, 1), ([1, 2], 1), (2, 2)])
def test_far_above_zero_noise_stays_gaussian(kernel, dim):
    """A bias of 20 sigma in every layer: no ReLU is felt."""
    sigma, depth = 0.1, 4
    found = sd.evolve(biased(kernel, [20 * sigma] * depth, dim=dim), sigma=sigma, size=32)
    weights = [1, 1] if kernel == 2 else kernel
    share = (sum(w * w for w in weights) / sum(weights) ** 2) ** dim
    for k in range(1, depth + 1):
        mean, deviation = 20 * sigma * k, sigma * share ** (k / 2)
        law = found.laws[k]
        assert found.mean[k] == pytest.approx(mean, rel=1e-14)
        assert found.variance[k] == pytest.approx(deviation**2, rel=1e-13)
        z = (law.grid - mean) / deviation
        expected = np.exp(-(z**2) / 2) / (deviation * math.sqrt(2 * math.pi))
        np.testing.assert_allclose(law.values, expected, rtol=1e-9, atol=1e-9 * expected.max())
        assert law.atom < 1e-50
    # The noise is then linear: G_k stays L sigma^2 / 2 but for size.
    linear = sd.predict(
        sd.Network.uniform(kernel, 2, depth, dim), size=32, sigma=sigma, rectify=None
    )
    np.testing.assert_allclose(found.G, linear.G, rtol=1e-12)


def test_sum_of_two_uniform_variables():
    """relu(triangle + b): atom, mean and variance are polynomials of b."""
    half = math.sqrt(3) * 0.1
    for bias in (-0.03, 0.0):
        found = sd.evolve(biased(2, [bias] * 1), sigma=0.1, size=4, noise="uniform")
        t = -bias / half  # the mean of two has density (1 - |x|)/half on [-half, half]
        atom = 1 - (1 - t) ** 2 / 2
        mean = half * (1 - t) ** 3 / 6
        square = half**2 * (1 - t) ** 4 / 12
        expected = {"atom": atom, "mean": mean, "variance": square - mean**2}
        for name, value in expected.items():
            assert within(getattr(found, name)[1], value, getattr(found, f"{name}_err")[1])


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
    found = sd.evolve(net, size=size, rectify=rectify)
    np.testing.assert_allclose(found.G, exact.G, rtol=1e-14)
    np.testing.assert_allclose(found.Q, exact.Q, rtol=1e-14)
    assert list(found.exact_D) == list(exact.exact_D)
    # A bias above zero lifts the background and changes nothing.
    lifted = sd.evolve(
        biased(kernel, [TWENTIETH] * depth, stride=stride, dim=dim), size=size, rectify=rectify
    )
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
    found = sd.evolve(net, size=size)
    np.testing.assert_allclose(found.G, exact.G, rtol=1e-13)
    np.testing.assert_allclose(found.D, exact.D, rtol=1e-14)


@pytest.mark.parametrize("rectify", ["input", "noise", "layers"])
def test_infinite_lattice_without_biases(rectify):
    net = sd.Network.uniform(2, 2, 30)
    found = sd.evolve(net, rectify=rectify)
    exact = sd.predict(net, rectify=rectify)
    np.testing.assert_allclose(found.G, exact.G, rtol=1e-13)
    np.testing.assert_allclose(found.D, exact.D, rtol=1e-15)


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
    found = sd.evolve(biased(2, [0] * depth), size=2 ** (depth + 1))
    mean = found.mean[1]
    np.testing.assert_allclose(found.mean[1:], mean, rtol=1e-15)
    variance = found.variance[1] / 2.0 ** np.arange(depth)
    np.testing.assert_allclose(found.variance[1:], variance, rtol=1e-14)
    # 2^-(2^k): exact in its logarithm after it has left the range of floats.
    exponents = [law.log_atom / math.log(2) for law in found.laws[1:]]
    np.testing.assert_allclose(exponents, [-(2.0**k) for k in range(depth)], rtol=1e-13)
    # The grid has not drifted from the mean it carries, in units of the deviation.
    last = found.laws[-1]
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
    found = sd.evolve(biased(weights, biases, stride=stride, dim=dim), size=size)
    assert list(found.exact_Q) == [distance for distance, _ in exact]
    assert list(found.exact_D) == [move / distance for distance, move in exact]


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
    found = sd.evolve(
        biased(weights, biases, stride=stride, dim=dim),
        size=size,
        sigma=0.2,
        rectify=rectify,
        noise=noise,
    )
    energy, error = reference.noise_energy(
        weights,
        stride,
        biases,
        size=size,
        sigma=0.2,
        rectify=rectify,
        samples=20_000,
        dim=dim,
        noise=noise,
        rng=2210,
    )
    # Power: the standard errors are below 1 % (4 % deep down), so that 5 of them are a real test.
    assert (error < 0.04 * energy).all()
    # 9 networks, up to 5 layers each, all from fixed streams: 4.5 standard errors.
    pulls = (found.G * found.Q[: len(found.G)] - energy[: len(found.G)]) / error[: len(found.G)]
    assert np.abs(pulls).max() < 4.5, pulls


def test_a_gaussian_closure_fails_the_simulation():
    """Negative control: the unit is no rectified Gaussian from layer 2 on."""
    biases, size, sigma = [0, -0.01, -0.01], 256, 0.1
    found = sd.evolve(biased(2, biases), size=size, sigma=sigma)
    energy, error = reference.noise_energy(
        [1, 1], 2, biases, size=size, sigma=sigma, rectify="layers", samples=20_000, rng=7
    )
    closed = reference.gaussian_closure(2, sigma, biases)
    units = size / 2.0 ** np.arange(4)
    own = found.G * found.Q
    active = own - (units - 1) * (found.variance + (found.mean - 0) ** 2)
    assert (np.abs((own - energy) / error) < 4).all()
    wrong = (units - 1) * closed + active
    assert abs(wrong[1] - energy[1]) < 4 * error[1]  # the first layer is Gaussian before its ReLU
    assert (np.abs(wrong - energy)[2:] > 6 * error[2:]).all()


@pytest.mark.parametrize("rectify", ["input", "noise", "layers"])
def test_simulate_agrees(rectify):
    net = sd.Network([sd.Layer(2, 2, bias=b) for b in (-0.03, 0.01, -0.01)])
    found = sd.evolve(net, size=64, sigma=0.15, rectify=rectify)
    measured = sd.simulate(net, size=64, sigma=0.15, samples=20_000, rng=5, rectify=rectify)
    assert sd.compare(found, measured).p_value > 1e-3
    assert np.abs((found.Q - measured.Q) / measured.Q_err).max() < 4.5
    # Negative control: the same network without its positive bias.
    other = sd.Network([sd.Layer(2, 2, bias=b) for b in (-0.03, 0, -0.01)])
    wrong = sd.evolve(other, size=64, sigma=0.15, rectify=rectify)
    assert sd.compare(wrong, measured).p_value < 1e-6
    ax = sd.plots.plot_sensitivity(found, "G")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), found.G)


def test_a_dead_signal_is_drawn_as_far_as_it_lives_and_not_compared():
    found = sd.evolve(biased(2, [-0.05] * 6), size=64, sigma=0.15, rectify="input")
    assert found.dead_at == 4
    assert len(sd.plots.plot_sensitivity(found, "D").lines[0].get_xdata()) == 4
    with pytest.raises(ValueError, match=r"layers\[0\] must be an integer in \[0, 3\]; got 4"):
        sd.plots.plot_sensitivity(found, "D", layers=[4])
    measured = sd.simulate(sd.Network.uniform(2, 2, 5), size=64, sigma=0.15, samples=500, rng=1)
    with pytest.raises(ValueError, match="it is dead at layer 4: compare the first 3 layers"):
        sd.compare(found, measured)


def test_samples_are_a_law_like_any_other():
    rng = np.random.default_rng(3)
    samples = rng.normal(0, 0.1, 100_000)
    samples -= samples.mean()
    found = sd.evolve(biased(2, [-0.01] * 4), size=64, noise=samples)
    smooth = sd.evolve(biased(2, [-0.01] * 4), size=64, sigma=float(samples.std()))
    assert found.noise == "samples"
    assert found.sigma == samples.std()
    # 10^5 samples determine a mean square to 1/sqrt(10^5) = 0.3 % or so.
    np.testing.assert_allclose(found.G, smooth.G, rtol=0.02)
    assert (found.G_err[1:] > smooth.G_err[1:]).all()


@pytest.mark.parametrize(
    ("bias", "copies"), [(0.05, 2), (0.02, 2), (0.001, 2), (0.05, 3), (0.25, 2), (0.5, 2), (0.1, 4)]
)
def test_the_signal_dies_where_the_closed_form_says(bias, copies):
    """n^-k - |b| (1 - n^-k) n/(n-1) <= 0 from n^k >= 1 + (n-1)/(n |b|) on."""
    exact = Fraction(str(bias))
    layer = next(k for k in range(20) if copies**k >= 1 + Fraction(copies - 1, copies) / exact)
    found = sd.evolve(biased(copies, [-exact] * 10), size=copies**11)
    assert found.dead_at == layer
    assert len(found.G) == len(found.D) == len(found.G_err) == layer
    assert (found.Q[layer:] == 0).all()
    assert (found.Q[:layer] > 0).all()
    assert len(found.laws) == 11
    assert f"dead at layer {layer} (Q_k = 0)" in repr(found)
    for values in found.columns().values():
        assert len(values) == layer


def test_noise_dies_without_a_zero_over_zero():
    found = sd.evolve(biased(2, [-0.5] * 10))
    assert found.G[-1] == 0
    assert 0 < found.G_err[-1] < 1e-40
    assert np.isfinite(found.G_err).all()
    assert np.isposinf(found.R[-1])
    assert "nan" not in repr(found)


@pytest.mark.parametrize(
    ("rectify", "merge", "pixels"),
    [
        ("layers", 1, [0, 1]),
        ("layers", 2, [0, 3]),
        ("input", 1, [0, 1]),
        ("noise", 3, [2, 7]),
    ],
)
def test_two_active_pixels_in_one_unit(rectify, merge, pixels):
    """Heights 1 at two pixels whose units meet at one layer: simulated one unit at a time."""
    biases, sigma = [-0.02, -0.03, -0.01], 0.2
    found = sd.evolve(biased(2, biases), size=16, sigma=sigma, rectify=rectify)
    rng = np.random.default_rng(11)
    eta = rng.normal(0, sigma, (400_000, 8))
    clean = np.zeros(8)
    clean[pixels] = 1
    x = clean + (np.maximum(eta, 0) if rectify == "noise" else eta)
    x = np.maximum(x, 0) if rectify == "input" else x
    laws = found.pair(merge)
    assert len(laws) == 4 - merge
    for k, bias in enumerate(biases, start=1):
        x = np.maximum(x.reshape(len(x), -1, 2).mean(axis=-1) + bias, 0)
        if k >= merge:
            law, unit = laws[k - merge], x[:, 0]
            error = unit.std() / math.sqrt(len(unit))
            assert abs(unit.mean() - law.edge - law.mean) < 4 * error
            assert unit.var() == pytest.approx(law.variance, rel=4 * math.sqrt(2 / len(unit)))


def test_round_trip(tmp_path):
    for net, size in ((biased([1, 2], [0, -0.05, 0]), 16), (biased(2, [-0.1] * 3), None)):
        found = sd.evolve(net, size=size)
        again = sd.load(found.save(tmp_path / "evolution.npz"))
        assert isinstance(again, Evolution)
        for name in ("D", "G", "G_err", "Q", "R", "A", "atom", "mean_err", "variance"):
            assert np.array_equal(getattr(again, name), getattr(found, name))
        assert repr(again) == repr(found)
        assert again._repr_html_() == found._repr_html_()
        assert again.exact_Q == found.exact_Q
        for one, other in zip(again.laws, found.laws, strict=True):
            assert np.array_equal(one.grid, other.grid)
            assert np.array_equal(one.values, other.values)
        assert [[u.clean for u in layer] for layer in again.active] == [
            [u.clean for u in layer] for layer in found.active
        ]
        with pytest.raises(ValueError, match="read-only"):
            again.G[0] = 0


def test_table_and_frame():
    found = sd.evolve(biased(2, [0] * 3), size=16)
    assert repr(found).splitlines()[1].split()[:4] == ["k", "A_k", "D_k", "G_k"]
    assert found._repr_html_().startswith("<table><caption>Evolution (exact laws, 2048 points)")
    frame = found.to_dataframe()
    assert list(frame["layer"]) == [0, 1, 2, 3]
    np.testing.assert_array_equal(frame["G"], found.G)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"net": 2}, TypeError, "net must be a Network; got 2"),
        (
            {"net": biased(2, [0] * 3, stride=1)},
            ValueError,
            "stride must be at least the kernel's length.*layer 1 has",
        ),
        ({"rectify": "output"}, ValueError, "rectify must be one of 'layers', 'input', 'noise'"),
        ({"noise": "cauchy"}, ValueError, "noise must be one of 'gaussian', 'laplace', 'unif"),
        ({"noise": [0.1, 0.2]}, ValueError, "noise must hold at least 1000 finite samples"),
        ({"noise": object()}, TypeError, "noise must be one of .* or an array of samples"),
        ({"noise": np.ones(2000)}, ValueError, "noise must hold different samples"),
        ({"noise": np.arange(2000.0), "sigma": 1}, ValueError, "sigma must be left out when noise"),
        ({"points": 100}, ValueError, r"points must be an integer in \[256, 16384\]; got 100"),
        ({"size": 12}, ValueError, "size must be a multiple of the total stride"),
        ({"size": None, "sigma": 1.0}, ValueError, "sigma must be left out on the infinite"),
        ({"net": biased(SIGNED, [0] * 3)}, ValueError, "needs non-negative kernels"),
        (
            {"net": biased([1, 2, 3], [-1e-6] * 8), "size": 3**9},
            ValueError,
            "kernel must have equal weights.*layer 8, the active unit has 6561 laws",
        ),
    ],
)
def test_bad_arguments(options, kind, message):
    with pytest.raises(kind, match=message):
        sd.evolve(**{"net": biased(2, [0] * 3), "size": 16, **options})


def test_exhaustion_is_not_death():
    with pytest.raises(sd.ExhaustionError, match="exhausted at layer 4") as error:
        sd.evolve(biased(2, [0, 0, -0.001, 0]), size=16)
    assert error.value.largest_depth == 3


def test_pair_is_refused_where_it_has_no_single_law():
    with pytest.raises(ValueError, match="pair needs boxes and a finite size"):
        sd.evolve(biased([1, 2], [0] * 2), size=8).pair(2)
    samples = np.random.default_rng(0).normal(0, 0.1, 2000)
    with pytest.raises(ValueError, match="layer must be at least 2"):
        sd.evolve(biased(2, [0] * 2), size=8, noise=samples).pair(1)
    with pytest.raises(ValueError, match="layer must be an integer"):
        sd.evolve(biased(2, [0] * 2), size=8).pair(3)
    with pytest.raises(ValueError, match="at least two inputs"):
        sd.evolve(sd.Network([sd.Layer(1, 2), sd.Layer(2, 2)]), size=8, rectify="input").pair(1)


def test_too_coarse_a_grid_is_refused():
    """One narrow and one wide input: no common grid resolves both."""
    with pytest.raises(ValueError, match="points must be"):
        sd.evolve(biased([1, 10**6], [-0.01] * 2), size=8, rectify="input")


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "uniform"])
@pytest.mark.parametrize("rectify", ["layers", "input"])
@pytest.mark.parametrize(
    ("kernel", "biases"),
    [
        (2, [-0.02, -0.02, -0.02, -0.02]),
        ([1, 2], [-0.05, 0, 0.02, -0.08]),
    ],
)
def test_errors_hold_against_three_times_the_points(noise, rectify, kernel, biases):
    options = {
        "net": biased(kernel, biases),
        "size": 32,
        "sigma": 0.15,
        "noise": noise,
        "rectify": rectify,
    }
    rough = sd.evolve(**options)
    fine = sd.evolve(**options, points=6000)
    for name in ("G", "atom", "mean", "variance"):
        error = getattr(rough, f"{name}_err") + getattr(fine, f"{name}_err")
        assert (np.abs(getattr(rough, name) - getattr(fine, name)) <= error).all(), name


@pytest.mark.parametrize("ratio", [2.0, 2.5])
def test_noise_that_dies_over_sixty_layers_ends_in_an_exact_zero(ratio):
    """What the grids have dropped is no law to go on with."""
    biases = [-ratio * 4.0**-k for k in range(1, 61)]
    found = sd.evolve(biased(4, biases), rectify="input", points=1024)
    alive = found.mean > 0
    assert (np.diff(alive.astype(int)) <= 0).all()
    assert alive[0]
    assert alive[-1] == (ratio == 2.0)  # the critical ratio is 2.1833
    assert (found.variance_err >= 0).all()


def test_a_dead_signal_is_no_matter_for_comparison():
    dead = sd.evolve(biased(2, [-0.05] * 5), size=64)
    alive = sd.simulate(sd.Network.uniform(2, 2, 5), size=64, samples=1000, rng=0, rectify="layers")
    with pytest.raises(ValueError, match="it is dead at layer 4: compare the first 3 layers"):
        sd.compare(dead, alive)


def test_laws_read_well():
    found = sd.evolve(biased(2, [-0.05] * 3), size=64)
    assert repr(found.laws[2]).startswith("UnitLaw(edge=0, atom=0.762")


def test_repeated_samples_are_refused():
    noise = np.round(np.random.default_rng(0).normal(size=5000), 2)
    with pytest.raises(ValueError, match=r"noise must hold samples of a continuous law.* in 5000"):
        sd.evolve(biased(2, [0] * 1), size=64, noise=noise)
