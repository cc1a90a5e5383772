"""Plots of results: theory as lines, simulation as points with error bars.

Every function returns its Axes; none predicts, simulates, opens a window or changes a setting of
matplotlib. What a logarithmic axis cannot show is left out, and a line of text in the Axes says so.
Without ``ax`` it draws on a new figure that pyplot does not know: ``ax.figure`` shows
it in a notebook, ``ax.figure.savefig(path)`` writes it; to show it by pyplot pass ``plt.gca()``.
"""

from scaledet.plots.curves import (
    plot_comparison,
    plot_curve,
    plot_local_exponents,
    plot_phases,
    plot_sensitivity,
    plot_slope,
)
from scaledet.plots.filters import plot_design, plot_filters
from scaledet.plots.measurements import plot_filter_spectrum, plot_measurement
from scaledet.plots.style import PALETTE, Quantity
from scaledet.plots.trained import plot_trained
from scaledet.plots.training import plot_training

__all__ = [
    "PALETTE",
    "Quantity",
    "plot_comparison",
    "plot_curve",
    "plot_design",
    "plot_filter_spectrum",
    "plot_filters",
    "plot_local_exponents",
    "plot_measurement",
    "plot_phases",
    "plot_sensitivity",
    "plot_slope",
    "plot_trained",
    "plot_training",
]
