r"""Unequal layers by routes of their own: pooled images, filters on the fine grid, two walkers.

Nothing here knows of transition operators. An image of one pixel is pooled layer by layer; or the
filter is convolved site by site; or, where both grow too long, two walkers are followed: read
h_k as the law of the sum of independent steps :math:`S_{i-1} X_i`, X_i drawn from the kernel of
layer i; then c_k(m) is the probability that two such sums differ by m. Layer by layer, from the
first, the difference still to be made up must be a multiple of what the later layers can do: a
carry, as in long addition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from itertools import islice
from math import lcm, prod
from operator import mul
from typing import Any

import sympy as sp

from scaledet.algebra.precision import mpmath
from scaledet.errors import DerivationError
from scaledet.reference.exact import number
from scaledet.reference.pixel import PooledPixel, autocorrelation, composites

__all__ = ["BEHIND", "UnequalLayers", "noise_sensitivity"]

IMAGES = 40_000
"""Products of a weight and a height that pooled images may cost."""
FILTERS = 600_000
"""Products that convolving the filter on the fine grid may cost."""

Layer = tuple[Sequence[Fraction], int]
"""Weights and stride."""

BEHIND: Layer = ([Fraction(1, 3)] * 3, 1)
"""A layer behind those of a claim: the next layer exists too, and its numbers differ."""


class UnequalLayers:
    """Layers that may differ, each with (weights, stride), under one active pixel.

    Examples
    --------
    >>> third, half = Fraction(1, 3), Fraction(1, 2)
    >>> net = UnequalLayers([([third] * 3, 1), ([half] * 2, 2)])
    >>> net.correlations(2, 0)                       # images, filters, walkers
    [Fraction(5, 18), Fraction(5, 18), Fraction(5, 18)]
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = [(tuple(Fraction(w) for w in weights), stride) for weights, stride in layers]
        self.depth = len(self.layers)
        self.pooled = PooledPixel(self.layers)
        self.correlation = cache(self._agreed)
        self.variance = cache(self._variance)
        self.walkers = cache(lambda m: list(self._walk(m)))

    def require(self, k: int) -> int:
        """Return `k` if there is such a layer; ``IndexError`` otherwise."""
        if not 0 <= k <= self.depth:
            raise IndexError(f"there is no layer {k}")
        return k

    def stride(self, k: int) -> int:
        """Cumulative stride S_k."""
        return prod(stride for _, stride in self.layers[: self.require(k)])

    @cached_property
    def image_depth(self) -> int:
        """Deepest layer that images are pooled to."""
        return self._affordable(IMAGES, images=True)

    @cached_property
    def filter_depth(self) -> int:
        """Deepest layer whose filter is convolved."""
        return self._affordable(FILTERS, images=False)

    def _affordable(self, budget: int, *, images: bool) -> int:
        support, step, units = 1, 1, 0
        for k, (weights, stride) in enumerate(self.layers):
            units += (support // step + 2) * len(weights)
            budget -= 0 if images else support * (len(weights) + 3)
            support += (len(weights) - 1) * step
            step *= stride
            if budget < ((step + 1) * units if images else 0) or (images and k == 200):
                return k
        return self.depth

    def correlations(self, k: int, m: int) -> list[Fraction]:
        """c_k(m) by every route that reaches layer `k`."""
        self.require(k)
        values = []
        if k <= self.image_depth:
            values.append(self.pooled.correlation(k, m))
        if k <= self.filter_depth:
            sites, scale = self.filters[k]
            values.append(Fraction(sum(map(mul, sites, sites[abs(m) :])), scale**2))
        if self.filter_depth < self.depth or self.depth <= 40:
            values.append(self.walkers(m)[k])
        return values

    def _agreed(self, k: int, m: int) -> Fraction:
        """c_k(m), on which all routes that reach layer `k` agree."""
        first, *rest = self.correlations(k, m)
        if any(other != first for other in rest):
            raise DerivationError(f"c_{k}({m}) is {first} by one route and {rest} by others")
        return first

    def sensitivity(self, k: int) -> Fraction:
        """D_k: from differences of pooled images where they reach."""
        if k <= self.image_depth:
            return self.pooled.sensitivity(self.require(k))
        return 1 - self.correlation(k, 1) / self.correlation(k, 0)

    def generating(self, k: int, z: int) -> Fraction:
        """Sum of h_k(j) z^j over the filter read off pooled images."""
        sites = range(self._reach(k) + 1)
        return sum((self.pooled.filter(k, j) * z**j for j in sites), Fraction(0))

    def convolved(self, k: int, z: int) -> Fraction:
        """Sum of h_k(j) z^j over the filter convolved on the fine grid, however long."""
        sites, scale = next(islice(composites(self.layers), self.require(k), None))
        return Fraction(sum(weight * z**j for j, weight in enumerate(sites)), scale)

    def correlated(self, k: int, z: int) -> Fraction:
        """Sum of c_k(m) z^m over all lags, from overlaps of pooled images."""
        lags = range(-self._reach(k), self._reach(k) + 1)
        return sum((self.pooled.correlation(k, m) * Fraction(z) ** m for m in lags), Fraction(0))

    def _reach(self, k: int) -> int:
        layers = self.layers[: self.require(k)]
        return sum((len(weights) - 1) * self.stride(i) for i, (weights, _) in enumerate(layers))

    @cached_property
    def filters(self) -> list[tuple[list[int], int]]:
        """h_0, h_1, ... as far as `filter_depth`: integers on the fine grid, and their scale."""
        return list(islice(composites(self.layers), self.filter_depth + 1))

    def _walk(self, m: int) -> Iterator[Fraction]:
        """Probability that two walkers end `m` apart after 0, 1, ... layers."""
        state, scale = {m: 1}, 1
        yield Fraction(state.get(0, 0))
        for weights, stride in self.layers:
            unit = lcm(*(w.denominator for w in weights))
            whole = [w * unit for w in weights]
            lags = range(1 - len(whole), len(whole))
            ways = {lag: int(autocorrelation(whole, lag)) for lag in lags}
            carried: dict[int, int] = {}
            for owed, count in state.items():
                for lag, products in ways.items():
                    rest, odd = divmod(owed - lag, stride)
                    if not odd and products:
                        carried[rest] = carried.get(rest, 0) + count * products
            state, scale = carried, scale * unit**2
            yield Fraction(state.get(0, 0), scale)

    def _variance(self, k: int) -> Fraction:
        """Variance of h_k read as a law: from its sites, or from moments of the sum of steps."""
        if k > self.filter_depth:
            first, second = self._raw_moments[self.require(k)]
        else:
            sites, scale = self.filters[k]
            first, second = (
                Fraction(sum(j**power * w for j, w in enumerate(sites)), scale) for power in (1, 2)
            )
        return second - first**2

    @cached_property
    def _raw_moments(self) -> list[tuple[Fraction, Fraction]]:
        moments, step = [(Fraction(0), Fraction(0))], 1
        for weights, stride in self.layers:
            first, second = moments[-1]
            mean = sum((j * step * w for j, w in enumerate(weights)), Fraction(0))
            square = sum(((j * step) ** 2 * w for j, w in enumerate(weights)), Fraction(0))
            moments.append((first + mean, second + 2 * first * mean + square))
            step *= stride
        return moments

    def support(self, k: int) -> int:
        """Sites from the first to the last that output unit 0 of layer `k` sees."""
        if k <= self.filter_depth:
            seen = [j for j, w in enumerate(self.filters[k][0]) if w]
            return seen[-1] - seen[0] + 1
        # Each end of the filter is reached by the ends of all kernels.
        ends = [[j for j, w in enumerate(weights) if w] for weights, _ in self.layers[:k]]
        return 1 + sum((seen[-1] - seen[0]) * self.stride(i) for i, seen in enumerate(ends))

    def reached(self, k: int) -> str:
        """Which routes reach the layers up to `k`, in words."""
        words = [f"pooled one-pixel images up to layer {min(k, self.image_depth)}"]
        if self.filter_depth > 0:
            words.append(f"filters on the fine grid up to layer {min(k, self.filter_depth)}")
        if self.filter_depth < self.depth or self.depth <= 40:
            words.append("two random walkers followed through all layers")
        return ", ".join(words[:-1]) + (" and " if words[:-1] else "") + words[-1]


def noise_sensitivity(routes: UnequalLayers, dim: int, rectify: str | None, k: int) -> Any:
    """G_k per unit and active pixel, from moments by quadrature and the weights of one unit."""
    mean, square = _rectified_moments(rectify)
    peak = number(routes.correlation(k, 0)) ** dim
    unit = mean**2 + (square - mean**2) * peak
    return unit / peak  # twice unit, for L sigma^2 = 2, over twice the peak


@lru_cache(maxsize=3)
def _rectified_moments(rectify: str | None) -> tuple[Any, Any]:
    """First and second moment of standard normal noise after its ReLU, by mpmath."""
    with mpmath.workdps(100):
        low = mpmath.mpf(-24) if rectify is None else mpmath.mpf(0)
        moments = [
            mpmath.quad(lambda w, n=power: w**n * mpmath.npdf(w), [low, 0, 3, 8, 24])
            for power in (1, 2)
        ]
        return tuple(sp.Float(str(moment), 90) for moment in moments)
