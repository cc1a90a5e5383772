"""Validation at the public boundary: every message names argument, value and accepted range."""

from __future__ import annotations

import math
import numbers
import operator
import os
import stat
import warnings
from collections.abc import Callable, Collection
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaledet import rationals
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.rationals import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "choice",
    "destination",
    "file_path",
    "flag",
    "floats",
    "generator",
    "integer",
    "proportion",
    "rational",
    "real",
    "vector",
]

# Decimals beyond ten to this power (plus or minus) are refused: they would be too long as integers.
_DECADES = 4000
_SEED_BITS = 4096


def integer(
    name: str, value: Any, minimum: int, maximum: int | None = None, *, other: str = ""
) -> int:
    """Return `value` as an ``int`` in ``[minimum, maximum]``; booleans and floats are refused.

    `other` names what the caller accepts besides.
    """
    bound = f">= {minimum}" if maximum is None else f"in [{minimum}, {maximum}]"
    accepted = f"an integer {bound}{other}"
    try:
        if isinstance(value, bool):
            raise TypeError
        result = operator.index(value)
    except TypeError:
        raise ArgumentTypeError(f"{name} must be {accepted}; got {shown(value)}") from None
    if result < minimum or (maximum is not None and result > maximum):
        raise ArgumentError(f"{name} must be {accepted}; got {shown(value)}")
    return result


def rational(
    name: str, value: Any, accepted: str = "a finite real number", *, decides: bool = True
) -> Fraction:
    """Return `value` as an exact ``Fraction``; a float is read as `scaledet.rationals` says.

    If labels or the death of a signal hang on it alone (`decides`), a float that is read as a
    simple number but misses it by rounding errors gives a warning.
    """
    number = _number(name, value, accepted)
    if isinstance(number, Fraction):
        return number
    exact = rationals.reading(number)
    if decides and rationals.misses(number, exact):
        text = f"{name} = {value!r} is read as {rationals.text(exact)}, up to rounding errors"
        warnings.warn(
            f"{text}: give Fraction('{number!s}') if it is meant as printed", stacklevel=3
        )
    return exact


def real(name: str, value: Any, *, positive: bool = False, minimum: float | None = None) -> float:
    """Return `value` as a finite ``float``, optionally > 0 or >= `minimum`."""
    bound = " > 0" if positive else "" if minimum is None else f" >= {minimum:g}"

    def admits(number: float) -> bool:
        above = number > 0 if positive else minimum is None or number >= minimum
        return above and math.isfinite(number)

    return _float(name, value, f"a finite real number{bound}", admits)


def proportion(name: str, value: Any) -> float:
    """Return `value` as a ``float`` between 0 and 1, neither included."""
    accepted = "a real number between 0 and 1, neither included"
    return _float(name, value, accepted, lambda number: 0 < number < 1)


def _float(name: str, value: Any, accepted: str, admits: Callable[[float], bool]) -> float:
    number = _number(name, value, accepted)
    try:
        double = isinstance(number, float | Fraction)
        result = float(number if double else rationals.reading(number))
    except OverflowError:
        result = math.inf
    if not admits(result):
        raise ArgumentError(f"{name} must be {accepted}; got {shown(value)}")
    return result


def _number(name: str, value: Any, accepted: str) -> Fraction | Any:
    """Return an exact number as a ``Fraction``, a finite float of Python or NumPy as it is."""
    scalar = value[()] if getattr(value, "ndim", None) == 0 else value
    # SymPy integers and rationals are not registered as numbers.Real: accept them by value.
    p, q = getattr(scalar, "p", None), getattr(scalar, "q", None)
    if isinstance(p, int) and isinstance(q, int) and q > 0:
        return Fraction(p, q)
    if isinstance(scalar, bool) or not isinstance(scalar, numbers.Real | Decimal):
        raise ArgumentTypeError(f"{name} must be {accepted}; got {shown(value)}")
    if isinstance(scalar, numbers.Rational):
        return Fraction(int(scalar.numerator), int(scalar.denominator))
    if isinstance(scalar, Decimal):
        if scalar.is_finite() and abs(scalar.adjusted()) <= _DECADES:
            return Fraction(scalar)
    elif math.isfinite(scalar):
        return scalar if type(scalar).__module__ in ("builtins", "numpy") else float(scalar)
    raise ArgumentError(f"{name} must be {accepted}; got {shown(value)}")


