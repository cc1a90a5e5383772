r"""One active pixel, uniformly placed: the moments that decide D_k, G_k and Q_k.

On the torus of L = N^d pixels, with :math:`C = c_k(0)^d`,

.. math:: D_k = \frac{(c_k(0) - c_k(1))\, c_k(0)^{d-1}}{C - 1/L}, \qquad
          Q_k = \frac{2 (C - 1/L)}{S_k^d} .

Layers of stride 1 go through Parseval's sum in floating point, all others through fixed point with
a bound of the error, of which 56 bits are right; `ExactSensitivity` through exact integers.
Source: Tomasini et al., arXiv:2210.01506 (boxes); our derivation for any filter at finite size.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from itertools import islice, takewhile
from typing import NamedTuple

import numpy as np
from flint import fmpz
from numpy.typing import NDArray

from scaledet.algebra.interruptible import reduced
from scaledet.errors import ExhaustionError
from scaledet.network.network import Network
from scaledet.theory.correlation.exact import (
    Correlation,
    composite_filter,
    correlation,
)
from scaledet.theory.correlation.fixed_point import rounded_correlations
from scaledet.theory.correlation.recurrence import Walk, recurrence
from scaledet.theory.correlation.spectrum import stride_one_moments
from scaledet.theory.correlation.telescoping import highest_order

__all__ = ["ExactSensitivity", "PixelMoments", "pixel_moments"]

_SHARP = 56
"""Bits that are right in floats of strided layers."""
_MOST_BITS = 4096
"""Binary places, so many that what is lost is below the range of floats."""
_PLAIN = 100
"""Layers up to which the filter itself is as fast as its recurrence."""
_LONGEST = 16
"""Longest support for which a recurrence is looked for."""
_HIGHEST = 8
"""Highest order of a recurrence that is looked for: it takes a second at most."""


class PixelMoments(NamedTuple):
    """Arrays over k = 0 ... depth: D_k, c_k(0)^d, and c_k(0)^d - 1/L (L infinite: c_k(0)^d)."""

    sensitivity: NDArray[np.float64]
    peak: NDArray[np.float64]
    excess: NDArray[np.float64]


def pixel_moments(network: Network, size: int | None) -> PixelMoments:
    """Evaluate `PixelMoments`, relative error below 1e-12, as long as no Q_k is 0."""
    dim = network.dim
    flat = len(list(takewhile(lambda layer: layer.stride == 1, network.layers)))
    peak, excess, ratio = stride_one_moments(network, flat, size)
    if not excess.all():
        layer = int(np.argmin(excess > 0))
        raise ExhaustionError.at(layer, size, "Q_k = 0 or below the range of floats")
    lowest = 0.0 if size is None else 1 / size
    # C - 1/L = (c - 1/N) (c^(d-1) + c^(d-2)/N + ...), without cancellation.
    others = sum((peak ** (dim - 1 - j) * lowest**j for j in range(dim)), np.zeros(flat + 1))
    rows = [
        (r * p ** (dim - 1) / o, p**dim, e * o)
        for r, p, e, o in zip(ratio, peak, excess, others, strict=True)
    ]
    if flat < network.depth:
        pixels = 1 if size is None else size**dim
        for k, sharp in enumerate(_sharp_correlations(network, size, flat), flat + 1):
            numerator, denominator = _fraction(sharp, dim, size)
            if denominator == 0:
                raise ExhaustionError.at(k, size)
            scale, top = sharp.scale**dim, sharp.values[0] ** dim
            rows.append((numerator / denominator, top / scale, denominator / (pixels * scale)))
    return PixelMoments(*np.array(rows).T)


def _sharp_correlations(network: Network, size: int | None, flat: int) -> Iterator[Correlation]:
    """Yield c_k(0) and c_k(1) for k = `flat` + 1 ... depth, exact to `_SHARP` bits or altogether.

    These are bits of c_k(0) - 1/N and of c_k(0) - c_k(1), per axis; N c - 1 <= N^d c^d - 1.
    """
    k = flat + 1
    # Most filters of width A have D_k above 1/A^2 and c_k(0) above 1/A.
    bits = 3 * network.support[-1].bit_length() + 96
    while k <= network.depth:
        rounded = rounded_correlations(network, size, bits, flat)
        for value, ulps in islice(rounded, k - flat - 1, None):
            peak, lag_one = value.values
            excess = peak - (value.scale // size + 1 if size else 0)
            if min(excess, peak - lag_one) < (network.dim * ulps) << _SHARP:
                break
            yield value
            k += 1
        else:
            return
        if bits < _MOST_BITS:
            bits *= 2
        else:
            yield correlation(network, k, size=size)
            k += 1


def _fraction(exact: Correlation, dim: int, size: int | None) -> tuple[int, int]:
    """Numerator and denominator of D_k; the denominator is L scale^d (C - 1/L)."""
    peak, lag_one = exact.values
    drop = (peak - lag_one) * peak ** (dim - 1)
    if size is None:
        return drop, peak**dim
    return size**dim * drop, size**dim * peak**dim - exact.scale**dim


class ExactSensitivity:
    """D_k as exact rationals; equal first layers of stride 1 are walked along, not done again."""

    def __init__(self, network: Network, size: int | None) -> None:
        self._network = network
        self._size = size

    @cached_property
    def _equal(self) -> int:
        """Number of first layers that are equal and of stride 1."""
        layers = self._network.layers
        first = (1, layers[0].kernel.trimmed)
        equal = takewhile(lambda layer: (layer.stride, layer.kernel.trimmed) == first, layers)
        return len(list(equal))

    @cached_property
    def _walk(self) -> Walk | None:
        """A walk along these layers, unless their recurrence is slow to find."""
        kernel = self._network.layers[0].kernel
        if kernel.signed or not 2 <= kernel.support <= _LONGEST:
            return None
        if highest_order(kernel.trimmed[:: kernel.span]) > _HIGHEST:
            return None
        try:
            return Walk(recurrence(kernel))
        except ArithmeticError:  # c_k(1) not in terms of c_k(0): no such kernel is known
            return None

    def at(self, depth: int) -> Fraction:
        """Return D_depth."""
        network, size = self._network, self._size
        wraps = size is not None and network.support[depth] >= size
        if _PLAIN < depth <= self._equal and not wraps and self._walk is not None:
            exact = self._walk.to(depth)
        elif wraps or network.strides[depth] == 1:
            # The filter itself, folded where it wraps: its autocorrelation follows directly.
            folded = list(map(fmpz, composite_filter(network, depth, size if wraps else None)))
            shifted = [*folded[1:], folded[0] if wraps else 0]
            lag_one = sum(h * g for h, g in zip(folded, shifted, strict=True))
            peak, total = sum(h * h for h in folded), sum(folded)
            exact = Correlation((int(peak), int(lag_one)), int(total) ** 2)
        else:
            exact = correlation(network, depth)
        numerator, denominator = _fraction(exact, network.dim, size)
        if denominator == 0:
            raise ExhaustionError.at(depth, size)
        return reduced(numerator, denominator)
