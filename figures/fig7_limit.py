"""Figure 7: how stable a filter of given width can be: D_k A_k^2 of filters, and its least value.

No non-negative filter lies below the line, which is certified at every width it is drawn at (d = 1,
infinite lattice). It tends to C = 2.5702 and is not monotone: whole numbers of sites are few.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from common import SMALL, Recipe, Table, new_figure, spaced
from matplotlib.figure import Figure

import scaledet as sd
from scaledet import plots

WIDEST = 16
STYLES: dict[str, dict[str, Any]] = {
    "boxes of 2 and 4, stride 1": {"color": plots.PALETTE[0], "marker": "o"},
    "[1, 2, 1], stride 2": {"color": plots.PALETTE[1], "marker": "s"},
    "sine windows": {"color": plots.PALETTE[2], "marker": "^"},
    "the best window, sampled": {"color": plots.PALETTE[3], "marker": "D"},
}


def networks() -> Iterator[tuple[str, sd.Network]]:
    """Yield networks; many of their layers are shown, of windows the only one."""
    boxes, binomial, sines, best = STYLES
    yield boxes, sd.Network.uniform(2, stride=1, depth=84)
    yield boxes, sd.Network.uniform(4, stride=1, depth=16)
    yield binomial, sd.Network.uniform([1, 2, 1], stride=2, depth=3)
    for support in (2, 3, 4, 5, 6, 8, 10, 12, 15, 19, 23):
        sites = [Fraction(2 * j - support - 1, support + 1) for j in range(1, support + 1)]
        for name, height in ((sines, _sine), (best, _best)):
            yield name, sd.Network([sd.Layer([height(float(x)) for x in sites])])


def _sine(x: float) -> float:
    return round(math.cos(math.pi * x / 2), 9)


def _best(x: float) -> float:
    """Return cos(w x) - cos(w) - w sin(w) (1 - x^2)/2, w the frequency of d14_limits."""
    w = 1.750245617163082
    return round(math.cos(w * x) - math.cos(w) - w * math.sin(w) * (1 - x * x) / 2, 9)


def compute(quick: bool) -> Table:
    """D_k A_k^2 of every layer, and the certified limit."""
    rows: list[dict[str, Any]] = []
    for name, net in networks():
        theory = sd.predict(net, size=None)
        for k in spaced(net.depth + 1, 12)[1:]:
            limit = sd.stability_limit(theory.A[k])
            rows.append({"kind": name, "A": theory.A[k], "D": theory.D[k], "limit": limit})
    shown = {row["A"] for row in rows if row["A"] <= WIDEST}
    for width in sorted(shown | set(np.geomspace(1, WIDEST, 60 if quick else 240))):
        limit = sd.stability_limit(width)
        rows.append({"kind": "limit", "A": width, "D": None, "limit": limit})
    return Table.of(rows)


def draw(table: Table) -> Figure:
    """Draw filters as points above the line of the limit."""
    figure = new_figure(7.0, 3.6)
    ax = figure.add_subplot()
    line = table.where(kind="limit")
    widths = line.numbers("A")
    ax.fill_between(widths, 0, line.numbers("limit") * widths**2, color="0.9", linewidth=0)
    ax.plot(widths, line.numbers("limit") * widths**2, color="black", linewidth=1.2, label="limit")
    ax.axhline(2.5702, color="0.5", linewidth=0.8, linestyle=":")
    ax.text(1.05, 2.58, "$C = 2.5702$", ha="left", va="bottom", fontsize=SMALL, color="0.3")
    for name, style in STYLES.items():
        part = table.where(kind=name)
        product = part.numbers("D") * part.numbers("A") ** 2
        ax.plot(part.numbers("A"), product, linestyle="", markersize=3.5, label=name, **style)
    ax.set_xscale("log", base=2)
    ax.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    ax.set_xlim(0.97, 17)
    ax.set_ylim(0.9, 3.3)
    ax.set_xlabel("effective receptive field $A_k$ (pixels)")
    ax.set_ylabel("$D_k A_k^2$")
    ax.text(5, 1.6, "no filter", ha="center", fontsize=SMALL, color="0.4")
    ax.legend(fontsize=SMALL, frameon=False, loc="lower right")
    return figure


FIGURE = Recipe("fig7_limit", compute, draw, seconds=12, quick_seconds=4)

if __name__ == "__main__":
    FIGURE.main()
