"""Closed forms in k against exact integers."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp
from flint import fmpz_poly

from scaledet.theory.growth.closed_form import closed_form
from tests.theory.growth.test_amplitudes import FILTERS, LOG_JORDAN, K, both, sequences

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
            value = expression.subs(K, k)
            if expression.has(sp.cos) and not value.is_Rational:
                same = abs(sp.N(value - exact, 30, maxn=400)) < sp.Float("1e-60")
            else:
                same = sp.expand(value) == exact
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
