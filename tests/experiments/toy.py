"""Two experiments that take no time: random numbers by seed, and a summary of them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from experiments.common import Experiment, Row, Unit

NAME, SUMMARY = "e90_toy", "e91_means"
LOG = "TOY_LOG"
"""Environment variable: the folder in which every run of a unit leaves a line."""
WAIT = "TOY_WAIT"
"""Environment variable: units of a seed from this one on wait for ever."""


def units(quick: bool, data: Path | None) -> list[Unit]:
    seeds = range(2 if quick else 6)
    return [
        Unit(NAME, "nowhere", "no net", "draw", seed, {"count": 3}, 1 + seed, data=data)
        for seed in seeds
    ]


def draw(unit: Unit) -> list[Row]:
    with Path(os.environ[LOG], f"{unit.name}.log").open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {os.environ['OMP_NUM_THREADS']}\n")
    while unit.seed >= int(os.environ.get(WAIT, "1000")):
        time.sleep(0.05)
    values = np.random.default_rng(unit.seed).random(unit.parameters["count"])
    return list(unit.rows("after", "all", "D", dict(enumerate(values)), widths=[1, 2, 4]))


def fail(unit: Unit) -> list[Row]:
    if unit.seed == 1:
        raise ValueError("seed 1 is unlucky")
    return draw(unit)


def nothing(_quick: bool, data: Path | None) -> list[Unit]:
    return [] if data is None else units(True, data)


def means(tables: Mapping[str, list[Row]]) -> list[Row]:
    if NAME not in tables:
        return []
    unit = Unit(SUMMARY, "nowhere", "no net", "draw", 0)
    mean = float(np.mean([row.value for row in tables[NAME]]))
    return [unit.row("after", "all", "mean", mean)]


TOY = Experiment(NAME, 1, units, draw)
NEWER = Experiment(NAME, 2, units, draw)
FAILING = Experiment(NAME, 1, units, fail)
NEEDS_DATA = Experiment(NAME, 1, nothing, draw)
MEANS = Experiment(SUMMARY, 1, summary=means)
