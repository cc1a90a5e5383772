"""The convolutions that are read from a model make the numbers that its ReLUs return."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import scaledet as sd
from scaledet.measure.chain import chain_of
from scaledet.measure.joining import joined
from scaledet.network.layer import Layer
from scaledet.network.pooling import apply_layer
from scaledet.network.tap_covariance import window_sites
from tests.measure.networks import constant_filters, convolutional


def sent(chain, images):
    """The maps behind every ReLU, by what was read alone: [n, channels, sites]."""
    maps = images.reshape(*images.shape[:2], -1)
    for each, sides in zip(chain.convolutions, chain.network.sizes(chain.sides), strict=False):
        windows = np.pad(maps, ((0, 0), (0, 0), (0, 1)))[:, :, window_sites(each.layer, sides)]
        windows = windows @ each.combined
        maps = np.einsum("ncif,hcf->nhi", windows, each.filters) + each.biases[:, None]
        maps = np.maximum(maps, 0)
        yield each.unit, maps


def heard(model, images):
    """The outputs of all modules of a model, by name and number of the call."""
    outputs, handles = {}, []

    def hook(name):
        def keep(_module, _inputs, output):
            number = sum(key.partition("#")[0] == name for key in outputs)
            key = f"{name}#{number + 1}" if number else name
            outputs[key] = output.detach().numpy().copy()

        return keep

    for name, module in model.named_modules():
        handles.append(module.register_forward_hook(hook(name)))
    with torch.no_grad():
        model(torch.from_numpy(images))
    for handle in handles:
        handle.remove()
    return outputs


def normalised(channels):
    norm = nn.BatchNorm2d(channels)
    norm.running_mean.uniform_(-0.2, 0.2)
    norm.running_var.uniform_(0.5, 2)
    nn.init.uniform_(norm.weight, -1, 1)
    nn.init.uniform_(norm.bias)
    return norm


class Scaled(nn.Conv1d):
    """Scales its weights in its forward pass."""

    def forward(self, images):
        return nn.functional.conv1d(images, self.weight / 3, self.bias, self.stride)


class Headed(nn.Module):
    """Ends in a product that no skeleton has."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(Scaled(1, 4, 2, 2), nn.ReLU(), Scaled(4, 4, 2, 2), nn.ReLU())
        self.head = nn.Parameter(torch.ones(4))

    def forward(self, images):
        return self.body(images).mean(-1) @ self.head


def several():
    """BatchNorm, one ReLU used three times, average pooling with overlap, a convolution 1x1."""
    act = nn.ReLU()
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        normalised(8),
        act,
        nn.AvgPool2d(2),
        nn.Conv2d(8, 6, 3, padding=1),
        nn.BatchNorm2d(6, affine=False),
        act,
        nn.Dropout(0.5),
        nn.Conv2d(6, 5, 1, bias=False),
        nn.ReLU(inplace=True),
        nn.AvgPool2d(3, 2, 1),
        nn.Conv2d(5, 4, 2),
        act,
        nn.Flatten(),
        nn.Linear(36, 3),
        nn.ReLU(),
    )


MODELS = {
    "several": (several, (3, 16, 16)),
    "reused in-place ReLU": (convolutional, (3, 10, 10)),
    "around the torus": (lambda: constant_filters(1, 3, 1, 3), (1, 12)),
    "around the torus in 2-D": (lambda: constant_filters(2, 2, 2, 2), (1, 8, 8)),
    "dilated": (
        lambda: nn.Sequential(
            nn.Conv1d(1, 8, 5, padding=2, padding_mode="circular"),
            nn.ReLU(),
            nn.AvgPool1d(2),
            nn.Conv1d(8, 6, 3, padding=2, dilation=2, padding_mode="circular"),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(1),
        ),
        (1, 16),
    ),
    "scaled": (Headed, (1, 8)),
}


@pytest.mark.parametrize("name", MODELS)
def test_what_was_read_makes_the_same_numbers(name):
    torch.manual_seed(0)
    build, shape = MODELS[name]
    model = build().double().eval()
    chain = chain_of(model, shape)
    images = np.random.default_rng(0).normal(size=(3, *shape))
    outputs = heard(model, images)
    made = dict(sent(chain, images))
    convolutions = sum(isinstance(part, nn.Conv1d | nn.Conv2d) for part in model.modules())
    assert len(made) == convolutions - len(chain.remarks)
    for unit, maps in made.items():
        np.testing.assert_allclose(maps, outputs[unit].reshape(maps.shape), atol=1e-12)


def test_exported_models_are_read_as_what_they_were():
    dynamic = ({0: torch.export.Dim.DYNAMIC},)
    model = several().eval()
    exported = torch.export.export(model, (torch.zeros(2, 3, 16, 16),), dynamic_shapes=dynamic)
    chain, expected = (chain_of(each, (3, 16, 16)) for each in (exported, model))
    assert chain.network == expected.network
    for each, other in zip(chain.convolutions, expected.convolutions, strict=True):
        assert each.name == other.name
        np.testing.assert_array_equal(each.filters, other.filters)
        np.testing.assert_array_equal(each.biases, other.biases)
    images = np.random.default_rng(0).normal(size=(10, 3, 16, 16)).astype("float32")
    given = {"displacement": "shift", "mean_filters": False, "rng": 0}
    made, known = (sd.predict_trained(each, images, **given) for each in (exported, model))
    np.testing.assert_allclose(made.D, known.D, rtol=1e-4)
    np.testing.assert_allclose(made.D_independent, known.D_independent, rtol=1e-9)


