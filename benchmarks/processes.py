"""What a fresh interpreter takes: imports, first calls, memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from effort import Effort
from machine import interpreter_seconds
from record import Value
from simulation import LIMITS, OURS, WAYS, Case

__all__ = ["memory_values", "start_values"]

_FIRST_CALL = (
    "import scaledet as sd;sd.simulate(sd.Network.uniform(2, 2, 3), size=16, samples=100, rng=0)"
)
_SIMULATIONS = tuple(way for way in WAYS if way not in LIMITS)
# Linux forgets the peak of imports when asked to; getrusage would not.
_PROCESS = Path("/proc/self")
_MEMORY = """
import sys
sys.path.insert(0, {folder!r})
from simulation import WAYS, Case
def kilobytes(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))
way = WAYS[{way!r}]
way(Case(3, 1, 8, 64), 64)
before = kilobytes("VmRSS")
with open("/proc/self/clear_refs", "w") as peaks:
    peaks.write("5")
way(Case{case}, {samples})
print(1024 * (kilobytes("VmHWM") - before))
"""


def start_values(effort: Effort) -> Iterator[Value]:
    """Import the package, and call for the first time with the code on disk or not."""
    repeats = 2 * effort.repeats
    subject, idle = "Fresh interpreter", interpreter_seconds("pass", repeats)
    package, numpy = (
        interpreter_seconds(f"import {name}", repeats) - idle for name in ("scaledet", "numpy")
    )
    yield Value(subject, "import scaledet", package * 1e3, "ms")
    yield Value(subject, "import scaledet / import numpy", package / numpy, "times", "<= 2")
    names = interpreter_seconds("from scaledet import predict, simulate", repeats) - idle
    yield Value(subject, "from scaledet import predict, simulate", names * 1e3, "ms")
    if effort.full:
        with tempfile.TemporaryDirectory() as folder:
            kept = {"NUMBA_CACHE_DIR": folder}
            cold = interpreter_seconds(_FIRST_CALL, 1, kept) - idle
            warm = interpreter_seconds(_FIRST_CALL, repeats, kept) - idle
        yield Value(subject, "first call, compiling", cold, "s")
        yield Value(subject, "first call, compiled before", warm, "s", "< 1")


def memory_values(
    *, size: int, samples: tuple[int, ...], ways: Iterable[str] = _SIMULATIONS
) -> Iterator[Value]:
    """Peak memory of a simulation beyond that of a small one, each in its own interpreter.

    Known on Linux only; nowhere else is anything measured.
    """
    if not (_PROCESS / "clear_refs").exists():
        return
    for count in samples:
        peak = _peak(OURS, Case(3, 1, 8, 1_024), count)
        yield Value("Memory", f"{OURS}, 1,024 pixels, {count:,} samples", peak / 2**20, "MB")
    for way in ways:
        name = f"{way}, {size:,} pixels, 16 samples"
        peak = _peak(way, Case(3, 1, 8, size), 16)
        yield Value("Memory", name, peak / size, "bytes per pixel")


def _peak(way: str, case: Case, samples: int) -> int:
    """Return the bytes by which the peak grows."""
    folder = str(Path(__file__).parent)
    code = _MEMORY.format(folder=folder, way=way, case=tuple(case), samples=samples)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout)
