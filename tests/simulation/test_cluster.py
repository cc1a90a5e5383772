"""A Dask cluster of two worker processes on this machine: the same bits, whatever happens to it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import threading
import time

import pytest

import scaledet as sd
from scaledet.cli import simulate as cli_simulate
from scaledet.cli.main import main
from scaledet.errors import CheckpointError
from scaledet.simulation import scheduler
from tests.cli.test_main import examples
from tests.runs import NET, same, small

# Two worker processes of one thread each, restarted by their nannies when they die.
CLUSTER = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(**CLUSTER, silence_logs=50) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    from distributed import Client

    with Client(cluster, set_as_default=False) as client:
        yield client


def test_a_cluster_gives_the_same_bits(client):
    assert same(small(), small(executor=client.get_executor()))
    # Dask gives its workers one thread of BLAS: large units, which BLAS would divide.
    large = {"size": 2**10, "samples": 2000}
    assert same(small(**large), small(**large, executor=client.get_executor()))
    targeted = small(executor=client.get_executor(), target_error=0.03)
    assert same(targeted, small(target_error=0.03))


def test_the_default_engine_gives_the_same_bits(client):
    assert same(small(engine="numba"), small(engine="numba", executor=client.get_executor()))


def test_a_sweep_on_a_cluster(client, tmp_path):
    nets = [NET, sd.Network.uniform([1, 2, 1], 2, 3)]
    given = {"samples": 3000, "rng": 1, "engine": "numpy"}
    plain = sd.sweep(nets, [16, 32], **given)
    path = tmp_path / "sweep.sqlite"
    swept = sd.sweep(nets, [16, 32], **given, executor=client.get_executor(), checkpoint=path)
    assert all(map(same, plain.runs, swept.runs))
    assert all(map(same, plain.runs, sd.sweep(nets, [16, 32], **given, checkpoint=path).runs))


def test_a_client_is_no_executor(client):
    with pytest.raises(TypeError, match=r"pass client.get_executor\(\); got <Client"):
        small(executor=client)


def test_a_worker_that_is_killed_changes_no_bit(client, tmp_path, monkeypatch):
    given = {"size": 64, "samples": 120_000}
    plain = small(**given)
    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0.05)
    path = tmp_path / "run.sqlite"
    before = set(workers_of(client))
    killed = []

    def kill():
        # Once the run is under way.
        while not path.exists() or path.stat().st_size < 12_000:
            time.sleep(0.01)
        killed.append(min(before))
        os.kill(killed[0], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    survivor = small(**given, executor=client.get_executor(), checkpoint=path)
    thread.join()
    assert same(plain, survivor)
    assert killed
    client.wait_for_workers(2, timeout=30)
    assert killed[0] not in workers_of(client)


def workers_of(client):
    """Process numbers of the workers."""
    return client.run(os.getpid).values()


# ------------------------------------------------------------------------- the command line


def test_the_example_in_help(cluster, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(["simulate", "--help"])
    (line,) = [line for line, _ in examples(capsys.readouterr().out) if "--scheduler" in line]
    here = line.replace("tcp://host:8786", cluster.scheduler_address)
    local = line.replace(" --scheduler tcp://host:8786", "").replace("cluster.sqlite", "b.sqlite")
    printed = []
    for text in (here, local):
        assert main(shlex.split(text)[1:]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        printed.append(out)
    assert printed[0] == printed[1]


@pytest.mark.parametrize("command", ["simulate", "compare"])
def test_commands_on_a_cluster(cluster, capsys, command):
    line = f"{command} --kernel 2 --stride 2 --depth 2 --size 16 --samples 3000 --rng 1 --json"
    records = []
    for place in ("", f" --scheduler {cluster.scheduler_address}"):
        assert main(shlex.split(line + place)) == 0
        records.append(json.loads(capsys.readouterr().out))
    assert records[0] == records[1]


def test_a_scheduler_that_does_not_answer_is_one_line(capsys, monkeypatch):
    monkeypatch.setattr(cli_simulate, "_PATIENCE", 0.5)
    line = "simulate --kernel 2 --stride 2 --depth 2 --size 16 --scheduler tcp://127.0.0.1:9"
    begin = time.perf_counter()
    assert main(shlex.split(line)) == 2
    assert time.perf_counter() - begin < 5
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(
        "scaledet: error: argument --scheduler: no Dask scheduler answers at 'tcp://127.0.0.1:9'"
    )
    assert err.count("\n") == 1


def test_without_dask_a_scheduler_is_one_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    line = "simulate --kernel 2 --stride 2 --depth 2 --size 16 --scheduler tcp://127.0.0.1:9"
    assert main(shlex.split(line)) == 2
    assert capsys.readouterr().err == (
        "scaledet: error: argument --scheduler: needs Dask: pip install dask distributed\n"
    )


def test_a_scheduler_that_goes_away_is_one_line(capsys, tmp_path):
    from distributed import LocalCluster

    path = tmp_path / "run.sqlite"
    line = (
        "simulate --kernel 2 --stride 2 --depth 2 --size 16 --samples 100000000 --engine numpy "
        f"--checkpoint {shlex.quote(str(path))} --scheduler"
    )
    with LocalCluster(**CLUSTER, silence_logs=50) as other:

        def leave():
            while not path.exists() or path.stat().st_size < 12_000:
                time.sleep(0.01)
            other.close()

        thread = threading.Thread(target=leave)
        thread.start()
        assert main([*shlex.split(line), other.scheduler_address]) == 2
        thread.join()
    err = capsys.readouterr().err
    assert "the connection to 'tcp://127.0.0.1:" in err
    assert "goes on from the finished units" in err


def test_a_connection_that_fails_later_is_one_line(cluster, capsys, monkeypatch):
    def fail(*_, **__):
        raise OSError("Timed out trying to connect")

    monkeypatch.setattr("scaledet.simulation.executors.Pool.width", fail)
    line = "simulate --kernel 2 --stride 2 --depth 2 --size 16 --scheduler"
    assert main([*line.split(), cluster.scheduler_address]) == 2
    err = capsys.readouterr().err
    assert err.startswith("scaledet: error: argument --scheduler: the connection to 'tcp://")
    assert err.count("\n") == 1


def test_a_full_disk_is_named_as_such_on_a_cluster(cluster, capsys, monkeypatch, tmp_path):
    def fail(store, _):
        raise CheckpointError.at(store.path, "database or disk is full")

    monkeypatch.setattr("scaledet.simulation.checkpoint.Checkpoint.add", fail)
    line = f"simulate --kernel 2 --stride 2 --depth 2 --size 16 --checkpoint {tmp_path}/run.sqlite"
    assert main([*line.split(), "--scheduler", cluster.scheduler_address]) == 2
    assert "(database or disk is full); the finished units" in capsys.readouterr().err
