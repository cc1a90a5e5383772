"""Figure 1: two active pixels seen through the layers, at stride 1 and at stride = kernel.

Box kernels of length 2. Without stride A_k^2 = 1 + 3 k, so layers 1, 5, 21 and 85 have the
receptive fields 2, 4, 8 and 16 of layers 1 to 4 with stride 2: rows side by side see equally far.
"""

from __future__ import annotations

from itertools import count

import numpy as np
from common import SMALL, Recipe, Table, letter, new_figure
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

import scaledet as sd
from scaledet.network.pooling import apply_layer

PIXELS: dict[int, list[tuple[int, ...]]] = {1: [(20,), (33,)], 2: [(9, 11), (18, 17)]}
SIDE = {1: 64, 2: 32}
SHOWN = {
    (1, 1): [0, 1, 5, 21, 85],
    (1, 2): [0, 1, 2, 3, 4],
    (2, 1): [0, 1, 5, 21],
    (2, 2): [0, 1, 2, 3],
}


def compute(quick: bool) -> Table:
    """Pool one image layer by layer; a row of the table is one pixel of one representation."""
    del quick  # it takes no time
    rows = []
    for (dim, stride), shown in SHOWN.items():
        net = sd.Network.uniform(kernel=2, stride=stride, depth=shown[-1], dim=dim)
        image = np.zeros((1, *(SIDE[dim],) * dim))
        for pixel in PIXELS[dim]:
            image[0, *pixel] = 1.0
        for k in count():
            if k in shown:
                # Unit i sees the pixels from S_k i on: draw it at the middle of what it sees.
                shift = (net.support[k] - net.strides[k]) // 2
                seen = np.roll(image[0], shift, axis=tuple(range(dim)))
                rows += [
                    {
                        "dim": dim,
                        "stride": stride,
                        "layer": k,
                        "A": net.box_width[k],
                        "row": place[0] if dim == 2 else 0,
                        "column": place[-1],
                        "value": value,
                    }
                    for place, value in np.ndenumerate(seen)
                ]
            if k == net.depth:
                break
            image = apply_layer(image, net.layers[k], rectify=True)
    return Table.of(rows)


def _representation(part: Table) -> NDArray[np.float64]:
    row, column = part.numbers("row").astype(int), part.numbers("column").astype(int)
    image = np.zeros((row.max() + 1, column.max() + 1))
    image[row, column] = part.numbers("value")
    return image


def _frame(ax: Axes, left: float, top: float, width: float, height: float) -> None:
    x, y = np.array([0, 1, 1, 0, 0]), np.array([0, 0, 1, 1, 0])
    ax.plot(left + width * x, top + height * y, color="0.55", linewidth=0.6)


def _strip(ax: Axes, part: Table, dim: int) -> None:
    """Draw every representation at the size of the image, divided by its own maximum."""
    labels, centres = [], []
    side = SIDE[dim]
    for index, layer in enumerate(part.texts("layer")):
        chosen = part.where(layer=layer)
        image = _representation(chosen)
        left, top = (0.0, index + 0.1) if dim == 1 else (index * 1.1 * side, 0.0)
        height = 0.8 if dim == 1 else side
        across = left + np.linspace(0, side, image.shape[1] + 1)
        down = top + np.linspace(0, height, image.shape[0] + 1)
        ax.pcolormesh(across, down, image / image.max(), cmap="Blues", vmin=0, vmax=1)
        _frame(ax, left, top, side, height)
        labels.append(f"$k = {layer}$\n$A_k = {chosen.number('A'):.0f}$")
        centres.append(top + height / 2 if dim == 1 else left + side / 2)
    ax.invert_yaxis()
    ax.tick_params(length=0, labelsize=SMALL)
    ax.spines[:].set_visible(False)
    if dim == 1:
        ax.set_yticks(centres, labels)
        ax.set_xticks(range(0, side + 1, 16))
        ax.set_xlabel("position (pixels)", fontsize=9)
    else:
        ax.set_aspect("equal")
        ax.set_yticks([])
        ax.set_xticks(centres, labels)


def draw(table: Table) -> Figure:
    """One column per stride; one-dimensional image above, two-dimensional below."""
    figure = new_figure(7.0, 4.6)
    panels = figure.subplots(2, 2, height_ratios=[1.6, 1])
    for dim, row in zip((1, 2), panels, strict=True):
        for stride, ax in zip((1, 2), row, strict=True):
            _strip(ax, table.where(dim=dim, stride=stride), dim)
    letter(
        panels.flat,
        [
            "box 2, stride 1, $d = 1$",
            "box 2, stride 2, $d = 1$",
            "box 2, stride 1, $d = 2$",
            "box 2, stride 2, $d = 2$",
        ],
    )
    bar = figure.colorbar(panels[0, 0].collections[0], ax=panels, shrink=0.6, aspect=30, pad=0.02)
    bar.set_label("value / maximum of the layer", fontsize=9)
    bar.ax.tick_params(labelsize=SMALL)
    return figure


FIGURE = Recipe("fig1_images", compute, draw, seconds=2, quick_seconds=2)

if __name__ == "__main__":
    FIGURE.main()
