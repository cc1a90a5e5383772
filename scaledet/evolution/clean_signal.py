r"""Clean images through non-overlapping layers with any biases, exactly: Q_k and D_k.

A clean unit sees the background :math:`c_k = \mathrm{relu}(c_{k-1} + b_k)`; the unit over the
active pixel, in a slot of weight w, :math:`u_k = \mathrm{relu}(w u_{k-1} + (1-w) c_{k-1} + b_k)`.
With v = u - c, B_k = (N/S_k)^d units and an average over the pixel's position,

.. math:: Q_k = 2 \bigl(E v_k^2 - (E v_k)^2 / B_k\bigr) .

A move by one site crosses the border of two units until both positions share one. Source: our
derivation (`derivations/d11_density_evolution.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TypeVar

from scaledet.errors import ArgumentError
from scaledet.network.layer import Layer
from scaledet.network.network import Network

__all__ = ["CleanLayer", "clean_layers", "slot_weights"]

_MOST = 20_000
"""Different heights of active units that are kept apart."""

Key = TypeVar("Key")
Heights = dict[Fraction, Fraction]
"""Probabilities of the heights of the active unit."""
Step = Callable[[Fraction, Fraction], Fraction]
"""Height of a unit after one layer, from weight and height of one input."""
Pairs = dict[tuple[Fraction, Fraction], Fraction]
"""Probabilities of the heights of the active units of an image and of its displaced copy."""


@dataclass(frozen=True)
class CleanLayer:
    """Clean images at one layer, all exact.

    `background`: height c of a unit away from the active pixel; `heights`: heights u of the unit
    over it and their probabilities (a pixel that no unit looks at counts as background);
    `distance`: Q_k; `displacement`: E|f_k(tau x) - f_k(x)|^2.
    """

    background: Fraction
    heights: Heights
    distance: Fraction
    displacement: Fraction

    @property
    def alive(self) -> bool:
        """Whether the active pixel can still be seen."""
        return any(height != self.background for height in self.heights)


def slot_weights(layer: Layer, axes: int) -> dict[Fraction, Fraction]:
    """Probabilities of the weights that a pixel meets along `axes` axes; 0 where no unit looks."""
    share = Fraction(1, layer.stride)
    looked = [(weight, share) for weight in layer.kernel.weights]
    missed = [(Fraction(0), 1 - len(looked) * share)] if len(looked) < layer.stride else []
    result = {Fraction(1): Fraction(1)}
    for _ in range(axes):
        result = _collected(
            (weight * factor, p * q)
            for weight, p in result.items()
            for factor, q in looked + missed
        )
    return result


def clean_layers(network: Network, size: int | None) -> Iterator[CleanLayer]:
    """Yield layers 0 ... depth; size None: the infinite lattice, where no bias counts."""
    background, heights = Fraction(0), {Fraction(1): Fraction(1)}
    apart: Pairs = {(Fraction(1), Fraction(1)): Fraction(1)}
    together: Pairs = {}
    for k, stride in enumerate(network.strides):
        if k:
            layer, dim = network.layers[k - 1], network.dim
            step = partial(_height, layer, background, size is not None)
            weights = slot_weights(layer, dim)
            heights = _collected(
                (step(w, u), p * q) for u, p in heights.items() for w, q in weights.items()
            )
            crossing, joining = _moved(layer, dim)
            if size == stride:  # around the torus to the same unit
                crossing, joining = {}, _collected([*crossing.items(), *joining.items()])
            stay = _changed(step, together, {(w, w): q for w, q in weights.items()})
            together = _collected([*stay, *_changed(step, apart, joining)])
            together = {pair: p for pair, p in together.items() if pair[0] != pair[1]}
            apart = _collected(_changed(step, apart, crossing))
            background = step(Fraction(0), background)
        for known in (heights, apart, together):
            if len(known) > _MOST:
                raise ArgumentError(
                    f"depth must be at most {k - 1} for these unequal weights: at layer {k} the "
                    f"active unit has more than {_MOST} different heights"
                )
        share = Fraction(0) if size is None else Fraction(stride, size) ** network.dim
        yield _clean_layer(background, heights, apart, together, share)


def _height(
    layer: Layer, background: Fraction, biased: bool, weight: Fraction, height: Fraction
) -> Fraction:
    """Height of a clean unit after one layer, from the height in the slot of this weight."""
    pooled = weight * height + (1 - weight) * background
    return max(pooled + layer.bias if biased else pooled, Fraction(0))


def _moved(layer: Layer, dim: int) -> tuple[Pairs, Pairs]:
    """Weights met before and after a move along an axis: into the next unit, or within one."""
    across = slot_weights(layer, dim - 1)
    axis = [*layer.kernel.weights, *[Fraction(0)] * (layer.stride - len(layer.kernel))]
    share = Fraction(1, layer.stride)
    crossing, *joining = (
        _collected(((before * w, after * w), share * q) for w, q in across.items())
        for before, after in [(axis[-1], axis[0]), *itertools.pairwise(axis)]
    )
    return crossing, _collected(item for pairs in joining for item in pairs.items())


def _changed(
    step: Step, pairs: Pairs, weights: Pairs
) -> list[tuple[tuple[Fraction, Fraction], Fraction]]:
    return [
        ((step(w, u), step(w_, u_)), p * q)
        for (u, u_), p in pairs.items()
        for (w, w_), q in weights.items()
    ]


def _collected(items: Iterable[tuple[Key, Fraction]]) -> dict[Key, Fraction]:
    """Add up the probabilities of equal keys."""
    result: dict[Key, Fraction] = {}
    for key, probability in items:
        result[key] = result.get(key, Fraction(0)) + probability
    return result


def _clean_layer(
    background: Fraction, heights: Heights, apart: Pairs, together: Pairs, share: Fraction
) -> CleanLayer:
    """Moments of the heights; `share` is 1 / B_k."""
    square = sum((p * (u - background) ** 2 for u, p in heights.items()), Fraction(0))
    mean = sum((p * (u - background) for u, p in heights.items()), Fraction(0))
    change = sum((p * (u - u_) ** 2 for (u, u_), p in together.items()), Fraction(0))
    for (u, u_), p in apart.items():
        change += p * ((u - background) ** 2 + (u_ - background) ** 2)
    return CleanLayer(background, heights, 2 * (square - mean**2 * share), change)
