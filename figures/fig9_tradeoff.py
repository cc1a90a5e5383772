"""Figure 9: stability against noise: the least D_k that a filter can have at given G_k (stride 2).

Every point of a curve is a filter of its own, found by search, up to the most stable one (circle).
Grey: where certainly no filter of up to 9 weights is. For one layer the curve is the limit; four
equal layers come within 2 % of it where they pool (G_4 from 6 to 13), though the limit allows four
unlike layers. The binomial filters lie close to both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from common import SMALL, Recipe, Table, letter, new_figure, plain_ticks
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import scaledet as sd
from scaledet import plots

DEPTHS = (1, 4)
LENGTHS = (3, 5, 9)
KNOWN: dict[str, Any] = {
    "[1]": [1],
    "box 2": 2,
    "box 3": 3,
    "[1, 2, 1]": [1, 2, 1],
    "[1, 3, 3, 1]": [1, 3, 3, 1],
    "bin 5": sd.binomial(5),
}
LEFT = ("[1, 2, 1]", "bin 5")
"""Filters whose names stand on the left."""
TICKS = {1: (0.5, 0.7, 1.0, 1.4), 4: (0.5, 1, 2, 5, 10)}


def compute(quick: bool) -> Table:
    """Return trade-off curves of every length, the limit, and known filters."""
    rows: list[dict[str, Any]] = []
    for depth in DEPTHS:
        for length in LENGTHS:
            rows += _curve(length, depth, 4 if quick else 20)
        known = sd.compare_filters(KNOWN, stride=2, depth=max(depth, 2))
        for name, D, G in zip(known.filters, known.D[:, depth], known.G[:, depth], strict=True):
            rows.append({"part": "known", "depth": depth, "filter": name, "D": D, "G": G})
    return Table.of(rows)


def _curve(length: int, depth: int, points: int) -> Iterator[dict[str, Any]]:
    free = sd.design_filter(length, 2, depth=depth)
    most = free.columns()["G"][0]
    for noise in [*np.geomspace(0.5, most, points + 1)[1:-1], most]:
        design = sd.design_filter(length, 2, depth=depth, max_G=noise, tolerance=0.5)
        D, G = (design.columns()[name][0] for name in "DG")
        row = {"part": "curve", "depth": depth, "length": length, "D": D, "G": G}
        yield {**row, "bound": design.bound, "max_G": noise}


def draw(table: Table) -> Figure:
    """Draw one panel for each depth."""
    figure = new_figure(7.2, 3.7)
    panels = figure.subplots(1, len(DEPTHS))
    for panel, depth in zip(panels, DEPTHS, strict=True):
        _draw_panel(panel, table.where(depth=depth), depth)
    panels[0].legend(fontsize=SMALL, frameon=False, loc="lower left")
    letter(panels, ["one layer", "four equal layers"])
    return figure


def _draw_panel(ax: Axes, table: Table, depth: int) -> None:
    widest = table.where(part="curve", length=LENGTHS[-1])
    noise = np.array([0.5, *widest.numbers("max_G")])
    limit = np.array([1.0, *widest.numbers("bound")])
    ax.fill_between(noise, 0, limit, color="0.9", linewidth=0)
    for place, length in enumerate(LENGTHS):
        part = table.where(part="curve", length=length)
        style: dict[str, Any] = {"color": plots.PALETTE[place], "linewidth": 1.4 + 1.6 * place}
        style |= {"zorder": 3 - place, "solid_capstyle": "butt"}
        curve = [np.array([first, *part.numbers(name)]) for name, first in (("G", 0.5), ("D", 1.0))]
        ax.plot(*curve, label=f"up to {length} weights", **style)
        ax.plot(curve[0][-1], curve[1][-1], "o", color=style["color"], markersize=5, zorder=4)
    for row in table.where(part="known").rows:
        D, G, name = float(row["D"]), float(row["G"]), row["filter"]
        ax.plot(G, D, "x", color="black", markersize=5, zorder=5)
        where: dict[str, Any] = {"xytext": (6, 3), "textcoords": "offset points"}
        if name in LEFT:
            where |= {"xytext": (-6, -5), "ha": "right"}
        ax.annotate(name, (G, D), fontsize=SMALL, **where)
    ax.set(xscale="log", yscale="log")
    plain_ticks(ax, TICKS[depth])
    ax.set_xlabel(f"noise sensitivity $G_{depth}$")
    ax.set_ylabel(f"displacement sensitivity $D_{depth}$")
    ax.set_ylim(table.having("bound").numbers("bound").min() / 1.6, 1.6)
    ax.text(0.12, 0.4, "no filter", transform=ax.transAxes, fontsize=SMALL, color="0.4", zorder=5)


FIGURE = Recipe("fig9_tradeoff", compute, draw, seconds=30, quick_seconds=9)

if __name__ == "__main__":
    FIGURE.main()
