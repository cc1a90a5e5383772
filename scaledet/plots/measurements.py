"""Measured models: sensitivities layer by layer, and the power of their filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.measure.filter_spectrum import FilterSpectrum
from scaledet.measure.measurement import Measurement
from scaledet.plots.style import COLOURS, LABELS, PALETTE, Quantity, labelled_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_filter_spectrum", "plot_measurement"]

_LABELS = {quantity: label.replace("_k", "") for quantity, label in LABELS.items()}
_ROTATION = 60


def plot_measurement(
    measurement: Measurement,
    quantity: Quantity = "D",
    *,
    ax: Axes | None = None,
    **style: Any,
) -> Axes:
    """Draw a measured sensitivity layer by layer; with permuted channels, D or G of these besides.

    Parameters
    ----------
    measurement : Measurement
        What ``measure.sensitivities`` returned.
    quantity : {"D", "G", "R"}
        Sensitivity to displacements, to noise, or their ratio.
    ax : matplotlib Axes, optional
        Where to draw; default: a new figure.
    **style
        Passed to ``Axes.errorbar``.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from scaledet.measure import sensitivities
    >>> model = torch.nn.Sequential(torch.nn.AvgPool1d(2), torch.nn.AvgPool1d(2))
    >>> images = np.random.default_rng(0).random((20, 1, 16))
    >>> ax = plot_measurement(sensitivities(model, images, "shift", rng=0))
    >>> [text.get_text() for text in ax.get_xticklabels()]
    ['input', '0', '1']
    """
    if not isinstance(measurement, Measurement):
        raise ArgumentTypeError(f"measurement must be a Measurement; got {measurement!r}")
    quantity = validate.choice("quantity", quantity, tuple(_LABELS))
    ax = labelled_axes(ax, "layer", _LABELS[quantity])
    places = np.arange(len(measurement.layers))
    points: dict[str, Any] = {"color": COLOURS[quantity], "marker": "o", "markersize": 4}
    points |= {"linewidth": 1.2, "capsize": 1.5, "label": "measured"}
    values, errors = (getattr(measurement, f"{quantity}{end}") for end in ("", "_err"))
    shown = values > 0
    drawn = styled(style, **points)
    ax.errorbar(places[shown], values[shown], errors[shown], **drawn)
    if measurement.permutations and quantity != "R":
        shuffled = getattr(measurement, f"{quantity}_shuffled").mean(axis=0)
        ax.plot(places, shuffled, color=drawn["color"], linestyle="--", label="channels permuted")
        ax.legend(fontsize="small")
    ax.set_yscale("log")
    _name_layers(ax, measurement.layers)
    return ax


def plot_filter_spectrum(
    spectrum: FilterSpectrum,
    before: FilterSpectrum | None = None,
    *,
    ax: Axes | None = None,
    **style: Any,
) -> Axes:
    """Draw the share of the constant mode in the filters of every layer, before and after training.

    The dotted line is the share 1/F of independent taps.

    Parameters
    ----------
    spectrum : FilterSpectrum
        What ``measure.filter_spectrum`` returned.
    before : FilterSpectrum, optional
        The same layers before training.
    ax : matplotlib Axes, optional
        Where to draw; default: a new figure.
    **style
        Passed to ``Axes.plot``, for the points of `spectrum`.

    Examples
    --------
    >>> import torch
    >>> from scaledet.measure import filter_spectrum
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(1, 8, 3), torch.nn.Conv1d(8, 8, 3))
    >>> before = filter_spectrum(model)
    >>> _ = torch.nn.init.constant_(model[1].weight, 1.0)
    >>> ax = plot_filter_spectrum(filter_spectrum(model), before)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['independent taps', 'before training', 'after']
    """
    for name, value in (("spectrum", spectrum), ("before", before)):
        if not isinstance(value, FilterSpectrum) and (name == "spectrum" or value is not None):
            raise ArgumentTypeError(f"{name} must be a FilterSpectrum; got {value!r}")
    places = np.arange(len(spectrum.layers))
    if before is not None and (before.layers, before.kernels) != (
        spectrum.layers,
        spectrum.kernels,
    ):
        raise ArgumentError("before must have the layers and kernels of spectrum")
    ax = labelled_axes(ax, "layer", "share of the constant mode")
    ax.plot(places, 1 / spectrum.taps, color="0.4", linestyle=":", label="independent taps")
    points: dict[str, Any] = {"color": PALETTE[0], "marker": "o", "linewidth": 1.2}
    points |= {"markersize": 4, "label": "filters"}
    if before is not None:
        points["label"] = "after"
        hollow = {**points, "markerfacecolor": "white", "label": "before training"}
        ax.plot(places, before.share, **{**hollow, "color": PALETTE[1]})
    ax.plot(places, spectrum.share, **styled(style, **points))
    ax.set_ylim(0, 1.05)
    _name_layers(ax, spectrum.layers)
    ax.legend(fontsize="small")
    return ax


def _name_layers(ax: Axes, layers: Sequence[str]) -> None:
    """Name the layers on the axis, turned where they are many or long."""
    ax.set_xticks(np.arange(len(layers)), layers)
    if sum(map(len, layers)) > 40:
        ax.tick_params(axis="x", labelrotation=_ROTATION, labelsize="small")
