"""Networks as directed graphs: which earlier values each layer receives."""

from __future__ import annotations

import graphlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.kernel import entries
from scaledet.network.layer import Layer

__all__ = [
    "DEEPEST",
    "IMAGE",
    "Graph",
    "Inputs",
    "checked_inputs",
    "checked_names",
    "fold",
    "joined",
    "part",
    "sorted_graph",
]

DEEPEST = 10**6
"""Largest number of layers."""

IMAGE = "image"
"""The name of the image among the values of a network."""

Inputs = tuple[tuple[int, ...], ...]
"""The values that each layer receives: 0 is the image, k the output of layer k."""

V = TypeVar("V")


@dataclass(frozen=True)
class Graph:
    """Layers and the values that they receive; a `Network` is one that has been checked.

    Attributes
    ----------
    layers : tuple of Layer
        The layers, each after those it receives from.
    dim : int
        Dimension of the image.
    branches : tuple of tuple of int, or None
        The values that each layer receives; None for a chain.
    names : tuple of str, or None
        Names of the layers.
    """

    layers: tuple[Layer, ...]
    dim: int
    branches: Inputs | None
    names: tuple[str, ...] | None

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self.layers)

    @property
    def is_chain(self) -> bool:
        """Whether every layer receives the output of the one before it, and nothing else."""
        return self.branches is None

    @cached_property
    def inputs(self) -> Inputs:
        """The values that each layer receives: 0 is the image, k the output of layer k."""
        return tuple((k,) for k in range(self.depth)) if self.branches is None else self.branches

    @cached_property
    def last_uses(self) -> dict[int, int]:
        """The last layer that receives each value; values that no layer receives are left out."""
        return {value: k for k, row in enumerate(self.inputs, start=1) for value in row}

    def runs(self) -> list[tuple[int, Layer]]:
        """Return equal consecutive layers grouped as (count, layer)."""
        return [(len(list(equal)), layer) for layer, equal in itertools.groupby(self.layers)]

    def label(self, k: int) -> str:
        """Return what messages call value k: the image, or layer k and its name."""
        name = f" ({self.names[k - 1]!r})" if self.names and k else ""
        return f"layer {k}{name}" if k else "the image"


def checked_inputs(given: Any, depth: int) -> Inputs | None:
    """Return the inputs of `depth` layers; None for a chain, given or not."""
    if given is None:
        return None
    rows = entries(given)
    if rows is None or any(entries(row) is None for row in rows):
        raise ArgumentTypeError(
            "inputs must be a sequence that holds, for each layer, the sequence of the values that "
            f"it receives; got {given!r}"
        )
    if len(rows) != depth:
        raise ArgumentError(f"inputs must have an entry per layer, {depth}; got {len(rows)}")
    result = []
    for k, row in enumerate(rows, start=1):
        name = f"inputs[{k - 1}]"
        values = tuple(validate.integer(name, value, 0, depth) for value in row)
        if not values:
            raise ArgumentError(f"{name} must hold at least one value; got none")
        if max(values) >= k:
            raise ArgumentError(
                f"{name} must hold values before layer {k}, 0 (the image) to {k - 1}; got "
                f"{max(values)}, a graph with a cycle"
            )
        result.append(values)
    return None if all(row == (k,) for k, row in enumerate(result)) else tuple(result)


def checked_names(given: Any, depth: int) -> tuple[str, ...] | None:
    """Return the names of the layers, None for none."""
    if given is None:
        return None
    names = entries(given)
    if names is None or not all(isinstance(name, str) for name in names):
        raise ArgumentTypeError(f"names must be a sequence of strings or None; got {given!r}")
    if len(names) != depth:
        raise ArgumentError(f"names must have an entry per layer, {depth}; got {len(names)}")
    places: dict[str, int] = {}
    twice = next((name for j, name in enumerate(names) if places.setdefault(name, j) < j), None)
    if twice is not None or IMAGE in names:
        reason = f"{IMAGE!r}, which is the image" if twice is None else f"{twice!r} twice"
        raise ArgumentError(f"names must name every layer differently; got {reason}")
    return tuple(names)


