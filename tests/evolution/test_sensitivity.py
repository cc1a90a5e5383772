"""Errors of G_k and of the moments of a unit."""

from __future__ import annotations

import numpy as np

import scaledet as sd
from scaledet.evolution.pixel_noise import Noise
from scaledet.evolution.sensitivity import COLUMNS, noise_columns
from scaledet.scenario import Scenario

NET = sd.Network.uniform(2, 2, 5, bias=-0.02)
SCENARIO = Scenario(NET, 64, "noise", 0.1)
DISTANCE = np.array([2.0, 0.4, 0.06, 0.002])


def columns(points: int, name: str = "laplace"):
    noise = Noise(name, 0.1)
    return noise_columns(SCENARIO, noise, points, DISTANCE)[0]


def test_relative_errors_never_fall_from_layer_to_layer():
    errors = columns(500)
    for name in ("mean", "variance"):
        relative = errors[f"{name}_err"] / errors[name]
        assert (np.diff(relative) >= 0).all()
        # The coarsest grid has a step of 0.23 scale lengths: 4 * 0.23^9 = 7e-6.
        assert 0 < relative[0] < 1e-5


def test_more_points_mean_smaller_errors():
    rough, fine = columns(500), columns(1000)
    for name in COLUMNS:
        assert (fine[f"{name}_err"][1:] < rough[f"{name}_err"][1:]).all(), name


def test_as_many_sensitivities_as_distances():
    named, layers = noise_columns(SCENARIO, Noise("gaussian", 0.1), 500, DISTANCE)
    assert set(named) == {*COLUMNS, *(f"{name}_err" for name in COLUMNS)}
    assert len(named["G"]) == len(named["G_err"]) == 4
    assert len(named["mean"]) == len(layers) == 6
