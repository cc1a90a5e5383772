"""Atoms, sums and cuts of the law of a unit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scaledet.evolution.unit_law import UnitLaw, constant, cut, power, regridded, total

POINTS = 1500


def exponential(rate: float = 1.0, atom: float = 0.25) -> UnitLaw:
    """An atom at 0 and an exponential above it."""
    x = np.linspace(0, 100 / rate, POINTS)
    mass = 1 - atom
    mean = mass / rate
    law = UnitLaw(
        0.0,
        math.log(atom),
        mass,
        0.0,
        float(x[1]),
        mass * rate * np.exp(-rate * x),
        mean,
        2 * mass / rate**2 - mean**2,
    )
    return regridded(law, POINTS)


def test_atoms_of_sums_are_powers_and_never_smeared():
    law = power(exponential(), 5, POINTS)
    assert law.atom == pytest.approx(0.25**5, rel=1e-14)
    assert law.mass == pytest.approx(1 - 0.25**5, rel=1e-14)
    assert law.mean == pytest.approx(5 * 0.75, rel=1e-14)
    # The density next to the atom is that of one active copy, 5 * 0.25^4 * 0.75.
    assert law.values[0] == pytest.approx(5 * 0.25**4 * 0.75, rel=1e-10)


def test_sum_of_three_is_a_mixture_of_gamma_laws():
    law = power(exponential(), 3, POINTS)
    x = law.grid
    weights = [3 * 0.25**2 * 0.75, 3 * 0.25 * 0.75**2, 0.75**3]
    expected = (weights[0] + weights[1] * x + weights[2] * x**2 / 2) * np.exp(-x)
    near = x < 60  # the input's grid ends at 100
    assert expected[near].min() < 1e-22
    np.testing.assert_allclose(law.values[near], expected[near], rtol=1e-9)


@pytest.mark.parametrize("threshold", [1e-3, 0.1, 1.0, 12.0, 60.0])
def test_a_cut_exponential_is_an_exponential(threshold):
    law, added = cut(exponential().shifted(-threshold), POINTS)
    alive = 0.75 * math.exp(-threshold)
    assert law.edge == 0
    assert law.mass == pytest.approx(alive, rel=1e-9)
    assert law.log_atom == pytest.approx(math.log1p(-alive), rel=1e-9)
    assert law.mean == pytest.approx(alive, rel=1e-9)
    assert law.variance == pytest.approx(2 * alive - alive**2, rel=1e-9)
    assert added == pytest.approx(alive - 0.75 + threshold, rel=1e-9)


def test_a_shift_upwards_cuts_nothing():
    law = exponential().shifted(0.5)
    assert cut(law, POINTS) == (law, 0.0)


def test_a_cut_beyond_the_grid_leaves_zero_and_says_what_is_lost():
    law, added = cut(exponential().shifted(-1000), POINTS)
    assert (law.mean, law.mass, law.atom, len(law.values)) == (0, 0, 1, 0)
    assert added == pytest.approx(1000 - 0.75)
    assert 0 < law.lost < 1e-40


def test_constants_add():
    law = total(constant(0.5), exponential().shifted(1), POINTS)
    assert law.edge == 1.5
    assert law.mean == pytest.approx(0.75)
    assert total(constant(1), constant(2), POINTS).edge == 3


def test_scaling():
    law = exponential().scaled(0.1)
    other = exponential(rate=10)
    np.testing.assert_allclose(
        [law.mean, law.variance, law.atom], [other.mean, other.variance, other.atom], rtol=1e-13
    )
    np.testing.assert_allclose(law.grid, np.linspace(0, law.span, len(law.values)))


def test_the_carried_moments_are_those_of_the_density():
    law = power(exponential(), 7, POINTS).scaled(1 / 7)
    x = law.start + law.step * np.arange(len(law.values))
    # A plain sum: end weights matter only where the density has not fallen off.
    ends = law.step * law.values[0] * 1e-2
    assert (law.values * x).sum() * law.step == pytest.approx(law.mean, abs=ends)
    assert (law.values * x**2).sum() * law.step == pytest.approx(
        law.variance + law.mean**2, abs=ends
    )


def test_far_from_zero_the_grid_starts_late_and_keeps_the_mean():
    law = power(exponential(), 4096, POINTS).scaled(1 / 4096)
    assert law.start > 0.5 * law.mean
    assert law.log_atom == pytest.approx(4096 * math.log(0.25), rel=1e-12)
    centre = float((law.values * (law.start + law.step * np.arange(len(law.values)))).sum())
    assert abs(centre * law.step - law.mean) < 1e-9 * math.sqrt(law.variance)


def test_grids_that_cannot_resolve_a_law_are_refused():
    narrow = exponential(rate=1e7)
    with pytest.raises(ValueError, match="points must be fewer, or the weights more alike"):
        total(exponential(), narrow, POINTS)
    x = np.linspace(0, 100, 32)
    coarse = UnitLaw(0.0, -math.inf, 1.0, 0.0, float(x[1]), np.exp(-x), 1.0, 1.0)
    with pytest.raises(ValueError, match="points must be more: on a grid of 32"):
        regridded(coarse, 32)
