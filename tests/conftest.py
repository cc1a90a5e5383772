"""Fixtures, and stale compiled code thrown away before the tests."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import scaledet
from scaledet.cli.main import main

PACKAGE = Path(scaledet.__file__).parent


def pytest_configure() -> None:
    """Numba looks only at the module of a function, not at those whose functions it inlines."""
    engine = PACKAGE / "simulation" / "engines" / "compiled"
    newest = max(path.stat().st_mtime for path in engine.glob("*.py"))
    for index in (engine / "__pycache__").glob("*.nbi"):
        if index.stat().st_mtime < newest:
            index.unlink()


@pytest.fixture
def run(capsys):
    """Run a command line given as one string; return its exit code, stdout and stderr."""

    def runner(line):
        code = main(shlex.split(line))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return runner
