"""D and Q of wide random networks against brute force, stated numbers, and the pooled model."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import scaledet as sd
from scaledet.algebra.precision import mpmath
from scaledet.reference.wide import WideNet, arc_cosine
from scaledet.theory.wide.arc_cosine import excess

UNIFORM = sd.Network.uniform


def pooled_taps(weights, t):
    a = np.array(weights, float) / np.sum(weights)
    return (1 - t) * np.diag(a) + t * np.outer(a, a)


def brute_moments(net, images, moved, **variances):
    """D and Q from all pairs of images; `moved` holds (image, image displaced)."""
    plain = WideNet(net, **variances)
    distance = plain.mean_over(list(itertools.product(images, repeat=2)))
    return plain.mean_over(moved) / distance, distance


def assert_close(values, exact):
    # The plain kernel of the reference loses digits where images are nearly alike.
    assert values.tolist() == pytest.approx(exact.tolist(), rel=1e-6)


def pixel_images(size):
    images = np.eye(size)
    return images, [(images[p], images[(p + m) % size]) for p in range(size) for m in (1, -1)]


@pytest.mark.parametrize(
    ("size", "t", "stated"),
    [
        (48, 0, [0.8156, 0.6464, 0.5246, 0.4366, 0.3713, 0.3214]),
        (24, 0, [0.845, 0.685, 0.570, 0.487]),
        (24, 0.5, [0.758, 0.522, 0.357, 0.250]),
        (24, 0.9, [0.532, 0.258, 0.160, 0.121]),
        (24, 1, [0.38095, 0.192, 0.13559, 0.10916]),
    ],
)
def test_stated_numbers(size, t, stated):
    p = sd.predict_wide(UNIFORM(3, depth=len(stated)), size=size, pooling=t, noise_error=0.1, rng=0)
    assert p.D[1:] == pytest.approx(stated, abs=6e-4 if t < 1 and size == 24 else 6e-5)


@pytest.mark.parametrize("t", [-0.2, 0, 0.3, 0.9, 1])
@pytest.mark.parametrize(
    ("size", "layers"),
    [
        (12, [([1, 1, 1], 1)] * 3),
        (16, [([1, 1], 2)] * 3),
        (16, [([1, 1, 1], 2)] * 2 + [([1, 2, 3, 1], 1)]),
        (8, [([1, 3], 1), ([1, 1, 1, 1, 1, 1], 2), ([2, 1], 2)]),
        (40, [([1, 2, 1], 2), ([1, 1], 1)]),
    ],
)
@pytest.mark.parametrize("bias_variance", [0, 0.3])
def test_one_pixel_is_that_of_brute_force(size, layers, t, bias_variance):
    net = sd.Network([sd.Layer(weights, stride) for weights, stride in layers])
    p = sd.predict_wide(
        net,
        size=size,
        pooling=t,
        bias_variance=bias_variance,
        weight_variance=1.7,
        noise_error=0.5,
        rng=0,
    )
    taps = [(pooled_taps(weights, t), stride) for weights, stride in layers]
    d, q = brute_moments(
        taps, *pixel_images(size), weight_variance=1.7, bias_variance=bias_variance
    )
    assert_close(p.D, d)
    assert_close(p.Q, q)


def test_a_share_per_layer_and_any_covariance_of_taps():
    net, layers = UNIFORM(3, depth=3), []
    shares = (0, 0.5, 0.2)
    layers = [(pooled_taps([1, 1, 1], t), 1) for t in shares]
    d, q = brute_moments(layers, *pixel_images(12))
    p = sd.predict_wide(net, size=12, pooling=shares, noise_error=0.5, rng=0)
    assert_close(p.D, d)
    assert p.shares == pytest.approx([1 / (3 * (1 - t) + t) for t in shares])
    roots = np.random.default_rng(0).normal(size=(3, 3, 3))
    given = [root @ root.T for root in roots]
    d, q = brute_moments([(matrix, 1) for matrix in given], *pixel_images(12))
    p = sd.predict_wide(net, size=12, tap_covariances=given, noise_error=0.5, rng=0)
    assert_close(p.D, d)
    assert_close(p.Q, q)


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize(
    "task",
    [
        sd.ScaleDetection(size=8, xi=3, gap=0),
        sd.ScaleDetection(size=8, xi=3, gap=0, periodic=False),
        sd.ScaleDetection(size=8, xi=4, variant="T2"),
    ],
)
def test_tasks_are_those_of_brute_force(task, balanced):
    pairs = {label: task.pairs(label)[:, :, 0] for label in (1, -1)}
    images, weights = [], []
    for places in pairs.values():
        share = 0.5 / len(places) if balanced else 1 / sum(map(len, pairs.values()))
        images += [np.bincount(pair, minlength=8) for pair in places]
        weights += [share] * len(places)
    net = WideNet([(pooled_taps([1, 1, 1], 0.4), 1), (pooled_taps([1, 1], 0.4), 2)])
    d = q = 0.0
    for (x, w), (y, v) in itertools.product(zip(images, weights, strict=True), repeat=2):
        q = q + w * v * np.array(net.distance(x, y))
    for pair, w in zip(np.concatenate(list(pairs.values())), weights, strict=True):
        for steps in itertools.product((1, -1), repeat=2):
            moved = np.bincount((pair + steps) % 8, minlength=8)
            d = d + w / 4 * np.array(net.distance(np.bincount(pair, minlength=8), moved))
    p = sd.predict_wide(
        sd.Network([sd.Layer(3), sd.Layer(2, 2)]),
        task=task,
        balanced=balanced,
        pooling=0.4,
        noise_error=0.5,
        rng=0,
    )
    assert_close(p.D, d / q)
    assert_close(p.Q, q)


TASK = sd.ScaleDetection(size=16, xi=4, gap=1)


@pytest.mark.parametrize("rectify", ["input", "noise", None])
@pytest.mark.parametrize(
    ("net", "given"),
    [
        (UNIFORM(3, depth=8), {"size": 48}),
        (UNIFORM([1, 2, 1], 2, 2, dim=2), {"size": 16}),
        (sd.Network([sd.Layer(2, 2), sd.Layer([1, 2, 4]), sd.Layer(3, dilation=2)]), {"size": 40}),
        (UNIFORM(2, 2, 6), {"size": 256}),
        (UNIFORM(3, depth=3), {"task": TASK}),
        (UNIFORM(2, 2, 2), {"task": TASK, "balanced": True}),
        (UNIFORM(3, depth=60), {"size": 16}),
    ],
)
def test_common_filters_give_the_pooled_model(net, given, rectify):
    p = sd.predict_wide(net, pooling=1, rectify=rectify, **given)
    exact = sd.predict(net, rectify=rectify, **given)
    for name in "DGQR":
        assert getattr(p, name) == pytest.approx(getattr(exact, name), rel=1e-10)
    assert not p.G_err.any()


def test_nearly_common_filters_do_not_give_the_pooled_model():
    net = UNIFORM(3, depth=4)
    p = sd.predict_wide(net, size=48, pooling=0.99, rectify="input", rng=0)
    assert abs(p.D / sd.predict(net, size=48).D - 1)[1:].min() > 0.01


@pytest.mark.parametrize("angle", [1e-9, 1e-6, 1e-3, 0.1, 0.49, 0.51, 1.5, 3.0, 3.14159])
def test_the_kernel_does_not_cancel(angle):
    with mpmath.workdps(60):
        first, second = mpmath.mpf(2), mpmath.mpf(3)
        cosine = mpmath.cos(angle)
        exact = arc_cosine(first**2, second**2, first * second * cosine, 60)
        exact -= first * second * cosine / 2
    value = excess(np.array(2.0), np.array(3.0), np.array(6 * np.cos(angle)))
    # The covariance itself is rounded, which moves the angle by up to 1e-16 / angle.
    assert float(value) == pytest.approx(float(exact), rel=1e-12 + 1e-15 / angle**2)


def test_d_keeps_its_digits_where_images_are_nearly_alike():
    """Deep on a large torus, against the recursion for equal sites in 40 digits."""
    size, depth = 12, 25
    p = sd.predict_wide(UNIFORM(3, depth=depth), size=size, noise_error=0.5, rng=0)
    with mpmath.workdps(40):
        third = mpmath.mpf(1) / 3

        def run(x, y):
            maps = [[a * b for a, b in zip(u, v, strict=True)] for u, v in ((x, x), (y, y), (x, y))]
            out = [sum(maps[0]) + sum(maps[1]) - 2 * sum(maps[2])]
            for _ in range(depth):
                xx, yy, xy = (
                    [
                        2 * third * (m[i] + m[(i + 1) % size] + m[(i + 2) % size])
                        for i in range(size)
                    ]
                    for m in maps
                )
                maps = [
                    [a / 2 for a in xx],
                    [b / 2 for b in yy],
                    [arc_cosine(a, b, c, 40) for a, b, c in zip(xx, yy, xy, strict=True)],
                ]
                out.append(sum(maps[0]) + sum(maps[1]) - 2 * sum(maps[2]))
            return np.array(out)

        pixels = [[mpmath.mpf(int(i == p)) for i in range(size)] for p in range(size)]
        distance = sum(run(pixels[0], pixels[q]) for q in range(size)) / size
        exact = run(pixels[0], pixels[1]) / distance
    assert p.D.tolist() == pytest.approx([float(value) for value in exact], rel=1e-12)
