"""Shared by the figures: compute a table, write it as CSV, read it back, draw what was read."""

from __future__ import annotations

import argparse
import csv
import os
import string
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

OUT = Path(__file__).resolve().parent / "out"
RESULTS = OUT.parents[1] / "experiments" / "results"
"""Where ``make experiments`` writes its tables."""
SMALL = 8.0
"""Size of legends and annotations (points)."""


@dataclass(frozen=True)
class Table:
    """Rows of a CSV file, every cell a text; an empty cell is no number (nan)."""

    rows: list[dict[str, str]]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Table:
        """Write every value as the shortest text that gives back the same number."""
        return cls([{name: _text(value) for name, value in row.items()} for row in rows])

    @classmethod
    def read(cls, path: Path) -> Table:
        """Read what `write` wrote."""
        with path.open(newline="", encoding="utf-8") as file:
            return cls(list(csv.DictReader(file)))

    def write(self, path: Path) -> None:
        """Write as CSV; columns in order of appearance."""
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)

    def where(self, **wanted: Any) -> Table:
        """Keep the rows with these values."""
        texts = {name: _text(value) for name, value in wanted.items()}
        return Table([r for r in self.rows if all(r[n] == t for n, t in texts.items())])

    def having(self, name: str) -> Table:
        """Keep the rows in which this column is not empty."""
        return Table([row for row in self.rows if row[name]])

    def at(self, indices: Iterable[int]) -> Table:
        """Keep the rows of these indices."""
        return Table([self.rows[int(i)] for i in indices])

    def numbers(self, name: str) -> NDArray[np.float64]:
        """One column as numbers."""
        return np.array([float(row[name] or "nan") for row in self.rows])

    def texts(self, name: str) -> list[str]:
        """Different texts of one column, in order."""
        return list(dict.fromkeys(row[name] for row in self.rows))

    def number(self, name: str) -> float:
        """Return the value of a column in the first row."""
        return float(self.numbers(name)[0])


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float | np.floating):
        return repr(float(value))
    return str(value)


class MissingResultsError(Exception):
    """A table of the experiments is not there."""


@dataclass(frozen=True)
class Recipe:
    """One figure: its name, its numbers, its drawing, and the seconds it takes.

    `compute` takes whether to be quick or, with `from_results`, the folder of the experiments'
    tables.
    """

    name: str
    compute: Callable[[Any], Table]
    draw: Callable[[Table], Figure]
    seconds: float
    quick_seconds: float
    from_results: bool = False

    def make(self, out: Path, *, quick: bool, results: Path = RESULTS) -> None:
        """Write name.csv, name.pdf and name.png into `out`, drawn from the CSV file."""
        out.mkdir(parents=True, exist_ok=True)
        path = out / f"{self.name}.csv"
        self.compute(results if self.from_results else quick).write(path)
        figure = self.draw(Table.read(path))
        figure.savefig(path.with_suffix(".pdf"), metadata={"CreationDate": None})
        figure.savefig(path.with_suffix(".png"), dpi=200)

    def main(self) -> None:
        """Command line of one script."""
        run([self], self.name)


def run(recipes: Sequence[Recipe], what: str) -> None:
    """Parse the command line and make the figures on all cores, telling how long it takes."""
    parser = argparse.ArgumentParser(description=f"Make {what}: CSV, PDF and PNG.")
    parser.add_argument("--quick", action="store_true", help="small and rough, to try it out")
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write (figures/out)")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="tables to read (experiments/results)"
    )
    chosen = parser.parse_args()
    cores = min(len(recipes), os.cpu_count() or 1)
    seconds = {r.name: r.quick_seconds if chosen.quick else r.seconds for r in recipes}
    expected = max(sum(seconds.values()) / cores, *seconds.values())
    print(f"estimated time: {expected:.0f} s ({cores} core{'s' * (cores > 1)})", flush=True)
    begin = time.perf_counter()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the processes fill the cores
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        longest_first = sorted(recipes, key=lambda recipe: -seconds[recipe.name])
        making = {
            r.name: pool.submit(_timed, r, chosen.out, chosen.quick, chosen.results)
            for r in longest_first
        }
        for i, recipe in enumerate(recipes, start=1):
            print(f"[{i}/{len(recipes)}] {recipe.name} ...", end=" ", flush=True)
            try:
                print(f"{making[recipe.name].result():.1f} s", flush=True)
            except MissingResultsError as error:
                pool.shutdown(cancel_futures=True)
                sys.exit(f"\n{error}")
    print(f"total: {time.perf_counter() - begin:.1f} s, written to {chosen.out}")


def _timed(recipe: Recipe, out: Path, quick: bool, results: Path) -> float:
    """Make a figure and return the seconds it took."""
    start = time.perf_counter()
    recipe.make(out, quick=quick, results=results)
    return time.perf_counter() - start


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure (inches) whose parts are laid out without overlap."""
    return Figure(figsize=(width, height), layout="constrained")


def letter(panels: Iterable[Axes], titles: Sequence[str]) -> None:
    """Label the panels (a), (b), ... with a short title."""
    for axes, name, title in zip(panels, string.ascii_lowercase, titles, strict=False):
        axes.set_title(f"({name}) {title}", loc="left", fontsize=10)


def plain_ticks(axes: Axes, x: Sequence[float], y: Sequence[float] = ()) -> None:
    """Mark these values alone on logarithmic axes, written without powers of ten."""
    for axis, values in ((axes.xaxis, x), (axes.yaxis, y)):
        if values:
            axis.set_ticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()


def spaced(count: int, wanted: int) -> list[int]:
    """Return 0 and about `wanted` indices below `count`, evenly spaced on a logarithmic scale."""
    if count <= wanted:
        return list(range(count))
    last = count - 1
    return [0, *sorted({round(float(k)) for k in np.geomspace(1, last, min(wanted, last))})]
