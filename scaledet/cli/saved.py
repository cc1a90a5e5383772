"""The commands on saved results: ``scaledet plot`` and ``show``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaledet.cli import arguments as read
from scaledet.cli import options, records
from scaledet.cli.options import Command
from scaledet.errors import ArgumentError
from scaledet.results import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from scaledet.plots import Quantity
    from scaledet.saved import Saved

_PLOT = """\
Draw saved results: D_k, G_k and R_k against the receptive field A_k, theory as lines, simulations
as points with error bars, power laws dashed. Comparisons show their deviations, too; phases of
biases and filters have diagrams of their own.

examples:
  theory and simulation in one figure
  $ scaledet predict --kernel 2 --stride 2 --depth 3 --size 64 --save theory.npz
  $ scaledet simulate --kernel 2 --stride 2 --depth 3 --size 64 --samples 2000 --save run.npz
  $ scaledet plot theory.npz run.npz -o both.pdf

  one quantity, for a web page
  $ scaledet plot theory.npz --quantity D -o stability.svg"""

_SHOW = """\
Print a saved result as the command did that saved it.

examples:
  $ scaledet simulate --kernel 2 --stride 2 --depth 3 --size 64 --samples 2000 --save run.npz
  $ scaledet show run.npz
  $ scaledet show run.npz --json"""

_QUANTITIES: tuple[Quantity, ...] = ("D", "G", "R")
_PANEL = (4.2, 3.4)
_REACH = 100.0
"""Largest A_k that power laws are drawn to by themselves (pixels)."""
_NO_DATES = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}


def add_files(parser: read.Parser, **settings: Any) -> None:
    """Add the saved results that a command reads."""
    settings |= {"action": read.Reading, "read": Path, "repeated": True}
    parser.add_argument("files", metavar="FILE", help="what --save or .save wrote", **settings)


def _add_plot(parser: read.Parser) -> None:
    add_files(parser, nargs="+")
    text = "panels to draw; repeat for several (default D, G and R)"
    parser.add_argument("--quantity", choices=_QUANTITIES, action="append", help=text)
    settings: dict[str, Any] = {"action": read.Reading, "read": read.read_figure}
    settings |= {"repeated": False, "required": True, "metavar": "FIGURE"}
    parser.add_argument("-o", "--output", help="write FIGURE, a .png, .pdf or .svg", **settings)


def _add_show(parser: read.Parser) -> None:
    add_files(parser, nargs=1)
    options.add_output(parser, save=False)


def loaded(path: Path) -> Saved:
    """Return a saved result."""
    from scaledet.saved import load

    try:
        return load(path)
    except ArgumentError as error:
        raise ArgumentError(f"argument FILE: {error}") from error


def _show(arguments: Namespace) -> tuple[str, int]:
    (result,) = map(loaded, arguments.files)
    return records.text(arguments, result), 0


def _plot(arguments: Namespace) -> tuple[str, int]:
    results = [(path.stem, loaded(path)) for path in arguments.files]
    figure = _drawn(results, arguments.quantity or _QUANTITIES)
    return "\n".join(options.write(arguments, "output", partial(_write, figure))), 0


def _drawn(results: Sequence[tuple[str, Saved]], quantities: Sequence[Quantity]) -> Figure:
    """Draw a panel for each quantity if there are curves, and one for each diagram."""
    from matplotlib.figure import Figure

    from scaledet import plots

    curves: list[tuple[str, Any]] = []
    laws: list[tuple[str, Quantity, float, float]] = []
    diagrams: list[Callable[..., object]] = []
    for name, result in results:
        drawn = list(_curves(name, result))
        lines = [(name, *law) for law in _laws(result, quantities)]
        draw = _diagram(result)
        if not drawn and not lines and draw is None:
            raise ArgumentError(
                f"argument FILE: expected results with a figure; got a {type(result).__name__}, "
                "which has only a table: see the command show"
            )
        curves += drawn
        laws += lines
        diagrams += [] if draw is None else [draw]
    quantities = quantities if curves or laws else ()
    count = len(quantities) + len(diagrams)
    figure = Figure(figsize=(_PANEL[0] * count, _PANEL[1]), layout="constrained")
    panels = figure.subplots(1, count, squeeze=False)[0]
    # Theory and simulation of one scenario have one colour.
    scenarios = list(dict.fromkeys(curve.scenario for _, curve in curves))
    reach = max((curve.A.max() for _, curve in curves), default=_REACH)
    for panel, quantity in zip(panels, quantities, strict=False):
        for label, curve in curves:
            colour = plots.PALETTE[scenarios.index(curve.scenario) % len(plots.PALETTE)]
            plots.plot_sensitivity(curve, quantity, ax=panel, label=label, color=colour)
        for place, (name, of, slope, amplitude) in enumerate(laws, start=len(scenarios)):
            if of == quantity:
                colour = plots.PALETTE[place % len(plots.PALETTE)]
                ends, style = (1.0, reach), {"linestyle": "--", "color": colour}
                values = [amplitude * end**slope for end in ends]
                label = f"{name}: exponent {slope:.4g}"
                plots.plot_curve(ends, values, quantity=quantity, ax=panel, label=label, **style)
        panel.legend(fontsize="small")
    for panel, draw in zip(panels[len(quantities) :], diagrams, strict=True):
        draw(ax=panel)
    return figure


def _curves(name: str, result: Saved) -> Iterator[tuple[str, Any]]:
    """Return the predictions, evolutions and simulations in a result with their labels."""
    from scaledet.analysis.comparison import Comparison
    from scaledet.evolution.evolve import Evolution
    from scaledet.simulation.result import Simulation
    from scaledet.simulation.sweep import Sweep
    from scaledet.theory.prediction import Prediction

    if isinstance(result, Comparison):
        yield f"{name}: theory", result.prediction
        yield f"{name}: simulation", result.simulation
    elif isinstance(result, Sweep):
        numbers = {network: number for number, network in enumerate(result.networks)}
        for run in result.runs:
            yield f"{name}: network {numbers[run.network]}, size {run.size}", run
    elif isinstance(result, Prediction | Evolution | Simulation):
        yield name, result


def _laws(result: Saved, quantities: Sequence[Quantity]) -> Iterator[tuple[Quantity, float, float]]:
    """Return the power laws in a result: quantity, exponent, value at A = 1."""
    from scaledet.analysis.fitting import ExponentFit
    from scaledet.theory.growth.exponents import Exponents

    if isinstance(result, Exponents):
        alpha, beta = float(result.alpha), float(result.beta)
        yield from (("D", 0.0 - alpha, 1.0), ("G", beta, 1.0), ("R", 0.0 - alpha - beta, 1.0))
    elif isinstance(result, ExponentFit):
        if len(quantities) != 1:
            raise ArgumentError(
                "argument --quantity: must be given once, for a saved fit does not say what it "
                "is a fit of"
            )
        yield quantities[0], result.slope, result.amplitude


def _diagram(result: Saved) -> Callable[..., object] | None:
    """Return what draws a result that has a panel of its own."""
    from scaledet import plots

    diagrams: dict[str, Callable[..., object]] = {
        "Comparison": plots.plot_comparison,
        "BiasPhases": plots.plot_phases,
        "FilterComparison": plots.plot_filters,
        "FilterDesign": plots.plot_design,
        "Training": plots.plot_training,
        "Measurement": plots.plot_measurement,
        "FilterSpectrum": plots.plot_filter_spectrum,
        "TrainedPrediction": plots.plot_trained,
    }
    draw = diagrams.get(type(result).__name__)
    return None if draw is None else partial(draw, result)


def _write(figure: Figure, path: Path) -> None:
    from matplotlib import rc_context

    suffix = path.suffix.lower()
    kind, metadata = suffix.removeprefix("."), _NO_DATES.get(suffix)

    def save(part: Path) -> None:
        figure.savefig(part, format=kind, metadata=metadata, dpi=200)

    with rc_context({"svg.hashsalt": "scaledet"}):  # The same results give the same file.
        files.replace(path, f"{kind.upper()} figure", save)


COMMANDS: tuple[Command, ...] = (
    Command("plot", "draw saved results", _PLOT, _add_plot, _plot),
    Command("show", "print a saved result", _SHOW, _add_show, _show),
)
