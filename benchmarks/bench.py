"""Measure simulations, noise, predictions, derivations, first calls and memory, in one run.

Writes ``bench.json``, ``bench.md`` (its tables) and ``bench.png`` (its picture) into
``benchmarks/out``; what README quotes is kept in ``benchmarks/record``. Times are CPU times on one
core. Ratios within one run are what counts: absolute times depend on the machine, which the record
names. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from effort import FULL, QUICK, Effort
from gaussians import noise_values
from machine import describe
from picture import draw
from prediction import derivation_values, prediction_values
from processes import memory_values, start_values
from record import Record, Run, Value
from simulation import image_values, run_values, sweep_runs

__all__ = ["measure", "write"]

OUT = Path(__file__).parent / "out"


def measure(effort: Effort, report: Callable[[str], object]) -> Record:
    """Measure everything, and `report` what is measured next."""
    report("noise")
    noise = list(noise_values(effort.repeats))
    runs: list[Run] = []
    for run in sweep_runs(effort):
        if not runs or (run.kernel, run.way) != (runs[-1].kernel, runs[-1].way):
            report(f"kernel {run.kernel}: {run.way}")
        runs.append(run)
    values = [*run_values(runs, noise[0].value), *noise]
    # None of these is measured before its turn.
    parts: dict[str, Iterable[Value]] = {
        "images": image_values(effort),
        "predictions": prediction_values(effort),
        "derivations": derivation_values(effort),
        "fresh interpreters": start_values(effort),
    }
    if effort.full:
        parts["memory"] = memory_values(size=2**20, samples=(1_000, 65_536))
    for name, part in parts.items():
        report(name)
        values += part
    return Record(describe(), tuple(runs), tuple(values))


def write(record: Record, folder: Path) -> None:
    """Write JSON, Markdown and the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    record.save(folder / "bench.json")
    (folder / "bench.md").write_text(record.to_markdown(), encoding="utf-8")
    draw(record).savefig(folder / "bench.png", dpi=150)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measure CPU time and memory.")
    parser.add_argument("--quick", action="store_true", help="a little of each, in seconds")
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write (benchmarks/out)")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    begin = time.perf_counter()

    def report(name: str) -> None:
        print(f"[{time.perf_counter() - begin:4.0f} s] {name}", flush=True)

    record = measure(QUICK if chosen.quick else FULL, report)
    write(record, chosen.out)
    report(f"wrote JSON, tables and picture into {chosen.out}\n")
    print(record.to_markdown())


if __name__ == "__main__":
    main()
