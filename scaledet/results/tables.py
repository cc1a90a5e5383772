"""Results as text, HTML and data frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["frame", "html_table", "text_table", "with_error"]

_SHOWN = 24


def frame(columns: Mapping[str, Any]) -> Any:
    """Return a pandas ``DataFrame`` of equally long columns (pandas is an optional extra)."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_dataframe() needs pandas: pip install pandas") from error
    return pd.DataFrame(dict(columns))


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e7 else f"{number:.5g}"


def _rows(columns: Mapping[str, Sequence[Any]], shown: int) -> list[list[str]]:
    length = len(next(iter(columns.values())))
    rows = [[_cell(column[i]) for column in columns.values()] for i in range(length)]
    if length > shown:
        head, tail = shown // 2, shown - shown // 2 - 1
        rows = [*rows[:head], ["..."] * len(columns), *rows[-tail:]]
    return rows


def text_table(columns: Mapping[str, Sequence[Any]], shown: int = _SHOWN) -> str:
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


def html_table(title: str, columns: Mapping[str, Sequence[Any]], shown: int = _SHOWN) -> str:
    """HTML table for notebooks."""
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
    """Format a value with its error in units of the last digits shown.

    >>> with_error(0.50392, 0.00123)
    '0.5039(12)'
    """
    if not 0 < error < math.inf:
        return f"{value:.6g}"
    digits = 1 - math.floor(math.log10(error))
    if digits < 0 or digits > 12:
        return f"{value:.3g} +- {error:.1g}"
    return f"{value:.{digits}f}({round(error * 10**digits)})"
