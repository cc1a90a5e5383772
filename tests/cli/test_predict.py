"""``scaledet exponents`` and ``predict`` against the library."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet import rationals
from scaledet.cli import predict as cli
from scaledet.theory.growth import exponents
from scaledet.theory.prediction import Prediction
from tests.cli.test_arguments import refused


def plain(columns):
    return {name: np.asarray(column).tolist() for name, column in columns.items()}


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("--kernel 3 --stride 2", {"kernel": 3, "stride": 2}),
        ("--kernel 6 --stride 3 --dim 2", {"kernel": 6, "stride": 3, "dim": 2}),
        ("--kernel 4 --stride kernel", {"kernel": 4, "stride": 4}),
        ("--kernel binomial:5 --stride 2", {"kernel": sd.binomial(5), "stride": 2}),
        ("--kernel 0.1,0.2,0.1 --stride 2", {"kernel": [1, 2, 1], "stride": 2}),
        ("--kernel 1/4,1/2,1/4 --stride kernel", {"kernel": [1, 2, 1], "stride": 3}),
        ("--kernel 2 --stride 1 --rectify none", {"kernel": 2, "stride": 1, "rectify": None}),
        ("--kernel 2 --stride 1 --rectify noise", {"kernel": 2, "stride": 1, "rectify": "noise"}),
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
            "task": sd.ScaleDetection(size=8, xi=2.5, gap=0.5, dim=2, norm="Linf", periodic=False),
        },
    ),
    (
        "--kernel 2 --stride 2 --depth 2 --size 16 --task T2 --xi 4",
        (2, 2, 2),
        {"size": 16, "task": sd.ScaleDetection(size=16, xi=4, variant="T2")},
    ),
]


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
    layers = [sd.Layer(3), sd.Layer(3), sd.Layer([1, 2, 1], 2, 0.5), sd.Layer(sd.binomial(5))]
    layers.append(sd.Layer(2, 2))
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


def test_save_a_prediction(run, tmp_path):
    path = tmp_path / "prediction.npz"
    line = "predict --kernel 3 --stride 2 --depth 3 --size 16"
    assert run(f"{line} --save {shlex.quote(str(path))}") == run(line)
    loaded = sd.load(path)
    assert plain(loaded.columns()) == plain(
        sd.predict(sd.Network.uniform(3, 2, 3), size=16).columns()
    )


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
    assert " ".join(json.loads(first[1])) == (
        "command version network size rectify sigma task balanced background method columns"
    )


def test_layers_background_and_closure_reach_the_library(run, run_json):
    layers = "--kernel 1,2,1 --stride 2 --depth 2 --size 32 --rectify layers"
    record = run_json(f"predict {layers} --bias=-1/50 --method closure")
    assert record["method"] == "closure"
    code, _, err = run(f"predict {layers} --bias=-1/50")
    assert code == 2
    assert "closure" in err
    noisy = run_json("predict --kernel 2 --stride 2 --depth 2 --size 32 --background 0.3")
    assert noisy["background"] == 0.3
    line = "compare --kernel 2 --stride 2 --depth 2 --size 32 --samples 4000"
    assert run(f"{line} --background 0.3")[0] == 0
    assert run(f"compare {layers} --samples 4000")[0] == 0


EVOLUTIONS = [
    (
        "--kernel 2 --stride 2 --depth 8 --size 256 --bias=-1/50",
        sd.Network.uniform(2, 2, 8, bias=Fraction(-1, 50)),
        {"size": 256},
    ),
    ("--layer 2:2:-1 --layer 2:2x3", sd.Network([sd.Layer(2, 2, -1), *[sd.Layer(2, 2)] * 3]), {}),
    (
        "--kernel 3 --stride 3 --depth 2 --dim 2 --size 27 --sigma 0.2 --noise uniform "
        "--rectify noise --points 512",
        sd.Network.uniform(3, 3, 2, 2),
        {"size": 27, "sigma": 0.2, "noise": "uniform", "rectify": "noise", "points": 512},
    ),
]


@pytest.mark.parametrize(("line", "network", "given"), EVOLUTIONS)
def test_evolve(run, run_json, line, network, given):
    expected = sd.evolve(network, **given)
    assert run(f"evolve {line}") == (0, f"{expected!r}\n", "")
    record = run_json(f"evolve {line} --exact")
    exact = record["columns"].pop("exact_D")
    assert [Fraction(text) for text in exact] == list(expected.exact_D)
    assert record["columns"] == plain(expected.columns())
    assert sd.Network.from_dict(record["network"]) == network
    for name in ("size", "rectify", "sigma", "noise", "points", "dead_at"):
        assert record[name] == getattr(expected, name)


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("--depth 8", {"depth": 8}),
        (
            "--kind constant --depth 3 --kernel 3 --dim 2 --rectify input",
            {"kind": "constant", "depth": 3, "kernel": 3, "dim": 2, "rectify": "input"},
        ),
        (
            "--kind early --depth 2 --rectify noise",
            {"kind": "early", "depth": 2, "rectify": "noise"},
        ),
    ],
)
def test_bias_phases(run, run_json, line, given):
    expected = sd.bias_phases(**given)
    assert run(f"bias-phases {line}") == (0, f"{expected!r}\n", "")
    record = run_json(f"bias-phases {line}")
    signal = {"exact": str(expected.signal), "value": float(expected.signal)}
    assert (record["signal"], record["noise"]) == (signal, list(expected.noise))
    assert (record["kind"], record["rectify"]) == (expected.kind, expected.rectify)
    assert sd.Network.from_dict(record["network"]) == expected.network


def test_weights_of_more_digits_than_python_writes(run, run_json, tmp_path):
    tiny = "0." + "1" * 5000
    kernel = sd.Kernel([1, Fraction(10**5000 // 9, 10**5000)])
    path = tmp_path / "long.npz"
    assert run(f"predict --kernel 1,{tiny} --stride 1 --depth 2 --size 16 --save {path}")[0] == 0
    assert sd.load(path).network == sd.Network.uniform(kernel, 1, 2)
    record = run_json(f"show {path}")
    assert sd.Network.from_dict(record["network"]) == sd.Network.uniform(kernel, 1, 2)
    record = run_json(f"exponents --kernel 1,{tiny} --stride 2")
    assert [rationals.parsed(weight) for weight in record["kernel"]] == list(kernel)
    assert len(record["peak_growth"]["exact"]) > 5000
    assert run(f"exponents --kernel 1,{tiny} --stride 2 --save {path}")[0] == 0
    assert sd.load(path).beta == sd.predict_exponents(kernel=kernel, stride=2).beta
    assert repr(sd.load(path))
