"""What a saved result must hold: its facts by their readers, its arrays by shape and range."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError

__all__ = [
    "Reader",
    "Values",
    "count",
    "each_or_all",
    "image_shape",
    "joined",
    "names",
    "one_of",
    "optional",
    "parts_of",
    "real",
    "together",
]

Reader = Callable[[str, Any], Any]
"""Takes the name of a fact and what a file holds; returns the value, or refuses it."""

# A covariance matrix is symmetric up to rounding, relative to its largest entry.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Values:
    """Real numbers of an array, none of them nan.

    Attributes
    ----------
    shapes : tuple of str
        Accepted shapes, such as "layers" or "2, 3 * layers" in named lengths of the result.
    minimum, maximum : float
        Range of the numbers; `positive` leaves out 0.
    infinite : bool
        Whether they may be infinite.
    covariance : bool
        Whether the array is a covariance matrix: symmetric, variances >= 0.
    """

    shapes: tuple[str, ...] = ("layers",)
    minimum: float = -math.inf
    maximum: float = math.inf
    positive: bool = False
    infinite: bool = False
    covariance: bool = False

    def check(self, name: str, array: Any, lengths: Mapping[str, int]) -> None:
        """Refuse an array of another type, shape or range, naming what is wrong."""
        import numpy as np

        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            raise ArgumentTypeError(f"{name} must be an array of floats; got {array!r}")
        accepted = [_shape(text, lengths) for text in self.shapes]
        if array.shape not in accepted:
            shapes = " or ".join(map(str, map(list, accepted)))
            raise ArgumentError(f"{name} must have shape {shapes}; got {list(array.shape)}")
        low = array > 0 if self.positive else array >= self.minimum
        bad = ~(low & (array <= self.maximum) & (self.infinite | np.isfinite(array)))
        if self.covariance and not bad.any():
            bad = abs(array - array.T) > _ROUNDING * abs(array).max(initial=0.0)
            bad |= np.diag(np.diag(array) < 0)
        if bad.any():
            place = tuple(map(int, np.argwhere(bad)[0]))
            raise ArgumentError(
                f"{name} must hold {self._described()}; got "
                f"{name}{list(place)} = {float(array[place])!r}"
            )

    def _described(self) -> str:
        if self.covariance:
            return "finite covariances, symmetric, variances >= 0"
        low = " > 0" if self.positive else ""
        low = f" >= {self.minimum:g}" if math.isfinite(self.minimum) else low
        high = f" <= {self.maximum:g}" if math.isfinite(self.maximum) else ""
        return f"{'' if self.infinite else 'finite '}numbers{low}{high}"


def _shape(text: str, lengths: Mapping[str, int]) -> tuple[int, ...]:
    """Shape in numbers: an axis is a product of integers and names."""
    return tuple(
        math.prod(lengths[word] if word in lengths else int(word) for word in axis.split(" * "))
        for axis in text.split(", ")
    )


def count(minimum: int = 0) -> Reader:
    """Return the reader of an integer of at least `minimum`."""
    return partial(validate.integer, minimum=minimum)


def real(**bounds: Any) -> Reader:
    """Return the reader of a finite number in the bounds that ``validate.real`` knows."""
    return partial(validate.real, **bounds)


def one_of(*options: Any) -> Reader:
    """Return the reader of one of the options."""
    return partial(validate.choice, options=options)


def image_shape(name: str, value: Any) -> tuple[int, ...]:
    """Read the channels and sides of an image."""
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise ArgumentTypeError(f"{name} must be a list of channels and sides; got {value!r}")
    return tuple(validate.integer(name, side, 1) for side in value)


def names(name: str, value: Any) -> tuple[str, ...]:
    """Read a list of different names, at least one."""
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise ArgumentTypeError(f"{name} must be a list of names; got {value!r}")
    if len(set(value)) < len(value) or not value:
        raise ArgumentError(f"{name} must be different names, at least one; got {value!r}")
    return tuple(value)


def optional(reader: Reader) -> Reader:
    """Return a reader that lets None through."""
    return lambda name, value: None if value is None else reader(name, value)


def each_or_all(reader: Reader) -> Reader:
    """Return the reader of a value, or of a tuple of such values."""

    def read(name: str, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return tuple(reader(f"{name}[{i}]", entry) for i, entry in enumerate(value))
        return reader(name, value)

    return read


def together(*readers: Reader) -> Reader:
    """Return the reader of a tuple, one reader for each of its entries."""

    def read(name: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) != len(readers):
            raise ArgumentTypeError(f"{name} must be {len(readers)} values; got {value!r}")
        pairs = enumerate(zip(readers, value, strict=True))
        return tuple(reader(f"{name}[{i}]", entry) for i, (reader, entry) in pairs)

    return read


def joined(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the arrays of all parts of a result under "part.name"; `parts_of` divides them.

    >>> joined({"0": {"D": 1, "G": 2}, "1": {"D": 3}})
    {'0.D': 1, '0.G': 2, '1.D': 3}
    """
    return {f"{part}.{name}": v for part, arrays in parts.items() for name, v in arrays.items()}


def parts_of(arrays: Mapping[str, Any], parts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the arrays of each part of a result, by name, from what `joined` has returned.

    >>> parts_of({"0.D": 1, "0.G": 2, "1.D": 3}, ["0", "1"])
    {'0': {'D': 1, 'G': 2}, '1': {'D': 3}}
    """
    divided: dict[str, dict[str, Any]] = {part: {} for part in parts}
    for key, values in arrays.items():
        part, _, name = key.partition(".")
        divided[part][name] = values
    return divided
