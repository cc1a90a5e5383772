"""Shared by the experiments: a unit of work, a row of a table, an experiment."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args, get_type_hints

__all__ = ["Experiment", "Row", "Unit", "read_rows", "write_rows"]

STAGES = ("before", "zero_loss", "after")
"""Before training; when the loss of all training images is zero; at the end of the recipe."""


@dataclass(frozen=True)
class Row:
    """One number of a table: a quantity of a layer (or of a network), how and where it was found.

    `layer` counts convolutions from 1, 0 is the input; `A` is the effective receptive field that
    box filters would have there (pixels); `error` is a standard error. None: does not apply.
    """

    experiment: str
    setting: str
    net: str
    recipe: str
    seed: int
    stage: str
    variant: str
    layer: int | None
    A: float | None
    quantity: str
    value: float
    error: float | None

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise ValueError(f"stage must be one of {', '.join(STAGES)}; got {self.stage!r}")
        if not math.isfinite(self.value):
            raise ValueError(f"value must be finite; got {self}")

    def cells(self) -> list[str]:
        """Return the values as texts, numbers to six digits, None as the empty text."""
        return [_text(value) for value in vars(self).values()]

    @classmethod
    def of_cells(cls, cells: Mapping[str, str]) -> Row:
        """Rebuild from the texts of the columns."""
        return cls(**{name: read(cells[name]) for name, read in _READERS.items()})


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _reader(kind: Any) -> Callable[[str], Any]:
    plain = next((part for part in get_args(kind) if part is not type(None)), kind)
    optional = plain is not kind
    return lambda text: None if optional and not text else plain(text)


COLUMNS = tuple(column.name for column in fields(Row))
_READERS = {name: _reader(get_type_hints(Row)[name]) for name in COLUMNS}


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write a table as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(row.cells() for row in rows)


def read_rows(path: Path) -> list[Row]:
    """Read what `write_rows` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return [Row.of_cells(cells) for cells in csv.DictReader(file)]


@dataclass(frozen=True)
class Unit:
    """A piece of work, a pure function of its fields: usually one training, measured.

    Attributes
    ----------
    experiment, setting, net, recipe, seed
        The first columns of its rows; they make its name.
    parameters : dict
        All else that its rows depend on, as plain data: a unit file of other parameters is old.
    seconds, megabytes : float
        CPU time and memory that it takes, as measured once.
    data : Path or None
        Folder of images that are no part of the package.
    checkpoints : Path or None
        Folder in which trainings are kept, set by the runner; see `checkpoint`.
    """

    experiment: str
    setting: str
    net: str
    recipe: str
    seed: int
    parameters: dict[str, Any] = field(default_factory=dict)
    seconds: float = 1.0
    megabytes: float = 600.0
    data: Path | None = None
    checkpoints: Path | None = None

    @property
    def name(self) -> str:
        """The name of its file."""
        parts = (self.experiment, self.setting, self.net, self.recipe, f"seed{self.seed}")
        return "-".join(re.sub(r"[^A-Za-z0-9_.]+", "_", part) for part in parts)

    @property
    def identity(self) -> dict[str, Any]:
        """What decides its rows, as plain data."""
        names = ("experiment", "setting", "net", "recipe", "seed", "parameters")
        everything = asdict(self)
        return {name: everything[name] for name in names}

    def checkpoint(self, training: Mapping[str, Any]) -> Path | None:
        """Return the file of a training, for ``sd.train.train``; None if trainings are not kept.

        `training` is plain data that decides its weights, apart from the seed and PyTorch. What is
        trained already need not be trained again when only the measurement changes.
        """
        if self.checkpoints is None:
            return None
        law = {"seed": self.seed, "torch": version("torch"), **training}
        text = json.dumps(law, sort_keys=True)
        return self.checkpoints / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.pt"

    def row(
        self,
        stage: str,
        variant: str,
        quantity: str,
        value: float,
        error: float | None = None,
        *,
        layer: int | None = None,
        A: float | None = None,
    ) -> Row:
        """Return a row of this unit."""
        return Row(
            *(self.experiment, self.setting, self.net, self.recipe, self.seed),
            *(stage, variant, layer, None if A is None else float(A), quantity),
            *(float(value), None if error is None else float(error)),
        )

    def rows(
        self,
        stage: str,
        variant: str,
        quantity: str,
        values: Mapping[int, float],
        errors: Mapping[int, float] | None = None,
        widths: Sequence[float | None] | None = None,
    ) -> Iterator[Row]:
        """Yield a row for every layer of `values`; `widths` holds A of all layers, from 0 on."""
        for layer, value in values.items():
            error = None if errors is None else errors[layer]
            width = None if widths is None else widths[layer]
            yield self.row(stage, variant, quantity, value, error, layer=layer, A=width)

    def measured_rows(
        self,
        stage: str,
        variant: str,
        measured: Any,
        places: Sequence[int],
        widths: Sequence[float | None],
    ) -> Iterator[Row]:
        """Yield D, G, R and Q of a measurement, whose layers are the layers `places`."""
        for quantity in "DGRQ":
            values = dict(zip(places, getattr(measured, quantity), strict=True))
            errors = dict(zip(places, getattr(measured, f"{quantity}_err"), strict=True))
            yield from self.rows(stage, variant, quantity, values, errors, widths)

    def permuted_rows(
        self,
        stage: str,
        variant: str,
        measured: Any,
        places: Sequence[int],
        widths: Sequence[float | None],
    ) -> Iterator[Row]:
        """Yield D and G averaged over permutations of channels, with errors of these means."""
        for quantity in "DG":
            values = getattr(measured, f"{quantity}_shuffled")
            count = len(values)
            spread = values.std(axis=0, ddof=1) / count**0.5 if count > 1 else None
            means = dict(zip(places, values.mean(axis=0), strict=True))
            errors = None if spread is None else dict(zip(places, spread, strict=True))
            yield from self.rows(stage, variant, quantity, means, errors, widths)


@dataclass(frozen=True)
class Experiment:
    """Units that make one table.

    Attributes
    ----------
    name : str
        The name of its module and of its table.
    version : int
        To be raised when the rows of equal parameters change; old unit files are not used then.
    units : callable
        Takes `quick` and the folder of data or None, returns the units; an experiment that needs
        data and has none returns no units, and is left out.
    run : callable
        Takes a unit, returns its rows.
    summary : callable or None
        Takes the rows of the tables of all experiments by name, returns further rows: an experiment
        that only reads what others measured has this and no units.
    """

    name: str
    version: int
    units: Callable[[bool, Path | None], list[Unit]] = lambda _quick, _data: []
    run: Callable[[Unit], list[Row]] = lambda _unit: []
    summary: Callable[[Mapping[str, list[Row]]], list[Row]] | None = None
