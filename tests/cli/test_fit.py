"""``scaledet fit`` against the library."""

from __future__ import annotations

import json

import numpy as np
import pytest

import scaledet as sd
from tests.cli.test_arguments import refused

NET = sd.Network.uniform(2, 2, depth=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fits")
    simulation = sd.simulate(NET, size=64, samples=20_000, rng=1)
    prediction = sd.predict(NET, size=64)
    simulation.save(folder / "run.npz")
    prediction.save(folder / "theory.npz")
    sd.compare(prediction, simulation).save(folder / "both.npz")
    sd.predict(NET).save(folder / "infinite.npz")
    sd.evolve(sd.Network.uniform(2, 2, depth=5, bias=-0.02), size=512).save(folder / "law.npz")
    sd.sweep([NET], [64, 128], samples=64, rng=0).save(folder / "sweep.npz")
    return folder


def fits(folder, name, **given):
    """The fits of D and G by the library: the block of the covariance, and theory's bend."""
    result = sd.load(folder / f"{name}.npz")
    finite, infinite = sd.predict(NET, size=64), sd.predict(NET)
    for place, quantity in enumerate("DG"):
        values = getattr(result, quantity)
        if name == "run":
            rows = slice(6 * place, 6 * place + 6)
            given |= {"errors": result.covariance[rows, rows], "blocks": result.blocks}
        bend = getattr(finite, quantity) / getattr(infinite, quantity)
        options = {"correction": bend} if given.get("correction") else {}
        yield sd.fit_exponent(result.A[: len(values)], values, **{**given, **options})


def printed(folder, name, **given):
    return "".join(
        f"{q}_k  {fit!r}\n" for q, fit in zip("DG", fits(folder, name, **given), strict=True)
    )


CASES = [
    ("theory", "", {}),
    ("theory", "--window 1 -2", {"window": (1, -2)}),
    ("theory", "--finite-size", {"correction": True}),
    ("infinite", "", {}),
    ("run", "--reject 0 --window 0 4", {"reject": 0, "window": (0, 4)}),
    ("run", "--reject 0 --finite-size", {"reject": 0, "correction": True}),
]


@pytest.mark.parametrize(("name", "options", "given"), CASES)
def test_fits_are_those_of_the_library(run, folder, name, options, given):
    line = f"fit {folder / name}.npz {options}"
    assert run(line) == (0, printed(folder, name, **given), "")
    record = json.loads(run(f"{line} --json")[1])
    for quantity, fit in zip("DG", fits(folder, name, **given), strict=True):
        facts = record[quantity]
        assert facts.pop("refused") is None
        assert facts == {**vars(fit), "window": list(fit.window)}


def test_a_comparison_is_fitted_as_its_simulation(run, folder):
    line = "--finite-size --reject 0"
    assert run(f"fit {folder / 'both.npz'} {line}") == run(f"fit {folder / 'run.npz'} {line}")


def test_layers_that_no_longer_see_the_signal_are_left_out(run, folder):
    evolution = sd.load(folder / "law.npz")
    assert len(evolution.D) < len(evolution.A)
    expected = sd.fit_exponent(evolution.A[: len(evolution.D)], evolution.D)
    line = f"fit {folder / 'law.npz'} --quantity D"
    assert run(line) == (0, f"D_k  {expected!r}\n", "")


def test_what_is_no_power_law_ends_with_1(run, run_json, folder, tmp_path):
    """Finite images bend D, and early layers G: each is refused for itself."""
    line = f"fit {folder / 'run.npz'}"
    code, out, err = run(line)
    assert (code, err) == (1, "")
    for quantity, text in zip("DG", out.splitlines(), strict=True):
        assert text.startswith(f"{quantity}_k  no power law: values must follow a power law over")
    record = run_json(line, expected=1)
    for quantity in "DG":
        assert record[quantity]["refused"].startswith("values must follow a power law")
        assert record[quantity]["p_value"] < 1e-3
        assert np.isfinite(record[quantity]["slope"])
    path = tmp_path / "fit.npz"
    assert run(f"{line} --quantity D --save {path}")[0] == 1
    assert not path.exists()


def test_a_fit_is_saved_and_shown(run, run_json, folder, tmp_path):
    path = tmp_path / "fit.npz"
    line = f"fit {folder / 'run.npz'} --quantity D --finite-size --save {path}"
    code, out, _ = run(line)
    assert (code, out) == (0, f"D_k  {sd.load(path)!r}\n")
    assert run(f"show {path}") == (0, out.removeprefix("D_k  "), "")
    assert run_json(f"show {path}")["slope"] == sd.load(path).slope


def test_bad_fits(run, folder, monkeypatch):
    monkeypatch.chdir(folder)
    refused(run, "fit theory.npz --save fit.npz", "argument --save: needs argument --quantity")
    refused(run, "fit theory.npz --quantity D --save ./theory.npz", "must not be the file of argum")
    refused(run, "fit sweep.npz", "argument FILE: expected a prediction, evolution, simulation or")
    refused(
        run, "fit infinite.npz --finite-size", "argument --finite-size: needs a result of a fin"
    )
    refused(run, "fit theory.npz --window 1", "argument --window: expected 2 arguments")
    refused(run, "fit theory.npz --window 1 2", "D_k: window must hold at least 3 of the 6 layers")
    refused(run, "fit theory.npz --window 1 x", "argument --window: expected an integer; got 'x'")
    refused(run, "fit theory.npz --reject 2", "reject must be below 1")
    refused(run, "fit absent.npz", "argument FILE: path must name a file saved by scaledet")
    refused(run, "fit theory.npz --quantity R", "--quantity", "'R'")
