"""The presets: against modules typed from the papers, published receptive fields and sizes."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from scaledet import presets
from scaledet.network.pooling import apply_layer

RECEPTIVE_FIELDS = {
    # Araujo, Norris, Sim 2019 (Distill): alexnet_v2, vgg_16, resnet_v1_50.
    ("alexnet", "pool5"): 195,
    ("vgg16", "conv5_3"): 196,
    ("vgg16", "pool5"): 212,
    ("resnet50", "layer4.2.sum"): 483,
}


@pytest.mark.parametrize(("place", "expected"), RECEPTIVE_FIELDS.items())
def test_published_receptive_fields(place, expected):
    net = getattr(presets, place[0])()
    assert net.support[net.names.index(place[1]) + 1] == expected


def test_resnet50_of_torchvision_sees_less():
    assert presets.resnet50(stride_in="3x3").support[-1] == 427


@pytest.mark.parametrize("name", presets.list())
@pytest.mark.parametrize("blur", [None, "rect2", "tri3", "bin5", [1, 3, 3, 1]])
def test_output_sizes_do_not_depend_on_the_blur(name, blur):
    net = getattr(presets, name)(blur=blur)
    size, expected = {"lenet5": (32, 1), "alexnet": (224, 6)}.get(name, (224, 7))
    assert net.sizes(size)[-1] == (expected, expected)
    strides = {"lenet5": 4}
    assert net.strides[-1] == strides.get(name, 32)


def test_the_list_is_what_there_is():
    assert set(presets.list()) == set(presets.__all__) - {"list"}
    assert all(isinstance(getattr(presets, name)(), sd.Network) for name in presets.list())


@pytest.mark.parametrize("name", presets.list())
def test_max_pooling_stays_on_demand(name):
    average, largest = (getattr(presets, name)(max_pooling=p) for p in ("average", "max"))
    count = sum(layer.is_max for layer in largest)
    pools = {"lenet5": 0, "alexnet": 3, "efficientnet_b0": 0}
    assert count == pools.get(name, 5 if name.startswith("vgg") else 1)
    assert not any(layer.is_max for layer in average)
    assert average.support == largest.support


def test_blur_takes_kernels_and_names():
    assert presets.vgg11(blur=[1, 2, 1]) == presets.vgg11(blur="tri3")
    assert presets.vgg11(blur=sd.binomial(5)) == presets.vgg11(blur="bin5")
    layer = presets.vgg11(blur="bin5")[2]
    assert (layer.kernel, layer.step, layer.padding) == (sd.binomial(5), 2, 2)
    assert layer.padding_mode == "reflect"


def test_the_average_for_a_padded_maximum_leaves_out_the_padding():
    net = presets.resnet18()
    image = np.ones((1, 16, 16))
    np.testing.assert_allclose(apply_layer(image, net[1], rectify=True), 1, rtol=1e-14)


def test_residual_sums_and_projections():
    net = presets.resnet18()
    names = ("image", *net.names)
    sums = {names[k]: net.inputs[k - 1] for k in range(1, len(names)) if "sum" in names[k]}
    assert len(sums) == 8
    assert [names[j] for j in sums["layer1.0.sum"]] == ["maxpool", "layer1.0.conv2"]
    assert [names[j] for j in sums["layer2.0.sum"]] == ["layer2.0.downsample", "layer2.0.conv2"]
    assert net[names.index("layer2.0.downsample") - 1] == sd.Layer(1, 2, padding=0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: presets.vgg16(blur="tri4"), "'rect2', 'tri3', 'bin5'; got 'tri4'"),
        (lambda: presets.vgg16(blur=0), "got 0"),
        (lambda: presets.vgg16(max_pooling="mean"), "max_pooling must be one of"),
        (lambda: presets.resnet50(stride_in="conv2"), "'1x1', '3x3'; got 'conv2'"),
        (lambda: presets.resnet50().sizes(16) and presets.alexnet().sizes(16), "pool2"),
    ],
)
def test_wrong_arguments(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def typed(name, blur):
    """Return the module, the shape of its input and the preset that it should be."""
    models = pytest.importorskip("tests.network.torch_models")
    shape, preset = (3, 224, 224), getattr(presets, name)
    if name in models.VGG:
        return models.vgg(models.VGG[name], blur), shape, preset(blur=blur)
    if name.startswith("resnet"):
        kind = "1x1" if name == "resnet50" else None
        counts = {"resnet18": (2, 2, 2, 2)}.get(name, (3, 4, 6, 3))
        return models.resnet(counts, kind, blur), shape, preset(blur=blur)
    shape = (1, 32, 32) if name == "lenet5" else shape
    return getattr(models, name)(blur), shape, preset(blur=blur)


@pytest.mark.parametrize("blur", [None, "rect2", "bin5"])
@pytest.mark.parametrize("name", presets.list())
def test_presets_are_the_skeletons_of_the_modules(name, blur):
    pytest.importorskip("torch")
    module, shape, expected = typed(name, blur)
    net = sd.from_torch(module, shape).network
    assert net.layers == expected.layers
    assert net.inputs == expected.inputs


def test_resnet50_with_the_stride_of_torchvision():
    pytest.importorskip("torch")
    from tests.network.torch_models import resnet

    module = resnet((3, 4, 6, 3), "3x3")
    net = sd.from_torch(module, (3, 64, 64), max_pooling="max").network
    expected = presets.resnet50(stride_in="3x3", max_pooling="max")
    assert (net.layers, net.inputs) == (expected.layers, expected.inputs)
    assert net.layers != presets.resnet50(max_pooling="max").layers


@pytest.mark.parametrize(
    ("name", "bottleneck", "expected", "size"),
    [
        ("alexnet", None, 195, 255),
        ("vgg16", None, 212, 256),
        ("resnet18", None, 435, 512),
        ("resnet50", "1x1", 483, 576),
        ("resnet50", "3x3", 427, 512),
    ],
)
def test_receptive_fields_are_where_the_gradient_of_the_module_is_not_zero(
    name, bottleneck, expected, size
):
    torch = pytest.importorskip("torch")
    models = pytest.importorskip("tests.network.torch_models")
    if name.startswith("resnet"):
        counts = (2, 2, 2, 2) if name == "resnet18" else (3, 4, 6, 3)
        module = models.resnet(counts, bottleneck)
    elif name in models.VGG:
        module = models.vgg(models.VGG[name])[:-6]
    else:
        module = models.alexnet()[:-1]
    for part in module.modules():
        if isinstance(part, torch.nn.Conv2d):
            part.weight.data.fill_(1 / part.weight[0].numel())
            if part.bias is not None:
                part.bias.data.zero_()
    for j, part in enumerate(module):  # A maximum would pass the gradient of one pixel only.
        if isinstance(part, torch.nn.MaxPool2d):
            module[j] = torch.nn.AvgPool2d(part.kernel_size, part.stride, part.padding)
    image = torch.ones(1, 3, 64, size, dtype=torch.float64, requires_grad=True)
    output = module.double().eval()(image)
    output[0, 0, 0, output.shape[3] // 2].backward()
    (columns,) = torch.nonzero(image.grad[0].abs().sum((0, 1)), as_tuple=True)
    assert int(columns[-1] - columns[0]) + 1 == len(columns) == expected
