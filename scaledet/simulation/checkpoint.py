"""Finished units of a run in an SQLite file, so that the same call goes on where it stopped.

The file holds the call in plain JSON, and one row for every unit: a hash of all that decides its
numbers, the numbers, and a checksum of both. A transaction adds the units of finished tasks
together; SQLite undoes one that was cut short when the file is opened next.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet.errors import ArgumentError, ArgumentTypeError, CheckpointError
from scaledet.simulation.unit import Specification, Stream, engine_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scaledet.simulation.scheduler import Job

__all__ = ["Checkpoint", "checked_path", "described", "opened_checkpoint"]

FORMAT = 1
_MAGIC = b"SQLite format 3\x00"
_APPLICATION = 0x53646574
# Versions that writers and readers must know: a rollback journal, SQLite's default.
_ROLLBACK = b"\x01\x01"
# How long one process waits for another that is writing (seconds).
_PATIENCE = 60.0
# What the file cannot be blamed for.
_TROUBLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOLFS,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
_SHOWN = 60


def checked_path(path: Any) -> Path | None:
    """Return `path`, that of a new or an ordinary file in an existing folder, or None."""
    if path is None:
        return None
    if not isinstance(path, str | os.PathLike):
        raise ArgumentTypeError(f"checkpoint must be a string, a path or None; got {path!r}")
    target = Path(path).absolute()
    if not target.parent.is_dir():
        raise ArgumentError(f"checkpoint must be in an existing folder; got {str(path)!r}")
    if target.exists() and not target.is_file():
        raise ArgumentError(f"checkpoint must name a new or an ordinary file; got {str(path)!r}")
    return target


def described(spec: Specification, samples: int) -> dict[str, Any]:
    """Return all that decides the numbers of a run but its random stream, as plain JSON."""
    own = {"background": spec.background, "engine": engine_name(spec.engine), "samples": samples}
    return {**spec.experiment_dict(), **own}


class Checkpoint:
    """An open file that belongs to this call; made by `opened_checkpoint`.

    Attributes
    ----------
    path : Path
        Where it is.
    stream : Stream
        Random stream of the call: that of the file if the call names none.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, stream: Stream) -> None:
        self.path = path
        self.stream = stream
        self._connection = connection

    def stored(self, jobs: Sequence[Job]) -> list[dict[int, NDArray[np.float64]]]:
        """Return the packed sums that the file holds of every job, by unit.

        Raises
        ------
        ValueError
            If a row is damaged.
        """
        places = {
            key: (index, unit)
            for index, job in enumerate(jobs)
            for unit, key in _keys(job, range(len(job.counts)))
        }
        found: list[dict[int, NDArray[np.float64]]] = [{} for _ in jobs]
        with _told(self.path):
            rows = self._connection.execute("SELECT key, sums, checksum FROM units").fetchall()
        for key, sums, checksum in rows:
            whole = isinstance(key, bytes) and isinstance(sums, bytes) and key in places
            if not whole or checksum != _hash(key, sums):
                raise ArgumentError(
                    _damaged(self.path, "a stored unit does not match its checksum")
                )
            index, unit = places[key]
            found[index][unit] = np.frombuffer(sums, dtype="<f8").astype(np.float64)
        return found

    def add(self, tasks: Iterable[tuple[Job, Sequence[int], NDArray[np.float64]]]) -> None:
        """Keep the packed sums of the units of finished tasks, all in one transaction.

        Raises
        ------
        CheckpointError
            If they cannot be written; what was kept before stays.
        """
        rows = []
        for job, units, numbers in tasks:
            for (_, key), row in zip(_keys(job, units), numbers, strict=True):
                sums = row.astype("<f8").tobytes()
                rows.append((key, sums, _hash(key, sums)))
        if not rows:
            return
        with _told(self.path), _transaction(self._connection) as execute:
            # Another process on the same file may have been here first, with the same numbers.
            execute.executemany("INSERT OR IGNORE INTO units VALUES (?, ?, ?)", rows)


@contextmanager
def opened_checkpoint(
    path: Path, call: str, runs: Sequence[Mapping[str, Any]], stream: Stream, *, adopt: bool
) -> Iterator[Checkpoint]:
    """Open the file of a call, or make it.

    Parameters
    ----------
    path : Path
        A new file, an empty one, or one made by the same call.
    call : str
        Name of the function called.
    runs : sequence of dict
        Its runs, `described`.
    stream : Stream
        Its random stream; with `adopt`, that of an existing file takes its place.

    Raises
    ------
    ValueError
        If the file is damaged, not a checkpoint, or that of a different call; it is left as it is.
    CheckpointError
        If it cannot be read or written.
    """
    description = {
        "format": FORMAT,
        "call": call,
        "entropy": stream.entropy,
        "stream": stream.key,
        "runs": list(runs),
    }
    given = json.loads(json.dumps(description))
    _check_header(path)
    with _told(path):
        connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    # Damaged text must not fail to decode before it is found damaged.
    connection.text_factory = bytes
    try:
        with _told(path), _transaction(connection):
            stored = _description(path, connection)
            if stored is None:
                _create(connection, given)
                stored = given
        if adopt and {"entropy", "stream"} <= stored.keys():
            given |= {name: stored[name] for name in ("entropy", "stream")}
        _check_same(path, stored, given)
        entropy = given["entropy"]
        plain = tuple(entropy) if isinstance(entropy, list) else entropy
        yield Checkpoint(path, connection, Stream(plain, tuple(given["stream"])))
    finally:
        connection.close()


