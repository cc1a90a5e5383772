"""Every derivation runs, checks all its steps, and fails when a step is wrong."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "derivations"
SCRIPTS = sorted(FOLDER.glob("d*.py"))


def test_there_are_derivations() -> None:
    assert len(SCRIPTS) >= 2


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_derivation_checks_every_step(script: Path) -> None:
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    source = script.read_text()
    assert run.stdout.count("  checked") == source.count("    step(") >= 4


# One wrong formula at a time, in a copy of the script.
MUTANTS = [
    ("d01_pooling_recursion", "moved = 2 * (overlap(rows, 0) - overlap(rows, 1))",
     "moved = 2 * (overlap(rows, 0) - overlap(rows, 2))"),
    ("d01_pooling_recursion", "/ NET.strides[depth]:", "/ NET.strides[depth - 1]:"),
    ("d01_pooling_recursion", "(p - stride * i) % SIZE", "(p + stride * i) % SIZE"),
    ("d01_pooling_recursion", "(3, 13, 59, 269, 1227)", "(3, 13, 59, 268, 1227)"),
    ("d02_rectified_noise", "(z, -m / sigma, sp.oo)", "(z, m / sigma, sp.oo)"),
    ("d02_rectified_noise", "(0.5 - 0.5 / np.pi)", "(0.5 + 0.5 / np.pi)"),
    ("d02_rectified_noise", "p.A**dim / (2 * np.pi)", "p.A / (2 * np.pi)"),
    ("d02_rectified_noise", "np.full(8, 1 / 8)", "np.full(8, 1 / 7)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "right", "wrong"), MUTANTS)
def test_wrong_step_is_caught(
    name: str, right: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (FOLDER / f"{name}.py").read_text()
    assert right in source
    copy = tmp_path / f"{name}.py"
    copy.write_text(source.replace(right, wrong))
    monkeypatch.syspath_prepend(str(FOLDER))
    with pytest.raises(SystemExit, match="step fails"):
        runpy.run_path(str(copy), run_name="__main__")
