"""Time the simulation: against the straightforward way, against its own limit, with size and depth.

A pixel-layer is one pixel that enters one layer of one sample: N times the depth at stride 1. All
numbers of a row come from one run, on one core unless said otherwise, each the smallest of a few
repetitions taken in turn.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

import scaledet as sd
from scaledet.simulation.engines.compiled.compilation import Floats, Words, compiled
from scaledet.simulation.engines.compiled.gaussian_stream import fill_normals, new_state

SIZE = 1024
SAMPLES = 2**17
BATCH = 1024
"""Images of one batch of the reference, which compares all pairs of them."""

Row = tuple[str, float, str]


def fastest(*works: Callable[[], object], repeats: int = 5) -> list[float]:
    """Shortest wall time of each work (s), taken in turn."""
    best = [float("inf")] * len(works)
    for _ in range(repeats):
        for i, work in enumerate(works):
            begin = time.perf_counter()
            work()
            best[i] = min(best[i], time.perf_counter() - begin)
    return best


def pixel_layers(net: sd.Network, size: int) -> int:
    """Pixels that enter the layers, for one sample."""
    return sum((size // stride) ** net.dim for stride in net.strides[:-1])


@compiled(
    "float64(int64, int64, int64, int64, int64, float64[:,::1], uint64[:,::1], float64[::1],"
    " float64[::1])"
)
def _noise_and_pooling(
    count: int,
    size: int,
    depth: int,
    length: int,
    stride: int,
    weights: Floats,
    state: Words,
    x: Floats,
    y: Floats,
) -> float:
    """Draw noise and pool it through all layers, and nothing else."""
    total = 0.0
    for _ in range(count):
        fill_normals(state, x.reshape(1, len(x)), size, 0.05)
        n = size
        for _ in range(depth):
            outputs = n // stride
            for i in range(n, n + length - 1):
                x[i] = x[i - n]
            y[:outputs] = 0.0
            for j in range(length):
                for i in range(outputs):
                    y[i] += weights[0, j] * x[stride * i + j]
            for i in range(outputs):
                y[i] = y[i] if y[i] > 0.0 else 0.0
                total += y[i] * y[i]
            x, y = y, x
            n = outputs
    return total


def limit(count: int, kernel: int, stride: int, depth: int) -> None:
    """Noise generation plus pooling alone."""
    weights = np.zeros((1, kernel + 4))
    weights[0, :kernel] = 1 / kernel
    x, y = np.zeros(SIZE + kernel + 64), np.zeros(SIZE + kernel + 64)
    state = new_state(np.random.SeedSequence(0))
    _noise_and_pooling(count, SIZE, depth, kernel, stride, weights, state, x, y)


def speed_rows() -> list[Row]:
    """Ours, reference and limit."""
    import torch
    from torch_reference import sensitivities

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    rows: list[Row] = []
    cases = ((3, 1, 8, 100), (3, 1, 16, 100), (3, 1, 32, 100), (2, 2, 10, 30))
    for kernel, stride, depth, wanted in cases:
        net = sd.Network.uniform(kernel, stride, depth - (stride == 2))
        ours, theirs, least = fastest(
            partial(sd.simulate, net, size=SIZE, samples=SAMPLES, rng=0),
            partial(sensitivities, BATCH, SIZE, kernel, stride, net.depth),
            partial(limit, SAMPLES, kernel, stride, net.depth),
            repeats=3,
        )
        unit = pixel_layers(net, SIZE) * 1e-9
        ours, theirs, least = ours / SAMPLES / unit, theirs / BATCH / unit, least / SAMPLES / unit
        name = f"kernel {kernel} stride {stride} depth {net.depth}"
        rows += [
            (f"{name}: ours (ns per pixel-layer)", ours, ""),
            (f"{name}: reference (the same)", theirs, f"PyTorch, float64, batch {BATCH}"),
            (f"{name}: noise and pooling alone (the same)", least, ""),
            (f"{name}: reference / ours", theirs / ours, f">= {wanted}"),
            (f"{name}: ours / (noise and pooling alone)", ours / least, "<= 1.5"),
        ]
    return rows


def option_rows() -> list[Row]:
    """Two threads, control variates, more dimensions."""
    net = sd.Network.uniform(3, 1, 16)
    run = partial(sd.simulate, net, size=SIZE, samples=SAMPLES, rng=0)
    one, two, control = fastest(run, partial(run, workers=2), partial(run, control_variates=True))
    rows = [
        ("two threads: one / two", one / two, ">= 1.8"),
        ("control variates / plain, time", control / one, "about 1.03"),
    ]
    for kernel, stride, depth in ((3, 1, 16), (2, 2, 9)):
        net = sd.Network.uniform(kernel, stride, depth)
        gain = sd.simulate(net, size=SIZE, samples=2**15, rng=0, control_variates=True).gain
        name = f"control variates, variance of G_k, kernel {kernel} stride {stride}"
        rows.append((f"{name}: smallest gain", float(gain[1:].min()), "12 to 20, more if strided"))
        rows.append((f"{name}: median gain", float(np.median(gain[1:])), ""))
    for dim, size in ((2, 64), (3, 32)):
        solid = sd.Network.uniform(2, 2, 4, dim=dim)
        (taken,) = fastest(partial(sd.simulate, solid, size=size, samples=2**14, rng=0), repeats=3)
        cost = taken / 2**14 / pixel_layers(solid, size) * 1e9
        rows.append((f"kernel 2 stride 2, {size}^{dim} pixels (ns per pixel-layer)", cost, ""))
    return rows


def scaling_rows() -> list[Row]:
    """Slopes of the time per sample against size and depth, and memory, up to 2^24 pixels."""
    net = sd.Network.uniform(3, 1, 8)

    def per_sample(net: sd.Network, size: int) -> float:
        samples = max(4, 2**23 // size)
        run = partial(sd.simulate, net, size=size, samples=samples, rng=0, memory_limit=2**31)
        return fastest(run, repeats=3)[0] / samples

    sizes = [2**k for k in range(10, 25, 2)]
    times = [per_sample(net, size) for size in sizes]
    # Beside the layers there is the noise, drawn once: a straight line in the depth.
    depths = [16, 32, 64, 128]
    deep = [per_sample(sd.Network.uniform(3, 1, depth), 2**16) for depth in depths]
    noise = np.polynomial.Polynomial.fit(depths, deep, 1).convert().coef[0]
    in_depth = "slope of time less that of the noise in depth, 16 to 128 layers"
    rows = [
        ("slope of time in N, 2^10 to 2^24 pixels", _slope(sizes, times), "1"),
        (in_depth, _slope(depths, np.array(deep) - noise), "1"),
    ]
    for size in (2**20, 2**24):
        label = f"peak memory at {size} pixels (bytes per pixel)"
        rows.append((label, _peak(net, size, 4) / size, "O(N), any number of samples"))
    for samples in (2**12, 2**15):
        peak = _peak(net, 2**12, samples) / 2**20
        rows.append((f"peak memory, 4096 pixels, {samples} samples (MB)", peak, ""))
    return rows


def _peak(net: sd.Network, size: int, samples: int) -> int:
    """Peak memory of a simulation (bytes)."""
    tracemalloc.start()
    sd.simulate(net, size=size, samples=samples, rng=0, memory_limit=2**31)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _slope(x: Sequence[float], y: ArrayLike) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def first_call_rows() -> list[Row]:
    """Time the first call of a fresh interpreter, with nothing compiled and with all on disk."""
    code = (
        "import scaledet as sd;"
        "sd.simulate(sd.Network.uniform(2, 2, 3), size=16, samples=100, rng=0)"
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        for name, target in (("compiling", "< 5"), ("compiled before", "< 1")):
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, env=environment)
            rows.append((f"first call, {name} (s)", time.perf_counter() - begin, target))
    return rows
