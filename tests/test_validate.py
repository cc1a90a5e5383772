"""Validation at the boundary: accepted types, messages, unknown keywords."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import scaledet as sd
from scaledet import validate


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), sp.Integer(3)])
def test_integers_of_all_kinds(value):
    number = validate.integer("n", value, 1, 5)
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (3.0, TypeError),
        ("3", TypeError),
        (None, TypeError),
        (True, TypeError),
        (np.True_, TypeError),
        (Fraction(3), TypeError),
        ([3], TypeError),
        (0, ValueError),
        (6, ValueError),
        (-1, ValueError),
    ],
)
def test_bad_integers(value, error):
    with pytest.raises(error, match=r"n must be an integer in \[1, 5\]; got "):
        validate.integer("n", value, 1, 5)
    if error is TypeError or value < 1:
        with pytest.raises(error, match="n must be an integer >= 1; got "):
            validate.integer("n", value, 1)


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (1, Fraction(1)),
        (0.1, Fraction(1, 10)),
        (np.array(0.1), Fraction(1, 10)),
        (Decimal("0.1"), Fraction(1, 10)),
        (sp.Float(0.1), Fraction(1, 10)),
        (np.float32(0.5), Fraction(1, 2)),
        (np.int8(-3), Fraction(-3)),
        (Fraction(2, 6), Fraction(1, 3)),
        (sp.Rational(2, 6), Fraction(1, 3)),
        (sp.Integer(4), Fraction(4)),
    ],
)
def test_rationals_are_exact(value, exact):
    assert validate.rational("x", value) == exact


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("1", TypeError),
        (None, TypeError),
        (True, TypeError),
        (np.True_, TypeError),
        (1j, TypeError),
        (sp.Symbol("x"), TypeError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        (np.float64("-inf"), ValueError),
        (Decimal("sNaN"), ValueError),
        (Decimal("1e99999"), ValueError),
        (np.array([1.0]), TypeError),
    ],
)
def test_bad_rationals_and_reals(value, error):
    for check in (validate.rational, validate.real):
        with pytest.raises(error, match="x must be a finite real number; got "):
            check("x", value)


def test_real_ranges():
    assert validate.real("x", Fraction(1, 4)) == 0.25
    assert validate.real("x", np.float32(2), positive=True) == 2.0
    assert validate.real("x", 0, minimum=0) == 0.0
    for huge in (10**400, Fraction(-(10**400))):
        with pytest.raises(ValueError, match=r"x must be a finite real number; got .*10"):
            validate.real("x", huge)
    with pytest.raises(ValueError, match="x must be a finite real number > 0; got 0"):
        validate.real("x", 0, positive=True)
    with pytest.raises(ValueError, match=r"x must be a finite real number >= 0\.5; got 0\.25"):
        validate.real("x", 0.25, minimum=0.5)


def test_proportions():
    assert validate.proportion("x", Fraction(1, 4)) == 0.25
    assert validate.proportion("x", np.float64(0.999)) == 0.999
    for bad in (0, 1, 1.5, -1e-9, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="x must be a real number between 0 and 1, neither"):
            validate.proportion("x", bad)
    for bad in ("0.5", None, False, 0.5j):
        with pytest.raises(TypeError, match="x must be a real number between 0 and 1, neither"):
            validate.proportion("x", bad)


def test_choices_are_compared_with_their_type():
    assert validate.choice("c", "a", ("a", None)) == "a"
    assert validate.choice("c", None, ("a", None)) is None
    for bad in ("b", 1, True, "A", ["a"]):
        with pytest.raises(ValueError, match=r"c must be one of 'a', None, 1\.0; got "):
            validate.choice("c", bad, ("a", None, 1.0))


def test_strings_flags_and_seeds_of_numpy_are_those_of_python():
    for text in (np.str_("a"), np.array("a")):
        assert type(validate.choice("c", text, ("a", None))) is str
    for flag in (np.True_, np.array(True)):
        assert validate.flag("f", flag) is True
    for seed in (np.int64(3), np.array(3)):
        assert validate.generator(seed).random() == np.random.default_rng(3).random()
    with pytest.raises(ValueError, match="c must be one of 1; got"):
        validate.choice("c", np.True_, (1,))
    for bad in (np.array([True]), np.array(1)):
        with pytest.raises(TypeError, match="f must be True or False; got "):
            validate.flag("f", bad)


def test_messages_about_integers_that_python_does_not_write():
    net, long = sd.Network.uniform(2, 2, depth=2), 10**5000
    for call in (
        lambda: validate.integer("n", long, 1, 5),
        lambda: validate.real("x", long),
        lambda: validate.rational("x", [long]),
        lambda: sd.Kernel([-long]),
        lambda: sd.simulate(net, size=long),
        lambda: sd.bias_phases(depth=2).biases(-long),
        lambda: sd.sweep([net], [long]),
        lambda: sd.ScaleDetection(size=32, gap=-long),
    ):
        with pytest.raises(ValueError, match="an integer of more than 4300 digits"):
            call()
    with pytest.raises(ValueError, match=r"rng must be an integer below 2\*\*4096, to be"):
        validate.generator(long)
    assert validate.generator(2**4096 - 1).random() > 0


def test_options_may_be_strings_of_numpy():
    """They are kept as strings of Python, which a repr shows and JSON writes."""
    text, net = np.str_, sd.Network.uniform(2, 2, depth=2)
    given = {"rectify": text("layers"), "size": 16}
    results = [sd.predict(net, **given, method=text("closure")), sd.evolve(net, **given)]
    results.append(sd.evolve(net, size=16, noise=text("laplace")))
    results.append(sd.simulate(net, **given, samples=8, rng=0, engine=text("numpy")))
    results.append(sd.bias_phases(text("early"), depth=2, rectify=text("layers")))
    results.append(sd.predict_exponents(kernel=2, stride=2, rectify=text("layers")))
    results.append(sd.ScaleDetection(size=32, variant=text("T1"), norm=text("L2")))
    for result in results:
        assert "np.str_" not in repr(result)
    assert sd.derive(kernel=text("box"), stride=text("kernel"), rectify=text("layers")).title
    assert sd.plots.plot_sensitivity(results[0], text("G")).get_ylabel()


def test_vectors():
    assert validate.vector("v", [1, 2]).tolist() == [1.0, 2.0]
    assert validate.vector("v", (0, 1), zero=True, length=2).tolist() == [0.0, 1.0]
    for bad, got in (
        ([1, 0], r"v\[1\] = 0"),
        ([[1]], r"shape \(1, 1\)"),
        ([np.nan], r"v\[0\] = nan"),
    ):
        with pytest.raises(ValueError, match=f"v must be a one-dim.* numbers > 0; got {got}"):
            validate.vector("v", bad)
    with pytest.raises(ValueError, match=r"v must be 2 finite numbers > 0; got shape \(1,\)"):
        validate.vector("v", [1], length=2)
    for bad in ("x", [10**400], [[1], [1, 2]]):
        with pytest.raises(TypeError, match="v must be a one-dimensional array"):
            validate.vector("v", bad)


def test_flags():
    assert validate.flag("f", True) is True
    assert validate.flag("f", np.False_) is False
    for bad in (0, 1, "True", None):
        with pytest.raises(TypeError, match="f must be True or False; got "):
            validate.flag("f", bad)


NET = sd.Network.uniform(2, 2, depth=2)


def test_options_of_predict_are_keywords_only():
    with pytest.raises(TypeError, match="positional"):
        sd.predict(NET, 16)
    with pytest.raises(TypeError, match="positional"):
        sd.predict_exponents(NET, 2)
