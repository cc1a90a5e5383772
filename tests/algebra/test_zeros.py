"""Zeros of functions as SymPy numbers, certified by interval arithmetic."""

from __future__ import annotations

import copy
import pickle

import mpmath
import pytest
import sympy as sp
from flint import arb, ctx

from scaledet.algebra.enclosure import enclosure
from scaledet.algebra.zeros import Zero

x = sp.Symbol("x")
ROOT = Zero("q", x**2 - 2, sp.Integer(1), sp.Integer(2))


def test_digits_to_any_precision() -> None:
    cosine = Zero("d", sp.cos(x) - x, sp.Rational(1, 2), sp.Integer(1))
    with mpmath.workdps(310):
        expected = mpmath.findroot(lambda t: mpmath.cos(t) - t, 0.7)
        ball = enclosure(cosine, 300)
        assert ball.rel_accuracy_bits() > 990
        with ctx.workprec(1100):
            assert abs(ball - arb(mpmath.nstr(expected, 305))) < arb("1e-300")
    assert enclosure(ROOT**2 - 1, 40).contains(1)


def test_it_is_a_number_of_sympy() -> None:
    assert sp.Rational(7, 5) < ROOT
    assert ROOT.is_real
    assert ROOT.is_irrational is None
    assert not (3 * ROOT).free_symbols
    assert sp.latex(1 / Zero("omega", x - sp.sin(1), *map(sp.Rational, ("1/2", 1)))) == (
        "\\frac{1}{\\omega}"
    )
    assert (2 * ROOT).evalf(30) == (2 * sp.sqrt(2)).evalf(30)


def test_equality_hash_and_pickle() -> None:
    again = Zero("q", x**2 - 2, sp.Integer(1), sp.Integer(2))
    assert again == ROOT == pickle.loads(pickle.dumps(ROOT)) == copy.copy(ROOT)
    assert hash(again) == hash(ROOT)
    assert Zero("r", x**2 - 2, sp.Integer(1), sp.Integer(2)) != ROOT


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [(x**2 - 2, 2, 3), (x**2 - 2, -2, 2), (x**2, -1, 1), (x**3 - x, -2, 2), (x**2 - 1, 1, 2)],
)
def test_what_is_not_certified_is_refused(function, low, high) -> None:
    with pytest.raises(ValueError, match="function must have signs that differ at"):
        Zero("q", function, sp.Integer(low), sp.Integer(high))
