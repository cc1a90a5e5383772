"""``scaledet show`` and ``plot``: what a command has saved is printed and drawn again."""

from __future__ import annotations

import json
import shlex
from typing import get_args

import numpy as np
import pytest

import scaledet as sd
from scaledet import plots
from scaledet.cli import records
from scaledet.saved import Saved
from tests.cli.test_arguments import refused

NET = "--kernel 2 --stride 2 --depth 3"
SAVED = {
    "powers": "exponents --kernel 3 --stride 2",
    "schedule": "bias-phases --depth 3 --kind constant",
    "test": f"compare {NET} --size 64 --samples 800 --rng 1",
    "theory": f"predict {NET} --size 64",
    "law": f"evolve {NET} --size 64 --bias=-1/50",
    "run": f"simulate {NET} --size 64 --samples 800 --rng 1",
    "filters": "filters --filter 3 --filter tri=1,2,1 --stride 2 --depth 4",
    "design": "design --length 3 --stride 2 --max-G 0.8",
    "many": f"sweep {NET} --kernel 3 --size 32 --size 64 --samples 800 --rng 1",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from scaledet.cli.main import main

    folder = tmp_path_factory.mktemp("saved")
    for name, line in SAVED.items():
        assert main([*line.split(), "--save", str(folder / f"{name}.npz")]) == 0
    return folder


@pytest.mark.parametrize("name", SAVED)
def test_show_prints_what_the_command_has_printed(run, run_json, folder, name):
    path = shlex.quote(str(folder / f"{name}.npz"))
    assert run(f"show {path}") == run(SAVED[name])
    shown, printed = run_json(f"show {path}"), run_json(SAVED[name])
    assert shown.pop("result") == type(sd.load(folder / f"{name}.npz")).__name__
    assert (shown.pop("command"), printed.pop("command")) == ("show", SAVED[name].split()[0])
    assert shown == printed


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg", "PNG"])
def test_figures_of_every_kind_are_the_same_each_time(run, folder, tmp_path, suffix):
    path = tmp_path / f"figure.{suffix}"
    line = f"plot {folder / 'theory.npz'} {folder / 'run.npz'} -o {path}"
    contents = []
    for _ in range(2):
        assert run(line) == (0, f"wrote {path}\n", "")
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    begin = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[suffix.lower()]
    assert contents[0].startswith(begin)


def drawn(monkeypatch, run, line):
    """What a command draws: (quantity, label, colour) of every curve, and the comparisons."""
    curves, comparisons = [], []
    draw = plots.plot_sensitivity

    def spy(result, quantity, **given):
        curves.append((quantity, given["label"], given["color"]))
        return draw(result, quantity, **given)

    monkeypatch.setattr(plots, "plot_sensitivity", spy)
    monkeypatch.setattr(plots, "plot_comparison", lambda result, **_: comparisons.append(result))
    assert run(line)[0] == 0
    return curves, comparisons


def test_results_of_one_scenario_have_one_colour(run, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    line = f"plot theory.npz run.npz many.npz --quantity D --quantity G -o {tmp_path / 'x.pdf'}"
    curves, _ = drawn(monkeypatch, run, line)
    names = ["theory", "run"]
    names += [f"many: network {net}, size {size}" for net in (0, 1) for size in (32, 64)]
    assert [(quantity, label) for quantity, label, _ in curves] == [
        (quantity, label) for quantity in "DG" for label in names
    ]
    colours = [colour for _, _, colour in curves[:6]]
    first = plots.PALETTE
    assert colours == [first[0], first[0], first[1], first[0], first[2], first[3]]


def test_power_laws_and_phases_are_drawn(run, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    laws, phases = [], []
    draw = plots.plot_curve

    def spy(A, values, errors=None, **given):
        if given.get("linestyle") == "--":
            laws.append((given["quantity"], given["label"], tuple(A), values))
        return draw(A, values, errors, **given)

    monkeypatch.setattr(plots, "plot_curve", spy)
    monkeypatch.setattr(plots, "plot_phases", lambda result, **_: phases.append(result.kind))
    path = tmp_path / "x.pdf"
    assert run(f"plot powers.npz schedule.npz -o {path}")[0] == 0
    beta = float(sd.load("powers.npz").beta)
    assert [law[:3] for law in laws] == [
        ("D", "powers: exponent 0", (1.0, 100.0)),
        ("G", f"powers: exponent {beta:.4g}", (1.0, 100.0)),
        ("R", f"powers: exponent {-beta:.4g}", (1.0, 100.0)),
    ]
    assert laws[1][3] == pytest.approx([1, 100**beta])
    assert phases == ["constant"]
    fit = f"fit theory.npz --quantity D --save {tmp_path / 'fit.npz'}"
    assert run(fit)[0] == 0
    assert run(f"plot {tmp_path / 'fit.npz'} theory.npz --quantity D -o {path}")[0] == 0
    loaded = sd.load(tmp_path / "fit.npz")
    assert laws[-1][2:] == ((1.0, 8.0), pytest.approx(loaded(np.array([1.0, 8.0]))))
    line = f"plot {tmp_path / 'fit.npz'} -o {path}"
    refused(run, line, "argument --quantity: must be given once, for a saved fit does not say what")


def test_every_kind_of_result_can_be_drawn(run, folder, tmp_path):
    for name in SAVED:
        path = tmp_path / f"{name}.png"
        assert run(f"plot {folder / name}.npz -o {path}") == (0, f"wrote {path}\n", "")


def test_what_is_no_figure_is_refused(run, folder, tmp_path):
    theory = folder / "theory.npz"
    for name in ("figure", "figure.jpg", "figure.npz"):
        line = f"plot {theory} -o {tmp_path / name}"
        refused(run, line, "argument -o/--output: expected a file that ends in .png, .pdf or .svg")
    refused(run, f"plot {theory}", "the following arguments are required: -o/--output")
    refused(run, f"plot {theory} -o x.pdf --quantity Q", "argument --quantity", "'Q'")
    refused(run, f"plot -o {tmp_path / 'x.pdf'}", "the following arguments are required: FILE")


def test_show_reads_one_file_and_writes_none(run, folder):
    path = folder / "theory.npz"
    before = path.read_bytes()
    assert json.loads(run(f"show {path} --json")[1])["command"] == "show"
    assert path.read_bytes() == before
    refused(run, f"show {path} {path}", "unrecognized arguments")
    refused(run, "show", "required: FILE")


NET_2D = sd.Network.uniform(2, 2, 2, dim=2)
TAU = sd.Diffeomorphism(2.5, 1e-3)
NO_COMMAND = {
    "ShiftPrediction": lambda: sd.predict_shift(sd.Network.uniform(2, 2, 3), 3, size=32),
    "SimulatedChange": lambda: sd.simulate_change(
        sd.Network.uniform(2, 2, 3), np.eye(32)[::9], np.eye(32)[2:30:9]
    ),
    "ImagePrediction": lambda: sd.predict_images(NET_2D, np.ones((8, 8)), TAU, size=8),
    "ImageSimulation": lambda: sd.simulate_images(
        NET_2D, np.random.default_rng(0).random((9, 8, 8)), TAU, rng=1
    ),
    "LinearExponents": lambda: sd.predict_linear_exponents([[3, 1], [1, 2]], stride=3),
    "WidePrediction": lambda: sd.predict_wide(sd.Network.uniform(2, 2, 3), size=8, rng=0),
    "WideSimulation": lambda: sd.simulate_wide(
        sd.Network.uniform(2, 2, 3), size=8, width=9, networks=3, rng=0
    ),
}


@pytest.mark.parametrize("kind", NO_COMMAND)
def test_results_of_the_library_are_shown_and_not_drawn(run, run_json, tmp_path, kind):
    result = NO_COMMAND[kind]()
    path = result.save(tmp_path / "result.npz")
    assert run(f"show {path}") == (0, f"{result!r}\n", "")
    shown = run_json(f"show {path}")
    assert shown.pop("result") == kind
    if kind == "LinearExponents":
        assert shown["autocorrelation"][1] == {"exact": "1", "value": 1.0}
        assert shown["alpha"]["value"] == float(result.alpha)
    else:
        columns = result.columns()
        assert shown["columns"] == {name: np.asarray(columns[name]).tolist() for name in columns}
    refused(run, f"plot {path} -o {tmp_path / 'x.png'}", f"with a figure; got a {kind}")


def test_every_kind_of_result_has_its_json_object():
    assert records._FACTS.keys() == {kind.__name__ for kind in get_args(Saved)}
