"""The recurrence of c_k(0) in the depth: against expanded powers, and its proof against mutants."""

from __future__ import annotations

import itertools
import math
import random
import re
from dataclasses import replace
from fractions import Fraction

import pytest
import sympy as sp
from flint import nmod_mat

import scaledet as sd
from scaledet import symbols
from scaledet.theory.correlation.recurrence import Walk, recurrence
from scaledet.theory.correlation.telescoping import Certificate, highest_order
from tests.dense import stride_one_correlation

BOXES = [[1] * length for length in range(2, 9)]
BINOMIALS = [[math.comb(n, j) for j in range(n + 1)] for n in (2, 3, 4, 6)]
OTHERS = [
    [1, 2, 4],
    [2, 1, 1, 3],
    [1, 0, 1],
    [1, 0, 0, 1],
    [1, 0, 3, 0, 1],
    [0, 1, 5, 0],
    [4, 1],
    [1, 2, 1, 2],
    [1, 2, 0, 1, 2],
    [1, 2, 3, 2, 1],
    [1, 0, 2, 0, 0, 3],
    [Fraction(1, 3), Fraction(1, 7), Fraction(2, 5)],
    [0.1, 0.2, 0.3],
]


def random_kernels(count):
    source = random.Random(20240607)
    for _ in range(count):
        inside = [source.randint(0, 5) for _ in range(source.randint(0, 4))]
        yield [source.randint(1, 5), *inside, source.randint(1, 5)]


KERNELS = [*BOXES, *BINOMIALS, *OTHERS, *random_kernels(12)]


def lags(weights, depth):
    """(c_k(0), c_k(1)) for k = 0 ... depth: A(z)^k expanded, in fractions."""
    a = [Fraction(str(w)) for w in weights]
    a = [w / sum(a) for w in a]
    step = {}
    for (i, u), (j, v) in itertools.product(enumerate(a), repeat=2):
        step[i - j] = step.get(i - j, 0) + u * v
    power, result = {0: Fraction(1)}, []
    for _ in range(depth + 1):
        result.append((power[0], power.get(1, Fraction(0))))
        product = {}
        for (i, u), (j, v) in itertools.product(power.items(), step.items()):
            product[i + j] = product.get(i + j, 0) + u * v
        power = product
    return result


def at(row, k):
    return sum(c * k**n for n, c in enumerate(row))


@pytest.mark.parametrize("weights", KERNELS, ids=str)
def test_against_expanded_powers(weights):
    law = recurrence(sd.Kernel(weights))
    depth = 9 if len(weights) < 7 else 7
    expected = lags(weights, depth + law.order)
    (numerators, denominator), order = law.lag_one, law.order
    for k in range(depth + 1):
        window = [zero for zero, _ in expected[k : k + order + 1]]
        terms = zip(law.coefficients, window, strict=True)
        assert sum(at(p, k) * c for p, c in terms) == 0
        terms = zip(numerators, window[:-1], strict=True)
        assert sum(at(q, k) * c for q, c in terms) == at(denominator, k) * expected[k][1]
        assert law.sensitivity(k) == 1 - expected[k][1] / expected[k][0]
    assert list(law.peaks(depth)) == [zero for zero, _ in expected[: depth + 1]]
    assert math.gcd(*(c for row in law.coefficients for c in row)) == 1
    assert law.coefficients[-1][-1] > 0
    law.verify()


@pytest.mark.parametrize("length", range(2, 13))
def test_orders_of_boxes(length):
    """As many zeros of alpha as a box has pairs of conjugate zeros; -2 does not count."""
    assert recurrence(length).order == highest_order((1,) * length) == (length + 1) // 2


def has_recurrence(peaks, order, degree):
    """Whether integers have a recurrence of this size modulo a large prime.

    One over the rationals would leave one modulo every prime: False is a proof that none exists.
    """
    prime = 2**61 - 1
    unknowns = (order + 1) * (degree + 1)
    rows = [
        [
            peaks[k + i] * pow(k, n, prime) % prime
            for i in range(order + 1)
            for n in range(degree + 1)
        ]
        for k in range(unknowns + 10)
    ]
    return nmod_mat(rows, prime).rank() < unknowns


