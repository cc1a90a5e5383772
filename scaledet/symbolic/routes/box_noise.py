"""Matched noise pooled by boxes on tori and extrapolated to infinite size, for d06 and d07."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from scaledet.reference.exact import refute
from scaledet.reference.noise import extrapolated, infinite_sensitivity
from scaledet.symbolic.claims import agree
from scaledet.symbols import d, k, s

__all__ = ["DIMS", "FLAT", "LENGTHS", "WINDOW", "balance", "box_parts", "box_sizes",
           "fitted_slope", "flat_drift", "flat_prefactor", "local_slope", "on_boxes", "reached",
           "total_noise"]  # fmt: skip

DIMS = (1, 2, 3)

DEPTHS = {(1, 2): 2, (1, 3): 2, (2, 2): 2, (2, 3): 1, (3, 2): 2, (3, 3): 1}
"""Depth tried for dimension and length of boxes whose stride is their length."""

SMALLEST = {1: 160, 2: 14, 3: 6}
"""Sides of tori on which exp(-L/4) is negligible."""

LENGTHS = (1, 2, 3, 4, 5)
"""Boxes through which a curve is drawn."""

WINDOW = 5
"""Layers of a fit."""

FLAT = {
    1: ((4, 8, 16, 32), (128, 192)), 2: ((4, 8, 16, 32), (64, 96)), 3: ((5, 10, 15, 20), (40, 48)),
}  # fmt: skip
"""Depths and sizes without stride; the filters stay far narrower than the torus."""


def box_parts(dim: int, length: int, layer: int, depth: int | None = None) -> tuple[float, float]:
    """Parts of G_k, f = s = `length`, by the mean and by the fluctuations of the noise."""
    layers = (((1,) * length, length),) * (layer if depth is None else depth)
    sizes = box_sizes(dim, length ** len(layers))
    return infinite_sensitivity(layers, layer, dim, "input", sizes)


def box_sizes(dim: int, stride: int) -> tuple[int, int]:
    """Two sides, multiples of the stride, from which to extrapolate."""
    blocks = max(3, math.ceil(SMALLEST[dim] / stride))
    return blocks * stride, (blocks + 1) * stride


def on_boxes(quantity: Any, route: Callable[[int, int, int], float], claim: Any) -> str:
    """Confront a claim on `quantity`(k) with `route`(dimension, length, layer)."""
    count = 0
    for (dim, length), depth in DEPTHS.items():
        values = {quantity: partial(route, dim, length)}
        agree(claim, [{d: dim, s: length, k: at} for at in range(1, depth + 1)], values, digits=9)
        count += depth
    return f"to 9 digits in {count} cases, s = 2, 3 and d = 1, 2, 3"


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


def total_noise(dim: int, length: int, layer: int) -> float:
    """G_k, f = s = `length`."""
    return sum(box_parts(dim, length, layer))


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
        low, high = (
            (middle, high) if local_slope(dim, middle) < (1 - error) * dim else (low, middle)
        )
    return low


@lru_cache
def fitted_slope(dim: int, stride: int, start: int) -> float:
    """Slope of the straight line that numpy fits to log G against log A."""
    depths = range(start, start + WINDOW)
    noise = [sum(box_parts(dim, stride, at, depths[-1])) for at in depths]
    return float(np.polyfit(np.log(stride) * np.array(depths), np.log(noise), 1)[0])
