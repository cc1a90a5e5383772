"""The least D_k at given c_k(0): held to filters drawn at random and to those found by search."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from scaledet.theory.tradeoff import least_sensitivity

RNG = np.random.default_rng(20)


def facts(weights):
    weights = weights / weights.sum()
    peak = float(weights @ weights)
    return 1 - float(weights[1:] @ weights[:-1]) / peak, peak


@pytest.mark.parametrize("support", [1, 2, 3, 4, 7, 12])
@pytest.mark.parametrize("spread", [0.1, 1.0, 10.0])
def test_no_filter_drawn_at_random_is_below(support, spread):
    for _ in range(60):
        weights = RNG.dirichlet(np.full(support, spread))
        sensitivity, peak = facts(weights)
        assert sensitivity >= least_sensitivity(peak * (1 - 1e-13), support) * (1 - 1e-12)


@pytest.mark.parametrize("support", [2, 3, 5, 8])
def test_one_layer_found_by_search_attains_it(support):
    """Where the sine window is too quiet: minimise D at fixed c(0), from several starts.

    The bound is that of a Lagrangian: it is attained where one filter is best, which it is from the
    sine window to the Hann window.
    """
    sites = np.arange(1, support + 1)
    sine, hann = np.sin(np.pi * sites / (support + 1)), np.sin(np.pi * sites / (support + 1)) ** 2
    low, high = facts(sine)[1], facts(hann)[1]
    for share in (0.2, 0.5, 0.8):
        peak = low + share * (high - low)
        if math.isclose(low, high):
            continue
        constraints = [
            {"type": "eq", "fun": lambda w: w.sum() - 1},
            {"type": "ineq", "fun": lambda w, peak=peak: w @ w - peak},
        ]
        best = min(
            minimize(
                lambda w: facts(w)[0],
                start,
                method="SLSQP",
                bounds=[(0, 1)] * support,
                constraints=constraints,
                options={"ftol": 1e-13, "maxiter": 300},
            ).fun
            for start in (sine / sine.sum(), hann / hann.sum())
        )
        assert best == pytest.approx(least_sensitivity(peak, support), rel=1e-6)


def test_sine_and_hann_windows_have_their_closed_forms():
    for support in (1, 2, 5, 30):
        limit = 1 - math.cos(math.pi / (support + 1))
        sine, peak = facts(np.sin(np.pi * np.arange(1, support + 1) / (support + 1)))
        assert least_sensitivity(0.0, support) == pytest.approx(limit, rel=1e-13)
        assert least_sensitivity(peak, support) == pytest.approx(sine, rel=1e-9)
    hann, peak = facts(np.sin(np.pi * np.arange(1, 31) / 31) ** 2)
    assert least_sensitivity(peak, 30) == pytest.approx(hann, rel=1e-9)


def test_it_is_rounded_down():
    for support in (1, 2, 3, 9, 100, 4095):
        exact = 2 * np.sin(np.longdouble(np.pi) / (2 * np.longdouble(support + 1))) ** 2
        assert least_sensitivity(0.0, support) <= exact


def test_it_grows_with_the_noise_that_is_left_and_falls_with_the_support():
    peaks = np.geomspace(0.02, 1, 40)
    values = [least_sensitivity(float(peak), 40) for peak in peaks]
    assert (np.diff(values) >= 0).all()
    assert values[-1] > 10 * values[20] > 10 * values[0]
    wider = [least_sensitivity(float(peak), 400) for peak in peaks]
    assert (np.array(wider) <= np.array(values) * (1 + 1e-7)).all()
    assert wider[0] < 0.4 * values[0]
    # No support at all: D c(0)^-2 tends to a constant, as the width of the window does.
    assert least_sensitivity(1e-3, 10**9) * 1e6 == pytest.approx(
        least_sensitivity(1e-4, 10**9) * 1e8, rel=1e-3
    )
