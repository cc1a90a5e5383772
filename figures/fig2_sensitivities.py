"""Figure 2: D_k, G_k and R_k against the receptive field, theory and simulation, both strides."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from common import SMALL, Recipe, Table, letter, new_figure, spaced
from matplotlib.figure import Figure

import scaledet as sd
from scaledet import plots

SIZE = 256
QUANTITIES: tuple[Literal["D", "G", "R"], ...] = ("D", "G", "R")
CASES: dict[str, dict[str, Any]] = {
    "box 2, stride 2": {"kernel": 2, "stride": 2, "depth": 7, "deepest": 7, "samples": 400_000},
    "box 5, stride 1": {"kernel": 5, "stride": 1, "depth": 40, "deepest": 1500, "samples": 80_000},
}
QUICK = {
    "box 2, stride 2": {"samples": 2000},
    "box 5, stride 1": {"depth": 12, "samples": 1600},
}
STYLES = {
    "box 2, stride 2": {"color": plots.PALETTE[0], "marker": "o"},
    "box 5, stride 1": {"color": plots.PALETTE[1], "marker": "s"},
}
# Guide lines: height relative to the theory, first and last A, offset of the label. The two curves
# of G nearly coincide and have the same exponent: one line for both.
GUIDES: dict[tuple[str, str], tuple[float, float, float, tuple[float, float]]] = {
    ("box 2, stride 2", "D"): (2.0, 3, 30, (9, 7)),
    ("box 5, stride 1", "D"): (0.4, 7, 40, (-9, -6)),
    ("box 5, stride 1", "G"): (0.55, 10, 70, (6, -8)),
    ("box 2, stride 2", "R"): (3.0, 4, 30, (9, 8)),
    ("box 5, stride 1", "R"): (0.35, 8, 45, (-10, -7)),
}


def compute(quick: bool) -> Table:
    """Predict to the deepest layer, simulate to a depth that takes seconds, compare there."""
    rows: list[dict[str, Any]] = []
    for seed, (name, full) in enumerate(CASES.items()):
        case = {**full, **(QUICK[name] if quick else {})}
        layers = {"kernel": case["kernel"], "stride": case["stride"]}
        deep = sd.predict(sd.Network.uniform(**layers, depth=case["deepest"]), size=SIZE)
        net = sd.Network.uniform(**layers, depth=case["depth"])
        measured = sd.simulate(net, size=SIZE, samples=case["samples"], rng=20230 + seed)
        verdict = sd.compare(sd.predict(net, size=SIZE), measured)
        exact = sd.predict_exponents(net)
        wanted = {*range(net.depth + 1), *spaced(case["deepest"] + 1, 120)}
        for k in sorted(wanted):
            row = {"network": name, "size": SIZE, "layer": k, "A": deep.A[k]}
            row |= {f"{q}_theory": getattr(deep, q)[k] for q in QUANTITIES}
            if k <= net.depth:
                row |= {q: getattr(measured, q)[k] for q in QUANTITIES}
                row |= {f"{q}_err": getattr(measured, f"{q}_err")[k] for q in QUANTITIES}
                row |= {"D_pull": verdict.pulls[0, k], "G_pull": verdict.pulls[1, k]}
            row |= {
                "alpha": exact.alpha,
                "beta": exact.beta,
                "chi2": verdict.chi2,
                "directions": verdict.dof[0],
                "p_value": verdict.p_value,
                "samples": case["samples"],
            }
            rows.append(row)
    return Table.of(rows)


def draw(table: Table) -> Figure:
    """One panel per sensitivity."""
    figure = new_figure(7.2, 3.25)
    panels = figure.subplots(1, 3)
    for quantity, ax in zip(QUANTITIES, panels, strict=True):
        for name, style in STYLES.items():
            theory = table.where(network=name)
            plots.plot_curve(
                theory.numbers("A"),
                theory.numbers(f"{quantity}_theory"),
                quantity=quantity,
                ax=ax,
                color=style["color"],
            )
            points = theory.having("D")
            points = points.at(spaced(len(points.rows), 14))
            plots.plot_curve(
                points.numbers("A"),
                points.numbers(quantity),
                points.numbers(f"{quantity}_err"),
                quantity=quantity,
                ax=ax,
                label=name,
                markersize=3.5,
                **style,
            )
            slopes = {"D": -theory.number("alpha"), "G": theory.number("beta")}
            slopes["R"] = slopes["D"] - slopes["G"]
            if (name, quantity) not in GUIDES:
                continue
            factor, first, last, offset = GUIDES[name, quantity]
            logs = np.log(theory.numbers("A")), np.log(theory.numbers(f"{quantity}_theory"))
            height = factor * float(np.exp(np.interp(np.log(first), *logs)))
            plots.plot_slope(ax, slopes[quantity], (first, height), last, offset=offset)
        ax.set_xlabel("receptive field $A_k$ (pixels)")
        ax.set_xlim(0.8, 320)
    letter(panels, ["displacement", "noise", "ratio"])
    panels[1].legend(fontsize=SMALL, loc="upper left", frameon=False, handletextpad=0.2)
    text = ";  ".join(
        f"{name}: $\\chi^2$ = {part.number('chi2'):.1f} in {part.number('directions'):.0f} "
        f"directions, p = {part.number('p_value'):.2f}"
        for name in STYLES
        for part in [table.where(network=name)]
    )
    key = "lines: theory; points: simulation with standard errors; dashed: exact exponents"
    figure.supxlabel(f"{key}\n{text}", fontsize=SMALL)
    return figure


FIGURE = Recipe("fig2_sensitivities", compute, draw, seconds=8, quick_seconds=5)

if __name__ == "__main__":
    FIGURE.main()
