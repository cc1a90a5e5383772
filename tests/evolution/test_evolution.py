"""Evolutions as results: simulated, drawn, saved, refused."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.evolution.evolve import Evolution
from tests.evolution import biased

SIGNED = sd.Kernel([1, -1], signed=True)


@pytest.mark.parametrize("rectify", ["input", "noise", "layers"])
def test_simulate_agrees(rectify):
    net = sd.Network([sd.Layer(2, 2, bias=b) for b in (-0.03, 0.01, -0.01)])
    evolution = sd.evolve(net, size=64, sigma=0.15, rectify=rectify)
    measured = sd.simulate(net, size=64, sigma=0.15, samples=20_000, rng=5, rectify=rectify)
    assert sd.compare(evolution, measured).p_value > 1e-3
    assert np.abs((evolution.Q - measured.Q) / measured.Q_err).max() < 4.5
    # Negative control: the same network without its positive bias.
    other = sd.Network([sd.Layer(2, 2, bias=b) for b in (-0.03, 0, -0.01)])
    wrong = sd.evolve(other, size=64, sigma=0.15, rectify=rectify)
    assert sd.compare(wrong, measured).p_value < 1e-6
    ax = sd.plots.plot_sensitivity(evolution, "G")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), evolution.G)


def test_a_dead_signal_is_drawn_as_far_as_it_lives_and_not_compared():
    evolution = sd.evolve(biased(2, [-0.05] * 6), size=64, sigma=0.15, rectify="input")
    assert evolution.dead_at == 4
    assert len(sd.plots.plot_sensitivity(evolution, "D").lines[0].get_xdata()) == 4
    with pytest.raises(ValueError, match=r"layers\[0\] must be an integer in \[0, 3\]; got 4"):
        sd.plots.plot_sensitivity(evolution, "D", layers=[4])
    for rectify in ("input", "layers"):
        options = {"size": 64, "sigma": 0.15, "rectify": rectify}
        measured = sd.simulate(sd.Network.uniform(2, 2, 5), samples=500, rng=1, **options)
        dead = sd.evolve(biased(2, [-0.05] * 6), **options)
        with pytest.raises(ValueError, match="it is dead at layer 4: compare the first 3 layers"):
            sd.compare(dead, measured)


def test_samples_are_a_law_like_any_other():
    rng = np.random.default_rng(3)
    samples = rng.normal(0, 0.1, 100_000)
    samples -= samples.mean()
    evolution = sd.evolve(biased(2, [-0.01] * 4), size=64, noise=samples)
    smooth = sd.evolve(biased(2, [-0.01] * 4), size=64, sigma=float(samples.std()))
    assert evolution.noise == "samples"
    assert evolution.sigma == samples.std()
    # 10^5 samples determine a mean square to 1/sqrt(10^5) = 0.3 % or so.
    np.testing.assert_allclose(evolution.G, smooth.G, rtol=0.02)
    assert (evolution.G_err[1:] > smooth.G_err[1:]).all()


@pytest.mark.parametrize(
    ("bias", "copies"), [(0.05, 2), (0.02, 2), (0.001, 2), (0.05, 3), (0.25, 2), (0.5, 2), (0.1, 4)]
)
def test_the_signal_dies_where_the_closed_form_says(bias, copies):
    """n^-k - |b| (1 - n^-k) n/(n-1) <= 0 from n^k >= 1 + (n-1)/(n |b|) on."""
    exact = Fraction(str(bias))
    layer = next(k for k in range(20) if copies**k >= 1 + Fraction(copies - 1, copies) / exact)
    evolution = sd.evolve(biased(copies, [-exact] * 10), size=copies**11)
    assert evolution.dead_at == layer
    assert len(evolution.G) == len(evolution.D) == len(evolution.G_err) == layer
    assert (evolution.Q[layer:] == 0).all()
    assert (evolution.Q[:layer] > 0).all()
    assert len(evolution.laws) == 11
    assert f"dead at layer {layer} (Q_k = 0)" in repr(evolution)
    for values in evolution.columns().values():
        assert len(values) == layer


def test_noise_dies_without_a_zero_over_zero():
    evolution = sd.evolve(biased(2, [-0.5] * 10))
    assert evolution.G[-1] == 0
    assert 0 < evolution.G_err[-1] < 1e-40
    assert np.isfinite(evolution.G_err).all()
    assert np.isposinf(evolution.R[-1])
    assert "nan" not in repr(evolution)


@pytest.mark.parametrize(
    ("rectify", "merge", "pixels"),
    [("layers", 1, [0, 1]), ("layers", 2, [0, 3]), ("input", 1, [0, 1]), ("noise", 3, [2, 7])],
)
def test_two_active_pixels_in_one_unit(rectify, merge, pixels):
    """Heights 1 at two pixels whose units meet at one layer: simulated one unit at a time."""
    biases, sigma = [-0.02, -0.03, -0.01], 0.2
    evolution = sd.evolve(biased(2, biases), size=16, sigma=sigma, rectify=rectify)
    rng = np.random.default_rng(11)
    eta = rng.normal(0, sigma, (400_000, 8))
    clean = np.zeros(8)
    clean[pixels] = 1
    x = clean + (np.maximum(eta, 0) if rectify == "noise" else eta)
    x = np.maximum(x, 0) if rectify == "input" else x
    laws = evolution.pair(merge)
    assert len(laws) == 4 - merge
    for k, bias in enumerate(biases, start=1):
        x = np.maximum(x.reshape(len(x), -1, 2).mean(axis=-1) + bias, 0)
        if k >= merge:
            law, unit = laws[k - merge], x[:, 0]
            error = unit.std() / math.sqrt(len(unit))
            assert abs(unit.mean() - law.edge - law.mean) < 4 * error
            assert unit.var() == pytest.approx(law.variance, rel=4 * math.sqrt(2 / len(unit)))


ROUND_TRIPS = [
    (biased([1, 2], [0, -0.05, 0]), 16, [1, 2, 4, 0]),
    (biased([1, 2], [-0.05, -0.01, 0]), 16, [1, 2, 4, 0]),
    (biased(2, [-0.1] * 3), None, [0] * 4),
    (biased(2, [-50, 0, 0]), None, [0] * 4),  # no noise is left
]


@pytest.mark.parametrize(("net", "size", "active"), ROUND_TRIPS)
def test_round_trip(net, size, active, tmp_path):
    evolution = sd.evolve(net, size=size)
    again = sd.load(evolution.save(tmp_path / "evolution.npz"))
    assert isinstance(again, Evolution)
    for name in ("D", "G", "G_err", "Q", "R", "A", "atom", "mean_err", "variance"):
        assert np.array_equal(getattr(again, name), getattr(evolution, name))
    assert repr(again) == repr(evolution)
    assert again._repr_html_() == evolution._repr_html_()
    assert again.exact_Q == evolution.exact_Q
    for law, loaded in zip(evolution.laws, again.laws, strict=True):
        assert np.array_equal(law.grid, loaded.grid)
        assert np.array_equal(law.values, loaded.values)
        assert (law.edge, law.log_atom, law.mass) == (loaded.edge, loaded.log_atom, loaded.mass)
        assert (law.mean, law.variance, law.lost) == (loaded.mean, loaded.variance, loaded.lost)
    if net.layers[0].bias == -50:
        assert [len(law.values) for law in again.laws][1:] == [0, 0, 0]
    assert [len(layer) for layer in again.active] == active
    for layer, loaded in zip(evolution.active, again.active, strict=True):
        for unit, same in zip(layer, loaded, strict=True):
            assert (unit.probability, unit.clean) == (same.probability, same.clean)
            assert (unit.shift, unit.square) == (same.shift, same.square)
    with pytest.raises(ValueError, match="read-only"):
        again.G[0] = 0


def test_table_and_frame():
    evolution = sd.evolve(biased(2, [0] * 3), size=16)
    assert repr(evolution).splitlines()[1].split()[:4] == ["k", "A_k", "D_k", "G_k"]
    assert evolution._repr_html_().startswith("<table><caption>Evolution (exact laws, 2048 points)")
    frame = evolution.to_dataframe()
    assert list(frame["layer"]) == [0, 1, 2, 3]
    np.testing.assert_array_equal(frame["G"], evolution.G)


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
    ("kernel", "biases"), [(2, [-0.02, -0.02, -0.02, -0.02]), ([1, 2], [-0.05, 0, 0.02, -0.08])]
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
    evolution = sd.evolve(biased(4, biases), rectify="input", points=1024)
    alive = evolution.mean > 0
    assert (np.diff(alive.astype(int)) <= 0).all()
    assert alive[0]
    assert alive[-1] == (ratio == 2.0)  # the critical ratio is 2.1833
    assert (evolution.variance_err >= 0).all()


def test_laws_read_well():
    evolution = sd.evolve(biased(2, [-0.05] * 3), size=64)
    assert repr(evolution.laws[2]).startswith("UnitLaw(edge=0, atom=0.762")


def test_repeated_samples_are_refused():
    noise = np.round(np.random.default_rng(0).normal(size=5000), 2)
    with pytest.raises(ValueError, match=r"noise must hold samples of a continuous law.* in 5000"):
        sd.evolve(biased(2, [0] * 1), size=64, noise=noise)
