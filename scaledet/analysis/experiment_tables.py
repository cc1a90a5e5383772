"""The tables of the experiments with trained networks, read from CSV files into cases."""

from __future__ import annotations

import csv
import math
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scaledet import validate
from scaledet.analysis.claims import SETTINGS, Curve
from scaledet.errors import ArgumentError

__all__ = ["COLUMNS", "STAGES", "Case", "read_cases"]

COLUMNS = (
    *("experiment", "setting", "net", "recipe", "seed", "stage", "variant"),
    *("layer", "A", "quantity", "value", "error"),
)
STAGES = ("before", "zero_loss", "after")

Layers = Mapping[int | None, float]
"""Values by layer; under None those of the network as a whole."""

_PERMUTED = ("shuffled_recalibrated", "shuffled")
_SAME_WIDTH = 1e-4


@dataclass(frozen=True)
class Case:
    """What was measured of one network trained by one recipe, seed by seed.

    Attributes
    ----------
    setting, net, recipe : str
        Which network, and how it was trained.
    widths : dict of int to float
        A_k by layer.
    measured : dict
        Lists of values by curve, seed and layer; repeated ones are to be averaged.
    """

    setting: str
    net: str
    recipe: str
    widths: dict[int, float] = field(default_factory=dict)
    measured: dict[Curve, dict[int, dict[int | None, list[float]]]] = field(default_factory=dict)

    @property
    def trained_stages(self) -> list[str]:
        """The stages after the first one at which the network was measured."""
        known = {curve.stage for curve in self.measured if curve.variant == "all"}
        return [stage for stage in STAGES[1:] if stage in known]

    def values(self, curve: Curve, trained: str) -> dict[int, Layers]:
        """Return a curve by seed and layer, "trained" being the stage `trained`; or nothing."""
        stages = STAGES if curve.stage == "any" else (trained,)
        stages = stages if curve.stage in ("any", "trained") else (curve.stage,)
        variants = _PERMUTED if curve.variant == "permuted" else (curve.variant,)
        kinds = [Curve(curve.quantity, stage, v) for v in variants for stage in stages]
        known = [kind for kind in kinds if kind in self.measured]
        lists: dict[int, dict[int | None, list[float]]] = defaultdict(lambda: defaultdict(list))
        for kind in known if curve.stage == "any" else known[:1]:
            for seed, layers in self.measured[kind].items():
                for layer, values in layers.items():
                    lists[seed][layer] += values
        return {
            seed: {layer: math.fsum(values) / len(values) for layer, values in layers.items()}
            for seed, layers in lists.items()
        }


def read_cases(folder: str | os.PathLike[str]) -> list[Case]:
    """Return the cases in all tables of a folder, ordered by setting, network and recipe.

    Raises
    ------
    ValueError
        If the folder has no table; if a table has other columns, or a row that is none: the message
        names file, line and column.
    """
    place = validate.file_path("folder", folder)
    try:
        tables = sorted(path for path in place.iterdir() if path.suffix == ".csv")
    except OSError as error:
        raise ArgumentError(
            f"folder must be a folder of tables; got {str(folder)!r}: {error.strerror}"
        ) from error
    if not tables:
        raise ArgumentError(
            f"folder must hold tables (*.csv), which 'make experiments' writes; {str(folder)!r} "
            "holds none"
        )
    cases: dict[tuple[str, str, str], Case] = {}
    for table in tables:
        for where, row in _rows(table):
            key = (row["setting"], row["net"], row["recipe"])
            _add(cases.setdefault(key, Case(*key)), row, where)
    return [cases[key] for key in sorted(cases, key=lambda key: (SETTINGS.index(key[0]), key[1:]))]


def _rows(table: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield every row of a table, and the words for where it stands."""
    try:
        with table.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file, strict=True)
            head = next(reader, [])
            if tuple(head) != COLUMNS:
                raise ArgumentError(
                    f"{table.name}: columns must be {','.join(COLUMNS)}; got {','.join(head)!r}"
                )
            for cells in reader:
                where = f"{table.name}, line {reader.line_num}"
                if len(cells) != len(COLUMNS):
                    raise ArgumentError(
                        f"{where}: {len(COLUMNS)} cells are needed; got {len(cells)}"
                    )
                yield where, dict(zip(COLUMNS, cells, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArgumentError(f"{table.name}: cannot be read as a table: {error}") from error


def _add(case: Case, row: Mapping[str, str], where: str) -> None:
    """Add a row to its case."""
    for name, options in (("setting", SETTINGS), ("stage", STAGES)):
        if row[name] not in options:
            accepted = ", ".join(options)
            raise ArgumentError(f"{where}: {name} must be one of {accepted}; got {row[name]!r}")
    for name in ("net", "recipe", "variant", "quantity"):
        if not row[name]:
            raise ArgumentError(f"{where}: {name} must not be empty")
    seed = _integer(row, "seed", where)
    value = _number(row, "value", where)
    layer = _integer(row, "layer", where) if row["layer"] else None
    if row["A"] and layer is not None:
        width = _number(row, "A", where)
        if width <= 0:
            raise ArgumentError(f"{where}: A must be > 0; got {row['A']!r}")
        known = case.widths.setdefault(layer, width)
        if not math.isclose(known, width, rel_tol=_SAME_WIDTH):
            raise ArgumentError(
                f"{where}: A of layer {layer} must be that of other rows, {known:g}; got {width:g}"
            )
    curve = Curve(row["quantity"], row["stage"], row["variant"])
    layers = case.measured.setdefault(curve, {}).setdefault(seed, {})
    layers.setdefault(layer, []).append(value)


def _integer(row: Mapping[str, str], name: str, where: str) -> int:
    try:
        return int(row[name])
    except ValueError:
        raise ArgumentError(f"{where}: {name} must be an integer; got {row[name]!r}") from None


def _number(row: Mapping[str, str], name: str, where: str) -> float:
    try:
        value = float(row[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ArgumentError(f"{where}: {name} must be a finite number; got {row[name]!r}")
    return value
