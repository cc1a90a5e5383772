"""Experiments 4 and 5 end to end on few and small images, and what their rows say."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

import scaledet as sd

torch = pytest.importorskip("torch")

from experiments import e4_two_dimensions, e5_cifar, run_all  # noqa: E402
from experiments.common import Unit  # noqa: E402
from experiments.image_nets import NETS, Station, training  # noqa: E402

SIDES = {"lenet": 4, "vgg": 10, "vgg_average": 10, "all_conv": 5, "resnet": 4}
"""Units that have sites."""


def station(net, task=e4_two_dimensions.TASK, count=60, **parameters):
    """Return a network that is not trained, on images of the task."""
    plan = {"net": dict(NETS[net]), "shuffles": 2, "theory_images": None, **parameters}
    images = task.size * task.sample(2 * count, rng=1)[0]
    inside = e4_two_dimensions.inside(images.astype(np.float32))[:count]
    return Station(Unit("e4", "2d_task", net, "none", 0, plan), inside, "task", 1)


def curve(rows, stage, variant, quantity):
    """Return values by layer."""
    key = (stage, variant, quantity)
    return {r.layer: r.value for r in rows if (r.stage, r.variant, r.quantity) == key}


@pytest.fixture(scope="module")
def trained():
    (unit,) = e4_two_dimensions.units(True, None)
    return e4_two_dimensions.run(unit)


def test_a_quick_unit_has_rows_of_all_kinds(trained):
    for stage in ("before", "after"):
        assert list(curve(trained, stage, "all", "D")) == list(range(7))
        assert list(curve(trained, stage, "channel_mean", "R")) == list(range(6))
        assert list(curve(trained, stage, "all", "share")) == list(range(1, 6))
    for variant in ("shuffled", "shuffled_recalibrated"):
        assert list(curve(trained, "after", variant, "G")) == list(range(7))
        assert not curve(trained, "before", variant, "D")
    assert curve(trained, "after", "all", "epochs") == {None: 2}
    assert 0 <= curve(trained, "after", "all", "test_error")[None] <= 1


def test_permuting_the_only_channel_of_an_image_changes_nothing(trained):
    plain, permuted = (curve(trained, "after", v, "D") for v in ("all", "shuffled"))
    assert (permuted[0], permuted[1]) == (plain[0], plain[1])
    assert permuted[5] != plain[5]


def test_widths_stand_at_the_layers_with_sites(trained):
    widths = {row.layer: row.A for row in trained if row.quantity == "D"}
    # Kernels 3 of strides 1, 2, 2, 2, 2: A^2 = 1 + 8 (1 + 1 + 4 + 16 + 64).
    squares = [1, 9, 17, 49, 177, 689]
    assert [widths[k] ** 2 for k in range(6)] == pytest.approx(squares)
    assert widths[6] is None


def test_a_unit_gives_the_same_rows_again(trained):
    (unit,) = e4_two_dimensions.units(True, None)
    assert e4_two_dimensions.run(unit) == trained
    assert e4_two_dimensions.run(replace(unit, seed=1)) != trained


@pytest.mark.parametrize("net", NETS)
def test_every_network_has_widths_up_to_the_head(net):
    widths = station(net).widths
    assert [width is not None for width in widths[: SIDES[net] + 1]] == [True] * (SIDES[net] + 1)
    assert widths[SIDES[net] + 1 :] == [None] * (len(widths) - SIDES[net] - 1)


def test_boxes_do_what_the_theory_of_boxes_predicts():
    task = sd.ScaleDetection(size=16, xi=5, gap=1, dim=2, periodic=False)
    at = station("vgg", task, count=300, theory_images=2)
    rows = [*at.boxes(), *at.measured("before")]
    measured, predicted = (curve(rows, "before", v, "D") for v in ("box", "box_images"))
    assert list(predicted) == [1, 3, 5, 6, 8, 9]
    for layer, value in predicted.items():
        assert measured[layer] == pytest.approx(value, rel=0.1)
    wide = curve(rows, "before", "wide_before", "D")
    assert wide == curve(rows, "before", "independent_taps", "D")
    assert wide[1] > 1.5 * predicted[1]
    package = sd.predict_trained(at.model, at.images, displacement="task", theory_images=2, rng=0)
    for name, variant in {"linear": "linear", "autocorrelation": "autocorrelation_linear"}.items():
        values = list(curve(rows, "before", variant, "D").values())
        np.testing.assert_allclose(values, getattr(package, f"D_{name}"), rtol=0.1)


def test_images_inside_have_nothing_at_the_border():
    images = np.zeros((3, 1, 6, 6), dtype=np.float32)
    images[0, 0, 2, 3] = images[1, 0, 0, 3] = images[2, 0, 4, 5] = 1
    assert np.array_equal(e4_two_dimensions.inside(images), images[:1])


def test_there_are_enough_seeds_and_every_network():
    units = e4_two_dimensions.units(False, None)
    assert {unit.net for unit in units} == {"lenet", "vgg", "all_conv", "resnet"}
    assert all(unit.parameters["shuffles"] == 3 for unit in units)
    assert len(units) == 12


def test_recipes_are_those_of_their_networks():
    assert sd.train.Recipe(**training("lenet", 0.1, batch_size=8, epochs=1)).optimizer == "adamw"
    recipe = sd.train.Recipe(**training("vgg", 0.1, batch_size=8, epochs=1))
    assert (recipe.optimizer, recipe.learning_rate, recipe.schedule) == ("sgd", 0.1, "one_cycle")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Random images in place of CIFAR-10, classes told apart by brightness."""
    path, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for name, count in zip(e5_cifar.FILES, (600, 220), strict=True):
        y = np.arange(count) % 10
        x = (rng.integers(0, 120, size=(count, 32, 32, 3)) + 13 * y[:, None, None, None]).astype(
            "u1"
        )
        np.savez(path / name, x=x, y=y)
    return path


