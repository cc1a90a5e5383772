"""Stability of integer shifts: known filters, the infinite product, the transition operator."""

from __future__ import annotations

import functools
import math
import random

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize_scalar

import scaledet as sd
from scaledet.theory.growth.smoothness import smoothness
from tests.dense import autocorrelation
from tests.theory.growth.test_smoothness import OSCILLATING, cyclotomic, filters, spread, times

UNSTABLE = [
    ([1, 0, 1], 2, "all polyphase components share the factor w + 1, zero at |w| = 1"),
    (4, 2, "all polyphase components share the factor w + 1, zero at |w| = 1"),
    ([1, 2, 0, 1, 2], 2, "Phi_6 divides a(z), opposite the cycle 2 pi j/3"),
    ([1, 0, 0, 1], 2, "Phi_6 divides a(z), opposite the cycle 2 pi j/3"),
    (OSCILLATING, 2, "Phi_14 divides a(z), opposite the cycle 2 pi j/7"),
    (spread([1] * 4, 3), 4, "Phi_6, Phi_12 divide a(z), opposite the cycle 2 pi j/3"),
    (spread([1] * 6, 5), 6, "Phi_10, Phi_15, Phi_30 divide a(z), opposite the cycle 2 pi j/5"),
    (9, 3, "all polyphase components share the factor w**2 + w + 1, zero at |w| = 1"),
    # 5 w^2 + 2 w + 5: on the circle, at no root of unity
    (times([1, 1], spread([5, 2, 5], 2)), 2, "share the factor 5*w**2 + 2*w + 5"),
    (spread([1, 1, 0, 1, 1], 3), 3, "share the factor w**2 - w + 1"),
]


@pytest.mark.parametrize(("kernel", "stride", "reason"), UNSTABLE)
def test_unstable_shifts(kernel, stride, reason):
    smooth = smoothness(kernel, stride)
    assert not smooth.stable
    assert reason in smooth.obstruction
    assert reason in repr(smooth)


STABLE = [
    (2, 2),
    (3, 2),
    (5, 2),
    ([1, 2, 1], 2),
    ([1, 3, 3, 1], 2),
    ([1, 4, 6, 4, 1], 2),
    (3, 3),
    (4, 4),
    ([1, 2, 2, 3], 2),
    ([2, 1], 2),
    (1, 2),
    (3, 5),
    # of the pair (Phi_6, Phi_12) at stride 4 one alone leaves a way back
    (times([1, 1, 1, 1], [1, 0, 0, 1]), 4),
    (times([1, 1, 1, 1], [1, 0, 0, 0, 0, 0, 1]), 4),
    # polyphase components share 2 w^2 + 5 w + 2 (palindromic) or w - 3: no zero on the circle
    (times([1, 1], spread([2, 5, 2], 2)), 2),
    (times([1, 1], spread([3, 1], 2)), 2),
]


@pytest.mark.parametrize(("kernel", "stride"), STABLE)
def test_stable_shifts(kernel, stride):
    smooth = smoothness(kernel, stride)
    assert smooth.stable
    assert smooth.obstruction is None
    assert "shifts stable" in repr(smooth)


def transform(weights, stride, angles, terms):
    """sum_l |phi^(theta + 2 pi l)|^2 over |l| <= terms, from the infinite product."""
    x = angles[:, None] + 2 * np.pi * np.arange(-terms, terms + 1)
    value = np.ones_like(x, dtype=complex)
    polynomial = np.array(weights[::-1]) / sum(weights)
    while abs(x).max() * len(weights) > 1e-7:
        x = x / stride
        value *= np.polyval(polynomial, np.exp(1j * x))
    return (abs(value) ** 2).sum(axis=1)


def smallest_sum(weights, stride, terms=12, points=360):
    """Minimum over theta: a grid, then the three lowest of its local minima refined."""
    grid = np.linspace(0, np.pi, points + 1)
    values = transform(weights, stride, grid, terms)
    inner = np.r_[np.inf, values, np.inf]
    dips = np.flatnonzero((values <= inner[:-2]) & (values <= inner[2:]))
    best = values.min()
    for dip in sorted(dips, key=lambda i: values[i])[:3]:
        width = np.pi / points
        bounds = (grid[dip] - width, grid[dip] + width)
        minimum = minimize_scalar(
            lambda t: transform(weights, stride, np.array([t]), terms)[0],
            bounds=bounds,
            method="bounded",
            options={"xatol": 1e-9},
        )
        best = min(best, minimum.fun)
    return best


