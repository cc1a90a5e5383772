"""The model on small tori and pooled images: every pixel, unit, move and outcome of the noise."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.reference.exact import number
from scaledet.reference.noise import gaussian_sensitivity, infinite_sensitivity
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.quadrature import gaussian_moments
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import Case
from scaledet.symbolic.routes.checks import DIMS
from scaledet.symbolic.routes.noise import LAWS, TORI, exact
from scaledet.symbols import L, d, f, k, s, sigma

INPUTS = [
    Torus([([1, 2, 4], 1)], size, dim) for dim, size in ((1, 7), (1, 5), (2, 4), (2, 3), (3, 3))
]
LAYERS = range(5)
SKEW = [Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)]


def units() -> Iterator[Case]:
    """Single units of networks with positive biases, and the same units of linear networks."""
    for torus in (tori[0] for tori in TORI.values()):
        values = {
            y.output: torus.output,
            y.unit: partial(torus.output, real=False),
            y.bias: partial(_bias, torus),
        }
        for layer in LAYERS:
            places = map(range, torus.features(layer).shape)
            for pixel, unit in itertools.product(*places):
                yield {**values, k: layer, y.i: unit, y.p: pixel}


def _bias(torus: Torus, layer: int) -> Fraction:
    return Fraction(torus.biases[layer - 1], torus.scale(layer))


def sensitivities() -> Iterator[Case]:
    """D_k, G_k and R_k: all displacements, and all outcomes of a noise."""
    return ({**_sensitivities(dim), k: layer} for dim in DIMS for layer in LAYERS)


@lru_cache
def _sensitivities(dim: int) -> dict[Any, Any]:
    """D_k, G_k and R_k, each from its definition."""
    torus = TORI[dim][0]
    moved = [torus.displacement(layer) for layer in LAYERS]
    noisy = [LAWS[dim].energy(torus, layer, "input") for layer in LAYERS]
    return {
        y.D: torus.sensitivity,
        y.G: lambda layer: noisy[layer] / torus.distance(layer),
        y.R: lambda layer: moved[layer] / noisy[layer],
    }


IMAGES: list[Case] = [
    {d: torus.dim, L: torus.pixels, y.D: torus.sensitivity, y.Q: torus.distance} for torus in INPUTS
]
"""Layer 0: all pixels, moves and pairs of images."""


def pair_moves() -> Iterator[Case]:
    """Energies of all pairs of moves of two pixels, on tori that no walk wraps around."""
    for dim, size in ((1, 8), (1, 9), (2, 8), (3, 8)):
        torus = Torus([], size, dim)
        for offset in itertools.product(range(4), repeat=dim):
            if 0 < sum(offset) <= 3:
                other = int(np.ravel_multi_index(offset, [torus.size] * dim))
                width = sp.sqrt(
                    number(torus.pair_change(0, {(0, other): Fraction(1)}) / torus.pixels)
                )
                walks = partial(torus.walks, start=0, end=other)
                yield {d: dim, L: torus.pixels, sigma: width, y.walks: walks}


@lru_cache
def _noisy(torus: Torus, width: Any, layer: int) -> float:
    return sum(gaussian_sensitivity(torus, layer, gaussian_moments(width, "input")))


NOISY_INPUT: list[Case] = [
    {**case, sigma: exact(width), y.G: partial(_noisy, torus, width)}
    for torus, case in zip(INPUTS, IMAGES, strict=True)
    for width in (mpmath.mpf("0.3"), mpmath.mpf(2))
]
"""Noise at the input by quadrature, pixel by pixel."""


def _unbounded(dim: int, layer: int) -> float:
    return sum(infinite_sensitivity((((1, 2, 4), 2),), layer, dim, "input", (12, 18, 24)))


NOISY_LARGE_INPUT: list[Case] = [{y.G: partial(_unbounded, dim)} for dim in (2, 3)]
"""Matched noise at the input, from tori extrapolated to infinite size."""


def boxes() -> Iterator[Case]:
    """Variances of one layer, a box of length 1 to 6."""
    return ({f: length, y.spread: _box(length, 2).variance} for length in range(1, 7))


def _box(length: int, stride: int) -> PooledPixel:
    return PooledPixel([([Fraction(1, length)] * length, stride)])


def disjoint_boxes() -> Iterator[Case]:
    """Variances, and the sites that a unit sees, of networks whose filter is a box."""
    for length in (2, 3, 5):
        pooled = _box(length, length)
        for layer in (0, 1, 2, 3):
            yield {k: layer, y.A: pooled.support, y.spread: pooled.variance}


def equal_layers() -> Iterator[Case]:
    """Variances of equal layers with a skew filter at three strides."""
    for stride in (1, 2, 3, 4):
        pooled = PooledPixel([(SKEW, stride)])
        case = {s: stride, y.kappa(2): pooled.variance(1), y.spread: pooled.variance}
        yield from ({**case, k: layer} for layer in (0, 1, 2, 3))
