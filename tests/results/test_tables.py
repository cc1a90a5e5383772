"""Tables: text, HTML and data frames."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

from scaledet.results.tables import frame, html_table, text_table


def test_text_table_is_aligned():
    text = text_table(
        {"k": np.arange(3), "value": [1.0, 0.123456789, 1e-30], "note": ["a", "b", "c"]}
    )
    lines = text.splitlines()
    assert len(set(map(len, lines))) == 1
    assert lines[0].split() == ["k", "value", "note"]
    assert lines[2].split() == ["1", "0.12346", "b"]
    assert lines[3].split() == ["2", "1e-30", "c"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2.0, "2"),
        (1e6, "1000000"),
        (1e7, "1e+07"),
        (0.5, "0.5"),
        (-3, "-3"),
        (123456.5, "1.2346e+05"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("x", "x"),
        (np.float64(0.25), "0.25"),
    ],
)
def test_cells(value, shown):
    assert text_table({"c": [value]}).split() == ["c", shown]


def test_long_tables_are_shortened_in_the_middle():
    columns = {"k": np.arange(1000)}
    lines = text_table(columns, shown=9).splitlines()
    assert " ".join(line.strip() for line in lines) == "k 0 1 2 3 ... 996 997 998 999"
    assert len(text_table({"k": np.arange(9)}, shown=9).splitlines()) == 10
    assert "..." in html_table("t", columns)


def test_html_is_escaped():
    html = html_table("a < b & c", {"<i>": [1.0, 2.5], "n": ["<script>", "y"]})
    assert "<caption>a &lt; b &amp; c</caption>" in html
    assert "<th>&lt;i&gt;</th>" in html
    assert "<script>" not in html
    assert html.count("<tr>") == 3


def test_frame():
    table = frame({"layer": np.arange(2), "D": [1.0, 0.5]})
    assert list(table.columns) == ["layer", "D"]
    assert table["D"].tolist() == [1.0, 0.5]


def test_frame_without_pandas_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **options):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install pandas"):
        frame({"layer": [1]})
