"""The table of filters: every column by a route of its own, and the sentences it must say."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.analysis.filter_comparison import USUAL
from scaledet.network.grid_kernel import GridKernel
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.recursion import PlainRecursion

PUBLISHED = {"none": [1], "rect2": 2, "tri3": [1, 2, 1], "tri4": [1, 3, 3, 1]}
PUBLISHED["bin5"] = [1, 4, 6, 4, 1]
TABLE = sd.compare_filters(stride=2, depth=6)
FRAME = TABLE.to_dataframe().set_index("filter")


def remark(table, name):
    (text,) = (line for line in table.remarks() if line.startswith(f"{name}: "))
    return text


@pytest.mark.parametrize("depth", [2, 4, 6, 12])
@pytest.mark.parametrize("dim", [1, 2])
def test_the_published_order_of_shift_consistency(depth, dim):
    """BlurPool on ImageNet, ResNet18 and VGG16: none < Rect-2 < Tri-3 < Tri-4 < Bin-5."""
    table = sd.compare_filters(PUBLISHED, stride=2, depth=depth, dim=dim)
    order = [["bin5"], ["tri4"], ["tri3"], ["rect2"], ["none"]]
    assert table.ranking == order
    assert table.remarks()[0] == f"D_{depth}: bin5 < tri4 < tri3 < rect2 < none"
    assert table.columns()["rank"] == [5, 4, 3, 2, 1]


def test_the_published_order_in_simulated_images():
    kernels = list(PUBLISHED.values())
    runs = [
        sd.simulate(sd.Network.uniform(kernel, 2, 4), size=256, samples=4000, rng=3)
        for kernel in kernels
    ]
    D, errors = (np.array([getattr(run, name)[-1] for run in runs]) for name in ("D", "D_err"))
    gaps = -np.diff(D) / np.hypot(errors[1:], errors[:-1])
    assert (gaps > 3).all()


def test_a_gaussian_that_has_no_exponent_behaves_as_if_it_had():
    gaussian = TABLE.filters["gaussian"]
    assert gaussian.alpha == 0
    assert gaussian.seen == pytest.approx(2, abs=0.05)
    assert float(gaussian.plateau) == pytest.approx(4.4e-4, rel=2e-3)
    assert gaussian.plateau_depth == 8
    text = remark(TABLE, "gaussian")
    assert "alpha = 0 in law, but behaves as alpha = 2 down to D = 0.00044" in text
    assert text in repr(TABLE)
    assert text.replace("D = ", "D = ") in TABLE._repr_html_()


@pytest.mark.parametrize("length", [3, 5, 7, 9])
def test_odd_boxes_at_stride_2_are_explained(length):
    table = sd.compare_filters({"box": length}, stride=2)
    level = PlainRecursion([Fraction(1, length)] * length, 2).sensitivity(400)
    assert float(table.filters["box"].plateau) == pytest.approx(float(level), rel=1e-12)
    more, less = Fraction(length + 1, 2 * length), Fraction(length - 1, 2 * length)
    text = remark(table, "box")
    assert f"the stride 2 does not divide {length}" in text
    assert f"grid phases get {less} or {more} of the weight; a box of {length + 1}" in text
    assert f"down to D = {float(level):.2g}" in text


def test_filters_that_meet_the_sum_rule_need_no_sentence():
    assert [line.partition(":")[0] for line in TABLE.remarks()] == [
        "D_6",
        "none",
        "box3",
        "gaussian",
    ]


def test_none_has_a_row_and_a_word_and_no_number():
    row = FRAME.loc["none"]
    assert row["alpha"] == "nothing pools"
    assert row[["seen", "prefactor"]].tolist() == [None, None]
    assert (TABLE.D[0] == 1).all()
    assert (TABLE.G[0] == 0.5).all()
    assert row["plateau"] == 1
    # It stands first, unless a filter of one weight is given.
    assert list(sd.compare_filters({"a": 2}).filters) == ["none", "a"]
    assert list(sd.compare_filters({"a": 2, "b": [0, 3]}).filters) == ["a", "b"]


@pytest.mark.parametrize("name", [name for name in USUAL if name != "none"])
@pytest.mark.parametrize(("stride", "dim"), [(1, 1), (2, 1), (2, 2), (3, 3)])
def test_sensitivities_are_those_of_pooled_pixels(name, stride, dim):
    table = sd.compare_filters({name: USUAL[name]}, stride=stride, depth=3, dim=dim)
    pooled = PooledPixel([(USUAL[name].weights, stride)])
    for k in range(1, 4):
        peak = float(pooled.correlation(k, 0)) ** dim
        D, G = table.columns()[f"D_{k}"][1], table.columns()[f"G_{k}"][1]
        assert pytest.approx(float(pooled.sensitivity(k)), rel=1e-12) == D
        assert pytest.approx((1 / peak + math.pi - 1) / (2 * math.pi), rel=1e-12) == G


def test_laws_are_those_of_deep_networks():
    for stride in (1, 2, 3, 4):
        table = sd.compare_filters(stride=stride)
        for row in table.filters.values():
            if row.kernel.support == 1:
                continue
            depth = 4000 if stride == 1 else 40
            deep = sd.predict(sd.Network.uniform(row.kernel, stride, depth))
            law = float(row.prefactor) * deep.A[-1] ** -float(row.alpha)
            assert deep.D[-1] == pytest.approx(law, rel=2e-3 if stride == 1 else 1e-9)
            if row.alpha == 0:
                near = np.abs(deep.D / float(row.plateau) - 1) <= 0.1
                assert row.plateau_depth == np.argmax(near)
                assert near[row.plateau_depth :].all()


def test_the_seen_exponent_is_the_steepest_slope():
    for place, row in enumerate(TABLE.filters.values()):
        if row.seen is not None:
            D, A = np.log(TABLE.D[place, 1:]), np.log(TABLE.A[place, 1:])
            assert row.seen == pytest.approx(max(-np.diff(D) / np.diff(A)), rel=1e-12)


def test_no_filter_is_below_the_limit_of_its_support():
    for stride in (1, 2, 3):
        table = sd.compare_filters(stride=stride, depth=5)
        for k in range(1, 6):
            ratio = table.columns()[f"over_limit_{k}"]
            net = sd.Network.uniform(3, stride, k)
            row = list(table.filters).index("box3")
            limit = 1 - math.cos(math.pi / (net.support[-1] + 1))
            assert ratio[row] == pytest.approx(table.D[row, k] / limit, rel=1e-10)
            assert (ratio >= 1 - 1e-12).all()
    # The box of two attains it.
    assert FRAME.loc["box2", "over_limit_1"] == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize(
    ("kernel", "stride", "drift"),
    [
        (2, 2, 0),
        ([1, 2, 1], 2, Fraction(1, 2)),
        ([1, 3, 3, 1], 2, 0),
        (3, 1, 0),
        (2, 1, Fraction(1, 2)),
        (3, 3, 0),
        ([3, 1], 1, Fraction(1, 4)),
        ([1, 3], 1, Fraction(-1, 4)),
        ([0, 0, 1, 3], 1, Fraction(-1, 4)),
    ],
)
def test_drift_of_the_centre_of_mass(kernel, stride, drift):
    row = sd.compare_filters({"a": kernel}, stride=stride).filters["a"]
    assert row.drift == drift
    # A ramp, pooled: outputs stand where the filter's centre of mass is.
    weights = np.array([float(w) for w in row.kernel])
    ramp = np.arange(200.0)
    places = np.array([weights @ ramp[i : i + len(weights)] for i in range(0, 100, stride)])
    blocks = np.array([ramp[i : i + stride].mean() for i in range(0, 100, stride)])
    offset = places - blocks - float(drift)
    np.testing.assert_allclose(offset, np.round(offset[0]), atol=1e-9)


def test_cost_and_sum_rule():
    assert FRAME["multiplications"].tolist() == [1, 2, 3, 3, 4, 5, 7]
    flat = sd.compare_filters({"holes": [1, 0, 1], "b": [1, 2, 1]}, stride=2, dim=2).columns()
    assert flat["multiplications"] == [1, 4, 9]
    assert FRAME.loc[["box2", "tri3", "tri4", "bin5"], "sum_rule"].all()
    assert not FRAME.loc[["none", "box3", "gaussian"], "sum_rule"].any()
    assert FRAME.loc["box3", "sum_rule_defect"] == Fraction(1, 3)


def test_weights_that_meet_the_sum_rule_up_to_rounding_have_a_word_for_alpha():
    """As do all odd Gaussians of a wide sigma: the defect of this one is 5e-9."""
    table = sd.compare_filters({"wide": sd.gaussian(31, 2)}, stride=2)
    assert table.filters["wide"].alpha == "sum rule up to rounding"
    assert "exact weights would tell alpha" in remark(table, "wide")
    assert table.filters["wide"].plateau is None


def test_weights_far_apart():
    table = sd.compare_filters({"apart": [1, 0, 1], "short": 2}, stride=3, depth=3)
    assert "alpha = 0, D_k stays at D = 0.5, near it from layer 1" in remark(table, "short")
    table = sd.compare_filters({"apart": [1, 0, 1]}, stride=1, depth=3)
    assert "of 2 pixels in a row one has weight" in remark(table, "apart")
    assert table.ranking == [["none", "apart"]]


def test_kernels_of_every_kind():
    table = sd.compare_filters(
        {"a": 3, "b": [0.25, 0.5, 0.25], "c": np.array([1, 2, 1]), "d": sd.binomial(3)}, stride=2
    )
    assert table.ranking == [["b", "c", "d"], ["a"], ["none"]]


WRONG = {
    r"filters must be a mapping of names to kernels; got \[3\]": lambda: sd.compare_filters([3]),
    "filters must be a mapping of names": lambda: sd.compare_filters({3: 3}),
    "filters must hold 1 to 256 filters; got 0": lambda: sd.compare_filters({}),
    r"filters\['a'\]: kernel\[1\] must be >= 0": lambda: sd.compare_filters({"a": [1, -1]}),
    r"filters\['a'\]: .*simulate": lambda: sd.compare_filters({"a": sd.lanczos(2)}),
    r"filters\['a'\]: kernel must be an integer length": lambda: sd.compare_filters({"a": None}),
    r"filters\['a'\]: kernel must be that of one axis.*got \(2, 3\)": lambda: sd.compare_filters(
        {"a": (2, 3)}
    ),
    r"filters\['a'\]: kernel must be that of one axis.*got \(Kernel": lambda: sd.compare_filters(
        {"a": (sd.box(2), sd.box(3))}
    ),
    r"filters\['a'\]: kernel must be that of one axis.*got \[\[1, 2\]": lambda: sd.compare_filters(
        {"a": [[1, 2], [3, 1]]}
    ),
    r"filters\['a'\]: kernel must be that of one axis.*GridKernel": lambda: sd.compare_filters(
        {"a": GridKernel([[1, 2], [3, 1]])}
    ),
    "stride must be an integer": lambda: sd.compare_filters(stride="kernel"),
    r"depth must be an integer in \[2, 100\]; got 1": lambda: sd.compare_filters(depth=1),
    r"dim must be an integer in \[1, 3\]; got 4": lambda: sd.compare_filters(dim=4),
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        WRONG[message]()
