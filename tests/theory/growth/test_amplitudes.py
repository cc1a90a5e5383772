"""Amplitudes, limits, prefactors and closed forms against exact integers and predictions."""

from __future__ import annotations

import copy
import functools
import math
import pickle
import time
from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from flint import arb, ctx, fmpq, fmpq_poly, fmpz_poly

import scaledet as sd
from scaledet.algebra.sympy_numbers import FieldElement, element_ball, exact_number
from scaledet.theory.growth.amplitudes import amplitude, asymptote, plateau
from scaledet.theory.growth.closed_form import closed_form
from scaledet.theory.growth.transition import growth
from tests.dense import strided_orbit

K = sp.Symbol("k", integer=True, nonnegative=True)

LOG_JORDAN = ([5, 6, 9, 12, 15, 8, 9, 6, 3, 0, 2], 5)  # a double root 5^-3 of c_k(0) - c_k(1)
OSCILLATING = ([1, 2, 0, 0, 0, 0, 0, 1, 2], 2)  # three roots of one modulus, x^3 = 344

FILTERS = [
    ([1, 1], 2),
    ([1, 1, 1], 2),
    ([1, 2, 1], 2),
    ([1] * 5, 2),
    ([1] * 6, 2),
    ([1] * 7, 2),
    ([1] * 6, 3),
    ([1] * 8, 4),
    ([2, 1], 2),
    ([1, 2, 1, 2], 2),
    ([1, 2, 0, 1, 2], 2),
    ([1, 0, 1], 2),
    ([1, 5, 1, 7, 1, 2], 3),
    ([1, 4, 6, 4, 1], 2),
    ([3, 2, 1, 1, 0, 0, 0, 0, 1], 4),
    ([2, 3, 1, 0, 0, 2, 3, 1], 2),
    ([1, 1, 1, 2, 2, 3, 2], 2),
]


@functools.cache
def sequences(weights, stride, depth):
    """C_k(0) and C_k(0) - C_k(1), k = 0 ... depth: integers."""
    orbit = strided_orbit(list(weights), stride, depth)
    return [zero for zero, _ in orbit], [zero - one for zero, one in orbit]


def both(weights, stride):
    """(generating function, dominant root) of both sequences."""
    rates = growth(tuple(weights), stride)
    return (rates.peak_fraction, rates.peak), (rates.drop_fraction, rates.drop)


def second_ratio(fraction, root):
    """Second largest modulus of the recurrence's roots over the largest; 0 if there is none."""
    recurrence = fmpz_poly(list(reversed(fraction[1].coeffs())))
    sizes = sorted(
        (float(abs(r).mid()) for f, _ in recurrence.factor()[1] for r, _ in f.complex_roots()),
        reverse=True,
    )
    assert sizes[0] == pytest.approx(float(root) * float(root.scale), rel=1e-12)
    return sizes[1] / sizes[0] if len(sizes) > 1 else 0.0


def errors(values, constant, root, digits, start, stop):
    """|C_k / (C lambda^k) - 1| for k = start ... stop - 1, in balls of `digits` digits."""
    with ctx.workprec(int(3.33 * digits) + 64):
        rate = root.ball(digits) * arb(fmpq(root.scale.numerator, root.scale.denominator))
        return [abs(arb(values[k]) / (constant * rate**k) - 1) for k in range(start, stop)]


@pytest.mark.parametrize(("weights", "stride"), FILTERS)
def test_amplitudes_against_integers_up_to_depth_200(weights, stride):
    """C_k / (C lambda^k) - 1 falls like the second root over the first, no slower, to the end."""
    for values, (fraction, root) in zip(
        sequences(tuple(weights), stride, 200), both(weights, stride), strict=True
    ):
        assert root.multiplicity == 1
        constant = amplitude(fraction, root).ball(300)
        decay = second_ratio(fraction, root)
        found = errors(values, constant, root, 300, 10, 201)
        if decay == 0:
            assert all(error < arb(10) ** -280 for error in found)
            continue
        scaled = [float(e.mid() / arb(decay) ** k) for k, e in enumerate(found, start=10)]
        # A constant, times k where the second root is double; floats of the ratio: 200 * 1e-15.
        assert max(scaled[30:]) < 25 * max(scaled[:20])
        assert float(found[-1].rad()) < 1e-200


