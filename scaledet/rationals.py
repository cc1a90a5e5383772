"""Exact numbers: the rational that a float stands for, and the text of a rational.

A float stands for what was typed or computed, not for its binary digits: for the decimal that it
prints as (0.1 is 1/10) or, if that is long, for the simplest fraction that rounds to it (1/3).
"""

from __future__ import annotations

import math
import sys
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

__all__ = ["digits", "neighbour", "parsed", "reading", "shown", "text"]

# Spacings of floats within which a computed number may miss the one that was meant.
_ROUNDING = 8

# Bits of the longest fraction that is shown.
_WIDEST = 48


def reading(number: Any) -> Fraction:
    """Return the rational that a finite float (of Python or NumPy) stands for.

    The first of these that rounds to it: itself, if its binary value is short; the decimal that it
    prints as, if that has at most 12 digits; the simplest fraction p/q, if p q <= 10^12; the
    decimal that it prints as. (12 is 4 for 32 bits, and 2 for 16.)

    >>> [str(reading(x)) for x in (0.1, 1 / 3, 2.0**-40, 0.1 + 0.2)]
    ['1/10', '1/3', '1/1099511627776', '7500000000000001/25000000000000000']
    """
    precision = _digits(number)
    binary = Fraction(*number.as_integer_ratio())
    odd = abs(binary.numerator)
    if (odd & -odd) * 10 ** (precision // 2) >= odd:
        return binary
    decimal = Decimal(str(number))
    if len("".join(map(str, decimal.as_tuple().digits)).strip("0")) <= precision:
        return Fraction(decimal)
    simple = _simplest(binary, _spacing(number) / 2, 10**precision)
    return Fraction(decimal) if simple is None else simple


def neighbour(number: Any) -> Fraction | None:
    """Return a much simpler rational within the rounding errors of a few operations, if any.

    >>> neighbour(0.1 + 0.2), neighbour(0.3)
    (Fraction(3, 10), None)
    """
    precision = _digits(number)
    binary, reach = Fraction(*number.as_integer_ratio()), _ROUNDING * _spacing(number)
    if abs(binary) < reach * 1024:  # Every number of 16 bits is near a simple one.
        return None
    decimal = Fraction(f"{number:.{precision - 4}e}")
    near = decimal if abs(decimal - binary) <= reach else None
    near = near or _simplest(binary, reach, 10 ** (precision // 2))
    return None if near == reading(number) else near


def shown(value: Any) -> str:
    """Return ``repr(value)``, or what it is if it holds integers that Python refuses to write.

    >>> shown([1, 2]), shown([10**5000])
    ('[1, 2]', 'a list with an integer of more than 4300 digits')
    """
    try:
        return repr(value)
    except ValueError:
        holder = "" if isinstance(value, int) else f"a {type(value).__name__} with "
        return f"{holder}an integer of more than {sys.get_int_max_str_digits()} digits"


def text(value: Fraction | float, *, decimal: bool = True) -> str:
    """Return a readable text: a short `decimal`, a short fraction, else rounded to six digits.

    >>> [text(Fraction(p, q)) for p, q in ((3, 1), (21, 10), (-1, 6), (10**9 + 7, 10**10 + 1))]
    ['3', '2.1', '-1/6', '~0.1']
    >>> text(Fraction(21, 10), decimal=False)
    '21/10'
    """
    numerator, denominator = value.as_integer_ratio()
    bits = numerator.bit_length() + denominator.bit_length()
    if bits <= _WIDEST and (denominator == 1 or not decimal):
        return str(value)
    try:
        number = float(value)
    except OverflowError:
        size = numerator.bit_length() - denominator.bit_length()
        return f"~{'-' if value < 0 else ''}1e{int(size * math.log10(2))}"
    printed = repr(number)
    if len(printed) <= 15 and Fraction(printed) == value:
        return printed
    return str(value) if bits <= _WIDEST else f"~{number:.6g}"


def digits(value: Fraction | int) -> str:
    """Return all digits of a rational, however many: Python's own ``str`` stops at 4300."""
    try:
        return str(value)
    except ValueError:
        from flint import fmpq

        return str(fmpq(value.numerator, value.denominator))


def parsed(written: str) -> Fraction:
    """Read what `digits` returns, and decimals, at any length, too.

    >>> parsed(digits(10**5000)) == 10**5000, parsed("1/3"), parsed("-0.25")
    (True, Fraction(1, 3), Fraction(-1, 4))
    """
    try:
        return Fraction(written)
    except ValueError as error:
        numerator, _, denominator = written.partition("/")
        try:
            return Fraction(Decimal(numerator)) / Fraction(Decimal(denominator or 1))
        except InvalidOperation:
            raise error from None


def _digits(number: Any) -> int:
    """Return the number of decimal digits that the type of a float holds, less three."""
    if isinstance(number, float):
        return 12
    import numpy as np

    return max(2, int((np.finfo(type(number)).nmant + 1) * math.log10(2)) - 3)


def _spacing(number: Any) -> Fraction:
    if isinstance(number, float):
        return Fraction(math.ulp(number))
    import numpy as np

    return abs(Fraction(*np.spacing(number).as_integer_ratio()))


def _simplest(centre: Fraction, reach: Fraction, limit: int) -> Fraction | None:
    """Return the fraction of smallest denominator within `reach`; None if p q > `limit`.

    The continued fractions of both ends agree as long as their terms do.
    """
    low, high = abs(centre) - reach, abs(centre) + reach
    (a, b), (c, d) = low.as_integer_ratio(), high.as_integer_ratio()
    p, q, before = 1, 0, (0, 1)
    while True:
        term = -(-a // b)  # ceiling: an integer between the ends, if there is one
        last = term * d <= c
        term -= not last
        p, q, before = term * p + before[0], term * q + before[1], (p, q)
        if p * q > limit:
            return None
        if last:
            return Fraction(p if centre > 0 else -p, q)
        a, b, c, d = d, c - term * d, b, a - term * b
