"""One active pixel in 1, 2 and 3 dimensions, its overlaps, moves and weights counted on tori."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from functools import cache, partial
from typing import Any

import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import number
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import Case
from scaledet.symbols import d, k, m_1, m_2, rho, rho_drop, s

SKEW = (([1, 2, 4], 1), ([1, 3], 2), ([2, 1], 1), ([3, 1], 3))
WIDE = (Torus(SKEW, 18), Torus(SKEW, 18, 2), Torus((([1, 2], 2), ([3, 1], 3)), 6, 3))
"""Tori so wide that no filter meets itself: one pixel sees the infinite lattice."""
BOXES = ((2, 2, 8, 3), (2, 3, 9, 3), (3, 3, 18, 2), (2, 4, 16, 2), (3, 5, 25, 1))
"""Length and stride of boxes whose c_k(0) is a pure power; size and largest dimension of tori."""
LAGS = (-2, -1, 0, 1, 3)


def _infinite_sensitivity(torus: Torus, layer: int) -> Fraction:
    """D_k where two far images differ by twice the square of one."""
    return torus.displacement(layer) / (2 * torus.square(layer))


def _places() -> Iterator[tuple[Torus, int]]:
    return ((torus, layer) for torus in WIDE for layer in range(len(torus.layers) + 1))


def wide_tori() -> Iterator[Case]:
    """c_k and D_k on wide tori, as on the infinite lattice."""
    for torus, layer in _places():
        sensitivity = partial(_infinite_sensitivity, torus)
        yield {k: layer, d: torus.dim, y.c: torus.correlation, y.D: sensitivity}


def plane() -> Iterator[Case]:
    """Autocorrelations along one axis and in two dimensions, at 25 lags."""
    for layer, *lag in itertools.product(range(5), LAGS, LAGS):
        values = {y.c: WIDE[1].correlation, y.site_correlation: _site_correlation}
        yield {k: layer, m_1: lag[0], m_2: lag[1], **values}


@cache
def _site_correlation(layer: int, *lag: int) -> Fraction:
    torus = WIDE[1]
    return torus.pair_overlap(layer, torus.at_lag(*lag)) * torus.stride(layer) ** 2


@cache
def powers() -> list[Case]:
    """Exponents from layers 1 and 2 of boxes whose c_k(0) is a pure power."""
    cases: list[Case] = []
    for length, stride, size, dims in BOXES:
        for dim in range(1, dims + 1):
            torus = Torus([([1] * length, stride)] * 2, size, dim)
            layers = zip(*(_powers(torus, layer) for layer in (1, 2)), strict=True)
            peak, drop, moved, square = (number(second / first) for first, second in layers)
            exponents = {y.alpha: -sp.log(moved, stride), y.beta: -sp.log(square, stride)}
            cases.append({rho: peak, rho_drop: drop, s: stride, d: dim, **exponents})
    return cases


def _powers(torus: Torus, layer: int) -> tuple[Fraction, ...]:
    """c_k(0), c_k(0) - c_k(1), D_k, and the square of one pixel over that of a constant image."""
    peak = torus.correlation(layer, 0)
    drop = peak - torus.correlation(layer, 1)
    square = torus.stride(layer) ** torus.dim * torus.square(layer)
    return peak, drop, _infinite_sensitivity(torus, layer), square


def widths() -> Iterator[Case]:
    """Width along the last axis of the filter of one unit; the variance of that of a line."""
    for torus, layer in _places():
        values = {y.spread: partial(_variance, torus.line), y.A: partial(_width, torus)}
        yield {k: layer, d: torus.dim, **values}


def _variance(torus: Torus, layer: int) -> Any:
    return _covariance(torus, layer)[-1, -1]


def _width(torus: Torus, layer: int) -> Any:
    return sp.sqrt(1 + 12 * _variance(torus, layer))


def volumes() -> Iterator[Case]:
    """Volume of the filter of one unit by its covariance; the width of that of a line."""
    for torus, layer in _places():
        values = {y.A: partial(_volume, torus.line), y.volume: partial(_volume, torus)}
        yield {k: layer, d: torus.dim, **values}


def _volume(torus: Torus, layer: int) -> Any:
    return sp.sqrt((sp.eye(torus.dim) + 12 * _covariance(torus, layer)).det())


@cache
def _covariance(torus: Torus, layer: int) -> Any:
    """Covariance of the filter of output unit 0 read as a law on the sites."""
    weights = torus.features(layer)[:, 0]
    sites = np.indices([torus.size] * torus.dim).reshape(torus.dim, -1)
    total, means, squares = int(weights.sum()), sites @ weights, (sites * weights) @ sites.T

    def entry(a: int, b: int) -> Any:
        return sp.Rational(int(squares[a, b]) * total - int(means[a] * means[b]), total**2)

    return sp.Matrix(torus.dim, torus.dim, entry)
