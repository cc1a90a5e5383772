"""Noise rectified after the first pooling: quadrature of two units, then sums over all weights.

Layer 1 is a dense table of weights, the moments of every pair of its units are integrated, and the
layers after it are weights read off pooled pixels. No closed form of a moment, no autocorrelation.
Slow on purpose.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np

from scaledet.reference.noise import extrapolated
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.torus import Torus

__all__ = [
    "LayeredNoise",
    "both_on",
    "rectified_covariance",
    "rectified_product",
    "torus_noise",
]

_DIGITS = 40
_GRID = (-16, -8, -4, -2, 0, 2, 4, 8, 16)


@lru_cache(maxsize=4096)
def rectified_product(first: Any, second: Any, correlation: Any) -> Any:
    """E relu(first + X) relu(second + Y) at correlation >= 0 of X and Y, to 30 digits.

    >>> mpmath.nstr(rectified_product(0, 0, 1), 10)
    '0.5'
    """
    with mpmath.workdps(_DIGITS):
        first, second, rho = map(_number, (first, second, correlation))
        rest = mpmath.sqrt(1 - rho * rho)

        def mean(height: Any) -> Any:
            if rest == 0:
                return max(height, mpmath.mpf(0))
            return height * mpmath.ncdf(height / rest) + rest * mpmath.npdf(height / rest)

        kinks = [-second / rho] if rho else []
        kinks += [kinks[0] + step * rest for step in (-6, -2, 2, 6)] if rho else []
        return _integral(lambda x: (first + x) * mean(second + rho * x), -first, kinks)


def rectified_covariance(first: Any, second: Any, correlation: Any) -> Any:
    """Cov(relu(first + X), relu(second + Y)), to 30 digits.

    >>> mpmath.nstr(rectified_covariance(1, 2, 0), 10)
    '0.0'
    """
    with mpmath.workdps(_DIGITS):
        apart = rectified_product(first, second, Fraction(0))
        return rectified_product(first, second, correlation) - apart


def both_on(correlation: Any) -> Any:
    """P(X > 0, Y > 0), to 30 digits.

    >>> mpmath.nstr(both_on(0), 10)
    '0.25'
    """
    with mpmath.workdps(_DIGITS):
        rho = _number(correlation)
        rest = mpmath.sqrt(1 - rho * rho)
        kinks = [rest, 4 * rest]
        return _integral(lambda x: mpmath.ncdf(rho * x / rest), mpmath.mpf(0), kinks)


def _integral(integrand: Any, start: Any, kinks: Sequence[Any]) -> Any:
    low = max(mpmath.mpf(start), mpmath.mpf(-16))
    points = sorted({low, *(mpmath.mpf(at) for at in (*_GRID, *kinks) if low < at <= 16)})
    density = mpmath.npdf
    return mpmath.quad(lambda x: integrand(x) * density(x), points, method="gauss-legendre")


class LayeredNoise:
    """Networks on the infinite lattice at L sigma^2 = 2, the background alone.

    The one active pixel is lost among infinitely many, and weak noise does not switch it off.

    Parameters
    ----------
    layers : sequence of (weights, stride)
        Integer weights, divided by their sum; the last layer is repeated.

    Examples
    --------
    >>> drift, spread = LayeredNoise([((1, 1), 2)]).parts(2, 1)
    >>> mpmath.nstr(drift * mpmath.pi, 10), mpmath.nstr(spread * 2 * mpmath.pi, 10)
    ('1.0', '2.141592654')
    """

    def __init__(self, layers: Sequence[tuple[Sequence[int], int]]) -> None:
        exact = [([Fraction(w, sum(ws)) for w in ws], stride) for ws, stride in layers]
        self.whole = PooledPixel(exact)
        self._after = PooledPixel(exact[1:] or exact)
        self.weights, self.stride = exact[0]

    def peak(self, k: int) -> Fraction:
        """Sum of the squared weights of one unit of layer k: c_k(0)."""
        return sum((w * w for w in self._taps(self.whole, k)), Fraction(0))

    def unit_overlap(self, n: int) -> Fraction:
        """Sum of products of the weights of two units of layer 1."""
        shift = abs(n) * self.stride
        return _shifted(self.weights, shift)

    def unit_covariance(self, n: int) -> Any:
        """Covariance of relu(X), relu(Y) for two units of layer 1, by quadrature."""
        return self._covariance((n,))

    def later(self, k: int, n: int) -> Fraction:
        """Sum of products of the weights of one unit of layers 2 ... k at distance n."""
        if k < 1:
            raise ValueError(f"there is no layer {k} after the first")
        return _shifted(self._taps(self._after, k - 1), abs(n))

    def parts(self, k: int, dim: int) -> tuple[Any, Any]:
        """Parts of G_k by the mean and by the fluctuations of the rectified units."""
        if k < 1:
            raise ValueError(f"layer {k} is not rectified")
        taps = len(self._taps(self._after, k - 1))
        reach = range(-taps, taps + 1)
        spread = mpmath.mpf(0)
        close = [n for n in reach if self.unit_overlap(n)]
        with mpmath.workdps(_DIGITS):
            for place in itertools.product(close, repeat=dim):
                weight = Fraction(1)
                for n in place:
                    weight *= self.later(k, n)
                spread += _number(weight) * self._covariance(place)
            # The weights of a unit sum to one: its mean is that of the units of layer 1.
            total = sum(self._taps(self._after, k - 1))
            drift = (_number(total) ** dim * _mean()) ** 2
            scale = _number(self.peak(1) / self.peak(k)) ** dim
            return drift * scale, spread * scale

    def total(self, k: int, dim: int) -> Any:
        """G_k."""
        with mpmath.workdps(_DIGITS):
            return sum(self.parts(k, dim))

    def _covariance(self, place: tuple[int, ...]) -> Any:
        rho = Fraction(1)
        for n in place:
            rho *= self.unit_overlap(n) / self.unit_overlap(0)
        return rectified_covariance(0, 0, rho)

    @lru_cache(maxsize=64)  # noqa: B019 - a handful of networks, kept as long as their class
    def _taps(self, pooled: PooledPixel, k: int) -> list[Fraction]:
        if k == 0:
            return [Fraction(1)]
        reach = sum((len(pooled.layer(i)[0]) - 1) * pooled.stride(i - 1) for i in range(1, k + 1))
        return [pooled.filter(k, j) for j in range(reach + 1)]


def _shifted(values: Sequence[Fraction], shift: int) -> Fraction:
    return sum((a * b for a, b in zip(values, values[shift:], strict=False)), Fraction(0))


@lru_cache
def _mean() -> Any:
    """E relu(X), by quadrature."""
    with mpmath.workdps(_DIGITS):
        return _integral(lambda x: x, mpmath.mpf(0), ())


def _number(value: Any) -> Any:
    if isinstance(value, Fraction):
        return mpmath.mpf(value.numerator) / value.denominator
    return mpmath.mpf(value)


@lru_cache(maxsize=64)
def torus_noise(
    layers: tuple[tuple[tuple[int, ...], int], ...], k: int, sizes: tuple[int, ...]
) -> float:
    """G_k in one dimension at L sigma^2 = 2, active pixel and all, extrapolated in 1/L.

    What is no power of 1/L falls as exp(-L w^2/(4 c_1(0))), w the smallest weight of layer 1.

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
        total = 0.0
        phases = Torus(layers, size).stride(k)
        for p in range(phases):
            clean = pool[:, p]
            heights = [float(mpmath.nstr(mpmath.mpf(h / width), 15)) for h in clean]
            table = np.empty((count, count))
            for i, j in itertools.combinations_with_replacement(range(count), 2):
                rho = round(float(pool[i] @ pool[j]) / square, 14)
                low, high = sorted((heights[i], heights[j]))
                table[i, j] = table[j, i] = float(rectified_product(low, high, rho)) * width**2
            means = np.array([float(_rectified_mean(h)) for h in heights]) * width
            # E (y - clean)(y - clean)^T, y the rectified units.
            cross = np.outer(means, clean)
            total += float((gram * (table - cross - cross.T + np.outer(clean, clean))).sum())
        energies.append(total / phases)
        distances.append(float(Torus(layers, size).distance(k)))
    points = [1 / size for size in sizes]
    return extrapolated(points, energies) / extrapolated(points, distances)


@lru_cache(maxsize=256)
def _rectified_mean(height: float) -> Any:
    with mpmath.workdps(_DIGITS):
        return _integral(lambda x: height + x, -mpmath.mpf(height), ())
