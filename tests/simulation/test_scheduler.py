"""Running: the same bits from any executor, stopping at a target, Ctrl-C, failures."""

from __future__ import annotations

import itertools
import math
import multiprocessing
import random
import signal
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import scaledet as sd
from scaledet.simulation import scheduler
from scaledet.simulation.engines.base import UnitSums
from scaledet.simulation.estimation import estimate, is_precise, prefix_lengths, relative_errors
from scaledet.simulation.executors import Pool
from scaledet.simulation.unit import Job, Stream, run_unit, unit_sizes
from tests.runs import NET, SLOWLY, interrupt, same, script, small, specification, wait_for


def packed_units(spec, seed, counts):
    """Sums of the first units of a run."""
    stream = Stream(seed, (0,))
    units = [run_unit(spec, stream, unit, count) for unit, count in enumerate(counts)]
    return np.array([unit.packed() for unit in units])


class Plain(Executor):
    """Runs what is submitted at once; counts, and fails or is interrupted at a given task."""

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
    """Two threads that run some tasks twice, after random delays."""

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
    """Finishes one task at a time, and remembers how many were waiting for it."""

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


@pytest.fixture(scope="module")
def plain():
    return small()


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
    monkeypatch.setattr(scheduler, "TASK_SECONDS", 0.01)
    assert same(plain, small(executor=Unreliable(seed)))


@pytest.mark.parametrize("seconds", [0, 0.003, 100])
def test_the_length_of_tasks_changes_no_bit(plain, monkeypatch, seconds):
    monkeypatch.setattr(scheduler, "TASK_SECONDS", seconds)
    executor = Plain()
    assert same(plain, small(executor=executor))
    assert (executor.submitted == plain.blocks) == (seconds == 0)


def test_few_tasks_wait_at_a_time(plain, monkeypatch):
    monkeypatch.setattr(scheduler, "TASK_SECONDS", 0)
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
        (
            {"executor": Client()},
            TypeError,
            r"pass client.get_executor\(\); got <tests\.",
        ),
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

    monkeypatch.setattr(scheduler, "run_unit", fail)
    for workers in (1, 2):
        with pytest.raises(ZeroDivisionError, match="unit 40"):
            small(workers=workers)
    with pytest.raises(OSError, match="no more"):
        small(executor=Plain(fail_at=3))


# -------------------------------------------------------------------------------- stopping


def test_a_target_stops_at_the_first_prefix_that_suffices():
    stopped = small(target_error=0.03)
    for workers in (2, 8):
        assert same(stopped, small(target_error=0.03, workers=workers))
    spec = specification(NET)
    counts = unit_sizes(spec, 12_000)
    lengths = prefix_lengths(len(counts))
    place = lengths.index(stopped.blocks)
    assert 0 < place < len(lengths) - 1, "neither the first nor the last"
    packed = packed_units(spec, 5, counts[: stopped.blocks])
    for length in lengths[: place + 1]:
        prefix = estimate(spec, counts[:length], packed[:length], control=False)
        assert (relative_errors(prefix).max() < 0.03) == (length == stopped.blocks)
    assert np.array_equal(prefix["covariance"], stopped.covariance)
    assert stopped.target_reached
    assert stopped.relative_error.max() < 0.03
    assert "target error 0.03 reached: relative standard error at most 0.02" in repr(stopped)
    assert "target error 0.03 reached" in stopped._repr_html_()


def test_control_variates_count_for_the_target():
    # Every move has a response here, so that the noise decides.
    net = sd.Network.uniform([1, 2, 1], 1, 2)
    given = {"size": 32, "samples": 12_000, "rng": 5, "engine": "numpy", "target_error": 0.0048}
    plain = sd.simulate(net, **given)
    controlled = sd.simulate(net, **given, control_variates=True)
    assert controlled.blocks < plain.blocks < 129
    assert same(controlled, sd.simulate(net, **given, control_variates=True, workers=2))
    assert controlled.control_variates
    factor = f"{np.median(controlled.gain):.3g}"
    assert f"control variates: variance of G_k {factor} times smaller (median)" in repr(controlled)
    assert "control variates" not in repr(plain)


def test_errors_of_exactly_known_ratios_are_not_nan():
    # Control variates know the linear noise response at the input exactly, and moves are constant.
    for samples in (12_000, 40_000):
        linear = small(samples=samples, rectify=None, control_variates=True)
        assert linear.R_err[0] < 1e-8
        assert np.isfinite(linear.R_err).all()


