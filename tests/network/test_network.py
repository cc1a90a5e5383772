"""Networks: geometry against dense matrices, blocks, storage as plain data, refusals."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Sequence
from fractions import Fraction
from itertools import repeat

import numpy as np
import pytest

import scaledet as sd
from tests.dense import composite_filters

MIXED = [([1, 2, 1], 1), ([3, 1], 2), ([0, 1, 1], 1), ([1, 0, 2], 3)]


def build(layers, dim=1):
    return sd.Network([sd.Layer(list(weights), stride) for weights, stride in layers], dim)


def test_geometry_is_that_of_the_composite_filter():
    net = build(MIXED)
    assert net.strides == (1, 1, 2, 2, 6)
    for k, (h, total) in enumerate(composite_filters(MIXED)):
        active = [j for j, value in enumerate(h) if value]
        assert net.support[k] == active[-1] - active[0] + 1
        mean = Fraction(sum(j * v for j, v in enumerate(h)), total)
        variance = Fraction(sum(j * j * v for j, v in enumerate(h)), total) - mean**2
        assert net.variance[k] == variance
        # sqrt rounds correctly, 1 + 12 Var is rounded once before: two roundings.
        assert net.box_width[k] == pytest.approx(math.sqrt(1 + 12 * variance), rel=4e-16)


def test_box_width_of_boxes():
    net = sd.Network.uniform(3, 3, depth=20)
    assert net.box_width == pytest.approx([3.0**k for k in range(21)], rel=4e-16)
    net = sd.Network.uniform(5, 1, depth=7)
    assert net.box_width == pytest.approx(
        [math.sqrt(1 + k * 24) for k in range(8)], rel=4e-16
    )  # two roundings, see above
    # A_k^2 = 2^1400 is beyond the range of floats, A_k is not.
    assert sd.Network.uniform(2, 2, depth=700).box_width[-1] == 2.0**700


def test_period_runs_and_iteration():
    a, b = sd.Layer(2), sd.Layer(3, 2)
    assert sd.Network([a, b, a, b]).period == 2
    assert sd.Network([a, a, a]).period == 1
    assert sd.Network([a, b, a]).period == 3
    assert sd.Network([sd.Layer([0, 1, 1]), sd.Layer([1, 1, 0])]).period == 1
    net = sd.Network([a, a, b])
    assert net.runs() == [(2, a), (1, b)]
    assert list(net) == [a, a, b]
    assert (len(net), net.depth) == (3, 3)
    assert net[:2] == sd.Network([a, a])
    assert sd.Network.uniform(2, 1, depth=2) == sd.Network([a, a])
    assert sd.Network([a]) != sd.Network([a], dim=2)
    assert sd.Layer([0, 1, 1], "kernel").stride == 3
    assert sd.Network.uniform(3, stride="kernel", depth=2) == sd.Network([sd.Layer(3, 3)] * 2)


A, B = sd.Layer(2), sd.Layer(3, 2)
NET = sd.Network([A, A, B], dim=2)
NUMBERS = [2, 3]


def test_a_network_is_a_sequence_of_its_layers():
    assert isinstance(NET, Sequence)
    assert (NET[0], NET[2], NET[-1], NET[np.int64(1)]) == (A, B, B, A)
    assert list(reversed(NET)) == [B, A, A]
    assert B in NET
    assert sd.Layer(5) not in NET
    assert (NET.index(B), NET.count(A), NET.count(sd.Layer(7))) == (2, 2, 0)
    first, *rest = NET
    assert (first, rest) == (A, [A, B])
    for outside in (3, -4):
        with pytest.raises(IndexError):
            NET[outside]


def test_parts_sums_and_multiples_of_networks_are_networks():
    assert NET[:2] == sd.Network([A, A], dim=2)
    assert NET[1:] == NET[1:3] == NET[-2:99] == sd.Network([A, B], dim=2)
    assert NET[::-1] == sd.Network([B, A, A], dim=2)
    assert NET[:] == NET
    assert NET[:1] + NET[1:] == NET
    start, end = [A], [B]
    assert NET[:2] + end == start + NET[1:] == NET[:2] + tuple(end) == NET
    assert NET * 2 == 2 * NET == np.int64(2) * NET == NET * np.int64(2) == NET + NET
    assert (NET * 2).depth == 6
    assert (NET * 2).period == 3
    grown = NET[:1]
    grown += [A, B]
    assert grown == NET
    assert NET[:2].support == NET.support[:3]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: NET[3:], ValueError, r"at least one of its 3 layers; got slice\(3, None"),
        (lambda: NET[2:1], ValueError, "a slice of a network must hold at least one"),
        (lambda: NET["kernel"], TypeError, "indices must be integers"),
        (lambda: NET + NET[:1] + sd.Network([A], 1), ValueError, "one dimension; got 2 and 1"),
        (lambda: NET + A, TypeError, "a network adds to networks and lists of Layer; got Layer"),
        (lambda: NET + 1, TypeError, "a network adds to networks and lists of Layer; got 1"),
        (lambda: NUMBERS + NET, TypeError, r"layers\[0\] must be a Layer; got 2"),
        (lambda: NET * 0, ValueError, r"times must be an integer in \[1, 333333\]; got 0"),
        (lambda: NET * 333334, ValueError, r"times must be .*\[1, 333333\]; got 333334"),
        (lambda: 1.5 * NET, TypeError, "times must be an integer .*; got 1.5"),
        (lambda: NET * NET, TypeError, "times must be an integer .*; got Network"),
    ],
)
def test_what_is_no_network_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_texts_of_long_networks_and_kernels_are_short():
    taps = [math.exp(-((j - 15) ** 2) / 50) for j in range(31)]
    filtered = sd.Network.uniform(taps, 1, 3)
    many = sd.Network([sd.Layer([*taps[j:], 0.5]) for j in range(30)])
    prediction = sd.predict(filtered)
    for text in (repr(filtered), filtered[0].kernel._repr_latex_(), prediction._title()):
        assert len(text) < 400
    assert len(repr(many)) < 1200
    assert repr(many).count("Layer(") == 6
    assert "..., Layer(" in repr(many)
    assert len(sd.predict(many)._title()) < 1400
    assert repr(sd.Layer(sd.binomial(3000))).startswith("Layer(kernel=[1.62571e-903, 4.8755e-900,")
    # What is short stays exact.
    assert repr(sd.Layer([1, 2, 4], 2)) == "Layer(kernel=[1/7, 2/7, 4/7], stride=2)"
    assert repr(sd.Kernel([0.1, 0, -2.5], signed=True)).endswith(", 0, -5/2, signed=True)")
    long = sd.Kernel([Fraction(1, 10**30)] * 3, signed=True)
    assert repr(long) == "Kernel(1e-30, 1e-30, 1e-30, signed=True)"
    assert sd.Kernel(range(1, 14))._repr_latex_().count(r"\dots") == 1


@pytest.mark.parametrize(
    ("stride", "depth", "last"), [(1, 100_000, "200001"), (2, 20_000, "3.9803e+6020")]
)
def test_tables_of_long_networks_are_short(stride, depth, last):
    html = sd.Network.uniform(3, stride, depth)._repr_html_()
    assert len(html) < 4000
    assert html.count("<tr>") == 25
    assert f"<td>{depth}</td>" in html
    assert last in html


def test_plain_data_round_trip():
    layers = [sd.Layer(sd.Kernel([1, -1.5], signed=True), 2, bias=-0.1), sd.Layer(3), sd.Layer(3)]
    net = sd.Network(layers, dim=3)
    data = json.loads(json.dumps(net.to_dict()))
    assert sd.Network.from_dict(data) == net
    assert len(data["layers"]) == 2
    assert pickle.loads(pickle.dumps(net)) == net
    assert hash(sd.Network.from_dict(data)) == hash(net)


def test_repr():
    net = build([([1, 2, 1], 2), ([1, 1], 1), ([1, 1], 1)], dim=2)
    assert repr(net) == (
        "Network(Layer(kernel=[1/4, 1/2, 1/4], stride=2), "
        "2 x Layer(kernel=box(2), stride=1), dim=2)"
    )
    assert repr(sd.Layer(2, bias=-0.25)) == "Layer(kernel=box(2), stride=1, bias=-0.25)"
    html = net._repr_html_()
    assert html.count("<tr>") == 4
    assert "S_k" in html


@pytest.mark.parametrize("size", [6, 12, 600])
def test_feasible_sizes_are_returned_as_int(size):
    pixels = build(MIXED).feasible_size(np.int64(size))
    assert pixels == size
    assert type(pixels) is int


def restored(**changes):
    run = {**sd.Network.uniform(2).to_dict()["layers"][0], **changes}
    return sd.Network.from_dict({"layers": [run], "dim": 1})


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sd.Layer(2, 0), ValueError, "stride must be an integer >= 1 or 'kernel'; got 0"),
        (lambda: sd.Layer(2, 2**64), ValueError, "stride must be at most 281474976710656 pixels"),
        (lambda: sd.Layer(2, -2), ValueError, "stride must be .* >= 1 or 'kernel'; got -2"),
        (lambda: sd.Layer(2, 2.0), TypeError, "stride must be .* >= 1 or 'kernel'; got 2.0"),
        (lambda: sd.Layer(2, True), TypeError, "stride must be .* or 'kernel'; got True"),
        (lambda: sd.Layer(2, None), TypeError, "stride must be .*; got None"),
        (lambda: sd.Layer(2, "box"), TypeError, "stride must be .* or 'kernel'; got 'box'"),
        (lambda: sd.Layer(2, 1, 10**200), ValueError, r"bias must be in .*; got 10{9,20}\.\.\.0+$"),
        (lambda: sd.Layer(2, 1, float("nan")), ValueError, "bias must be a finite .*; got nan"),
        (lambda: sd.Layer(2, 1, "0"), TypeError, "bias must be a finite real number; got '0'"),
        (lambda: sd.Layer(2, 1, True), TypeError, "bias must be .*; got True"),
        (lambda: sd.Network(repeat(sd.Layer(2))), ValueError, "hold at most 1000000 layers; got m"),
        (lambda: sd.Network.from_dict({}), ValueError, "data must be .*; got KeyError: 'layers'"),
        (lambda: sd.Network.from_dict(None), TypeError, "data must be what Network.to_dict retur"),
        (lambda: restored(count=10**12), ValueError, r"data .* count .* in \[1, 1000000\]; got 1"),
        (lambda: restored(bias="1/0"), ValueError, "data must be .*; got ZeroDivisionError"),
        (lambda: sd.Network([]), ValueError, "layers must hold at least one Layer; got none"),
        (
            lambda: sd.Network(sd.Layer(2)),
            TypeError,
            "layers must be a sequence of Layer; got Layer",
        ),
        (lambda: sd.Network(3), TypeError, "layers must be a sequence of Layer; got 3"),
        (lambda: sd.Network([sd.Layer(2), 2]), TypeError, r"layers\[1\] must be a Layer; got 2"),
        (
            lambda: sd.Network([sd.Layer(2)], 0),
            ValueError,
            r"dim must be an integer in \[1, 3\]; got 0",
        ),
        (lambda: sd.Network([sd.Layer(2)], 4), ValueError, r"dim must be .*\[1, 3\]; got 4"),
        (lambda: sd.Network([sd.Layer(2)], 1.0), TypeError, "dim must be .*; got 1.0"),
        (
            lambda: sd.Network.uniform(2, 2, depth=0),
            ValueError,
            r"depth must be .*\[1, 1000000\]; got 0",
        ),
        (lambda: sd.Network.uniform(2, 2, depth=2.5), TypeError, "depth must be .*; got 2.5"),
        (lambda: sd.Network.uniform(2, 2, depth=True), TypeError, "depth must be .*; got True"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("layers", "size", "error", "message"),
    [
        (
            [([1, 1], 2)] * 3,
            12,
            ValueError,
            r"multiple of .*, 8; got 12.*up to layer 3.*nearest multiple: 16; .* layer 2",
        ),
        ([([1, 1], 2)], 3, ValueError, r"size must be a multiple of .* 2; got 3.*up to layer 0"),
        ([([1] * 5, 1)], 4, ValueError, "size must be at least the longest kernel, 5 .*; got 4"),
        ([([1, 1], 1)], 1, ValueError, r"size must be an integer in \[2, .*\]; got 1"),
        ([([1, 1], 1)], 0, ValueError, r"size must be an integer in \[2, .*\]; got 0"),
        ([([1, 1], 1)], 16.0, TypeError, r"size must be an integer in \[2, .*\]; got 16.0"),
        ([([1, 1], 1)], True, TypeError, r"size must be an integer in \[2, .*\]; got True"),
        ([([1, 1], 1)], "16", TypeError, r"size must be an integer in \[2, .*\]; got '16'"),
    ],
)
def test_infeasible_sizes_are_refused(layers, size, error, message):
    net = build(layers)
    for use in (net.feasible_size, lambda n: sd.predict(net, size=n)):
        with pytest.raises(error, match=message):
            use(size)


def test_the_nearest_size_named_in_the_message_works():
    net = sd.Network.uniform(3, 2, depth=4)
    with pytest.raises(ValueError, match="nearest multiple: 48") as caught:
        net.feasible_size(50)
    assert "the strides fit up to layer 1" in str(caught.value)
    assert net.feasible_size(48) == 48
    assert net[:1].feasible_size(50) == 50


def test_a_signed_kernel_is_no_repetition_of_an_unsigned_one():
    """The same numbers, but not the same layer: a signed kernel is not normalised."""
    for weights in ([1, 1], [2, 2], [-1, -1]):
        net = sd.Network([sd.Layer(2), sd.Layer(sd.Kernel(weights, signed=True))])
        assert net.period == 2
        with pytest.raises(ValueError, match=r"layer 2 has|without repetition"):
            sd.predict_exponents(net)


def test_signed_kernels_and_negative_biases_are_refused_by_the_theory():
    signed = sd.Network([sd.Layer(2), sd.Layer(sd.Kernel([1, 3], signed=True))])
    cold = sd.Network([sd.Layer(2), sd.Layer(2), sd.Layer(2, bias=-0.01)])
    for name, use in (("predict", sd.predict), ("predict_exponents", sd.predict_exponents)):
        with pytest.raises(ValueError, match=rf"{name} needs non-negative kernels .*layer 2 has"):
            use(sd.Network([*signed.layers, *signed.layers]))
        with pytest.raises(ValueError, match=rf"{name} needs bias >= 0 .*layer 3 has bias -0.01"):
            use(sd.Network([*cold.layers, *cold.layers]))
