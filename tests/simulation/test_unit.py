"""Work units: pure functions of specification, stream and number."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import scaledet as sd
from scaledet.simulation.engines.base import Specification, UnitSums
from scaledet.simulation.unit import ENGINES, Stream, engine_name
from tests.runs import run_unit
from tests.runs import specification as specified


def specification(depth: int = 3, engine: str = "numba") -> Specification:
    return specified(sd.Network.uniform(2, 2 if depth < 8 else 1, depth), 32, engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_unit_is_a_pure_function_that_pickles(engine: str) -> None:
    spec, stream = specification(engine=engine), Stream(5, (0,))
    first = run_unit(spec, stream, 3, 40)
    again = run_unit(*pickle.loads(pickle.dumps((spec, stream, 3, 40))))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    other = run_unit(spec, stream, 4, 40)
    assert not np.array_equal(first.noise, other.noise)


def test_sums_pack_and_unpack() -> None:
    sums = run_unit(specification(engine="numpy"), Stream(1), 0, 10)
    again = UnitSums.unpacked(sums.packed())
    assert all(np.array_equal(a, b) for a, b in zip(sums, again, strict=True))


def test_streams_are_numpys_spawned_ones() -> None:
    generator = np.random.default_rng(9)
    stream = Stream.below(generator)
    child = np.random.SeedSequence(9).spawn(1)[0].spawn(3)[2]
    expected = child.generate_state(4)
    assert (stream.child(2).seeds().generate_state(4) == expected).all()
    assert Stream.below(generator) != stream
    words = Stream.below(np.random.default_rng([1, 2, 3]))
    assert words.entropy == (1, 2, 3)


def test_engines_have_different_names() -> None:
    assert len({engine_name(engine) for engine in ENGINES}) == len(ENGINES)
