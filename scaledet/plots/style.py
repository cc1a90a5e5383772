"""Axes, colours and line styles that all plots share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from scaledet.errors import ArgumentTypeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "LABELS", "PALETTE", "Quantity", "counting_axes", "labelled_axes", "styled"]

Quantity = Literal["D", "G", "R"]

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours that colour-blind readers tell apart (Okabe and Ito)."""
COLOURS = dict(zip("DGRQ", PALETTE, strict=False))
LABELS = {
    "D": "displacement sensitivity $D_k$",
    "G": "noise sensitivity $G_k$",
    "R": "relative sensitivity $R_k = D_k / G_k$",
}
"""What an axis says of a sensitivity of layer k."""


def labelled_axes(ax: Any, x: str, y: str, required: bool = False) -> Axes:
    """Return `ax` or new axes, labelled unless the caller has."""
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    if ax is None and not required:
        ax = Figure(layout="constrained").add_subplot()
    if not isinstance(ax, Axes):
        raise ArgumentTypeError(
            f"ax must be a matplotlib Axes{'' if required else ' or None'}; got {ax!r}"
        )
    ax.set(xlabel=ax.get_xlabel() or x, ylabel=ax.get_ylabel() or y)
    return ax


def counting_axes(ax: Any, x: str, y: str) -> Axes:
    """Return `labelled_axes` on whose x axis whole numbers stand."""
    from matplotlib.ticker import MaxNLocator

    labelled = labelled_axes(ax, x, y)
    labelled.xaxis.set_major_locator(MaxNLocator(integer=True))
    return labelled


def styled(style: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """Override the defaults by the caller's style, its short names spelled out."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    return {**defaults, **normalize_kwargs(style, Line2D)}
