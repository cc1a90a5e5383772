"""Exact algebraic numbers: dominant roots, their logarithms, the SymPy number RealRoot."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import fmpz_poly

from scaledet.algebra.balls import largest_real_root
from scaledet.algebra.roots import dominant_root, log_in_base
from scaledet.algebra.sympy_numbers import RealRoot

x = sp.Symbol("x")


@pytest.mark.parametrize(
    ("coefficients", "scale", "expected"),
    [
        ([-6, 1], 1, sp.Integer(6)),
        ([-6, 4], 3, sp.Rational(1, 2)),
        ([2, -5, 1], 9, (5 + sp.sqrt(17)) / 18),
        ([-2, 0, 1], 1, sp.sqrt(2)),
        ([4, 0, -2], 1, sp.sqrt(2)),
        ([6, -5, 1], 1, sp.Integer(3)),
        ([0, -7, 1], 1, sp.Integer(7)),
    ],
)
def test_small_dominant_roots_are_exact(coefficients, scale, expected):
    root = dominant_root(fmpz_poly(coefficients), Fraction(scale))
    assert sp.simplify(root.sympy() - expected) == 0
    assert float(root) == pytest.approx(float(expected), rel=4e-16)  # one rounding each
    if expected.is_Rational or len(coefficients) == 3:
        assert root.sympy().is_Rational == expected.is_Rational


def test_multiplicity_and_rivals():
    double = dominant_root(fmpz_poly([4, -4, 1]))  # (x - 2)^2
    assert (double.multiplicity, double.peak_alone) == (2, True)
    rival = dominant_root(fmpz_poly([-4, 0, 1]))  # (x - 2)(x + 2)
    assert (rival.multiplicity, rival.peak_alone) == (1, False)
    complex_rival = dominant_root(fmpz_poly([-8, 0, 0, 1]))  # x^3 - 8
    assert not complex_rival.peak_alone
    alone = dominant_root(fmpz_poly([2, -3, 1]))
    assert (alone.multiplicity, alone.peak_alone) == (1, True)
    assert alone.same_as(dominant_root(fmpz_poly([-2, 1])))
    assert not alone.same_as(double.__class__(alone.factor, Fraction(3), 1, True))


def test_nearly_equal_moduli_are_separated():
    """10^40 x - (10^40 + 1) against x - 1: equal to 40 digits."""
    big = 10**40
    product = fmpz_poly([-big - 1, big]) * fmpz_poly([-1, 1])
    root = dominant_root(product)
    assert root.sympy() == sp.Rational(big + 1, big)
    assert root.peak_alone


@pytest.mark.parametrize(
    ("number", "base", "expected"),
    [
        (8, 4, sp.Rational(3, 2)),
        (sp.Rational(1, 27), 9, -sp.Rational(3, 2)),
        (1, 7, 0),
        (36, 6, 2),
        (sp.Rational(4, 6), 6, sp.log(sp.Rational(2, 3)) / sp.log(6)),
        (sp.sqrt(17) + 4, 2, sp.log(sp.sqrt(17) + 4) / sp.log(2)),
        (2**70, 2**7, 10),
        (3**40, 3, 40),
    ],
)
def test_logarithms(number, base, expected):
    logarithm = log_in_base(sp.sympify(number), base)
    assert abs(sp.N(logarithm - expected, 40)) < sp.Float("1e-38")  # 40 digits less two of rounding
    if sp.sympify(expected).is_Rational:
        assert logarithm == expected


@pytest.mark.parametrize("base", [2, 3, 10])
def test_logarithms_are_canonical(base):
    """The same factor of the base in the number only shifts by an integer."""
    plain = log_in_base(sp.Rational(5, 7), base)
    for power in (-3, 1, 12):
        assert log_in_base(sp.Rational(5, 7) * sp.Integer(base) ** power, base) == plain + power


CUBIC = (-2, 0, 0, 1)


def test_real_root_evaluates_at_any_precision():
    root = RealRoot(CUBIC)
    with mpmath.workdps(220):
        expected = mpmath.cbrt(2)
    for digits in (5, 15, 50, 200):
        with mpmath.workdps(220):
            value = mpmath.mpf(str(sp.N(root, digits)))
            assert abs(value - expected) < mpmath.mpf(10) ** (1 - digits)
    assert float(root) == 2 ** (1 / 3)
    assert complex(root) == 2 ** (1 / 3)


def test_real_root_takes_part_in_arithmetic():
    root, other = RealRoot(CUBIC), RealRoot((-3, 0, 0, 1))
    assert root == RealRoot(list(CUBIC))
    assert root != other
    assert root != 1.26
    assert {root: 1}[RealRoot(CUBIC)] == 1
    assert root - RealRoot(CUBIC) == 0
    assert root / RealRoot(CUBIC) == 1
    assert root + other == other + root
    # evalf keeps 15 digits
    assert float(root * other) == pytest.approx(6 ** (1 / 3), rel=1e-14)
    assert root < other
    assert root > 1
    assert sp.Max(root, other) == other
    assert root.is_positive
    assert root.is_real
    assert root.is_irrational
    assert root.diff(x) == 0
    assert sp.log(root).is_real
    assert not root.free_symbols
    assert float(sp.log(root) / sp.log(2)) == pytest.approx(1 / 3, rel=1e-14)


def test_real_root_rounds_like_any_number():
    root = RealRoot(CUBIC)
    assert sp.floor(root) == 1
    assert sp.ceiling(root) == 2
    assert int(root) == 1


def test_real_root_survives_copies_and_prints():
    root = RealRoot(CUBIC)
    for clone in (pickle.loads(pickle.dumps(root)), copy.copy(root), copy.deepcopy(root)):
        assert clone == root
        assert hash(clone) == hash(root)
        assert float(clone) == float(root)
    nested = sp.log(root + 1)
    assert pickle.loads(pickle.dumps(nested)) == nested
    assert str(root) == "RealRoot(x**3 - 2)"
    assert "x^{3} - 2" in sp.latex(root)
    assert root.coefficients == (-2, 0, 0, 1)


def test_the_largest_real_root_is_taken():
    coefficients = [-1, 5, 2, -7, 1, 1]
    roots = np.roots(coefficients[::-1])
    largest = max(r.real for r in roots if abs(r.imag) < 1e-9)
    ball = largest_real_root(fmpz_poly(coefficients), 200)
    # numpy finds roots of a quintic with simple roots to about 1e-14
    assert float(ball.mid()) == pytest.approx(largest, rel=1e-12)
    assert float(RealRoot(tuple(coefficients))) == pytest.approx(largest, rel=1e-12)


def test_high_degree_is_evaluated_at_high_precision():
    """Wilkinson's polynomial plus one: roots of degree 20, hard for floats."""
    polynomial = fmpz_poly([1])
    for n in range(1, 21):
        polynomial *= fmpz_poly([-n, 1])
    polynomial += 1
    root = RealRoot(tuple(int(c) for c in polynomial.coeffs()))
    value = sp.N(root, 60)
    with mpmath.workdps(80):
        rest = mpmath.polyval([int(c) for c in polynomial.coeffs()][::-1], mpmath.mpf(str(value)))
        # p'(20) = 19! = 1.2e17: the residual of a root known to 60 digits is below 1e17 1e-58.
        assert abs(rest) < mpmath.mpf(10) ** -40
