"""Run many simulations at once: jobs in, the sums of their units out.

Units are handed out in batches of a fraction of a second, a few at a time for every worker; the
jobs take turns. Neither the worker that computes a unit nor the order or the batches change a bit.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scaledet.errors import ExhaustionError
from scaledet.simulation.engines.base import Floats, Specification
from scaledet.simulation.estimation import (
    is_precise,
    largest_error,
    prefix_lengths,
    require_alive,
)
from scaledet.simulation.executors import Pool
from scaledet.simulation.job import STAGE, Job
from scaledet.simulation.run_options import Settings
from scaledet.simulation.unit import Stream, engine_of, run_units

if TYPE_CHECKING:
    from scaledet.simulation.checkpoint import Checkpoint

__all__ = ["Outcome", "run_jobs"]

Batch = Future[tuple[Floats, float]]
"""Future of some units: their packed sums, and the seconds they took."""

# Long enough for the way to another machine to cost nothing next to it (seconds).
BATCH_SECONDS = 0.3
# After so many images (of a large run, a sixteenth) it is checked that they do not all look alike.
_PILOT = 1024
# With a target, which may be reached after any number of images, it is checked after so many.
_PILOT_OF_TARGET = 2**16
# Units that a job has room for at first.
_ROOM = 256
# A batch takes at least this part of the time that it may take.
_SHARES = 32
# After this time the need of a run with a target is announced, however few units say (seconds).
_HESITATION = 3.0


class Outcome(NamedTuple):
    """Images and packed sums [units, ...] of the units of a job that count, in their order.

    `partial`: the run was interrupted before the job was done.
    """

    counts: list[int]
    packed: Floats
    partial: bool


class _Ongoing:
    """A job under way: units finished, units not handed out yet, and where it may stop."""

    def __init__(self, number: int, job: Job, stored: dict[int, Floats]) -> None:
        self.number, self.job = number, job
        # Images of finished units, and how many units are finished up to the first that is not.
        self.images = self.complete = 0
        # Arrays grow with the units so far, which may be far fewer than those of the job.
        room = min(job.counts.number, _ROOM)
        self._numbers = np.empty((room, 4 * (job.spec.network.depth + 1) + 2))
        self._finished = np.zeros(room, dtype=bool)
        # Length of the prefix that is the result, once it is known and finished.
        self.length: int | None = None
        # Time that an image took in the last finished batch (seconds).
        self.pace = math.nan
        self._batches = 0
        # Units that are handed out next, and how many of the job's are neither that nor stored.
        self._next, self._left = 0, job.counts.number - len(stored)
        # The next length of a prefix to look at, and the next one to hand out.
        self._looks, self._goals = _lengths(job), _lengths(job)
        self._look, self._goal = next(self._looks), next(self._goals)
        # Units after which images that all look alike end the run.
        samples = job.counts.samples
        pilot = max(_PILOT, samples // 16) if job.target is None else _PILOT_OF_TARGET
        self._pilot = job.counts.holding(pilot)
        self._take_in(list(stored), list(stored.values()))

    def ready(self, width: int) -> bool:
        """Whether there are units to hand out: until one is timed, no more than workers."""
        timed = not math.isnan(self.pace) or self._batches < width
        return self.length is None and self._left > 0 and timed

    def take(self, width: int) -> list[int]:
        """Take units for one batch off the waiting ones, fewer before the next look."""
        while self._goal <= self._next:
            self._goal = next(self._goals)
        share = math.ceil(min(self._left, self._goal - self._next) / (2 * width))
        # One unit at first, to learn how long it takes; then no batch takes next to no time.
        wanted = 1
        if not math.isnan(self.pace):
            seconds = self.pace * self.job.counts[self._next]
            wanted = int(BATCH_SECONDS / max(seconds, 1e-9))
            share = max(share, wanted // _SHARES)
        self._batches += 1
        units: list[int] = []
        while self._left and len(units) < max(1, min(wanted, share)):
            if self._next >= len(self._finished) or not self._finished[self._next]:
                units.append(self._next)
                self._left -= 1
            self._next += 1
        return units

    def add(self, units: Sequence[int], numbers: Floats, seconds: float) -> int:
        """Note the units of one finished batch, and return the number of their images."""
        before = self.images
        self._take_in(units, numbers)
        self.pace = seconds / (self.images - before)
        return self.images - before

    def outcome(self) -> Outcome:
        """Return the result; of a job that is not done, everything that is finished."""
        units = np.flatnonzero(self._finished[: self.length])
        partial = self.length is None
        counts = [self.job.counts[unit] for unit in units.tolist()]
        return Outcome(counts, self._numbers[units], partial)

    def expected(self) -> int | None:
        """Estimate the number of images that the job needs; None as long as nobody knows."""
        counts, target = self.job.counts, self.job.target
        if self.length is not None:
            return counts.before(self.length)
        if counts.rule is None or target is None:
            return counts.samples
        if self.complete < 2:
            return None
        error = largest_error(self.job, self._numbers[: self.complete])
        if not math.isfinite(error):
            return None
        # Errors fall as the root of the number of images.
        needed = counts.before(self.complete) * (error / target) ** 2
        enough = (length for length in _lengths(self.job) if counts.before(length) >= needed)
        return counts.before(next(enough, counts.number))

    def _take_in(self, units: Sequence[int], numbers: Floats | Sequence[Floats]) -> None:
        if units:
            missing = max(units) + 1 - len(self._finished)
            if missing > 0:  # as many again, so that few copies are made
                more = max(missing, len(self._finished))
                self._finished = np.pad(self._finished, (0, more))
                self._numbers = np.pad(self._numbers, ((0, more), (0, 0)))
            self._numbers[units], self._finished[units] = numbers, True
            self.images += sum(self.job.counts[unit] for unit in units)
        self._judge()

    def _judge(self) -> None:
        """Go on along the schedule of prefixes as far as they are complete."""
        job, rest = self.job, self._finished[self.complete :]
        self.complete += len(rest) if rest.all() else int(np.argmin(rest))
        if 0 < self._pilot <= self.complete:
            try:
                require_alive(job.spec, job.counts[: self._pilot], self._numbers[: self._pilot])
            except ExhaustionError as error:
                raise job.named(error) from None
            self._pilot = 0
        while self.length is None and self._look <= self.complete:
            last = self._look == job.counts.number
            if last or is_precise(job, self._numbers[: self._look]):
                self.length = self._look
            else:
                self._look = next(self._looks)


def _lengths(job: Job) -> Iterator[int]:
    """Yield the numbers of units after which a job may stop: growing units are looked at."""
    number = job.counts.number
    return iter([number]) if job.counts.rule is None else prefix_lengths(number)


class _Run:
    """All jobs under way, the batches handed out, and progress on stderr if it is shown."""

    def __init__(self, jobs: Sequence[Job], store: Checkpoint | None, caller: str, shown: bool):
        stored = [{} for _ in jobs] if store is None else store.stored(jobs)
        pairs = zip(jobs, stored, strict=True)
        self.jobs = [_Ongoing(number, job, known) for number, (job, known) in enumerate(pairs)]
        self.pending: dict[Batch, tuple[_Ongoing, list[int]]] = {}
        self._turns = deque(self.jobs)
        self._store = store
        self._batches, self._begin = 0, time.monotonic()
        self._caller, self._shown = caller, shown
        self._stored = self._images_done()
        self.bar: Any = None

    def work(self, pool: Pool) -> None:
        """Hand out batches and take in their sums, until every job is done."""
        while any(job.length is None for job in self.jobs):
            width = pool.width()
            while len(self.pending) < 2 * width + 2 and (job := self._next(width)) is not None:
                units = job.take(width)
                counts = [job.job.counts[unit] for unit in units]
                future = pool.submit(run_batch, job.job.spec, job.job.stream, units, counts)
                self.pending[future] = (job, units)
            done, _ = wait(self.pending, return_when=FIRST_COMPLETED)
            self.collect(done)
            if self._shown and self.bar is None:
                self._announce(width)

    def _next(self, width: int) -> _Ongoing | None:
        """Return the job whose turn it is among those with units to hand out."""
        for _ in self.jobs:
            self._turns.rotate(-1)
            if self._turns[-1].ready(width):
                return self._turns[-1]
        return None

    def collect(self, done: Iterable[Batch]) -> None:
        """Store and add up the sums of finished batches; then raise the error of a failed one."""
        good = [future for future in done if not _failed(future)]
        if self._store is not None:
            batches = ((*self.pending[future], future.result()[0]) for future in good)
            self._store.add((job.number, job.job, units, sums) for job, units, sums in batches)
        for future in good:
            job, units = self.pending.pop(future)
            images = job.add(units, *future.result())
            self._batches += 1
            if self.bar is not None:
                self.bar.update(images)
        for future in done:
            future.result()

    def _images_done(self) -> int:
        return sum(job.images for job in self.jobs)

    def _announce(self, width: int) -> None:
        """Estimate time and memory once every worker has warmed up and every job has been timed."""
        left = [job for job in self.jobs if job.length is None]
        if (self._batches <= width and left) or any(math.isnan(job.pace) for job in left):
            return
        # The first units of a job with a target say little about the error of the next.
        early = any(job.job.counts.rule and job.complete < STAGE for job in left)
        if early and time.monotonic() - self._begin < _HESITATION:
            return
        expected = [job.expected() for job in self.jobs]
        known = None not in expected
        plans = [job.job.counts for job in self.jobs]
        needed = [plan.samples if n is None else n for plan, n in zip(plans, expected, strict=True)]
        seconds = sum(
            max(0, n - job.images) * job.pace
            for job, n in zip(self.jobs, needed, strict=True)
            if job.length is None
        )
        memory = max(
            engine_of(job.job.spec).bytes_needed(job.job.spec, job.job.counts.largest)
            for job in self.jobs
        )
        samples = sum(needed)
        about = "about" if known else "at most"
        exactly = "" if all(plan.rule is None for plan in plans) else f"{about} "
        stored = f", {self._stored} of them stored" if self._stored else ""
        stderr = _Stderr()
        stderr.write(
            f"{self._caller}: {about} {seconds / width:.1f} s and "
            f"{math.ceil(width * memory / 2**20)} MB for {exactly}{samples} samples{stored}\n"
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


def run_batch(
    spec: Specification, stream: Stream, units: Sequence[int], counts: Sequence[int]
) -> tuple[Floats, float]:
    """Run one `Batch`."""
    begin = time.perf_counter()
    return run_units(spec, stream, units, counts), time.perf_counter() - begin


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
            if all(job.length is not None for job in run.jobs):
                run.bar.total = run.bar.n  # it was an estimate
            run.bar.close()
    return [job.outcome() for job in run.jobs]


def _failed(future: Batch) -> bool:
    return future.cancelled() or future.exception() is not None
