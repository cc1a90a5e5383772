"""A command line whose output is JSON."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def run_json(run):
    def no_constant(name):
        raise AssertionError(f"{name} is no JSON")

    def runner(line, expected=0):
        code, out, err = run(f"{line} --json")
        assert (code, err, out.count("\n")) == (expected, "", 1)
        return json.loads(out, parse_constant=no_constant)

    return runner
