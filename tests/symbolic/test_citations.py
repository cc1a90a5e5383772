"""A cited law stands on the page that is named, up to its dimension and stride."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import sympy as sp

from scaledet.symbols import d, s
from tests.symbolic.test_mutations import SOURCES
from tests.test_derivations import NAMES, derivation

CITED = re.compile("derived step by step on the page “(.*)”")
SPECIAL = [{d: dim, s: stride} for dim, stride in product((d, 1, 2, 3), (s, 2, 3, 4, 5))]


def is_special_case(claim: Any, general: Any) -> bool:
    """Whether the claim is the general one at some dimension and stride."""
    if type(claim) is not type(general):
        return False
    specials = [general.subs(values) for values in SPECIAL]
    return claim in specials or any(
        isinstance(special, type(claim))
        and claim.lhs == special.lhs
        and sp.simplify(sp.powdenest(claim.rhs - special.rhs, force=True)) == 0
        for special in specials
    )


def test_cited_laws_stand_on_their_pages() -> None:
    pages = {derivation(name).title: derivation(name).steps for name in NAMES}
    cited = {
        (match[1], step.expression)
        for build in SOURCES.values()
        for step in build()
        if (match := CITED.search(step.justification))
    }
    for title, claim in cited:
        assert title in pages
        assert any(is_special_case(claim, step.expression) for step in pages[title]), claim
