"""Certified enclosures of exact numbers, in ball arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sympy as sp
from flint import arb, ctx, fmpq

from scaledet import validate
from scaledet.algebra.sympy_numbers import BallNumber
from scaledet.errors import ArgumentError, ArgumentTypeError

__all__ = ["ball_at", "enclosure"]

_FUNCTIONS = {sp.log: arb.log, sp.exp: arb.exp, sp.cos: arb.cos, sp.sin: arb.sin, sp.cot: arb.cot}


def enclosure(number: Any, digits: int = 30) -> arb:
    """Enclose a real SymPy number in a ball of relative radius below 10^-digits.

    Rationals, pi, roots, powers, logarithms, exponentials, sines, cosines, cotangents and
    the numbers of this package, and what sums, products and powers make of them. Python-flint keeps
    every rounding error inside the ball, so that the enclosure is a proof (source: Johansson,
    Arb, 2017).

    Parameters
    ----------
    number : sympy.Expr
        Real, without symbols.
    digits : int
        1 to 10^5.

    Raises
    ------
    ValueError, TypeError
        If `number` has symbols, is no real number or holds a function that is not listed.

    Examples
    --------
    >>> print(enclosure(sp.log(2) / sp.log(3), 12).str(12, radius=False))
    0.630929753571
    >>> enclosure(sp.sqrt(2), 50).rel_accuracy_bits() > 166
    True
    """
    wanted = int(3.3220 * validate.integer("digits", digits, 1, 10**5)) + 1
    expression = sp.sympify(number)
    if not isinstance(expression, sp.Expr) or not expression.is_number:
        raise ArgumentError(f"number must be a real SymPy number; got {number!r}")
    if expression.is_zero:
        return arb(0)
    bits = wanted + 64
    while bits <= 64 * (wanted + 64):
        with ctx.workprec(bits):
            ball = ball_at(expression, bits)
            separated = ball.is_finite() and not ball.contains(0)
            if separated and ball.rel_accuracy_bits() >= wanted:
                return ball
        bits *= 2
    raise ArgumentError(f"number must be real and not zero in disguise; got {number!r}")


def ball_at(node: Any, bits: int, values: Mapping[Any, arb] = MappingProxyType({})) -> arb:
    """Enclose an expression at the current precision, its symbols lying in the balls `values`.

    >>> x = sp.Symbol("x")
    >>> ball_at(x**2 + sp.cos(x), 53, {x: arb(2, 0.5)}).contains(arb(3.5))
    True
    """
    if node in values:
        return values[node]
    if isinstance(node, sp.Rational):
        return arb(fmpq(int(node.p), int(node.q)))
    if node is sp.pi:
        return arb.pi()
    if node is sp.E:
        return arb(1).exp()
    if isinstance(node, BallNumber):
        return node.ball(bits)
    arguments = [ball_at(argument, bits, values) for argument in node.args]
    if isinstance(node, sp.Add):
        return sum(arguments, arb(0))
    if isinstance(node, sp.Mul):
        return math.prod(arguments, start=arb(1))
    if isinstance(node, sp.Pow):
        base, power = arguments
        if isinstance(node.exp, sp.Rational) and node.exp.q == 2:
            return base.sqrt() ** int(node.exp.p)
        return base ** int(node.exp) if node.exp.is_Integer else base**power
    if node.func in _FUNCTIONS:
        return _FUNCTIONS[node.func](arguments[0])
    raise ArgumentTypeError(f"number must not hold {type(node).__name__}; got {node}")
