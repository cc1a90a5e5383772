"""Figure 4: the exponent of the noise is reached only beyond a crossover scale A*.

On the infinite lattice G_k = (pi - 1)/(2 pi) + r A_k^d, r = 1/(2 pi) for boxes whose stride is
their length and (pi/3)^(d/2)/(2 pi) asymptotically at stride 1. At A* both terms are equal and the
local exponent of this law is d/2.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from common import SMALL, Recipe, Table, letter, new_figure, spaced
from matplotlib.figure import Figure

import scaledet as sd
from scaledet import plots

STYLES: dict[tuple[str, int], dict[str, Any]] = {
    ("stride 2", 1): {"color": plots.PALETTE[0], "marker": "o"},
    ("stride 1", 1): {"color": plots.PALETTE[1], "marker": "s"},
    ("stride 2", 2): {"color": plots.PALETTE[2], "marker": "^"},
    ("stride 1", 2): {"color": plots.PALETTE[3], "marker": "D"},
}


def crossover(kind: str, dim: int) -> float:
    """Return A*, where the mean of the noise overtakes its variance (pixels)."""
    ratio = math.pow(math.pi - 1, 1 / dim)
    return ratio if kind == "stride 2" else ratio * math.sqrt(3 / math.pi)


def compute(quick: bool) -> Table:
    """Local exponents, and exponents fitted over the first layers by least squares on logs."""
    rows: list[dict[str, Any]] = []
    depths = {"stride 2": 7 if quick else 10, "stride 1": 1000 if quick else 20_000}
    for kind, depth in depths.items():
        for dim in (1, 2):
            net = sd.Network.uniform(kernel=2, stride=int(kind[-1]), depth=depth, dim=dim)
            theory = sd.predict(net)
            local = sd.local_exponents(theory.A, theory.G)
            beta = sd.predict_exponents(net).beta
            chosen = range(depth + 1) if kind == "stride 2" else spaced(depth + 1, 200)
            x, y = np.log(theory.A), np.log(theory.G)
            for k in chosen:
                row = {
                    "kind": kind,
                    "dim": dim,
                    "layer": k,
                    "A": theory.A[k],
                    "G": theory.G[k],
                    "beta": beta,
                    "crossover": crossover(kind, dim),
                }
                if k >= 1:
                    row["local_A"] = math.sqrt(theory.A[k] * theory.A[k - 1])
                    row["local"] = local[k - 1]
                if k >= 2:
                    row["fitted"] = np.polyfit(x[: k + 1], y[: k + 1], 1)[0]
                rows.append(row)
    return Table.of(rows)


def draw(table: Table) -> Figure:
    """Local exponents on the left, exponents of a fit to the first layers on the right."""
    figure = new_figure(7.0, 3.3)
    panels = figure.subplots(1, 2, sharey=True)
    left, right = panels
    for (kind, dim), style in STYLES.items():
        part = table.where(kind=kind, dim=dim)
        label = f"$d = {dim}$, {kind}"
        show = {"color": style["color"], "linewidth": 1.3, "markersize": 3.5}
        if kind == "stride 2":
            show["marker"] = style["marker"]
        local, fitted = part.having("local"), part.having("fitted")
        left.plot(local.numbers("local_A"), local.numbers("local"), label=label, **show)
        right.plot(fitted.numbers("A"), fitted.numbers("fitted"), **show)
        left.plot(
            part.number("crossover"),
            dim / 2,
            marker="*",
            markersize=9,
            zorder=4,
            color=style["color"],
            markeredgecolor="black",
            markeredgewidth=0.6,
            linestyle="none",
        )
    for ax in panels:
        ax.set(xscale="log", xlim=(1, 300), ylim=(0, 2.25), yticks=[0, 0.5, 1, 1.5, 2])
        for dim in (1, 2):
            beta = table.where(dim=dim).number("beta")
            ax.axhline(beta, color="0.5", linewidth=0.8, linestyle="--", zorder=0)
            right.annotate(
                f"$\\beta = {beta:.0f}$",
                (1.12, beta),
                xytext=(0, 3),
                color="0.3",
                textcoords="offset points",
                fontsize=SMALL,
            )
    left.set(xlabel="receptive field $A_k$ (pixels)", ylabel="exponent of $G_k$")
    right.set(xlabel="largest receptive field fitted (pixels)")
    left.plot(
        [],
        [],
        marker="*",
        markersize=9,
        color="white",
        markeredgecolor="black",
        markeredgewidth=0.6,
        linestyle="none",
        label="crossover $A^*$",
    )
    left.legend(fontsize=SMALL, frameon=False, loc="lower right")
    letter(panels, ["local exponent", "slope fitted to all layers so far"])
    return figure


FIGURE = Recipe("fig4_crossover", compute, draw, seconds=3, quick_seconds=2)

if __name__ == "__main__":
    FIGURE.main()
