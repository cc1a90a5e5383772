"""Graphs of layers: order, sums, slices; geometry against exact matrices of the whole network."""

from __future__ import annotations

import json
import pickle
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.network.pooling import layer_matrix

L = sd.Layer


def composites(net, sides):
    """Return the matrices of the values k = 0 ... depth, inputs summed (floats)."""
    maps = net.sizes(sides)
    values = [np.eye(int(np.prod(maps[0])))]
    for layer, row in zip(net.layers, net.inputs, strict=True):
        values.append(layer_matrix(layer, maps[row[0]]) @ sum(values[j] for j in row))
    return values


def residual(padding_mode="zeros", dim=1):
    return sd.Network.from_graph(
        {
            "stem": (L(3, 2, padding=1, padding_mode=padding_mode), "image"),
            "a": (L([1, 2, 1], padding=1, padding_mode=padding_mode), "stem"),
            "b": (L([1, 0, 3], padding=1, padding_mode=padding_mode, dilation=1), "a"),
            "c": (L(2, 2, padding=0), ["stem", "b"]),
            "d": (L(3, padding="same", padding_mode=padding_mode, dilation=2), "c"),
            "sum": (L(1), ["c", "d", "d"]),
        },
        dim=dim,
    )


def test_geometry_is_that_of_the_exact_matrix():
    net = residual()
    assert net.inputs == ((0,), (1,), (2,), (1, 3), (4,), (4, 5, 5))
    assert net.names == ("stem", "a", "b", "c", "d", "sum")
    assert not net.is_chain
    for k, matrix in enumerate(composites(net, 80)):
        middle = matrix.shape[0] // 2
        # All weights are multiples of 1/(3 * 4 * 4 * 2 * 3).
        row = np.array([Fraction(round(288 * value), 288) for value in matrix[middle]])
        np.testing.assert_allclose(matrix[middle], row.astype(float), atol=1e-14)
        places = np.flatnonzero(row)
        mass = row.sum()
        mean = sum(int(p) * row[p] for p in places) / mass
        variance = sum(int(p) ** 2 * row[p] for p in places) / mass - mean**2
        assert net.support[k] == places[-1] - places[0] + 1
        assert net.variance[k] == variance
        assert net.centre[k] + middle * net.strides[k] == mean
        assert net.box_width[k] == pytest.approx(float(1 + 12 * variance) ** 0.5, rel=1e-14)
    assert mass == 6  # 3 (c + d + d) times 2 (stem + b)


def test_layers_are_sorted_and_keep_the_given_order_where_they_can():
    sorted_already = {"b": (L(2), "image"), "a": (L(3), "b"), "c": (L(2), ["b", "a"])}
    assert sd.Network.from_graph(sorted_already).names == ("b", "a", "c")
    reversed_ = dict(reversed(sorted_already.items()))
    net = sd.Network.from_graph(reversed_)
    assert net == sd.Network.from_graph(sorted_already)
    # A long chain, last layer first: no recursion.
    chain = {f"{k}": (L(2), f"{k - 1}" if k > 1 else "image") for k in range(3000, 0, -1)}
    assert sd.Network.from_graph(chain).names[:2] == ("1", "2")
    assert sd.Network.from_graph(chain).is_chain


def test_a_chain_that_is_given_as_a_graph_is_a_chain():
    layers = [L(2), L(3, 2)]
    assert sd.Network(layers, inputs=[[0], [1]]) == sd.Network(layers)
    assert sd.Network(layers, inputs=[[0], [0]]) != sd.Network(layers)
    assert sd.Network(layers).inputs == ((0,), (1,))


