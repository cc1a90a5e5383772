"""Amplitudes, limits, prefactors and closed forms against exact integers and predictions."""

from __future__ import annotations

import copy
import functools
import pickle
import time
from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from flint import arb, ctx, fmpq, fmpq_poly, fmpz_poly

import scaledet as sd
from scaledet.algebra.balls import element_ball
from scaledet.algebra.sympy_numbers import FieldElement, exact_number
from scaledet.theory.growth.amplitudes import amplitude, plateau
from scaledet.theory.growth.asymptote import asymptote
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
        deviations = errors(values, constant, root, 300, 10, 201)
        if decay == 0:
            assert all(error < arb(10) ** -280 for error in deviations)
            continue
        scaled = [float(e.mid() / arb(decay) ** k) for k, e in enumerate(deviations, start=10)]
        # A constant, times k where the second root is double; floats of the ratio: 200 * 1e-15.
        assert max(scaled[30:]) < 25 * max(scaled[:20])
        assert float(deviations[-1].rad()) < 1e-200


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
    rates, leading = growth(tuple(weights), stride), asymptote(weights, stride)
    peaks, drops = sequences(tuple(weights), stride, 200)
    limit = plateau(rates)
    assert limit == sd.predict_exponents(kernel=weights, stride=stride).plateau
    if leading.exponents.alpha == 0:
        assert limit == leading.ratio
        exact = Fraction(drops[200], peaks[200])
        decay = max(second_ratio(fraction, root) for fraction, root in both(weights, stride))
        assert abs(float(limit) - exact) < 10 * decay**200 + 1e-15
    else:
        assert limit == 0
        assert leading.ratio > 0


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
    assert abs(
        sp.N(constant.sympy(), 50) - sp.Float(constant.ball(60).mid().str(60, radius=False), 60)
    ) < sp.Float("1e-50")


def test_limits_of_roots_of_equal_modulus_are_refused():
    """A made-up sequence, 2^k (2 + (-1)^k): a double pole would be fine, two poles are not."""
    from scaledet.algebra.roots import dominant_root
    from scaledet.theory.growth.transition import Growth

    fraction = (fmpz_poly([3, 2]), fmpz_poly([1, 0, -4]))
    root = dominant_root(fmpz_poly([-4, 0, 1]))
    assert plateau(Growth(root, root, fraction, fraction)) is None


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
            value = mpmath.mpf(str(sp.N(number, digits)))
            assert abs(value / expected - 1) < mpmath.mpf(10) ** (1 - digits)
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
