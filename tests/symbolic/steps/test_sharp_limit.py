"""The sharp limit of D_k A_k^2: its constant, and claims a little too strong or too weak."""

from __future__ import annotations

import pytest
import sympy as sp
from flint import arb

from scaledet.algebra.enclosure import enclosure
from scaledet.errors import DerivationError
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.steps import sharp_limit
from scaledet.symbolic.steps.sharp_limit import FREQUENCY, SHARP, TENTHS, sharp_steps
from scaledet.symbols import omega

STEPS = sharp_steps()
POINTS = [sp.Rational(at, 40) for at in range(2, 125)]


def test_constant_and_frequency_to_forty_digits() -> None:
    value = "2.570210205053600497987140505023270310857"
    assert enclosure(SHARP, 45).overlaps(arb(value, "1e-38"))
    assert enclosure(FREQUENCY, 45).overlaps(
        arb("1.750245617163082174388878227316974906465", "1e-38")
    )
    root = sp.sqrt(1 - 4 * FREQUENCY**4 / 45)  # the condition solved for the cotangent
    assert abs((2 * FREQUENCY**2 - 6 + 6 * root - SHARP).evalf(40)) < 1e-35
    sine_window = sp.Rational(3, 2) * sp.pi**2 - 12
    assert SHARP < sine_window < 3


def test_the_condition_holds_once_below_pi() -> None:
    left, right = sharp_limit._CONDITION
    signs = [sp.sign((right - left).subs(omega, at).evalf(60)) for at in POINTS]
    assert signs == sorted(signs)
    assert set(signs) == {-1, 1}
    first = POINTS[signs.index(1)]
    assert first - POINTS[0] < FREQUENCY < first


@pytest.mark.parametrize(
    "step", [step for step in STEPS if isinstance(step.expression, sp.Ge | sp.Le)]
)
def test_no_bound_can_be_tightened(step: Step) -> None:
    """A bound stronger or weaker by a part in a thousand is refuted, or attained by no filter."""
    claim = step.expression
    for sign in (1, -1):
        scale = 1 + sign * sp.Rational(1, 1000)
        wrong = type(claim)(claim.lhs, claim.rhs * scale, evaluate=False)
        stronger = (sign > 0) is isinstance(claim, sp.Ge)
        with pytest.raises(DerivationError, match="fails" if stronger else "attained in none"):
            step.claiming(wrong).verify()


def test_table_is_refuted_if_it_is_off_by_a_millionth() -> None:
    (step,) = [step for step in STEPS if isinstance(step.expression.lhs, sp.MatrixBase)]
    numbers = step.expression.rhs
    for row in range(len(TENTHS)):
        for factor in (1 - 1e-6, 1 + 1e-6):
            wrong = numbers.as_mutable()
            wrong[row] *= factor
            with pytest.raises(DerivationError, match="fails"):
                step.claiming(sp.Eq(step.expression.lhs, wrong, evaluate=False)).verify()
