"""Noise of a few integer values sent through boxes with biases, every outcome enumerated.

Heights are integers: layer k is kept in units of n^-k, n inputs a unit, so that a layer adds its
inputs, takes the budget of its bias off and rectifies. Nothing here knows of laws of units.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["IntegerNoise"]


class IntegerNoise:
    """Boxes of `inputs` pixels, stride = length, and noise of independent pixels.

    Parameters
    ----------
    inputs : int
        Inputs of a unit.
    outcomes : tuple of (value, weight)
        Integer values of the noise of one pixel, and weights proportional to their probabilities.
    budgets : tuple of int
        What the bias of layers 1, 2, ... takes off, in units of n^-k.
    height : int, default 0
        Of an active pixel, in the units of the noise.

    Examples
    --------
    >>> IntegerNoise(2, ((0, 1), (1, 1)), (1,)).law(1, 1)
    Fraction(1, 4)
    """

    def __init__(
        self,
        inputs: int,
        outcomes: tuple[tuple[int, int], ...],
        budgets: Sequence[int],
        height: int = 0,
    ) -> None:
        self.inputs, self.outcomes, self.height = inputs, outcomes, height
        self.budgets = tuple(budgets)

    def budget(self, k: int) -> int:
        """Return what the bias of layer k takes off; at layer 0 there is none."""
        if not 0 <= k <= len(self.budgets):
            raise IndexError(f"there is no layer {k}")
        return (0, *self.budgets)[k]

    @lru_cache(maxsize=64)  # noqa: B019  # instances live as long as their derivation
    def images(self, units: int, k: int) -> tuple[Any, Any]:
        """All outcomes of the noise of `units` units of layer k: pixels and weights."""
        pixels = units * self.inputs**k if 0 <= k <= len(self.budgets) else -1
        if not 0 < pixels * math.log2(len(self.outcomes)) < 20:
            raise IndexError(f"there is no layer {k} whose outcomes are enumerated")
        draws = np.array(list(itertools.product(self.outcomes, repeat=pixels)))
        return draws[:, :, 0], draws[:, :, 1].prod(axis=1)

    def run(self, pixels: Any, k: int, *, rectified: bool = True) -> Any:
        """Send images, shape [images, pixels], through k layers; the last may stay unrectified."""
        for layer in range(1, k + 1):
            sums = pixels.reshape(len(pixels), -1, self.inputs).sum(axis=-1) - self.budget(layer)
            pixels = np.maximum(sums, 0) if rectified or layer < k else sums
        return pixels

    def mean_of(self, values: Any, weights: Any) -> Fraction:
        """Exact mean over the outcomes."""
        return Fraction(int((values * weights).sum()), int(weights.sum()))

    def law(self, k: int, j: int) -> Fraction:
        """Probability that a background unit of layer k has height j."""
        pixels, weights = self.images(1, k)
        return self.mean_of(self.run(pixels, k)[:, 0] == j, weights)

    def moment(self, k: int, power: int) -> Fraction:
        """Moment of the height of a background unit of layer k."""
        pixels, weights = self.images(1, k)
        return self.mean_of(self.run(pixels, k)[:, 0] ** power, weights)

    def mean(self, k: int) -> Fraction:
        """Mean height of a background unit."""
        return self.moment(k, 1)

    def variance(self, k: int) -> Fraction:
        """Variance of the height of a background unit."""
        return self.moment(k, 2) - self.moment(k, 1) ** 2

    def shortfall(self, k: int, power: int) -> Fraction:
        """Moment of what the sum of the inputs of layer k lacks to the budget."""
        pixels, weights = self.images(1, k)
        lack = np.maximum(-self.run(pixels, k, rectified=False)[:, 0], 0)
        return self.mean_of(lack**power, weights)

    def clean(self, k: int) -> int:
        """Height of the clean unit over an active pixel."""
        image = np.zeros((1, self.inputs**k), dtype=np.int64)
        image[0, -1] = self.height
        return int(self.run(image, k)[0, 0])

    def active_square(self, k: int) -> Fraction:
        """Mean square change of the unit over an active pixel."""
        pixels, weights = self.images(1, k)
        seen = pixels.copy()
        seen[:, -1] += self.height
        return self.mean_of((self.run(seen, k)[:, 0] - self.clean(k)) ** 2, weights)

    def energy(self, units: int, k: int) -> Fraction:
        """Mean square change of all units of a torus, summed."""
        pixels, weights = self.images(units, k)
        clean = np.zeros_like(pixels[:1])
        clean[0, 1] = self.height
        change = self.run(pixels + clean, k) - self.run(clean, k)
        return self.mean_of((change**2).sum(axis=1), weights)

    def square(self, k: int) -> Fraction:
        """Mean square of a background unit, in units of the noise."""
        return self.moment(k, 2) / Fraction(self.inputs) ** (2 * k)

    def drive(self, k: int) -> Fraction:
        """Return (n - 1) E y n^y - E n^y for the height y of a background unit."""
        return (self.inputs - 1) * self.generating(k, 1) - self.generating(k, 0)

    def generating(self, k: int, derivative: int) -> Fraction:
        """E y^derivative n^y of the height of a background unit."""
        pixels, weights = self.images(1, k)
        found = self.run(pixels, k)[:, 0]
        return self.mean_of(found**derivative * self.inputs**found, weights)
