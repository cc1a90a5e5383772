r"""The matrices :math:`M_k` from the image to the maps of all layers: products of the layers'.

With :math:`P_k` the matrix of layer k, its weights where the border leaves them,

.. math:: M_k = P_k \sum_{j \in \mathrm{inputs}(k)} M_j, \qquad M_0 = 1 .

Where all layers are separable and follow one another, :math:`M_k` is the tensor product of one
such matrix per axis; in one dimension it always is its only factor.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
from flint import fmpz

from scaledet.errors import ArgumentError
from scaledet.network.geometry import extents
from scaledet.network.graph import fold
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.network.pooling import axis_matrix, layer_matrix

__all__ = ["ExactMap", "Factor", "factors", "is_sparse", "together"]

V = TypeVar("V")

_MOST_ENTRIES = 10**8
"""Most non-zero weights of a matrix: 1.2 GB, and less than three times as much is held at once."""
_SPARSE = 0.05
"""Share of non-zero entries below which a sparse product is the faster one."""


class ExactMap(NamedTuple):
    """A matrix of integers [outputs, pixels], and the number that divides them."""

    matrix: Any
    scale: int


@dataclass(frozen=True, eq=False)
class Factor:
    """One factor of the matrices of a network: that of an axis, or the whole (`axis` None).

    Attributes
    ----------
    net : Network
        The layers.
    sides : tuple of int
        Pixels of the image along the axes of the factor.
    axis : int or None
        The axis; None for all axes at once.
    maps : tuple of tuple of int
        Sides of all maps, as `Network.sizes` gives them.
    """

    net: Network
    sides: tuple[int, ...]
    axis: int | None
    maps: tuple[tuple[int, ...], ...]

    @property
    def pixels(self) -> int:
        """Number of columns of the matrices."""
        return math.prod(self.sides)

    @property
    def alike(self) -> tuple[Any, ...]:
        """What decides the matrices: equal for the axes of a network that is alike along all."""
        return self.sides, None if self.net.alike else self.axis

    def floats(self) -> Iterator[Any]:
        """Yield M_0 ... M_depth as ``scipy.sparse`` arrays of floats."""
        from scipy import sparse

        self._require_memory()
        layers = self._layers(exact=False)
        start = sparse.eye_array(self.pixels, format="csr")
        yield from fold(
            self.net, start, lambda before, _, k: layers(k) @ before, lambda parts, _: sum(parts)
        )

    def exact(self) -> Iterator[ExactMap]:
        """Yield M_0 ... M_depth in exact integers."""
        layers = self._layers(exact=True)
        start = np.full((self.pixels, self.pixels), fmpz(0), dtype=object)
        np.fill_diagonal(start, fmpz(1))

        def through(before: ExactMap, _: Layer, k: int) -> ExactMap:
            rows, unit = layers(k)
            after = np.empty((len(rows), self.pixels), dtype=object)
            for place, row in enumerate(rows):
                after[place] = sum((w * before.matrix[j] for j, w in row), 0 * before.matrix[0])
            return ExactMap(after, before.scale * unit)

        yield from fold(self.net, ExactMap(start, 1), through, _added)

    def _layers(self, *, exact: bool) -> Callable[[int], Any]:
        """Return the function that gives the matrix of layer k; equal ones are made once."""
        known: dict[Any, Any] = {}

        def matrix(k: int) -> Any:
            layer, sides = self.net.layers[k - 1], self.maps[self.net.inputs[k - 1][0]]
            key = id(layer), sides
            if key not in known:
                if self.axis is None:
                    made = layer_matrix(layer, sides, exact=exact)
                else:
                    side, dim = sides[self.axis], self.net.dim
                    made = axis_matrix(layer, self.axis, side, dim, exact=exact)
                known[key] = _integers(made) if exact else made
            return known[key]

        return matrix

    def _require_memory(self) -> None:
        if self._entries(1.0) > _MOST_ENTRIES:
            low = next(
                share for n in itertools.count(1) if self._entries(share := 0.97**n) < _MOST_ENTRIES
            )
            fits = max(2, int(low * max(self.sides)))
            raise ArgumentError(
                f"size must be at most about {fits} for this network, whose largest matrix would "
                f"have {self._entries(1.0):.2g} weights ({12e-9 * self._entries(1.0):.2g} GB; at "
                f"most {_MOST_ENTRIES:.0e}); got {' x '.join(map(str, self.sides))} pixels"
            )

    def _entries(self, share: float) -> float:
        """Return the largest number of weights of a map, the sides times `share`, about."""
        cut = share ** len(self.sides)
        return max(
            cut * math.prod(sides[axis] for axis in self._axes) * min(cut * self.pixels, field)
            for sides, field in zip(self.maps, self._fields, strict=True)
        )

    @cached_property
    def _axes(self) -> Sequence[int]:
        return range(self.net.dim) if self.axis is None else (self.axis,)

    @cached_property
    def _fields(self) -> list[int]:
        """Pixels that an output sees at most, k = 0 ... depth."""
        each = (extents(self.net, axis) for axis in self._axes)
        return [
            math.prod(min(last - first + 1, self.pixels) for first, last in ends)
            for ends in zip(*each, strict=True)
        ]


def factors(net: Network, sides: tuple[int, ...]) -> list[Factor]:
    """Return the factors of the matrices: one per axis if the layers allow it, or the whole."""
    maps = net.sizes(sides)
    separable = net.is_chain and all(layer.is_separable for layer in net)
    if net.dim == 1 or separable:
        return [Factor(net, (side,), axis, maps) for axis, side in enumerate(sides)]
    return [Factor(net, sides, None, maps)]


def together(parts: Sequence[Factor], stream: Callable[[Factor], Iterator[V]]) -> Iterator[list[V]]:
    """Yield what `stream` yields for each factor, layer by layer; equal factors share it."""
    streams = {part.alike: stream(part) for part in parts}
    for each in zip(*streams.values(), strict=True):
        values = dict(zip(streams, each, strict=True))
        yield [values[part.alike] for part in parts]


def is_sparse(matrix: Any) -> bool:
    """Return whether a product with this sparse matrix is the faster one without its zeros."""
    return bool(matrix.nnz < _SPARSE * math.prod(matrix.shape))


def _integers(matrix: Any) -> tuple[list[list[tuple[int, fmpz]]], int]:
    """Return the non-zero entries of the rows as integers, and the number that divides them."""
    rows = [[(int(j), row[j]) for j in np.flatnonzero(row)] for row in matrix]
    unit = math.lcm(*(weight.denominator for row in rows for _, weight in row))
    return [[(j, fmpz(int(weight * unit))) for j, weight in row] for row in rows], unit


def _added(parts: Sequence[ExactMap], _: int) -> ExactMap:
    scale = math.lcm(*(part.scale for part in parts))
    return ExactMap(sum(part.matrix * fmpz(scale // part.scale) for part in parts), scale)