@pytest.mark.parametrize(("weights", "stride"), [([1, 1, 1], 2), ([1] * 7, 2), ([1] * 6, 3)])
def test_negative_control_a_constant_wrong_in_the_tenth_digit_is_noticed(weights, stride):
    for values, (fraction, root) in zip(
        sequences(tuple(weights), stride, 200), both(weights, stride), strict=True
    ):
        wrong = amplitude(fraction, root).ball(300) * (1 + arb(10) ** -10)
        assert errors(values, wrong, root, 300, 200, 201)[0] > arb(10) ** -11


def test_amplitudes_are_exact_numbers():
    (peak, drop) = (amplitude(*pair) for pair in both([1, 1, 1], 2))
    assert peak.sympy() == sp.Rational(1, 2) + sp.sqrt(17) / 34
    assert drop.sympy() == sp.Rational(1, 2) - 3 * sp.sqrt(17) / 34
    assert drop.over(peak) == sp.Rational(5, 4) - sp.sqrt(17) / 4
    assert sp.expand(sp.radsimp(drop.sympy() / peak.sympy())) == drop.over(peak)
    assert amplitude(*both([1, 1], 2)[0]).sympy() == 1
    rational, irrational = (amplitude(*pair) for pair in both([1] * 6, 2))
    assert rational.sympy() == sp.Rational(145, 531)
    assert irrational.over(rational) == irrational.sympy() / rational.sympy()
    assert float(irrational.ball(40).mid()) == float(irrational)


@pytest.mark.parametrize(("weights", "stride"), FILTERS)
def test_plateau_is_the_limit(weights, stride):
    rates, found = growth(tuple(weights), stride), asymptote(weights, stride)
    peaks, drops = sequences(tuple(weights), stride, 200)
    limit = plateau(rates)
    assert limit == sd.predict_exponents(kernel=weights, stride=stride).plateau
    if found.exponents.alpha == 0:
        assert limit == found.ratio
        exact = Fraction(drops[200], peaks[200])
        decay = max(second_ratio(fraction, root) for fraction, root in both(weights, stride))
        assert abs(float(limit) - exact) < 10 * decay**200 + 1e-15
    else:
        assert limit == 0
        assert found.ratio > 0


def test_fifty_digits_of_degree_thirty():
    """Box 31 at stride 2: certified digits, in milliseconds; sums of powers took 0.3 s for 13."""
    started = time.perf_counter()
    limit = plateau(growth((1,) * 31, 2))
    value = sp.N(limit, 50)
    assert time.perf_counter() - started < 1
    assert isinstance(limit, FieldElement)
    peaks, drops = sequences((1,) * 31, 2, 130)
    exact = sp.Rational(drops[130], peaks[130])  # corrections 4^-130 = 5e-79
    assert abs(sp.N(exact, 70) - sp.N(limit, 70)) < sp.Float("1e-68")
    assert abs(sp.N(exact, 60) - value) < sp.Float("1e-52")  # 0.002...: 50 digits end at 1e-52
    ball = limit.ball(200)
    assert ball.rel_accuracy_bits() >= 200
    assert ball.overlaps(arb(fmpq(int(exact.p), int(exact.q))))
    (fraction, root), _ = both([1] * 31, 2)
    constant = amplitude(fraction, root)
    assert constant.ball(50).rel_accuracy_bits() >= 166
    assert errors(peaks, constant.ball(60), root, 90, 130, 131)[0] < arb(10) ** -58
    assert abs(sp.N(constant.sympy(), 50) - sp.Float(constant.ball(60).mid().str(60, radius=False),
                                                     60)) < sp.Float("1e-50")  # fmt: skip


CLOSED = [f for f in FILTERS if f not in [([1] * 5, 2), ([1] * 7, 2), ([1, 5, 1, 7, 1, 2], 3)]]


