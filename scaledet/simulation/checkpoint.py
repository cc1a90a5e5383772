"""Finished units of a run in an SQLite file, so that the same call goes on where it stopped.

The file holds the call in plain JSON, and one row for every unit: a hash of all that decides its
numbers with its place, the numbers, and a checksum of both. A file with any other or changed row
is refused; a run whose units grow leaves out units that belong to another number of samples. A
transaction adds the units of finished batches together; SQLite undoes one that was cut short when
the file is opened next.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scaledet.errors import ArgumentError, CheckpointError
from scaledet.results.files import require_same_call
from scaledet.simulation.engines.base import Floats, Specification
from scaledet.simulation.job import Job, Units
from scaledet.simulation.unit import Stream, engine_name

__all__ = ["Checkpoint", "described", "opened_checkpoint"]

FORMAT = 1
# Marks the file as ours, for programs that recognise kinds of files.
_APPLICATION = 0x53646574
# How long one process waits for another that is writing (seconds).
_PATIENCE = 60.0
# SQLite errors caused by the environment, not by a damaged file.
_CAUSES = ("BUSY", "CANTOPEN", "FULL", "IOERR", "LOCKED", "NOLFS", "NOMEM", "PERM", "READONLY")
_ENVIRONMENT = {getattr(sqlite3, f"SQLITE_{name}") for name in _CAUSES}
# Key of a row: a hash, then the number of the job and of the unit, and its images. Early versions,
# whose runs were lists of units, wrote the hash alone.
_KEY, _HASH = struct.Struct(">32sIQQ"), 32
_LONGEST_LIST = 2**24


def described(spec: Specification, units: Units) -> dict[str, Any]:
    """Return the description of a run, without its random stream, as plain JSON.

    Files of every version hold these entries, in this order: the noise is Gaussian. Units that
    grow are named by their rule in place of `samples`, on which they do not depend.
    """
    scenario = spec.scenario.to_dict()
    plain = {name: value for name, value in scenario.items() if name != "noise"}
    division = {"units": units.rule} if units.rule else {"samples": units.samples}
    return {**plain, "engine": engine_name(spec.engine), **division}


@dataclass(frozen=True)
class Checkpoint:
    """An open file that belongs to this call, whose random stream is `stream`."""

    path: Path
    connection: sqlite3.Connection
    stream: Stream

    def stored(self, jobs: Sequence[Job]) -> list[dict[int, Floats]]:
        """Return the packed sums that the file holds of every job, by unit; refuse damaged rows."""
        mismatch = _damaged(self.path, "a stored unit does not match its checksum")
        runs = [_run(job) for job in jobs]
        sums_of: list[dict[int, Floats]] = [{} for _ in jobs]
        with _errors_named(self.path):
            rows = self.connection.execute("SELECT key, sums, checksum FROM units").fetchall()
        early: dict[bytes, tuple[int, int, int]] | None = None
        for key, sums, checksum in rows:
            blobs = isinstance(key, bytes) and isinstance(sums, bytes)
            if not blobs or checksum != _hash(key, sums):
                raise mismatch
            if len(key) == _KEY.size:
                _, index, unit, count = _KEY.unpack(key)
                if index >= len(jobs) or key != _key(runs[index], index, unit, count):
                    raise mismatch
            else:
                early = _early_places(jobs, runs) if early is None else early
                if key not in early:
                    raise mismatch
                index, unit, count = early[key]
            counts = jobs[index].counts
            if unit < counts.number and counts[unit] == count:
                sums_of[index][unit] = np.frombuffer(sums, dtype="<f8").astype(np.float64)
            elif counts.rule is None:
                raise mismatch
        return sums_of

    def add(self, batches: Iterable[tuple[int, Job, Sequence[int], Floats]]) -> None:
        """Keep the packed sums of finished batches, units of numbered jobs, in one transaction.

        If they cannot be written, a `CheckpointError` is raised, and the units kept before stay.
        """
        rows = []
        for index, job, units, numbers in batches:
            run = _run(job)
            for unit, row in zip(units, numbers, strict=True):
                key, sums = _key(run, index, unit, job.counts[unit]), row.astype("<f8").tobytes()
                rows.append((key, sums, _hash(key, sums)))
        if rows:
            with _transaction(self.path, self.connection):
                # Another process on the same file may have added them first: the same numbers.
                insert = "INSERT OR IGNORE INTO units VALUES (?, ?, ?)"
                self.connection.executemany(insert, rows)


@contextmanager
def opened_checkpoint(
    path: Path, caller: str, runs: Sequence[Mapping[str, Any]], stream: Stream, *, adopt: bool
) -> Iterator[Checkpoint]:
    """Open the file of a call; a missing or an empty file becomes a new one.

    `caller` names the function called, `runs` are its runs, `described`. With `adopt` the stream of
    an existing file takes the place of `stream`. A file that is damaged, no checkpoint, or the
    file of a different call is refused, and left as it is.
    """
    address = {"entropy": stream.entropy, "stream": stream.key}
    description = {"format": FORMAT, "call": caller, **address, "runs": list(runs)}
    given = json.loads(json.dumps(description))
    with _errors_named(path):
        connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    # Damaged text must not fail to decode before it is recognised as damaged.
    connection.text_factory = bytes
    try:
        with _transaction(path, connection):
            if not path.stat().st_size:
                _create(connection, given)
            stored = _stored_call(path, connection)
        if adopt:
            given |= {name: stored.get(name) for name in address}
        inside = "runs[0]." if len(runs) == 1 else ""
        require_same_call(path, stored, given, inside=inside)
        entropy = given["entropy"]
        plain = tuple(entropy) if isinstance(entropy, list) else entropy
        yield Checkpoint(path, connection, Stream(plain, tuple(given["stream"])))
    finally:
        connection.close()


def _stored_call(path: Path, connection: sqlite3.Connection) -> dict[str, Any]:
    # SQLite takes bytes that are missing from the last page for zeros.
    ((page,),) = connection.execute("PRAGMA page_size").fetchall()
    if path.stat().st_size % page:
        raise _damaged(path, "its last page is incomplete")
    try:
        ((text,),) = connection.execute("SELECT description FROM call").fetchall()
        return dict(json.loads(text))
    except (TypeError, ValueError) as error:
        raise _damaged(path, "the stored call cannot be read") from error


def _create(connection: sqlite3.Connection, description: dict[str, Any]) -> None:
    text = json.dumps(description, indent=1)
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute("CREATE TABLE call (description TEXT)")
    connection.execute(
        "CREATE TABLE units (key BLOB PRIMARY KEY, sums BLOB, checksum BLOB) WITHOUT ROWID"
    )
    connection.execute("INSERT INTO call VALUES (?)", (text,))


def _run(job: Job) -> bytes:
    """Return a hash of all that decides the numbers of a job's units, but for which unit it is."""
    address = {"entropy": job.stream.entropy, "stream": job.stream.key}
    return _hash(json.dumps({**described(job.spec, job.counts), **address}).encode())


def _key(run: bytes, index: int, unit: int, count: int) -> bytes:
    return _KEY.pack(_hash(run, f"{unit} {count}".encode()), index, unit, count)


def _early_places(jobs: Sequence[Job], runs: Sequence[bytes]) -> dict[bytes, tuple[int, int, int]]:
    """Return the place of every key of an early version; their lists were short."""
    return {
        _key(run, index, unit, count)[:_HASH]: (index, unit, count)
        for index, (job, run) in enumerate(zip(jobs, runs, strict=True))
        if job.counts.number <= _LONGEST_LIST
        for unit, count in enumerate(job.counts)
    }


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


@contextmanager
def _transaction(path: Path, connection: sqlite3.Connection) -> Iterator[None]:
    """Commit everything inside, or nothing."""
    with _errors_named(path), connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def _errors_named(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into ours, which name the file."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _ENVIRONMENT:
            raise CheckpointError.at(path, str(error)) from error
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, reason: str) -> ArgumentError:
    return ArgumentError(
        "checkpoint must be a new file or one that scaledet has made and nothing has damaged; got "
        f"{str(path)!r} ({reason})"
    )
