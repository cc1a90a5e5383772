"""Balls hold the number, are as small as asked for, and refuse what they cannot hold."""

from __future__ import annotations

import pytest
import sympy as sp
from flint import arb, ctx

import scaledet as sd
from scaledet.algebra.enclosure import enclosure
from scaledet.algebra.sympy_numbers import RealRoot

NUMBERS = [
    sp.Rational(-7, 3),
    sp.pi,
    sp.sqrt(17) / 18 + sp.Rational(5, 18),
    sp.log(2) / sp.log(3),
    (sp.pi - 1) ** sp.Rational(1, 3),
    RealRoot((-2, 0, 0, 1)) - 1,
    sp.E**2,
    sp.cos(sp.pi / 7) - sp.sin(1),
    2 ** sp.sqrt(2),
    sp.Rational(5, 3) ** sp.Rational(-3, 2),
]


@pytest.mark.parametrize("number", NUMBERS, ids=str)
@pytest.mark.parametrize("digits", [5, 50, 300])
def test_ball_holds_the_number(number: sp.Expr, digits: int) -> None:
    ball = enclosure(number, digits)
    assert ball.rel_accuracy_bits() >= 3.32 * digits
    with ctx.workprec(int(3.4 * (digits + 40))):
        near = arb(str(number.evalf(digits + 30)))
        assert abs(near - ball) < abs(near) * arb(10) ** (1 - digits)


def test_zero() -> None:
    assert enclosure(sp.Integer(0)) == 0


def test_cancellation_costs_precision_not_digits() -> None:
    tiny = sp.sqrt(10**40 + 1) - 10**20
    assert enclosure(tiny, 40).rel_accuracy_bits() > 132


def test_refusals() -> None:
    with pytest.raises(ValueError, match="number must be a real SymPy number; got k"):
        enclosure(sd.symbols.k)
    with pytest.raises(TypeError, match="number must not hold gamma"):
        enclosure(sp.gamma(sp.pi))
    with pytest.raises(ValueError, match="digits must be an integer in"):
        enclosure(sp.pi, 0)
    with pytest.raises(ValueError, match="not zero in disguise"):
        enclosure(sp.sqrt(2) * sp.sqrt(3) - sp.sqrt(6) + sp.log(6) - sp.log(2) - sp.log(3))


def test_results_of_derivations() -> None:
    derivation = sd.derive(kernel=6, stride=2)
    ball = derivation.enclosure("alpha", 50)
    assert ball.rel_accuracy_bits() > 166
    assert abs(float(ball) - 1.98039998) < 1e-8
    with pytest.raises(ValueError, match=r"name must be one of .*'alpha'.*got 'gamma'"):
        derivation.enclosure("gamma")
    with pytest.raises(ValueError, match="number must be a real SymPy number"):
        derivation.enclosure("D_k")
