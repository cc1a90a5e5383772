"""Small architectures: their sizes, what reads and measures them, and their seeds."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import scaledet as sd

torch = pytest.importorskip("torch")

from scaledet import train  # noqa: E402

NETS = {"lenet": train.lenet, "vgg": train.vgg, "all_conv": train.all_conv, "resnet": train.resnet}
IMAGES = np.random.default_rng(0).random((20, 3, 32, 32)).astype(np.float32)
every_net = pytest.mark.parametrize("build", NETS.values(), ids=NETS)


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("name", "colour", "grey"),
    [
        ("lenet", 62006, 60941),  # LeNet-5 of PyTorch's tutorial has as many.
        ("vgg", 135322, 134449),
        ("all_conv", 98330, 97457),
        ("resnet", 151578, 150705),
    ],
)
def test_numbers_of_parameters(name, colour, grey):
    for net, number in ((NETS[name](3, 10), colour), (NETS[name](1, 1), grey)):
        assert sum(weights.numel() for weights in net.parameters()) == number


@every_net
def test_units_are_called_once_in_order_and_end_with_the_output(build):
    net = build(3, 10, rng=0).eval()
    measured = sd.measure.sensitivities(net, IMAGES, "shift", layers=train.units(net), rng=0)
    assert list(measured.layers) == train.units(net)
    last = sd.measure.sensitivities(net, IMAGES, "shift", layers=["output"], rng=0)
    assert measured.D[-1] == last.D[0]
    assert not any("#" in name for name in measured.layers)


@every_net
def test_units_are_rectified_but_the_last(build):
    net, outputs = build(3, 10, rng=0).eval(), {}
    for name in train.units(net):
        module = net.get_submodule(name)
        module.register_forward_hook(lambda _m, _i, out, name=name: outputs.update({name: out}))
    net(torch.from_numpy(IMAGES))
    assert all((outputs[name] >= 0).all() for name in train.units(net)[:-1])
    assert outputs["head"].shape == (20, 10)
    assert (outputs["head"] < 0).any()


@every_net
def test_convolutions_have_a_filter_spectrum(build):
    net = build(3, 10, rng=0)
    names = train.convolutions(net)
    spectrum = sd.measure.filter_spectrum(net, layers=names)
    assert set(spectrum.kernels) == {(5, 5) if build is train.lenet else (3, 3)}
    others = set(sd.measure.filter_spectrum(net).layers) - set(names)
    assert all(net.get_submodule(name).kernel_size == (1, 1) for name in others)
    assert len(others) == (3 if build is train.resnet else 0)


@pytest.mark.parametrize(
    ("build", "sides"),
    [
        (train.lenet, [28, 14, 10, 5]),
        (train.vgg, [32, 16, 16, 8, 8, 8, 4, 4, 4, 2, 1]),
        (train.all_conv, [32, 16, 8, 4, 2, 1]),
        (train.resnet, [32, *[16] * 4, *[8] * 4, *[4] * 4, 1]),
    ],
    ids=NETS,
)
def test_from_torch_reads_the_sides(build, sides):
    skeleton = sd.from_torch(build(rng=0), (1, 32, 32))
    assert not [row for row in skeleton.readings if row.status == "dropped"]
    assert [side for side, _ in skeleton.network.sizes(32)[1:]] == sides


@every_net
def test_rng_decides_the_weights_and_leaves_that_of_torch(build):
    before = torch.random.get_rng_state()
    first, again, other = (state(build(3, 10, rng=seed)) for seed in (5, 5, 6))
    assert same(first, again)
    assert not same(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)


@every_net
def test_nets_can_be_copied_and_pickled(build):
    net = build(rng=0).eval()
    image = torch.ones(2, 1, 32, 32)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(twin(image), net(image))


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_vgg_pools_as_asked(pooling):
    kinds = {type(train.vgg(pooling=pooling).get_submodule(f"pool{k}")) for k in (1, 2, 3, 4)}
    assert kinds == {torch.nn.MaxPool2d if pooling == "max" else torch.nn.AvgPool2d}


@pytest.mark.parametrize("build", [train.vgg, train.all_conv, train.resnet])
def test_circular_net_without_normalisation_is_equivariant(build):
    """A shift by all strides moves nothing but places, so the global mean stays."""
    net = build(batch_norm=False, padding_mode="circular", rng=0).eval()
    image = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    shifted = torch.roll(image, 16, dims=-1)
    torch.testing.assert_close(net(shifted), net(image))
    padded = build(batch_norm=False, rng=0).eval()
    assert not torch.allclose(padded(shifted), padded(image), atol=1e-6)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in net.modules())
    assert net.conv1[0].bias is not None


@every_net
def test_width_scales_channels(build):
    narrow, default = build(width=2), build()
    count = [sum(w.numel() for w in net.parameters()) for net in (narrow, default)]
    assert count[0] < count[1] / 5


def test_lenet_takes_other_sides():
    assert train.lenet(size=28)(torch.zeros(3, 1, 28, 28)).shape == (3, 1)
    with pytest.raises(ValueError, match="size must be an integer >= 16"):
        train.lenet(size=15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: train.vgg(0), "in_channels must be"),
        (lambda: train.resnet(classes=0), "classes must be"),
        (lambda: train.lenet(width=0), "width must be"),
        (lambda: train.vgg(pooling="mean"), "pooling must be"),
        (lambda: train.all_conv(padding_mode="same"), "padding_mode must be"),
        (lambda: train.all_conv(batch_norm=1), "batch_norm must be"),
        (lambda: train.units(torch.nn.ReLU()), r"model must be a torch\.nn\.Sequential"),
        (lambda: train.convolutions(None), r"model must be a torch\.nn\.Sequential"),
        (lambda: train.calibrate(None, IMAGES), r"model must be a torch\.nn\.Module"),
        (lambda: train.calibrate(train.vgg(3), IMAGES[:9]), "n at least 10; got shape"),
        (lambda: train.calibrate(train.vgg(3), IMAGES * np.nan), "images must be .* not finite"),
        (
            lambda: train.calibrate(train.vgg(1), IMAGES),
            r"must take images of shape \[2, 3, 32, 32",
        ),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(sd.errors.ArgumentError, match=message):
        call()


def test_calibration_gives_normalised_maps_and_nothing_else():
    images = 3 + 2 * np.random.default_rng(1).standard_normal((300, 3, 32, 32))
    net = train.resnet(3, 10, rng=0)
    before, generator = state(net), torch.random.get_rng_state()
    train.calibrate(net, images)
    after = state(net)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if "running" in name or "num_batches" in name}
    assert net.training
    assert torch.equal(torch.random.get_rng_state(), generator)
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert all(norm.momentum == 0.1 and norm.training for norm in norms)
    # By hand: the mean over three batches of what enters the first normalisation.
    maps = net.conv1[0](torch.from_numpy(images).float()).detach()
    torch.testing.assert_close(net.conv1[1].running_mean, maps.mean(dim=(0, 2, 3)))
    parts = torch.stack([part.var(dim=(0, 2, 3)) for part in maps.chunk(3)])
    torch.testing.assert_close(net.conv1[1].running_var, parts.mean(dim=0))


def test_calibration_leaves_a_net_without_normalisation_as_it_is():
    train.calibrate(torch.nn.ReLU(), IMAGES)
    net = train.lenet(3, rng=0)
    before = state(net)
    train.calibrate(net, IMAGES)
    assert same(before, state(net))


def test_calibration_keeps_a_mode_and_counts_no_gradient():
    net = train.vgg(3, rng=0).eval()
    train.calibrate(net, torch.from_numpy(IMAGES))
    assert not any(module.training for module in net.modules())
    assert all(weights.grad is None for weights in net.parameters())


def test_units_of_a_flat_sequence_are_its_rectifiers_and_head():
    nn = torch.nn
    parts = {"pad1": nn.CircularPad1d(1), "conv1": nn.Conv1d(1, 4, 3), "relu1": nn.ReLU()}
    parts |= {"conv2": nn.Conv1d(4, 4, 2, 2), "relu2": nn.ReLU(), "pool": nn.AdaptiveAvgPool1d(1)}
    net = nn.Sequential(OrderedDict(parts | {"flatten": nn.Flatten(), "head": nn.Linear(4, 1)}))
    assert train.units(net) == ["relu1", "relu2", "head"]
    assert train.convolutions(net) == ["conv1", "conv2"]
