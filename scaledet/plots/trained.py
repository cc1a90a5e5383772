"""A trained network's response to displacements: measured points, predicted lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet.analysis.trained_prediction import TrainedPrediction
from scaledet.errors import ArgumentTypeError
from scaledet.plots.style import COLOURS, LABELS, PALETTE, labelled_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_trained"]

_LINES = {
    "before": ("independent taps", ":"),
    "independent": ("independent channels", "--"),
    "coherent": ("with mean filters", "-."),
    "linear": ("all filters, no ReLU", (0, (1, 1))),
    "box": ("boxes", "-"),
}
"""How theories are called, and how they are drawn."""


def plot_trained(prediction: TrainedPrediction, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw D of a trained network against the receptive field: measured, permuted, predicted.

    Where a prediction is 0 or not defined, it has no point.

    Parameters
    ----------
    prediction : TrainedPrediction
        What `predict_trained` returned.
    ax : matplotlib Axes, optional
        Where to draw; default: a new figure.
    **style
        Passed to ``Axes.errorbar``, for the measured points.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from scaledet import predict_trained
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(1, 8, 3), torch.nn.ReLU())
    >>> images = np.random.default_rng(0).random((20, 1, 16))
    >>> ax = plot_trained(predict_trained(model, images, displacement="shift", rng=0))
    >>> [text.get_text() for text in ax.get_legend().get_texts()][-2:]
    ['boxes', 'measured']
    """
    if not isinstance(prediction, TrainedPrediction):
        raise ArgumentTypeError(f"prediction must be a TrainedPrediction; got {prediction!r}")
    ax = labelled_axes(ax, "effective receptive field $A_k$ (pixels)", LABELS["D"])
    A = prediction.A
    for number, (theory, (label, line)) in enumerate(_LINES.items(), start=1):
        if theory in prediction.theories:
            values = getattr(prediction, f"D_{theory}")
            some = np.array([bool(D) for D in values])
            how: dict[str, Any] = {"linestyle": line, "color": PALETTE[number], "linewidth": 1.2}
            ax.plot(A[some], [D for D in values if D], label=label, **how)
    points: dict[str, Any] = {
        "color": COLOURS["D"],
        "marker": "o",
        "markersize": 4,
        "linestyle": "none",
    }
    if len(prediction.D_shuffled):
        hollow = {**points, "markerfacecolor": "white", "label": "channels permuted"}
        ax.plot(A, prediction.D_shuffled, **hollow)
    shown = prediction.D > 0
    drawn = styled(style, **points, capsize=1.5, label="measured")
    ax.errorbar(A[shown], prediction.D[shown], prediction.D_err[shown], **drawn)
    ax.set(xscale="log", yscale="log")
    ax.legend(fontsize="small")
    return ax
