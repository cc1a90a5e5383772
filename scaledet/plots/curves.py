"""Sensitivities and exponents against the receptive field, biases, deviations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet import validate
from scaledet.analysis.comparison import Comparison
from scaledet.analysis.fitting import local_exponents
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.evolution.evolve import Evolution
from scaledet.evolution.schedules import BiasPhases
from scaledet.plots.style import (
    COLOURS,
    LABELS,
    PALETTE,
    Quantity,
    counting_axes,
    labelled_axes,
    styled,
)
from scaledet.simulation.result import Simulation
from scaledet.theory.prediction import Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = [
    "plot_comparison",
    "plot_curve",
    "plot_local_exponents",
    "plot_phases",
    "plot_sensitivity",
    "plot_slope",
]

_WIDTH_LABEL = "effective receptive field $A_k$ (pixels)"
# Marks the texts that say what was left out of a plot, so that they stand below one another.
_LEFT_OUT = "left out"
_NAMED = 4


def plot_curve(
    A: Any,
    values: Any,
    errors: Any = None,
    *,
    quantity: Quantity = "D",
    ax: Axes | None = None,
    **style: Any,
) -> Axes:
    """Draw a sensitivity against the receptive field, both logarithmic.

    Parameters
    ----------
    A, values : array_like, shape [n]
        Receptive fields (pixels), positive, and sensitivities (dimensionless). Values that are
        zero, negative or infinite are left out, and a text in the Axes says so.
    errors : array_like, shape [n], optional
        Standard errors, for points with error bars; without them a line.
    quantity : {"D", "G", "R"}
        Names the axis and picks the colour.
    ax : matplotlib Axes, optional
        Where to draw; default: a new figure.
    **style
        Passed to ``Axes.plot`` or ``Axes.errorbar``.

    Examples
    --------
    >>> ax = plot_curve([1, 2, 4], [1.0, 0.5, 0.25], errors=[0.1, 0.05, 0.02], color="black")
    >>> ax.get_xscale(), ax.get_ylabel()
    ('log', 'displacement sensitivity $D_k$')
    """
    quantity = validate.choice("quantity", quantity, tuple(LABELS))
    widths = validate.vector("A", A)
    heights, shown = _showable(values, len(widths))
    bars = None
    if errors is not None:
        bars = validate.floats("errors", errors, "an array of numbers")
        if bars.shape == shown.shape:
            bars = np.where(shown, bars, 0.0)
        bars = validate.vector("errors", bars, zero=True, length=len(widths))[shown]
    ax = labelled_axes(ax, _WIDTH_LABEL, LABELS[quantity])
    ax.set(xscale="log", yscale="log")
    lines = {"color": COLOURS[quantity], "linewidth": 1.3}
    points = {"color": COLOURS[quantity], "linestyle": "none", "marker": "o", "zorder": 3}
    points |= {"markersize": 4, "capsize": 1.5}
    style = styled(style, **(lines if bars is None else points))
    if bars is None:
        ax.plot(widths[shown], heights[shown], **style)
    else:
        ax.errorbar(widths[shown], heights[shown], bars, **style)
    _say_left_out(ax, widths[~shown], style)
    return ax


def plot_sensitivity(
    result: Prediction | Evolution | Simulation,
    quantity: Quantity = "D",
    *,
    layers: Sequence[int] | None = None,
    ax: Axes | None = None,
    **style: Any,
) -> Axes:
    """Draw a sensitivity of a prediction (line) or of a simulation (points with error bars).

    Parameters
    ----------
    result : Prediction, Evolution or Simulation
        What ``predict``, ``evolve`` or ``simulate`` returned.
    quantity : {"D", "G", "R"}
        Sensitivity to displacements, to noise, or their ratio.
    layers : sequence of int, optional
        Layers to draw, 0 to the last that sees the active pixel; default all.
    ax, **style
        As in ``plot_curve``.

    Examples
    --------
    >>> from scaledet import Network, predict, simulate
    >>> net = Network.uniform(kernel=2, stride=2, depth=3)
    >>> ax = plot_sensitivity(predict(net, size=64))
    >>> ax = plot_sensitivity(simulate(net, size=64, samples=100, rng=0), ax=ax)
    >>> len(ax.lines[0].get_xdata()), len(ax.containers)
    (4, 1)
    """
    if not isinstance(result, Prediction | Evolution | Simulation):
        raise ArgumentTypeError(
            f"result must be a Prediction, an Evolution or a Simulation; got {result!r}"
        )
    quantity = validate.choice("quantity", quantity, tuple(LABELS))
    depth = len(result.D) - 1
    layers = range(depth + 1) if layers is None else layers
    if not np.iterable(layers):
        raise ArgumentTypeError(
            f"layers must be a sequence of integers in [0, {depth}]; got {layers!r}"
        )
    chosen = [validate.integer(f"layers[{i}]", k, 0, depth) for i, k in enumerate(layers)]
    simulated = isinstance(result, Simulation)
    style = {"label": "simulation" if simulated else "theory", **style}
    errors = getattr(result, f"{quantity}_err")[chosen] if simulated else None
    values = getattr(result, quantity)[chosen]
    return plot_curve(result.A[chosen], values, errors, quantity=quantity, ax=ax, **style)


def plot_comparison(comparison: Comparison, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw how many standard errors simulation and theory are apart, layer by layer.

    The band is +-2 standard errors. Layers share their noise: judge by the p-value in the title.

    Parameters
    ----------
    comparison, ax, **style
        What ``compare`` returned; the others as in ``plot_curve``.

    Examples
    --------
    >>> from scaledet import Network, compare, predict, simulate
    >>> net = Network.uniform(kernel=2, stride=2, depth=3)
    >>> done = compare(predict(net, size=64), simulate(net, size=64, samples=400, rng=0))
    >>> plot_comparison(done).get_xlabel()
    'layer $k$'
    """
    if not isinstance(comparison, Comparison):
        raise ArgumentTypeError(f"comparison must be a Comparison; got {comparison!r}")
    ax = counting_axes(ax, "layer $k$", "(simulation - theory) / standard error")
    ax.axhspan(-2, 2, color="0.9", linewidth=0, zorder=0)
    for quantity, marker, pulls in zip("DGQ", "os^", comparison.pulls, strict=True):
        points = {"linestyle": "none", "marker": marker, "markersize": 4}
        points |= {"color": COLOURS[quantity], "label": f"${quantity}_k$"}
        ax.plot(np.arange(len(pulls)), pulls, **styled(style, **points))
    reach = max(3.0, 1.1 * float(np.abs(comparison.pulls).max()))
    ax.set(ylim=(-reach, reach))
    chi2 = f"$\\chi^2$ = {comparison.chi2:.1f} in {comparison.dof[0]} directions"
    ax.set_title(f"{chi2}, p = {comparison.p_value:.2g}", fontsize="medium")
    ax.legend()
    return ax


