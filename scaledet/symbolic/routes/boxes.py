"""Boxes of any length and stride: claims meet pooled images, tori and measured growth rates."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache, partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import number, refute
from scaledet.reference.noise import infinite_sensitivity
from scaledet.reference.pixel import PooledPixel, autocorrelation, composites
from scaledet.reference.rates import (
    far_sensitivity,
    measured_alpha,
    measured_beta,
    pooled_values,
    spectral_radius,
)
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import Case, Claim, Dimension, Values, agree, agree_each
from scaledet.symbolic.derivation import Check
from scaledet.symbolic.routes.checks import against, dimensions
from scaledet.symbols import d, f, k, m, n, s

Boxes = Sequence[tuple[int, int]]
"""Length and stride of every box that is tried."""

SMALL = (
    *((2, 32, 1, (2, 3, 4, 1, 0)), (2, 12, 1, (2, 1)), (3, 18, 1, (2, 1)), (4, 8, 1, (1,))),
    *((5, 15, 1, (1,)), (2, 32, 2, (2, 4)), (2, 8, 2, (1, 0)), (2, 16, 2, (3,)), (3, 6, 2, (1,))),
    *((4, 8, 2, (1,)), (5, 10, 2, (1,)), (2, 8, 3, (2, 1, 0)), (2, 4, 3, (1, 0))),
    *((3, 6, 3, (1,)), (4, 8, 3, (1,)), (5, 10, 3, (1,))),
)
"""Stride, size, dimension and layers of small tori; more than one output unit is left."""
TORI = {
    Torus([((1,) * stride, stride)] * max(layers), size, dim): layers
    for stride, size, dim, layers in SMALL
}
LARGE = {
    1: ((2, 4, (160, 192)), (3, 2, (162, 198)), (4, 1, (160, 192)), (5, 1, (160, 200))),
    2: ((2, 4, (32, 48)), (3, 1, (12, 15)), (4, 1, (12, 16)), (5, 1, (15, 20))),
    3: ((2, 3, (8, 16)), (3, 1, (6, 9)), (4, 1, (8, 12)), (5, 1, (10, 15))),
}
"""By dimension: stride, layers, and sizes extrapolated to infinity."""
PARABOLA = [Fraction(500**2 - at**2) for at in range(-499, 500)]


@cache
def _box_values(length: int, stride: int) -> Values:
    """Pooled images of equal box layers, and of those of box length/stride for C_k."""
    values = pooled_values(_pooled_box(length, stride))
    if length % stride == 0:
        values[y.coarse] = pooled_values(_pooled_box(length // stride, stride))[y.c]
    return {**values, f: length, s: stride}


def _pooled_box(length: int, stride: int) -> PooledPixel:
    return PooledPixel([([Fraction(1, length)] * length, stride)])


def _layers(length: int, stride: int) -> Sequence[int]:
    """Layers that are pooled, those first that tell most indices apart."""
    return (3, 2, 4, 1) if stride < 4 or abs(length - stride) < 2 else (3, 2, 1)


def images_check(
    boxes: Boxes, route: str, lags: Iterable[int] = (), few: Mapping[Any, str] | None = None
) -> Check:
    """Check a claim with pooled one-pixel images of boxes, at every layer, and at lags if given."""
    places: Sequence[Case] = [{m: lag} for lag in lags] or [{}]
    return against(
        route,
        lambda: (
            {**_box_values(*box), k: layer, **place}
            for box in boxes
            for layer in _layers(*box)
            for place in places
        ),
        few=few,
    )


def law_values() -> Values:
    """Measured exponents of a box as functions of length and stride."""

    def alpha(length: int, stride: int) -> Any:
        return measured_alpha(_weights(length), stride)

    def beta(length: int, stride: int) -> Any:
        return measured_beta(_weights(length), stride) if length > 1 else sp.Integer(0)

    return {y.stability_exponent: alpha, y.noise_exponent: beta}


def _weights(length: int) -> tuple[int, ...]:
    if length < 1:
        raise ValueError(f"there is no box of length {length}")
    return (1,) * length


def near_plateau(claim: Claim, boxes: Boxes) -> str:
    """Attain a bound on D_2 to five digits in every box: a box, then a long parabola."""
    for length, stride in boxes:
        case = {k: 2, f: length, s: stride, y.D: partial(_before_parabola, length, stride)}
        agree(claim, [case], tight=True, digits=5)
    return f"attained to 5 digits by each of {len(boxes)} boxes"


@cache
def _before_parabola(length: int, stride: int, layer: int) -> Any:
    """D_2 of a box followed by a parabola, to 40 digits."""
    if layer != 2:
        raise IndexError(f"layer {layer} was not pooled")
    *_, (sites, _) = composites([([Fraction(1)] * length, stride), (PARABOLA, 1)])
    taps = [Fraction(site) for site in sites]
    return number(1 - autocorrelation(taps, 1) / autocorrelation(taps, 0)).evalf(40)


def attained_overlap(claim: Claim, boxes: Boxes) -> str:
    """Confront the overlap of C_k at distance s^(k-1), sites per residue class counted."""

    def trial(length: int, stride: int, layer: int) -> tuple[list[Case], Values, bool]:
        most = _most_sites(length, stride, layer)
        return [{**_box_values(length, stride), k: layer, n: most}], {}, length == 2 * stride

    trials = (trial(*box, layer) for box in boxes for layer in _layers(*box))
    return f"{agree_each(claim, trials)} cases of {len(boxes)} boxes, attained where said"


@cache
def _most_sites(length: int, stride: int, layer: int) -> int:
    """Largest number of sites of H_k in one residue class modulo s^(k-1)."""
    part = _pooled_box(length // stride, stride)
    reach = range((length // stride) * stride**layer)
    sites = [at for at in reach if part.filter(layer, at)]
    most = max(Counter(at % stride ** (layer - 1) for at in sites).values())
    if most > max(1, -(-(length - stride) // (stride - 1))):
        refute(f"{most} sites per class in layer {layer} of {length}, {stride}")
    return most


def plateaus(boxes: Boxes) -> Iterator[Case]:
    """Limits of D_k from exact recurrences."""
    for length, stride in boxes:
        yield {f: length, s: stride, y.plateau: far_sensitivity((1,) * length, stride)}


def rates(boxes: Boxes, dims: Iterable[int]) -> Iterator[Case]:
    """Exponents of boxes from growth rates, and rho from dense matrices."""
    for (length, stride), dim in itertools.product(boxes, dims):
        box = _weights(length), stride
        radius = spectral_radius((number(Fraction(1, length)),) * length, stride)
        exponents = {y.alpha: measured_alpha(*box), y.beta: dim * measured_beta(*box)}
        yield {f: length, s: stride, d: dim, y.rho: radius, **exponents}


def tori(dim: Dimension) -> Iterator[Case]:
    """D_k of boxes with stride = length from all moves and pairs on small tori."""
    for torus, layers in TORI.items():
        if dim in (d, torus.dim):
            case = {s: torus.stride(1), y.N: torus.size, d: torus.dim, y.D: torus.sensitivity}
            yield from ({**case, k: layer} for layer in layers)


def _noise_parts(
    stride: int, depth: int, sizes: tuple[int, ...], dim: int, rectify: str | None, layer: int
) -> tuple[float, float]:
    """Parts of G_k by the mean and by the variance, on tori extrapolated to infinite size."""
    layers = (((1,) * stride, stride),) * depth
    return infinite_sensitivity(layers, layer, dim, rectify, sizes)


def noisy_tori(dim: Dimension, rectify: str | None) -> Iterator[Case]:
    """G_k of boxes with stride = length from tori extrapolated to infinite size."""
    for axes in dimensions(dim):
        for stride, depth, sizes in LARGE[axes]:
            parts = partial(_noise_parts, stride, depth, sizes, axes, rectify)
            values = {y.G: lambda *layer, parts=parts: sum(parts(*layer)), d: axes}
            for layer in range(depth + 1):
                yield {**_box_values(stride, stride), **values, k: layer}


def crossovers(dim: Dimension, rectify: str | None) -> Iterator[Case]:
    """Crossover with the power law through the two parts of G_0 and G_1 on tori."""
    for axes in dimensions(dim):
        stride, _, sizes = LARGE[axes][0]
        parts = [_noise_parts(stride, 1, sizes, axes, rectify, layer) for layer in (0, 1)]
        drift, spread = zip(*parts, strict=True)
        slope = math.log(drift[1] / drift[0]) / math.log(stride)
        scale = (spread[0] / drift[0]) ** (1 / slope)
        yield {y.crossover: sp.Float(scale), d: axes}


def linear_exponents(dim: Dimension) -> Iterator[Case]:
    """Exponents of linear noise between layers 0 and 1, to ten decimals."""
    for axes in dimensions(dim):
        stride, _, sizes = LARGE[axes][0]
        first, second = (sum(_noise_parts(stride, 1, sizes, axes, None, k)) for k in (0, 1))
        exponent = round(1e10 * math.log(second / first, stride))
        yield {y.beta: sp.Rational(exponent, 10**10), d: axes}
