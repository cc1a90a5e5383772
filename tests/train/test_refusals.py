"""What cannot be trained is refused, with the reason, before the first step."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from scaledet.train import Data, Recipe, ring_net, train
from tests.train.test_training import RECIPE, SMALL, small_data, small_net, weights

torch = pytest.importorskip("torch")
nn = torch.nn

T1 = sd.ScaleDetection(size=16, xi=4, gap=1)
PLAIN = {"learning_rate": 0.1, "batch_size": 8, "epochs": 1}


@pytest.mark.parametrize(("stride", "layers"), [(1, 2), (1, 3), (2, 1)])
def test_t2_needs_a_network_that_sees_blocks(stride, layers):
    net = small_net(kernel=3, stride=stride, layers=layers)
    before = weights(net)
    with pytest.raises(ValueError, match=r"where the blocks of T2 begin.*by \d pixels? around"):
        train(net, small_data(), RECIPE, rng=0)
    assert all(torch.equal(a, b) for a, b in zip(before, weights(net), strict=True))


def test_blind_networks_of_others_are_refused_too():
    net = nn.Sequential(
        nn.Conv1d(1, 8, 3, padding=1, padding_mode="circular"),
        nn.ReLU(),
        nn.AdaptiveMaxPool1d(1),
        nn.Flatten(),
        nn.Linear(8, 1),
    )
    with pytest.raises(ValueError, match="stays the same when images are shifted by 1 pixel"):
        train(net, small_data(), RECIPE, rng=0)


@pytest.mark.parametrize(
    ("net", "task"),
    [
        ({"kernel": 3, "stride": 1}, T1),  # the label of T1 is invariant
        ({"kernel": 2, "stride": 2, "layers": 2}, SMALL),  # blind to shifts by blocks only
        ({"kernel": 3, "stride": 2, "layers": 3}, SMALL),
    ],
)
def test_networks_that_can_learn_are_not_refused(net, task):
    assert train(small_net(**net), small_data(task), RECIPE, rng=0).epochs == 3


def test_a_dead_network_is_not_called_blind():
    net = small_net()
    nn.init.zeros_(net.head.weight)
    assert train(net, small_data(), RECIPE, rng=0).epochs == 3


@pytest.mark.parametrize(
    ("model", "data", "recipe", "message"),
    [
        (lambda: "net", small_data, RECIPE, "model must be a torch.nn.Module"),
        (nn.ReLU, small_data, RECIPE, "model must have parameters"),
        (small_net, lambda: 3, RECIPE, "data must be a scaledet.train.Data"),
        (small_net, small_data, 3, "recipe must be a scaledet.train.Recipe"),
        (lambda: small_net(in_channels=2), small_data, RECIPE, "must take images of shape"),
        (lambda: small_net(layers=5), small_data, RECIPE, "must take images of shape"),
        (lambda: small_net(classes=2), small_data, RECIPE, r"must return shape \[2, 1\]"),
        (
            lambda: small_net(classes=2),
            small_data,
            Recipe(**PLAIN, loss="cross_entropy"),
            r"train_labels must be 0, 1, 2, ... for the loss 'cross_entropy'; got \[-1, 1\]",
        ),
        (small_net, small_data, Recipe(**PLAIN, augment=True), "augment must be False"),
    ],
)
def test_what_does_not_fit_is_refused(model, data, recipe, message):
    with pytest.raises((ValueError, TypeError), match=message):
        train(model(), data(), recipe, rng=0)


def test_labels_of_classes_do_not_fit_the_hinge_loss():
    data = Data(
        np.ones((4, 1, 16)), [0, 1, 2, 1], *(np.ones((0, 1, 16)), [])[:2], np.ones((0, 1, 16)), []
    )
    with pytest.raises(ValueError, match="train_labels must be -1 and 1"):
        train(small_net(), data, RECIPE, rng=0)
    with pytest.raises(ValueError, match=r"classes >= 3"):
        train(small_net(classes=2), data, Recipe(**PLAIN, loss="cross_entropy"), rng=0)


def test_a_loss_that_is_not_finite_is_an_error():
    with pytest.raises(ValueError, match="learning_rate must be so small that the loss"):
        train(small_net(), small_data(), Recipe(learning_rate=1e30, batch_size=8, epochs=5), rng=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0}, "learning_rate must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"epochs": 0}, "epochs must be"),
        ({"epochs": 2.5}, "epochs must be"),
        ({"optimizer": "adam"}, "optimizer must be one of 'sgd', 'adamw'"),
        ({"loss": "mse"}, "loss must be one of"),
        ({"decay": "never"}, "decay must be one of"),
        ({"weight_decay": -1}, "weight_decay must be"),
        ({"momentum": 1.0}, r"momentum must be in \[0, 1\)"),
        ({"momentum": 0.9, "optimizer": "adamw"}, "momentum must be 0 for 'adamw'"),
        ({"nesterov": True}, "nesterov must be False without momentum"),
        (
            {"stop_at_zero_loss": True, "epochs_after_zero_loss": 2},
            "must be 0 if stop_at_zero_loss",
        ),
        ({"schedule": "one_cycle", "epochs_after_zero_loss": 2}, "must be 0 for the schedule"),
        ({"loss": "cross_entropy", "stop_at_zero_loss": True}, "loss must be 'hinge' for"),
        ({"noise": -0.1}, "noise must be"),
        ({"augment": 1}, "augment must be True or False"),
    ],
)
def test_recipes_are_checked(changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Recipe(**{**PLAIN, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": 0}, "layers must be"),
        ({"stride": 3}, r"stride must be an integer in \[1, 2\]"),
        ({"dim": 3}, "dim must be"),
        ({"parametrization": "mup"}, "parametrization must be one of"),
        ({"classes": 0}, "classes must be"),
    ],
)
def test_networks_are_checked(changes, message):
    with pytest.raises(ValueError, match=message):
        ring_net(**changes)
