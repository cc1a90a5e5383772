"""From sums of units to estimates: control variates by themselves and in the simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

import scaledet as sd
from scaledet.simulation.estimation import controlled, expected_controls
from scaledet.simulation.unit import Stream, run_unit
from tests.runs import specification

NET = sd.Network.uniform(3, 1, 6)


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
    spec = specification(NET, 64, rectify=rectify, sigma=0.3, engine="numba")
    units = np.array([run_unit(spec, Stream(3), unit, 64).controls for unit in range(200)])
    error = units.std(axis=0) / math.sqrt(len(units))
    assert (np.abs(units.mean(axis=0) - expected_controls(spec)) < 4 * error).all()


def test_gain_is_shown_and_real() -> None:
    plain, better = (
        sd.simulate(NET, size=256, samples=20_000, rng=1, control_variates=control)
        for control in (False, True)
    )
    assert (plain.gain == 1).all()
    assert (better.gain[1:] > 10).all()
    assert "control variates" in repr(better)
    assert "control variates" not in repr(plain)
    # The same images and noise: D and Q are untouched.
    assert np.array_equal(plain.D, better.D)
    assert np.array_equal(plain.Q, better.Q)
    truth = sd.predict(NET, size=256)
    assert (np.abs(better.G - truth.G) < 4 * better.G_err).all()


def test_errors_with_control_variates_are_calibrated() -> None:
    """Pulls of the mean noise response have unit variance and no mean."""
    truth = sd.predict(NET, size=32)
    n = NET.depth + 1
    pulls = []
    for seed in range(150):
        m = sd.simulate(NET, size=32, samples=2000, rng=seed, control_variates=True)
        error = np.sqrt(np.diag(m.means_covariance))[n : 2 * n]
        pulls.append((m.means[n : 2 * n] - truth.G * truth.Q) / error)
    assert (np.abs(np.mean(pulls, axis=0)) < 4 / math.sqrt(150)).all()
    assert (np.abs(np.std(pulls, axis=0) - 1) < 0.25).all()
