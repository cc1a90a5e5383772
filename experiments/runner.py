"""Run units in processes of one thread each, keep each in a file, gather the files into tables.

A unit file is written at once or not at all, so a run that was killed goes on where it stopped.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import threading
import time
import traceback
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.common import Experiment, Row, Unit, read_rows, write_rows

__all__ = ["Suite"]

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
LIBRARIES = ("scaledet", "numpy", "scipy", "torch")


@dataclass(frozen=True)
class Suite:
    """Experiments to be run into a folder.

    Attributes
    ----------
    experiments : sequence of Experiment
        In the order of their tables; summaries come last.
    out : Path
        Gets ``units/<unit>.json``, ``checkpoints`` of trainings, and a table and a JSON file for
        every experiment.
    quick : bool
        Small and rough.
    data : Path or None
        Folder of images that are no part of the package.
    """

    experiments: Sequence[Experiment]
    out: Path
    quick: bool = False
    data: Path | None = None

    def run(self, workers: int) -> bool:
        """Run what is missing, write the tables; return whether nothing failed."""
        planned = {each.name: each.units(self.quick, self.data) for each in self.experiments}
        units = [(each, unit) for each in self.experiments for unit in planned[each.name]]
        names = [unit.name for _, unit in units]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"units must have different names; twice: {', '.join(twice)}")
        missing = [(each, unit) for each, unit in units if self._read(each, unit) is None]
        _announce([unit for _, unit in missing], len(units), workers)
        for folder in ("units", "checkpoints"):
            (self.out / folder).mkdir(parents=True, exist_ok=True)
        failed = self._run_all(missing, workers)
        for each in self.experiments:
            if each.summary is None:
                self._gather(each, planned[each.name])
        for each in self.experiments:
            if each.summary is not None:
                self._summarise(each)
        return not failed

    def _path(self, unit: Unit) -> Path:
        return self.out / "units" / f"{unit.name}.json"

    def _placed(self, unit: Unit) -> Unit:
        return replace(unit, checkpoints=self.out.resolve() / "checkpoints")

    def _read(self, experiment: Experiment, unit: Unit) -> dict[str, Any] | None:
        """Return the contents of a unit's file; None if there is none of this identity."""
        try:
            contents = json.loads(self._path(unit).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(contents, dict) or contents.get("unit") != _identity(experiment, unit):
            return None
        return contents

    def _run_all(self, work: Sequence[tuple[Experiment, Unit]], workers: int) -> bool:
        """Run units, the longest first; return whether any failed."""
        if not work:
            return False
        os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # The processes started below read this.
        progress, failed = _Progress([unit for _, unit in work], workers), False
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(workers, len(work)), context, _end_with_parent) as pool:
            running: dict[Future[float], Unit] = {
                pool.submit(_run_unit, each, self._placed(unit), self._path(unit)): unit
                for each, unit in sorted(work, key=lambda pair: -pair[1].seconds)
            }
            try:
                for done in as_completed(running):
                    unit, error = running[done], done.exception()
                    progress.show(unit, None if error else done.result())
                    if error:
                        failed = True
                        print("".join(traceback.format_exception(error)), flush=True)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return failed

    def _gather(self, experiment: Experiment, units: Sequence[Unit]) -> None:
        contents = [(unit, self._read(experiment, unit)) for unit in units]
        lacking = [unit.name for unit, content in contents if content is None]
        if not units or lacking:
            reason = f"{len(lacking)} of its units failed" if units else "it needs --data"
            print(f"{experiment.name}: no table is written, {reason}", flush=True)
            return
        parts = [(unit, content) for unit, content in contents if content is not None]
        write_rows(
            self.out / f"{experiment.name}.csv",
            (Row(**row) for _, content in parts for row in content["rows"]),
        )
        facts = {
            "experiment": experiment.name,
            "version": experiment.version,
            "quick": self.quick,
            "versions": {"python": platform.python_version()} | {n: version(n) for n in LIBRARIES},
            "cpu_seconds": round(sum(content["cpu_seconds"] for _, content in parts), 1),
            "units": [
                {**content["unit"], "cpu_seconds": content["cpu_seconds"]} for _, content in parts
            ],
        }
        text = json.dumps(facts, indent=1) + "\n"
        (self.out / f"{experiment.name}.json").write_text(text, encoding="utf-8")

    def _summarise(self, experiment: Experiment) -> None:
        if experiment.summary is None:
            return
        tables = {
            path.stem: read_rows(path)
            for path in sorted(self.out.glob("e*.csv"))
            if path.stem != experiment.name
        }
        rows = experiment.summary(tables)
        if rows:
            write_rows(self.out / f"{experiment.name}.csv", rows)
        else:
            print(f"{experiment.name}: no table is written, there is nothing to read", flush=True)


def _identity(experiment: Experiment, unit: Unit) -> dict[str, Any]:
    plain = {**unit.identity, "version": experiment.version}
    normal: dict[str, Any] = json.loads(json.dumps(plain))
    return normal


def _run_unit(experiment: Experiment, unit: Unit, path: Path) -> float:
    """Run a unit in a process of its own and write its file; return the CPU seconds it took."""
    begin = time.process_time()
    rows = experiment.run(unit)
    seconds = round(time.process_time() - begin, 2)
    contents = {
        "unit": _identity(experiment, unit),
        "cpu_seconds": seconds,
        "rows": [vars(row) for row in rows],
    }
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(contents), encoding="utf-8")
    part.replace(path)
    return seconds


def _end_with_parent() -> None:
    """Let this process end when the one that started it does, also by a kill."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def wait() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=wait, daemon=True).start()


def _announce(missing: Sequence[Unit], count: int, workers: int) -> None:
    """Print what is to be done, how long that takes, and with how much memory."""
    print(f"{count} units, {count - len(missing)} of them done before", flush=True)
    if missing:
        workers = min(workers, len(missing))
        seconds = _wall(missing, workers)
        memory = sum(sorted((unit.megabytes for unit in missing), reverse=True)[:workers])
        processes = f"{workers} process{'es' * (workers > 1)}"
        print(f"estimated time: {_time(seconds)} in {processes} of one thread each", flush=True)
        print(f"estimated memory: up to {memory / 1000:.1f} GB", flush=True)


def _wall(units: Iterable[Unit], workers: int) -> float:
    seconds = [unit.seconds for unit in units]
    return max(sum(seconds) / workers, *seconds)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


class _Progress:
    """Counts units, and learns from those that are done how long the others take."""

    def __init__(self, units: Sequence[Unit], workers: int) -> None:
        self._left = {unit.name: unit for unit in units}
        self._count, self._workers = len(units), min(workers, len(units))
        self._begin, self._expected = time.monotonic(), 0.0

    def show(self, unit: Unit, seconds: float | None) -> None:
        """Print that a unit is done (`seconds` of CPU time) or failed (None)."""
        del self._left[unit.name]
        self._expected += unit.seconds
        pace = (time.monotonic() - self._begin) * self._workers / self._expected
        left = self._left.values()
        rest = f"about {_time(pace * _wall(left, self._workers))} left" if left else "all done"
        outcome = "FAILED" if seconds is None else f"{seconds:.1f} s"
        place = f"[{self._count - len(self._left)}/{self._count}]"
        print(f"{place} {unit.name}: {outcome}; {rest}", flush=True)
