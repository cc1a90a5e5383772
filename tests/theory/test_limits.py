"""The least D at given width: no network beats it, and explicit filters attain it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import scaledet as sd
from scaledet.algebra.enclosure import enclosure
from scaledet.reference.stable_filters import stable_filter
from scaledet.symbolic.steps.sharp_limit import SHARP as CONSTANT
from scaledet.theory import limits
from scaledet.theory.limits import SHARP, WIDEST

WIDTHS = [Fraction(tenths, 10) for tenths in (11, 13, 16, 19, 21, 23, 25, 27, 30, 35, 40, 60, 80)]

layers = st.lists(
    st.tuples(st.lists(st.integers(0, 6), min_size=1, max_size=6).filter(any), st.integers(1, 3)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=80, deadline=None)
@given(layers, st.integers(1, 2))
def test_no_network_beats_the_limit(stack, dim):
    net = sd.Network([sd.Layer(weights, stride) for weights, stride in stack], dim=dim)
    prediction = sd.predict(net, size=None)
    for width, drop in zip(prediction.A, prediction.D, strict=True):
        assert drop >= sd.stability_limit(width) * (1 - 1e-11)  # A itself is rounded


@pytest.mark.parametrize("width", WIDTHS)
def test_no_filter_leaves_room_for_a_better_bound(width):
    prediction = sd.predict(sd.Network([sd.Layer(list(stable_filter(width)))]), size=None)
    assert prediction.A[1] <= width
    limit = sd.stability_limit(width)
    assert limit <= prediction.D[1] < limit * (1 + 1e-7)


@pytest.mark.parametrize("width", [20, 60])
def test_beyond_the_certificates_the_bound_is_nearly_sharp(width):
    half = round(width * 0.772)
    bump = [round(10**9 * _window(at / half)) for at in range(1 - half, half)]
    prediction = sd.predict(sd.Network([sd.Layer(bump)]), size=None)
    limit = sd.stability_limit(prediction.A[1])
    assert limit < prediction.D[1] < limit * (1 + 2 / width**2)


def _window(x):
    w = 1.750245617163082
    return math.cos(w * x) - math.cos(w) - w * math.sin(w) / 2 * (1 - x * x)


@given(st.fractions(0, Fraction(1, 2)))
def test_two_weights_attain_the_limit_up_to_width_two(share):
    width_square = 1 + 12 * share * (1 - share)
    prediction = sd.predict(sd.Network([sd.Layer([1 - share, share])]), size=None)
    closed = (15 - 3 * width_square) / (14 - 2 * width_square)
    assert prediction.exact_D[1] == closed
    assert sd.stability_limit(math.sqrt(width_square)) == pytest.approx(float(closed), rel=1e-14)


def test_the_optimum_is_not_monotone_in_units_of_the_square():
    """Numbers that a search without this theory gave, to the digits it gave."""
    expected = {1.3: 1.58, 1.9: 2.22, 2: 2.0, 2.3: 2.33, 3: 2.43, 4: 2.47}
    for width, product in expected.items():
        assert round(sd.stability_limit(width) * width**2, 2) == product


def test_limit_falls_with_the_width_and_ends_at_the_sharp_constant():
    widths = [1, 1.5, 1.999, 2, 2.001, 2.4, 3, 5, 9, 15.9, 16, 16.001, 30, 1e3, 1e6]
    bounds = [sd.stability_limit(width) for width in widths]
    assert bounds[0] == 1
    assert (np.diff(bounds) < 0).all()
    assert bounds[-1] * 1e12 == pytest.approx(2.5702102050536, rel=1e-11)
    assert sd.stability_limit(WIDEST) < sd.stability_limit(WIDEST + 1e-9) * 1.006


def test_constant_is_rounded_down():
    excess = enclosure(CONSTANT - sp.Rational(SHARP.numerator, SHARP.denominator), 10)
    assert excess > 0
    assert excess < 1e-15


def test_without_a_certificate_the_closed_bound_stands(monkeypatch):
    certified = sd.stability_limit(3.0625)
    monkeypatch.setattr(limits, "certify", lambda *_: False)
    limits._certified.cache_clear()
    closed = sd.stability_limit(3.0625)
    limits._certified.cache_clear()
    assert closed == pytest.approx(2.5702102050536 / (3.0625**2 + 1 + 2.5702102050536 / 3))
    assert closed < certified


@pytest.mark.parametrize("width", [0.999, -3, math.nan, math.inf])
def test_widths_below_one_pixel_are_refused(width):
    with pytest.raises(ValueError, match=r"A must be a finite real number >= 1; got"):
        sd.stability_limit(width)


def test_widths_that_are_no_numbers_are_refused():
    with pytest.raises(TypeError, match=r"A must be a finite real number >= 1; got '3'"):
        sd.stability_limit("3")
