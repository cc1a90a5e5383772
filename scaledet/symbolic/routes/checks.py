"""Checks that confront a claim with cases, in one dimension or in several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from scaledet import symbols as y
from scaledet.symbolic.claims import Case, Values, agree
from scaledet.symbolic.derivation import Check

DIMS = (1, 2, 3)

Cases = Sequence[Case] | Callable[[], Iterable[Case]]


def against(route: str, cases: Cases, values: Values | None = None, **options: Any) -> Check:
    """Confront a claim with cases, or with those that a function makes when the check runs."""

    def confront(claim: Any) -> str:
        return agree(claim, cases() if callable(cases) else cases, values, **options)

    return Check(route, confront)


def against_in(
    dims: Sequence[int], route: str, cases: Callable[[int], Iterable[Case]], **options: Any
) -> Check:
    """Confront a claim with the cases of each of these dimensions."""
    return check_in(dims, route, lambda claim, dim: agree(claim, cases(dim), **options))


def dimensions(dim: Any) -> tuple[int, ...]:
    """Return the dimensions in which a claim is tried: all three for the symbol d."""
    return DIMS if dim == y.d else (dim,)


def check_in(dims: Sequence[int], route: str, confront: Callable[[Any, int], str]) -> Check:
    """Confront a claim in each of these dimensions; add up the evidence."""

    def confront_all(claim: Any) -> str:
        evidence = [confront(claim, dim) for dim in dims]
        if len(set(evidence)) > 1:
            return "; ".join(evidence)
        return f"{evidence[0]} in {'each of ' * (len(dims) > 1)}d = {', '.join(map(str, dims))}"

    return Check(route, confront_all)
