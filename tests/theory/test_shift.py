"""predict_shift: adaptive grids against images carried through, and refusals."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.reference.adaptive import outputs
from tests.dense import pixel_pairs, weighted_pairs
from tests.network.test_network import build
from tests.theory.signal.test_pairs import TASKS

NET = sd.Network.uniform(2, 2, depth=2)
PLANE = sd.Network.uniform(2, 2, depth=2, dim=2)
TASK = sd.ScaleDetection(size=16, xi=6, gap=1)

ADAPTIVE = [
    ([([1, 1], 2)] * 2, 8, 1),
    ([([1, 2, 1], 2), ([3, 1], 1), ([1, 1], 3)], 12, 1),
    ([([3, 1], 2), ([1, 2, 1], 1)], 6, 2),
]


def mean_square_distance(stack, weights, scale):
    """Q of integer representations, all pairs of images."""
    flat = np.array([image.ravel() for image in stack]).astype(np.int64)
    unit = math.lcm(*(weight.denominator for weight in weights))
    counts = np.array([int(weight * unit) for weight in weights])
    total = sum(
        int(count) * int(counts @ ((flat - image) ** 2).sum(axis=1))
        for count, image in zip(counts, flat, strict=True)
    )
    return total / (unit * scale) ** 2


@pytest.mark.parametrize(("layers", "size", "dim"), ADAPTIVE)
def test_distances_of_one_pixel_on_grids_that_it_chooses(layers, size, dim):
    pixels = np.eye(size**dim, dtype=int).reshape(-1, *[size] * dim)
    represented = [outputs(image, layers) for image in pixels]
    result = sd.predict_shift(build(layers, dim), 1, size=size, phase="adaptive")
    scale = 1
    for k in range(len(layers) + 1):
        scale *= sum(layers[k - 1][0]) ** dim if k else 1
        stack = [image[k] for image in represented]
        weights = [Fraction(1, len(pixels))] * len(pixels)
        assert result.Q[k] == pytest.approx(mean_square_distance(stack, weights, scale), rel=1e-12)
    assert result.D.tolist() == [0] * (len(layers) + 1)
    assert result.exact_D == (0,) * (len(layers) + 1)


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("name", ["T1 ring, no gap", "T1 open", "T2", "T2 square"])
def test_distances_of_a_task_on_grids_that_it_chooses(name, balanced):
    """All pairs as images; the weights are dyadic, so that ties are those of integers."""
    task = sd.ScaleDetection(**TASKS[name])
    layers = [([1, 2, 1], 2), ([1, 1], 1)]
    pairs, weights = weighted_pairs(pixel_pairs(**{"gap": 2, **TASKS[name]}), balanced)
    images = np.zeros((len(pairs), task.size**task.dim), dtype=int)
    for image, pair in zip(images, pairs, strict=True):
        image[list(pair)] = 1
    images = images.reshape(-1, *[task.size] * task.dim)
    represented = [outputs(image, layers) for image in images]
    result = sd.predict_shift(
        build(layers, task.dim), 3, task=task, balanced=balanced, phase="adaptive"
    )
    for k, scale in enumerate((1, 4, 8)):
        stack = [image[k] for image in represented]
        expected = mean_square_distance(stack, weights, scale**task.dim)
        assert result.Q[k] == pytest.approx(expected, rel=1e-12)
    assert not result.D.any()


@pytest.mark.parametrize("dim", [1, 2])
def test_given_images_on_grids_that_they_choose(dim):
    """Against all positions carried through; signed kernels and biases are welcome."""
    kernel = sd.Kernel([1, -2, 4], signed=True)
    net = sd.Network([sd.Layer(kernel, 2), sd.Layer([1, 1], 2, bias=-0.1)], dim)
    images = np.random.default_rng(0).standard_normal((3, *[8] * dim))
    axes = tuple(range(1, dim + 1))
    stack = np.concatenate(
        [np.roll(images, at, axes) for at in itertools.product(range(8), repeat=dim)]
    )
    for shift in ([1, 3], [4, 2]):
        moved = np.roll(stack, shift[:dim], axes)
        carried = sd.simulate_change(net, stack, moved, phase="adaptive", whole=True)
        result = sd.predict_shift(net, shift[:dim], images=images, phase="adaptive")
        assert carried.D.tolist() == result.D.tolist() == [0, 0, 0]
        assert pytest.approx(result.Q, rel=1e-12) == carried.Q


def test_adaptive_grids_are_worth_it():
    """What is undone: on the grids of an ordinary network the same shift is no small change."""
    ordinary = sd.predict_shift(NET, 3, size=16)
    assert ordinary.D.min() > 0.5
    assert "up to a shift of the output grid" in repr(
        sd.predict_shift(NET, 3, size=16, phase="adaptive")
    )
    assert "up to a shift" not in repr(ordinary)


def test_a_channel_axis_and_the_first_axis():
    images = TASK.images(TASK.pairs(1))
    with_channel = sd.predict_shift(NET, 3, images=images)
    without = sd.predict_shift(NET, [3], images=images[:, 0])
    assert with_channel.D.tolist() == without.D.tolist()
    assert with_channel.given == len(images)
    plane = np.random.default_rng(1).random((2, 8, 8))
    first = sd.predict_shift(PLANE, 3, images=plane)
    assert first.shift == (3, 0)
    assert first.D.tolist() == sd.predict_shift(PLANE, (3, 0), images=plane).D.tolist()
    assert first.D.tolist() != sd.predict_shift(PLANE, (0, 3), images=plane).D.tolist()


def test_shifts_around_the_torus_are_no_shifts():
    assert sd.predict_shift(NET, 19, size=16).shift == (3,)
    assert sd.predict_shift(NET, -8, size=16).shift == (-8,)
    assert sd.predict_shift(NET, 32, size=16).exact_D == (0, 0, 0)


def test_exhaustion():
    net = sd.Network.uniform(2, 2, depth=4)
    flat = np.random.default_rng(2).random((1, 16))
    for given in (
        {"size": 16},
        {"size": 16, "phase": "fixed"},
        {"size": 16, "phase": "adaptive"},
        {"images": flat},
        {"images": flat, "phase": "adaptive"},
    ):
        with pytest.raises(sd.ExhaustionError, match="exhausted at layer 4") as caught:
            sd.predict_shift(net, 1, **given)
        assert (caught.value.layer, caught.value.largest_depth) == (4, 3)
        sd.predict_shift(net[:3], 1, **given)
    # One more image of another mean, and they differ at every layer.
    assert sd.predict_shift(net, 1, images=np.concatenate([flat, 2 * flat])).Q[-1] > 0
    task = sd.ScaleDetection(size=16, xi=4, variant="T2")
    for phase in ("average", "adaptive"):
        with pytest.raises(sd.ExhaustionError):
            sd.predict_shift(sd.Network([sd.Layer(16)]), 1, task=task, phase=phase)


REFUSALS = [
    ({"net": 3}, "net must be a Network"),
    ({"net": sd.Network([sd.Layer(3, padding=1)])}, "predict_shift needs layers on the torus"),
    (
        {"net": sd.Network([sd.Layer(3, padding=1)]), "phase": "adaptive", "size": 8},
        "predict_shift needs layers on the torus",
    ),
    (
        {"net": sd.Network([sd.Layer(3, padding=1, padding_mode="circular")]), "size": 8},
        "predict_shift needs layers with padding=None, the torus, whose grids start at site 0",
    ),
    (
        {"net": sd.Network([sd.Layer((2, 3))], dim=2)},
        "predict_shift needs a chain of layers that average with one kernel and one stride",
    ),
    *(
        ({"net": net, "size": 8}, "; simulate_change shifts images in every network")
        for net in (
            sd.Network([sd.Layer(3, padding=1)]),
            sd.Network([sd.Layer(3), sd.Layer(3)], inputs=[(0,), (0, 1)]),
            sd.Network([sd.Layer([[1, 2], [3, 1]])], dim=2),
            sd.Network([sd.Layer(3, (1, 2))], dim=2),
            sd.Network([sd.Layer(2, 2, pooling="max")]),
        )
    ),
    ({"net": PLANE, "images": np.ones((2, 8, 4))}, "images must have equal sides"),
    ({"shift": 1.5}, "shift must be an integer in"),
    ({"shift": "1"}, "shift must be an integer in"),
    ({"shift": (1, 2)}, "shift must be an integer; got (1, 2)"),
    ({"net": PLANE, "shift": (1,)}, "shift must be an integer or 2 integers; got (1,)"),
    ({"net": PLANE, "shift": (1, True)}, "shift[1] must be an integer in"),
    ({"phase": "best"}, "phase must be one of 'average', 'fixed', 'adaptive'; got 'best'"),
    ({"position": 3}, "position must be left out unless phase='fixed'; got 3"),
    ({"phase": "fixed", "position": "best"}, "position must be one of 'worst'; got 'best'"),
    ({"phase": "fixed", "position": (1, 2)}, "position must be an integer; got (1, 2)"),
    ({"size": 6}, "size must be a multiple of the total stride"),
    ({"phase": "adaptive"}, "size must be given with phase='adaptive'; got None"),
    ({"balanced": True}, "balanced must be False without a task"),
    ({"task": 3}, "task must be a ScaleDetection or None; got 3"),
    ({"task": TASK, "size": 8}, "size must be left out or equal 16; got 8"),
    ({"task": TASK, "net": PLANE}, "task must have the network's dimension 2; got dim=1"),
    ({"task": TASK, "phase": "fixed"}, "phase must be 'average' or 'adaptive' with a task"),
    ({"task": TASK, "images": np.eye(16)}, "images must be left out with a task"),
    (
        {"task": sd.ScaleDetection(size=16, xi=6, gap=1, image_noise=0.1)},
        "task.image_noise must be 0 in predict_shift; got 0.1",
    ),
    (
        {"task": sd.ScaleDetection(size=1024, xi=6, gap=1), "phase": "adaptive"},
        "task must have at most 16777216 pixels in all its images",
    ),
    ({"images": np.eye(16), "size": 8}, "size must be left out or equal 16; got 8"),
    ({"images": [[1, 2]]}, "size must be a multiple of the total stride"),
    ({"images": [1, 2, 3, 4]}, "images must be finite real numbers of shape [n, N] or [n, 1, N]"),
    ({"images": np.ones((3, 2, 8))}, "got shape [3, 2, 8]"),
    ({"images": np.ones((0, 8))}, "n >= 1; got shape [0, 8]"),
    ({"images": [[1, 2, np.nan, 4]]}, "got nan at [0, 2]"),
    ({"images": [[0, 1e-200, 0, 0]]}, "images must have their largest modulus in [1e-100, 1e+100]"),
    ({"images": [[0, 1e200, 0, 0]]}, "so that squares fit floats; got 1e+200"),
    ({"images": "a"}, "images must be finite real numbers"),
    ({"images": [[1, 2, -3, 4]]}, "images must be >= 0 (units then stay active); got -3.0"),
    ({"images": np.ones((2, 8))}, "images must not all be one constant; got 1.0"),
    ({"net": PLANE, "images": np.ones((2, 8))}, "of shape [n, H, W] or [n, 1, H, W]"),
    ({"net": sd.Network.uniform(2, 2, 2, bias=-1)}, "predict_shift needs bias >= 0"),
    (
        {"net": sd.Network.uniform(sd.Kernel([2, -1], signed=True), 2)},
        "predict_shift needs non-negative kernels",
    ),
    (
        {"net": sd.Network.uniform(2, 2, 21), "phase": "fixed", "position": "worst"},
        "not 'worst', where the layers have 2097152 grid phases; at most 1048576",
    ),
    (
        {"net": sd.Network.uniform(2, 2, 40), "shift": 2**30},
        "shift must be at most 4194304 pixels where the layers see farther, 1099511627776 pixels",
    ),
    (
        {"net": sd.Network.uniform(2, 2, 22), "phase": "fixed"},
        "phase must be 'average' where the layers see more than 4194304 pixels",
    ),
    (
        {"size": 2**25, "phase": "adaptive"},
        "size must be such that an image has at most 16777216 pixels",
    ),
]


@pytest.mark.parametrize(("given", "message"), REFUSALS)
def test_refusals(given, message):
    arguments = {"net": NET, "shift": 1, **given}
    with pytest.raises(ValueError, match=re.escape(message)):
        sd.predict_shift(**arguments)


def test_large_images():
    """Cost follows what the layers see, not the size of the image."""
    for given in ({}, {"phase": "fixed"}, {"phase": "fixed", "position": "worst"}):
        large = sd.predict_shift(NET, 3, size=2**60, **given)
        assert pytest.approx(sd.predict_shift(NET, 3, **given).D, rel=1e-15) == large.D
    deep = sd.predict_shift(sd.Network.uniform(2, 2, 60), 5, size=2**63)
    assert deep.exact_D[60] == Fraction(5, 2**60) / (1 - Fraction(2**60, 2**63))


def test_exact_rationals_of_given_images_are_refused():
    result = sd.predict_shift(NET, 1, images=np.eye(16)[:2])
    with pytest.raises(ValueError, match="exact_D needs one pixel or a task; got 2 images"):
        _ = result.exact_D
