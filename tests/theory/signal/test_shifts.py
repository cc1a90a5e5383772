"""Rigid shifts: one pixel, pairs and given images against sums over all positions and images."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from tests.dense import composite_filters, one_pixel, pixel_pairs, pooled_torus, weighted_pairs
from tests.network.test_network import build
from tests.theory.signal.test_pairs import FILTERS, TASKS

# Sums of squares of floats.
FLOATS = 1e-12

NETWORKS = [
    ([([1, 1], 2)] * 2, 8, 1),
    ([([1, 1, 1], 2)] * 2, 8, 1),
    ([([1, 2, 1], 2), ([1, 1], 1), ([3, 1], 3)], 12, 1),
    ([([0, 1, 1], 2), ([1, 0, 2], 1)], 6, 2),
    ([([5, 1, 2], 1)] * 6, 5, 1),
    ([([1, 0, 1], 1)] * 3, 7, 1),
    ([([1], 2), ([1, 4, 6, 4, 1], 1)], 10, 1),
    ([([1, 1], 1), ([1, 2], 2)], 4, 3),
    ([([1, 3], 2), ([2, 1, 0], 2)], 8, 2),
]


def shifts(size, dim):
    """Some shifts, with those that wrap around and that are longer than the image."""
    if dim == 1:
        return [(m,) for m in (0, 1, 2, 3, -1, size // 2, size - 1, 2 * size + 3)]
    steps = [(1, 0, 0), (0, 2, 1), (-1, 3, size), (size // 2, size // 2, 1)]
    return [step[:dim] for step in steps]


def moved_pixels(size, shift):
    """Raster numbers of the pixels that all pixels are shifted to."""
    grid = np.arange(size ** len(shift)).reshape([size] * len(shift))
    return np.roll(grid, [-m for m in shift], tuple(range(len(shift)))).ravel()


def changes(layers, size, dim, shift):
    """|f_k(S_m e_p) - f_k(e_p)|^2 for k = 0 ... depth and every pixel p."""
    torus, ahead = pooled_torus(layers, size, dim), moved_pixels(size, shift)
    result = []
    for k in range(len(layers) + 1):
        features = torus.features(k)
        squares = ((features[ahead] - features) ** 2).sum(axis=1)
        result.append([Fraction(int(square), torus.scale(k) ** 2) for square in squares])
    return result


@pytest.mark.parametrize(("layers", "size", "dim"), NETWORKS)
def test_one_pixel_at_all_positions(layers, size, dim):
    net, distances = build(layers, dim), [q for _, q in one_pixel(layers, size, dim)]
    for shift in shifts(size, dim):
        expected = changes(layers, size, dim, shift)
        average = sd.predict_shift(net, shift, size=size)
        means = [sum(each) / size**dim / q for each, q in zip(expected, distances, strict=True)]
        assert list(average.exact_D) == means
        assert average.D.tolist() == list(map(float, means))
        assert average.Q.tolist() == list(map(float, distances))
        worst = sd.predict_shift(net, shift, size=size, phase="fixed", position="worst")
        assert list(worst.exact_D) == [
            max(each) / q for each, q in zip(expected, distances, strict=True)
        ]
        for pixel in {0, 1, size - 1, size**dim // 2, size**dim - 2}:
            position = [int(x) for x in np.unravel_index(pixel, [size] * dim)]
            fixed = sd.predict_shift(net, shift, size=size, phase="fixed", position=position)
            assert list(fixed.exact_D) == [
                each[pixel] / q for each, q in zip(expected, distances, strict=True)
            ]


@pytest.mark.parametrize(("layers", "size", "dim"), NETWORKS)
def test_one_site_is_the_local_move(layers, size, dim):
    """D_k of a random move by one site is that of a shift by one site along any axis."""
    net = build(layers, dim)
    local = list(sd.predict(net, size=size).exact_D)
    for axis, sign in itertools.product(range(dim), (-1, 1)):
        shift = [sign * (other == axis) for other in range(dim)]
        assert list(sd.predict_shift(net, shift, size=size).exact_D) == local
    assert sd.predict_shift(net, 1, size=size).exact_D == tuple(local)


@pytest.mark.parametrize("weights", [[1, 1], [1, 1, 1], [1, 2, 1], [3, 0, 1]])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dim", [1, 2])
def test_the_infinite_lattice(weights, stride, dim):
    """1 - prod c(m_a)/c(0)^d from the composite filter; far pixels have nothing in common."""
    layers = [(weights, stride)] * 3
    net = build(layers, dim)
    for shift in [(1, 0), (2, 5), (-4, 3), (10**6 + 1, 0)]:
        shift = shift[:dim]
        expected = []
        for h, _ in composite_filters(layers):
            correlation = [
                sum(a * b for a, b in zip(h, h[abs(m) :], strict=False)) for m in (0, *shift)
            ]
            zero = correlation[0] ** dim
            expected.append(Fraction(zero - int(np.prod(correlation[1:])), zero))
        assert list(sd.predict_shift(net, shift).exact_D) == expected


@pytest.mark.parametrize("shift", [1, -3, 4, 17, -1000, 10**6 + 1])
@pytest.mark.parametrize("weights", [[1, 1], [1, 2, 1], [3, 0, 1]])
def test_positions_on_the_infinite_lattice(weights, shift):
    """The mean over the grid phases is the average; a large torus differs by its Q only."""
    net = sd.Network.uniform(weights, 2, depth=3)
    average = sd.predict_shift(net, shift).exact_D
    at = [sd.predict_shift(net, shift, phase="fixed", position=p).exact_D for p in range(8)]
    for k in range(4):
        assert sum(each[k] for each in at) / 8 == average[k]
    worst = sd.predict_shift(net, shift, phase="fixed", position="worst").exact_D
    assert worst == tuple(max(each[k] for each in at) for k in range(4))
    if abs(shift) < 100:
        for p in (0, 3, 7):
            torus = sd.predict_shift(net, shift, size=2**10, phase="fixed", position=p)
            lattice = sd.predict_shift(net, shift, phase="fixed", position=p)
            scaled = [float(d * q) for d, q in zip(torus.D, torus.Q, strict=True)]
            assert scaled == pytest.approx((lattice.D * lattice.Q).tolist(), rel=1e-14)


@pytest.mark.parametrize("stride", [2, 3])
def test_boxes_as_long_as_their_stride(stride):
    """D_k(m) = min(m, S_k)/S_k on the lattice; at a fixed phase 1 if m crosses a window, else 0."""
    net = sd.Network.uniform(stride, stride, depth=3)
    for m, position in itertools.product(range(30), (0, 1, 5)):
        assert sd.predict_shift(net, m).exact_D == tuple(
            Fraction(min(m, s), s) for s in net.strides
        )
        fixed = sd.predict_shift(net, m, phase="fixed", position=position).exact_D
        assert fixed == tuple(int(position // s != (position + m) // s) for s in net.strides)


def shifted_pairs(name, layers, shift, balanced):
    """[(change, Q)] of all pairs of a task, both pixels shifted."""
    options = TASKS[name]
    size, dim = options["size"], options.get("dim", 1)
    law = dict(zip(*weighted_pairs(pixel_pairs(**{"gap": 2, **options}), balanced), strict=True))
    torus, ahead = pooled_torus(layers, size, dim), moved_pixels(size, shift)
    result = []
    for k in range(len(layers) + 1):
        features, change = torus.features(k), Fraction(0)
        for (p, q), weight in law.items():
            moved = features[ahead[p]] + features[ahead[q]] - features[p] - features[q]
            change += weight * Fraction(int((moved**2).sum()), torus.scale(k) ** 2)
        result.append((change, torus.pair_distance(k, law)))
    return result


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("name", TASKS)
def test_all_pairs_of_a_task(name, balanced):
    task = sd.ScaleDetection(**TASKS[name])
    layers = FILTERS[task.size][-1]
    some = shifts(task.size, task.dim)[1::3] if task.dim == 1 else shifts(task.size, 2)[1:3]
    for shift in some:
        expected = shifted_pairs(name, layers, shift, balanced)
        result = sd.predict_shift(build(layers, task.dim), shift, task=task, balanced=balanced)
        assert list(result.exact_D) == [change / distance for change, distance in expected]
        assert result.D.tolist() == list(map(float, result.exact_D))
        assert result.Q.tolist() == [float(distance) for _, distance in expected]


def test_where_a_task_has_its_pairs_is_not_everywhere():
    """Negative control: the pairs of T2 with balanced labels know the grid; others do not."""
    net = sd.Network.uniform(2, 2)
    given = {"balanced": True, "task": sd.ScaleDetection(size=8, xi=2, variant="T2")}
    images = (
        given["task"].images(given["task"].pairs(1)),
        given["task"].images(given["task"].pairs(-1)),
    )
    own = sd.predict_shift(net, 1, **given).D[1]
    # Each label as often as the other, at uniform positions.
    everywhere = sd.predict_shift(net, 1, images=np.concatenate([*[images[0]] * 6, images[1]]))
    assert abs(own / everywhere.D[1] - 1) > 0.1


IMAGES = [
    ([([1, 1, 1], 2)] * 3, 24, 1),
    ([([1, 2, 1], 2), ([3, 1], 1), ([1, 0, 2], 3)], 12, 1),
    ([([1, 2, 1], 2), ([0, 1, 3], 2)], 8, 2),
    ([([1, 2], 2), ([1, 1, 1], 1)], 4, 3),
    ([([1, 2, 3, 4, 5, 6], 1), ([5, 1, 2], 2)], 6, 1),
]


@pytest.mark.parametrize(("layers", "size", "dim"), IMAGES)
def test_given_images_at_all_positions(layers, size, dim):
    """Against pooling of the images themselves, at every position: no theory."""
    rng = np.random.default_rng(0)
    images, net, axes = rng.random((3, *[size] * dim)), build(layers, dim), tuple(range(1, dim + 1))
    positions = list(itertools.product(range(size), repeat=dim))
    stack = np.concatenate([np.roll(images, at, axes) for at in positions])
    for shift in shifts(size, dim)[1::2]:
        moved = np.roll(stack, shift, axes)
        simulated = sd.simulate_change(net, stack, moved, whole=True)
        average = sd.predict_shift(net, shift, images=images)
        assert pytest.approx(simulated.D, rel=FLOATS) == average.D
        assert pytest.approx(simulated.Q, rel=FLOATS) == average.Q
        each = np.array(
            [
                sd.simulate_change(net, stack[i : i + 3], moved[i : i + 3], whole=True).change
                for i in range(0, len(stack), 3)
            ]
        )
        worst = sd.predict_shift(net, shift, images=images, phase="fixed", position="worst")
        assert pytest.approx(each.max(axis=0), rel=FLOATS) == worst.D * worst.Q
        for i in (0, 1, len(positions) // 2, len(positions) - 1):
            given = {"phase": "fixed", "position": positions[i]}
            fixed = sd.predict_shift(net, shift, images=images, **given)
            assert pytest.approx(each[i], rel=FLOATS) == fixed.D * fixed.Q


@pytest.mark.parametrize(("layers", "size", "dim"), NETWORKS[:4])
def test_the_image_of_one_pixel_is_one_pixel(layers, size, dim):
    net, image = build(layers, dim), np.zeros((1, *[size] * dim))
    image.flat[0] = 1
    for shift in shifts(size, dim):
        for options in ({}, {"phase": "fixed", "position": [1] * dim}):
            exact = sd.predict_shift(net, shift, size=size, **options)
            floats = sd.predict_shift(net, shift, images=image, **options)
            assert pytest.approx(exact.D, rel=FLOATS, abs=1e-30) == floats.D
            assert pytest.approx(exact.Q, rel=FLOATS) == floats.Q


def test_constants_added_to_the_images_change_nothing():
    """Q_k holds differences of images only, so that 1e6 more per pixel leave ten digits."""
    net, images = (
        sd.Network.uniform([1, 2, 1], 2, depth=3),
        np.random.default_rng(1).random((4, 32)),
    )
    plain, raised = (sd.predict_shift(net, 3, images=images + b) for b in (0.0, 1e6))
    assert pytest.approx(plain.D, rel=1e-8) == raised.D
    assert pytest.approx(plain.Q, rel=1e-8) == raised.Q


def test_positive_biases_change_nothing():
    layers = [sd.Layer([1, 2, 1], 2, bias=b) for b in (0, 1)]
    images = np.random.default_rng(2).random((3, 16))
    for given in ({"size": 16}, {"images": images}):
        plain, biased = (sd.predict_shift(2 * sd.Network([each]), 3, **given) for each in layers)
        assert plain.D.tolist() == biased.D.tolist()
