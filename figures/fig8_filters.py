"""Figure 8: pooling filters at stride 2, as a picture: how D_k falls, and what each filter costs.

On the infinite lattice. A Gaussian of 7 weights falls like the binomial filters at first and then
levels off; so does average pooling over three pixels, at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from common import SMALL, Recipe, Table, letter, new_figure
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

import scaledet as sd
from scaledet import plots

STRIDE = 2
SEEN = 6
"""Layers of the table: networks seldom shrink an image more often."""
NAMES = {
    "none": "none",
    "box2": "box 2",
    "box3": "box 3",
    "tri3": "[1, 2, 1]",
    "tri4": "[1, 3, 3, 1]",
    "bin5": "[1, 4, 6, 4, 1]",
    "gaussian": "Gaussian 7",
}
MARKERS = "os^Dv<>"
HEADINGS = ("weights", "$\\alpha$, law", "$\\alpha$, seen", "plateau", "$D_6$", "$G_6$", "drift")
PLACES = (1.3, 3.3, 4.9, 6.5, 8.2, 9.8, 11.1)
"""Centres of the columns of the table."""


def compute(quick: bool) -> Table:
    """Weights, facts and sensitivities of every filter."""
    deep = sd.compare_filters(stride=STRIDE, depth=8 if quick else 12)
    table = sd.compare_filters(stride=STRIDE, depth=SEEN)
    return Table.of([*_facts(table), *_layers(deep)])


def _facts(table: sd.FilterComparison) -> Iterator[dict[str, Any]]:
    columns = table.columns()
    for place, (name, row) in enumerate(table.filters.items()):
        word = isinstance(row.alpha, str)
        facts = {"alpha": row.alpha if word else float(row.alpha), "seen": row.seen}
        facts |= {"plateau": float(row.plateau), "drift": float(row.drift)}
        facts |= {f"{q}_{SEEN}": columns[f"{q}_{SEEN}"][place] for q in "DG"}
        yield {"part": "facts", "filter": name, **facts}
        for weight in row.kernel:
            yield {"part": "weight", "filter": name, "weight": float(weight)}


def _layers(table: sd.FilterComparison) -> Iterator[dict[str, Any]]:
    for place, (name, row) in enumerate(table.filters.items()):
        for k in range(table.depth + 1):
            values = {"D": table.D[place, k], "G": table.G[place, k], "A": table.A[place, k]}
            level = {"plateau": float(row.plateau) if row.plateau_depth else None}
            yield {"part": "layer", "filter": name, "layer": k, **values, **level}


def draw(table: Table) -> Figure:
    """Draw the falling sensitivities above, the table below."""
    figure = new_figure(7.2, 6.4)
    curves, facts = figure.subplots(2, 1, height_ratios=[1.0, 0.92])
    _draw_curves(curves, table.where(part="layer"))
    _draw_facts(facts, table)
    letter((curves, facts), ("stride 2, layer by layer", f"the filters, at layer {SEEN}"))
    return figure


def _draw_curves(ax: Axes, table: Table) -> None:
    for place, name in enumerate(NAMES):
        part = table.where(filter=name)
        style: dict[str, Any] = {"color": plots.PALETTE[place], "marker": MARKERS[place]}
        style |= {"markersize": 3.5, "linewidth": 1.1, "label": NAMES[name]}
        ax.plot(part.numbers("layer"), part.numbers("D"), **style)
        level = part.numbers("plateau")[0]
        if np.isfinite(level):
            ax.axhline(level, color=plots.PALETTE[place], linestyle=":", linewidth=0.9)
            where: dict[str, Any] = {"xytext": (0, 3), "textcoords": "offset points"}
            where |= {"color": plots.PALETTE[place], "fontsize": SMALL, "ha": "center"}
            ax.annotate(
                f"tends to {_power(level)}", (part.numbers("layer")[-1] - 3.5, level), **where
            )
    ax.set_yscale("log")
    ax.xaxis.set_major_locator(MultipleLocator(1))
    ax.set_xlim(-0.3, table.numbers("layer").max() + 0.3)
    ax.set_xlabel("layer $k$")
    ax.set_ylabel("displacement sensitivity $D_k$")
    ax.legend(fontsize=SMALL, frameon=False, loc="lower left", ncols=2)


def _draw_facts(ax: Axes, table: Table) -> None:
    """Draw a row for each filter, its weights as bars."""
    ax.set_axis_off()
    ax.set_xlim(-2.3, 12.0)
    ax.set_ylim(len(NAMES) - 0.35, -1.0)
    for place, heading in zip(PLACES, HEADINGS, strict=True):
        ax.text(place, -0.65, heading, ha="center", va="center", fontsize=SMALL, color="0.3")
    ax.axhline(-0.4, color="0.6", linewidth=0.8)
    for line, name in enumerate(NAMES):
        colour = plots.PALETTE[line]
        ax.text(-2.2, line, NAMES[name], va="center", fontsize=SMALL + 0.5, color=colour)
        weights = table.where(part="weight", filter=name).numbers("weight")
        pixels = PLACES[0] + 0.28 * (np.arange(len(weights)) - (len(weights) - 1) / 2)
        ax.bar(pixels, -0.68 * weights / weights.max(), 0.22, bottom=line + 0.36, color=colour)
        row = table.where(part="facts", filter=name).rows[0]
        for place, text in zip(PLACES[1:], _texts(row), strict=True):
            ax.text(place, line, text, ha="center", va="center", fontsize=SMALL + 0.5)
        ax.axhline(line + 0.5, color="0.9", linewidth=0.6)


def _texts(row: dict[str, str]) -> list[str]:
    """Cells of a row: exponents in law and as seen, plateau, sensitivities, drift."""
    law = "—" if row["alpha"][0].isalpha() else f"{float(row['alpha']):g}"
    level = float(row["plateau"])
    numbers = [_power(float(row[f"{q}_{SEEN}"])) for q in "DG"]
    seen = f"{float(row['seen']):.2f}" if row["seen"] else "—"
    shift = Fraction(row["drift"])
    return [law, seen, _power(level) if level else "0", *numbers, f"{shift} px" if shift else "0"]


def _power(value: float) -> str:
    """Write two digits, small numbers with a power of ten."""
    if value >= 0.01:
        return f"{value:.2g}"
    mantissa, _, power = f"{value:.1e}".partition("e")
    return rf"${mantissa} \cdot 10^{{{int(power)}}}$"


FIGURE = Recipe("fig8_filters", compute, draw, seconds=3, quick_seconds=3)

if __name__ == "__main__":
    FIGURE.main()