def plot_phases(phases: BiasPhases, *, ax: Axes | None = None, **style: Any) -> Axes:
    r"""Draw at which strength theta of a schedule the signal dies, and which noise is suppressed.

    The line of the noise is that of weak noise, straight; see ``BiasPhases.phase`` for any noise.

    Parameters
    ----------
    phases, ax, **style
        What ``bias_phases`` returned; the others as in ``plot_curve``, for the line.

    Examples
    --------
    >>> from scaledet import bias_phases
    >>> plot_phases(bias_phases(depth=3)).get_xlabel()
    'strength of the biases $\\theta$'
    """
    if not isinstance(phases, BiasPhases):
        raise ArgumentTypeError(f"phases must be a BiasPhases; got {phases!r}")
    ax = labelled_axes(ax, "strength of the biases $\\theta$", "noise per pixel $\\sigma$")
    dead, ratio = float(phases.signal), sum(phases.noise) / 2
    ends = np.array([dead / 100, dead])
    heights = ends / ratio if ratio else ends
    ax.set(
        xscale="log", yscale="log", xlim=(ends[0], 2 * dead), ylim=(heights[0] / 3, heights[1] * 3)
    )
    ax.axvspan(dead, 2 * dead, color="0.85", linewidth=0, label="signal dead")
    if ratio:
        label = "below: noise suppressed"
        ax.plot(ends, heights, **styled(style, label=label, color=PALETTE[0], linewidth=1.3))
    quiet = "" if ratio else ": weak noise is suppressed without them"
    ax.set_title(f"{phases.kind} biases, {phases.depth} layers{quiet}", fontsize="medium")
    ax.legend(fontsize="small", loc="upper left")
    return ax


