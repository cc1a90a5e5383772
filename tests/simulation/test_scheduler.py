"""Running: the same bits from any executor, stopping at a target, Ctrl-C, failures."""

from __future__ import annotations

import math
import multiprocessing
import random
import re
import signal
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import scaledet as sd
from scaledet.simulation import scheduler
from scaledet.simulation.estimation import estimate
from scaledet.simulation.executors import Pool
from scaledet.simulation.job import unit_sizes
from tests.runs import (
    NET,
    SLOWLY,
    interrupt,
    packed_units,
    run_unit,
    same,
    script,
    small,
    specification,
    unit_by_unit,
    wait_for,
)


class Plain(Executor):
    """Runs what is submitted at once; counts, and fails or is interrupted at a given batch."""

    def __init__(self, fail_at: float = math.inf, error: type[BaseException] = OSError) -> None:
        self.submitted = 0
        self.fail_at = fail_at
        self.error = error

    def submit(self, function, /, *arguments):
        self.submitted += 1
        if self.submitted >= self.fail_at:
            raise self.error("no more")
        future: Future = Future()
        future.set_result(function(*arguments))
        return future


class Unreliable(Executor):
    """Two threads that run some batches twice, after random delays."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.threads = ThreadPoolExecutor(2)

    def submit(self, function, /, *arguments):
        twice, delay = self.random.random() < 0.3, self.random.random() / 100

        def task():
            time.sleep(delay)
            if twice:
                function(*arguments)
            return function(*arguments)

        return self.threads.submit(task)


class Hoarder(Executor):
    """Finishes one batch at a time, and remembers how many were waiting for it."""

    def __init__(self) -> None:
        self.waiting = 0
        self.most = 0
        self.threads = ThreadPoolExecutor(1)
        self.num_workers = 3

    def submit(self, function, /, *arguments):
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        future = self.threads.submit(function, *arguments)
        future.add_done_callback(lambda _: self.count_down())
        return future

    def count_down(self):
        self.waiting -= 1


# ---------------------------------------------------------------------------- bit-identity


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_threads_give_the_same_bits(plain, threads):
    assert same(plain, small(workers=threads))
    with ThreadPoolExecutor(threads) as executor:
        assert same(plain, small(executor=executor))
        assert executor.submit(int).result() == 0, "the caller's executor stays open"


@pytest.mark.parametrize(("method", "workers"), [("fork", 2), ("spawn", 1), ("spawn", 2)])
def test_processes_give_the_same_bits(plain, method, workers):
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(workers, mp_context=context) as executor:
        assert same(plain, small(executor=executor))
        targeted = small(executor=executor, target_error=0.2)
    assert same(targeted, small(target_error=0.2))


@pytest.mark.parametrize("seed", range(3))
def test_units_that_are_run_again_give_the_same_bits(plain, seed, monkeypatch):
    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0.01)
    assert same(plain, small(executor=Unreliable(seed)))


@pytest.mark.parametrize("seconds", [0, 0.003, 100])
def test_the_length_of_batches_changes_no_bit(plain, monkeypatch, seconds):
    monkeypatch.setattr(scheduler, "BATCH_SECONDS", seconds)
    executor = Plain()
    assert same(plain, small(executor=executor))
    assert (executor.submitted == plain.blocks) == (seconds == 0)


def test_few_batches_wait_at_a_time(plain, monkeypatch):
    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
    executor = Hoarder()
    assert same(plain, small(executor=executor))
    assert 3 <= executor.most <= 2 * 3 + 2


def test_the_number_of_workers_is_asked_for():
    class Client:
        @staticmethod
        def ncores():
            return {"tcp://a": 2, "tcp://b": 3}

    dask_like = Plain()
    dask_like._client = Client()
    assert Pool(dask_like).width() == 5
    Client.ncores = staticmethod(dict)
    assert Pool(dask_like).width() == 1
    assert Pool(Hoarder()).width() == 3
    assert Pool(Plain()).width() >= 1
    with ThreadPoolExecutor(7) as threads:
        assert Pool(threads).width() == 7


class Client:
    """A Dask client has `get_executor`, executors have not."""

    submit = get_executor = print


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"executor": 2}, TypeError, "executor must be a concurrent.futures.Executor.*got 2"),
        ({"executor": ThreadPoolExecutor}, TypeError, "executor must be .*got <class"),
        ({"executor": Client()}, TypeError, r"pass client.get_executor\(\); got <tests\."),
        ({"executor": Plain(), "workers": 2}, ValueError, "workers must be left out .*got 2"),
    ],
)
def test_executors_are_checked(given, kind, message):
    with pytest.raises(kind, match=message):
        small(**given)


def test_an_error_of_a_unit_is_raised(monkeypatch):
    def fail(spec, stream, unit, count):
        if unit == 40:
            raise ZeroDivisionError("unit 40")
        return run_unit(spec, stream, unit, count)

    monkeypatch.setattr(scheduler, "run_units", unit_by_unit(fail))
    for workers in (1, 2):
        with pytest.raises(ZeroDivisionError, match="unit 40"):
            small(workers=workers)
    with pytest.raises(OSError, match="no more"):
        small(executor=Plain(fail_at=3))


# ---------------------------------------------------------------------------------- Ctrl-C


def test_an_interrupted_run_returns_what_is_done(plain, monkeypatch, tmp_path):
    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
    result = small(executor=Plain(21, KeyboardInterrupt))
    assert (result.partial, plain.partial) == (True, False)
    assert 2 <= result.blocks <= 20
    spec = specification(NET)
    counts = unit_sizes(spec, 12_000)[: result.blocks]
    estimates = estimate(spec, counts, packed_units(spec, 5, counts), control=False)
    assert np.array_equal(estimates["means"], result.means)
    for text in (repr(result), result._repr_html_()):
        assert "partial: interrupted" in text
    again = sd.load(result.save(tmp_path / "partial.npz"))
    assert again.partial
    assert repr(again) == repr(result)


@pytest.mark.parametrize("batch", [1, 2])
def test_an_interrupt_before_two_units_is_passed_on(monkeypatch, batch):
    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
    with pytest.raises(KeyboardInterrupt):
        small(executor=Plain(batch, KeyboardInterrupt))


def test_an_interrupt_of_a_worker_is_an_interrupt(monkeypatch):
    def interrupted(spec, stream, unit, count):
        if unit == 30:
            raise KeyboardInterrupt
        return run_unit(spec, stream, unit, count)

    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
    monkeypatch.setattr(scheduler, "run_units", unit_by_unit(interrupted))
    result = small(executor=Unreliable(0))
    assert result.partial
    assert 20 < result.blocks < 129


def test_an_interrupt_cancels_what_waits(monkeypatch):
    class Stalled(Plain):
        """Runs three batches, lets the others wait."""

        num_workers = 3

        def __init__(self):
            super().__init__(7, KeyboardInterrupt)
            self.waiting = []

        def submit(self, function, /, *arguments):
            future = super().submit(function, *arguments)
            if self.submitted > 3:
                future = Future()
                self.waiting.append(future)
            return future

    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
    executor = Stalled()
    result = small(executor=executor)
    assert (result.partial, result.blocks, len(executor.waiting)) == (True, 3, 3)
    assert all(future.cancelled() for future in executor.waiting)


LONG = """
import scaledet as sd, sys
print("ready", flush=True)
net = sd.Network.uniform(2, 2, 2)
m = sd.simulate(net, size=16, samples=10**8, rng=3, engine="numpy", workers=int(sys.argv[1]))
print(m.partial, m.blocks, m.samples, m.means.tobytes().hex())
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c(workers):
    process = script(LONG, workers)
    wait_for(process, "ready")
    time.sleep(1.5)
    out, err = interrupt(process)
    assert (process.returncode, err) == (0, "")
    partial, blocks, samples, means = out.split()
    assert partial == "True"
    assert 2 <= int(blocks) < 65_000
    assert int(samples) >= 1500 * int(blocks)
    if workers == 1:
        spec = specification(sd.Network.uniform(2, 2, 2), 16)
        counts = unit_sizes(spec, 10**8)[: int(blocks)]
        estimates = estimate(spec, counts, packed_units(spec, 3, counts), control=False)
        assert estimates["means"].tobytes().hex() == means