def sorted_graph(graph: Any) -> tuple[list[str], list[Layer], list[tuple[int, ...]]]:
    """Return names, layers and inputs of ``{name: (layer, inputs)}``, inputs before their users.

    The given order is kept as far as it is possible.
    """
    if not isinstance(graph, Mapping):
        raise ArgumentTypeError(f"graph must be a dict of (Layer, inputs) by name; got {graph!r}")
    layers: dict[str, Layer] = {}
    sources: dict[str, list[str]] = {}
    for name, node in graph.items():
        if not isinstance(name, str) or name == IMAGE:
            raise ArgumentError(f"graph must name its layers, not {IMAGE!r}; got {name!r}")
        if not (isinstance(node, tuple) and len(node) == 2 and isinstance(node[0], Layer)):
            raise ArgumentTypeError(
                f"graph[{name!r}] must be a Layer and the name, or names, of its inputs; got "
                f"{node!r}"
            )
        layers[name] = node[0]
        sources[name] = [node[1]] if isinstance(node[1], str) else list(entries(node[1]) or ())
        if not sources[name]:
            raise ArgumentError(f"graph[{name!r}] must name at least one input; got {node[1]!r}")
    for name, needed in sources.items():
        for source in needed:
            if source != IMAGE and source not in layers:
                known = ", ".join(map(repr, [IMAGE, *layers]))
                raise ArgumentError(
                    f"graph[{name!r}] must have inputs among {known}; got {source!r}"
                )
    try:
        graphlib.TopologicalSorter(sources).prepare()
    except graphlib.CycleError as error:
        path = " -> ".join(map(repr, error.args[1]))
        raise ArgumentError(f"graph must have no cycle; got {path}") from None
    number = {IMAGE: 0}
    order: list[str] = []
    for name in layers:
        pending = [name]
        while pending:
            missing = [source for source in sources[pending[-1]] if source not in number]
            if missing:
                pending.append(missing[0])
            elif (ready := pending.pop()) not in number:
                order.append(ready)
                number[ready] = len(order)
    inputs = [tuple(number[source] for source in sources[name]) for name in order]
    return order, [layers[name] for name in order], inputs


def part(net: Graph, index: slice) -> tuple[Inputs | None, tuple[str, ...] | None]:
    """Return inputs and names of a slice of the layers, refused where it is no network.

    In a graph, the slice must be a run of layers that receive nothing from before the value that
    its first layer follows.
    """
    names = net.names and net.names[index]
    if net.branches is None:
        return None, names
    start, stop, step = index.indices(net.depth)
    rows = net.branches[start:stop] if step == 1 else ()
    early = [k for k, row in enumerate(rows, start=start + 1) if min(row) < start]
    if step != 1 or early:
        reason = f"step {step}" if step != 1 else f"{net.label(early[0])}, which receives more"
        raise ArgumentError(
            "a slice of a graph must be a run of layers that receive nothing but values from "
            f"within it and the one before it; got {index} with {reason}"
        )
    return tuple(tuple(value - start for value in row) for row in rows), names


def fold(
    net: Graph,
    image: V,
    through: Callable[[V, Layer, int], V],
    merged: Callable[[Sequence[V], int], V],
) -> Iterator[V]:
    """Yield a quantity of every value: `image`, then what `through` makes of a layer's input.

    `through` receives the input's quantity, the layer and its number k; `merged` those of several
    summed inputs, and k. No quantity is held longer than a layer needs it.
    """
    yield image
    if net.branches is None:
        value = image
        for k, layer in enumerate(net.layers, start=1):
            value = through(value, layer, k)
            yield value
        return
    values = {0: image}
    for k, (layer, row) in enumerate(zip(net.layers, net.branches, strict=True), start=1):
        incoming = values[row[0]] if len(row) == 1 else merged([values[j] for j in row], k)
        value = through(incoming, layer, k)
        for j in set(row):
            if net.last_uses[j] == k:
                del values[j]
        if k in net.last_uses:
            values[k] = value
        yield value


def joined(*parts: Graph) -> tuple[Inputs | None, tuple[str, ...] | None]:
    """Return inputs and names of the layers of all parts, one after another.

    Names are kept where all layers have one, each its own.
    """
    names = tuple(itertools.chain.from_iterable(part.names or () for part in parts))
    starts = itertools.accumulate((part.depth for part in parts), initial=0)
    kept = names if len(set(names)) == sum(part.depth for part in parts) else None
    if all(part.is_chain for part in parts):
        return None, kept
    inputs = (
        tuple(value + start for value in row)
        for start, part in zip(starts, parts, strict=False)
        for row in part.inputs
    )
    return tuple(inputs), kept
