"""A pooled ReLU network: an ordered list of layers on the d-dimensional torus."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, SupportsIndex, overload

from scaledet import rationals, validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.kernel import Kernel
from scaledet.network.layer import Layer, Stride
from scaledet.results import tables

__all__ = ["Network"]

DEEPEST = 10**6
"""Largest number of layers."""
_RUNS_SHOWN = 7
_LARGEST = 2**64


@dataclass(frozen=True, init=False, repr=False)
class Network(Sequence[Layer]):
    """Layers applied one after another to an image on the `dim`-dimensional torus.

    Parameters
    ----------
    layers : sequence of Layer
        One to 10**6; kernels and strides may differ from layer to layer.
    dim : {1, 2, 3}
        Dimension of the image; kernels are separable.

    Notes
    -----
    A network is a sequence of its layers: slices, sums and multiples of networks are networks, all
    of one dimension and none of them empty.

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

    layers: tuple[Layer, ...]
    dim: int

    __array_ufunc__ = None  # NumPy's integers leave multiplication to the network.

    def __init__(self, layers: Iterable[Layer], dim: int = 1) -> None:
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

    @classmethod
    def uniform(
        cls,
        kernel: Kernel | int | Sequence[Any],
        stride: Stride = 1,
        depth: int = 1,
        dim: int = 1,
        bias: Any = 0,
    ) -> Network:
        """Return a network of `depth` equal layers.

        >>> Network.uniform(kernel=2, stride="kernel", depth=8)
        Network(8 x Layer(kernel=box(2), stride=2), dim=1)
        """
        depth = validate.integer("depth", depth, 1, DEEPEST)
        return cls((Layer(kernel, stride, bias),) * depth, dim)

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self.layers)

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
        return Network(layers, self.dim)

    def __add__(self, other: Iterable[Layer]) -> Network:
        """Return the network of these layers and then the others."""
        return Network([*self, *self._joinable(other)], self.dim)

    def __radd__(self, other: Iterable[Layer]) -> Network:
        return Network([*self._joinable(other), *self], self.dim)

    def _joinable(self, other: Any) -> Iterable[Layer]:
        if isinstance(other, Layer) or not isinstance(other, Iterable):
            raise ArgumentTypeError(f"a network adds to networks and lists of Layer; got {other!r}")
        if isinstance(other, Network) and other.dim != self.dim:
            raise ArgumentError(f"networks must have one dimension; got {self.dim} and {other.dim}")
        return other

    def __mul__(self, times: SupportsIndex) -> Network:
        """Return the network that repeats these layers so many times."""
        times = validate.integer("times", times, 1, DEEPEST // self.depth)
        return Network(self.layers * times, self.dim)

    __rmul__ = __mul__

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """Cumulative strides S_0 = 1, S_1, ..., S_depth (input pixels per output pixel)."""
        strides = (layer.stride for layer in self.layers)
        return tuple(itertools.accumulate(strides, operator.mul, initial=1))

    @cached_property
    def support(self) -> tuple[int, ...]:
        """Support of the composite filter h_k, k = 0 ... depth (input pixels per axis)."""
        pairs = zip(self.layers, self.strides, strict=False)
        reaches = ((layer.kernel.support - 1) * step for layer, step in pairs)
        return tuple(itertools.accumulate(reaches, initial=1))

    @cached_property
    def variance(self) -> tuple[Fraction, ...]:
        """Variance of h_k read as a probability law, k = 0 ... depth (pixels squared, exact)."""
        pairs = zip(self.layers, self.strides, strict=False)
        variances = (layer.kernel.variance * step * step for layer, step in pairs)
        return tuple(itertools.accumulate(variances, initial=Fraction(0)))

    @cached_property
    def period(self) -> int:
        """Length of the shortest block whose repetition gives the network; 1 if all are equal.

        Biases are ignored; where they matter, callers refuse them (`require_no_bias`).
        """
        keys = [(layer.kernel.signed, layer.kernel.trimmed, layer.stride) for layer in self.layers]
        return next(
            p
            for p in range(1, self.depth + 1)
            if self.depth % p == 0 and all(keys[i] == keys[i % p] for i in range(self.depth))
        )

    def runs(self) -> list[tuple[int, Layer]]:
        """Return equal consecutive layers grouped as (count, layer)."""
        return [(len(list(equal)), layer) for layer, equal in itertools.groupby(self.layers)]

    def _columns(self) -> dict[str, Any]:
        layers = self.layers
        return {
            "layer": range(1, self.depth + 1),
            "kernel": [layer.kernel for layer in layers],
            "stride": [layer.stride for layer in layers],
            "bias": [layer.bias for layer in layers],
            "S_k": self.strides[1:],
            "support": self.support[1:],
        }

    def feasible_size(self, size: Any) -> int:
        """Check that an image of `size` pixels a side passes through all layers; return it.

        Raises
        ------
        ValueError
            If `size` is not a multiple of the total stride, or is shorter than a kernel.
        """
        pixels = validate.integer("size", size, 2, _LARGEST)
        # Strides up to a layer, one at a time: the product of all may have any number of digits.
        totals = itertools.accumulate((layer.stride for layer in self.layers), operator.mul)
        for k, (layer, step) in enumerate(zip(self.layers, totals, strict=False), start=1):
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
                longest = max(other.kernel.support for other in self.layers)
                raise ArgumentError(
                    f"size must be at least the longest kernel, {longest} pixels; got {pixels}"
                )
        return pixels

    def to_dict(self) -> dict[str, Any]:
        """Return a plain JSON-able description; `from_dict` restores the same network."""
        return {
            "dim": self.dim,
            "layers": [
                {
                    "count": count,
                    "kernel": [rationals.full_text(weight) for weight in layer.kernel],
                    "signed": layer.kernel.signed,
                    "stride": layer.stride,
                    "bias": rationals.full_text(layer.bias),
                }
                for count, layer in self.runs()
            ],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Network:
        """Restore a network from `to_dict`.

        >>> net = Network.uniform([1, 2, 1], stride=2, depth=3)
        >>> Network.from_dict(net.to_dict()) == net
        True
        """

        def layers(runs: Any) -> Iterator[Layer]:
            for run in runs:
                weights = [rationals.parsed(text) for text in run["kernel"]]
                kernel = Kernel(weights, signed=run["signed"])
                count = validate.integer("count", run["count"], 1, DEEPEST)
                layer = Layer(kernel, run["stride"], rationals.parsed(run["bias"]))
                yield from itertools.repeat(layer, count)

        try:
            return cls(layers(data["layers"]), data["dim"])
        except (LookupError, TypeError, ValueError, ZeroDivisionError) as error:
            kind = ArgumentTypeError if isinstance(error, TypeError) else ArgumentError
            reason = f"{type(error).__name__}: {error}"
            raise kind(f"data must be what Network.to_dict returns; got {reason}") from error

    def __repr__(self) -> str:
        runs = tables.shortened(self.runs(), _RUNS_SHOWN, (1, "..."))
        parts = [f"{count} x {layer!r}" if count > 1 else f"{layer}" for count, layer in runs]
        return f"Network({', '.join(parts)}, dim={self.dim})"

    def _repr_html_(self) -> str:
        title = f"Network, depth {self.depth}, dim={self.dim}"
        return tables.html_table(title, self._columns())

    @property
    def signed(self) -> bool:
        """Whether a kernel is signed: no probability law, no receptive field A_k."""
        return any(layer.kernel.signed for layer in self.layers)

    @cached_property
    def box_width(self) -> tuple[float, ...]:
        """Effective receptive field A_k = sqrt(1 + 12 Var h_k) per axis (pixels).

        The width of the box of equal variance; refused for signed kernels. A_k = s^k
        for boxes whose stride is their length. Source: our definition.
        """
        if self.signed:
            raise ArgumentError(f"A_k needs non-negative kernels; got {self!r}")
        return tuple(_square_root(1 + 12 * variance) for variance in self.variance)


def _square_root(value: Fraction) -> float:
    """Return the float square root of a rational that may exceed the float range."""
    shift = max(0, (value.numerator.bit_length() - value.denominator.bit_length()) // 2 - 256)
    return math.ldexp(math.sqrt(value / 4**shift), shift)
