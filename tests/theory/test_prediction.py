"""predict for one pixel: G_k against dense matrices and quadrature, closed forms, results."""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.results.storage import write
from tests.dense import one_pixel, one_pixel_noise, stride_one_correlation
from tests.network.test_network import build
from tests.theory.correlation.test_spectrum import STATED, relative_error

NOISY = [
    ([([1, 1], 2)] * 2, 8, 1),
    ([([1, 1, 1], 2)] * 3, 8, 1),
    ([([1, 2, 1], 2), ([1, 1], 1), ([3, 1], 3)], 12, 1),
    ([([0, 1, 1], 2), ([1, 0, 2], 1)], 6, 2),
    ([([2, 1], 2)] * 3, 16, 1),
    ([([5, 1, 2], 1)] * 6, 5, 1),
    ([([1, 1], 1), ([1, 2], 2)], 4, 3),
    ([([1, 0, 1], 1)] * 3, 8, 1),
]


@pytest.mark.parametrize(("layers", "size", "dim"), NOISY)
@pytest.mark.parametrize("sigma", [1e-3, 0.3, 1.0, 30.0])
def test_noise_against_dense_matrices_and_quadrature(layers, size, dim, sigma):
    spread = [float(q) for _, q in one_pixel(layers, size, dim)]
    for rectify in ("input", "noise", None):
        prediction = sd.predict(build(layers, dim), size=size, sigma=sigma, rectify=rectify)
        expected = one_pixel_noise(layers, size, dim, sigma, rectify)
        mean, variance = (np.array(part) / spread for part in zip(*expected, strict=True))
        # The reference sums positive floats; the active mean cancels 1/sigma^2-fold only where
        # it is negligible (see test_moments).
        assert prediction.G_mean == pytest.approx(mean, rel=STATED)
        assert prediction.G_variance == pytest.approx(variance, rel=STATED)
        assert pytest.approx(mean + variance, rel=STATED) == prediction.G
        assert np.array_equal(prediction.R, prediction.D / prediction.G)
        assert prediction.sigma == sigma


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("stride", [2, 3])
def test_box_with_stride_equal_to_length_on_the_infinite_lattice(dim, stride):
    """G_k = (pi - 1)/(2 pi) + A_k^d / (2 pi)."""
    prediction = sd.predict(sd.Network.uniform(stride, stride, depth=12, dim=dim))
    area = np.array([float(stride**k) for k in range(13)]) ** dim
    assert prediction.G_variance == pytest.approx(np.full(13, (np.pi - 1) / (2 * np.pi)), rel=1e-15)
    assert pytest.approx((np.pi - 1) / (2 * np.pi) + area / (2 * np.pi), rel=STATED) == prediction.G
    assert np.array_equal(prediction.A, [float(stride**k) for k in range(13)])
    assert np.array_equal(prediction.support, prediction.A)
    assert prediction.sigma is None


@pytest.mark.parametrize("dim", [1, 2])
def test_linear_noise(dim):
    """(L sigma^2 / 2) / (1 - 1/(L c^d)), and 1 on the infinite lattice."""
    net = sd.Network.uniform([1, 2, 1], 1, depth=30, dim=dim)
    size = 24
    prediction = sd.predict(net, size=size, sigma=0.37, rectify=None)
    for k in (0, 1, 7, 30):
        c, scale = stride_one_correlation([1, 2, 1], k)
        folded = sum(c[abs(m)] for m in range(-len(c) + 1, len(c)) if m % size == 0)
        peak = float(Fraction(folded, scale)) ** dim
        pixels = size**dim
        expected = pixels * 0.37**2 / 2 / (1 - 1 / (pixels * peak))
        # 1 - 1/(L c^d) cancels in this test up to a factor 10
        assert prediction.G[k] == pytest.approx(expected, rel=STATED)
    assert not prediction.G_mean.any()
    assert pytest.approx(np.ones(31), rel=4e-16) == sd.predict(net, rectify=None).G


