"""A small run in many ways, for the tests of executors, checkpoints and clusters."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import scaledet as sd
from scaledet.simulation.engines.base import Specification, UnitSums
from scaledet.simulation.simulate import checked_specification
from scaledet.simulation.unit import Stream, run_units

NET = sd.Network.uniform(2, 2, 3)
RUN: dict[str, Any] = {"size": 32, "samples": 12_000, "rng": 5, "engine": "numpy"}
ARRAYS = ("D", "D_err", "G", "G_err", "R", "R_err", "Q", "Q_err", "covariance", "means", "gain")


def small(**given: Any) -> Any:
    """Simulate 12000 images in 129 units."""
    return sd.simulate(NET, **{**RUN, **given})


def same(a: Any, b: Any) -> bool:
    """Whether two simulations are equal bit by bit."""
    numbers = (a.samples, a.blocks, a.pairs) == (b.samples, b.blocks, b.pairs)
    return numbers and all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ARRAYS)


def specification(
    net: sd.Network, size: int | None = 32, *, engine: str = "numpy", **given: Any
) -> Specification:
    """What `simulate` would run."""
    arguments = {"rectify": "input", "sigma": None, "task": None, "balanced": False, **given}
    return checked_specification("simulate", net, size, **arguments, engine=engine)


def script(text: str, *arguments: Any) -> subprocess.Popen[str]:
    """Start a Python script that Ctrl-C interrupts, whatever this process ignores."""
    head = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + text, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(sd.__file__).parents[1])},
    )


SLOWLY = """
import time
from scaledet.simulation import scheduler
def slowly(spec, stream, units, counts, run_units=scheduler.run_units):
    time.sleep(PAUSE * len(units))
    return run_units(spec, stream, units, counts)
scheduler.BATCH_SECONDS = 0
scheduler.run_units = slowly
"""
"""For scripts: one unit a batch, and every unit takes PAUSE seconds more."""


def wait_for(process: subprocess.Popen[str], word: str, stream: str = "stdout") -> None:
    """Read lines until one holds `word`."""
    for line in getattr(process, stream):
        if word in line:
            return
    raise AssertionError(f"{word} never came: {process.communicate()}")


def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Press Ctrl-C; return what the process prints after it."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=60)


def unit_by_unit(run_one: Callable[..., UnitSums]) -> Callable[..., np.ndarray]:
    """What the scheduler calls for a batch of units, made of a function that runs one of them."""

    def run_units(spec, stream, units, counts):
        pairs = zip(units, counts, strict=True)
        return np.array([run_one(spec, stream, unit, count).packed() for unit, count in pairs])

    return run_units


def units_in(path):
    connection = sqlite3.connect(path)
    (number,) = connection.execute("SELECT count(*) FROM units").fetchone()
    connection.close()
    return number


def run_unit(spec: Specification, stream: Stream, unit: int, count: int) -> UnitSums:
    """The sums of one unit."""
    return UnitSums.unpacked(run_units(spec, stream, [unit], [count])[0])


def packed_units(spec, seed, counts):
    """Sums of the first units of a run."""
    stream = Stream(seed, (0,))
    units = [run_unit(spec, stream, unit, count) for unit, count in enumerate(counts)]
    return np.array([unit.packed() for unit in units])
