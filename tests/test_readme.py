"""Shell examples of the README print what the README says (Python ones are doctests)."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from scaledet.cli.main import main

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
CONSOLE = re.findall(r"```console\n\$ scaledet (.*?)\n(.*?)```", TEXT, flags=re.DOTALL)


def test_there_are_shell_examples() -> None:
    assert CONSOLE


@pytest.mark.parametrize(("command", "output"), CONSOLE)
def test_shell_example(command: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(command)) == 0
    assert capsys.readouterr().out == output


def test_first_screen_holds_claim_code_and_figure() -> None:
    # 60 lines: what a reader sees before scrolling far.
    head = TEXT.splitlines()[:45]
    assert any(line.startswith("**") for line in head[:4])
    assert sum(line.startswith(">>>") for line in head) <= 10
    assert any(line.startswith("![") for line in head)


def test_named_files_and_targets_exist() -> None:
    for name in re.findall(r"(?:figures|tests|derivations)/[\w/]+\.(?:py|png)", TEXT):
        assert (ROOT / name).is_file(), name
    targets = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([a-z-]+)", TEXT):
        assert re.search(rf"^{target}:", targets, flags=re.MULTILINE), target
