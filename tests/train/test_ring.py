"""Circular networks: their laws, symmetry, and that other wings can read them."""

from __future__ import annotations

import math

import pytest

import scaledet as sd
from scaledet.train import ring_net

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 2), (5, 1), (2, 1)])
def test_networks_are_circular(dim, kernel, stride):
    net = ring_net(2, kernel, stride, 4, dim=dim, rng=0).double()
    images = torch.rand(3, 1, *(16,) * dim, generator=torch.Generator().manual_seed(0)).double()
    step = stride**2
    for axis in range(2, 2 + dim):
        torch.testing.assert_close(net(images.roll(step, axis)), net(images))
        if stride > 1:
            assert not torch.allclose(net(images.roll(1, axis)), net(images))


def test_initial_weights_have_the_laws_that_are_stated():
    net = ring_net(layers=3, kernel=4, stride=2, channels=200, rng=0)
    spectrum = sd.measure.filter_spectrum(net)
    assert spectrum.layers == ("conv1", "conv2", "conv3")
    assert spectrum.weight_variance == pytest.approx([2, 2, 2], rel=0.1)
    assert spectrum.bias_variance == pytest.approx([1, 1, 1], rel=0.3)
    assert (net.head.weight * 200).std().item() == pytest.approx(1, rel=0.2)
    assert net.conv2.weight_unit == pytest.approx(math.sqrt(2 / 800))
    assert net.head.weight_unit == 1 / 200
    standard = ring_net(layers=2, channels=200, parametrization="standard", rng=0)
    spectrum = sd.measure.filter_spectrum(standard)
    assert spectrum.weight_variance == pytest.approx([2, 2], rel=0.2)
    assert spectrum.bias_variance == pytest.approx([0, 0])
    assert standard.head.weight.std().item() == pytest.approx(200**-0.5, rel=0.2)
    assert not standard.head.bias.any()
    assert not hasattr(standard.head, "weight_unit")


def test_equal_seeds_give_equal_networks_and_torch_is_not_asked():
    state = torch.get_rng_state()
    first, second, third = (ring_net(2, rng=seed).conv2.weight for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("dim", [1, 2])
def test_skeletons_are_read(dim):
    network = sd.from_torch(ring_net(3, 3, 2, 4, dim=dim, rng=0), (1, *(16,) * dim)).network
    assert network.depth == 4
    assert all(layer.padding_mode == "circular" for layer in network.layers[:3])
    bare = sd.from_torch(ring_net(4, channels=4, dim=dim, rng=0), (1, *(16,) * dim))
    assert bare.network.layers == sd.Network.uniform(2, 2, 4, dim=dim, padding=0).layers


def test_biases_can_be_left_out():
    net = ring_net(2, bias=False, rng=0)
    assert net.conv1.bias is None
    assert net.head.bias is not None


def test_kernels_may_differ_and_the_gain_scales_the_first_weights():
    net = ring_net(3, [3, 5, 9], 1, 100, gain=0.5, rng=0).double()
    assert [module.weight.shape[2] for module in (net.conv1, net.conv2, net.conv3)] == [3, 5, 9]
    assert sd.measure.filter_spectrum(net).weight_variance == pytest.approx([0.25] * 3, rel=0.3)
    assert net.conv3.weight_unit == pytest.approx(0.5 / math.sqrt(900))
    images = torch.rand(2, 1, 16).double()
    torch.testing.assert_close(net(images.roll(1, 2)), net(images))


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        ([3, 5], "kernel must hold one side per layer, 3; got 2"),
        ([3, 5, 0], r"kernel\[2\] must be an integer >= 1; got 0"),
        ([3, 5, 1], r"stride must be an integer in \[1, 1\]; got 2"),
    ],
)
def test_kernels_that_do_not_fit_are_refused(kernel, message):
    with pytest.raises(ValueError, match=message):
        ring_net(3, kernel, 2, 4, rng=0)
