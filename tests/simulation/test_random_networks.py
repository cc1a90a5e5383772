"""Random networks carried out against the limit of many channels; the difference is 1/width."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd

UNIFORM = sd.Network.uniform
NET = UNIFORM(3, depth=3)


def deviation(simulated, predicted, name):
    error = getattr(simulated, f"{name}_err")
    if name in "GR":
        error = np.hypot(error, getattr(predicted, f"{name}_err"))
    return (abs(getattr(simulated, name) - getattr(predicted, name)) / (error + 1e-12)).max()


@pytest.mark.parametrize(
    ("net", "given"),
    [
        (NET, {"size": 12, "pooling": 0}),
        (NET, {"size": 12, "pooling": 0.5, "bias_variance": 0.2}),
        (NET, {"size": 12, "pooling": 1}),
        (NET, {"size": 12, "pooling": 1, "rectify": "input"}),
        (NET, {"size": 12, "pooling": 0.9, "rectify": "noise"}),
        (NET, {"size": 12, "pooling": (0, 0.5, 1), "rectify": None}),
        (UNIFORM(2, 2, 3), {"size": 16, "pooling": 0.5}),
        (UNIFORM(3, 2, 2, padding=1), {"size": 9, "pooling": 0.5, "bias_variance": 0.1}),
        (UNIFORM(2, 1, 2, dim=2), {"size": 4, "pooling": 0.5}),
        (NET, {"task": sd.ScaleDetection(size=12, xi=4, gap=1), "pooling": 0.5}),
        (NET, {"size": 12, "tap_covariances": [np.diag([1, 2, 0.5]) + 0.3] * 3}),
    ],
)
def test_wide_networks_are_predicted(net, given):
    predicted = sd.predict_wide(net, rng=0, **given)
    simulated = sd.simulate_wide(net, width=100, networks=40, samples=16, rng=1, **given)
    for name in "DGRQ":
        assert deviation(simulated, predicted, name) < 4.5, name


def test_other_shares_are_told_apart():
    predicted = sd.predict_wide(NET, size=12, pooling=0.4, rng=0)
    simulated = sd.simulate_wide(NET, size=12, pooling=0.5, width=100, networks=60, rng=1)
    assert deviation(simulated, predicted, "D") > 5


def test_the_first_layer_has_its_limit_at_any_width():
    predicted = sd.predict_wide(UNIFORM(3), size=12, pooling=0.5, rng=0)
    simulated = sd.simulate_wide(
        UNIFORM(3), size=12, pooling=0.5, width=4, networks=4000, samples=8, rng=1
    )
    for name in "DGRQ":
        assert deviation(simulated, predicted, name) < 4.5
    # Errors over networks: they fall as their number grows.
    fewer = sd.simulate_wide(
        UNIFORM(3), size=12, pooling=0.5, width=4, networks=1000, samples=8, rng=2
    )
    assert (fewer.D_err / simulated.D_err)[1] == pytest.approx(2, rel=0.2)


def test_the_difference_to_the_limit_falls_as_one_over_the_width():
    """Times the width it is about -0.3 of D_4: simple averages show it at widths 8 and 16.

    At 64, 256 and 1024 `test_finite_width` shows it, with control variates.
    """
    net = UNIFORM(3, depth=4)
    limit = sd.predict_wide(net, size=12, noise_error=0.5, rng=0).D[4]
    runs = {8: 20000, 16: 20000, 64: 400, 256: 40, 1024: 4}
    scaled, errors = {}, {}
    for width, networks in runs.items():
        s = sd.simulate_wide(net, size=12, width=width, networks=networks, samples=12, rng=1)
        scaled[width] = width * (s.D[4] / limit - 1)
        errors[width] = width * s.D_err[4] / limit
    assert scaled[8] < -5 * errors[8]
    assert scaled[16] < -4 * errors[16]
    for width in (16, 64, 256, 1024):
        assert abs(scaled[width] - scaled[8]) < 4 * np.hypot(errors[width], errors[8])
    # Without a fall from width 8 to 16, the difference itself would be the same.
    fall = scaled[16] / 16 - scaled[8] / 8
    assert fall > 3 * np.hypot(errors[16] / 16, errors[8] / 8)


def test_errors_are_scatter_over_networks():
    runs = [
        sd.simulate_wide(NET, size=12, width=20, networks=30, samples=8, rng=seed)
        for seed in range(60)
    ]
    for name in "DGRQ":
        scatter = np.std([getattr(run, name)[3] for run in runs])
        stated = np.mean([getattr(run, f"{name}_err")[3] for run in runs])
        assert 0.65 < scatter / stated < 1.4
    again = sd.simulate_wide(NET, size=12, width=20, networks=30, samples=8, rng=7)
    assert again.D.tolist() == runs[7].D.tolist()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": 12, "width": 0}, "width must be an integer >= 1; got 0"),
        ({"size": 12, "networks": 1}, "networks must be an integer >= 2; got 1"),
        ({"size": 12, "samples": 1}, "samples must be an integer >= 2; got 1"),
        ({"size": 12, "pooling": 2}, "pooling must be at most 1"),
        ({}, "size must be given"),
    ],
)
def test_bad_arguments(given, message):
    with pytest.raises(ValueError, match=message):
        sd.simulate_wide(NET, **given)


def test_networks_of_which_one_lives_have_no_errors():
    """Networks of one channel die easily; without the last living one, ratios are 0/0."""
    net = sd.Network.uniform(2, 2, 4)
    with pytest.raises(sd.ExhaustionError, match="Q_k = 0 in all networks but one at most"):
        sd.simulate_wide(net, size=16, width=1, networks=2, rng=0)
    assert sd.simulate_wide(net, size=16, width=1, networks=2, rng=3).D_err.max() < np.inf
