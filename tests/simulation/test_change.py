"""simulate_change: errors, alignment, adaptive grids and their limits, refusals."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

import scaledet as sd
from scaledet.reference.adaptive import least_change, outputs
from tests.network.test_network import build
from tests.simulation.test_frameworks import CASES

NET = sd.Network.uniform([1, 2, 1], 2, depth=2)
TASK = sd.ScaleDetection(size=16, xi=6, gap=1)


def random_images(count, size, dim=1, seed=0):
    return np.random.default_rng(seed).random((count, *[size] * dim))


@pytest.mark.parametrize("rigid", [False, True])
def test_ordinary_networks_do_what_the_theory_says(rigid):
    """All pairs of a task and all their moves, or a shift of both: exact predictions."""
    pairs = TASK.pairs()
    images = TASK.images(pairs)
    if rigid:
        measured = sd.simulate_change(NET, images, np.roll(images, 3, axis=-1), whole=True)
        expected = sd.predict_shift(NET, 3, task=TASK)
    else:
        moves = itertools.product((-1, 1), repeat=2)
        moved = np.concatenate([TASK.images((pairs + np.array(e)[:, None]) % 16) for e in moves])
        before = np.concatenate([images] * 4)
        measured = sd.simulate_change(NET, before, moved, whole=True)
        expected = sd.predict(NET, task=TASK)
    assert pytest.approx(expected.D, rel=1e-12) == measured.D
    assert pytest.approx(expected.Q, rel=1e-12) == measured.Q
    assert not measured.D_err.any()


def test_errors_of_samples():
    """White images: D_k = 1 - c_k(3)/c_k(0), as for one pixel on the infinite lattice."""
    exact = sd.predict_shift(NET, 3).D
    images = np.random.default_rng(1).standard_normal((2000, 16)) + 10
    changed = np.roll(images, 3, axis=1)
    parts = [
        sd.simulate_change(NET, f, g)
        for f, g in zip(images.reshape(40, 50, 16), changed.reshape(40, 50, 16), strict=True)
    ]
    scores = np.array([(part.D - exact) / part.D_err for part in parts])
    assert np.abs(scores).max() < 5
    assert 0.75 < np.sqrt((scores**2).mean()) < 1.25
    whole = sd.simulate_change(NET, images, changed)
    assert (np.abs(whole.D - exact) < 4 * whole.D_err).all()
    # Forty times as many images have an error smaller by the root of forty.
    mean = np.mean([part.D_err for part in parts], axis=0)
    assert pytest.approx(mean / np.sqrt(40), rel=0.1) == whole.D_err


def test_the_jackknife_leaves_out_one_image_at_a_time():
    images, changed = random_images(6, 16), random_images(6, 16, seed=1)
    measured = sd.simulate_change(NET, images, changed)
    without = []
    for i in range(6):
        kept = np.arange(6) != i
        without.append(sd.simulate_change(NET, images[kept], changed[kept]).D)
    spread = np.sqrt(5 * np.var(without, axis=0))
    assert pytest.approx(spread, rel=1e-10) == measured.D_err


def test_distances_are_those_of_different_images_or_of_independent_draws():
    images = random_images(5, 16)
    sample = sd.simulate_change(NET, images, images + 1)
    whole = sd.simulate_change(NET, images, images + 1, whole=True)
    pairs = itertools.combinations(images, 2)
    assert sample.Q[0] == pytest.approx(np.mean([((a - b) ** 2).sum() for a, b in pairs]))
    assert pytest.approx(sample.Q * 4 / 5) == whole.Q
    assert sample.change[0] == pytest.approx(16)


@pytest.mark.parametrize("phase", ["fixed", "adaptive"])
@pytest.mark.parametrize("dim", [1, 2])
def test_alignment_against_all_shifts(phase, dim):
    """The least change over all shifts of the outputs, tried one by one in integers."""
    layers = [([1, 3], 2), ([1, 2, 1], 2)]
    rng = np.random.default_rng(2)
    before, after = rng.integers(0, 50, size=(2, 8, *[8] * dim))
    measured = sd.simulate_change(
        build(layers, dim), before, after, phase=phase, aligned=True, whole=True
    )
    pairs = [
        (represented(f, layers, phase), represented(g, layers, phase))
        for f, g in zip(before, after, strict=True)
    ]
    for k, scale in enumerate((1, 4**dim, 16**dim)):
        expected = np.mean([least_change(f[k], g[k]) for f, g in pairs]) / scale**2
        assert measured.change[k] == pytest.approx(expected, rel=1e-12)


def represented(image, layers, phase):
    if phase == "adaptive":
        return outputs(image, layers)
    # Every grid but the first is cut off: pool at stride 1, then keep the first.
    result = [image.astype(object)]
    for weights, stride in layers:
        dense = outputs(result[-1], [(weights, 1)])[-1]
        result.append(dense[(slice(None, None, stride),) * image.ndim])
    return result


@pytest.mark.parametrize("dim", [1, 2])
def test_adaptive_grids_undo_circular_shifts(dim):
    """Exactly, in floats, for every filter: with ties (pixels, pairs) and without."""
    rng = np.random.default_rng(3)
    size, axes = 12, tuple(range(1, dim + 1))
    sparse = (rng.random((10, *[size] * dim)) < 0.1) / 3
    images = np.concatenate([sparse, random_images(3, size, dim), random_images(3, size, dim) - 1])
    nets = [
        sd.Network.uniform(2, 2, 2, dim),
        sd.Network.uniform(3, 2, 2, dim),
        sd.Network([sd.Layer([1, 2, 1], 2), sd.Layer(3, bias=-0.01), sd.Layer(5, 3)], dim),
        sd.Network([sd.Layer(sd.Kernel([1, -2, 5], signed=True), 2)], dim),
    ]
    for net, shift in itertools.product(nets, ((1, 0), (5, 3), (2, 6))):
        moved = np.roll(images, shift[:dim], axes)
        assert not sd.simulate_change(net, images, moved, phase="adaptive").D.any()
        # Negative controls: ordinary grids, aligned or not, and no alignment.
        if shift[0] % 2:
            for options in ({"aligned": True}, {}, {"phase": "adaptive", "aligned": False}):
                assert sd.simulate_change(net, images, moved, **options).D[1] > 1e-3


def test_adaptive_grids_do_not_undo_local_moves():
    """All pairs and all joint moves, against the slow network on integers."""
    layers, pairs = [([1, 1], 2)] * 3, TASK.pairs()
    images = np.concatenate([TASK.images(pairs)[:, 0]] * 4)
    moved = np.concatenate(
        [
            TASK.images((pairs + np.array(e)[:, None]) % 16)[:, 0]
            for e in itertools.product((-1, 1), repeat=2)
        ]
    )
    local = sd.simulate_change(build(layers), images, moved, phase="adaptive", whole=True)
    squares = [
        [least_change(f, g) for f, g in zip(outputs(a, layers), outputs(b, layers), strict=True)]
        for a, b in zip(images.astype(int), moved.astype(int), strict=True)
    ]
    expected = np.mean(squares, axis=0) / [1, 4, 16, 64]
    assert pytest.approx(expected, rel=1e-12) == local.change
    assert local.D.min() > 0.01


@pytest.mark.parametrize("dim", [1, 2])
def test_padded_zeros_break_what_adaptive_grids_undo(dim):
    """Against the slow network, padded alike; on the torus the same shifts leave nothing."""
    kernels, shift = [[1, 2, 1], [1, 1]], (1, 0)[:dim]
    axes = tuple(range(1, dim + 1))
    sides = [((len(w) - 1) // 2, len(w) - 1 - (len(w) - 1) // 2) for w in kernels]
    paddings = [side if dim == 1 else (side,) * dim for side in sides]
    padded = sd.Network(
        [sd.Layer(w, 2, padding=padding) for w, padding in zip(kernels, paddings, strict=True)], dim
    )
    torus = sd.Network([sd.Layer(w, 2) for w in kernels], dim)
    images = np.random.default_rng(4).integers(0, 9, size=(12, *[8] * dim))
    moved = np.roll(images, shift, axes)
    options = {"phase": "adaptive", "whole": True}
    assert not sd.simulate_change(torus, images, moved, **options).D.any()
    measured = sd.simulate_change(padded, images, moved, **options)
    layers = [(w, 2) for w in kernels]
    squares = [
        [
            least_change(f, g)
            for f, g in zip(
                outputs(a.astype(object), layers, zeros=True),
                outputs(b.astype(object), layers, zeros=True),
                strict=True,
            )
        ]
        for a, b in zip(images, moved, strict=True)
    ]
    scales = np.array([1, 4**dim, 8**dim], dtype=float)
    assert pytest.approx(np.mean(squares, axis=0) / scales**2, rel=1e-12) == measured.change
    assert measured.D[0] == 0
    assert measured.D[1:].min() > 0.01


def test_max_pooling_and_unequal_sides():
    net = sd.Network([sd.Layer((2, 3), stride=(2, 3), pooling="max"), sd.Layer(2, 2)], dim=2)
    images = random_images(4, 12, 2)
    moved = np.roll(images, (1, 5), (1, 2))
    assert not sd.simulate_change(net, images, moved, phase="adaptive").D.any()
    assert sd.simulate_change(net, images, moved, aligned=True).D[1:].min() > 0
    flat = images[:, :8]
    moved = np.roll(flat, (3, 1), (1, 2))
    assert not sd.simulate_change(net, flat, moved, phase="adaptive").D.any()


@pytest.mark.parametrize("name", ["residual block", "no product", "reflect and replicate"])
def test_local_moves_through_branches_and_borders(name):
    """All pixels and all their moves: exact predictions."""
    net, sides, _ = CASES[name]
    pixels = np.eye(np.prod(sides)).reshape(-1, *sides)
    moves = [np.roll(pixels, sign, axis) for sign in (1, -1) for axis in (1, 2)]
    measured = sd.simulate_change(
        net, np.concatenate([pixels] * 4), np.concatenate(moves), whole=True
    )
    expected = sd.predict(net, size=sides)
    assert pytest.approx(expected.D, rel=1e-12) == measured.D
    assert pytest.approx(expected.Q, rel=1e-12) == measured.Q


def test_sums_of_max_pooling_and_signed_kernels():
    edges = sd.Kernel([-1, 1], signed=True)
    net = sd.Network(
        [sd.Layer(2, 2, pooling="max"), sd.Layer(edges, 2, bias=-0.1), sd.Layer(1)],
        inputs=[(0,), (0,), (1, 2)],
    )
    images, changed = random_images(6, 16), random_images(6, 16, seed=1)
    measured = sd.simulate_change(net, images, changed)
    before, after = (
        np.maximum(x[:, ::2], x[:, 1::2]) + np.maximum(x[:, 1::2] - x[:, ::2] - 0.1, 0)
        for x in (images, changed)
    )
    change = ((after - before) ** 2).sum(axis=1).mean()
    assert measured.change[3] == pytest.approx(change, rel=1e-12)
    pairs = itertools.combinations(before, 2)
    assert measured.Q[3] == pytest.approx(np.mean([((a - b) ** 2).sum() for a, b in pairs]))


def test_ordinary_outputs_shift_with_images_by_whole_strides():
    """Compared up to a shift, an ordinary network too is blind to multiples of its stride."""
    images = random_images(5, 16)
    for shift, blind in ((4, True), (2, False)):
        moved = np.roll(images, shift, axis=1)
        aligned = sd.simulate_change(NET, images, moved, aligned=True)
        assert (aligned.D[2] == 0) == blind
        assert sd.simulate_change(NET, images, moved).D[2] > 0


def test_the_table_says_what_was_done():
    images = random_images(5, 16)
    moved = np.roll(images, 1, axis=1)
    text = repr(sd.simulate_change(NET, images, moved, phase="adaptive"))
    assert "5 images (a sample), grid phase adaptive, compared up to a shift of the outputs" in text
    assert "(enumerated), grid phase fixed, in" in repr(
        sd.simulate_change(NET, images, moved, whole=True)
    )


IMAGES = random_images(4, 16)
REFUSALS = [
    ({"net": 3}, "net must be a Network"),
    (
        {
            "net": sd.Network([sd.Layer(3), sd.Layer(3)], inputs=[(0,), (0, 1)]),
            "phase": "adaptive",
        },
        "phase must be 'fixed' for a network with branches",
    ),
    ({"phase": "average"}, "phase must be one of 'fixed', 'adaptive'; got 'average'"),
    ({"aligned": 1}, "aligned must be True or False; got 1"),
    ({"whole": 1}, "whole must be True or False; got 1"),
    ({"images": [1, 2]}, "images must be finite real numbers of shape [n, N] or [n, 1, N]"),
    ({"changed": np.full((4, 16), np.inf)}, "changed must be finite real numbers"),
    ({"changed": IMAGES[:3]}, "changed must have the shape of images, [4, 16]; got [3, 16]"),
    ({"images": IMAGES[:2], "changed": IMAGES[:2]}, "images must be at least 3 for a sample"),
    (
        {"images": IMAGES[:1], "changed": IMAGES[:1], "whole": True},
        "images must be at least 2; got 1",
    ),
    ({"images": IMAGES[:, :6], "changed": IMAGES[:, :6]}, "size must be a multiple of the total"),
    ({"images": IMAGES[[0, 0, 0, 1]]}, "images must differ even without any one of them"),
]


@pytest.mark.parametrize(("given", "message"), REFUSALS)
def test_refusals(given, message):
    arguments = {"net": NET, "images": IMAGES, "changed": IMAGES[::-1], **given}
    with pytest.raises(ValueError, match=re.escape(message)):
        sd.simulate_change(**arguments)


def test_exhaustion():
    with pytest.raises(sd.ExhaustionError) as caught:
        sd.simulate_change(sd.Network([sd.Layer(3), sd.Layer(16)]), *[np.eye(16)] * 2)
    assert caught.value.layer == 2
    with pytest.raises(sd.ExhaustionError):
        sd.simulate_change(sd.Network.uniform(2, 2, 2, bias=-1), *[np.eye(16)] * 2, whole=True)
