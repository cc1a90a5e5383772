"""Exact numbers as SymPy numbers, and how a reference refuses a claim."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NoReturn

import sympy as sp

from scaledet.errors import DerivationError

__all__ = ["number", "refute"]


def refute(reason: str) -> NoReturn:
    """Raise ``DerivationError`` with `reason`."""
    raise DerivationError(reason)


def number(value: Any) -> Any:
    """Return a Python or flint rational as a SymPy number; SymPy objects pass through."""
    if isinstance(value, Fraction):
        return sp.Rational(value.numerator, value.denominator)
    if hasattr(value, "p") and hasattr(value, "q") and not isinstance(value, sp.Basic):
        return sp.Rational(int(value.p), int(value.q))
    return sp.sympify(value)
