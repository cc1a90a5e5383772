"""Which layers are listened to, whatever the module: names, calls, tuples, dead layers, mixing."""

from __future__ import annotations

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
    with pytest.raises(ValueError, match="must choose at least one layer"):
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
        {"0": "the noise changes nothing (G = 0)"},
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
