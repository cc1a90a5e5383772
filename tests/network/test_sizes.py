"""Sizes of maps, which networks are tori, and summaries, against exact matrices."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.network.pooling import apply_layer, layer_matrix
from scaledet.results.storage import write
from tests.network.test_graph import composites, residual

L = sd.Layer
RNG = np.random.default_rng(7)


def sensitivities(net, sides):
    """D_k and Q_k of one pixel anywhere, from the matrices of the whole network."""
    dim, pixels = len(sides), math.prod(sides)
    index = np.arange(pixels).reshape(sides)
    neighbours = [np.roll(index, step, axis).ravel() for axis in range(dim) for step in (1, -1)]
    for matrix in composites(net, sides):
        floats = matrix
        distance = 2 * ((floats**2).sum() / pixels - ((floats.sum(axis=1) / pixels) ** 2).sum())
        moved = np.mean([((floats[:, m] - floats) ** 2).sum() / pixels for m in neighbours])
        yield moved / distance, distance


TORI = [
    (sd.Network([L(3, padding=1, padding_mode="circular"), L(2, 2, padding=0)]), 8),
    (sd.Network([L(5, 2, padding=(1, 2), padding_mode="circular")] * 2), 16),
    (sd.Network([L(5, 2, padding=(2, 2), padding_mode="circular")] * 2), 16),
    (sd.Network([L([1, 3], padding="same", padding_mode="circular"), L(3, 3)]), 18),
    (sd.Network([L(4, 2, padding="same-tf", padding_mode="circular"), L(2, 3, padding=0)]), 12),
    (sd.Network([L(3, padding=(2, 2), padding_mode="circular", dilation=2), L(2, 2)]), 10),
    (sd.Network([L(3, padding=1, padding_mode="circular"), L(2, 2, padding=0)], 2), 4),
]


@pytest.mark.parametrize(("net", "size"), TORI)
def test_networks_that_act_as_tori_have_their_sensitivities(net, size):
    assert net.is_torus()
    assert net.is_torus(size)
    prediction = sd.predict(net, size=size)
    D, Q = zip(*sensitivities(net, (size,) * net.dim), strict=True)
    np.testing.assert_allclose(prediction.D, D, rtol=1e-12)
    np.testing.assert_allclose(prediction.Q, Q, rtol=1e-12)


def test_sizes_on_which_a_network_is_no_torus():
    net = sd.Network.uniform(5, 2, depth=2, padding=(1, 2), padding_mode="circular")
    assert net.is_torus(8)
    assert not net.is_torus(10)  # no multiple of 4: the second map has 5 pixels, then 3
    assert not net.is_torus(4)  # shorter than a kernel
    assert not sd.Network([L(3)], 2).is_torus((6, 8))


@pytest.mark.parametrize(
    ("layer", "dim"),
    [
        (L(3, padding=1), 1),
        (L(3, padding=2, padding_mode="circular"), 1),
        (L(3, padding=0, padding_mode="circular"), 1),
        (L(3, 2, padding=1, padding_mode="circular", ceil_mode=True), 1),
        (L(2, padding=0), 1),
        (L(2, pooling="max"), 1),
        (L((2, 3)), 2),
        (L([[1, 0], [0, 1]]), 2),
        (L(2, (1, 2)), 2),
    ],
)
def test_other_layers_are_no_tori_and_only_predict_covers_them(layer, dim):
    net = sd.Network([layer], dim)
    assert not net.is_torus()
    if layer.is_max:
        with pytest.raises(ValueError, match=r"layer 1 is Layer.*simulate"):
            sd.predict(net, size=8)
    else:
        assert sd.predict(net, size=8).D[0] == pytest.approx(1 / (1 - 8.0**-dim))
    for use, given in ((sd.evolve, {}), (sd.simulate, {"engine": "numba"})):
        with pytest.raises(ValueError, match="on the torus"):
            use(net, size=8, **given)


def test_graphs_are_refused_by_the_theory_of_the_lattice_by_name():
    net = residual()
    for use in (lambda: sd.predict(net), lambda: sd.predict_exponents(net)):
        with pytest.raises(ValueError, match=r"layer 4 \('c'\) receives layer 1 \('stem'\) and la"):
            use()
    with pytest.raises(ValueError, match=r"derive needs layers on the torus; layer 1 is"):
        sd.derive(net=sd.Network([L(3, padding=1)] * 2))


def test_on_the_infinite_lattice_padding_does_not_matter():
    padded, bare = sd.Network([L(3, 2, padding=1)] * 3), sd.Network([L(3, 2)] * 3)
    np.testing.assert_array_equal(sd.predict(padded).D, sd.predict(bare).D)
    assert sd.predict_exponents(padded).alpha == sd.predict_exponents(bare).alpha
    assert padded.variance == bare.variance
    assert padded.centre != bare.centre


def test_sizes_are_the_shapes_of_pooled_images():
    for _ in range(200):
        dim = int(RNG.integers(1, 3))
        layers = []
        for _ in range(int(RNG.integers(1, 5))):
            kernel, stride = (int(n) for n in RNG.integers(1, (5, 4)))
            padding = ["same-tf", int(RNG.integers(0, 3))][int(RNG.integers(2))]
            ceil = bool(RNG.integers(2)) and padding != "same-tf"
            layers.append(L(kernel, stride, padding=padding, ceil_mode=ceil))
        sides = tuple(int(n) for n in RNG.integers(2, 30, dim))
        images, passed = np.zeros((1, *sides)), 0
        for layer in layers:
            try:
                images = apply_layer(images, layer, rectify=False)
            except ValueError:
                break
            passed += 1
            assert sd.Network(layers[:passed], dim).sizes(sides)[-1] == images.shape[1:]
        if passed < len(layers):
            with pytest.raises(ValueError, match=f"size must pass .* layer {passed + 1}, Layer"):
                sd.Network(layers, dim).sizes(sides)


@pytest.mark.parametrize(
    ("net", "size", "message"),
    [
        (
            sd.Network([L(3, padding=9, padding_mode="reflect")]),
            8,
            r"got 8: layer 1, .* receives 8 pixels, for which padding_mode 'reflect' allows a "
            r"padding of at most 7, not 9 \(nearest size that passes: 10\)",
        ),
        (
            sd.Network([L(3, padding=9, padding_mode="circular")], 2),
            (8, 20),
            r"got \(8, 20\): layer 1, .* receives along axis 0 8 pixels, .*'circular' allows .* 8",
        ),
        (
            sd.Network([L(7, padding=0)] * 2, names=["first", "second"]),
            12,
            r"layer 2 \('second'\), .* receives 6 pixels and 0 of padding, of which the window "
            r"needs 7 \(nearest size that passes: 13\)",
        ),
        (
            sd.Network([L(3, padding=1), L(2, 2)]),
            9,
            r"layer 2, .* receives 9 pixels, on the torus they must be a multiple of the stride 2 "
            r"\(nearest size that passes: 10 or 8\)",
        ),
        (
            sd.Network([L(2, padding=0), L(1)], inputs=[[0], [0, 1]]),
            9,
            r"layer 2 sums maps that must be equally large; got 9 from the image, 8 from layer 1 "
            r"\(no size close to it passes\)",
        ),
        (
            sd.Network([L(3, 2, padding=0)] * 3, 2),
            (32, 5),
            r"layer 2, .* along axis 1 2 pixels .* \(nearest size that passes: \(32, 15\)\)",
        ),
        (sd.Network([L(3, 2, padding=0)] * 3, 2), (6, 5), r"size that passes: \(16, 15\)\)"),
        (sd.Network([L(2)], 2), (8, 8, 8), "size must be an integer or 2 integers, a side per"),
        (sd.Network([L(2)], 2), (8, 1), r"size\[1\] must be an integer in"),
    ],
)
def test_sizes_that_do_not_pass_are_refused_with_what_would(net, size, message):
    for use in (net.sizes, net.feasible_size, net.summary):
        with pytest.raises(ValueError, match=message):
            use(size)


def test_sizes_named_in_messages_pass():
    assert sd.Network([L(3, padding=9, padding_mode="reflect")]).sizes(10) == ((10,), (26,))
    assert sd.Network([L(7, padding=0)] * 2).sizes(13) == ((13,), (7,), (1,))


def test_feasible_sizes_are_one_number_where_all_sides_are_equal():
    net = sd.Network([L(3, 2)], 2)
    assert net.feasible_size((8, 8)) == net.feasible_size(8) == 8
    assert net.feasible_size((8, 6)) == (8, 6)
    with pytest.raises(ValueError, match="size must be a multiple of the total stride"):
        net.feasible_size((8, 7))
    assert sd.Network([L(3, 2, padding=1)], 2).feasible_size((8, 7)) == (8, 7)


def test_equal_sides_are_one_size():
    net = sd.Network([L(3, 2)], 2)
    np.testing.assert_array_equal(sd.predict(net, size=(8, 8)).D, sd.predict(net, size=8).D)


def test_summary_counts_the_outputs_that_see_padding():
    """With zeros and positive weights, they are those of lost weight."""
    for net, size in (
        (residual(), (40,)),
        (sd.Network([L(3, 2, padding=1), L(5, padding=2), L(2, 2, padding=0)], 2), (20, 31)),
        (sd.Network([L((3, 1), padding="same"), L([[1, 2], [2, 1]], 2, padding=1)], 2), (9, 8)),
        (sd.Network([L(3, 2, padding="same-tf", dilation=2)] * 2), (30,)),
    ):
        summary = net.summary(size)
        whole = [1.0]
        for row in net.inputs:
            whole.append(sum(whole[j] for j in row))
        masses = [matrix.sum(axis=1) for matrix in composites(net, size)]
        counts = [int((mass < full - 1e-9).sum()) for mass, full in zip(masses, whole, strict=True)]
        assert summary.bordered == counts
        assert summary.sides == net.sizes(size)
    circular = sd.Network([L(3, padding=1, padding_mode="circular")]).summary(8)
    assert circular.bordered == [0, 0]
    assert sd.Network([L(3)]).summary(8).bordered == [0, 0]
    for mode in ("reflect", "replicate"):
        assert sd.Network([L(3, padding=1, padding_mode=mode)]).summary(8).bordered == [0, 2]
    over = sd.Network([L(2, 2, padding=0, ceil_mode=True)])
    assert (over.summary(7).bordered, over.summary(8).bordered) == ([0, 1], [0, 0])


def test_drift_is_the_displacement_of_a_ramp():
    """A layer of a sum-one filter maps the ramp x(p) = p to itself plus the drift."""
    for layers in (
        [L(2, padding="same")] * 3,
        [L(3, 2, padding=1)] * 2,
        [L(4, 2, padding="same-tf"), L([1, 3], padding=(1, 0))],
        [L(2, 2, padding=0)] * 3,
    ):
        net = sd.Network(layers)
        values = np.arange(128.0)[None]
        for k, layer in enumerate(layers, start=1):
            values = apply_layer(values, layer, rectify=False)
            step = net.strides[k]
            middle = values.shape[1] // 2
            seen = values[0, middle] - (middle * step + (step - 1) / 2)
            assert float(net.summary().drift[k][0]) == pytest.approx(seen, abs=1e-12)
    # On the torus: boxes drift where their length minus their stride is odd.
    assert [
        float(sd.Network([L(f, s)]).summary().drift[1][0])
        for f, s in ((3, 1), (2, 1), (2, 2), (3, 2), (4, 2), (5, 3))
    ] == [0, 0.5, 0, 0.5, 0, 0]


def test_summaries_are_shown_saved_and_read(tmp_path):
    net = sd.Network([L(3, (2, 1), padding=1, bias=0.5), L((2, 3), padding="same")], 2)
    for summary in (net.summary(), net.summary((9, 12)), residual().summary(64)):
        assert sd.load(summary.save(tmp_path / "summary.npz")) == summary
        frame = summary.to_dataframe()
        assert len(frame) == summary.network.depth + 1
        assert summary._repr_html_().count("<tr>") == summary.network.depth + 2
    frame = net.summary((9, 12)).to_dataframe()
    assert list(frame["map"]) == [(9, 12), (5, 12), (5, 12)]
    assert list(frame["S_k"]) == [(1, 1), (2, 1), (2, 1)]
    assert list(frame["support"]) == [1, 3, 5]
    text = repr(net.summary((9, 12)))
    assert "  padding=1  " in text
    assert "(4.5826, 4.1231)" in text
    named = residual().summary().to_dataframe()
    assert list(named["layer"]) == ["image", "stem", "a", "b", "c", "d", "sum"]
    assert named["inputs"][4] == "stem + b"
    signed = sd.Network([L(sd.Kernel([1, -1], signed=True))]).summary()
    assert "A_k" not in signed.columns()
    assert "max pooling counts as the box" in repr(sd.Network([L(3, pooling="max")]).summary())
    assert len(repr(sd.Network.uniform(2, 2, 5000).summary())) < 10_000


def test_a_network_along_an_axis():
    net = sd.Network(
        [L((3, 5), (2, 1), padding=((1, 0), (2, 2))), L([[0, 1], [1, 1]], padding=(0, 1))], 2
    )
    first, second = net.along(0), net.along(1)
    assert first == sd.Network([L(3, 2, padding=(1, 0)), L([1, 2], padding=(0, 0))])
    assert second == sd.Network([L(5, padding=(2, 2)), L([1, 2], padding=(1, 1))])
    sides = net.sizes((9, 12))
    assert sides == tuple(
        (a, b) for (a,), (b,) in zip(first.sizes(9), second.sizes(12), strict=True)
    )
    assert list(zip(first.box_width, second.box_width, strict=True)) == net.summary().A
    for name in ("strides", "support", "variance", "box_width", "centre"):
        with pytest.raises(ValueError, match=r"use net.along\(axis\)"):
            getattr(net, name)
    assert sd.Network([L(3, padding=((1, 0), (0, 1)))], 2).variance[1] == Fraction(2, 3)


def test_matrices_of_layers_that_have_none_are_refused():
    with pytest.raises(ValueError, match="layer must be average"):
        layer_matrix(L(3, pooling="max"), (8,))


def test_a_file_of_a_summary_that_holds_arrays_is_refused(tmp_path):
    facts, arrays = sd.Network([L(3)]).summary().to_stored()
    path = write(tmp_path / "summary.npz", "summary", facts, {**arrays, "D": np.ones(2)})
    with pytest.raises(ValueError, match="D is no array of a summary"):
        sd.load(path)
