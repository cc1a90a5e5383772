"""The recorded tables are complete, and those of the experiments as they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments import run_all
from experiments.common import Experiment, read_rows

pytest.importorskip("torch")

RESULTS = Path(run_all.__file__).parent / "results"
RUN = [each for each in run_all.EXPERIMENTS if (RESULTS / f"{each.name}.json").exists()]


def test_the_1d_experiments_are_recorded():
    assert {"e1_flagship", "e2_decay", "e3_no_stride"} <= {each.name for each in RUN}


@pytest.mark.parametrize("experiment", RUN, ids=lambda each: each.name)
def test_recorded_units_are_those_of_the_experiment(experiment: Experiment):
    facts = json.loads((RESULTS / f"{experiment.name}.json").read_text())
    assert (facts["experiment"], facts["quick"]) == (experiment.name, False)
    units = [unit.identity for unit in experiment.units(False, Path("data"))]
    expected = json.loads(json.dumps([{**unit, "version": experiment.version} for unit in units]))
    recorded = [{k: v for k, v in unit.items() if k != "cpu_seconds"} for unit in facts["units"]]
    assert recorded == expected


@pytest.mark.parametrize("experiment", RUN, ids=lambda each: each.name)
def test_recorded_tables_have_rows_of_every_unit(experiment: Experiment):
    rows = read_rows(RESULTS / f"{experiment.name}.csv")
    facts = json.loads((RESULTS / f"{experiment.name}.json").read_text())
    cases = {(u["setting"], u["net"], u["recipe"], u["seed"]) for u in facts["units"]}
    assert {(row.setting, row.net, row.recipe, row.seed) for row in rows} == cases
    assert {row.experiment for row in rows} == {experiment.name}


def test_the_theory_is_that_of_the_recorded_tables():
    (summarised,) = (each for each in run_all.EXPERIMENTS if each.summary is not None)
    path = RESULTS / f"{summarised.name}.csv"
    tables = {
        other.stem: read_rows(other) for other in sorted(RESULTS.glob("e*.csv")) if other != path
    }
    assert summarised.summary is not None
    expected = [row.cells() for row in summarised.summary(tables)]
    assert [row.cells() for row in read_rows(path)] == expected
