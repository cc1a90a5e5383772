"""Noise alone: CPU time per Gaussian number: scaledet's, NumPy's and PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from machine import cpu_seconds
from record import Value

from scaledet.simulation.engines.compiled.gaussian_stream import fill_normals, new_state

__all__ = ["OURS", "noise_values"]

OURS = "scaledet, float64"
_ROWS, _LENGTH = 64, 1_024


def noise_values(repeats: int) -> Iterator[Value]:
    """Fill the same 65,536 numbers again and again; scaledet's come first."""
    sources: dict[str, Callable[[], object]] = {}
    state, numbers = new_state(np.random.SeedSequence(0)), np.zeros((_ROWS, _LENGTH))
    sources[OURS] = partial(fill_normals, state, numbers, _LENGTH, 1.0)
    generator = np.random.Generator(np.random.SFC64(0))
    for dtype in (np.float64, np.float32):
        out = numbers.astype(dtype)
        name = np.dtype(dtype).name
        sources[f"numpy.random, SFC64, {name}"] = partial(
            generator.standard_normal, dtype=dtype, out=out
        )
        sources[f"torch.randn, {name}"] = partial(
            torch.randn, _ROWS, _LENGTH, out=torch.from_numpy(out.copy())
        )
    for name, fill in sources.items():
        seconds = cpu_seconds(partial(_ten_times, fill), repeats) / (10 * numbers.size)
        goal = "<= 1.0" if name == OURS else ""
        yield Value("Noise", name, seconds * 1e9, "ns per normal", goal)


def _ten_times(fill: Callable[[], object]) -> None:
    for _ in range(10):
        fill()
