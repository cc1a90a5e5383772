"""Filters with means over input channels: all weights of small layers, and dense recursions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from scaledet import symbols as y
from scaledet.reference.mean_filters import CoherentLayer, CoherentNet, drawn
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import Case
from scaledet.symbolic.routes.shifts import RINGS
from scaledet.symbols import N, f, i, k, p, s

DIGITS = 8
"""Dense recursions are floats: so many digits of differences of theirs are certain."""
INPUTS = (
    (3, -1, 2, 0, 5, 1, 4, -2, 1, 7, 0, 2, 3, 1, -1, 6, 2, 8, 1, 0),
    (1, 4, 0, 2, -3, 6, 1, 1, 5, 0, 2, -1, 9, 1, 3, 2, 0, 1, 4, 7),
    (2, 2, 7, 1, 0, -1, 3, 8, 1, 2, 1, 5, 0, -4, 2, 1, 6, 1, 3, 3),
    (0, 5, 1, -2, 4, 3, 1, 0, 2, 6, -1, 1, 2, 7, 1, 4, -3, 2, 0, 1),
)
"""Four input channels of 20 sites."""
ROOT = ((2, 1), (-1, 3), (1, 1), (4, -1))
ROW = (Fraction(5, 2), Fraction(-2), Fraction(7, 3), Fraction(1, 5))
BIAS = Fraction(3, 7)


@cache
def _drawn(length: int, stride: int, fixed: bool) -> Any:
    return drawn(INPUTS, ROOT[:length], ROW, stride, fixed=fixed)


def _layers(fixed: bool) -> Iterator[Case]:
    for length, stride in itertools.product((2, 3, 1, 4), (2, 1, 4, 5)):
        sample = _drawn(length, stride, fixed)
        count = len(sample)

        def level(at: int, sample: Any = sample, count: int = count) -> Any:
            return BIAS + sum(sites[at] for sites in sample) / count

        def spread(at: int, to: int, sample: Any = sample, count: int = count) -> Any:
            mean = [sum(sites[place] for sites in sample) / count for place in (at, to)]
            return sum((z[at] - mean[0]) * (z[to] - mean[1]) for z in sample) / count

        yield {
            f: length,
            s: stride,
            y.channel_bias: BIAS,
            y.row_level: level,
            y.row_covariance: spread,
            y.filter_sum: lambda tap: ROW[tap],
            y.channel_mean: lambda at: Fraction(sum(each[at] for each in INPUTS), len(INPUTS)),
            y.channel_product: lambda at, to: Fraction(
                sum(each[at] * each[to] for each in INPUTS), len(INPUTS)
            ),
            y.weight_covariance: lambda tap, to: sum(
                a * b for a, b in zip(ROOT[tap], ROOT[to], strict=True)
            ),
        }


def sites() -> Iterator[Case]:
    """Every draw of the weights of a channel, at several sites."""
    for case, site in itertools.product(_layers(False), (2, 3, 1, 0)):
        yield {**case, i: site}


def pairs(*, fixed: bool) -> Iterator[Case]:
    """Every draw of the weights of a channel, at several pairs of sites."""
    for case, site, other in itertools.product(_layers(fixed), (2, 3, 1, 0), (3, 1, 0, 2)):
        yield {**case, i: site, p: other}


def _moments(net: CoherentNet, ring: Torus) -> tuple[Any, Any]:
    """D_k and Q_k, all pixels tried."""
    images, pixels = np.eye(ring.size), range(ring.size)
    apart = [net.distance(images[at], images[to]) for at in pixels for to in pixels]
    moved = [net.distance(images[at], images[(at + 1) % ring.size]) for at in pixels]
    distance = np.mean(apart, axis=0)
    return np.mean(moved, axis=0) / distance, distance


FACTORS = (1.0, -0.5, 0.7, -1.2)


@cache
def _coherent(ring: Torus) -> Any:
    layers = []
    for weights, stride in ring.layers:
        a = np.array(weights, float) / sum(weights)
        rows = [(factor * a, 0.0) for factor in FACTORS]
        layers.append(CoherentLayer(np.zeros((len(a), len(a))), stride, rows))
    return _moments(CoherentNet(layers), ring)[0]


def coherent_filters() -> Iterator[Case]:
    """Rings with skew filters, factors of both signs, layers that rectify."""
    for ring, layer in itertools.product(RINGS, (2, 3, 1, 0)):
        yield {
            k: layer,
            N: ring.size,
            y.c: ring.line.correlation,
            y.D: lambda at, ring=ring: _coherent(ring)[at],
        }


MIXTURES = ((0.75, (1.5, 0.5)), (1.5, (0.25, 0.5)), (0.5, (2.0, -0.5)))
"""Variances of random weights, and factors of the coherent filters."""


@cache
def _mixed(ring: Torus, variance: float, factors: tuple[float, ...]) -> Any:
    layers = []
    for weights, stride in ring.layers:
        a = np.array(weights, float) / sum(weights)
        rows = [(factor * a, 0.0) for factor in factors]
        layers.append(CoherentLayer(variance * np.diag(a), stride, rows))
    return _moments(CoherentNet(layers, rectify=False), ring)[0]


def two_maps() -> Iterator[Case]:
    """Rings with skew filters, linear layers, coherent filters beside independent taps."""
    for ring, (variance, factors), layer in itertools.product(RINGS, MIXTURES, (2, 3, 1, 0, 4)):
        yield {
            k: layer,
            N: ring.size,
            y.c: ring.line.correlation,
            y.random_gain: variance,
            y.mean_factor: float(np.mean(factors)),
            y.factor_square: float(np.mean(np.square(factors))),
            y.D: lambda at, net=(ring, variance, factors): _mixed(*net)[at],
        }
