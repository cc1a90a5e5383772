"""The convolutions of a model, one after another: their weights as they act, what each one reads.

BatchNorm, which stands between a convolution and its ReLU, scales its filters and shifts its
biases. Pooling and padding before a convolution are joined to it: both together are one layer of
longer windows, whose taps are combined to those of the filter. Max pooling counts as average
pooling.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError
from scaledet.measure.joining import joined
from scaledet.measure.probe import as_module
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.network.torch_modules.builder import built
from scaledet.network.torch_modules.draft import Reading
from scaledet.network.torch_modules.routes import program
from scaledet.network.torch_modules.steps import IMAGE_KEY, Program, Step

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Chain", "Convolution", "chain_of"]

Floats = NDArray[np.float64]

_PASSING = {"pad", "dropout", "featuredropout", "alphadropout", "featurealphadropout", "identity"}
_PASSING |= {"clone", "contiguous", "detach", "alias", "to", "tocopy", "float", "double"}
"""Steps that change no number when a model is evaluated, and padding, which is a layer's."""
_POOLS = frozenset(("avgpool", "maxpool", "adaptiveavgpool", "adaptivemaxpool", "mean"))


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution and the ReLU that follows it.

    Attributes
    ----------
    name : str
        Name of the convolution.
    unit : str
        Name of its ReLU, as of a layer that is measured; empty until it has been read.
    kernel : tuple of int
        Lengths of its kernel along the axes (taps).
    filters : ndarray, shape [outputs, inputs, F]
        Weights as they act, BatchNorm included; F taps in the order of the flattened kernel.
    biases : ndarray, shape [outputs]
        Biases as they act.
    layer : Layer
        Where it looks, what pools or pads before it included.
    combined : ndarray, shape [taps of the layer, F]
        How the taps of the layer are combined to those of the filter.
    """

    name: str
    unit: str
    kernel: tuple[int, ...]
    filters: Floats
    biases: Floats
    layer: Layer
    combined: Floats


@dataclass(frozen=True, eq=False)
class Chain:
    """Convolutions with their ReLUs, one after another.

    Attributes
    ----------
    convolutions : tuple of Convolution
        In the order of the model.
    network : Network
        Their layers.
    sides : tuple of int
        Sides of an image.
    remarks : tuple of str
        What was taken for something else, or left out.
    """

    convolutions: tuple[Convolution, ...]
    network: Network
    sides: tuple[int, ...]
    remarks: tuple[str, ...]


def chain_of(model: Any, shape: tuple[int, ...]) -> Chain:
    """Return the convolutions of a model for images of `shape`, channels first.

    Raises
    ------
    ValueError
        If the model is no chain of convolutions, each with a ReLU that is a module.
    """
    module = as_module(model)
    steps = _without_head(program(module, shape, None))
    network, readings = built(steps, shape[1:], "box", "average")
    reader = _Reader(module, network, shape[1:])
    reader.read(steps.steps, list(readings))
    return reader.chain()


def _without_head(whole: Program) -> Program:
    """Return the steps up to the first ReLU after the last convolution."""
    kinds = [step.operation for step in whole.steps]
    if "conv" not in kinds:
        raise ArgumentError("model must have a convolution; got none")
    last = len(kinds) - 1 - kinds[::-1].index("conv")
    if "relu" in kinds[last:]:
        last = kinds.index("relu", last)
    return Program(whole.steps[: last + 1], whole.steps[last].key, whole.route)


@dataclass
class _Reader:
    """Takes the steps of a model one after another.

    `at` is the number of the layer of the network whose map has been reached, `taken` that of the
    last which belongs to a convolution; `begun` is a convolution whose ReLU has not come yet;
    `ended` says where and why the chain ends.
    """

    module: nn.Module
    network: Network
    sides: tuple[int, ...]
    at: int = 0
    taken: int = 0
    ended: str = ""
    begun: Convolution | None = None
    done: list[Convolution] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.modules = dict(self.module.named_modules(remove_duplicate=False))
        first = {id(part): name for name, part in self.module.named_modules()}
        self.labels: dict[str, str] = {name: first[id(part)] for name, part in self.modules.items()}
        self.maps = self.network.sizes(self.sides)

    def read(self, steps: tuple[Step, ...], readings: list[Reading]) -> None:
        """Take up all steps; `readings` say which layers they are."""
        keys = {IMAGE_KEY}
        for step in steps:
            row = readings.pop(0)
            while row.name != (step.name or step.operation):  # Padding of its own stands before it.
                row = readings.pop(0)
            self.at = row.layer or self.at
            if not self.ended and (len(step.inputs) != 1 or step.inputs[0] not in keys):
                self._end(step, "which joins or leaves a branch")
            if not self.ended:
                self._take(step, row)
            elif step.operation == "conv" and row.status != "dropped":
                raise ArgumentError(
                    "model must be a chain of convolutions, each with a ReLU that is a module, and "
                    "between them BatchNorm before the ReLU and pooling after it; got, before "
                    f"{step.name!r}, {self.ended}"
                )
            keys = {step.key, *(step.inputs if step.in_place else ())}

    def chain(self) -> Chain:
        """Return what was read."""
        if self.begun is not None:
            self.remarks.append(f"left out: {self.begun.name}, which no ReLU follows")
        if not self.done:
            raise ArgumentError(
                "model must begin with a convolution and a ReLU that is a module; got "
                f"{self.ended or 'none'}"
            )
        layers = [Layer(**each.layer.arguments()) for each in self.done]
        network = Network(layers, self.network.dim)
        return Chain(tuple(self.done), network, self.sides, tuple(self.remarks))

    def _end(self, step: Step, reason: str) -> None:
        self.ended = f"{step.place}, {reason}"

    def _take(self, step: Step, row: Reading) -> None:
        name = step.operation
        if name in _POOLS or (name == "conv" and row.status == "read"):  # the latter is a blur
            if self.begun is not None:
                self._end(step, "which pools before the ReLU")
            elif "max" in name:
                self.remarks.append(f"average for the maximum in the theory: {step.name}")
        elif name == "conv":
            self._begin(step, row)
        elif name == "batchnorm":
            self._normalise(step)
        elif name == "relu":
            self._rectify(step)
        elif name not in _PASSING:
            self._end(step, "which is none of these")

    def _begin(self, step: Step, row: Reading) -> None:
        if self.begun is not None:
            self._end(step, f"which no ReLU separates from {self.begun.name!r}")
            raise ArgumentError(f"model must have a ReLU after every convolution; got {self.ended}")
        groups = step.arguments.get("groups", 1)
        if groups != 1:
            raise ArgumentError(
                f"model must have convolutions of all channels; got groups={groups} at {step.place}"
            )
        filters = _array(step.arguments["weight"])
        bias = step.arguments.get("bias")
        biases = np.zeros(len(filters)) if bias is None else _array(bias)
        if not (np.isfinite(filters).all() and np.isfinite(biases).all() and filters.any()):
            raise ArgumentError(
                f"model must have finite weights in every convolution, not all 0; {step.name!r} "
                "has not"
            )
        last = self.at - 1 if row.layer else self.at
        layer = self.network[last] if row.layer else Layer(1, padding=0)
        combined = np.eye(filters[0, 0].size)
        for k in reversed(range(self.taken, last)):
            both = joined(self.network[k], layer, self.maps[k])
            if both is None:
                raise ArgumentError(
                    f"model must have pooling that forms one layer with the next convolution; "
                    f"{self.network.label(k + 1)} and {step.name!r} do not, by their padding"
                )
            layer, combined = both[0], both[1] @ combined
        self.taken = self.at
        kernel = tuple(filters.shape[2:])
        flat = filters.reshape(*filters.shape[:2], -1)
        name = self._module(step.name)
        self.begun = Convolution(name, "", kernel, flat, biases, layer, combined)

    def _module(self, name: str) -> str:
        """Return the module that a step stands in: a class of one's own may call a function."""
        return name if name in self.modules else name.rpartition(".")[0] or name

    def _whole(self, step: Step) -> str | None:
        """Return the module that does what the step does and no more; None if there is none."""
        if step.name in self.modules:
            return self.labels[step.name]
        name = self._module(step.name)
        graph = getattr(self.modules.get(name), "graph", None)  # of a part of an exported model
        nodes = [] if graph is None else [n for n in graph.nodes if n.op.startswith("call_")]
        return self.labels[name] if len(nodes) == 1 else None

    def _normalise(self, step: Step) -> None:
        from torch.nn.modules.batchnorm import _BatchNorm

        part = self.modules.get(step.name)
        if isinstance(part, _BatchNorm):
            held: list[Any] = [
                part.weight,
                part.bias,
                part.running_mean,
                part.running_var,
                part.eps,
            ]
        else:  # that of an exported model, whose arguments are known by their places
            held = [step.arguments.get(place) for place in ("1", "2", "3", "4", "7")]
        if self.begun is None or self._whole(step) is None:
            return self._end(step, "which stands not between a convolution and its ReLU")
        factor, shift, mean, variance, least = held
        scale = 1 / np.sqrt(_array(variance) + least)
        if factor is not None:
            scale = scale * _array(factor)
        biases = (self.begun.biases - _array(mean)) * scale
        if shift is not None:
            biases = biases + _array(shift)
        filters = self.begun.filters * scale[:, None, None]
        self.begun = replace(self.begun, filters=filters, biases=biases)
        return None

    def _rectify(self, step: Step) -> None:
        name = self._whole(step)
        if name is None:
            return self._end(step, "which is a function and no module, so that it has no output")
        self.calls[name] += 1
        if self.begun is None:
            if not self.done:
                self._end(step, "which comes before any convolution")
            return None
        unit = name if self.calls[name] == 1 else f"{name}#{self.calls[name]}"
        self.done.append(replace(self.begun, unit=unit))
        self.begun = None
        return None


def _array(tensor: Any) -> Floats:
    return np.asarray(tensor.detach().cpu().double().numpy())
