r"""Wide random networks whose filters have means over channels, straight from the definition.

Slow and simple, in floats: every moment of two rectified Gaussians is integrated over the first of
them, given which the mean of the second is a known function; every row of means and biases is taken
in turn. `drawn` lists all weights of a small layer with discrete laws, exactly.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import erfc, isqrt, pi, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CoherentLayer", "CoherentNet", "drawn", "rectified_product"]

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(80)
_FARTHEST = 12.0


class CoherentLayer(NamedTuple):
    """A layer on the torus of one dimension.

    Attributes
    ----------
    covariance : array [F, F]
        Of the weights at the taps, times the number of input channels.
    stride : int
        Of the layer.
    rows : sequence of (array [F], float)
        Sums of filters over input channels, and biases, of the output channels.
    fixed : bool
        Whether these sums are exact, not means.
    """

    covariance: Any
    stride: int
    rows: Sequence[tuple[Any, float]]
    fixed: bool = False


def _rectified_mean(mean: Any, scale: float) -> Any:
    """E relu(mean + scale X), X standard normal."""
    if scale < 1e-12:
        return np.maximum(mean, 0.0)
    height = mean / scale
    below = np.array([erfc(-value / sqrt(2)) / 2 for value in np.ravel(height)])
    below = below.reshape(np.shape(height))
    return mean * below + scale * np.exp(-height * height / 2) / sqrt(2 * pi)


def rectified_product(u: float, v: float, a: float, b: float, c: float) -> float:
    """E relu(z) relu(z') of Gaussians of means u, v, variances a, b and covariance c.

    >>> round(rectified_product(0.0, 0.0, 1.0, 1.0, 0.0) * 2 * pi, 10)
    1.0
    """
    first, second = sqrt(max(a, 0.0)), sqrt(max(b, 0.0))
    if first * second < 1e-12:
        return float(_rectified_mean(u, first) * _rectified_mean(v, second))
    slope = c / first
    rest = sqrt(max(b - slope * slope, 0.0))
    ends = [max(-u / first, -_FARTHEST), _FARTHEST]
    if slope:  # Around the kink of the mean of the second.
        ends += [(-v + step * rest) / slope for step in (-9, -3, 0, 3, 9)]
    ends = sorted(end for end in ends if max(-u / first, -_FARTHEST) <= end <= _FARTHEST)
    total = 0.0
    for low, high in itertools.pairwise(ends):
        x = (low + high) / 2 + (high - low) / 2 * _NODES
        values = (u + first * x) * _rectified_mean(v + slope * x, rest) * np.exp(-x * x / 2)
        total += float((high - low) / 2 * _WEIGHTS @ values) / sqrt(2 * pi)
    return total


class CoherentNet:
    """The limit of many channels, of layers that rectify, or of linear ones.

    Examples
    --------
    >>> box = CoherentLayer(np.zeros((2, 2)), 2, [(np.ones(2) / 2, 0.0)])
    >>> CoherentNet([box]).distance([4, 0, 0, 0], [0, 0, 0, 0])
    [16.0, 4.0]
    """

    def __init__(
        self,
        layers: Sequence[CoherentLayer],
        bias_variance: Sequence[float] | None = None,
        *,
        rectify: bool = True,
    ) -> None:
        self.layers, self.rectify = layers, rectify
        self.bias_variance = [0.0] * len(layers) if bias_variance is None else bias_variance

    def distance(self, first: Any, second: Any) -> list[float]:
        """Return E|f_k(x) - f_k(y)|^2 per channel, k = 0 ... depth."""
        return [
            float(np.trace(maps["xx"] + maps["yy"] - 2 * maps["xy"]))
            for maps, _ in self.states(first, second)
        ]

    def states(
        self, first: Any, second: Any
    ) -> Iterator[tuple[dict[str, Array], dict[str, Array]]]:
        """Yield the covariances xx, yy, xy about 0 and the means x, y of all channels."""
        means = {"x": np.asarray(first, float), "y": np.asarray(second, float)}
        pairs = ("xx", "yy", "xy")
        maps = {pair: np.outer(means[pair[0]], means[pair[1]]) for pair in pairs}
        yield maps, means
        for layer, noise in zip(self.layers, self.bias_variance, strict=True):
            before = {pair: self._before(maps[pair], means, pair, layer, noise) for pair in pairs}
            levels = {name: self._levels(mean, layer) for name, mean in means.items()}
            variances = {name: np.diag(before[2 * name]) for name in means}
            maps = {pair: self._products(before[pair], levels, variances, pair) for pair in pairs}
            means = {
                name: np.array(
                    [
                        np.mean([self._mean(u, sqrt(max(v, 0.0))) for u in site])
                        for site, v in zip(levels[name], variances[name], strict=True)
                    ]
                )
                for name in means
            }
            yield maps, means

    def _mean(self, level: float, scale: float) -> Any:
        return _rectified_mean(level, scale) if self.rectify else level

    def _levels(self, mean: Array, layer: CoherentLayer) -> Array:
        """Return the means of the pre-activations [sites, rows]."""
        sites = range(0, len(mean), layer.stride)
        return np.array(
            [
                [
                    bias + sum(w * mean[(site + f) % len(mean)] for f, w in enumerate(filter_))
                    for filter_, bias in layer.rows
                ]
                for site in sites
            ]
        )

    def _before(
        self, phi: Array, means: dict[str, Array], pair: str, layer: CoherentLayer, noise: float
    ) -> Array:
        if layer.fixed:
            phi = phi - np.outer(means[pair[0]], means[pair[1]])
        size, taps = len(phi), range(len(layer.covariance))
        sites = np.arange(0, size, layer.stride)
        total = np.full((len(sites),) * 2, float(noise))
        for f, g in itertools.product(taps, repeat=2):
            part = phi[np.ix_((sites + f) % size, (sites + g) % size)]
            total += layer.covariance[f][g] * part
        return total

    def _products(
        self, before: Array, levels: dict[str, Array], variances: dict[str, Array], pair: str
    ) -> Array:
        u, v = (levels[name] for name in pair)
        a, b = (variances[name].tolist() for name in pair)
        result = np.empty_like(before)
        for i, j in np.ndindex(*before.shape):
            values = [
                rectified_product(*means, a[i], b[j], float(before[i, j]))
                if self.rectify
                else means[0] * means[1] + before[i, j]
                for means in zip(u[i].tolist(), v[j].tolist(), strict=True)
            ]
            result[i, j] = np.mean(values)
        return result


def drawn(
    inputs: Sequence[Sequence[int]], root: Any, row: Sequence[Any], stride: int, *, fixed: bool
) -> list[list[Fraction]]:
    """Return the pre-activations of a channel, for all weights alike likely: [weights, sites].

    Filters from the channels of `inputs` [channels, pixels], a square number of them, are the row
    over their number, plus `root` [F, R] times R random signs each, over the root of their number;
    with `fixed`, less the mean of that over channels.

    >>> [[int(z) for z in sites] for sites in drawn([[1, 2]], [[3]], [4], 1, fixed=False)]
    [[7, 14], [1, 2]]
    """
    channels, size = len(inputs), len(inputs[0])
    scale, ranks, taps = isqrt(channels), range(len(root[0])), range(len(root))
    result: list[list[Fraction]] = []
    for signs in itertools.product((1, -1), repeat=channels * len(ranks)):
        random = [
            [
                Fraction(sum(root[f][r] * signs[c * len(ranks) + r] for r in ranks), scale)
                for f in taps
            ]
            for c in range(channels)
        ]
        shift = [
            (Fraction(row[f]) - fixed * sum(each[f] for each in random)) / channels for f in taps
        ]
        sites = [Fraction(0)] * len(range(0, size, stride))
        for c, f in itertools.product(range(channels), taps):
            weight = random[c][f] + shift[f]
            for place, site in enumerate(range(f, size + f, stride)):
                sites[place] += weight * inputs[c][site % size]
        result.append(sites)
    return result