def test_a_target_out_of_reach_is_warned_of(plain):
    missed = r"target_error = 0.001 was not reached within 12000 samples: the relative standard "
    with pytest.warns(RuntimeWarning, match=rf"{missed}error of layer 3 is 0\.0\d+") as caught:
        result = small(target_error=0.001)
    # The warning points at the caller of `simulate`.
    assert caught[0].filename.endswith("runs.py")
    assert same(result, plain)
    assert (result.target_reached, result.partial, result.target_error) == (False, False, 0.001)
    assert "target error 0.001 NOT reached" in repr(result)
    assert (plain.target_reached, plain.target_error) == (True, None)


def test_a_response_never_seen_is_infinitely_uncertain():
    net = sd.Network.uniform(2, 2, 8)
    with pytest.warns(RuntimeWarning, match=r"the relative standard error of layer \d is inf"):
        result = sd.simulate(net, size=2**12, samples=8, rng=0, target_error=0.5)
    assert result.D[-1] == 0
    assert result.relative_error[-1] == math.inf


def test_exhaustion_is_judged_in_the_end_only():
    spec = specification(NET)
    dead = UnitSums(*(np.zeros(4) for _ in range(4)), np.zeros(2))
    packed = np.array([dead.packed()] * 64)
    assert not is_precise(Job(spec, Stream(5), (4,) * 64, target=0.9), packed)
    dying = sd.Network.uniform(2, 2, 3, bias=-0.2)
    with pytest.raises(sd.ExhaustionError, match="layer 2"):
        sd.simulate(dying, size=16, samples=10_000, rng=0, target_error=0.1)


def test_prefixes_do_not_depend_on_the_number_of_units():
    long = prefix_lengths(10**5)
    assert long[0] == 64
    assert all(b / a <= 1.25 for a, b in itertools.pairwise(long))
    for units in (2, 64, 65, 1000):
        lengths = prefix_lengths(units)
        assert lengths[-1] == units
        assert lengths[:-1] == [length for length in long if length < units]


@pytest.mark.parametrize("target", [0, 1, -0.1, 2, math.nan, math.inf])
def test_a_target_lies_between_0_and_1(target):
    with pytest.raises(ValueError, match=r"target_error must be .* between 0 and 1, .*got"):
        small(target_error=target)


@pytest.mark.parametrize("target", ["0.1", True, [0.1]])
def test_a_target_is_a_number(target):
    with pytest.raises(TypeError, match="target_error must be a real number"):
        small(target_error=target)


# ---------------------------------------------------------------------------------- Ctrl-C


def test_an_interrupted_run_returns_what_is_done(plain, monkeypatch, tmp_path):
    monkeypatch.setattr(scheduler, "TASK_SECONDS", 0)
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


@pytest.mark.parametrize("task", [1, 2])
def test_an_interrupt_before_two_units_is_passed_on(monkeypatch, task):
    monkeypatch.setattr(scheduler, "TASK_SECONDS", 0)
    with pytest.raises(KeyboardInterrupt):
        small(executor=Plain(task, KeyboardInterrupt))


def test_an_interrupt_of_a_worker_is_an_interrupt(monkeypatch):
    def interrupted(spec, stream, unit, count):
        if unit == 30:
            raise KeyboardInterrupt
        return run_unit(spec, stream, unit, count)

    monkeypatch.setattr(scheduler, "TASK_SECONDS", 0)
    monkeypatch.setattr(scheduler, "run_unit", interrupted)
    result = small(executor=Unreliable(0))
    assert result.partial
    assert 20 < result.blocks < 129


def test_an_interrupt_cancels_what_waits(monkeypatch):
    class Stalled(Plain):
        """Runs three tasks, lets the others wait."""

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

    monkeypatch.setattr(scheduler, "TASK_SECONDS", 0)
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
def test_progress_tells_time_memory_rate_and_what_remains(plain, capsys, workers):
    assert same(plain, small(progress=True, workers=workers))
    out, err = capsys.readouterr()
    assert out == ""
    line, bar = err.split("\n", 1)
    assert line.startswith("simulate: about ")
    assert line.endswith("MB for 12000 samples")
    assert "12.0k/12.0k" in bar
    assert "image/s" in bar


def test_an_executor_that_is_shut_down_is_named() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="executor must take tasks; it refuses: cannot schedule"):
        sd.simulate(sd.Network.uniform(2, 2, 2), size=16, samples=100, executor=pool)
