"""One active pixel in 1, 2 and 3 dimensions, its overlaps, moves and weights counted on tori."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from functools import cache, partial
from typing import Any

import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import number
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import agree
from scaledet.symbols import d, k, m_1, m_2, rho, rho_drop, s

SKEW = (([1, 2, 4], 2), ([1, 3], 3))
WIDE = (Torus(SKEW, 12), Torus(SKEW, 12, 2), Torus((([1, 2], 2), ([3, 1], 3)), 6, 3))
"""Tori so wide that no filter meets itself: one pixel sees the infinite lattice."""
BOXES = ((2, 2, 8, 3), (2, 3, 9, 3), (3, 3, 18, 2))
"""Length and stride of boxes whose c_k(0) is a pure power; size and largest dimension of tori."""
LAYERS = (0, 1, 2)


def _infinite_sensitivity(torus: Torus, layer: int) -> Fraction:
    """D_k where two far images differ by twice the square of one."""
    return torus.displacement(layer) / (2 * torus.square(layer))


def on_wide_tori(claim: Any) -> str:
    """Confront a claim about D_k on the infinite lattice with wide tori."""
    evidence = []
    for torus in WIDE:
        values = {y.c: torus.correlation, y.D: partial(_infinite_sensitivity, torus)}
        text = agree(claim, [{k: layer, d: torus.dim} for layer in LAYERS], values)
        evidence.append(f"{text} for d = {torus.dim}")
    return ", ".join(evidence)


def in_the_plane(claim: Any) -> str:
    """Confront a claim about the autocorrelation in two dimensions, 25 lags."""
    plane = WIDE[1]

    def correlation(layer: int, *lag: int) -> Fraction:
        return plane.pair_overlap(layer, plane.at_lag(*lag)) * plane.stride(layer) ** 2

    lags = itertools.product((-2, -1, 0, 1, 3), repeat=2)
    cases = [{k: layer, m_1: a, m_2: b} for a, b in lags for layer in LAYERS]
    return agree(claim, cases, {y.c: plane.correlation, y.site_correlation: cache(correlation)})


def by_powers(claim: Any) -> str:
    """Confront an exponent with layers 1 and 2 of boxes whose c_k(0) is a pure power."""
    return agree(claim, _powers())


@cache
def _powers() -> list[dict[Any, Any]]:
    cases = []
    for length, stride, size, dims in BOXES:
        for dim in range(1, dims + 1):
            torus = Torus([([1] * length, stride)] * 2, size, dim)
            cases.append(
                {
                    rho: _growth(partial(torus.correlation, lag=0)),
                    rho_drop: _growth(partial(_drop, torus)),
                    s: stride,
                    d: dim,
                    y.alpha: -sp.log(_growth(partial(_infinite_sensitivity, torus)), stride),
                    y.beta: sp.log(_growth(partial(_drift, torus)), stride),
                }
            )
    return cases


def _growth(quantity: Callable[[int], Fraction]) -> Any:
    return number(quantity(2) / quantity(1))


def _drop(torus: Torus, layer: int) -> Fraction:
    return torus.correlation(layer, 0) - torus.correlation(layer, 1)


def _drift(torus: Torus, layer: int) -> Any:
    """Return the square of a constant image over that of one pixel."""
    return 1 / (torus.stride(layer) ** torus.dim * torus.square(layer))


def by_covariance(claim: Any) -> str:
    """Confront widths with the covariance of the filter of one unit, by axis and as a volume."""
    evidence = []
    for torus in WIDE:
        line = torus.line
        wide = line if claim.has(y.volume) else torus
        values = {
            y.spread: lambda layer, line=line: _covariance(line, layer)[0, 0],
            y.A: lambda layer, torus=wide: sp.sqrt(1 + 12 * _covariance(torus, layer)[-1, -1]),
            y.volume: lambda layer, torus=torus: sp.sqrt(
                (sp.eye(torus.dim) + 12 * _covariance(torus, layer)).det()
            ),
        }
        cases = [{k: layer, d: torus.dim} for layer in LAYERS]
        evidence.append(agree(claim, cases, values))
    return ", ".join(evidence)


@cache
def _covariance(torus: Torus, layer: int) -> Any:
    """Covariance of the filter of output unit 0 read as a law on the sites."""
    weights = torus.features(layer)[:, 0]
    sites = np.indices([torus.size] * torus.dim).reshape(torus.dim, -1)
    total, means, squares = int(weights.sum()), sites @ weights, (sites * weights) @ sites.T

    def entry(a: int, b: int) -> Any:
        return sp.Rational(int(squares[a, b]) * total - int(means[a] * means[b]), total**2)

    return sp.Matrix(torus.dim, torus.dim, entry)
