"""Figure 6: negative biases suppress the noise, up to where they kill the signal.

Left: G_k for four schedules of biases; a small constant bias does harm where the signal dies.
Right: G_k at the last layer for b_k = -theta 2^-k, relative to the network without any ReLU; the
circles are simulated. On the white line both are equal (dashed: its limit for weak noise); below
the dotted line no mean of the noise survives any depth.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from common import SMALL, Recipe, Table, letter, new_figure
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import scaledet as sd
from scaledet import plots

DEPTH, SIZE = 7, 512
MAP_DEPTH, MAP_SIZE = 6, 256
REACH = (1e-3, 0.3)
"""Range of theta and of sigma in the map."""
POINTS = ((0.02, 0.06), (0.02, 0.02), (0.06, 0.06), (0.06, 0.02), (0.002, 0.02), (0.12, 0.12))
"""Pairs (theta, sigma) that are simulated."""
STYLES: dict[str, dict[str, Any]] = {
    "no bias": {"color": plots.PALETTE[1], "marker": "o"},
    "$b = -0.0038$": {"color": plots.PALETTE[3], "marker": "s"},
    "$b_k = -0.07 \\cdot 2^{-k}$": {"color": plots.PALETTE[0], "marker": "D"},
    "best: one early cut": {"color": plots.PALETTE[2], "marker": "^"},
}


def network(biases: Any) -> sd.Network:
    """Layers of box 2 at stride 2 with these biases."""
    return sd.Network([sd.Layer(2, 2, bias) for bias in biases])


def compute(quick: bool) -> Table:
    """Curves of four schedules with simulations; a map with boundaries and simulated points."""
    rows = [*_curves(quick), *_map(quick)]
    return Table.of(rows)


def _curves(quick: bool) -> list[dict[str, Any]]:
    phases = sd.bias_phases("proportional", depth=DEPTH, rectify="input")
    nets = [
        network([0] * DEPTH),
        network([-0.0038] * DEPTH),
        network(phases.biases(0.07)),
        phases.best(size=SIZE).network,
    ]
    rows = []
    for seed, (name, net) in enumerate(zip(STYLES, nets, strict=True)):
        theory = sd.evolve(net, size=SIZE, rectify="input")
        measured = sd.simulate(net, size=SIZE, samples=600 if quick else 100_000, rng=6100 + seed)
        rows += [
            {
                "part": "curve",
                "schedule": name,
                "layer": k,
                "A": theory.A[k],
                "bias": 0.0 if k == 0 else float(net.layers[k - 1].bias),
                "G_theory": theory.G[k],
                "G_theory_err": theory.G_err[k],
                "G": measured.G[k],
                "G_err": measured.G_err[k],
            }
            for k in range(DEPTH + 1)
        ]
    return rows


def _map(quick: bool) -> list[dict[str, Any]]:
    phases = sd.bias_phases("proportional", depth=MAP_DEPTH, rectify="input")
    bounds = {
        "dead": float(phases.signal),
        "ratio": sum(phases.noise) / 2,
        "critical": sum(phases.critical) / 2,
    }
    rows: list[dict[str, Any]] = []
    strengths = np.geomspace(*REACH, 9 if quick else 29)
    alive = strengths[strengths < 0.7 * float(phases.signal)]
    close = float(phases.signal) * np.array([0.7, 0.8, 0.86, 0.9, 0.93, 0.96, 0.98, 0.999])
    for theta in [*alive, *close]:
        for sigma in strengths:
            evolution = phases.evolve(theta, size=MAP_SIZE, sigma=sigma, points=300)
            rows.append(
                {
                    "part": "map",
                    "theta": theta,
                    "sigma": sigma,
                    "relative": evolution.G[-1] / _linear(sigma),
                    **bounds,
                }
            )
    for seed, (theta, sigma) in enumerate(POINTS):
        theory = phases.evolve(theta, size=MAP_SIZE, sigma=sigma)
        measured = sd.simulate(
            network(phases.biases(theta)),
            size=MAP_SIZE,
            sigma=sigma,
            samples=600 if quick else 100_000,
            rng=6200 + seed,
        )
        linear = _linear(sigma)
        rows.append(
            {
                "part": "point",
                "theta": theta,
                "sigma": sigma,
                "relative": theory.G[-1] / linear,
                "simulated": measured.G[-1] / linear,
                "simulated_err": measured.G_err[-1] / linear,
            }
        )
    return rows


def _linear(sigma: float) -> float:
    """G_k of the same network without any ReLU."""
    return float(MAP_SIZE * sigma**2 / 2 / (1 - 2**MAP_DEPTH / MAP_SIZE))


def draw(table: Table) -> Figure:
    """Curves on the left, the map on the right."""
    figure = new_figure(7.4, 3.4)
    panels = figure.subplots(1, 2, width_ratios=[1, 1.12])
    _draw_curves(table.where(part="curve"), panels[0])
    _draw_map(table, panels[1], figure)
    letter(
        panels,
        [f"four schedules, $N = {SIZE}$", f"$b_k = -\\theta\\, 2^{{-k}}$, {MAP_DEPTH} layers"],
    )
    return figure


def _draw_curves(table: Table, ax: Axes) -> None:
    for name, style in STYLES.items():
        part = table.where(schedule=name)
        A = part.numbers("A")
        plots.plot_curve(
            A, part.numbers("G_theory"), quantity="G", ax=ax, color=style["color"], label=name
        )
        plots.plot_curve(A, part.numbers("G"), part.numbers("G_err"), quantity="G", ax=ax, **style)
    ax.plot([], [], color="0.3", marker="o", markersize=4, linestyle="none", label="simulation")
    ax.set_ylim(1e-3, 3e4)
    ax.legend(fontsize=SMALL, frameon=False, loc="upper left", ncols=1)


def _draw_map(table: Table, ax: Axes, figure: Figure) -> None:
    part = table.where(part="map")
    theta, sigma = np.unique(part.numbers("theta")), np.unique(part.numbers("sigma"))
    surface = np.log10(part.numbers("relative").reshape(len(theta), len(sigma)).T)
    colours: dict[str, Any] = {"cmap": "cividis", "vmin": -3, "vmax": 1.5}
    mesh = ax.pcolormesh(theta, sigma, surface, shading="gouraud", rasterized=True, **colours)
    ax.contour(theta, sigma, surface, levels=[0], colors="white", linewidths=1.6)
    dead, ratio = part.number("dead"), part.number("ratio")
    ends = np.array([REACH[0], dead])
    ax.plot(ends, ends / ratio, color="white", linewidth=1.1, linestyle="--")
    ax.plot(ends, ends / part.number("critical"), color="black", linewidth=1.1, linestyle=":")
    ax.axvspan(dead, REACH[1], color="0.85", linewidth=0)
    ax.axvline(dead, color="0.3", linewidth=1.2)
    points = table.where(part="point")
    measured = np.log10(points.numbers("simulated"))
    ax.scatter(
        points.numbers("theta"),
        points.numbers("sigma"),
        c=measured,
        s=34,
        edgecolors="white",
        linewidths=0.9,
        zorder=4,
        **colours,
    )
    ax.set(xscale="log", yscale="log", xlim=REACH, ylim=REACH)
    ax.set(xlabel="strength of the biases $\\theta$", ylabel="noise per pixel $\\sigma$")
    text: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": SMALL + 1}
    middle = math.sqrt(dead * REACH[1])
    ax.text(middle, 0.017, "signal dead", rotation=90, color="0.2", **text)
    ax.text(0.005, 0.1, "noise piles up", color="black", **text)
    ax.text(0.03, 0.003, "noise suppressed", color="white", **text)
    text |= {"fontsize": SMALL, "rotation": 43}
    ax.text(0.0042, 0.0138, "weak noise", color="black", **text)
    ax.text(0.0042, 0.0038, "critical", color="white", **text)
    bar = figure.colorbar(mesh, ax=ax, pad=0.02, extend="both")
    bar.set_label("$\\log_{10}$ of $G_k$ over its value without ReLU", fontsize=SMALL + 1)


FIGURE = Recipe("fig6_bias", compute, draw, seconds=20, quick_seconds=6)

if __name__ == "__main__":
    FIGURE.main()