def test_cifar_is_left_out_without_data(folder):
    assert e5_cifar.units(False, None) == []
    units = e5_cifar.units(False, folder)
    assert len(units) == 35
    assert len({unit.name for unit in units}) == 35


def test_data_must_be_a_folder_with_cifar(tmp_path, monkeypatch, capsys):
    (tmp_path / e5_cifar.FILES[0]).touch()
    monkeypatch.setattr(sys, "argv", ["run_all", "--data", str(tmp_path)])
    with pytest.raises(SystemExit, match="2"):
        run_all.main()
    expected = "--data must be a folder with cifar10_train.npz and cifar10_test.npz; got"
    assert expected in capsys.readouterr().err


def test_cifar_is_measured_on_images_with_and_without_noise(folder):
    (unit,) = e5_cifar.units(True, folder)
    rows = e5_cifar.run(unit)
    for stage in ("before", "after"):
        assert list(curve(rows, stage, "noisy_probe", "D")) == list(range(7))
    clean, noisy = (curve(rows, "before", v, "D") for v in ("all", "noisy_probe"))
    assert noisy[0] < clean[0]  # Noise adds to the distance of images, not to the displacement.
    energy = [
        curve(rows, "before", v, "D")[0] * curve(rows, "before", v, "Q")[0]
        for v in ("all", "noisy_probe")
    ]
    assert energy[1] == pytest.approx(energy[0], rel=1e-4)
    added = curve(rows, "before", "noisy_probe", "Q")[0] - curve(rows, "before", "all", "Q")[0]
    assert added == pytest.approx(2 * 3 * 32**2, rel=0.05)
    # Noise of G has the energy of the displacement there, too.
    assert curve(rows, "before", "noisy_probe", "R")[0] == pytest.approx(1, rel=0.1)
    assert {row.variant for row in rows if row.quantity == "test_error"} == {"all", "noisy_probe"}
