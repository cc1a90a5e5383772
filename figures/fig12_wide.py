"""Figure 12: sensitivities before and after training, from theory alone (box 3, stride 1, N = 64).

Filters are random; a share t of their variance is common to all taps. Independent taps (t = 0,
before training) let D_k fall slowly, and G_k stay; common filters (t = 1) pool: D_k falls as
A_k^-2, and the noise piles up. Points: random networks carried out, error bars of two standard
errors over networks.
"""

from __future__ import annotations

from typing import Any

from common import SMALL, Recipe, Table, letter, new_figure, plain_ticks
from matplotlib.figure import Figure

import scaledet as sd
from scaledet import plots

SHARES = (0.0, 0.5, 0.9, 1.0)
SIZE = 64
PANELS = {
    "D": "displacement sensitivity $D_k$",
    "G": "noise sensitivity $G_k$",
    "R": "ratio $R_k = D_k/G_k$",
}
TICKS = {
    "D": (0.02, 0.05, 0.1, 0.2, 0.5, 1),
    "G": (1, 1.2, 1.5, 2),
    "R": (0.01, 0.03, 0.1, 0.3, 1),
}
WIDTHS = (1, 2, 3, 5, 9)


def compute(quick: bool) -> Table:
    """Return the predictions of all shares, and random networks of finite width."""
    net = sd.Network.uniform(3, depth=4 if quick else 10)
    width, networks = (50, 20) if quick else (100, 24)
    rows: list[dict[str, Any]] = []
    for share in SHARES:
        predicted = sd.predict_wide(net, size=SIZE, pooling=share, rng=0)
        measured = sd.simulate_wide(
            net, size=SIZE, pooling=share, width=width, networks=networks, samples=16, rng=1
        )
        for part, result in (("theory", predicted), ("networks", measured)):
            columns = result.columns()
            for k, layer in enumerate(columns["layer"]):
                values = {name: columns[name][k] for name in columns if name != "layer"}
                rows.append({"part": part, "t": share, "k": layer, **values})
    return Table.of(rows)


def draw(table: Table) -> Figure:
    """Draw D, G and R against A_k."""
    figure = new_figure(10.2, 3.6)
    panels = figure.subplots(1, 3)
    for ax, (name, label) in zip(panels, PANELS.items(), strict=True):
        for place, share in enumerate(SHARES):
            theory = table.where(part="theory", t=share)
            color = plots.PALETTE[place]
            text = {0.0: "before training, $t = 0$", 1.0: "common filter, $t = 1$"}
            ax.plot(
                theory.numbers("A"),
                theory.numbers(name),
                color=color,
                label=text.get(share, f"$t = {share:g}$"),
            )
            points = table.where(part="networks", t=share)
            ax.errorbar(
                points.numbers("A"),
                points.numbers(name),
                2 * points.numbers(f"{name}_err"),
                fmt="o",
                color=color,
                markersize=3.5,
                linewidth=1,
            )
        ax.set(xscale="log", yscale="log", xlabel="receptive field $A_k$ (pixels)", ylabel=label)
        plain_ticks(ax, WIDTHS, TICKS[name])
    panels[0].legend(fontsize=SMALL, frameon=False, loc="lower left")
    letter(panels, ["displacements", "noise", "their ratio"])
    return figure


FIGURE = Recipe("fig12_wide", compute, draw, seconds=35, quick_seconds=8)

if __name__ == "__main__":
    FIGURE.main()
