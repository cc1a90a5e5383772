"""Smoothness and the exponents it implies: the proof's steps one by one; stability of shifts."""

from __future__ import annotations

import functools
import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from flint import fmpz_mat, fmpz_poly

import scaledet as sd
from scaledet.theory.growth.smoothness import smoothness
from scaledet.theory.growth.transition import growth
from tests.dense import autocorrelation, composite_filters, strided_orbit


def times(*factors):
    """Product of polynomials given by lists of integers."""
    result = [1]
    for factor in factors:
        longer = [0] * (len(result) + len(factor) - 1)
        for (i, x), (j, y) in itertools.product(enumerate(result), enumerate(factor)):
            longer[i + j] += x * y
        result = longer
    return result


def spread(weights, step):
    """a(z^step)."""
    result = [0] * ((len(weights) - 1) * step + 1)
    result[::step] = weights
    return result


def cyclotomic(n):
    return [int(c) for c in reversed(sp.Poly(sp.cyclotomic_poly(n, sp.Symbol("z"))).all_coeffs())]


LOG_JORDAN = [5, 6, 9, 12, 15, 8, 9, 6, 3, 0, 2]  # (q^2) [5, -4, 2] at stride 5: nu_R = 1 exactly
OSCILLATING = [1, 2, 0, 0, 0, 0, 0, 1, 2]  # (1 + 2 z)(1 + z^7): Phi_14 and a cycle of length 3

KNOWN = [
    # kernel, stride, order, quotient, nu
    (2, 2, 1, [1], sp.Rational(1, 2)),
    (3, 3, 1, [1], sp.Rational(1, 2)),
    ([1, 2, 1], 2, 2, [1], sp.Rational(3, 2)),
    ([1, 3, 3, 1], 2, 3, [1], sp.Rational(5, 2)),
    ([1, 4, 6, 4, 1], 2, 4, [1], sp.Rational(7, 2)),
    ([1, 2, 3, 2, 1], 3, 2, [1], sp.Rational(3, 2)),
    (4, 2, 1, [1, 0, 1], 1),
    ([1, 2, 0, 1, 2], 2, 1, [1, 1, -1, 2], sp.log(3) / sp.log(2) / 2),
    ([1, 0, 1], 2, 0, [1, 0, 1], 0),
    ([1, 0, 0, 1], 2, 1, [1, -1, 1], 0),
    (3, 2, 0, [1, 1, 1], -sp.log((5 + sp.sqrt(17)) / 9) / sp.log(2) / 2),
    ([2, 1], 2, 0, [2, 1], -sp.log(sp.Rational(10, 9)) / sp.log(2) / 2),
    (6, 3, 1, [1, 0, 0, 1], sp.Rational(1, 2) + sp.log(2) / sp.log(3) / 2),
    (LOG_JORDAN, 5, 2, [5, -4, 2], 1),
    ([0, 3, 0], 2, 0, [1], -sp.Rational(1, 2)),
]


@pytest.mark.parametrize(("kernel", "stride", "order", "quotient", "nu"), KNOWN)
def test_known_smoothness(kernel, stride, order, quotient, nu):
    smooth = smoothness(kernel, stride)
    assert smooth.order == order
    assert smooth.quotient == tuple(Fraction(c, sum(quotient)) for c in quotient)
    assert sp.simplify(sp.expand_log(smooth.nu - nu, force=True)) == 0
    trimmed = times(*[[1] * stride] * order, quotient)
    scale = Fraction(sum(smooth.kernel.trimmed), sum(trimmed))
    assert [scale * c for c in trimmed] == list(smooth.kernel.trimmed)


