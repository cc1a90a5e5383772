"""Tables of the experiments with trained networks, averaged over seeds, and how they are drawn."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from common import SMALL, MissingResultsError, Table
from matplotlib.axes import Axes

__all__ = ["FLAGSHIP", "TASKS", "draw_points", "mark_scale", "over_seeds", "read_results"]

FLAGSHIP = "e1_flagship"
"""The experiment whose table is drawn."""
TASKS = {"1d_strided_T1": "T1", "1d_strided_T2": "T2"}
"""Names of its tasks by setting."""
_XI = 16.0
_CURVE = ("setting", "stage", "variant", "quantity", "layer", "A")


def read_results(folder: Path, name: str) -> Table:
    """Read a table of the experiments."""
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise MissingResultsError(f"{path} is missing: run make experiments")
    return Table.read(path)


def over_seeds(table: Table, *, logarithms: bool = True) -> Table:
    """Average over seeds, with an interval of two standard errors, layer by layer.

    With logarithms, positive values alone are averaged, geometrically.
    """
    groups: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for row in table.rows:
        if row["layer"] and (not logarithms or float(row["value"]) > 0):
            groups[tuple(row[name] for name in _CURVE)].append(float(row["value"]))
    rows: list[dict[str, Any]] = []
    for key, values in groups.items():
        numbers = np.log(values) if logarithms else np.array(values)
        mean = numbers.mean()
        reach = 2 * numbers.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0.0
        ends = np.array([mean, mean - reach, mean + reach])
        value, low, high = np.exp(ends) if logarithms else ends
        labels = dict(zip(_CURVE, key, strict=True))
        rows.append({**labels, "value": value, "low": low, "high": high, "seeds": len(values)})
    return Table.of(sorted(rows, key=lambda row: int(row["layer"])))


def draw_points(ax: Axes, table: Table, x: str, **style: Any) -> None:
    """Draw averages with their intervals."""
    value, low, high = (table.numbers(name) for name in ("value", "low", "high"))
    usual = {"markersize": 4.5, "linewidth": 1.0, "linestyle": "none"}
    ax.errorbar(table.numbers(x), value, [value - low, high - value], **{**usual, **style})


def mark_scale(ax: Axes) -> None:
    """Mark the scale of the tasks on an axis of receptive fields."""
    ax.axvline(_XI, color="0.8", linewidth=0.8, zorder=0)
    place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    ax.annotate(r"$\xi$", (_XI, 0), (3, 4), fontsize=SMALL, color="0.4", **place)
