"""One picture of a record: what a simulation costs against samples, layers and size."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from record import Record, Run

__all__ = ["draw"]

# Colours of Okabe and Ito, which the colour-blind can tell apart; markers differ, too.
_STYLES: dict[str, tuple[str, str, str]] = {
    "PyTorch, straightforward": ("#D55E00", "v", "-"),
    "NumPy engine": ("#E69F00", "s", "-"),
    "PyTorch, avg_pool1d": ("#CC79A7", "^", "-"),
    "PyTorch, shifted sums": ("#009E73", "D", "-"),
    "scaledet": ("#0072B2", "o", "-"),
    "limit, float32": ("black", "", ":"),
}
_WITH_NOISE = "limit and the noise of scaledet"
_SWEEPS = {"samples": "samples", "layers": "layers", "size": "pixels"}


def draw(record: Record) -> Figure:
    """Draw one row per network, one panel per sweep: nanoseconds per pixel, layer and sample."""
    noise = next(v.value for v in record.values if v.subject == "Noise")
    kernels = list(dict.fromkeys(run.kernel for run in record.runs))
    figure = Figure(figsize=(10, 3.4 * len(kernels) + 0.9), layout="constrained")
    panels = figure.subplots(len(kernels), len(_SWEEPS), sharey="row", squeeze=False)
    for kernel, row in zip(kernels, panels, strict=True):
        for (sweep, label), axes in zip(_SWEEPS.items(), row, strict=True):
            _draw_sweep(axes, record, sweep, kernel, noise)
            axes.set_xlabel(label)
        first = record.where("samples", "scaledet", kernel)[0]
        row[0].set_ylabel("CPU time (ns) per pixel, layer, sample")
        row[0].set_title(f"kernel {kernel}, stride {first.stride}", loc="left")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)
    return figure


def _draw_sweep(axes: Axes, record: Record, sweep: str, kernel: int, noise: float) -> None:
    def line(runs: list[Run], costs: list[float], name: str, style: tuple[str, str, str]) -> None:
        color, marker, dashes = style
        at = [getattr(run, sweep) for run in runs]
        width = 2.5 if name == "scaledet" else 1.5
        axes.plot(at, costs, dashes, color=color, marker=marker, label=name, lw=width, ms=5)

    for way, style in _STYLES.items():
        runs = record.where(sweep, way, kernel)
        line(runs, [run.nanoseconds for run in runs], way, style)
    least = record.where(sweep, "limit, float32", kernel)
    line(least, [r.nanoseconds + noise / r.layers for r in least], _WITH_NOISE, ("black", "", "--"))
    axes.set_xscale("log", base=10 if sweep == "samples" else 2)
    axes.set_yscale("log")
    ticks = sorted({getattr(run, sweep) for run in record.where(sweep, "scaledet", kernel)})
    axes.set_xticks(ticks, [_short(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(alpha=0.3)
    fixed = least[0]
    texts = {
        "layers": f"{fixed.layers} layers",
        "size": f"{fixed.size:,} pixels",
        "samples": "long runs",
    }
    text = ", ".join(text for name, text in texts.items() if name != sweep)
    axes.text(0.97, 0.97, text, ha="right", va="top", transform=axes.transAxes, fontsize=9)


def _short(number: int) -> str:
    if number >= 2**8 and number & (number - 1) == 0:
        return f"$2^{{{number.bit_length() - 1}}}$"
    return f"{number:,}"
