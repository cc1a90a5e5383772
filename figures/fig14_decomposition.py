r"""Figure 14: what pools in a trained network, by theory (kernel 2, stride 2, T1 and T2).

Lines in (a): wide networks of independent taps; with the measured covariance of taps; with the mean
of filters over input channels, too; all weights of the network without ReLU; box filters.
In (b) D of the first over that of the third is what filters pool, the latter over that of the
network what channels pool beyond: one over spatial_pooling and channel_pooling of predict_trained.
lambda_k = ln(D_independent/D)/ln(D_independent/D_box) is 0 for independent channels, 1 for boxes;
it is not drawn in layer 1, where with decay both are nearly the same.
Share of power in the constant mode of the filters: 1/2 for independent taps, 1 for boxes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common import SMALL, Recipe, Table, letter, new_figure, plain_ticks
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from trained import FLAGSHIP, TASKS, draw_points, mark_scale, over_seeds, read_results

from scaledet import plots

THEORIES = {
    "independent_taps": ("independent taps", ":"),
    "autocorrelation": ("measured filters", "--"),
    "bridge": ("filters and their means", "-."),
    "linear": ("all weights without ReLU", (0, (6, 1))),
    "box": ("box filters", "-"),
}
MEASURED = {"all": ("network", "o"), "shuffled": ("channels permuted", "D")}
QUOTIENTS = {
    "spatial": ("filters", "independent_taps", "bridge"),
    "channels": ("channels", "bridge", "all"),
}
STAGES = {"before": "before training", "zero_loss": "zero loss", "after": "with weight decay"}
MARKERS = {"T1": "o", "T2": "s"}


def compute(results: Path) -> Table:
    """Average over seeds: D measured and predicted, quotients, lambda, and shares."""
    table = read_results(results, FLAGSHIP)
    curves = {*THEORIES, *MEASURED}
    layers = [row for row in table.where(quantity="D").rows if row["layer"] != "0"]
    after = [row for row in layers if row["stage"] == "after"]
    rows = [row for row in layers if row["variant"] == "box"]
    rows += [row for row in after if row["variant"] in curves - {"box"}]
    quotients = [
        {**above, "variant": name, "quantity": "quotient", "value": _quotient(above, below)}
        for name, (_, numerator, denominator) in QUOTIENTS.items()
        for above in after
        for below in after
        if (above["variant"], below["variant"]) == (numerator, denominator)
        and all(above[key] == below[key] for key in ("setting", "net", "recipe", "seed", "layer"))
    ]
    plain = [
        row
        for row in table.rows
        if row["quantity"] == "share" or (row["quantity"] == "lambda" and row["layer"] != "1")
    ]
    positive = over_seeds(Table([*rows, *quotients]))
    return Table([*positive.rows, *over_seeds(Table(plain), logarithms=False).rows])


def _quotient(above: dict[str, str], below: dict[str, str]) -> str:
    value = float(below["value"])
    return repr(float(above["value"]) / value) if value else "0"


def draw(table: Table) -> Figure:
    """Draw D of T1, the quotients, lambda, and the shares of the constant mode."""
    figure = new_figure(9.4, 7.6)
    panels = figure.subplots(2, 2)
    _draw_theories(panels[0, 0], table.where(setting="1d_strided_T1", quantity="D"))
    _draw_quotients(panels[0, 1], table.where(quantity="quotient"))
    _draw_stages(panels[1, 0], table.where(quantity="lambda"), "pooling learnt $\\lambda_k$")
    _draw_stages(panels[1, 1], table.where(quantity="share"), "share of the constant mode")
    for level in (0, 1):
        panels[1, 0].axhline(level, color="0.8", linewidth=0.8, zorder=0)
    panels[1, 1].axhline(0.5, color="0.8", linewidth=0.8, zorder=0)
    handles, labels = panels[1, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, fontsize=SMALL)
    titles = ["theories and T1, with decay", "what pools, with decay"]
    letter(panels.flat, [*titles, "between random and box", "spectrum of the filters"])
    return figure


def _draw_theories(ax: Axes, table: Table) -> None:
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="receptive field $A_k$",
        ylabel="displacement sensitivity $D_k$",
    )
    for place, (variant, (label, style)) in enumerate(THEORIES.items()):
        curve = table.where(variant=variant)
        drawn: dict[str, Any] = {"linestyle": style, "color": plots.PALETTE[(place + 2) % 7]}
        ax.plot(curve.numbers("A"), curve.numbers("value"), label=label, **drawn)
    for place, (variant, (label, marker)) in enumerate(MEASURED.items()):
        points = table.where(variant=variant)
        draw_points(ax, points, "A", marker=marker, color=plots.PALETTE[1 - place], label=label)
    plain_ticks(ax, (2, 4, 8, 16, 32, 64, 128), (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1))
    ax.set_ylim(bottom=0.004)
    mark_scale(ax)
    ax.legend(fontsize=SMALL, frameon=False, loc="lower left")


def _draw_quotients(ax: Axes, table: Table) -> None:
    for setting, task in TASKS.items():
        for place, (name, (label, _, _)) in enumerate(QUOTIENTS.items()):
            points = table.where(setting=setting, variant=name)
            style: dict[str, Any] = {"marker": MARKERS[task], "color": plots.PALETTE[place]}
            style["linestyle"] = "-" if task == "T1" else "--"
            draw_points(ax, points, "A", label=f"{task}, {label}", **style)
    ax.set(xscale="log", yscale="log", xlabel="receptive field $A_k$", ylabel="factor in $D_k$")
    plain_ticks(ax, (2, 4, 8, 16, 32, 64, 128), (1, 2, 5, 10, 20, 50, 100, 200))
    ax.axhline(1, color="0.8", linewidth=0.8, zorder=0)
    mark_scale(ax)
    ax.legend(fontsize=SMALL, frameon=False, loc="upper left")


def _draw_stages(ax: Axes, table: Table, label: str) -> None:
    for setting, task in TASKS.items():
        for place, (stage, name) in enumerate(STAGES.items()):
            points = table.where(setting=setting, stage=stage)
            style: dict[str, Any] = {"marker": MARKERS[task], "color": plots.PALETTE[place]}
            style["linestyle"] = "-" if task == "T1" else "--"
            draw_points(ax, points, "layer", label=f"{task}, {name}", **style)
    ax.set(xlabel="layer $k$", ylabel=label)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


FIGURE = Recipe("fig14_decomposition", compute, draw, seconds=3, quick_seconds=3, from_results=True)

if __name__ == "__main__":
    FIGURE.main()
