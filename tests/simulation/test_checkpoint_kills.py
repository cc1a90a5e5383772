"""Checkpoints: whatever kills a run, only the units under way are lost."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

import pytest

from scaledet.errors import CheckpointError
from scaledet.simulation import scheduler
from scaledet.simulation.checkpoint import Checkpoint
from tests.runs import SLOWLY, interrupt, same, script, small, units_in, wait_for
from tests.simulation.test_scheduler import Plain

CHILD = f"""{SLOWLY}
import hashlib, resource, sys
import scaledet as sd
path, workers, seed, limit = sys.argv[1:]
if int(limit) >= 0:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
print("ready", flush=True)
m = sd.simulate(sd.Network.uniform(2, 2, 3), size=32, samples=12_000, engine="numpy",
                rng=None if seed == "None" else int(seed), checkpoint=path, workers=int(workers))
print(m.partial, m.entropy, hashlib.sha256(m.covariance.tobytes()).hexdigest())
"""


def child(path, *, workers=1, seed=5, limit=-1, pause=0.005):
    process = script(f"PAUSE = {pause}{CHILD}", path, workers, seed, limit)
    wait_for(process, "ready")
    return process


def ends(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.split()


def digest(result):
    return hashlib.sha256(result.covariance.tobytes()).hexdigest()


def test_kills_at_any_moment_lose_only_what_was_under_way(plain, tmp_path):
    rng = random.Random(1)
    begin = time.perf_counter()
    assert ends(child(tmp_path / "whole.sqlite"))[2] == digest(plain)
    duration = time.perf_counter() - begin
    begin = time.perf_counter()
    ends(child(tmp_path / "whole.sqlite"))
    duration -= time.perf_counter() - begin
    kept, path = [], tmp_path / "run0.sqlite"
    for number in range(20):
        if kept and kept[-1] == 129:
            path = tmp_path / f"run{number}.sqlite"
        process = child(path, workers=1 + number % 2)
        time.sleep(rng.random() * 1.2 * duration)
        process.kill()
        process.communicate()
        before = kept[-1] if kept and path.exists() and kept[-1] < 129 else 0
        kept.append(units_in_any_state(path))
        assert kept[-1] >= before, "what was finished stays"
        if number % 2:
            assert same(plain, small(checkpoint=path))
            kept[-1] = 129
    assert same(plain, small(checkpoint=path))
    interrupted = [number for number in kept[::2] if 0 < number < 129]
    assert interrupted, kept


def units_in_any_state(path):
    """Number of units in the file as a killed process left it; 0 before it had a table."""
    if not path.exists():
        return 0
    connection = sqlite3.connect(path)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        return units_in(path) if ("units",) in tables else 0
    finally:
        connection.close()


def test_a_broken_pool_keeps_what_is_done(plain, path, monkeypatch):
    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        alive = [executor.submit(os.getpid).result()]

        def add_and_kill(store, batches, add=Checkpoint.add):
            add(store, batches)
            while alive:
                os.kill(alive.pop(), signal.SIGKILL)

        monkeypatch.setattr(Checkpoint, "add", add_and_kill)
        with pytest.raises(BrokenExecutor):
            small(checkpoint=path, executor=executor)
    monkeypatch.undo()
    assert 1 <= units_in(path) < 129
    assert same(plain, small(checkpoint=path))


def test_a_cut_transaction_is_undone(plain, path):
    """A journal left by a killed writer: SQLite's own, made by a process that dies in a commit."""
    small(checkpoint=path, executor=Plain(40, KeyboardInterrupt))
    code = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('PRAGMA cache_size = 1'); c.execute('PRAGMA cache_spill = 1'); "
        "c.execute('BEGIN IMMEDIATE'); c.execute('UPDATE units SET sums = zeroblob(4000)'); "
        "os.kill(os.getpid(), 9)"
    )
    before = path.read_bytes()
    process = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert process.returncode == -9
    assert path.with_name("run.sqlite-journal").exists()
    assert path.read_bytes() != before
    assert same(plain, small(checkpoint=path))


def test_two_processes_on_one_file(path):
    processes = [child(path, seed=None, workers=number) for number in (1, 2)]
    first, second = map(ends, processes)
    assert first == second
    assert units_in(path) == 129
    result = small(rng=int(first[1]))
    assert digest(result) == first[2]


def test_a_file_that_another_process_holds_is_named(path, monkeypatch):
    small(checkpoint=path, target_error=0.5)
    monkeypatch.setattr("scaledet.simulation.checkpoint._PATIENCE", 0.1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(CheckpointError, match=r"checkpoint '.*run.sqlite' .*\(database is locked"):
        small(checkpoint=path)
    holder.execute("ROLLBACK")
    holder.close()


def test_ctrl_c_keeps_what_is_done(plain, path):
    process = child(path, pause=0.2)
    while units_in_any_state(path) < 5:
        time.sleep(0.01)
    out, err = interrupt(process)
    assert (process.returncode, err) == (0, "")
    assert out.startswith("True 5 ")
    assert same(plain, small(checkpoint=path))


@pytest.mark.parametrize("limit", [0, 4096, 20_000])
def test_a_full_disk_keeps_what_is_done(plain, path, limit):
    process = child(path, limit=limit)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "scaledet.errors.CheckpointError: checkpoint " in err
    assert "are kept: once the cause is removed, the same call goes on from there" in err
    kept = units_in_any_state(path)
    assert (0 < kept < 129) == (limit == 20_000)
    assert same(plain, small(checkpoint=path))


def test_a_full_disk_is_one_line_on_the_command_line(path):
    code = (
        "import resource, sys; from scaledet.cli.main import main; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); sys.exit(main(sys.argv[1:]))"
    )
    line = "simulate --kernel 2 --stride 2 --depth 2 --size 16 --samples 600 --checkpoint"
    process = script(code, *line.split(), path)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"scaledet: error: checkpoint {str(path)!r} cannot be used (")
