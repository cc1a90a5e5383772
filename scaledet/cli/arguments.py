"""Arguments of the command line: how their text is read, and what they stand for."""

from __future__ import annotations

import argparse
import os
import re
import sys
from argparse import ArgumentTypeError, Namespace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from scaledet.network.kernel import Kernel, binomial, box
from scaledet.network.network import Layer, Network

if TYPE_CHECKING:
    from scaledet.tasks.scale_detection import ScaleDetection

__all__ = [
    "Parser",
    "UsageError",
    "build_network",
    "build_task",
    "read_bytes",
    "read_destination",
    "read_dimension",
    "read_family",
    "read_integer",
    "read_kernel",
    "read_layer",
    "read_rational",
    "read_seed",
    "read_size",
    "read_stride",
    "read_symbolic_stride",
    "rectify_of",
    "repeated",
    "step_of",
]

_NUMBER = re.compile(
    r"[+-]?([0-9]+/0*[1-9][0-9]*|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,3})?)", re.IGNORECASE
)
_BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmg]?i?b)?", re.IGNORECASE)
_LAYER = re.compile(
    r"(?P<kernel>binomial:[^:x]+|[^:x]+):(?P<stride>[^:x]+)(:(?P<bias>[^:x]+))?"
    r"(x(?P<count>0*[1-9][0-9]*))?"
)
_UNIT = {"k": 1, "m": 2, "g": 3}
_TASK_OPTIONS = {
    "xi": "--xi",
    "gap": "--gap",
    "norm": "--norm",
    "open_boundary": "--open-boundary",
    "balanced": "--balanced",
}


class UsageError(ValueError):
    """A command line that cannot be run; its message names the argument."""


class Parser(argparse.ArgumentParser):
    """Parser that raises `UsageError` instead of printing its usage and exiting."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`."""
        raise UsageError(message)


def read_rational(text: str) -> Fraction:
    """Read an integer, a fraction or a decimal, all exactly.

    >>> read_rational("0.1"), read_rational("-3/4"), read_rational("2e-3")
    (Fraction(1, 10), Fraction(-3, 4), Fraction(1, 500))
    """
    if _NUMBER.fullmatch(text) is None:
        raise ArgumentTypeError(f"expected a number such as 2, 0.25 or 1/4; got {text!r}")
    number = Fraction(text)
    if abs(number) > sys.float_info.max:
        raise ArgumentTypeError(f"expected a number within the range of floats; got {text!r}")
    return number


def read_integer(text: str) -> int:
    """Read an integer; its range is left to the library."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"expected an integer; got {text!r}") from None


def read_seed(text: str) -> int:
    """Read a seed, an integer >= 0."""
    seed = read_integer(text)
    if seed < 0:
        raise ArgumentTypeError(f"expected an integer >= 0; got {text!r}")
    return seed


def read_size(text: str) -> int | None:
    """Read a number of pixels, or ``none``."""
    if text.lower() == "none":
        return None
    try:
        return read_integer(text)
    except ArgumentTypeError:
        raise ArgumentTypeError(f"expected an integer or 'none'; got {text!r}") from None


def read_stride(text: str) -> int | str:
    """Read a stride, or ``kernel`` for the kernel's length."""
    if text == "kernel":
        return text
    try:
        stride = int(text)
    except ValueError:
        stride = 0
    if stride < 1:
        raise ArgumentTypeError(f"expected an integer >= 1 or 'kernel'; got {text!r}")
    return stride


def read_symbolic_stride(text: str) -> int | str:
    """Read a stride, ``kernel``, or ``s`` for the symbol."""
    return text if text == "s" else read_stride(text)


def read_family(text: str) -> Kernel | str:
    """Read a kernel, ``box`` for the box of symbolic length, or ``any`` for any kernel."""
    return text if text in ("box", "any") else read_kernel(text)


def read_dimension(text: str) -> int | str:
    """Read a dimension, or ``d`` for the symbol."""
    return text if text == "d" else read_integer(text)


def read_kernel(text: str) -> Kernel:
    """Read the length of a box, weights, or a binomial filter.

    >>> read_kernel("3"), read_kernel("0.1,0.3"), read_kernel("binomial:3")
    (Kernel(1/3, 1/3, 1/3), Kernel(1/4, 3/4), Kernel(1/4, 1/2, 1/4))
    """
    try:
        if text.startswith("binomial:"):
            return binomial(int(text.removeprefix("binomial:")))
        if "," in text:
            return Kernel([read_rational(weight.strip()) for weight in text.split(",")])
        return box(int(text))
    except (ArgumentTypeError, ValueError, OverflowError, MemoryError):
        raise ArgumentTypeError(
            "expected the length of a box such as 3, weights >= 0 with a positive sum such as "
            f"1,2,1 or 1/4,1/2,1/4, or a binomial filter such as binomial:5; got {text!r}"
        ) from None


