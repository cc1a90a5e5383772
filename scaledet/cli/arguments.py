"""Read arguments from text; refuse unreadable text in one sentence."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.network.filters import gaussian
from scaledet.network.kernel import Kernel, binomial, box
from scaledet.network.layer import Layer, Stride
from scaledet.rationals import parsed
from scaledet.results import files

_NUMBER = re.compile(
    r"[+-]?([0-9]+/0*[1-9][0-9]*|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,3})?)", re.IGNORECASE
)
_BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(b|[kmgt](?:i?b)?|)", re.IGNORECASE)
_LAYER = re.compile(
    r"(?P<kernel>binomial:[^:x]+|[^:x]+):(?P<stride>[^:x]+)(:(?P<bias>[^:x=]+))?"
    r"(?P<options>(:[a-z]+=[^:=]+?)*)(x(?P<count>0*[1-9][0-9]*))?"
)

T = TypeVar("T")


class _Help(argparse.RawDescriptionHelpFormatter):
    """Formatter that counts the indent of commands, which argparse forgets."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment


class Parser(argparse.ArgumentParser):
    """Parser that raises `ArgumentError` instead of printing its usage and exiting."""

    def __init__(self, text: str, **settings: Any) -> None:
        """Make the parser of a command that `text` describes, with its examples at the end."""
        description, examples = text.split("\n\nexamples:\n")
        super().__init__(
            description=description,
            epilog=f"examples:\n{examples}",
            formatter_class=partial(_Help, max_help_position=28),
            allow_abbrev=False,
            **settings,
        )
        # argparse takes -1/4 and -1e-3 for options; only these begin with a minus and a digit.
        self._negative_number_matcher = re.compile(r"-[0-9.].*")

    def error(self, message: str) -> NoReturn:
        """Raise `ArgumentError`."""
        raise ArgumentError(message)


class Reading(argparse.Action):
    """Argument that `read` makes of its text; one that may be repeated becomes a list.

    Refusals are reported in their own words. Any other error is a bug and passes through, unlike
    that of a ``type`` of argparse, which would be reported as bad usage.
    """

    def __init__(self, *place: Any, read: Callable[[str], Any], repeated: bool, **settings: Any):
        super().__init__(*place, **settings)
        self._read, self._repeated = read, repeated

    def __call__(
        self, _: argparse.ArgumentParser, namespace: argparse.Namespace, text: Any, _name: Any = ""
    ) -> None:
        """Read the text, or every text of a list, and keep the result."""
        try:
            values = [self._read(item) for item in ([text] if isinstance(text, str) else text)]
        except ArgumentError as error:
            raise argparse.ArgumentError(self, str(error)) from None
        before = getattr(namespace, self.dest, None) if self._repeated else None
        setattr(namespace, self.dest, [*(before or []), *values] if self._repeated else values[-1])


def either(read: Callable[[str], T], *words: str) -> Callable[[str], T | str]:
    """Return a reader that leaves `words` as they are and reads all else by `read`."""
    return lambda text: text if text in words else read(text)


def read_rational(text: str) -> Fraction:
    """Read an integer, a fraction or a decimal, all exactly.

    >>> read_rational("0.1"), read_rational("-3/4"), read_rational("2e-3")
    (Fraction(1, 10), Fraction(-3, 4), Fraction(1, 500))
    """
    if _NUMBER.fullmatch(text) is None:
        raise ArgumentError(f"expected a number such as 2, 0.25 or 1/4; got {text!r}")
    number = parsed(text)
    if abs(number) > sys.float_info.max:
        raise ArgumentError(f"expected a number within the range of floats; got {text!r}")
    return number


def read_integer(text: str, accepted: str = "an integer", minimum: float = -math.inf) -> int:
    """Read an integer; unless a `minimum` is given, its range is left to the library."""
    number = _whole(text)
    if number is None or number < minimum:
        raise ArgumentError(f"expected {accepted}; got {text!r}")
    return number


def _whole(text: str) -> int | None:
    with suppress(ValueError):
        return int(text)
    return None


def read_real(text: str) -> float:
    """Read a number as a float; its range is left to the library."""
    return float(read_rational(text))


def read_seed(text: str) -> int:
    """Read a seed, an integer >= 0."""
    return read_integer(text, "an integer >= 0", 0)


def read_sides(text: str, accepted: str = "an integer") -> int | tuple[int, ...]:
    """Read a number of pixels, or one along every axis.

    >>> read_sides("64"), read_sides("32x48")
    (64, (32, 48))
    """
    parts = text.split("x")
    numbers = [number for number in map(_whole, parts) if number is not None]
    if len(numbers) < len(parts):
        raise ArgumentError(f"expected {accepted}, or sides such as 32x48; got {text!r}")
    return tuple(numbers) if len(numbers) > 1 else numbers[0]


def read_size(text: str) -> int | tuple[int, ...] | None:
    """Read `read_sides`, or ``none``."""
    return None if text.lower() == "none" else read_sides(text, "an integer or 'none'")


def read_per_axis(text: str) -> int | tuple[int, ...]:
    """Read an integer, or several with commas between them."""
    if "," not in text:
        return read_integer(text, "an integer, or several such as 1,2")
    return tuple(read_integer(part.strip()) for part in text.split(","))


def read_padding(text: str) -> int | tuple[int, ...] | str:
    """Read the number of added sites, several of them, or a rule.

    >>> read_padding("1"), read_padding("0,2"), read_padding("same-tf")
    (1, (0, 2), 'same-tf')
    """
    if all(part.strip().isdecimal() for part in text.split(",")):
        return read_per_axis(text)
    if text in ("same", "same-tf"):
        return text
    raise ArgumentError(
        "expected a number of sites such as 1, several such as 0,2 (left and right in one "
        f"dimension, an axis each in more), 'same' or 'same-tf'; got {text!r}"
    )