def test_names_are_those_of_modules():
    chain = chain_of(Headed(), (1, 8))
    assert [each.name for each in chain.convolutions] == ["body.0", "body.2"]
    chain = chain_of(several().eval(), (3, 16, 16))
    assert [each.unit for each in chain.convolutions] == ["2", "2#2", "9", "2#3"]
    assert [each.kernel for each in chain.convolutions] == [(3, 3), (3, 3), (1, 1), (2, 2)]


def test_the_model_is_left_as_it_was():
    model = several().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    chain_of(model, (3, 16, 16))
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_maximum_and_what_no_relu_follows_are_named():
    parts = nn.Conv1d(1, 4, 3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(4, 2, 1)
    chain = chain_of(nn.Sequential(*parts), (1, 8))
    assert [each.name for each in chain.convolutions] == ["0"]
    assert any("for the maximum" in remark and "2" in remark for remark in chain.remarks)
    assert "left out: 3, which no ReLU follows" in chain.remarks


POOLS = [
    (Layer(2, 2, padding=0), Layer(3, 1, padding=1), (12,)),
    (Layer(3, 2, padding=1), Layer(2, 2, padding=0), (11,)),
    (Layer([1, 2, 1], 2, padding=(0, 3)), Layer(3, 1, padding=0, dilation=2), (12,)),
    (Layer(4, 1, padding=2, padding_mode="reflect"), Layer(3, padding=0), (9,)),
    (Layer(3, 3, padding=0), Layer(2, 1, padding=1, padding_mode="circular"), (9,)),
    (Layer((2, 3), (2, 3), padding=0), Layer((3, 2), (1, 2), padding=(1, 0)), (8, 12)),
    (Layer(2, 2, padding=0, ceil_mode=True), Layer(3, padding=1), (8,)),
]


@pytest.mark.parametrize(("pool", "after", "sides"), POOLS)
def test_joined_layers_do_what_both_do(pool, after, sides):
    image = np.random.default_rng(0).normal(size=(1, *sides))
    both = apply_layer(apply_layer(image, pool, rectify=False), after, rectify=False)
    layer, combined = joined(pool, after, sides)
    np.testing.assert_allclose(apply_layer(image, layer, rectify=False), both, atol=1e-12)
    windows = np.append(image.ravel(), 0.0)[window_sites(layer, sides)]
    np.testing.assert_allclose((windows @ combined).mean(axis=1), both.ravel(), atol=1e-12)


@pytest.mark.parametrize(
    ("pool", "after", "sides"),
    [
        (Layer(3, 2, padding=1), Layer(3, 1, padding=1), (11,)),  # averages outside are not 0
        (Layer(2, 2, padding=0), Layer(3, 1, padding=1), (11,)),  # a pixel would be left over
        (Layer(2, 2, padding=0), Layer(3, padding=1, padding_mode="reflect"), (12,)),
        (Layer(3, 2, padding=1, count_include_pad=False), Layer(3, padding=0), (12,)),
        (Layer(2, 2, padding=0, ceil_mode=True), Layer(3, padding=0), (11,)),
        (Layer(2, 2, padding=0, pooling="max"), Layer(3, padding=0), (12,)),
    ],
)
def test_layers_that_are_no_single_one_are_not_joined(pool, after, sides):
    assert joined(pool, after, sides) is None


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv1d(1, 4, 3), nn.Conv1d(4, 4, 3)

    def forward(self, images):
        return torch.relu(self.two(torch.relu(self.one(images))))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv1d(1, 4, 3, padding=1), nn.Conv1d(4, 4, 3, padding=1)
        self.act, self.last = nn.ReLU(), nn.Conv1d(4, 4, 3)

    def forward(self, images):
        first = self.act(self.one(images))
        return self.act(self.last(first + self.act(self.two(first))))


def row(*parts):
    return lambda: nn.Sequential(nn.Conv1d(1, 4, 3), *parts, nn.Conv1d(4, 4, 3), nn.ReLU())


REFUSED = {
    "a function": (Functional, "'relu' .relu., which is a function"),
    "a sum": (Residual, "before 'last', 'add' .add., which joins or leaves a branch"),
    "another activation": (row(nn.Tanh()), "'1' .tanh., which is none of these"),
    "no activation": (row(), "no ReLU separates from '0'"),
    "pooling first": (row(nn.AvgPool1d(2), nn.ReLU()), "'1' .avgpool., which pools before the"),
    "norm last": (row(nn.ReLU(), nn.BatchNorm1d(4)), "'2' .batchnorm., which stands not between"),
    "groups": (
        lambda: nn.Sequential(
            nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Conv1d(4, 4, 3, groups=2), nn.ReLU()
        ),
        "groups=2 at '2'",
    ),
    "padding": (
        lambda: nn.Sequential(
            nn.Conv1d(1, 4, 3), nn.ReLU(), nn.AvgPool1d(3, 2, 1), nn.Conv1d(4, 4, 3, padding=1)
        ),
        "'2'. and '3' do not, by their padding",
    ),
    "no convolution": (lambda: nn.Sequential(nn.AvgPool1d(2)), "must have a convolution; got none"),
    "no ReLU": (lambda: nn.Sequential(nn.Conv1d(1, 4, 3)), "must begin with a convolution and a"),
    "ReLU first": (lambda: nn.Sequential(nn.ReLU(), *row(nn.ReLU())()), "before any convolution"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_chain_is_refused_by_name(name):
    build, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        chain_of(build().eval(), (1, 16))


def test_weights_must_be_finite_and_not_all_zero():
    for value in (0.0, float("nan")):
        model = nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU())
        nn.init.constant_(model[0].weight, value)
        with pytest.raises(ValueError, match="finite weights in every convolution, not all 0; '0'"):
            chain_of(model, (1, 8))
