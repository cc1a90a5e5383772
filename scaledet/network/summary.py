"""What a network does to positions: sizes, strides, receptive fields and borders of its layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from scaledet import rationals
from scaledet.network import geometry
from scaledet.network.graph import Graph, fold
from scaledet.network.layer import Layer
from scaledet.network.plain_data import network_data, restored_graph
from scaledet.network.sizes import Sides, checked_sides, passing
from scaledet.results.result import Result

if TYPE_CHECKING:
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Summary", "described"]


@dataclass(frozen=True, repr=False)
class Summary(Result):
    """Where the layers of a network look: no sensitivity is computed.

    Rows are the values k = 0 (the image) ... depth. Where the axes differ, an entry is a tuple
    with a number per axis. All that follows but `sides` and `bordered` is that of the infinite
    lattice; several paths to a layer are added.

    Attributes
    ----------
    network : Graph
        The layers and what they receive.
    size : tuple of int, or None
        Sides of the image (pixels).

    Examples
    --------
    >>> from scaledet import Layer, Network
    >>> print(Network([Layer(3, 2, padding=1), Layer(4, 2, padding=1)]).summary(size=16))
    Summary of 2 layers, dim=1, size 16
      maps are displaced against the image by up to 0.5 pixels (drift)
      2 of 4 outputs of the last layer see padding
      k  layer  kernel  stride    options  map  S_k  support     A_k  centre  drift  bordered
      0  image                              16    1        1       1       0      0         0
      1      1  box(3)       2  padding=1    8    2        3       3       0   -0.5         1
      2      2  box(4)       2  padding=1    4    4        9  8.3066       1   -0.5         2
    """

    network: Graph
    size: Sides | None

    _kind = "summary"
    _facts: ClassVar = {}

    @cached_property
    def sides(self) -> tuple[Sides, ...] | None:
        """Sides of the maps k = 0 ... depth (pixels); None without a size."""
        return None if self.size is None else passing(self.network, self.size)

    @cached_property
    def strides(self) -> list[tuple[int, ...]]:
        """Cumulative strides S_k per axis (input pixels per output pixel)."""
        return self._per_axis(lambda axis: list(geometry.strides(self.network, axis)))

    @cached_property
    def support(self) -> list[tuple[int, ...]]:
        """Lengths of what an output may read, per axis (input pixels)."""
        ends = self._per_axis(lambda axis: list(geometry.extents(self.network, axis)))
        return [tuple(last - first + 1 for first, last in row) for row in ends]

    @cached_property
    def A(self) -> list[tuple[float, ...]]:
        """Effective receptive fields A_k = sqrt(1 + 12 Var h_k) per axis (input pixels).

        Beyond the range of floats, an integer, rounded down.
        """
        return [tuple(_width(part.variance) for part in row) for row in self._moments]

    @cached_property
    def centre(self) -> list[tuple[Fraction, ...]]:
        """Mean position of what output 0 reads, per axis (input pixels, exact)."""
        return [tuple(part.mean for part in row) for row in self._moments]

    @cached_property
    def drift(self) -> list[tuple[Fraction, ...]]:
        """Displacement of the maps against the image, per axis (input pixels, exact).

        Output i stands for the pixels S_k i ... S_k (i + 1) - 1; the drift is the mean position of
        what output 0 reads minus their centre (S_k - 1) / 2. On the torus, where whole pixels of a
        shift have no meaning, each window is first shifted to where it is centred best.
        """
        parts = self._per_axis(
            lambda axis: list(
                geometry.moments(self.network, axis, geometry.centred(self.network, axis))
            )
        )
        return [
            tuple(part.mean - Fraction(step - 1, 2) for part, step in zip(row, steps, strict=True))
            for row, steps in zip(parts, self.strides, strict=True)
        ]

    @cached_property
    def bordered(self) -> list[int] | None:
        """Number of outputs that see padding, themselves or through earlier layers.

        Padding is what is not the image: zeros, reflections, replicates, and what a window reads
        beyond all with ``ceil_mode``; not what wraps around. None without a size.
        """
        if self.sides is None or self.size is None:
            return None
        if all(layer.padding is None for layer in self.network.layers):
            return [0] * len(self.sides)
        maps = self.sides
        free = self._per_axis(lambda axis: list(_free(self.network, axis, maps)))
        return [
            math.prod(sides) - math.prod(row) for sides, row in zip(self.sides, free, strict=True)
        ]

    @cached_property
    def _moments(self) -> list[tuple[geometry.Moments, ...]]:
        return self._per_axis(lambda axis: list(geometry.moments(self.network, axis)))

    def _per_axis(self, values: Callable[[int], list[Any]]) -> list[tuple[Any, ...]]:
        """Return ``values(axis)`` of all axes, by layer."""
        return list(zip(*(values(axis) for axis in range(self.network.dim)), strict=True))

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name, of the values k = 0 ... depth."""
        net = self.network
        signed = any(layer.signed for layer in net.layers)
        columns: dict[str, Any] = {
            "k": list(range(net.depth + 1)),
            "layer": ["image", *(net.names or map(str, range(1, net.depth + 1)))],
            **{name: ["", *column] for name, column in _layers(net).items()},
        }
        if self.sides is not None:
            columns["map"] = _simplified(self.sides)
        columns |= {"S_k": _simplified(self.strides), "support": _simplified(self.support)}
        if not signed:
            columns |= {
                "A_k": _simplified(self.A),
                "centre": _simplified(self.centre),
                "drift": _simplified(self.drift),
            }
        if self.bordered is not None:
            columns["bordered"] = self.bordered
        return columns

    def remarks(self) -> list[str]:
        """Return remarks on drift, borders and what a column does not say."""
        net, lines = self.network, []
        if any(layer.signed for layer in net.layers):
            lines.append("A_k, centre and drift are those of non-negative kernels, not of signed")
        else:
            largest = max(abs(value) for row in self.drift for value in row)
            if largest:
                lines.append(
                    "maps are displaced against the image by up to "
                    f"{rationals.text(largest, digits=5)} pixels (drift)"
                )
        if any(layer.is_max for layer in net.layers):
            lines.append("a window of max pooling counts as the box of its length")
        if self.bordered is not None and self.sides is not None and any(self.bordered):
            total = math.prod(self.sides[-1])
            lines.append(f"{self.bordered[-1]} of {total} outputs of the last layer see padding")
        return lines

    def _title(self) -> str:
        count = self.network.depth
        size = "" if self.size is None else f", size {_simplified([self.size])[0]}"
        return f"Summary of {count} layer{'s' * (count > 1)}, dim={self.network.dim}{size}"

    def _shown(self) -> dict[str, Any]:
        return self.columns()

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the network and the size as plain facts, which `from_stored` reads."""
        size = None if self.size is None else list(self.size)
        return {"network": network_data(self.network), "size": size}, {}

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; called by ``load``."""
        checked = cls.of(restored_graph(facts["network"]), facts["size"])
        return super().from_stored({"network": checked.network, "size": checked.size}, arrays)

    @classmethod
    def of(cls, net: Graph, size: Any) -> Summary:
        """Return the summary of a network; the size is checked."""
        plain = Graph(net.layers, net.dim, net.branches, net.names)
        result = cls(plain, None if size is None else checked_sides(plain, size))
        _ = result.sides  # refused here if it does not pass
        return result


