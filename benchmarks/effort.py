"""How much a benchmark measures: everything in minutes, or a little of each in seconds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Effort"]


@dataclass(frozen=True)
class Effort:
    """Numbers of samples, layers and pixels to try, and how long to measure each."""

    samples: tuple[int, ...]
    layers: dict[int, tuple[int, ...]]
    """Numbers of layers at each stride."""
    sizes: tuple[int, ...]
    largest: int
    """One more size, for scaledet alone: others would take long or too much memory."""
    pixels: int
    """Pixels that a long run of scaledet sends through the network: N times the samples."""
    long: float
    """Other ways send fewer: what takes about this CPU time (s), but 2^20."""
    longest: float
    """More samples are not tried if they would take longer (s)."""
    repeats: int
    prediction_size: int
    """Pixels of the tasks to predict; layers to predict are ten times fewer, at most 10^5."""
    full: bool
    """Measure what takes seconds by itself: deep networks, pages, compiling, memory."""


FULL = Effort(
    samples=(64, 1_000, 10_000, 65_536),
    layers={1: (1, 2, 4, 8, 16, 32, 64), 2: (1, 2, 4, 6, 9)},
    sizes=(256, 1_024, 4_096, 2**14, 2**16, 2**18, 2**20),
    largest=2**23,
    pixels=2**26,
    long=0.6,
    longest=3.0,
    repeats=3,
    prediction_size=2**20,
    full=True,
)
QUICK = Effort(
    samples=(64, 1_000),
    layers={1: (1, 8), 2: (1, 9)},
    sizes=(1_024, 2**14),
    largest=2**16,
    pixels=2**20,
    long=0.02,
    longest=0.3,
    repeats=1,
    prediction_size=2**13,
    full=False,
)
