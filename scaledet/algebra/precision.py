"""mpmath at a precision that nobody else sets or sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import MPContext

__all__ = ["compiled", "mpmath"]

mpmath: Any = MPContext()
"""A context of scaledet's own, with mpmath's functions: 15 digits unless its ``workdps`` says more.

It serves the checks of derivations, which run for one thread at a time (``isolation.LOCK``).
"""


def compiled(variable: Any, expression: Any) -> Callable[[Any], Any]:
    """Turn a SymPy expression into a function that evaluates it in this context.

    >>> import sympy as sp
    >>> x = sp.Symbol("x")
    >>> with mpmath.workdps(30):
    ...     print(compiled(x, sp.sqrt(x) + 1)(2))
    2.41421356237309504880168872421
    """
    import sympy as sp
    from sympy.printing.pycode import MpmathPrinter

    names = {name: getattr(mpmath, name) for name in dir(mpmath) if not name.startswith("_")}
    printer = MpmathPrinter({"fully_qualified_modules": False, "allow_unknown_functions": True})
    function: Callable[[Any], Any] = sp.lambdify(variable, expression, [names], printer=printer)
    return function
