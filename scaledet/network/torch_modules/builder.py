"""The network that steps describe, and what became of every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.network.torch_modules.draft import Draft, Pads, Reading, Value, refusal
from scaledet.network.torch_modules.filters import (
    constant_weights,
    mean_profile,
    written_weights,
)
from scaledet.network.torch_modules.steps import Program, Step
from scaledet.network.torch_modules.vocabulary import (
    NORMS,
    POINTWISE,
    REFUSED,
    RESHAPES,
    VECTORS,
)

__all__ = ["built"]


def built(
    program: Program, sides: tuple[int, ...], filters: str, max_pooling: str
) -> tuple[Network, tuple[Reading, ...]]:
    """Return the network of a program for images of these sides, and its readings.

    Raises
    ------
    ValueError
        If a step is not understood, or the sizes of the maps are not those of the module.
    """
    builder = _Builder(sides, filters, max_pooling)
    for step in program.steps:
        builder.read(step)
    return builder.network(program.output)


class _Builder(Draft):
    """A draft that knows what the operations of torch mean."""

    def __init__(self, sides: tuple[int, ...], filters: str, max_pooling: str) -> None:
        super().__init__(sides)
        self.filters, self.max_pooling = filters, max_pooling

    def read(self, step: Step) -> None:
        """Take up one step."""
        inputs = [self.values[key] for key in step.inputs]
        reader = _READERS.get(step.operation)
        if step.operation in REFUSED:
            raise refusal(step, REFUSED[step.operation])
        if step.operation in _COMBINING:
            output = self._combined(step, inputs)
        elif len(inputs) > 1:
            raise refusal(step, "it receives several values that depend on the image")
        elif reader is not None:
            if inputs[0].sides is None:
                raise refusal(step, "it works on a map, and receives a vector without places")
            output = reader(self, step, inputs[0])
        elif step.operation in RESHAPES:
            output = self._reshaped(step, self.settled(step, inputs[0]))
        elif step.operation in _PASSING:
            output = self._passing(step, self.settled(step, inputs[0]))
        else:
            raise refusal(step, "it is not known")
        if step.in_place:
            self.values[step.inputs[0]] = output
        self.values[step.key] = output

    def conv(self, step: Step, value: Value) -> Value:
        """Read a convolution: a box, its own profile, or the filter of a blur."""
        given = step.arguments
        weight, groups = given["weight"], given.get("groups", 1)
        if weight is None:
            raise refusal(step, "its weights depend on the image")
        lengths = tuple(weight.shape[2:])
        if len(lengths) != self.dim:
            raise refusal(step, f"it has {len(lengths)} axes, and the image {self.dim}")
        gaps = self.axes(step, given.get("dilation", 1))
        padding = given.get("padding", 0)
        if padding == "valid":
            padding = 0
        if padding == "same":
            totals = [gap * (length - 1) for gap, length in zip(gaps, lengths, strict=True)]
            pads: Pads = tuple((total // 2, total - total // 2) for total in totals)
        else:
            pads = tuple((side, side) for side in self.axes(step, padding))
        steps = self.axes(step, given.get("stride", 1))
        if {*lengths, *steps} == {1} and not any(map(any, pads)):
            value = self.settled(step, value)
            self.note(step, "inert", "mixes the channels of each place")
            return value
        blur = constant_weights(weight, groups)
        kernel: Any = _box(lengths)
        status, note = "replaced", "box for learned weights"
        if blur is not None:
            kernel, status, note = written_weights(blur), "read", "blur filter"
        elif self.filters == "measured":
            profile = mean_profile(weight)
            if not profile.sum() > 0:
                raise refusal(step, "all its weights are 0, so its profile is none")
            kernel, note = written_weights(profile), "mean |w| for learned weights"
        return self.window(
            step,
            value,
            status,
            note,
            kernel=kernel,
            stride=steps,
            dilation=gaps,
            pads=pads,
            padding_mode=given.get("padding_mode", "zeros"),
        )

    def pool(self, step: Step, value: Value) -> Value:
        """Read average and max pooling."""
        given = step.arguments
        if given.get("divisor_override") is not None:
            raise refusal(step, "divisor_override makes it no average: leave it at None")
        if given.get("return_indices"):
            raise refusal(step, "return_indices makes it return two values: leave it False")
        lengths = self.axes(step, given["kernel_size"])
        stride = given.get("stride")
        options: dict[str, Any] = {
            "kernel": _box(lengths),
            "stride": lengths if stride is None or stride == [] else self.axes(step, stride),
            "dilation": self.axes(step, given.get("dilation", 1)),
            "pads": tuple((p, p) for p in self.axes(step, given.get("padding", 0))),
            "padding_mode": "zeros",
            "ceil_mode": bool(given.get("ceil_mode", False)),
        }
        if step.operation == "avgpool":
            options["count_include_pad"] = bool(given.get("count_include_pad", True))
            if not any(map(any, options["pads"])):
                options["count_include_pad"] = True
            return self.window(step, value, "read", "", **options)
        if self.max_pooling == "max":
            return self.window(step, value, "read", "", pooling="max", **options)
        padded = any(map(any, options["pads"])) or options["ceil_mode"]
        note = "average for the maximum"
        return self.window(step, value, "replaced", note, count_include_pad=not padded, **options)

    def adaptive(self, step: Step, value: Value) -> Value:
        """Read adaptive pooling whose windows are equal; to one place it is global pooling."""
        value = self.settled(step, value)
        given = step.arguments["output_size"]
        wanted = tuple(given) if isinstance(given, Sequence) else (given,) * self.dim
        counts = tuple(
            side if count is None else count
            for side, count in zip(value.sides or (), wanted, strict=True)
        )
        return self._equal_windows(step, value, counts, "max" in step.operation)

    def mean(self, step: Step, value: Value) -> Value:
        """Read a mean over all places: global pooling."""
        value = self.settled(step, value)
        given, axes = step.arguments.get("dim"), self.dim + 2
        dims = (given,) if isinstance(given, int) else tuple(given or range(axes))
        if {d % axes for d in dims} != set(range(2, axes)):
            raise refusal(step, f"its mean is over dim={given!r}, not over all sides of a map")
        output = self._equal_windows(step, value, (1,) * self.dim, False)
        return output if len(step.shape) == axes else replace(output, sides=None)

    def _equal_windows(
        self, step: Step, value: Value, counts: tuple[int, ...], largest: bool
    ) -> Value:
        sides = value.sides or ()
        if sides == counts:
            self.note(step, "inert", "the map has this size already")
            return value
        if any(side % count for side, count in zip(sides, counts, strict=True)):
            raise refusal(
                step,
                f"windows from {sides} to {counts} places differ in length: choose input_size so "
                "that the number of places is a multiple",
            )
        lengths = tuple(side // count for side, count in zip(sides, counts, strict=True))
        everywhere = set(counts) == {1}
        note = "global pooling" if everywhere else "equal windows at this input_size"
        options: dict[str, Any] = {"pooling": "max"} if largest else {}
        status = "read"
        if largest and self.max_pooling == "average":
            options, status, note = {}, "replaced", f"{note}, average for the maximum"
        layer = Layer(_box(lengths), stride=lengths, padding=0, **options)
        output = self.add(step, layer, (value.layer,), counts)
        self.note(step, status, note, output.layer)
        return output

    def pad(self, step: Step, value: Value) -> Value:
        """Read padding, which joins the next window if it can."""
        value = self.settled(step, value)
        mode = step.arguments.get("mode", "constant")
        numbers = tuple(step.arguments["pad"])  # The sides of the last axis stand first.
        pairs = tuple(zip(numbers[::2], numbers[1::2], strict=True))
        if min(numbers, default=0) < 0 or any(map(any, pairs[self.dim + 1 :])):
            raise refusal(step, f"pad={numbers} cuts the map, or pads the batch")
        if mode == "constant" and any(numbers) and step.arguments.get("value") not in (None, 0):
            raise refusal(step, f"it fills in {step.arguments['value']!r}, not 0")
        spatial = (pairs + ((0, 0),) * self.dim)[: self.dim]
        if not any(map(any, spatial)):
            self.note(step, "inert", "adds no place")
            return value
        self.note(step, "read", "padding, which joins the next window if it can")
        mode = "zeros" if mode == "constant" else mode
        return Value(value.layer, step.shape[2:], spatial[::-1], mode)

    def _passing(self, step: Step, value: Value) -> Value:
        """Take a step that moves nothing."""
        if value.sides is None:
            self.note(step, "inert", "acts where no places are left")
        elif step.operation in VECTORS:
            raise refusal(step, "it acts along one side of a map: flatten the map before")
        elif step.operation in NORMS:
            note = "divides by a statistic of the whole map, which is left out"
            self.note(step, "dropped", note)
        else:
            self.note(step, "inert", "acts on each place")
        return value

    def _reshaped(self, step: Step, value: Value) -> Value:
        """Take a change of shape that keeps a map, ends it, or makes one place of a vector."""
        shape, sides = step.shape, step.shape[2:]
        if value.sides is not None and value.sides == sides:
            self.note(step, "inert", "the shape stays")
            return value
        if len(shape) == 1 or (len(shape) == 2 and (shape[0] == 1 or value.sides is None)):
            note = "acts where no places are left" if value.sides is None else _ENDS
            self.note(step, "inert" if value.sides is None else "read", note)
            return replace(value, sides=None)
        if max(value.sides or (1,)) == 1 and len(sides) == self.dim and set(sides) == {1}:
            self.note(step, "inert", "a vector as a map of one place")
            return replace(value, sides=sides)
        raise refusal(step, f"it turns {value.sides or 'a vector'} into a tensor of shape {shape}")

    def _combined(self, step: Step, given: list[Value]) -> Value:
        """Read a sum of maps, or a factor or summand that is the same at all places."""
        inputs = [self.settled(step, value) for value in given]
        self._require_plain(step)
        wide = [value for value in inputs if value.sides is not None and max(value.sides) > 1]
        maps = list({value.layer: value for value in wide or inputs}.values())
        if wide and any(value.sides is None for value in inputs):
            raise refusal(step, "a vector meets a map, along its last side")
        if len(maps) == 1:
            if len(inputs) > len(wide) > 0:
                note = "what has no places, as in squeeze-and-excitation, is left out here"
                self.note(step, "dropped", note)
            else:
                factor = step.operation in ("mul", "div", "truediv") and len(inputs) == 1
                note = "a factor of all places, free as learned weights are"
                self.note(step, "inert", note if factor else "acts on each place")
            return maps[0]
        if step.operation != "add":
            raise refusal(step, "it combines two maps and is no sum")
        if len({value.sides for value in maps}) > 1 or maps[0].sides is None:
            raise refusal(step, f"its inputs have the sides {[v.sides for v in maps]}")
        sources = tuple(value.layer for value in maps)
        output = self.add(step, Layer(1, padding=0), sources, maps[0].sides)
        self.note(step, "read", "sum of maps", output.layer)
        return output

    def _require_plain(self, step: Step) -> None:
        """Raise if the constants of a sum or product do more than bias or scale a map."""
        signed = step.operation in ("mul", "div", "truediv")
        for name, other in step.arguments.items():
            if max(getattr(other, "shape", ())[-self.dim :], default=1) > 1:
                raise refusal(step, "a constant that differs from place to place enters it")
            if signed and isinstance(other, int | float) and other < 0:
                raise refusal(step, f"the factor {other} exchanges large and small")
            if name == "0" and other is not None and step.operation not in ("add", "mul"):
                raise refusal(step, f"{step.operation} from a constant exchanges large and small")
        if step.arguments.get("alpha", 1) != 1:
            raise refusal(step, "alpha makes it no plain sum: leave it at 1")


def _box(lengths: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return the lengths of a box as `Layer` takes them; a tuple of one could be a weight."""
    return lengths if len(lengths) > 1 else lengths[0]


_ENDS = "a vector: here the places end, and the skeleton"
_COMBINING = ("add", "sub", "mul", "div", "truediv")
_PASSING = POINTWISE | NORMS | VECTORS
_READERS: Mapping[str, Any] = {
    "conv": _Builder.conv,
    "avgpool": _Builder.pool,
    "maxpool": _Builder.pool,
    "adaptiveavgpool": _Builder.adaptive,
    "adaptivemaxpool": _Builder.adaptive,
    "mean": _Builder.mean,
    "pad": _Builder.pad,
}
