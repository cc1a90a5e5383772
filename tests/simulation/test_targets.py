"""Stopping: a run ends at the first prefix of units that is precise enough."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import scaledet as sd
from scaledet.simulation.engines.base import UnitSums
from scaledet.simulation.estimation import estimate, is_precise, prefix_lengths, relative_errors
from scaledet.simulation.unit import Job, Stream, unit_sizes
from tests.runs import NET, packed_units, same, small, specification


def test_a_target_stops_at_the_first_prefix_that_suffices():
    stopped = small(target_error=0.03)
    for workers in (2, 8):
        assert same(stopped, small(target_error=0.03, workers=workers))
    spec = specification(NET)
    counts = unit_sizes(spec, 12_000)
    lengths = prefix_lengths(len(counts))
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
    missed = r"target_error = 0.001 was not reached within 12000 samples: the relative standard "
    with pytest.warns(RuntimeWarning, match=rf"{missed}error of layer 3 is 0\.0\d+") as caught:
        result = small(target_error=0.001)
    # The warning points at the caller of `simulate`.
    assert caught[0].filename.endswith("runs.py")
    assert same(result, plain)
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


def test_prefixes_do_not_depend_on_the_number_of_units():
    long = prefix_lengths(10**5)
    assert long[0] == 64
    assert all(b / a <= 1.25 for a, b in itertools.pairwise(long))
    for units in (2, 64, 65, 1000):
        lengths = prefix_lengths(units)
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
