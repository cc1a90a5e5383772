"""A pooled ReLU network: layers one after another, or the nodes of a directed graph."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar, overload

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network import geometry
from scaledet.network.graph import (
    DEEPEST,
    Graph,
    checked_inputs,
    checked_names,
    joined,
    part,
    sorted_graph,
)
from scaledet.network.kernel import Kernel
from scaledet.network.layer import Layer, Stride
from scaledet.network.plain_data import network_arguments, network_data
from scaledet.network.sizes import Sides, checked_sides, feasible_side, passing
from scaledet.results import tables

if TYPE_CHECKING:
    from scaledet.network.summary import Summary

__all__ = ["Network", "require_network"]

_RUNS_SHOWN = 7

V = TypeVar("V")


@dataclass(frozen=True, init=False, repr=False)
class Network(Graph, Sequence[Layer]):
    """Layers applied one after another, or as a directed graph, to an image of `dim` dimensions.

    Parameters
    ----------
    layers : sequence of Layer
        One to 10**6; kernels and strides may differ from layer to layer.
    dim : {1, 2, 3}
        Dimension of the image; tuples in the layers have an entry per axis.
    inputs : sequence of sequences of int, optional
        The values that each layer receives: 0 is the image, k the output of layer k. Several are
        summed before the layer, as in residual blocks. By default each layer receives the output
        of the one before it. ``Layer(1)`` is a pure sum.
    names : sequence of str, optional
        Names of the layers, for messages and tables.

    Notes
    -----
    A network is a sequence of its layers: slices, sums and multiples of networks are networks, all
    of one dimension and none of them empty. A slice of a graph is one where its layers receive
    nothing from before it but the value that its first layer follows, as every ``net[:k]``.

    Examples
    --------
    >>> Network([Layer(3), Layer(2, stride=2)], dim=2).support
    (1, 3, 4)
    >>> net = 3 * Network([Layer(2, 2)]) + [Layer(3)]
    >>> net, net[-1]
    (Network(3 x Layer(kernel=box(2), stride=2), Layer(kernel=box(3), stride=1), dim=1), \
Layer(kernel=box(3), stride=1))
    >>> net[2:]
    Network(Layer(kernel=box(2), stride=2), Layer(kernel=box(3), stride=1), dim=1)
    """

    __array_ufunc__ = None  # NumPy's integers leave multiplication to the network.

    def __init__(
        self,
        layers: Iterable[Layer],
        dim: int = 1,
        *,
        inputs: Iterable[Iterable[int]] | None = None,
        names: Iterable[str] | None = None,
    ) -> None:
        if isinstance(layers, Layer) or not hasattr(layers, "__iter__"):
            raise ArgumentTypeError(f"layers must be a sequence of Layer; got {layers!r}")
        given = tuple(itertools.islice(layers, DEEPEST + 1))
        if not given:
            raise ArgumentError("layers must hold at least one Layer; got none")
        if len(given) > DEEPEST:
            raise ArgumentError(f"layers must hold at most {DEEPEST} layers; got more")
        for index, layer in enumerate(given):
            if not isinstance(layer, Layer):
                raise ArgumentTypeError(f"layers[{index}] must be a Layer; got {layer!r}")
        object.__setattr__(self, "layers", given)
        object.__setattr__(self, "dim", validate.integer("dim", dim, 1, 3))
        object.__setattr__(self, "branches", checked_inputs(inputs, len(given)))
        object.__setattr__(self, "names", checked_names(names, len(given)))
        for index, layer in enumerate(given):
            if layer.axes is not None or isinstance(layer.padding, tuple):
                layer.require_axes(self.dim, f"layers[{index}]")
        if self.branches is not None:
            for axis in range(self.dim):
                list(geometry.strides(self, axis))

    @classmethod
    def from_graph(cls, graph: Mapping[str, Any], dim: int = 1) -> Network:
        """Return the network of ``{name: (Layer, input name or list of names)}``.

        The image is called "image". Layers are sorted so that each follows its inputs, in the given
        order as far as that is possible.

        Raises
        ------
        ValueError
            For an unknown name, a cycle, or summed maps of unequal strides, each of them named.

        Examples
        --------
        >>> net = Network.from_graph(
        ...     {
        ...         "stem": (Layer(3, padding=1), "image"),
        ...         "conv": (Layer(3, padding=1), "stem"),
        ...         "sum": (Layer(1), ["stem", "conv"]),
        ...     }
        ... )
        >>> net.inputs, net.support
        (((0,), (1,), (1, 2)), (1, 3, 5, 5))
        """
        names, layers, inputs = sorted_graph(graph)
        return cls(layers, dim, inputs=inputs, names=names)

    @classmethod
    def uniform(
        cls,
        kernel: Kernel | int | Sequence[Any],
        stride: Stride = 1,
        depth: int = 1,
        dim: int = 1,
        bias: Any = 0,
        **options: Any,
    ) -> Network:
        """Return a network of `depth` equal layers; further options are those of `Layer`.

        >>> Network.uniform(kernel=2, stride="kernel", depth=8)
        Network(8 x Layer(kernel=box(2), stride=2), dim=1)
        """
        depth = validate.integer("depth", depth, 1, DEEPEST)
        return cls((Layer(kernel, stride, bias, **options),) * depth, dim)

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Layer: ...
    @overload
    def __getitem__(self, index: slice) -> Network: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Layer | Network:
        if not isinstance(index, slice):
            return self.layers[index]
        layers = self.layers[index]
        if not layers:
            raise ArgumentError(
                f"a slice of a network must hold at least one of its {self.depth} layers; got "
                f"{index}"
            )
        inputs, names = part(self, index)
        return Network(layers, self.dim, inputs=inputs, names=names)

    def __add__(self, other: Iterable[Layer]) -> Network:
        """Return the network of these layers and then the others."""
        return self._then(self._joinable(other))

    def __radd__(self, other: Iterable[Layer]) -> Network:
        return self._joinable(other)._then(self)

    def _then(self, other: Network) -> Network:
        inputs, names = joined(self, other)
        return Network([*self, *other], self.dim, inputs=inputs, names=names)

    def _joinable(self, other: Any) -> Network:
        if isinstance(other, Layer) or not isinstance(other, Iterable):
            raise ArgumentTypeError(f"a network adds to networks and lists of Layer; got {other!r}")
        if isinstance(other, Network) and other.dim != self.dim:
            raise ArgumentError(f"networks must have one dimension; got {self.dim} and {other.dim}")
        return other if isinstance(other, Network) else Network(other, self.dim)

    def __mul__(self, times: SupportsIndex) -> Network:
        """Return the network that repeats these layers so many times."""
        times = validate.integer("times", times, 1, DEEPEST // self.depth)
        inputs, names = joined(*[self] * times)
        return Network(self.layers * times, self.dim, inputs=inputs, names=names)

    __rmul__ = __mul__

    def _common(self, quantity: str, values: Callable[[int], Iterator[V]]) -> tuple[V, ...]:
        """Return the values along every axis, refused where they differ."""
        result = tuple(values(0))
        if not self.alike and any(tuple(values(axis)) != result for axis in range(self.dim)):
            raise ArgumentError(
                f"{quantity} is for networks that are alike along all axes; got {self!r}: use "
                f"net.along(axis).{quantity}"
            )
        return result

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """Cumulative strides S_0 = 1, S_1, ..., S_depth (input pixels per output pixel)."""
        return self._common("strides", lambda axis: geometry.strides(self, axis))

    @cached_property
    def support(self) -> tuple[int, ...]:
        """Support of the composite filter h_k, k = 0 ... depth (input pixels per axis).

        On the infinite lattice, as all that follows: padding does not change it.
        """
        return self._common(
            "support", lambda axis: (b - a + 1 for a, b in geometry.extents(self, axis))
        )

    @cached_property
    def variance(self) -> tuple[Fraction, ...]:
        """Variance of h_k read as a probability law, k = 0 ... depth (pixels squared, exact)."""
        return self._common(
            "variance", lambda axis: (h.variance for h in geometry.moments(self, axis))
        )

    @cached_property
    def centre(self) -> tuple[Fraction, ...]:
        """Mean position of what output 0 reads, k = 0 ... depth (pixels, exact); output i: + i S_k.

        Padding on the left moves it to the left.
        """
        return self._common("centre", lambda axis: (h.mean for h in geometry.moments(self, axis)))

    @cached_property
    def _distinct(self) -> list[Layer]:
        """The layers, each object once: hashes of exact weights take long."""
        return list({id(layer): layer for layer in self.layers}.values())

    @cached_property
    def alike(self) -> bool:
        """Whether kernel, stride and padding of every layer are the same along all axes."""
        return all(geometry.is_alike(layer, self.dim) for layer in self._distinct)

    def along(self, axis: int) -> Network:
        """Return the one-dimensional network of this one along an axis.

        Of a filter that is no product it holds the marginal: enough for strides, supports and
        receptive fields, not for sensitivities.
        """
        axis = validate.integer("axis", axis, 0, self.dim - 1)
        layers = []
        for layer in self.layers:
            rule = layer.rule(axis, self.dim)
            options = {**layer.arguments(), "padding": rule.padding, "dilation": 1}
            options["kernel"], options["stride"] = layer.kernel_along(axis), rule.stride
            layers.append(Layer(**options))
        return Network(layers, inputs=self.branches, names=self.names)

    def is_torus(self, size: int | Sides | None = None) -> bool:
        """Whether the sensitivities are those of a chain of layers on the torus.

        Every layer averages with one kernel and one stride along all axes, and is on the torus or
        padded so that it gives the same up to a shift: padding that is circular, or none, and of
        just the right amount. With a `size`, it must be a multiple of the total stride and no
        shorter than a kernel, and all sides equal.
        """
        if not self._alike_torus:
            return False
        if size is None:
            return True
        side, *others = set(checked_sides(self, size))
        longest = max(layer.kernel.support for layer in self._distinct)
        return not others and side % self.strides[-1] == 0 and side >= longest

    @cached_property
    def _alike_torus(self) -> bool:
        return self.is_chain and all(geometry.is_torus(layer, self.dim) for layer in self._distinct)

    @cached_property
    def period(self) -> int:
        """Length of the shortest block whose repetition gives the network; 1 if all are equal.

        Biases are ignored; where they matter, callers refuse them (`require_no_bias`).
        """
        if not self.is_torus():
            keys: list[Any] = [{**layer.arguments(), "bias": 0} for layer in self.layers]
            keys = keys if self.is_chain else list(range(self.depth))
        else:
            kernels = ((layer.kernel, layer.stride) for layer in self.layers)
            keys = [(kernel.signed, kernel.trimmed, stride) for kernel, stride in kernels]
        return next(
            p
            for p in range(1, self.depth + 1)
            if self.depth % p == 0 and all(keys[i] == keys[i % p] for i in range(self.depth))
        )

    def sizes(self, size: int | Sequence[int]) -> tuple[Sides, ...]:
        """Return the sides of the maps k = 0 ... depth of an image of `size` (pixels).

        `size` is one number for all axes or a number per axis. Sizes are those of PyTorch, see
        `Layer`.

        Raises
        ------
        ValueError
            If a layer cannot take its map; the message names layer, map and a size that passes.

        >>> Network([Layer(3, 2, padding=1), Layer(2, 2, padding=0, ceil_mode=True)]).sizes(9)
        ((9,), (5,), (3,))
        """
        return passing(self, checked_sides(self, size))

    def feasible_size(self, size: Any) -> int | Sides:
        """Check that an image of `size` pixels a side passes through all layers; return it.

        `size` may be the sides along all axes, too; one number is returned where they are equal.

        Raises
        ------
        ValueError
            If it does not: on the torus, if `size` is not a multiple of the total stride, or is
            shorter than a kernel.
        """
        sides = checked_sides(self, size)
        if self._alike_torus and all(layer.padding is None for layer in self._distinct):
            for side in dict.fromkeys(sides):
                feasible_side(self, side)
        else:
            passing(self, sides)
        return sides[0] if len(set(sides)) == 1 else sides

    def summary(self, size: int | Sequence[int] | None = None) -> Summary:
        """Return strides, supports, receptive fields, and with a `size` maps and borders, by layer.

        No sensitivity is computed; the result is shown as a table and has ``to_dataframe``. A
        `size` that does not pass is refused as by `sizes`.
        """
        from scaledet.network.summary import Summary

        return Summary.of(self, size)

    def to_dict(self) -> dict[str, Any]:
        """Return a plain JSON-able description; `from_dict` restores the same network."""
        return network_data(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Network:
        """Restore a network from `to_dict`.

        >>> net = Network.uniform([1, 2, 1], stride=2, depth=3)
        >>> Network.from_dict(net.to_dict()) == net
        True
        """
        try:
            return cls(**network_arguments(data))
        except (LookupError, TypeError, ValueError, ZeroDivisionError) as error:
            kind = ArgumentTypeError if isinstance(error, TypeError) else ArgumentError
            reason = f"{type(error).__name__}: {error}"
            raise kind(f"data must be what Network.to_dict returns; got {reason}") from error

    def __repr__(self) -> str:
        runs = tables.shortened(self.runs(), _RUNS_SHOWN, (1, "..."))
        parts = [f"{count} x {layer!r}" if count > 1 else f"{layer}" for count, layer in runs]
        rows = tables.shortened(self.branches or (), _RUNS_SHOWN)
        graph = f", inputs=({', '.join(map(str, rows))})" if rows else ""
        return f"Network({', '.join(parts)}, dim={self.dim}{graph})"

    def _repr_html_(self) -> str:
        from scaledet.network.summary import described

        title = f"Network, depth {self.depth}, dim={self.dim}"
        return tables.html_table(title, described(self))

    @property
    def signed(self) -> bool:
        """Whether a kernel is signed: no probability law, no receptive field A_k."""
        return any(layer.signed for layer in self.layers)

    @cached_property
    def box_width(self) -> tuple[float, ...]:
        """Effective receptive field A_k = sqrt(1 + 12 Var h_k) per axis (pixels).

        The width of the box of equal variance; refused for signed kernels. A_k = s^k
        for boxes whose stride is their length. Source: our definition.
        """
        if self.signed:
            raise ArgumentError(f"A_k needs non-negative kernels; got {self!r}")
        return tuple(geometry.square_root(1 + 12 * variance) for variance in self.variance)


def require_network(net: Any) -> Network:
    """Return `net` if it is a Network."""
    if not isinstance(net, Network):
        raise ArgumentTypeError(f"net must be a Network; got {net!r}")
    return net
