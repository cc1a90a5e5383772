"""What claims on boxes are held to: pooled images, tori, measured rates."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache, partial
from typing import Any

import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import number, refute
from scaledet.reference.noise import infinite_sensitivity
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.rates import measured_alpha, measured_beta, pooled_values, spectral_radius
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import agree
from scaledet.symbols import d, f, k, n, s

__all__ = ["box_noise", "box_values", "law_values", "local_beta", "meeting", "on_tori",
           "overlapping", "rates_of", "smooth_tail", "summary", "tried_boxes"]  # fmt: skip

Values = dict[Any, Callable[..., Any]]
TORI = ((2, 8, 1), (2, 12, 1), (3, 18, 1), (2, 8, 2), (3, 6, 2), (2, 4, 3))
"""Stride, size and dimension; the layers are those that leave more than one output unit."""
LARGE = {
    1: ((2, 2, (96, 144)), (3, 1, (108, 144))), 2: ((2, 2, (12, 16)), (3, 1, (12, 15))),
    3: ((2, 1, (12, 14)),),
}  # fmt: skip
"""By dimension: stride, layers, and sizes extrapolated to infinity."""


@cache
def box_values(length: int, stride: int) -> Values:
    """Pooled images of equal box layers, and of those of box length/stride for C_k."""
    values = pooled_values(PooledPixel([([Fraction(1, length)] * length, stride)]))
    if length % stride == 0:
        part = length // stride
        inner = PooledPixel([([Fraction(1, part)] * part, stride)])
        values[y.coarse] = cache(inner.correlation)
    return values


def law_values() -> Values:
    """Measured exponents of a box as functions of length and stride."""
    return {
        y.stability_exponent: lambda length, stride: measured_alpha((1,) * _filter(length), stride),
        y.noise_exponent: lambda length, stride: measured_beta((1,) * _filter(length), stride)
        if length > 1 else sp.Integer(0),
    }  # fmt: skip


def _filter(length: int) -> int:
    if length < 1:
        raise ValueError(f"there is no box of length {length}")
    return length


def tried_boxes(
    claim: Any,
    boxes: Iterable[tuple[int, int]],
    extra: Sequence[dict[Any, Any]] = ({k: 1}, {k: 2}, {k: 3}),
) -> str:
    """Confront a claim with pooled images of boxes."""
    found = []
    for length, stride in boxes:
        cases = [{**case, f: length, s: stride} for case in extra]
        found.append(agree(claim, cases, box_values(length, stride)))
    return summary(found, "boxes")


def summary(found: Sequence[str], what: str) -> str:
    """Add up the evidence of several trials.

    >>> summary(["exact in 3 cases", "to 25 digits in 1 case, attained"], "boxes")
    'exact or to 25 digits in 4 cases, 2 boxes, attained where said'
    """
    parts = [text.split(" in ", 1) for text in found]
    kinds = " or ".join(sorted({kind for kind, _ in parts}))
    cases = sum(int(rest.split()[0]) for _, rest in parts)
    some = any("attained" in text for text in found)
    every = all("attained" in text for text in found)
    ending = ", attained" if every else ", attained where said" if some else ""
    return f"{kinds} in {cases} cases, {len(found)} {what}{ending}"


def smooth_tail(claim: Any, boxes: Iterable[tuple[int, int]]) -> str:
    """Attain a bound on D_2 to five digits: a box, then a long parabola."""
    found = []
    for length, stride in boxes:
        values = {y.D: _before_parabola(length, stride)}
        case = {k: 2, f: length, s: stride}
        found.append(agree(claim, [case], values, tight=True, digits=5))
    return summary(found, "boxes")


@cache
def _before_parabola(length: int, stride: int, half: int = 500) -> Callable[[int], Any]:
    """D_2 of a box followed by a parabola of 2 `half` - 1 weights, as a floating-point number."""
    curve = np.array([half * half - at * at for at in range(1 - half, half)], dtype=object)
    taps = np.zeros((len(curve) - 1) * stride + length, dtype=object)
    for j in range(length):
        taps[j : j + (len(curve) - 1) * stride + 1 : stride] += curve
    ratio = Fraction(int(taps[1:] @ taps[:-1]), int(taps @ taps))
    return {2: number(1 - ratio).evalf(40)}.__getitem__


def overlapping(claim: Any, boxes: Iterable[tuple[int, int]]) -> str:
    """Confront the overlap of C_k at distance s^(k-1), sites per residue class counted."""
    found = []
    for length, stride in boxes:
        part = PooledPixel([([Fraction(stride, length)] * (length // stride), stride)])
        for layer in (1, 2, 3):
            reach = range((length // stride) * stride**layer)
            sites = [at for at in reach if part.filter(layer, at)]
            count = max(Counter(at % stride ** (layer - 1) for at in sites).values())
            if count > max(1, -(-(length - stride) // (stride - 1))):
                refute(f"{count} sites per class in layer {layer} of {length}, {stride}")
            case = {k: layer, n: count, f: length, s: stride}
            tight = length <= 2 * stride
            found.append(agree(claim, [case], box_values(length, stride), tight=tight))
    return summary(found, "trials")


def on_tori(claim: Any, dim: Any) -> str:
    """Confront D_k of boxes with stride = length with all moves and pairs on small tori."""
    found = []
    for stride, size, axes in TORI:
        if dim in (d, axes):
            torus = _torus(stride, size, axes)
            cases = [{s: stride, k: layer, y.N: size, d: axes}
                     for layer in range(1, len(torus.layers) + 1)]  # fmt: skip
            found.append(agree(claim, cases, {y.D: _sensitivity(stride, size, axes)}))
    return summary(found, "tori")


@cache
def _torus(stride: int, size: int, axes: int) -> Torus:
    depth, left = 0, size
    while left % stride == 0 and left > stride:
        depth, left = depth + 1, left // stride
    return Torus([((1,) * stride, stride)] * depth, size, axes)


@cache
def _sensitivity(stride: int, size: int, axes: int) -> Callable[..., Any]:
    torus = _torus(stride, size, axes)
    return cache(lambda layer: torus.displacement(layer) / torus.distance(layer))


def box_noise(claim: Any, dim: Any, rectify: str | None) -> str:
    """Confront G_k of boxes with stride = length with tori extrapolated to infinite size."""
    found = []
    for axes in (1, 2, 3) if dim == d else (dim,):
        for step, depth, sizes in LARGE[axes]:
            layers = (((1,) * step, step),) * depth
            values = {
                y.G: partial(_sensitivity_to_noise, layers, axes, rectify, sizes),
                y.A: box_values(step, step)[y.A],
            }
            cases = [{s: step, k: layer, d: axes} for layer in range(depth + 1)]
            found.append(agree(claim, cases, values, digits=11))
    return summary(found, "series of tori")


def _sensitivity_to_noise(
    layers: Any, axes: int, rectify: str | None, sizes: tuple[int, ...], layer: int
) -> float:
    return sum(infinite_sensitivity(layers, layer, axes, rectify, sizes))


def meeting(claim: Any, dim: Any, rectify: str | None) -> str:
    """Confront the crossover with the power law through the two parts of G_0 and G_1 on tori."""
    found = []
    for axes in (1, 2, 3) if dim == d else (dim,):
        step, _, sizes = LARGE[axes][0]
        layers = (((1,) * step, step),)
        parts = [infinite_sensitivity(layers, at, axes, rectify, sizes) for at in (0, 1)]
        drift, spread = zip(*parts, strict=True)
        slope = math.log(drift[1] / drift[0]) / math.log(step)
        scale = (spread[0] / drift[0]) ** (1 / slope)
        found.append(agree(claim, [{y.crossover: sp.Float(scale), d: axes}], digits=10))
    return summary(found, "dimensions")


def local_beta(axes: int) -> Any:
    """Exponent of G_k under linear noise between layers 0 and 1, to ten decimals."""
    step, _, sizes = LARGE[axes][0]
    layers = (((1,) * step, step),)
    first, second = (_sensitivity_to_noise(layers, axes, None, sizes, at) for at in (0, 1))
    return sp.Rational(round(1e10 * math.log(second / first, step)), 10**10)


def rates_of(boxes: Iterable[tuple[int, int]]) -> list[dict[Any, Any]]:
    """Measured alpha and beta of boxes, and the spectral radius of the dense operator."""
    return [
        {
            f: length, s: stride, d: axes, y.alpha: measured_alpha((1,) * length, stride),
            y.beta: axes * measured_beta((1,) * length, stride),
            y.rho: spectral_radius((number(Fraction(1, length)),) * length, stride),
        }
        for length, stride in boxes
        for axes in (1, 2)
    ]  # fmt: skip
