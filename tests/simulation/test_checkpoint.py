"""Checkpoints: resuming, refusing, and what kills a run or damages its file."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import scaledet as sd
from scaledet.errors import CheckpointError
from scaledet.simulation import scheduler, unit
from scaledet.simulation.checkpoint import described
from scaledet.simulation.job import unit_sizes
from scaledet.simulation.unit import ENGINES, engine_name
from tests.runs import NET, run_unit, same, small, specification, unit_by_unit, units_in
from tests.simulation.test_scheduler import Plain


@pytest.fixture
def counted(monkeypatch):
    """Units that are computed in this process, in order."""
    seen = []

    def spy(spec, stream, unit, count):
        seen.append(unit)
        return run_unit(spec, stream, unit, count)

    monkeypatch.setattr(scheduler, "run_units", unit_by_unit(spy))
    return seen


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

    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
    monkeypatch.setattr(scheduler, "run_units", unit_by_unit(fail))
    with pytest.raises(ZeroDivisionError):
        small(checkpoint=path, workers=2)
    kept = units_in(path)
    assert kept >= 69
    monkeypatch.setattr(scheduler, "run_units", unit_by_unit(run_unit))
    assert same(plain, small(checkpoint=path))
    assert units_in(path) == 129


def test_control_variates_and_targets_look_at_the_same_units(plain, path, counted):
    assert same(plain, small(checkpoint=path))
    counted.clear()
    controlled = small(checkpoint=path, control_variates=True)
    assert counted == []
    assert same(controlled, small(control_variates=True, executor=ThreadPoolExecutor(1)))
    assert not np.array_equal(controlled.G, plain.G)
    other = path.with_name("target.sqlite")
    with pytest.warns(RuntimeWarning, match="not reached"):
        whole = small(checkpoint=other, target_error=0.001)
    counted.clear()
    with pytest.warns(RuntimeWarning, match="not reached"):
        controlled = small(checkpoint=other, target_error=0.001, control_variates=True)
    assert not np.array_equal(controlled.G, whole.G)
    loose = small(checkpoint=other, target_error=0.5)
    assert loose.blocks == 64
    assert counted == []


def test_a_run_with_a_target_goes_on_under_another_cap(path, counted):
    """Units of growing size do not depend on the cap: all but the last are of use to both."""
    with pytest.warns(RuntimeWarning, match="not reached within 5000 samples"):
        small(checkpoint=path, target_error=0.03, samples=5000)
    kept = units_in(path)
    assert kept == len(counted) == 72  # 64 of 64 images, 7 of 128, one of 8
    stopped = small(checkpoint=path, target_error=0.03, samples=10**18)
    assert same(stopped, small(target_error=0.03))
    before = counted.copy()
    assert before[72] == 71
    # Back again, and from there on: nothing is computed twice.
    with pytest.warns(RuntimeWarning, match="not reached within 5000 samples"):
        small(checkpoint=path, target_error=0.03, samples=5000)
    assert same(stopped, small(checkpoint=path, target_error=0.03, samples=10**6))
    assert sorted(counted[72 + stopped.blocks :]) == sorted(before[72 + stopped.blocks :])


def test_units_of_runs_with_and_without_a_target_differ(path):
    small(checkpoint=path, target_error=0.5)
    units = r'units \("64 images, 64 more every 64 units, .*" in the file, null in this call\)'
    with pytest.raises(ValueError, match=rf"samples \(null in the file, 12000 .*\), {units}"):
        small(checkpoint=path)


def test_a_tighter_target_goes_on_where_the_looser_one_stopped(path, counted, monkeypatch):
    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
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
    spec = specification(NET)
    assert json.dumps(described(spec, unit_sizes(spec, 12_000))) == (
        f'{{"network": {{"dim": 1, "layers": [{layers}]}}, "size": 32, "rectify": "input", '
        '"sigma": 0.25, "task": null, "balanced": false, "background": 0.0, '
        '"engine": "numpy, revision 1, PCG64; ziggurat", "samples": 12000}'
    )
    small(checkpoint=path)
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE call ADD COLUMN checksum BLOB")
    # Nor did their keys tell the place of a unit.
    for key, sums in connection.execute("SELECT key, sums FROM units").fetchall():
        row = (key[:32], hashlib.sha256(key[:32] + sums).digest(), key)
        connection.execute("UPDATE units SET key = ?, checksum = ? WHERE key = ?", row)
    connection.commit()
    connection.close()
    counted.clear()
    assert same(plain, small(checkpoint=path))
    assert counted == []


def test_progress_shows_what_is_stored(path, monkeypatch, capsys):
    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
    small(executor=Plain(40, KeyboardInterrupt), checkpoint=path)
    small(checkpoint=path, progress=True)
    err = capsys.readouterr().err
    assert "12000 samples, 36" in err
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
        ({"net": NET[:2]}, r"network.layers\[0\].count \(3 in the file, 2 in this call\)"),
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
        (3, TypeError, "checkpoint must be a string or a path; got 3"),
        ("missing/run.sqlite", ValueError, "checkpoint must be in an existing folder; got"),
        (".", ValueError, "checkpoint must name a new or an ordinary file; got"),
    ],
)
def test_bad_paths_are_refused_before_the_work(tmp_path, counted, place, kind, message):
    with pytest.raises(kind, match=message):
        small(checkpoint=place if place == 3 else tmp_path / place)
    assert counted == []


@pytest.mark.parametrize("engine", ENGINES)
def test_units_of_an_earlier_revision_are_refused_by_name(path, engine, monkeypatch):
    earlier, (now, rest) = "revision 0", engine_name(engine).split(",")[1:3]
    given = {"engine": engine, "samples": 1000, "checkpoint": path}
    with monkeypatch.context() as patched:
        patched.setitem(unit._NUMBERS, engine, f"{earlier},{rest}")
        small(**given)
    before = path.read_bytes()
    message = rf'engine \("{engine}, {earlier},.*" in the file, "{engine},{now},.*" in this call\)'
    with pytest.raises(ValueError, match=message):
        small(**given)
    assert path.read_bytes() == before


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


def test_a_lost_zero_at_the_end_is_noticed(path):
    """SQLite would fill the last page with zeros, and find the same file."""
    small(checkpoint=path)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE last (value BLOB)")
    connection.execute("INSERT INTO last VALUES (zeroblob(8))")
    connection.commit()
    connection.close()
    assert path.read_bytes()[-1] == 0
    assert small(checkpoint=path)
    cut(path, path.stat().st_size - 1)
    with pytest.raises(ValueError, match="its last page is incomplete"):
        small(checkpoint=path)


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
