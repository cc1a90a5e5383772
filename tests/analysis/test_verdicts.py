"""Verdicts on made-up tables: what agrees, disagrees and stays undecided, and why."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

import scaledet as sd
from scaledet.analysis.claims import CLAIMS, SETTINGS, Claim
from scaledet.analysis.judging import Verdict
from scaledet.errors import ArgumentError
from tests.analysis.trained_tables import T1, power_laws, row, scattered, write

FALLS, BEFORE = "D falls after training", "D does not before"
EXPONENT = "D ~ 1/A at stride = kernel"
BOX = scattered(-1.0, 0.004, rng=9)


def judged(tmp_path, rows, claim: str, setting: str = T1["setting"]) -> Verdict:
    (verdict,) = sd.verdicts(write(tmp_path / "results", rows)).in_setting(claim, setting)
    return verdict


def test_a_clear_fall_agrees_with_the_numbers_of_student(tmp_path):
    slopes = scattered(-0.87, 0.06)
    verdict = judged(tmp_path, power_laws(slopes), FALLS)
    assert (verdict.verdict, verdict.reason, verdict.points) == ("agrees", "", 5)
    interval = stats.t.interval(0.95, 4, np.mean(slopes), stats.sem(slopes))
    assert verdict.effect == pytest.approx(-0.87)
    assert verdict.error == pytest.approx(0.06 / math.sqrt(5))
    assert (verdict.low, verdict.high) == pytest.approx(interval)
    assert (verdict.rival, verdict.rival_effect) == ("flat", 0.0)


@pytest.mark.parametrize(
    ("center", "scatter", "word"),
    [
        (-0.5, 0.1, "agrees"),
        (0.5, 0.1, "disagrees"),  # it rises
        (0.0, 0.02, "disagrees"),  # flat, and known to be so
        (-0.06, 0.02, "disagrees"),  # falls, but by less than counts
        (-0.3, 0.4, "undecided"),  # the rival lies within
        (0.0, 0.4, "undecided"),
    ],
)
def test_signs(tmp_path, center, scatter, word):
    verdict = judged(tmp_path, power_laws(scattered(center, scatter)), FALLS)
    assert verdict.verdict == word
    assert verdict.reason == ("not excluded: flat" if word == "undecided" else "")


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_decide_nothing(tmp_path, seeds):
    verdict = judged(tmp_path, power_laws(np.linspace(-1, -1.001, seeds)), FALLS)
    assert verdict.verdict == "undecided"
    assert verdict.reason == f"{seeds} seed{'s' * (seeds > 1)}"


def test_seeds_that_are_all_the_same_are_no_seeds(tmp_path):
    verdict = judged(tmp_path, power_laws([-0.9] * 5), FALLS)
    assert verdict.reason == "all seeds give the same number"


@pytest.mark.parametrize(
    ("center", "scatter", "word", "reason"),
    [
        (-1.02, 0.05, "agrees", ""),
        (-1.18, 0.05, "disagrees", ""),  # excludes all rivals, but is none of the claimed
        (-0.5, 0.05, "disagrees", ""),
        (-2.0, 0.05, "disagrees", ""),
        (-1.4, 0.6, "undecided", "not excluded: law without stride"),
        (-0.7, 0.7, "undecided", "not excluded: flat"),
    ],
)
def test_exponents_are_held_to_box_filters_and_to_rivals(tmp_path, center, scatter, word, reason):
    rows = [*power_laws(scattered(center, scatter)), *power_laws(BOX, variant="box")]
    verdict = judged(tmp_path, rows, EXPONENT)
    assert (verdict.verdict, verdict.reason) == (word, reason)
    assert (verdict.claimed_low, verdict.claimed_high) == pytest.approx((-1.1, -0.9))


def test_what_is_predicted_is_compared_seed_by_seed(tmp_path):
    # Slopes that scatter much, but as those of box filters on the same images do.
    box = scattered(-1.0, 0.4, rng=3)
    near = np.array(box) + scattered(0.0, 0.02, rng=4)
    rows = [*power_laws(near), *power_laws(box, variant="box")]
    assert judged(tmp_path, rows, EXPONENT).error == pytest.approx(0.02 / math.sqrt(5))
    # Control: the seeds of the prediction permuted, the differences scatter as both do.
    rows = [*power_laws(near), *power_laws(box[1:] + box[:1], variant="box")]
    assert judged(tmp_path, rows, EXPONENT).error > 0.1


def test_layers_in_disorder_decide_nothing(tmp_path):
    # Control: the values of each seed under shuffled layers, so that no law is left.
    rng = np.random.default_rng(1)
    rows = list(power_laws(scattered(-0.9, 0.05, seeds=8)))
    for start in range(0, len(rows), 4):
        values = rng.permutation([entry["value"] for entry in rows[start : start + 4]])
        for entry, value in zip(rows[start : start + 4], values, strict=True):
            entry["value"] = value
    assert judged(tmp_path, rows, FALLS).verdict == "undecided"


def test_under_no_effect_a_sign_agrees_by_chance_as_often_as_the_rule_says(tmp_path):
    rng, agreeing = np.random.default_rng(5), 0
    rows = [
        entry
        for net in range(400)
        for entry in power_laws(
            rng.normal(0, 0.3, 3), layers=(1, 2), where={**T1, "net": f"net{net}"}
        )
    ]
    verdicts = sd.verdicts(write(tmp_path, rows)).in_setting(FALLS, T1["setting"])
    agreeing = sum(verdict.verdict == "agrees" for verdict in verdicts)
    assert agreeing == pytest.approx(0.025 * 400, abs=4 * math.sqrt(0.025 * 400))


def test_before_training_is_held_to_after(tmp_path):
    flat, after = scattered(-0.1, 0.04, rng=2), scattered(-0.9, 0.05)
    rows = [*power_laws(flat, stage="before"), *power_laws(after)]
    verdict = judged(tmp_path, rows, BEFORE)
    assert (verdict.verdict, verdict.rival) == ("agrees", "half of 1/A")
    fallen = [*power_laws(scattered(-0.4, 0.05), stage="before"), *power_laws(after)]
    assert judged(tmp_path, fallen, BEFORE).verdict == "disagrees"
    weak = [*power_laws(flat, stage="before"), *power_laws(scattered(-0.12, 0.05))]
    assert judged(tmp_path, weak, BEFORE).reason == "not excluded: slope after training"


def test_networks_that_were_never_trained_are_judged_before_training(tmp_path):
    rows = power_laws(scattered(-0.1, 0.04), stage="before")
    assert judged(tmp_path, rows, BEFORE).verdict == "agrees"


def test_zero_loss_and_the_end_are_judged_by_themselves(tmp_path):
    rows = [*power_laws(scattered(0.0, 0.02), stage="zero_loss"), *power_laws(BOX)]
    result = sd.verdicts(write(tmp_path, rows))
    verdicts = result.in_setting(FALLS, T1["setting"])
    assert [(v.stage, v.verdict) for v in verdicts] == [
        ("zero_loss", "disagrees"),
        ("after", "agrees"),
    ]
    assert result.of(FALLS, T1["setting"]) == "divided"
    assert "divided 1:1:0" in repr(result)


def test_what_ends_at_zero_loss_is_judged_there(tmp_path):
    rows = [*power_laws(BOX, stage="zero_loss"), *power_laws(BOX, variant="box")]
    rows += power_laws(scattered(-0.1, 0.04), stage="before")
    result = sd.verdicts(write(tmp_path, rows))
    assert {row.stage for row in result.rows} == {"zero_loss"}
    (before,) = result.in_setting(BEFORE, T1["setting"])
    assert before.verdict == "agrees"


def test_the_window_ends_where_the_task_does(tmp_path):
    # From layer 5 on, D rises: beyond the scale of the task.
    rows = [*power_laws(BOX), *power_laws([2.0] * 5, layers=(5, 6))]
    assert judged(tmp_path, rows, FALLS).effect == pytest.approx(-1.0)
    t2 = {**T1, "setting": "1d_strided_T2"}
    rows = [*power_laws(BOX, layers=(1, 2, 3), where=t2), *power_laws([2.0] * 5, layers=(4,))]
    verdict = judged(tmp_path, rows, FALLS, "1d_strided_T2")
    assert verdict.effect == pytest.approx(-1.0)
    free = {**T1, "setting": "cifar10"}  # No scale ends the window there.
    rows = [*power_laws(BOX, where=free), *power_laws([2.0] * 5, layers=(5, 6), where=free)]
    assert judged(tmp_path, rows, FALLS, "cifar10").effect > 0.5


def test_dead_seeds_are_left_out_and_counted(tmp_path):
    rows = [*power_laws(scattered(-0.9, 0.05, seeds=4))]
    del rows[3]  # Seed 0 has no D at layer 4.
    rows[4]["value"] = "0"  # That of seed 1 is 0 at layer 2.
    verdict = judged(tmp_path, rows, FALLS)
    assert (verdict.points, verdict.left_out, verdict.reason) == (2, 2, "2 seeds")
    result = sd.verdicts(tmp_path / "results")
    assert f"left out: 2 of 1d_strided_T1, k2s2, decay, in {FALLS!r}" in result.remarks()
    for entry in rows:
        entry["value"] = "0"
    verdict = judged(tmp_path, rows, FALLS)
    assert (verdict.effect, verdict.reason) == (None, "no seed is alive")


def test_permutations_are_averaged_within_a_seed(tmp_path):
    trained = list(power_laws(scattered(-0.9, 0.05)))
    permuted = [
        {**entry, "variant": "shuffled", "value": str(factor * float(entry["value"]))}
        for entry, factor in itertools.product(trained, (1.0, 2.0, 3.0))
    ]
    jitter = np.random.default_rng(0).normal(1, 0.01, len(permuted))
    for entry, factor in zip(permuted, jitter, strict=True):
        entry["value"] = str(float(entry["value"]) * factor)
    verdict = judged(tmp_path, [*trained, *permuted], "channel pooling")
    assert (verdict.verdict, verdict.points) == ("agrees", 5)
    assert verdict.effect == pytest.approx(math.log(2), abs=0.02)
    # With BatchNorm recalibrated that is what counts, and here it has no effect.
    again = [
        {**entry, "variant": "shuffled_recalibrated", "value": str(float(entry["value"]) * f)}
        for entry, f in zip(trained, jitter, strict=False)
    ]
    assert judged(tmp_path, [*trained, *permuted, *again], "channel pooling").verdict == "disagrees"


def test_labels_at_random_decide_nothing(tmp_path):
    # Control: in every second seed the networks in order and permuted have changed places.
    trained = list(power_laws(scattered(-0.9, 0.05, seeds=8)))
    permuted = list(power_laws(scattered(-0.4, 0.05, seeds=8), variant="shuffled"))
    assert judged(tmp_path, [*trained, *permuted], "channel pooling").verdict == "agrees"
    names = {"all": "shuffled", "shuffled": "all"}
    for entry in (*trained, *permuted):
        if entry["seed"] % 2:
            entry["variant"] = names[entry["variant"]]
    verdict = judged(tmp_path, [*trained, *permuted], "channel pooling")
    assert verdict.reason == "not excluded: no effect"


def test_filters_gain_what_the_constant_mode_gains(tmp_path):
    def shares(values: list[float], stage: str) -> list[dict]:
        return [
            row(seed, value + 0.001 * seed, stage=stage, quantity="share", layer=k)
            for seed in range(3)
            for k, value in enumerate(values, start=1)
        ]

    rows = [*shares([0.9, 0.5, 0.5], "before"), *shares([0.1, 0.8, 0.6], "after")]
    verdict = judged(tmp_path, rows, "spatial pooling")
    assert verdict.verdict == "agrees"  # layer 1 does not count
    assert verdict.effect == pytest.approx(((0.3 + 0.1) / 0.5) / 2, rel=0.01)
    rows = [*shares([0.2, 0.11, 0.11], "before"), *shares([0.9, 0.12, 0.13], "after")]
    assert judged(tmp_path, rows, "spatial pooling").verdict == "disagrees"


def test_predictions_are_held_to_fifteen_percent_and_to_the_rivals(tmp_path):
    box = list(power_laws(BOX, variant="box"))
    before = list(power_laws(scattered(-0.1, 0.05), stage="before", variant="channel_mean"))

    def channel_mean(factors: list[float]) -> list[dict]:
        pairs = zip(box, np.repeat(factors, 4), strict=True)
        return [
            {**entry, "variant": "channel_mean", "value": str(float(entry["value"]) * factor)}
            for entry, factor in pairs
        ]

    name = "channel-mean D = box theory"
    verdict = judged(tmp_path, [*box, *before, *channel_mean(scattered(1.05, 0.03))], name)
    assert (verdict.verdict, verdict.rival) == ("agrees", "before training")
    assert verdict.effect == pytest.approx(math.log(1.05), abs=0.002)
    assert (verdict.claimed_low, verdict.claimed_high) == (-0.15, 0.15)
    verdict = judged(tmp_path, [*box, *before, *channel_mean(scattered(1.4, 0.03))], name)
    assert verdict.verdict == "disagrees"
    without = sd.verdicts(write(tmp_path / "less", [*box, *channel_mean(scattered(1, 0.1))]))
    assert without.of(name, T1["setting"]) == "not run"  # no rival, no verdict


def cells(signs: dict[str, float], seeds: int = 3, networks: int = 6) -> list[dict]:
    rows = []
    for net, seed in itertools.product(range(networks), range(seeds)):
        where = {"setting": "cifar10", "net": f"net{net}", "recipe": f"noise_{net % 2}"}
        rows.append(row(seed, 0.2 + 0.05 * net + 0.001 * seed, quantity="test_error", **where))
        for quantity, sign in signs.items():
            value = 1 + 0.1 * sign * net + 0.001 * seed
            rows.append(row(seed, 9.0 - value, quantity=quantity, layer=1, A=3, **where))
            rows.append(row(seed, value, quantity=quantity, layer=7, **where))
    return rows


def test_correlations_are_those_of_cells(tmp_path):
    rows = cells({"D": 1, "G": 1, "R": 1})
    verdict = judged(tmp_path, rows, "D goes with the error", "cifar10")
    assert (verdict.verdict, verdict.points, verdict.effect) == ("agrees", 6, 1.0)
    assert verdict.p_value == pytest.approx(2 / math.factorial(6))
    # The paper has the opposite sign for noise.
    assert judged(tmp_path, rows, "G goes with the error", "cifar10").verdict == "disagrees"
    verdict = judged(tmp_path, rows, "D goes with the error, equal noise", "cifar10")
    assert verdict.p_value == pytest.approx(2 / math.factorial(3) ** 2)
    assert (verdict.verdict, verdict.reason) == ("undecided", "p = 0.056")
    noisy = [{**entry, "variant": "noisy_probe"} for entry in rows if entry["quantity"] != "R"]
    result = sd.verdicts(write(tmp_path, [*rows, *noisy]))
    assert result.of("D goes with the error, noisy probes", "cifar10") == "agrees"
    assert result.of("R goes with the error, noisy probes", "cifar10") == "not run"


def test_correlations_need_cells_and_cells_need_seeds(tmp_path):
    verdict = judged(tmp_path, cells({"D": 1}, networks=4), "D goes with the error", "cifar10")
    assert (verdict.verdict, verdict.reason) == ("undecided", "4 cells")
    verdict = judged(tmp_path, cells({"D": 1}, seeds=2), "D goes with the error", "cifar10")
    assert (verdict.points, verdict.left_out, verdict.reason) == (0, 6, "0 cells")
    remark = "left out: 6 of cifar10, all cells, in 'D goes with the error' and 1 more claims"
    assert remark in sd.verdicts(tmp_path / "results").remarks()


def test_noise_in_training_is_judged_by_itself(tmp_path):
    where = {"setting": "cifar10", "net": "vgg"}
    clean, noisy = ({**where, "recipe": f"noise_{noise}"} for noise in (0, 1))
    rows = [
        *power_laws(BOX, where=clean),
        *power_laws(scattered(0.0, 0.01), where=noisy),
        *power_laws(scattered(-0.5, 0.1), where=noisy, variant="noisy_probe"),
    ]
    result = sd.verdicts(write(tmp_path, rows))
    assert result.of(FALLS, "cifar10") == "agrees"
    assert result.of("D falls, trained with noise", "cifar10") == "disagrees"
    assert result.of("D falls, trained with noise, noisy probes", "cifar10") == "agrees"


def test_what_was_not_run_is_said(tmp_path):
    result = sd.verdicts(write(tmp_path, power_laws(BOX)))
    assert result.of(FALLS, "cifar10") == "not run"
    assert result.of(EXPONENT, "cifar10") == "-"
    assert len(result.rows) == 1
    pairs = sum(len(claim.settings) for claim in CLAIMS)
    counts = f"1 agrees, 0 disagrees, 0 divided, 0 undecided, {pairs - 1} not run"
    assert result.remarks()[0] == f"claims in settings: {counts}"
    with pytest.raises(ArgumentError, match="setting must be one of"):
        result.of(FALLS, "mnist")


def test_every_claim_can_be_judged_and_says_what_it_claims():
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.statement[0].isupper()
        assert claim.statement.endswith(".")
        assert set(claim.settings) <= set(SETTINGS)
        if isinstance(claim, Claim):
            assert claim.low < claim.high
            assert claim.rivals
            numbers = [r for r in claim.rivals.values() if isinstance(r, float)]
            if isinstance(claim.claimed, float):
                assert not any(claim.low <= rival <= claim.high for rival in numbers)


def test_saved_verdicts_are_the_same(tmp_path):
    rows = [*power_laws(BOX), *power_laws([-1.0], stage="zero_loss"), *cells({"D": 1})]
    result = sd.verdicts(write(tmp_path / "results", rows))
    again = sd.load(result.save(tmp_path / "verdicts.npz"))
    assert again.rows == result.rows
    assert repr(again) == repr(result)
    assert len(result.to_dataframe()) == len(result.rows)
    assert "<table>" in result._repr_html_()


def test_markdown_has_every_verdict(tmp_path):
    result = sd.verdicts(write(tmp_path, [*power_laws(BOX), *cells({"D": 1})]))
    text = result.to_markdown()
    assert text.count("\n| ") >= len(CLAIMS) + len(result.rows)
    assert "| agrees | -1.0000(18) |" in text


def test_a_network_of_one_seed_does_not_divide_a_setting(tmp_path):
    name, setting = "D falls after training", T1["setting"]
    single = list(power_laws([-0.9], stage="zero_loss"))
    assert sd.verdicts(write(tmp_path / "alone", single)).of(name, setting) == "undecided"
    rows = [*power_laws(scattered(-1, 0.1, 3)), *single]
    verdicts = sd.verdicts(write(tmp_path / "both", rows))
    assert verdicts.of(name, setting) == "agrees"
    assert [row.verdict for row in verdicts.in_setting(name, setting)] == ["undecided", "agrees"]
