"""Fixtures of all tests."""

from __future__ import annotations

import shlex

import pytest

from scaledet.cli.main import main


@pytest.fixture
def run(capsys):
    """Run a command line given as one string; return its exit code, stdout and stderr."""

    def runner(line):
        code = main(shlex.split(line))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return runner
