"""Strides, extents and moments of the composite filters of a network, along one axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from scaledet.errors import ArgumentError
from scaledet.network.graph import Graph, fold
from scaledet.network.kernel import Kernel
from scaledet.network.layer import Layer

__all__ = [
    "Moments",
    "centred",
    "extents",
    "is_alike",
    "is_torus",
    "moments",
    "shift",
    "square_root",
    "strides",
]


class Moments(NamedTuple):
    """Sum, mean position (pixels) and variance (pixels squared) of the filter of output 0."""

    mass: Fraction
    mean: Fraction
    variance: Fraction


def strides(net: Graph, axis: int) -> Iterator[int]:
    """Yield the cumulative strides S_0 = 1, S_1, ... (pixels); those of summed maps must agree."""

    def merged(values: Sequence[int], k: int) -> int:
        if len(set(values)) > 1:
            sources = net.inputs[k - 1]
            each = ", ".join(
                f"{value} of {net.label(source)}"
                for source, value in zip(sources, values, strict=True)
            )
            raise ArgumentError(
                f"inputs of {net.label(k)} must have equal strides to be summed; got {each} "
                f"(pixels of the image, axis {axis})"
            )
        return values[0]

    return fold(net, 1, lambda stride, layer, _: stride * layer.stride_along(axis), merged)


def _steps(net: Graph, axis: int) -> Iterator[int]:
    """Yield the stride of the map that each layer receives."""
    for total, layer in zip(list(strides(net, axis))[1:], net.layers, strict=True):
        yield total // layer.stride_along(axis)


def shift(net: Graph, axis: int) -> Callable[[Layer], int]:
    """Return the function that says how far left of its output's index a layer's window begins."""
    return lambda layer: layer.rule(axis, net.dim).sides()[0]


def centred(net: Graph, axis: int) -> Callable[[Layer], int]:
    """Return `shift`, but for layers on the torus the shift that centres them best.

    There the whole pixels of a shift have no meaning.
    """
    begin = shift(net, axis)

    def left(layer: Layer) -> int:
        if layer.padding is not None:
            return begin(layer)
        mean, step = layer.kernel_along(axis).mean, layer.stride_along(axis)
        return math.ceil(mean - Fraction(step - 1, 2) - Fraction(1, 2))

    return left


def extents(net: Graph, axis: int) -> Iterator[tuple[int, int]]:
    """Yield the first and the last site of the filter of output 0, k = 0 ... depth (pixels)."""
    steps = iter(_steps(net, axis))
    left = shift(net, axis)

    def through(ends: tuple[int, int], layer: Layer, _: int) -> tuple[int, int]:
        step = next(steps)
        first, last = layer.kernel_along(axis).ends
        begin = left(layer)
        return ends[0] + step * (first - begin), ends[1] + step * (last - begin)

    return fold(
        net, (0, 0), through, lambda ends, _: (min(a for a, _ in ends), max(b for _, b in ends))
    )


def moments(net: Graph, axis: int, left: Callable[[Layer], int] | None = None) -> Iterator[Moments]:
    """Yield sum, mean and variance of the filter of output 0, k = 0 ... depth, exact.

    `left` says how far left of ``stride * i`` the window of output i begins.
    """
    steps = iter(_steps(net, axis))
    begin = shift(net, axis) if left is None else left

    def through(before: Moments, layer: Layer, _: int) -> Moments:
        step, kernel = next(steps), layer.kernel_along(axis)
        mean = before.mean + step * (kernel.mean - begin(layer))
        return Moments(before.mass, mean, before.variance + kernel.variance * step * step)

    def merged(parts: Sequence[Moments], _: int) -> Moments:
        mass = sum((part.mass for part in parts), Fraction(0))
        mean = sum((part.mass * part.mean for part in parts), Fraction(0)) / mass
        spreads = (part.mass * (part.variance + (part.mean - mean) ** 2) for part in parts)
        return Moments(mass, mean, sum(spreads, Fraction(0)) / mass)

    return fold(net, Moments(Fraction(1), Fraction(0), Fraction(0)), through, merged)


def is_alike(layer: Layer, dim: int) -> bool:
    """Return whether kernel, stride and padding are the same along all axes."""
    return dim == 1 or (
        isinstance(layer.filter, Kernel)
        and isinstance(layer.step, int)
        and len({layer.rule(axis, dim) for axis in range(dim)}) == 1
    )


def is_torus(layer: Layer, dim: int) -> bool:
    """Return whether a layer averages as one on the torus does, up to a shift."""
    return (
        isinstance(layer.filter, Kernel)
        and isinstance(layer.step, int)
        and not layer.is_max
        and all(layer.rule(axis, dim).is_torus for axis in range(dim))
    )


def square_root(value: Fraction) -> float:
    """Return the float square root of a rational that may exceed the float range."""
    shift = max(0, (value.numerator.bit_length() - value.denominator.bit_length()) // 2 - 256)
    return math.ldexp(math.sqrt(value / 4**shift), shift)
