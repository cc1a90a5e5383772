"""Filters: how their sensitivities fall from layer to layer, and the weights of designed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet.analysis.filter_comparison import FilterComparison
from scaledet.analysis.filter_design import FilterDesign
from scaledet.errors import ArgumentTypeError
from scaledet.plots.style import LABELS, PALETTE, counting_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_design", "plot_filters"]

_MARKERS = "os^Dv<>"


def plot_filters(comparison: FilterComparison, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw D_k of compared filters layer by layer, and the plateaus that they tend to (dotted).

    Parameters
    ----------
    comparison : FilterComparison
        What ``compare_filters`` returned.
    ax : matplotlib Axes, optional
        Where to draw; default: a new figure.
    **style
        Passed to ``Axes.plot``, for the lines of all filters.

    Examples
    --------
    >>> from scaledet import compare_filters
    >>> ax = plot_filters(compare_filters(stride=2, depth=4))
    >>> ax.get_legend_handles_labels()[1][1]
    'box2: alpha = 1'
    """
    if not isinstance(comparison, FilterComparison):
        raise ArgumentTypeError(f"comparison must be a FilterComparison; got {comparison!r}")
    ax = counting_axes(ax, "layer $k$", LABELS["D"])
    layers = np.arange(comparison.depth + 1)
    for place, (name, facts) in enumerate(comparison.filters.items()):
        law = facts.alpha if isinstance(facts.alpha, str) else f"alpha = {float(facts.alpha):.4g}"
        drawn: dict[str, Any] = {"color": PALETTE[place % len(PALETTE)], "markersize": 4}
        drawn |= {"marker": _MARKERS[place % len(_MARKERS)], "linewidth": 1.2}
        drawn = styled(style, **drawn, label=f"{name}: {law}")
        ax.plot(layers, comparison.D[place], **drawn)
        if facts.plateau_depth:
            ax.axhline(float(facts.plateau), color=drawn["color"], linestyle=":", linewidth=0.9)
    ax.set_yscale("log")
    ax.legend(fontsize="small")
    return ax


def plot_design(design: FilterDesign, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the weights of a designed filter: the optimum as a line, the rational one as points.

    Parameters
    ----------
    design, ax, **style
        What ``design_filter`` returned; the others as in ``plot_filters``, for the points.

    Examples
    --------
    >>> from scaledet import design_filter
    >>> plot_design(design_filter(3, 2)).lines[1].get_ydata().round(3).tolist()
    [0.286, 0.429, 0.286]
    """
    if not isinstance(design, FilterDesign):
        raise ArgumentTypeError(f"design must be a FilterDesign; got {design!r}")
    ax = counting_axes(ax, "pixel $j$", "weight $a_j$")
    pixels = np.arange(design.length)
    ax.plot(pixels, design.optimum, color="0.6", linewidth=1.0, label="optimum")
    whole = design.kernel.integers
    points: dict[str, Any] = {"color": PALETTE[0], "linestyle": "none", "marker": "o"}
    points |= {"markersize": 4, "label": f"{list(whole)}/{sum(whole)}"}
    ax.plot(np.arange(len(whole)), np.array(whole) / sum(whole), **styled(style, **points))
    ax.set_ylim(bottom=0)
    ax.legend(fontsize="small")
    return ax
