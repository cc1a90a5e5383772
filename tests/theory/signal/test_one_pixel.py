"""One active pixel: D_k and Q_k against dense matrices, exhaustion, closed forms."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import scaledet as sd
from scaledet.theory.signal.one_pixel import ExactSensitivity
from tests.dense import composite_filters, filter_sensitivities, one_pixel, stride_one_correlation
from tests.network.test_network import build
from tests.theory.correlation.test_spectrum import STATED, relative_error

SMALL = [
    ([([1, 1], 2)] * 2, 8, 1),
    ([([1, 1], 2)] * 2, 6 * 2, 2),
    ([([1, 1, 1], 2)] * 3, 8, 1),
    ([([1, 2, 1], 2), ([1, 1], 1), ([3, 1], 3)], 12, 1),
    ([([0, 1, 1], 2), ([1, 0, 2], 1)], 6, 2),
    ([([1, 2, 0, 1, 2], 2)] * 2, 12, 1),
    ([([2, 1], 2)] * 3, 16, 1),
    ([([1, 0, 1], 1)] * 3, 7, 1),
    ([([5, 1, 2], 1)] * 6, 5, 1),
    ([([5, 1, 2], 1)] * 2, 5, 2),
    ([([1, 3], 1)] * 4, 2, 1),
    ([([1, 1, 1], 1)] * 2, 3, 1),
    ([([1, 1], 1), ([1, 2], 2)], 4, 3),
    ([([1, 3], 1)] * 2, 3, 3),
    ([([1], 2), ([1, 4, 6, 4, 1], 1)], 10, 1),
    ([([1, 1, 1, 1, 1, 1, 1], 4), ([1, 2], 1)], 8, 1),
]


def alive(expected):
    """Number of layers before the first with Q_k = 0."""
    return next((k for k, (_, spread) in enumerate(expected) if not spread), len(expected))


@pytest.mark.parametrize(("layers", "size", "dim"), SMALL)
def test_against_sums_over_all_pixels_moves_and_pairs(layers, size, dim):
    expected = one_pixel(layers, size, dim)
    depth = alive(expected) - 1
    if depth < len(layers):
        with pytest.raises(sd.ExhaustionError) as caught:
            sd.predict(build(layers, dim), size=size)
        assert (caught.value.layer, caught.value.largest_depth) == (depth + 1, depth)
    # (A network has at least one layer: with depth 0 the refusal is all there is to check.)
    prediction = sd.predict(build(layers[:depth], dim), size=size) if depth else None
    for k in range(depth + 1 if prediction else 0):
        assert prediction.exact_D[k] == expected[k][0]
        assert relative_error(prediction.D[k], expected[k][0]) < STATED
        assert relative_error(prediction.Q[k], expected[k][1]) < STATED
    # The other reference, used below at sizes where dense matrices are too slow.
    if dim == 1 or len(layers) < 3:
        quick = filter_sensitivities(layers, size, dim)
        strides = build(layers, dim).strides
        for k, (sensitivity, spread) in enumerate(expected):
            assert quick[k] == (sensitivity, spread * strides[k] ** dim / 2)


@pytest.mark.parametrize(
    ("weights", "stride", "size"),
    [
        ([1, 1], 2, 1024),
        ([1, 1, 1], 2, 1024),
        ([1, 2, 1], 2, 1024),
        ([1, 3, 3, 1], 2, 512),
        ([1, 4, 6, 4, 1], 2, 512),
        ([1] * 5, 2, 512),
        ([1] * 6, 2, 512),
        ([1] * 7, 2, 512),
        ([1, 2, 0, 1, 2], 2, 512),
        ([1, 2, 1, 2], 2, 256),
        ([3, 1], 2, 1024),
        ([1] * 3, 3, 729),
        ([1] * 6, 3, 729),
        ([1] * 4, 3, 243 * 2),
        ([1, 2, 3, 2, 1], 3, 729),
        ([1] * 8, 4, 1024),
        ([1] * 5, 5, 625),
        ([1, 1, 1], 2, 7 * 64),
        ([1, 2], 2, 5 * 64),
        ([1, 3, 1], 2, 10**6 * 2),
    ],
)
@pytest.mark.parametrize("dim", [1, 2])
def test_strided_layers_to_the_last(weights, stride, size, dim):
    depth = 0
    while size % stride ** (depth + 1) == 0 and depth < 12:
        depth += 1
    layers = [(weights, stride)] * depth
    if size > 10**4:  # the filter does not wrap: no folding needed
        expected = [
            (s * e / (e - Fraction(1, size**dim)), e - Fraction(1, size**dim))
            for s, e in filter_sensitivities(layers, None, dim)
        ]
    else:
        expected = filter_sensitivities(layers, size, dim)
    last = alive(expected) - 1
    prediction = sd.predict(build(layers[:last], dim), size=size)
    for k in range(last + 1):
        assert relative_error(prediction.D[k], expected[k][0]) < STATED
        assert relative_error(prediction.Q[k], 2 * expected[k][1] / stride ** (k * dim)) < STATED
    assert prediction.exact_D[last] == expected[last][0]


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_box_two_without_stride(dim):
    """f = 2: D_k = 1/(k + 1) on the infinite lattice, in every dimension."""
    prediction = sd.predict(sd.Network.uniform(2, 1, depth=50, dim=dim))
    assert list(prediction.exact_D) == [Fraction(1, k + 1) for k in range(51)]
    assert pytest.approx([1 / (k + 1) for k in range(51)], rel=STATED) == prediction.D


@pytest.mark.parametrize("stride", [2, 3, 5])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_box_with_stride_equal_to_length(stride, dim):
    """D_k = S_k^-1 / (1 - (S_k / N)^d)."""
    depth = 4
    size = stride ** (depth + 1)
    net = sd.Network.uniform(stride, stride, depth=depth, dim=dim)
    expected = [
        Fraction(1, stride**k) / (1 - Fraction(stride**k, size) ** dim) for k in range(depth + 1)
    ]
    assert list(sd.predict(net, size=size).exact_D) == expected
    assert list(sd.predict(net).exact_D) == [Fraction(1, stride**k) for k in range(depth + 1)]


@pytest.mark.parametrize("length", [2, 3, 5])
def test_boxes_shorter_than_the_stride(length):
    """f < s: D_k = 1/f for all k >= 1."""
    prediction = sd.predict(sd.Network.uniform(length, length + 2, depth=6))
    assert list(prediction.exact_D) == [1] + [Fraction(1, length)] * 6


@pytest.mark.parametrize("length", [2, 3, 4, 7])
def test_asymptotic_series_of_boxes_without_stride(length):
    """The remainders of the series of D_k and c_k(0) fall like k^-4 and k^-3 over a decade."""
    f = Fraction(length)
    square = f**2 - 1

    def remainders(k):
        c, scale = stride_one_correlation([1] * length, k)
        drop = Fraction(c[0] - c[1], c[0])
        series = (
            3 / (square * k)
            - 9 * (f**2 + 6) / (10 * square**2 * k**2)
            + 27 * (f**4 + 57 * f**2 + 106) / (350 * square**3 * k**3)
        )
        # sqrt(pi k (f^2 - 1) / 3) is irrational: 40 digits of it.
        with mpmath.workdps(40):
            peak = mpmath.mpf(c[0]) / scale * mpmath.sqrt(mpmath.pi * k * int(square) / 3)
            shape = 1 - 3 * (f**2 + 1) / (40 * square) / k
            shape -= (13 * f**4 - 134 * f**2 + 13) / (4480 * square**2) / k**2
            return float(drop - series), float(
                peak - mpmath.mpf(shape.numerator) / shape.denominator
            )

    near, far = remainders(40), remainders(400)
    # The next term of either series changes the ratio by a relative O(1/40): a few percent,
    # while the neighbouring orders differ by factors of 10.
    assert near[0] / far[0] == pytest.approx(1e4, rel=0.2)
    assert near[1] / far[1] == pytest.approx(1e3, rel=0.2)
    # and scaledet's numbers obey the same series
    prediction = sd.predict(sd.Network.uniform(length, 1, depth=400))
    k = np.arange(40, 401)
    s = float(square)
    series = 3 / (s * k) - 9 * (length**2 + 6) / (10 * s**2 * k**2)
    series += 27 * (length**4 + 57 * length**2 + 106) / (350 * s**3 * k**3)
    scaled = (prediction.D[40:] - series) * k**4
    assert np.ptp(scaled) < 0.2 * abs(scaled.mean())  # constant up to O(1/40)


EXHAUSTION = [(2, 2), (4, 2), (6, 2), (8, 2), (12, 2), (3, 3), (9, 3), (6, 3)]


@pytest.mark.parametrize(("length", "stride"), EXHAUSTION)
@pytest.mark.parametrize("dim", [1, 2])
def test_exhaustion_of_boxes(length, stride, dim):
    """s^p exactly dividing f: Q_k = 0 first at k = log_s N - p + 1."""
    power = next(p for p in range(1, 9) if length % stride ** (p + 1))
    top = 6 if stride == 2 else 4
    size = stride**top
    layer = top - power + 1
    assert alive(one_pixel([([1] * length, stride)] * top, size)) == layer
    net = sd.Network.uniform(length, stride, depth=top, dim=dim)
    message = rf"depth must be at most {layer - 1} on size {size}: .* exhausted at layer {layer}"
    with pytest.raises(sd.ExhaustionError, match=message) as caught:
        sd.predict(net, size=size)
    assert caught.value.layer == layer
    assert caught.value.largest_depth == layer - 1
    prediction = sd.predict(net[: layer - 1], size=size)
    assert np.isfinite(prediction.D).all()
    assert np.isfinite(prediction.G).all()
    with pytest.raises(sd.ExhaustionError):
        sd.predict(net[:layer], size=size)
    with pytest.raises(sd.ExhaustionError, match=message):
        ExactSensitivity(net, size).at(layer)


@pytest.mark.parametrize("weights", [[1, 2, 1], [1, 4, 6, 4, 1], [1, 2, 0, 1, 2]])
def test_exhaustion_of_other_sum_rule_filters(weights):
    size = 32
    with pytest.raises(sd.ExhaustionError) as caught:
        sd.predict(sd.Network.uniform(weights, 2, depth=5), size=size)
    assert caught.value.layer == alive(one_pixel([(weights, 2)] * 5, size)) == 5
    assert sd.predict(sd.Network.uniform(weights, 2, depth=4), size=size).D[-1] > 0


@pytest.mark.parametrize("weights", [[1, 1, 1], [2, 1], [1] * 7, [1, 2, 1, 2, 1]])
def test_without_the_sum_rule_nothing_is_exhausted(weights):
    prediction = sd.predict(sd.Network.uniform(weights, 2, depth=5), size=32)
    expected = one_pixel([(weights, 2)] * 5, 32)
    assert relative_error(prediction.D[5], expected[5][0]) < STATED
    assert relative_error(prediction.Q[5], expected[5][1]) < STATED


@pytest.mark.parametrize("size", [2, 3, 8, 30])
def test_exhaustion_by_a_box_over_the_whole_image(size):
    with pytest.raises(sd.ExhaustionError, match=f"at most 0 on size {size}.*layer 1 ") as caught:
        sd.predict(sd.Network.uniform(size, 1, depth=3), size=size)
    assert (caught.value.layer, caught.value.largest_depth) == (1, 0)


def test_exhaustion_below_the_range_of_floats():
    """No exact zero, but Q_k below 1e-308: the depth that is named works, the next does not."""
    net = sd.Network.uniform([1, 2, 1], 1, depth=5000)
    with pytest.raises(sd.ExhaustionError, match="range of floats") as caught:
        sd.predict(net, size=8)
    largest = caught.value.largest_depth
    # c - 1/8 is 2/8 cos(pi/8)^(4 k), a power of floats' least number at the layer named.
    last = math.log(2 / 8 / np.finfo(float).tiny) / (-4 * math.log(math.cos(math.pi / 8)))
    assert largest == math.floor(last)
    assert sd.predict(net[:largest], size=8).D[-1] == pytest.approx(
        1 - math.cos(math.pi / 4), rel=STATED
    )
    with pytest.raises(sd.ExhaustionError):
        sd.predict(net[: largest + 1], size=8)


def test_exhaustion_in_the_flat_part_and_after_it():
    layers = [([1, 1], 1), ([1, 1, 1, 1], 1), ([1, 1], 2)]
    with pytest.raises(sd.ExhaustionError) as caught:
        sd.predict(build(layers), size=4)
    assert caught.value.layer == 2
    layers = [([3, 1], 1), ([1, 1], 2), ([1, 1], 2)]
    with pytest.raises(sd.ExhaustionError) as caught:
        sd.predict(build(layers), size=4)
    assert caught.value.layer == 3
    assert isinstance(caught.value, ValueError)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.layer, copy.largest_depth, str(copy)) == (3, 2, str(caught.value))


def checks_out(compute):
    """Whether `compute(h, total, size)` gives D_k of a filter that exercises everything."""
    layers, size = [([1, 3, 2], 2)] * 3, 16
    expected = [sensitivity for sensitivity, _ in one_pixel(layers, size)]
    results = [compute(h, total, size) for h, total in composite_filters(layers, size)]
    return results == expected


def from_filter(h, total, size, *, lag=1, square=2, background=True):
    zero = Fraction(sum(a**square for a in h), total**2)
    one = Fraction(sum(a * h[(i + lag) % size] for i, a in enumerate(h)), total**2)
    return (zero - one) / (zero - (Fraction(1, size) if background else 0))


@pytest.mark.parametrize(
    ("mistake", "right"),
    [({}, True), ({"lag": 2}, False), ({"square": 1}, False), ({"background": False}, False)],
)
def test_negative_controls_the_dense_check_notices_mistakes(mistake, right):
    assert checks_out(lambda h, total, size: from_filter(h, total, size, **mistake)) is right
