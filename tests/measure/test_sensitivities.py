"""Measured sensitivities against theory, brute force, and each other."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd

torch = pytest.importorskip("torch")
nn = torch.nn
sensitivities = sd.measure.sensitivities

from tests.measure.networks import constant_filters, convolutional  # noqa: E402

RNG = np.random.default_rng(5)
IMAGES = RNG.random((30, 3, 10, 10))


def roll(image, _rng):
    """Displace without any random number."""
    return np.roll(image, 1, axis=-1)


def outputs(model, images, name):
    """Return the double representation of images at a module, by a clone of its output."""
    kept = []
    module = dict(model.named_modules())[name]
    handle = module.register_forward_hook(lambda *a: kept.append(a[-1].clone()))
    with torch.no_grad():
        model(torch.as_tensor(images).to(next(model.parameters()).dtype))
    handle.remove()
    return kept[0].double().reshape(len(images), -1).numpy()


def brute_force(clean, moved):
    """D and Q by the distances of all pairs of different images."""
    pairs = ((clean[:, None] - clean[None]) ** 2).sum(-1)
    n = len(clean)
    q = pairs.sum() / (n * (n - 1))
    return ((moved - clean) ** 2).sum(1).mean() / q, q


def one_pixel(size, dim, samples, seed):
    """Independent images with one active pixel each."""
    images = np.zeros((samples, size**dim))
    places = np.random.default_rng(seed).integers(size**dim, size=samples)
    images[np.arange(samples), places] = 1.0
    return images.reshape(samples, 1, *(size,) * dim)


def far(measured, predicted, layers):
    """Return how many standard errors D, G and R are off, at the layers given."""
    return np.array(
        [
            (getattr(measured, name) - getattr(predicted, name)[layers])
            / getattr(measured, f"{name}_err")
            for name in "DGR"
        ]
    )


@pytest.mark.parametrize(
    ("dim", "kernel", "stride", "depth", "size"),
    [(1, 3, 1, 4, 24), (1, 2, 2, 3, 32), (1, 3, 2, 3, 32), (2, 2, 2, 2, 12), (2, 3, 1, 2, 8)],
)
@pytest.mark.parametrize("rectify", ["noise", "input", None])
def test_constant_filters_respond_as_predicted(dim, kernel, stride, depth, size, rectify):
    net = sd.Network.uniform(kernel, stride, depth, dim)
    predicted = sd.predict(net, size=size, rectify=rectify or "layers")
    model = constant_filters(dim, kernel, stride, depth)
    images = one_pixel(size, dim, 1500, seed=depth)
    names = ["input", *(str(3 * k + 2) for k in range(depth))]
    measured = sensitivities(model, images, "task", layers=names, rectify=rectify, rng=1)
    assert measured.sigma == pytest.approx(predicted.sigma, rel=1e-12)
    off = far(measured, predicted, np.arange(depth + 1))
    assert np.abs(off).max() < 4.5
    wrong = sd.predict(sd.Network.uniform(kernel + 1, stride, depth, dim), size=size)
    assert np.abs(far(measured, wrong, np.arange(depth + 1))[0, 1:]).max() > 10


@pytest.mark.parametrize("displacement", ["task", "law"])
def test_pairs_of_pixels_respond_as_predicted(displacement):
    task = sd.ScaleDetection(size=32, xi=8, gap=2)
    images, _ = task.sample(2000, rng=0)
    predicted = sd.predict(sd.Network.uniform(2, 2, 3), task=task, balanced=True, rectify="noise")
    measured = sensitivities(
        constant_filters(1, 2, 2, 3),
        images,
        task if displacement == "law" else "task",
        noise=predicted.sigma,
        rectify="noise",
        layers=["input", "2", "5", "8"],
        rng=2,
    )
    assert measured.displacement == "task"
    assert measured.noise == "given"
    assert np.abs(far(measured, predicted, np.arange(4))).max() < 4.5


@pytest.mark.parametrize("name", ["0", "1", "3", "7", "9"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_brute_force(name, dtype):
    """Of half precision, too: the numbers that the layer returns are added up in doubles."""
    model = convolutional(dtype=dtype)
    measured = sensitivities(model, IMAGES, roll, layers=[name], rng=0, batch_size=30)
    together = np.concatenate([IMAGES, np.roll(IMAGES, 1, axis=-1), IMAGES])
    features = outputs(model, together, name)
    d, q = brute_force(features[:30], features[30:60])
    assert measured.D[0] == pytest.approx(d, rel=1e-5 if dtype == torch.float32 else 1e-12)
    assert measured.Q[0] == pytest.approx(q, rel=1e-5 if dtype == torch.float32 else 1e-12)


def test_shift_and_noise_by_brute_force():
    """The same noise and shifts, recorded as they enter, give the same sums."""
    entered = []

    class Recorder(nn.Module):
        def forward(self, images):
            entered.append(images.clone())
            return images.flatten(1)

    measured = sensitivities(Recorder(), IMAGES, "shift", layers=["output"], rng=0, batch_size=30)
    clean, moved, noisy = entered[-1].double().numpy().reshape(3, 30, -1)
    d, q = brute_force(clean, moved)
    g, _ = brute_force(clean, noisy)
    assert (measured.D[0], measured.Q[0]) == pytest.approx((d, q), rel=1e-12)
    assert measured.G[0] == pytest.approx(g, rel=1e-12)
    pixels = moved.reshape(IMAGES.shape)
    kinds = [
        [np.allclose(p, np.roll(x, s, axis=a)) for a in (1, 2) for s in (1, -1)]
        for p, x in zip(pixels, IMAGES, strict=True)
    ]
    assert np.all(np.sum(kinds, axis=1) == 1)
    assert np.all(np.sum(kinds, axis=0) > 0)
    assert measured.sigma == pytest.approx(np.sqrt(np.square(moved - clean).mean()), rel=1e-6)


def test_noise_is_matched_image_by_image_if_asked():
    images = IMAGES * np.linspace(0.1, 3, 30)[:, None, None, None]
    model = nn.Flatten()
    per_image = sensitivities(model, images, roll, "matched_per_image", layers=["output"], rng=0)
    together = sensitivities(model, images, roll, "matched", layers=["output"], rng=0)
    assert per_image.sigma == together.sigma
    assert per_image.noise == "matched_per_image"
    assert per_image.G != together.G
    # Strong images have strong noise: R is D/G up to the scatter of the noise's length.
    assert per_image.R[0] == pytest.approx(1, abs=4 * per_image.R_err[0])
    assert per_image.R_err[0] < 0.5 * together.R_err[0]


def close(first, second, rel=2e-5):
    assert first.layers == second.layers
    for name in ("D", "G", "R", "Q", "D_err", "G_err", "D_shuffled"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=rel)


@pytest.mark.parametrize("recalibrate", ["never", "shuffled"])
def test_numbers_do_not_depend_on_batches_modes_or_memory(recalibrate):
    given = {"rng": 4, "shuffle_channels": 1, "recalibrate": recalibrate}
    usual = sensitivities(convolutional(), IMAGES, "diffeomorphism", **given)
    assert usual.layers == ("input", *"0123", "2#2", *"56789")
    for batch_size in (1, 7, 64):
        again = sensitivities(convolutional(), IMAGES, batch_size=batch_size, **given)
        close(usual, again)
    close(usual, sensitivities(convolutional(inplace=False), IMAGES, **given))
    close(usual, sensitivities(convolutional().train(), torch.tensor(IMAGES), **given))
    last = torch.tensor(IMAGES).to(memory_format=torch.channels_last)
    close(usual, sensitivities(convolutional(), last, **given))
    turned = convolutional().to(memory_format=torch.channels_last)
    close(usual, sensitivities(turned, IMAGES, **given))
    asked = sensitivities(convolutional(), IMAGES, layers=["9", "2", "input"], **given)
    assert asked.layers == ("9", "2", "2#2", "input")
    assert asked.Q[0] == pytest.approx(usual.Q[-1], rel=1e-5)
    other = sensitivities(convolutional(), IMAGES, **{**given, "rng": 5})
    assert abs(other.D / usual.D - 1).max() > 1e-3


def test_in_place_activations_do_not_hide_the_layer_before():
    """Negative control: what a kept output of the convolution says once a ReLU has changed it."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)).double()
    measured = sensitivities(model, IMAGES, roll, layers=["0", "1"], rng=0)
    kept = []
    handle = model[0].register_forward_hook(lambda *a: kept.append(a[-1]))
    with torch.no_grad():
        model(torch.tensor(np.concatenate([IMAGES, np.roll(IMAGES, 1, -1)])))
    handle.remove()
    features = kept[0].flatten(1).numpy()
    corrupt, _ = brute_force(features[:30], features[30:])
    assert measured.D[1] == pytest.approx(corrupt, rel=1e-12)
    assert abs(measured.D[0] / corrupt - 1) > 0.01


