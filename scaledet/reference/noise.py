"""Noise carried through networks on small tori: outcomes enumerated, densities integrated.

The enumeration is exact and uses the ReLUs of every layer; Gaussian noise enters by quadrature of
the definition. No closed form of a moment and no autocorrelation is used. Slow on purpose.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np

from scaledet.reference.torus import Torus

__all__ = ["NoiseLaw", "extrapolated", "gaussian_moments", "gaussian_sensitivity",
           "infinite_sensitivity", "pooled_squares", "rectified_moment"]  # fmt: skip

_GRID = (-16, -8, -4, 0, 4, 8, 16)  # beyond, the density is below 1e-55
_DIGITS = 34

Moments = tuple[Any, Any, Any, Any]
"""Mean and variance of the perturbation of a background pixel, then of an active one."""


class NoiseLaw:
    """Noise that takes a few values, so that its outcomes can be enumerated.

    Parameters
    ----------
    outcomes : sequence of (value, weight)
        Integer values in units of 1/`unit`; the weights are proportional to the probabilities.
    unit : int, default 1
        Height of an active pixel in these units.

    Examples
    --------
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
        total = sum(weight for _, weight in self.outcomes)
        found = []
        for height in (0, self.unit):
            changes = [
                (Fraction(int(self._perturbed(height, v, rectify)) - height, self.unit), w)
                for v, w in self.outcomes
            ]
            mean = sum((x * w for x, w in changes), Fraction(0)) / total
            square = sum((x * x * w for x, w in changes), Fraction(0)) / total
            found += [mean, square - mean * mean]
        return found[0], found[1], found[2], found[3]

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
            real = rectify is not None
            change = torus.run(noisy.reshape(shape), k, real=real) - torus.run(
                clean.reshape(shape), k, real=real
            )
            total += int(weights @ (change.reshape(len(weights), -1) ** 2).sum(axis=1))
        chances = torus.pixels * int(weights.sum())
        return Fraction(total, chances * (self.unit * torus.scale(k)) ** 2)

    @staticmethod
    def _perturbed(clean: Any, noise: Any, rectify: str | None) -> Any:
        if rectify == "input":
            return np.maximum(clean + noise, 0)
        return clean + (noise if rectify is None else np.maximum(noise, 0))


@lru_cache(maxsize=256)
def rectified_moment(order: int, height: int, sigma: Any) -> Any:
    """E relu(height + sigma Z)^order by quadrature, to 30 digits.

    >>> mpmath.nstr(rectified_moment(2, 0, 3), 10)
    '4.5'
    """
    return _expectation(lambda z: max(height + sigma * z, mpmath.mpf(0)) ** order, -height / sigma)


@lru_cache(maxsize=256)
def gaussian_moments(sigma: Any, rectify: str | None, pixel: Any = 1) -> Moments:
    """Mean and variance, by quadrature, of the perturbation of a background and an active pixel.

    `pixel` is the height of the active one.
    """
    found = []
    for height in (0, pixel):

        def change(z: Any, height: Any = height) -> Any:
            if rectify == "input":
                return max(height + sigma * z, mpmath.mpf(0)) - height
            return sigma * z if rectify is None else max(sigma * z, mpmath.mpf(0))

        kink = -height / sigma if rectify == "input" else 0
        mean = _expectation(change, kink)
        found += [mean, _expectation(lambda z, m=mean, c=change: (c(z) - m) ** 2, kink)]
    return found[0], found[1], found[2], found[3]


def _expectation(integrand: Any, kink: Any) -> Any:
    with mpmath.workdps(_DIGITS):
        points = sorted({mpmath.mpf(at) for at in (*_GRID, kink) if abs(at) <= max(_GRID)})
        density = mpmath.npdf
        return mpmath.quad(lambda z: integrand(z) * density(z), points, method="gauss-legendre")


def gaussian_sensitivity(torus: Torus, k: int, moments: Moments) -> tuple[float, float]:
    """Parts of G_k by the mean and by the variance of independent noise of given moments.

    >>> gaussian_sensitivity(Torus([([1, 1], 2)], 4), 1, (1, 2, 1, 2))
    (8.0, 8.0)
    """
    drift, spread, distance = pooled_squares(torus, k, moments)
    return drift / distance, spread / distance


def pooled_squares(torus: Torus, k: int, moments: Moments) -> tuple[float, float, float]:
    """Mean squares of layer k: pooled mean, pooled fluctuations, difference of two images.

    >>> pooled_squares(Torus([([1, 1], 2)], 4), 1, (1, 2, 1, 2))
    (2.0, 2.0, 0.25)
    """
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
    points, rows = [], []
    for size in sizes:
        torus = Torus(layers, size, dim)
        moments = gaussian_moments(mpmath.sqrt(mpmath.mpf(2) / torus.pixels), rectify)
        rows.append(pooled_squares(torus, k, moments))
        points.append(1 / torus.pixels)
    drift, spread, distance = (extrapolated(points, list(part)) for part in zip(*rows, strict=True))
    return drift / distance, spread / distance


def extrapolated(points: Sequence[float], values: list[float]) -> float:
    """Value at 0 of the polynomial through the points (Neville).

    >>> extrapolated([1, 2, 3], [2, 5, 10])     # 1 + x^2
    1.0
    """
    for step in range(1, len(points)):
        values = [
            (points[i] * values[i + 1] - points[i + step] * values[i])
            / (points[i] - points[i + step])
            for i in range(len(values) - 1)
        ]
    return values[0]
