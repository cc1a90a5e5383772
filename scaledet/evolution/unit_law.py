r"""Law of one unit: an exact atom at its lowest value and a density above it, on a uniform grid.

Sums of independent units convolve the densities and multiply the atoms; a threshold moves
all below zero into the atom. Mean and variance are not read off the grid but carried along:
sums add them exactly, and a cut at t changes them by the moments of :math:`(t - S)_+`,

.. math:: E(S - t)_+ = E S - t + a_1, \qquad
          \mathrm{Var}(S - t)_+ = \mathrm{Var} S - a_2 - a_1^2 + 2 (t - E S) a_1, \qquad
          a_p = E (t - S)_+^p,

so that no error of the grid enters where nothing is cut. Source: ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from scaledet.errors import ArgumentError
from scaledet.evolution.grid import (
    Array,
    at_most,
    convolve,
    density_at,
    integral,
    interpolate,
    resampled,
)

__all__ = ["NEGLIGIBLE", "UnitLaw", "constant", "cut", "power", "total"]

NEGLIGIBLE = 1e-50
"""Densities below this part of their maximum are dropped at the ends of the grid."""
_FALLEN = 1e-12
"""A density above this part of its maximum at the end of its grid jumps there."""
_FEWEST = 32
_MOST = 2**16


@dataclass(frozen=True, eq=False)
class UnitLaw:
    """Law of X = edge + Z, Z >= 0 with an atom at 0 and a density on a uniform grid.

    Attributes
    ----------
    edge : float
        Lowest value of the unit, where the atom sits (units of the image's height).
    log_atom : float
        Logarithm of the probability of the atom; -inf without atom.
    mass : float
        Probability of Z > 0, kept apart from the atom so that neither is lost next to the other.
    start, step : float
        First point of the grid, counted from `edge`, and its spacing.
    values : ndarray, shape [points]
        Density of Z on the grid (per unit of height); empty if Z = 0.
    mean, variance : float
        Of Z, hence `edge` more for the mean of X.
    defect : float
        How far the density's mass and moments on the grid were from those carried (relative).
    lost : float
        Estimate of the part of E Z^2 beyond the ends of all grids so far.
    """

    edge: float
    log_atom: float
    mass: float
    start: float
    step: float
    values: Array
    mean: float
    variance: float
    defect: float = 0.0
    lost: float = 0.0

    def __repr__(self) -> str:
        return (
            f"UnitLaw(edge={self.edge:.6g}, atom={self.atom:.6g}, "
            f"mean={self.edge + self.mean:.6g}, variance={self.variance:.6g}, "
            f"{len(self.values)} points)"
        )

    @property
    def atom(self) -> float:
        """Probability of the lowest value."""
        return math.exp(self.log_atom)

    @property
    def grid(self) -> Array:
        """Points of the density, as values of the unit X."""
        first = self.edge + self.start
        return np.linspace(first, first + self.span, len(self.values))

    @property
    def span(self) -> float:
        """Length of the grid."""
        return self.step * max(len(self.values) - 1, 0)

    def scaled(self, factor: float) -> UnitLaw:
        """Law of `factor` times the unit, factor > 0."""
        return replace(
            self,
            edge=factor * self.edge,
            start=factor * self.start,
            step=factor * self.step,
            values=self.values / factor,
            mean=factor * self.mean,
            variance=factor**2 * self.variance,
            lost=factor**2 * self.lost,
        )

    def shifted(self, by: float) -> UnitLaw:
        """Law of the unit plus a constant."""
        return replace(self, edge=self.edge + by)


def constant(value: float) -> UnitLaw:
    """Law of a unit without noise."""
    return UnitLaw(value, 0.0, 0.0, 0.0, 1.0, np.empty(0), 0.0, 0.0)


def total(first: UnitLaw, second: UnitLaw, points: int) -> UnitLaw:
    """Law of the sum of two independent units on a grid of at most `points` points."""
    edge = first.edge + second.edge
    lost = (math.sqrt(first.lost) + math.sqrt(second.lost)) ** 2
    if not len(first.values) or not len(second.values):
        alive = first if len(first.values) else second
        return replace(alive, edge=edge, lost=lost)
    step = _common_step(first, second, points)
    f, g = _resampled(first, step), _resampled(second, step)
    values = convolve(f, g, step)
    # An atom that still matters sits at the start of its grid; else it is below NEGLIGIBLE.
    for atom, start, rest in ((first.atom, first.start, g), (second.atom, second.start, f)):
        if start == 0:
            values[: len(rest)] += atom * rest
    law = UnitLaw(
        edge=edge,
        log_atom=first.log_atom + second.log_atom,
        mass=first.mass + second.mass - first.mass * second.mass,
        start=first.start + second.start,
        step=step,
        values=values,
        mean=first.mean + second.mean,
        variance=first.variance + second.variance,
        defect=first.defect + second.defect,
        lost=lost,
    )
    return regridded(law, points)


def power(law: UnitLaw, copies: int, points: int) -> UnitLaw:
    """Law of the sum of independent copies, by repeated doubling."""
    result, doubled = None, law
    while True:
        if copies % 2:
            result = doubled if result is None else total(result, doubled, points)
        copies //= 2
        if not copies:
            return constant(0.0) if result is None else result
        doubled = total(doubled, doubled, points)


def cut(law: UnitLaw, points: int) -> tuple[UnitLaw, float]:
    """Law of relu(X), and how much the rectification adds to the mean of X."""
    threshold = -law.edge
    if threshold <= 0:
        return law, 0.0
    end = law.start + law.span
    if threshold >= end:  # all of the grid
        return replace(constant(0.0), lost=law.lost), threshold - law.mean
    if threshold <= law.start:
        # Less than NEGLIGIBLE is below: else the grid would start at 0.
        start, mean = law.start - threshold, law.mean - threshold
        return replace(law, edge=0.0, start=start, mean=mean), 0.0
    below, added, square = _below(law, threshold)
    values, step = _above(law, threshold, points)
    mass = integral(values, step)
    x = step * np.arange(len(values))
    if below > 0.5:
        mean = integral(x * values, step)
        variance = integral(x**2 * values, step) - mean**2
        log_atom = math.log1p(-mass)
    else:
        mass = 1 - below
        mean = law.mean - threshold + added
        variance = law.variance - square - added**2 + 2 * (threshold - law.mean) * added
        log_atom = math.log(below) if below > 0 else -math.inf
    if variance + mean**2 <= law.lost:  # the rest is no more than the grids have dropped
        return replace(constant(0.0), lost=2 * law.lost), threshold - law.mean
    rectified = UnitLaw(
        0.0, log_atom, mass, 0.0, step, values, mean, variance, law.defect, law.lost
    )
    return regridded(rectified, points), mean - (law.mean - threshold)


def _below(law: UnitLaw, threshold: float) -> tuple[float, float, float]:
    """Probability of Z <= threshold and the first two moments of (threshold - Z)_+."""
    reach = (threshold - law.start) / law.step
    count = max(_FEWEST, math.ceil(reach) + 1)
    at = np.linspace(0, reach, count)
    values = interpolate(law.values, at)
    step = law.step * reach / (count - 1)
    gap = law.step * (reach - at)
    atom = law.atom if law.start == 0 else 0.0
    probability, first, second = (integral(gap**p * values, step) for p in range(3))
    return (min(atom + probability, 1.0), atom * threshold + first, atom * threshold**2 + second)


def _above(law: UnitLaw, threshold: float, points: int) -> tuple[Array, float]:
    """Density from the threshold on, on a grid that starts there."""
    first = (threshold - law.start) / law.step
    last = len(law.values) - 1
    count = min(points, max(_FEWEST, math.ceil(last - first) + 1))
    values = density_at(law.values, np.linspace(first, last, count))
    return values, law.step * (last - first) / (count - 1)


def _common_step(first: UnitLaw, second: UnitLaw, points: int) -> float:
    """Step that resolves both densities, and meets the end of a density that jumps there."""
    step = max(min(first.step, second.step), max(first.span, second.span) / (_MOST - 1))
    for law in (first, second):
        if law.values[-1] > _FALLEN * law.values.max():
            step = law.span / math.ceil(law.span / step - 1e-9)
        if law.span < (_FEWEST - 1) * step:
            raise ArgumentError(
                f"points must be fewer, or the weights more alike: the narrowest of two units "
                f"has {law.span / step:.2g} points of a grid of {_MOST} for the widest, and needs "
                f"{_FEWEST}; got {points} points"
            )
    return step


def _resampled(law: UnitLaw, step: float) -> Array:
    """Density on a grid of this step over the same interval."""
    ratio = step / law.step
    return law.values if abs(ratio - 1) < 1e-12 else resampled(law.values, ratio)


def regridded(law: UnitLaw, points: int) -> UnitLaw:
    """Drop negligible ends of the density, fit its grid to `points`, restore mass and mean."""
    values = law.values
    peak = float(values.max(initial=0.0))
    if law.mass < 1e-290 or not peak > 0:
        return replace(constant(law.edge), lost=law.lost)
    kept = np.flatnonzero(values > NEGLIGIBLE * peak)
    low, high = int(kept[0]), int(kept[-1])
    if law.atom > NEGLIGIBLE or law.start + low * law.step == 0:
        low = 0
    high = min(max(high, low + _FEWEST), len(values) - 1)
    low = max(0, min(low, high - _FEWEST))
    start = law.start + low * law.step
    values, step = at_most(values[low : high + 1], law.step, points)
    mass = integral(values, step)
    x = start + step * np.arange(len(values))
    defect = abs(mass / law.mass - 1)
    if not defect < 0.05:
        raise ArgumentError(
            f"points must be more: on a grid of {points} the probabilities of a unit add up to "
            f"{mass / law.mass:.4g} of what they are"
        )
    values = values * (law.mass / mass)
    mean = integral(x * values, step)
    defect = max(law.defect, defect, abs(mean - law.mean) / math.sqrt(law.variance + law.mean**2))
    if start > 0:  # the position is known better than the grid has kept it
        start += law.mean - mean
    lost = law.lost + NEGLIGIBLE * peak * (start + step * len(values)) ** 3
    return replace(law, start=start, step=step, values=values, defect=defect, lost=lost)