@pytest.mark.parametrize(("weights", "stride"), [*CLOSED, LOG_JORDAN])
def test_closed_forms_are_exact(weights, stride):
    scale = Fraction(sum(weights)) ** 2
    for values, (fraction, _) in zip(
        sequences(tuple(weights), stride, 12), both(weights, stride), strict=True
    ):
        expression, first = closed_form(fraction, scale, K)
        assert expression.is_real
        for k in range(13):
            exact = sp.Rational(values[k]) / sp.Integer(int(scale)) ** k
            found = expression.subs(K, k)
            if expression.has(sp.cos) and not found.is_Rational:
                same = abs(sp.N(found - exact, 30, maxn=400)) < sp.Float("1e-60")
            else:
                same = sp.expand(found) == exact
            # Before `first`, and at first - 1 in particular, a polynomial part is missing.
            assert same or k < first
            assert not (same and k == first - 1)


@pytest.mark.parametrize(
    ("top", "bottom", "first"),
    [
        ([0, 1], [1, -1, -1], 0),  # Fibonacci
        ([1, 1], [1, -2, 5], 0),  # roots 1 +- 2i: an angle that is no multiple of pi
        ([2, 0, 3], [1, 0, 2, 0, 1], 0),  # (1 + z^2)^2: double complex roots
        ([1, 2, 3, 4, 5], [1, -4, 3], 3),  # a polynomial part
        ([1, 5], [1, -8, 22, -24, 9], 0),  # (1 - z)^2 (1 - 3 z)^2
        ([3], [1, -6, 12, -8], 0),  # a triple root
        ([7, 0, 2], [1], 3),
        ([1], [1, 0, -2], 0),  # +- sqrt 2
        ([1, 4], [1, 2, -6], 0),  # -1 +- sqrt 7
        ([1, 1], [1, -4, 2, 4, 1], 0),  # (1 - 2 z - z^2)^2: double quadratic irrationals
    ],
)
def test_closed_forms_of_any_rational_function(top, bottom, first):
    fraction = fmpz_poly(top), fmpz_poly(bottom)
    common = fraction[0].gcd(fraction[1])
    assert common.degree() == 0
    expression, start = closed_form(fraction, 1, K)
    assert start == first
    series = []
    for n in range(16):
        value = Fraction(top[n] if n < len(top) else 0)
        value -= sum(bottom[j] * series[n - j] for j in range(1, min(n, len(bottom) - 1) + 1))
        series.append(value)
        if n >= first:
            assert abs(sp.N(expression.subs(K, n) - sp.Rational(value), 30, maxn=400)) < 1e-60
    if first:
        assert abs(sp.N(expression.subs(K, first - 1) - sp.Rational(series[first - 1]), 15)) > 1e-3


def test_no_closed_form_beyond_radicals_of_degree_two():
    for weights, stride in [([1] * 5, 2), ([1, 5, 1, 7, 1, 2], 3)]:
        for fraction, _ in both(weights, stride):
            assert closed_form(fraction, 1, K) is None


@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize(
    ("kernel", "stride", "depth"),
    [(2, 2, 18), (3, 2, 18), ([1, 2, 1], 2, 18), (6, 2, 18), (6, 3, 10), (8, 4, 8), ([2, 1], 2, 18),
     ([1, 2, 0, 1, 2], 2, 18), (7, 2, 18), ([1, 0, 1], 2, 18)],
)  # fmt: skip
def test_prefactors_against_predictions(kernel, stride, depth, dim):
    """D_k A_k^alpha and (G_k - constant) A_k^-beta at the last layer of finite networks."""
    size = stride ** (2 * depth)
    net = sd.Network.uniform(kernel=kernel, stride=stride, depth=depth, dim=dim)
    found, exact = asymptote(kernel, stride), sd.predict(net, size=size)
    alpha, beta = float(found.exponents.alpha), dim * float(found.exponents.beta)
    rates = both(found.exponents.kernel.trimmed, stride)
    decay = max(second_ratio(fraction, root) for fraction, root in rates) ** depth
    # Second roots, 1/size^d against c_k(0)^d, the width's own correction, floats.
    share = 1 / (size * float(found.peak) * float(rates[0][1]) ** depth) ** dim
    tolerance = dim * decay + 2 * share + 3 * dim * stride ** (-2 * depth) + 1e-12
    assert tolerance < 0.08  # (5/6)^18 of [1, 2, 0, 1, 2], twice
    width = exact.A[depth]
    assert exact.D[depth] * width**alpha == pytest.approx(float(found.D_prefactor), rel=tolerance)
    growing = exact.G[depth] - (math.pi - 1) / (2 * math.pi)
    assert growing / width**beta == pytest.approx(float(found.G_prefactor(dim)), rel=tolerance)
    if found.width != 1:  # the control: the prefactors of A_k, not those of s^k
        bare = 1 / (2 * math.pi * float(found.peak) ** dim)
        assert growing / width**beta != pytest.approx(bare, rel=2 * tolerance)


