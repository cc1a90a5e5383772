"""Predictions of trained networks: exact where they must be, right where their theory is."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

import scaledet as sd
from scaledet.analysis.trained import sampled_pairs
from tests.measure.networks import constant_filters

TASK = sd.ScaleDetection(size=16, xi=4, gap=1)
LEARNT = sd.ScaleDetection(size=64, xi=16, gap=2, variant="T2")
HEIGHT = 32**0.5
WIDTH = 200


def images_of(task, count):
    return task.sample(count, rng=0)[0]


def pushed(image, _rng):
    return np.roll(image, 1, axis=-1)


def random_net(width, depth, *, mean=0.0, spread=1.0, bias=0.3, seed=0, dim=1):
    """Convolutions of kernel and stride 2, Gaussian filters with means over input channels."""
    rng = np.random.default_rng(seed)
    kind = nn.Conv1d if dim == 1 else nn.Conv2d
    parts, channels = [], 1
    for _ in range(depth):
        layer = kind(channels, width, 2, 2, dtype=torch.float64)
        shape = tuple(layer.weight.shape)
        common = mean * rng.normal(size=(width, *(1,) * (dim + 1)))
        weights = common / channels + spread * rng.normal(size=shape) / np.sqrt(channels)
        layer.weight.data = torch.from_numpy(weights)
        layer.bias.data = torch.from_numpy(bias * rng.normal(size=width))
        parts += [layer, nn.ReLU()]
        channels = width
    return nn.Sequential(*parts)


@cache
def log_ratios(mean, spread):
    """Means over random networks of ln(predicted/measured) by theory, and their errors."""
    images = images_of(TASK, 15)
    logs = {}
    for seed in range(12):
        net = random_net(WIDTH, 3, mean=mean, spread=spread, seed=seed)
        made = sd.predict_trained(net, images, displacement="task", pairs=10, rng=seed)
        for theory, ratios in made.log_ratios.items():
            logs.setdefault(theory, []).append(ratios)
    return {
        theory: (np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) / np.sqrt(len(rows)))
        for theory, rows in logs.items()
        if None not in np.ravel(rows)
    }


@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 1)])
def test_constant_filters_are_the_pooled_model(kernel, stride):
    net = constant_filters(1, kernel, stride, 2)
    images = np.eye(16)[:, None]
    made = sd.predict_trained(net, images, displacement=pushed, pairs=8, rng=0)
    model = sd.Network.uniform(kernel, stride, 2)
    expected = sd.predict(model, size=16).D[1:] * (1 - 1 / 16)  # Q of different images
    for name in ("D", "D_coherent", "D_independent", "D_autocorrelation", "D_linear", "D_box"):
        np.testing.assert_allclose(getattr(made, name), expected, rtol=1e-10, err_msg=name)
    assert (made.D_before > 1.2 * expected).all()
    np.testing.assert_allclose(made.channel_pooling, 1)
    np.testing.assert_allclose(made.A, model.box_width[1:])


@pytest.mark.parametrize("theory", ["coherent", "independent", "before"])
def test_wide_random_networks_are_predicted_and_no_boxes(theory):
    logs = log_ratios(0.0, 1.0)
    mean, error = logs[theory]
    assert (abs(mean) < 4 * error + 2 / WIDTH).all()
    assert (error < 0.05).all()
    assert (logs["box"][0] < -0.3).all()


def test_planted_means_over_channels_need_the_coherent_theory():
    logs = log_ratios(2.0, 0.5)
    mean, error = logs["coherent"]
    assert (abs(mean) < 4 * error + 2 / WIDTH).all()
    assert (error < 0.05).all()
    mean, error = logs["independent"]
    assert (mean[1:] > 0.4).all()
    assert (mean[1:] > 8 * error[1:]).all()


def test_one_channel_is_predicted_exactly_whatever_its_filters_and_biases():
    parts = nn.Conv1d(1, 1, 3, padding=1), nn.ReLU(), nn.AvgPool1d(2), nn.Conv1d(1, 1, 2), nn.ReLU()
    net = nn.Sequential(*parts).double()
    for layer, weights, bias in ((net[0], [0.7, -0.4, 0.5], 0.1), (net[3], [0.6, 0.9], -0.2)):
        layer.weight.data = torch.tensor([[weights]], dtype=torch.float64)
        layer.bias.data = torch.tensor([bias], dtype=torch.float64)
    images = np.random.default_rng(0).normal(size=(14, 1, 12))
    made = sd.predict_trained(net, images, displacement="shift", pairs=7, rng=0)
    np.testing.assert_allclose(made.D_coherent, made.D, rtol=1e-7)
    assert (abs(np.array(made.log_ratios["independent"])) > 0.01).any()


def test_one_channel_in_two_dimensions_with_borders_and_batchnorm():
    parts = nn.Conv2d(1, 1, 3, 2, padding=1), nn.BatchNorm2d(1), nn.ReLU()
    net = nn.Sequential(*parts, nn.Conv2d(1, 1, 2, padding=1), nn.ReLU(inplace=True)).double()
    rng = np.random.default_rng(0)
    for layer in (net[0], net[3]):
        layer.weight.data = torch.from_numpy(rng.normal(size=tuple(layer.weight.shape)))
        layer.bias.data = torch.tensor([0.3], dtype=torch.float64)
    for tensor, value in zip(net[1].state_dict().values(), (1.3, 0.2, -0.1, 0.5), strict=False):
        tensor.fill_(value)
    images = rng.normal(size=(14, 1, 8, 8))
    made = sd.predict_trained(net, images, displacement="shift", pairs=7, rng=0)
    np.testing.assert_allclose(made.D_coherent, made.D, rtol=1e-7)


def test_the_wide_theories_are_those_of_predict_wide():
    net = random_net(7, 2, mean=1.0)
    images = images_of(TASK, 12)
    made = sd.predict_trained(net, images, displacement=pushed, pairs=6, rng=0)
    filters = [layer.weight.data.numpy() for layer in (net[0], net[2])]
    biases = [layer.bias.data.numpy() for layer in (net[0], net[2])]
    given = {"images": images, "displaced": np.roll(images, 1, axis=-1), "noise_error": 0.5}
    model = sd.Network([sd.Layer(2, 2, padding=0)] * 2)

    def covariance(weights):
        flat = weights.reshape(-1, 2)
        return flat.T @ flat / len(weights)

    squares = [covariance(weights) for weights in filters]
    wide = sd.predict_wide(
        model,
        tap_covariances=squares,
        weight_variance=1,
        bias_variance=[float(np.square(bias).mean()) for bias in biases],
        rng=0,
        **given,
    )
    np.testing.assert_allclose(made.D_independent, wide.D[1:], rtol=1e-9)
    rest = [weights - weights.mean(axis=1, keepdims=True) for weights in filters]
    wide = sd.predict_wide(
        model,
        tap_covariances=[np.zeros((2, 2)), covariance(rest[1]) * 7 / 6],
        weight_variance=1,
        mean_filters=[weights.sum(axis=1) for weights in filters],
        biases=biases,
        fixed_sums=True,
        rng=0,
        **given,
    )
    np.testing.assert_allclose(made.D_coherent, wide.D[1:], rtol=1e-9)


@pytest.mark.parametrize("dim", [1, 2])
def test_linear_theories_against_networks_without_relu(dim):
    net = random_net(5, 2, mean=1.0, dim=dim)
    shape = (14, 1, 12) if dim == 1 else (14, 1, 8, 8)
    images = np.random.default_rng(1).random(shape)
    made = sd.predict_trained(net, images, displacement="shift", mean_filters=False, rng=3)
    bare = copy.deepcopy(net)
    for layer in (bare[0], bare[2]):
        nn.init.zeros_(layer.bias)
    bare[1], bare[3] = nn.Identity(), nn.Identity()
    seed = int(np.random.default_rng(3).integers(2**63))
    measured = sd.measure.sensitivities(bare, images, "shift", layers=["1", "3"], rng=seed)
    np.testing.assert_allclose(made.D_linear, measured.D, rtol=1e-10)
    for layer in (bare[0], bare[2]):
        nn.init.constant_(layer.weight, 1.0)
    measured = sd.measure.sensitivities(bare, images, "shift", layers=["1", "3"], rng=seed)
    np.testing.assert_allclose(made.D_box, measured.D, rtol=1e-10)


def test_autocorrelation_against_dense_matrices():
    net = random_net(6, 2, mean=1.0)
    images = images_of(TASK, 12)
    made = sd.predict_trained(net, images, displacement=pushed, mean_filters=False, rng=0)
    maps = [images[:, 0]]
    change = np.roll(maps[0], 1, axis=-1) - maps[0]
    centred = maps[0] - maps[0].mean(axis=0)
    numerator, distance = change.T @ change / 12, 2 * centred.T @ centred / 11
    for row, layer in enumerate((net[0], net[2])):
        weights = layer.weight.data.numpy().reshape(-1, 2)
        covariance, side = weights.T @ weights, len(numerator) // 2
        taps = np.zeros((2, side, 2 * side))
        taps[0, np.arange(side), 2 * np.arange(side)] = 1
        taps[1, np.arange(side), 2 * np.arange(side) + 1] = 1
        numerator, distance = (
            np.einsum("fg,fia,gjb,ab->ij", covariance, taps, taps, matrix)
            for matrix in (numerator, distance)
        )
        ratio = np.trace(numerator) / np.trace(distance)
        assert made.D_autocorrelation[row] == pytest.approx(ratio, rel=1e-10)


def trained(seed, width=32):
    """Five convolutions trained on the task until no image is within the margin."""
    torch.manual_seed(seed)
    parts, channels = [], 1
    for _ in range(5):
        layer = nn.Conv1d(channels, width, 2, 2)
        nn.init.kaiming_normal_(layer.weight)
        nn.init.zeros_(layer.bias)
        parts += [layer, nn.ReLU()]
        channels = width
    net = nn.Sequential(*parts, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(width, 1))
    rng = np.random.default_rng(seed)
    pairs = [rng.permutation(LEARNT.pairs(label))[:480] for label in (1, -1)]
    images = torch.tensor(HEIGHT * LEARNT.images(np.concatenate(pairs)), dtype=torch.float32)
    labels = torch.tensor([1.0, -1.0]).repeat_interleave(480)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0)
    for _ in range(40):
        losses = 0.0
        for batch in torch.randperm(len(images)).split(32):
            loss = torch.relu(1 - labels[batch] * net(images[batch])[:, 0]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += loss.item()
        if not losses:
            return net
    raise AssertionError("the network has not learnt the task")


@cache
def trained_prediction():
    images = HEIGHT * images_of(LEARNT, 100)
    return sd.predict_trained(
        trained(0), images, displacement="task", shuffle_channels=8, pairs=8, rng=0
    )


def test_a_trained_network_with_permuted_channels_is_predicted():
    made = trained_prediction()
    shuffled = np.log(made.D_shuffled)
    assert made.D_shuffled[-1] < 0.5 * made.D_shuffled[0]
    assert (abs(np.log(made.D_coherent) - shuffled) < 0.15).all()
    assert (np.log(np.array(made.D_box)) - shuffled < -0.4).all()
    assert (np.log(made.D_independent) - shuffled)[-1] > 0.3


def test_the_decomposition_and_the_scale_between_both_ends():
    made = trained_prediction()
    parts = made.channel_pooling * made.spatial_pooling * made.D_before
    np.testing.assert_allclose(parts, made.D, rtol=1e-12)
    np.testing.assert_allclose(made.channel_pooling, made.D / made.D_coherent)
    assert (made.channel_pooling_err > made.channel_pooling * made.D_err / made.D).all()
    for row in range(5):
        ends = np.log(made.D_independent[row] / np.array([made.D[row], made.D_box[row]]))
        assert made.lambdas[row] == pytest.approx(ends[0] / ends[1])
        ratio = np.log(made.D_box[row] / made.D[row])
        assert made.log_ratios["box"][row] == pytest.approx(ratio)


def test_some_pairs_estimate_what_all_pairs_give():
    net = random_net(20, 3, mean=1.0)
    images = images_of(TASK, 40)
    given = {"displacement": pushed, "rng": 0}
    full = sd.predict_trained(net, images, pairs=20, **given)
    assert full.pairs == 780
    assert not full.error.any()
    for pairs in (1, 4):
        some = sd.predict_trained(net, images, pairs=pairs, **given)
        assert some.pairs == 40 * pairs
        for row, name in enumerate(("D_coherent", "D_independent", "D_before")):
            relative = getattr(some, name) / getattr(full, name) - 1
            assert (abs(relative) < 4 * some.error[row]).all()
            assert (some.error[row] > 0).all()
            assert (some.error[row] < 0.1).all()
        assert some.D_box == full.D_box
    part = sd.predict_trained(net, images, theory_images=10, **given)
    assert (part.images, part.pairs) == (10, 40)
    first = sd.predict_trained(net, images[:10], **given)
    np.testing.assert_allclose(part.D_coherent, first.D_coherent, rtol=0.2)
    np.testing.assert_array_equal(part.D, full.D)


def test_each_image_is_in_equally_many_pairs():
    for images, each in ((40, 4), (41, 3), (11, 5), (12, 5), (12, 6)):
        pairs = sampled_pairs(images, each, np.random.default_rng(0))
        counts = np.bincount(pairs.ravel(), minlength=images)
        assert len(set(counts.tolist())) == 1
        assert len({frozenset(pair) for pair in pairs.tolist()}) == len(pairs)
        assert len(pairs) == min(images * each, images * (images - 1) // 2)


def test_layers_batches_and_the_state_of_the_model():
    net = nn.Sequential(*random_net(6, 3), nn.Flatten(), nn.Linear(12, 1)).double().train()
    images = images_of(TASK, 20)
    given = {"displacement": "shift", "rng": 1}
    made = sd.predict_trained(net, images, **given)
    again = sd.predict_trained(net, torch.from_numpy(images), batch_size=3, **given)
    assert net.training
    assert made.convolutions == ("0", "2", "4")
    assert made.measurement.layers == ("1", "3", "5")
    for name in ("D", "D_coherent", "D_independent", "D_before"):
        np.testing.assert_allclose(getattr(again, name), getattr(made, name), rtol=1e-9)
    some = sd.predict_trained(net, images, layers=["4", "0"], **given)
    assert some.convolutions == ("0", "4")
    np.testing.assert_array_equal(some.D_coherent, made.D_coherent[[0, 2]])
    np.testing.assert_array_equal(some.A, made.A[[0, 2]])
    less = sd.predict_trained(net, images, mean_filters=False, **given)
    assert less.theories == made.theories[1:]
    assert not len(less.D_coherent)
    np.testing.assert_array_equal(less.channel_pooling, made.D / made.D_independent)


def test_layers_where_images_look_alike_are_left_out_or_have_no_box():
    net = random_net(6, 4)
    images = images_of(TASK, 20)
    made = sd.predict_trained(net, images, displacement="task", rng=0)
    assert made.D_box[-1] is None  # One site is left, where boxes make all images equal.
    assert made.lambdas[-1] is made.log_ratios["box"][-1] is None
    assert "-" in repr(made).splitlines()[-1]
    nn.init.constant_(net[6].bias, -100.0)
    made = sd.predict_trained(net, images, displacement="task", rng=0)
    assert made.convolutions == ("0", "2", "4")
    assert made.measurement.left_out.keys() == {"7"}
    assert any("left out: 7" in line for line in made.remarks())


def test_a_displacement_that_no_layer_reads_moves_nothing(tmp_path):
    def unread(image, _rng):
        return image + (np.arange(image.shape[-1]) % 2)

    net = nn.Sequential(nn.Conv1d(1, 8, 1, stride=2), nn.ReLU())
    nn.init.constant_(net[0].weight, 0.7)
    images = np.random.default_rng(0).random((20, 1, 16))
    made = sd.predict_trained(net, images, displacement=unread, rng=0)
    assert not made.moved.any()
    assert made.lambdas == made.log_ratios["coherent"] == (None,)
    made.save(tmp_path / "made.npz")
    np.testing.assert_array_equal(sd.load(tmp_path / "made.npz").moved, made.moved)


def test_a_theory_without_motion_has_no_lambda():
    made = trained_prediction()
    moved = np.where(np.array(made.theories)[:, None] == "independent", 0.0, made.moved)
    assert set(replace(made, moved=moved).lambdas) == {None}


def test_max_pooling_is_named_and_what_no_relu_follows_is_left_out():
    parts = nn.Conv2d(2, 5, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(5, 4, 2), nn.ReLU()
    net = nn.Sequential(*parts, nn.Conv2d(4, 1, 1))
    images = np.random.default_rng(0).random((10, 2, 8, 8))
    made = sd.predict_trained(net, images, displacement="shift", rng=0)
    assert made.convolutions == ("0", "3")
    np.testing.assert_allclose(made.A, [3, np.sqrt(1 + 9 - 1 + 4 * 4 - 1)])
    text = repr(made)
    assert "average for the maximum in the theory: 2" in text
    assert "left out: 5, which no ReLU follows" in text


GOOD = {"displacement": "shift", "rng": 0}
BAD = {
    r"layers must be among 0, 2; got '1'": {"layers": ["1"]},
    r"layers must be names of convolutions; got '0'": {"layers": "0"},
    r"layers must name a convolution at least; got none": {"layers": []},
    r"shuffle_channels must be an integer >= 0; got -1": {"shuffle_channels": -1},
    r"theory_images must be an integer in \[2, 20\]; got 21": {"theory_images": 21},
    r"pairs must be an integer >= 1; got 0": {"pairs": 0},
    r"mean_filters must be True or False; got 1": {"mean_filters": 1},
    r"displacement must be 'diffeomorphism'": {"displacement": "bend"},
    r"batch_size must be an integer >= 1; got 0": {"batch_size": 0},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_arguments_are_named(message):
    with pytest.raises(ValueError, match=message):
        sd.predict_trained(random_net(3, 2), images_of(TASK, 20), **{**GOOD, **BAD[message]})


def test_models_and_images_that_fit_no_theory_are_refused():
    images = images_of(TASK, 20)
    with pytest.raises(ValueError, match="images must be at least 10 images"):
        sd.predict_trained(random_net(3, 2), images[:3], **GOOD)
    with pytest.raises(TypeError, match="got a state dict"):
        sd.predict_trained(random_net(3, 2).state_dict(), images, **GOOD)
    net = nn.Sequential(nn.Conv1d(1, 2, 3), nn.Tanh(), nn.Conv1d(2, 2, 3), nn.ReLU())
    with pytest.raises(ValueError, match=r"'1' .tanh., which is none of these"):
        sd.predict_trained(net, images, **GOOD)
