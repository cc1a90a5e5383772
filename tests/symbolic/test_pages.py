"""Every page confirms its steps, claims its results, stands by itself, and cites what is there."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from itertools import product
from typing import Any
from xml.etree import ElementTree

import pytest
import sympy as sp

import scaledet as sd
from scaledet.errors import DerivationError
from scaledet.symbolic.derivation import Derivation
from scaledet.symbols import d, s
from tests.mutation import strangers
from tests.pages import FOLDER, NAMES, PAGES, REGIMES, derivation, derived
from tests.symbolic.test_mutations import SOURCES

CITED = re.compile("derived step by step on the page “(.*)”")
SPECIAL = [{d: dim, s: stride} for dim, stride in product((d, 1, 2, 3), (s, 2, 3, 4, 5))]


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Derivation:
    return PAGES[request.param]()


def test_every_step_is_confirmed(page: Derivation) -> None:
    report = page.check()
    assert len(report) == len(page.steps) > 1
    assert all(step.evidence for step in report.steps)


def test_no_result_can_be_changed(page: Derivation) -> None:
    """Not even into what a step claims of another quantity."""
    exponents = {name: page.result[name] for name in ("alpha", "beta") if name in page.result}
    for name, value in page.result.items():
        others = exponents.values() if name in exponents else []
        for changed in {sp.Integer(17), *others} - {value}:
            changed_page = replace(page, result={**page.result, name: changed})
            with pytest.raises(DerivationError, match="is claimed by no step"):
                changed_page.check()


def test_every_symbol_is_in_the_table(page: Derivation) -> None:
    for step in page.steps:
        assert not strangers(step.expression), step.statement


def test_pages_are_self_contained_and_deterministic(page: Derivation) -> None:
    html, latex = page.to_html(), page.to_latex()
    root = ElementTree.fromstring(html.removeprefix("<!DOCTYPE html>\n"))
    assert not [e.tag for e in root.iter() if e.tag.split("}")[-1] in {"script", "link", "img"}]
    assert not [e for e in root.iter() if "src" in e.attrib]
    assert len([e for e in root.iter() if e.tag.endswith("}math")]) > len(page.steps)
    text = "".join(root.itertext())
    assert "$" not in text
    assert "\\" not in text, text[text.index("\\") - 40 :][:80]
    assert latex.count("\\begin{") == latex.count("\\end{")
    assert page.to_html() == html


@pytest.mark.parametrize("name", REGIMES)
def test_deriving_again_gives_the_same_page(name: str) -> None:
    assert sd.derive(**REGIMES[name]).to_html() == derived(name).to_html()


def test_pages_of_results_have_steps_enough() -> None:
    assert all(len(derivation(name).steps) >= 4 for name in NAMES)


def test_script_prints_its_steps_and_evidence() -> None:
    run = subprocess.run(
        [sys.executable, FOLDER / f"{NAMES[0]}.py"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "all confirmed" in run.stdout


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
