r"""Search for the non-negative filter of least sensitivity, and bounds that none can beat.

Layers are equal and the lattice infinite. With the transition operator T of the filter's
autocorrelation, c_k = T^k delta_0; gradients of c_k(0) and c_k(1) by the adjoint recursion (without
stride: by Parseval's sum) are exact. For one layer, D is a Rayleigh quotient and the search an
eigenvalue problem; a filter that is repeated makes it non-convex, so it starts from many places.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError
from scaledet.network.kernel import Kernel, binomial, box
from scaledet.network.network import Network
from scaledet.theory.tradeoff import least_sensitivity

__all__ = ["Aim", "Optimum", "noise_sensitivity", "peak_at"]

Array = NDArray[np.float64]

_RANDOM_STARTS = 24
_REACHED = 1e-6
"""Searches within this relative distance of the best count as having led to it."""
_CELL = 1.0005
"""Ratio of the ends of the smallest cells in c_k(0) that a trade-off's bound is split into."""
_UNITS = 4096
"""Largest sum of the integer weights of a rational filter that is searched for."""


def noise_sensitivity(peak: Any, dim: int) -> Any:
    """G_k of c_k(0) = `peak`: noise matched and rectified at the input, infinite lattice.

    >>> noise_sensitivity(1.0, 2)
    0.5
    """
    return (1 / peak**dim + math.pi - 1) / (2 * math.pi)


def peak_at(noise: float, dim: int) -> float:
    """Return c_k(0) at the noise sensitivity `noise`."""
    return float((2 * math.pi * noise - math.pi + 1) ** (-1 / dim))


@dataclass(frozen=True)
class Optimum:
    """Weights that sum to 1, and how many of all starts of the search led to them."""

    weights: Array
    reached: int
    starts: int


