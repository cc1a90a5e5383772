"""The recurrence of c_k(0) in the depth: against expanded powers, and its proof against mutants."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
import random
import re
from dataclasses import replace
from fractions import Fraction

import pytest
import sympy as sp
from flint import nmod_mat

import scaledet as sd
from scaledet import symbols
from scaledet.theory.correlation import recurrence as holonomic
from scaledet.theory.correlation.recurrence import Walk, recurrence
from scaledet.theory.correlation.telescoping import Certificate, highest_order
from scaledet.theory.signal import one_pixel
from scaledet.theory.signal.one_pixel import ExactSensitivity
from tests.dense import stride_one_correlation

BOXES = [[1] * length for length in range(2, 9)]
BINOMIALS = [[math.comb(n, j) for j in range(n + 1)] for n in (2, 3, 4, 6)]
OTHERS = [[1, 2, 4], [2, 1, 1, 3], [1, 0, 1], [1, 0, 0, 1], [1, 0, 3, 0, 1], [0, 1, 5, 0], [4, 1],
          [1, 2, 1, 2], [1, 2, 0, 1, 2], [1, 2, 3, 2, 1], [1, 0, 2, 0, 0, 3],
          [Fraction(1, 3), Fraction(1, 7), Fraction(2, 5)], [0.1, 0.2, 0.3]]  # fmt: skip


def random_kernels(count):
    source = random.Random(20240607)
    for _ in range(count):
        inside = [source.randint(0, 5) for _ in range(source.randint(0, 4))]
        yield [source.randint(1, 5), *inside, source.randint(1, 5)]


KERNELS = [*BOXES, *BINOMIALS, *OTHERS, *random_kernels(12)]


def lags(weights, depth):
    """(c_k(0), c_k(1)) for k = 0 ... depth: A(z)^k expanded, in fractions."""
    total = sum(Fraction(w) for w in weights)
    a = [Fraction(w) / total for w in weights]
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
    found = recurrence(sd.Kernel(weights))
    depth = 9 if len(weights) < 7 else 7
    expected = lags(weights, depth + found.order)
    (numerators, denominator), order = found.lag_one, found.order
    for k in range(depth + 1):
        window = [zero for zero, _ in expected[k : k + order + 1]]
        terms = zip(found.coefficients, window, strict=True)
        assert sum(at(p, k) * c for p, c in terms) == 0
        terms = zip(numerators, window[:-1], strict=True)
        assert sum(at(q, k) * c for q, c in terms) == at(denominator, k) * expected[k][1]
        assert found.sensitivity(k) == 1 - expected[k][1] / expected[k][0]
    assert list(found.peaks(depth)) == [zero for zero, _ in expected[: depth + 1]]
    assert math.gcd(*(c for row in found.coefficients for c in row)) == 1
    assert found.coefficients[-1][-1] > 0
    found.verify()


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
    found = recurrence(weights)
    scale = sum(weights) ** 2
    count = found.order * (3 * found.degree + 1) + 20 + found.order
    peaks = [int(peak * scale**k) for k, peak in enumerate(found.peaks(count))]
    assert not has_recurrence(peaks, found.order - 1, 3 * found.degree)
    assert has_recurrence(peaks, found.order, found.degree)  # the control


def test_every_small_kernel_of_span_one_has_the_highest_order():
    for weights in itertools.product(range(4), repeat=4):
        if weights[0] and weights[-1] and sd.Kernel(weights).span == 1:
            found = recurrence(weights)
            assert found.order == highest_order(found.weights)
            assert found.weights == sd.Kernel(weights).integers
            assert (found.order == 1) == (found.weights == (1, 3, 3, 1))


def test_box_three_counts_central_trinomials_of_even_index():
    """n T_n = (2n - 1) T_{n-1} + 3 (n - 1) T_{n-2} (classical); C_k(0) = T_{2k}."""
    trinomial = [1, 1]
    for n in range(2, 80):
        trinomial.append(((2 * n - 1) * trinomial[-1] + 3 * (n - 1) * trinomial[-2]) // n)
    found = recurrence(3)
    assert [peak * 9**k for k, peak in enumerate(found.peaks(39))] == trinomial[::2]
    k = sp.Symbol("k")
    # Eliminating T_{2k+1} and T_{2k+3} from three classical steps.
    expected = [(k + 1) * (2 * k + 1) * (4 * k + 7), -(4 * k + 5) * (20 * k**2 + 50 * k + 27),
                9 * (k + 2) * (2 * k + 3) * (4 * k + 3)]  # fmt: skip
    for row, polynomial in zip(found.coefficients, expected, strict=True):
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
    found = recurrence(weights)
    found.verify()
    assert (found.order, found.degree) == (1, n)
    peak, drop = found.closed_form()
    for k, expected in enumerate(found.peaks(6)):
        assert peak.subs(symbols.k, k) == sp.Rational(expected.numerator, expected.denominator)
        exact = found.sensitivity(k)
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
    found = recurrence(3)
    equation = found.equation()
    k, c = symbols.k, symbols.c
    assert equation.rhs == 0
    assert equation.lhs.atoms(sp.Function) == {c(k, 0), c(k + 1, 0), c(k + 2, 0)}
    peaks = [sp.Rational(peak.numerator, peak.denominator) for peak in found.peaks(9)]
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


def mutants(found):
    """Wrong recurrences, by name."""
    p, (q, d) = found.coefficients, found.lag_one
    peak, lag = found.certificate, found.lag_one_certificate
    yield "sign of p_0", replace(found, coefficients=(tuple(-c for c in p[0]), *p[1:]))
    yield "k -> k + 1", replace(found, coefficients=tuple(map(shifted, p)))
    yield "k -> k + 1 in one", replace(found, coefficients=(*p[:-1], shifted(p[-1])))
    yield "order of terms", replace(found, coefficients=p[::-1])
    yield "factor lost", replace(found, coefficients=(*p[:-1], (1,)))
    raised = [tuple(c * sum(found.weights) ** (2 * i) for c in row) for i, row in enumerate(p)]
    yield "unnormalised", replace(found, coefficients=tuple(raised))
    yield (
        "trivial",
        replace(found, coefficients=((0,),) * len(p), certificate=Certificate((), (1,))),
    )
    for i, n in ((0, 0), (len(p) - 1, len(p[-1]) - 1)):
        row = tuple(c + (m == n) for m, c in enumerate(p[i]))
        yield f"p_{i}, k^{n}", replace(found, coefficients=(*p[:i], row, *p[i + 1 :]))
    for name, given, field in (("", peak, "certificate"), ("lag ", lag, "lag_one_certificate")):
        rows, bottom = given
        *lower, (constant, *rest) = rows
        for what, changed in {
            "constant": (*lower, (constant + 1, *rest)),
            "term": rows[:-1],
            "power of t": ((0,), *rows),
            "sign": tuple(tuple(-c for c in row) for row in rows),
        }.items():
            yield f"{name}{what} of rho", replace(found, **{field: Certificate(changed, bottom)})
        doubled = Certificate(rows, tuple(2 * c for c in bottom))
        yield f"{name}denominator", replace(found, **{field: doubled})
        # True as an identity, but the certificate has a pole at k = 3.
        pole = Certificate(tuple(times(row, (-3, 1)) for row in rows), times(bottom, (-3, 1)))
        yield f"{name}pole", replace(found, **{field: pole})
        yield f"{name}no denominator", replace(found, **{field: Certificate(rows, ())})
    yield "sign of q", replace(found, lag_one=(q, tuple(-c for c in d)))
    yield "q_0", replace(found, lag_one=(((q[0][0] + 1, *q[0][1:]), *q[1:]), d))
    yield "k -> k + 1 in q", replace(found, lag_one=(tuple(map(shifted, q)), shifted(d)))
    yield "lag missing", replace(found, lag_one=(q[:-1], d))
    yield (
        "lag trivial",
        replace(
            found,
            lag_one=(((0,),) * len(q), (0,)),
            lag_one_certificate=Certificate((), (1,)),
        ),
    )
    yield "another kernel", replace(found, kernel=sd.Kernel([3, 1, 7, 2]))


@pytest.mark.parametrize("weights", [[1, 1], [1] * 3, [1] * 4, [1, 2, 4], [2, 1, 1, 3]], ids=str)
def test_negative_controls_the_proof_notices_every_mutant(weights):
    found = recurrence(weights)
    found.verify()
    scaled = replace(
        found,
        coefficients=tuple(times(row, (1, 1)) for row in found.coefficients),
        certificate=Certificate(
            tuple(times(row, (1, 1)) for row in found.certificate.numerators),
            found.certificate.denominator,
        ),
    )
    scaled.verify()  # as true as the other
    verdicts = {name: verdict(mutant) for name, mutant in mutants(found)}
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
    found = recurrence([1, 0, 2])
    found.verify()
    for lag_one in ((((1,), ()), (1,)), (((), ()), (0,)), (((),), (1,))):
        with pytest.raises(ArithmeticError, match=r"c_k\(1\)"):
            replace(found, lag_one=lag_one).verify()


# --- values at large depth -------------------------------------------------------------------


@pytest.mark.parametrize("weights", [[1] * 3, [1] * 6, [1, 2, 4], [1, 2, 1], [2, 1, 1, 3]])
def test_against_the_filter_itself_at_layer_1000(weights):
    c, scale = stride_one_correlation(weights, 1000)
    found = recurrence(weights)
    assert found.sensitivity(1000) == 1 - Fraction(c[1], c[0])
    assert Walk(found).to(1000).scale == scale


@pytest.mark.parametrize("weights", [[1] * 3, [1] * 4, [1] * 5, [1, 2, 4], [1, 4, 1], [2, 1, 1, 3]])
def test_diffusion_at_large_depth(weights):
    """D_k = 1/(4 k kappa_2) (1 + O(1/k)): the correction falls tenfold per decade."""
    found = recurrence(weights)
    variance = found.kernel.variance
    near, far = (4 * k * variance * found.sensitivity(k) - 1 for k in (1000, 10_000))
    # O(1/k^2) relative to it: a percent at most for these kernels at k = 1000.
    assert float(near / far) == pytest.approx(10, rel=0.01)
    assert abs(far) < 1e-3


@pytest.mark.parametrize("length", [2, 3, 4])
def test_series_of_boxes_at_layer_ten_to_the_five(length):
    k, f = 10**5, length
    square = Fraction(f**2 - 1)
    series = (3 / (square * k) - Fraction(9 * (f**2 + 6), 10) / (square * k) ** 2
              + Fraction(27 * (f**4 + 57 * f**2 + 106), 350) / (square * k) ** 3)  # fmt: skip
    found = recurrence(length).sensitivity(k)
    # The next term is O(k^-4) next to O(k^-1).
    assert abs(float(found / series) - 1) < 1e-14
    assert abs(found - series) < Fraction(100, k**4)


def test_walk_forwards_backwards_and_in_leaps():
    found = recurrence([1, 2, 4])
    expected = [Walk(found).to(k) for k in range(60)]
    walk = Walk(found)
    assert [walk.to(k) for k in range(60)] == expected
    for k in (59, 3, 3, 0, 58):
        assert walk.to(k) == expected[k]
    leap = Walk(found)
    leap.to(7)
    steps = Walk(found)
    for k in range(1500):
        reached = steps.to(k)
    assert leap.to(1499) == reached
    clone = pickle.loads(pickle.dumps(leap))
    assert clone.to(1499) == reached
    assert copy.deepcopy(found) == found


@pytest.mark.parametrize("root", [0, 5, 700])
def test_divisors_that_vanish_are_stepped_over(root):
    """Times k - root the identities stay true, and say nothing at k = root."""
    found = recurrence([1, 2, 4])
    weak = replace(
        found,
        coefficients=tuple(times(row, (-root, 1)) for row in found.coefficients),
        lag_one=(tuple(times(row, (-root, 1)) for row in found.lag_one[0]),
                 times(found.lag_one[1], (-root, 1))),
    )  # fmt: skip
    walk, expected = Walk(weak), Walk(found)
    for k in (0, 1, 4, 5, 6, 9, 699, 700, 701, 702, 703, 704, 950):
        assert walk.to(k) == expected.to(k)


# --- where it is used ------------------------------------------------------------------------


def plain(network, size=None, monkeypatch=None):
    """Every D_k from the filter itself."""
    with monkeypatch.context() as patch:
        patch.setattr(one_pixel, "_PLAIN", 10**9)
        return [ExactSensitivity(network, size).at(k) for k in range(network.depth + 1)]


@pytest.mark.parametrize(
    ("weights", "dim", "size"),
    [(3, 1, None), ([1, 2, 4], 2, None), ([0, 1, 1], 3, None), (3, 1, 50), ([1, 2, 4], 2, 30),
     ([1, 0, 1], 1, None), ([1, 0, 2], 2, 21), ([2, 1, 1, 3], 1, 10**6)],
)  # fmt: skip
def test_exact_sequences_are_the_same_as_before(weights, dim, size, monkeypatch):
    network = sd.Network.uniform(weights, depth=40, dim=dim)
    expected = plain(network, size, monkeypatch)
    monkeypatch.setattr(one_pixel, "_PLAIN", 4)
    exact = sd.predict(network, size=size).exact_D
    assert [exact[k] for k in (20, 7, 40)] == [expected[k] for k in (20, 7, 40)]
    assert list(exact) == expected
    assert [ExactSensitivity(network, size).at(k) for k in (3, 4, 5, 6, 33)] == [
        expected[k] for k in (3, 4, 5, 6, 33)
    ]


def test_layers_after_the_equal_ones_go_the_plain_way(monkeypatch):
    layers = [*[sd.Layer([0, 1, 2, 4])] * 9, *[sd.Layer([1, 2, 4], bias=1)] * 3, sd.Layer(3),
              *[sd.Layer([1, 2, 4])] * 2, sd.Layer(2, 2), sd.Layer([1, 2, 4])]  # fmt: skip
    network = sd.Network(layers)
    expected = plain(network, None, monkeypatch)
    monkeypatch.setattr(one_pixel, "_PLAIN", 2)
    asked = []
    monkeypatch.setattr(Walk, "to", lambda self, k, to=Walk.to: asked.append(k) or to(self, k))
    found = ExactSensitivity(network, None)
    assert [found.at(k) for k in range(network.depth + 1)] == expected
    assert asked == list(range(3, 13))


def test_a_walk_is_taken_once_and_forwards(monkeypatch):
    began = []
    direct = Walk._direct
    monkeypatch.setattr(Walk, "_direct", lambda self, k: began.append(k) or direct(self, k))
    exact = sd.predict(sd.Network.uniform(3, depth=300)).exact_D
    assert len(list(exact)) == 301
    assert began == [0, 1]
    assert exact[250] == list(pickle.loads(pickle.dumps(exact)))[250]
    clone = copy.deepcopy(sd.predict(sd.Network.uniform(3, depth=300)))
    assert clone.exact_D[299] == exact[299]


def never(*_):
    raise AssertionError("a recurrence was looked for")


@pytest.mark.parametrize("network", [
    sd.Network.uniform(3, depth=100), sd.Network.uniform(1, depth=130),
    sd.Network.uniform(17, depth=101), sd.Network.uniform([1, 2, 3, 4, 5, 6, 7, 8, 9], depth=101),
    sd.Network.uniform(3, 2, depth=101), sd.Network([sd.Layer(2), sd.Layer(3)] * 60),
])  # fmt: skip
def test_networks_without_a_recurrence_that_pays(network, monkeypatch):
    monkeypatch.setattr(holonomic, "recurrence", never)
    assert sd.predict(network).exact_D[network.depth] > 0


def test_without_a_recurrence_the_filter_itself_is_used(monkeypatch):
    def fails(kernel):
        raise ArithmeticError(f"none for {kernel!r}")

    network = sd.Network.uniform(3, depth=102)
    expected = recurrence(3).sensitivity(102)
    monkeypatch.setattr(holonomic, "recurrence", fails)
    assert ExactSensitivity(network, None).at(102) == expected


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
    found = recurrence(2)
    for bad in (-1, 10.5, True):
        with pytest.raises((TypeError, ValueError), match=r"k must be an integer >= 0; got"):
            found.sensitivity(bad)
        with pytest.raises((TypeError, ValueError), match=r"depth must be an integer >= 0; got"):
            next(found.peaks(bad))


def test_repr():
    assert repr(recurrence([1, 2, 1])) == (
        "Recurrence of Kernel(1/4, 1/2, 1/4): order 1, degree 2\n"
        "  (-16 k^2 - 16 k - 3) c_k(0) + (16 k^2 + 24 k + 8) c_{k+1}(0) = 0"
    )
    assert repr(recurrence(8)) == "Recurrence of box(8): order 4, degree 16"
