"""A block of layers, repeated: exact numbers by brute force, and the exponents they reach."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache, cached_property
from itertools import pairwise
from math import lcm, prod
from operator import mul
from typing import Any

import mpmath
import sympy as sp

from scaledet.network.network import Network
from scaledet.reference.exact import refute
from scaledet.reference.layers import UnequalLayers, dominant_modulus, shortest_recurrence
from scaledet.symbolic.claims import evaluate

__all__ = ["FlatBlock", "RepeatedBlock", "close", "log", "repeated_block"]

REPEATED = 60
"""Blocks that a strided block is repeated for its exponents."""
DIGITS = 50
"""Decimal digits of logarithms."""
PACKED = 4_000_000
"""Bits of the largest integer that a filter is packed into."""


class RepeatedBlock:
    """One block, repeated: exact numbers after n blocks by brute force."""

    def __init__(self, block: Network) -> None:
        self.block = block
        self.period = block.depth
        self.stride = block.strides[-1]
        self.layers = [(layer.kernel.weights, layer.stride) for layer in block]
        self.rate = cache(self._rate)

    @property
    def times(self) -> int:
        """Number of blocks."""
        return 24 if self.long else REPEATED

    @property
    def long(self) -> bool:
        """Whether the filter of the block is too long for a short recurrence."""
        return self.block.support[-1] > 24 * (self.stride - 1)

    @property
    def route(self) -> str:
        """Where the exact numbers come from."""
        return f"exact values of up to {self.times} blocks (images, filters, walkers)"

    @cached_property
    def _routes(self) -> UnequalLayers:
        return UnequalLayers(self.layers * self.times)

    def correlation(self, n: int, m: int) -> Fraction:
        """c(m) after n blocks, m = 0 or 1."""
        return self._routes.correlation(n * self.period, m)

    def variance(self, n: int) -> Fraction:
        """Variance of the filter after n blocks."""
        return self._routes.variance(n * self.period)

    def peak(self, n: int) -> Fraction:
        """c(0) after n blocks."""
        return self.correlation(n, 0)

    def drop(self, n: int) -> Fraction:
        """c(0) - c(1) after n blocks."""
        return self.peak(n) - self.correlation(n, 1)

    def log_width(self, n: int) -> Any:
        """Log of A_k after n blocks."""
        return log(1 + 12 * self.variance(n)) / 2

    def _rate(self, name: str) -> tuple[Any, Any]:
        """Growth rate of `peak` or `drop` per block, with its error."""
        terms = [getattr(self, name)(n) for n in range(self.times)]
        if not self.long:
            recurrence = shortest_recurrence(terms)
            if 2 * len(recurrence) + 2 <= len(terms):
                return dominant_modulus(recurrence, DIGITS), mpmath.mpf(10) ** (10 - DIGITS)
        ratios = [log(terms[n]) - log(terms[n - 1]) for n in (len(terms) // 2, -1)]
        before, last = (mpmath.exp(ratio) for ratio in ratios)
        return last, abs(last - before) + mpmath.mpf("1e-12")

    def slope(self, quantity: Callable[[int], Any]) -> tuple[Any, Any]:
        """Exponent of exp(quantity(n)) in A_k, and how far it may still be from its limit."""
        with mpmath.workdps(DIGITS):
            found, error = self._extrapolated(quantity)
            return found, error + mpmath.mpf(10) ** (10 - DIGITS)

    def _between(self, quantity: Callable[[int], Any], low: int, high: int) -> Any:
        rise = quantity(high) - quantity(low)
        return rise / (self.log_width(high) - self.log_width(low))

    def _extrapolated(self, quantity: Callable[[int], Any]) -> tuple[Any, Any]:
        last = self.times
        found, earlier = (self._between(quantity, n - 1, n) for n in (last, last // 2))
        if abs(found - earlier) > 1e-6:
            ends = ((last // 2, last), (last // 4, last // 2))
            found, earlier = (self._between(quantity, *pair) for pair in ends)
        return found, abs(found - earlier)


class FlatBlock(RepeatedBlock):
    """A block without stride: its repetition is the power of one large integer."""

    @cached_property
    def _base(self) -> tuple[list[int], int]:
        sites, scale = [1], 1
        for weights, _ in self.layers:
            unit = lcm(*(w.denominator for w in weights))
            wide = [0] * (len(sites) + len(weights) - 1)
            for j, weight in enumerate(weights):
                for position, value in enumerate(sites, start=j):
                    wide[position] += int(weight * unit) * value
            sites, scale = wide, scale * unit
        return sites, scale

    @property
    def times(self) -> int:
        """Number of blocks, a power of 2."""
        sites, scale = self._base
        bits = len(sites) * scale.bit_length()
        return next((n for n in (256, 128, 64, 32) if n * n * bits <= PACKED), 16)

    @property
    def route(self) -> str:
        """Where the exact numbers come from."""
        return f"exact filters of up to {self.times} blocks, powers of one packed integer"

    @cached_property
    def _filters(self) -> dict[int, tuple[list[int], int]]:
        return {}

    def _filter(self, n: int) -> tuple[list[int], int]:
        if n not in self._filters:
            sites, scale = self._base
            size = (scale**n).bit_length() // 8 + 1
            packed = sum(w << (8 * size * j) for j, w in enumerate(sites)) ** n
            count = (len(sites) - 1) * n + 1
            raw = packed.to_bytes(size * count, "little")
            found = [int.from_bytes(raw[size * j : size * (j + 1)], "little") for j in range(count)]
            self._filters[n] = found, prod([scale] * n)
        return self._filters[n]

    def correlation(self, n: int, m: int) -> Fraction:
        """c(m) after n blocks."""
        sites, scale = self._filter(n)
        return Fraction(sum(map(mul, sites, sites[m:])), scale**2)

    def variance(self, n: int) -> Fraction:
        """Variance of the filter after n blocks."""
        sites, scale = self._filter(n)
        first, second = (sum(j**e * w for j, w in enumerate(sites)) for e in (1, 2))
        return Fraction(second * scale - first**2, scale**2)

    def _extrapolated(self, quantity: Callable[[int], Any]) -> tuple[Any, Any]:
        n = self.times
        slopes = [self._between(quantity, end // 2, end) for end in (n // 4, n // 2, n)]
        # Corrections in 1/n: a wrong one, or a slower one, shows between the two results.
        before, found = (2 * b - a for a, b in pairwise(slopes))
        return found, 2 * abs(found - before) + abs(slopes[2] - slopes[1]) / 8


def repeated_block(block: Network) -> RepeatedBlock:
    """Return the exact numbers of a block repeated."""
    return FlatBlock(block) if block.strides[-1] == 1 else RepeatedBlock(block)


def log(value: Fraction) -> Any:
    """Logarithm of a rational number, to 50 digits."""
    with mpmath.workdps(DIGITS):
        return mpmath.log(mpmath.mpf(value.numerator) / value.denominator)


def close(claim: Any, symbol: Any, found: tuple[Any, Any]) -> str:
    """Confront symbol = value with a number and its error."""
    value, error = found
    if error > 0.1:
        refute(f"{symbol} has not settled: {mpmath.nstr(value, 6)} +- {mpmath.nstr(error, 2)}")
    at = {symbol: sp.Float(mpmath.nstr(value, DIGITS), DIGITS)}
    miss = (evaluate(claim.lhs, at) - evaluate(claim.rhs, at)).evalf(DIGITS)
    if not (miss.is_finite and abs(miss) <= sp.Float(mpmath.nstr(error, 5))):
        refute(f"{claim} against {mpmath.nstr(value, 10)} +- {mpmath.nstr(error, 2)}")
    return f"{mpmath.nstr(value, 10)} within {mpmath.nstr(error, 1)}"
