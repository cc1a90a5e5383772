"""Permuted channels and BatchNorm statistics measured again, against the same done by hand."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import scaledet as sd

torch = pytest.importorskip("torch")
nn = torch.nn
sensitivities = sd.measure.sensitivities

from scaledet.measure.shuffling import shuffled  # noqa: E402
from scaledet.network.torch_modules.normalisation import recalibrated  # noqa: E402
from tests.measure.networks import convolutional  # noqa: E402

IMAGES = np.random.default_rng(5).random((30, 3, 10, 10))


def roll(image, _rng):
    return np.roll(image, 1, axis=-1)


def permuted_weights(model, seed):
    """Permute the weights instead of the channels, by the same random numbers."""
    changed, rng = copy.deepcopy(model), np.random.default_rng(seed)
    for module in changed.modules():
        if isinstance(module, nn.Conv2d):
            inverse = np.argsort(rng.permutation(module.in_channels))
            module.weight.data = module.weight.data[:, inverse]
    return changed


def test_channels_are_permuted_as_weights_would_be():
    model, images = convolutional(), torch.tensor(IMAGES).float()
    before = model(images)
    with shuffled([model[0], model[3], model[7]], np.random.default_rng(7)):
        permuted = model(images)
    torch.testing.assert_close(permuted, permuted_weights(model, 7)(images))
    torch.testing.assert_close(model(images), before)
    assert (permuted - before).abs().max() > 0.01


def test_permutations_are_measured_beside_the_model():
    model = convolutional(dtype=torch.float64)
    plain = sensitivities(model, IMAGES, roll, rng=0)
    both = sensitivities(model, IMAGES, roll, rng=0, shuffle_channels=3)
    for name in ("D", "G", "Q", "D_err"):
        assert np.array_equal(getattr(plain, name), getattr(both, name))
    assert both.D_shuffled.shape == both.G_shuffled.shape == (3, len(both.layers))
    assert np.array_equal(both.channel_pooling, both.D_shuffled.mean(axis=0) / both.D)
    assert np.allclose(both.D_shuffled[:, 0], both.D[0])
    assert both.channel_pooling_err[0] < 1e-12
    spread = both.D_shuffled[:, 4:].std(axis=0, ddof=1)
    assert (spread > 0).all()
    assert (both.channel_pooling_err[4:] > spread / both.D[4:] / np.sqrt(3) - 1e-12).all()
    assert plain.channel_pooling.shape == plain.channel_pooling_err.shape == (0,)
    assert "3 networks with permuted channels; BatchNorm: stored statistics" in repr(both)
    assert "D shuffled/D" in repr(both)
    assert "D_shuffled" not in plain.to_dataframe()


def test_filters_alike_in_all_channels_do_not_notice():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3)).double()
    for layer in (model[0], model[2]):
        layer.weight.data = layer.weight.data[:, :1].expand_as(layer.weight).clone()
    result = sensitivities(model, IMAGES, roll, rng=0, shuffle_channels=1)
    np.testing.assert_allclose(result.channel_pooling, 1, rtol=1e-12)


@pytest.mark.parametrize("count", [30, 250])
def test_statistics_are_those_of_the_images(count):
    """Of the first norm, which sees no other: means over all images, variances over batches."""
    model = convolutional(dtype=torch.float64)
    images = np.random.default_rng(1).random((count, 3, 10, 10))
    before = model[1].running_mean.clone()
    result = sensitivities(model, images, roll, layers=["1"], recalibrate="always", rng=0)
    assert result.normalisations == 1
    assert "BatchNorm: statistics measured again" in repr(result)
    assert torch.equal(model[1].running_mean, before)
    parts = [torch.tensor(part) for part in np.array_split(images, max(1, count // 100))]
    assert recalibrated(model, parts) == 1
    with torch.no_grad():
        values = model[0](torch.tensor(images)).transpose(0, 1).flatten(1)
    torch.testing.assert_close(model[1].running_mean, values.mean(dim=1))
    torch.testing.assert_close(model[1].running_var, values.var(dim=1), rtol=1e-2, atol=0)
    by_hand = sensitivities(model, images, roll, layers=["1"], rng=0)
    np.testing.assert_allclose(by_hand.Q, result.Q, rtol=1e-12)


def test_recalibrating_after_permuting_is_by_hand_the_same():
    model = convolutional(dtype=torch.float64)
    given = {"layers": ["9"], "shuffle_channels": 1, "rng": 0}
    stored = sensitivities(model, IMAGES, roll, **given)
    again = sensitivities(model, IMAGES, roll, recalibrate="shuffled", **given)
    always = sensitivities(model, IMAGES, roll, recalibrate="always", **given)
    assert again.D == stored.D
    assert again.D != always.D
    assert again.D_shuffled == always.D_shuffled
    assert again.D_shuffled != stored.D_shuffled
    assert "statistics measured again after permuting" in repr(again)


def test_a_model_without_convolutions_says_so():
    model = nn.Sequential(nn.Flatten(), nn.Linear(300, 4))
    assert sensitivities(model, IMAGES, roll, rng=0).layers == ("input", "0", "1")
    with pytest.raises(ValueError, match="convolutions must be None unless"):
        sensitivities(model, IMAGES, roll, convolutions=["0"], rng=0)
    with pytest.raises(ValueError, match=r"convolutions must be modules .* '1' is none"):
        sensitivities(model, IMAGES, roll, shuffle_channels=1, convolutions=["1"], rng=0)
    with pytest.raises(ValueError, match=r"model must have a convolution .* Flatten, Linear"):
        sensitivities(model, IMAGES, roll, shuffle_channels=1, rng=0)


def test_layers_that_permuting_kills_or_moves():
    """The first convolution sees one channel only; zeros come there by the permutation."""
    model = nn.Sequential(nn.Conv2d(2, 1, 1, bias=False), nn.Identity()).double()
    model[0].weight.data = torch.tensor([[[[1.0]], [[0.0]]]], dtype=torch.float64)
    images = np.stack([np.zeros((30, 10, 10)), IMAGES[:, 0]], axis=1)[:, ::-1].copy()
    seeds = range(6)
    runs = [sensitivities(model, images, roll, noise=0.1, shuffle_channels=1, rng=s) for s in seeds]
    reason = "with permuted channels, images look alike or the noise changes fewer than 10"
    dead = [run for run in runs if run.left_out]
    assert 0 < len(dead) < len(runs)
    assert all(run.left_out == {"0": reason, "1": reason} for run in dead)
    still = sensitivities(
        model,
        images,
        lambda x, _: x * [[[1]], [[1]]] + [[[0]], [[1]]],
        noise=0.1,
        shuffle_channels=1,
        rng=0,
    )
    assert set(still.channel_pooling) <= {1.0, np.inf}
    assert np.isfinite(still.channel_pooling_err).all()


def test_convolutions_of_any_kind_are_permuted_if_named():
    """Such as those of the published code, whose weights are divided in the forward pass."""

    class Scaled(nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.weight, self.bias = nn.Parameter(2 * layer.weight), layer.bias

        def forward(self, images):
            return nn.functional.conv2d(images, self.weight / 2, self.bias)

    model = convolutional(dtype=torch.float64)
    other = copy.deepcopy(model)
    other[3] = Scaled(model[3])
    given = {"layers": ["9"], "shuffle_channels": 2, "rng": 0}
    usual = sensitivities(model, IMAGES, roll, convolutions=["3"], **given)
    scaled = sensitivities(other, IMAGES, roll, convolutions=["3"], **given)
    np.testing.assert_allclose(usual.D_shuffled, scaled.D_shuffled, rtol=1e-12)
    all_of_them = sensitivities(model, IMAGES, roll, **given)
    assert abs(all_of_them.D_shuffled / usual.D_shuffled - 1).max() > 1e-3
