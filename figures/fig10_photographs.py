"""Figure 10: sensitivity to smooth deformations of photographs, from their power spectrum.

Three networks on the torus, three deformations, and the skeletons of two published architectures,
padded with zeros and one of them with residual sums, of which the stem and the sums are shown.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import SMALL, Recipe, Table, letter, new_figure, plain_ticks
from fig11_architectures import LABELS, shown
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import scaledet as sd
from scaledet import plots

SIZE = 64
CUT, PIXELS = 3.0, 1.0
PATCHES, REPEATS, SHRINK = 1500, 4, 2
QUICK = {"size": 32, "patches": 300, "repeats": 2, "shrink": 4}
BLOCK = [sd.Layer(3), sd.Layer(3), sd.Layer(2, 2)]
NETWORKS = {
    "boxes of 2, stride 2": sd.Network.uniform(2, 2, depth=4, dim=2),
    "binomials of 3, stride 2": sd.Network.uniform([1, 2, 1], 2, depth=4, dim=2),
    "like VGG: 3, 3, pool 2": sd.Network(BLOCK * 3, dim=2),
}
STYLES: dict[str, dict[str, Any]] = {
    name: {"color": colour, "marker": marker}
    for name, colour, marker in zip(NETWORKS, plots.PALETTE, "osD", strict=False)
}
# Cut and typical displacement (pixels) of the deformations of the last panel.
DEFORMATIONS = ((3.0, 0.5), (3.0, 2.0), (8.0, 1.0))
SHADES = {
    f"$c = {cut:g}$, {pixels:g} pixel{'s' * (pixels > 1)}": {"color": colour, "marker": marker}
    for (cut, pixels), colour, marker in zip(
        DEFORMATIONS, (plots.PALETTE[3], plots.PALETTE[4], plots.PALETTE[5]), "v^p", strict=True
    )
}
PRESETS = {LABELS[name]: getattr(sd.presets, name)() for name in ("vgg16", "resnet18")}
PRESET_SIZE = 32
OUTLINES = {
    name: {"color": plots.PALETTE[place], "marker": marker}
    for name, place, marker in zip(PRESETS, (0, 3), "oP", strict=True)
}
PARTS = {"networks": STYLES, "deformations": SHADES, "presets": OUTLINES}
PICTURE = 6
"""The patch that is shown."""


def compute(quick: bool) -> Table:
    """Predict from the spectrum of the patches, and pool the deformed patches themselves."""
    size = QUICK["size"] if quick else SIZE
    repeats = QUICK["repeats"] if quick else REPEATS
    shrink = QUICK["shrink"] if quick else SHRINK
    count = QUICK["patches"] if quick else PATCHES
    cut_out = {n: sd.photographs(n, count, shrink=shrink, rng=10) for n in (size, PRESET_SIZE)}
    patches = cut_out[size]
    spectra = {n: sd.power_spectrum(images) for n, images in cut_out.items()}
    rows: list[dict[str, Any]] = []
    typical = sd.Diffeomorphism.with_displacement(size / 32, size, CUT)
    pictures = {"plain": patches[PICTURE], "deformed": typical.apply(patches[[PICTURE]], rng=4)[0]}
    for name, picture in pictures.items():
        for (row, column), value in np.ndenumerate(picture):
            rows.append({"part": name, "row": row, "column": column, "value": value})
    runs = [("networks", name, net, size, CUT, PIXELS) for name, net in NETWORKS.items()]
    for label, (cut, pixels) in zip(SHADES, DEFORMATIONS, strict=True):
        runs.append(("deformations", label, list(NETWORKS.values())[-1], size, cut, pixels))
    runs += [("presets", name, net, PRESET_SIZE, CUT, PIXELS) for name, net in PRESETS.items()]
    for seed, (part, label, net, side, cut, pixels) in enumerate(runs):
        tau = sd.Diffeomorphism.with_displacement(pixels, side, cut)
        theory = sd.predict_images(net, spectra[side], tau, size=side)
        local = sd.predict_images(net, spectra[side], tau, size=side, method="local")
        measured = sd.simulate_images(net, cut_out[side], tau, repeats=repeats, rng=100 + seed)
        layers = shown(net.names) if net.names else range(1, net.depth + 1)
        for k in (0, *layers):
            row = {"part": part, "label": label, "size": side, "cut": cut, "pixels": pixels}
            row |= {"layer": k, "A": theory.A[k], "D_theory": theory.D[k], "D_local": local.D[k]}
            row |= {"D": measured.D[k], "D_draw_err": measured.D_draw_err[k]}
            rows.append(row | {"D_err": measured.D_err[k], "patches": count})
    return Table.of(rows)


def draw(table: Table) -> Figure:
    """Photographs; D_k of networks, deformations and architectures; below, the residuals."""
    figure = new_figure(9.6, 3.9)
    grid = figure.add_gridspec(2, 4, width_ratios=[0.62, 1, 1, 1], height_ratios=[2.6, 1])
    left = grid[:, 0].subgridspec(2, 1)
    pictures = [figure.add_subplot(left[i]) for i in range(2)]
    for ax, part in zip(pictures, ("plain", "deformed"), strict=True):
        _picture(ax, table.where(part=part))
    pictures[1].set_xlabel("deformed", fontsize=9)
    curves = [figure.add_subplot(grid[0, i]) for i in (1, 2, 3)]
    ratios = [figure.add_subplot(grid[1, i], sharex=curves[i - 1]) for i in (1, 2, 3)]
    for (part, styles), ax, below in zip(PARTS.items(), curves, ratios, strict=True):
        for label, style in styles.items():
            _curve(ax, below, table.where(part=part, label=label), label, style)
        below.axhline(1, color="0.5", linewidth=0.8)
        below.set_xlabel("receptive field $A_k$ (pixels)")
        below.tick_params(labelsize=SMALL)
        plain_ticks(below, [1, 10, 100] if part == "presets" else [1, 2, 5, 10, 20])
        ax.tick_params(labelbottom=False, labelsize=SMALL)
        ax.set_ylabel("deformation sensitivity $D_k$" if part == "networks" else "")
        ax.set_xlabel("")
    numbers = table.having("D")
    theory = numbers.numbers("D_theory")
    reach = np.abs(numbers.numbers("D") - theory) + numbers.numbers("D_draw_err")
    highest = 1.1 * max(0.05, float((reach / theory).max()))
    for below in ratios:
        below.set_ylim(1 - highest, 1 + highest)
    ratios[0].set_ylabel("ratio to\nthe theory", fontsize=9)
    for ax in curves:
        ax.legend(fontsize=SMALL - 1, frameon=False, loc="lower left", handletextpad=0.2)
    letter(
        [pictures[0], *curves],
        [
            "photograph",
            f"networks at $c = {CUT:g}$, {PIXELS:g} pixel",
            "deformations, like VGG",
            f"published, {PRESET_SIZE} pixels a side",
        ],
    )
    key = [
        Line2D([], [], color="0.3", label="theory of their power spectrum"),
        Line2D([], [], color="0.3", linestyle=":", label="without gradients of the displacement"),
        Line2D(
            [], [], color="0.3", marker="o", linestyle="none", markersize=4, label="photographs"
        ),
    ]
    figure.legend(handles=key, fontsize=SMALL, frameon=False, loc="outside lower center", ncols=3)
    return figure


def _picture(ax: Axes, part: Table) -> None:
    row, column = part.numbers("row").astype(int), part.numbers("column").astype(int)
    image = np.zeros((row.max() + 1, column.max() + 1))
    image[row, column] = part.numbers("value")
    ax.imshow(image, cmap="gray")
    ax.set_xticks([])
    ax.set_yticks([])


def _curve(ax: Axes, below: Axes, rows: Table, label: str, style: dict[str, Any]) -> None:
    widths, theory = rows.numbers("A"), rows.numbers("D_theory")
    colour = style["color"]
    plots.plot_curve(widths, theory, quantity="D", ax=ax, color=colour)
    plots.plot_curve(
        widths, rows.numbers("D_local"), quantity="D", ax=ax, color=colour, linestyle=":"
    )
    plots.plot_curve(
        widths,
        rows.numbers("D"),
        rows.numbers("D_draw_err"),
        quantity="D",
        ax=ax,
        label=label,
        markersize=3.5,
        **style,
    )
    below.plot(widths, rows.numbers("D_local") / theory, color=colour, linestyle=":", linewidth=1.2)
    below.errorbar(
        widths,
        rows.numbers("D") / theory,
        rows.numbers("D_draw_err") / theory,
        linestyle="none",
        markersize=3,
        linewidth=1.2,
        capsize=1.5,
        **style,
    )


FIGURE = Recipe("fig10_photographs", compute, draw, seconds=40, quick_seconds=5)

if __name__ == "__main__":
    FIGURE.main()
