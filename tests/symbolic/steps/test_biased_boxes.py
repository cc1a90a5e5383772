"""Which schedule of biases leaves the least noise, and what that needs of the noise."""

from __future__ import annotations

import pytest

from scaledet.errors import DerivationError
from scaledet.reference.integer_noise import IntegerNoise
from scaledet.symbolic.routes import integer_noise as routes
from scaledet.symbolic.steps.biased_boxes import threshold_steps

NEGATIVE = ((-2, 1), (-6, 4), (1, 1))
"""Noise of negative mean: a pixel that it has put out early cannot fall any deeper."""


def test_noise_of_negative_mean_may_be_least_after_a_late_cut() -> None:
    late, early = (IntegerNoise(2, NEGATIVE, cuts, height=7) for cuts in ((0, 3), (3, 0)))
    assert late.energy(4, 2) < early.energy(4, 2)
    assert late.square(2) >= early.square(2)


def test_the_best_schedule_is_contradicted_by_noise_of_negative_mean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    best = threshold_steps()[5]
    assert "No schedule is better" in best.statement
    assert best.verify() == "exact in 120 cases; attained"
    monkeypatch.setattr(routes, "CENTRED", (NEGATIVE,))
    monkeypatch.setattr(routes, "SCHEDULES", ((2, 4, (0, 3)),))
    with pytest.raises(DerivationError, match="fails at k = 2"):
        best.verify()