@functools.cache
def filters():
    """Non-negative filters q^n b of four strides, b signed or not, spread or not."""
    rng = random.Random(5)
    chosen = {(tuple(LOG_JORDAN), 5), (tuple(OSCILLATING), 2), ((1, 1, 0, 1, 1), 2)}
    while len(chosen) < 2600:
        stride = rng.choice([2, 2, 3, 3, 4, 6])
        order = rng.choice([0, 1, 1, 2, 2, 3])
        low = rng.choice([-4, -1, 0])
        b = [rng.randint(low, 5) for _ in range(rng.randint(1, 5))]
        b[0], b[-1] = rng.randint(1, 5), rng.randint(1, 5)
        a = times(*[[1] * stride] * order, b)
        if rng.random() < 0.1:
            a = spread(a, rng.choice([2, 3, 5]))
        if min(a) >= 0 and 1 < len(a) <= 22:
            chosen.add((tuple(x // math.gcd(*a) for x in a), stride))
    return sorted(chosen)


def larger(radius, rational):
    """Whether an exact positive root, not normalised, exceeds a rational number."""
    if radius.factor.degree() == 1:
        return -Fraction(int(radius.factor[0]), int(radius.factor[1])) > rational
    return float(radius) * float(radius.scale) > rational  # distinct: a gap of 1e-12 is asserted


def test_the_exponents_of_2600_filters_follow_exactly():
    """alpha = 2 min(1, max(0, nu_R)), beta = d (1 + 2 min(0, nu_R)): as equalities of roots.

    Not normalised: rho_a = rho_b (n = 0) or W^2/s (n > 0); rho_D = rho_a, rho_b, or W^2/s^3,
    W the sum of the weights. No floats but in telling apart distinct numbers.
    """
    seen = dict.fromkeys(["zero", "one", "rough", "saturated", "irrational", "signed"], 0)
    for weights, stride in filters():
        rates, smooth = growth(weights, stride), smoothness(list(weights), stride)
        inner, total = smooth.quotient_radius, Fraction(sum(weights)) ** 2
        gap = abs(float(inner) * float(inner.scale) / float(total / stride**3) - 1)
        assert gap == 0 or gap > 1e-12
        assert rates.peak.multiplicity == 1
        assert rates.peak.peak_alone
        if smooth.order == 0:
            assert rates.peak.factor == inner.factor == rates.drop.factor
            assert rates.drop.multiplicity == 1
            assert rates.drop.peak_alone
            assert float(inner) >= 1 / stride * (1 - 1e-15)
        else:
            assert rates.peak.sympy() == sp.Rational(1, stride)
            saturated = smooth.order > 1 and not larger(inner, total / stride**3)
            if saturated:
                assert rates.drop.sympy() == sp.Rational(1, stride**3)
            else:
                assert rates.drop.factor == inner.factor
            seen["saturated"] += saturated
            seen["signed"] += min(smooth.quotient) < 0 and not saturated
            seen["irrational"] += inner.factor.degree() > 1 and not saturated
        steady = smooth.order > 0 and sd.Kernel(list(weights)).span == 1
        assert rates.peak.same_as(rates.drop) is not steady  # alpha > 0 iff sum rule and span 1
        seen["zero"] += not steady
        seen["one"] += smooth.order == 1
        seen["rough"] += smooth.order == 0
    assert min(seen.values()) > 150, seen


def test_the_exponents_themselves():
    """The same as SymPy numbers, against the public function, in three dimensions."""
    rng = random.Random(2)
    for weights, stride in rng.sample(filters(), 60):
        nu = smoothness(list(weights), stride).nu
        dim = rng.randint(1, 3)
        exponents = sd.predict_exponents(kernel=list(weights), stride=stride, dim=dim)
        # Exact numbers written in different ways: 30 digits, one of rounding.
        for value, expected in (
            (exponents.alpha, 2 * sp.Min(1, sp.Max(0, nu))),
            (exponents.beta, dim * (1 + 2 * sp.Min(0, nu))),
        ):
            assert abs(sp.N(value - expected, 30, maxn=200)) < sp.Float("1e-28")


def test_negative_controls_of_the_theorem():
    """One sum rule left in b; the smoothness itself in place of nu_R for unstable shifts."""
    wrong = 0
    for weights, stride in filters()[::20]:
        smooth = smoothness(list(weights), stride)
        if smooth.order == 0:
            continue
        inner = [
            int(f * math.lcm(*(x.denominator for x in smooth.quotient))) for f in smooth.quotient
        ]
        left = growth(tuple(times([1] * stride, inner)), stride).peak
        less = smooth.order - 1 - math.log(stride * float(left), stride) / 2
        # rho(T_{(q/s) b}) = max(1/s, s^-2 rho_b): nu would be cut at n - 1
        assert less == pytest.approx(min(float(smooth.nu), smooth.order - 1), abs=1e-12)
        alpha = float(sd.predict_exponents(kernel=list(weights), stride=stride).alpha)
        wrong += abs(2 * min(1, max(0, less)) - alpha) > 1e-6
    assert wrong > 20
    # [1, 0, 1] is refined by the box over [0, 2], of smoothness 1/2; alpha is 0, not 1.
    assert smoothness([1, 0, 1], 2).nu == 0
    assert smoothness(2, 2).nu == sp.Rational(1, 2)
    assert not smoothness([1, 0, 1], 2).stable
    assert sd.predict_exponents(kernel=[1, 0, 1], stride=2).alpha == 0


def operator(weights, stride, reach):
    """T on even sequences of the window |m| <= reach, not normalised, as integer rows."""
    half = autocorrelation(weights)

    def at(lag):
        return half[abs(lag)] if abs(lag) < len(half) else 0

    return [
        [at(m - stride * n) + (at(m + stride * n) if n else 0) for n in range(reach + 1)]
        for m in range(reach + 1)
    ]


def closed_reach(weights, stride):
    return max(0, -(-(len(weights) - 1) // (stride - 1)) - 1)


SIGNED = [
    ([1, -3, 4], 2),
    ([2, 1, -1, 5, -2], 2),
    ([-1, 2, 2, -1, 1], 3),
    ([5, -4, 2], 5),
    ([1, 1, -1, 2], 2),
    ([3, -1, 0, 0, 2, 1, -1], 4),
    ([1, -1, 1], 2),
    ([7], 3),
]


@pytest.mark.parametrize(("weights", "stride"), SIGNED)
def test_step_1_energy_grows_with_the_spectral_radius(weights, stride):
    """|T^k v| <= |v|_1 gamma_k(0) for any sequence v; the radius is that of every closed window."""
    rng = random.Random(3)
    half, reach = autocorrelation(weights), len(weights) + 2
    lags = range(-reach, reach + 1)
    v = {m: rng.randint(-9, 9) for m in lags}
    size = sum(map(abs, v.values()))
    for energy, _ in strided_orbit(weights, stride, 12):
        assert max(map(abs, v.values())) <= size * energy
        v = {
            m: sum(
                half[abs(m - stride * n)] * x
                for n, x in v.items()
                if abs(m - stride * n) < len(half)
            )
            for m in lags
        }
    radius = growth(tuple(weights), stride).peak
    for extra in (0, 1, 3):
        matrix = np.array(operator(weights, stride, closed_reach(weights, stride) + extra), float)
        largest = max(abs(np.linalg.eigvals(matrix))) / sum(weights) ** 2
        assert largest == pytest.approx(float(radius), rel=1e-7)  # a defective pair: 1e-16^(1/2)
    length = len(weights)
    for (energy, _), (_, total), k in zip(
        strided_orbit(weights, stride, 6),
        composite_filters([(weights, stride)] * 6),
        range(7),
        strict=True,
    ):
        support = 1 + (length - 1) * (stride**k - 1) // (stride - 1)
        assert Fraction(energy, total**2) >= Fraction(1, support)


def norms(weights, stride, depth):
    """[(|h_k|^2, |Delta h_k|^2)] exactly."""
    result = []
    for h, total in composite_filters([(weights, stride)] * depth):
        padded = [0, *h, 0]
        change = sum((x - y) ** 2 for x, y in itertools.pairwise(padded))
        result.append((Fraction(sum(x * x for x in h), total**2), Fraction(change, total**2)))
    return result


@pytest.mark.parametrize(
    ("weights", "stride"),
    [([1, 1, 1], 2), ([2, 1], 2), ([1, 0, 1], 2), ([1, 5, 1, 7, 1, 2], 3), ([4, 1, 1], 4)],
)
def test_step_2_unequal_cosets_keep_the_filter_rough(weights, stride):
    total = sum(weights)
    cosets = [weights[r::stride] for r in range(stride)]
    sums = [Fraction(sum(c), total) for c in cosets]
    pairs = list(itertools.combinations(range(stride), 2))
    r, q = max(pairs, key=lambda p: abs(sums[p[0]] - sums[p[1]]))
    gap = abs(sums[r] - sums[q])
    assert gap > 0
    # a_r(w) - a_q(w) = gap + (1 - w) e(w): the partial sums of the rest bound e
    longest = max(len(cosets[r]), len(cosets[q]))
    rest = [
        Fraction(x - y, total)
        for x, y in zip(
            cosets[r] + [0] * (longest - len(cosets[r])),
            cosets[q] + [0] * (longest - len(cosets[q])),
            strict=True,
        )
    ]
    rest[0] -= sum(rest)
    constant = sum(abs(sum(rest[: j + 1])) for j in range(longest))
    for (old, old_step), (new, new_step) in itertools.pairwise(norms(weights, stride, 7)):
        assert new <= old
        bound = (stride - 1) * math.sqrt(new_step) + constant * math.sqrt(old_step)
        assert float(gap) * math.sqrt(old) <= bound * (1 + 1e-12)


@pytest.mark.parametrize(
    ("g", "stride"),
    [([1, 1, -1, 2], 2), ([1], 3), ([1, -1, 1], 2), ([5, 1, -1, 3], 3), ([1, 0, 0, 1], 3)],
)
def test_step_3_differences_of_h_are_those_of_g_far_apart(g, stride):
    """c_k(0) - c_k(1) = s^-2k (gamma_k(0) - gamma_k(S_k)), between gamma_k(0)/j^2 and twice it."""
    a = times([1] * stride, g)
    depth = 6
    for k, ((h, total), (f, part)) in enumerate(
        zip(
            composite_filters([(a, stride)] * depth),
            composite_filters([(g, stride)] * depth),
            strict=True,
        )
    ):
        far = stride**k

        def correlation(w, lag):
            return sum(x * y for x, y in zip(w, w[lag:], strict=False))

        left = Fraction(correlation(h, 0) - correlation(h, 1), total**2)
        energy = Fraction(correlation(f, 0), part**2)
        difference = energy - Fraction(correlation(f, far), part**2)
        assert left == difference / far**2
        j = -(-len(f) // far)
        assert energy / j**2 <= difference <= 2 * energy
        assert j <= 1 + -(-(len(g) - 1) // (stride - 1))
        if min(a) >= 0:  # the sum rule makes s T row-stochastic: c_k(0) <= 1/S_k
            assert Fraction(correlation(h, 0), total**2) <= Fraction(1, far)


@pytest.mark.parametrize(("weights", "stride"), SIGNED)
def test_step_4_one_more_sum_rule_adds_one_eigenvalue(weights, stride):
    """chi(T_{q e}) = (x - s e(1)^2) chi(T_e), on windows M and M - 1: not only the largest root."""
    for _ in range(3):
        longer = times([1] * stride, weights)
        reach = max(1, closed_reach(longer, stride))
        for extra in (0, 2):
            outer = fmpz_mat(operator(longer, stride, reach + extra)).charpoly()
            inner = fmpz_mat(operator(weights, stride, reach + extra - 1)).charpoly()
            assert outer == inner * fmpz_poly([-stride * sum(weights) ** 2, 1])
            assert outer != inner * fmpz_poly([-(stride**2) * sum(weights) ** 2, 1])
        weights = longer


@pytest.mark.parametrize("stride", [2, 3, 4, 6])
def test_the_box_law_follows(stride):
    """s | f: alpha = min(2, 1 + beta(f/s, s)), as a/(q/s) is the box of f/s spread by s."""
    for part in range(2, 9):
        rates, inner = growth((1,) * (part * stride), stride), growth((1,) * part, stride).peak
        if inner.sympy() == sp.Rational(1, stride):
            assert rates.drop.sympy() == sp.Rational(1, stride**3)
        else:
            assert rates.drop.factor == inner.factor


@pytest.mark.parametrize(
    ("kernel", "stride", "error", "message"),
    [
        (2, 1, ValueError, "stride must be an integer >= 2; got 1"),
        (2, True, TypeError, "stride must be an integer >= 2; got True"),
        ([1, -1], 2, ValueError, r"kernel\[1\] must be >= 0"),
        (sd.Kernel([2, -1], signed=True), 2, ValueError, "kernel must have weights >= 0"),
        ([0.1, 0.3 + 1e-14, 0.4, 0.2], 2, ValueError, "sum rule at stride 2 exactly or clearly"),
    ],
)
def test_bad_arguments_are_refused(kernel, stride, error, message):
    with pytest.raises(error, match=message):
        smoothness(kernel, stride)


def test_stride_beyond_the_kernel_and_shifts_of_it():
    smooth = smoothness([0, 2, 3, 0], 7)
    assert (smooth.order, smooth.stable) == (0, True)
    assert smooth.nu == smoothness([2, 3], 7).nu
    assert "nu_R" in repr(smooth)
