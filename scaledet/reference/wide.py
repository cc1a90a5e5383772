r"""Covariances of wide random networks, matrix by matrix, straight from the definition.

Slow and simple: every covariance of every two sites is computed, with the arc-cosine kernel
:math:`\sqrt{ab} (\sin t + (\pi - t) \cos t)/(2 \pi)` as it is written, in floats or at any
precision.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet.algebra.precision import mpmath

__all__ = ["WideNet", "arc_cosine"]

Array = NDArray[np.float64]


def arc_cosine(a: Any, b: Any, c: Any, digits: int = 50) -> Any:
    """Return E relu(u) relu(v) of centred Gaussians of variances a, b and covariance c.

    >>> float(arc_cosine(1, 1, 1))
    0.5
    """
    with mpmath.workdps(digits):
        scale = mpmath.sqrt(mpmath.mpf(a) * b)
        if not scale:
            return mpmath.mpf(0)
        cosine = max(-1, min(1, mpmath.mpf(c) / scale))
        angle = mpmath.acos(cosine)
        return scale * (mpmath.sin(angle) + (mpmath.pi - angle) * cosine) / (2 * mpmath.pi)


def _arc_cosine(product: Array, c: Array) -> Array:
    """Return the same in floats, `product` being that of the variances."""
    scale = np.sqrt(product)
    cosine = np.divide(c, scale, out=np.ones_like(c), where=scale > 0).clip(-1, 1)
    angle = np.arccos(cosine)
    return np.asarray(scale * (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi))


class WideNet:
    """Layers on the torus of one dimension: (covariance of the taps, stride) each.

    Parameters
    ----------
    layers : sequence of (array [F, F], int)
        Tap covariances and strides.
    weight_variance, bias_variance : float
        Of weights and biases.

    Examples
    --------
    >>> WideNet([(np.eye(2) / 2, 2)]).distance([1, 0, 0, 0], [0, 0, 0, 0])
    [1.0, 0.5]
    """

    def __init__(
        self,
        layers: Sequence[tuple[Any, int]],
        weight_variance: float = 2.0,
        bias_variance: float = 0.0,
    ) -> None:
        self.layers = [(np.asarray(matrix, float), stride) for matrix, stride in layers]
        self.weight_variance, self.bias_variance = weight_variance, bias_variance

    def distance(self, first: Any, second: Any) -> list[float]:
        """Return E|f_k(x) - f_k(y)|^2 per channel, k = 0 ... depth."""
        x, y = np.asarray(first, float), np.asarray(second, float)
        if self.independent:
            return [float((xx + yy - 2 * xy).sum()) for xx, yy, xy in self._equal_sites(x, y)]
        maps = {"xx": np.outer(x, x), "yy": np.outer(y, y), "xy": np.outer(x, y)}
        result = [_distance(maps)]
        for matrix, stride in self.layers:
            before = {name: self._pooled(phi, matrix, stride) for name, phi in maps.items()}
            variance = {letter: np.diag(before[2 * letter]) for letter in "xy"}
            maps = {
                name: _arc_cosine(np.multiply.outer(variance[name[0]], variance[name[1]]), each)
                for name, each in before.items()
            }
            result.append(_distance(maps))
        return result

    @property
    def independent(self) -> bool:
        """Whether weights at different taps are: only equal sites matter then."""
        return all(not (matrix - np.diag(np.diag(matrix))).any() for matrix, _ in self.layers)

    def _equal_sites(self, x: Array, y: Array) -> Iterator[list[Array]]:
        """Yield the covariances at equal sites, k = 0 ... depth; no others are computed."""
        maps = [x * x, y * y, x * y]
        yield maps
        for matrix, stride in self.layers:
            sites = np.arange(0, len(maps[0]), stride)
            before = [
                self.bias_variance
                + self.weight_variance
                * sum(c * phi[(sites + f) % len(phi)] for f, c in enumerate(np.diag(matrix)))
                for phi in maps
            ]
            pairs = ((0, 0), (1, 1), (0, 1))
            maps = [
                _arc_cosine(before[a] * before[b], each)
                for (a, b), each in zip(pairs, before, strict=True)
            ]
            yield maps

    def norm_distance(self, first: Any, second: Any) -> list[float]:
        """Return the sum over sites of (|u| - |v|)^2, u and v the units there; independent taps."""
        x, y = np.asarray(first, float), np.asarray(second, float)
        squares = self._equal_sites(x, y)
        return [float(((np.sqrt(xx) - np.sqrt(yy)) ** 2).sum()) for xx, yy, _ in squares]

    def _pooled(self, phi: Array, matrix: Array, stride: int) -> Array:
        size = len(phi)
        sites = np.arange(0, size, stride)
        total = np.full((len(sites),) * 2, float(self.bias_variance))
        for f, g in itertools.product(range(len(matrix)), repeat=2):
            part = phi[np.ix_((sites + f) % size, (sites + g) % size)]
            total += self.weight_variance * matrix[f, g] * part
        return total

    def mean_over(self, pairs: Sequence[tuple[Any, Any]]) -> Array:
        """Return the mean of `distance` over pairs of images, shape [depth + 1]."""
        return np.asarray(np.mean([self.distance(*pair) for pair in pairs], axis=0))


def _distance(maps: dict[str, Array]) -> float:
    return float(np.trace(maps["xx"] + maps["yy"] - 2 * maps["xy"]))
