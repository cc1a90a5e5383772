"""Noise rectified after the first pooling: moments of pairs of units, summed over all weights.

Layer 1 is a dense table of weights, the moments of every pair of its units are integrated, and the
layers after it are weights read off pooled pixels. No closed form is used. Slow on purpose.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from scaledet.algebra.precision import mpmath
from scaledet.reference.noise import extrapolated
from scaledet.reference.pixel import PooledPixel, autocorrelation
from scaledet.reference.quadrature import (
    DIGITS,
    rectified_covariance,
    rectified_moment,
    rectified_product,
)
from scaledet.reference.torus import Torus

__all__ = ["LayeredNoise", "torus_noise"]


class LayeredNoise:
    """Networks on the infinite lattice at L sigma^2 = 2, the background alone.

    The one active pixel is lost among infinitely many, and weak noise does not switch it off.
    `layers` are pairs of integer weights, divided by their sum, and a stride; the last is repeated.

    >>> drift, spread = LayeredNoise([((1, 1), 2)]).parts(2, 1)
    >>> mpmath.nstr(drift * mpmath.pi, 10), mpmath.nstr(spread * 2 * mpmath.pi, 10)
    ('1.0', '2.141592654')
    """

    def __init__(self, layers: Sequence[tuple[Sequence[int], int]]) -> None:
        exact = [([Fraction(w, sum(ws)) for w in ws], stride) for ws, stride in layers]
        self.whole = PooledPixel(exact)
        self._after = PooledPixel(exact[1:] or exact)
        self.weights, self.stride = exact[0]

    def unit_covariance(self, *place: int) -> Any:
        """Covariance of relu(X), relu(Y) for two units of layer 1, so far apart along each axis."""
        ratios = (self._overlap(n) / self._overlap(0) for n in place)
        return rectified_covariance(0, 0, prod(ratios, start=Fraction(1)))

    @lru_cache(maxsize=1024)  # noqa: B019  # instances live as long as their derivation
    def _overlap(self, n: int) -> Fraction:
        return autocorrelation(self.weights, n * self.stride)

    def later(self, k: int, n: int) -> Fraction:
        """Sum of products of the weights of one unit of layers 2 ... k at distance n."""
        return autocorrelation(self._later_weights(k), n)

    def parts(self, k: int, dim: int) -> tuple[Any, Any]:
        """Parts of G_k by the mean and by the fluctuations of the rectified units."""
        weights = self._later_weights(k)
        line: dict[Fraction, Fraction] = defaultdict(Fraction)
        for n in range(1 - len(weights), len(weights)):
            if overlap := self._overlap(n):
                line[overlap / self._overlap(0)] += autocorrelation(weights, n)
        # Pairs of units of equal correlation have the same covariance.
        pairs: dict[Fraction, Fraction] = defaultdict(Fraction)
        for place in itertools.product(line.items(), repeat=dim):
            ratios, shares = zip(*place, strict=True)
            pairs[prod(ratios)] += prod(shares)
        with mpmath.workdps(DIGITS):
            spread = mpmath.mpf(0)
            for ratio, weight in pairs.items():
                spread += mpmath.mpmathify(weight) * rectified_covariance(0, 0, ratio)
            # The weights of a unit sum to one: its mean is that of the units of layer 1.
            drift = (mpmath.mpmathify(sum(weights)) ** dim * rectified_moment(1, 0, 1)) ** 2
            peaks = [autocorrelation(_weights(self.whole, layer), 0) for layer in (1, k)]
            scale = mpmath.mpmathify(peaks[0] / peaks[1]) ** dim
            return drift * scale, spread * scale

    def total(self, k: int, dim: int) -> Any:
        """G_k."""
        with mpmath.workdps(DIGITS):
            return sum(self.parts(k, dim))

    def _later_weights(self, k: int) -> list[Fraction]:
        if k < 1:
            raise ValueError(f"layer {k} is not rectified")
        return _weights(self._after, k - 1)


@lru_cache(maxsize=64)
def _weights(pooled: PooledPixel, k: int) -> list[Fraction]:
    """Weights of the pixels that one unit of layer k sees, in order."""
    return [pooled.filter(k, j) for j in range(max(pooled.seen(k)) + 1)]


@lru_cache(maxsize=64)
def torus_noise(
    layers: tuple[tuple[tuple[int, ...], int], ...], k: int, sizes: tuple[int, ...]
) -> float:
    """G_k in one dimension at L sigma^2 = 2, active pixel included, extrapolated in 1/L.

    Other corrections fall as exp(-L w^2/(4 c_1(0))), w the smallest weight of layer 1.

    >>> round(torus_noise((((1, 1), 2), ((1, 1), 2)), 1, (160, 200)), 9)
    0.5
    """
    energies, distances = [], []
    for size in sizes:
        first, rest = Torus(layers[:1], size), Torus(layers[1:], size // layers[0][1])
        pool = first.features(1).T / first.scale(1)
        square = float(pool[0] @ pool[0])
        width = (2 * square / size) ** 0.5
        count = len(pool)
        tail = rest.run(np.eye(count), k - 1) / rest.scale(k - 1)
        gram = tail.reshape(count, -1) @ tail.reshape(count, -1).T
        ratios, ratio = np.unique((pool @ pool.T / square).round(14), return_inverse=True)
        total = 0.0
        phases = Torus(layers, size).stride(k)
        for p in range(phases):
            clean = pool[:, p]
            heights, which = np.unique((clean / width).round(14), return_inverse=True)
            means = np.array([float(rectified_moment(1, h, 1)) for h in heights])[which] * width
            # Pairs of units of equal heights and correlation have the same product.
            kinds = (len(heights), len(heights), len(ratios))
            pairs = np.ravel_multi_index((which[:, None], which[None], ratio), kinds)
            different, place = np.unique(pairs, return_inverse=True)
            at = np.transpose(np.unravel_index(different, kinds))
            products = [rectified_product(heights[i], heights[j], ratios[n]) for i, j, n in at]
            table = np.array(products, float)[place].reshape(count, count) * width**2
            # E (y - clean)(y - clean)^T, y the rectified units.
            cross = np.outer(means, clean)
            total += float((gram * (table - cross - cross.T + np.outer(clean, clean))).sum())
        energies.append(total / phases)
        distances.append(float(Torus(layers, size).distance(k)))
    points = [1 / size for size in sizes]
    return extrapolated(points, energies) / extrapolated(points, distances)
