"""Rigid shifts on small tori: every position, and grids chosen by the images, all tried."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from functools import cache, partial
from operator import mul
from typing import Any

import numpy as np

from scaledet import symbols as y
from scaledet.reference.adaptive import least_change, outputs
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import Case
from scaledet.symbols import N, i, k, m, m_1, m_2, p, s

RINGS = tuple(
    Torus([([1, 2, 4], 1), ([1, 3], first), ([2, 1], 1), ([3, 1, 0, 2], second)], first * second)
    for first, second in ((2, 6), (2, 5), (1, 11), (7, 2))
)
"""Rings with skew filters, one unit at the last layer."""
PLANES = tuple(
    Torus([([1, 2, 4], 1), ([1, 3], first), ([2, 1], 1), ([3, 1], second)], first * second, 2)
    for first, second in ((2, 3), (2, 2), (1, 5), (1, 3))
)
LAYERS = (2, 3, 1, 0, 4)
SHIFTS = (2, 3, 1, 0, 5)

CHOOSING: tuple[tuple[Any, int], ...] = (
    ([([1, 1], 2)] * 4, 16),
    ([([1, 2, 1], 2), ([3, 1], 1), ([1, 1, 1], 2), ([2, 1], 2)], 16),
    ([([1, 2], 3), ([1, 1], 1), ([3, 1, 2], 2), ([1, 1], 2)], 12),
)
"""Layers that choose their grid, and the size of the image."""
BOX = [([1, 1], 2)]


@cache
def _changes(torus: Torus, layer: int, *shift: int) -> list[Fraction]:
    """Square changes of the image of every pixel."""
    before, after = np.transpose(list(torus.at_lag(*shift)))
    features = torus.features(layer)
    squares = ((features[after] - features[before]) ** 2).sum(axis=1)
    return [Fraction(int(square), torus.scale(layer) ** 2) for square in squares]


def _sensitivity(torus: Torus, layer: int, *shift: int) -> Fraction:
    mean = sum(_changes(torus, layer, *shift), Fraction(0)) * Fraction(1, torus.pixels)
    return mean / torus.distance(layer)


@cache
def _around(torus: Torus) -> Case:
    """Values of a torus, on which positions start again after the last."""

    def change(layer: int, lag: int, pixel: int) -> Fraction:
        return _changes(torus, layer, lag)[pixel % torus.size]

    def height(layer: int, unit: int, pixel: int) -> Fraction:
        units = torus.features(layer).shape[1]
        return torus.output(layer, unit % units, pixel % torus.pixels)

    return {
        N: torus.size,
        y.c: torus.line.correlation,
        y.S: torus.stride,
        y.D: torus.sensitivity,
        y.overlap: lambda layer, a, b: torus.overlap(layer, a % torus.size, b % torus.size),
        y.output: height,
        y.shift_change: change,
        y.shift_D: partial(_sensitivity, torus),
    }


def averages() -> Iterator[Case]:
    """All positions of a pixel, carried through, averaged over them."""
    for ring, lag, layer in itertools.product(RINGS, SHIFTS, LAYERS):
        yield {**_around(ring), m: lag, k: layer}


def plane() -> Iterator[Case]:
    """All positions of a pixel on tori of two dimensions."""
    lags = ((1, 0), (0, 2), (2, 1), (1, 3), (3, 2))
    for torus, (first, second), layer in itertools.product(PLANES, lags, LAYERS):
        yield {**_around(torus), m_1: first, m_2: second, k: layer}


def positions() -> Iterator[Case]:
    """Single positions of a pixel."""
    for ring, lag, layer, pixel in itertools.product(RINGS, SHIFTS, LAYERS, (2, 3, 1, 0)):
        yield {**_around(ring), m: lag, k: layer, p: pixel}


def units() -> Iterator[Case]:
    """Single units on the images of single pixels."""
    for ring, layer, pixel, unit in itertools.product(RINGS, LAYERS, (2, 3, 1, 0), (1, 0, 2, 3)):
        yield {**_around(ring), k: layer, p: pixel, i: unit}


def windows() -> Iterator[Case]:
    """Boxes as long as their stride on the infinite line: pixels within windows and at ends."""
    for stride in (2, 3, 4, 5):
        pooled = PooledPixel([([Fraction(1, stride)] * stride, stride)])

        def change(layer: int, lag: int, pixel: int, pooled: PooledPixel = pooled) -> Fraction:
            before, after = pooled.image(layer, pixel), pooled.image(layer, pixel + lag)
            heights = {*before, *after}
            none = Fraction(0)
            return sum(((after.get(j, none) - before.get(j, none)) ** 2 for j in heights), none)

        for layer in (2, 1, 3, 0):
            end = stride**layer - 1
            yield from (
                {s: stride, k: layer, p: pixel, y.shift_change: change}
                for pixel in (end, 2 * end + 1, end + 1, 0, 1, 2)
            )


def _least(before: Any, after: Any, layers: Any, **given: bool) -> list[Fraction]:
    """Square changes of one image, layer after layer, outputs compared up to a shift of them."""
    scales = itertools.accumulate((sum(weights) for weights, _ in layers), mul, initial=1)
    first, second = (outputs(image, layers, **given) for image in (before, after))
    return [
        Fraction(least_change(f, g), scale**2)
        for f, g, scale in zip(first, second, scales, strict=True)
    ]


@cache
def _greatest(number: int) -> list[Fraction]:
    """Greatest square changes of five images by all circular shifts, layer after layer."""
    layers, size = CHOOSING[number]
    images = np.random.default_rng(number).integers(0, 3, size=(4, size)).astype(object)
    images = np.concatenate([images, np.eye(size, dtype=int)[:1].astype(object)])
    pairs = itertools.product(images, range(1, size))
    changes = (_least(image, np.roll(image, m), layers) for image, m in pairs)
    return list(map(max, zip(*changes, strict=True)))


def chosen() -> Iterator[Case]:
    """All circular shifts of images of small integers, in which many grids tie."""
    for number, layer in itertools.product(range(len(CHOOSING)), (2, 3, 1, 0, 4)):
        yield {k: layer, y.chosen_change: _greatest(number).__getitem__}


def _counterexample(layer: int, before: list[int], after: list[int], **given: bool) -> Fraction:
    return _least(before, after, BOX, **given)[layer]


LIMITS: list[Case] = [
    {
        y.tied_change: partial(
            _counterexample, before=[0, 2, 0, 0, 1, 0], after=[0, 0, 2, 0, 0, 1], first=True
        ),
        y.moved_change: partial(
            _counterexample, before=[1, 1, 0, 0, 0, 0], after=[1, 0, 1, 0, 0, 0]
        ),
        y.padded_change: partial(
            _counterexample, before=[1, 1, 0, 0, 0, 0], after=[1, 0, 0, 0, 0, 1], zeros=True
        ),
    }
]
"""Six pixels, one box of length 2 at stride 2: where the proof does not reach."""
