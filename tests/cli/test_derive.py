"""``scaledet derive``: what it prints, writes and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import scaledet as sd
from scaledet.errors import DerivationError
from scaledet.symbolic.derivation import Derivation


def test_prints_markdown(run: Any) -> None:
    code, out, err = run("derive --kernel 3 --stride 2")
    assert (code, err) == (0, "")
    assert out.rstrip("\n") == sd.derive(kernel=3, stride=2).to_markdown().rstrip("\n")


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("--kernel box --stride 1 --order 2", {"kernel": "box", "order": 2}),
        ("--kernel any --stride 1 --dim d", {"kernel": "any", "dim": sd.symbols.d}),
        ("--kernel box --stride s", {"kernel": "box", "stride": sd.symbols.s}),
        ("--kernel box --stride kernel --dim 2", {"kernel": "box", "stride": True, "dim": 2}),
        ("--kernel 1,2,4 --stride kernel", {"kernel": [1, 2, 4], "stride": 3}),
        ("--kernel 2 --stride 2 --rectify none", {"kernel": 2, "stride": 2, "rectify": None}),
        ("--layer 3:1 --layer 2:2", {"net": sd.Network([sd.Layer(3), sd.Layer(2, 2)])}),
    ],
)
def test_arguments_reach_the_library(run: Any, line: str, arguments: dict[str, Any]) -> None:
    code, out, _ = run(f"derive {line}")
    assert code == 0
    assert out.rstrip("\n") == sd.derive(**arguments).to_markdown().rstrip("\n")


def test_writes_pages(run: Any, tmp_path: Path) -> None:
    line = "derive --kernel 2 --stride 2 " + " ".join(
        f"--{name} {tmp_path / name}" for name in ("html", "latex", "markdown")
    )
    code, out, _ = run(line)
    assert code == 0
    assert out.count("wrote ") == 3
    derivation = sd.derive(kernel=2, stride=2)
    page = (tmp_path / "html").read_text(encoding="utf-8")
    assert page == derivation.to_html()
    ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    assert (tmp_path / "latex").read_text(encoding="utf-8") == derivation.to_latex()
    assert (tmp_path / "markdown").read_text(encoding="utf-8") == derivation.to_markdown()


def test_check_prints_the_evidence(run: Any) -> None:
    code, out, _ = run("derive --kernel 2 --stride 2 --check")
    assert code == 0
    assert "all confirmed" in out


def test_contradicted_step_ends_with_1(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Derivation) -> None:
        raise DerivationError("step 3 is contradicted", step=3)

    monkeypatch.setattr(Derivation, "check", fail)
    code, out, _ = run("derive --kernel 2 --stride 2 --check")
    assert (code, out) == (1, "step 3 is contradicted\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--kernel 3", "required: --stride (or --layer)"),
        ("--kernel any --stride 2", "stride must be 1 with kernel 'any'"),
        ("--kernel 3 --stride s", "argument --stride"),
        ("--kernel 3 --stride 2 --order 3", "order must be left out"),
        ("--kernel 3 --stride 1 --dim e", "argument --dim"),
        ("--layer 3:1 --kernel 2", "argument --kernel: not allowed with argument --layer"),
        ("--layer 3:1 --dim d", "argument --dim: expected 1, 2 or 3 with argument --layer"),
        ("--kernel 3 --stride 2 --html /nowhere/at/all.html", "argument --html"),
    ],
)
def test_bad_input(run: Any, line: str, message: str) -> None:
    code, out, err = run(f"derive {line}")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_json_holds_every_step_and_every_result(run_json: Any) -> None:
    record = run_json("derive --kernel 3 --stride 2")
    expected = sd.derive(kernel=3, stride=2)
    assert record["title"] == expected.title
    assert record["assumptions"] == list(expected.assumptions)
    assert [step["number"] for step in record["steps"]] == list(range(1, len(expected.steps) + 1))
    for step, given in zip(expected.steps, record["steps"], strict=True):
        for name in ("status", "statement", "justification"):
            assert given[name] == getattr(step, name)
        assert given["claim"] == str(step.expression)
        assert (given["route"], given["evidence"]) == (step.check.route, None)
        assert f"$$ {given['latex']} $$" in expected.to_markdown()
    assert set(record["result"]) == set(expected.result)
    plateau = record["result"]["plateau"]
    assert plateau["exact"] == "5/4 - sqrt(17)/4"
    assert plateau["value"] == pytest.approx((5 - 17**0.5) / 4, rel=1e-15)
    assert record["result"]["G_k"]["value"] is None
    assert record["contradiction"] is None


def test_json_holds_the_evidence(run_json: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = run_json("derive --kernel 2 --stride 2 --check")["steps"]
    report = sd.derive(kernel=2, stride=2).check()
    assert [step["evidence"] for step in steps] == [step.evidence for step in report.steps]

    def fail(_: Derivation) -> None:
        raise DerivationError("step 3 is contradicted", step=3)

    monkeypatch.setattr(Derivation, "check", fail)
    record = run_json("derive --kernel 2 --stride 2 --check", expected=1)
    assert record["contradiction"] == "step 3 is contradicted"


def test_a_page_replaces_a_page_of_its_kind(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "page"
    for kernel in (2, 3):
        assert run(f"derive --kernel {kernel} --stride 2 --html {path}")[0] == 0
    assert path.read_text(encoding="utf-8") == sd.derive(kernel=3, stride=2).to_html()
    assert [entry.name for entry in tmp_path.iterdir()] == ["page"]
