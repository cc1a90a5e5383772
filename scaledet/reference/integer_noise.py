"""Noise of a few integer values sent through boxes with biases, every outcome enumerated.

Heights are integers: layer k is kept in units of n^-k, n inputs a unit, so that a layer adds its
inputs, takes the budget of its bias off and rectifies. Nothing here knows of laws of units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from scaledet.reference.torus import Torus

__all__ = ["IntegerNoise", "clean_height"]


class IntegerNoise:
    """Boxes of `inputs` pixels, stride = length, and noise of independent pixels.

    `outcomes` are integer values of the noise of one pixel, with weights proportional to their
    probabilities; `budgets` the heights that the biases of layers 1, 2, ... take off, in units of
    n^-k; `height` is that of an active pixel.

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
        """Height that the bias of layer k takes off; nothing is taken off the image, k = 0."""
        if not 0 <= k <= len(self.budgets):
            raise IndexError(f"there is no layer {k}")
        return (0, *self.budgets)[k]

    @lru_cache(maxsize=64)  # noqa: B019  # instances live as long as their derivation
    def images(self, units: int, k: int) -> tuple[Any, Any]:
        """All outcomes of the noise of `units` units of layer k: pixels and weights."""
        pixels = units * self.inputs**k if 0 <= k <= len(self.budgets) else -1
        count = len(self.outcomes)
        if not (0 < pixels <= 1024 and pixels * math.log2(count) < 20):
            raise IndexError(f"there is no layer {k} whose outcomes are enumerated")
        places = np.arange(count**pixels)[:, None] // count ** np.arange(pixels)[::-1] % count
        values, weights = np.array(self.outcomes).T
        return values[places], weights[places].prod(axis=1)

    def run(self, pixels: Any, k: int) -> Any:
        """Send images, shape [images, pixels], through k layers."""
        box = ((1,) * self.inputs, self.inputs)
        biases = [-budget for budget in self.budgets[:k]]
        return Torus([box] * k, pixels.shape[1], biases=biases).run(pixels, k, real=True)

    def law(self, k: int, j: int) -> Fraction:
        """Probability that a background unit of layer k has height j."""
        return self._mean(k, lambda height: height == j)

    def moment(self, k: int, power: int) -> Fraction:
        """Moment of the height of a background unit of layer k."""
        return self._mean(k, lambda height: height**power)

    def mean(self, k: int) -> Fraction:
        """Mean height of a background unit."""
        return self.moment(k, 1)

    def variance(self, k: int) -> Fraction:
        """Variance of the height of a background unit."""
        return self.moment(k, 2) - self.moment(k, 1) ** 2

    def square(self, k: int) -> Fraction:
        """Mean square of a background unit, in units of the noise."""
        return self.moment(k, 2) / self._scale(k)

    def generating(self, k: int, derivative: int) -> Fraction:
        """E y^derivative n^y of the height y of a background unit."""

        def term(heights: Any) -> Any:
            heights = heights.astype(object)
            return heights**derivative * self.inputs**heights

        return self._mean(k, term)

    def drive(self, k: int) -> Fraction:
        """Return (n - 1) E y n^y - E n^y for the height y of a background unit."""
        return (self.inputs - 1) * self.generating(k, 1) - self.generating(k, 0)

    def shortfall(self, k: int, power: int) -> Fraction:
        """Moment of the height that the sum of the inputs of layer k lacks to the budget."""
        pixels, weights = self.images(1, k)
        if k == 0:
            return Fraction(0)
        sums = self.run(pixels, k - 1).sum(axis=1)
        return _average(np.maximum(self.budget(k) - sums, 0) ** power, weights)

    def peak_mean(self, k: int) -> Fraction:
        """Mean of the noise of one pixel above the budgets of all layers up to k."""
        total = sum(self.budget(layer) for layer in range(1, k + 1))
        values, weights = np.array(self.outcomes).T
        return _average(np.maximum(values - total, 0), weights)

    def active_square(self, k: int) -> Fraction:
        """Mean square change of the unit over an active pixel, in units of the noise."""
        return self._change(1, k, -1)

    def energy(self, pixels: int, k: int) -> Fraction:
        """Mean square change of all units of a torus, summed, in units of the noise."""
        return self._change(pixels // self.inputs**k, k, 1)

    def _change(self, units: int, k: int, place: int) -> Fraction:
        pixels, weights = self.images(units, k)
        clean = np.zeros_like(pixels[:1])
        clean[0, place] = self.height
        change = self.run(pixels + clean, k) - self.run(clean, k)
        return _average((change**2).sum(axis=1), weights) / self._scale(k)

    def _mean(self, k: int, function: Any) -> Fraction:
        pixels, weights = self.images(1, k)
        return _average(function(self.run(pixels, k)[:, 0]), weights)

    def _scale(self, k: int) -> Fraction:
        return Fraction(self.inputs) ** (2 * k)


def _average(values: Any, weights: Any) -> Fraction:
    return Fraction(int((values * weights).sum()), int(weights.sum()))


def clean_height(
    dim: int, stride: int, budgets: Sequence[Fraction], k: int, height: int = 1
) -> Fraction:
    """Height of the unit of layer k over one active pixel, in units of n^-k, boxes f = s.

    >>> clean_height(1, 2, [Fraction(1, 3), Fraction(1, 2)], 2)
    Fraction(1, 6)
    """
    if not 0 <= k <= len(budgets):
        raise IndexError(f"there is no layer {k}")
    unit = math.lcm(*(budget.denominator for budget in budgets))
    biases = [-int(budget * unit) for budget in budgets[:k]]
    torus = Torus([((1,) * stride, stride)] * k, stride**k, dim, biases)
    image = np.zeros((1, *[torus.size] * dim), dtype=np.int64)
    image[(0, *[-1] * dim)] = height * unit
    return Fraction(int(torus.run(image, k, real=True).item()), unit)
