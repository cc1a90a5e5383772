"""Figure 13: sensitivities of trained networks against theory (kernel 2, stride 2, T1 and T2).

Points: networks before training and after it, with weight decay once the loss was zero, all
channels and their mean; two standard errors over seeds. Lines: the exact law of box filters on the
task, whose moves stay in their block in T2 (so D_k = 0 from k = 4 on), and wide networks of random
filters before training. What is below an axis is not drawn.
"""

from __future__ import annotations

from pathlib import Path

from common import SMALL, Recipe, Table, letter, new_figure, plain_ticks
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from trained import FLAGSHIP, TASKS, draw_points, mark_scale, over_seeds, read_results

from scaledet import plots

POINTS = {
    ("before", "all"): ("before, all channels", "o", False),
    ("before", "channel_mean"): ("before, channel mean", "s", False),
    ("after", "all"): ("after, all channels", "o", True),
    ("after", "channel_mean"): ("after, channel mean", "s", True),
}
LINES = {
    "box": ("box filters, exact", "-"),
    "wide_before": ("random filters, wide limit", "--"),
    "wide_before_channel_mean": ("their channel mean", ":"),
}
LABELS = {"D": "displacement sensitivity $D_k$", "G": "noise sensitivity $G_k$"}
COLOURS = {"before": plots.PALETTE[0], "after": plots.PALETTE[1]}
LOWEST = {"D": 1e-3, "G": 0.15}
TICKS = {"D": (0.001, 0.01, 0.05, 0.2, 1), "G": (0.2, 0.5, 1, 2, 5, 10)}


def compute(results: Path) -> Table:
    """Average D and G of the flagship experiment over its seeds."""
    table = read_results(results, FLAGSHIP)
    variants = {variant for _, variant in POINTS} | LINES.keys()
    drawn = [
        row
        for row in table.rows
        if row["quantity"] in "DG" and row["variant"] in variants and row["stage"] != "zero_loss"
    ]
    return over_seeds(Table(drawn))


def draw(table: Table) -> Figure:
    """Draw D and G of both tasks against A_k."""
    figure = new_figure(8.6, 6.6)
    panels = figure.subplots(2, 2, sharex=True, sharey="row")
    for row, quantity in enumerate("DG"):
        for column, setting in enumerate(TASKS):
            _draw_panel(panels[row, column], table.where(setting=setting, quantity=quantity))
            plain_ticks(panels[row, column], (1, 2, 4, 8, 16, 32, 64, 128), TICKS[quantity])
            panels[row, column].set_ylim(bottom=LOWEST[quantity])
        panels[row, 0].set_ylabel(LABELS[quantity])
    for ax in panels[1]:
        ax.set_xlabel("receptive field of box filters $A_k$ (pixels)")
    panels[0, 0].legend(fontsize=SMALL, frameon=False, loc="lower left")
    letter(panels.flat, [f"{q}, task {task}" for q in "DG" for task in TASKS.values()])
    return figure


def _draw_panel(ax: Axes, table: Table) -> None:
    ax.set(xscale="log", yscale="log")
    for variant, (label, style) in LINES.items():
        curve = table.where(variant=variant)
        ax.plot(curve.numbers("A"), curve.numbers("value"), style, color="0.2", label=label)
    for (stage, variant), (label, marker, filled) in POINTS.items():
        colour = COLOURS[stage]
        faces = {"markerfacecolor": colour if filled else "white"}
        points = table.where(stage=stage, variant=variant)
        draw_points(ax, points, "A", marker=marker, color=colour, label=label, **faces)
    mark_scale(ax)


FIGURE = Recipe("fig13_trained", compute, draw, seconds=2, quick_seconds=2, from_results=True)

if __name__ == "__main__":
    FIGURE.main()
