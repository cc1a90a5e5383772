"""Exact sensitivities along a recurrence: walks, and networks that take them or not."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import pytest

import scaledet as sd
from scaledet.theory.correlation.recurrence import Walk, recurrence
from scaledet.theory.signal import one_pixel
from scaledet.theory.signal.one_pixel import ExactSensitivity
from tests.theory.correlation.test_recurrence import times


def test_walk_forwards_backwards_and_in_leaps():
    law = recurrence([1, 2, 4])
    expected = [Walk(law).to(k) for k in range(60)]
    walk = Walk(law)
    assert [walk.to(k) for k in range(60)] == expected
    for k in (59, 3, 3, 0, 58):
        assert walk.to(k) == expected[k]
    leap = Walk(law)
    leap.to(7)
    steps = Walk(law)
    for k in range(1500):
        reached = steps.to(k)
    assert leap.to(1499) == reached
    clone = pickle.loads(pickle.dumps(leap))
    assert clone.to(1499) == reached
    assert copy.deepcopy(law) == law


@pytest.mark.parametrize("root", [0, 5, 700])
def test_divisors_that_vanish_are_stepped_over(root):
    """Times k - root the identities stay true, and say nothing at k = root."""
    law = recurrence([1, 2, 4])
    weak = replace(
        law,
        coefficients=tuple(times(row, (-root, 1)) for row in law.coefficients),
        lag_one=(
            tuple(times(row, (-root, 1)) for row in law.lag_one[0]),
            times(law.lag_one[1], (-root, 1)),
        ),
    )
    walk, expected = Walk(weak), Walk(law)
    for k in (0, 1, 4, 5, 6, 9, 699, 700, 701, 702, 703, 704, 950):
        assert walk.to(k) == expected.to(k)


def plain(network, size=None, monkeypatch=None):
    """Every D_k from the filter itself."""
    with monkeypatch.context() as patch:
        patch.setattr(one_pixel, "_PLAIN", 10**9)
        return [ExactSensitivity(network, size).at(k) for k in range(network.depth + 1)]


@pytest.mark.parametrize(
    ("weights", "dim", "size"),
    [
        (3, 1, None),
        ([1, 2, 4], 2, None),
        ([0, 1, 1], 3, None),
        (3, 1, 50),
        ([1, 2, 4], 2, 30),
        ([1, 0, 1], 1, None),
        ([1, 0, 2], 2, 21),
        ([2, 1, 1, 3], 1, 10**6),
    ],
)
def test_exact_sequences_are_the_same_as_before(weights, dim, size, monkeypatch):
    network = sd.Network.uniform(weights, depth=40, dim=dim)
    expected = plain(network, size, monkeypatch)
    monkeypatch.setattr(one_pixel, "_PLAIN", 4)
    exact = sd.predict(network, size=size).exact_D
    assert [exact[k] for k in (20, 7, 40)] == [expected[k] for k in (20, 7, 40)]
    assert list(exact) == expected
    assert [ExactSensitivity(network, size).at(k) for k in (3, 4, 5, 6, 33)] == [
        expected[k] for k in (3, 4, 5, 6, 33)
    ]


def test_layers_after_the_equal_ones_go_the_plain_way(monkeypatch):
    layers = [
        *[sd.Layer([0, 1, 2, 4])] * 9,
        *[sd.Layer([1, 2, 4], bias=1)] * 3,
        sd.Layer(3),
        *[sd.Layer([1, 2, 4])] * 2,
        sd.Layer(2, 2),
        sd.Layer([1, 2, 4]),
    ]
    network = sd.Network(layers)
    expected = plain(network, None, monkeypatch)
    monkeypatch.setattr(one_pixel, "_PLAIN", 2)
    asked = []
    monkeypatch.setattr(Walk, "to", lambda self, k, to=Walk.to: asked.append(k) or to(self, k))
    exact = ExactSensitivity(network, None)
    assert [exact.at(k) for k in range(network.depth + 1)] == expected
    assert asked == list(range(3, 13))


def test_a_walk_is_taken_once_and_forwards(monkeypatch):
    began = []
    direct = Walk._direct
    monkeypatch.setattr(Walk, "_direct", lambda self, k: began.append(k) or direct(self, k))
    exact = sd.predict(sd.Network.uniform(3, depth=300)).exact_D
    assert len(list(exact)) == 301
    assert began == [0, 1]
    assert exact[250] == list(pickle.loads(pickle.dumps(exact)))[250]
    clone = copy.deepcopy(sd.predict(sd.Network.uniform(3, depth=300)))
    assert clone.exact_D[299] == exact[299]


def never(*_):
    raise AssertionError("a recurrence was looked for")


@pytest.mark.parametrize(
    "network",
    [
        sd.Network.uniform(3, depth=100),
        sd.Network.uniform(1, depth=130),
        sd.Network.uniform(17, depth=101),
        sd.Network.uniform([1, 2, 3, 4, 5, 6, 7, 8, 9], depth=101),
        sd.Network.uniform(3, 2, depth=101),
        sd.Network([sd.Layer(2), sd.Layer(3)] * 60),
    ],
)
def test_networks_without_a_recurrence_that_pays(network, monkeypatch):
    monkeypatch.setattr(one_pixel, "recurrence", never)
    assert sd.predict(network).exact_D[network.depth] > 0


def test_without_a_recurrence_the_filter_itself_is_used(monkeypatch):
    def fails(kernel):
        raise ArithmeticError(f"none for {kernel!r}")

    network = sd.Network.uniform(3, depth=102)
    expected = recurrence(3).sensitivity(102)
    monkeypatch.setattr(one_pixel, "recurrence", fails)
    assert ExactSensitivity(network, None).at(102) == expected
