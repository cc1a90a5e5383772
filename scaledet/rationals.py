"""Exact numbers: the rational that a float stands for, and the text of a rational.

A float stands for what was typed or computed, not for its binary digits: for the decimal that it
prints as (0.1 is 1/10) or, if that is long, for the simplest fraction that rounds to it (1/3), or
for a simple number that it misses by the rounding errors of a few operations (0.1 + 0.2 is 3/10).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

__all__ = ["full_text", "misses", "parsed", "reading", "shown", "text"]

# Spacings of floats by which a computed number may miss the simple one that was meant.
_ROUNDING = 8

# Bits of the longest fraction that is shown.
_WIDEST = 48


def reading(number: Any) -> Fraction:
    """Return the rational that a finite float (of Python or NumPy) stands for.

    The first of these that rounds to it: itself, if its binary value is short; the decimal that it
    prints as, if that has at most 12 digits; the simplest fraction p/q, if p q <= 10^12. If none
    does, a decimal of 9 digits or a fraction with p q <= 10^6 within 8 spacings of floats. Else the
    decimal that it prints as. (The 12 digits are 4 for 32 bits, 2 for 16 bits, and so on.)

    >>> [str(reading(x)) for x in (0.1, 1 / 3, 2.0**-40, 0.1 + 0.2)]
    ['1/10', '1/3', '1/1099511627776', '3/10']
    """
    precision, spacing = _digits(number), _spacing(number)
    binary = Fraction(*number.as_integer_ratio())
    odd = abs(binary.numerator)
    if (odd & -odd) * 10 ** (precision // 2) >= odd:
        return binary
    decimal = Decimal(str(number))
    if len("".join(map(str, decimal.as_tuple().digits)).strip("0")) <= precision:
        return Fraction(decimal)
    simple = _simplest(binary, spacing / 2, 10**precision)
    if simple is not None:
        return simple
    reach = _ROUNDING * spacing
    if abs(binary) > 1024 * reach:  # Every number of 16 bits is near a simple one.
        short = Fraction(f"{number:.{precision - 4}e}")
        near = short if abs(short - binary) <= reach else None
        near = near or _simplest(binary, reach, 10 ** (precision // 2))
        if near is not None:
            return near
    return Fraction(decimal)


def misses(number: Any, value: Fraction) -> bool:
    """Whether a float is not `value` up to its own rounding.

    >>> misses(1 / 3, Fraction(1, 3)), misses(0.1 + 0.2, Fraction(3, 10))
    (False, True)
    """
    return abs(Fraction(*number.as_integer_ratio()) - value) > _spacing(number) / 2


def shown(value: Any, write: Callable[[Any], str] = repr, *, instead: str | None = None) -> str:
    """Return what `write` makes of `value`, or `instead` if integers in it are too long for that.

    By default this says what it is.

    >>> shown([1, 2]), shown([10**5000])
    ('[1, 2]', 'a list with an integer of more than 4300 digits')
    """
    try:
        return write(value)
    except ValueError:
        if instead is not None:
            return instead
        holder = "" if isinstance(value, int) else f"a {type(value).__name__} with "
        return f"{holder}an integer of more than {sys.get_int_max_str_digits()} digits"


def text(value: Fraction | float, *, decimal: bool = True, digits: int = 6) -> str:
    """Return a readable text: a short `decimal`, a short fraction, else rounded to `digits`.

    >>> [text(Fraction(p, q)) for p, q in ((21, 10), (-1, 6), (10**9 + 7, 10**10 + 1))]
    ['2.1', '-1/6', '0.1']
    >>> text(Fraction(21, 10), decimal=False), text(3**10_000)
    ('21/10', '1.63135e+4771')
    """
    numerator, denominator = value.as_integer_ratio()
    short = numerator.bit_length() + denominator.bit_length() <= _WIDEST
    if short and (denominator == 1 or not decimal):
        return str(value)
    # Unlike floats, decimals have no range, and unlike ``str`` they take integers of any length.
    context = Context(prec=12, traps=[])
    quotient = context.divide(Decimal(numerator), Decimal(denominator)).normalize(context)
    if quotient.as_integer_ratio() != (numerator, denominator):
        if short:
            return str(value)
        context.prec = digits
        quotient = context.divide(Decimal(numerator), Decimal(denominator)).normalize(context)
    return f"{quotient:f}" if -5 < quotient.adjusted() < 12 else f"{quotient:e}"


def full_text(value: Fraction | int) -> str:
    """Return all digits of a rational, however many: Python's own ``str`` stops at 4300."""
    try:
        return str(value)
    except ValueError:
        from flint import fmpq

        return str(fmpq(value.numerator, value.denominator))


def parsed(written: str) -> Fraction:
    """Read what `full_text` returns, and decimals, at any length, too.

    >>> parsed(full_text(10**5000)) == 10**5000, parsed("1/3"), parsed("-0.25")
    (True, Fraction(1, 3), Fraction(-1, 4))
    """
    try:
        return Fraction(written)
    except ValueError as error:
        numerator, _, denominator = written.partition("/")
        try:
            return Fraction(Decimal(numerator)) / Fraction(Decimal(denominator or 1))
        except (InvalidOperation, ValueError):
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
