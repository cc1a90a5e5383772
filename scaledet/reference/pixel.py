r"""Pooling carried out on images of one pixel, in exact rationals: derivations are held to it.

Nothing here knows of composite filters, transition operators or generating functions: a pixel is
put at every grid phase, pooled layer by layer as :math:`y(i) = \sum_j a_j x(s i + j)`, and sums of
products are taken. Slow on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import lcm, prod

__all__ = ["PooledPixel", "autocorrelation", "composite", "composites"]

Weights = Sequence[Fraction]
Image = dict[int, Fraction]


class PooledPixel:
    """One active pixel on the infinite line under given layers.

    Parameters
    ----------
    layers : sequence of (weights, stride)
        Applied in this order; the last one is repeated when a deeper layer is asked for.

    Examples
    --------
    >>> pooled = PooledPixel([([Fraction(1, 3)] * 3, 2)])
    >>> pooled.correlation(2, 0), pooled.sensitivity(2)      # 13/81, 6/26
    (Fraction(13, 81), Fraction(3, 13))
    """

    def __init__(self, layers: Sequence[tuple[Weights, int]]) -> None:
        self._layers = [([Fraction(w) for w in weights], stride) for weights, stride in layers]
        self._units = [_unit(weights) for weights, _ in self._layers]
        self._whole = [
            [(j, int(weight * unit)) for j, weight in enumerate(weights) if weight]
            for (weights, _), unit in zip(self._layers, self._units, strict=True)
        ]
        self._heights: dict[tuple[int, int], dict[int, int]] = {}

    def layer(self, k: int) -> tuple[list[Fraction], int]:
        """Weights and stride of layer `k`, from 1."""
        if k < 1:
            raise ValueError(f"there is no layer {k}")
        return self._layers[min(k, len(self._layers)) - 1]

    def stride(self, k: int) -> int:
        """Cumulative stride S_k."""
        if k < 0:
            raise ValueError(f"there is no layer {k}")
        return prod(self.layer(i)[1] for i in range(1, k + 1))

    def scale(self, k: int) -> int:
        """Integer unit of layer `k`: heights are integers over this."""
        last = len(self._units) - 1
        return prod(self._units[min(i, last)] for i in range(k))

    def image(self, k: int, p: int) -> Image:
        """Representation at layer `k` of the image whose pixel `p` is active."""
        scale = self.scale(k)
        return {i: Fraction(height, scale) for i, height in self._pooled(k, p).items()}

    def _pooled(self, k: int, p: int) -> dict[int, int]:
        """Heights of this image in units of ``1 / scale(k)``."""
        if k == 0:
            return {p: 1}
        if (k, p) in self._heights:
            return self._heights[k, p]
        _, stride = self.layer(k)
        pooled = self._heights[k, p] = {}
        for position, height in self._pooled(k - 1, p).items():
            for j, weight in self._whole[min(k, len(self._layers)) - 1]:
                i, between = divmod(position - j, stride)
                if not between:
                    pooled[i] = pooled.get(i, 0) + weight * height
        return pooled

    def overlap(self, k: int, p: int, q: int) -> Fraction:
        """Inner product of the representations of pixels `p` and `q`."""
        return Fraction(self._product(k, p, q), self.scale(k) ** 2)

    def _product(self, k: int, p: int, q: int) -> int:
        first, second = self._pooled(k, p), self._pooled(k, q)
        return sum(value * second[i] for i, value in first.items() if i in second)

    def correlation(self, k: int, m: int) -> Fraction:
        """c_k(m): S_k times the overlap at lag `m`, averaged over the grid phase."""
        total = sum(self._product(k, p, p + m) for p in range(self.stride(k)))
        return Fraction(total, self.scale(k) ** 2)

    def filter(self, k: int, j: int) -> Fraction:
        """h_k(j): the weight of pixel j in output unit 0 of layer `k`."""
        return Fraction(self._pooled(k, j).get(0, 0), self.scale(k))

    def moved(self, k: int) -> Fraction:
        """S_k times the mean square change when the pixel moves by one site."""
        total = 0
        for p in range(self.stride(k)):
            before, after = self._pooled(k, p), self._pooled(k, p + 1)
            total += sum((after.get(i, 0) - before.get(i, 0)) ** 2 for i in {*before, *after})
        return Fraction(total, self.scale(k) ** 2)

    def sensitivity(self, k: int) -> Fraction:
        """D_k on the infinite line: two far pixels differ by twice the mean square of one."""
        return self.moved(k) / (2 * self.correlation(k, 0))

    def support(self, k: int) -> int:
        """Count the sites from the first to the last pixel that output unit 0 sees."""
        seen = self.seen(k)
        return max(seen) - min(seen) + 1

    def variance(self, k: int) -> Fraction:
        """Variance of h_k read as a probability law."""
        seen = self.seen(k)
        mean = sum((j * w for j, w in seen.items()), Fraction(0))
        return sum((j * j * w for j, w in seen.items()), Fraction(0)) - mean * mean

    def seen(self, k: int) -> Image:
        """Weights of the pixels that output unit 0 sees."""
        reach = sum((len(self.layer(i)[0]) - 1) * self.stride(i - 1) for i in range(1, k + 1))
        values = {j: self.filter(k, j) for j in range(reach + 1)}
        return {j: value for j, value in values.items() if value}


def _unit(weights: Weights) -> int:
    return lcm(*(weight.denominator for weight in weights))


def composites(layers: Iterable[tuple[Weights, int]]) -> Iterator[tuple[list[int], int]]:
    """Composite filters h_0, h_1, ... on the fine grid: integers and their scale.

    They go deeper than images reach.

    >>> list(composites([([Fraction(1, 2)] * 2, 2), ([Fraction(1, 3), Fraction(2, 3)], 1)]))
    [([1], 1), ([1, 1], 2), ([1, 1, 2, 2], 6)]
    """
    sites, scale, step = [1], 1, 1
    yield sites, scale
    for weights, stride in layers:
        unit = _unit(weights)
        wider = [0] * (len(sites) + (len(weights) - 1) * step)
        for j, weight in enumerate(weights):
            whole = int(weight * unit)
            for position, value in enumerate(sites, start=j * step):
                wider[position] += whole * value
        sites, scale, step = wider, scale * unit, step * stride
        yield sites, scale


def composite(weights: Weights, stride: int, k: int) -> list[Fraction]:
    """Composite filter of `k` equal layers.

    >>> [int(4 * w) for w in composite([Fraction(1, 2), Fraction(1, 2)], 2, 2)]
    [1, 1, 1, 1]
    """
    *_, (sites, scale) = composites([(weights, stride)] * k)
    return [Fraction(site, scale) for site in sites]


def autocorrelation(values: Weights, lag: int) -> Fraction:
    """Sum of products at distance `lag`.

    >>> autocorrelation([Fraction(1), Fraction(2), Fraction(1)], -1)
    Fraction(4, 1)
    """
    shifted = values[abs(lag) :]
    pairs = zip(values, shifted, strict=False)
    return sum((x * y for x, y in pairs if x and y), Fraction(0))