def test_parts_of_a_graph():
    net = residual()
    assert net[:3] == sd.Network(net.layers[:3], names=["stem", "a", "b"])
    assert net[:5].inputs == net.inputs[:5]
    assert net[4:5] == sd.Network([net[4]], names=["d"])
    for wrong, reason in (
        (slice(2, 4), r"layer 4 \('c'\), which receives more"),
        (slice(None, None, 2), "step 2"),
        (slice(None, None, -1), "step -1"),
    ):
        with pytest.raises(ValueError, match=reason):
            net[wrong]
    twice = net + net
    assert twice == 2 * net
    assert twice.inputs == (*net.inputs, (6,), (7,), (8,), (7, 9), (10,), (10, 11, 11))
    assert twice.names is None
    assert twice[6:].inputs == net.inputs
    after_it, before_it = [L(3)], [L(5)]
    assert (net + after_it).inputs[-1] == (6,)
    assert (before_it + net).inputs[:2] == ((0,), (1,))
    size = 64
    whole = composites(twice[:6], size)[-1]
    after = composites(net, whole.shape[0])[-1]
    np.testing.assert_allclose(composites(twice, size)[-1], after @ whole, atol=1e-13)


def test_plain_data_and_text_of_every_option():
    net = sd.Network(
        [
            L((3, 1), (2, 1), padding=((1, 0), (0, 0)), bias=-0.5),
            L(([1, 2], sd.Kernel([1, -1], signed=True)), padding=(1, 0), padding_mode="reflect"),
            L([[0, 1], [1, 2]], padding="same", dilation=(1, 2)),
            L(2, "kernel", padding=0, ceil_mode=True, count_include_pad=False),
            L(3, padding=1, pooling="max", dilation=2),
        ],
        2,
        inputs=[[0], [1], [1], [2, 3], [4]],
        names=list("pqrst"),
    )
    data = json.loads(json.dumps(net.to_dict()))
    assert sd.Network.from_dict(data) == net
    assert hash(sd.Network.from_dict(data)) == hash(net)
    assert pickle.loads(pickle.dumps(net)) == net
    assert [repr(layer) for layer in net] == [
        "Layer(kernel=(3, 1), stride=(2, 1), bias=-0.5, padding=((1, 0), (0, 0)))",
        "Layer(kernel=([1/3, 2/3], [1, -1]), stride=1, padding=(1, 0), padding_mode='reflect')",
        "Layer(kernel=GridKernel([[0, 1/4], [1/4, 1/2]]), stride=1, padding='same', "
        "dilation=(1, 2))",
        "Layer(kernel=box(2), stride=2, padding=0, count_include_pad=False, ceil_mode=True)",
        "Layer(kernel=box(3), stride=1, padding=1, dilation=2, pooling='max')",
    ]
    assert repr(net).endswith(", dim=2, inputs=((0,), (1,), (1,), (2, 3), (4,)))")
    assert "..., " in repr(net * 2)[-60:]
    html = net._repr_html_()
    assert html.count("<tr>") == 6
    assert "<td>p</td>" in html
    for text in ("padding_mode", "dilation", "q + r", "image"):
        assert text in html
    assert net.to_dict()["layers"][3] == {
        "count": 1,
        "kernel": ["1/2", "1/2"],
        "signed": False,
        "stride": 2,
        "padding": 0,
        "count_include_pad": False,
        "ceil_mode": True,
        "bias": "0",
    }
    for layer in net:
        assert L(**layer.arguments()) == layer


def test_plain_data_of_plain_networks_is_as_before():
    """Checkpoints and files written before there was padding still match."""
    net = sd.Network([L([1, 2, 1], 2), L(3, bias=0.1)], 2)
    assert net.to_dict() == {
        "dim": 2,
        "layers": [
            {
                "count": 1,
                "kernel": ["1/4", "1/2", "1/4"],
                "signed": False,
                "stride": 2,
                "bias": "0",
            },
            {
                "count": 1,
                "kernel": ["1/3", "1/3", "1/3"],
                "signed": False,
                "stride": 1,
                "bias": "1/10",
            },
        ],
    }
    assert "moves" not in sd.predict(net, size=8).scenario.to_dict()


def one(layer, dim=2, **options):
    return lambda: sd.Network([layer], dim, **options)


