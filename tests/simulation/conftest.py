"""Fixtures of the tests of simulations."""

from __future__ import annotations

import pytest

from tests.runs import small


@pytest.fixture(scope="session")
def plain():
    return small()


@pytest.fixture
def path(tmp_path):
    """A checkpoint file that is not there yet."""
    return tmp_path / "run.sqlite"