@dataclass(frozen=True)
class Aim:
    """A filter of `length`, repeated `depth` times at `stride`, that minimises D^(1 - w) G^w.

    `weight` is w; G_k is at most `max_G`, if that is given.
    """

    length: int
    stride: int
    depth: int
    dim: int
    weight: float
    max_G: float | None

    @cached_property
    def support(self) -> int:
        """Number of consecutive weights of the filter whose D_k is searched for.

        Filters shorter than the stride do not overlap: D_k is D_1.
        """
        if self.length < self.stride:
            return self.length
        return Network.uniform(self.length, self.stride, self.depth).support[-1]

    def value(self, sensitivity: Any, noise: Any) -> Any:
        """D^(1 - w) G^w."""
        return sensitivity ** (1 - self.weight) * noise**self.weight

    def admits(self, noise: float) -> bool:
        """Whether G_k is as small as required."""
        return self.max_G is None or noise <= self.max_G

    # Lower bound ------------------------------------------------------------------------------

    @cached_property
    def bound(self) -> float:
        """Certified: no filter of this length and stride, however good, has a smaller value."""
        lowest = 1 / self.support ** (self.depth if self.length < self.stride else 1)
        if self.max_G is not None:
            lowest = max(lowest, min(peak_at(self.max_G, self.dim) * (1 - 1e-14), 1.0))
        if self.weight == 0:
            return self._least(lowest)
        cells = [(self._cell(lowest, 1.0), lowest, 1.0)]
        while True:
            value, low, high = heappop(cells)
            if high <= _CELL * low:
                return value * (1 - 1e-12)
            middle = math.sqrt(low * high)
            for ends in ((low, middle), (middle, high)):
                heappush(cells, (self._cell(*ends), *ends))

    def _least(self, peak: float) -> float:
        """Least D_k at c_k(0) >= `peak`."""
        alone = self.length < self.stride  # c_k(0) is then c_1(0)^k.
        return least_sensitivity(peak ** (1 / self.depth) if alone else peak, self.support)

    def _cell(self, low: float, high: float) -> float:
        return float(self.value(self._least(low), noise_sensitivity(high, self.dim)))

    # Values and gradients ---------------------------------------------------------------------

    @cached_property
    def _lags(self) -> NDArray[np.intp]:
        """Places of A(m - s n) in the autocorrelation, which is followed by a zero."""
        reach = max(1, -(-(self.length - 1) // (self.stride - 1)) - 1)
        m = np.arange(-reach, reach + 1)
        lags = m[:, None] - self.stride * m[None, :]
        return np.where(abs(lags) < self.length, lags + self.length - 1, 2 * self.length - 1)

    @cached_property
    def _cosines(self) -> Array:
        """cos(l theta), l < length, at as many frequencies as make Parseval's sum exact."""
        points = 2 * self.depth * (self.length - 1) + 3
        angles = 2 * np.pi / points * np.arange(points)
        return np.asarray(np.cos(np.outer(np.arange(self.length + 1), angles)))

    def moments(self, weights: Array) -> tuple[Array, Array]:
        """Return log D_k and log c_k(0) of weights >= 0 and their gradients, shape [2, length]."""
        total = weights.sum()
        taps = weights / total
        values, slopes = (self._flat if self.stride == 1 else self._strided)(taps)
        # A(l) = sum_j a_j a_(j + l): lags of both signs.
        both = np.concatenate([slopes[:, :0:-1], slopes], axis=1)
        inner = slice(self.length - 1, 2 * self.length - 1)
        raw = np.array([np.convolve(slope, taps)[inner] for slope in both])
        peak, drop = (raw - (raw @ taps)[:, None]) / total / values[:, None]
        return np.log([values[1] / values[0], values[0]]), np.array([drop - peak, peak])

    def _strided(self, taps: Array) -> tuple[Array, Array]:
        """Return c_k(0) and c_k(0) - c_k(1), and their derivatives by A(0), A(1), ...

        The derivative by A(l), l > 0, is that by A(l) and A(-l) together.
        """
        transition = np.append(np.correlate(taps, taps, "full"), 0.0)[self._lags]
        size = len(transition)
        forward = [np.eye(1, size, size // 2)[0]]
        backward = [np.stack([forward[0], forward[0] - np.roll(forward[0], 1)])]
        for _ in range(self.depth):
            forward.append(transition @ forward[-1])
            backward.append(backward[-1] @ transition)
        pairs = np.einsum("krm,kn->rmn", backward[-2::-1], forward[:-1])
        places = self._lags.ravel()
        slopes = [np.bincount(places, pair.ravel(), 2 * self.length)[:-1] for pair in pairs]
        half = self.length - 1
        return backward[0] @ forward[-1], np.array([s[half:] + s[half::-1] for s in slopes])

    def _flat(self, taps: Array) -> tuple[Array, Array]:
        """Return the same without stride, by Parseval: c_k(m) is a mean of |a^|^2k cos(m theta)."""
        cosines = self._cosines
        correlation = np.correlate(taps, taps, "full")[self.length - 1 :]
        correlation[1:] *= 2
        power = np.maximum(correlation @ cosines[:-1], 0.0)
        shares = np.stack([np.ones(power.shape), 1 - cosines[1]]) / len(power)
        slopes = (self.depth * power ** (self.depth - 1) * shares) @ cosines[:-1].T
        return shares @ power**self.depth, 2 * slopes

    def sensitivities(self, weights: Any) -> tuple[float, float]:
        """Return D_k and G_k of up to `length` weights >= 0, in floats."""
        padded = np.pad(np.asarray(weights, dtype=float), (0, self.length - len(weights)))
        (log_sensitivity, log_peak), _ = self.moments(padded)
        return math.exp(log_sensitivity), float(noise_sensitivity(math.exp(log_peak), self.dim))

    def _logarithms(self, weights: Array) -> tuple[Array, Array]:
        """Return log D_k and log G_k and their gradients."""
        (sensitivity, peak), (slope, peak_slope) = self.moments(weights)
        noise = noise_sensitivity(math.exp(peak), self.dim)
        share = math.exp(-self.dim * peak) / (2 * math.pi * noise)
        slopes = np.array([slope, -self.dim * share * peak_slope])
        return np.array([sensitivity, math.log(noise)]), slopes

    # Search -----------------------------------------------------------------------------------

    def search(self) -> Optimum:
        """Return the best filter that sequential quadratic programming finds from all starts."""
        if self.weight == 1 or self.length == 1:
            return Optimum(np.eye(1, self.length)[0], 1, 1)  # G_k is least where nothing pools.
        ends = filter(self._feasible, map(self._descend, _starts(self.length)))
        outcomes = [(self.value(*self.sensitivities(weights)), weights) for weights in ends]
        best = min(value for value, _ in outcomes)
        good = [w for value, w in outcomes if value <= best * (1 + _REACHED)]
        return Optimum(self._mirrored(good[0]), len(good), len(outcomes))

    def _feasible(self, weights: Array) -> bool:
        return self.admits(self.sensitivities(weights)[1])

    def _descend(self, start: Array) -> Array:
        from scipy.optimize import minimize

        shares = np.array([1 - self.weight, self.weight])
        memory: dict[bytes, tuple[Array, Array]] = {}

        def at(weights: Array) -> tuple[Array, Array]:
            key = weights.tobytes()
            if key not in memory:
                memory.clear()
                memory[key] = self._logarithms(np.maximum(weights, 0))
            return memory[key]

        ones = np.ones(self.length)
        constraints = [{"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda _: ones}]
        if self.max_G is not None:
            most = math.log(self.max_G) - 1e-9  # What rounding may cross.
            noise = {"fun": lambda w: most - at(w)[0][1], "jac": lambda w: -at(w)[1][1]}
            constraints.append({"type": "ineq", **noise})
        done = minimize(
            lambda w: (shares @ at(w)[0], shares @ at(w)[1]),
            start,
            jac=True,
            method="SLSQP",
            bounds=[(0, 1)] * self.length,
            constraints=constraints,
            options={"ftol": 1e-14, "maxiter": 500},
        )
        weights = np.maximum(done.x, 0)
        return np.asarray(weights / weights.sum())

    def _mirrored(self, weights: Array) -> Array:
        """Make weights symmetric that are so up to rounding, wherever their zeros are."""
        places = np.flatnonzero(weights > 1e-9)
        weights = np.roll(np.where(weights > 1e-9, weights, 0.0), -places[0])
        span = places[-1] - places[0] + 1
        mean = weights.copy()
        mean[:span] = (weights[:span] + weights[:span][::-1]) / 2
        if abs(mean - weights).max() > 1e-4 or not self._feasible(mean):
            return weights
        value = self.value(*self.sensitivities(weights))
        return mean if self.value(*self.sensitivities(mean)) <= value * (1 + _REACHED) else weights

    # Rational filters -------------------------------------------------------------------------

    def rationals(self, optimum: Array, tolerance: float) -> list[Kernel]:
        """Return ever better filters of small whole weights, the last within `tolerance`.

        Those that meet the sum rule come first: if they get as close, no others are tried.
        """
        goal = self.value(*self.sensitivities(optimum))
        for exact in (True, False):
            chosen: list[Kernel] = []
            excess = math.inf
            for kernel in self._whole(optimum, exact):
                sensitivity, noise = self.sensitivities(kernel.integers)
                above = self.value(sensitivity, noise) / goal - 1
                if self.admits(noise) and above < excess / 2:
                    chosen.append(kernel)
                    excess = above
                    if excess <= tolerance:
                        return chosen
        raise ArgumentError(
            f"tolerance must be large enough for whole weights of sum up to {_UNITS}; got "
            f"{tolerance!r}"
        )

    def _whole(self, weights: Array, sum_rule: bool) -> Iterator[Kernel]:
        """Yield filters of whole weights near `weights`; symmetric if these are."""
        weights = np.trim_zeros(weights, "b")
        symmetric = np.array_equal(weights, weights[::-1])
        seen = set()
        for units in range(1, _UNITS + 1):
            if sum_rule:
                if units % self.stride or self.stride > len(weights):
                    continue
                whole = _by_phase(weights, self.stride, units // self.stride)
            else:
                whole = np.rint(weights * units).astype(int)
            if whole.any() and (not symmetric or np.array_equal(whole, whole[::-1])):
                kernel = Kernel(Kernel(whole.tolist()).trimmed)
                if kernel not in seen:
                    seen.add(kernel)
                    yield kernel


def _by_phase(weights: Array, stride: int, units: int) -> NDArray[np.int_]:
    """Round so that every grid phase receives `units`, by largest remainders."""
    whole = np.zeros(len(weights), dtype=int)
    for phase in range(stride):
        part = weights[phase::stride]
        ideal = part / max(part.sum(), 1e-300) * units
        floors = np.floor(ideal).astype(int)
        rest = units - floors.sum()
        floors[np.argsort(floors - ideal, kind="stable")[:rest]] += 1
        whole[phase::stride] = floors
    return whole


def _starts(length: int) -> Iterator[Array]:
    """Yield boxes, binomials and sine windows of several lengths, and a Halton sequence."""
    from scipy.stats.qmc import Halton

    for count in sorted({round(float(count)) for count in np.geomspace(1, length, 8)}):
        sine = np.sin(np.pi * np.arange(1, count + 1) / (count + 1))
        for weights in (box(count), binomial(count), sine):
            values = np.array([float(weight) for weight in weights])
            left = (length - count) // 2
            yield np.pad(values / values.sum(), (left, length - count - left))
    points = Halton(length, scramble=False).random(_RANDOM_STARTS + 1)[1:]
    yield from (-np.log(point) / -np.log(point).sum() for point in points)
