"""The sharp limit of D_k A_k^2: its constant, and claims a little too strong or too weak."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from flint import arb
from numpy.typing import NDArray

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


def test_what_lies_beyond_one_only_adds_to_the_form() -> None:
    """The inequalities J(h) >= J(g) >= 0 of the last step, for falling functions on a grid."""
    w = float(FREQUENCY)
    v = float(SHARP) / (6 * w * w)
    x = np.linspace(0, 3, 3001)

    def form(end: int, heights: NDArray[np.float64]) -> float:
        at, h = x[:end], heights[:end]
        mass, second, square = (2 * np.trapezoid(of, at) for of in (h, at * at * h, h * h))
        slope = 2 * np.sum(np.diff(h) ** 2 / np.diff(at))
        return float(slope - w * w * (square - mass * (second - v * mass) / (1 / 3 - v)))

    rng = np.random.default_rng(0)
    window = np.cos(w * x) - np.cos(w) - w * np.sin(w) / 2 * (1 - x * x)
    window[1000:] = 0
    assert form(3001, window) == pytest.approx(0, abs=1e-5)
    for trial in range(300):
        scale = 10 ** rng.uniform(-2, 2)
        knots = np.sort(rng.random(rng.integers(2, 9)))[::-1] * scale
        places = np.sort(rng.random(len(knots))) * rng.choice([0.8, 1.2, 3])
        heights = np.interp(x, [0, *places, 3], [knots[0], *knots, 0]) + (trial % 3) * window
        assert form(3001, heights) >= form(1001, heights) - 1e-9 * scale**2
        assert form(1001, heights) >= -1e-4 * (1 + scale**2)
