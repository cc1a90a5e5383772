"""Wrong versions of a formula, one change at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from scaledet.symbolic.confrontation import indices
from scaledet.symbols import d

_FLIPPED = {sp.Ge: sp.Le, sp.Le: sp.Ge, sp.Gt: sp.Lt, sp.Lt: sp.Gt}


def mutants(expression: Any) -> list[tuple[str, Any]]:
    """All (description, wrong expression) pairs, each one change away from `expression`.

    Signs of terms flipped, terms and factors dropped, numbers and integer symbols (layers, lags,
    strides, dimensions) off by one, inequalities turned around, matrix entries off by one.
    """
    changes: dict[Any, str] = {}
    if type(expression) in _FLIPPED:
        turned = _FLIPPED[type(expression)](*expression.args, evaluate=False)
        changes[turned] = "inequality turned around"
    for text, wrong in (*_changes(expression, frozenset()), *_of_the_whole(expression)):
        if wrong != expression and wrong not in changes:
            changes[wrong] = text
    if isinstance(expression, sp.Eq) and expression.rhs.is_number:
        hundredth = expression.rhs + sp.Rational(1, 100)
        changes[sp.Eq(expression.lhs, hundredth, evaluate=False)] = "a hundredth too large"
    return [(text, wrong) for wrong, text in changes.items()]


def _of_the_whole(claim: Any) -> Iterator[tuple[str, Any]]:
    """Terms that vanish where few small numbers are tried, and bounds that are stronger by 5 %."""
    if not isinstance(claim, Relational) or isinstance(claim.rhs, sp.MatrixBase | sp.MatrixExpr):
        return
    stronger = -1 if isinstance(claim, sp.Le | sp.Lt) else 1
    for symbol in indices(claim):
        for lowest in range(1 if symbol == d else 2):
            zeros = [lowest + step for step in range(3)]
            term = stronger * sp.Mul(*(symbol - zero for zero in zeros)) / 7
            wrong = claim.func(claim.lhs, claim.rhs + term, evaluate=False)
            yield f"a term added that vanishes at {symbol} = {zeros}", wrong
    if type(claim) in _FLIPPED:
        bound = claim.rhs + stronger * sp.Abs(claim.rhs) / 20
        yield "bound 5 % stronger", claim.func(claim.lhs, bound, evaluate=False)


def _changes(node: Any, bound: frozenset[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(node, sp.MatrixBase):
        for index, entry in enumerate(node):
            changed = list(node)
            changed[index] = entry + 1
            yield f"entry {index} of the matrix off by one", type(node)(*node.shape, changed)
        return
    if isinstance(node, sp.MatrixSymbol):
        return
    if isinstance(node, sp.Add):
        for term in node.args:
            rest = [other for other in node.args if other is not term]
            yield f"sign of {term} flipped", sp.Add(*rest, -term)
            yield f"term {term} dropped", sp.Add(*rest)
    if isinstance(node, sp.Mul):
        for factor in node.args:
            if abs(factor) != 1:
                rest = [other for other in node.args if other is not factor]
                yield f"factor {factor} dropped", sp.Mul(*rest)
    if isinstance(node, sp.Rational) and node != sp.S.NegativeOne:
        yield f"{node} off by one", sp.Rational(node.p + 1, node.q)
    if isinstance(node, sp.Symbol) and node.is_integer and node not in bound:
        yield f"{node} off by one", node + 1
        yield f"{node} doubled", 2 * node
        yield f"{node} squared", node**2
    yield from _inside(node, bound)


def _inside(node: Any, bound: frozenset[Any]) -> Iterator[tuple[str, Any]]:
    """Changes within the arguments, the node rebuilt around each."""
    limits = isinstance(node, sp.Sum | sp.Product | sp.Integral)
    if limits:
        bound = bound | {limit[0] for limit in node.limits}
    # The variable and the point of a limit or an order of magnitude stay.
    arguments = node.args[:1] if isinstance(node, sp.Limit | sp.Order) else node.args
    for index, argument in enumerate(arguments):
        if limits and index > 0:
            symbol, *ends = argument
            inner = [
                (text, sp.Tuple(symbol, *ends[:e], wrong, *ends[e + 1 :]))
                for e, end in enumerate(ends)
                for text, wrong in _changes(end, bound)
            ]
        else:
            inner = list(_changes(argument, bound))
        for text, wrong in inner:
            changed = (*node.args[:index], wrong, *node.args[index + 1 :])
            if isinstance(node, Relational):
                yield text, type(node)(*changed, evaluate=False)
            else:
                yield text, node.func(*changed)


def strangers(expression: Any) -> set[Any]:
    """Free symbols that are not in the package's table."""
    from scaledet import symbols

    table = {value for value in vars(symbols).values() if isinstance(value, sp.Symbol)}
    table |= {symbols.kappa(order) for order in range(2, 44)}
    named = ("\\alpha_{[", "\\beta_{[")  # symbols.filter_exponent
    return {
        symbol
        for symbol in expression.free_symbols - table
        if not isinstance(symbol, sp.MatrixSymbol) and not str(symbol).startswith(named)
    }
