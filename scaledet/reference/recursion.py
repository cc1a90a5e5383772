r"""The plain recursion of one filter and stride, over all lags, and the growth rates it shows.

The plain recursion :math:`c_{k+1}(m) = \sum_n \mathcal{A}(m - s n)\, c_k(n)` runs over all lags
up to twice the filter's length in Python integers: no window, no folding, no matrix. It is itself
held to pooled one-pixel images by the first step of every derivation.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.network.kernel import Kernel
from scaledet.reference.exact import refute
from scaledet.reference.pixel import PooledPixel, autocorrelation

__all__ = ["PlainRecursion", "measured", "pooled"]

DEPTHS = (16, 32, 64, 128, 256, 512)
"""Layers from which exponents are measured."""
SPAN = 60
"""Number of layers that a rate is averaged over: it hides periods of 2 to 6 and their like."""


class PlainRecursion:
    """c_k(m) of equal layers by the plain recursion; weights may have any sign.

    >>> recursion = PlainRecursion([Fraction(1, 3)] * 3, 2)
    >>> recursion.correlation(2, 0), recursion.drop(2)
    (Fraction(13, 81), Fraction(1, 27))
    """

    def __init__(self, weights: Sequence[Fraction], stride: int) -> None:
        self.weights = [Fraction(w) for w in weights]
        self.stride = stride
        self._common = lcm(*(w.denominator for w in self.weights))
        integers = [w * self._common for w in self.weights]
        self._reach = 2 * len(integers)
        self._kernel = [int(autocorrelation(integers, m)) for m in range(len(integers))]
        self._rows = [{0: 1}]

    def _row(self, layer: int) -> dict[int, int]:
        if layer < 0:
            raise ValueError(f"there is no layer {layer}")
        while len(self._rows) <= layer:
            wider: dict[int, int] = {}
            for n, value in self._rows[-1].items():
                for lag in range(1 - len(self._kernel), len(self._kernel)):
                    m = lag + self.stride * n
                    if abs(m) <= self._reach:
                        wider[m] = wider.get(m, 0) + self._kernel[abs(lag)] * value
            self._rows.append(wider)
        return self._rows[layer]

    def correlation(self, layer: int, lag: int) -> Fraction:
        """c_k(m), for lags that are kept."""
        if abs(lag) > self._reach:
            raise ValueError(f"lag {lag} is beyond {self._reach}")
        return Fraction(self._row(layer).get(lag, 0), self._common ** (2 * layer))

    def peak(self, layer: int) -> Fraction:
        """c_k(0)."""
        return self.correlation(layer, 0)

    def drop(self, layer: int) -> Fraction:
        """c_k(0) - c_k(1)."""
        return self.correlation(layer, 0) - self.correlation(layer, 1)

    def sensitivity(self, layer: int) -> Fraction:
        """D_k on the infinite lattice."""
        return self.drop(layer) / self.correlation(layer, 0)

    def functions(self) -> dict[Any, Any]:
        """c, D and S, as `claims.agree` takes them."""
        stride = self.stride
        return {y.c: self.correlation, y.D: self.sensitivity, y.S: lambda layer: stride**layer}


def pooled(kernel: Kernel, stride: int) -> PooledPixel:
    """Return the pooled pixel of equal layers."""
    return PooledPixel([(kernel.weights, stride)])


def measured(recursion: PlainRecursion, name: str) -> tuple[Any, Any]:
    """Growth of c_k(0) ("peak") or c_k(0) - c_k(1) ("drop") per layer, as log base s; its error.

    The rate over `SPAN` layers is followed until it has settled to 30 digits, or 12 at layer 512;
    its error is at most ten times its last change. If it has not (a power of k multiplies it) it is
    extrapolated in 1/k, and its error is ten times the difference of the last two extrapolations.
    """
    function = {"peak": recursion.peak, "drop": recursion.drop}[name]

    def log(layer: int) -> Any:
        value = function(layer)
        if value <= 0:
            refute(f"the sequence vanishes at layer {layer}")
        return mpmath.log(mpmath.mpf(value.numerator) / value.denominator)

    with mpmath.workdps(60):
        window = SPAN * mpmath.log(recursion.stride)
        rates: list[Any] = []
        for layer in DEPTHS:
            rates.append((log(layer + SPAN) - log(layer)) / window)
            change = abs(rates[-1] - rates[-2]) if len(rates) > 1 else mpmath.inf
            if change < mpmath.mpf(10) ** -30:
                return sp.Float(rates[-1], 50), sp.Float(max(10 * change, mpmath.mpf(10) ** -45))
        if change < mpmath.mpf(10) ** -12:
            return sp.Float(rates[-1], 50), sp.Float("1e-10")
        near, far = (2 * b - a for a, b in zip(rates[-3:], rates[-2:], strict=False))
        return sp.Float(far, 50), sp.Float(10 * abs(far - near))
