"""Results as text, HTML and data frames, all of bounded length."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any, SupportsFloat

from scaledet.rationals import text

__all__ = ["SHOWN", "frame", "html_table", "shortened", "shown_columns", "text_table", "with_error"]

SHOWN = 24

_HEADS = {
    "network": "network",
    "size": "size",
    "layer": "k",
    "A": "A_k",
    "support": "support",
}
"""Columns that say which row it is, and what they are called where results are shown."""


def frame(columns: Mapping[str, Any]) -> Any:
    """Return a pandas ``DataFrame`` of equally long columns (pandas is an optional extra).

    Integers of any size become int64 or, if one does not fit, float64: a frame is for floats.
    Values that no float represents stay objects, as do exact rationals and algebraic numbers.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_dataframe() needs pandas: pip install pandas") from error
    return pd.DataFrame({name: _series(column) for name, column in columns.items()})


def _series(column: Any) -> Any:
    if not isinstance(column, list | tuple) or not all(type(value) is int for value in column):
        return column
    import numpy as np

    for kind in ("int64", "float64"):
        try:
            return np.array(column, dtype=kind)
        except OverflowError:
            continue
    return np.array(column, dtype=object)


def shortened(items: Sequence[Any], shown: int, gap: Any = "...") -> list[Any]:
    """Return at most `shown` items: if there are more, `gap` stands for those in the middle.

    >>> shortened(range(100), 5)
    [0, 1, '...', 98, 99]
    """
    if len(items) <= shown:
        return list(items)
    head, tail = shown // 2, shown - shown // 2 - 1
    return [*items[:head], gap, *items[len(items) - tail :]]


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_cell, value))})"
    if isinstance(value, str | bool) or not isinstance(value, SupportsFloat):
        return str(value)
    try:
        number = float(value)
    except OverflowError:
        beyond: Any = value  # An integer or a Fraction beyond all floats.
        return text(beyond, digits=5)
    return str(int(number)) if number.is_integer() and abs(number) < 1e7 else f"{number:.5g}"


def _rows(columns: Mapping[str, Sequence[Any]], shown: int) -> list[list[str]]:
    rows = shortened(range(len(next(iter(columns.values())))), shown, None)
    return [["..." if i is None else _cell(column[i]) for column in columns.values()] for i in rows]


def text_table(columns: Mapping[str, Sequence[Any]], shown: int = SHOWN) -> str:
    """Right-aligned text table, long ones shortened in the middle.

    >>> print(text_table({"k": [0, 1], "D_k": [1.0, 0.5]}))
      k  D_k
      0    1
      1  0.5
    """
    lines = [list(columns), *_rows(columns, shown)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    return "\n".join(
        "  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def html_table(title: str, columns: Mapping[str, Sequence[Any]], shown: int = SHOWN) -> str:
    """HTML table for notebooks, long ones shortened in the middle."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in _rows(columns, shown)
    )
    return (
        f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def with_error(value: float, error: float) -> str:
    """Format a value with two digits of its error, in units of the last digits shown.

    Errors of 100 and more stand behind "+-", as do those below the rounding of the value; very
    large and very small numbers have a power of ten.

    >>> with_error(0.50392, 0.00123), with_error(0.5, 0.1), with_error(0.5, 0.0996)
    ('0.5039(12)', '0.50(10)', '0.50(10)')
    >>> with_error(123.4, 45.0), with_error(1234.0, 450.0), with_error(1.2345e-20, 1.2e-22)
    ('123(45)', '1230 +- 450', '1.234(12)e-20')
    """
    if error == 0 or not math.isfinite(value):
        return f"{value:.6g}"
    if not 0 < error < math.inf:
        return f"{value:.6g} +- {error:g}"
    # Two digits, rounded: "9.96e-2" becomes 10 units of the place -2.
    mantissa, _, power = f"{error:.1e}".partition("e")
    units, last = mantissa.replace(".", ""), int(power) - 1
    exact = Decimal(value)
    first = max(exact.adjusted() if value else last, last + 1)
    if first - last > 13:
        return f"{value:.6g} +- {error:.1e}"
    if first < -5 or first > 6:
        return f"{exact.scaleb(-first):.{first - last}f}({units})e{first:+03d}"
    if last > 0:
        return f"{round(value, -last):.0f} +- {round(error, -last):.0f}"
    return f"{value:.{-last}f}({units})"


def shown_columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that a reader sees: the layers, and D, G and R with what errors they have.

    >>> shown_columns({"layer": [1], "D": [0.5], "D_err": [0.1], "G": [2], "R": [0.25], "Q": [3]})
    {'k': [1], 'D_k': ['0.50(10)'], 'G_k': [2], 'R_k': [0.25]}
    """
    heads = {_HEADS[name]: column for name, column in columns.items() if name in _HEADS}
    estimates = {
        f"{name}_k": list(map(with_error, columns[name], columns[f"{name}_err"]))
        if f"{name}_err" in columns
        else columns[name]
        for name in "DGR"
    }
    return {**heads, **estimates}
