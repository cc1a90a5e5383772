"""Layers, equal or not, by routes without transition operators: pooled pixels, exact and deep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache, lru_cache, partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.reference.exact import number, refute
from scaledet.reference.layers import BEHIND, UnequalLayers
from scaledet.reference.pixel import PooledPixel, autocorrelation
from scaledet.reference.rates import measured_alpha, pooled_values
from scaledet.symbolic.claims import agree
from scaledet.symbols import f, k, rho, rho_drop, s

__all__ = [
    "BOX_3",
    "FIRST",
    "ODD",
    "PAIR",
    "SKEW",
    "SMOOTH",
    "Layers",
    "brute",
    "by_powers",
    "capped",
    "exponent",
    "layer_values",
    "layers",
    "layers_and",
    "limit",
    "on_images",
]

Cases = Sequence[dict[Any, int]]
Layers = tuple[tuple[tuple[int, ...], int], ...]
"""Integer weights and stride of every layer."""


def layers(*given: tuple[Sequence[int], int]) -> Layers:
    """Layers of integer weights, hashable."""
    return tuple((tuple(weights), stride) for weights, stride in given)


BOX_3: Layers = (((1, 1, 1), 2),)
BOX_2: Layers = (((1, 1), 2),)
SMOOTH: Layers = (((1, 2, 1), 1),)
PAIR: Layers = (((1, 1), 1),)
BLOCKS = 40
"""Repetitions of a block."""
STABLE: tuple[Layers, ...] = ((((1, 2, 1), 2),), SMOOTH + BOX_2)
"""Blocks that become stable by themselves; 20 of them are deep."""
FIRST: tuple[Layers, ...] = (
    (((1, 2, 4), 2),),
    (((1, 3), 3),),
    (((2, 1, 1, 5), 3),),
    BOX_3,
    (((1, 3, 2), 4),),
    (((2, 3, 1), 5),),
)
ODD = tuple(layers(([1] * length, 2)) for length in (3, 5, 7, 11))
SKEW = {
    2: PooledPixel([([Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)], 2)]),
    3: PooledPixel([([Fraction(1, 2), Fraction(1, 6), Fraction(0), Fraction(1, 3)], 3)]),
    4: PooledPixel([([Fraction(1, 8), Fraction(1, 4), Fraction(1, 8), Fraction(1, 2)], 4)]),
    5: PooledPixel([([Fraction(1, 3), Fraction(0), Fraction(2, 3)], 5)]),
}
"""By stride: skew filters, so that no symmetry hides a wrong sign."""
MOST_PHASES = 125
"""Cumulative stride of the deepest layer tried."""
POWERS: tuple[Layers, ...] = (
    (*BOX_2, ((1, 1, 1), 3)),
    (((1, 1), 3), *BOX_2),
    BOX_2 * 2,
    (*BOX_2, ((1, 1, 1), 4)),
    (((1, 1, 1), 3), ((1, 1), 3)),
)
"""Blocks of boxes no longer than their strides: c_k(0) and D_k are pure powers."""


@cache
def brute(given: Layers) -> UnequalLayers:
    """Pooled images, filters on the fine grid and two walkers, of layers of integer weights."""
    return UnequalLayers([([Fraction(w, sum(ws)) for w in ws], at) for ws, at in given])


def layer_values(images: UnequalLayers) -> dict[Any, Callable[..., Any]]:
    """Quantities of all layers together, of single ones, and of those behind a layer."""

    def layer(i: int) -> tuple[tuple[Fraction, ...], int]:
        if i < 1:
            raise IndexError(f"there is no layer {i}")
        weights, stride = images.layers[i - 1] if i <= images.depth else BEHIND
        return tuple(weights), stride

    def weight(i: int, j: int) -> Fraction:
        weights = layer(i)[0]
        return weights[j] if 0 <= j < len(weights) else Fraction(0)

    def alone(i: int) -> UnequalLayers:
        return UnequalLayers([layer(i)])

    def tail(i: int, z: int) -> Fraction:
        behind = images.layers[images.require(i - 1) :]
        return UnequalLayers(behind).correlated(len(behind), z)

    return {
        y.S: images.stride,
        y.W: images.support,
        y.c: images.correlation,
        y.D: images.sensitivity,
        y.A: lambda k: sp.sqrt(1 + 12 * number(images.variance(images.require(k)))),
        y.layer_weight: weight,
        y.layer_length: lambda i: len(layer(i)[0]),
        y.layer_stride: lambda i: layer(i)[1],
        y.layer_variance: lambda i: alone(i).variance(1),
        y.layer_correlation: cache(lambda i, z: alone(i).correlated(1, z)),
        y.tail: cache(tail),
    }


def exponent(claim: Any, blocks: Sequence[Layers]) -> str:
    """Confront alpha with growth rates and with local exponents of every block."""
    words = []
    for block in blocks:
        images = brute(block)
        sites, _ = images.filters[len(block)]
        value = measured_alpha(tuple(sites), images.stride(len(block)))
        agree(claim, [{y.alpha: value}])
        local, error = _local_alpha(block)
        if abs(local - mpmath.mpf(str(value.evalf(25)))) > error + mpmath.mpf("1e-10"):
            refute(f"local exponents reach {mpmath.nstr(local, 12)}, growth rates {value}")
        words.append(f"{value.evalf(12)} by rates, {mpmath.nstr(local, 6)} locally")
    return "; ".join(words)


@cache
def _local_alpha(block: Layers) -> tuple[Any, Any]:
    """Local exponent of exact D_k against exact A_k after many blocks, and its last change."""
    images = brute(block * BLOCKS)

    def local(n: int) -> Any:
        ends = [at * len(block) for at in (n - 1, n)]
        drop = [mpmath.log(_float(images.sensitivity(at))) for at in ends]
        width = [mpmath.log(_float(1 + 12 * images.variance(at))) / 2 for at in ends]
        return -(drop[1] - drop[0]) / (width[1] - width[0])

    last, before = local(BLOCKS), local(BLOCKS // 2)
    return last, abs(last - before)


def _float(value: Fraction) -> Any:
    return mpmath.mpf(value.numerator) / value.denominator


def limit(claim: Any, network: Layers, known: Any = None, values: Any = None) -> str:
    """Confront the limit of D_k with its exact value at the last layer of a deep network."""
    images = brute(network)
    plateau = images.sensitivity(images.depth)
    case = {y.plateau: sp.Float(number(plateau), 30)} | (known or {})
    agree(claim, [case], values, digits=11)
    return f"{float(plateau):.12g} at layer {images.depth}"


def capped(claim: Any, firsts: Sequence[Layers]) -> str:
    """Confront the cap by the first layer with deep networks behind several first layers."""
    words = []
    for first in firsts:
        ((weights, stride),) = first
        known, mass = {s: stride, f: len(weights)}, {y.phase_mass: partial(_mass, first)}
        words += [limit(claim, first + block * 20, known, mass) for block in STABLE]
    return f"D_k tends to the claim in {len(words)} networks, as in {words[0]}"


def _mass(first: Layers, phase: int) -> Fraction:
    """Sum of the outputs of a layer for an active pixel at a phase, from its image."""
    images = brute(first)
    return sum(images.pooled.image(1, phase % images.stride(1)).values(), Fraction(0))


def by_powers(claim: Any) -> str:
    """Confront exponents with blocks whose c_k(0) and D_k are pure powers, from images."""
    cases = []
    for block in POWERS:
        images = brute(block * 2)
        total, ends = images.stride(2), (2, 4)
        peak = [images.pooled.correlation(at, 0) for at in ends]
        drop = [c - images.pooled.correlation(at, 1) for c, at in zip(peak, ends, strict=True)]
        moved = [images.pooled.sensitivity(at) for at in ends]
        alpha = sp.log(number(moved[0] / moved[1])) / sp.log(total)
        rates = {rho: peak[1] / peak[0], rho_drop: drop[1] / drop[0]}
        cases.append({**rates, s: total, y.alpha: alpha})
    return agree(claim, cases)


def layers_and(symbol: Any, values: Iterable[int]) -> Cases:
    """Cases of `symbol` at every layer that is tried."""
    values = list(values)
    return [{k: layer, symbol: value} for layer in (2, 3, 1, 0, 4) for value in values]


@lru_cache(maxsize=8)
def _values(pooled: PooledPixel) -> dict[Any, Any]:
    weights = pooled.layer(1)[0]
    return pooled_values(pooled) | {
        y.a: lambda at: weights[at] if 0 <= at < len(weights) else Fraction(0),
        y.autocorrelation: lambda at: autocorrelation(weights, at),
        y.overlap: pooled.overlap,
        y.unit: lambda at, i, q: pooled.image(at, q).get(i, Fraction(0)),
    }


def on_images(
    claim: Any, *, cases: Cases, pools: Mapping[int, PooledPixel] = SKEW, by_filter: bool = False
) -> str:
    """Confront a claim in s and k with pooled pixels at every stride.

    With `by_filter` c_k(m) comes from the filter and shares no sum with the overlaps of images.
    """
    evidence = []
    for stride, pooled in pools.items():
        reach = max(40, len(pooled.layer(1)[0]) + stride)
        values = _values(pooled)
        if by_filter:
            values = values | {y.c: _filtered(pooled)}
        shallow = [case for case in cases if stride ** case[k] <= MOST_PHASES]
        evidence.append(agree(claim, [{s: stride, **c} for c in shallow], values, reach=reach))
    return " and ".join(evidence)


def _filtered(pooled: PooledPixel) -> Callable[[int, int], Fraction]:
    @cache
    def sites(layer: int) -> list[Fraction]:
        return [pooled.filter(layer, at) for at in range(3 * pooled.stride(layer) + 6)]

    return lambda layer, lag: autocorrelation(sites(layer), lag)
