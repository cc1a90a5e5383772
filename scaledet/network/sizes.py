"""Sizes: which images pass through a network, and how large its maps are."""

from __future__ import annotations

import itertools
import operator
from typing import TYPE_CHECKING, Any

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.network.graph import Graph, fold
from scaledet.network.kernel import entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaledet.network.layer import Layer

__all__ = ["Sides", "checked_sides", "feasible_side", "passing", "written"]

Sides = tuple[int, ...]
"""Pixels along every axis."""

_LARGEST = 2**64
_TRIES = 2 * 10**4
"""Layers that are asked, at most, in search of a size that passes."""


def checked_sides(net: Graph, size: Any) -> Sides:
    """Return `size` as pixels along every axis of the network's images."""
    given = entries(size)
    if given is None:
        return (validate.integer("size", size, 2, _LARGEST),) * net.dim
    if len(given) != net.dim:
        raise ArgumentError(
            f"size must be an integer or {net.dim} integers, a side per axis; got {size!r}"
        )
    return tuple(validate.integer(f"size[{j}]", n, 2, _LARGEST) for j, n in enumerate(given))


def map_sides(net: Graph, sides: Sides) -> tuple[Sides, ...]:
    """Return the sides of the maps k = 0 ... depth of an image of these sides.

    Raises
    ------
    ValueError
        If a layer cannot take its map, or maps of different sides are summed; the message names
        the layer, what it got and a size that passes.
    """

    def through(incoming: Sides, layer: Layer, k: int) -> Sides:
        result = []
        for axis, side in enumerate(incoming):
            try:
                result.append(layer.rule(axis, net.dim).outputs(side))
            except ArgumentError as error:
                where = f" along axis {axis}" if net.dim > 1 else ""
                raise ArgumentError(
                    f"{_given(sides)}: {net.label(k)}, {layer!r}, receives{where} {error}"
                ) from None
        return tuple(result)

    def merged(values: Sequence[Sides], k: int) -> Sides:
        if len(set(values)) > 1:
            each = ", ".join(
                f"{written(value)} from {net.label(source)}"
                for value, source in zip(values, net.inputs[k - 1], strict=True)
            )
            raise ArgumentError(
                f"{_given(sides)}: {net.label(k)} sums maps that must be equally large; got {each}"
            )
        return values[0]

    return tuple(fold(net, sides, through, merged))


def passing(net: Graph, sides: Sides) -> tuple[Sides, ...]:
    """Return `map_sides`, its refusal completed by the nearest sizes that pass."""
    try:
        return map_sides(net, sides)
    except ArgumentError as error:
        raise ArgumentError(f"{error} ({_advice(net, sides)})") from None


def _advice(net: Graph, sides: Sides) -> str:
    # One axis alone where the others pass, else all of them.
    every = tuple(range(net.dim))
    groups = dict.fromkeys([*((axis,) for axis in every), every])
    changes = range(1, max(2, _TRIES // (net.depth * net.dim)))
    for change, axes in itertools.product(changes, groups):
        near = [
            tuple(max(2, side + sign * change * (axis in axes)) for axis, side in enumerate(sides))
            for sign in (1, -1)
        ]
        passes = [each for each in near if each != sides and _passes(net, each)]
        if passes:
            return f"nearest size that passes: {' or '.join(map(written, passes))}"
    return "no size close to it passes"


def _passes(net: Graph, sides: Sides) -> bool:
    try:
        map_sides(net, sides)
    except ArgumentError:
        return False
    return True


def written(sides: Sides) -> str:
    """Return the side if all are equal, or the tuple of sides."""
    return str(sides[0]) if len(set(sides)) == 1 else str(sides)


def _given(sides: Sides) -> str:
    return f"size must pass through all layers; got {written(sides)}"


def feasible_side(net: Graph, pixels: int) -> int:
    """Check the side of an image that passes through a chain of layers on the torus; return it.

    Raises
    ------
    ValueError
        If it is not a multiple of the total stride, or is shorter than a kernel.
    """
    # Strides up to a layer, one at a time: the product of all may have any number of digits.
    totals = itertools.accumulate((layer.stride for layer in net.layers), operator.mul)
    for k, (layer, step) in enumerate(zip(net.layers, totals, strict=False), start=1):
        if pixels % step:
            total = step
            for total in totals:
                if total > _LARGEST:
                    break
            near = f"nearest multiple: {total * max(1, round(pixels / total))}"
            shown = f"{total}"
            if total > _LARGEST:
                near, shown = f"no size up to {_LARGEST} is", f"at least {total}"
            raise ArgumentError(
                f"size must be a multiple of the total stride of the layers, {shown}; "
                f"got {pixels}, which the stride {step} up to layer {k} does not divide "
                f"({near}; the strides fit up to layer {k - 1})"
            )
        if layer.kernel.support > pixels:
            longest = max(other.kernel.support for other in net.layers)
            raise ArgumentError(
                f"size must be at least the longest kernel, {longest} pixels; got {pixels}"
            )
    return pixels
