"""Leading laws of D_k and G_k against predictions and exact integers."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import sympy as sp

import scaledet as sd
from scaledet.theory.growth.asymptote import asymptote
from scaledet.theory.growth.closed_form import closed_form
from tests.theory.growth.test_amplitudes import (
    LOG_JORDAN,
    OSCILLATING,
    K,
    both,
    second_ratio,
    sequences,
)


@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize(
    ("kernel", "stride", "depth"),
    [
        (2, 2, 18),
        (3, 2, 18),
        ([1, 2, 1], 2, 18),
        (6, 2, 18),
        (6, 3, 10),
        (8, 4, 8),
        ([2, 1], 2, 18),
        ([1, 2, 0, 1, 2], 2, 18),
        (7, 2, 18),
        ([1, 0, 1], 2, 18),
    ],
)
def test_prefactors_against_predictions(kernel, stride, depth, dim):
    """D_k A_k^alpha and (G_k - constant) A_k^-beta at the last layer of finite networks."""
    size = stride ** (2 * depth)
    net = sd.Network.uniform(kernel=kernel, stride=stride, depth=depth, dim=dim)
    leading, exact = asymptote(kernel, stride), sd.predict(net, size=size)
    alpha, beta = float(leading.exponents.alpha), dim * float(leading.exponents.beta)
    rates = both(leading.exponents.kernel.trimmed, stride)
    decay = max(second_ratio(fraction, root) for fraction, root in rates) ** depth
    # Second roots, 1/size^d against c_k(0)^d, the width's own correction, floats.
    share = 1 / (size * float(leading.peak) * float(rates[0][1]) ** depth) ** dim
    tolerance = dim * decay + 2 * share + 3 * dim * stride ** (-2 * depth) + 1e-12
    assert tolerance < 0.08  # (5/6)^18 of [1, 2, 0, 1, 2], twice
    width = exact.A[depth]
    assert exact.D[depth] * width**alpha == pytest.approx(float(leading.D_prefactor), rel=tolerance)
    growing = exact.G[depth] - (math.pi - 1) / (2 * math.pi)
    assert growing / width**beta == pytest.approx(float(leading.G_prefactor(dim)), rel=tolerance)
    if leading.width != 1:  # the control: the prefactors of A_k, not those of s^k
        bare = 1 / (2 * math.pi * float(leading.peak) ** dim)
        assert growing / width**beta != pytest.approx(bare, rel=2 * tolerance)


def test_prefactors_are_exact():
    boxes = asymptote(4, 4)
    assert (boxes.D_prefactor, boxes.G_prefactor()) == (1, 1 / (2 * sp.pi))
    assert boxes.crossover() == sp.pi - 1
    assert asymptote([1, 2, 1], 2).D_prefactor == 3
    d = sp.Symbol("d", positive=True)
    for kernel, stride in [(3, 2), (6, 2), ([2, 1], 2), (7, 2)]:
        leading = asymptote(kernel, stride)
        for dim in (1, 2, 3):
            assert sp.N(
                leading.G_prefactor(d).subs(d, dim) - leading.G_prefactor(dim), 20
            ) == 0 or (
                abs(float(leading.G_prefactor(d).subs(d, dim) / leading.G_prefactor(dim)) - 1)
                < 1e-14
            )
            beta = dim * leading.exponents.beta
            grown = leading.G_prefactor(dim) * leading.crossover(dim) ** beta
            assert abs(sp.N(grown - (sp.pi - 1) / (2 * sp.pi), 30)) < sp.Float("1e-28")
        general = leading.crossover(d).subs(d, 2)
        assert float(general) == pytest.approx(float(leading.crossover(2)), rel=1e-13)


def test_a_logarithm_in_the_second_law():
    """nu_R = 1 exactly: D_k ~ P k A_k^-2, approached like 1 + (15/8)/k."""
    weights, stride = LOG_JORDAN
    leading = asymptote(weights, stride)
    assert (leading.exponents.alpha, leading.exponents.log_power) == (2, 1)
    assert leading.drop.sympy() == sp.Rational(8, 15)
    scale = sum(weights) ** 2
    pair = both(weights, stride)
    (peak, _), (drop, _) = (closed_form(fraction, scale, K) for fraction, _ in pair)
    sensitivity = (drop / peak).subs(K, 1000)
    width = (
        12 * leading.exponents.kernel.variance * (stride**2000 - 1) / Fraction(stride**2 - 1) + 1
    )
    ratio = sensitivity * sp.Rational(width) / (1000 * leading.D_prefactor)
    assert float(1000 * (ratio - 1)) == pytest.approx(15 / 8, rel=1e-12)
    # The box law without the logarithm would be off by this factor of 1000.
    assert float(sensitivity * sp.Rational(width) / leading.D_prefactor) > 900


def test_no_limit_is_said_so():
    weights, stride = OSCILLATING
    leading = asymptote(weights, stride)
    assert leading.drop is None
    assert leading.ratio is None
    assert leading.D_prefactor is None
    assert "no limit: c_k(0) - c_k(1) over its growth rate" in leading.reason
    assert leading.reason in repr(leading)
    assert leading.peak.sympy() == sp.Rational(87, 637)
    assert leading.G_prefactor() > 0
    assert sd.predict_exponents(kernel=weights, stride=stride).plateau == 0
    # It is true: c_k(0) - c_k(1) over 344^(k/3) has three limits.
    _, drops = sequences(tuple(weights), stride, 182)
    limits = [Fraction(drops[k], 344 ** (k // 3)) for k in range(174, 183)]
    periods = [float(limits[j + 3] / limits[j]) for j in range(6)]
    assert periods == pytest.approx([1] * 6, abs=1e-9)
    a, b, c = (float(limits[j]) / 344 ** (j / 3) for j in range(3))
    assert min(abs(a / b - 1), abs(b / c - 1), abs(c / a - 1)) > 1e-2


def test_repr():
    assert repr(asymptote(3, 2)).splitlines() == [
        "Asymptote of Kernel(1/3, 1/3, 1/3), stride 2",
        "  C = sqrt(17)/34 + 1/2 = 0.621268",
        "  C_D = 1/2 - 3*sqrt(17)/34 = 0.136197",
    ]
    assert "  C = 1\n" in repr(asymptote(2, 2)) + "\n"
    assert "RealRoot" not in repr(asymptote(31, 2))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((2, 1), ValueError, "stride must be an integer >= 2; got 1"),
        ((2, 2.0), TypeError, "stride must be an integer >= 2"),
        ((1, 2), ValueError, "at least two non-zero weights"),
        (([1, -1], 2), ValueError, r"kernel\[1\] must be >= 0"),
        (([0.1, 0.3 + 1e-14, 0.4, 0.2], 2), ValueError, "exactly or clearly violate"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        asymptote(*arguments)


@pytest.mark.parametrize("dim", [0, 4])
def test_bad_dimensions_are_refused(dim):
    with pytest.raises(ValueError, match=r"dim must be an integer in \[1, 3\]"):
        asymptote(2, 2).G_prefactor(dim)
