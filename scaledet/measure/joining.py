"""A layer that averages and the convolution after it, joined to one layer.

Output i of a convolution of stride s reads the averages s i + f, each of which reads the pixels
p (s i + f) + g: together the pixels p s i + (p f + g).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from scaledet.network.boundary import AxisRule
from scaledet.network.kernel import Kernel
from scaledet.network.layer import Layer

__all__ = ["joined"]

Floats = NDArray[np.float64]


def joined(pool: Layer, after: Layer, sides: tuple[int, ...]) -> tuple[Layer, Floats] | None:
    """Return the layer that reads what `pool` and then `after` read, on images of `sides`.

    And, [taps, taps of `after`], the weights with which its taps go into those of `after`. None if
    the two are no single layer, as padding of `after` that holds no averages of pixels.

    >>> layer, weights = joined(Layer(2, 2, padding=0), Layer(2, padding=0), (8,))
    >>> layer, weights.tolist()
    (Layer(kernel=box(4), stride=2, padding=0), [[0.5, 0.0], [0.5, 0.0], [0.0, 0.5], [0.0, 0.5]])
    """
    axes = range(len(sides))
    first, second = ([layer.rule(axis, len(sides)) for axis in axes] for layer in (pool, after))
    padded = any(any(rule.sides()) for rule in first)
    if pool.is_max or not pool.is_separable or any(map(_overhangs, first, sides)):
        return None
    if padded and not pool.count_include_pad:
        return None
    if not any(any(rule.sides()) for rule in second):
        mode = pool.padding_mode
        pads = [rule.sides() for rule in first]
    elif (
        not padded
        and after.padding_mode in ("zeros", "circular")
        and all(map(_tiles, first, sides))
    ):
        mode = after.padding_mode
        pads = [
            (a.stride * left, a.stride * right)
            for a, (left, right) in zip(first, (rule.sides() for rule in second), strict=True)
        ]
    else:
        return None
    combined = np.ones((1, 1))
    kernels = []
    for axis, (inner, outer) in enumerate(zip(first, second, strict=True)):
        own, next_ = pool.kernel_along(axis).weights, after.kernel_along(axis).weights
        weights = [Fraction(0)] * (inner.stride * (outer.length - 1) + inner.length)
        taps = [j for j in range(outer.length) if j % _along(after.dilation, axis) == 0]
        part = np.zeros((len(weights), len(taps)))
        for column, tap in enumerate(taps):
            for j, weight in enumerate(own):
                weights[inner.stride * tap + j] += weight * next_[tap]
                part[inner.stride * tap + j, column] = float(weight)
        kernels.append(Kernel(weights))
        combined = np.asarray(np.kron(combined, part), dtype=np.float64)
    steps = tuple(a.stride * b.stride for a, b in zip(first, second, strict=True))
    single = len(sides) == 1
    layer = Layer(
        kernels[0] if single else tuple(kernels),
        steps[0] if single else steps,
        padding=_written(pads),
        padding_mode=mode if any(map(any, pads)) else "zeros",
    )
    return layer, combined


def _along(value: int | tuple[int, ...], axis: int) -> int:
    return value[axis] if isinstance(value, tuple) else value


def _overhangs(rule: AxisRule, side: int) -> bool:
    return rule.ceil and (side + sum(rule.sides()) - rule.length) % rule.stride != 0


def _tiles(rule: AxisRule, side: int) -> bool:
    return rule.length == rule.stride and side % rule.stride == 0


def _written(pads: list[tuple[int, int]]) -> int | tuple[int, int] | tuple[tuple[int, int], ...]:
    """Return padding as `Layer` takes it."""
    if len({side for pair in pads for side in pair}) == 1:
        return pads[0][0]
    return pads[0] if len(pads) == 1 else tuple(pads)
