"""A network in the making: values, layers, and notes on what became of every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from scaledet.errors import ArgumentError
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.network.torch_modules.steps import IMAGE_KEY, Step

__all__ = ["Draft", "Pads", "Reading", "Value", "refusal"]

Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Reading:
    """What became of one step.

    Attributes
    ----------
    layer : int
        Number of its layer in the network; 0 for none.
    name, operation : str
        Where the step stands, and what it is.
    status : {"read", "replaced", "inert", "dropped"}
        See `scaledet.network.from_torch.Skeleton`.
    note : str
        How it was taken.
    """

    layer: int
    name: str
    operation: str
    status: str
    note: str


@dataclass(frozen=True)
class Value:
    """A value of the module: the layer whose map it is, and its sides (None: a vector).

    `pads` were added to the map by a step of its own and wait for a window to join.
    """

    layer: int
    sides: tuple[int, ...] | None
    pads: Pads = ()
    mode: str = "zeros"


class Draft:
    """Layers, and the values of a module by key."""

    def __init__(self, sides: tuple[int, ...]) -> None:
        self.dim = len(sides)
        self.values = {IMAGE_KEY: Value(0, sides)}
        self.layers: list[Layer] = []
        self.inputs: list[tuple[int, ...]] = []
        self.names: list[str] = []
        self.maps = [sides]
        self.readings: list[Reading] = []

    def note(self, step: Step, status: str, note: str, layer: int = 0) -> None:
        """Note what became of a step."""
        name = step.name or step.operation
        self.readings.append(Reading(layer, name, step.operation, status, note))

    def add(
        self, step: Step, layer: Layer, sources: tuple[int, ...], sides: tuple[int, ...]
    ) -> Value:
        """Add a layer, named by its step; return its map."""
        name, count = step.name or step.operation, 1
        while (unique := name if count == 1 else f"{name} #{count}") in (*self.names, IMAGE_KEY):
            count += 1
        self.layers.append(layer)
        self.inputs.append(sources)
        self.names.append(unique)
        self.maps.append(sides)
        return Value(len(self.layers), sides)

    def settled(self, step: Step, value: Value) -> Value:
        """Return a value whose pads, if any, are a layer of their own."""
        if not value.pads or value.sides is None:
            return value
        named = replace(step, name=f"{step.name or step.operation}.pad")
        mode: Any = value.mode
        layer = Layer(1, padding=self._padding(value.pads), padding_mode=mode)
        settled = self.add(named, layer, (value.layer,), value.sides)
        self.note(named, "read", "padding in front", settled.layer)
        for key, other in self.values.items():
            if other is value:
                self.values[key] = settled
        return settled

    def window(self, step: Step, value: Value, status: str, note: str, **options: Any) -> Value:
        """Add a layer with a window; padding that waits joins padding of zeros."""
        pads: Pads = options.pop("pads")
        joins = not any(map(any, pads)) or (value.mode == "zeros" == options["padding_mode"])
        plain = not options.get("ceil_mode") and options.get("count_include_pad", True)
        if value.pads and joins and plain and options.get("pooling") != "max":
            pairs = zip(pads, value.pads, strict=True)
            pads = tuple((a + c, b + d) for (a, b), (c, d) in pairs)
            options["padding_mode"] = value.mode
        else:
            value = self.settled(step, value)
        if options["padding_mode"] != "zeros" and not any(map(any, pads)):
            options["padding_mode"] = "zeros"
        layer = Layer(padding=self._padding(pads), **options)
        sides = step.shape[2:]
        output = self.add(step, layer, (value.layer,), sides)
        self.note(step, status, note, output.layer)
        return output

    def _padding(self, pads: Pads) -> Any:
        if all(left == right for left, right in pads):
            sides = tuple(left for left, _ in pads)
            return sides[0] if len(set(sides)) == 1 else sides
        return pads[0] if self.dim == 1 else pads

    def axes(self, step: Step, given: Any) -> tuple[int, ...]:
        """Return an argument per axis."""
        values = tuple(given) if isinstance(given, Sequence) else (given,)
        values = values * self.dim if len(values) == 1 else values
        if len(values) != self.dim or not all(isinstance(value, int) for value in values):
            raise refusal(step, f"{given!r} is not for the {self.dim} axes of the image")
        return values

    def network(self, output: str) -> tuple[Network, tuple[Reading, ...]]:
        """Return what the output depends on, and all readings, the others marked as dropped."""
        last = self.values[output]
        if last.pads:
            raise ArgumentError("module must not end with padding; got one that does")
        needed, pending = set(), [last.layer]
        while pending:
            k = pending.pop()
            if k and k not in needed:
                needed.add(k)
                pending.extend(self.inputs[k - 1])
        if not needed:
            raise ArgumentError(
                "module must hold a convolution or a pooling between its input and its output; "
                "got none"
            )
        number = {0: 0} | {k: j for j, k in enumerate(sorted(needed), start=1)}
        chosen = sorted(needed)
        net = Network(
            [self.layers[k - 1] for k in chosen],
            self.dim,
            inputs=[[number[j] for j in self.inputs[k - 1]] for k in chosen],
            names=[self.names[k - 1] for k in chosen],
        )
        expected = tuple(self.maps[k] for k in (0, *chosen))
        if (sizes := net.sizes(self.maps[0])) != expected:
            k = next(
                k for k, pair in enumerate(zip(sizes, expected, strict=True)) if pair[0] != pair[1]
            )
            raise ArgumentError(
                f"module must make maps of the size that {net.label(k)} gives, {sizes[k]}; got "
                f"{expected[k]}: the module is not read correctly, and refused"
            )
        readings = []
        for row in self.readings:
            unused = row.layer and row.layer not in needed
            row = replace(row, layer=number.get(row.layer, 0))
            if unused:
                note = "ends before the map of the output"
                row = replace(row, status="dropped", note=note)
            readings.append(row)
        return net, tuple(readings)


def refusal(step: Step, reason: str) -> ArgumentError:
    """Return the error that names a step which is no part of a skeleton."""
    return ArgumentError(
        "module must be made of convolutions, average or max pooling, padding, sums of maps and "
        f"functions of each place; got {step.place}: {reason}"
    )
