"""Run many simulations at once: jobs in, the sums of their units out.

Units are handed out in batches of a fraction of a second, a few at a time for every worker; the
jobs take turns. Neither the worker that computes a unit nor the order or the batches change a bit.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scaledet.errors import ExhaustionError
from scaledet.simulation.engines.base import Floats, Specification
from scaledet.simulation.estimation import is_precise, prefix_lengths, require_alive
from scaledet.simulation.executors import Pool
from scaledet.simulation.run_options import Settings
from scaledet.simulation.unit import Job, Stream, engine_of, run_unit

if TYPE_CHECKING:
    from scaledet.simulation.checkpoint import Checkpoint

__all__ = ["Outcome", "run_jobs"]

Batch = Future[tuple[Floats, float]]
"""Future of some units: their packed sums, and the seconds they took."""

# Long enough for the way to another machine to cost nothing next to it (seconds).
BATCH_SECONDS = 0.3
# After so many images (of a large run, a sixteenth) it is checked that they do not all look alike.
_PILOT = 1024


class Outcome(NamedTuple):
    """Images and packed sums [units, ...] of the units of a job that count, in their order.

    `partial`: the run was interrupted before the job was done.
    """

    counts: list[int]
    packed: Floats
    partial: bool


class _Ongoing:
    """A job under way: units finished, units not handed out yet, and where it may stop."""

    def __init__(self, job: Job, stored: dict[int, Floats]) -> None:
        units = len(job.counts)
        self.job = job
        self.counts = np.array(job.counts)
        self.numbers = np.empty((units, 4 * (job.spec.network.depth + 1) + 2))
        self.finished = np.zeros(units, dtype=bool)
        for unit, numbers in stored.items():
            self.numbers[unit], self.finished[unit] = numbers, True
        self.waiting = deque(np.flatnonzero(~self.finished).tolist())
        # Length of the prefix that is the result, once it is known and finished.
        self.length: int | None = None
        # Time that a unit took in the last finished batch (seconds).
        self.pace = math.nan
        self._lengths = deque([units] if job.target is None else prefix_lengths(units))
        self._complete = 0
        # Units after which images that all look alike end the run.
        wanted = max(_PILOT, sum(job.counts) // 16)
        self._pilot = -(-wanted // job.counts[0])
        self._judge()

    def take(self, width: int) -> list[int]:
        """Take units for one batch off the waiting ones, fewer towards the end."""
        share = math.ceil(len(self.waiting) / (2 * width))
        # One unit at first, to learn how long it takes.
        wanted = 1 if math.isnan(self.pace) else int(BATCH_SECONDS / max(self.pace, 1e-9))
        return [self.waiting.popleft() for _ in range(max(1, min(wanted, share)))]

    def add(self, units: Sequence[int], numbers: Floats, seconds: float) -> None:
        """Note the units of one finished batch."""
        self.numbers[units], self.finished[units] = numbers, True
        self.pace = seconds / len(units)
        self._judge()

    def outcome(self) -> Outcome:
        """Return the result; of a job that is not done, everything that is finished."""
        units = np.flatnonzero(self.finished[: self.length])
        partial = self.length is None
        return Outcome(self.counts[units].tolist(), self.numbers[units], partial)

    def _judge(self) -> None:
        """Go on along the schedule of prefixes as far as they are complete."""
        job, rest = self.job, self.finished[self._complete :]
        self._complete += len(rest) if rest.all() else int(np.argmin(rest))
        if 0 < self._pilot <= self._complete:
            try:
                require_alive(job.spec, job.counts[: self._pilot], self.numbers[: self._pilot])
            except ExhaustionError as error:
                raise job.named(error) from None
            self._pilot = 0
        while self.length is None and self._lengths[0] <= self._complete:
            length = self._lengths.popleft()
            if not self._lengths or is_precise(job, self.numbers[:length]):
                self.length = length
                self.waiting.clear()


class _Run:
    """All jobs under way, the batches handed out, and progress on stderr if it is shown."""

    def __init__(self, jobs: Sequence[Job], store: Checkpoint | None, caller: str, shown: bool):
        stored = [{} for _ in jobs] if store is None else store.stored(jobs)
        self.jobs = [_Ongoing(job, known) for job, known in zip(jobs, stored, strict=True)]
        self.pending: dict[Batch, tuple[_Ongoing, list[int]]] = {}
        self._turns = deque(self.jobs)
        self._store = store
        self._batches = 0
        self._caller, self._shown = caller, shown
        self._stored = self._images_done()
        self.bar: Any = None

    def work(self, pool: Pool) -> None:
        """Hand out batches and take in their sums, until every job is done."""
        while any(job.length is None for job in self.jobs):
            width = pool.width()
            while len(self.pending) < 2 * width + 2 and (job := self._next()) is not None:
                units = job.take(width)
                counts = job.counts[units].tolist()
                future = pool.submit(run_units, job.job.spec, job.job.stream, units, counts)
                self.pending[future] = (job, units)
            done, _ = wait(self.pending, return_when=FIRST_COMPLETED)
            self.collect(done)
            if self._shown and self.bar is None:
                self._announce(width)

    def _next(self) -> _Ongoing | None:
        """Return the job whose turn it is among those with waiting units."""
        for _ in self.jobs:
            self._turns.rotate(-1)
            if self._turns[-1].waiting:
                return self._turns[-1]
        return None

    def collect(self, done: Iterable[Batch]) -> None:
        """Store and add up the sums of finished batches; then raise the error of a failed one."""
        good = [future for future in done if not _failed(future)]
        if self._store is not None:
            self._store.add(
                (self.pending[future][0].job, self.pending[future][1], future.result()[0])
                for future in good
            )
        for future in good:
            job, units = self.pending.pop(future)
            job.add(units, *future.result())
            self._batches += 1
            if self.bar is not None:
                self.bar.update(int(job.counts[units].sum()))
        for future in done:
            future.result()

    def _images_done(self) -> int:
        return sum(int(job.counts[job.finished].sum()) for job in self.jobs)

    def _announce(self, width: int) -> None:
        """Estimate time and memory once every worker has warmed up and every job has been timed."""
        left = [job for job in self.jobs if job.length is None]
        seconds = sum((~job.finished).sum() * job.pace for job in left) / width
        if (self._batches <= width and left) or not math.isfinite(seconds):
            return
        jobs = [job.job for job in self.jobs]
        memory = max(engine_of(job.spec).bytes_needed(job.spec, max(job.counts)) for job in jobs)
        samples = sum(sum(job.counts) for job in jobs)
        stored = f", {self._stored} of them stored" if self._stored else ""
        stderr = _Stderr()
        stderr.write(
            f"{self._caller}: about {seconds:.1f} s and {math.ceil(width * memory / 2**20)} MB for "
            f"{samples} samples{stored}\n"
        )
        from tqdm.auto import tqdm

        shown = {"unit": "image", "unit_scale": True, "desc": self._caller, "file": stderr}
        self.bar = tqdm(total=samples, initial=self._images_done(), **shown)


class _Stderr:
    """Standard error, if there is one: progress that cannot be shown ends no run."""

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            if sys.stderr is not None:
                sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            if sys.stderr is not None:
                sys.stderr.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


def run_units(
    spec: Specification, stream: Stream, units: Sequence[int], counts: Sequence[int]
) -> tuple[Floats, float]:
    """Run one `Batch`."""
    begin = time.perf_counter()
    pairs = zip(units, counts, strict=True)
    numbers = np.array([run_unit(spec, stream, unit, count).packed() for unit, count in pairs])
    return numbers, time.perf_counter() - begin


def run_jobs(
    jobs: Sequence[Job], settings: Settings, store: Checkpoint | None, caller: str
) -> list[Outcome]:
    """Run every job until it is done; interrupted by Ctrl-C, return what is finished.

    `store` has finished units and keeps more; `caller` names the run on stderr. An error of a unit,
    of the executor or of the store is raised once the other finished units are kept.
    """
    run = _Run(jobs, store, caller, settings.progress)
    given = settings.executor  # stays open
    workers = ThreadPoolExecutor(settings.workers) if given is None else nullcontext(given)
    try:
        # A second Ctrl-C does not wait for the units that threads are at.
        with suppress(KeyboardInterrupt), workers as executor:
            try:
                run.work(Pool(executor))
            except BrokenExecutor as error:
                kept = "lost: give a checkpoint" if store is None else f"kept in {store.path}"
                error.add_note(f"What was finished is {kept}; the same call goes on from there.")
                raise
            except KeyboardInterrupt:
                pass  # the result is partial
            finally:
                for future in run.pending:
                    future.cancel()
        # Threads have finished the units that they were at: these are part of an interrupted
        # result, and of use to the next call on the same checkpoint.
        run.collect([batch for batch in run.pending if batch.done() and not _failed(batch)])
    finally:
        if run.bar is not None:
            run.bar.close()
    return [job.outcome() for job in run.jobs]


def _failed(future: Batch) -> bool:
    return future.cancelled() or future.exception() is not None
