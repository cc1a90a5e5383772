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
from functools import cached_property, lru_cache
from math import lcm, prod
from operator import mul
from typing import Any

import mpmath
import sympy as sp

from scaledet.errors import DerivationError
from scaledet.reference.exact import number
from scaledet.reference.pixel import PooledPixel

__all__ = [
    "BEHIND",
    "UnequalLayers",
    "dominant_modulus",
    "noise_sensitivity",
    "shortest_recurrence",
]

IMAGES = 40_000
"""Products of a weight and a height spent on pooled images."""
FILTERS = 600_000
"""Products spent on convolving the filter on the fine grid."""

BEHIND = ([Fraction(1, 3)] * 3, 1)
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

    def __init__(self, layers: Sequence[tuple[Sequence[Fraction], int]]) -> None:
        self.layers = [(tuple(Fraction(w) for w in weights), stride) for weights, stride in layers]
        self.depth = len(self.layers)
        self.pooled = PooledPixel(self.layers)

    def require(self, k: int) -> int:
        """Return `k` if there is such a layer; ``IndexError`` otherwise."""
        if not 0 <= k <= self.depth:
            raise IndexError(f"there is no layer {k}")
        return k

    def stride(self, k: int) -> int:
        """Cumulative stride S_k."""
        return prod(stride for _, stride in self.layers[: self.require(k)])

    def after(self, first: int) -> UnequalLayers:
        """Layers `first`, `first` + 1, ... by themselves; the last may be ``depth + 1``."""
        self.require(first - 1)
        return UnequalLayers(self.layers[first - 1 :])

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
        found = []
        if k <= self.image_depth:
            found.append(self.pooled.correlation(k, m))
        if k <= self.filter_depth:
            sites, scale = self.filters[k]
            found.append(Fraction(sum(map(mul, sites, sites[abs(m) :])), scale**2))
        if self.filter_depth < self.depth or self.depth <= 40:
            found.append(self.walkers(m)[k])
        return found

    def correlation(self, k: int, m: int) -> Fraction:
        """c_k(m), on which all routes that reach layer `k` agree."""
        if (k, m) not in self._agreed:
            first, *rest = self.correlations(k, m)
            if any(other != first for other in rest):
                raise DerivationError(f"c_{k}({m}) is {first} by one route and {rest} by others")
            self._agreed[k, m] = first
        return self._agreed[k, m]

    def sensitivity(self, k: int) -> Fraction:
        """D_k: from differences of pooled images where they reach."""
        if k <= self.image_depth:
            return self.pooled.sensitivity(self.require(k))
        return 1 - self.correlation(k, 1) / self.correlation(k, 0)

    def generating(self, k: int, z: int) -> Fraction:
        """Sum of h_k(j) z^j over the filter read off pooled images."""
        reach = sum((len(w) - 1) * self.stride(i) for i, (w, _) in enumerate(self.layers[:k]))
        self.require(k)
        return sum((self.pooled.filter(k, j) * z**j for j in range(reach + 1)), Fraction(0))

    def correlated(self, k: int, z: int) -> Fraction:
        """Sum of c_k(m) z^m over all lags, from overlaps of pooled images."""
        reach = sum((len(w) - 1) * self.stride(i) for i, (w, _) in enumerate(self.layers[:k]))
        self.require(k)
        lags = range(-reach, reach + 1)
        return sum((self.pooled.correlation(k, m) * Fraction(z) ** m for m in lags), Fraction(0))

    @cached_property
    def filters(self) -> list[tuple[list[int], int]]:
        """h_0, h_1, ... as far as `filter_depth`: integers on the fine grid, and their scale."""
        found, step = [([1], 1)], 1
        for weights, stride in self.layers[: self.filter_depth]:
            narrow, scale = found[-1]
            unit = lcm(*(w.denominator for w in weights))
            wide = [0] * (len(narrow) + (len(weights) - 1) * step)
            for j, weight in enumerate(weights):
                whole = int(weight * unit)
                for position, value in enumerate(narrow, start=j * step):
                    wide[position] += whole * value
            found.append((wide, scale * unit))
            step *= stride
        return found

    def walkers(self, m: int) -> list[Fraction]:
        """Probability that two walkers end `m` apart after 0, 1, ... layers."""
        if m not in self._meetings:
            self._meetings[m] = list(self._walk(m))
        return self._meetings[m]

    @cached_property
    def _meetings(self) -> dict[int, list[Fraction]]:
        return {}

    @cached_property
    def _agreed(self) -> dict[tuple[int, int], Fraction]:
        return {}

    def _walk(self, m: int) -> Iterator[Fraction]:
        state, scale = {m: 1}, 1
        yield Fraction(state.get(0, 0))
        for weights, stride in self.layers:
            unit = lcm(*(w.denominator for w in weights))
            whole = [int(w * unit) for w in weights]
            steps: dict[int, int] = {}
            for i, one in enumerate(whole):
                for j, other in enumerate(whole):
                    steps[i - j] = steps.get(i - j, 0) + one * other
            carried: dict[int, int] = {}
            for owed, count in state.items():
                for step, ways in steps.items():
                    rest, odd = divmod(owed - step, stride)
                    if not odd and ways:
                        carried[rest] = carried.get(rest, 0) + count * ways
            state, scale = carried, scale * unit**2
            yield Fraction(state.get(0, 0), scale)

    def variance(self, k: int) -> Fraction:
        """Variance of h_k read as a law: from its sites, or from moments of the sum of steps."""
        if k not in self._variances:
            self._variances[k] = self._variance(k)
        return self._variances[k]

    @cached_property
    def _variances(self) -> dict[int, Fraction]:
        return {}

    def _variance(self, k: int) -> Fraction:
        if k <= self.filter_depth:
            sites, scale = self.filters[k]
            moments = [
                Fraction(sum(j**power * w for j, w in enumerate(sites)), scale) for power in (1, 2)
            ]
        else:
            moments = self._raw_moments[self.require(k)]
        return moments[1] - moments[0] ** 2

    @cached_property
    def _raw_moments(self) -> list[list[Fraction]]:
        found, step = [[Fraction(0), Fraction(0)]], 1
        for weights, stride in self.layers:
            first, second = found[-1]
            one = sum((j * step * w for j, w in enumerate(weights)), Fraction(0))
            two = sum(((j * step) ** 2 * w for j, w in enumerate(weights)), Fraction(0))
            found.append([first + one, second + 2 * first * one + two])
            step *= stride
        return found

    def support(self, k: int) -> int:
        """Sites from the first to the last that output unit 0 of layer `k` sees."""
        if k <= self.filter_depth:
            seen = [j for j, w in enumerate(self.filters[k][0]) if w]
            return seen[-1] - seen[0] + 1
        # Each end of the filter is reached by the ends of all kernels.
        ends = [[j for j, w in enumerate(weights) if w] for weights, _ in self.layers[:k]]
        last = sum(e[-1] * self.stride(i) for i, e in enumerate(ends))
        return last - sum(e[0] * self.stride(i) for i, e in enumerate(ends)) + 1

    def reached(self, k: int) -> str:
        """Which routes reach the layers up to `k`, in words."""
        words = [f"pooled one-pixel images up to layer {min(k, self.image_depth)}"]
        if self.filter_depth > 0:
            words.append(f"filters on the fine grid up to layer {min(k, self.filter_depth)}")
        if self.filter_depth < self.depth or self.depth <= 40:
            words.append("two random walkers followed through all layers")
        return ", ".join(words[:-1]) + (" and " if words[:-1] else "") + words[-1]


