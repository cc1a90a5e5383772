"""Integrals of polygons and polynomials, and the searches, against plain numerics."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from scaledet.algebra.precision import mpmath
from scaledet.reference.stable_filters import (
    StationaryWindow,
    even_integrals,
    interpolated,
    rearranged,
    stable_filter,
)

FILTERS = [(1, 2, 4), (3, 1, 0, 2), (2, 2), (1, 0, 1), (5, 1, 4, 4, 1)]


def product(x, heights) -> float:
    """Uncertainty product of a function on a fine grid."""
    mass, first, second = (np.trapezoid(heights * x**p, x) for p in (0, 1, 2))
    slope = np.sum(np.diff(heights) ** 2 / np.diff(x))
    spread = second / mass - (first / mass) ** 2
    return 6 * spread * slope / np.trapezoid(heights**2, x)


@pytest.mark.parametrize("weights", FILTERS)
def test_polygons_on_a_fine_grid(weights):
    x = np.linspace(0, len(weights) + 1, 20000 * (len(weights) + 1) + 1)
    heights = np.interp(x, range(len(weights) + 2), [0, *weights, 0])
    exact = [Fraction(w) for w in weights]
    assert product(x, heights) == pytest.approx(float(interpolated(exact).uncertainty), rel=1e-6)
    ranked = np.sort(heights)
    centred = np.concatenate([ranked[::2], ranked[1::2][::-1]])  # small values outside
    value = float(rearranged(exact).uncertainty)
    coarse = slice(None, None, 100)  # neighbours come from several branches: average over many
    assert product(x[coarse], centred[coarse]) == pytest.approx(value, rel=5e-3)
    assert value <= float(interpolated(exact).uncertainty)


def test_rearrangement_keeps_mass_and_square():
    for weights in FILTERS:
        before, after = (of([Fraction(w) for w in weights]) for of in (interpolated, rearranged))
        assert (before.mass, before.square) == (after.mass, after.square)
        assert after.first == 0


def test_window_is_stationary_and_touches_zero():
    window = StationaryWindow(10)
    with mpmath.workdps(60):
        slope = sum(2 * i * a for i, a in enumerate(window.coefficients))
        assert abs(slope) < 1e-40
        assert abs(sum(window.coefficients)) < 1e-40
        for term in range(4):  # any change that keeps the zeros at the ends
            for step in (mpmath.mpf("1e-6"), -mpmath.mpf("1e-6")):
                changed = list(window.coefficients)
                changed[term] += step * changed[0]
                changed[term + 1] -= step * changed[0]
                excess = even_integrals(changed).uncertainty - window.product
                assert -1e-15 < excess < 1e-9


def test_minimum_on_a_grid_tends_to_the_window():
    """Least product of functions on a grid, by the equation of stationarity of the grid itself."""
    window = StationaryWindow(8)
    for count in (40, 80):
        x = np.linspace(-1, 1, 2 * count + 1)
        heights = sum(float(a) * x ** (2 * i) for i, a in enumerate(window.coefficients))
        assert product(x, heights) == pytest.approx(float(window.product), rel=2 / count**2)
        rng = np.random.default_rng(count)
        for _ in range(200):
            other = np.maximum(heights * (1 + 0.3 * rng.standard_normal(len(x)).cumsum() / 9), 0)
            assert product(x, other) > float(window.product) * (1 - 2 / count**2)


def test_searched_filters_are_as_narrow_as_asked():
    for width in (Fraction(13, 10), Fraction(3), Fraction(6)):
        weights = np.array(stable_filter(width), dtype=float)
        law, sites = weights / weights.sum(), np.arange(len(weights))
        variance = sites**2 @ law - (sites @ law) ** 2
        assert 1 + 12 * variance == pytest.approx(float(width**2), rel=1e-7)
        assert weights[0] * weights[-1] > 0
