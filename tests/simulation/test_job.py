"""How the images of a run are divided into units: rules that use every image, for any number."""

from __future__ import annotations

import itertools
import time

import pytest

import scaledet as sd
from scaledet.simulation.engines.base import Specification
from scaledet.simulation.job import STAGE, Units, unit_sizes
from tests.runs import NET, small
from tests.runs import specification as specified


def specification(depth: int = 3, engine: str = "numba") -> Specification:
    return specified(sd.Network.uniform(2, 2 if depth < 8 else 1, depth), 32, engine=engine)


def test_unit_sizes_use_every_sample() -> None:
    for samples in (4, 5, 7, 100, 1000, 10_001, 10**6):
        for depth in (1, 8, 100):
            sizes = unit_sizes(specification(depth), samples)
            assert sum(sizes) == samples
            assert min(sizes) >= 2
            assert max(sizes) - min(sizes) <= 1
            assert len(sizes) >= 2


def test_huge_runs_have_few_units() -> None:
    sizes = unit_sizes(specification(engine="numpy"), 10**10)
    assert len(sizes) <= 2**17
    assert sum(sizes) == 10**10


def test_units_are_rules_not_lists() -> None:
    unit_sizes(specification(), 1000)  # the engine is imported before
    begin = time.process_time()
    for growing, engine in itertools.product((False, True), ("numba", "numpy")):
        units = unit_sizes(specification(engine=engine), 10**18, growing=growing)
        assert units.before(len(units)) == 10**18
        assert units.before(len(units) - 1) == 10**18 - units[-1]
        assert 2 <= units.largest <= 2**20
        place = units.holding(10**17)
        assert units.before(place - 1) < 10**17 <= units.before(place)
        assert units.holding(10**18 + 1) == len(units) + 1
    assert time.process_time() - begin < 0.1


@pytest.mark.parametrize("most", [2, 50, 64, 100, 300, 10**6])
def test_growing_units(most: int, monkeypatch) -> None:
    """64 units of 64 images, 64 of 128, and so on, up to what memory allows; then the rest."""
    engine = "scaledet.simulation.engines.plain.most_images"
    monkeypatch.setattr(engine, lambda _: most)
    spec = specification(engine="numpy")
    rule = [min(min(64, most) * (1 + unit // STAGE), most) for unit in range(1000)]
    sums = [0, *itertools.accumulate(rule)]
    assert sums[STAGE] == STAGE * min(64, most)
    for samples in (sums[64], sums[64] + 1, sums[64] + 2, sums[300] - 1, sums[300], sums[999] + 1):
        units = unit_sizes(spec, samples, growing=True)
        assert sum(units) == samples
        assert list(units)[:-1] == rule[: len(units) - 1]
        assert 2 <= units[-1] <= rule[len(units) - 1] + 1
        assert units.largest == max(units)
        assert units[-2:] == list(units)[-2:]
    # Fewer images than one stage are divided as without a target, into more units.
    short = sums[64] - 1
    assert unit_sizes(spec, short, growing=True) == unit_sizes(spec, short)


def test_places_outside_are_no_units() -> None:
    units = Units(samples=10, number=3)
    assert list(units) == [4, 3, 3]
    with pytest.raises(IndexError):
        units[3]


def test_more_samples_than_any_machine_can_draw_are_refused() -> None:
    with pytest.raises(ValueError, match=r"samples must be at most 4611686018427387904; got 10+$"):
        small(samples=10**20)
    with pytest.raises(ValueError, match="samples must be at most"):
        sd.sweep([NET], [32], samples=10**20, target_error=0.1)
