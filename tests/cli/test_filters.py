"""``scaledet filters`` and ``design``: the same as the library, and JSON of every number."""

from __future__ import annotations

import pytest

import scaledet as sd
from tests.cli.test_arguments import refused


def test_filters_print_the_comparison(run, run_json):
    expected = sd.compare_filters(stride=2)
    assert run("filters --stride 2") == (0, f"{expected!r}\n", "")
    record = run_json("filters --stride 2")
    assert record["ranking"] == expected.ranking
    columns = dict(zip(record["columns"]["filter"], record["columns"]["alpha"], strict=True))
    assert columns["none"] == "nothing pools"
    assert columns["tri3"] == {"exact": "2", "value": 2.0}
    assert record["columns"]["seen"][0] is None


def test_filters_are_named_or_name_themselves(run):
    line = "filters --filter mine=1,3,3,1 --filter gaussian:5,1 --stride 3 --depth 3 --dim 2"
    filters = {"mine": [1, 3, 3, 1], "gaussian:5,1": sd.gaussian(5, 1)}
    expected = sd.compare_filters(filters, stride=3, depth=3, dim=2)
    assert run(line) == (0, f"{expected!r}\n", "")


def test_design_prints_the_design(run, run_json):
    expected = sd.design_filter(3, 2, 0.5, depth=2, max_G=1.2, tolerance=0.1)
    line = "design --length 3 --objective 1/2 --depth 2 --max-G 1.2 --tolerance 0.1"
    assert run(line) == (0, f"{expected!r}\n", "")
    record = run_json(line)
    assert record["optimum"] == expected.optimum.tolist()
    assert record["D"]["value"] == float(expected.D)
    assert record["gap"] == expected.gap


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("filters --filter a=3 --filter a=2", "names must differ"),
        ("filters --filter a=1,-1", "kernel[1] must be >= 0"),
        ("filters --filter gaussian:5", "a length and a width as in gaussian:7,1"),
        ("filters --filter gaussian:5,0", "sigma must be"),
        ("filters --depth 1", "depth must be an integer in [2, 100]"),
        ("design --length 40", "length must be an integer in [1, 32]"),
        ("design --length 3 --objective 2", "objective must be 'D', 'G' or a weight in [0, 1]"),
        ("design --length 3 --max-G 0.1", "max_G must be"),
        ("design --length 3 --depth 40", "stride**depth is at most 4096"),
    ],
)
def test_refusals(run, line, words):
    refused(run, line, words)
