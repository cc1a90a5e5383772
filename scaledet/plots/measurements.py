"""Measured models: sensitivities layer by layer, and the power of their filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.measure.filter_spectrum import FilterSpectrum
from scaledet.measure.measurement import Measurement
from scaledet.plots.style import COLOURS, LABELS, PALETTE, Quantity, labelled_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["plot_filter_spectrum", "plot_measurement"]

_LABELS = {quantity: label.replace("_k", "") for quantity, label in LABELS.items()}
_ROTATION = 60
_SPREAD = 0.7
"""Part of the distance between two layers that the modes of a layer take."""


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
    modes: Literal["constant", "all"] = "constant",
    ax: Axes | None = None,
    **style: Any,
) -> Axes:
    """Draw the power of the filters of every layer by modes, before and after training.

    The dotted line is the share 1/F of independent taps, the same in every mode.

    Parameters
    ----------
    spectrum : FilterSpectrum
        What ``measure.filter_spectrum`` returned.
    before : FilterSpectrum, optional
        The same layers before training.
    modes : {"constant", "all"}
        The share of the constant mode, or the shares of all modes of the grid Laplacian, side by
        side at every layer, the constant mode first.
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
    >>> ax = plot_filter_spectrum(filter_spectrum(model), before, modes="all")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['independent taps', 'before training', 'after']
    """
    for name, value in (("spectrum", spectrum), ("before", before)):
        if not isinstance(value, FilterSpectrum) and (name == "spectrum" or value is not None):
            raise ArgumentTypeError(f"{name} must be a FilterSpectrum; got {value!r}")
    modes = validate.choice("modes", modes, ("constant", "all"))
    if before is not None and (before.layers, before.kernels) != (
        spectrum.layers,
        spectrum.kernels,
    ):
        raise ArgumentError("before must have the layers and kernels of spectrum")
    independent = [np.full(taps, 1 / taps) for taps in spectrum.taps]
    if modes == "all":
        ax = labelled_axes(ax, "layer, its modes from slow to fast", "share of the mode")
    else:
        ax = labelled_axes(ax, "layer", "share of the constant mode")
    ax.plot(*_points(independent, modes), color="0.4", linestyle=":", label="independent taps")
    points: dict[str, Any] = {"color": PALETTE[0], "marker": "o", "linewidth": 1.2}
    points |= {"markersize": 4, "label": "filters"}
    if before is not None:
        points["label"] = "after"
        hollow = {**points, "markerfacecolor": "white", "label": "before training"}
        ax.plot(*_points(before.shares, modes), **{**hollow, "color": PALETTE[1]})
    ax.plot(*_points(spectrum.shares, modes), **styled(style, **points))
    ax.set_ylim(0, 1.18)  # Room for the legend: shares end at 1.
    ax.set_yticks(np.linspace(0, 1, 6))
    _name_layers(ax, spectrum.layers)
    ax.legend(fontsize="small", loc="upper center", ncols=3, columnspacing=1.0)
    return ax


def _points(
    shares: Sequence[NDArray[np.float64]], modes: Literal["constant", "all"]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the shares of the layers are drawn; nan parts the lines of two layers."""
    if modes == "constant":
        return np.arange(len(shares), dtype=float), np.array([layer[0] for layer in shares])
    places, heights = [], []
    for layer, values in enumerate(shares):
        count = len(values)
        places += [*(layer + _SPREAD * ((np.arange(count) + 0.5) / count - 0.5)), layer]
        heights += [*values, np.nan]
    return np.array(places[:-1]), np.array(heights[:-1])


def _name_layers(ax: Axes, layers: Sequence[str]) -> None:
    """Name the layers on the axis, turned where they are many or long."""
    ax.set_xticks(np.arange(len(layers)), layers)
    if sum(map(len, layers)) > 40:
        ax.tick_params(axis="x", labelrotation=_ROTATION, labelsize="small")
