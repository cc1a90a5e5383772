"""Figure 5: which kernel and stride become stable: alpha over kernel length and stride."""

from __future__ import annotations

import math

import numpy as np
from common import SMALL, Recipe, Table, letter, new_figure
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

import scaledet as sd

LENGTHS, STRIDES = range(2, 17), range(1, 9)
FILTERS = {"box": sd.box, "binomial": sd.binomial}


def compute(quick: bool) -> Table:
    """Exact exponents of every filter and stride."""
    del quick  # exact numbers have no quick version
    rows = []
    for name, make in FILTERS.items():
        for stride in STRIDES:
            for length in LENGTHS:
                exact = sd.predict_exponents(kernel=make(length), stride=stride)
                rows.append(
                    {
                        "filter": name,
                        "stride": stride,
                        "length": length,
                        "alpha": float(exact.alpha),
                        "beta": float(exact.beta),
                        "alpha_exact": _short(exact.alpha),
                        "log_correction": exact.log_correction,
                    }
                )
    return Table.of(rows)


def _short(expression: object) -> str:
    text = str(expression)
    return text if len(text) <= 60 else ""


def _shown(value: float) -> str:
    """Two decimals, three or a bound where they would hide that the value is no integer."""
    if value == round(value):
        return f"{value:.0f}"
    texts = (f"{value:.2f}", f"{value:.3f}")
    return next((t for t in texts if float(t) != round(value)), f"<{math.ceil(value)}")


def _map(ax: Axes, part: Table) -> QuadMesh:
    """Draw the table of values, cells of value 0 left white."""
    alpha = part.numbers("alpha").reshape(len(STRIDES), len(LENGTHS))
    mesh = ax.pcolormesh(
        np.ma.masked_equal(alpha, 0),
        cmap="cividis",
        vmin=1,
        vmax=2,
        edgecolors="white",
        linewidth=1.2,
    )
    for (row, column), value in np.ndenumerate(alpha):
        colour = "0.55" if value == 0 else "white" if value < 1.5 else "black"
        ax.text(
            column + 0.5,
            row + 0.5,
            _shown(value),
            ha="center",
            va="center",
            color=colour,
            fontsize=SMALL,
        )
    ax.set_xticks(np.arange(len(LENGTHS)) + 0.5, [str(f) for f in LENGTHS])
    ax.set_yticks(np.arange(len(STRIDES)) + 0.5, [str(s) for s in STRIDES])
    ax.tick_params(length=0)
    ax.set_ylabel("stride $s$ (pixels)")
    return mesh


def draw(table: Table) -> Figure:
    """Boxes above, binomial filters below."""
    figure = new_figure(7.0, 5.4)
    panels = figure.subplots(2, 1, sharex=True)
    for name, ax in zip(FILTERS, panels, strict=True):
        mesh = _map(ax, table.where(filter=name))
    bar = figure.colorbar(mesh, ax=panels, pad=0.02, aspect=30, shrink=0.8, ticks=[1, 1.5, 2])
    bar.set_label("$\\alpha$ (white: 0, $D_k$ does not decay)")
    panels[1].set_xlabel("kernel length $f$ (pixels)")
    letter(panels, ["box filters", "binomial filters"])
    return figure


FIGURE = Recipe("fig5_exponent_map", compute, draw, seconds=2, quick_seconds=2)

if __name__ == "__main__":
    FIGURE.main()