def floats(name: str, value: Any, accepted: str) -> NDArray[np.float64]:
    """Return `value` as an array of any shape; `accepted` describes the accepted values."""
    import numpy as np

    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentTypeError(f"{name} must be {accepted}; got {shown(value)}") from None


def vector(
    name: str, value: Any, *, zero: bool = False, length: int | None = None
) -> NDArray[np.float64]:
    """Return `value` as a one-dimensional array of finite floats > 0, or >= 0 if `zero`."""
    import numpy as np

    many = "a one-dimensional array of" if length is None else f"{length}"
    accepted = f"{many} finite numbers {'>= 0' if zero else '> 0'}"
    array = floats(name, value, accepted)
    if array.ndim != 1 or (length is not None and len(array) != length):
        raise ArgumentError(f"{name} must be {accepted}; got shape {array.shape}")
    bad = ~(np.isfinite(array) & (array >= 0 if zero else array > 0))
    if bad.any():
        index = int(np.argmax(bad))
        raise ArgumentError(f"{name} must be {accepted}; got {name}[{index}] = {array[index]}")
    return array


def file_path(name: str, value: Any) -> Path:
    """Return `value` as a ``Path``; anything but a string or a path is refused."""
    if not isinstance(value, str | os.PathLike) or isinstance(os.fspath(value), bytes):
        raise ArgumentTypeError(f"{name} must be a string or a path; got {shown(value)}")
    return Path(value)


def destination(name: str, value: Any) -> Path:
    """Return the absolute path of a file that may be written: a new or an ordinary one."""
    path = file_path(name, value)

    def refusal(accepted: str, reason: object = "") -> ArgumentError:
        return ArgumentError(f"{name} must {accepted}; got {str(path)!r}{reason and f': {reason}'}")

    try:
        target = Path(os.path.realpath(path))
        folder, file = _mode(target.parent), _mode(target)
    except (OSError, ValueError) as error:
        raise refusal("be the path of a file", getattr(error, "strerror", None) or error) from None
    if not stat.S_ISDIR(folder):
        raise refusal("be in an existing folder")
    if file and not stat.S_ISREG(file):
        raise refusal("name a new or an ordinary file")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise refusal("be in a folder with write permission")
    if file and not os.access(target, os.W_OK):
        raise refusal("name a file with write permission")
    return target


def _mode(path: Path) -> int:
    """Kind and permissions of the file at `path`; 0 if there is none."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def choice(name: str, value: Any, options: Collection[Any]) -> Any:
    """Return the option that `value` equals (with its type; NumPy's strings are strings)."""
    plain = _plain(value)
    for option in options:
        if type(plain) is type(option) and plain == option:
            return option
    accepted = ", ".join(repr(option) for option in options)
    raise ArgumentError(f"{name} must be one of {accepted}; got {shown(value)}")


def flag(name: str, value: Any) -> bool:
    """Return `value` as a ``bool``; anything but True or False is refused."""
    plain = _plain(value)
    if not isinstance(plain, bool):
        raise ArgumentTypeError(f"{name} must be True or False; got {shown(value)}")
    return plain


def generator(value: Any) -> np.random.Generator:
    """Return ``numpy.random.default_rng(value)``."""
    import numpy as np

    accepted = "None, an integer >= 0, a SeedSequence, a BitGenerator or a Generator"
    plain = _plain(value)
    if isinstance(plain, np.random.RandomState):
        raise ArgumentTypeError(f"rng must be {accepted}; got {shown(value)}")
    if isinstance(plain, int) and plain.bit_length() > _SEED_BITS:
        raise ArgumentError(
            f"rng must be an integer below 2**{_SEED_BITS}, to be written in files; "
            f"got {shown(value)}"
        )
    try:
        return np.random.default_rng(plain)
    except (TypeError, ValueError) as error:
        kind = ArgumentTypeError if isinstance(error, TypeError) else ArgumentError
        raise kind(f"rng must be {accepted}; got {shown(value)}") from None


def _plain(value: Any) -> Any:
    """Return what a scalar or an array without dimensions of NumPy holds; all else as it is."""
    return value.item() if getattr(value, "ndim", None) == 0 else value