@functools.cache
def stability_cases():
    """Filters of both kinds: products of what the criterion looks for, complete or not."""
    rng = random.Random(8)
    cases = set()
    while len(cases) < 160:
        stride = rng.choice([2, 3, 4, 6])
        parts = [[rng.randint(0, 3) for _ in range(rng.randint(1, 4))]]
        parts[0][0], parts[0][-1] = rng.randint(1, 3), rng.randint(1, 3)
        if rng.random() < 0.6:
            parts.append([1] * stride)
        m = rng.choice([n for n in (2, 3, 5, 7) if math.gcd(n, stride) == 1])
        kind = rng.random()
        if kind < 0.3:
            whole = times(*[cyclotomic(m * t) for t in range(2, stride + 1) if stride % t == 0])
            parts.append(whole)
        elif kind < 0.6:
            divisors = [t for t in range(2, stride + 1) if stride % t == 0]
            parts.append(cyclotomic(m * rng.choice(divisors)))
        elif kind < 0.8:
            parts.append(spread(rng.choice([[1, 1], [1, 1, 1], [2, 1, 2], [2, 5, 2]]), stride))
        a = times(*parts)
        for _ in range(8):
            if min(a) >= 0:
                break
            a = times(a, [1, 1])
        if min(a) >= 0 and 1 < len(a) <= 26:
            cases.add((tuple(a), stride))
    return sorted(cases)


def test_stability_against_the_infinite_product():
    """Unstable iff sum_l |phi^(theta + 2 pi l)|^2 vanishes somewhere; a gap of 10^5 in between."""
    kinds = {True: 0, False: 0}
    for weights, stride in stability_cases():
        smooth, smallest = smoothness(list(weights), stride), smallest_sum(weights, stride)
        assert smallest < 1e-14 or smallest > 1e-9, (weights, stride, smallest)
        assert smooth.stable is bool(smallest > 1e-9), (weights, stride, smallest)
        kinds[smooth.stable] += 1
    assert min(kinds.values()) > 40, kinds


def vanishes(weights, stride):
    """Whether sum_m <phi, phi(. - m)> e^(i m theta) has a real zero: exact.

    The correlations are the stationary law of the row-stochastic matrix s T on |m| <= M.
    """
    half, total = autocorrelation(weights), sum(weights)
    reach = -(-(len(weights) - 1) // (stride - 1))
    lags = range(-reach, reach + 1)
    rows = sp.Matrix(
        [
            [
                sp.Rational(stride * half[abs(m - stride * n)], total**2)
                if abs(m - stride * n) < len(half)
                else 0
                for m in lags
            ]
            for n in lags
        ]
    )
    laws = (rows - sp.eye(len(lags))).nullspace()
    assert len(laws) == 1  # one recurrent class: span 1
    law = laws[0] / sum(laws[0])
    assert min(law) >= 0
    t = sp.Symbol("t")
    polynomial = sum(
        law[reach + m] * (2 * sp.chebyshevt(m, t / 2) if m else 1) for m in range(reach + 1)
    )
    return sp.Poly(polynomial, t).count_roots(-2, 2) > 0


def test_stability_against_the_eigenvector_of_the_transition_operator():
    cases = [
        (w, s)
        for w, s in [*stability_cases(), *filters()[::40]]
        if sd.Kernel(list(w)).sum_rule_defect(s) == 0 and len(w) <= 5 * s
        if sd.Kernel(list(w)).span == 1
    ]
    kinds = {True: 0, False: 0}
    for weights, stride in cases[:90]:
        smooth = smoothness(list(weights), stride)
        assert smooth.stable is not vanishes(list(weights), stride), (weights, stride)
        kinds[smooth.stable] += 1
    assert min(kinds.values()) > 15, kinds