def shortest_recurrence(terms: Sequence[Fraction]) -> list[Fraction]:
    """Shortest r with terms[n] = sum_i r[i] terms[n - 1 - i], by Berlekamp and Massey.

    >>> [int(r) for r in shortest_recurrence([Fraction(v) for v in (0, 1, 1, 2, 3, 5, 8, 13)])]
    [1, 1]
    """
    current, previous = [Fraction(1)], [Fraction(1)]
    length, gap, last = 0, 1, Fraction(1)
    for n, term in enumerate(terms):
        miss = term + sum(
            (current[i] * terms[n - i] for i in range(1, min(length, len(current) - 1) + 1)),
            Fraction(0),
        )
        if not miss:
            gap += 1
            continue
        kept = list(current)
        shifted = [Fraction(0)] * gap + [value * miss / last for value in previous]
        current += [Fraction(0)] * (len(shifted) - len(current))
        for i, value in enumerate(shifted):
            current[i] -= value
        if 2 * length <= n:
            length, previous, last, gap = n + 1 - length, kept, miss, 1
        else:
            gap += 1
    padded = [*current, *[Fraction(0)] * (length + 1 - len(current))]
    return [-value for value in padded[1 : length + 1]]


def dominant_modulus(recurrence: Sequence[Fraction], digits: int = 40) -> Any:
    """Largest modulus of the roots of x^r = sum_i r_i x^(r - 1 - i), by mpmath.

    >>> str(dominant_modulus([Fraction(1), Fraction(1)], 20))[:12]
    '1.6180339887'
    """
    x = sp.Symbol("x")
    powers = [1, *(sp.Rational(-r.numerator, r.denominator) for r in recurrence)]
    simple = sp.Poly(powers, x).sqf_part()
    with mpmath.workdps(digits + 20):
        coefficients = [mpmath.mpf(int(a.p)) / int(a.q) for a in simple.all_coeffs()]
        roots = mpmath.polyroots(coefficients, maxsteps=500, extraprec=20 * digits)
        return max(abs(root) for root in roots)


def noise_sensitivity(routes: UnequalLayers, dim: int, rectify: str | None, k: int) -> Any:
    """G_k per unit and active pixel, from moments by quadrature and the weights of one unit."""
    mean, square = rectified_moments(rectify)
    peak = number(routes.correlation(k, 0)) ** dim
    unit = mean**2 + (square - mean**2) * peak
    return unit / peak  # twice unit, for L sigma^2 = 2, over twice the peak


@lru_cache(maxsize=3)
def rectified_moments(rectify: str | None) -> tuple[Any, Any]:
    """First and second moment of standard normal noise after its ReLU, by mpmath."""
    with mpmath.workdps(100):
        low = mpmath.mpf(-24) if rectify is None else mpmath.mpf(0)
        moments = [
            mpmath.quad(lambda w, n=power: w**n * mpmath.npdf(w), [low, 0, 3, 8, 24])
            for power in (1, 2)
        ]
        return tuple(sp.Float(str(moment), 90) for moment in moments)
