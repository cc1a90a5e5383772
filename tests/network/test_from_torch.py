"""`from_torch` against the modules themselves, by all three routes."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from scaledet.network.graph import fold
from scaledet.network.pooling import apply_layer

torch = pytest.importorskip("torch")
from tests.network.torch_models import Function, three  # noqa: E402

nn, F = torch.nn, torch.nn.functional
ROUTES = ("export", "fx", "hooks")


def averaging(module):
    """Give every convolution equal weights with sum 1, and no bias."""
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.eps = 0.0
            if isinstance(part, nn.modules.conv._ConvNd):
                part.weight.fill_(1 / part.weight[0].numel())
                if part.bias is not None:
                    part.bias.zero_()
    return module.double().eval()


def pooled(net, images):
    """Return what the network makes of images, its last map."""
    *_, last = fold(
        net,
        images,
        lambda maps, layer, _: apply_layer(maps, layer, rectify=True),
        lambda parts, _: sum(parts),
    )
    return last


def of_module(module, images):
    channels = next(p.shape[1] for p in [*module.parameters(), torch.zeros(1, 1)] if p.ndim > 1)
    given = torch.tensor(images)[:, None].expand(-1, channels, *images.shape[1:])
    with torch.no_grad():
        return module(given)[:, 0].numpy()


def blur(weights, channels=4, dim=2):
    """A depthwise convolution with a fixed filter, behind reflecting padding."""
    line = torch.tensor(weights, dtype=torch.float64)
    grid = line if dim == 1 else line[:, None] * line
    kind = {1: nn.Conv1d, 2: nn.Conv2d}[dim]
    part = kind(channels, channels, len(line), 2, groups=channels, bias=False)
    part.weight = nn.Parameter(
        (grid / grid.sum()).expand_as(part.weight).clone(), requires_grad=False
    )
    total = len(line) - 1
    pad = {1: nn.ReflectionPad1d, 2: nn.ReflectionPad2d}[dim]
    return nn.Sequential(pad((total // 2, total - total // 2) * dim), part)


MODULES = {
    "padded strided dilated": lambda: nn.Sequential(
        nn.Conv2d(3, 4, (3, 5), (1, 2), (1, 0)),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 4, 3, padding=(2, 3), dilation=(2, 3), groups=2),
        nn.Conv2d(4, 5, 1),
        nn.LeakyReLU(),
    ),
    "same and valid": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 4, padding="same"), nn.Conv2d(4, 4, 3, padding="valid")
    ),
    "strided 1x1": lambda: nn.Sequential(nn.Conv2d(2, 4, 1, 2), nn.Conv2d(4, 4, 3, padding=1)),
    "averages": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.AvgPool2d(3, 2, 1),
        nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        nn.AvgPool2d(2, ceil_mode=True),
    ),
    "padding modes": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular"),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="replicate"),
        nn.ReflectionPad2d((0, 1, 2, 1)),
        nn.Conv2d(4, 4, 3, 2),
        nn.ZeroPad2d((1, 0, 2, 0)),
        nn.AvgPool2d(2, 1, 1),
    ),
    "padding of its own": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReplicationPad2d(2),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.CircularPad2d(1),
        nn.Conv2d(4, 4, 3, padding=1),
    ),
    "blur": lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), blur([1, 2, 1]), blur([1, 3, 2])),
    "one dimension": lambda: nn.Sequential(
        nn.Conv1d(2, 4, 5, 2, 2),
        blur([1, 2, 1], dim=1),
        nn.AvgPool1d(2),
        nn.ConstantPad1d((1, 0), 0),
    ),
    "three dimensions": lambda: nn.Sequential(
        nn.Conv3d(1, 2, (3, 1, 5), padding=(1, 0, 2)), nn.AvgPool3d(2), nn.AdaptiveAvgPool3d(2)
    ),
    "adaptive": lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.AdaptiveAvgPool2d((8, 4))),
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", MODULES)
def test_averaging_modules_are_what_the_network_computes(name, route):
    module = averaging(MODULES[name]())
    if name == "one dimension":
        module.append(nn.Conv1d(4, 4, 2, dtype=torch.float64))
        averaging(module[-1])
    dim = {"one dimension": 1, "three dimensions": 3}.get(name, 2)
    channels = next(module.parameters()).shape[1]
    size = 8 if dim == 3 else 16
    skeleton = sd.from_torch(module, (channels, *[size] * dim), route=route)
    assert skeleton.route == route
    images = np.random.default_rng(1).random((3, *[size] * dim))
    np.testing.assert_allclose(
        pooled(skeleton.network, images), of_module(module, images), rtol=0, atol=1e-6
    )


def residual(self, x):
    x = F.relu(self.first(x))
    y = self.second(F.relu(x))
    y += self.shortcut(x)
    return F.avg_pool2d(y, 2) + F.avg_pool2d(F.relu(y), 3, 2, 1)


def residual_module():
    return Function(
        residual,
        first=nn.Conv2d(1, 4, 3, padding=1),
        second=nn.Conv2d(4, 4, 3, 2, 1),
        shortcut=nn.Conv2d(4, 4, 1, 2),
    )


@pytest.mark.parametrize("route", ["export", "fx"])
def test_sums_of_branches(route):
    module = averaging(residual_module())
    net = sd.from_torch(module, (1, 16, 16), route=route).network
    assert net.inputs == ((0,), (1,), (1,), (2, 3), (4,), (4,), (5, 6))
    images = np.random.default_rng(2).random((3, 16, 16))
    np.testing.assert_allclose(pooled(net, images), of_module(module, images), atol=1e-6)
    # Without the shortcut the comparison fails.
    rows = [(2,) if row == (2, 3) else row for row in net.inputs]
    wrong = sd.Network(net.layers, 2, inputs=rows)
    assert np.abs(pooled(wrong, images) - of_module(module, images)).max() > 0.1


def test_predictions_are_those_of_the_module_with_equal_weights():
    """All images of one pixel pass through the module: no part of the theory is used."""
    module, side = averaging(residual_module()), 8
    theory = sd.predict(sd.from_torch(module, (1, side, side)).network, size=side)
    images = np.eye(side**2).reshape(-1, side, side)
    values = of_module(module, images).reshape(side, side, -1)
    steps = [((values - np.roll(values, 1, axis)) ** 2).sum(2).mean() for axis in (0, 1)]
    spread = 2 * ((values - values.mean((0, 1))) ** 2).sum(2).mean()
    assert theory.D[-1] == pytest.approx(np.mean(steps) / spread, rel=1e-5)


def test_a_sum_in_place_changes_the_value_for_later_users():
    def forward(self, x):
        x = self.first(x)
        y = self.second(x)
        x += y
        return self.third(x) + x

    parts = {name: nn.Conv2d(1, 1, 3, padding=1) for name in ("first", "second", "third")}
    module = averaging(Function(forward, **parts))
    net = sd.from_torch(module, (1, 8, 8), route="export").network
    assert net.inputs == ((0,), (1,), (1, 2), (3,), (4, 3))
    images = np.random.default_rng(3).random((2, 8, 8))
    np.testing.assert_allclose(pooled(net, images), of_module(module, images), atol=1e-6)


def test_hooks_refuse_what_happens_between_parts():
    with pytest.raises(ValueError, match=r"after 'first', as the input of 'second' a tensor that"):
        sd.from_torch(residual_module(), (1, 16, 16), route="hooks")


def data_dependent(self, x):
    x = self.first(x)
    if x.abs().sum() > -1:
        x = self.second(x)
    return self.third(x)


def test_control_flow_falls_through_to_hooks(capfd):
    module = Function(data_dependent, **three())
    skeleton = sd.from_torch(module, (1, 8, 8))
    assert capfd.readouterr() == ("", "")
    assert skeleton.route == "hooks"
    assert skeleton.network.names == ("first", "second", "third")
    assert "read by hooks: the path that three images took" in repr(skeleton)
    for route in ("export", "fx"):
        with pytest.raises(ValueError, match=rf"got Function, which fails by every .*\({route}: "):
            sd.from_torch(module, (1, 8, 8), route=route)


def test_hooks_refuse_a_path_that_depends_on_the_image():
    def forward(self, x):
        return self.second(x) if x.abs().sum() > 0 else self.third(x)

    with pytest.raises(ValueError, match="same path for every image"):
        sd.from_torch(Function(forward, **three()), (1, 8, 8))


@pytest.mark.parametrize(
    "changed",
    [
        F.relu,
        lambda x: x + 1,
        lambda x: x.mul_(2),
        lambda x: x.flip(2),
        lambda x: x.clone(),
    ],
)
def test_hooks_see_that_something_happened(changed):
    def forward(self, x):
        x = self.first(x)
        x = changed(x) if x.abs().sum() >= 0 else x
        return self.third(self.second(x))

    with pytest.raises(ValueError, match="as the input of 'second' a tensor that no part"):
        sd.from_torch(Function(forward, **three()), (1, 8, 8))

    def at_the_end(self, x):
        x = self.first(x)
        return changed(x) if x.abs().sum() >= 0 else x

    with pytest.raises(ValueError, match="as the output a tensor that no part"):
        sd.from_torch(Function(at_the_end, **three()), (1, 8, 8))


def test_hooks_follow_reshapes_and_repeated_parts():
    def forward(self, x):
        x = self.first(x)
        x = self.first(x) if x.abs().sum() >= 0 else x
        return self.head(self.third(x).flatten(1))

    module = Function(forward, **three(head=nn.Linear(16, 2)))
    skeleton = sd.from_torch(module, (1, 8, 8))
    assert skeleton.network.names == ("first", "first #2", "third")
    assert [row.operation for row in skeleton.readings][-2:] == ["reshape", "linear"]


@pytest.mark.parametrize("route", ["export", "fx"])
def test_squeeze_and_excitation_is_dropped_and_named(route):
    def forward(self, x):
        x = self.first(x)
        return self.third(x * torch.sigmoid(self.mix(self.squeeze(x))))

    module = Function(forward, **three(squeeze=nn.AdaptiveAvgPool2d(1), mix=nn.Conv2d(1, 1, 1)))
    skeleton = sd.from_torch(module, (1, 8, 8), route=route)
    assert skeleton.network.names == ("first", "third")
    dropped = {row.name: row.note for row in skeleton.readings if row.status == "dropped"}
    assert set(dropped) == {"squeeze", "mul"}
    assert "squeeze-and-excitation" in dropped["mul"]
    assert "dropped: mul (mul): what has no places" in repr(skeleton)


def test_the_report_names_every_step():
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.GroupNorm(2, 4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        blur([1, 2, 1]).float(),
        nn.Conv2d(4, 4, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )
    table = sd.from_torch(module, (3, 16, 16)).to_dataframe()
    assert list(table["step"]) == ["0", "1", "2", "3", "4.0", "4.1", "5", "6", "7", "8"]
    expected = "replaced dropped inert replaced read read inert read read inert"
    assert list(table["status"]) == expected.split()
    assert list(table["k"]) == [1, "", "", 2, "", 3, "", 4, "", ""]
    assert table["layer"][6 + 1] == "box(4), stride=4, padding=0"
    assert "global pooling" in table["note"][7]


@pytest.mark.parametrize("method", [lambda x: x.mean((2, 3)), lambda x: x.mean([-1, -2], True)])
def test_a_mean_over_all_sides_is_global_pooling(method):
    module = Function(lambda self, x: method(self.first(x)), **three())
    assert sd.from_torch(module, (1, 6, 4)).network[1] == sd.Layer((6, 4), (6, 4), padding=0)


def test_max_pooling_is_an_average_or_itself():
    module = nn.Sequential(nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.MaxPool2d(2, dilation=2))
    average = sd.from_torch(module, (1, 16, 16))
    assert average.network[0] == sd.Layer(3, 2, padding=1, ceil_mode=True, count_include_pad=False)
    assert {row.status for row in average.readings} == {"replaced"}
    largest = sd.from_torch(module, (1, 16, 16), max_pooling="max")
    assert {row.status for row in largest.readings} == {"read"}
    assert "max pooling is for simulate" in repr(largest)
    images = np.random.default_rng(4).random((3, 16, 16))
    maxima = of_module(module.double(), images)
    np.testing.assert_array_equal(pooled(largest.network, images), maxima)


def test_measured_filters_are_mean_absolute_weights():
    module = nn.Conv2d(3, 5, 3, padding=1)
    profile = module.weight.detach().double().abs().mean((0, 1)).numpy()
    (layer,) = sd.from_torch(module, (3, 8, 8), filters="measured").network
    np.testing.assert_allclose(layer.filter.array(), profile / profile.sum(), atol=1e-6)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([1.0, -2, 1])[:, None] * torch.tensor([3.0, 0, -1]))
    (layer,) = sd.from_torch(module, (3, 8, 8), filters="measured").network
    assert layer.taps == (sd.Kernel([1, 2, 1]), sd.Kernel([3, 0, 1]))
    assert sd.from_torch(module, (3, 8, 8)).network[0] == sd.Layer(3, padding=1)
    with torch.no_grad():
        module.weight.zero_()
    with pytest.raises(ValueError, match="all its weights are 0"):
        sd.from_torch(module, (3, 8, 8), filters="measured")


def test_learned_depthwise_filters_are_no_blur():
    module = nn.Conv2d(4, 4, 3, groups=4, bias=False)
    assert sd.from_torch(module, (4, 8, 8)).readings[0].status == "replaced"
    with torch.no_grad():
        module.weight.copy_(
            torch.tensor([0.3, 0.5, 0.2])[:, None] * torch.tensor([0.25, 0.5, 0.25])
        )
    (layer,) = sd.from_torch(module, (4, 8, 8)).network
    assert layer.taps == (sd.Kernel([3, 5, 2]), sd.Kernel([1, 2, 1]))
    with torch.no_grad():
        module.weight[0, 0, 0, 0] = -0.1
        module.weight.copy_(module.weight[:1].clone().expand_as(module.weight))
    assert sd.from_torch(module, (4, 8, 8)).network[0] == sd.Layer(3, padding=0)


def test_computed_weights_are_read():
    module = torch.nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 3, 3))
    profile = module.weight.detach().double().abs().mean((0, 1)).numpy()
    (layer,) = sd.from_torch(module, (2, 8, 8), filters="measured").network
    np.testing.assert_allclose(layer.filter.array(), profile / profile.sum(), atol=1e-6)
    assert sd.from_torch(module, (2, 8, 8)).network == sd.Network(
        [sd.Layer(3, padding=0)], 2, names=["conv2d"]
    )


def test_the_module_is_left_as_it_was():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    module[1].eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = torch.get_rng_state()
    for route in ROUTES:
        sd.from_torch(module, (1, 8, 8), route=route)
    assert [part.training for part in module.modules()] == [True, True, False, True]
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_exported_modules_which_have_no_eval_are_read():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).eval()
    exported = torch.export.export(module, (torch.zeros(1, 1, 8, 8),)).module()
    with pytest.raises(NotImplementedError):
        exported.eval()
    assert sd.from_torch(exported, (1, 8, 8)).network == sd.from_torch(module, (1, 8, 8)).network


def test_saved_skeletons_are_loaded(tmp_path):
    skeleton = sd.from_torch(averaging(residual_module()), (1, 16, 16))
    loaded = sd.load(skeleton.save(tmp_path / "skeleton.npz"))
    assert (loaded, repr(loaded)) == (skeleton, repr(skeleton))
    assert "<table>" in loaded._repr_html_()
    assert (skeleton.sides, sd.from_torch(nn.Conv2d(1, 1, 3), (1, 8, 6)).sides) == (16, (8, 6))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("readings", [[9, "0", "conv", "read", ""]]),
        ("readings", [[1, "0", "conv", "guessed", ""]]),
        ("readings", [[1, 0, "conv", "read", ""]]),
        ("readings", [[1, "0"]]),
        ("input_size", [1, 0]),
        ("route", "jit"),
        ("module", 3),
        ("input_size", [1]),
        ("unknown", 1),
    ],
)
def test_damaged_files_are_refused(name, value):
    facts, arrays = sd.from_torch(nn.Conv2d(1, 1, 3), (1, 8, 8)).to_stored()
    assert sd.Skeleton.from_stored(facts, arrays).route == "export"
    with pytest.raises((ValueError, TypeError)):
        sd.Skeleton.from_stored(facts | {name: value}, arrays)
