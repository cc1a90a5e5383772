"""Shell examples of README and docs print what they say (Python ones are doctests)."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from scaledet.cli.main import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
CONSOLE = [
    example
    for page in PAGES
    for example in re.findall(
        r"```console\n\$ scaledet (.*?)\n(.*?)```", page.read_text(), flags=re.DOTALL
    )
]


def test_there_are_shell_examples() -> None:
    assert CONSOLE


@pytest.mark.parametrize(("command", "output"), CONSOLE)
def test_shell_example(command: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(command)) == 0
    assert capsys.readouterr().out == output


def test_first_screen_holds_claim_code_and_figure() -> None:
    # 60 lines: what a reader sees before scrolling far.
    head = README.read_text().splitlines()[:45]
    assert any(line.startswith("**") for line in head[:4])
    assert sum(line.startswith(">>>") for line in head) <= 10
    assert any(line.startswith("![") for line in head)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_targets_and_commands_exist(page: Path) -> None:
    text = page.read_text()
    for name in re.findall(r"(?:figures|tests|derivations|docs|benchmarks)/[\w/]+\.\w+", text):
        assert (ROOT / name).is_file(), name
    for name in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / name).is_file(), name
    targets = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([a-z-]+)", text):
        assert re.search(rf"^{target}:", targets, flags=re.MULTILINE), target
    commands = re.findall(r"^(?:    )?(?:\$ )?scaledet ([a-z-]+) |`scaledet ([a-z-]+) ", text, re.M)
    for command in {first or second for first, second in commands}:
        assert main([command, "--help"]) == 0


def test_every_page_is_linked() -> None:
    text = README.read_text()
    for page in PAGES[1:]:
        assert f"(docs/{page.name})" in text, page.name
