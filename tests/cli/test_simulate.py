"""``scaledet simulate`` and ``compare`` against the library."""

from __future__ import annotations

import json
import math
import shlex
import sqlite3
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

import scaledet as sd
from scaledet.analysis import comparison
from scaledet.simulation import simulate as simulation
from tests.cli.test_arguments import refused
from tests.cli.test_predict import plain

NET = sd.Network.uniform([1, 2, 1], 2, 2)
LINE = "--kernel 1,2,1 --stride 2 --depth 2 --size 32 --samples 20000 --rng 4"
TASK = sd.ScaleDetection(size=32, xi=8, variant="T2")
OPTIONS = "--engine numpy --control-variates --target-error 0.01"


def expected(**given):
    return sd.simulate(NET, size=32, samples=20_000, rng=4, **given)


def test_options_reach_the_library(run):
    result = expected(engine="numpy", control_variates=True, target_error=0.01)
    assert 64 <= result.blocks < 128
    assert run(f"simulate {LINE} {OPTIONS}") == (0, f"{result!r}\n", "")
    compared = sd.compare(sd.predict(NET, size=32), result)
    assert run(f"compare {LINE} {OPTIONS}") == (0, f"{compared!r}\n", "")
    assert run(f"simulate {LINE} --engine numpy")[1] == f"{expected(engine='numpy')!r}\n"


@pytest.mark.parametrize("command", ["simulate", "compare"])
def test_json_says_how_the_numbers_came_about(run, command):
    result = expected(engine="numpy", control_variates=True, target_error=0.01)
    record = json.loads(run(f"{command} {LINE} {OPTIONS} --json")[1])
    for name in ("engine", "samples", "blocks", "entropy", "partial", "control_variates"):
        assert record[name] == getattr(result, name)
    assert record["target_error"] == result.target_error
    assert record["target_reached"] == result.target_reached
    assert record["relative_error"] == result.relative_error.tolist()
    assert record["gain"] == result.gain.tolist()


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
    result = expected(engine="numpy")
    partial = type(result)(**{**vars(result), "partial": True})
    monkeypatch.setattr("scaledet.simulation.simulate.simulate", lambda *_, **__: partial)
    path = tmp_path / "partial.npz"
    code, out, err = run(f"simulate {LINE} --save {shlex.quote(str(path))}")
    assert (code, out, err) == (130, f"{partial!r}\n", "")
    assert sd.load(path).partial
    assert np.array_equal(sd.load(path).D, result.D)
    assert run(f"compare {LINE}") == (130, f"{partial!r}\n", "")
    record = json.loads(run(f"compare {LINE} --json")[1])
    assert (record["command"], record["partial"]) == ("compare", True)


@pytest.mark.parametrize("address", ["garbage", "", "tcp://host", "host:port"])
def test_addresses_that_are_none_are_refused_at_once(run, address):
    line = f"simulate --kernel 2 --stride 2 --depth 2 --size 16 --scheduler '{address}'"
    refused(run, line, "argument --scheduler: expected an address such as")


@pytest.mark.parametrize(
    ("line", "network", "given"),
    [
        ("--kernel 2 --stride 2 --depth 2 --size 16", (2, 2, 2), {"size": 16, "rng": 0}),
        (
            "--kernel 3 --stride 1 --depth 2 --size 8 --dim 2 --rng 5 --sigma 0.2 --rectify none",
            (3, 1, 2, 2),
            {"size": 8, "rng": 5, "sigma": 0.2, "rectify": None},
        ),
        (
            "--kernel 2 --stride 2 --depth 2 --size 32 --bias -0.05 --rng 1",
            (2, 2, 2, 1, Fraction(-1, 20)),
            {"size": 32, "rng": 1},
        ),
        (
            "--kernel 2 --stride 2 --depth 2 --size 32 --task T2 --xi 8 --balanced",
            (2, 2, 2),
            {"size": 32, "rng": 0, "balanced": True, "task": TASK},
        ),
    ],
)
def test_simulate(run, run_json, line, network, given):
    expected = sd.simulate(sd.Network.uniform(*network), samples=600, **given)
    line = f"simulate {line} --samples 600"
    assert run(line) == (0, f"{expected!r}\n", "")
    record = run_json(line)
    assert record["columns"] == plain(expected.columns())
    assert record["covariance"] == expected.covariance.tolist()
    assert sd.Network.from_dict(record["network"]) == expected.network
    for name in ("size", "rectify", "sigma", "balanced", "samples", "blocks", "entropy"):
        assert record[name] == getattr(expected, name)
    assert (record["task"] is None) == (expected.task is None)


