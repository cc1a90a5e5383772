"""`derive_network`: confirmed, and equal to what predict says."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from functools import cache
from xml.etree import ElementTree

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import scaledet as sd
from scaledet.errors import DerivationError
from scaledet.reference import layers as brute_layers
from scaledet.reference.layers import UnequalLayers
from scaledet.reference.rates import dominant_root, shortest_recurrence
from scaledet.symbolic.steps.network import derive_network

L = sd.Layer
NETS = {
    "one layer": sd.Network([L([1, 2, 4], 2)]),
    "three layers": sd.Network([L(3), L([1, 2, 1], 2), L(2, 2)]),
    "skew": sd.Network([L([1, 2, 4], 2), L([3, 1, 0, 2], 3), L([1, 3]), L([2, 1], 2)], dim=2),
    "ten layers": sd.Network(
        [
            L(3),
            L([1, 2, 1], 2),
            L(2, 2),
            L(3, 2),
            L([1, 3, 3, 1], 2),
            L(2),
            L(2),
            L(3, 3),
            L([1, 2]),
            L(2, 2),
        ]
    ),
    "long kernels": sd.Network([L(40, 4), L(list(range(1, 30)), 2)]),
    "subsampling": sd.Network([L([1, 2, 1]), L(1, 2)] * 2),
    "shifted kernels": sd.Network([L([0, 0, 1, 2, 0], 2), L([1, 0, 0, 3])] * 2),
    "float weights": sd.Network([L([Fraction(0.3), Fraction(0.7)]), L(2, 2)]),
    "block": sd.Network([L(3), L(2, 2)] * 3),
    "equal layers": sd.Network.uniform(3, 2, depth=4),
    "smooth, then stride": sd.Network([L([1, 2, 1]), L(3, 2)] * 2, dim=3),
    "stride, then smooth": sd.Network([L(3, 2), L([1, 2, 1])] * 2),
    "skew block": sd.Network([L([1, 3], 2), L([1, 2, 4], 3)] * 2, dim=2),
    "no stride": sd.Network([L(3), L([1, 2])] * 3),
    "gaps": sd.Network([L([1, 0, 1]), L([1, 0, 3])] * 2),
    "long block": sd.Network([L(30), L(3, 2)] * 2),
    "deep": sd.Network([L(3), L([1, 2, 1], 2)] * 15),
    "deep, exact powers": sd.Network([L(2, 2), L(3, 3)] * 20),
    "deep, no stride": sd.Network([L(3), L([1, 2])] * 50 + [L(2)]),
    "slow to mix": sd.Network.uniform([3, 2, 0, 1, 0, 5], 1, depth=3, dim=3),
    "idle layers": sd.Network([L(1, 3), L(1, 4), L(3, 3)] * 3),
    "large numbers": sd.Network([L([2, 5, 1, 3, 1], 2), L([0, 2, 3, 5], 4), L(4, 4), L(6, 3)] * 2),
    "nothing pools": sd.Network([L(1, 2), L(1)] * 2),
}
every_net = pytest.mark.parametrize("name", NETS)


@cache
def derived(name: str, rectify: str | None = "input"):
    return derive_network(NETS[name], rectify)


@every_net
def test_every_step_is_confirmed(name):
    report = derived(name).check()
    assert len(report) == len(derived(name).steps) >= 5
    assert all(step.evidence for step in report.steps)


@every_net
def test_results_are_what_predict_says(name):
    net, result = NETS[name], derived(name).result
    last = net.depth
    predicted = sd.predict(net)
    exact = predicted.exact_D[last]
    if result[f"D_{last}"].is_Rational:
        assert result[f"D_{last}"] == sp.Rational(exact.numerator, exact.denominator)
    assert float(result[f"D_{last}"]) == pytest.approx(float(exact), rel=1e-14)
    assert float(result[f"G_{last}"]) == pytest.approx(predicted.G[last], rel=1e-12)
    assert float(result[f"A_{last}"]) == pytest.approx(net.box_width[last], rel=1e-14)


@every_net
def test_exponents_are_there_for_blocks_that_pool(name):
    net, result = NETS[name], derived(name).result
    repeats = net.period < net.depth and net.support[-1] > 1
    assert ("alpha" in result) is ("beta" in result) is repeats
    if repeats:
        expected = sd.predict_exponents(net)
        assert (result["alpha"], result["beta"]) == (expected.alpha, expected.beta)
        assert ("plateau" in result) is (expected.alpha == 0 and expected.stride > 1)


def test_linear_noise_has_no_exponent():
    result = derived("block", None).result
    assert (result["G_6"], result["beta"]) == (1, 0)


def test_where_the_filter_stands_decides():
    assert derived("smooth, then stride").result["alpha"] == 2
    after = derived("stride, then smooth").result
    assert (after["alpha"], after["plateau"]) == (0, sp.Rational(1, 5))


@every_net
def test_every_result_is_the_claim_of_a_step(name):
    sides = {side for step in derived(name).steps for side in step.expression.args}
    assert all(value in sides for value in derived(name).result.values())


@every_net
def test_pages_are_self_contained(name):
    page = derived(name).to_html()
    root = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    text = "".join(root.itertext())
    assert "$" not in text
    assert "\\" not in text, text[text.index("\\") - 40 :][:80]
    assert derive_network(NETS[name]).to_html() == page


def test_deep_networks_are_cut_short():
    assert len(derived("deep").to_markdown()) < 2 * len(derived("block").to_markdown())


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (sd.Network([L(2), L(sd.Kernel([1, -1], signed=True))]), "derive needs non-negative"),
        (sd.Network([L(2), L(3, bias=-0.5)]), r"derive needs bias >= 0.*layer 2 has bias -0.5"),
        (sd.Network([L(2), L(3)] * 501), "net must have at most 1000 layers"),
    ],
)
def test_refused_networks(net, message):
    with pytest.raises(ValueError, match=message):
        derive_network(net)


def test_refused_arguments():
    with pytest.raises(TypeError, match="net must be a Network"):
        derive_network([L(2)])
    with pytest.raises(ValueError, match="rectify must be one of"):
        derive_network(NETS["block"], "layers")


def test_bias_changes_nothing():
    biased = sd.Network([L(3, bias=0.25), L([1, 2, 1], 2), L(2, 2, bias=1)])
    assert dict(derive_network(biased).result) == dict(derived("three layers").result)


def test_no_simulation_is_imported():
    code = (
        "import sys; import scaledet as sd\n"
        "from scaledet.symbolic.steps.network import derive_network\n"
        "derive_network(sd.Network([sd.Layer(3), sd.Layer(2, 2)] * 2)).check()\n"
        "print([name for name in sys.modules if name.startswith('scaledet.sim')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


LAYERS = st.lists(
    st.tuples(st.lists(st.integers(0, 4), min_size=1, max_size=4).filter(any), st.integers(1, 3)),
    min_size=1,
    max_size=4,
)


def normalised(layers):
    return [([Fraction(w, sum(ws)) for w in ws], s) for ws, s in layers]


@settings(max_examples=40, deadline=None)
@given(LAYERS)
def test_routes_agree_with_each_other_and_with_the_package(layers):
    routes = UnequalLayers(normalised(layers))
    net = sd.Network([L(weights, stride) for weights, stride in layers])
    for k in range(len(layers) + 1):
        for m in (0, 1, 2):
            values = routes.correlations(k, m)
            assert len(values) == 3
            assert len(set(values)) == 1
        assert routes.sensitivity(k) == sd.predict(net).exact_D[k]
        assert routes.variance(k) == net.variance[k]
        assert routes.support(k) == net.support[k]


def test_long_routes_agree_with_short_ones(monkeypatch):
    layers = normalised([([1, 2, 4], 2), ([0, 3, 1], 1), ([1, 1, 2], 3)])
    full = UnequalLayers(layers)
    monkeypatch.setattr(brute_layers, "FILTERS", 0)
    monkeypatch.setattr(brute_layers, "IMAGES", 0)
    far = UnequalLayers(layers)
    assert (far.image_depth, far.filter_depth) == (0, 0)
    for k in range(4):
        assert far.correlation(k, 1) == full.correlation(k, 1)
        assert far.sensitivity(k) == full.sensitivity(k)
        assert far.variance(k) == full.variance(k)
        assert far.support(k) == full.support(k)


def test_routes_that_disagree_are_noticed(monkeypatch):
    routes = UnequalLayers(normalised([([1, 2], 1)]))
    monkeypatch.setattr(routes, "walkers", lambda m: [Fraction(1), Fraction(1, 3 + m)])
    with pytest.raises(DerivationError, match="by one route"):
        routes.correlation(1, 0)
    with pytest.raises(IndexError, match="no layer 2"):
        routes.correlation(2, 0)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_shortest_recurrence_is_found(order):
    rule = [Fraction((-1) ** i * (i + 2), i + 3) for i in range(order)]
    terms = [Fraction(i * i + 1, 2) for i in range(order)]
    while len(terms) < 2 * order + 4:
        terms.append(sum(r * terms[-1 - i] for i, r in enumerate(rule)))
    assert shortest_recurrence(terms) == rule
    assert shortest_recurrence([Fraction(0)] * 5) == []


def test_dominant_root_of_repeated_roots():
    # (x - 1/2)^2 (x + 1/3)
    rule = [Fraction(2, 3), Fraction(1, 12), Fraction(-1, 12)]
    assert abs(dominant_root(rule).value - mpmath.mpf("0.5")) < 1e-30
