"""Long kernels of floats: exact exponents and limits in a second; quotients left undivided."""

from __future__ import annotations

import math
import time
from fractions import Fraction

import pytest
import sympy as sp
from flint import fmpq_poly, fmpz_poly

import scaledet as sd
from scaledet.algebra import sympy_numbers
from scaledet.algebra.sympy_numbers import exact_quotient


def _decimals(values):
    return [Fraction(repr(value)) for value in values]


def _gauss(length, skew=0.0):
    return [math.exp(-(((j - length / 2 + skew) / (length / 6)) ** 2) / 2) for j in range(length)]


@pytest.mark.parametrize("length", [41, 101])
@pytest.mark.parametrize("skew", [0.0, 7.3])
def test_long_float_kernels_take_a_second(length, skew):
    """41 taps took 7 s, 101 many minutes; the limit of D_k is held to exact rationals."""
    pool = sd.Kernel(_decimals(_gauss(length, skew)))
    started = time.process_time()
    exponents = sd.predict_exponents(kernel=pool, stride=2)
    text, limit = repr(exponents), float(exponents.plateau)
    assert time.process_time() - started < 2
    assert exponents.alpha == 0
    assert f"{limit:.6g}" in text
    assert ("integers of" in str(exponents.plateau)) == (length > 100)
    exact = sd.predict(sd.Network.uniform(pool, 2, depth=100)).exact_D[100]
    assert limit == pytest.approx(float(exact), rel=1e-12, abs=0)
    assert limit != pytest.approx(float(exact) * (1 + 1e-9), rel=1e-12, abs=0)  # negative control


def test_quotients_are_the_same_number_divided_or_not(monkeypatch):
    factor = fmpz_poly([-2, 0, 0, 1])
    top, bottom = fmpq_poly([1, 2]), fmpq_poly([3, 0, 1], 2)
    divided = exact_quotient(top, bottom, factor)
    monkeypatch.setattr(sympy_numbers, "_LONGEST_DIVISION", 0)
    undivided = exact_quotient(top, bottom, factor)
    assert isinstance(undivided, sp.Mul)
    assert abs(sp.N(divided - undivided, 50)) < sp.Float("1e-48")
    assert exact_quotient(3 * bottom, bottom + 5 * fmpq_poly(factor), factor) == 3
    assert exact_quotient(fmpq_poly(factor), bottom, factor) == 0
