r"""The exact recursion: autocorrelation of the composite filter, in integers.

With :math:`h_k(z) = \prod_i a_i(z^{S_{i-1}})` and :math:`c_k(m) = \sum_j h_k(j) h_k(j+m)`, one
layer acts by :math:`(T_i v)(m) = \sum_n A_i(m - s_i n)\, v(n)`, :math:`A_i = a_i * a_i`, and
:math:`c_k = T_1 T_2 \cdots T_k\, \delta_0`: the last layer is applied first. On a torus of N
pixels the same steps act on the periodic comb of period :math:`N / S_k` instead of
:math:`\delta_0`. Only the lags that the wanted ones depend on are kept. Source: theory of
refinable functions (Eirola 1992, Villemoes 1994), our derivation for unequal layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from flint import fmpz_poly

from scaledet.algebra.interruptible import power_product
from scaledet.network.layer import Layer
from scaledet.network.network import Network

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Correlation",
    "composite_filter",
    "correlation",
    "correlations",
    "kernel_correlation",
    "pooling_matrix",
]


@dataclass(frozen=True)
class Correlation:
    """Integers C(0), ..., C(lags) with c_k(m) = C(m) / scale."""

    values: tuple[int, ...]
    scale: int


@lru_cache(maxsize=256)
def kernel_correlation(weights: tuple[int, ...]) -> fmpz_poly:
    """Return A(z) shifted to non-negative exponents, A = a * reversed a (integers)."""
    return fmpz_poly(list(weights)) * fmpz_poly(list(reversed(weights)))


def _upsampled(values: Sequence[int], stride: int) -> list[int]:
    result = [0] * ((len(values) - 1) * stride + 1)
    result[::stride] = values
    return result


def _step(values: list[int], layer: Layer, count: int, radius: int) -> list[int]:
    """Apply `count` equal layers (several only at stride 1); keep the lags |m| <= `radius`."""
    weights = layer.kernel.trimmed
    reach, middle = count * (len(weights) - 1), len(values) // 2
    last = max((m for m in range(middle + 1) if values[middle + m]), default=0)
    window = min(reach, radius + layer.stride * last)  # farther lags of A^count meet no value
    pooled = power_product([(kernel_correlation(weights), count)]).coeffs()
    product = fmpz_poly(
        _upsampled(values[middle - last : middle + last + 1], layer.stride)
    ) * fmpz_poly(pooled[reach - window : reach + window + 1])
    centre = window + layer.stride * last  # the index of lag 0
    return [int(product[m + centre]) if m + centre >= 0 else 0 for m in range(-radius, radius + 1)]


def _steps(network: Network, depth: int) -> list[tuple[int, Layer]]:
    """Layers 1 ... depth as (count, layer): runs of stride 1 merged, strided layers singly."""
    result: list[tuple[int, Layer]] = []
    for count, layer in network[:depth].runs() if depth else []:
        result += [(count, layer)] if layer.stride == 1 else [(1, layer)] * count
    return result


def correlation(
    network: Network, depth: int, *, size: int | None = None, lags: int = 1
) -> Correlation:
    """Exact c_depth(0), ..., c_depth(lags), periodised on a torus of `size` pixels if given.

    >>> from scaledet import Network
    >>> correlation(Network.uniform(3, 2, depth=3), 3)                # c_3(0) = 59/729
    Correlation(values=(59, 46), scale=729)
    """
    steps = _steps(network, depth)
    radii = [lags]
    for count, layer in steps:
        reach = count * (len(layer.kernel.trimmed) - 1)
        radii.append((radii[-1] + reach) // layer.stride)
    last, period = radii[-1], size // network.strides[depth] if size else None
    values = [int(m % period == 0 if period else m == 0) for m in range(-last, last + 1)]
    scale = 1
    for (count, layer), radius in zip(reversed(steps), reversed(radii[:-1]), strict=True):
        values = _step(values, layer, count, radius)
        scale *= sum(layer.kernel.trimmed) ** (2 * count)
    return Correlation(tuple(values[lags:]), scale)


def correlations(
    network: Network, *, size: int | None = None, start: int = 0
) -> Iterator[Correlation]:
    """Yield `correlation` for k = start ... depth at lags 0 and 1.

    Equal strided layers share one orbit of the transition operator as long as the composite
    filter does not wrap around the torus; every other layer is computed by itself.
    """
    layer = network.layers[0]
    k = 0
    if layer.stride > 1 and len(network.runs()) == 1:
        weights = layer.kernel.trimmed
        radius = max(1, (len(weights) - 1) // (layer.stride - 1))
        values = [0] * radius + [1] + [0] * radius
        while k <= network.depth and (size is None or network.support[k] < size):
            if k >= start:
                kept = (values[radius], values[radius + 1])
                yield Correlation(kept, sum(weights) ** (2 * k))
            values = _step(values, layer, 1, radius)
            k += 1
    for depth in range(max(k, start), network.depth + 1):
        yield correlation(network, depth, size=size)


def composite_filter(network: Network, depth: int, size: int | None = None) -> list[int]:
    """Integer coefficients of h_depth (times their common scale), wrapped modulo `size` if given.

    Untrimmed: position j of the list is position j of the kernel, so the grid phase is right.

    >>> from scaledet import Network
    >>> composite_filter(Network.uniform(2, 2, depth=2), 2)
    [1, 1, 1, 1]
    """
    counts: dict[tuple[tuple[int, ...], int], int] = {}
    position, start = 1, 0
    for count, layer in _steps(network, depth):
        kernel = layer.kernel
        key = (kernel.trimmed, position)
        counts[key] = counts.get(key, 0) + count
        start += count * position * next(j for j, value in enumerate(kernel.integers) if value)
        position *= layer.stride
    factors = [(fmpz_poly(_upsampled(*key)), count) for key, count in counts.items()]
    coefficients = [0] * start + [int(c) for c in power_product(factors).coeffs()]
    if size is None:
        return coefficients
    wrapped = [0] * size
    for j, value in enumerate(coefficients):
        wrapped[j % size] += value
    return wrapped


def pooling_matrix(network: Network, depth: int, size: int) -> NDArray[np.float64]:
    """Matrix that pools along one axis of a torus: row i holds h_depth at pixel S_depth i.

    >>> from scaledet import Network
    >>> pooling_matrix(Network.uniform([3, 1], 2), 1, size=4)
    array([[0.75, 0.25, 0.  , 0.  ],
           [0.  , 0.  , 0.75, 0.25]])
    """
    import numpy as np

    weights = composite_filter(network, depth, size)
    total, stride = sum(weights), network.strides[depth]
    row = np.array([weight / total for weight in weights])
    places = np.arange(size)[None, :] - stride * np.arange(size // stride)[:, None]
    return np.asarray(row[places % size])
