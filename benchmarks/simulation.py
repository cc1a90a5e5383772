"""Simulations by every way, against samples, layers and size.

A cost is CPU time per pixel, layer and sample: N times the layers, whatever the stride. Long runs
send 2^26 pixels through the network, 65,536 images of 1,024; the other ways, whose cost then no
longer falls with the samples, fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from effort import Effort
from limit import pooled_squares
from machine import cpu_seconds
from numpy.typing import NDArray
from record import Run, Value

import scaledet as sd

__all__ = ["LIMITS", "OURS", "WAYS", "Case", "image_values", "run_values", "sweep_runs"]

LONG_RUNS = ((3, 1, 8), (2, 2, 9))
"""Kernel, stride and layers of the networks, at 1,024 pixels."""
SIZE = 1_024


class Case(NamedTuple):
    """Boxes of length `kernel` at `stride` on `size` pixels."""

    kernel: int
    stride: int
    layers: int
    size: int

    @property
    def network(self) -> sd.Network:
        """The network of equal layers."""
        return sd.Network.uniform(self.kernel, self.stride, self.layers)

    @property
    def dead(self) -> bool:
        """Whether pooling makes all images alike: one unit is left."""
        units: int = self.stride**self.layers
        return units >= self.size


Way = Callable[[Case, int], object]


def _ours(case: Case, samples: int) -> object:
    return sd.simulate(case.network, size=case.size, samples=samples, rng=0)


def _numpy(case: Case, samples: int) -> object:
    return sd.simulate(case.network, size=case.size, samples=samples, rng=0, engine="numpy")


def _torch(way: str, case: Case, samples: int) -> object:
    import torch_reference  # only these ways hold PyTorch in memory

    kernel, stride, layers, size = case
    return torch_reference.sensitivities(
        getattr(torch_reference, way),
        samples=samples,
        size=size,
        kernel=kernel,
        stride=stride,
        layers=layers,
    )


def _limit(dtype: type[np.floating[Any]], case: Case, samples: int) -> object:
    kernel, stride, layers, size = case
    image = _image(size).astype(dtype)
    return pooled_squares(image, kernel=kernel, stride=stride, layers=layers, samples=samples)


@cache
def _image(size: int) -> NDArray[np.float64]:
    return np.random.default_rng(0).standard_normal(size)


OURS = "scaledet"
LIMITS = ("limit, float32", "limit, float64")
WAYS: dict[str, Way] = {
    OURS: _ours,
    "NumPy engine": _numpy,
    "PyTorch, straightforward": partial(_torch, "STRAIGHTFORWARD"),
    "PyTorch, avg_pool1d": partial(_torch, "AVERAGE_POOL"),
    "PyTorch, shifted sums": partial(_torch, "SHIFTED_SUMS"),
    LIMITS[0]: partial(_limit, np.float32),
    LIMITS[1]: partial(_limit, np.float64),
}


def sweep_runs(effort: Effort) -> Iterator[Run]:
    """Run every way against samples, layers and size, for both networks."""
    for kernel, stride, layers in LONG_RUNS:
        standard = Case(kernel, stride, layers, SIZE)
        for name, way in WAYS.items():
            way(standard, 64)  # compiles; four images might all look alike
            yield from _against_samples(name, way, standard, effort)
            sizes = (*effort.sizes, effort.largest) if name == OURS else effort.sizes
            least = effort.pixels if name == OURS else min(2**20, effort.pixels)
            sweeps = {
                "layers": [standard._replace(layers=count) for count in effort.layers[stride]],
                "size": [standard._replace(size=size) for size in sizes],
            }
            for sweep, cases in sweeps.items():
                for case in cases:
                    if not case.dead:
                        samples, seconds = _long_run(partial(way, case), case.size, least, effort)
                        yield Run(sweep, name, *case, samples, seconds)


def _against_samples(name: str, way: Way, case: Case, effort: Effort) -> Iterator[Run]:
    """Run with ever more samples, until these would take too long."""
    before, seconds = 1, 0.0
    for samples in effort.samples:
        if seconds / before * samples <= effort.longest:
            seconds = cpu_seconds(partial(way, case, samples), effort.repeats)
            before = samples
            yield Run("samples", name, *case, samples, seconds)


def _long_run(
    run: Callable[[int], object], pixels: int, least: int, effort: Effort
) -> tuple[int, float]:
    """Return a number of samples that sends enough pixels, `least` of all, and its time (s)."""
    samples, most = (max(4, total // pixels) for total in (least, effort.pixels))
    seconds = cpu_seconds(partial(run, samples))
    while samples < most and seconds < effort.long / 4:
        enough = samples * effort.long / max(seconds, 1e-6)
        samples = min(max(2 * samples, int(enough)), most)
        seconds = cpu_seconds(partial(run, samples))
    return samples, min(seconds, cpu_seconds(partial(run, samples), effort.repeats - 1))


def run_values(runs: list[Run], nanoseconds_per_normal: float) -> Iterator[Value]:
    """Read off the runs what a short call costs and how far the other ways and the limit are."""
    for kernel, stride, layers in LONG_RUNS:
        network = f"Kernel {kernel}, stride {stride}, {layers} layers, {SIZE:,} pixels"
        last = {
            run.way: run for run in runs if (run.sweep, run.kernel) == ("samples", kernel)
        }  # the longest of every way
        ours = [r for r in runs if (r.sweep, r.kernel, r.way) == ("samples", kernel, OURS)]
        per_sample = ours[-1].seconds / ours[-1].samples
        for run in ours:
            subject, name = f"Short runs: {network}", f"{run.samples:,} samples"
            beyond = run.seconds - run.samples * per_sample
            yield Value(subject, name, run.seconds * 1e3, "ms", "<= 3" if run.samples == 64 else "")
            if run.samples == 1_000:
                yield Value(subject, f"{name}, beyond a long run's", beyond * 1e3, "ms", "<= 3")
            if run.samples == 10_000:
                quotient = run.seconds / run.samples / per_sample
                yield Value(subject, f"{name}, against a long run's", quotient, "times", "<= 1.3")
        subject, long = f"Long runs: {network}", ours[-1].nanoseconds
        goal = "<= 0.25" if stride == 1 else ""
        yield Value(subject, OURS, long, "ns per pixel, layer and sample", goal)
        beyond = long * layers - nanoseconds_per_normal
        goal = "<= 0.6" if stride == 2 else ""
        unit = "ns per pixel and sample"
        yield Value(subject, f"{OURS}, all layers, less the noise", beyond, unit, goal)
        for way, run in last.items():
            if way != OURS:
                yield Value(subject, f"{way} / {OURS}", run.nanoseconds / long, "times")
        least = last[LIMITS[0]].nanoseconds + nanoseconds_per_normal / layers
        yield Value(subject, f"{OURS} / ({LIMITS[0]}, and its noise)", long / least, "times")


def image_values(effort: Effort) -> Iterator[Value]:
    """Measure what more dimensions, tasks, backgrounds and options cost."""
    for kernel, stride, layers in LONG_RUNS:
        net = sd.Network.uniform(kernel, stride, layers)
        subject = f"Images: kernel {kernel}, stride {stride}"
        plain = _image_cost(effort, net, SIZE)
        unit = "ns per pixel, layer and sample"
        yield Value(subject, f"one pixel, {SIZE:,} pixels, {layers} layers", plain, unit)
        for dim, size, most in ((2, 64, 5), (3, 16, 3)):
            count = min(layers, most)
            solid = sd.Network.uniform(kernel, stride, count, dim=dim)
            cost = _image_cost(effort, solid, size)
            yield Value(subject, f"one pixel, {size}^{dim} pixels, {count} layers", cost, unit)
        options: dict[str, tuple[dict[str, Any], str]] = {
            "two pixels (a task)": ({"task": sd.ScaleDetection(size=SIZE, xi=14, gap=2)}, "<= 3.5"),
            "background": ({"background": 0.1}, "<= 7.5"),
            "control variates": ({"control_variates": True}, ""),
        }
        for name, (option, goal) in options.items():
            cost = _image_cost(effort, net, SIZE, **option)
            yield Value(subject, f"{name}, {SIZE:,} pixels, {layers} layers", cost, unit)
            yield Value(subject, f"{name} / one pixel", cost / plain, "times", goal)
        run = sd.simulate(net, size=SIZE, samples=effort.samples[-1], rng=0, control_variates=True)
        gains = {"smallest": np.min(run.gain[1:]), "median": np.median(run.gain[1:])}
        for which, gain in gains.items():
            name = f"variance of G_k without / with control variates, {which} of all layers"
            yield Value(subject, name, float(gain), "times")


def _image_cost(effort: Effort, net: sd.Network, size: int, **options: Any) -> float:
    """CPU time of a long run per pixel, layer and sample (ns)."""

    def run(samples: int) -> object:
        return sd.simulate(net, size=size, samples=samples, rng=0, **options)

    pixels: int = size**net.dim
    samples, seconds = _long_run(run, pixels, effort.pixels, effort)
    return seconds / (pixels * len(net) * samples) * 1e9
