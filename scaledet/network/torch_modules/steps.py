"""What a module does, one step after another, in one vocabulary for all routes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["IMAGE_KEY", "Program", "Step", "arguments_of", "class_name", "module_step", "operation"]

IMAGE_KEY = "image"
"""The key of the image among the values that steps receive."""

_WINDOW = ("input", "kernel_size", "stride", "padding")
_ORDER: Mapping[str, tuple[str, ...]] = {
    "conv": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "avgpool": (*_WINDOW, "ceil_mode", "count_include_pad", "divisor_override"),
    "maxpool": (*_WINDOW, "dilation", "ceil_mode", "return_indices"),
    "adaptiveavgpool": ("input", "output_size"),
    "adaptivemaxpool": ("input", "output_size"),
    "pad": ("input", "pad", "mode", "value"),
    "mean": ("input", "dim", "keepdim"),
    "cat": ("tensors", "dim"),
}
"""Positional arguments, which ``torch``, ``torch.nn.functional`` and ATen order alike."""

_PADS = {
    "zeropad": "constant",
    "constantpad": "constant",
    "reflectionpad": "reflect",
    "replicationpad": "replicate",
    "circularpad": "circular",
}


@dataclass(frozen=True)
class Step:
    """One operation on values that depend on the image.

    Attributes
    ----------
    name : str
        Where it stands: the path of its module, or that of the module whose code calls it.
    operation : str
        What it is, as `operation` writes it.
    key : str
        The key of its output among the values.
    inputs : tuple of str
        The keys of the values that it receives.
    arguments : dict
        Its other arguments, by the names that PyTorch gives them.
    shape : tuple of int
        Shape of its output.
    in_place : bool
        Whether the output replaces the first input.
    """

    name: str
    operation: str
    key: str
    inputs: tuple[str, ...]
    arguments: Mapping[str, Any]
    shape: tuple[int, ...]
    in_place: bool = False

    @property
    def place(self) -> str:
        """What messages call the step."""
        return f"{self.name!r} ({self.operation})"


@dataclass(frozen=True)
class Program:
    """All steps of a module, the key of its output, and the route by which they were read."""

    steps: tuple[Step, ...]
    output: str
    route: str


def operation(name: str) -> str:
    """Return the one name of an operation that modules, functions and ATen write differently.

    >>> [operation(name) for name in ("MaxPool2d", "max_pool2d", "BatchNorm2d", "relu_", "iadd")]
    ['maxpool', 'maxpool', 'batchnorm', 'relu', 'add']
    """
    plain = re.sub(r"(?<=[a-z])[123]d$", "", name.strip("_").replace("_", "").lower())
    return plain[1:] if plain in ("iadd", "imul", "isub", "itruediv") else plain


def arguments_of(name: str, given: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an operation by name; those without a known one by number."""
    order = _ORDER.get(name, ())
    named = {order[j] if j < len(order) else str(j): value for j, value in enumerate(given)}
    return named | dict(keywords)


def class_name(module: Any) -> str:
    """Return the full name of a module's class, which is no operation of PyTorch."""
    return f"{type(module).__module__}.{type(module).__qualname__}"


def module_step(module: Any) -> tuple[str, dict[str, Any]] | None:
    """Return operation and arguments of a module of ``torch.nn``, None for any other."""
    kind = type(module)
    if not kind.__module__.startswith("torch.nn.modules"):
        return None
    name = operation(kind.__name__)
    if name in _PADS:
        sides = module.padding if isinstance(module.padding, Sequence) else None
        if sides is None:
            return None
        value = getattr(module, "value", 0)
        return "pad", {"pad": tuple(sides), "mode": _PADS[name], "value": value}
    names = {*_ORDER.get(name, ()), "padding_mode"} - {"input"}
    return name, {key: getattr(module, key) for key in names if hasattr(module, key)}