IMPATIENT = f"""PAUSE = 1.5{SLOWLY}
import scaledet as sd
print("ready", flush=True)
m = sd.simulate(sd.Network.uniform(2, 2, 2), size=16, samples=10**6, rng=3, engine="numpy")
print(m.partial, m.blocks, flush=True)
"""


def test_ctrl_c_twice_does_not_wait_for_the_unit_under_way() -> None:
    process = script(IMPATIENT)
    wait_for(process, "ready")
    time.sleep(7)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    out, err = interrupt(process)
    assert (process.returncode, err) == (0, "")
    partial, blocks = out.split()
    assert partial == "True"
    assert 2 <= int(blocks) <= 5


COMMAND = """
import sys
from scaledet.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", ["simulate", "compare"])
def test_ctrl_c_on_the_command_line(command):
    line = "--kernel 2 --stride 2 --depth 2 --size 16 --samples 100000000 --engine numpy"
    process = script(COMMAND, command, *line.split(), "--progress")
    wait_for(process, "about", "stderr")
    time.sleep(1)
    out, err = interrupt(process)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert out.startswith("Simulation of Network(2 x Layer")
    assert "partial: interrupted" in out


# -------------------------------------------------------------------------------- progress


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_shows_time_memory_rate_and_what_remains(plain, capsys, workers):
    assert same(plain, small(progress=True, workers=workers))
    out, err = capsys.readouterr()
    assert out == ""
    line, bar = err.split("\n", 1)
    assert line.startswith("simulate: about ")
    assert line.endswith("MB for 12000 samples")
    assert "12.0k/12.0k" in bar
    assert "image/s" in bar


def test_the_announcement_knows_of_the_target(monkeypatch, capsys):
    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
    stopped = small(samples=10**9, target_error=0.02, progress=True)
    err = capsys.readouterr().err
    line, bar = err.split("\n", 1)
    said = re.fullmatch(r"simulate: about (.*) s and \d+ MB for about (\d+) samples", line)
    assert stopped.samples / 3 < int(said[2]) < 3 * stopped.samples
    assert float(said[1]) < 60
    assert "100%" in bar
    # As long as a layer has shown no response, nobody knows.
    monkeypatch.setattr(scheduler, "largest_error", lambda *_: math.inf)
    small(samples=10**9, target_error=0.02, progress=True)
    line = capsys.readouterr().err
    assert re.match(r"simulate: at most .* MB for at most 1000000000 samples\n", line)


def test_an_executor_that_is_shut_down_is_named() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="executor must take tasks; it refuses: cannot schedule"):
        sd.simulate(sd.Network.uniform(2, 2, 2), size=16, samples=100, executor=pool)
