"""Kernels: exact weights, derived quantities, refusals."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import scaledet as sd
from scaledet.network.kernel import as_kernel


def test_weights_are_exact_and_sum_to_one():
    assert sd.Kernel([1, 2, 1]).weights == (Fraction(1, 4), Fraction(1, 2), Fraction(1, 4))
    assert sd.Kernel([Fraction(1, 3), Fraction(1, 6)]).weights == (Fraction(2, 3), Fraction(1, 3))
    assert sd.Kernel([0.1, 0.3]).weights == (Fraction(1, 4), Fraction(3, 4))
    tenth = Fraction(0.1)  # its binary value
    assert sd.Kernel([tenth, 1]).weights[0] == tenth / (tenth + 1) != Fraction(1, 11)
    assert sum(sd.Kernel([0.1, 0.7, 1e-9, 3]).weights) == 1


def test_a_tuple_of_integers_is_neither_sizes_nor_weights_in_one_dimension():
    def in_a_network(value):
        return sd.Network([sd.Layer(value)])

    for make in (as_kernel, in_a_network, lambda value: sd.predict_exponents(kernel=value)):
        for pair in ((3, 3), (np.int64(3), 3)):
            with pytest.raises(
                ValueError, match=r"give 3 for a box .* or \[.*3.*, 3\] for 2 equal"
            ):
                make(pair)
        with pytest.raises(ValueError, match=r"one integer for a box .* or \[1, 2, 1\] for 3 wei"):
            make((1, 2, 1))
    assert as_kernel([3, 3]) == sd.Kernel((3, 3)) == sd.box(2)


def test_weights_given_as_floats_read_well():
    assert repr(sd.Kernel([0.1, 0.2, 0.7])) == "Kernel(1/10, 1/5, 7/10)"
    assert sd.Kernel([1 / 3, 1 / 6, 1 / 2]).integers == (2, 1, 3)
    taps = sd.Kernel([math.exp(-((j - 2) ** 2) / 2) for j in range(5)])
    assert repr(taps) == "Kernel(0.0544887, 0.244201, 0.40262, 0.244201, 0.0544887)"
    assert sd.Kernel(np.hanning(7)[1:-1]).integers == (1, 3, 4, 3, 1)


@pytest.mark.parametrize(
    "weights",
    [
        (1.0, 2, 1),
        np.array([1, 2, 1]),
        np.array([0.25, 0.5, 0.25], dtype=np.float32),
        [sp.Rational(1, 4), sp.Rational(1, 2), sp.Rational(1, 4)],
        [np.int64(1), Fraction(2), 1.0],
    ],
)
@pytest.mark.parametrize("make", [sd.Kernel, as_kernel, lambda weights: sd.Layer(weights).kernel])
def test_all_real_types_give_the_same_kernel(make, weights):
    kernel = make(weights)
    assert kernel == sd.Kernel([1, 2, 1])
    assert hash(kernel) == hash(sd.Kernel([1, 2, 1]))
    assert pickle.loads(pickle.dumps(kernel)) == kernel


def test_weights_may_come_from_a_generator():
    assert sd.Kernel(w for w in (2, 4, 2)) == sd.Kernel([1, 2, 1])


def test_box_and_binomial():
    assert sd.box(3).weights == (Fraction(1, 3),) * 3
    assert sd.binomial(5).weights == tuple(Fraction(c, 16) for c in (1, 4, 6, 4, 1))
    assert sd.box(1) == sd.binomial(1) == sd.Kernel([7])
    assert sd.box(4).is_box
    assert not sd.binomial(3).is_box
    assert not sd.Kernel([0, 1, 1]).is_box
    assert as_kernel(3) == as_kernel(np.int64(3)) == sd.box(3)


def test_derived_quantities():
    kernel = sd.Kernel([0, 2, 0, 4, 0, 0])
    assert kernel.integers == (0, 1, 0, 2, 0, 0)
    assert kernel.trimmed == (1, 0, 2)
    assert (len(kernel), kernel.support, kernel.span) == (6, 3, 2)
    assert kernel.variance == Fraction(2, 9) * 4
    assert sd.box(5).variance == Fraction(25 - 1, 12)
    assert sd.Kernel([0, 3]).span == 0
    assert sd.Kernel([1, 0, 0, 1, 0, 0, 0, 0, 1]).span == 1
    assert sd.Kernel([1, 2, 3, 4]).coset_sums(3) == tuple(Fraction(n, 10) for n in (5, 2, 3))


def test_signed_kernels_are_kept_as_given():
    kernel = sd.Kernel([1, -2, 0.5], signed=True)
    assert kernel.weights == (1, -2, Fraction(1, 2))
    assert kernel.integers == (2, -4, 1)
    assert not kernel.is_box
    assert kernel != sd.Kernel([1, 2, 0.5])
    assert repr(kernel) == "Kernel(1, -2, 1/2, signed=True)"
    assert sd.Kernel([0, 0], signed=True).weights == (0, 0)


def test_repr_is_short():
    assert repr(sd.Kernel([1, 2, 1])) == "Kernel(1/4, 1/2, 1/4)"
    assert repr(sd.box(100)) == "box(100)"
    assert len(repr(sd.binomial(40))) < 250
    assert "tfrac{1}{4}" in sd.Kernel([1, 2, 1])._repr_latex_()


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([], ValueError, r"kernel must have at least one weight .*; got \[\]"),
        ((), ValueError, r"kernel must have at least one weight"),
        ([1, -1, 3], ValueError, r"kernel\[1\] must be >= 0; got -1 .*signed=True"),
        ([-0.5, 1], ValueError, r"kernel\[0\] must be >= 0; got -0.5"),
        ([0, 0], ValueError, r"kernel must have a positive sum; got \[0, 0\]"),
        ([0.0], ValueError, r"kernel must have a positive sum"),
        ([1, float("nan")], ValueError, r"kernel\[1\] must be a finite real number >= 0; got nan"),
        ([float("inf"), 1], ValueError, r"kernel\[0\] must be .*finite.*; got inf"),
        ([1, float("-inf")], ValueError, r"kernel\[1\] must be .*finite.*; got -inf"),
        ("121", TypeError, r"(kernel|weights) must be .*sequence of .*; got '121'"),
        (b"121", TypeError, r"(kernel|weights) must be .*; got b'121'"),
        (["1", "2"], TypeError, r"kernel\[0\] must be .*; got '1'"),
        (None, TypeError, r"must be (an integer length or )?a sequence of .*; got None"),
        (True, TypeError, r"(kernel|weights) must be .*; got True"),
        ([True, 1], TypeError, r"kernel\[0\] must be .*; got True"),
        ([1, None], TypeError, r"kernel\[1\] must be .*; got None"),
        ([1, 2j], TypeError, r"kernel\[1\] must be .*; got 2j"),
        (2.0, TypeError, r"must be (an integer length or )?a sequence of .*; got 2.0"),
    ],
)
def test_bad_weights_are_refused(weights, error, message):
    for make in (sd.Kernel, sd.Layer, as_kernel):
        with pytest.raises(error, match=message):
            make(weights)


@pytest.mark.parametrize("weights", [[[1, 2], [3, 4]], np.ones((2, 2))])
@pytest.mark.parametrize("make", [sd.Kernel, as_kernel])
def test_weights_on_a_grid_are_no_kernel_of_one_axis(make, weights):
    with pytest.raises(TypeError, match=r"kernel\[0\] must be .*; got (\[1, 2\]|array)"):
        make(weights)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sd.box(0), ValueError, r"length must be an integer in \[1, 65536\]; got 0"),
        (lambda: sd.box(2.0), TypeError, r"length must be an integer in \[1, 65536\]; got 2.0"),
        (lambda: sd.box(True), TypeError, "length must be .*; got True"),
        (lambda: sd.box(10**9), ValueError, "length must be an integer .*; got 1000000000"),
        (lambda: sd.binomial(-3), ValueError, "length must be .*; got -3"),
        (lambda: sd.binomial("3"), TypeError, "length must be .*; got '3'"),
        (lambda: as_kernel(0), ValueError, r"kernel must be an integer in \[1, 65536\]; got 0"),
        (lambda: sd.Kernel([1], signed=1), TypeError, "signed must be True or False; got 1"),
        (lambda: sd.box(3).coset_sums(0), ValueError, "stride must be an integer >= 1; got 0"),
        (lambda: sd.Kernel([1, "a"], signed=True), TypeError, r"kernel\[1\] must be .*; got 'a'"),
        (lambda: sd.Kernel(np.array(3)), TypeError, "weights must be"),
        (lambda: sd.Kernel(3), TypeError, "weights must be a sequence of finite .*; got 3"),
        (lambda: as_kernel(2.0), TypeError, "kernel must be an integer length or a seq.*; got 2.0"),
    ],
)
def test_other_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