def plot_local_exponents(A: Any, values: Any, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the slopes between neighbouring layers at the geometric means of their A.

    Parameters
    ----------
    A, values, ax, **style
        As in ``plot_curve``; A strictly increasing. A value that is left out takes the slopes on
        both its sides along.

    Examples
    --------
    >>> plot_local_exponents([1, 4, 16], [1.0, 4.0, 64.0]).lines[0].get_xydata().round(9)
    array([[2., 1.],
           [8., 2.]])
    """
    widths = validate.vector("A", A)
    heights, shown = _showable(values, len(widths))
    slopes = local_exponents(widths, np.where(shown, heights, 1.0))
    ax = labelled_axes(ax, _WIDTH_LABEL, "local exponent")
    ax.set_xscale("log")
    middle = np.sqrt(widths[1:]) * np.sqrt(widths[:-1])
    pairs = shown[1:] & shown[:-1]
    style = styled(style, color=PALETTE[0], linewidth=1.3)
    ax.plot(middle[pairs], slopes[pairs], **style)
    _say_left_out(ax, widths[~shown], style)
    return ax


def plot_slope(
    ax: Axes,
    exponent: Any,
    start: tuple[float, float],
    end: float,
    *,
    label: str | None = None,
    offset: tuple[float, float] = (0.0, 7.0),
    **style: Any,
) -> Axes:
    """Draw a guide line, a power law of the given exponent, with its label at the middle.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw; logarithmic axes make the law straight.
    exponent : real or SymPy number
        Slope in log-log coordinates.
    start, end : (A, value) and float
        First point of the line and last A (pixels), all > 0.
    label : str, optional
        Default: the exponent to four digits; "" for none.
    offset : (float, float)
        Of the label from the middle of the line (typographical points).
    **style
        Passed to ``Axes.plot``.

    Examples
    --------
    >>> ax = plot_slope(plot_curve([1, 2, 4], [1.0, 0.5, 0.25]), -1, start=(1, 1), end=4)
    >>> ax.lines[1].get_ydata().tolist(), ax.texts[0].get_text()
    ([1.0, 0.5, 0.25], '$-1$')
    """
    number = getattr(exponent, "is_number", False)  # a SymPy number, not a symbol
    slope = validate.real("exponent", float(exponent) if number else exponent)
    first, height = validate.vector("start", start, length=2)
    ratio = validate.real("end", end, positive=True) / first
    ax = labelled_axes(ax, "", "", required=True)
    factors = ratio ** np.array([0, 0.5, 1])
    x, y = first * factors, height * factors**slope
    style = styled(style, color="0.35", linewidth=1.0, linestyle="--")
    ax.plot(x, y, **style)
    text = f"${slope:.4g}$" if label is None else label
    place: dict[str, Any] = {"xytext": offset, "textcoords": "offset points"}
    ax.annotate(text, (x[1], y[1]), color=style["color"], ha="center", va="center", **place)
    return ax


def _showable(values: Any, length: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the values, and which of them have a place on a logarithmic axis."""
    accepted = f"{length} numbers"
    heights = validate.floats("values", values, accepted)
    if heights.shape != (length,):
        raise ArgumentError(f"values must be {accepted}; got shape {heights.shape}")
    if np.isnan(heights).any():
        index = int(np.argmax(np.isnan(heights)))
        raise ArgumentError(f"values must be {accepted}; got values[{index}] = nan")
    return heights, (heights > 0) & np.isfinite(heights)


def _say_left_out(ax: Axes, widths: NDArray[np.float64], style: dict[str, Any]) -> None:
    """Write into the Axes at which A values were left out, if any, below what others left out."""
    if not len(widths):
        return
    named = ", ".join(f"{width:.5g}" for width in widths[:_NAMED])
    more = f", ... ({len(widths)} in all)" if len(widths) > _NAMED else ""
    line = sum(text.get_gid() == _LEFT_OUT for text in ax.texts)
    ax.annotate(
        f"{style.get('label') or 'left out'}: no positive finite value at A = {named}{more}",
        (0.02, 0.02),
        xycoords="axes fraction",
        xytext=(0, 9 * line),
        textcoords="offset points",
        color=style["color"],
        fontsize="x-small",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
        zorder=4,
        gid=_LEFT_OUT,
    )
