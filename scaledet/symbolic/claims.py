"""Confront a SymPy claim with numbers that come from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sympy as sp

from scaledet.reference.exact import number, refute

__all__ = ["agree", "evaluate", "same"]

Case = Mapping[Any, Any]
Values = Mapping[Any, Any]


def agree(
    claim: Any,
    cases: Iterable[Case],
    values: Values | None = None,
    *,
    digits: int = 25,
    tight: bool = False,
    reach: int = 40,
) -> str:
    """Confront an equation or inequality with every case; return the evidence in words.

    Parameters
    ----------
    claim : sympy relation
        ``Eq``, ``Ge``, ``Le``, ``Gt`` or ``Lt``; both sides numbers or matrices once evaluated.
    cases : iterable of mappings
        What to put in for the symbols.
    values : mapping of function class to callable, optional
        Where applied functions such as ``c(k, m)`` take their numbers from.
    digits : int
        Rationals are compared exactly, everything else to this many digits.
    tight : bool
        Whether an inequality must be an equality in at least one case.
    reach : int
        Sums over all integers run from -reach to reach: it must cover what is not zero.

    Raises
    ------
    DerivationError
        At the first case that contradicts the claim or leaves it undefined.

    Examples
    --------
    >>> from scaledet.symbols import k
    >>> agree(sp.Eq(k * (k + 1) / 2, sp.Sum(sp.Symbol("n"), ("n", 1, k))), [{k: 3}, {k: 7}])
    'exact in 2 cases'
    """
    if not isinstance(claim, sp.core.relational.Relational):
        refute(f"{claim} is no equation or inequality")
    count, exact, touched = 0, True, False
    for case in cases:
        pairs = _sides(claim, case, values or {}, reach)
        for left, right in pairs:
            if not (left.is_number and right.is_number):
                refute(f"{claim} leaves {left - right} undecided at {_shown(case)}")
            exact = exact and bool(left.is_Rational and right.is_Rational)
            equal = same(left, right, digits)
            touched = touched or equal
            if not _holds(claim, left, right, equal):
                refute(f"{claim} fails at {_shown(case)}: {_brief(left)} against {_brief(right)}")
        count += 1
    if not count:
        refute(f"{claim} was confronted with nothing")
    if tight and not touched:
        refute(f"{claim} holds in {count} cases but is attained in none")
    kind = "exact" if exact else f"to {digits} digits"
    return f"{kind} in {count} case{'s' if count != 1 else ''}" + (", attained" if tight else "")


def same(left: Any, right: Any, digits: int) -> bool:
    """Whether two numbers are equal: exactly if rational, else to `digits` digits."""
    if left.is_Rational and right.is_Rational:
        return bool(left == right)
    one, other = (side.evalf(digits + 15) for side in (left, right))
    if not (one.is_finite and other.is_finite):
        refute(f"{_brief(left)} and {_brief(right)} are not both finite")
    scale = max(abs(one), abs(other))
    return bool(scale == 0 or abs(one - other) <= scale * sp.Float(10, digits + 15) ** -digits)


def _holds(claim: Any, left: Any, right: Any, equal: bool) -> bool:
    if isinstance(claim, sp.Eq):
        return equal
    if equal:
        return isinstance(claim, sp.Ge | sp.Le)
    greater = bool((left - right).evalf(40) > 0)
    return greater is isinstance(claim, sp.Ge | sp.Gt)


def _sides(claim: Any, case: Case, values: Values, reach: int) -> list[tuple[Any, Any]]:
    left, right = (evaluate(side, case, values, reach) for side in (claim.lhs, claim.rhs))
    if isinstance(left, sp.MatrixBase) or isinstance(right, sp.MatrixBase):
        if getattr(left, "shape", None) != getattr(right, "shape", None):
            refute(f"{claim} compares different shapes")
        return list(zip(left, right, strict=True))
    return [(left, right)]


def evaluate(expression: Any, case: Case, values: Values | None = None, reach: int = 40) -> Any:
    """Evaluate an expression at one case; arguments as in `agree`.

    >>> from fractions import Fraction
    >>> from scaledet.symbols import c, k
    >>> evaluate(c(k, 0) + 1, {k: 3}, {c: lambda layer, lag: Fraction(layer, 2)})
    5/2
    """
    known = {symbol: number(value) for symbol, value in case.items()}
    known |= {sp.oo: sp.Integer(reach), -sp.oo: sp.Integer(-reach)}
    try:
        return _value(expression, known, values or {})
    except (ValueError, KeyError, IndexError, ZeroDivisionError) as error:
        refute(f"{expression} is undefined at {_shown(case)}: {error}")


def _value(node: Any, known: dict[Any, Any], values: Values) -> Any:
    """Evaluate from the leaves up: sums term by term, applied functions by `values`."""
    if node in known:
        return known[node]
    if isinstance(node, sp.Integral | sp.Limit | sp.Derivative):
        return node.subs(known)
    if not node.args:
        return node
    if isinstance(node, sp.MatrixBase):
        return node.applyfunc(lambda entry: _value(entry, known, values))
    if isinstance(node, sp.Sum | sp.Product):
        (index, low, high), *outer = reversed(node.limits)
        inner = node.func(node.function, *reversed(outer)) if outer else node.function
        ends = [_value(end, known, values) for end in (low, high)]
        first, last = _integers(tuple(ends))
        terms = (
            _value(inner, {**known, index: sp.Integer(at)}, values)
            for at in range(first, last + 1)
        )  # fmt: skip
        return sp.Add(*terms) if isinstance(node, sp.Sum) else sp.Mul(*terms)
    arguments = tuple(_value(argument, known, values) for argument in node.args)
    if type(node) in values:
        return number(values[type(node)](*_integers(arguments)))
    return node.func(*arguments)


def _integers(arguments: tuple[Any, ...]) -> list[int]:
    if not all(argument.is_Integer for argument in arguments):
        raise ValueError(f"arguments {arguments} are not integers")
    return [int(argument) for argument in arguments]


def _shown(case: Case) -> str:
    return ", ".join(f"{symbol} = {value}" for symbol, value in case.items()) or "the only case"


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else str(value.evalf(12))
