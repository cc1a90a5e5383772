"""Checks that confront a claim with cases, in one dimension or in several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from scaledet import symbols as y
from scaledet.symbolic.claims import Case, Values, agree
from scaledet.symbolic.confrontation import confronted
from scaledet.symbolic.derivation import Check

DIMS = (1, 2, 3)

Cases = Sequence[Case] | Callable[[], Iterable[Case]]


def against(
    route: str,
    cases: Cases,
    values: Values | None = None,
    *,
    few: Mapping[Any, str] | None = None,
    loose: str = "",
    **options: Any,
) -> Check:
    """Confront a claim with cases, or with those that a function makes when the check runs.

    `few` and `loose` are those of `Check`; other options those of `agree`.
    """

    def confront(claim: Any) -> str:
        return agree(claim, cases() if callable(cases) else cases, values, **options)

    return Check(route, confront, few or {}, loose)


def against_in(
    dims: Sequence[int],
    route: str,
    cases: Callable[[int], Iterable[Case]],
    *,
    few: Mapping[Any, str] | None = None,
    loose: str = "",
    **options: Any,
) -> Check:
    """Confront a claim with the cases of each of these dimensions; options as in `against`."""
    check = check_in(dims, route, lambda claim, dim: agree(claim, cases(dim), **options))
    return replace(check, few=few or {}, loose=loose)


def dimensions(dim: Any) -> tuple[int, ...]:
    """Return the dimensions in which a claim is tried: all three for the symbol d."""
    return DIMS if dim == y.d else (dim,)


def check_in(dims: Sequence[int], route: str, confront: Callable[[Any, int], str]) -> Check:
    """Confront a claim in each of these dimensions; add up the evidence."""

    def confront_in(claim: Any, dim: int) -> str:
        confronted().put({y.d: dim})
        return confront(claim, dim)

    def confront_all(claim: Any) -> str:
        evidence = [confront_in(claim, dim) for dim in dims]
        if len(set(evidence)) > 1:
            return "; ".join(evidence)
        return f"{evidence[0]} in {'each of ' * (len(dims) > 1)}d = {', '.join(map(str, dims))}"

    return Check(route, confront_all)
