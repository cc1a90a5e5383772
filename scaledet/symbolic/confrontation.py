"""What a claim met on its route: the values of its indices, and how near it came to its bound.

A polynomial of degree three vanishes at three values at most: a claim in an integer symbol that was
confronted at four is not one that merely agrees where few small numbers are tried. A bound that
leaves room everywhere tells nothing: some case must come near to equality.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from scaledet.reference.exact import refute
from scaledet.symbols import d

__all__ = ["ENOUGH", "NEAR", "Confrontation", "confronted", "indices", "recorded"]

ENOUGH = 4
"""Number of values of an integer symbol at which a claim is confronted."""
NEAR = sp.Rational(1, 20)
"""Largest relative gap that some case must leave between the sides of an inequality."""
DIMENSIONS = {1, 2, 3}
"""All dimensions there are: confronted in each, a claim in d is confronted completely."""


@dataclass
class Confrontation:
    """Values of integer symbols that were put in, and the smallest gap between two sides."""

    values: dict[Any, set[Any]] = field(default_factory=dict)
    gap: Any = sp.oo

    def put(self, case: Mapping[Any, Any]) -> None:
        """Record the values of integer symbols that a case puts in."""
        for symbol, value in case.items():
            if isinstance(symbol, sp.Symbol) and symbol.is_integer:
                self.values.setdefault(symbol, set()).add(value)

    def compare(self, left: Any, right: Any) -> None:
        """Record how near two sides are to each other; two zeros are near for no reason."""
        scale = max(abs(left), abs(right))
        if scale != 0 and self.gap != 0:
            self.gap = min(self.gap, abs(left - right) / scale)

    def require(self, claim: Any, few: Mapping[Any, str], loose: str) -> list[str]:
        """Refuse what was confronted at too few values or nowhere near; say what is left to say.

        `few` are symbols of which no more values can be tried, and `loose` is said of a bound
        that is not sharp, each with its reason.
        """
        remarks = []
        for symbol in indices(claim):
            values = self.values.get(symbol, set())
            complete = symbol == d and values >= DIMENSIONS
            if len(values) >= ENOUGH or complete:
                continue
            alone = f"{symbol} at {', '.join(map(str, sorted(values))) or 'no value'} alone"
            if symbol not in few:
                refute(f"{claim} was confronted with {alone}: a polynomial may vanish there")
            remarks.append(f"{alone}: {few[symbol]}")
        if isinstance(claim, sp.Eq) or claim.rhs == 0:
            return remarks
        if not (self.gap <= NEAR or loose):
            refute(f"{claim} comes no nearer to equality than {_percent(self.gap)}: is it sharp?")
        nearness = f"within {_percent(self.gap)} of equality" if self.gap else "attained"
        return [*remarks, f"{nearness}: {loose}" if loose else nearness]


def _percent(gap: Any) -> str:
    return "two zeros" if gap == sp.oo else f"{float(100 * gap):.2g} %"


def indices(claim: Any) -> list[Any]:
    """Return the integer symbols in which a claim holds: not the one whose value it states.

    >>> k, s = sp.symbols("k s", integer=True)
    >>> indices(sp.Eq(k, s**2)), indices(sp.Eq(s**k, k))
    ([s], [k, s])
    """
    stated = {claim.lhs} if isinstance(claim, sp.Eq) else set()
    free = claim.free_symbols - stated
    integers = [symbol for symbol in free if isinstance(symbol, sp.Symbol) and symbol.is_integer]
    return sorted(integers, key=str)


_CURRENT: ContextVar[Confrontation | None] = ContextVar("confrontation", default=None)


@contextmanager
def recorded() -> Iterator[Confrontation]:
    """Record every confrontation until the block ends."""
    confrontation = Confrontation()
    token = _CURRENT.set(confrontation)
    try:
        yield confrontation
    finally:
        _CURRENT.reset(token)


def confronted() -> Confrontation:
    """Return the record that is being kept, or one that nobody reads.

    >>> with recorded() as record:
    ...     confronted().put({d: 2})
    >>> record.values
    {d: {2}}
    """
    return _CURRENT.get() or Confrontation()
