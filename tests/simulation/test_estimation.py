"""From sums of units to estimates: control variates, and stopping where they are precise."""

from __future__ import annotations

import itertools
import math
import time
import tracemalloc

import numpy as np
import pytest

import scaledet as sd
from scaledet.simulation.engines.base import UnitSums
from scaledet.simulation.estimation import (
    controlled,
    estimate,
    expected_controls,
    is_precise,
    prefix_lengths,
    relative_errors,
    variance_gain,
)
from scaledet.simulation.job import Job, unit_sizes
from scaledet.simulation.unit import ENGINES, Stream
from tests.runs import NET, packed_units, run_unit, same, small, specification

LONG = sd.Network.uniform(3, 1, 6)


def drawn(rng: np.random.Generator, units: int) -> tuple[np.ndarray, np.ndarray]:
    """Responses [units, 2] of mean 1, and the deviations that explain most of them."""
    excess = rng.exponential(size=(units, 2)) - 1
    first = 1 + 2 * excess[:, 0] + (excess[:, 0] ** 2 - 1)
    second = 1 - excess[:, 1] + 0.1 * rng.standard_normal(units)
    return np.stack([first, second], axis=1), excess


def fitted_on_itself(noise: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """What not to do: coefficients from the samples that they correct."""
    centred, target = excess - excess.mean(axis=0), noise - noise.mean(axis=0)
    return noise - excess @ np.linalg.lstsq(centred, target, rcond=None)[0]


def z_score(correct, runs: int = 4000, units: int = 32) -> np.ndarray:
    """Mean error over many small runs, in its standard errors."""
    rng = np.random.default_rng(5)
    means = np.array([correct(*drawn(rng, units)).mean(axis=0) for _ in range(runs)]) - 1
    return means.mean(axis=0) / (means.std(axis=0) / math.sqrt(runs))


def test_split_coefficients_do_not_bias() -> None:
    assert (np.abs(z_score(controlled)) < 4).all()
    # Negative control: coefficients fitted on the same samples do.
    assert abs(z_score(fitted_on_itself)[0]) > 10


def test_few_units_are_left_as_they_are() -> None:
    """Three points would determine two coefficients and a mean: a wild guess, not a gain."""
    noise, excess = drawn(np.random.default_rng(3), 6)
    assert np.array_equal(controlled(noise, excess), noise)


def test_they_remove_what_they_explain() -> None:
    noise, excess = drawn(np.random.default_rng(1), 4000)
    gain = noise.var(axis=0) / controlled(noise, excess).var(axis=0)
    assert gain[1] > 80  # all but a variance of 1 in 100
    assert gain[0] > 1.5
    # Deviations that explain nothing cost next to nothing.
    useless = np.random.default_rng(2).standard_normal(excess.shape)
    assert (noise.var(axis=0) / controlled(noise, useless).var(axis=0) > 0.99).all()


@pytest.mark.parametrize("rectify", ["input", "noise", "layers", None])
def test_means_of_the_controls_are_those_of_the_noise(rectify: str | None) -> None:
    spec = specification(LONG, 64, rectify=rectify, sigma=0.3, engine="numba")
    units = np.array([run_unit(spec, Stream(3), unit, 64).controls for unit in range(200)])
    error = units.std(axis=0) / math.sqrt(len(units))
    assert (np.abs(units.mean(axis=0) - expected_controls(spec)) < 4 * error).all()


def test_gain_is_shown_and_real() -> None:
    plain, better = (
        sd.simulate(LONG, size=256, samples=20_000, rng=1, control_variates=control)
        for control in (False, True)
    )
    assert (plain.gain == 1).all()
    assert (better.gain[1:] > 10).all()
    assert "control variates" in repr(better)
    assert "control variates" not in repr(plain)
    # The same images and noise: D and Q are untouched.
    assert np.array_equal(plain.D, better.D)
    assert np.array_equal(plain.Q, better.Q)
    truth = sd.predict(LONG, size=256)
    assert (np.abs(better.G - truth.G) < 4 * better.G_err).all()


@pytest.mark.parametrize("rectify", ["input", "noise", "layers", None])
def test_gain_is_finite_where_the_response_is_the_control(rectify: str | None) -> None:
    with np.errstate(all="raise"):
        linear = small(rectify=rectify, control_variates=True)
    assert (linear.gain > 0.5).all()
    # The input's own noise is the control, but for what relu(x + eta) makes of the active pixel.
    exactly = np.flatnonzero(linear.gain == 1 / np.finfo(float).eps)
    assert exactly.tolist() == ([] if rectify == "input" else [0])
    assert (linear.gain[1:] < 100).all()


def test_gain_of_responses_of_any_size() -> None:
    rng = np.random.default_rng(3)
    before = rng.normal(3, 1, (200, 4))
    after = before.copy()
    after[:, 1] = 3 + (before[:, 1] - 3) / 10
    after[:, 2] = 3
    before[:, 3] = after[:, 3] = 0
    with np.errstate(all="raise"):
        for scale in (1.0, 1e-200, 1e200):
            gain = variance_gain(before * scale, after * scale)
            assert gain[0] == 1
            assert gain[1] == pytest.approx(100)
            assert gain[2:].tolist() == [1 / np.finfo(float).eps, 1]


def test_errors_with_control_variates_are_calibrated() -> None:
    """Pulls of the mean noise response have unit variance and no mean."""
    truth = sd.predict(LONG, size=32)
    n = LONG.depth + 1
    pulls = []
    for seed in range(150):
        m = sd.simulate(LONG, size=32, samples=2000, rng=seed, control_variates=True)
        error = np.sqrt(np.diag(m.means_covariance))[n : 2 * n]
        pulls.append((m.means[n : 2 * n] - truth.G * truth.Q) / error)
    assert (np.abs(np.mean(pulls, axis=0)) < 4 / math.sqrt(150)).all()
    assert (np.abs(np.std(pulls, axis=0) - 1) < 0.25).all()


def test_the_covariance_is_that_of_D_then_G_then_Q() -> None:
    """Over 150 runs the estimates, in units of the predicted root, are white."""
    net = sd.Network.uniform(2, 2, 3)
    truth = sd.predict(net, size=16)
    exact = np.concatenate([truth.D, truth.G, truth.Q])
    chosen = [1, 3, 4, 7, 9, 11]  # D_1, D_3, G_0, G_3, Q_1, Q_3
    runs = [sd.simulate(net, size=16, samples=3000, rng=seed) for seed in range(150)]
    for m in runs[:5]:
        assert m.covariance.shape == (12, 12)
        errors = np.concatenate([m.D_err, m.G_err, m.Q_err])
        np.testing.assert_allclose(np.sqrt(np.diag(m.covariance)), errors, rtol=1e-12)
    white = []
    for m in runs:
        estimates = np.concatenate([m.D, m.G, m.Q])
        root = np.linalg.cholesky(m.covariance[np.ix_(chosen, chosen)])
        white.append(np.linalg.solve(root, (estimates - exact)[chosen]))
    # Of 150 runs: variances to 12 %, correlations to 0.08.
    assert np.abs(np.cov(np.transpose(white)) - np.eye(6)).max() < 0.4
    # D and Q of a run hang together: D_k is a quotient by Q_k.
    assert np.mean([m.covariance[3, 11] for m in runs]) < 0


def test_a_target_stops_at_the_first_prefix_that_suffices():
    stopped = small(target_error=0.03)
    for workers in (2, 8):
        assert same(stopped, small(target_error=0.03, workers=workers))
    spec = specification(NET)
    counts = unit_sizes(spec, 12_000, growing=True)
    lengths = list(prefix_lengths(len(counts)))
    place = lengths.index(stopped.blocks)
    assert 0 < place < len(lengths) - 1, "neither the first nor the last"
    packed = packed_units(spec, 5, counts[: stopped.blocks])
    for length in lengths[: place + 1]:
        prefix = estimate(spec, counts[:length], packed[:length], control=False)
        assert (relative_errors(prefix).max() < 0.03) == (length == stopped.blocks)
    assert np.array_equal(prefix["covariance"], stopped.covariance)
    assert stopped.target_reached
    assert stopped.relative_error.max() < 0.03
    assert "target error 0.03 reached: relative standard error at most 0.02" in repr(stopped)
    assert "target error 0.03 reached" in stopped._repr_html_()


def test_units_weigh_as_much_as_they_have_images():
    """A few large units among many small ones: unbiased means, with errors of their scatter."""
    spec, counts = specification(NET), [4] * 24 + [96] * 8
    runs = [packed_units(spec, seed, counts) for seed in range(150)]
    estimates = [estimate(spec, counts, packed, control=False) for packed in runs]
    n = NET.depth + 1
    displacement = np.average(runs[0][:, :n], axis=0, weights=counts)
    np.testing.assert_allclose(estimates[0]["means"][:n], displacement, rtol=1e-12)
    means = np.array([result["means"][1 : 2 * n] for result in estimates])
    variances = np.array([np.diag(result["means_covariance"])[1 : 2 * n] for result in estimates])
    np.testing.assert_allclose(variances.mean(axis=0), means.var(axis=0), rtol=0.35)
    # Negative control: as if all units had equally many images, the variance is several times it.
    alike = np.array([packed[:, 1 : 2 * n].mean(axis=0) for packed in runs])
    assert (alike.var(axis=0) > 2 * means.var(axis=0)).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_where_a_run_stops_does_not_depend_on_the_cap(engine):
    given = {"engine": engine, "target_error": 0.04}
    stopped = small(samples=10_000, **given)
    assert stopped.blocks > 64
    assert stopped.samples < 10_000
    for samples in (10_001, 200_000, 10**18):
        assert same(stopped, small(samples=samples, **given))
    assert same(stopped, small(samples=10**18, workers=3, control_variates=False, **given))


def test_a_large_cap_costs_nothing():
    given = {"samples": 10**18, "target_error": 0.05}
    small(**given)
    tracemalloc.start()
    begin = time.process_time()
    stopped = small(**given)
    sd.sweep([NET, sd.Network.uniform(2, 2, 2)], [16, 32], rng=1, engine="numpy", **given)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert stopped.target_reached
    assert stopped.samples < 10**5
    assert most < 2**24
    assert time.process_time() - begin < 20


def test_control_variates_count_for_the_target():
    # Every move has a response here, so that the noise decides.
    net = sd.Network.uniform([1, 2, 1], 1, 2)
    given = {"size": 32, "samples": 12_000, "rng": 5, "engine": "numpy", "target_error": 0.0048}
    plain = sd.simulate(net, **given)
    controlled = sd.simulate(net, **given, control_variates=True)
    assert controlled.blocks < plain.blocks < 129
    assert same(controlled, sd.simulate(net, **given, control_variates=True, workers=2))
    assert controlled.control_variates
    factor = f"{np.median(controlled.gain):.3g}"
    assert f"control variates: variance of G_k {factor} times smaller (median)" in repr(controlled)
    assert "control variates" not in repr(plain)


def test_errors_of_exactly_known_ratios_are_not_nan():
    # Control variates know the linear noise response at the input exactly, and moves are constant.
    for samples in (12_000, 40_000):
        linear = small(samples=samples, rectify=None, control_variates=True)
        assert linear.R_err[0] < 1e-8
        assert np.isfinite(linear.R_err).all()


def test_a_target_out_of_reach_is_warned_of(plain):
    spec = specification(NET)
    counts = unit_sizes(spec, 12_000, growing=True)
    missed = r"target_error = 0.001 was not reached within 12000 samples: the relative standard "
    with pytest.warns(RuntimeWarning, match=rf"{missed}error of layer 3 is 0\.0\d+") as caught:
        result = small(target_error=0.001)
    # The warning points at the caller of `simulate`.
    assert caught[0].filename.endswith("runs.py")
    whole = estimate(spec, counts, packed_units(spec, 5, counts), control=False)
    assert np.array_equal(whole["covariance"], result.covariance)
    assert result.samples == sum(counts) == 12_000
    assert (result.target_reached, result.partial, result.target_error) == (False, False, 0.001)
    assert "target error 0.001 NOT reached" in repr(result)
    assert (plain.target_reached, plain.target_error) == (True, None)


def test_a_response_never_seen_is_infinitely_uncertain():
    net = sd.Network.uniform(2, 2, 8)
    with pytest.warns(RuntimeWarning, match=r"the relative standard error of layer \d is inf"):
        result = sd.simulate(net, size=2**12, samples=8, rng=0, target_error=0.5)
    assert result.D[-1] == 0
    assert result.relative_error[-1] == math.inf


def test_exhaustion_is_judged_in_the_end_only():
    spec = specification(NET)
    dead = UnitSums(*(np.zeros(4) for _ in range(4)), np.zeros(2))
    packed = np.array([dead.packed()] * 64)
    assert not is_precise(Job(spec, Stream(5), (4,) * 64, target=0.9), packed)
    dying = sd.Network.uniform(2, 2, 3, bias=-0.2)
    with pytest.raises(sd.ExhaustionError, match="layer 2"):
        sd.simulate(dying, size=16, samples=10_000, rng=0, target_error=0.1)
    # Under a large cap it is judged after 2^16 images.
    with pytest.raises(sd.ExhaustionError, match=r"layer 2 .* in all \d{7} pairs"):
        sd.simulate(dying, size=16, samples=10**18, rng=0, target_error=0.1)


def test_prefixes_do_not_depend_on_the_number_of_units():
    long = list(itertools.takewhile(lambda length: length < 10**5, prefix_lengths(10**18)))
    assert long[0] == 64
    assert all(b / a <= 1.125 for a, b in itertools.pairwise(long))
    for units in (2, 64, 65, 1000):
        lengths = list(prefix_lengths(units))
        assert lengths[-1] == units
        assert lengths[:-1] == [length for length in long if length < units]


@pytest.mark.parametrize("target", [0, 1, -0.1, 2, math.nan, math.inf])
def test_a_target_lies_between_0_and_1(target):
    with pytest.raises(ValueError, match=r"target_error must be .* between 0 and 1, .*got"):
        small(target_error=target)


@pytest.mark.parametrize("target", ["0.1", True, [0.1]])
def test_a_target_is_a_number(target):
    with pytest.raises(TypeError, match="target_error must be a real number"):
        small(target_error=target)