@pytest.mark.parametrize("rectify", ["input", "noise", None])
@pytest.mark.parametrize("stride", [1, 2])
def test_large_tori_approach_the_infinite_lattice(rectify, stride):
    net = sd.Network.uniform([1, 2, 1], stride, depth=5, dim=2)
    infinite = sd.predict(net, rectify=rectify)
    gaps = []
    for size in (512, 2048):
        prediction = sd.predict(net, size=size, rectify=rectify)
        assert prediction.sigma == pytest.approx(math.sqrt(2) / size, rel=1e-15)
        gaps.append(np.abs(prediction.G / infinite.G - 1).max())
        assert pytest.approx(prediction.D, rel=1e5 / size**2) == infinite.D
    # The correction is of order 1/N (mu_1 mu_a ...) or 1/N^2: at least a factor 4 in N
    assert gaps[1] < gaps[0] / 3.9
    assert gaps[1] < 1e-2


def test_matched_noise_by_default():
    net = sd.Network.uniform(2, 2, depth=3, dim=2)
    default = sd.predict(net, size=16)
    given = sd.predict(net, size=16, sigma=math.sqrt(2) / 16)
    assert default.sigma == pytest.approx(given.sigma, rel=4e-16)
    assert pytest.approx(given.G, rel=4e-15) == default.G  # sigma may differ by one rounding


def test_a_bias_above_zero_changes_nothing():
    for stride in (1, 2):
        plain = sd.predict(sd.Network.uniform(3, stride, depth=4), size=48)
        biased = sd.predict(sd.Network.uniform(3, stride, depth=4, bias=0.75), size=48)
        for name in ("D", "G", "Q", "R", "G_mean", "G_variance", "A", "support"):
            assert np.array_equal(getattr(plain, name), getattr(biased, name))
        assert plain.exact_D == biased.exact_D
    mixed = sd.Network([sd.Layer(3, 2, bias=b) for b in (0, 1, 2.5)])
    assert sd.predict_exponents(mixed).beta == sd.predict_exponents(kernel=3, stride=2).beta


def test_exact_sequence():
    prediction = sd.predict(sd.Network.uniform([1, 2, 1], 2, depth=5), size=64)
    exact = prediction.exact_D
    assert len(exact) == 6
    assert exact is prediction.exact_D
    assert exact[-1] == exact[5]
    assert exact[1:3] == (exact[1], exact[2])
    assert list(exact) == exact
    assert exact == tuple(exact)
    assert exact != [0] * 6
    assert all(type(value) is Fraction for value in exact)
    assert relative_error(prediction.D[4], exact[4]) < STATED
    assert repr(exact) == "<exact D_0 ... D_5>"
    with pytest.raises(IndexError):
        exact[6]


