"""Networks with borders, branches and unequal axes, carried out image by image.

Every window is read tap by tap, by the rules that the documentation of the frameworks states. It
knows of the data of layers only, of no matrix and no factor. Slow; Fractions stay exact.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from scaledet.network.grid_kernel import GridKernel
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.reference.noise import linear_parts

__all__ = ["Bordered", "pooled"]

Pixel = tuple[int, ...]
Images = Any
"""Array of shape [images, *sides], of floats or of Fractions."""


class Bordered:
    """All images of one or two active pixels, and what a network makes of them.

    Parameters
    ----------
    net : Network
        Any layers.
    sides : tuple of int
        Pixels of the image along every axis. Pixels are numbered in raster order.
    moves : {"wrap", "stay", "inside"}
        What a move does that would leave the image.
    exact : bool, default True
        Whether to compute in Fractions.

    Examples
    --------
    >>> from scaledet.network.layer import Layer
    >>> net = Network([Layer([1, 2, 1], padding=1)])
    >>> small = Bordered(net, (3,))
    >>> small.distance(1), small.displacement(1), Bordered(net, (3,), "stay").displacement(1)
    (Fraction(7, 36), Fraction(7, 24), Fraction(1, 8))
    """

    def __init__(
        self, net: Network, sides: Sequence[int], moves: str = "wrap", *, exact: bool = True
    ) -> None:
        self.net, self.sides, self.moves = net, tuple(sides), moves
        self.pixels = math.prod(self.sides)
        self._number: Any = Fraction if exact else float

    def run(self, images: Images, *, real: bool = False) -> list[Images]:
        """Return the maps of layers 0 ... depth; `real` adds biases and rectifies."""
        values = [images]
        for layer, sources in zip(self.net, self.net.inputs, strict=True):
            total = values[sources[0]]
            for source in sources[1:]:
                total = total + values[source]
            image = pooled(total, layer)
            if real:
                image = np.maximum(image + self._number(layer.bias), 0)
            values.append(image)
        return values

    def images(self, actives: Iterable[Sequence[int]]) -> Images:
        """Return the images with these active pixels; one that is named twice has height 2."""
        listed = list(actives)
        result = np.full((len(listed), self.pixels), self._number(0))
        for image, pixels in zip(result, listed, strict=True):
            for pixel in pixels:
                image[pixel] += 1
        return result.reshape(-1, *self.sides)

    def features(self, k: int, *, real: bool = False) -> Any:
        """Representation of every one-pixel image at layer k, shape [pixels, units]."""
        return (self._real if real else self._linear)[k]

    @cached_property
    def _real(self) -> list[Any]:
        return self._represented(1, real=True)

    @cached_property
    def _linear(self) -> list[Any]:
        return self._represented(1, real=False)

    @cached_property
    def _pairs(self) -> list[Any]:
        return self._represented(2, real=True)

    def _represented(self, active: int, *, real: bool) -> list[Any]:
        """Representations of all images of so many active pixels, which are told apart."""
        maps = self.run(
            self.images(itertools.product(range(self.pixels), repeat=active)), real=real
        )
        return [images.reshape(len(images), -1) for images in maps]

    def moved(self, pixel: int) -> Iterator[tuple[Fraction, int]]:
        """Yield where the moves of a pixel lead, with their probabilities."""
        place = [int(x) for x in np.unravel_index(pixel, self.sides)]
        for axis, side in enumerate(self.sides):
            sites = [place[axis] + 1, place[axis] - 1]
            if self.moves == "inside":
                sites = [site for site in sites if 0 <= site < side]
            for site in sites:
                if self.moves == "stay" and not 0 <= site < side:
                    site = place[axis]
                where = [*place[:axis], site % side, *place[axis + 1 :]]
                flat = int(np.ravel_multi_index(where, self.sides))
                yield Fraction(1, len(self.sides) * len(sites)), flat

    def distance(self, k: int) -> Any:
        """Q_k of one pixel: the mean over all pairs of pixels."""
        features = self.features(k, real=True)
        total = sum(((features - image) ** 2).sum() for image in features)
        return total / self.pixels**2

    def displacement(self, k: int) -> Any:
        """Mean square change of the representation over all pixels and their moves."""
        features = self.features(k, real=True)
        return (
            sum(
                self._number(weight) * ((features[q] - features[p]) ** 2).sum()
                for p in range(self.pixels)
                for weight, q in self.moved(p)
            )
            / self.pixels
        )

    def noise(
        self,
        k: int,
        law: Mapping[tuple[int, ...], Any],
        low: tuple[float, float],
        high: tuple[float, float],
    ) -> tuple[float, float]:
        """Parts of E|M (x + w) - M x|^2, as in `linear_parts`."""
        return linear_parts(self.features(k).astype(float), law, low, high)

    def _pair(self, k: int, p: int, q: int) -> Any:
        """Representation of the image of two active pixels."""
        return self._pairs[k][p * self.pixels + q]

    def pair_distance(self, k: int, law: Mapping[tuple[int, int], Fraction]) -> Any:
        """Q_k of two pixels: all pairs of images of a law of pairs of pixels."""
        images = [(self._number(weight), self._pair(k, *pair)) for pair, weight in law.items()]
        return sum(
            w * v * ((image - other) ** 2).sum() for w, image in images for v, other in images
        )

    def pair_displacement(self, k: int, law: Mapping[tuple[int, int], Fraction]) -> Any:
        """Mean square change over the pairs of a law and all their joint moves."""
        total = self._number(0)
        for (p, q), weight in law.items():
            before = self._pair(k, p, q)
            for (v, a), (w, b) in itertools.product(self.moved(p), self.moved(q)):
                change = ((self._pair(k, a, b) - before) ** 2).sum()
                total += self._number(weight * v * w) * change
        return total


def pooled(images: Images, layer: Layer) -> Images:
    """Return the weighted sums of the windows of a layer, before its bias.

    >>> from scaledet.network.layer import Layer
    >>> pooled(np.array([[4, 0, 8]]), Layer([1, 1], 2, padding=1)).tolist()
    [[Fraction(2, 1), Fraction(4, 1)]]
    """
    sides = images.shape[1:]
    rules = [layer.rule(axis, len(sides)) for axis in range(len(sides))]
    paddings = [_padding(rule, side) for rule, side in zip(rules, sides, strict=True)]
    counts = [
        _windows(rule, side, padding)
        for rule, side, padding in zip(rules, sides, paddings, strict=True)
    ]
    weights = _weights(layer, len(sides))
    number = Fraction if images.dtype.kind in "Oi" else float
    result: Any = np.full((len(images), *counts), number(0))
    for output in itertools.product(*map(range, counts)):
        total = Fraction(0)
        for taps, weight in weights.items():
            places = [
                i * rule.stride + tap - left
                for i, tap, rule, (left, _) in zip(output, taps, rules, paddings, strict=True)
            ]
            limits = [
                (-left, side + right) if layer.count_include_pad else (0, side)
                for side, (left, right) in zip(sides, paddings, strict=True)
            ]
            if all(low <= x < high for x, (low, high) in zip(places, limits, strict=True)):
                total += weight
            mode = "circular" if layer.padding is None else layer.padding_mode
            sites = [
                _site(x, side, right, mode)
                for x, side, (_, right) in zip(places, sides, paddings, strict=True)
            ]
            if None not in sites:
                result[(slice(None), *output)] += number(weight) * images[(slice(None), *sites)]
        if layer.ceil_mode or not layer.count_include_pad:
            result[(slice(None), *output)] /= number(total)
    return result


def _weights(layer: Layer, dim: int) -> dict[Pixel, Fraction]:
    """Return the weights of the taps, by their places in the window."""
    gaps = layer.dilation if isinstance(layer.dilation, tuple) else (layer.dilation,) * dim
    taps = layer.taps
    if isinstance(taps, GridKernel):
        shape, values = taps.shape, dict(zip(np.ndindex(*taps.shape), taps.weights, strict=True))
    else:
        kernels = taps if isinstance(taps, tuple) else (taps,) * dim
        shape = tuple(map(len, kernels))
        values = {
            at: math.prod(kernel.weights[j] for kernel, j in zip(kernels, at, strict=True))
            for at in np.ndindex(*shape)
        }
    return {
        tuple(gap * j for gap, j in zip(gaps, at, strict=True)): weight
        for at, weight in values.items()
    }


def _padding(rule: Any, side: int) -> tuple[int, int]:
    if rule.padding is None:
        return 0, rule.length - 1
    if rule.padding == "same":
        return (rule.length - 1) // 2, rule.length // 2
    if rule.padding == "same-tf":
        total = max((math.ceil(side / rule.stride) - 1) * rule.stride + rule.length - side, 0)
        return total // 2, math.ceil(total / 2)
    return int(rule.padding[0]), int(rule.padding[1])


def _windows(rule: Any, side: int, padding: tuple[int, int]) -> int:
    left, right = padding
    if rule.padding is None:
        return int(side // rule.stride)
    share = Fraction(side + left + right - rule.length, rule.stride)
    count = (math.ceil(share) if rule.ceil else math.floor(share)) + 1
    return count - 1 if rule.ceil and (count - 1) * rule.stride >= side + left else count


def _site(place: int, side: int, right: int, mode: str) -> int | None:
    """Return the pixel that stands at a place, None where there is none."""
    if 0 <= place < side:
        return place
    if mode == "zeros" or place >= side + right:
        return None
    if mode == "replicate":
        return 0 if place < 0 else side - 1
    if mode == "circular":
        return place % side
    return -place if place < 0 else 2 * (side - 1) - place