def test_prefactors_are_exact():
    one = asymptote(4, 4)
    assert (one.D_prefactor, one.G_prefactor()) == (1, 1 / (2 * sp.pi))
    assert one.crossover() == sp.pi - 1
    assert asymptote([1, 2, 1], 2).D_prefactor == 3
    d = sp.Symbol("d", positive=True)
    for kernel, stride in [(3, 2), (6, 2), ([2, 1], 2), (7, 2)]:
        found = asymptote(kernel, stride)
        for dim in (1, 2, 3):
            assert sp.N(found.G_prefactor(d).subs(d, dim) - found.G_prefactor(dim), 20) == 0 or (
                abs(float(found.G_prefactor(d).subs(d, dim) / found.G_prefactor(dim)) - 1) < 1e-14
            )
            beta = dim * found.exponents.beta
            grown = found.G_prefactor(dim) * found.crossover(dim) ** beta
            assert abs(sp.N(grown - (sp.pi - 1) / (2 * sp.pi), 30)) < sp.Float("1e-28")
        general = found.crossover(d).subs(d, 2)
        assert float(general) == pytest.approx(float(found.crossover(2)), rel=1e-13)


def test_a_logarithm_in_the_second_law():
    """nu_R = 1 exactly: D_k ~ P k A_k^-2, approached like 1 + (15/8)/k."""
    weights, stride = LOG_JORDAN
    found = asymptote(weights, stride)
    assert (found.exponents.alpha, found.exponents.log_power) == (2, 1)
    assert found.drop.sympy() == sp.Rational(8, 15)
    scale = sum(weights) ** 2
    pair = both(weights, stride)
    (peak, _), (drop, _) = (closed_form(fraction, scale, K) for fraction, _ in pair)
    sensitivity = (drop / peak).subs(K, 1000)
    width = 12 * found.exponents.kernel.variance * (stride**2000 - 1) / Fraction(stride**2 - 1) + 1
    ratio = sensitivity * sp.Rational(width) / (1000 * found.D_prefactor)
    assert float(1000 * (ratio - 1)) == pytest.approx(15 / 8, rel=1e-12)
    # The box law without the logarithm would be off by this factor of 1000.
    assert float(sensitivity * sp.Rational(width) / found.D_prefactor) > 900


