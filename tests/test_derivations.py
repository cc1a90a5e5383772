"""Every derivation runs, checks all its steps, and is contradicted by every wrong formula."""

from __future__ import annotations

import importlib
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from scaledet.errors import DerivationError
from scaledet.symbolic.derivation import Derivation, Step
from tests.equivalent_changes import EQUIVALENT
from tests.mutation import mutants, strangers

FOLDER = Path(__file__).parents[1] / "derivations"
NAMES = sorted(path.stem for path in FOLDER.glob("d[0-9]*.py"))


@lru_cache
def derivation(name: str) -> Derivation:
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    built: Derivation = importlib.import_module(name).derivation()
    return built


def steps() -> list[tuple[str, int]]:
    return [(name, number) for name in NAMES for number in range(len(derivation(name).steps))]


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_confirmed(name: str) -> None:
    report = derivation(name).check()
    assert len(report) == len(derivation(name).steps) >= 4
    assert all(step.evidence for step in report.steps)


@pytest.mark.parametrize(("name", "index"), steps())
def test_every_wrong_formula_is_caught(name: str, index: int) -> None:
    step: Step = derivation(name).steps[index]
    wrong = mutants(step.expression)
    assert wrong, "a claim that nothing can contradict is no claim"
    missed = []
    for text, expression in wrong:
        harmless = (name, index + 1, str(expression)) in EQUIVALENT
        try:
            step.claiming(expression).verify()
        except DerivationError:
            assert not harmless, f"listed as equivalent but contradicted: {expression}"
        else:
            if not harmless:
                missed.append(f"{text}: {expression}")
    assert not missed, "\n".join(missed)


def test_equivalent_changes_exist() -> None:
    for name, number, expression in EQUIVALENT:
        wrong = [str(other) for _, other in mutants(derivation(name).steps[number - 1].expression)]
        assert expression in wrong


@pytest.mark.parametrize("name", NAMES)
def test_every_result_is_the_claim_of_a_step(name: str) -> None:
    found: set[Any] = set()
    for step in derivation(name).steps:
        found.update(step.expression.args)
    for label, value in derivation(name).result.items():
        assert value in found, f"{label} = {value} is no side of a step's claim"


@pytest.mark.parametrize("name", NAMES)
def test_every_symbol_is_in_the_table(name: str) -> None:
    for step in derivation(name).steps:
        assert not strangers(step.expression), step.statement


@pytest.mark.parametrize("name", NAMES)
def test_pages_are_self_contained(name: str) -> None:
    page = derivation(name).to_html()
    root = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    assert not [e.tag for e in root.iter() if e.tag.split("}")[-1] in {"script", "link", "img"}]
    assert not [e for e in root.iter() if "src" in e.attrib]
    formulas = [e for e in root.iter() if e.tag.endswith("}math")]
    assert len(formulas) > len(derivation(name).steps)
    text = "".join(root.itertext())
    assert "$" not in text
    assert "\\" not in text, text[text.index("\\") - 40 :][:80]
    assert derivation(name).to_html() == page


def test_script_prints_its_steps_and_evidence() -> None:
    run = subprocess.run(
        [sys.executable, FOLDER / f"{NAMES[0]}.py"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "all confirmed" in run.stdout