BORDERS = [
    (
        "--kernel 3 --stride 2 --depth 2 --padding 1 --padding-mode reflect --dilation 2 --size 16 "
        "--moves stay",
        sd.Network.uniform(3, 2, 2, padding=1, padding_mode="reflect", dilation=2),
        {"size": 16, "moves": "stay"},
    ),
    (
        "--layer 3:1:pad=same --layer 2:2:pad=0:pool=max --dim 2 --size 6x8 --moves inside",
        sd.Network([sd.Layer(3, padding="same"), sd.Layer(2, 2, padding=0, pooling="max")], dim=2),
        {"size": (6, 8), "moves": "inside"},
    ),
    (
        "--kernel 2 --stride 2 --depth 1 --pooling max --size 16",
        sd.Network.uniform(2, 2, 1, pooling="max"),
        {"size": 16},
    ),
]


@pytest.mark.parametrize(("line", "network", "given"), BORDERS)
def test_borders(run, run_json, tmp_path, line, network, given):
    expected = sd.simulate(network, samples=600, rng=0, **given)
    path = tmp_path / "run.npz"
    line = f"simulate {line} --samples 600"
    assert run(f"{line} --save {path}") == (0, f"{expected!r}\n", "")
    assert run(f"show {path}") == (0, f"{expected!r}\n", "")
    record = run_json(line)
    assert record["columns"] == plain(expected.columns())
    assert sd.Network.from_dict(record["network"]) == network
    assert record["engine"] == "numpy"
    assert record["size"] == (list(size) if isinstance(size := given["size"], tuple) else size)
    assert record.get("moves", "wrap") == given.get("moves", "wrap")


def test_a_sweep_over_sides(run):
    nets = [sd.Network.uniform(kernel, 1, 2, 2, padding=1) for kernel in (2, 3)]
    expected = sd.sweep(nets, [(4, 6), 6], samples=600, rng=0, moves="stay")
    line = (
        "sweep --kernel 2 --kernel 3 --stride 1 --depth 2 --dim 2 --padding 1 --size 4x6 --size 6"
    )
    assert run(f"{line} --moves stay --samples 600") == (0, f"{expected!r}\n", "")


def test_workers_and_memory_limit_reach_the_library(run_json, monkeypatch):
    seen = {}
    simulate = simulation.simulate

    def spy(net, **given):
        seen.update(given)
        return simulate(net, **given)

    monkeypatch.setattr(simulation, "simulate", spy)
    line = "simulate --kernel 2 --stride 2 --depth 2 --size 16 --samples 600"
    single = run_json(line)
    assert (seen["workers"], seen["memory_limit"], seen["progress"]) == (1, 2**30, False)
    assert run_json(f"{line} --workers 2") == single
    assert run_json(f"{line} --memory-limit 64KiB")["samples"] == 600
    assert seen["memory_limit"] == 65536


def test_progress_is_shown_on_stderr_only(run):
    line = "simulate --kernel 2 --stride 2 --depth 2 --size 16 --samples 600"
    code, out, err = run(f"{line} --progress")
    assert (code, out) == run(line)[:2]
    assert "simulate: about" in err


COMPARE = "compare --kernel 2 --stride 2 --depth 2 --size 32 --samples 3000 --rng 3"


def test_compare(run, run_json):
    net = sd.Network.uniform(2, 2, 2)
    expected = sd.compare(sd.predict(net, size=32), sd.simulate(net, size=32, samples=3000, rng=3))
    assert run(COMPARE) == (0, f"{expected!r}\n", "")
    record = run_json(COMPARE)
    assert record["agree"] is True
    assert record["columns"] == plain(expected.columns())
    assert (record["p_value"], record["chi2"]) == (expected.p_value, expected.chi2)
    assert record["dof"] == list(expected.dof)
    assert sd.Network.from_dict(record["network"]) == net
    assert (record["samples"], record["entropy"]) == (3000, 3)


def test_compare_ends_with_1_when_theory_and_simulation_disagree(run, run_json, monkeypatch):
    simulate = simulation.simulate
    other = sd.Network.uniform([1, 3], 2, 2)
    monkeypatch.setattr(simulation, "simulate", lambda _, **given: simulate(other, **given))
    code, out, err = run(COMPARE)
    assert (code, err) == (1, "")
    assert "DISAGREE" in out
    record = run_json(COMPARE, expected=1)
    assert record["agree"] is False
    assert record["p_value"] <= 1e-3


@pytest.mark.parametrize(("p_value", "code"), [(1e-3, 1), (1.001e-3, 0), (math.nan, 1)])
def test_the_threshold_of_compare(run, monkeypatch, p_value, code):
    result = SimpleNamespace(p_value=p_value)
    monkeypatch.setattr(comparison, "compare", lambda *_: result)
    assert run(COMPARE)[0] == code


