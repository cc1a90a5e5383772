r"""The recursion layer by layer, in fixed point with a bound of its error: c_k(0) and c_k(1).

Read from the left, :math:`c_k(m) = e_m T_1 T_2 \cdots T_k\, \delta_0` (see `correlation`): the rows
:math:`u_k = u_{k-1} T_k`, :math:`u_k(n) = \sum_m A_k(m - s_k n)\, u_{k-1}(m)`, give every layer on
the way, :math:`c_k(0) = u_k(0)` from :math:`u_0 = e_0`, and :math:`c_k(0) - c_k(1) = v_k(0)` from
:math:`v_0 = e_0 - (e_1 + e_{-1})/2`, which needs no difference of large numbers. The weights A_k
sum to 1, so that a step enlarges no error in the maximum norm, on the torus neither, and rounding
to multiples of 2^-bits adds one of them. What rounds to 0 is dropped: a row is as long as the
filter is wide. Source: our derivation.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from flint import fmpz, fmpz_mat, fmpz_poly

from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.theory.correlation.exact import Correlation, kernel_correlation

__all__ = ["Rounded", "rounded_correlations"]

_REACH = 384
"""Lags by which layers of stride 1 that are applied at once widen a row."""


class Rounded(NamedTuple):
    """c_k(0) and c_k(1) times a power of two; c_k(0) and c_k(0) - c_k(1) are off by `ulps`."""

    correlation: Correlation
    ulps: int


class _Row(NamedTuple):
    """Integers, lag 0 at index `centre`; on a torus, at most one period of them."""

    values: list[fmpz]
    centre: int

    @property
    def middle(self) -> fmpz:
        return self.values[self.centre]

    def ahead(self, count: int) -> list[fmpz]:
        """Lags 0 ... count - 1."""
        lags = self.values[self.centre : self.centre + count]
        return lags + [fmpz(0)] * (count - len(lags))

    def convolved(self, weights: _Row, period: int | None) -> _Row:
        values = (fmpz_poly(self.values) * fmpz_poly(weights.values)).coeffs() or [fmpz(0)]
        centre = self.centre + weights.centre
        if period is None or len(values) <= period:
            return _Row(values, centre)
        ring = [fmpz(0)] * period
        for index, value in enumerate(values):
            ring[(index - centre) % period] += value
        turn = period - period // 2
        return _Row(ring[turn:] + ring[:turn], period // 2)

    def decimated(self, stride: int) -> _Row:
        return _Row(self.values[self.centre % stride :: stride], self.centre // stride)

    def divided(self, divisor: int) -> _Row:
        """Round to the nearest integers; drop those that are 0 at both ends."""
        half = divisor // 2
        values = [(value + half) // divisor for value in self.values]
        used = [index for index, value in enumerate(values) if value != 0]
        if not used:
            return _Row([fmpz(0)], 0)
        first, last = min(used[0], self.centre), max(used[-1], self.centre)
        return _Row(values[first : last + 1], self.centre - first)


def rounded_correlations(
    network: Network, size: int | None, bits: int, flat: int
) -> Iterator[Rounded]:
    """Yield c_k(0) and c_k(1) to `bits` binary places for k = flat + 1 ... depth.

    The first `flat` layers are of stride 1.

    >>> from scaledet import Layer
    >>> net = Network([Layer(2), Layer(3, 2), Layer(3, 2)])
    >>> value, ulps = next(rounded_correlations(net, None, 16, 1))
    >>> [v / value.scale for v in value.values], ulps            # 5/18 = 0.2777... and 4/18
    ([0.27777099609375, 0.2222137451171875], 13)
    """
    unit = 1 << bits
    rows = [_Row([fmpz(unit)], 0), _Row([fmpz(-unit // 2), fmpz(unit), fmpz(-unit // 2)], 1)]
    ulps, total = 0, 1
    for count, layer in network[:flat].runs() if flat else []:
        power, error = _power(layer, count, bits, size)
        rows = [row.convolved(power, size).divided(unit) for row in rows]
        ulps += 2 * error + 2  # sums of the sizes of a row are at most 2
    for count, layer in network[flat:].runs():
        weights = layer.kernel.trimmed
        square = sum(weights) ** 2
        while count:
            period = size and size // total
            together = min(count, max(1, _REACH // len(weights))) if layer.stride == 1 else 1
            reach = together * (len(weights) - 1)
            if period and max(len(row.values) for row in rows) + 2 * reach > period:
                together = 1
            ulps += 1
            if together > 1:
                # One value of each layer on the way, from what is left of the rows before.
                ahead = [row.ahead(reach + 1) for row in rows]
                lags = fmpz_mat([list(pair) for pair in zip(*ahead, strict=True)])
                on_the_way = (_powers_at_lags(weights, together) * lags).tolist()
                for j, (peak, drop) in enumerate(on_the_way[:-1], start=1):
                    yield _rounded(peak // square**j, drop // square**j, unit, ulps)
            total *= layer.stride
            rows = [
                row.convolved(_weights(weights, together), period)
                .decimated(layer.stride)
                .divided(square**together)
                for row in rows
            ]
            yield _rounded(rows[0].middle, rows[1].middle, unit, ulps)
            count -= together


def _rounded(peak: fmpz, drop: fmpz, unit: int, ulps: int) -> Rounded:
    return Rounded(Correlation((int(peak), int(peak - drop)), unit), ulps)


@lru_cache(maxsize=64)
def _weights(kernel: tuple[int, ...], count: int) -> _Row:
    """Integer weights A of `count` equal layers."""
    values = (kernel_correlation(kernel) ** count).coeffs()
    return _Row(values, len(values) // 2)


@lru_cache(maxsize=16)
def _powers_at_lags(kernel: tuple[int, ...], count: int) -> fmpz_mat:
    """Weights of 1 ... `count` layers, one a row, at lags 0, 1, ...; lags other than 0 twice."""
    lags = count * (len(kernel) - 1) + 1
    powers = (_weights(kernel, j).ahead(lags) for j in range(1, count + 1))
    return fmpz_mat([[first, *(2 * weight for weight in rest)] for first, *rest in powers])


def _power(layer: Layer, count: int, bits: int, period: int | None) -> tuple[_Row, int]:
    """Return the weights of `count` equal layers times 2^bits, and a bound of their error."""
    kernel, unit = layer.kernel.trimmed, 1 << bits
    once = _Row([unit * weight for weight in _weights(kernel, 1).values], len(kernel) - 1)
    single = once.convolved(_Row([fmpz(1)], 0), period).divided(sum(kernel) ** 2)
    power, error = _Row([fmpz(unit)], 0), 0
    for digit in f"{count:b}":
        # Errors of factors of sum 1 add up; rounding adds another one.
        power, error = power.convolved(power, period).divided(unit), 2 * error + 2
        if digit == "1":
            power, error = power.convolved(single, period).divided(unit), error + 3
    return power, error
