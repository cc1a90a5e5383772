"""Wide random networks, covariance by covariance: every site and every pixel, by brute force."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache
from math import prod
from typing import Any

import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.reference.torus import Torus
from scaledet.reference.wide import WideNet
from scaledet.symbolic.claims import Case
from scaledet.symbolic.routes.limits import pooled_stack
from scaledet.symbolic.routes.shifts import RINGS
from scaledet.symbols import N, k, m, n, s

DIGITS = 8
"""The covariances are floats: so many digits of differences of theirs are certain."""
SHARES = (sp.Rational(0), sp.Rational(1, 3), sp.Rational(3, 4), sp.Rational(1))
FILTERS: tuple[tuple[tuple[int, ...], int], ...] = (
    *(((1, 2), 2), ((1, 1, 1), 1), ((2, 1, 1), 2), ((1, 3), 1), ((3, 1, 1, 1), 1)),
    *[((1,), 1)] * 20,
)
"""Layers with skew filters, and their strides; behind them layers that change nothing."""
IMAGES = ((1, -2, 0, 3, 0, 0, 1, 0, 0, 0, 0, 0), (2, 1, 1, 0, -1, 0, 0, 0, 4, 0, 1, 0))


def _taps(weights: Any, share: Any) -> Any:
    a = np.array(weights, float) / sum(weights)
    return (1 - float(share)) * np.diag(a) + float(share) * np.outer(a, a)


@cache
def _net(layers: Any, share: Any) -> WideNet:
    return WideNet([(_taps(weights, share), stride) for weights, stride in layers])


@cache
def _squares(layers: Any, image: tuple[int, ...]) -> Any:
    """Mean over all shifts of an image of the square of its representation."""
    net, blank = _net(layers, 0), [0] * len(image)
    return np.mean(
        [net.distance(np.roll(image, shift), blank) for shift in range(len(image))], axis=0
    )


def squares() -> Iterator[Case]:
    """Images of several pixels, of either sign, at all positions."""
    strides = [stride for _, stride in FILTERS]
    for image, layer in itertools.product(IMAGES, (2, 3, 1, 4, 5)):
        yield {
            k: layer,
            y.wide_square: lambda at, image=image: _squares(FILTERS, image)[at],
            y.S: lambda at: prod(strides[:at]),
        }


def meeting_taps() -> Iterator[Case]:
    """Covariances of the taps of boxes."""
    for stride, share in itertools.product((2, 3, 4, 5), SHARES):
        taps = _taps([1] * stride, share)
        for first, second in ((0, 1), (stride - 1, 0)):
            value = taps[first, second] / np.sqrt(taps[first, first] * taps[second, second])
            yield {s: stride, y.common: share, y.tap_alike: value}


@cache
def _neighbours(stride: int, share: Any, apart: int, together: int) -> Any:
    """Correlations of the neighbours that first meet in layer `apart`, layer after layer."""
    box = ((1,) * stride, stride)
    # Together they are alone on the ring: layers behind need no further tap.
    net = _net((box,) * apart + (((1,), 1),) * together, share)
    images = np.eye(stride**apart)
    place = stride ** max(apart - 1, 0)
    change = np.array(net.distance(images[place - 1], images[place % len(images)]))
    square = np.array(net.distance(images[0], 0 * images[0]))
    return 1 - change / (2 * square)


def _alike(stride: int, share: Any) -> Any:
    def value(together: int, apart: int) -> Any:
        if apart < 0 or stride**apart > 256:
            raise ValueError(f"no pixels are {apart} layers apart and {together} together")
        return _neighbours(stride, share, apart, 40)[apart + together]

    return value


def apart() -> Iterator[Case]:
    """Neighbours that first meet in ever deeper layers."""
    for stride, share in itertools.product((2, 3), SHARES):
        taps = _taps([1] * stride, share)
        for at in (2, 3, 1, 0):
            known = {y.alike: _alike(stride, share), y.tap_alike: taps[0, 1] / taps[0, 0]}
            yield {**known, n: at}


def together() -> Iterator[Case]:
    """Neighbours behind the layer in which they meet."""
    for share, met in itertools.product(SHARES[:3], (2, 1, 3, 4)):
        yield from ({m: met, n: at, y.alike: _alike(2, share)} for at in (2, 3, 1, 0, 4))


def far_together() -> Iterator[Case]:
    """Neighbours through up to 39 layers behind the one in which they meet."""
    for share in SHARES[:3]:
        yield from ({n: at, y.closeness: _closeness(share)} for at in (38, 3, 1, 0, 10))


def _closeness(share: Any) -> Any:
    alike = _neighbours(2, share, 1, 1500)
    return lambda together: 1 / np.sqrt(1 - alike[1 + together])


@cache
def _sensitivities(stride: int, share: Any, depth: int) -> Any:
    """D_k on the infinite lattice: all neighbours of a ring, independent pixels far apart."""
    size = stride**depth * 2
    net, images = _net((((1,) * stride, stride),) * depth, share), np.eye(size)
    moves = [(images[p], images[(p + 1) % size]) for p in range(size)]
    square = np.array(net.distance(images[0], 0 * images[0]))
    return net.mean_over(moves) / (2 * square)


def boxes() -> Iterator[Case]:
    """All neighbours of rings under boxes as long as their stride."""
    depths = {2: (2, 1, 3, 0, 4), 3: (2, 1, 0, 3), 4: (2, 1, 0), 5: (1, 0, 2)}
    for stride, share in itertools.product(depths, (SHARES[1], SHARES[0], SHARES[3])):
        deepest = max(depths[stride])
        for layer in depths[stride]:
            yield {
                s: stride,
                k: layer,
                y.alike: _alike(stride, share),
                y.D: lambda at, stride=stride, share=share, deepest=deepest: _sensitivities(
                    stride, share, deepest
                )[at],
            }


@cache
def _pooled(ring: Torus) -> tuple[Any, Any]:
    """D_k and Q_k of common filters, all pixels tried."""
    net = _net(tuple((tuple(weights), stride) for weights, stride in ring.layers), 1)
    images = np.eye(ring.size)
    pixels = range(ring.size)
    distance = net.mean_over([(images[p], images[q]) for p in pixels for q in pixels])
    moves = [(images[p], images[(p + 1) % ring.size]) for p in pixels]
    return net.mean_over(moves) / distance, distance


def common_filters() -> Iterator[Case]:
    """All pixels and pairs of pixels of rings with skew filters, arc-cosine kernel included."""
    for ring, layer in itertools.product(RINGS, (2, 3, 1, 0)):
        yield {
            k: layer,
            N: ring.size,
            y.c: ring.line.correlation,
            y.D: lambda at, ring=ring: _pooled(ring)[0][at],
        }


WALKS = ((1, 2, 4), (1, 1), (3, 1))
DEEPEST = 1200


@cache
def _walk(weights: tuple[int, ...], depth: int) -> tuple[Any, Any]:
    """Square changes of one pixel by a step, of the units and of their norms, layer by layer."""
    net = _net(((weights, 1),) * depth, 0)
    images = np.eye(2, depth * (len(weights) - 1) + 6, depth * (len(weights) - 1) + 2)
    return net.distance(*images), net.norm_distance(*images)


def norms() -> Iterator[Case]:
    """Norms of the units at every site, for one pixel and its neighbour."""
    for weights, layer in itertools.product(WALKS, (2, 3, 1, 0, 6)):
        yield {
            k: layer,
            y.root_change: lambda at, weights=weights: _walk(weights, 40)[1][at],
            y.h: pooled_stack(((weights, 1),))[y.h],
        }


def walks() -> Iterator[Case]:
    """One pixel and its neighbour on rings too large to be wrapped around, stride 1."""
    for weights, layer in itertools.product(WALKS, (2, 3, 1, 0, 6, 34, 600)):
        yield {
            k: layer,
            y.wide_change: lambda at, weights=weights: _walk(weights, DEEPEST)[0][at],
            y.root_change: lambda at, weights=weights: _walk(weights, DEEPEST)[1][at],
        }
