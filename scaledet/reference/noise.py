"""Noise carried through networks on small tori: outcomes enumerated, or moments pooled.

The enumeration is exact and uses the ReLUs of every layer; Gaussian noise enters by its moments,
which are integrated. No closed form and no autocorrelation is used. Slow on purpose.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.interpolate import barycentric_interpolate

from scaledet.algebra.precision import mpmath
from scaledet.reference.quadrature import Moments, gaussian_moments
from scaledet.reference.torus import Torus

__all__ = [
    "NoiseLaw",
    "endless_parts",
    "extrapolated",
    "gaussian_sensitivity",
    "infinite_sensitivity",
    "linear_parts",
    "matched_width",
]


class NoiseLaw:
    """Noise that takes a few values, so that its outcomes can be enumerated.

    `outcomes` are integers, in units of 1/`unit`, with weights proportional to their
    probabilities; `unit` is the height of an active pixel in these units.

    >>> law = NoiseLaw([(-3, 1), (2, 2)], unit=2)
    >>> law.moments("input")        # -3/2 switches an active pixel off
    (Fraction(2, 3), Fraction(2, 9), Fraction(1, 3), Fraction(8, 9))
    >>> law.energy(Torus([([1, 1], 2)], 2), 1, None)
    Fraction(13, 18)
    """

    def __init__(self, outcomes: Sequence[tuple[int, int]], unit: int = 1) -> None:
        self.outcomes, self.unit = tuple(outcomes), unit

    def moments(self, rectify: str | None) -> Moments:
        """Mean and variance of the perturbation of a background and of an active pixel."""
        background, active = self._perturbation(0, rectify), self._perturbation(self.unit, rectify)
        return *background, *active

    def _perturbation(self, height: int, rectify: str | None) -> tuple[Fraction, Fraction]:
        changes = [
            (Fraction(int(self._perturbed(height, value, rectify)) - height, self.unit), weight)
            for value, weight in self.outcomes
        ]
        total = sum(weight for _, weight in self.outcomes)
        mean, square = (
            sum((change**power * weight for change, weight in changes), Fraction(0)) / total
            for power in (1, 2)
        )
        return mean, square - mean * mean

    def energy(self, torus: Torus, k: int, rectify: str | None) -> Fraction:
        """Mean square change of layer k over all outcomes and positions of the active pixel."""
        draws = np.array(list(itertools.product(self.outcomes, repeat=torus.pixels)))
        noise, weights = draws[:, :, 0], draws[:, :, 1].prod(axis=1)
        shape = (-1, *[torus.size] * torus.dim)
        total = 0
        for p in range(torus.pixels):
            clean = np.zeros((1, torus.pixels), dtype=np.int64)
            clean[0, p] = self.unit
            noisy = self._perturbed(clean, noise, rectify)
            change = np.subtract(
                *(torus.run(x.reshape(shape), k, real=rectify is not None) for x in (noisy, clean))
            )
            squares = (change.reshape(len(weights), -1) ** 2).sum(axis=1)
            total += int(weights @ squares.astype(object))
        chances = torus.pixels * int(weights.sum())
        return Fraction(total, chances * (self.unit * torus.scale(k)) ** 2)

    @staticmethod
    def _perturbed(clean: Any, noise: Any, rectify: str | None) -> Any:
        if rectify == "input":
            return np.maximum(clean + noise, 0)
        return clean + (noise if rectify is None else np.maximum(noise, 0))


def linear_parts(
    features: Any,
    law: Mapping[tuple[int, ...], Any],
    low: tuple[float, float],
    high: tuple[float, float],
) -> tuple[float, float]:
    """Parts of E|M (x + w) - M x|^2 due to means and to variances of the perturbation w.

    `features` holds what M makes of every pixel, [pixels, units], and `law` the probabilities of
    images by their active pixels; `low` and `high` are mean and variance of w in background and in
    active pixels. Large terms are positive, so that nothing cancels.

    >>> linear_parts(np.eye(2), {(0,): 1}, (1, 2), (3, 4))
    (10.0, 6.0)
    """
    squares = (features**2).sum(axis=1)
    mean = variance = 0.0
    for active, weight in law.items():
        means, variances = np.full(len(features), low[0]), np.full(len(features), low[1])
        means[list(active)], variances[list(active)] = high
        mean += float(weight) * float(((means @ features) ** 2).sum())
        variance += float(weight) * float(variances @ squares)
    return mean, variance


def matched_width(torus: Torus) -> Any:
    """Return the standard deviation of noise of L sigma^2 = 2."""
    return mpmath.sqrt(mpmath.mpf(2) / torus.pixels)


def gaussian_sensitivity(torus: Torus, k: int, moments: Moments) -> tuple[float, float]:
    """Parts of G_k by the mean and by the variance of independent noise of given moments.

    >>> gaussian_sensitivity(Torus([([1, 1], 2)], 4), 1, (1, 2, 1, 2))
    (8.0, 8.0)
    """
    drift, spread, distance = _pooled_squares(torus, k, moments)
    return drift / distance, spread / distance


def _pooled_squares(torus: Torus, k: int, moments: Moments) -> tuple[float, float, float]:
    """Mean squares of layer k: pooled mean, pooled fluctuations, difference of two images."""
    mean, variance, active_mean, active_variance = (float(moment) for moment in moments)
    shape = [torus.size] * torus.dim
    # The active pixel visits every grid phase: shifts by S_k change nothing.
    phases = list(np.ndindex(*[torus.stride(k)] * torus.dim))
    clean = np.zeros((len(phases), *shape))
    for index, position in enumerate(phases):
        clean[index, *position] = 1.0

    def pooled(images: Any) -> Any:
        return torus.run(images, k).reshape(len(images), -1) / torus.scale(k)

    pixel = (pooled(clean) ** 2).sum(axis=1).mean()
    drift = (pooled(mean + (active_mean - mean) * clean) ** 2).sum(axis=1).mean()
    spread = variance * (torus.pixels - 1) * pixel + active_variance * pixel
    average = pooled(np.full((1, *shape), 1 / torus.pixels))
    return float(drift), float(spread), float(2 * (pixel - (average**2).sum()))


@lru_cache(maxsize=256)
def infinite_sensitivity(
    layers: tuple[tuple[tuple[int, ...], int], ...],
    k: int,
    dim: int,
    rectify: str | None,
    sizes: tuple[int, ...],
) -> tuple[float, float]:
    """Both parts of G_k at noise L sigma^2 = 2, extrapolated in 1/L from tori of these sizes.

    >>> parts = infinite_sensitivity((((1, 1), 2),), 1, 1, None, (16, 32, 64))
    >>> [round(part, 9) + 0.0 for part in parts]
    [0.0, 1.0]
    """
    tori = [Torus(layers, size, dim) for size in sizes]
    moments = [gaussian_moments(matched_width(torus), rectify) for torus in tori]
    return endless_parts(tori, k, moments)


def endless_parts(tori: Sequence[Torus], k: int, moments: Sequence[Moments]) -> tuple[float, float]:
    """Parts of G_k as in `gaussian_sensitivity`, extrapolated in 1/L from these tori."""
    points = [1 / torus.pixels for torus in tori]
    squares = [_pooled_squares(torus, k, noise) for torus, noise in zip(tori, moments, strict=True)]
    drift, spread, distance = (extrapolated(points, part) for part in zip(*squares, strict=True))
    return drift / distance, spread / distance


def extrapolated(points: Sequence[float], values: Sequence[float]) -> float:
    """Value at 0 of the polynomial through the points.

    >>> round(extrapolated([1, 2, 3], [2, 5, 10]), 12)     # 1 + x^2
    1.0
    """
    return float(barycentric_interpolate(points, values, 0.0))
