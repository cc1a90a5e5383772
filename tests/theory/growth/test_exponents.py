"""Exact exponents: the table of the theory, the box law, smoothness, slopes of exact integers."""

from __future__ import annotations

import itertools
import math
import pickle
import random
from fractions import Fraction

import pytest
import sympy as sp

import scaledet as sd
from scaledet.theory.growth.transition import growth
from tests.dense import composite_filters, filter_sensitivities, smoothness, strided_orbit
from tests.network.test_network import build

log = sp.log


def same(exponents, expected):
    """Equality of two exact SymPy numbers, by simplification, not by floats."""
    return sp.simplify(sp.expand_log(exponents - expected, force=True)) == 0


def log_of(number, base):
    return log(number) / log(base)


TABLE = [
    (2, 2, 1, 1, 0),
    (3, 2, 0, -log_of((5 + sp.sqrt(17)) / 18, 2), (5 - sp.sqrt(17)) / 4),
    (4, 2, 2, 1, 0),
    ([1, 2, 1], 2, 2, 1, 0),
    ([1, 3, 3, 1], 2, 2, 1, 0),
    ([1, 4, 6, 4, 1], 2, 2, 1, 0),
    (6, 2, 1 - log_of((5 + sp.sqrt(17)) / 18, 2), 1, 0),
    (6, 3, 1 + log_of(2, 3), 1, 0),
    (8, 4, sp.Rational(3, 2), 1, 0),
    (2, 1, 2, 1, 0),
    (7, 1, 2, 1, 0),
    ([1, 0, 1], 1, 0, 1, 1),
    ([1, 0, 1], 2, 0, 1, 1),
    ([2, 1], 2, 0, -log_of(sp.Rational(5, 9), 2), sp.Rational(1, 3)),
    ([1, 2, 1, 2], 2, 0, 1, sp.Rational(1, 5)),
    ([1, 2, 0, 1, 2], 2, log_of(3, 2), 1, 0),
    ([1, 0, 1, 0, 1], 3, 0, 1, 1),
    (3, 3, 1, 1, 0),
    (9, 3, 2, 1, 0),
    ([0, 1, 2, 1, 0], 2, 2, 1, 0),
]


@pytest.mark.parametrize(("kernel", "stride", "alpha", "beta", "plateau"), TABLE)
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_table(kernel, stride, alpha, beta, plateau, dim):
    exponents = sd.predict_exponents(kernel=kernel, stride=stride, dim=dim)
    assert same(exponents.alpha, alpha)
    assert same(exponents.beta, dim * beta)
    assert same(exponents.plateau, plateau)
    assert not exponents.log_correction
    assert exponents.log_power == 0
    linear = sd.predict_exponents(kernel=kernel, stride=stride, dim=dim, rectify=None)
    assert linear.alpha == exponents.alpha
    assert linear.beta == 0
    noise = sd.predict_exponents(kernel=kernel, stride=stride, dim=dim, rectify="noise")
    assert (noise.alpha, noise.beta) == (exponents.alpha, exponents.beta)


def test_decimals_of_the_theory():
    """The numbers quoted there, to the digits quoted there."""
    box3, box6, skew = (sd.predict_exponents(kernel=k, stride=2) for k in (3, 6, [2, 1]))
    assert f"{float(box3.plateau):.4f}" == "0.2192"
    assert f"{float(box3.beta):.4f}" == "0.9804"
    assert f"{float(box6.alpha):.4f}" == "1.9804"
    assert f"{float(sd.predict_exponents(kernel=6, stride=3).alpha):.4f}" == "1.6309"
    assert f"{float(skew.beta):.3f}" == "0.848"


@pytest.mark.parametrize("stride", range(2, 17))
def test_box_rule(stride):
    """alpha = min(2, 1 + beta(f/s, s)) if s divides f, else 0; beta = log_s f for f <= s."""
    for length in range(2, 33):
        if length % stride and length > 12:  # the same rates without the slow exact plateau
            rates = growth((1,) * length, stride)
            assert rates.peak.same_as(rates.drop)
            continue
        exponents = sd.predict_exponents(kernel=length, stride=stride)
        assert exponents.sum_rule is (length % stride == 0)
        if length % stride:
            assert exponents.alpha == 0
            assert exponents.plateau.is_positive
            if length < stride:
                assert same(exponents.beta, log_of(length, stride))
                assert exponents.plateau == sp.Rational(1, length)
            continue
        assert exponents.beta == 1
        part = length // stride
        inner = sd.predict_exponents(kernel=part, stride=stride).beta if part > 1 else 0
        # A comparison of exact numbers needs no more than 30 digits here.
        assert abs(sp.N(exponents.alpha - sp.Min(2, 1 + inner), 30)) < sp.Float("1e-28")


