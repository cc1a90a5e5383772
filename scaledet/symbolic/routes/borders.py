"""Small images with borders: every pixel, move, pair and pattern of noise, carried through."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from functools import cache, partial
from typing import Any

import numpy as np

from scaledet import symbols as y
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.reference.bordered import Bordered, pooled
from scaledet.reference.exact import refute
from scaledet.symbolic.claims import Case
from scaledet.symbols import N, i, k, n, p

LAYERS = (2, 3, 1, 0, 4)
SIZES = (5, 4, 6, 7, 8)
KINDS = ("wrap", "stay", "inside")
SINGLE = "a line has one axis"

CHAINS = (
    Network(
        [
            Layer([1, 2, 4], padding=(1, 2)),
            Layer([1, 3], 2, padding=1, bias=Fraction(1, 3)),
            Layer([2, 1, 3], padding=(2, 1), padding_mode="replicate"),
            Layer([3, 1], 2, padding=1),
            Layer([1, 2], padding=1),
        ]
    ),
    Network(
        [
            Layer([1, 2, 4], padding=(2, 1), padding_mode="reflect", bias=2),
            Layer(3, 2, padding=1, ceil_mode=True),
            Layer([1, 3], padding=(0, 2)),
            Layer(3, 2, padding=1, count_include_pad=False),
            Layer([2, 1], padding=1),
        ]
    ),
)
"""Layers that look different at every place of the image."""
RESIDUAL = Network(
    [Layer([1, 2, 4], padding=1), Layer([3, 1, 2], padding=1, bias=1)] * 2 + [Layer(1)],
    inputs=[(0,), (0, 1), (1, 2), (2, 3), (3, 4)],
)
"""Every layer receives the sum of both values before it, with zeros around each."""

ACROSS = Network(
    [
        Layer(([1, 2, 4], [3, 1]), (1, 2), padding=((1, 2), (1, 0))),
        Layer(([1, 3], [2, 1, 1]), padding=((0, 1), (1, 2))),
        Layer(([2, 1], [1, 4]), padding=((1, 1), (1, 0)), padding_mode="replicate"),
        Layer(([1, 2], [1, 1]), (2, 1), padding=((1, 0), (0, 1))),
    ],
    dim=2,
)
PLANES = ((3, 5), (5, 4), (6, 4))

LOW = (Fraction(1, 4), Fraction(3, 2))
HIGH = (Fraction(-1, 2), Fraction(5, 3))
"""Two equally probable values of the noise on background pixels, and on the active one."""


@cache
def _image(net: Network, moves: str, *sides: int) -> Bordered:
    return Bordered(net, sides, moves)


@cache
def _matrix(net: Network, layer: int, size: int) -> Any:
    """Return what one layer makes of every site before it, [site, output]."""
    if layer < 1:
        raise IndexError(f"there is no layer {layer}")
    sites = _image(net, "wrap", size).features(layer - 1).shape[1]
    return pooled(np.eye(sites, dtype=int).astype(object), net.layers[layer - 1])


def _entry(matrix: Any, row: int, column: int) -> Any:
    """Entries start again after the last."""
    return matrix[row % matrix.shape[0], column % matrix.shape[1]]


@cache
def _line(net: Network, size: int) -> Case:
    """Values of one network on images of one size."""
    wrap, stay, within = (_image(net, kind, size) for kind in KINDS)

    def unit(layer: int, unit: int, pixel: int) -> Any:
        return 0 if layer < 0 else _entry(wrap.features(layer), pixel, unit)

    def inside(pixel: int) -> int:
        return pixel if 0 <= pixel < size else refute(f"there is no pixel {pixel} of {size}")

    def overlap(layer: int, first: int, second: int) -> Any:
        features = wrap.features(layer)
        return features[inside(first)] @ features[inside(second)]

    def change(layer: int, lag: int, pixel: int) -> Any:
        features = wrap.features(layer)
        return ((features[(inside(pixel) + lag) % size] - features[pixel]) ** 2).sum()

    def squares(layer: int, axis: int) -> Any:
        return _squares(wrap.features(layer)) if axis == 1 else refute(SINGLE)

    def mean_square(layer: int, axis: int) -> Any:
        return _mean_square(wrap.features(layer)) if axis == 1 else refute(SINGLE)

    return {
        N: size,
        y.unit: unit,
        y.window: lambda layer, output, site: _entry(_matrix(net, layer, size), site, output),
        y.side: lambda layer: wrap.features(layer).shape[1],
        y.overlap: overlap,
        y.shift_change: change,
        y.Q: wrap.distance,
        y.D: lambda layer: wrap.displacement(layer) / wrap.distance(layer),
        y.wrapping: wrap.displacement,
        y.staying: stay.displacement,
        y.inside: within.displacement,
        y.squares: squares,
        y.mean_square: mean_square,
    }


def _squares(features: Any) -> Any:
    return (features**2).sum() / len(features)


def _mean_square(features: Any) -> Any:
    return ((features.sum(axis=0) / len(features)) ** 2).sum()


def networks() -> Iterator[Case]:
    """All networks, sizes and layers."""
    for net, size, layer in itertools.product((*CHAINS, RESIDUAL), SIZES, LAYERS):
        yield {**_line(net, size), k: layer}


def _units(*nets: Network) -> Iterator[Case]:
    places = ((2, 1, 3, 0), (3, 2, 0, 1))
    for net, size, layer in itertools.product(nets, SIZES[:4], (2, 3, 1, 0)):
        for output, pixel in itertools.product(*places):
            yield {**_line(net, size), k: layer, i: output, p: pixel}


def chains() -> Iterator[Case]:
    """Single units of chains."""
    return _units(*CHAINS)


def sums() -> Iterator[Case]:
    """Single units of residual sums."""
    return _units(RESIDUAL)


@cache
def _mass(half: int, size: int, layer: int) -> Any:
    box = Layer(2 * half + 1, padding=half)
    return _image(Network([box] * 2), "wrap", size).features(layer).sum() / size


def losses() -> Iterator[Case]:
    """Sum the outputs of boxes between zeros."""
    for size, half in itertools.product(SIZES, (2, 1, 3, 0, 4)):
        yield {N: size, n: half, y.mass: partial(_mass, half, size)}


def images() -> Iterator[Case]:
    """Images before any layer."""
    return (_line(CHAINS[0], size) for size in SIZES)


@cache
def _energy(net: Network, size: int, layer: int) -> Any:
    """Mean square change by all patterns of noise, ReLUs and biases included."""
    image = _image(net, "wrap", size)
    clean = image.features(layer, real=True)
    choices = np.array(list(itertools.product((0, 1), repeat=size)))
    total = Fraction(0)
    for pixel in range(size):
        noise = np.array(LOW, dtype=object)[choices]
        noise[:, pixel] = np.array(HIGH, dtype=object)[choices[:, pixel]]
        noise[:, pixel] += 1
        noisy = image.run(noise, real=True)[layer]
        total += ((noisy - clean[pixel]) ** 2).sum()
    return total / (size * len(choices))


def noisy() -> Iterator[Case]:
    """Noise of two values: its moments, and what all its patterns do."""
    (low, spread), (high, width) = (((a + b) / 2, (b - a) ** 2 / 4) for a, b in (LOW, HIGH))
    moments = {y.mu_1: low, y.v_0: spread, y.active_mean: high, y.active_variance: width}
    for net, sizes in ((CHAINS[0], (5, 4, 6, 7)), (RESIDUAL, (5, 4))):
        for size, layer in itertools.product(sizes, (2, 1, 0, 3)):
            energy = partial(_energy, net, size)
            yield {**_line(net, size), **moments, k: layer, y.energy: energy}


@cache
def _across(kind: str, sides: tuple[int, ...]) -> Case:
    """Return a plane and, by themselves, both axes; after the last axis comes the first."""
    plane = _image(ACROSS, kind, *sides)
    lines = [
        _image(Network([_along(layer, axis) for layer in ACROSS]), kind, side)
        for axis, side in enumerate(sides)
    ]

    def along(axis: int) -> Bordered:
        return lines[(axis - 1) % 2]

    return {
        y.squares: lambda layer, axis: _squares(along(axis).features(layer)),
        y.mean_square: lambda layer, axis: _mean_square(along(axis).features(layer)),
        y.axis_change: lambda layer, axis: along(axis).displacement(layer),
        y.plane_Q: plane.distance,
        y.plane_D: lambda layer: plane.displacement(layer) / plane.distance(layer),
    }


def _along(layer: Layer, axis: int) -> Layer:
    """Return the layer of a line that does what `layer` does along one axis."""
    rule = layer.rule(axis, 2)
    kernel = layer.kernel_along(axis)
    mode = layer.padding_mode
    return Layer(kernel, rule.stride, padding=rule.padding, padding_mode=mode)


def planes() -> Iterator[Case]:
    """Planes, all layers and moves."""
    for sides, kind, layer in itertools.product(PLANES, KINDS, LAYERS):
        yield {**_across(kind, sides), k: layer}
