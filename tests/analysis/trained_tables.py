"""Made-up tables of experiments with trained networks, for tests of what reads them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scaledet.analysis.experiment_tables import COLUMNS

Row = dict[str, Any]

T1 = {"setting": "1d_strided_T1", "net": "k2s2", "recipe": "decay"}


def power_laws(
    slopes: Sequence[float],
    *,
    layers: Iterable[int] = range(1, 5),
    stride: float = 2.0,
    where: Mapping[str, str] = T1,
    **labels: Any,
) -> Iterator[Row]:
    """Yield rows of 0.8 A_k^slope, a seed for each slope, with A_k = stride^k."""
    layers = list(layers)
    for seed, slope in enumerate(slopes):
        for k in layers:
            width = float(stride) ** k
            yield row(seed, 0.8 * width**slope, layer=k, A=width, **where, **labels)


def row(seed: int, value: float, **labels: Any) -> Row:
    """Return a row; D after training of all channels where nothing else is said."""
    usual = {"experiment": "e1", "stage": "after", "variant": "all", "quantity": "D", **T1}
    return {
        **dict.fromkeys(COLUMNS, ""),
        **usual,
        "seed": seed,
        "value": repr(float(value)),
        **labels,
    }


def scattered(center: float, scatter: float, seeds: int = 5, rng: int = 0) -> list[float]:
    """Return numbers of exactly this mean and standard deviation."""
    values = np.random.default_rng(rng).normal(size=seeds)
    values = (values - values.mean()) / values.std(ddof=1)
    return (center + scatter * values).tolist()


def write(folder: Path, rows: Iterable[Mapping[str, Any]], name: str = "e1_flagship") -> Path:
    """Write a table into a folder, and return the folder."""
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return folder
