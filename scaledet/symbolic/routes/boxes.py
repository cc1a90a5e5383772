"""Boxes of any length and stride: claims meet pooled images, tori and measured growth rates."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
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
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check
from scaledet.symbolic.routes.checks import check_in, dimensions
from scaledet.symbols import d, f, k, n, s

Boxes = Sequence[tuple[int, int]]
"""Length and stride of every box that is tried."""
Values = dict[Any, Callable[..., Any]]
Cases = list[dict[Any, Any]]

LAYERS = (1, 2, 3)
TORI = ((2, 8, 1, 2), (2, 12, 1, 2), (3, 18, 1, 2), (2, 8, 2, 2), (3, 6, 2, 1), (2, 8, 3, 2))
"""Stride, size, dimension and depth; more than one output unit is left."""
LARGE = {
    1: ((2, 2, (96, 144)), (3, 1, (108, 144))),
    2: ((2, 2, (12, 16)), (3, 1, (12, 15))),
    3: ((2, 1, (12, 14)),),
}
"""By dimension: stride, layers, and sizes extrapolated to infinity."""
PARABOLA = [Fraction(500**2 - at**2) for at in range(-499, 500)]


def summary(evidence: Sequence[str], what: str) -> str:
    """Add up the evidence of several trials.

    >>> summary(["exact in 3 cases", "to 25 digits in 1 case, attained"], "boxes")
    'exact or to 25 digits in 4 cases, 2 boxes, attained where said'
    """
    parts = [text.split(" in ", 1) for text in evidence]
    kinds = " or ".join(sorted({kind for kind, _ in parts}))
    cases = sum(int(rest.split()[0]) for _, rest in parts)
    attained = ["attained" in text for text in evidence]
    ending = ", attained" if all(attained) else ", attained where said" if any(attained) else ""
    return f"{kinds} in {cases} cases, {len(evidence)} {what}{ending}"


def _tried(
    claim: Any, trials: Iterable[tuple[Cases, Values]], what: str = "boxes", digits: int = 25
) -> str:
    evidence = [agree(claim, cases, values, digits=digits) for cases, values in trials]
    return summary(evidence, what)


@cache
def _box_values(length: int, stride: int) -> Values:
    """Pooled images of equal box layers, and of those of box length/stride for C_k."""
    values = pooled_values(_pooled_box(length, stride))
    if length % stride == 0:
        values[y.coarse] = cache(_pooled_box(length // stride, stride).correlation)
    return values


def _pooled_box(length: int, stride: int) -> PooledPixel:
    return PooledPixel([([Fraction(1, length)] * length, stride)])


def images_check(boxes: Boxes, route: str, cases: Cases | None = None) -> Check:
    """Check a claim with pooled one-pixel images of boxes, at layers 1 to 3 or at given cases."""
    chosen = cases or [{k: layer} for layer in LAYERS]

    def confront(claim: Any) -> str:
        trials = (
            ([{**case, f: length, s: stride} for case in chosen], _box_values(length, stride))
            for length, stride in boxes
        )
        return _tried(claim, trials)

    return Check(route, confront)


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


def near_plateau(claim: Any, boxes: Boxes) -> str:
    """Attain a bound on D_2 to five digits: a box, then a long parabola."""
    evidence = [
        agree(
            claim,
            [{k: 2, f: length, s: stride}],
            {y.D: partial(_before_parabola, length, stride)},
            tight=True,
            digits=5,
        )
        for length, stride in boxes
    ]
    return summary(evidence, "boxes")


@cache
def _before_parabola(length: int, stride: int, layer: int) -> Any:
    """D_2 of a box followed by a parabola, to 40 digits."""
    if layer != 2:
        raise IndexError(f"layer {layer} was not pooled")
    *_, (sites, _) = composites([([Fraction(1)] * length, stride), (PARABOLA, 1)])
    taps = [Fraction(site) for site in sites]
    return number(1 - autocorrelation(taps, 1) / autocorrelation(taps, 0)).evalf(40)


def attained_overlap(claim: Any, boxes: Boxes) -> str:
    """Confront the overlap of C_k at distance s^(k-1), sites per residue class counted."""
    evidence = []
    for length, stride in boxes:
        part = _pooled_box(length // stride, stride)
        for layer in LAYERS:
            reach = range((length // stride) * stride**layer)
            sites = [at for at in reach if part.filter(layer, at)]
            count = max(Counter(at % stride ** (layer - 1) for at in sites).values())
            if count > max(1, -(-(length - stride) // (stride - 1))):
                refute(f"{count} sites per class in layer {layer} of {length}, {stride}")
            case = {k: layer, n: count, f: length, s: stride}
            tight = length <= 2 * stride
            evidence.append(agree(claim, [case], _box_values(length, stride), tight=tight))
    return summary(evidence, "trials")


def by_plateaus(claim: Any, boxes: Boxes) -> str:
    """Confront a claim about the limit of D_k with exact recurrences, and beta with rates."""
    trials = (
        ([{f: length, s: stride, y.plateau: far_sensitivity((1,) * length, stride)}], law_values())
        for length, stride in boxes
    )
    return _tried(claim, trials)


def by_growth(claim: Any, boxes: Boxes) -> str:
    """Confront an identity of measured exponents of boxes."""
    return _tried(claim, (([{f: length, s: stride}], law_values()) for length, stride in boxes))


def stable_exponents(claim: Any, boxes: Boxes) -> str:
    """Confront alpha of boxes with growth rates."""
    evidence = []
    for case in _rates(boxes, (1, 2)):
        # Only the branch that applies is evaluated: f/s may be no length.
        try:
            claimed = claim.subs({f: case[f], s: case[s]})
        except TypeError:
            refute(f"{claim} is undefined at {case}")
        evidence.append(agree(claimed, [{y.alpha: case[y.alpha]}], law_values()))
    return summary(evidence, "boxes and dimensions")


def by_noise(claim: Any, boxes: Boxes, dim: Any) -> str:
    """Confront beta with growth rates, and rho with dense matrices."""
    return agree(claim, _rates(boxes, dimensions(dim)))


@cache
def _rate(length: int, stride: int) -> tuple[Any, Any, Any]:
    """Measured alpha and beta of a box, and the spectral radius of the dense operator."""
    weights = (1,) * length
    radius = spectral_radius((number(Fraction(1, length)),) * length, stride)
    return measured_alpha(weights, stride), measured_beta(weights, stride), radius


def _rates(boxes: Boxes, dims: Iterable[int]) -> Cases:
    cases = []
    for (length, stride), dim in ((box, dim) for box in boxes for dim in dims):
        alpha, beta, radius = _rate(length, stride)
        case = {f: length, s: stride, d: dim, y.alpha: alpha, y.beta: dim * beta, y.rho: radius}
        cases.append(case)
    return cases


def on_tori(claim: Any, dim: Any) -> str:
    """Confront D_k of boxes with stride = length with all moves and pairs on small tori."""
    trials = (
        (
            [{s: stride, k: layer, y.N: size, d: axes} for layer in range(1, depth + 1)],
            {y.D: _torus(stride, size, axes, depth).sensitivity},
        )
        for stride, size, axes, depth in TORI
        if dim in (d, axes)
    )
    return _tried(claim, trials, "tori")


@cache
def _torus(stride: int, size: int, dim: int, depth: int) -> Torus:
    return Torus([((1,) * stride, stride)] * depth, size, dim)


def _noise_parts(
    stride: int, depth: int, sizes: tuple[int, ...], dim: int, rectify: str | None, layer: int
) -> tuple[float, float]:
    """Parts of G_k by the mean and by the variance, on tori extrapolated to infinite size."""
    layers = (((1,) * stride, stride),) * depth
    return infinite_sensitivity(layers, layer, dim, rectify, sizes)


def noisy_tori_check(dim: Any, rectify: str | None) -> Check:
    """Check G_k of boxes with stride = length with tori extrapolated to infinite size."""

    def confront(claim: Any, axes: int) -> str:
        trials = []
        for stride, depth, sizes in LARGE[axes]:
            parts = partial(_noise_parts, stride, depth, sizes, axes, rectify)
            values = {
                y.G: lambda layer, parts=parts: sum(parts(layer)),
                y.A: _box_values(stride, stride)[y.A],
            }
            cases = [{s: stride, k: layer, d: axes} for layer in range(depth + 1)]
            trials.append((cases, values))
        return _tried(claim, trials, digits=11)

    route = "noise pooled on tori of several sizes, extrapolated to infinite size; $s = 2, 3$"
    return check_in(dimensions(dim), route, confront)


def crossover_check(dim: Any, rectify: str | None) -> Check:
    """Check the crossover with the power law through the two parts of G_0 and G_1 on tori."""

    def confront(claim: Any, axes: int) -> str:
        stride, _, sizes = LARGE[axes][0]
        parts = [_noise_parts(stride, 1, sizes, axes, rectify, layer) for layer in (0, 1)]
        drift, spread = zip(*parts, strict=True)
        slope = math.log(drift[1] / drift[0]) / math.log(stride)
        scale = (spread[0] / drift[0]) ** (1 / slope)
        return agree(claim, [{y.crossover: sp.Float(scale), d: axes}], digits=10)

    route = "the power law through the pooled mean of the noise at two layers, on tori"
    return check_in(dimensions(dim), route, confront)


def linear_noise_check(dim: Any) -> Check:
    """Check beta with the exponent of linear noise between layers 0 and 1, to ten decimals."""

    def confront(claim: Any, axes: int) -> str:
        stride, _, sizes = LARGE[axes][0]
        first, second = (sum(_noise_parts(stride, 1, sizes, axes, None, k)) for k in (0, 1))
        exponent = round(1e10 * math.log(second / first, stride))
        return agree(claim, [{y.beta: sp.Rational(exponent, 10**10), d: axes}])

    route = "linear noise pooled on tori: its local exponent"
    return check_in(dimensions(dim), route, confront)