def read_layer(text: str) -> tuple[int, Layer]:
    """Read ``KERNEL:STRIDE[:BIAS][xCOUNT]`` as a count and a layer.

    >>> read_layer("binomial:3:2:-0.05x4")
    (4, Layer(kernel=[1/4, 1/2, 1/4], stride=2, bias=-0.05))
    """
    match = _LAYER.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(
            "expected KERNEL:STRIDE[:BIAS][xCOUNT] such as 3:1, 1,2,1:2x4 or 2:2:-0.1; "
            f"got {text!r}"
        )
    kernel = read_kernel(match["kernel"])
    step = step_of(kernel, read_stride(match["stride"]))
    return int(match["count"] or 1), Layer(kernel, step, read_rational(match["bias"] or "0"))


def read_bytes(text: str) -> int:
    """Read a number of bytes: kB, MB, GB are powers of 1000, KiB, MiB, GiB of 1024.

    >>> read_bytes("256MB"), read_bytes("1.5KiB"), read_bytes("4096")
    (256000000, 1536, 4096)
    """
    match = _BYTES.fullmatch(text)
    unit = (match[2] or "b").lower() if match else "ib"
    if match is None or unit == "ib":
        raise ArgumentTypeError(
            f"expected a number of bytes such as 1000000, 256MB or 1.5GiB; got {text!r}"
        )
    base = 1024 if "i" in unit else 1000
    return int(Fraction(match[1]) * base ** _UNIT.get(unit[0], 0))


def read_destination(text: str) -> Path:
    """Read the path of a file to write; refuse now what could not be written after a long run."""
    path = Path(text)
    if path.exists() and not path.is_file():
        raise ArgumentTypeError(f"expected the path of a file; {text!r} is none")
    if not path.parent.is_dir():
        raise ArgumentTypeError(f"expected a file in an existing folder; got {text!r}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ArgumentTypeError(f"expected a file in a folder with write permission; got {text!r}")
    return path


def step_of(kernel: Kernel, stride: int | str) -> int:
    """Return the stride that `read_stride` has read, for this kernel."""
    return len(kernel) if isinstance(stride, str) else stride


def rectify_of(arguments: Namespace) -> str | None:
    """Return what ``--rectify`` stands for."""
    return None if arguments.rectify == "none" else str(arguments.rectify)


def build_network(arguments: Namespace) -> Network:
    """Return the network that the arguments describe."""
    bias = getattr(arguments, "bias", None)
    uniform = {
        "--kernel": arguments.kernel,
        "--stride": arguments.stride,
        "--depth": arguments.depth,
    }
    if arguments.layer:
        for option, value in {**uniform, "--bias": bias}.items():
            if value is not None:
                raise UsageError(f"argument {option}: not allowed with argument --layer")
        return Network(repeated(arguments.layer), arguments.dim)
    missing = [option for option, value in uniform.items() if value is None]
    if missing:
        required = ", ".join(missing)
        raise UsageError(f"the following arguments are required: {required} (or --layer)")
    step = step_of(arguments.kernel, arguments.stride)
    try:
        return Network.uniform(arguments.kernel, step, arguments.depth, arguments.dim, bias or 0)
    except (OverflowError, MemoryError):
        raise UsageError(f"argument --depth: {arguments.depth} layers are too many") from None


def repeated(groups: list[tuple[int, Layer]]) -> list[Layer]:
    """Return the layers that `read_layer` has read, each as often as its count says."""
    layers: list[Layer] = []
    for count, layer in groups:
        try:
            layers += [layer] * count
        except (OverflowError, MemoryError):
            raise UsageError(f"argument --layer: {count} layers are too many") from None
    return layers


def build_task(arguments: Namespace) -> ScaleDetection | None:
    """Return the two-pixel task that the arguments describe, None without ``--task``."""
    if arguments.task is None:
        for name, option in _TASK_OPTIONS.items():
            value = getattr(arguments, name)
            if value is not None and value is not False:
                raise UsageError(f"argument {option}: needs argument --task")
        return None
    if arguments.size is None:
        raise UsageError("argument --size: an integer is required with argument --task")
    from scaledet.tasks.scale_detection import ScaleDetection

    given: dict[str, Any] = {
        name: getattr(arguments, name)
        for name in ("xi", "gap", "norm")
        if getattr(arguments, name) is not None
    }
    return ScaleDetection(
        size=arguments.size,
        variant=arguments.task,
        dim=arguments.dim,
        periodic=not arguments.open_boundary,
        **given,
    )
