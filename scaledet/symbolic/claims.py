"""Confront a SymPy claim with numbers that come from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from math import prod
from typing import Any, TypeAlias

import sympy as sp

from scaledet.errors import Undefined
from scaledet.rationals import shown
from scaledet.reference.exact import number, refute
from scaledet.symbolic.confrontation import confronted
from scaledet.symbols import Layered

__all__ = [
    "Case",
    "Claim",
    "Dimension",
    "Stride",
    "Values",
    "agree",
    "agree_each",
    "evaluate",
    "same",
]

Claim: TypeAlias = Any  # a SymPy relation; SymPy ships no types
Dimension: TypeAlias = int | sp.Symbol  # 1, 2, 3 or symbols.d
Stride: TypeAlias = int | str | sp.Symbol  # a number, "kernel" (its length) or symbols.s
Case: TypeAlias = Mapping[Any, Any]  # symbol to number, function class to callable
Values: TypeAlias = Mapping[Any, Any]  # function class to callable


LONGEST = 60
"""Numbers, symbols and operations of the longest claim that messages print."""


class _Meaningless(Exception):
    """No reference can have a value here."""


def agree(
    claim: Claim,
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
        What to put in for the symbols. A case may also hold functions, as `values` does.
    values : mapping of function class to callable, optional
        Where applied functions such as ``c(k, m)`` take their numbers from in every case.
    digits : int
        Rationals are compared exactly, everything else to this many digits.
    tight : bool
        Whether an inequality must be an equality, of sides that are not 0, in at least one case.
    reach : int
        Sums over all integers run from -reach to reach: it must cover what is not zero.

    Raises
    ------
    DerivationError
        At the first case that contradicts the claim.
    Undefined
        If no case contradicts the claim, but it has no value at some case.

    Examples
    --------
    >>> from scaledet.symbols import k
    >>> agree(sp.Eq(k * (k + 1) / 2, sp.Sum(sp.Symbol("n"), ("n", 1, k))), [{k: 3}, {k: 7}])
    'exact in 2 cases'
    """
    if not isinstance(claim, sp.core.relational.Relational):
        refute(f"{claim} is no equation or inequality")
    count, exact, attained = 0, True, False
    undefined: Undefined | None = None
    for case in cases:
        count += 1
        try:
            for left, right in _sides(claim, case, values or {}, reach):
                exact = exact and bool(left.is_Rational and right.is_Rational)
                equal = same(left, right, digits)
                attained = attained or (equal and left != 0)
                if not _holds(claim, left, right, equal):
                    sides = f"{_brief(left)} against {_brief(right)}"
                    refute(f"{_named(claim)} fails at {_shown(case)}: {sides}")
                if not isinstance(claim, sp.Eq):
                    confronted().compare(*((left, left) if equal else (left, right)))
        except Undefined as error:
            undefined = undefined or error
    if undefined is not None:
        raise undefined
    if not count:
        refute(f"{claim} was confronted with nothing")
    if tight and not attained:
        refute(f"{claim} holds in {count} cases but is attained in none")
    kind = "exact" if exact else f"to {digits} digits"
    return f"{kind} in {count} case{'s' if count != 1 else ''}" + (", attained" if tight else "")


def agree_each(claim: Claim, trials: Iterable[tuple[Sequence[Case], Values, bool]]) -> int:
    """Confront a claim with several lists of (cases, values, tight); return the number of cases.

    Raises what `agree` raises, ``Undefined`` only if no list contradicts the claim.

    >>> from scaledet.symbols import k
    >>> agree_each(sp.Ge(k, 2), [([{k: 2}, {k: 3}], {}, True), ([{k: 7}], {}, False)])
    3
    """
    count, undefined = 0, None
    for cases, values, tight in trials:
        count += len(cases)
        try:
            agree(claim, cases, values, tight=tight)
        except Undefined as error:
            undefined = undefined or error
    if undefined is not None:
        raise undefined
    return count


def same(left: Any, right: Any, digits: int) -> bool:
    """Whether two numbers are equal: exactly if rational, else to `digits` digits."""
    if left.is_Rational and right.is_Rational:
        return bool(left == right)
    first, second = (side.evalf(digits + 15) for side in (left, right))
    if not (first.is_finite and second.is_finite):
        refute(f"{_brief(left)} and {_brief(right)} are not both finite")
    scale = max(abs(first), abs(second))
    return bool(scale == 0 or abs(first - second) <= scale * sp.Float(10, digits + 15) ** -digits)


