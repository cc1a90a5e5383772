"""Tables: text, HTML and data frames."""

from __future__ import annotations

import builtins
import re
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.results.tables import frame, html_table, text_table, with_error


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
        (2**2000, "1.1481e+602"),
        (Fraction(-(10**400), 3), "-3.3333e+399"),
        (True, "True"),
        (None, "None"),
        (sd.Kernel([1]), "Kernel(1)"),
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


def test_only_the_rows_that_are_shown_are_written():
    class Slow(list):
        def __getitem__(self, index):
            assert index in (0, 1, 2, 3, 996, 997, 998, 999)
            return index

    columns = {"k": Slow(range(1000))}
    assert html_table("t", columns, shown=9).count("<tr>") == 10
    assert text_table(columns, shown=9).split()[5:7] == ["...", "996"]


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.5, 0.1, "0.50(10)"),
        (0.5, 0.0996, "0.50(10)"),
        (0.5, 0.0994, "0.500(99)"),
        (-0.5, 0.25, "-0.50(25)"),
        (0.0, 0.1, "0.00(10)"),
        (9.9996, 0.00995, "10.000(10)"),
        (12.3, 4.5, "12.3(45)"),
        (12.3, 9.96, "12(10)"),
        (123.0, 45.0, "123(45)"),
        (123.4, 99.4, "123(99)"),
        (123.4, 99.6, "120 +- 100"),
        (1234.0, 450.0, "1230 +- 450"),
        (1e22, 1.2e20, "1.000(12)e+22"),
        (3.0, 1e30, "0.0(10)e+30"),
        (1.2345e-20, 1.2e-22, "1.234(12)e-20"),
        (1e-300, 1e-310, "1.00000000000(10)e-300"),
        (5e-324, 5e-324, "4.9(49)e-324"),
        (1.0, 1e-17, "1 +- 1.0e-17"),
        (0.5, float("inf"), "0.5 +- inf"),
        (0.5, float("nan"), "0.5 +- nan"),
        (float("nan"), 0.1, "nan"),
    ],
)
def test_errors_have_two_digits(value, error, text):
    assert with_error(value, error) == text


def test_value_and_error_can_be_read_back():
    """The text holds the error to two digits, and the value to a tenth of the error's first."""
    rng = np.random.default_rng(5)
    for _ in range(3000):
        value, error = rng.normal() * 10 ** rng.uniform(-30, 30), 10 ** rng.uniform(-30, 30)
        shown = with_error(value, error)
        if "+-" in shown:
            number, read = map(float, shown.split("+-"))
        else:
            number, units, power = re.fullmatch(r"(.*)\((\d\d)\)(.*)", shown).groups()
            last = len(number.partition(".")[2])
            number, read = float(number + power), int(units) * float(f"1{power}") / 10**last
        rounded = 1e-5 * abs(value) if error < 1e-9 * abs(value) else 0
        assert read == pytest.approx(error, rel=0.051)
        assert abs(number - value) <= 0.051 * error + rounded


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


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ([1, 2**62], "int64"),
        ([1, 2**63], "float64"),
        ([1, 2**64], "float64"),
        ((1, 2**1000), "float64"),
        ([1, 2**1100], "object"),
        ([True, False], "bool"),
        ([Fraction(1, 2)], "object"),
        (range(3), "int64"),
        (np.arange(3), "int64"),
    ],
)
def test_integers_of_frames(column, kind):
    table = frame({"n": column})
    assert table["n"].dtype == kind
    assert table["n"].tolist() == list(column)


def test_frame_without_pandas_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **options):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install pandas"):
        frame({"layer": [1]})
