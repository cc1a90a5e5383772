"""The exact recursion for c_k, against dense convolution and the numbers of the theory."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from scaledet.network.network import Network
from scaledet.theory.correlation.exact import composite_filter, correlation, correlations
from tests.dense import autocorrelation, composite_filters, stride_one_correlation, strided_orbit
from tests.network.test_network import build

NETWORKS = [
    [([1, 1], 2)] * 5,
    [([1, 1, 1], 2)] * 5,
    [([1, 3, 0, 2], 2)] * 4,
    [([1, 2], 3)] * 3,
    [([2, 1, 1], 1)] * 6,
    [([1, 2, 1], 1), ([1, 1], 2), ([3, 1, 1], 1), ([1, 0, 2], 3)],
    [([1, 1], 2), ([1, 1], 2), ([1, 1], 1), ([1, 1], 1), ([0, 1, 1], 4)],
]


def brute(h, total, lag, size):
    """c(lag) from the filter by a double loop."""
    pairs = ((i, j) for i in range(len(h)) for j in range(len(h)))
    same = (lambda d: (d - lag) % size == 0) if size else (lambda d: d == lag)
    return Fraction(sum(h[i] * h[j] for i, j in pairs if same(j - i)), total**2)


@pytest.mark.parametrize("layers", NETWORKS)
@pytest.mark.parametrize("turns", [None, 1, 3])
def test_every_route_equals_the_double_loop(layers, turns):
    net = build(layers)
    size = None if turns is None else net.strides[-1] * turns
    if size is not None and size < max(len(w) for w, _ in layers):
        size *= 4
    filters = composite_filters(layers)
    orbit = list(correlations(net, size=size))
    assert len(orbit) == net.depth + 1
    for k, (h, total) in enumerate(filters):
        expected = [brute(h, total, m, size) for m in range(4)]
        computed = correlation(net, k, size=size, lags=3)
        assert [Fraction(v, computed.scale) for v in computed.values] == expected
        assert [Fraction(v, orbit[k].scale) for v in orbit[k].values] == expected[:2]
        folded = composite_filter(net, k, size)
        plain = composite_filters(layers, size)[k] if size else (h, total)
        weight = Fraction(sum(folded), plain[1])
        length = max(len(folded), len(plain[0]))
        assert [*folded, *[0] * (length - len(folded))] == [
            weight * value for value in [*plain[0], *[0] * (length - len(plain[0]))]
        ]


def test_integers_of_the_theory_for_box_3_at_stride_2():
    net = Network.uniform(3, 2, depth=5)
    sequence = list(correlations(net, start=1))
    assert [c.values[0] for c in sequence] == [3, 13, 59, 269, 1227]
    assert [2 * (c.values[0] - c.values[1]) for c in sequence] == [2, 6, 26, 118, 538]
    assert [c.scale for c in sequence] == [9**k for k in range(1, 6)]
    # and the reference agrees with them, so that it may be trusted elsewhere
    assert strided_orbit([1, 1, 1], 2, 5)[1:] == [
        (3, 2),
        (13, 10),
        (59, 46),
        (269, 210),
        (1227, 958),
    ]


@pytest.mark.parametrize(
    ("weights", "stride"), [([1, 1, 1], 2), ([1, 2, 0, 1, 2], 2), ([2, 1], 5), ([1] * 7, 3)]
)
def test_strided_orbit_at_depth_200(weights, stride):
    net = Network.uniform(weights, stride, depth=200)
    expected = strided_orbit(weights, stride, 200)
    values = [tuple(c.values) for c in correlations(net)]
    assert values == expected


@pytest.mark.parametrize("weights", [[1, 1], [1, 2, 1], [3, 1, 1]])
def test_stride_one_powers(weights):
    expected, scale = stride_one_correlation(weights, 60)
    computed = correlation(Network.uniform(weights, 1, depth=60), 60, lags=5)
    assert list(computed.values) == expected[:6]
    assert computed.scale == scale
    # the power recurrence of the reference against the plain convolution of the reference
    h, _ = composite_filters([(weights, 1)] * 60)[-1]
    assert autocorrelation(h) == expected


def test_order_of_unequal_layers_matters():
    """Applying the first layer last is the likeliest mistake: the check must notice."""
    layers = [([1, 2, 1], 2), ([1, 0, 3], 3), ([1, 1], 2)]
    (h, total) = composite_filters(layers)[-1]
    expected = [brute(h, total, m, None) for m in range(2)]
    right = correlation(build(layers), 3)
    wrong = correlation(build(layers[::-1]), 3)
    assert [Fraction(v, right.scale) for v in right.values] == expected
    assert [Fraction(v, wrong.scale) for v in wrong.values] != expected


def one_step(values, weights, stride, *, lag=0, square=True, strided=True):
    """T applied to {m: c(m)}; the keywords introduce mistakes."""
    half = autocorrelation(weights) if square else list(weights)
    step = stride if strided else 1
    return {
        m: sum(
            half[abs(m - step * n + lag)] * v
            for n, v in values.items()
            if abs(m - step * n + lag) < len(half)
        )
        for m in values
    }


@pytest.mark.parametrize(
    ("mistake", "caught"),
    [({}, False), ({"lag": 1}, True), ({"square": False}, True), ({"strided": False}, True)],
)
def test_negative_controls_wrong_recursions_are_caught(mistake, caught):
    """Off-by-one lag, forgotten square, missing stride: each differs from the package at once."""
    weights, stride, depth = [1, 3, 2], 2, 6
    values = {m: int(m == 0) for m in range(-6, 7)}
    recursion = [(values[0], values[1])]
    for _ in range(depth):
        values = one_step(values, weights, stride, **mistake)
        recursion.append((values[0], values[1]))
    package = [tuple(c.values) for c in correlations(Network.uniform(weights, stride, depth=depth))]
    assert (recursion != package) is caught
    assert (recursion[2] != package[2]) is caught  # (a stride matters from the second layer on)


def test_random_unequal_networks():
    rng = random.Random(7)
    for _ in range(40):
        layers = []
        for _ in range(rng.randint(1, 4)):
            weights = [rng.randint(0, 4) for _ in range(rng.randint(1, 5))]
            weights[rng.randrange(len(weights))] += 1
            layers.append((weights, rng.choice([1, 1, 2, 3])))
        net = build(layers)
        size = net.strides[-1] * rng.choice([1, 2, 5])
        h, total = composite_filters(layers)[-1]
        for n in (None, size):
            computed = correlation(net, net.depth, size=n)
            assert [Fraction(v, computed.scale) for v in computed.values] == [
                brute(h, total, m, n) for m in range(2)
            ]
