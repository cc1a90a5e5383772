"""Independence from the numeric state that libraries hold for a whole process or thread.

flint keeps its precision per process; SymPy obeys switches and evaluates functions at mpmath's
global precision, which it sets and puts back; NumPy obeys the caller's ``seterr``. No result here
may depend on that state or leave it changed, nor may two threads change it under each other's
hands. So flint (at a set precision) and SymPy compute for one thread at a time, under `LOCK`.
mpmath computes in a context of scaledet's own, ``algebra.precision.mpmath``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import Any, ParamSpec, TypeVar

__all__ = ["LOCK", "isolated", "usual_floats"]

P = ParamSpec("P")
R = TypeVar("R")

LOCK = RLock()
"""Held while flint works at a set precision and while SymPy computes."""


def usual_floats(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a public function: NumPy meets floating-point errors as it does by default.

    While NumPy is not loaded, nobody has changed that, and nothing waits for it to load.
    """

    @wraps(function)
    def computing(*args: P.args, **kwargs: P.kwargs) -> R:
        if "numpy" not in sys.modules:
            return function(*args, **kwargs)
        import numpy as np

        with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            return function(*args, **kwargs)

    return computing


def isolated(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a public function that uses SymPy: it meets the usual state and restores what was.

    >>> import sympy as sp
    >>> @isolated
    ... def tripled(x):
    ...     return x + x + x
    >>> with sp.evaluate(False):
    ...     tripled(sp.Symbol("x"))
    3*x
    """
    computing = usual_floats(function)

    @wraps(function)
    def isolating(*args: P.args, **kwargs: P.kwargs) -> R:
        with LOCK:
            changed: list[tuple[Any, str, Any]] = []
            try:
                for holder, name, usual in _switches():
                    value = getattr(holder, name)
                    if value != usual:
                        changed.append((holder, name, value))
                        setattr(holder, name, usual)
                return computing(*args, **kwargs)
            finally:
                for holder, name, value in changed:
                    setattr(holder, name, value)

    return isolating


def _switches() -> list[tuple[Any, str, Any]]:
    """Holder, attribute and usual value of each switch that SymPy obeys."""
    from mpmath import mp
    from sympy.core.parameters import global_parameters
    from sympy.printing.printer import Printer

    return [
        (global_parameters, "evaluate", True),
        (global_parameters, "distribute", True),
        (global_parameters, "exp_is_pow", False),
        (Printer, "_global_settings", {}),
        (mp, "trap_complex", False),
    ]


if hasattr(os, "register_at_fork"):
    # A child has only the thread that forked: a lock that another one holds would never be freed.
    os.register_at_fork(
        before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release
    )
