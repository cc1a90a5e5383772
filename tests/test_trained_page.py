"""docs/trained.md holds the verdicts on the committed results, and nothing typed."""

from __future__ import annotations

import pytest

from experiments.verdict_page import PAGE, RESULTS, block, written
from tests.analysis.trained_tables import flagship, write

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_block_is_what_the_results_give():
    assert written(TEXT) == block(RESULTS)


def test_without_results_the_page_says_so(tmp_path):
    assert "no tables yet" in block(tmp_path)


def test_other_results_give_another_block(tmp_path):
    other = block(write(tmp_path, flagship()))
    assert other != written(TEXT)
    assert written(TEXT.replace(written(TEXT), other)) == other


def test_a_page_without_a_block_is_an_error():
    with pytest.raises(ValueError, match="must have a block of verdicts"):
        written("no block")
