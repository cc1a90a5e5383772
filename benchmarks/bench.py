"""Time the engines against the project's figures and against references, in one run.

Prints a table and writes ``benchmarks/out/bench.json``. Ratios within one run are what counts:
absolute times depend on the machine.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from simulation_rows import first_call_rows, option_rows, scaling_rows, speed_rows

import scaledet as sd

OUT = Path(__file__).parent / "out"


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Median wall time of `work`."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def import_time(code: str) -> float:
    """Median time of a fresh interpreter running `code`, less that of an idle one."""

    def run(text: str) -> float:
        return seconds(lambda: subprocess.run([sys.executable, "-c", text], check=True), 9)

    return run(code) - run("pass")


def slowest_exponents() -> tuple[float, tuple[int, int]]:
    """Slowest box up to length 32 and stride up to 16, floats of both exponents included."""
    sd.predict_exponents(kernel=3, stride=2)  # imports SymPy
    worst, where = 0.0, (0, 0)
    for length in range(2, 33):
        for stride in range(1, 17):
            begin = time.perf_counter()
            exponents = sd.predict_exponents(kernel=length, stride=stride)
            float(exponents.alpha)
            float(exponents.beta)
            taken = time.perf_counter() - begin
            if taken > worst:
                worst, where = taken, (length, stride)
    return worst, where


def symbolic_rows() -> list[tuple[str, float, str]]:
    """Time the symbolic engine: series, recurrence, certified digits."""
    sd.derive(kernel=2, stride=2)  # imports SymPy, derives the moments of the noise
    series = seconds(partial(sd.derive, kernel="any", order=8), 1)
    far = sd.predict(sd.Network.uniform(3, depth=100_000))
    last = seconds(lambda: far.exact_D[-1], 1)
    deep = sd.Network.uniform(3, depth=2000)
    every_layer = seconds(lambda: list(sd.predict(deep).exact_D))
    digits = seconds(partial(sd.derive(kernel=31, stride=2).enclosure, "beta", 50))
    return [
        ("derive, order 8, symbolic cumulants (s)", series, "< 10"),
        ("exact D_k, k = 10^5, box 3 (s)", last, "about 1"),
        ("all exact D_k to depth 2000, box 3 (s)", every_layer, ""),
        ("50 certified digits of beta, box 31 stride 2 (s)", digits, "< 1"),
    ]


def main() -> None:
    """Run all benchmarks."""
    rows: list[tuple[str, float, str]] = []
    numpy_time = import_time("import numpy")
    package_time = import_time("import scaledet")
    rows.append(("import scaledet / import numpy", package_time / numpy_time, "<= 2"))
    deep = sd.Network.uniform(3, 1, 10_000)
    rows.append(("predict, depth 10^4, stride 1 (s)", seconds(lambda: sd.predict(deep)), "< 1"))
    rows.append(("the same on 256 pixels (s)", seconds(lambda: sd.predict(deep, size=256)), "< 1"))
    wide = sd.Network.uniform(32, 1, 10_000)
    rows.append(("the same, kernel 32 (s)", seconds(lambda: sd.predict(wide)), "< 1"))
    layers = [sd.Network.uniform(3, 2, depth) for depth in (20, 40)]
    cost = [seconds(partial(sd.predict, net)) for net in layers]
    rows.append(("size=None: depth 40 / depth 20", cost[1] / cost[0], "about 2"))
    worst, where = slowest_exponents()
    rows.append((f"slowest exponents, box {where[0]} stride {where[1]} (s)", worst, "< 1"))
    rows += symbolic_rows()
    rows += speed_rows() + option_rows() + scaling_rows() + first_call_rows()
    width = max(len(name) for name, _, _ in rows)
    for name, value, target in rows:
        print(f"{name:<{width}}  {value:9.3g}  {target}")
    OUT.mkdir(exist_ok=True)
    record = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "rows": [{"name": n, "value": v, "target": t} for n, v, t in rows],
    }
    (OUT / "bench.json").write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
