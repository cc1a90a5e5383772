"""Theory against simulation: agreement where it must be, rejection where it must be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest

import scaledet as sd
from scaledet.theory.prediction import Prediction

TRIANGLE = [1, 2, 1]

# Each a network, the keywords of predict and simulate, and the number of samples.
CASES = {
    "stride = kernel": (sd.Network.uniform(2, 2, 6), {"size": 256}, 8000),
    "no stride": (sd.Network.uniform(3, 1, 12), {"size": 128}, 4000),
    "no stride, saturated": (sd.Network.uniform(3, 1, 60), {"size": 32}, 4000),
    "no sum rule": (sd.Network.uniform(3, 2, 4), {"size": 64}, 8000),
    "triangle": (sd.Network.uniform(TRIANGLE, 2, 5), {"size": 128}, 8000),
    "box shorter than the stride": (sd.Network.uniform(2, 3, 3), {"size": 81}, 8000),
    "asymmetric": (sd.Network.uniform([1, 0, 4, 2], 2, 3), {"size": 48}, 8000),
    "span 2": (sd.Network.uniform([1, 0, 1], 1, 5), {"size": 24}, 4000),
    "mixed layers, bias": (
        sd.Network([sd.Layer(3, bias=0.1), sd.Layer(2, 2), sd.Layer([1, 3, 1], 3, bias=2)]),
        {"size": 36},
        8000,
    ),
    "noise rectified alone": (sd.Network.uniform(2, 2, 5), {"size": 64, "rectify": "noise"}, 8000),
    "linear noise": (sd.Network.uniform(2, 2, 4), {"size": 64, "rectify": None}, 8000),
    "strong noise": (sd.Network.uniform(2, 2, 4), {"size": 32, "sigma": 2.0}, 8000),
    "weak noise": (sd.Network.uniform(2, 2, 4), {"size": 32, "sigma": 1e-3}, 8000),
    "d = 2": (sd.Network.uniform(2, 2, 3, dim=2), {"size": 16}, 6000),
    "d = 2, overlapping": (sd.Network.uniform(TRIANGLE, 2, 2, dim=2), {"size": 16}, 6000),
    "d = 3": (sd.Network.uniform(2, 2, 2, dim=3), {"size": 8}, 6000),
    "T1": (sd.Network.uniform(2, 2, 4), {"task": sd.ScaleDetection(size=64, xi=14, gap=2)}, 8000),
    "T1 open, balanced": (
        sd.Network.uniform(3, 2, 3),
        {"task": sd.ScaleDetection(size=32, xi=9, gap=2, periodic=False), "balanced": True},
        8000,
    ),
    "T2": (
        sd.Network.uniform(TRIANGLE, 2, 3),
        {"task": sd.ScaleDetection(size=32, xi=8, variant="T2"), "balanced": True},
        8000,
    ),
    "T1, d = 2": (
        sd.Network.uniform(2, 2, 2, dim=2),
        {"task": sd.ScaleDetection(size=16, xi=5, gap=1, dim=2, periodic=False)},
        6000,
    ),
    "T2, d = 2": (
        sd.Network.uniform(2, 2, 2, dim=2),
        {"task": sd.ScaleDetection(size=16, xi=4, variant="T2", dim=2), "rectify": "noise"},
        6000,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_theory_and_simulation_agree(name: str) -> None:
    """Fixed seed; 21 cases, so a correct theory fails one of them with probability 2e-3."""
    net, keywords, samples = CASES[name]
    c = sd.compare(
        sd.predict(net, **keywords), sd.simulate(net, samples=samples, rng=2022, **keywords)
    )
    assert c.p_value > 1e-4, repr(c)
    # The test has power: every layer's errors are a small part of D and G.
    m = c.simulation
    assert (m.G_err / m.G < 0.05).all()
    assert (m.D_err / m.D < 0.2).all()


@pytest.mark.parametrize(
    ("net", "size"),
    [(sd.Network.uniform(2, 2, 3), 32), (sd.Network.uniform(3, 1, 4), 16)],
    ids=["strided", "unstrided"],
)
def test_p_values_are_uniform(net: sd.Network, size: int) -> None:
    truth = sd.predict(net, size=size)
    p_values = [
        sd.compare(truth, sd.simulate(net, size=size, samples=640, rng=seed)).p_value
        for seed in range(200)
    ]
    assert kstest(p_values, "uniform").pvalue > 1e-3


def altered(truth: Prediction, **arrays: np.ndarray) -> Prediction:
    """A prediction with some arrays replaced: what a wrong recursion would give."""
    from dataclasses import replace

    return replace(truth, **{name: np.array(values) for name, values in arrays.items()})


WRONG = {
    "kernel off by one": lambda _: sd.predict(sd.Network.uniform(3, 2, 5), size=128),
    "one factor of the stride forgotten": lambda p: altered(
        p, D=p.D * np.array([1, 1, 1, 1, 2, 1])
    ),
    "next layer's numbers": lambda p: altered(p, D=np.roll(p.D, -1)),
    "mean of the noise averaged away": lambda p: altered(p, G=p.G - p.G_mean),
    "self-pairs counted": lambda p: altered(p, G=p.G / (1 - 1 / 20)),
    "finite size forgotten": lambda p: altered(p, D=p.D * (1 - p.network.strides[-1] / 128)),
    "rival exponent of G": lambda p: altered(p, G=p.G[0] + (p.G - p.G[0]) * p.A**0.02),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_predictions_are_rejected(name: str) -> None:
    net = sd.Network.uniform(2, 2, 5)
    truth = sd.predict(net, size=128)
    m = sd.simulate(net, size=128, samples=20_000, rng=7)
    assert sd.compare(truth, m).p_value > 1e-3
    c = sd.compare(WRONG[name](truth), m)
    assert c.p_value < 1e-6
    assert "DISAGREE" in repr(c)


@pytest.mark.parametrize("excess", [0.1, 0.01])
def test_a_network_too_strong_in_every_layer_is_rejected(excess: float) -> None:
    """D and G are ratios, which do not see it: Q does."""
    net = sd.Network.uniform(2, 2, 5)
    tap = 0.5 * (1 + excess)
    strong = sd.Network([sd.Layer(sd.Kernel([tap, tap], signed=True), 2)] * 5)
    c = sd.compare(sd.predict(net, size=128), sd.simulate(strong, size=128, samples=20_000, rng=7))
    assert np.abs(c.pulls[:2]).max() < 4
    assert c.pulls[2, 1:].min() > 10
    assert c.p_value < 1e-6
    assert "DISAGREE" in repr(c)


def with_other_distances(truth: Prediction, factors: np.ndarray) -> Prediction:
    """Wrong Q alone: the mean responses D_k Q_k and G_k Q_k stay."""
    return altered(truth, D=truth.D / factors, G=truth.G / factors, Q=truth.Q * factors)


@pytest.mark.parametrize("layer", [0, 3, 5])
def test_a_wrong_distance_alone_is_rejected(layer: int) -> None:
    """Wrong by ten standard errors: five, those of 20,000 samples, are missed now and then."""
    net = sd.Network.uniform(2, 2, 5)
    m = sd.simulate(net, size=128, samples=80_000, rng=7)
    truth = sd.predict(net, size=128)
    factors = np.ones(6)
    factors[layer] += 10 * m.Q_err[layer] / m.Q[layer]
    c = sd.compare(with_other_distances(truth, factors), m)
    assert c.p_value < 1e-3
    assert not c.contradicted.any()


def test_means_without_noise_are_compared_up_to_rounding() -> None:
    """Without stride all moves of one pixel are alike: D_k Q_k is known exactly."""
    net = sd.Network.uniform(3, 1, 6)
    truth, m = sd.predict(net, size=32), sd.simulate(net, size=32, samples=2000, rng=1)
    c = sd.compare(truth, m)
    assert c.exact.tolist() == [[True] * 7, [False] * 7, [False] * 7]
    assert not c.contradicted.any()
    assert "known without noise, compared up to rounding: D_k Q_k at k = 0-6" in repr(c)
    for excess, refuted in ((1e-11, False), (1e-6, True)):
        factors = np.ones(7)
        factors[[2, 4]] += excess
        wrong = sd.compare(altered(truth, D=truth.D * factors), m)
        assert wrong.contradicted.any() == refuted
        assert (wrong.p_value == 0) == refuted
    assert np.argwhere(wrong.contradicted).tolist() == [[0, 2], [0, 4]]
    assert "CONTRADICTED beyond any chance: D_k Q_k at k = 2, 4" in repr(wrong)
    assert np.abs(wrong.pulls - c.pulls).max() < 0.1, "the errors of D itself hide it"


def test_linear_noise_with_control_variates_is_known_exactly_at_the_input() -> None:
    net = sd.Network.uniform(2, 2, 3)
    truth = sd.predict(net, size=32, rectify=None)
    options = {"size": 32, "samples": 4000, "rng": 0, "control_variates": True}
    m = sd.simulate(net, rectify=None, **options)
    assert sd.compare(truth, m).exact[1].tolist() == [True, False, False, False]
    assert sd.compare(truth, m).p_value > 1e-3
    wrong = altered(truth, G=truth.G * np.array([1 + 1e-6, 1, 1, 1]))
    assert sd.compare(wrong, m).contradicted[1].tolist() == [True, False, False, False]


@pytest.mark.parametrize(("net", "size"), [(3, 12), (2, 6)])
def test_rounding_of_exhausted_images_contradicts_nothing(net: int, size: int) -> None:
    """Far beyond the size images differ by 1e-8 of their norm: responses are known to 1e-8."""
    deep = sd.Network.uniform(net, 1, 150)
    c = sd.compare(sd.predict(deep, size=size), sd.simulate(deep, size=size, samples=2500, rng=1))
    assert c.exact[0].all()
    assert not c.contradicted.any()
    assert c.p_value > 1e-3


def test_rare_moves_that_were_not_drawn_contradict_nothing() -> None:
    """Hardly any two pixels are neighbours here, so that all moves drawn look alike."""
    net, task = sd.Network.uniform(2, 2, 2), sd.ScaleDetection(size=1024, xi=100, gap=2)
    truth = sd.predict(net, task=task)
    simulations = [sd.simulate(net, task=task, samples=300, rng=seed) for seed in range(8)]
    alike = [m for m in simulations if m.means_covariance[0, 0] == 0]
    assert alike
    assert all(abs(m.means[0] / (truth.D * truth.Q)[0] - 1) > 1e-6 for m in alike)
    for m in alike:
        c = sd.compare(truth, m)
        assert not c.exact.any()
        assert c.p_value > 1e-3


def test_distances_that_rest_on_few_overlaps_are_not_free() -> None:
    """chi2 leaves them out, but 10 % are more than a few overlapping pairs explain.

    They are hundreds of standard errors. Of the square of these, directions that rest on many
    overlaps show a thousandth: the distances themselves are no such direction.
    """
    net = sd.Network.uniform(2, 2, 4)
    truth, m = sd.predict(net, size=2048), sd.simulate(net, size=2048, samples=2000, rng=3)
    c = sd.compare(truth, m)
    assert c.p_value > 1e-3
    wrong = sd.compare(with_other_distances(truth, np.array([1.1, 1, 1, 1, 1])), m)
    assert c.dof[0] < 14, "of 14 means with noise"
    assert wrong.chi2 < 0.01 * wrong.pulls[2, 0] ** 2
    assert wrong.contradicted.tolist() == [[False] * 5, [False] * 5, [True] + [False] * 4]
    assert wrong.p_value == 0


def test_kernel_off_by_one_is_rejected_without_stride() -> None:
    m = sd.simulate(sd.Network.uniform(3, 1, 8), size=64, samples=2000, rng=0)
    assert sd.compare(sd.predict(sd.Network.uniform(3, 1, 8), size=64), m).p_value > 1e-3
    assert sd.compare(sd.predict(sd.Network.uniform(4, 1, 8), size=64), m).p_value < 1e-6


def test_pulls_are_differences_over_errors() -> None:
    net = sd.Network.uniform(2, 2, 3)
    p, m = sd.predict(net, size=32), sd.simulate(net, size=32, samples=4000, rng=0)
    c = sd.compare(p, m)
    np.testing.assert_allclose(c.pulls[0], (m.D - p.D) / m.D_err, rtol=1e-12)
    np.testing.assert_allclose(c.pulls[1], (m.G - p.G) / m.G_err, rtol=1e-12)
    np.testing.assert_allclose(c.pulls[2], (m.Q - p.Q) / m.Q_err, rtol=1e-12)
    # All but the response of one pixel to a move by one site are random.
    assert c.dof == (11, m.blocks - 11)
    # The full covariance, spelled out.
    difference = (m.means - np.concatenate([p.D * p.Q, p.G * p.Q, p.Q]))[1:]
    covariance = m.means_covariance[1:, 1:]
    assert math.isclose(c.chi2, difference @ np.linalg.solve(covariance, difference), rel_tol=1e-6)
    assert "agree" in repr(c)
    table = c.to_dataframe()
    assert list(table["D_pull"]) == list(c.pulls[0])
    assert list(table["Q_pull"]) == list(c.pulls[2])
    assert list(table["Q_predicted"]) == list(p.Q)
    assert list(table["Q_simulated"]) == list(m.Q)
    assert list(table["Q_err"]) == list(m.Q_err)
    assert "<table>" in c._repr_html_()


def test_different_experiments_are_refused() -> None:
    net = sd.Network.uniform(2, 2, 3)
    m = sd.simulate(net, size=32, samples=500, rng=0)
    with pytest.raises(ValueError, match=r"prediction.size must equal the simulation's 32; got 64"):
        sd.compare(sd.predict(net, size=64), m)
    with pytest.raises(ValueError, match=r"prediction.size must equal .* got None"):
        sd.compare(sd.predict(net), m)
    with pytest.raises(ValueError, match=r"prediction.rectify must equal the simulation's 'input'"):
        sd.compare(sd.predict(net, size=32, rectify=None), m)
    with pytest.raises(ValueError, match=r"prediction.sigma must equal"):
        sd.compare(sd.predict(net, size=32, sigma=0.1), m)
    with pytest.raises(ValueError, match=r"depth 3; got 2"):
        sd.compare(sd.predict(net[:2], size=32), m)
    with pytest.raises(TypeError, match="prediction must be a Prediction"):
        sd.compare(m, m)
    with pytest.raises(TypeError, match="simulation must be a Simulation"):
        sd.compare(sd.predict(net, size=32), None)


def test_too_few_samples_are_refused() -> None:
    net = sd.Network.uniform(2, 2, 3)
    for seed in range(5):  # whatever is drawn, and however few directions overlap
        m = sd.simulate(net, size=32, samples=10, rng=seed)
        with pytest.raises(ValueError, match=r"simulation must have .*got 5 blocks of 10 samples"):
            sd.compare(sd.predict(net, size=32), m)


def test_unresolved_directions_are_not_tested() -> None:
    """Few samples on a large image: hardly two images overlap, D is tested where it is resolved.

    A test of all directions would call a right prediction wrong here in a third of the runs.
    """
    net = sd.Network.uniform(5, 1, 12)
    truth = sd.predict(net, size=256)
    results = [
        sd.compare(truth, sd.simulate(net, size=256, samples=800, rng=seed)) for seed in range(40)
    ]
    assert all(c.dof[0] < 26 for c in results)
    # Of 40 right predictions 0.04 fall below 1e-3 on average.
    assert sum(c.p_value < 1e-3 for c in results) <= 1


def test_measured_exponents_match_the_predicted_ones() -> None:
    """Slopes of simulated D: alpha = 1 with stride, 2 without, each rival many sigma away."""
    strided = sd.Network.uniform(2, 2, 6)
    m = sd.simulate(strided, size=4096, samples=10_000, rng=0)
    k = len(m.D)
    fit = sd.fit_exponent(m.A, m.D, m.covariance[:k, :k], window=(1, 6))
    alpha = float(sd.predict_exponents(strided).alpha)
    # S_6 / N = 1/64 bends the slope by less than the error.
    assert abs(fit.slope + alpha) < 4 * fit.error
    assert abs(fit.slope + 2) > 20 * fit.error

    flat = sd.Network.uniform(2, 1, 64)
    m = sd.simulate(flat, size=1024, samples=2000, rng=0)
    p = sd.predict(flat, size=1024)
    measured = sd.local_exponents(m.A[[32, 64]], m.D[[32, 64]])[0]
    expected = sd.local_exponents(p.A[[32, 64]], p.D[[32, 64]])[0]
    error = math.hypot(*(m.D_err[[32, 64]] / m.D[[32, 64]])) / math.log(m.A[64] / m.A[32])
    assert abs(measured - expected) < 4 * error
    assert abs(measured + 2) < 0.1
    assert abs(measured + 1) > 20 * error
