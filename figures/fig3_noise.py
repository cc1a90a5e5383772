"""Figure 3: rectified noise piles up, because pooling does not average away its mean."""

from __future__ import annotations

from typing import Any

from common import SMALL, Recipe, Table, letter, new_figure, spaced
from matplotlib.figure import Figure

import scaledet as sd
from scaledet import plots

SIZE = 256
CASES: dict[str, dict[str, Any]] = {
    "box 2, stride 2": {"kernel": 2, "stride": 2, "depth": 7, "deepest": 7, "samples": 200_000},
    "box 5, stride 1": {"kernel": 5, "stride": 1, "depth": 40, "deepest": 680, "samples": 80_000},
}
QUICK = {
    "box 2, stride 2": {"samples": 2000},
    "box 5, stride 1": {"depth": 12, "samples": 1600},
}
BLUE, RED, GREEN, PINK = plots.PALETTE[:4]


def compute(quick: bool) -> Table:
    """Predict and simulate the noise with the rectification at the input and without."""
    rows: list[dict[str, Any]] = []
    for seed, (name, full) in enumerate(CASES.items()):
        case = {**full, **(QUICK[name] if quick else {})}
        layers = {"kernel": case["kernel"], "stride": case["stride"]}
        net = sd.Network.uniform(**layers, depth=case["depth"])
        whole = sd.Network.uniform(**layers, depth=case["deepest"])
        for rectify in ("input", None):
            theory = sd.predict(whole, size=SIZE, rectify=rectify)
            measured = sd.simulate(
                net, size=SIZE, rectify=rectify, samples=case["samples"], rng=30230 + seed
            )
            verdict = sd.compare(sd.predict(net, size=SIZE, rectify=rectify), measured)
            for k in sorted({*range(net.depth + 1), *spaced(case["deepest"] + 1, 80)}):
                row = {
                    "network": name,
                    "rectify": rectify,
                    "layer": k,
                    "A": theory.A[k],
                    "G_theory": theory.G[k],
                    "G_mean": theory.G_mean[k],
                    "G_variance": theory.G_variance[k],
                }
                if k <= net.depth:
                    row |= {"G": measured.G[k], "G_err": measured.G_err[k]}
                row |= {
                    "chi2": verdict.chi2,
                    "directions": verdict.dof[0],
                    "p_value": verdict.p_value,
                }
                rows.append(row)
    return Table.of(rows)


def draw(table: Table) -> Figure:
    """One panel per stride."""
    figure = new_figure(7.0, 3.2)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for name, ax in zip(CASES, panels, strict=True):
        part = table.where(network=name)
        rectified, linear = part.where(rectify="input"), part.where(rectify=None)
        lines: list[tuple[Table, str, dict[str, Any]]] = [
            (rectified, "G_theory", {"color": RED, "label": "rectified noise"}),
            (rectified, "G_mean", {"color": PINK, "ls": "--", "label": "its mean part"}),
            (rectified, "G_variance", {"color": GREEN, "ls": ":", "label": "its variance part"}),
            (linear, "G_theory", {"color": BLUE, "label": "linear noise"}),
        ]
        for rows, column, style in lines:
            plots.plot_curve(rows.numbers("A"), rows.numbers(column), quantity="G", ax=ax, **style)
        for rows, colour, marker in ((rectified, RED, "o"), (linear, BLUE, "s")):
            rows = rows.having("G")
            rows = rows.at(spaced(len(rows.rows), 12))
            plots.plot_curve(
                rows.numbers("A"),
                rows.numbers("G"),
                rows.numbers("G_err"),
                quantity="G",
                ax=ax,
                color=colour,
                marker=marker,
            )
    letter(panels, list(CASES))
    panels[1].set_ylabel("")
    panels[0].plot(
        [], [], color="0.3", marker="o", markersize=4, linestyle="none", label="simulation"
    )
    panels[0].legend(fontsize=SMALL, frameon=False, loc="upper left")
    return figure


FIGURE = Recipe("fig3_noise", compute, draw, seconds=10, quick_seconds=2)

if __name__ == "__main__":
    FIGURE.main()
