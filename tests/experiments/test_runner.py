"""The runner: same tables from any number of processes, resumption, failures, what it prints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.common import Row, Unit, read_rows, write_rows
from experiments.runner import Suite
from tests.experiments import toy

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def log(tmp_path, monkeypatch):
    """Count the runs of every unit."""
    folder = tmp_path / "log"
    folder.mkdir()
    monkeypatch.setenv(toy.LOG, str(folder))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.setenv(name, "2")  # The runner's own setting is undone after the test.

    def runs() -> list[int]:
        return [len(path.read_text().splitlines()) for path in sorted(folder.iterdir())]

    return runs


def table(out: Path, name: str = toy.NAME) -> bytes:
    return (out / f"{name}.csv").read_bytes()


def test_tables_do_not_depend_on_the_number_of_processes(tmp_path, log):
    for workers in (1, 2):
        assert Suite([toy.TOY, toy.MEANS], tmp_path / str(workers)).run(workers)
    assert table(tmp_path / "1") == table(tmp_path / "2")
    assert table(tmp_path / "1", toy.SUMMARY) == table(tmp_path / "2", toy.SUMMARY)
    rows = read_rows(tmp_path / "1" / f"{toy.NAME}.csv")
    assert len(rows) == 18
    assert [(row.seed, row.layer, row.A) for row in rows[:4]] == [
        (0, 0, 1.0),
        (0, 1, 2.0),
        (0, 2, 4.0),
        (1, 0, 1.0),
    ]
    (mean,) = read_rows(tmp_path / "1" / f"{toy.SUMMARY}.csv")
    assert mean.value == pytest.approx(sum(row.value for row in rows) / 18, rel=1e-5)
    assert log() == [2] * 6


def test_units_run_with_one_thread_in_processes_of_their_own(tmp_path, log):
    Suite([toy.TOY], tmp_path / "out", quick=True).run(2)
    assert log() == [1, 1]
    lines = [path.read_text().split() for path in (tmp_path / "log").iterdir()]
    assert {threads for _, threads in lines} == {"1"}
    assert str(os.getpid()) not in {process for process, _ in lines}


def test_what_is_there_is_not_run_again(tmp_path, log):
    out = tmp_path / "out"
    suite = Suite([toy.TOY], out)
    suite.run(2)
    before = table(out)
    files = sorted((out / "units").iterdir())
    assert len(files) == 6
    files[2].unlink()
    files[4].write_text(files[4].read_text()[:-40])  # Cut off: not the file of a unit.
    suite.run(2)
    assert log() == [1, 1, 2, 1, 2, 1]
    assert table(out) == before
    Suite([toy.NEWER], out).run(2)
    assert log() == [2, 2, 3, 2, 3, 2]


KILLED = """
from pathlib import Path
from experiments.runner import Suite
from tests.experiments import toy

if __name__ == "__main__":
    Suite([toy.TOY], Path({out!r})).run(6)
"""


def test_a_killed_run_leaves_no_processes_and_goes_on(tmp_path, log):
    out, script = tmp_path / "out", tmp_path / "script.py"
    script.write_text(KILLED.format(out=str(out)))
    environment = {**os.environ, toy.WAIT: "2", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, script], env=environment, cwd=ROOT)
    units = toy.units(False, None)
    try:
        wait_until(lambda: log() == [1] * 6 and len(list((out / "units").glob("*.json"))) == 2)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert {path.stem for path in (out / "units").iterdir()} == {unit.name for unit in units[:2]}
    assert not (out / f"{toy.NAME}.csv").exists()
    workers = [int(path.read_text().split()[0]) for path in (tmp_path / "log").iterdir()]
    wait_until(lambda: not any(is_running(worker) for worker in workers))
    Suite([toy.TOY], out).run(2)
    assert log() == [1, 1, 2, 2, 2, 2]
    Suite([toy.TOY], tmp_path / "straight").run(1)
    assert table(out) == table(tmp_path / "straight")


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(process: int) -> bool:
    """Whether it is there, and not only waits to be buried."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_failure_spares_the_other_units_and_writes_no_table(tmp_path, log, capsys):
    out = tmp_path / "out"
    assert not Suite([toy.FAILING], out).run(1)
    printed = capsys.readouterr().out
    assert "seed1: FAILED" in printed
    assert "seed 1 is unlucky" in printed
    assert "no table is written, 1 of its units failed" in printed
    assert not (out / f"{toy.NAME}.csv").exists()
    assert len(list((out / "units").glob("*.json"))) == 5
    assert Suite([toy.TOY], out).run(1)
    assert log() == [1] * 6


def test_an_experiment_without_data_is_left_out_and_says_so(tmp_path, capsys):
    assert Suite([toy.NEEDS_DATA, toy.MEANS], tmp_path).run(1)
    printed = capsys.readouterr().out
    assert f"{toy.NAME}: no table is written, it needs --data" in printed
    assert f"{toy.SUMMARY}: no table is written, there is nothing to read" in printed


def test_the_folder_of_data_does_not_make_units_old(tmp_path, log):
    for folder in ("here", "there"):
        Suite([toy.TOY], tmp_path / "out", quick=True, data=tmp_path / folder).run(1)
    assert log() == [1, 1]


def test_time_and_memory_come_first_and_then_the_time_left(tmp_path, log, capsys):
    Suite([toy.TOY], tmp_path / "out").run(2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "6 units, 0 of them done before",
        "estimated time: 10 s in 2 processes of one thread each",
        "estimated memory: up to 1.2 GB",
    ]
    assert [line.split()[0] for line in lines[3:]] == [f"[{i}/6]" for i in range(1, 7)]
    assert "left" in lines[3]
    assert lines[-1].endswith("all done")
    assert len(log()) == 6


def test_facts_stand_beside_the_table(tmp_path, log):
    Suite([toy.TOY], tmp_path / "out", quick=True).run(1)
    facts = json.loads((tmp_path / "out" / f"{toy.NAME}.json").read_text())
    assert facts["quick"] is True
    assert set(facts["versions"]) == {"python", "scaledet", "numpy", "scipy", "torch"}
    assert [unit["seed"] for unit in facts["units"]] == [0, 1]
    assert facts["units"][0]["parameters"] == {"count": 3}
    assert str(tmp_path) not in json.dumps(facts)
    assert log() == [1, 1]


def test_two_units_of_one_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match="different names; twice: e90_toy-nowhere-no_net-draw"):
        Suite([toy.TOY, toy.TOY], tmp_path).run(1)


def test_rows_survive_a_table(tmp_path):
    unit = Unit("e90_toy", "1d_strided_T1", "a, b", "sgd", 3)
    rows = [
        unit.row("before", "all", "D", 0.5, 0.25, layer=2, A=4),
        unit.row("after", "channel_mean", "test_error", 0.0),
    ]
    write_rows(tmp_path / "table.csv", rows)
    assert read_rows(tmp_path / "table.csv") == rows
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert lines[0] == (
        "experiment,setting,net,recipe,seed,stage,variant,layer,A,quantity,value,error"
    )
    assert lines[2] == 'e90_toy,1d_strided_T1,"a, b",sgd,3,after,channel_mean,,,test_error,0,'


@pytest.mark.parametrize("change", [{"value": float("nan")}, {"stage": "later"}])
def test_rows_that_say_nothing_are_refused(change):
    row = Row("e", "s", "n", "r", 0, "after", "all", 1, 2.0, "D", 0.5, None)
    with pytest.raises(ValueError, match="must be"):
        replace(row, **change)
