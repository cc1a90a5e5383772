"""Matched noise pooled by boxes on tori and extrapolated to infinite size."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import refute
from scaledet.reference.noise import endless_parts, extrapolated, infinite_sensitivity
from scaledet.reference.quadrature import gaussian_moments
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check
from scaledet.symbols import d, k, s

DEPTHS = {(1, 2): 2, (1, 3): 2, (2, 2): 2, (2, 3): 1, (3, 2): 2, (3, 3): 1}
"""Depth tried for dimension and length of boxes whose stride is their length."""
SMALLEST = {1: 160, 2: 14, 3: 6}
"""Sides of tori on which exp(-L/4) is negligible."""
LENGTHS = (1, 2, 3, 4, 5)
"""Boxes through which a curve is drawn."""
WINDOW = 5
"""Layers of a fit."""
FLAT = {
    1: ((4, 8, 16, 32), (128, 192)),
    2: ((4, 8, 16, 32), (64, 96)),
    3: ((5, 10, 15, 20), (40, 48)),
}
"""Depths and sizes without stride; the filters stay far narrower than the torus."""


def box_parts(dim: int, length: int, layer: int, depth: int | None = None) -> tuple[float, float]:
    """Parts of G_k, f = s = `length`, by the mean and by the fluctuations of the noise."""
    layers = (((1,) * length, length),) * (layer if depth is None else depth)
    return infinite_sensitivity(layers, layer, dim, "input", _sizes(dim, length ** len(layers)))


def _sizes(dim: int, stride: int) -> tuple[int, int]:
    """Two sides, multiples of the stride, from which to extrapolate."""
    blocks = max(3, math.ceil(SMALLEST[dim] / stride))
    return blocks * stride, (blocks + 1) * stride


def total_noise(dim: int, length: int, layer: int) -> float:
    """G_k, f = s = `length`."""
    return sum(box_parts(dim, length, layer))


@lru_cache
def late_noise(dim: int, length: int, layer: int) -> float:
    """G_k of Gaussian noise that is first rectified after layer 1, f = s = `length`."""
    box = ((1,) * length, length)
    height, variance = _first_layer(dim, length)
    tori, moments = [], []
    for size in _sizes(dim, length**layer):
        tori.append(Torus([box] * (layer - 1), size, dim))
        width = mpmath.sqrt(2 * variance / (tori[-1].pixels * length**dim))
        moments.append(gaussian_moments(width, "input", height))
    return float(sum(endless_parts(tori, layer - 1, moments)) / height**2)


def _first_layer(dim: int, length: int) -> tuple[Any, Any]:
    """Height of the active unit, and variance of a unit at unit noise; units are independent."""
    torus = Torus([((1,) * length, length)], 3 * length, dim)
    matrix = torus.features(1)
    covariance = matrix.T @ matrix
    if np.any(covariance != np.diag(np.diag(covariance))) or len(set(np.diag(covariance))) > 1:
        refute("layer 1 leaves noise that is not white")
    scale = mpmath.mpf(torus.scale(1))
    return int(matrix.max()) / scale, int(covariance[0, 0]) / scale**2


def boxes_check(route: str, quantity: Any, noise: Callable[[int, int, int], float]) -> Check:
    """Confront a claim on `quantity`(k) with `noise`(dimension, length, layer)."""

    def confront(claim: Any) -> str:
        for (dim, length), depth in DEPTHS.items():
            cases = [{d: dim, s: length, k: layer} for layer in range(1, depth + 1)]
            agree(claim, cases, {quantity: partial(noise, dim, length)}, digits=9)
        return f"to 9 digits in {sum(DEPTHS.values())} cases, s = 2, 3 and d = 1, 2, 3"

    return Check(route, confront)


def prefactor(claim: Any, dim: int) -> str:
    """Confront the amplitude of A_k^d without stride."""
    agree(claim, [{d: dim, y.prefactor: flat_prefactor(dim)}], digits=4)
    return "to 4 digits"


def growth(claim: Any, dim: int) -> str:
    """Confront beta with boxes f = s = 2 and with boxes of 3 without stride."""
    noise = [total_noise(dim, 2, layer) for layer in range(3)]
    rate = sp.Float((noise[2] - noise[1]) / (noise[1] - noise[0]))
    agree(claim, [{d: dim, y.beta: sp.log(rate, 2)}], digits=9)
    first, last = FLAT[dim][0][-2:]
    rate = sp.Float(flat_drift(dim, last) / flat_drift(dim, first))
    widths = sp.Rational(1 + 8 * last, 1 + 8 * first)
    agree(claim, [{d: dim, y.beta: 2 * sp.log(rate) / sp.log(widths)}], digits=2)
    return "to 9 and 2 digits"


@lru_cache
def flat_drift(dim: int, depth: int) -> float:
    """Part of G_k by the mean of the noise, boxes of 3 without stride."""
    layers = (((1, 1, 1), 1),) * depth
    return infinite_sensitivity(layers, depth, dim, "input", FLAT[dim][1])[0]


@lru_cache
def flat_prefactor(dim: int) -> float:
    """Limit of that part over A_k^d; boxes of 3 have A_k^2 = 1 + 8 k."""
    squares = [1 + 8 * depth for depth in FLAT[dim][0]]
    ratios = [
        flat_drift(dim, depth) / square ** (dim / 2)
        for depth, square in zip(FLAT[dim][0], squares, strict=True)
    ]
    return extrapolated([1 / square for square in squares], ratios)


def balance(dim: int, length: int) -> float:
    """Scale at which mean and fluctuations are equal: the mean goes as A^d."""
    drift, spread = box_parts(dim, length, 1)
    return float(length * (spread / drift) ** (1 / dim))


@lru_cache
def _curve(dim: int) -> Any:
    """Cubic through G of one box of 1 to 5 pixels, whose width is its length."""
    noise = [total_noise(dim, length, 1) for length in LENGTHS]
    curve = np.polynomial.Polynomial.fit(LENGTHS, noise, deg=3)
    if not np.allclose(curve(np.array(LENGTHS)), noise, rtol=1e-11, atol=0):
        refute("five values of G do not lie on a cubic")
    return curve


def local_slope(dim: int, scale: float) -> float:
    """Slope of log G against log A at A = `scale`."""
    curve = _curve(dim)
    return float(scale * curve.deriv()(scale) / curve(scale))


@lru_cache
def reached(dim: int, error: float) -> float:
    """Scale at which the differentiated curve comes within `error` of d, by bisection."""
    low, high = 1.0, 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        below = local_slope(dim, middle) < (1 - error) * dim
        low, high = (middle, high) if below else (low, middle)
    return low


@lru_cache
def fitted_slope(dim: int, stride: int, start: int) -> float:
    """Slope of the straight line that numpy fits to log G against log A."""
    depths = range(start, start + WINDOW)
    noise = [sum(box_parts(dim, stride, at, depths[-1])) for at in depths]
    return float(np.polyfit(np.log(stride) * np.array(depths), np.log(noise), 1)[0])
