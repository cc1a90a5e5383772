"""Figure 11: sensitivities of published architectures, with and without blur filters at strides.

Exact predictions for one pixel in images of 224 x 224. Learned filters are boxes, max pooling is
the average over its window, zeros pad the maps. Of residual networks the stem and the sums are
shown. Boxes of odd length at stride 2 keep D_k from falling (ResNet, AlexNet), which the blur
filters mend; pooling 2 x 2 at stride 2 needs no help (VGG). AlexNet's first stride, 4, is blurred
by half only, as by Zhang (2019).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from common import SMALL, Recipe, Table, letter, new_figure
from matplotlib.figure import Figure

import scaledet as sd
from scaledet import plots

NETWORKS = ("vgg16", "alexnet", "resnet18", "resnet50")
SIZE, QUICK_SIZE = 224, 96
LABELS = {"vgg16": "VGG16", "alexnet": "AlexNet", "resnet18": "ResNet18", "resnet50": "ResNet50"}
BLURS = {"none": None, "tri3": "tri3"}
STYLES: dict[str, dict[str, Any]] = {
    "none": {"linestyle": "-", "marker": "o"},
    "tri3": {"linestyle": "--", "marker": "s", "markerfacecolor": "white"},
}


def shown(names: tuple[str, ...]) -> Iterator[int]:
    """Yield the layers that are shown: all of a chain, stem and sums of residual networks."""
    for k, name in enumerate(names, start=1):
        if not name.startswith("layer") or name.endswith(".sum"):
            yield k


def compute(quick: bool) -> Table:
    """Predict D_k and G_k of the layers that are shown."""
    rows: list[dict[str, Any]] = []
    size = QUICK_SIZE if quick else SIZE
    for name in NETWORKS[:3] if quick else NETWORKS:
        for blur, given in BLURS.items():
            net = getattr(sd.presets, name)(blur=given)
            theory = sd.predict(net, size=size)
            for k in (0, *shown(net.names or ())):
                row = {"network": name, "size": size, "blur": blur, "k": k}
                row["layer"] = net.names[k - 1] if net.names and k else "image"
                rows.append(row | {"A": theory.A[k], "D": theory.D[k], "G": theory.G[k]})
    return Table.of(rows)


def draw(table: Table) -> Figure:
    """Draw D_k and G_k against A_k: colours are networks, dashes are blur filters."""
    figure = new_figure(7.0, 3.6)
    panels = figure.subplots(1, 2)
    for colour, name in zip(plots.PALETTE, table.texts("network"), strict=False):
        for blur, style in STYLES.items():
            part = table.where(network=name, blur=blur)
            label = LABELS[name] if blur == "none" else f"{LABELS[name]}, {blur}"
            options = {"color": colour, "markersize": 3, "linewidth": 1, "label": label, **style}
            for panel, quantity in zip(panels, "DG", strict=True):
                panel.plot(part.numbers("A"), part.numbers(quantity), **options)
    letter(panels, ["displacements", "noise"])
    for panel, quantity in zip(panels, "DG", strict=True):
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xlabel("effective receptive field $A_k$ (pixels)")
        panel.set_ylabel(f"${quantity}_k$")
    panels[0].legend(fontsize=SMALL - 1, frameon=False, loc="lower left")
    return figure


FIGURE = Recipe("fig11_architectures", compute, draw, seconds=35, quick_seconds=4)

if __name__ == "__main__":
    FIGURE.main()
