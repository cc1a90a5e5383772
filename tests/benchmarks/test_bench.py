"""The benchmark compares things that compute the same, and its whole run works at tiny sizes.

No time is asserted.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import scaledet as sd

torch = pytest.importorskip("torch")

FOLDER = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(FOLDER))

# The benchmarks are scripts, no package: they are imported once their folder is on the path.
import bench  # noqa: E402
import limit  # noqa: E402
import processes  # noqa: E402
import simulation  # noqa: E402
import torch_reference  # noqa: E402
from effort import QUICK  # noqa: E402
from machine import cpu_seconds  # noqa: E402
from record import Record, Run, Value  # noqa: E402

TINY = replace(
    QUICK,
    samples=(64, 1_000),
    layers={1: (1, 2), 2: (1, 2)},
    sizes=(256, 1_024),
    largest=2_048,
    pixels=2**14,
    long=0.0,
    prediction_size=2**10,
)
TORCH_WAYS = {
    name: getattr(torch_reference, name)
    for name in ("STRAIGHTFORWARD", "AVERAGE_POOL", "SHIFTED_SUMS")
}


@pytest.fixture(autouse=True, scope="module")
def _single_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def record():
    reported: list[str] = []
    made = bench.measure(TINY, reported.append)
    assert reported[0] == "noise"
    assert len(set(reported)) == len(reported) == 5 + 2 * len(simulation.WAYS)
    return made


@pytest.mark.parametrize("way", TORCH_WAYS.values(), ids=TORCH_WAYS)
@pytest.mark.parametrize(("kernel", "stride", "layers"), [(3, 1, 4), (2, 2, 4), (3, 2, 3)])
def test_pytorch_agrees_with_the_prediction(way, kernel, stride, layers):
    size = 64
    # 600 images are several batches, the last of them smaller.
    small = way._replace(pixels=2**14)
    runs = np.array(
        [
            torch_reference.sensitivities(
                small,
                samples=600,
                size=size,
                kernel=kernel,
                stride=stride,
                layers=layers,
                seed=seed,
            )
            for seed in range(24)
        ]
    )
    mean, error = runs.mean(0), runs.std(0, ddof=1) / math.sqrt(len(runs))

    def pulls(net: sd.Network) -> np.ndarray:
        predicted = sd.predict(net, size=size)
        return np.abs(mean - [predicted.D, predicted.G]) / error

    assert pulls(sd.Network.uniform(kernel, stride, layers)).max() < 4.5
    # A wrong filter is noticed in every layer.
    wrong = pulls(sd.Network.uniform([1, *[3] * (kernel - 1)], stride, layers))
    assert wrong[:, 1:].max(axis=0).min() > 6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (2, 2), (3, 2), (5, 4)])
def test_the_limit_pools_rectifies_and_sums(dtype, kernel, stride):
    image = np.random.default_rng(0).standard_normal(64).astype(dtype)
    expected, pooled = 0.0, image.astype(float)
    for _ in range(3):
        pooled = sum(np.roll(pooled, -shift)[::stride] for shift in range(kernel)) / kernel
        assert (pooled < 0).any() == (expected == 0.0)  # only the first layer has to rectify
        pooled = np.maximum(pooled, 0)
        expected += float(np.square(pooled).sum())
    squares = limit.pooled_squares(image, kernel=kernel, stride=stride, layers=3, samples=2)
    assert squares == pytest.approx(2 * expected, rel=float(40 * np.finfo(dtype).eps))


def test_every_way_is_measured_in_every_sweep(record):
    measured = {(run.sweep, run.way, run.kernel) for run in record.runs}
    assert measured == {
        (sweep, way, kernel)
        for sweep in ("samples", "layers", "size")
        for way in simulation.WAYS
        for kernel in (3, 2)
    }
    assert all(math.isfinite(run.seconds) and run.seconds > 0 for run in record.runs)
    layers = {run.layers for run in record.where("layers", simulation.OURS, 3)}
    sizes = {run.size for run in record.where("size", simulation.OURS, 3)}
    assert (layers, sizes) == ({1, 2}, {256, 1_024, 2_048})
    # 2^9 pixels end in a single unit after 9 layers of stride 2: 256 are left out.
    assert {run.size for run in record.where("size", simulation.OURS, 2)} == {1_024, 2_048}


def test_every_subject_has_values(record):
    subjects = {value.subject.partition(":")[0] for value in record.values}
    assert subjects == {
        "Short runs",
        "Long runs",
        "Noise",
        "Images",
        "Predictions",
        "Derivations",
        "Fresh interpreter",
    }
    assert all(math.isfinite(value.value) and value.unit for value in record.values)
    keys = [(value.subject, value.name) for value in record.values]
    assert len(set(keys)) == len(keys)
    assert {"processor", "engines", "numpy", "torch"} <= set(record.machine)


def test_what_is_written_is_read_and_printed(record, tmp_path):
    bench.write(record, tmp_path / "out")
    assert Record.load(tmp_path / "out" / "bench.json") == record
    assert (tmp_path / "out" / "bench.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "out" / "bench.md").read_text(encoding="utf-8")
    assert text == record.to_markdown()
    assert all(f"| {value.name} |" in text for value in record.values)
    assert all(way in text for way in simulation.WAYS)


def test_the_record_in_the_repository_is_as_it_was_written():
    folder = FOLDER / "record"
    kept = Record.load(folder / "bench.json")
    assert kept.to_markdown() == (folder / "bench.md").read_text(encoding="utf-8")
    assert (folder / "bench.png").read_bytes().startswith(b"\x89PNG")
    assert {run.way for run in kept.runs} == set(simulation.WAYS)


def test_a_run_costs_per_pixel_layer_and_sample():
    run = Run("size", "scaledet", 2, 2, 5, 1_000, 200, 2e-3)
    assert run.nanoseconds == pytest.approx(2.0)
    table = Record({}, (run,), (Value("Memory", "peak", 1234.5, "MB"),)).to_markdown()
    assert "| 1,000 | 2.00 |" in table
    assert "| peak | 1,234 | MB |  |" in table


def test_the_smallest_time_of_all_repetitions_counts():
    calls: list[int] = []

    def work() -> None:
        calls.append(sum(range(200_000 if not calls else 10)))

    first = cpu_seconds(work)
    assert len(calls) == 1
    assert 0 <= cpu_seconds(work, repeats=3) <= first
    assert len(calls) == 4


def test_memory_grows_with_the_image():
    values = list(processes.memory_values(size=2**20, samples=(64,), ways=(simulation.OURS,)))
    if sys.platform != "linux":
        assert values == []
        return
    few, many = values
    assert few.value < 16
    # Bytes per pixel: one image of doubles, less what the small run before it has taken already.
    assert 7.5 < many.value < 24
