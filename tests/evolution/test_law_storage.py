"""Laws as arrays and back."""

from __future__ import annotations

import json

import numpy as np

import scaledet as sd
from scaledet.evolution.law_storage import pack, unpack


def test_round_trip_through_json_and_arrays():
    found = sd.evolve(kernel=[1, 2], depth=3, size=16, bias=[-0.05, -0.01, 0])
    meta, arrays = pack(found.laws, found.active)
    meta = json.loads(json.dumps({**meta, "other": 1}))
    laws, active, rest, left = unpack(meta, {**arrays, "more": np.ones(2)})
    assert rest == {"other": 1}
    assert set(left) == {"more"}
    assert (
        [len(layer) for layer in active] == [len(layer) for layer in found.active] == [1, 2, 4, 0]
    )
    for one, other in zip(laws, found.laws, strict=True):
        assert np.array_equal(one.values, other.values)
        assert (one.edge, one.log_atom, one.mass) == (other.edge, other.log_atom, other.mass)
        assert (one.mean, one.variance, one.lost) == (other.mean, other.variance, other.lost)
    for layer, stored in zip(found.active, active, strict=True):
        for unit, again in zip(layer, stored, strict=True):
            assert (unit.probability, unit.clean) == (again.probability, again.clean)
            assert (unit.shift, unit.square) == (again.shift, again.square)


def test_a_unit_without_noise_left():
    found = sd.evolve(kernel=2, depth=3, bias=[-50, 0, 0])
    laws, active, _, _ = unpack(*pack(found.laws, found.active))
    assert [len(law.values) for law in laws][1:] == [0, 0, 0]
    assert active == ((),) * 4