def described(net: Graph) -> dict[str, Any]:
    """Return the columns of a network's own table, of the layers 1 ... depth."""
    columns, positions = _layers(net), Summary.of(net, None)
    columns["kernel"] = [layer.taps for layer in net.layers]
    return {
        "layer": net.names or range(1, net.depth + 1),
        **columns,
        "bias": [layer.bias for layer in net.layers],
        "S_k": _simplified(positions.strides[1:]),
        "support": _simplified(positions.support[1:]),
    }


def _layers(net: Graph) -> dict[str, list[Any]]:
    """Return what the layers are, by name of the column; their bias is left out."""
    distinct = {id(layer): layer for layer in net.layers}
    known = {key: layer.written() for key, layer in distinct.items()}
    texts = [known[id(layer)] for layer in net.layers]
    columns: dict[str, list[Any]] = {
        "kernel": [text["kernel"] for text in texts],
        "stride": [layer.step for layer in net.layers],
    }
    usual = ("kernel", "stride", "bias")
    options = [", ".join(f"{n}={v}" for n, v in t.items() if n not in usual) for t in texts]
    if any(options):
        columns["options"] = options
    if not net.is_chain:
        named = ["image", *(net.names or map(str, range(1, net.depth + 1)))]
        columns["inputs"] = [" + ".join(named[j] for j in row) for row in net.inputs]
    return columns


def _width(variance: Fraction) -> float:
    try:
        return geometry.square_root(1 + 12 * variance)
    except OverflowError:
        return math.isqrt(int(1 + 12 * variance))


def _simplified(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """One number per row if it is the same along all axes in all rows."""
    alike = all(len(set(row)) == 1 for row in rows)
    return [row[0] if alike else row for row in rows]


def _free(net: Graph, axis: int, sides: Sequence[Sides]) -> Iterator[int]:
    """Yield how many outputs along an axis see no padding, k = 0 ... depth."""
    import numpy as np

    def through(seen: NDArray[np.bool_], layer: Layer, _: int) -> NDArray[np.bool_]:
        rule, size = layer.rule(axis, net.dim), len(seen)
        places, sites = rule.places(size), rule.sites(size)
        flagged = (places < 0) | (places >= size)
        if rule.padding is None or rule.mode == "circular":
            flagged = sites < 0
        flagged |= (sites >= 0) & seen[sites]
        taps = [j for j, weight in enumerate(layer.kernel_along(axis)) if weight]
        windows = np.lib.stride_tricks.sliding_window_view(flagged, rule.length)
        return np.asarray(windows[:: rule.stride, taps].any(axis=1))

    def merged(parts: Sequence[NDArray[np.bool_]], _: int) -> NDArray[np.bool_]:
        return np.asarray(np.logical_or.reduce(parts))

    image = np.zeros(sides[0][axis], np.bool_)
    for seen in fold(net, image, through, merged):
        yield int((~seen).sum())
