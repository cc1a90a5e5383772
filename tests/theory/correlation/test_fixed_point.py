"""The recursion in fixed point against exact integers: within its own bound, layer by layer."""

from __future__ import annotations

import itertools
import random

import pytest

from scaledet.theory.correlation.exact import correlation
from scaledet.theory.correlation.fixed_point import rounded_correlations
from tests.network.test_network import build


def errors(net, size, bits, flat):
    """Errors of c_k(0) and of c_k(0) - c_k(1) for k = flat + 1 ... in ulps, and their bound."""
    rows = []
    rounded = rounded_correlations(net, size, bits, flat)
    for k, (value, ulps) in enumerate(rounded, start=flat + 1):
        exact = correlation(net, k, size=size)
        expected = [exact.values[0], exact.values[0] - exact.values[1]]
        computed = [value.values[0], value.values[0] - value.values[1]]
        pairs = zip(computed, expected, strict=True)
        rows.append(
            [(abs(c * exact.scale - e * value.scale) / exact.scale, ulps) for c, e in pairs]
        )
    assert len(rows) == net.depth - flat
    return list(itertools.chain(*rows))


KERNELS = [[1, 1], [1, 1, 1], [3, 1], [1, 2, 0, 5], [0, 1, 4, 6, 4, 1], [1]]


@pytest.mark.parametrize("seed", range(40))
def test_random_layers_within_the_bound(seed):
    rng = random.Random(seed)
    layers = []
    for _ in range(rng.randint(1, 5)):
        layers += [(rng.choice(KERNELS), 1)] * rng.choice([1, 2, 64, 200])
        layers += [(rng.choice(KERNELS), rng.choice([2, 2, 3]))] * rng.choice([1, 3])
    flat = next(k for k, (_, stride) in enumerate(layers) if stride > 1)
    net = build(layers)
    size = rng.choice([None, *(net.strides[-1] * n for n in (1, 2, 3, 7, 100))])
    measured = errors(net, size, rng.choice([20, 64, 300]), flat)
    assert all(error <= bound for error, bound in measured)
    assert max(bound for _, bound in measured) < 50 * len(layers)


def test_long_first_run_through_its_power():
    """Several kernels without stride at first, then strides; on a torus that they fill, too."""
    layers = [([1, 1, 1], 1)] * 300 + [([3, 1], 1)] * 77 + [([1, 1], 2)] * 3
    for size in (None, 8, 64, 1 << 40):
        measured = errors(build(layers), size, 200, 377)
        assert all(error <= bound for error, bound in measured)
        assert max(error for error, _ in measured) > 0


def test_negative_control_the_difference_of_the_rows_would_lose_the_bits():
    """c_k(0) - c_k(1) keeps the relative error of a number of its own as layers go on."""
    net = build([([1, 1], 2)] * 60)
    (value, ulps) = list(rounded_correlations(net, None, 180, 0))[-1]
    drop = value.values[0] - value.values[1]
    assert ulps << 50 < drop  # 2^-120 of the unit
    assert abs(drop - (value.scale >> 120)) <= ulps