def test_depth_beyond_the_range_of_floats_is_refused_with_a_depth_that_works():
    for stride in (2, 3):
        for dim in (1, 2):
            net = sd.Network.uniform(stride, stride, depth=2000, dim=dim)
            with pytest.raises(ValueError, match=r"depth must be at most \d+ here") as caught:
                sd.predict(net)
            with pytest.raises(ValueError, match=re.escape(str(caught.value))):
                sd.predict(net[:600])
            largest = int(str(caught.value).split("at most ")[1].split()[0])
            prediction = sd.predict(net[:largest])
            for name in ("D", "G", "R", "Q"):
                assert np.isfinite(getattr(prediction, name)).all()
            for k in (largest // 2, largest):
                assert relative_error(prediction.D[k], Fraction(1, stride**k)) < STATED
                # Q_k = 2 S_k^-2d must not have sunk into the subnormal numbers
                assert (
                    relative_error(prediction.Q[k], Fraction(2, stride ** (2 * k * dim))) < STATED
                )
            with pytest.raises(ValueError, match="depth must be at most"):
                sd.predict(net[: largest + 1])


def test_results_are_frozen():
    prediction = sd.predict(sd.Network.uniform(2, 2, depth=3), size=16)
    with pytest.raises(ValueError, match="read-only"):
        prediction.D[0] = 1
    with pytest.raises(AttributeError):
        prediction.size = 3


def test_repr_is_readable():
    prediction = sd.predict(sd.Network.uniform(3, 2, depth=4, dim=2), size=48)
    lines = repr(prediction).splitlines()
    assert lines[0].startswith("Prediction (exact) of Network(4 x Layer(kernel=box(3), stride=2)")
    assert "one pixel, size 48, rectify = 'input', sigma = 0.0294628" in lines[0]
    assert lines[1].split() == ["k", "A_k", "D_k", "G_k", "R_k"]
    assert len(lines) == 2 + 5
    row = lines[-1].split()
    assert row[0] == "4"
    assert float(row[2]) == pytest.approx(prediction.D[4], rel=5e-5)  # five digits are shown
    infinite = repr(sd.predict(sd.Network.uniform(2, 1, depth=200)))
    assert "infinite lattice" in infinite
    assert "noise matched" in infinite
    assert len(infinite.splitlines()) < 30
    html = prediction._repr_html_()
    assert html.count("<tr>") == 6
    assert html.startswith("<table>")


def test_data_frame():
    prediction = sd.predict(sd.Network.uniform(3, 2, depth=4), size=48)
    frame = prediction.to_dataframe()
    names = "layer stride D G R A support Q G_mean G_variance"
    assert list(frame.columns) == names.split()
    assert frame["layer"].tolist() == [0, 1, 2, 3, 4]
    assert frame["stride"].tolist() == [1, 2, 4, 8, 16]
    assert np.array_equal(frame["D"], prediction.D)
    assert json.loads(frame.to_json())["Q"]["0"] == pytest.approx(prediction.Q[0], rel=1e-9)


NET = sd.Network.uniform(2, 2, depth=3)
LOWERED = sd.Network.uniform(2, 2, depth=3, bias=-1e-9)
SIGNED = sd.Network([sd.Layer(sd.Kernel([1], signed=True))])
MODES = "rectify must be one of 'input', 'noise', 'layers', None"


def task(size=16, **options):
    return sd.ScaleDetection(size=size, xi=4, gap=1, **options)


TASK = task()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"net": sd.Layer(2)}, TypeError, "net must be a Network; got Layer"),
        ({"net": None}, TypeError, "net must be a Network; got None"),
        ({"size": 12}, ValueError, "size must be a multiple of the total stride .*8; got 12"),
        ({"size": 4}, ValueError, "size must be a multiple .*strides fit up to layer 2"),
        ({"size": 16.0}, TypeError, r"size must be an integer in \[2, .*\]; got 16.0"),
        ({"size": -16}, ValueError, r"size must be an integer in \[2, .*\]; got -16"),
        ({"size": True}, TypeError, "size must be .*; got True"),
        ({"size": 16, "sigma": 0}, ValueError, "sigma must be a finite real number > 0; got 0"),
        ({"size": 16, "sigma": -1.0}, ValueError, "sigma must be .* > 0; got -1.0"),
        ({"size": 16, "sigma": float("nan")}, ValueError, "sigma must be a finite .*got nan"),
        ({"size": 16, "sigma": float("inf")}, ValueError, "sigma must be .*; got inf"),
        ({"size": 16, "sigma": "1"}, TypeError, "sigma must be .*; got '1'"),
        ({"size": 16, "sigma": True}, TypeError, "sigma must be .*; got True"),
        ({"size": 16, "sigma": 1e-200}, ValueError, r"sigma must be in \[.*\]; got 1e-200"),
        ({"sigma": 1.0}, ValueError, r"sigma must be left out .*size=None.*; got 1.0"),
        ({"size": 16, "rectify": "Input"}, ValueError, f"{MODES}; got 'Input'"),
        ({"size": 16, "rectify": True}, ValueError, "rectify must be one of .*; got True"),
        (
            {"size": 16, "balanced": True},
            ValueError,
            "balanced must be False without a task; got True",
        ),
        ({"size": 16, "balanced": 1}, TypeError, "balanced must be True or False; got 1"),
        ({"task": "T1"}, TypeError, "task must be a ScaleDetection or None; got 'T1'"),
        (
            {"task": TASK, "size": 32},
            ValueError,
            "size must be left out or equal the task's 16; got 32",
        ),
        ({"task": task(dim=2)}, ValueError, "task must have the network's dimension 1; got dim=2"),
        ({"task": task(image_noise=0.1)}, ValueError, "task.image_noise must be 0 .*; got 0.1"),
        ({"task": task(size=20)}, ValueError, "size must be a multiple"),
        (
            {"task": task(size=2**23)},
            ValueError,
            "task.size must be at most 4194304 .* got 8388608",
        ),
        (
            {"net": LOWERED, "size": 16},
            ValueError,
            "predict needs bias >= 0 .*layer 1 has bias -1e-09",
        ),
        ({"net": SIGNED}, ValueError, "predict needs non-negative kernels .*layer 1"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        sd.predict(**{"net": NET, **arguments})


def test_depth_beyond_the_image():
    net = sd.Network.uniform(2, 2, depth=9)
    with pytest.raises(ValueError, match="the strides fit up to layer 8"):
        sd.predict(net, size=256)
    with pytest.raises(sd.ExhaustionError, match="at most 7 on size 256"):
        sd.predict(net[:8], size=256)
    assert sd.predict(net[:7], size=256).exact_D[7] == Fraction(1, 128) * 2


@pytest.mark.parametrize("times", [350, 40_000])
def test_strides_beyond_floats_name_the_last_layer_within(times):
    """Layers that no float holds cost nothing, be they so many that S_k has 40 000 bits."""
    net = times * sd.Network([sd.Layer(3), sd.Layer(4, stride=2)])
    with pytest.raises(ValueError, match=r"depth must be at most \d+ here") as caught:
        sd.predict(net)
    last = int(re.search(r"at most (\d+) here", str(caught.value))[1])
    assert sd.predict(net[:last]).R[-1] > 2e-308
    with pytest.raises(ValueError, match=f"at most {last} here"):
        sd.predict(net[: last + 1])


def test_receptive_fields_beyond_floats_name_a_depth_whichever_axis_is_longer():
    """S_k = 3^k along the second axis: 2^1023 is reached at k = 645."""
    net = sd.Network.uniform([1, 1000, 1], (2, 3), depth=700, dim=2, padding=1)
    with pytest.raises(ValueError, match="at most about 645 so that the receptive field fits"):
        sd.predict(net, size=4)


def test_many_layers_of_mixed_strides():
    """Every 200th layer has a stride; exact rationals of single layers on demand."""
    layers = 199 * [sd.Layer([1, 2, 1])] + [sd.Layer(3, stride=2)]
    net = sd.Network(15 * layers + 300 * [sd.Layer(2)])
    for size in (None, 2**40):  # which the filter does not fill
        prediction = sd.predict(net, size=size)
        for layer in (199, 200, 201, 1399, 1400, 2999, 3000, 3129, 3300):
            exact = prediction.exact_D[layer]
            assert abs(Fraction(prediction.D[layer]) / exact - 1) < Fraction(1, 10**15)


def test_a_file_with_noise_on_the_sphere_names_its_version(tmp_path):
    saved = sd.predict(NET, size=16)
    facts, arrays = saved.to_stored()
    path = write(tmp_path / "sphere.npz", "prediction", {**facts, "noise": "sphere"}, arrays)
    with pytest.raises(ValueError, match=r"scaledet 0\.1 wrote .*for noise on the sphere"):
        sd.load(path)
    assert sd.load(saved.save(tmp_path / "plain.npz")).exact_D == saved.exact_D