def read_stride(text: str) -> Stride:
    """Read a stride, or ``kernel`` for the kernel's length."""
    return "kernel" if text == "kernel" else read_integer(text, "an integer >= 1 or 'kernel'", 1)


def read_kernel(text: str) -> Kernel:
    """Read the length of a box, weights, a binomial filter or a Gaussian.

    >>> read_kernel("3"), read_kernel("0.1,0.3"), read_kernel("binomial:3")
    (Kernel(1/3, 1/3, 1/3), Kernel(1/4, 3/4), Kernel(1/4, 1/2, 1/4))
    >>> read_kernel("gaussian:7,1") == gaussian(7, 1)
    True
    """
    if text.startswith("gaussian:"):
        parts = text.removeprefix("gaussian:").split(",")
        if len(parts) != 2:
            raise ArgumentError(f"expected a length and a width as in gaussian:7,1; got {text!r}")
        return gaussian(read_integer(parts[0]), read_rational(parts[1]))
    if "," in text:
        return Kernel([read_rational(weight.strip()) for weight in text.split(",")])
    try:
        length = int(text.removeprefix("binomial:"))
    except ValueError:
        raise ArgumentError(
            "expected the length of a box such as 3, weights >= 0 with a positive sum such as "
            "1,2,1 or 1/4,1/2,1/4, a binomial filter such as binomial:5, or a Gaussian such as "
            f"gaussian:7,1; got {text!r}"
        ) from None
    return binomial(length) if text.startswith("binomial:") else box(length)


def read_filter(text: str) -> tuple[str, Kernel]:
    """Read ``NAME=KERNEL``, or a kernel that is its own name.

    >>> read_filter("tri3=1,2,1"), read_filter("binomial:5")[0]
    (('tri3', Kernel(1/4, 1/2, 1/4)), 'binomial:5')
    """
    name, equals, kernel = text.partition("=")
    return (name, read_kernel(kernel)) if equals else (text, read_kernel(text))


_LAYER_OPTIONS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "pad": ("padding", read_padding),
    "mode": ("padding_mode", str),
    "dilation": ("dilation", read_per_axis),
    "pool": ("pooling", str),
}
"""Options of a layer: the argument of `Layer`, and how its value is read."""


def read_layer(text: str) -> list[Layer]:
    """Read ``KERNEL:STRIDE[:BIAS][:OPTION=VALUE ...][xCOUNT]`` as COUNT equal layers.

    >>> read_layer("binomial:3:2:-0.05x2")[1:]
    [Layer(kernel=[1/4, 1/2, 1/4], stride=2, bias=-0.05)]
    >>> read_layer("3:2:pad=1:mode=reflect")
    [Layer(kernel=box(3), stride=2, padding=1, padding_mode='reflect')]
    """
    match = _LAYER.fullmatch(text)
    if match is None:
        raise ArgumentError(
            "expected KERNEL:STRIDE[:BIAS][:OPTION=VALUE...][xCOUNT] such as 3:1, 1,2,1:2x4, "
            f"2:2:-0.1 or 3:1:pad=1; got {text!r}"
        )
    kernel, stride = read_kernel(match["kernel"]), read_stride(match["stride"])
    given = {}
    for option in match["options"].split(":")[1:]:
        name, _, value = option.partition("=")
        if name not in _LAYER_OPTIONS:
            raise ArgumentError(
                f"expected options among {', '.join(_LAYER_OPTIONS)}; got {name!r} in {text!r}"
            )
        argument, reader = _LAYER_OPTIONS[name]
        given[argument] = reader(value)
    layer = Layer(kernel, stride, read_rational(match["bias"] or "0"), **given)
    return [layer] * validate.integer("COUNT", read_integer(match["count"] or "1"), 1, 10**6)


def read_bytes(text: str) -> int:
    """Read a number of bytes: kB, MB, GB, TB are powers of 1000; KiB or K, GiB or G of 1024.

    >>> read_bytes("256MB"), read_bytes("1.5KiB"), read_bytes("2G"), read_bytes("4096")
    (256000000, 1536, 2147483648, 4096)
    """
    match = _BYTES.fullmatch(text)
    if match is None:
        raise ArgumentError(
            f"expected a number of bytes such as 1000000, 256MB or 1.5G; got {text!r}"
        )
    number, unit = match[1], match[2].lower()
    base = 1000 if len(unit) == 2 else 1024
    return int(parsed(number) * base ** "bkmgt".index(unit[:1]))


def read_checkpoint(text: str) -> Path:
    """Read the path of a checkpoint; SQLite restores one that has a journal of a killed run."""
    path = Path(text)
    if journal(path).exists():
        validate.destination("path", path)
        return path
    return read_destination("checkpoint", text)


def journal(path: Path) -> Path:
    """Return the file that SQLite writes next to a checkpoint, and removes."""
    return path.with_name(f"{path.name}-journal")


def read_figure(text: str) -> Path:
    """Read the path of a figure to write; its suffix says of which kind."""
    kind = f"{Path(text).suffix[1:].upper()} figure"
    if kind not in files.KINDS:
        raise ArgumentError(f"expected a file that ends in .png, .pdf or .svg; got {text!r}")
    return read_destination(kind, text)


def read_destination(kind: str, text: str) -> Path:
    """Read the path of a file of this kind to write; refuse others before a long run."""
    path = Path(text)
    files.destination("path", path, kind)
    return path
