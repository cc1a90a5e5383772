"""Which layers are listened to, whatever the module: names, calls, tuples, dead layers, mixing."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

import scaledet as sd

torch = pytest.importorskip("torch")
nn = torch.nn
sensitivities = sd.measure.sensitivities

from tests.measure.networks import constant_filters, convolutional  # noqa: E402

IMAGES = np.random.default_rng(5).random((30, 3, 10, 10))
LINES = np.random.default_rng(6).random((20, 1, 16))


def measured(model, images=IMAGES, displacement="shift", **given):
    return sensitivities(model, images, displacement, rng=0, **given)


def test_layers_by_predicate_alias_and_call():
    model = convolutional()
    is_convolution = measured(model, layers=lambda _, module: isinstance(module, nn.Conv2d))
    assert is_convolution.layers == ("0", "3", "7")
    assert measured(model, layers=["2#2", "0"]).layers == ("2#2", "0")
    assert measured(model, layers=["9", "output"]).layers == ("9", "output")
    with pytest.raises(ValueError, match="layers must be different names"):
        measured(model, layers=["9", "9"])
    with pytest.raises(ValueError, match=r"layers must be among 'input', '0', .*; got 'conv'"):
        measured(model, layers=["conv"])
    with pytest.raises(ValueError, match=r"layers must be among .*; got '2#3'"):
        measured(model, layers=["2#3"])
    with pytest.raises(ValueError, match="must choose a layer with a row"):
        measured(model, layers=lambda *_: False)
    with pytest.raises(TypeError, match="layers must be names or a predicate"):
        measured(model, layers="0")


def test_aliases_name_the_same_module():
    shared = nn.Conv2d(3, 3, 3)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.unused = shared, shared, nn.ReLU()

        def forward(self, images):
            return self.second(self.first(images))

    assert measured(Net()).layers == ("input", "first", "first#2")
    assert measured(Net(), layers=["second"]).layers == ("first", "first#2")
    with pytest.raises(
        ValueError, match=r"layers must be called by the model .* 'unused' does not"
    ):
        measured(Net(), layers=["unused"])


class Branching(nn.Module):
    """Takes a path that depends on the numbers, so that neither fx nor export can trace it."""

    def __init__(self):
        super().__init__()
        self.low, self.lstm = nn.Conv1d(1, 2, 3), nn.LSTM(2, 3, batch_first=True)

    def forward(self, images):
        lines = self.low(images)
        if lines.sum() > 1e9:
            lines = -lines
        steps, (hidden, _) = self.lstm(lines.transpose(1, 2))
        return {"hidden": hidden, "last": steps[:, -1]}


def test_a_model_that_cannot_be_traced_and_returns_tuples_and_mappings():
    model = Branching()
    with pytest.raises(torch.fx.proxy.TraceError):
        torch.fx.symbolic_trace(model)
    result = measured(model, LINES)
    assert result.layers == ("input", "low", "lstm", "output")
    kept = {}
    handle = model.lstm.register_forward_hook(lambda *a: kept.update(steps=a[-1][0]))
    with torch.no_grad():
        last = model(torch.tensor(LINES).float())["last"].double().numpy()
    handle.remove()
    for features, q in (
        (kept["steps"].flatten(1).double().numpy(), result.Q[2]),
        (last, result.Q[3]),
    ):
        pairs = ((features[:, None] - features[None]) ** 2).sum(-1).sum() / (20 * 19)
        assert q == pytest.approx(pairs, rel=1e-5)


def test_dead_and_single_site_layers_are_named():
    dead = nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Conv1d(4, 2, 3))
    nn.init.constant_(dead[0].bias, -100)
    result = measured(dead, LINES)
    assert result.layers == ("input", "0")
    assert result.left_out == dict.fromkeys(["1", "2"], "all images look alike (Q = 0)")
    assert "left out: 2: all images look alike (Q = 0)" in repr(result)
    images = np.zeros((16, 1, 16))
    images[np.arange(16), 0, np.arange(16)] = 1
    boxes = measured(constant_filters(1, 2, 2, 4).float(), images, "task", layers=["8", "11"])
    assert (boxes.layers, list(boxes.left_out)) == (("8",), ["11"])
    with pytest.raises(ValueError, match="layers must tell images apart"):
        measured(constant_filters(1, 2, 2, 4), images, "task", layers=["11"])


def test_layers_that_the_noise_does_not_reach_are_named():
    class Steps(nn.Module):
        def forward(self, images):
            return (images > 0.5).to(torch.int64)

    images = (LINES > 0.5) * 1.0
    result = measured(nn.Sequential(Steps()), images, noise=1e-6)
    assert (result.layers, result.left_out) == (
        ("input",),
        {"0": "the noise changes fewer than 10 images"},
    )
    assert measured(nn.Sequential(Steps()), images, noise=1.0).layers == ("input", "0")


def test_invariance_up_to_rounding_is_no_small_sensitivity():
    class Mean(nn.Module):
        def forward(self, images):
            return images.mean(dim=(1, 2), keepdim=True)

    result = measured(nn.Sequential(Mean()), LINES)
    assert result.D[1] <= result.rounding[1] < 1e-9
    assert "D is no more than rounding: 0" in repr(result)
    assert result.relative_error < 1


def test_rounding_is_that_of_the_model_whatever_a_layer_returns():
    class Cast(nn.Module):
        def forward(self, images):
            return images.double()

    model = nn.Sequential(nn.Conv2d(3, 4, 3, dtype=torch.bfloat16), Cast())
    result = measured(model)
    assert result.rounding[1] == pytest.approx(result.rounding[2], rel=1e-12)
    assert 1e-4 < result.rounding[2] < 1


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(bad):
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU())
    nn.init.constant_(model[0].bias, bad)
    with pytest.raises(ValueError, match="finite numbers; those of layer '0' are not"):
        measured(model)


def test_norms_that_mix_images_are_refused():
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2, track_running_stats=False))
    with pytest.raises(ValueError, match="the BatchNorm '1' has no running statistics"):
        measured(model)
    assert measured(nn.Sequential(nn.InstanceNorm2d(3))).layers == ("input", "0")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model": {"weight": 1}}, "got a state dict, which holds weights but not the network"),
        ({"model": abs}, "model must be a torch.nn.Module"),
        ({"images": IMAGES[:9]}, r"at least 10 images.* got shape \[9, 3, 10, 10\]"),
        ({"images": IMAGES[:, 0, 0]}, r"got shape \[30, 10\]"),
        ({"images": IMAGES > 0.5}, "got dtype bool"),
        ({"images": np.where(IMAGES > 0.999, np.nan, IMAGES)}, r"images\[\d+\] is not finite"),
        ({"images": LINES, "displacement": "diffeomorphism"}, "must be square"),
        ({"displacement": "rotation"}, "displacement must be 'diffeomorphism', 'shift', 'task'"),
        ({"displacement": "task"}, "at most half of all"),
        ({"displacement": lambda image, _: image[0]}, "displacement must return finite images"),
        ({"displacement": lambda image, _: image}, "images must change when they are displaced"),
        ({"displacement": sd.ScaleDetection(size=16, xi=6, gap=1)}, "must be those of the task"),
        ({"noise": 0}, "noise must be a finite real number > 0"),
        ({"noise": "strong"}, "noise must be one of 'matched', 'matched_per_image'"),
        ({"rectify": "layers"}, "rectify must be one of 'noise', 'input', None"),
        ({"recalibrate": True}, "recalibrate must be one of"),
        ({"shuffle_channels": 0}, "shuffle_channels must be an integer >= 1"),
        ({"batch_size": 0}, "batch_size must be an integer >= 1"),
        ({"target_error": 0}, "target_error must be a finite real number > 0"),
        ({"images": LINES[:, :, :9]}, "model must take images of shape"),
    ],
)
def test_bad_arguments_are_refused(given, words):
    given = {"model": nn.Sequential(nn.Conv2d(3, 2, 3)), "images": IMAGES, **given}
    given.setdefault("displacement", "shift")
    with pytest.raises(ValueError, match=words):
        sensitivities(**given, rng=0)


def test_bfloat16_images_and_callables_that_return_tensors():
    images = torch.tensor(IMAGES).to(torch.bfloat16)
    result = measured(nn.Flatten(), images, lambda image, _: torch.tensor(image).roll(1, -1))
    assert result.displacement == "callable"
    assert result.D[0] == pytest.approx(result.sigma**2 * 300 / result.Q[0], rel=1e-3)


def test_outputs_without_an_axis_of_images_are_named_or_refused():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.sum, self.kept = Total(), nn.Identity()

        def forward(self, images):
            return self.kept(images) + 0 * self.sum(images)

    class Total(nn.Module):
        def forward(self, images):
            return images.sum()

    result = measured(Net())
    assert result.layers == ("input", "kept", "output")
    assert result.left_out == {"sum": "the output has no row for every image"}
    with pytest.raises(ValueError, match="first axis is that of the images; 'sum' does not"):
        measured(Net(), layers=["sum"])
    with pytest.raises(ValueError, match="with a row for every image; none is"):
        measured(Net(), layers=lambda name, _: name == "sum")


def test_layers_that_only_some_images_meet_are_refused():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rare, self.runs = nn.Identity(), 0

        def forward(self, images):
            self.runs += 1
            return images if self.runs > 2 else self.rare(images)

    with pytest.raises(ValueError, match="must be called for all images; 'rare' is not"):
        measured(Net(), batch_size=7)


def test_no_activation_is_kept():
    """When the last layer runs, the outputs of the first ones are gone."""
    alive, counts = [], []

    class Noted(nn.Module):
        def forward(self, images):
            made = images * 2
            counts.append(sum(reference() is not None for reference in alive))
            alive.append(weakref.ref(made))
            return made

    measured(nn.Sequential(*(Noted() for _ in range(6))), batch_size=15)
    assert max(counts) == 1  # the input of the layer that runs


def test_a_response_to_the_noise_of_a_single_image_is_no_measurement():
    class Steps(nn.Module):
        def forward(self, images):
            return (images > 0.5).to(torch.int64)

    images = (LINES > 0.5) * 1.0
    images[0, 0, 0] = 0.5
    result = measured(nn.Sequential(Steps()), images, noise=1e-6)
    assert result.left_out == {"0": "the noise changes fewer than 10 images"}
    images[:, 0, 0] = 0.5
    result = measured(nn.Sequential(Steps()), images, noise=1e-6, layers=["0"])
    assert 0 < result.R_err[0] < np.inf


def test_small_images_hardly_fold():
    assert measured(nn.Identity(), IMAGES, "diffeomorphism").deformation.typical_displacement(
        10
    ) == pytest.approx(9 / (6 * np.pi))
    images = np.random.default_rng(0).random((10, 1, 32, 32))
    law = measured(nn.Identity(), images, "diffeomorphism").deformation
    assert (law.cut, law.typical_displacement(32)) == (3, pytest.approx(1))
    given = sd.Diffeomorphism(2, 1e-3)
    assert measured(nn.Identity(), images, given).deformation == given
