"""The command line: every command against the library, its help, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import shlex
import subprocess
import sys
import warnings
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import scaledet as sd
from scaledet.analysis import comparison
from scaledet.cli import predict as cli
from scaledet.cli.arguments import read_bytes, read_kernel, read_layer, read_rational
from scaledet.errors import ArgumentError
from scaledet.simulation import simulate as simulation
from scaledet.theory.growth import exponents
from scaledet.theory.prediction import Prediction

COMMANDS = ("exponents", "predict", "derive", "simulate", "compare")


@pytest.fixture
def run_json(run):
    def no_constant(name):
        raise AssertionError(f"{name} is no JSON")

    def runner(line, expected=0):
        code, out, err = run(f"{line} --json")
        assert (code, err, out.count("\n")) == (expected, "", 1)
        return json.loads(out, parse_constant=no_constant)

    return runner


def python(*arguments, stdout=subprocess.PIPE):
    package = Path(sd.__file__).parents[1]
    return subprocess.run(
        [sys.executable, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(package)},
        check=False,
        timeout=60,
    )


def plain(columns):
    return {name: np.asarray(column).tolist() for name, column in columns.items()}


# ------------------------------------------------------------------------------- exponents


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("--kernel 3 --stride 2", {"kernel": 3, "stride": 2}),
        ("--kernel 6 --stride 3 --dim 2", {"kernel": 6, "stride": 3, "dim": 2}),
        ("--kernel 4 --stride kernel", {"kernel": 4, "stride": 4}),
        ("--kernel binomial:5 --stride 2", {"kernel": sd.binomial(5), "stride": 2}),
        ("--kernel 0.1,0.2,0.1 --stride 2", {"kernel": [1, 2, 1], "stride": 2}),
        ("--kernel 1/4,1/2,1/4 --stride kernel", {"kernel": [1, 2, 1], "stride": 3}),
        (
            "--kernel 2 --stride 1 --rectify none",
            {"kernel": 2, "stride": 1, "rectify": None},
        ),
        (
            "--kernel 2 --stride 1 --rectify noise",
            {"kernel": 2, "stride": 1, "rectify": "noise"},
        ),
    ],
)
def test_exponents(run, run_json, line, given):
    expected = sd.predict_exponents(**given)
    assert run(f"exponents {line}") == (0, f"{expected!r}\n", "")
    record = run_json(f"exponents {line}")
    for name in ("alpha", "beta", "plateau", "peak_growth", "drop_growth"):
        value = getattr(expected, name)
        assert record[name] == {"exact": str(value), "value": float(value)}
    for name in ("stride", "dim", "rectify", "log_correction", "log_power", "sum_rule", "span"):
        assert record[name] == getattr(expected, name)
    assert [Fraction(weight) for weight in record["kernel"]] == list(expected.kernel.weights)


def test_exponents_gives_the_exact_expression_next_to_the_float(run_json):
    record = run_json("exponents --kernel 6 --stride 3")
    assert record["alpha"]["exact"] == "log(2)/log(3) + 1"
    assert record["alpha"]["value"] == pytest.approx(1 + math.log(2) / math.log(3), rel=1e-15)


def test_a_plateau_that_does_not_exist_is_null(run_json, monkeypatch):
    without = dataclasses.replace(sd.predict_exponents(kernel=3, stride=2), plateau=None)
    monkeypatch.setattr(exponents, "predict_exponents", lambda **_: without)
    assert run_json("exponents --kernel 3 --stride 2")["plateau"] is None


# --------------------------------------------------------------------------------- predict


PREDICTIONS = [
    ("--kernel 2 --stride 2 --depth 3 --size 64", (2, 2, 3), {"size": 64}),
    ("--kernel 3 --stride 2 --depth 5", (3, 2, 5), {}),
    ("--kernel 3 --stride 2 --depth 5 --size none", (3, 2, 5), {}),
    (
        "--kernel 1,2,1 --stride 1 --depth 2 --size 16 --dim 2 --sigma 0.3 --rectify noise",
        ([1, 2, 1], 1, 2, 2),
        {"size": 16, "sigma": 0.3, "rectify": "noise"},
    ),
    (
        "--kernel 2 --stride kernel --depth 2 --size 32 --rectify none --task T1 --xi 8 --gap 2",
        (2, 2, 2),
        {"size": 32, "rectify": None, "task": sd.ScaleDetection(size=32, xi=8, gap=2)},
    ),
    (
        "--kernel 2 --stride 1 --depth 2 --size 8 --dim 2 --task T1 --xi 5/2 --gap 0.5 "
        "--norm Linf --open-boundary --balanced",
        (2, 1, 2, 2),
        {
            "size": 8,
            "balanced": True,
            "task": sd.ScaleDetection(
                size=8, xi=2.5, gap=0.5, dim=2, norm="Linf", periodic=False
            ),
        },
    ),
    (
        "--kernel 2 --stride 2 --depth 2 --size 16 --task T2 --xi 4",
        (2, 2, 2),
        {"size": 16, "task": sd.ScaleDetection(size=16, xi=4, variant="T2")},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("line", "network", "given"), PREDICTIONS)
def test_predict(run, run_json, line, network, given):
    expected = sd.predict(sd.Network.uniform(*network), **given)
    assert run(f"predict {line}") == (0, f"{expected!r}\n", "")
    record = run_json(f"predict {line}")
    assert record["columns"] == plain(expected.columns())
    assert sd.Network.from_dict(record["network"]) == expected.network
    for name in ("size", "rectify", "sigma", "balanced"):
        assert record[name] == getattr(expected, name)
    task = None if record["task"] is None else sd.ScaleDetection.from_dict(record["task"])
    assert task == expected.task


def test_unequal_layers(run_json):
    line = "predict --layer 3:1x2 --layer 1,2,1:2:1/2 --layer binomial:5:1 --layer 2:kernel"
    layers = [sd.Layer(3), sd.Layer(3), sd.Layer([1, 2, 1], 2, 0.5), sd.Layer(sd.binomial(5)),
              sd.Layer(2, 2)]  # fmt: skip
    record = run_json(f"{line} --size 32")
    assert sd.Network.from_dict(record["network"]) == sd.Network(layers)
    assert record["columns"] == plain(sd.predict(sd.Network(layers), size=32).columns())


def test_exact_sensitivities(run, run_json):
    line = "predict --kernel 3 --stride 2 --depth 4 --size 32 --exact"
    expected = sd.predict(sd.Network.uniform(3, 2, 4), size=32)
    code, out, err = run(line)
    assert (code, err) == (0, "")
    exact = [f"  D_{k} = {value}" for k, value in enumerate(expected.exact_D)]
    assert out.splitlines() == [*repr(expected).splitlines(), *exact]
    columns = run_json(line)["columns"]
    assert [Fraction(text) for text in columns.pop("exact_D")] == list(expected.exact_D)
    assert columns == plain(expected.columns())


def test_exact_fractions_may_exceed_the_digits_that_python_prints(run, monkeypatch):
    made = sd.predict(sd.Network.uniform(2, 2, 1))
    monkeypatch.setattr(Prediction, "exact_D", [Fraction(1, 3**20_000)])
    monkeypatch.setattr(cli, "prediction", lambda *_: made)
    code, out, err = run("predict --kernel 2 --stride 2 --depth 1 --exact")
    assert (code, err) == (0, "")
    digits = out.splitlines()[-1].removeprefix("  D_0 = 1/")
    assert len(digits) == 9_543
    assert int(digits[-9:]) == pow(3, 20_000, 10**9)


# -------------------------------------------------------------------- simulate and compare


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
            {
                "size": 32,
                "rng": 0,
                "balanced": True,
                "task": sd.ScaleDetection(size=32, xi=8, variant="T2"),
            },
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


def test_workers_and_memory_limit_reach_the_library(run_json, monkeypatch):
    seen = {}
    simulate = simulation.simulate

    def spy(net, **given):
        seen.update(given)
        return simulate(net, **given)

    monkeypatch.setattr(simulation, "simulate", spy)
    line = "simulate --kernel 2 --stride 2 --depth 2 --size 16 --samples 600"
    one = run_json(line)
    assert (seen["workers"], seen["memory_limit"], seen["progress"]) == (1, 2**30, False)
    assert run_json(f"{line} --workers 2") == one
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


# ------------------------------------------------------------------------ --save and JSON


def test_save_a_prediction(run, tmp_path):
    path = tmp_path / "prediction.npz"
    line = "predict --kernel 3 --stride 2 --depth 3 --size 16"
    assert run(f"{line} --save {shlex.quote(str(path))}") == run(line)
    loaded = sd.load(path)
    assert plain(loaded.columns()) == plain(
        sd.predict(sd.Network.uniform(3, 2, 3), size=16).columns()
    )


@pytest.mark.parametrize("command", ["simulate", "compare"])
def test_save_a_simulation(run, tmp_path, command):
    path = tmp_path / "simulation.npz"
    line = f"{command} --kernel 2 --stride 2 --depth 2 --size 32 --samples 1000 --rng 3"
    assert run(f"{line} --save {shlex.quote(str(path))}") == run(line)
    loaded = sd.load(path)
    expected = sd.simulate(sd.Network.uniform(2, 2, 2), size=32, samples=1000, rng=3)
    assert plain(loaded.columns()) == plain(expected.columns())


@pytest.mark.parametrize("place", ["missing/file.npz", "."])
def test_a_path_that_cannot_be_written_is_refused_before_the_work(
    run, tmp_path, monkeypatch, place
):
    monkeypatch.setattr(simulation, "simulate", None)
    path = shlex.quote(str(tmp_path / place))
    refused(run, f"{COMPARE} --save {path}", "argument --save: expected")


def test_a_failure_to_write_is_one_line(run, tmp_path, monkeypatch):
    def fail(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Prediction, "save", fail)
    path = shlex.quote(str(tmp_path / "file.npz"))
    line = f"predict --kernel 2 --stride 2 --depth 2 --save {path}"
    refused(run, line, "argument --save: cannot write", "Permission denied")


def test_numbers_that_json_lacks_become_null(run_json, monkeypatch):
    columns = {"pull": np.array([1.5, math.nan, math.inf]), "layer": np.arange(3)}
    made = sd.predict(sd.Network.uniform(2, 2, 2), size=16)
    monkeypatch.setattr(Prediction, "columns", lambda _: columns)
    monkeypatch.setattr(cli, "prediction", lambda *_: made)
    record = run_json("predict --kernel 2 --stride 2 --depth 2 --size 16")
    assert record["columns"] == {"pull": [1.5, None, None], "layer": [0, 1, 2]}


def test_the_order_of_the_keys_is_fixed(run):
    line = "predict --kernel 2 --stride 2 --depth 2 --size 16 --exact --json"
    first = run(line)
    assert first == run(line)
    assert list(json.loads(first[1])) == [
        "command", "version", "network", "size", "rectify", "sigma", "task", "balanced",
        "background", "method", "columns",
    ]  # fmt: skip


# ------------------------------------------------------------------------------------ help


def examples(text):
    """Return the examples of a help text as (command line, lines shown below it)."""
    found = []
    _, epilog = text.replace("\\\n", "").split("\nexamples:\n")
    for line in epilog.split("\nexit codes:")[0].splitlines():
        if line.startswith("  $ "):
            found.append((line.removeprefix("  $ "), []))
        elif line.startswith("    "):
            found[-1][1].append(line)
    return found


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_examples_in_help_give_what_they_show(run, tmp_path, monkeypatch, command):
    code, out, err = run(f"{command} --help")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 100
    monkeypatch.chdir(tmp_path)
    found = examples(out)
    assert len(found) >= 3
    for line, shown in found:
        program, *rest = shlex.split(line)
        assert program == "scaledet"
        assert rest[0] == (command or rest[0])
        if "--scheduler" in rest:
            # Needs a cluster: see tests/simulation/test_cluster.py.
            continue
        code, printed, err = run(shlex.join(rest))
        assert (code, err) == (0, ""), line
        assert printed
        for text in shown:
            assert text.strip() in [row.strip() for row in printed.splitlines()]
        if "--json" in rest:
            assert json.loads(printed)["command"] == rest[0]
        if "--save" in rest:
            assert sd.load(rest[rest.index("--save") + 1])


def test_every_option_of_every_command_is_explained(run):
    for command in COMMANDS:
        out = run(f"{command} --help")[1]
        usage, body = out.split("\n\n", 1)
        for option in re.findall(r"--[a-z-]+", usage):
            assert re.search(rf"^  (-h, )?{option}\b", body, re.MULTILINE), (command, option)


def test_version(run):
    assert run("--version") == (0, f"scaledet {sd.__version__}\n", "")


# ------------------------------------------------------------------------------- bad input


def refused(run, line, *fragments):
    code, out, err = run(line)
    assert (code, out) == (2, "")
    assert err.startswith("scaledet: error: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    for fragment in fragments:
        assert fragment in err


P = "predict --kernel 2 --stride 2 --depth 3"
S = "simulate --kernel 2 --stride 2 --depth 3 --size 64 --samples 100"
T = "predict --kernel 2 --stride 2 --depth 2 --task T1"
BAD = [
    ("", "required: COMMAND"),
    ("nothing", "COMMAND", "nothing"),
    ("--unknown predict", "--unknown"),
    (f"{P} --unknown", "--unknown"),
    (f"{P} --siz 64", "--siz"),
    (f"{P} stray", "stray"),
    (f"{P} '--two\nlines'", "--two lines"),
    (f"{P} --size", "--size"),
    ("exponents", "--kernel, --stride"),
    ("exponents --kernel 3", "--stride"),
    ("predict", "--kernel, --stride, --depth"),
    ("predict --kernel 2 --depth 3", "required: --stride (or --layer)"),
    ("simulate --kernel 2 --stride 2 --depth 3", "--size"),
    *[
        (f"exponents --kernel={kernel} --stride 2", "--kernel", repr(kernel))
        for kernel in (
            "", "0", "-3", "2.5", "1,,2", "0,0", "-1,2", "1/0,1", "a", "nan,1", "1,inf",
            "binomial", "binomial:0", "binomial:x", "1e999999999,1", "1e999,1",
        )
    ],
    ("exponents --kernel 1 --stride 2", "kernel must have"),
    *[
        (f"exponents --kernel 2 --stride={stride}", "--stride", repr(stride))
        for stride in ("0", "-1", "x", "1.5", "Kernel")
    ],
    ("exponents --kernel 2 --stride 2 --dim 4", "dim", "4"),
    ("exponents --kernel 2 --stride 2 --dim x", "--dim", "'x'"),
    ("exponents --kernel 2 --stride 2 --rectify output", "--rectify", "'layers'"),
    ("predict --kernel 2 --stride 2 --depth 0", "depth", "0"),
    ("predict --kernel 2 --stride 2 --depth x", "--depth", "'x'"),
    (f"predict --kernel 2 --stride 2 --depth 1{'0' * 30}", "depth must be", "[1, 1000000]"),
    ("predict --kernel 2 --stride 2 --depth 6 --size 64", "depth", "at most 5"),
    *[
        (f"predict --layer={layer}", "--layer", repr(layer))
        for layer in ("2", "2:2x0", "2:2x", "2:2:0:0", "x2", ":2")
    ],
    ("predict --layer a:2", "--layer", "'a'"),
    ("predict --layer 2:0", "--layer", "'0'"),
    ("predict --layer 2:2:b", "--layer", "'b'"),
    (f"predict --layer 2:2x1{'0' * 30}", "--layer"),
    ("predict --layer 2:2:-1 --size 16", "bias", "layer 1"),
    (f"{P} --layer 2:2", "--kernel: not allowed with argument --layer"),
    ("predict --stride 2 --layer 2:2", "--stride: not allowed"),
    ("predict --depth 2 --layer 2:2", "--depth: not allowed"),
    ("simulate --size 16 --bias 0 --layer 2:2", "--bias: not allowed"),
    (f"{P} --size 100", "size", "100"),
    (f"{P} --size 1.5", "--size", "'1.5'"),
    (f"{P} --size 64 --sigma 0", "sigma", "0"),
    (f"{P} --size 64 --sigma nan", "sigma", "nan"),
    (f"{P} --size 64 --sigma x", "--sigma", "'x'"),
    (f"{P} --sigma 0.1", "sigma", "infinite lattice"),
    *[
        (f"{P} --size 64 {option}", f"argument {option.split()[0]}: needs argument --task")
        for option in ("--xi 8", "--gap 0", "--norm L2", "--open-boundary", "--balanced")
    ],
    (T, "--size"),
    (f"{T} --size none", "--size"),
    (f"{T} --size 64 --xi x", "--xi", "'x'"),
    (f"{T} --size 64 --gap=-1", "gap", "-1"),
    (f"{T} --size 64 --xi 60", "xi", "60"),
    (f"{T} --size 64 --norm L1", "--norm", "'L1'"),
    (f"{T} --size 64 --dim 3", "dim", "3"),
    ("predict --kernel 2 --stride 2 --depth 2 --task T3 --size 64", "--task", "'T3'"),
    ("predict --kernel 2 --stride 2 --depth 2 --task T2 --xi 7 --size 64", "xi", "7"),
    (f"{S} --size none", "--size", "'none'"),
    (f"{S} --samples 3", "samples", "3"),
    (f"{S} --samples 1e4", "--samples", "'1e4'"),
    (f"{S} --rng=-1", "--rng", "'-1'"),
    (f"{S} --rng x", "--rng", "'x'"),
    (f"{S} --workers 0", "workers", "0"),
    (f"{S} --engine cuda", "--engine", "'cuda'"),
    (f"{S} --target-error x", "--target-error", "'x'"),
    (f"{S} --target-error 0", "target_error", "0"),
    (f"{S} --target-error 1", "target_error", "1"),
    (f"{S} --checkpoint /missing/run.sqlite", "--checkpoint", "/missing/run.sqlite"),
    (f"{S} --checkpoint /dev/null", "--checkpoint", "/dev/null"),
    (f"{S} --scheduler tcp://host:1 --workers 2", "--workers: not allowed", "--scheduler"),
    (f"{S} --scheduler nowhere", "--scheduler", "'nowhere'"),
    (f"{S} --memory-limit 10", "memory_limit", "10"),
    *[
        (f"{S} --memory-limit={limit}", "--memory-limit", repr(limit))
        for limit in ("x", "5XB", "-1", "iB", "5ib")
    ],
    (f"{S} --bias x", "--bias", "'x'"),
    (f"{S} --bias 1e400", "--bias", "'1e400'"),
    (f"{S} --bias -5", "depth", "exhausted at layer 1"),
    ("compare --kernel 2 --stride 2 --depth 3 --size 64 --bias -0.1", "bias", "-0.1"),
    ("compare --kernel 2 --stride 2 --depth 3 --size 64 --samples 8", "samples"),
    (f"{P} --save ''", "--save"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=lambda case: case[0])
def test_bad_input_is_one_line_that_names_the_argument(run, case):
    refused(run, *case)


def test_bad_input_is_one_line_with_json_too(run):
    refused(run, f"{P} --size 100 --json", "size")


# ------------------------------------------------------------------ how arguments are read


def test_decimals_are_exact():
    assert read_rational("0.1") == Fraction(1, 10)
    assert read_rational("-.5e+1") == -5
    assert read_kernel("0.1,0.2,0.1") == sd.Kernel([1, 2, 1])


def test_a_layer_is_read_in_every_form():
    assert read_layer("3:1") == (1, sd.Layer(3))
    assert read_layer("1,2,1:2:-1/20x3") == (3, sd.Layer([1, 2, 1], 2, Fraction(-1, 20)))
    assert read_layer("binomial:4:kernelx2") == (2, sd.Layer(sd.binomial(4), 4))


def test_units_of_memory():
    shown = {"7": 7, "7B": 7, "1kB": 1000, "256MB": 256 * 10**6, "256MiB": 2**28,
             "1.5 GB": 15 * 10**8, "2gib": 2**31}  # fmt: skip
    assert {text: read_bytes(text) for text in shown} == shown


# ------------------------------------------------------------------------- how it may end


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, ""),
        (MemoryError("much"), 2, "scaledet: error: not enough memory. much\n"),
        (ArgumentError("two\n  lines"), 2, "scaledet: error: two lines\n"),
    ],
)
def test_errors_of_a_command(run, monkeypatch, error, code, message):
    def fail(*_):
        raise error

    monkeypatch.setattr(cli, "prediction", fail)
    assert run(P) == (code, "", message)


@pytest.mark.parametrize("error", [ValueError("bug"), TypeError("bug"), OSError("bug")])
def test_a_bug_does_not_look_like_bad_usage(run, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(cli, "prediction", fail)
    with pytest.raises(type(error), match="bug"):
        run(P)


def test_warnings_are_one_line_each_and_leave_stdout_alone(run, monkeypatch):
    made = sd.predict(sd.Network.uniform(2, 2, 3))

    def warn(*_):
        for _ in range(2):
            warnings.warn("odd\nvalue", RuntimeWarning, stacklevel=1)
        return made

    monkeypatch.setattr(cli, "prediction", warn)
    assert run(P) == (0, f"{made!r}\n", "scaledet: warning: odd value\n")


def test_python_m_scaledet():
    process = python("-m", "scaledet", "exponents", "--kernel", "3", "--stride", "2")
    expected = sd.predict_exponents(kernel=3, stride=2)
    assert (process.returncode, process.stdout, process.stderr) == (0, f"{expected!r}\n", "")


def test_a_reader_that_stops_reading_is_no_error():
    read, write = os.pipe()
    os.close(read)
    process = python("-m", "scaledet", "predict", "--help", stdout=write)
    os.close(write)
    assert (process.returncode, process.stderr) == (0, "")


def test_help_imports_no_heavy_library():
    heavy = ("numpy", "scipy", "sympy", "flint", "numba", "matplotlib", "tqdm")
    code = (
        "import sys; from scaledet.cli.main import main; main(['predict', '--help']); "
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    assert python("-c", code).stderr == "[]\n"


def test_layers_background_and_closure_reach_the_library(run, run_json):
    layers = "--kernel 1,2,1 --stride 2 --depth 2 --size 32 --rectify layers"
    found = run_json(f"predict {layers} --bias=-1/50 --method closure")
    assert found["method"] == "closure"
    code, _, err = run(f"predict {layers} --bias=-1/50")
    assert code == 2
    assert "closure" in err
    noisy = run_json("predict --kernel 2 --stride 2 --depth 2 --size 32 --background 0.3")
    assert noisy["background"] == 0.3
    line = "compare --kernel 2 --stride 2 --depth 2 --size 32 --samples 4000"
    assert run(f"{line} --background 0.3")[0] == 0
    assert run(f"compare {layers} --samples 4000")[0] == 0
