"""Options of ``scaledet simulate`` and ``compare`` that say how to run."""

from __future__ import annotations

import json
import math
import shlex
import sqlite3

import numpy as np
import pytest

import scaledet as sd
from scaledet.cli.main import main

NET = sd.Network.uniform([1, 2, 1], 2, 2)
LINE = "--kernel 1,2,1 --stride 2 --depth 2 --size 32 --samples 20000 --rng 4"
OPTIONS = "--engine numpy --control-variates --target-error 0.01"


def expected(**given):
    return sd.simulate(NET, size=32, samples=20_000, rng=4, **given)


def test_options_reach_the_library(run):
    found = expected(engine="numpy", control_variates=True, target_error=0.01)
    assert 64 <= found.blocks < 128
    assert run(f"simulate {LINE} {OPTIONS}") == (0, f"{found!r}\n", "")
    compared = sd.compare(sd.predict(NET, size=32), found)
    assert run(f"compare {LINE} {OPTIONS}") == (0, f"{compared!r}\n", "")
    assert run(f"simulate {LINE} --engine numpy")[1] == f"{expected(engine='numpy')!r}\n"


@pytest.mark.parametrize("command", ["simulate", "compare"])
def test_json_tells_how_the_numbers_came_about(run, command):
    found = expected(engine="numpy", control_variates=True, target_error=0.01)
    record = json.loads(run(f"{command} {LINE} {OPTIONS} --json")[1])
    for name in ("engine", "samples", "blocks", "entropy", "partial", "target_error",
                 "target_reached", "control_variates"):  # fmt: skip
        assert record[name] == getattr(found, name)
    assert record["relative_error"] == found.relative_error.tolist()
    assert record["gain"] == found.gain.tolist()


def test_a_relative_error_that_is_infinite_is_null(run):
    line = "simulate --kernel 2 --stride 2 --depth 8 --size 4096 --samples 8 --rng 0 --json"
    record = json.loads(run(line)[1])
    assert record["columns"]["D"][-1] == 0
    assert record["relative_error"][-1] is None
    assert math.isfinite(record["relative_error"][0])


def test_a_target_that_is_missed_is_a_warning(run):
    code, out, err = run(f"simulate {LINE} --target-error 0.0001 --json")
    assert code == 0
    assert err.startswith("scaledet: warning: target_error = 0.0001 was not reached within 20000")
    assert err.count("\n") == 1
    assert json.loads(out)["target_reached"] is False


def test_a_checkpoint_is_made_and_gone_on_from(run, tmp_path):
    path = shlex.quote(str(tmp_path / "run.sqlite"))
    plain = run(f"simulate {LINE}")
    assert run(f"simulate {LINE} --checkpoint {path}") == plain
    connection = sqlite3.connect(tmp_path / "run.sqlite")
    assert connection.execute("SELECT count(*) FROM units").fetchone() == (128,)
    connection.close()
    assert run(f"simulate {LINE} --checkpoint {path} --workers 2") == plain
    assert run(f"compare {LINE} --checkpoint {path}") == run(f"compare {LINE}")
    code, out, err = run(f"simulate {LINE} --sigma 0.5 --checkpoint {path}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "differs in sigma (0.25 in the file, 0.5 in this call)" in err


def test_a_partial_result_is_saved_too(run, tmp_path, monkeypatch):
    found = expected(engine="numpy")
    partial = type(found)(**{**vars(found), "partial": True})
    monkeypatch.setattr("scaledet.simulation.simulate.simulate", lambda *_, **__: partial)
    path = tmp_path / "partial.npz"
    code, out, err = run(f"simulate {LINE} --save {shlex.quote(str(path))}")
    assert (code, out, err) == (130, f"{partial!r}\n", "")
    assert sd.load(path).partial
    assert np.array_equal(sd.load(path).D, found.D)
    assert run(f"compare {LINE}") == (130, f"{partial!r}\n", "")
    record = json.loads(run(f"compare {LINE} --json")[1])
    assert (record["command"], record["partial"]) == ("compare", True)


@pytest.mark.parametrize("address", ["garbage", "", "tcp://host", "host:port"])
def test_addresses_that_are_none_are_told_at_once(address, capsys) -> None:
    line = [
        "simulate",
        *["--kernel", "2", "--stride", "2", "--depth", "2", "--size", "16", "--samples", "100"],
    ]
    assert main([*line, "--scheduler", address]) == 2
    assert "argument --scheduler: expected an address such as" in capsys.readouterr().err
