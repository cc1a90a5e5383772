"""Every derivation runs and checks all its steps; see also symbolic/test_mutations.py."""

from __future__ import annotations

import importlib
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scaledet.symbolic.derivation import Derivation
from tests.mutation import strangers

FOLDER = Path(__file__).parents[1] / "derivations"
NAMES = sorted(path.stem for path in FOLDER.glob("d[0-9]*.py"))


@lru_cache
def derivation(name: str) -> Derivation:
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    built: Derivation = importlib.import_module(name).derivation()
    return built


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_confirmed(name: str) -> None:
    report = derivation(name).check()
    assert len(report) == len(derivation(name).steps) >= 4
    assert all(step.evidence for step in report.steps)


@pytest.mark.parametrize("name", NAMES)
def test_every_result_is_the_claim_of_a_step(name: str) -> None:
    sides = {side for step in derivation(name).steps for side in step.expression.args}
    for label, value in derivation(name).result.items():
        assert value in sides, f"{label} = {value} is no side of a step's claim"


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
