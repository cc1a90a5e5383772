"""What a benchmark records: runs of simulations, single values, the machine; JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Record", "Run", "Value"]


@dataclass(frozen=True)
class Run:
    """One simulation: boxes of length `kernel` in one dimension, and the CPU time it took (s)."""

    sweep: str
    """What varies: "samples", "layers" or "size"."""
    way: str
    kernel: int
    stride: int
    layers: int
    size: int
    samples: int
    seconds: float

    @property
    def nanoseconds(self) -> float:
        """CPU time per pixel, layer and sample (ns): N times the layers, whatever the stride."""
        return self.seconds / (self.size * self.layers * self.samples) * 1e9


@dataclass(frozen=True)
class Value:
    """One number, its unit, and what the project wants it to be (or nothing)."""

    subject: str
    name: str
    value: float
    unit: str
    goal: str = ""


@dataclass(frozen=True)
class Record:
    """All that one benchmark measured."""

    machine: dict[str, str]
    runs: tuple[Run, ...]
    values: tuple[Value, ...]

    def where(self, sweep: str, way: str, kernel: int) -> list[Run]:
        """Return the runs of one sweep of one way."""
        return [r for r in self.runs if (r.sweep, r.way, r.kernel) == (sweep, way, kernel)]

    def save(self, path: Path) -> None:
        """Write as JSON, with the nanoseconds of every run."""
        content = {
            "machine": self.machine,
            "runs": [
                {**asdict(run), "ns_per_pixel_layer_sample": run.nanoseconds} for run in self.runs
            ],
            "values": [asdict(value) for value in self.values],
        }
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Record:
        """Read what `save` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        for run in content["runs"]:
            del run["ns_per_pixel_layer_sample"]
        return cls(
            content["machine"],
            tuple(Run(**run) for run in content["runs"]),
            tuple(Value(**value) for value in content["values"]),
        )

    def to_markdown(self) -> str:
        """Return all tables: one per sweep and kernel, one per subject of the values."""
        lines = ["# Benchmark", "", "CPU time on one core, except where a unit says otherwise.", ""]
        lines += [f"- {name}: {text}" for name, text in self.machine.items()]
        for sweep, kernel in dict.fromkeys((run.sweep, run.kernel) for run in self.runs):
            lines += ["", *self._sweep(sweep, kernel)]
        for subject in dict.fromkeys(value.subject for value in self.values):
            rows = [v for v in self.values if v.subject == subject]
            lines += ["", f"## {subject}", ""]
            lines += _table(
                ["", "value", "unit", "goal"],
                [[v.name, _digits(v.value), v.unit, v.goal] for v in rows],
            )
        return "\n".join(lines) + "\n"

    def _sweep(self, sweep: str, kernel: int) -> list[str]:
        """Table of one sweep: a row per value of what varies, a column per way."""
        runs = [run for run in self.runs if (run.sweep, run.kernel) == (sweep, kernel)]
        ways = list(dict.fromkeys(run.way for run in runs))
        cells = {(getattr(run, sweep), run.way): _digits(run.nanoseconds) for run in runs}
        fixed = [
            f"{name} {getattr(runs[0], name):,}"
            for name in ("kernel", "stride", "layers", "size")
            if name != sweep
        ]
        if sweep != "samples":
            fixed.append("long runs")
        return [
            f"## Cost against {sweep}: {', '.join(fixed)}",
            "",
            "Nanoseconds per pixel, layer and sample.",
            "",
            *_table(
                [sweep, *ways],
                [
                    [f"{at:,}", *(cells.get((at, way), "") for way in ways)]
                    for at in sorted({getattr(run, sweep) for run in runs})
                ],
            ),
        ]


def _digits(value: float) -> str:
    """Three digits, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]
