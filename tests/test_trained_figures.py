"""Figures of the experiments with trained networks, drawn from made-up tables."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.analysis.trained_tables import flagship, write

FOLDER = Path(__file__).resolve().parent.parent / "figures"


def run_script(script: str, results: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FOLDER / script), "--results", str(results), "--out", str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=out.parent)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trained")


@pytest.fixture(scope="module")
def source(folder):
    rows = list(flagship())
    write(folder / "results", rows)
    return rows


@pytest.fixture(scope="module")
def rows(folder, source):
    assert source
    tables = {}
    for name in ("fig13_trained", "fig14_decomposition"):
        done = run_script(f"{name}.py", folder / "results", folder / "out")
        assert (done.returncode, done.stderr) == (0, "")
        with (folder / "out" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            tables[name] = list(csv.DictReader(file))

    def read(name: str, **wanted: str) -> list[dict[str, str]]:
        return [row for row in tables[name] if all(row[n] == v for n, v in wanted.items())]

    return read


def values(source, **labels) -> np.ndarray:
    """Values over seeds in the made-up table."""
    rows = [row for row in source if all(row[name] == value for name, value in labels.items())]
    return np.array([float(row["value"]) for row in rows])


T1 = {"setting": "1d_strided_T1", "layer": "3"}


@pytest.mark.parametrize("quantity", ["D", "G"])
@pytest.mark.parametrize("stage", ["before", "after"])
def test_points_are_geometric_means_with_two_standard_errors(rows, source, stage, quantity):
    labels = {"stage": stage, "variant": "all", "quantity": quantity}
    (point,) = rows("fig13_trained", **T1, **labels)
    logarithms = np.log(values(source, setting=T1["setting"], layer=3, **labels))
    assert int(point["seeds"]) == len(logarithms) == 5
    assert math.log(float(point["value"])) == pytest.approx(logarithms.mean())
    reach = 2 * logarithms.std(ddof=1) / math.sqrt(5)
    assert math.log(float(point["high"]) / float(point["value"])) == pytest.approx(reach)
    assert float(point["A"]) == 8


def test_lines_are_the_theories_of_the_table(rows):
    line = rows("fig13_trained", setting="1d_strided_T2", variant="box", quantity="D")
    assert [float(row["value"]) for row in line if row["stage"] == "after"] == [
        pytest.approx(2.0**-k) for k in range(1, 7)
    ]
    assert rows("fig13_trained", variant="wide_before", quantity="G")
    assert not rows("fig13_trained", stage="zero_loss")


def test_quotients_are_taken_seed_by_seed_and_multiply_to_the_fall(rows, source):
    (point,) = rows("fig14_decomposition", **T1, variant="channels", quantity="quotient")
    labels = {"setting": T1["setting"], "stage": "after", "layer": 3, "quantity": "D"}
    coherent = values(source, **labels, variant="bridge")
    measured = values(source, **labels, variant="all")
    quotients = np.log(coherent / measured)
    assert math.log(float(point["value"])) == pytest.approx(quotients.mean())
    names = ("spatial", "channels")
    factors = [rows("fig14_decomposition", **T1, variant=name)[0]["value"] for name in names]
    (first,) = rows("fig14_decomposition", **T1, variant="independent_taps")
    (last,) = rows("fig14_decomposition", **T1, variant="all", quantity="D")
    fall = float(first["value"]) / float(last["value"])
    assert math.prod(map(float, factors)) == pytest.approx(fall)


def test_lambda_begins_where_boxes_and_independent_channels_differ(rows):
    layers = {row["layer"] for row in rows("fig14_decomposition", quantity="lambda")}
    assert layers == {str(k) for k in range(2, 8)}


def test_shares_and_lambda_are_plain_means_of_all_stages(rows, source):
    for quantity in ("share", "lambda"):
        for stage in ("before", "zero_loss", "after"):
            labels = {"stage": stage, "quantity": quantity, "variant": "all"}
            (point,) = rows("fig14_decomposition", **T1, **labels)
            known = values(source, setting=T1["setting"], layer=3, **labels)
            assert float(point["value"]) == pytest.approx(known.mean())


@pytest.mark.parametrize("script", ["fig13_trained.py", "fig14_decomposition.py"])
def test_without_tables_it_is_said_how_to_make_them(tmp_path, script):
    done = run_script(script, tmp_path / "none", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.endswith("e1_flagship.csv is missing: run make experiments\n")
    assert "Traceback" not in done.stderr
