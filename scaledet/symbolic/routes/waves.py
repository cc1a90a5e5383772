"""A first layer seen through single waves: what no layers behind it can undercut.

Images of one pixel are pooled by the first layer and summed against a wave; no autocorrelation
of the layer's filter is used.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.reference.exact import refute
from scaledet.symbolic.claims import Case, agree
from scaledet.symbolic.routes.layers import BOX_3, FIRST, SMOOTH, Layers, brute, layers
from scaledet.symbols import N, k, n, s

__all__ = ["DIPPING", "behind", "waves"]

DIPPING: Layers = layers(([1, 0, 0, 1, 2], 2))
"""A first layer whose limit the layer behind it can undercut."""
FIRSTS = (DIPPING, layers(([1, 0, 2, 3], 3)), *FIRST)
BEHIND = (
    SMOOTH + BOX_3,
    layers(([3, 1], 1), ([1, 0, 2], 3)),
    layers(([1, 2, 1], 2), ([1, -1, 1], 1), ([2, -1], 1)),
)
"""Layers behind; no sign of their weights is assumed."""
GRID = 20_000
"""Steps from 0 to pi of the angles among which the least is looked for."""
WINDOW = 1500
"""Units over which a long wave is spread."""


def waves() -> list[Case]:
    """Sensitivities of several first layers behind which one wave passes."""
    return [
        {
            s: images.stride(1),
            N: sites,
            n: number,
            y.autocorrelation: partial(images.pooled.correlation, 1),
            y.wave_sensitivity: partial(_sensitivity, first),
        }
        for first in FIRSTS
        for images in [brute(first)]
        for sites in (5, 8, 7, 9)
        for number in (1, 2, 3, 0)
    ]


@cache
def _sensitivity(first: Layers, number: int, sites: int) -> Any:
    """Mean square change by a move over twice the mean square, both of the wave's amplitude."""
    with mpmath.workdps(60):
        turns = mpmath.mpf(2 * number) / sites
        sums = [
            sum(
                height.numerator * mpmath.expjpi(-turns * i) / height.denominator
                for i, height in _image(first, pixel).items()
            )
            for pixel in range(_stride(first) + 1)
        ]
        changes = sum(abs(after - before) ** 2 for before, after in pairwise(sums))
        return sp.Float(mpmath.nstr(changes / (2 * sum(abs(u) ** 2 for u in sums[:-1])), 50), 50)


def behind(claim: Any) -> str:
    """Confront a bound with layers of any sign behind first layers; long waves approach it."""
    count, below = 0, 0
    for first in FIRSTS:
        angle, least = _least(first)
        long = _long_wave(first, angle)
        for others in BEHIND:
            images = brute(first + others)
            cases = [{k: layer, y.lowest_wave: least} for layer in range(1, images.depth + 1)]
            agree(claim, cases, {y.D: images.sensitivity}, digits=12)
            below += any(images.sensitivity(at[k]) < _plateau(first) for at in cases)
            count += len(cases)
        agree(claim, [{k: 2, y.lowest_wave: least, y.D: long}], tight=True, digits=4)
    if not below:
        refute("no layers undercut the limit behind stable layers: this panel shows nothing")
    return f"{count} cases of pooled images, {below} networks below the limit of long waves"


@cache
def _least(first: Layers) -> tuple[float, Any]:
    """Angle and value of the least sensitivity of a wave, from pooled images."""
    angles = np.linspace(0, np.pi, GRID + 1)
    sums = [
        sum(float(height) * np.exp(-1j * angles * i) for i, height in _image(first, p).items())
        for p in range(_stride(first) + 1)
    ]
    changes = sum(abs(after - before) ** 2 for before, after in pairwise(sums))
    squares = 2 * sum(abs(u) ** 2 for u in sums[:-1])
    seen = squares > 1e-9 * squares.max()  # near a zero of both parts rounding decides
    values = np.divide(changes, squares, out=np.full(GRID + 1, np.inf), where=seen)
    at = int(np.argmin(values))
    return float(angles[at]), sp.Float(values[at], 15)


@cache
def _plateau(first: Layers) -> Fraction:
    return Fraction(str(_sensitivity(first, 0, 1))).limit_denominator(10**6)


def _long_wave(first: Layers, angle: float) -> Any:
    """D of a first layer and a long signed filter, a wave under a sine window."""
    ((weights, stride),) = first
    at = np.arange(1, WINDOW + 1)
    window = np.zeros((WINDOW - 1) * stride + 1)
    window[::stride] = np.sin(np.pi * at / (WINDOW + 1)) * np.cos(angle * at)
    taps = np.convolve(weights, window)
    value = sp.Float(1 - taps[1:] @ taps[:-1] / (taps @ taps), 15)

    def sensitivity(layer: int) -> Any:
        if layer != 2:
            raise IndexError(f"layer {layer} was not pooled")
        return value

    return sensitivity


def _image(first: Layers, pixel: int) -> dict[int, Fraction]:
    return brute(first).pooled.image(1, pixel)


def _stride(first: Layers) -> int:
    return brute(first).stride(1)
