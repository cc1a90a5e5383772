r"""The noise of the pixels: its law, the law of its weighted sums, and their rectification.

Gaussian noise stays Gaussian when pooled and is written down; any other law is kept as a density
on either side of 0, where it may have a kink, and convolved. Source: ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.evolution.grid import Array, at_most, convolve, correlate, integral, resampled
from scaledet.evolution.unit_law import NEGLIGIBLE, UnitLaw, constant, cut, regridded

__all__ = ["LAWS", "Noise", "checked_noise"]

LAWS = ("gaussian", "laplace", "uniform")
_FEWEST_SAMPLES = 1000
_DISTINCT = 0.99
_TAIL = 1e-30
"""Part of its maximum at which the density of Laplace noise is cut off."""
_REACH = math.sqrt(-2 * math.log(NEGLIGIBLE))


@dataclass(frozen=True)
class Noise:
    """Law of the noise of one pixel: "gaussian", "laplace", "uniform" or "samples".

    `sigma` is its standard deviation (units of the image's height); with "samples", one of
    `samples` is drawn for every pixel.
    """

    name: str
    sigma: float
    samples: Array | None = None

    @property
    def mean(self) -> float:
        """Mean of the noise: 0 but for samples."""
        return 0.0 if self.samples is None else float(self.samples.mean())

    def rectified(self, height: float, points: int) -> tuple[UnitLaw, float]:
        """Law of relu(height + noise) and how much the rectification adds to the mean."""
        return self.pooled([(1.0, 1)], points).rectified(height, points)

    def pooled(self, groups: Sequence[tuple[float, int]], points: int) -> Gaussian | TwoSided:
        """Law of the weighted sum of the noise of pixels; `groups` are (weight, count)."""
        if self.name == "gaussian":
            return Gaussian(self.sigma * math.sqrt(sum(m * w * w for w, m in groups)))
        single = self._two_sided(points)
        result: TwoSided | None = None
        for weight, count in groups:
            doubled = single.scaled(weight)
            while count:
                if count % 2:
                    result = doubled if result is None else result.plus_other(doubled, points)
                count //= 2
                if count:
                    doubled = doubled.plus_other(doubled, points)
        return single if result is None else result

    def _two_sided(self, points: int) -> TwoSided:
        if self.samples is not None:
            return _of_samples(self.samples, points)
        lost = 0.0
        if self.name == "laplace":
            scale = self.sigma / math.sqrt(2)
            x = np.linspace(0, -scale * math.log(_TAIL), points)
            side, lost = np.exp(-x / scale) / (2 * scale), _TAIL * x[-1] ** 2
        else:
            x = np.linspace(0, math.sqrt(3) * self.sigma, points)
            side = np.full(points, 0.5 / x[-1])
        return TwoSided(float(x[1]), side, side, 0.0, self.sigma**2, lost)


@dataclass(frozen=True)
class Gaussian:
    """Pooled Gaussian noise of standard deviation `deviation`."""

    deviation: float

    def rectified(self, height: float, points: int) -> tuple[UnitLaw, float]:
        """Law of relu(height + noise) and how much the rectification adds to the mean."""
        from scipy.special import log_ndtr, ndtr

        s, t = self.deviation, height / self.deviation
        mass = float(ndtr(t))
        if mass < 1e-290:
            return constant(0.0), -height
        low = max(0.0, t - _REACH)
        high = t + (math.hypot(t, _REACH) if t < 0 else _REACH)
        z = np.linspace(low, high, points)
        values = np.exp(-((z - t) ** 2) / 2) / (s * math.sqrt(2 * math.pi))
        step = float(z[1] - z[0])
        if t > -1:
            peak, off = math.exp(-t * t / 2) / math.sqrt(2 * math.pi), float(ndtr(-t))
            added = peak - t * off  # E relu(-t - Z)
            square = (1 + t * t) * off - t * peak
            mean, variance = s * (t + added), s * s * (1 - square - added**2 - 2 * t * added)
        else:  # then the grid starts at 0
            z = s * z
            mean = integral(z * values, s * step)
            variance = integral(z * z * values, s * step) - mean**2
            added = mean / s - t
        law = UnitLaw(0.0, float(log_ndtr(-t)), mass, s * low, s * step, values, mean, variance)
        return regridded(law, points), s * added

    def law(self, points: int) -> UnitLaw:
        """Law of the noise itself, on a grid that starts below zero."""
        s, reach = self.deviation, self.deviation * _REACH
        z = np.linspace(-_REACH, _REACH, points)
        values = np.exp(-(z**2) / 2) / (s * math.sqrt(2 * math.pi))
        return UnitLaw(-reach, -math.inf, 1.0, 0.0, s * float(z[1] - z[0]), values, reach, s * s)


@dataclass(frozen=True)
class TwoSided:
    """Law of a sum of noise: densities at +-j step, which may have a kink at 0 between them."""

    step: float
    above: Array
    below: Array
    mean: float
    variance: float
    lost: float = 0.0

    def scaled(self, factor: float) -> TwoSided:
        """Law of `factor` times the sum."""
        above, below, square = self.above / factor, self.below / factor, factor**2
        moments = factor * self.mean, square * self.variance, square * self.lost
        return TwoSided(factor * self.step, above, below, *moments)

    def plus_other(self, other: TwoSided, points: int) -> TwoSided:
        """Law of the sum of two independent ones on at most `points` points a side."""
        step = min(self.step, other.step)
        if self.above[-1] > NEGLIGIBLE * self.above.max():  # meet the end of a density that jumps
            span = self.step * (len(self.above) - 1)
            step = span / math.ceil(span / step - 1e-9)
        (f, f_), (g, g_) = self._at(step), other._at(step)
        above = _added(convolve(f, g, step), correlate(f, g_, step), correlate(g, f_, step))
        below = _added(convolve(f_, g_, step), correlate(f_, g, step), correlate(g_, f, step))
        peak = max(above.max(), below.max())
        last = max(np.flatnonzero(side > NEGLIGIBLE * peak)[-1] for side in (above, below))
        sides = [_added(side[: last + 1], np.zeros(last + 1)) for side in (above, below)]
        (above, step), (below, _) = (at_most(side, step, points) for side in sides)
        mass = sum(integral(side, step) for side in (above, below))
        lost = (math.sqrt(self.lost) + math.sqrt(other.lost)) ** 2
        mean, variance = self.mean + other.mean, self.variance + other.variance
        return TwoSided(step, above / mass, below / mass, mean, variance, lost)

    def _at(self, step: float) -> tuple[Array, Array]:
        if step == self.step:
            return self.above, self.below
        ratio = step / self.step
        return resampled(self.above, ratio), resampled(self.below, ratio)

    def rectified(self, height: float, points: int) -> tuple[UnitLaw, float]:
        """Law of relu(height + sum) and how much the rectification adds to the mean."""
        if height > 0:
            law = self.law(points).shifted(height)
        else:
            x = self.step * np.arange(len(self.above))
            mass, mean, square = (integral(x**p * self.above, self.step) for p in range(3))
            density = (mass, 0.0, self.step, self.above)
            moments = (mean, square - mean**2)
            law = UnitLaw(height, math.log1p(-mass), *density, *moments, lost=self.lost)
        law, _ = cut(law, points)
        return law, law.edge + law.mean - height - self.mean

    def law(self, points: int) -> UnitLaw:
        """Law of the sum itself, on a grid that starts below zero."""
        del points  # as many as both sides have
        reach = self.step * (len(self.below) - 1)
        values = np.concatenate([self.below[:0:-1], self.above])
        moments = (reach + self.mean, self.variance)
        return UnitLaw(-reach, -math.inf, 1.0, 0.0, self.step, values, *moments, lost=self.lost)


def _added(*parts: Array) -> Array:
    result = np.zeros(max(len(part) for part in parts))
    for part in parts:
        result[: len(part)] += part
    return result


def _of_samples(samples: Array, points: int) -> TwoSided:
    """Every sample shared between its two neighbours on the grid, so that the mean stays."""
    step = float(np.abs(samples).max()) / (points - 16)
    position = samples / step + points
    left = np.floor(position).astype(int)
    part = position - left
    size = 2 * points + 1
    counts = np.bincount(left, 1 - part, size) + np.bincount(left + 1, part, size)
    density = counts / (len(samples) * step)
    moments = float(samples.mean()), float(samples.var())
    return TwoSided(step, density[points:], density[points::-1], *moments)


def checked_noise(noise: ArrayLike, sigma: float | None) -> Noise:
    """Check the arguments `noise` and `sigma`; `sigma` is None or a number checked before."""
    accepted = f"noise must be one of {', '.join(map(repr, LAWS))} or an array of samples"
    if isinstance(noise, str):
        if noise not in LAWS:
            raise ArgumentError(f"{accepted}; got {noise!r}")
        return Noise(noise, 1.0 if sigma is None else sigma)
    try:
        samples = np.array(noise, dtype=float)
    except (TypeError, ValueError):
        raise ArgumentTypeError(f"{accepted}; got {noise!r}") from None
    if samples.ndim != 1 or len(samples) < _FEWEST_SAMPLES or not np.isfinite(samples).all():
        raise ArgumentError(
            f"noise must hold at least {_FEWEST_SAMPLES} finite samples in one dimension (fewer "
            f"leave gaps that no grid bridges); got an array of shape {samples.shape}"
        )
    if not samples.std() > 0:
        raise ArgumentError(f"noise must hold different samples; got only {samples[0]!r}")
    distinct = len(np.unique(samples))
    if distinct < _DISTINCT * len(samples):
        raise ArgumentError(
            "noise must hold samples of a continuous law, at most one in a hundred of them twice, "
            f"for repeated values are atoms that a grid would smear; got {distinct} different "
            f"values in {len(samples)}"
        )
    samples.setflags(write=False)
    return Noise("samples", float(samples.std()), samples)
