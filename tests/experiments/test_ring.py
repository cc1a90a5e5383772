"""Experiments with ring networks, from the command to the tables, on tiny data."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import scaledet as sd
from experiments import e1_flagship, e2_decay, e3_no_stride, e6_theory, ring, run_all
from experiments.common import Row, Unit, read_rows

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parent.parent.parent


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "experiments.run_all", *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Run all experiments, quickly, by one process, and then by two."""
    folders = [tmp_path_factory.mktemp("experiments") / str(workers) for workers in (1, 2)]
    for workers, out in zip("12", folders, strict=True):
        done = command("--quick", "--workers", workers, "--out", str(out))
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == f"written to {out}"
        assert "e5_cifar: no table is written, it needs --data" in done.stdout
    return folders


def values(rows: list[Row], quantity: str, **wanted: str) -> dict[int | None, float]:
    return {
        row.layer: row.value
        for row in rows
        if row.quantity == quantity and all(getattr(row, n) == v for n, v in wanted.items())
    }


def test_tables_are_the_same_bit_by_bit_from_one_process_or_two(made):
    names = [path.name for path in sorted(made[0].glob("*.csv"))]
    assert [name[:2] for name in names] == ["e1", "e2", "e3", "e4", "e6"]
    for name in names:
        first, second = ((folder / name).read_bytes() for folder in made)
        assert first == second
        assert len(first.splitlines()) > 50


def test_every_stage_has_measured_and_predicted_rows(made):
    rows = read_rows(made[0] / "e1_flagship.csv")
    assert {row.setting for row in rows} == {"1d_strided_T1", "1d_strided_T2"}
    kinds = {(row.stage, row.variant) for row in rows if row.quantity == "D"}
    measured = {"all", "channel_mean", "shuffled"}
    predicted = {"autocorrelation", "autocorrelation_linear", "linear", "independent_taps"}
    predicted |= {"box_images"}
    trained = measured | predicted | {"bridge"}
    expected = {
        ("before", name)
        for name in measured | predicted | {"box", "wide_before", "wide_before_channel_mean"}
    }
    expected |= {(stage, name) for stage in ("zero_loss", "after") for name in trained}
    assert kinds == expected
    quantities = {row.quantity for row in rows if row.stage == "after"}
    assert quantities >= {"D", "G", "R", "Q", "share", "t", "lambda", "epochs", "test_error"}
    T2 = [row for row in rows if row.setting == "1d_strided_T2"]
    assert list(values(T2, "D", stage="after", variant="all")) == [1, 2, 3, 4, 5, 6]
    widths = {row.layer: row.A for row in T2 if row.layer}
    assert widths == {k: 2.0**k for k in range(1, 7)}


def test_boxes_have_the_law_of_the_task_and_moves_that_stay_in_blocks(made):
    rows = read_rows(made[0] / "e1_flagship.csv")
    T1, T2 = ([r for r in rows if r.setting == f"1d_strided_{name}"] for name in ("T1", "T2"))
    net = sd.Network.uniform(2, 2, depth=6)
    known = sd.predict(net, task=ring.TASKS["T1"], balanced=True, rectify="noise")
    for quantity in "DG":
        law = values(T1, quantity, variant="box")
        assert list(law.values()) == pytest.approx(getattr(known, quantity).tolist(), rel=1e-5)
    stayed = values(T2, "D", variant="box")
    assert [stayed[k] for k in (4, 5, 6)] == [0, 0, 0]
    images = values(T2, "D", variant="box_images", stage="before")
    assert images[4] == 0
    assert images[1] == pytest.approx(stayed[1], rel=0.3)


@pytest.mark.parametrize("setting", ["1d_strided_T1", "1d_strided_T2"])
@pytest.mark.parametrize("stage", ["before", "zero_loss", "after"])
def test_lambda_is_given_where_its_two_ends_are_apart(made, setting, stage):
    rows = [row for row in read_rows(made[0] / "e1_flagship.csv") if row.setting == setting]
    rows = [row for row in rows if row.stage == stage]
    start, end = (values(rows, "D", variant=name) for name in ("autocorrelation", "box_images"))
    known = values(rows, "lambda", variant="all")
    assert known
    assert set(known) == {k for k in end if end[k] > 0 and start[k] > 1.5 * end[k]}


def test_the_theory_compares_the_rows_of_the_flagship(made):
    rows = read_rows(made[0] / "e1_flagship.csv")
    theory = read_rows(made[0] / "e6_theory.csv")
    (row,) = (
        r
        for r in theory
        if (r.setting, r.recipe, r.stage) == ("1d_strided_T2", "sgd_decay", "after")
        and (r.variant, r.quantity) == ("linear", "rms")
    )
    T2 = [r for r in rows if r.setting == "1d_strided_T2" and r.stage == "after"]
    measured, linear = (values(T2, "D", variant=name) for name in ("all", "linear"))
    ratios = [np.log(linear[k] / measured[k]) for k in (1, 2, 3)]
    assert row.value == pytest.approx(np.sqrt(np.mean(np.square(ratios))), rel=1e-4)


