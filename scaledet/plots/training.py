"""Trainings: loss and errors by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scaledet.errors import ArgumentTypeError
from scaledet.plots.style import PALETTE, counting_axes, styled
from scaledet.train.result import Training

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_training"]

_SHOWN = {"loss": "loss", "train_error": "train error", "validation_error": "validation error"}


def plot_training(training: Training, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw loss and errors of a training by epoch, and a line at the first epoch without loss.

    Parameters
    ----------
    training : Training
        What ``train.train`` returned.
    ax : matplotlib Axes, optional
        Where to draw; default: a new figure.
    **style
        Passed to ``Axes.plot``, for all lines.

    Examples
    --------
    >>> import scaledet as sd
    >>> data = sd.train.task_data(sd.ScaleDetection(size=16, xi=4, gap=1), train=16, rng=0,
    ...                           validation=8, test=0)
    >>> recipe = sd.train.Recipe(learning_rate=0.2, batch_size=8, epochs=2)
    >>> training = sd.train.train(sd.train.ring_net(2, channels=4, rng=0), data, recipe, rng=0)
    >>> [line.get_label() for line in plot_training(training).lines]
    ['loss', 'train error', 'validation error']
    """
    if not isinstance(training, Training):
        raise ArgumentTypeError(f"training must be a Training; got {training!r}")
    ax = counting_axes(ax, "epoch", "loss, and error (part of images)")
    columns = training.columns()
    for colour, (name, label) in zip(PALETTE, _SHOWN.items(), strict=False):
        if name in columns:
            line: dict[str, Any] = {"color": colour, "linewidth": 1.2, "label": label}
            ax.plot(columns["epoch"], columns[name], **styled(style, **line))
    if training.epoch_of_zero_loss is not None:
        ax.axvline(training.epoch_of_zero_loss, color="0.4", linestyle=":", label="zero loss")
    ax.set_ylim(bottom=0)
    ax.legend(fontsize="small")
    return ax
