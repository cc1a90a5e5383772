"""A block of layers, repeated: exact c(0) of its composite filter, and exponents read off it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import sympy as sp

from scaledet.network.kernel import Kernel
from scaledet.network.network import Network
from scaledet.reference.exact import refute
from scaledet.reference.pixel import composites
from scaledet.reference.recursion import PlainRecursion
from scaledet.symbolic.routes.sequences import measures
from scaledet.symbolic.routes.series import exact_moments

__all__ = ["DIGITS", "RepeatedBlock", "close", "log", "repeated_block"]

REPEATED = 60
"""Repetitions of a block with stride."""
DIGITS = 50
"""Decimal digits of logarithms."""
EXPANDED = 4_000_000
"""Bits of the longest filter without stride that is expanded in integers."""


class RepeatedBlock:
    """One block, repeated: its composite filter, and exact numbers after n blocks."""

    def __init__(self, block: Network) -> None:
        *_, (sites, scale) = composites((layer.kernel.weights, layer.stride) for layer in block)
        self.kernel, self.stride = Kernel(sites), block.strides[-1]
        self._recursion = PlainRecursion(self.kernel.weights, self.stride)
        bits = len(sites) * scale.bit_length()
        powers = (n for n in (256, 128, 64, 32) if n * n * bits <= EXPANDED)
        self.times = next(powers, 16) if self.stride == 1 else REPEATED
        origin = "filters expanded in integers" if self.stride == 1 else "the plain recursion"
        self.route = f"exact values of up to {self.times} blocks by {origin}"

    def peak(self, n: int) -> Fraction:
        """c(0) after n blocks."""
        if self.stride == 1:
            return exact_moments(self.kernel, n)[0]
        return self._recursion.peak(n)

    def slope(self, quantity: Callable[[int], Any]) -> tuple[Any, Any]:
        """Exponent of exp(quantity(n)) in A_k, and how far it may still be from its limit."""
        last = self.times
        with mpmath.workdps(DIGITS):
            rounding = mpmath.mpf(10) ** (10 - DIGITS)
            if self.stride > 1:
                before, slope = (self._between(quantity, n - 1, n) for n in (last // 2, last))
                return slope, abs(slope - before) + rounding
            # Corrections in 1/n: a wrong one, or a slower one, shows between the two results.
            ends = (last // 4, last // 2, last)
            far, near, nearest = (self._between(quantity, n // 2, n) for n in ends)
            before, slope = 2 * near - far, 2 * nearest - near
            return slope, 2 * abs(slope - before) + abs(nearest - near) / 8 + rounding

    def _between(self, quantity: Callable[[int], Any], low: int, high: int) -> Any:
        widths = [log(1 + 12 * self._variance(n)) / 2 for n in (low, high)]
        return (quantity(high) - quantity(low)) / (widths[1] - widths[0])

    def _variance(self, n: int) -> Fraction:
        """Variance of the filter after n blocks: variances add, in units of each block's grid."""
        blocks = sum(self.stride ** (2 * i) for i in range(n))
        return Fraction(self.kernel.variance * blocks)


def repeated_block(block: Network) -> RepeatedBlock:
    """Return the exact numbers of a block repeated."""
    return RepeatedBlock(block)


def log(value: Fraction) -> Any:
    """Logarithm of a rational number, to 50 digits."""
    with mpmath.workdps(DIGITS):
        return mpmath.log(mpmath.mpf(value.numerator) / value.denominator)


def close(claim: Any, symbol: Any, measured: tuple[Any, Any]) -> str:
    """Confront symbol = value with a number and its error."""
    value, error = measured
    if error > 0.1:
        refute(f"{symbol} has not settled: {mpmath.nstr(value, 6)} +- {mpmath.nstr(error, 2)}")
    return measures(claim, symbol, sp.Float(value, DIGITS), sp.Float(error))