@pytest.mark.parametrize("command", ["simulate", "compare"])
def test_save_a_simulation(run, tmp_path, command):
    """A saved comparison holds its simulation."""
    path = tmp_path / "simulation.npz"
    line = f"{command} --kernel 2 --stride 2 --depth 2 --size 32 --samples 1000 --rng 3"
    assert run(f"{line} --save {shlex.quote(str(path))}") == run(line)
    loaded = sd.load(path)
    loaded = loaded.simulation if command == "compare" else loaded
    expected = sd.simulate(sd.Network.uniform(2, 2, 2), size=32, samples=1000, rng=3)
    assert plain(loaded.columns()) == plain(expected.columns())


@pytest.mark.parametrize("place", ["missing/file.npz", "."])
def test_an_unwritable_path_is_refused_before_the_work(run, tmp_path, monkeypatch, place):
    monkeypatch.setattr(simulation, "simulate", None)
    path = shlex.quote(str(tmp_path / place))
    refused(run, f"{COMPARE} --save {path}", "argument --save: path must")


def test_a_checkpoint_whose_writing_was_cut_short_is_left_to_sqlite(run, tmp_path):
    """SQLite has a journal then, and restores the file."""
    path = tmp_path / "run.sqlite"
    path.write_bytes(bytes(4096))
    line = f"simulate {LINE} --checkpoint {path}"
    refused(run, line, "argument --checkpoint: path must name a new file or an old checkpoint")
    (tmp_path / "run.sqlite-journal").write_bytes(bytes(512))
    assert "argument --checkpoint" not in run(line)[2]


SWEEPS = [
    (
        "--kernel 2 --kernel 3 --stride 2 --depth 2 --depth 3 --size 32 --size 64",
        [sd.Network.uniform(kernel, 2, depth) for kernel in (2, 3) for depth in (2, 3)],
        [32, 64],
        {},
    ),
    (
        "--kernel 2 --kernel 4 --stride kernel --depth 2 --bias 0 --bias=-1/50 --size 32 "
        "--rectify layers",
        [
            sd.Network.uniform(kernel, "kernel", 2, bias=bias)
            for kernel in (2, 4)
            for bias in (0, Fraction(-1, 50))
        ],
        [32],
        {"rectify": "layers"},
    ),
    (
        "--layer 3:1 --layer 2:2 --size 32 --task T2 --xi 8",
        [sd.Network([sd.Layer(3), sd.Layer(2, 2)])],
        [32],
        {"task": TASK},
    ),
]


@pytest.mark.parametrize(("line", "networks", "sizes", "given"), SWEEPS)
def test_sweep(run, run_json, line, networks, sizes, given):
    expected = sd.sweep(networks, sizes, samples=600, rng=3, **given)
    line = f"sweep {line} --samples 600 --rng 3"
    assert run(line) == (0, f"{expected!r}\n", "")
    record = run_json(line)
    assert record["columns"] == plain(expected.columns())
    assert record["partial"] is False
    for run_record, result in zip(record["runs"], expected.runs, strict=True):
        assert sd.Network.from_dict(run_record["network"]) == result.network
        for name in ("size", "samples", "entropy", "engine"):
            assert run_record[name] == getattr(result, name)
        assert run_record["covariance"] == result.covariance.tolist()


def test_a_sweep_goes_on_from_its_checkpoint_and_is_saved(run, tmp_path):
    line = "sweep --kernel 2 --kernel 3 --stride 2 --depth 2 --size 16 --samples 600"
    plainly = run(line)
    path = tmp_path / "sweep.npz"
    for _ in range(2):
        kept = f"{line} --checkpoint {tmp_path / 'run.sqlite'} --save {path} --workers 2"
        assert run(kept) == plainly
    assert f"{sd.load(path)!r}\n" == plainly[1]


def test_bad_sweeps(run):
    line = "sweep --kernel 2 --stride 2 --depth 2 --size 16"
    refused(run, f"{line} --size 32 --task T1 --xi 4", "argument --size: one integer is required")
    refused(run, f"{line} --kernel 2", "networks must differ")
    refused(run, f"{line} --size 18", "networks[0] at sizes[1] = 18 is refused: size must be a")
    refused(run, "sweep --kernel 2 --stride 2 --depth 2", "required: --size")


def test_an_interrupted_sweep_is_printed_and_saved(run, tmp_path, monkeypatch):
    result = sd.sweep([NET], [16, 32], samples=600, rng=0)
    partial = sd.Sweep(result.runs[:1], partial=True)
    monkeypatch.setattr("scaledet.simulation.sweep.sweep", lambda *_, **__: partial)
    path = tmp_path / "sweep.npz"
    line = f"sweep --kernel 2 --stride 2 --depth 2 --size 16 --size 32 --save {path}"
    assert run(line) == (130, f"{partial!r}\n", "")
    assert sd.load(path).partial