def _check_header(path: Path) -> None:
    """Refuse a file of another kind before SQLite opens it."""
    with _told(path):
        if not path.exists() or path.stat().st_size == 0:
            return
        with path.open("rb") as stream:
            header = stream.read(100)
    if not header.startswith(_MAGIC):
        raise ArgumentError(_damaged(path, "it is no SQLite file"))
    if int.from_bytes(header[68:72], "big") != _APPLICATION:
        raise ArgumentError(_damaged(path, "it is an SQLite file of another program"))
    if header[18:20] != _ROLLBACK:
        raise ArgumentError(_damaged(path, "its journal is not of the kind that was chosen"))


def _description(path: Path, connection: sqlite3.Connection) -> dict[str, Any] | None:
    """Return the call that the file belongs to, None if it is empty."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        return None
    (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    rows = connection.execute("SELECT description, checksum FROM call").fetchall()
    if state != b"ok" or path.stat().st_size != pages * page or len(rows) != 1:
        raise ArgumentError(_damaged(path, "SQLite finds it inconsistent"))
    text, checksum = rows[0]
    if not isinstance(text, bytes) or checksum != _hash(text):
        raise ArgumentError(_damaged(path, "the stored call does not match its checksum"))
    result: dict[str, Any] = json.loads(text)
    return result


def _create(connection: sqlite3.Connection, description: dict[str, Any]) -> None:
    text = json.dumps(description, indent=1)
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute("CREATE TABLE call (description TEXT, checksum BLOB)")
    connection.execute(
        "CREATE TABLE units (key BLOB PRIMARY KEY, sums BLOB, checksum BLOB) WITHOUT ROWID"
    )
    connection.execute("INSERT INTO call VALUES (?, ?)", (text, _hash(text.encode())))


def _check_same(path: Path, stored: dict[str, Any], given: dict[str, Any]) -> None:
    found = list(_differences(stored, given, ""))
    if len(given["runs"]) == 1:
        found = [text.removeprefix("runs[0].") for text in found]
    if found:
        more = f", and {len(found) - 4} more" if len(found) > 4 else ""
        raise ArgumentError(
            f"checkpoint must be a file of the same call; {str(path)!r} differs in "
            f"{', '.join(found[:4])}{more}"
        )


def _differences(stored: Any, given: Any, where: str) -> Iterator[str]:
    """Name every field that differs, with both values."""
    if isinstance(stored, dict) and isinstance(given, dict):
        for name in dict.fromkeys([*given, *stored]):
            inside = f"{where}.{name}" if where else name
            yield from _differences(stored.get(name), given.get(name), inside)
    elif isinstance(stored, list) and isinstance(given, list) and len(stored) == len(given):
        for index, (old, new) in enumerate(zip(stored, given, strict=True)):
            yield from _differences(old, new, f"{where}[{index}]")
    elif stored != given:
        yield f"{where} ({_short(stored)} in the file, {_short(given)} in this call)"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _keys(job: Job, units: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """Hash of all that decides the numbers of each unit."""
    description = {
        **described(job.spec, sum(job.counts)),
        "entropy": job.stream.entropy,
        "stream": job.stream.key,
    }
    run = _hash(json.dumps(description).encode())
    for unit in units:
        yield unit, _hash(run, f"{unit} {job.counts[unit]}".encode())


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Cursor]:
    """Commit everything inside, or nothing."""
    cursor = connection.execute("BEGIN IMMEDIATE")
    try:
        yield cursor
        cursor.execute("COMMIT")
    except BaseException:
        # If even this fails, SQLite undoes the rest when the file is opened next.
        with suppress(sqlite3.Error):
            connection.rollback()
        raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into ours."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _TROUBLE:
            raise CheckpointError.at(path, str(error)) from error
        raise ArgumentError(_damaged(path, str(error))) from error
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError.at(path, error.strerror or str(error)) from error


def _damaged(path: Path, reason: str) -> str:
    return (
        "checkpoint must be a new file or one that scaledet has made and nothing has damaged; got "
        f"{str(path)!r} ({reason})"
    )
