"""``scaledet verdicts`` against the library."""

from __future__ import annotations

import json

import pytest

import scaledet as sd
from scaledet.analysis.claims import CLAIMS, SETTINGS
from tests.analysis.trained_tables import power_laws, scattered, write
from tests.cli.test_arguments import refused

FALLS = "D falls after training"


@pytest.fixture
def folder(tmp_path):
    rows = [*power_laws(scattered(-1, 0.1)), *power_laws([-1], stage="zero_loss")]
    return write(tmp_path / "results", rows)


def test_both_tables_are_printed(run, folder):
    code, out, err = run(f"verdicts {folder}")
    assert (code, err) == (0, "")
    result = sd.verdicts(folder)
    assert out == f"{result!r}\n\n{result.details()}\n"
    assert "k2s2, decay, zero loss  undecided: 1 seed" in out
    assert out.count("not run") > len(SETTINGS)
    assert all(claim.name in out for claim in CLAIMS)


def test_json_has_the_rule_the_table_and_every_number(run_json, folder):
    record = run_json(f"verdicts {folder}")
    result = sd.verdicts(folder)
    assert record["table"] == result.table
    assert record["table"][FALLS]["1d_strided_T1"] == "agrees"
    assert record["rule"] == result.rule
    assert record["columns"]["effect"] == [row.effect for row in result.rows]
    assert record["columns"]["claimed_low"] == [None, None]  # minus infinity


def test_markdown(run, folder):
    assert run(f"verdicts {folder} --markdown") == (0, sd.verdicts(folder).to_markdown() + "\n", "")


def test_saved_verdicts_are_shown(run, folder, tmp_path):
    path = tmp_path / "verdicts.npz"
    run(f"verdicts {folder} --save {path}")
    assert run(f"show {path}") == (0, f"{sd.verdicts(folder)!r}\n", "")
    assert json.loads(run(f"show {path} --json")[1])["result"] == "Verdicts"
    refused(run, f"plot {path} -o {tmp_path / 'x.png'}", "with a figure; got a Verdicts")


def test_the_default_folder_is_that_of_the_experiments(run, folder, tmp_path, monkeypatch):
    place = tmp_path / "clone" / "experiments"
    place.mkdir(parents=True)
    (folder / "e1_flagship.csv").rename(write(place / "results", []) / "e1_flagship.csv")
    monkeypatch.chdir(place.parent)
    assert FALLS in run("verdicts")[1]


def test_bad_folders_and_options(run, folder, tmp_path):
    refused(run, f"verdicts {tmp_path / 'none'}", "folder must be a folder of tables", "none")
    refused(run, f"verdicts {tmp_path}", "make experiments")
    refused(run, f"verdicts {folder} {folder}", "unrecognized arguments")
    refused(run, f"verdicts {folder} --json --markdown", "--markdown: not allowed with")
    (folder / "e2.csv").write_text("a,b\n")
    refused(run, f"verdicts {folder}", "e2.csv: columns must be experiment,")
