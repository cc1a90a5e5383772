"""Networks learn the tasks by recipes, reproducibly, and leave all else as it was."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import scaledet as sd
from scaledet.train import Recipe, ring_net, task_data, train

torch = pytest.importorskip("torch")
nn = torch.nn

T2 = sd.ScaleDetection(size=128, xi=16, variant="T2")
SMALL = sd.ScaleDetection(size=16, xi=4, variant="T2")
RECIPE = Recipe(learning_rate=0.48, batch_size=8, epochs=3)


def small_data(task=SMALL, **sizes):
    return task_data(task, **{"train": 24, "validation": 8, "test": 8, **sizes}, rng=0)


def small_net(**changes):
    return ring_net(**{"layers": 3, "channels": 16, "rng": 0, **changes})


def weights(model):
    return [value.clone() for value in model.state_dict().values()]


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_task_is_learnt_and_displacements_matter_less():
    data, model = task_data(T2, rng=0), ring_net(layers=6, rng=0)
    recipe = Recipe(
        learning_rate=1.92,
        batch_size=8,
        epochs=20,
        weight_decay=3e-4,
        decay="after_zero_loss",
        epochs_after_zero_loss=8,
    )

    def inside_blocks(image, rng):
        moved = T2.displace(image[None] / data.scale, rng=rng, label_preserving=True)
        return data.scale * moved[0]

    def d_4():
        images = data.test_images[:300]
        layers = ["relu4"]
        return sd.measure.sensitivities(model, images, inside_blocks, layers=layers, rng=0).D[0]

    before = d_4()
    training = train(model, data, recipe, rng=0)
    assert training.epoch_of_zero_loss <= 12
    assert training.epochs == training.epoch_of_zero_loss + 8
    assert training.test_error == 0
    assert d_4() < before / 2


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"momentum": 0.9, "nesterov": True},
        {"optimizer": "adamw", "learning_rate": 1e-3, "weight_decay": 0.1},
        {"noise": 0.5},
        {"schedule": "one_cycle"},
    ],
)
def test_equal_seeds_give_equal_weights(changes):
    data, recipe = small_data(), replace(RECIPE, **changes)
    models = [small_net() for _ in range(3)]
    seeds = [1, 1, 2]
    results = [train(m, data, recipe, rng=s) for m, s in zip(models, seeds, strict=True)]
    assert equal(weights(models[0]), weights(models[1]))
    assert not equal(weights(models[0]), weights(models[2]))
    assert results[0].loss.tolist() == results[1].loss.tolist()
    assert not equal(weights(models[0]), weights(small_net()))


def test_all_else_stays_as_it_was():
    model = small_net()
    model.relu2.eval()
    state, threads, modes = torch.get_rng_state(), torch.get_num_threads(), _modes(model)
    numpy_state = np.random.get_state()[1].tolist()  # noqa: NPY002  # which nothing may touch
    with torch.no_grad():
        train(model, small_data(), RECIPE, threads=threads + 1, rng=0)
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert _modes(model) == modes
    assert np.random.get_state()[1].tolist() == numpy_state  # noqa: NPY002


def _modes(model):
    return [module.training for module in model.modules()]


def test_what_the_network_draws_is_seeded_too():
    def dropping():
        return nn.Sequential(small_net(), nn.Dropout(0.5))

    first, second = dropping(), dropping()
    train(first, small_data(), RECIPE, rng=0)
    torch.manual_seed(5)
    train(second, small_data(), RECIPE, rng=0)
    assert equal(weights(first), weights(second))


def test_weights_decay_only_after_zero_loss():
    data = small_data()
    recipe = replace(RECIPE, epochs=300, stop_at_zero_loss=True)
    free, decayed, always = small_net(), small_net(), small_net()
    zero = train(free, data, recipe, rng=0).epoch_of_zero_loss
    later = replace(recipe, stop_at_zero_loss=False, weight_decay=1e-3, decay="after_zero_loss")
    stopped = replace(later, stop_at_zero_loss=True)
    assert train(decayed, data, stopped, rng=0).epoch_of_zero_loss == zero
    assert equal(weights(free), weights(decayed))
    after = train(decayed, data, replace(later, epochs=1), rng=0)  # zero loss at once
    assert after.loss[0] == 0
    assert equal(weights(free), weights(decayed))
    train(decayed, data, replace(later, epochs=1, epochs_after_zero_loss=2), rng=0)
    pairs = list(zip(free.named_parameters(), decayed.parameters(), strict=True))
    for (name, old), new in pairs:
        if name.endswith("weight"):
            assert (new.norm() < old.norm()).item(), name
    train(always, data, replace(stopped, decay="always"), rng=0)
    assert not equal(weights(free), weights(always))


def test_without_loss_nothing_but_weights_decays():
    data, model = small_data(), small_net()
    zero = Recipe(learning_rate=0.48, batch_size=8, epochs=300, stop_at_zero_loss=True)
    train(model, data, zero, rng=0)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    decaying = replace(zero, epochs=1, weight_decay=1e-6)
    assert train(model, data, decaying, rng=0).loss[0] == 0
    factor = (1 - 0.48 * 1e-6) ** 3  # three batches
    for name, parameter in model.named_parameters():
        expected = before[name] * (factor if name.endswith("weight") else 1)
        torch.testing.assert_close(parameter.detach(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_steps_are_those_of_the_parametrization(optimizer):
    """Plain PyTorch on w, with weight = unit w in the forward pass, makes the same steps."""
    data = small_data(train=8, validation=0)
    rate = {"sgd": 0.5, "adamw": 0.01}[optimizer]
    model, reference = small_net().double(), small_net().double()
    recipe = Recipe(
        learning_rate=rate, batch_size=8, epochs=4, optimizer=optimizer, weight_decay=0.02
    )
    train(model, data, recipe, rng=0)
    parameters = {name: p.detach().clone() for name, p in reference.named_parameters()}
    units = {
        f"{name}.weight": module.weight_unit
        for name, module in reference.named_modules()
        if hasattr(module, "weight_unit")
    }
    assert len(units) == 4
    free = {name: (p / units.get(name, 1.0)).requires_grad_() for name, p in parameters.items()}
    decayed = [p for name, p in free.items() if name.endswith("weight")]
    others = [p for name, p in free.items() if not name.endswith("weight")]
    kind = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}[optimizer]
    groups = [
        {"params": decayed, "weight_decay": 0.02},
        {"params": others, "weight_decay": 0.0},
    ]
    plain = kind(groups, lr=rate)
    images = torch.from_numpy(data.train_images).double()
    labels = torch.from_numpy(data.train_labels)
    for _ in range(4):
        scaled = {name: p * units.get(name, 1.0) for name, p in free.items()}
        outputs = torch.func.functional_call(reference, scaled, (images,)).squeeze(1)
        plain.zero_grad()
        (1 - labels * outputs).clamp(min=0).mean().backward()
        plain.step()
    for name, parameter in model.named_parameters():
        expected = free[name].detach() * units.get(name, 1.0)
        torch.testing.assert_close(parameter.detach(), expected)


def test_one_cycle_rises_and_falls():
    recipe = replace(RECIPE, epochs=10, schedule="one_cycle")
    rates = train(small_net(), small_data(), recipe, rng=0).learning_rate
    assert rates.argmax() == 2
    assert rates[-1] < 0.05 * rates.max()
    assert recipe.rate(0) == pytest.approx(0.48 / 25)
    assert recipe.rate(0.2) == pytest.approx(0.48)
    assert recipe.rate(1) == pytest.approx(0.48 * 4e-7)


def test_noise_is_on_the_test_images_too():
    training = train(small_net(), small_data(), replace(RECIPE, noise=3.0), rng=0)
    assert training.noisy_test_error is not None
    assert train(small_net(), small_data(), RECIPE, rng=0).noisy_test_error is None


def test_two_dimensions_and_cross_entropy():
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = generator.standard_normal((60, 2, 8, 8)) + 2 * labels[:, None, None, None]
    parts = [(images[at], labels[at]) for at in (slice(40), slice(40, 50), slice(50, 60))]
    data = sd.train.Data(*(array for part in parts for array in part))
    model = ring_net(2, 2, 2, 8, dim=2, in_channels=2, classes=3, parametrization="standard", rng=0)
    recipe = Recipe(
        learning_rate=0.02,
        batch_size=16,
        epochs=25,
        momentum=0.9,
        loss="cross_entropy",
    )
    training = train(model, data, recipe, rng=0)
    assert training.test_error < 0.2
    assert training.epoch_of_zero_loss is None


def test_progress_shows_loss_errors_and_time(capsys):
    train(small_net(), small_data(), RECIPE, progress=True, rng=0)
    text = capsys.readouterr().err
    assert "3/3" in text
    assert "loss=" in text
    assert "validation error=" in text
    train(small_net(), small_data(), RECIPE, rng=0)
    assert capsys.readouterr().err == ""


def test_results_are_shown_saved_and_loaded(tmp_path):
    training = train(small_net(), small_data(validation=0), replace(RECIPE, noise=0.1), rng=0)
    loaded = sd.load(training.save(tmp_path / "training.npz"))
    assert repr(loaded) == repr(training)
    assert loaded.recipe == training.recipe
    assert loaded.model is None
    assert training.validation_error.size == 0
    assert list(training.to_dataframe()["epoch"]) == [1, 2, 3]
    assert "Training of" in training._repr_html_()


def test_commands_show_and_plot_what_was_saved(tmp_path, run):
    training = train(small_net(), small_data(), RECIPE, rng=0)
    path = training.save(tmp_path / "training.npz")
    assert run(f"show {path}") == (0, f"{training!r}\n", "")
    code, text, _ = run(f"show {path} --json")
    shown = json.loads(text)
    assert code == 0
    assert shown["recipe"] == RECIPE.to_dict()
    assert shown["columns"]["loss"] == training.loss.tolist()
    assert run(f"plot {path} -o {tmp_path / 'training.svg'}")[0] == 0
