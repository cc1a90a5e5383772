"""The series in 1/k: coefficients of the theory, naive expansion, exact remainders, controls.

The exact reference is the definition alone: the composite filter is a power of a polynomial with
integer coefficients, and c_k(0), c_k(1) are sums of products of those coefficients.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from functools import cache

import mpmath
import pytest
import sympy as sp
from flint import fmpz_poly

from scaledet import Kernel, symbols
from scaledet.symbolic.steps.series import (
    box_cumulants,
    kernel_cumulants,
    noise_series,
    peak_series,
    sensitivity_series,
)

f, d, kappa = symbols.f, symbols.d, symbols.kappa
R = sp.Rational

KERNELS = [(1, 1), (1, 1, 1), (1,) * 5, (1, 2, 1), (1, 2, 4), (2, 1, 1, 3)]
# Two decades. From k = 30 on even (4/7)^(2k), what [2, 1, 1, 3] adds far from theta = 0, is
# below 1 % of k^-6 times a coefficient of 1e-3.
DEPTHS = (30, 65, 139, 300, 646, 1392, 3000)
DIGITS = 80  # the smallest remainder, k^-9 at k = 500 and k^-6 at k = 3000, is above 1e-30


@cache
def exact(weights, depth):
    """c_k(0) and c_k(1), exactly, k = depth."""
    composite = [int(c) for c in (fmpz_poly(list(weights)) ** depth).coeffs()]
    scale = sum(weights) ** (2 * depth)
    return (
        Fraction(sum(h * h for h in composite), scale),
        Fraction(sum(h * g for h, g in itertools.pairwise(composite)), scale),
    )


def number(value):
    """Exact number as an mpmath float of the current precision."""
    if isinstance(value, Fraction):
        return mpmath.mpf(value.numerator) / value.denominator
    return mpmath.mpf(int(value.p)) / int(value.q)


def sensitivity(weights, depth):
    peak, neighbour = exact(weights, depth)
    return number(1 - neighbour / peak)


def peak_excess(weights, depth):
    variance = number(Kernel(weights).variance)
    peak = number(exact(weights, depth)[0])
    return peak * mpmath.sqrt(4 * mpmath.pi * depth * variance) - 1


def noise_excess(dim):
    return lambda weights, depth: (1 + peak_excess(weights, depth)) ** -dim - 1


def remainder_has_order(quantity, weights, coefficients, order, following, depths=DEPTHS):
    """Whether `quantity` minus its first `order` terms falls like k^-(order + 1).

    Two demands: times k^(order + 1), it stays within a factor of 5 of its last value over all
    depths; and the slope in log-log over the last factor of two in k is -(order + 1). The
    remainder is c k^-(order+1) (1 + r/k + ...) with r the ratio of the two `following`
    coefficients, so the slope is off by |r| (1/k_1 - 1/k_2) / log(k_2/k_1), which is allowed
    for, and by terms of order 1/k^2, for which 0.002 is.
    """
    with mpmath.workdps(DIGITS):
        rest = [
            quantity(weights, k)
            - sum(number(coefficients[j]) / mpmath.mpf(k) ** (j + 1) for j in range(order))
            for k in depths
        ]
        scaled = [r * mpmath.mpf(k) ** (order + 1) for r, k in zip(rest, depths, strict=True)]
        bounded = all(1 / 5 < value / scaled[-1] < 5 for value in scaled)
        steps = mpmath.log(mpmath.mpf(depths[-1]) / depths[-2])
        slope = mpmath.log(abs(rest[-1] / rest[-2])) / steps
        drift = abs(number(following[1] / following[0]))
        tolerance = 0.002 + float(drift * (1 / depths[-2] - 1 / depths[-1]) / steps)
        return bounded and abs(slope + order + 1) < tolerance


QUANTITIES = {
    "D": (sensitivity, sensitivity_series),
    "peak": (peak_excess, peak_series),
}


@cache
def coefficients_of(name, weights):
    return tuple(QUANTITIES[name][1](7, kernel_cumulants(list(weights), 7)))


@pytest.mark.parametrize("order", range(1, 6))
@pytest.mark.parametrize("weights", KERNELS, ids=str)
@pytest.mark.parametrize("name", QUANTITIES)
def test_the_remainder_falls_one_power_faster_than_the_last_term(name, weights, order):
    coefficients = coefficients_of(name, weights)
    following = coefficients[order : order + 2]
    quantity = QUANTITIES[name][0]
    assert remainder_has_order(quantity, weights, coefficients, order, following)
    # Negative controls: any of the coefficients wrong by 0.1 %, or of the wrong sign.
    for j in range(order):
        for factor in (R(1001, 1000), R(999, 1000), -1):
            wrong = list(coefficients)
            wrong[j] *= factor
            assert not remainder_has_order(quantity, weights, wrong, order, following)


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("weights", [(1, 1, 1), (2, 1, 1, 3)], ids=str)
def test_remainders_of_the_noise(weights, dim):
    coefficients = noise_series(5, kernel_cumulants(list(weights), 5), dim=dim)
    for order in (1, 2, 3):
        following = coefficients[order : order + 2]
        assert remainder_has_order(noise_excess(dim), weights, coefficients, order, following)
        wrong = list(coefficients)
        wrong[order - 1] *= R(1001, 1000)
        assert not remainder_has_order(noise_excess(dim), weights, wrong, order, following)


@pytest.mark.parametrize("name", QUANTITIES)
def test_order_8_of_box_3(name):
    quantity, series = QUANTITIES[name]
    coefficients = [value.subs(f, 3) for value in series(10, box_cumulants(10))]
    for order in (7, 8):
        arguments = (order, coefficients[order : order + 2], (50, 108, 232, 500))
        assert remainder_has_order(quantity, (1, 1, 1), coefficients, *arguments)
        wrong = list(coefficients)
        wrong[order - 1] *= R(1001, 1000)
        assert not remainder_has_order(quantity, (1, 1, 1), wrong, *arguments)


# The theory, word for word.


def test_coefficients_of_boxes():
    squared = f**2 - 1
    expected = [3 / squared, -9 * (f**2 + 6) / (10 * squared**2)]
    expected.append(27 * (f**4 + 57 * f**2 + 106) / (350 * squared**3))
    coefficients = sensitivity_series(3, box_cumulants(3))
    assert [sp.cancel(x - y) for x, y in zip(coefficients, expected, strict=True)] == [0, 0, 0]
    expected = [
        -3 * (f**2 + 1) / (40 * squared),
        -(13 * f**4 - 134 * f**2 + 13) / (4480 * squared**2),
    ]
    coefficients = peak_series(2, box_cumulants(2))
    assert [sp.cancel(x - y) for x, y in zip(coefficients, expected, strict=True)] == [0, 0]


@pytest.mark.parametrize("series", [peak_series, sensitivity_series, noise_series])
def test_coefficients_of_boxes_have_one_factored_denominator(series):
    for j, value in enumerate(series(8, box_cumulants(8)), 1):
        powers = value.as_powers_dict()
        assert powers.pop(f**2 - 1) == -j
        top = sp.expand(sp.Mul(*(base**power for base, power in powers.items())))
        assert top.is_polynomial(f, d)
        assert sp.rem(top, f**2 - 1, f) != 0


def test_box_2_is_one_over_k_plus_one():
    expected = [(-1) ** j for j in range(12)]
    assert sensitivity_series(12, kernel_cumulants(2, 12)) == expected
    assert [x.subs(f, 2) for x in sensitivity_series(12, box_cumulants(12))] == expected
    # [1, 2, 1] is box 2 twice: 1/(2k + 1).
    coefficients = sensitivity_series(12, kernel_cumulants([1, 2, 1], 12))
    assert coefficients == [R((-1) ** j, 2 ** (j + 1)) for j in range(12)]


def test_the_peak_of_box_2_is_stirlings_series():
    """c_k(0) = binomial(2k, k) / 4^k; the logarithm of its series has Bernoulli numbers."""
    e = sp.Symbol("e")
    logarithm = sum(
        sp.bernoulli(2 * j)
        / (2 * j * (2 * j - 1))
        * (R(1, 2 ** (2 * j - 1)) - 2)
        * e ** (2 * j - 1)
        for j in range(1, 5)
    )
    expected = sp.series(sp.exp(logarithm), e, 0, 9).removeO()
    coefficients = peak_series(8, kernel_cumulants(2, 8))
    assert coefficients == [expected.coeff(e, n) for n in range(1, 9)]


# Independent route: expand the integrand with SymPy and integrate it term by term.


def naive(order, lag):
    """Integral of A^k cos(lag theta) over that of its Gaussian part, to order 1/k^order."""
    x = sp.Symbol("x", real=True)
    e = sp.Symbol("e", positive=True)  # 1/sqrt(k)
    rest = sum(
        2 * (-1) ** j * kappa(2 * j) / sp.factorial(2 * j) * x ** (2 * j) * e ** (2 * j - 2)
        for j in range(2, order + 2)
    )
    integrand = sp.series(sp.exp(rest) * sp.cos(lag * e * x), e, 0, 2 * order + 1).removeO()
    gauss = sp.exp(-kappa(2) * x**2)
    total = sp.integrate(gauss, (x, -sp.oo, sp.oo))
    powers = sp.Poly(sp.expand(integrand), x, e).terms()
    moments = {n: sp.integrate(x**n * gauss, (x, -sp.oo, sp.oo)) for (n, _), _ in powers}
    return sum(value * moments[n] / total * e**m for (n, m), value in powers), e


def test_against_naive_expansion():
    order = 3
    peak, e = naive(order, 0)
    neighbour, _ = naive(order, 1)
    for n, coefficients in enumerate(peak_series(order), 1):
        assert sp.cancel(coefficients - sp.expand(peak).coeff(e, 2 * n)) == 0
    quotient = sp.expand(sp.series(1 - neighbour / peak, e, 0, 2 * order + 1).removeO())
    for n, coefficients in enumerate(sensitivity_series(order), 1):
        assert sp.cancel(coefficients - quotient.coeff(e, 2 * n)) == 0
    power = sp.expand(sp.series(peak ** (-d), e, 0, 2 * order + 1).removeO())
    for n, coefficients in enumerate(noise_series(order), 1):
        assert sp.cancel(coefficients - power.coeff(e, 2 * n)) == 0


def test_box_cumulants_from_the_characteristic_function():
    theta = sp.Symbol("theta")
    ratio = sp.cancel(
        sp.series(sp.sin(f * theta / 2), theta, 0, 10).removeO()
        / (f * sp.series(sp.sin(theta / 2), theta, 0, 10).removeO())
    )
    logarithm = sp.expand(sp.series(2 * sp.log(ratio), theta, 0, 9).removeO())
    for n, value in box_cumulants(3).items():
        expected = logarithm.coeff(theta, n) * sp.factorial(n) * (-1) ** (n // 2) / 2
        assert sp.expand(value - expected) == 0


# Cumulants.


@pytest.mark.parametrize("length", [2, 3, 4, 5, 10])
def test_cumulants_of_boxes(length):
    symbolic = box_cumulants(9)
    cumulants = kernel_cumulants(length, 9)
    assert list(cumulants) == list(symbolic) == list(range(2, 21, 2))
    assert cumulants == {n: value.subs(f, length) for n, value in symbolic.items()}
    assert cumulants[2] == R(length**2 - 1, 12)


def test_cumulants_do_not_see_shifts_and_reflections_and_add_up():
    cumulants = kernel_cumulants([2, 1, 1, 3], 5)
    assert kernel_cumulants([0, 0, 3, 1, 1, 2, 0], 5) == cumulants
    assert kernel_cumulants(Kernel([4, 2, 2, 6]), 5) == cumulants
    product = kernel_cumulants([2, 3, 2, 4, 3], 5)  # (2, 1, 1, 3) * (1, 1)
    box = kernel_cumulants(2, 5)
    assert product == {n: cumulants[n] + box[n] for n in cumulants}
    assert all(isinstance(value, sp.Rational) for value in cumulants.values())


def test_cumulants_from_central_moments():
    weights = [5, 0, 1, 2, 7]
    total = sum(weights)
    mean = R(sum(j * w for j, w in enumerate(weights)), total)
    mu = [sum(w * (j - mean) ** r for j, w in enumerate(weights)) / total for r in range(7)]
    expected = {
        2: mu[2],
        4: mu[4] - 3 * mu[2] ** 2,
        6: mu[6] - 15 * mu[4] * mu[2] - 10 * mu[3] ** 2 + 30 * mu[2] ** 3,
    }
    assert kernel_cumulants(weights, 2) == expected


# Forms of the arguments.


def test_the_symbols_are_those_of_the_table():
    expected = {kappa(2 * j) for j in range(1, 6)}
    assert set().union(*(x.free_symbols for x in peak_series(4))) == expected
    assert set().union(*(x.free_symbols for x in sensitivity_series(5))) == expected
    assert set().union(*(x.free_symbols for x in noise_series(4))) == expected | {d}
    assert sensitivity_series(1) == [1 / (4 * kappa(2))]


@pytest.mark.parametrize("series", [peak_series, sensitivity_series, noise_series])
def test_symbolic_cumulants_specialise(series):
    """Order 8: the general coefficients at the cumulants of box 3 and of [2, 1, 1, 3]."""
    general = series(8)
    for weights in (3, [2, 1, 1, 3]):
        given = kernel_cumulants(weights, 8)
        at = {kappa(n): value for n, value in given.items()}
        expected = series(8, given)
        assert [sp.expand(x.subs(at) - y) for x, y in zip(general, expected, strict=True)] == [
            0
        ] * 8
    boxes = [sp.expand(value.subs(f, 3)) for value in series(8, box_cumulants(8))]
    assert boxes == [sp.expand(value) for value in series(8, kernel_cumulants(3, 8))]


def test_every_coefficient_is_homogeneous():
    t = sp.Symbol("t", positive=True)
    scaling = {kappa(2 * j): kappa(2 * j) / t for j in range(1, 8)}
    for n, value in enumerate(peak_series(5), 1):
        # c_k(0) and D_k depend on the products k kappa_2j alone.
        assert sp.cancel(value.subs(scaling, simultaneous=True) - value * t**n) == 0
    for n, value in enumerate(sensitivity_series(5), 1):
        assert sp.cancel(value.subs(scaling, simultaneous=True) - value * t**n) == 0


def test_the_dimension_specialises():
    given = kernel_cumulants([1, 2, 4], 6)
    general = noise_series(6, given)
    e = sp.Symbol("e")
    peak = 1 + sum(a * e**j for j, a in enumerate(peak_series(6, given), 1))
    for dim in (1, 2, 3):
        special = noise_series(6, given, dim=dim)
        assert special == [value.subs(d, dim) for value in general]
        expected = sp.series(peak**-dim, e, 0, 7).removeO()
        assert special == [expected.coeff(e, n) for n in range(1, 7)]
    for j, value in enumerate(general, 1):
        assert sp.Poly(value, d).degree() == j
        assert value.subs(d, 0) == 0
        # 1/c_k(0)^d at d = -1 is c_k(0) itself.
        assert value.subs(d, -1) == peak.coeff(e, j)


def test_sequences_mappings_and_numbers():
    expected = sensitivity_series(3, kernel_cumulants(3, 3))
    assert sensitivity_series(3, [R(2, 3), R(-2, 3), R(26, 9)]) == expected
    assert sensitivity_series(3, (Fraction(2, 3), Fraction(-2, 3), Fraction(26, 9))) == expected
    assert sensitivity_series(1, {2: 0.5}) == [R(1, 2)]
    # A Gaussian law: c_k(1)/c_k(0) = exp(-1/(4 k kappa_2)), and nothing corrects the peak.
    assert peak_series(3, [2, 0, 0, 0]) == [0, 0, 0]
    gauss = [R((-1) ** (j + 1), math.factorial(j) * 8**j) for j in range(1, 6)]
    assert sensitivity_series(5, [2, 0, 0, 0, 0]) == gauss


def test_rational_functions_of_other_symbols():
    """Weights 1 - p and p, and cumulants with denominators."""
    p, u = sp.symbols("p u")
    variance = p * (1 - p)
    given = [variance, variance * (1 - 6 * variance)]
    coefficients = sensitivity_series(2, given)
    assert [
        sp.cancel(x.subs(p, R(1, 2)) - y) for x, y in zip(coefficients, (1, -1), strict=True)
    ] == [
        0,
        0,
    ]
    assert [x.subs(p, R(3, 4)) for x in coefficients] == sensitivity_series(
        2, kernel_cumulants([1, 3], 2)
    )
    general = peak_series(2)
    coefficients = peak_series(2, [1 / u, u + 1 / p, p / (1 + u)])
    at = {kappa(2): 1 / u, kappa(4): u + 1 / p, kappa(6): p / (1 + u)}
    assert [sp.cancel(x - y.subs(at)) for x, y in zip(coefficients, general, strict=True)] == [0, 0]


def test_the_highest_order_of_numbers():
    assert sensitivity_series(40, kernel_cumulants(2, 40)) == [(-1) ** j for j in range(40)]