@pytest.mark.parametrize("weights", [*BOXES[1:6], [1, 2, 4], [1, 2, 3, 2, 1], [4, 1], [1, 0, 1, 1]])
def test_no_recurrence_of_lower_order_even_of_three_times_the_degree(weights):
    law = recurrence(weights)
    scale = sum(weights) ** 2
    count = law.order * (3 * law.degree + 1) + 20 + law.order
    peaks = [int(peak * scale**k) for k, peak in enumerate(law.peaks(count))]
    assert not has_recurrence(peaks, law.order - 1, 3 * law.degree)
    assert has_recurrence(peaks, law.order, law.degree)  # the control


def test_every_small_kernel_of_span_one_has_the_highest_order():
    for weights in itertools.product(range(4), repeat=4):
        if weights[0] and weights[-1] and sd.Kernel(weights).span == 1:
            law = recurrence(sd.Kernel(weights))
            assert law.order == highest_order(law.weights)
            assert law.weights == sd.Kernel(weights).integers
            assert (law.order == 1) == (law.weights == (1, 3, 3, 1))


def test_box_three_counts_central_trinomials_of_even_index():
    """n T_n = (2n - 1) T_{n-1} + 3 (n - 1) T_{n-2} (classical); C_k(0) = T_{2k}."""
    trinomial = [1, 1]
    for n in range(2, 80):
        trinomial.append(((2 * n - 1) * trinomial[-1] + 3 * (n - 1) * trinomial[-2]) // n)
    law = recurrence(3)
    assert [peak * 9**k for k, peak in enumerate(law.peaks(39))] == trinomial[::2]
    k = sp.Symbol("k")
    # Eliminating T_{2k+1} and T_{2k+3} from three classical steps.
    expected = [
        (k + 1) * (2 * k + 1) * (4 * k + 7),
        -(4 * k + 5) * (20 * k**2 + 50 * k + 27),
        9 * (k + 2) * (2 * k + 3) * (4 * k + 3),
    ]
    for row, polynomial in zip(law.coefficients, expected, strict=True):
        assert list(row) == sp.Poly(polynomial, k).all_coeffs()[::-1]


@pytest.mark.parametrize(
    ("length", "central"),
    [(2, [1, 2, 6, 20, 70]), (4, [1, 4, 44, 580, 8092]), (5, [1, 5, 85, 1751])],
)
def test_central_polynomial_coefficients(length, central):
    """OEIS A000984, A005721, and A005191 at even index."""
    peaks = recurrence(length).peaks(len(central) - 1)
    assert [peak * length ** (2 * k) for k, peak in enumerate(peaks)] == central


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("span", [1, 2, 3])
def test_closed_forms_of_binomials(n, span):
    weights = [0] * (n * span + 1)
    weights[::span] = [math.comb(n, j) for j in range(n + 1)]
    law = recurrence(weights)
    law.verify()
    assert (law.order, law.degree) == (1, n)
    peak, drop = law.closed_form()
    for k, expected in enumerate(law.peaks(6)):
        assert peak.subs(symbols.k, k) == sp.Rational(expected.numerator, expected.denominator)
        exact = law.sensitivity(k)
        assert drop.subs(symbols.k, k) == sp.Rational(exact.numerator, exact.denominator)
        assert exact == (Fraction(1, n * k + 1) if span == 1 else 1)


@pytest.mark.parametrize("weights", [3, 4, [1, 1, 2], [2, 1], [1, 0, 1, 0, 1], [1, 3, 1]])
def test_no_closed_form(weights):
    assert recurrence(weights).closed_form() is None


def test_dilated_kernels_share_the_recurrence():
    plain, dilated = recurrence([1, 2, 4]), recurrence([0, 1, 0, 0, 2, 0, 0, 4])
    assert dilated.coefficients == plain.coefficients
    assert dilated.lag_one == (((), (), ()), (1,))
    assert dilated.sensitivity(7) == 1
    assert dilated.certificate == plain.certificate


def test_equation():
    law = recurrence(3)
    equation = law.equation()
    k, c = symbols.k, symbols.c
    assert equation.rhs == 0
    assert equation.lhs.atoms(sp.Function) == {c(k, 0), c(k + 1, 0), c(k + 2, 0)}
    peaks = [sp.Rational(peak.numerator, peak.denominator) for peak in law.peaks(9)]
    for layer in range(1, 8):
        values = {c(k + i, 0): peaks[layer + i] for i in range(3)}
        assert equation.lhs.subs(values).subs(k, layer) == 0


# --- the proof ---------------------------------------------------------------------------------


def shifted(row):
    """The polynomial at k + 1."""
    return tuple(
        sum(c * math.comb(n, m) for n, c in enumerate(row) if n >= m) for m in range(len(row))
    )


def times(row, factor):
    result = [0] * (len(row) + len(factor) - 1)
    for (i, u), (j, v) in itertools.product(enumerate(row), enumerate(factor)):
        result[i + j] += u * v
    return tuple(result)


def mutants(law):
    """Wrong recurrences, by name."""
    p, (q, d) = law.coefficients, law.lag_one
    peak, lag = law.certificate, law.lag_one_certificate
    yield "sign of p_0", replace(law, coefficients=(tuple(-c for c in p[0]), *p[1:]))
    yield "k -> k + 1", replace(law, coefficients=tuple(map(shifted, p)))
    yield "k -> k + 1 in one", replace(law, coefficients=(*p[:-1], shifted(p[-1])))
    yield "order of terms", replace(law, coefficients=p[::-1])
    yield "factor lost", replace(law, coefficients=(*p[:-1], (1,)))
    raised = [tuple(c * sum(law.weights) ** (2 * i) for c in row) for i, row in enumerate(p)]
    yield "unnormalised", replace(law, coefficients=tuple(raised))
    yield (
        "trivial",
        replace(law, coefficients=((0,),) * len(p), certificate=Certificate((), (1,))),
    )
    for i, n in ((0, 0), (len(p) - 1, len(p[-1]) - 1)):
        row = tuple(c + (m == n) for m, c in enumerate(p[i]))
        yield f"p_{i}, k^{n}", replace(law, coefficients=(*p[:i], row, *p[i + 1 :]))
    for name, given, field in (("", peak, "certificate"), ("lag ", lag, "lag_one_certificate")):
        rows, bottom = given
        *lower, (constant, *rest) = rows
        for what, changed in {
            "constant": (*lower, (constant + 1, *rest)),
            "term": rows[:-1],
            "power of t": ((0,), *rows),
            "sign": tuple(tuple(-c for c in row) for row in rows),
        }.items():
            yield f"{name}{what} of rho", replace(law, **{field: Certificate(changed, bottom)})
        doubled = Certificate(rows, tuple(2 * c for c in bottom))
        yield f"{name}denominator", replace(law, **{field: doubled})
        # True as an identity, but the certificate has a pole at k = 3.
        pole = Certificate(tuple(times(row, (-3, 1)) for row in rows), times(bottom, (-3, 1)))
        yield f"{name}pole", replace(law, **{field: pole})
        yield f"{name}no denominator", replace(law, **{field: Certificate(rows, ())})
    yield "sign of q", replace(law, lag_one=(q, tuple(-c for c in d)))
    yield "q_0", replace(law, lag_one=(((q[0][0] + 1, *q[0][1:]), *q[1:]), d))
    yield "k -> k + 1 in q", replace(law, lag_one=(tuple(map(shifted, q)), shifted(d)))
    yield "lag missing", replace(law, lag_one=(q[:-1], d))
    yield (
        "lag trivial",
        replace(law, lag_one=(((0,),) * len(q), (0,)), lag_one_certificate=Certificate((), (1,))),
    )
    yield "another kernel", replace(law, kernel=sd.Kernel([3, 1, 7, 2]))


@pytest.mark.parametrize("weights", [[1, 1], [1] * 3, [1] * 4, [1, 2, 4], [2, 1, 1, 3]], ids=str)
def test_negative_controls_the_proof_notices_every_mutant(weights):
    law = recurrence(weights)
    law.verify()
    scaled = replace(
        law,
        coefficients=tuple(times(row, (1, 1)) for row in law.coefficients),
        certificate=Certificate(
            tuple(times(row, (1, 1)) for row in law.certificate.numerators),
            law.certificate.denominator,
        ),
    )
    scaled.verify()  # as true as the other
    verdicts = {name: verdict(mutant) for name, mutant in mutants(law)}
    assert len(verdicts) == 29
    of_lag = {
        name for name in verdicts if name.startswith("lag") or name.split()[-1] in ("q", "q_0")
    }
    assert verdicts == {
        name: "formula for c_k(1)" if name in of_lag else "recurrence of c_k(0)"
        for name in verdicts
    }


def verdict(mutant):
    """What is not proved."""
    with pytest.raises(ArithmeticError) as caught:
        mutant.verify()
    return re.fullmatch(r"the (.*) is not proved for Kernel\(.*\)", str(caught.value)).group(1)


def test_the_proof_knows_that_dilated_kernels_have_no_overlap():
    law = recurrence([1, 0, 2])
    law.verify()
    for lag_one in ((((1,), ()), (1,)), (((), ()), (0,)), (((),), (1,))):
        with pytest.raises(ArithmeticError, match=r"c_k\(1\)"):
            replace(law, lag_one=lag_one).verify()


# --- values at large depth -------------------------------------------------------------------


@pytest.mark.parametrize("weights", [[1] * 3, [1] * 6, [1, 2, 4], [1, 2, 1], [2, 1, 1, 3]])
def test_against_the_filter_itself_at_layer_1000(weights):
    c, scale = stride_one_correlation(weights, 1000)
    law = recurrence(weights)
    assert law.sensitivity(1000) == 1 - Fraction(c[1], c[0])
    assert Walk(law).to(1000).scale == scale


@pytest.mark.parametrize("weights", [[1] * 3, [1] * 4, [1] * 5, [1, 2, 4], [1, 4, 1], [2, 1, 1, 3]])
def test_diffusion_at_large_depth(weights):
    """D_k = 1/(4 k kappa_2) (1 + O(1/k)): the correction falls tenfold per decade."""
    law = recurrence(weights)
    variance = law.kernel.variance
    near, far = (4 * k * variance * law.sensitivity(k) - 1 for k in (1000, 10_000))
    # O(1/k^2) relative to it: a percent at most for these kernels at k = 1000.
    assert float(near / far) == pytest.approx(10, rel=0.01)
    assert abs(far) < 1e-3


@pytest.mark.parametrize("length", [2, 3, 4])
def test_series_of_boxes_at_layer_ten_to_the_five(length):
    k, f = 10**5, length
    square = Fraction(f**2 - 1)
    series = (
        3 / (square * k)
        - Fraction(9 * (f**2 + 6), 10) / (square * k) ** 2
        + Fraction(27 * (f**4 + 57 * f**2 + 106), 350) / (square * k) ** 3
    )
    law = recurrence(length).sensitivity(k)
    # The next term is O(k^-4) next to O(k^-1).
    assert abs(float(law / series) - 1) < 1e-14
    assert abs(law - series) < Fraction(100, k**4)


# --- where it is used ------------------------------------------------------------------------


# --- the boundary ----------------------------------------------------------------------------


def test_refused_kernels():
    with pytest.raises(ValueError, match="kernel must have weights >= 0, not signed"):
        recurrence(sd.Kernel([1, -1], signed=True))
    for weights in (1, [0, 3, 0]):
        with pytest.raises(ValueError, match="kernel must have at least two non-zero weights"):
            recurrence(weights)
    with pytest.raises(TypeError, match="kernel must be"):
        recurrence("abc")


def test_refused_layers():
    law = recurrence(2)
    for bad in (-1, 10.5, True):
        with pytest.raises((TypeError, ValueError), match=r"k must be an integer >= 0; got"):
            law.sensitivity(bad)
        with pytest.raises((TypeError, ValueError), match=r"depth must be an integer >= 0; got"):
            next(law.peaks(bad))


def test_repr():
    assert repr(recurrence([1, 2, 1])) == (
        "Recurrence of Kernel(1/4, 1/2, 1/4): order 1, degree 2\n"
        "  (-16 k^2 - 16 k - 3) c_k(0) + (16 k^2 + 24 k + 8) c_{k+1}(0) = 0"
    )
    assert repr(recurrence(8)) == "Recurrence of box(8): order 4, degree 16"
