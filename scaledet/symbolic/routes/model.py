"""Confront the model with small tori: every pixel, unit, move and outcome of the noise is tried."""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.reference.noise import gaussian_sensitivity, infinite_sensitivity
from scaledet.reference.quadrature import gaussian_moments
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check
from scaledet.symbolic.routes.checks import DIMS, check_in
from scaledet.symbolic.routes.noise import LAWS, TORI, exact
from scaledet.symbols import L, d, k, sigma

INPUTS = {dim: Torus([([1, 2, 4], 1)], size, dim) for dim, size in ((1, 7), (2, 4), (3, 3))}
LAYER = (((1, 2, 4), 2),)
LAYERS = (0, 1, 2)


def units(claim: Any) -> str:
    """Confront a claim about single units with networks of positive biases."""
    count = 0
    for torus in TORI.values():
        cases = [
            {k: layer, y.i: unit, y.p: pixel}
            for layer in LAYERS
            for unit in range(torus.features(layer).shape[1])
            for pixel in range(torus.pixels)
        ]
        values = {
            y.output: torus.output,
            y.unit: partial(torus.output, real=False),
            y.bias: partial(_bias, torus),
        }
        agree(claim, cases, values)
        count += len(cases)
    return f"exact for {count} units in d = 1, 2, 3"


def _bias(torus: Torus, layer: int) -> Fraction:
    return Fraction(torus.biases[layer - 1], torus.scale(layer))


def ratio_check() -> Check:
    """Check a claim about D_k, G_k and R_k with all moves and all outcomes of a noise."""
    return check_in(
        DIMS,
        "all displacements, and all outcomes of a noise of few values",
        lambda claim, dim: agree(claim, [{k: layer} for layer in LAYERS], _sensitivities(dim)),
    )


@lru_cache
def _sensitivities(dim: int) -> dict[Any, Any]:
    """D_k, G_k and R_k, each from its definition."""
    torus = TORI[dim]
    moved = [torus.displacement(layer) for layer in LAYERS]
    noisy = [LAWS[dim].energy(torus, layer, "input") for layer in LAYERS]
    return {
        y.D: torus.sensitivity,
        y.G: lambda layer: noisy[layer] / torus.distance(layer),
        y.R: lambda layer: moved[layer] / noisy[layer],
    }


def input_check(route: str) -> Check:
    """Check a claim about layer 0 with all pixels, moves and pairs of images."""

    def confront(claim: Any, dim: int) -> str:
        torus = INPUTS[dim]
        values = {y.D: torus.sensitivity, y.Q: torus.distance}
        return agree(claim, [{d: dim, L: torus.pixels}], values)

    return check_in(DIMS, route, confront)


def pair_moves(claim: Any) -> str:
    """Confront the energy of two moves with all of them, on tori that no walk wraps around."""
    count = 0
    for dim in DIMS:
        torus = Torus([], 8, dim)
        for offset in itertools.product(range(4), repeat=dim):
            if 0 < sum(offset) <= 3:
                other = int(np.ravel_multi_index(offset, [torus.size] * dim))
                energy = torus.pair_change(0, {(0, other): Fraction(1)})
                values = {y.walks: partial(torus.walks, start=0, end=other)}
                case = {d: dim, L: torus.pixels, sigma: sp.sqrt(energy / sp.Integer(torus.pixels))}
                agree(claim, [case], values)
                count += 1
    return f"exact for {count} displacements in d = 1, 2, 3"


def noisy_input(claim: Any) -> str:
    """Confront a claim about the noise at the input with quadrature, pixel by pixel."""
    count = 0
    for torus in INPUTS.values():
        for width in (mpmath.mpf("0.3"), mpmath.mpf(2)):
            values = {y.G: partial(_noisy, torus, width), y.Q: torus.distance}
            agree(claim, [{L: torus.pixels, sigma: exact(width)}], values, digits=11)
            count += 1
    return f"to 11 digits in {count} cases"


@lru_cache
def _noisy(torus: Torus, width: Any, layer: int) -> float:
    return sum(gaussian_sensitivity(torus, layer, gaussian_moments(width, "input")))


def noisy_large_input(claim: Any) -> str:
    """Confront a claim about matched noise at the input with tori extrapolated to infinite size."""
    for dim in (2, 3):
        agree(claim, [{}], {y.G: partial(_unbounded, dim)}, digits=11)
    return "to 11 digits in d = 2, 3"


def _unbounded(dim: int, layer: int) -> float:
    return sum(infinite_sensitivity(LAYER, layer, dim, "input", (12, 18, 24)))
