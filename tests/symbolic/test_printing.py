"""LaTeX, Markdown and HTML say the same, and nothing else."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import sympy as sp

from scaledet.symbolic.derivation import Derivation, Step
from scaledet.symbolic.printing import html_document, prose_to_html
from scaledet.symbols import k
from tests.symbolic.test_derivation import RIGHT, derivation

ONE = derivation(RIGHT)


def parsed(page: str) -> ElementTree.Element:
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def test_html_is_well_formed_and_self_contained() -> None:
    root = parsed(ONE.to_html())
    tags = {element.tag.split("}")[-1] for element in root.iter()}
    assert not tags & {"script", "link", "img", "iframe"}
    assert "math" in tags
    assert "$" not in "".join(root.itertext())


def test_html_with_a_report_shows_the_evidence() -> None:
    page = html_document(ONE, ONE.check())
    assert "exact in 4 cases" in page
    assert "exact in 4 cases" not in ONE.to_html()


def test_html_is_written(tmp_path: Path) -> None:
    page = ONE.to_html(tmp_path / "one.html")
    assert (tmp_path / "one.html").read_text(encoding="utf-8") == page
    assert ONE._repr_html_() in page


def test_prose_is_escaped() -> None:
    assert prose_to_html("a < b & c") == "a &lt; b &amp; c"
    assert prose_to_html("at $k$.").startswith("at <math")


def test_latex_is_a_whole_article() -> None:
    text = ONE.to_latex()
    assert text.startswith("\\documentclass{article}")
    assert text.endswith("\\end{document}\n")
    assert text.count("\\begin{") == text.count("\\end{")
    assert "\\sum_{n=1}^{k} n = \\frac{k \\left(k + 1\\right)}{2}" in text
    assert "The first $k$ integers" in text
    odd = Derivation("50 % of a_b & #c", (), (RIGHT,), {})
    assert "50 \\% of a\\_b \\& \\#c" in odd.to_latex()


def test_long_sums_are_broken_in_latex() -> None:
    long = RIGHT.claiming(sp.Eq(k, sum(sp.Rational(j, j + 1) * k**-j for j in range(1, 20))))
    text = derivation(long).to_latex()
    assert "\\begin{multline*}" in text
    assert text.count("\\begin{") == text.count("\\end{")


def test_markdown_numbers_its_steps() -> None:
    text = derivation(RIGHT, RIGHT).to_markdown()
    assert "# Sums of $n$" in text
    assert "**2.** The first $k$ integers add up. *(proved)*" in text
    assert "Why: pair the first with the last." in text
    assert text.count("$$") == 4


@pytest.mark.parametrize("name", ["D_k", "alpha", "crossover", "D_prefactor", "c_k(0)"])
def test_names_of_results_are_typeset(name: str) -> None:
    named = Derivation("t", (), (RIGHT,), {name: k})
    root = parsed(named.to_html())
    assert "\\" not in "".join(root.itertext())


def test_output_is_deterministic() -> None:
    again: Step = RIGHT.claiming(RIGHT.expression)
    assert derivation(again).to_html() == ONE.to_html()
    assert derivation(again).to_latex() == ONE.to_latex()
