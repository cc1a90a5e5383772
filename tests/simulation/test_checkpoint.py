"""Checkpoints: resuming, refusing, and what kills a run or damages its file."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import scaledet as sd
from scaledet.errors import CheckpointError
from scaledet.simulation import scheduler
from scaledet.simulation.checkpoint import Checkpoint, described
from scaledet.simulation.unit import run_unit
from tests.runs import NET, SLOWLY, interrupt, same, script, small, specification, wait_for


@pytest.fixture(scope="module")
def plain():
    return small()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.sqlite"


@pytest.fixture
def counted(monkeypatch):
    """Units that are computed in this process, in order."""
    seen = []

    def spy(spec, stream, unit, count):
        seen.append(unit)
        return run_unit(spec, stream, unit, count)

    monkeypatch.setattr(scheduler, "run_unit", spy)
    return seen


def units_in(path):
    connection = sqlite3.connect(path)
    (number,) = connection.execute("SELECT count(*) FROM units").fetchone()
    connection.close()
    return number


# -------------------------------------------------------------------------------- resuming


def test_the_same_call_computes_nothing_again(plain, path, counted):
    assert same(plain, small(checkpoint=path))
    assert sorted(counted) == list(range(129))
    counted.clear()
    with ThreadPoolExecutor(2) as executor:
        for given in ({}, {"workers": 2}, {"executor": executor}, {"checkpoint": str(path)}):
            assert same(plain, small(**{"checkpoint": path, **given}))
    assert counted == []
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_run_goes_on_where_an_error_stopped_it(plain, path, monkeypatch):
    def fail(spec, stream, unit, count):
        if unit == 70:
            raise ZeroDivisionError
        return run_unit(spec, stream, unit, count)

    monkeypatch.setattr(scheduler, "TASK_SECONDS", 0)
    monkeypatch.setattr(scheduler, "run_unit", fail)
    with pytest.raises(ZeroDivisionError):
        small(checkpoint=path, workers=2)
    kept = units_in(path)
    assert kept >= 69
    monkeypatch.setattr(scheduler, "run_unit", run_unit)
    assert same(plain, small(checkpoint=path))
    assert units_in(path) == 129


def test_control_variates_and_targets_look_at_the_same_units(plain, path, counted):
    with pytest.warns(RuntimeWarning, match="not reached"):
        assert same(plain, small(checkpoint=path, target_error=0.001))
    counted.clear()
    controlled = small(checkpoint=path, control_variates=True)
    assert same(controlled, small(control_variates=True, executor=ThreadPoolExecutor(1)))
    assert not np.array_equal(controlled.G, plain.G)
    loose = small(checkpoint=path, target_error=0.5)
    assert loose.blocks == 64


def test_a_tighter_target_goes_on_where_the_looser_one_stopped(path, counted, monkeypatch):
    monkeypatch.setattr(scheduler, "TASK_SECONDS", 0)
    loose = small(checkpoint=path, target_error=0.5)
    assert loose.blocks == 64
    # Units that were under way when the target was reached are kept as well.
    kept = units_in(path)
    assert kept == len(counted) <= 64 + 4
    tight = small(checkpoint=path, target_error=0.03)
    assert loose.blocks < tight.blocks < 129
    assert kept < units_in(path) == len(counted) <= tight.blocks + 4
    assert same(tight, small(target_error=0.03))


def test_no_seed_takes_over_that_of_the_file(path):
    first = small(checkpoint=path, rng=None)
    assert first.entropy is not None
    assert same(first, small(checkpoint=path, rng=None))
    assert same(first, small(checkpoint=path, rng=first.entropy))
    assert same(first, small(rng=first.entropy))


@pytest.mark.parametrize(
    "rng", [5, np.random.SeedSequence([1, 2, 2**40]), np.random.SeedSequence(5, spawn_key=(3,))]
)
def test_every_seed_is_kept(path, rng):
    def fresh():
        return np.random.SeedSequence(rng.entropy, spawn_key=rng.spawn_key) if rng != 5 else 5

    first = small(rng=fresh())
    assert same(first, small(rng=fresh(), checkpoint=path))
    assert same(first, small(rng=np.random.default_rng(fresh()), checkpoint=path))


def test_an_empty_file_is_a_new_one(plain, path):
    path.touch()
    assert same(plain, small(checkpoint=path))


def test_files_of_earlier_versions_are_continued(plain, path, counted):
    """They hold these descriptions, byte by byte, and a checksum beside that of the call."""
    layers = '{"count": 3, "kernel": ["1/2", "1/2"], "signed": false, "stride": 2, "bias": "0"}'
    assert json.dumps(described(specification(NET), 12_000)) == (
        f'{{"network": {{"dim": 1, "layers": [{layers}]}}, "size": 32, "rectify": "input", '
        '"sigma": 0.25, "task": null, "balanced": false, "background": 0.0, '
        '"engine": "numpy, revision 1, PCG64; ziggurat", "samples": 12000}'
    )
    small(checkpoint=path)
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE call ADD COLUMN checksum BLOB")
    connection.commit()
    connection.close()
    counted.clear()
    assert same(plain, small(checkpoint=path))
    assert counted == []


def test_progress_shows_what_is_stored(path, monkeypatch, capsys):
    monkeypatch.setattr(scheduler, "TASK_SECONDS", 0)
    small(checkpoint=path, target_error=0.5)
    small(checkpoint=path, progress=True)
    err = capsys.readouterr().err
    assert "samples, 59" in err or "samples, 6" in err
    assert "of them stored" in err
    assert "12.0k/12.0k" in err


# -------------------------------------------------------------------------------- refusals


TASK = sd.ScaleDetection(size=32, xi=8, gap=2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rng": 6}, r"entropy \(5 in the file, 6 in this call\)"),
        ({"rng": np.random.SeedSequence(5, spawn_key=(1,))}, r"stream \(\[0\] in the file, \[1, "),
        ({"size": 64}, r"size \(32 in the file, 64 in this call\), sigma \("),
        ({"samples": 12_001}, r"samples \(12000 in the file, 12001 in this call\)"),
        ({"sigma": 0.5}, r"sigma \(0.25 in the file, 0.5 in this call\)"),
        ({"rectify": None}, r'rectify \("input" in the file, null in this call\)'),
        ({"engine": "numba"}, r'engine \("numpy, revision \d+, .*" in the file, "numba, revision'),
        ({"task": TASK}, r"sigma \(.*\), task \(null in the file, {"),
        ({"net": NET.prefix(2)}, r"network.layers\[0\].count \(3 in the file, 2 in this call\)"),
        (
            {"net": sd.Network.uniform([1, 2, 1], 2, 3)},
            r'network.layers\[0\].kernel \(\["1/2", "1/2"\] in the file, \["1/4", "1/2", "1/4"\] ',
        ),
        ({"net": sd.Network([sd.Layer(2, 2), sd.Layer(2)])}, r"network.layers \(\[{.*\.\.\. in"),
        ({"net": sd.Network.uniform(2, 2, 3, dim=2)}, r"network.dim \(1 in the file, 2 in this"),
    ],
)
def test_a_different_call_is_refused_and_named(path, given, message):
    small(checkpoint=path)
    before = path.read_bytes()
    given = dict(given)
    net = given.pop("net", NET)
    arguments = {"size": 32, "samples": 12_000, "rng": 5, "engine": "numpy", **given}
    with pytest.raises(ValueError, match=rf"of the same call; '.*' differs in {message}"):
        sd.simulate(net, **arguments, checkpoint=path)
    assert path.read_bytes() == before


def test_balance_and_every_field_of_a_task_are_compared(path):
    given = {"size": None, "samples": 200, "checkpoint": path}
    small(**given, task=TASK, balanced=True)
    with pytest.raises(ValueError, match=r"balanced \(true in the file, false in this call\)"):
        small(**given, task=TASK, sigma=small(**given, task=TASK, balanced=True).sigma)
    with pytest.raises(ValueError, match=r"task\.gap \(.*2.* in the file, .*1.* in this call\)"):
        small(**given, task=sd.ScaleDetection(size=32, xi=8, gap=1), balanced=True)


def test_the_file_of_a_sweep_is_not_that_of_a_simulation(path):
    sd.sweep([NET], [32], samples=200, rng=5, checkpoint=path)
    with pytest.raises(ValueError, match=r'call \("sweep" in the file, "simulate" in this call\)'):
        small(checkpoint=path)


@pytest.mark.parametrize(
    ("place", "kind", "message"),
    [
        (3, TypeError, "checkpoint must be a string, a path or None; got 3"),
        ("missing/run.sqlite", ValueError, "checkpoint must be in an existing folder; got"),
        (".", ValueError, "checkpoint must name a new or an ordinary file; got"),
    ],
)
def test_bad_paths_are_refused_before_the_work(tmp_path, counted, place, kind, message):
    with pytest.raises(kind, match=message):
        small(checkpoint=place if place == 3 else tmp_path / place)
    assert counted == []


# ---------------------------------------------------------------------------------- damage


def of_another_program(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE units (key, sums, checksum)")
    connection.commit()
    connection.close()


def claiming_to_be_ours(path):
    of_another_program(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {0x53646574}")
    connection.close()


FOREIGN = {
    "text": lambda path: path.write_text("D_k = 1 / (k + 1)"),
    "one byte": lambda path: path.write_bytes(b"S"),
    "other program": of_another_program,
    "no call": claiming_to_be_ours,
    "saved result": lambda path: small(samples=100).save(path),
    "header only": lambda path: (small(checkpoint=path), cut(path, 100)),
    "one page": lambda path: (small(checkpoint=path), cut(path, 4096)),
    "half": lambda path: (small(checkpoint=path), cut(path, path.stat().st_size // 2)),
    "last byte lost": lambda path: (small(checkpoint=path), cut(path, path.stat().st_size - 1)),
}


def cut(path, length):
    path.write_bytes(path.read_bytes()[:length])


@pytest.mark.parametrize("name", FOREIGN)
def test_damaged_and_foreign_files_are_refused_and_left_alone(path, counted, name):
    FOREIGN[name](path)
    counted.clear()
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"checkpoint must be a new file or one .* got '.*' \("):
        small(checkpoint=path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert counted == []


def test_a_changed_number_is_refused(path):
    small(checkpoint=path)
    connection = sqlite3.connect(path)
    key, sums = connection.execute("SELECT key, sums FROM units LIMIT 1").fetchone()
    other = bytes([sums[0] ^ 1]) + sums[1:]
    connection.execute("UPDATE units SET sums = ? WHERE key = ?", (other, key))
    connection.commit()
    with pytest.raises(ValueError, match="a stored unit does not match its checksum"):
        small(checkpoint=path)
    # Nor does a row of other units get in, however consistent.
    connection.execute("UPDATE units SET sums = ? WHERE key = ?", (sums, key))
    connection.execute(
        "INSERT INTO units VALUES (?, ?, ?)", (b"k", sums, hashlib.sha256(b"k" + sums).digest())
    )
    connection.commit()
    connection.close()
    with pytest.raises(ValueError, match="a stored unit does not match its checksum"):
        small(checkpoint=path)


def test_a_changed_call_is_refused(path):
    small(checkpoint=path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE call SET description = replace(description, '12000', '12001')")
    connection.commit()
    connection.close()
    # Neither call takes over its units.
    for samples, message in (
        (12_000, r"samples \(12001 in the file, 12000 in this call\)"),
        (12_001, "a stored unit does not match its checksum"),
    ):
        with pytest.raises(ValueError, match=message):
            small(checkpoint=path, samples=samples)


def test_no_flipped_bit_changes_a_number(path):
    """400 files with one bit flipped each: the same bits come out, or a refusal."""
    given = {"samples": 1000}
    plain = small(checkpoint=path, **given)
    whole = path.read_bytes()
    rng = random.Random(0)
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        # Every second flip within the header and the schema.
        place = rng.randrange(400 if rng.random() < 0.5 else len(whole))
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            assert same(plain, small(checkpoint=path, **given)), place
        except (ValueError, CheckpointError) as error:
            assert str(error).startswith("checkpoint ")  # noqa: PT017 - many places, some harmless
            assert path.read_bytes() == damaged, place
            refused += 1
        for name in ("-journal", "-wal", "-shm"):
            path.with_name(path.name + name).unlink(missing_ok=True)
    assert 100 < refused < 400


# ----------------------------------------------------------------------- kills and crowding

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
    monkeypatch.setattr(scheduler, "TASK_SECONDS", 0)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        alive = [executor.submit(os.getpid).result()]

        def add_and_kill(store, tasks, add=Checkpoint.add):
            add(store, tasks)
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
    small(checkpoint=path, target_error=0.5)
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
