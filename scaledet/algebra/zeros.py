"""SymPy numbers that are defined by an equation: the zero of a function between two integers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp
from flint import arb, ctx

from scaledet.algebra.enclosure import ball_at
from scaledet.algebra.sympy_numbers import BallNumber
from scaledet.errors import ArgumentError

__all__ = ["Zero"]


class Zero(BallNumber):
    """The only zero of a function between two numbers; certified to be there, and the only one.

    Parameters
    ----------
    name : str
        What stands for the number in formulas.
    function : sympy.Expr
        In one symbol; of what `enclosure` accepts.
    low, high : sympy.Rational
        The function has different signs there, and its derivative has one sign between.

    Raises
    ------
    ValueError
        If ball arithmetic cannot certify the signs.

    Examples
    --------
    >>> x = sp.Symbol("x")
    >>> quarter = Zero("q", sp.cos(x), sp.Integer(1), sp.Integer(2))
    >>> print(2 * quarter, (2 * quarter).evalf(20))
    2*q 3.1415926535897932385
    """

    is_irrational = None
    is_algebraic = None
    name: str
    function: Any
    low: Any
    high: Any

    def __new__(cls, name: str, function: Any, low: Any, high: Any) -> Zero:
        """Make the number and certify that it is one."""
        instance: Zero = sp.AtomicExpr.__new__(cls)
        instance.name, instance.function, instance.low, instance.high = name, function, low, high
        instance.ball(64)
        return instance

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.name, self.function, self.low, self.high)

    def ball(self, bits: int) -> arb:
        """Enclosure with `bits` correct bits."""
        return _zero(self.function, self.low, self.high, bits)

    def _sympystr(self, printer: Any) -> str:
        del printer
        return self.name

    def _latex(self, printer: Any) -> str:
        return str(printer.doprint(sp.Symbol(self.name)))


@lru_cache(maxsize=64)
def _zero(function: Any, low: Any, high: Any, bits: int) -> arb:
    """Enclose the zero by Newton's method for intervals."""
    (x,) = function.free_symbols
    slope = sp.diff(function, x)
    with ctx.workprec(bits + 64):

        def at(expression: Any, ball: arb) -> arb:
            return ball_at(expression, bits + 64, {x: ball})

        ends = [ball_at(end, bits + 64) for end in (low, high)]
        inside = ends[0].union(ends[1])
        signs = [at(function, end) for end in ends]
        steep = at(slope, inside)
        if not signs[0] * signs[1] < 0 or steep.contains(0):
            raise ArgumentError(
                f"function must have signs that differ at {low} and {high} and a derivative of one "
                f"sign between; got {function}"
            )
        while inside.rel_accuracy_bits() < bits:
            middle = inside.mid()
            closer = (middle - at(function, middle) / at(slope, inside)).intersection(inside)
            if not closer.rad() < inside.rad():
                raise ArgumentError(f"function must be evaluated to {bits} bits; got {function}")
            inside = closer
    return inside