CASES = [
    (
        lambda: sd.Network([L(2), L(2)], inputs=[[0], [2]]),
        r"inputs\[1\] must hold values before "
        r"layer 2, 0 \(the image\) to 1; got 2, a graph with a cycle",
    ),
    (
        lambda: sd.Network([L(2)], inputs=[[0], [1]]),
        "inputs must have an entry per layer, 1; got 2",
    ),
    (lambda: sd.Network([L(2)], inputs=[[]]), r"inputs\[0\] must hold at least one value"),
    (lambda: sd.Network([L(2)], inputs=[0]), "inputs must be a sequence that holds"),
    (lambda: sd.Network([L(2)], inputs=[[0.5]]), r"inputs\[0\] must be an integer"),
    (lambda: sd.Network([L(2), L(2)], names=["a", "a"]), "differently; got 'a' twice"),
    (lambda: sd.Network([L(2)], names=["image"]), "got 'image', which is the image"),
    (lambda: sd.Network([L(2)], names=["a", "b"]), "names must have an entry per layer, 1; got 2"),
    (lambda: sd.Network([L(2)], names=[3]), "names must be a sequence of strings"),
    (
        lambda: sd.Network.from_graph({"a": (L(2), "b"), "b": (L(2), "c"), "c": (L(2), "a")}),
        "graph must have no cycle; got .*'b'.* -> ",
    ),
    (lambda: sd.Network.from_graph({"a": (L(2), "a")}), "no cycle; got 'a' -> 'a'"),
    (
        lambda: sd.Network.from_graph({"a": (L(2), "picture")}),
        r"graph\['a'\] must have inputs among 'image', 'a'; got 'picture'",
    ),
    (lambda: sd.Network.from_graph({"a": (L(2), [])}), "must name at least one input"),
    (lambda: sd.Network.from_graph({"a": L(2)}), r"graph\['a'\] must be a Layer and the name"),
    (
        lambda: sd.Network.from_graph({"image": (L(2), "image")}),
        "must name its layers, not 'image'",
    ),
    (lambda: sd.Network.from_graph([L(2)]), "graph must be a dict"),
    (lambda: sd.Network.from_graph({}), "layers must hold at least one Layer"),
    (
        lambda: sd.Network.from_graph(
            {"pool": (L(2, 2), "image"), "sum": (L(1), ["image", "pool"])}
        ),
        r"inputs of layer 2 \('sum'\) must have equal strides to be summed; got 1 of the image, "
        r"2 of layer 1 \('pool'\)",
    ),
    (one(L((3, 3)), dim=1), r"layers\[0\]: .*give 3 for a box"),
    (one(L((3, 5)), dim=1), r"layers\[0\]: .*or \[3, 5\] for 2 weights"),
    (one(L((3, 5, 3))), "for the 2 axes of the network .* got 3 axes"),
    (one(L(3, (1, 2)), dim=3), "for the 3 axes .* got 2 axes"),
    (one(L(3, dilation=(1, 2)), dim=1), "for the 1 axes|give"),
    (one(L([[1, 2], [2, 1]]), dim=3), "for the 3 axes .* got 2 axes"),
    (one(L(3, padding=(1, 1, 1))), r"2 numbers, 2 pairs.*got \(1, 1, 1\)"),
    (one(L(3, padding=((1, 0),)), dim=2), r"2 numbers, 2 pairs.*got \(\(1, 0\),\)"),
    (one(L(3, padding=(1, 1, 1)), dim=1), r"a number, \(left, right\)"),
]