def test_no_limit_is_said_so():
    weights, stride = OSCILLATING
    found = asymptote(weights, stride)
    assert found.drop is None
    assert found.ratio is None
    assert found.D_prefactor is None
    assert "no limit: c_k(0) - c_k(1) over its growth rate" in found.reason
    assert found.reason in repr(found)
    assert found.peak.sympy() == sp.Rational(87, 637)
    assert found.G_prefactor() > 0
    assert sd.predict_exponents(kernel=weights, stride=stride).plateau == 0
    # It is true: c_k(0) - c_k(1) over 344^(k/3) has three limits.
    _, drops = sequences(tuple(weights), stride, 182)
    limits = [Fraction(drops[k], 344 ** (k // 3)) for k in range(174, 183)]
    periods = [float(limits[j + 3] / limits[j]) for j in range(6)]
    assert periods == pytest.approx([1] * 6, abs=1e-9)
    a, b, c = (float(limits[j]) / 344 ** (j / 3) for j in range(3))
    assert min(abs(a / b - 1), abs(b / c - 1), abs(c / a - 1)) > 1e-2


def test_limits_of_roots_of_equal_modulus_are_refused():
    """A made-up sequence, 2^k (2 + (-1)^k): a double pole would be fine, two poles are not."""
    from scaledet.algebra.roots import dominant_root
    from scaledet.theory.growth.transition import Growth

    fraction = (fmpz_poly([3, 2]), fmpz_poly([1, 0, -4]))
    root = dominant_root(fmpz_poly([-4, 0, 1]))
    assert plateau(Growth(root, root, fraction, fraction)) is None


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
        (([0.1, 0.3, 0.4, 0.2], 2), ValueError, "exactly or clearly violate"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        asymptote(*arguments)


@pytest.mark.parametrize("dim", [0, 4])
def test_bad_dimensions_are_refused(dim):
    with pytest.raises(ValueError, match=r"dim must be an integer in \[1, 3\]"):
        asymptote(2, 2).G_prefactor(dim)


CUBIC = fmpz_poly([-2, 0, 0, 1])


def test_field_elements_evaluate_despite_cancellation():
    """p - q 2^(1/3) with a convergent p/q of 50 digits each: 1e-51 from two numbers of 1e50."""
    with mpmath.workdps(400):
        rest, (p, q), (p_, q_) = mpmath.cbrt(2), (1, 0), (0, 1)
        while q < 10**50:
            whole = int(mpmath.floor(rest))
            (p, q), (p_, q_) = (whole * p + p_, whole * q + q_), (p, q)
            rest = 1 / (rest - whole)
        expected = p - q * mpmath.cbrt(2)
        number = FieldElement((p, -q), 1, (-2, 0, 0, 1))
        assert abs(expected) < mpmath.mpf(10) ** -49
        for digits in (5, 30, 100):
            found = mpmath.mpf(str(sp.N(number, digits)))
            assert abs(found / expected - 1) < mpmath.mpf(10) ** (1 - digits)
        assert float(number) == float(expected)
    assert element_ball(fmpq_poly([p, -q]), CUBIC, 80).rel_accuracy_bits() >= 80
    assert element_ball(fmpq_poly([0]), CUBIC, 80) == 0
    assert element_ball(fmpq_poly([-2, 0, 0, 1]), CUBIC, 80) == 0


def test_numbers_of_low_degree_are_recognised_in_any_field():
    assert exact_number(fmpq_poly([3], 7), CUBIC) == sp.Rational(3, 7)
    assert exact_number(fmpq_poly([1, 0, 0, 2]), CUBIC) == 5
    quartic = fmpz_poly([1, 0, -10, 0, 1])  # sqrt 2 + sqrt 3
    assert exact_number(fmpq_poly([0, -9, 0, 1], 2), quartic) == sp.sqrt(2)
    assert exact_number(fmpq_poly([0, 11, 0, -1], 2), quartic) == sp.sqrt(3)
    assert exact_number(fmpq_poly([-5, 0, 1], 2), quartic) == sp.sqrt(6)
    assert exact_number(fmpq_poly([5, 0, -1], 2), quartic) == -sp.sqrt(6)
    assert isinstance(exact_number(fmpq_poly([0, 1]), quartic), FieldElement)
    assert isinstance(exact_number(fmpq_poly([0, 1]), CUBIC), FieldElement)


def test_field_elements_behave_like_numbers():
    x = sp.Symbol("x")
    number = FieldElement((-5, 4), 1, (-2, 0, 0, 1))
    other = FieldElement((0, 0, -1), 3, (-2, 0, 0, 1))
    assert number == FieldElement([-5, 4], 1, [-2, 0, 0, 1])
    assert number != other
    assert number != 0.03968419957949266
    assert {number: 1}[FieldElement((-5, 4), 1, (-2, 0, 0, 1))] == 1
    assert number.is_positive
    assert other.is_negative
    assert number.is_real
    assert number.is_irrational
    assert other < number < 1
    assert sp.Max(number, other) == number
    assert sp.log(number).is_real
    assert number.diff(x) == 0
    assert not number.free_symbols
    assert (number - FieldElement((-5, 4), 1, (-2, 0, 0, 1))) == 0
    assert (sp.floor(number), sp.ceiling(number), int(number)) == (0, 1, 0)
    assert (sp.floor(other), sp.ceiling(other), int(other)) == (-1, 0, 0)
    assert complex(number) == float(number) == pytest.approx(4 * 2 ** (1 / 3) - 5, rel=1e-13)
    for clone in (pickle.loads(pickle.dumps(number)), copy.copy(number), copy.deepcopy(number)):
        assert clone == number
        assert hash(clone) == hash(number)
        assert float(clone) == float(number)
    nested = sp.log(number + 1)
    assert pickle.loads(pickle.dumps(nested)) == nested
    assert str(other) == "FieldElement(-x**2/3, x**3 - 2)"
    assert "x^{3} - 2" in sp.latex(other)
