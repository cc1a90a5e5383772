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
from scaledet.network.kernel import Kernel, binomial, box
from scaledet.network.layer import Layer, Stride
from scaledet.rationals import parsed
from scaledet.results import files

_NUMBER = re.compile(
    r"[+-]?([0-9]+/0*[1-9][0-9]*|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,3})?)", re.IGNORECASE
)
_BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(b|[kmgt](?:i?b)?|)", re.IGNORECASE)
_LAYER = re.compile(
    r"(?P<kernel>binomial:[^:x]+|[^:x]+):(?P<stride>[^:x]+)(:(?P<bias>[^:x]+))?"
    r"(x(?P<count>0*[1-9][0-9]*))?"
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
    with suppress(ValueError):
        if (number := int(text)) >= minimum:
            return number
    raise ArgumentError(f"expected {accepted}; got {text!r}")


def read_real(text: str) -> float:
    """Read a number as a float; its range is left to the library."""
    return float(read_rational(text))


def read_seed(text: str) -> int:
    """Read a seed, an integer >= 0."""
    return read_integer(text, "an integer >= 0", 0)


def read_size(text: str) -> int | None:
    """Read a number of pixels, or ``none``."""
    return None if text.lower() == "none" else read_integer(text, "an integer or 'none'")


def read_stride(text: str) -> Stride:
    """Read a stride, or ``kernel`` for the kernel's length."""
    return "kernel" if text == "kernel" else read_integer(text, "an integer >= 1 or 'kernel'", 1)


def read_kernel(text: str) -> Kernel:
    """Read the length of a box, weights, or a binomial filter.

    >>> read_kernel("3"), read_kernel("0.1,0.3"), read_kernel("binomial:3")
    (Kernel(1/3, 1/3, 1/3), Kernel(1/4, 3/4), Kernel(1/4, 1/2, 1/4))
    """
    if "," in text:
        return Kernel([read_rational(weight.strip()) for weight in text.split(",")])
    try:
        length = int(text.removeprefix("binomial:"))
    except ValueError:
        raise ArgumentError(
            "expected the length of a box such as 3, weights >= 0 with a positive sum such as "
            f"1,2,1 or 1/4,1/2,1/4, or a binomial filter such as binomial:5; got {text!r}"
        ) from None
    return binomial(length) if text.startswith("binomial:") else box(length)


def read_layer(text: str) -> list[Layer]:
    """Read ``KERNEL:STRIDE[:BIAS][xCOUNT]`` as COUNT equal layers.

    >>> read_layer("binomial:3:2:-0.05x2")[1:]
    [Layer(kernel=[1/4, 1/2, 1/4], stride=2, bias=-0.05)]
    """
    match = _LAYER.fullmatch(text)
    if match is None:
        raise ArgumentError(
            "expected KERNEL:STRIDE[:BIAS][xCOUNT] such as 3:1, 1,2,1:2x4 or 2:2:-0.1; "
            f"got {text!r}"
        )
    kernel, stride = read_kernel(match["kernel"]), read_stride(match["stride"])
    layer = Layer(kernel, stride, read_rational(match["bias"] or "0"))
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
