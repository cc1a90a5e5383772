"""Scenarios on images with sides and borders."""

from __future__ import annotations

import json

import numpy as np
import pytest

import scaledet as sd
from scaledet.scenario import Scenario
from scaledet.tasks.border import bordered_mean_square

L = sd.Layer
PADDED = sd.Network([L(3, 2, padding=1)] * 2, 2)


def checked(net, size, task=None, **options):
    return Scenario.checked(
        "a test", net, size, "input", None, task, sigma_range=(1e-9, 1e9), **options
    )


def squared_moves(sides, moves):
    """Mean of |tau x - x|^2 of one pixel: every move from every site, counted."""
    total = count = 0.0
    for site in np.ndindex(*sides):
        for axis, side in enumerate(sides):
            places = [site[axis] + sign for sign in (1, -1)]
            inside = [place for place in places if 0 <= place < side]
            moved = len(inside) / 2 if moves == "stay" else 1.0
            total += 2 * moved
            count += 1
    return total / count


@pytest.mark.parametrize("sides", [(6, 9), (5, 5)])
@pytest.mark.parametrize("moves", ["wrap", "stay", "inside"])
def test_matched_noise_follows_sides_and_moves(sides, moves):
    scenario = checked(PADDED, sides, moves=moves)
    expected = squared_moves(sides, moves)
    assert scenario.pixels * scenario.sigma**2 == pytest.approx(expected, rel=1e-14)
    assert scenario.sides == sides
    assert scenario.size == (5 if sides == (5, 5) else sides)
    if sides == (6, 9):
        with pytest.raises(ValueError, match=r"size must be one number .* got \(6, 9\)"):
            _ = scenario.side
        assert not scenario.is_torus


@pytest.mark.parametrize("moves", ["stay", "inside"])
def test_matched_noise_of_a_task_follows_its_moves(moves):
    task = sd.ScaleDetection(size=8, xi=3, gap=0)
    net = sd.Network([L(3, padding=1)])
    scenario = checked(net, None, task, moves=moves)
    expected = bordered_mean_square(task.rule, False, moves)
    assert 8 * scenario.sigma**2 == pytest.approx(float(expected), rel=1e-14)


def test_scenarios_are_restored():
    for options in ({}, {"moves": "stay"}):
        for size in (8, (6, 9)):
            scenario = checked(PADDED, size, **options)
            data = json.loads(json.dumps(scenario.to_dict()))
            assert Scenario.from_dict(data) == scenario
            assert ("moves" in data) == bool(options)
    assert "moves = 'stay'" in str(checked(PADDED, 8, moves="stay"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: checked(PADDED, 8, moves="jump"), "moves must be one of 'wrap', 'stay', 'inside'"),
        (
            lambda: checked(sd.Network([L(3)]), 8, moves="stay"),
            r"moves must be 'wrap' on the torus \(padding=None in all layers\)",
        ),
        (lambda: checked(PADDED, None, moves="stay"), "moves must be 'wrap' on the infinite"),
        (lambda: checked(PADDED, (8, 8, 8)), "size must be an integer or 2 integers"),
        (lambda: checked(sd.Network([L(9, padding=0)]), 8), "size must pass through all layers"),
    ],
)
def test_scenarios_that_make_no_sense_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_shifted_windows_matter_where_a_task_has_places():
    """Blocks have places, to which windows with padding on the left are shifted."""
    circular = sd.Network([L(3, 2, padding=1, padding_mode="circular")] * 2)
    blocks = sd.ScaleDetection(size=16, xi=4, variant="T2")
    pairs = sd.ScaleDetection(size=16, xi=4, gap=1)
    assert checked(circular, None, pairs).is_torus
    assert not checked(circular, None, blocks).is_torus
    assert checked(sd.Network([L(3, 2)] * 2), None, blocks).is_torus
    torus = sd.predict(sd.Network([L(3, 2)] * 2), task=pairs)
    np.testing.assert_array_equal(sd.predict(circular, task=pairs).D, torus.D)
    # Seen in a mirror, windows shifted by a pixel are those of the torus, and blocks are blocks.
    torus = sd.predict(sd.Network([L(3, 2)] * 2), task=blocks)
    np.testing.assert_allclose(sd.predict(circular, task=blocks).D, torus.D, rtol=1e-12)