def slopes(weights, stride, depth=240):
    """Exact local exponents of D_k and c_k(0) between depth/2 and depth."""
    orbit = strided_orbit(weights, stride, depth)
    (zero, one), (zero_, one_) = orbit[depth // 2], orbit[depth]
    layers = depth - depth // 2
    drops = Fraction(zero - one, zero), Fraction(zero_ - one_, zero_)

    def slope(a, b):
        ratio = Fraction(b) / a
        return (math.log(ratio.numerator) - math.log(ratio.denominator)) / math.log(stride) / layers

    scale = sum(weights) ** (2 * layers)
    return -slope(*drops), -slope(zero, Fraction(zero_, scale))


@pytest.mark.parametrize(
    ("weights", "stride"),
    [
        ([1, 1, 1], 2),
        ([1] * 6, 2),
        ([1] * 6, 3),
        ([1] * 8, 4),
        ([1, 2, 0, 1, 2], 2),
        ([1, 2, 1, 2], 2),
        ([2, 1], 2),
        ([1, 0, 1], 2),
        ([1, 5, 1, 7, 1, 2], 3),
        ([3, 1, 1, 3], 2),
        ([1] * 11, 2),
    ],
)
def test_against_slopes_of_exact_integers(weights, stride):
    exponents = sd.predict_exponents(kernel=weights, stride=stride)
    alpha, beta = slopes(weights, stride)
    # Corrections decay geometrically (at most 0.8^120 = 1e-12 here); logarithms of numbers of a
    # few hundred digits carry 1e-14.
    assert float(exponents.alpha) == pytest.approx(alpha, abs=1e-10)
    assert float(exponents.beta) == pytest.approx(beta, abs=1e-10)
    (zero, one) = strided_orbit(weights, stride, 240)[-1]
    limit = float(Fraction(zero - one, zero))
    assert float(exponents.plateau) == pytest.approx(limit, rel=1e-10, abs=1e-60)


def test_negative_controls_the_slope_check_notices_wrong_recursions():
    """Two layers of [1, 1, 2] at stride 2 as one at stride 4; without the stride; without A."""
    exponents = sd.predict_exponents(kernel=[1, 1, 2], stride=2)
    alpha, beta = slopes([1, 1, 2], 2)
    assert float(exponents.alpha) == pytest.approx(alpha, abs=1e-10)
    assert float(exponents.beta) == pytest.approx(beta, abs=1e-10)
    composite, _ = composite_filters([([1, 1, 2], 2)] * 2)[-1]
    assert slopes(composite, 4)[1] == pytest.approx(beta, abs=1e-10)
    missing_stride, _ = composite_filters([([1, 1, 2], 1)] * 2)[-1]
    assert abs(slopes(missing_stride, 4)[1] - beta) > 1e-3
    values = {m: int(m == 0) for m in range(-3, 4)}  # forgotten square: a in place of a * a
    for _ in range(240):
        values = {
            m: sum([1, 1, 2][m - 2 * n] * v for n, v in values.items() if 0 <= m - 2 * n < 3)
            for m in values
        }
    rate = (math.log(values[0]) - 240 * math.log(4)) / 240
    assert abs(-rate / math.log(2) - beta) > 1e-3


def small_filters():
    rng = random.Random(11)
    for stride, length in itertools.product((2, 3, 4), (2, 3, 4, 5, 6)):
        for _ in range(22):
            weights = [rng.choice([0, 0, 1, 1, 2, 3]) for _ in range(length)]
            weights[0], weights[-1] = rng.choice([1, 2, 3]), rng.choice([1, 2, 3])
            if rng.random() < 0.6:  # a factor of the sum rule
                longer = [0] * (length + stride - 1)
                for i, w in enumerate(weights):
                    for j in range(stride):
                        longer[i + j] += w
                weights = longer
            yield tuple(weights), stride


def test_smoothness_relation():
    """alpha = 2 min(1, max(0, nu_R)), beta = 1 + 2 min(0, nu_R); alpha > 0 iff sum rule, span 1."""
    filters = set(small_filters())
    assert len(filters) > 250
    positive = 0
    for weights, stride in filters:
        exponents = sd.predict_exponents(kernel=list(weights), stride=stride)
        nu = smoothness(list(weights), stride)
        # Eigenvalues of a defective 5 x 5 float matrix: errors up to (1e-16)^(1/2) and a little.
        assert float(exponents.alpha) == pytest.approx(2 * min(1, max(0, nu)), abs=1e-6)
        assert float(exponents.beta) == pytest.approx(1 + 2 * min(0, nu), abs=1e-6)
        cosets = [sum(weights[r::stride]) for r in range(stride)]
        assert exponents.sum_rule is (len(set(cosets)) == 1)
        step = math.gcd(*(j for j, w in enumerate(weights) if w))
        assert exponents.span == step
        assert (exponents.alpha != 0) is (exponents.sum_rule and step == 1)
        if exponents.sum_rule:
            assert exponents.beta == 1
        assert 0 <= float(exponents.alpha) <= 2
        assert float(exponents.beta) <= 1
        positive += exponents.alpha != 0
    assert positive > 60  # both cases are well represented
    assert len(filters) - positive > 60


@pytest.mark.parametrize(
    "block",
    [
        [([1, 2, 1], 1), ([1, 1], 2)],
        [([1, 1, 1], 2), ([1, 1], 1)],
        [([1, 1], 2), ([3, 1, 2], 1), ([1, 1], 1)],
        [([1, 1], 1), ([2, 1, 1], 1)],
        [([1, 2, 1], 2), ([1, 1, 1], 3)],
        [([1], 2), ([1, 1], 1)],
    ],
)
def test_repeating_blocks_equal_their_composite_filter(block):
    h, _ = composite_filters(block)[-1]
    stride = math.prod(s for _, s in block)
    single = sd.predict_exponents(kernel=h, stride=stride, dim=2)
    repeated = sd.predict_exponents(build(block * 3, dim=2))
    for name in ("alpha", "beta", "plateau", "peak_growth", "drop_growth", "sum_rule", "span"):
        assert getattr(repeated, name) == getattr(single, name)
    assert repeated.stride == stride
    assert repeated.kernel.trimmed == single.kernel.trimmed


def test_blocks_against_exact_sensitivities():
    """D_k of the repeated block decays with the exponent given, A_k being the real width."""
    block = [([1, 1, 1], 1), ([1, 1], 2)]
    net = build(block * 12)
    exponents = sd.predict_exponents(net)
    exact = filter_sensitivities(block * 11, None)
    widths = net.box_width
    slope = -math.log(float(exact[22][0] / exact[18][0])) / math.log(widths[22] / widths[18])
    # D_k A_k^alpha is constant up to 4^-9 = 4e-6 relative corrections.
    assert float(exponents.alpha) == pytest.approx(slope, abs=1e-4)


def test_equal_layers_are_one_layer():
    net = sd.Network.uniform(6, 3, depth=4, dim=2)
    exponents = sd.predict_exponents(net)
    assert exponents.alpha == sd.predict_exponents(kernel=6, stride=3).alpha
    assert exponents.beta == 2
    assert sd.predict_exponents(net[:1]).alpha == exponents.alpha


def test_fifty_digits_of_a_root_of_high_degree():
    exponents = sd.predict_exponents(kernel=31, stride=2)
    fifty, hundred = sp.N(exponents.beta, 50), sp.N(exponents.beta, 100)
    assert abs(sp.Float(hundred, 100) - fifty) < sp.Float("1e-48")
    orbit = strided_orbit([1] * 31, 2, 121)
    ratio = Fraction(orbit[121][0], orbit[120][0] * 31**2)
    exact = -sp.log(sp.Rational(ratio.numerator, ratio.denominator)) / sp.log(2)
    # Corrections of the recursion decay like 4^-k at least: 4^-120 = 6e-73.
    assert abs(sp.N(exact, 60) - sp.N(exponents.beta, 60)) < sp.Float("1e-45")
    assert 1 - float(exponents.beta) < 1e-13
    assert sp.N(1 - exponents.beta, 10) > 0
    limit = Fraction(orbit[121][0] - orbit[121][1], orbit[121][0])
    assert float(exponents.plateau) == pytest.approx(
        float(limit), rel=1e-13
    )  # floats of a 30-term sum


def test_results_print_and_pickle():
    exponents = sd.predict_exponents(kernel=[1, 5, 1, 7, 1, 2], stride=3)
    assert pickle.loads(pickle.dumps(exponents)) == exponents
    text = repr(exponents)
    assert "alpha = 0" in text
    assert f"{float(exponents.beta):.6g}" in text
    assert f"{float(exponents.plateau):.6g}" in text
    assert max(map(len, text.splitlines())) < 130
    assert exponents._repr_latex_().startswith("$")
    assert "D_k tends" not in repr(sd.predict_exponents(kernel=4, stride=2))


@pytest.mark.parametrize("stride", [None, False, 1])
def test_default_stride_is_one(stride):
    assert sd.predict_exponents(kernel=2, stride=stride).stride == 1
    assert sd.predict_exponents(kernel=[1, 1, 2], stride=True).stride == 3
    assert sd.predict_exponents(kernel=[1, 1, 2], stride="kernel").stride == 3
    assert sd.predict_exponents().kernel == sd.box(2)


@pytest.mark.parametrize(
    ("weights", "stride"),
    [([0.1, 0.3, 0.4, 0.2], 2), ([0.1, 0.6, 0.7, 0.2], 2), ([0.1, 0.3, 0.4, 0.6, 0.4, 0.3], 3)],
)
def test_float_weights_that_only_round_to_the_sum_rule_are_refused(weights, stride):
    decimals = [Fraction(str(weight)) for weight in weights]
    expected = sd.predict_exponents(kernel=decimals, stride=stride).alpha
    assert same(sd.predict_exponents(kernel=weights, stride=stride).alpha, expected)
    weights[1] += 1e-14  # more than rounding errors of a few operations
    message = f"sum rule at stride {stride} exactly or clearly violate it"
    with pytest.raises(ValueError, match=message):
        sd.predict_exponents(kernel=weights, stride=stride)


def test_exact_or_clear_weights_are_accepted():
    assert same(sd.predict_exponents(kernel=[0.25, 0.5, 0.25], stride=2).alpha, 2)
    tenths = [Fraction(n, 10) for n in (1, 3, 4, 2)]
    assert sd.predict_exponents(kernel=tenths, stride=2).sum_rule
    assert sd.predict_exponents(kernel=[0.1, 0.3, 0.4, 0.2], stride=1).alpha == 2
    assert sd.predict_exponents(kernel=[0.3, 0.1], stride=2).alpha == 0


LONE = "kernel must have at least two non-zero weights; got .*exponents are undefined"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"kernel": 1}, ValueError, LONE),
        ({"kernel": [0, 3, 0], "stride": 2}, ValueError, LONE),
        ({"kernel": 1, "stride": True}, ValueError, LONE),
        ({"kernel": 0}, ValueError, "kernel must be an integer .*; got 0"),
        ({"kernel": []}, ValueError, "kernel must have at least one weight"),
        ({"kernel": [1, -1]}, ValueError, r"kernel\[1\] must be >= 0; got -1"),
        ({"kernel": "box"}, TypeError, "kernel must be .*; got 'box'"),
        ({"kernel": 2, "stride": 0}, ValueError, "stride must be .* or 'kernel'; got 0"),
        ({"kernel": 2, "stride": -1}, ValueError, "stride must be .* or 'kernel'; got -1"),
        ({"kernel": 2, "stride": 2.0}, TypeError, "stride must be .*; got 2.0"),
        ({"kernel": 2, "stride": "2"}, TypeError, "stride must be .*; got '2'"),
        ({"kernel": 2, "dim": 4}, ValueError, r"dim must be an integer in \[1, 3\]; got 4"),
        ({"kernel": 2, "dim": True}, TypeError, "dim must be .*; got True"),
        (
            {"kernel": 2, "rectify": "output"},
            ValueError,
            "rectify must be one of 'input', 'noise', 'layers', None; got 'output'",
        ),
        ({"kernel": 2, "rectify": False}, ValueError, "rectify must be one of .*; got False"),
        ({"net": 3}, TypeError, "net must be a Network; got 3"),
        ({"net": sd.Layer(2)}, TypeError, "net must be a Network; got Layer"),
        ({"kernel": sd.Kernel([1, 1], signed=True)}, ValueError, "needs non-negative kernels"),
        (
            {"net": sd.Network([sd.Layer(2), sd.Layer(3)])},
            ValueError,
            "net must repeat .* at least twice; got 2 layers without repetition",
        ),
        (
            {"net": sd.Network.uniform(2), "kernel": 2},
            ValueError,
            "kernel must be left out .*got 2",
        ),
        ({"net": sd.Network.uniform(2), "stride": False}, ValueError, "stride must be left out"),
        ({"net": sd.Network.uniform(2), "dim": 1}, ValueError, "dim must be left out .*; got 1"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        sd.predict_exponents(**arguments)