def test_facts_hold_seeds_recipes_and_versions(made):
    facts = json.loads((made[0] / "e1_flagship.json").read_text())
    assert facts["quick"] is True
    unit = facts["units"][0]
    assert unit["seed"] == 0
    assert unit["parameters"]["training"]["after"]["weight_decay"] == 1e-4
    assert unit["cpu_seconds"] > 0
    assert str(made[0]) not in json.dumps(facts)


def test_a_kept_training_gives_the_rows_of_the_training_itself(tmp_path, monkeypatch):
    unit = next(unit for unit in e1_flagship.units(True, None) if unit.setting.endswith("T2"))
    plain = ring.run(unit)
    kept = replace(unit, checkpoints=tmp_path)
    assert ring.run(kept) == plain
    assert len(list(tmp_path.iterdir())) == 2
    session = sys.modules["scaledet.train.session"].Session
    monkeypatch.setattr(session, "run_epoch", lambda _: pytest.fail("it is trained already"))
    assert ring.run(kept) == plain


def test_checkpoints_are_those_of_a_seed_and_a_training(tmp_path):
    unit = Unit("e1", "1d_strided_T1", "net", "sgd", 0, checkpoints=tmp_path)
    paths = {
        unit.checkpoint({"net": 1}),
        unit.checkpoint({"net": 2}),
        replace(unit, seed=1).checkpoint({"net": 1}),
    }
    assert len(paths) == 3
    assert replace(unit, experiment="e2", recipe="x").checkpoint({"net": 1}) in paths
    assert replace(unit, checkpoints=None).checkpoint({"net": 1}) is None


def test_units_are_named_by_kernels_stride_and_channels():
    unit = e3_no_stride.units(True, None)[0]
    assert unit.net == "4xk3_5_9_17s1_8"
    assert unit.setting == "1d_stride_1"
    first = e1_flagship.units(False, None)[0]
    assert (first.net, first.setting) == ("7xk2s2_64", "1d_strided_T1")


@pytest.mark.parametrize("variant", ["T1", "T2"])
def test_probes_move_as_the_task_says(variant):
    task = ring.TASKS[variant]
    data = sd.train.task_data(task, train=8, validation=0, test=60, rng=0)
    probes = ring.Probes.of(task, data, 50)
    rng = np.random.default_rng(0)
    assert probes.images.shape == (50, 1, 128)
    left = 0
    for image in probes.images.astype(float):
        moved = probes.displacement(image, rng)
        assert sorted(set(np.unique(moved).tolist())) in ([0, 8], [0, 16], [0, 8, 16])
        assert moved.sum() == 16
        blocks = [np.sort(np.flatnonzero(x[0]) // 16).tolist() for x in (image, moved)]
        left += blocks[0] != blocks[1] and len(blocks[0]) == len(blocks[1])
    assert (left > 0) == (variant == "T1")


def test_names_of_units_differ_and_recipes_are_not_shared_between_experiments():
    experiments = (e1_flagship, e2_decay, e3_no_stride)
    for quick in (True, False):
        units = [unit for each in experiments for unit in each.units(quick, None)]
        cases = [(unit.setting, unit.net, unit.recipe, unit.seed) for unit in units]
        assert len(set(cases)) == len(cases)


def test_all_trainings_are_seeded_five_or_three_times():
    for each, seeds in ((e1_flagship, 5), (e2_decay, 3), (e3_no_stride, 5)):
        assert {unit.seed for unit in each.units(False, None)} == set(range(seeds))


def test_seeds_differ():
    unit = e2_decay.units(True, None)[-1]
    first, second = ring.run(unit), ring.run(replace(unit, seed=1))
    assert values(first, "D", variant="all") != values(second, "D", variant="all")
    assert values(first, "D", variant="box") == values(second, "D", variant="box")


def test_theory_is_silent_where_nothing_was_predicted():
    unit = Unit("e4", "2d_task", "vgg", "sgd", 0)
    rows = list(unit.rows("after", "all", "D", {1: 0.5, 2: 0.25}))
    assert e6_theory.summary({"e4": rows}) == []


def test_theory_leaves_out_layers_where_boxes_have_no_sensitivity():
    unit = Unit("e1", "1d_strided_T2", "net", "sgd", 0)
    rows = []
    for variant, factor in (("all", 1.0), ("box_images", 0.5), ("linear", np.e)):
        known = {k: factor * 2.0**-k for k in (1, 2, 3)}
        known[4] = 1e-9 if variant == "box_images" else 7.0
        rows += unit.rows("after", variant, "D", known)
    result = {(r.variant, r.quantity): r.value for r in e6_theory.summary({"e1": rows})}
    assert result == {
        ("box_images", "rms"): pytest.approx(np.log(2)),
        ("box_images", "mean"): pytest.approx(-np.log(2)),
        ("box_images", "rho"): pytest.approx(1),
        ("linear", "rms"): pytest.approx(1),
        ("linear", "mean"): pytest.approx(1),
        ("linear", "rho"): pytest.approx(1),
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--workers", "0"), "--workers must be at least 1; got 0"),
        (("--data", "/no/such/folder"), "cifar10_test.npz; got /no/such/folder"),
        (("--only", "e7"), "invalid choice: 'e7'"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    done = command("--quick", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_there_is_one_experiment_for_every_module():
    names = [path.stem for path in sorted((ROOT / "experiments").glob("e[0-9]*.py"))]
    assert [each.name for each in run_all.EXPERIMENTS] == names
