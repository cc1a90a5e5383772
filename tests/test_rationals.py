"""What floats stand for: typed decimals and divided integers come back, near misses are named."""

from __future__ import annotations

import decimal
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scaledet as sd
from scaledet import rationals, validate
from scaledet.rationals import misses, reading, text


@given(st.integers(-(10**12) + 1, 10**12 - 1), st.integers(-200, 200))
def test_a_typed_decimal_is_that_decimal(digits, exponent):
    typed = f"{digits}e{exponent}"
    assert reading(float(typed)) == Fraction(typed)
    assert reading(np.float64(typed)) == Fraction(typed)


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6))
def test_a_quotient_of_integers_is_that_fraction(p, q):
    assert reading(p / q) == Fraction(p, q)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_reading_rounds_to_the_float(number):
    assert float(reading(number)) == number
    assert math.isfinite(len(text(reading(number))))


@pytest.mark.parametrize(
    ("number", "meant"),
    [
        (np.float32(0.1), Fraction(1, 10)),
        (np.float16(0.1), Fraction(1, 10)),
        (np.longdouble(1) / 3, Fraction(1, 3)),
        (np.float32(1) / 3, Fraction(1, 3)),
        (2.0**-60, Fraction(1, 2**60)),
        (3 * 2.0**60, Fraction(3 * 2**60)),
        (1e23, Fraction(10**23)),
        (-0.0, Fraction(0)),
    ],
)
def test_other_precisions_and_powers_of_two(number, meant):
    assert reading(number) == meant


@pytest.mark.parametrize(
    ("number", "near"),
    [
        (0.1 + 0.2, Fraction(3, 10)),
        (3 * 0.7, Fraction(21, 10)),
        ((1 / 3) * (1 / 4) * 1.0000000000000004, Fraction(1, 12)),
        (sum([0.1] * 10), Fraction(1)),
        (math.nextafter(3.0, 4.0), Fraction(3)),
        (np.hanning(7)[1] / 3, Fraction(1, 12)),
    ],
)
def test_rounding_errors_are_removed_and_seen(number, near):
    assert reading(number) == near
    assert misses(number, near)


@pytest.mark.parametrize(
    "number", [0.3, 1 / 3, math.exp(-0.5), 5e-324, 0.0, 1 + 1e-14, np.float16(0.1)]
)
def test_other_numbers_do_not_move(number):
    assert not misses(number, reading(number))


def test_where_a_decision_hangs_on_a_number_its_reading_is_said():
    for name, make in {
        "bias": lambda value: sd.Layer(2, 2, bias=value).bias,
        "gap": lambda value: sd.ScaleDetection(gap=value).gap,
    }.items():
        with pytest.warns(UserWarning, match=f"{name} = 0.30000000000000004 is read as 0.3, up"):
            assert make(0.1 + 0.2) == Fraction(3, 10)
        assert make(0.3) == Fraction(3, 10)
        assert make(Fraction("0.30000000000000004")) > Fraction(3, 10)
    phases = sd.bias_phases("proportional", depth=5)
    with pytest.warns(UserWarning, match="theta = 0.19999999999999996 is read as 0.2, up"):
        assert phases.phase(1 - 0.8, 1.0) == "signal dead"
    assert phases.biases(0.1 + 0.2)[0] == Fraction(-3, 20)


def test_the_signal_dies_where_biases_given_as_floats_add_up():
    biases = [-1 / 6, -1 / 12, -1 / 24]
    net = sd.Network([sd.Layer(2, 2, bias) for bias in biases])
    assert sd.evolve(net, size=64).dead_at == 3
    assert "bias=-1/6" in repr(net)


def test_readings_do_not_depend_on_the_decimal_context():
    with decimal.localcontext(prec=3):
        assert reading(0.123456789) == Fraction(123456789, 10**9)
        assert validate.rational("x", decimal.Decimal("0.12345")) == Fraction(12345, 10**5)
        assert text(Fraction(123456, 10**6)) == "0.123456"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (7, "7"),
        (10**9, "1000000000"),
        (10**15, "1e+15"),
        (Fraction(1, 20), "0.05"),
        (Fraction(-2, 3), "-2/3"),
        (Fraction(10**400 + 1, 3), "3.33333e+399"),
        (Fraction(-(10**400)), "-1e+400"),
        (Fraction(1, 10**5000), "1e-5000"),
        (Fraction(10**9 + 7, 10**9 + 9), "1"),
        (Fraction(123456789123456789, 10**18), "0.123457"),
        (Fraction(123456789123456789, 10**22), "1.23457e-5"),
        (10**30, "1e+30"),
    ],
)
def test_texts(value, shown):
    assert text(value) == shown


def test_all_digits_of_long_numbers_are_written_and_read():
    for value in (Fraction(-1, 3), Fraction(1, 3**20_000), 7, -(10**5000) - 1):
        assert rationals.parsed(rationals.full_text(value)) == value
    assert rationals.full_text(10**5000) == "1" + "0" * 5000
    assert rationals.parsed("0." + "3" * 5000) == Fraction(10**5000 // 3, 10**5000)
    for bad in ("", "x", "1/x", "nan", "1/2/3", "9" * 5000 + "x"):
        with pytest.raises(ValueError, match=r"Invalid literal for Fraction|integer string conver"):
            rationals.parsed(bad)
    with pytest.raises(ZeroDivisionError):
        rationals.parsed("1" * 5000 + "/0")


TINY = Fraction(1, 3**20_000)
LONG = {
    "kernel": lambda: sd.Kernel([1, TINY]),
    "network": lambda: sd.Network([sd.Layer([1, TINY, 1], bias=TINY), sd.Layer(2, 2)]),
    "exponents": lambda: sd.predict_exponents(kernel=[1, TINY], stride=2),
    "prediction": lambda: sd.predict(sd.Network.uniform([1, TINY], 1, 2), size=16),
    "evolution": lambda: sd.evolve(sd.Network.uniform(2, 2, 2, bias=-TINY), size=16),
    "simulation": lambda: sd.simulate(
        sd.Network.uniform([1, TINY], 1, 2), size=16, samples=8, rng=0
    ),
    "task": lambda: sd.ScaleDetection(size=32, xi=14 - TINY),
}


@pytest.mark.parametrize("make", LONG.values(), ids=LONG)
def test_numbers_too_long_for_python_to_write_are_shown_and_saved(make, tmp_path):
    """Texts are short; files, and descriptions in plain data, hold every digit."""
    value = make()
    for name in ("__repr__", "_repr_html_", "_repr_latex_"):
        if hasattr(value, name):
            assert 0 < len(getattr(value, name)()) < 3000
    if hasattr(value, "to_dict"):
        assert type(value).from_dict(value.to_dict()) == value
    if hasattr(value, "save"):
        again = sd.load(value.save(tmp_path / "saved.npz"))
        assert repr(again) == repr(value)
        for name in ("scenario", "kernel", "alpha", "exact_D", "exact_Q"):
            assert getattr(again, name, None) == getattr(value, name, None)