@pytest.mark.parametrize(("call", "message"), CASES)
def test_what_is_no_network_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: L(3, padding=-1), "padding must be an integer in"),
        (lambda: L(3, padding=1.5), "padding must be an integer in .*; got 1.5"),
        (lambda: L(3, padding="valid"), "padding must be None .the torus.* got 'valid'"),
        (lambda: L(3, padding=(1, (1, 1))), "padding must be None"),
        (lambda: L(3, padding=((1, 1, 1),)), "padding must be None"),
        (lambda: L(3, padding=()), "padding must be None"),
        (
            lambda: L(3, padding="same", stride=2),
            "padding must not be 'same' with a stride; got .*2",
        ),
        (lambda: L(3, padding="same", ceil_mode=True), "ceil_mode must be False with padding"),
        (lambda: L(3, padding_mode="circular"), "padding must be given"),
        (lambda: L(3, ceil_mode=True), "padding must be given"),
        (lambda: L(3, padding=1, padding_mode="constant"), "padding_mode must be one of"),
        (lambda: L(3, padding=1, padding_mode="reflect", count_include_pad=False), "count_include"),
        (lambda: L([1, 2, 1], pooling="max"), "kernel must be the length of a window"),
        (lambda: L(3, pooling="min"), "pooling must be one of 'average', 'max'"),
        (lambda: L(3, dilation=0), "dilation must be an integer >= 1; got 0"),
        (lambda: L(3, dilation=(1, 0)), r"dilation\[1\] must be an integer >= 1; got 0"),
        (lambda: L(3, stride=(1, 2, 3, 4)), "stride must be for 1, 2 or 3 axes"),
        (lambda: L((3, 3), stride=(1, 1, 2)), "name equally many axes; got 2 in kernel, 3 in stri"),
        (lambda: L((3,)), "kernel must be an integer length or a list"),
        (lambda: L([[1, 2], [3]]), "equally long rows of weights"),
        (lambda: L([[1, 2], 3]), "equally long rows of weights"),
        (lambda: L([[[[1, 2]]]]), "equally long rows of weights"),
        (lambda: L([[1, -2], [3, 4]]), r"kernel\[1\] must be >= 0"),
        (lambda: L([sd.box(2), sd.box(3)]), "must be a tuple where it holds kernels per axis"),
        (lambda: L(2**16, dilation=2), "kernel length with its dilation must be"),
    ],
)
def test_what_is_no_layer_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_kernels_as_people_have_them():
    assert L((3, 3)) == L(3) == L((sd.box(3), [1, 1, 1]))
    assert L((3, 3), stride="kernel") == L(3, 3)
    assert L((3, 5), stride="kernel").step == (3, 5)
    assert L([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) == L([1, 2, 1])
    assert L(np.outer([1, 2, 1], [1, 1])).filter == (sd.binomial(3), sd.box(2))
    assert L(np.ones((3, 3)) / 9) == L(3)
    assert L(np.ones((2, 3, 2))).filter == (sd.box(2), sd.box(3), sd.box(2))
    cross = L([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    assert not cross.is_separable
    assert cross.kernel_along(0) == cross.kernel_along(1) == sd.Kernel([1, 3, 1])
    assert L((Fraction(1, 2), Fraction(1, 2))) == L(2)
    assert L((3, [1, 2])).filter == (sd.box(3), sd.Kernel([1, 2]))
    dilated = L((2, 3), dilation=(3, 1))
    assert dilated.filter == (sd.Kernel([1, 0, 0, 1]), sd.box(3))
    grid = L([[1, 2], [3, 5]], dilation=(1, 2)).filter
    assert grid.shape == (2, 3)
    assert grid.array().tolist() == [[1 / 11, 0, 2 / 11], [3 / 11, 0, 5 / 11]]
    assert L(3, stride=(2, 2)) == L(3, 2)
    for mixed in (L((3, 5)), cross):
        with pytest.raises(ValueError, match=r"layer\.filter or layer.kernel_along"):
            _ = mixed.kernel
    with pytest.raises(ValueError, match=r"layer\.step or layer.stride_along"):
        _ = L(3, stride=(1, 2)).stride


def test_dilation_on_the_torus_is_a_kernel_with_zeros():
    spread = sd.Network([L([1, 2, 1], 2, dilation=3)] * 2)
    zeros = sd.Network([L([1, 0, 0, 2, 0, 0, 1], 2)] * 2)
    a, b = sd.predict(spread, size=32), sd.predict(zeros, size=32)
    np.testing.assert_array_equal(a.D, b.D)
    np.testing.assert_array_equal(a.G, b.G)
    assert spread.support == zeros.support == (1, 7, 19)
    assert repr(spread[0]) == "Layer(kernel=[1/4, 1/2, 1/4], stride=2, dilation=3)"
    assert sd.predict(sd.Network([L([1, 2, 1], 2)] * 2), size=32).D[1] != a.D[1]
    assert spread.period == 1