def test_the_model_is_left_as_it_was():
    model = convolutional().train()
    model[1].eval()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    modes = [module.training for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.get_rng_state()
    sensitivities(model, IMAGES, shuffle_channels=2, recalibrate="always", rng=0)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert model[1].momentum == 0.1
    assert torch.equal(torch.get_rng_state(), generator)
    assert torch.equal(model[0].weight.grad, torch.ones_like(model[0].weight))
    assert all(p.requires_grad for p in model.parameters())
    assert torch.is_grad_enabled()
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_model_that_fails_midway_is_left_as_it_was():
    class Failing(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.runs = nn.BatchNorm2d(3), 0

        def forward(self, images):
            self.runs += 1
            if self.runs > 3:
                raise KeyError("late")
            return self.norm(images)

    model = Failing()
    with pytest.raises(KeyError, match="late"):
        sensitivities(model, IMAGES, recalibrate="always", rng=0, batch_size=4)
    assert model.training
    assert model.norm.training
    assert model.norm.momentum == 0.1
    assert model.norm.num_batches_tracked == 0
    assert not model.norm._forward_hooks
    model.runs = 3
    with pytest.raises(ValueError, match=r"shape \[3, 3, 10, 10\]; it raised KeyError: 'late'"):
        sensitivities(model, IMAGES, rng=0)


def test_repeats_average_more_displacements():
    once = sensitivities(nn.Flatten(), IMAGES, "shift", rng=0)
    often = sensitivities(nn.Flatten(), IMAGES, "shift", repeats=16, rng=0)
    assert often.repeats == 16
    assert often.G[0] == pytest.approx(once.G[0], abs=4 * once.G_err[0])
    assert often.Q[0] == pytest.approx(once.Q[0], rel=1e-12)
    assert often.G_err[0] < once.G_err[0]


def test_channel_means():
    model = convolutional(dtype=torch.float64)
    measured = sensitivities(model, IMAGES, roll, layers=["0", "9"], average_channels=True, rng=0)
    together = np.concatenate([IMAGES, np.roll(IMAGES, 1, axis=-1)])
    features = outputs(model, together, "0").reshape(60, 8, -1).mean(1)
    assert measured.D[0] == pytest.approx(brute_force(features[:30], features[30:])[0], rel=1e-12)
    units = outputs(model, together, "9")  # no sites: the units stay
    assert measured.D[1] == pytest.approx(brute_force(units[:30], units[30:])[0], rel=1e-12)


def test_target_error():
    images = np.random.default_rng(0).random((600, 1, 8, 8))
    model = nn.Sequential(nn.Conv2d(1, 4, 3))
    loose = sensitivities(model, images, "shift", target_error=0.5, rng=0)
    assert (loose.samples, loose.target_reached) == (100, True)
    medium = sensitivities(model, images, "shift", target_error=0.016, rng=0)
    assert 100 < medium.samples < 600
    assert medium.relative_error <= 0.016
    same = sensitivities(model, images[: medium.samples], "shift", rng=0)
    assert np.array_equal(medium.D, same.D)
    assert same.target_reached is None
    strict = sensitivities(model, images, "shift", target_error=1e-3, rng=0)
    assert (strict.samples, strict.target_reached) == (600, False)
    assert "NOT reached with all images" in repr(strict)


@pytest.mark.parametrize("width", [1, 8])
def test_channels_of_one_spatial_filter_respond_exactly_like_one(width):
    """Random channel weights on top of a common box, on images without negative pixels."""
    size = 24
    predicted = sd.predict(sd.Network.uniform(3, 1, 3), size=size)
    torch.manual_seed(width)
    model = constant_filters(1, 3, 1, 3)
    for place, fan_in in ((1, 1), (4, width), (7, width)):
        weights = torch.rand(width, fan_in, 1, dtype=torch.float64) - 0.2
        model[place].weight = nn.Parameter(weights.expand(-1, -1, 3) / 3)
    images = np.eye(size)[:, None]
    measured = sensitivities(model, images, "task", layers=["2", "5", "8"], rng=0)
    # All 24 images differ, so that Q is N/(N - 1) times that of independent ones.
    np.testing.assert_allclose(measured.D * size / (size - 1), predicted.D[1:], rtol=1e-12)


def test_a_compiled_module_is_measured_as_the_original():
    model = convolutional()
    close(
        sensitivities(torch.compile(model, backend="eager"), IMAGES, rng=0),
        sensitivities(model, IMAGES, rng=0),
    )