def evaluate(expression: Any, case: Case, values: Values | None = None, reach: int = 40) -> Any:
    """Evaluate an expression at one case; arguments as in `agree`.

    Raises ``Undefined`` if `values` has no such layer or pixel, and ``DerivationError`` if there
    can be none: a layer below 0, or arguments that are no integers.

    >>> from fractions import Fraction
    >>> from scaledet.symbols import c, k
    >>> evaluate(c(k, 0) + 1, {k: 3}, {c: lambda layer, lag: Fraction(layer, 2)})
    5/2
    """
    known = {key: number(value) for key, value in case.items() if not isinstance(key, type)}
    confronted().put(known)
    known |= {sp.oo: sp.Integer(reach), -sp.oo: sp.Integer(-reach)}
    try:
        return _value(expression, known, {**(values or {}), **case})
    except _Meaningless as error:
        refute(f"{_named(expression)} has no meaning at {_shown(case)}: {error}")
    except (ValueError, LookupError, ZeroDivisionError) as error:
        name = _named(expression)
        raise Undefined(f"{name} is undefined at {_shown(case)}: {error}") from error


def _holds(claim: Claim, left: Any, right: Any, equal: bool) -> bool:
    if isinstance(claim, sp.Eq):
        return equal
    if equal:
        return isinstance(claim, sp.Ge | sp.Le)
    greater = bool((left - right).evalf(40) > 0)
    return greater is isinstance(claim, sp.Ge | sp.Gt)


def _sides(claim: Claim, case: Case, values: Values, reach: int) -> list[tuple[Any, Any]]:
    """Return the pairs of numbers that the claim compares at one case."""
    left, right = (evaluate(side, case, values, reach) for side in (claim.lhs, claim.rhs))
    pairs = [(left, right)]
    if isinstance(left, sp.MatrixBase) or isinstance(right, sp.MatrixBase):
        if getattr(left, "shape", None) != getattr(right, "shape", None):
            refute(f"{claim} compares different shapes")
        pairs = list(zip(left, right, strict=True))
    for first, second in pairs:
        if not (first.is_number and second.is_number):
            refute(f"{claim} leaves {first - second} undecided at {_shown(case)}")
    return pairs


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
        first, last = _integers(_value(end, known, values) for end in (low, high))
        terms = (
            _value(inner, {**known, index: sp.Integer(at)}, values) for at in range(first, last + 1)
        )
        return sp.Add(*terms) if isinstance(node, sp.Sum) else sp.Mul(*terms)
    if isinstance(node, sp.Piecewise):  # other branches need not have a value
        branches = (value for value, applies in node.args if _value(applies, known, values))
        return _value(next(branches, sp.nan), known, values)
    if isinstance(node, sp.Pow) and _value(node.exp, known, values) == 0:
        return sp.S.One  # even where the base has no value
    arguments = [_value(argument, known, values) for argument in node.args]
    if isinstance(node, sp.Add | sp.Mul) and all(argument.is_Rational for argument in arguments):
        # SymPy's own sums and products, which look for like terms, take ten times as long.
        return sum(arguments, sp.S.Zero) if isinstance(node, sp.Add) else prod(arguments)
    if type(node) in values:
        indices = _integers(arguments)
        if issubclass(type(node), Layered) and indices[0] < 0:
            raise _Meaningless(f"there is no layer {indices[0]}")
        return number(values[type(node)](*indices))
    return node.func(*arguments)


def _integers(arguments: Iterable[Any]) -> list[int]:
    numbers = tuple(arguments)
    if not all(argument.is_Integer for argument in numbers):
        raise _Meaningless(f"arguments {numbers} are not integers")
    return [int(argument) for argument in numbers]


def _shown(case: Case) -> str:
    symbols = [f"{key} = {value}" for key, value in case.items() if not isinstance(key, type)]
    return ", ".join(symbols) or "the only case"


def _named(claim: Any) -> str:
    """Return a claim in words; a long one, which takes long to print, stands on its page."""
    nodes = sum(1 for _ in islice(sp.preorder_traversal(claim), LONGEST + 1))
    return str(claim) if nodes <= LONGEST else "the claim"


def _brief(value: Any) -> str:
    text = shown(value, str, instead="")
    return text if 0 < len(text) <= 60 else str(value.evalf(12))
