"""Predictions of trained networks: exact where they must be, right where their theory is."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

import scaledet as sd
from tests.measure.networks import constant_filters

TASK = sd.ScaleDetection(size=16, xi=4, gap=1)
WIDE_TASK = sd.ScaleDetection(size=32, xi=8, gap=1)


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


def log_ratios(nets, theory, **given):
    """Mean over networks of ln(predicted/measured) layer by layer, and its standard error."""
    rows = [
        sd.predict_trained(net, images_of(TASK, 24), displacement="task", pairs=12, rng=0, **given)
        for net in nets
    ]
    logs = np.array([made.log_ratios[theory] for made in rows])
    return logs.mean(axis=0), logs.std(axis=0, ddof=1) / np.sqrt(len(logs))


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


def test_wide_random_networks_are_predicted_and_no_boxes():
    nets = [random_net(300, 3, seed=seed) for seed in range(5)]
    for theory in ("coherent", "independent", "before"):
        mean, error = log_ratios(nets, theory)
        assert (abs(mean) < 4 * error + 0.01).all()
        assert (error < 0.04).all()
    boxes, _ = log_ratios(nets, "box")
    assert (boxes < -0.4).all()


def test_planted_means_over_channels_need_the_coherent_theory():
    nets = [random_net(300, 3, mean=2.0, spread=0.5, seed=seed) for seed in range(5)]
    mean, error = log_ratios(nets, "coherent")
    assert (abs(mean) < 4 * error + 0.01).all()
    assert (error < 0.06).all()
    independent, error = log_ratios(nets, "independent")
    assert (independent[1:] > 0.4).all()
    assert (independent[1:] > 8 * error[1:]).all()


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


def trained(seed):
    """A 1-D network of 5 layers, trained on the task until no image is within the margin."""
    task = WIDE_TASK
    torch.manual_seed(seed)
    net, width = random_net(48, 5, spread=0.5**0.5, bias=1.0, seed=seed).float(), 48
    head = nn.Parameter(torch.randn(width))
    rng = np.random.default_rng(seed)
    pairs = [rng.permutation(task.pairs(label))[:256] for label in (1, -1)]
    images = torch.tensor(4 * task.images(np.concatenate(pairs)), dtype=torch.float32)
    labels = torch.tensor([1.0, -1.0]).repeat_interleave(256)
    rate = 0.03 * width
    for _ in range(60):
        order, losses = torch.randperm(len(images)), 0.0
        for batch in order.split(8):
            output = net(images[batch]).mean(-1) @ head / width
            loss = torch.relu(1 - labels[batch] * output).mean()
            loss.backward()
            losses += loss.item()
            with torch.no_grad():
                for layer in net:
                    if isinstance(layer, nn.Conv1d):  # as N(0, 1) weights over sqrt(fan in)
                        layer.weight -= rate / layer.weight[0].numel() * layer.weight.grad
                        layer.bias -= rate * layer.bias.grad
                head -= rate * head.grad
            net.zero_grad()
            head.grad = None
        if not losses:
            return net
    raise AssertionError("the network has not learnt the task")


@cache
def trained_prediction():
    net = trained(0)
    images = 4 * images_of(WIDE_TASK, 150)
    return sd.predict_trained(net, images, displacement="task", shuffle_channels=6, rng=0)


def test_a_trained_network_with_permuted_channels_is_predicted():
    made = trained_prediction()
    shuffled = np.log(made.D_shuffled)
    assert made.D[-1] < 0.5 * made.D_shuffled[-1]  # It has learnt to pool by its channels.
    assert (abs(np.log(made.D_coherent) - shuffled) < 0.15).all()
    boxes = np.log(np.array(made.D_box[:-1]))
    assert (boxes - shuffled[:-1] < -0.3).all()
    assert boxes[-1] - shuffled[-2] < -1


def test_the_decomposition_and_the_scale_between_both_ends():
    made = trained_prediction()
    parts = made.channel_pooling * made.spatial_pooling * made.D_before
    np.testing.assert_allclose(parts, made.D, rtol=1e-12)
    assert (made.channel_pooling_err > 0).all()
    for row in range(4):
        ends = np.log(made.D_independent[row] / np.array([made.D[row], made.D_box[row]]))
        assert made.lambdas[row] == pytest.approx(ends[0] / ends[1])
        ratio = np.log(made.D_box[row] / made.D[row])
        assert made.log_ratios["box"][row] == pytest.approx(ratio)
