"""A trained network's response to displacements: measured points, predicted lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scaledet.analysis.trained_prediction import TrainedPrediction
from scaledet.errors import ArgumentTypeError
from scaledet.plots.curves import plot_curve
from scaledet.plots.style import PALETTE

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

    Where a prediction is 0 or not defined, a text in the Axes says so.

    Parameters
    ----------
    prediction : TrainedPrediction
        What `predict_trained` returned.
    ax : matplotlib Axes, optional
        Where to draw; default: a new figure.
    **style
        Passed to `plot_curve`, for the measured points.

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
    for colour, (theory, (label, line)) in zip(PALETTE[1:], _LINES.items(), strict=False):
        if theory in prediction.theories:
            values = [D or 0.0 for D in getattr(prediction, f"D_{theory}")]
            how: dict[str, Any] = {
                "linestyle": line,
                "color": colour,
                "linewidth": 1.2,
                "label": label,
            }
            ax = plot_curve(prediction.A, values, ax=ax, **how)
    if len(prediction.D_shuffled):
        how = {"marker": "o", "linestyle": "none", "markersize": 4, "markerfacecolor": "white"}
        ax = plot_curve(
            prediction.A, prediction.D_shuffled, ax=ax, label="channels permuted", **how
        )
    measured = {"label": "measured", **style}
    ax = plot_curve(prediction.A, prediction.D, prediction.D_err, ax=ax, **measured)
    ax.legend(fontsize="small", loc="lower left", bbox_to_anchor=(0, 0.04))  # D falls.
    return ax
