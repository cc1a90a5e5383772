"""Boxes: matched noise pooled on tori and extrapolated to infinite size, and deep filters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import bisect

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.network.kernel import box
from scaledet.reference.exact import refute
from scaledet.reference.layers import UnequalLayers, noise_sensitivity
from scaledet.reference.noise import endless_parts, extrapolated, infinite_sensitivity
from scaledet.reference.quadrature import DIGITS, gaussian_moments
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import Case, agree
from scaledet.symbolic.routes.noise import exact
from scaledet.symbolic.routes.series import exact_correlation
from scaledet.symbols import A, crossover, d, f, k, s, tolerance, width

DEPTHS = {
    1: {2: 4, 3: 3, 4: 2, 5: 1},
    2: {2: 3, 3: 1, 4: 1, 5: 1},
    3: {2: 2, 3: 1, 4: 1, 5: 1},
}
"""Depth tried, by dimension and by length of boxes whose stride is their length."""
SMALLEST = {1: 160, 2: 14, 3: 6}
"""Sides of tori on which exp(-L/4) is negligible."""
LENGTHS = (1, 2, 3, 4, 5)
"""Boxes through which a curve is drawn."""
WINDOW = 5
"""Layers of a fit."""
WINDOWS = (
    (1, 2, 3),
    (1, 2, 0),
    (1, 2, 1),
    (1, 2, 2),
    (2, 2, 0),
    (3, 2, 0),
    (3, 4, 1),
    (3, 5, 0),
    (1, 3, 0),
)
"""Dimension, stride and first layer of the fits."""
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
    torus = Torus([((1,) * length, length)], 2 * length, dim)
    matrix = torus.features(1)
    covariance = matrix.T @ matrix
    if np.any(covariance != np.diag(np.diag(covariance))) or len(set(np.diag(covariance))) > 1:
        refute("layer 1 leaves noise that is not white")
    scale = mpmath.mpf(torus.scale(1))
    return int(matrix.max()) / scale, int(covariance[0, 0]) / scale**2


def by_boxes(dim: int, noise: Callable[[int, int, int], float], first: int = 0) -> list[Case]:
    """Cases of G_k of boxes f = s from layer `first`, from `noise`(dimension, length, layer)."""
    return [
        {d: dim, s: length, k: layer, y.G: partial(noise, dim, length)}
        for length, depth in DEPTHS[dim].items()
        for layer in range(first, depth + 1)
    ]


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
    """Limit of that part over A_k^d."""
    return flat_limit(dim, FLAT[dim][0], partial(flat_drift, dim))


def flat_limit(dim: int, depths: Sequence[int], noise: Callable[[int], float]) -> float:
    """Limit of noise(k) over A_k^d; boxes of 3 without stride have A_k^2 = 1 + 8 k."""
    squares = [1 + 8 * depth for depth in depths]
    ratios = [
        noise(depth) / square ** (dim / 2) for depth, square in zip(depths, squares, strict=True)
    ]
    return extrapolated([1 / square for square in squares], ratios)


def one_box(dim: int) -> list[Case]:
    """G_k of boxes f = s, which are one box of width s^k."""
    return [
        {**case, y.prefactor: 1 / (2 * sp.pi), A: partial(pow, case[s])}
        for case in by_boxes(dim, total_noise)
    ]


def balance(dim: int, length: int) -> float:
    """Scale at which mean and fluctuations are equal: the mean goes as A^d."""
    drift, spread = box_parts(dim, length, 1)
    return float(length * (spread / drift) ** (1 / dim))


def balanced(dim: int) -> list[Case]:
    """Amplitudes of the mean, and scales at which it equals the fluctuations."""
    return [
        {
            d: dim,
            y.prefactor: box_parts(dim, length, 1)[0] / length**dim,
            crossover: balance(dim, length),
        }
        for length in (2, 3)
    ]


def flat_balance(dim: int) -> float:
    """Scale at which the mean weighs as much without stride as the fluctuations of one box."""
    return float((box_parts(dim, 2, 1)[1] / flat_prefactor(dim)) ** (1 / dim))


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


def on_curve(dim: int) -> list[Case]:
    """Local exponents at three scales."""
    case = {d: dim, crossover: balance(dim, 2)}
    return [{**case, width: at, y.beta_local: local_slope(dim, at)} for at in (1.5, 3.0, 8.0)]


def where_reached(dim: int) -> list[Case]:
    """Scale at which the differentiated curve comes within a tolerance of d, by bisection."""
    cases: list[Case] = []
    for parts in (4, 20, 100):
        at = bisect(lambda scale, p=parts: local_slope(dim, scale) - (1 - 1 / p) * dim, 1, 1000)
        case = {d: dim, tolerance: sp.Rational(1, parts), crossover: balance(dim, 2), width: at}
        strides = (2, 3, 4, 5)
        cases += [{**case, s: stride, k: math.log(at) / math.log(stride)} for stride in strides]
    return cases


def fitted() -> list[Case]:
    """Slopes of the straight line that numpy fits to log G against log A."""
    cases: list[Case] = []
    for dim, stride, start in WINDOWS:
        depths = range(start, start + WINDOW)
        noise = [_fitted_noise(dim, stride, at) for at in depths]
        slope = np.polyfit(np.log(stride) * np.array(depths), np.log(noise), 1)[0]
        cases.append({d: dim, s: stride, k: start, y.beta_fit: float(slope)})
    return cases


def _fitted_noise(dim: int, stride: int, layer: int) -> float:
    """G_k on tori; in three dimensions, where they grow too large, from the weights of a unit."""
    if dim < 3:
        return total_noise(dim, stride, layer)
    box = UnequalLayers([([Fraction(1, stride)] * stride, stride)] * layer)
    return float(noise_sensitivity(box, dim, "input", layer))


@lru_cache
def deep_correlation(length: int, depth: int, lag: int = 0) -> Any:
    """c_k(lag) of boxes without stride, from the exact composite filter."""
    with mpmath.workdps(DIGITS):
        return mpmath.mpmathify(exact_correlation(box(length), depth, lag))


def deep_boxes(dim: int = 1) -> list[Case]:
    """Correlations and local exponents of boxes without stride, many layers deep."""
    scale = (sp.pi - 1) ** sp.Rational(1, dim) * sp.sqrt(3 / sp.pi)
    cases: list[Case] = []
    for length, depth in ((5, 60), (2, 160), (3, 100), (4, 80)):
        beta, alpha = _deep_slopes(length, depth, dim)
        area = sp.sqrt(1 + depth * (length**2 - 1))
        case = {d: dim, f: length, k: depth, width: area, crossover: scale}
        case[y.c] = lambda at, lag, f=length: exact(deep_correlation(f, at, lag))
        cases.append({**case, y.beta_local: beta, y.alpha_local: alpha})
    return cases


@lru_cache
def _deep_slopes(length: int, depth: int, dim: int) -> tuple[Any, Any]:
    """Slopes of log G and -log D against log A at this depth, from nine layers around it."""
    near = range(depth - 4, depth + 5)
    with mpmath.workdps(DIGITS):
        places = [mpmath.log(1 + at * (length**2 - 1)) / 2 for at in near]
        known = [(deep_correlation(length, at), deep_correlation(length, at, 1)) for at in near]
        noise = [mpmath.log(mpmath.pi - 1 + peak**-dim) for peak, _ in known]
        drops = [-mpmath.log(1 - beside / peak) for peak, beside in known]
        # The polynomial through all, in powers of the distance from the place in the middle.
        powers = mpmath.matrix([[(x - places[4]) ** n for n in range(9)] for x in places])
        first, second = (mpmath.lu_solve(powers, mpmath.matrix(v))[1] for v in (noise, drops))
        return exact(first), exact(second)
