"""The machine that a benchmark runs on, and CPU time on it.

CPU time is that of all threads of a process, so that other users of the machine do not count. Of
several repetitions the smallest is kept: what exceeds it is disturbance.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from llvmlite import binding as llvm  # type: ignore[import-untyped]  # it has no types

from scaledet.simulation.unit import ENGINES, engine_name

__all__ = ["cpu_seconds", "describe", "interpreter_seconds"]

_VECTORS = ("avx512f", "avx2", "sve", "neon", "sse2")


def describe() -> dict[str, str]:
    """Name the processor, its vector instructions, the engines and the versions."""
    features = llvm.get_host_cpu_features()
    vectors = next((name for name in _VECTORS if features.get(name)), "unknown")
    packages = ("scaledet", "numpy", "scipy", "numba", "sympy", "torch")
    return {
        "processor": f"{_processor()} ({llvm.get_host_cpu_name()}, {vectors})",
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "date": datetime.now(UTC).date().isoformat(),
        "engines": "; ".join(map(engine_name, ENGINES)),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _processor() -> str:
    """Return the processor's name as Linux spells it, or as Python knows it."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def cpu_seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """Return the smallest CPU time of `work` (s), over all threads of this process."""
    best = float("inf")
    for _ in range(repeats):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best


def interpreter_seconds(
    code: str, repeats: int = 1, environment: Mapping[str, str] | None = None
) -> float:
    """Return the smallest CPU time of a fresh interpreter that runs `code` (s)."""
    best = float("inf")
    for _ in range(repeats):
        begin = _children_seconds()
        subprocess.run(
            [sys.executable, "-c", code], check=True, env={**os.environ, **(environment or {})}
        )
        best = min(best, _children_seconds() - begin)
    return best


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
