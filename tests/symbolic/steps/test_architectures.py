"""What a first layer leaves to the layers behind it."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

import scaledet as sd
from scaledet.errors import DerivationError
from scaledet.symbolic.routes import waves
from scaledet.symbolic.routes.layers import brute, layers
from scaledet.symbolic.steps.architectures import cap_steps


def test_a_layer_may_undercut_the_limit_behind_stable_layers() -> None:
    first, smooth = sd.Layer([1, 0, 0, 1, 2], 2), sd.Layer([1, 2, 1])
    exact = sd.predict(sd.Network([first, *[smooth] * 200])).exact_D
    assert exact[2] == Fraction(3, 8) < Fraction(2, 5)
    assert abs(exact[-1] - Fraction(2, 5)) < 0.002


def test_no_random_layers_come_below_the_least_wave() -> None:
    rng, below = random.Random(5), 0
    for _ in range(60):
        stride = rng.choice((2, 3))
        first = layers(([1, *rng.choices(range(4), k=rng.randint(1, 3)), 1], stride))
        _, least = waves._least(first)
        plateau = waves._plateau(first)
        for _ in range(4):
            others = layers(
                *(
                    ([1, *rng.choices(range(3), k=rng.randint(0, 3))], rng.choice((1, 1, 2)))
                    for _ in range(rng.randint(1, 2))
                )
            )
            reached = brute(first + others).sensitivity(1 + len(others))
            assert float(reached) >= least * (1 - 1e-12)
            below += reached < plateau
    assert below


def test_the_limit_of_long_waves_is_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    lowest = cap_steps()[1]
    lowest.verify()
    monkeypatch.setattr(waves, "_least", lambda first: (0.0, waves._sensitivity(first, 0, 1)))
    with pytest.raises(DerivationError, match="fails at k = 2"):
        lowest.verify()


@pytest.mark.parametrize("length", [3, 5, 7])
def test_for_odd_boxes_the_longest_wave_costs_least(length: int) -> None:
    first = layers(([1] * length, 2))
    angle, least = waves._least(first)
    assert angle == 0
    assert float(least) == pytest.approx(float(waves._plateau(first)), rel=1e-12)
