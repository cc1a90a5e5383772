"""Limits that no filter beats: the steps, and exact networks that try."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import scaledet as sd
from scaledet import symbols as y
from scaledet.errors import DerivationError
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.rates import (
    deep_squares,
    far_sensitivity,
    growth_rates,
    measured_alpha,
    measured_beta,
    spectral_radius,
)
from scaledet.symbolic.routes.limits import dense_eigenvalue, members, parabola, peaked, sine
from scaledet.symbolic.steps.limits import PAGE, cited_limits, limit_steps

STEPS = limit_steps()
LOGARITHMIC = (1, 0, 3, 8, 3, 0, 1)


def test_no_limit_can_be_tightened() -> None:
    """A bound stronger by one part in a million is refuted, or attained by no filter."""
    for step in STEPS:
        claim = step.expression
        if not isinstance(claim, sp.Ge | sp.Le):
            continue
        up = isinstance(claim, sp.Ge)
        for factor, reason in ((up, "fails"), (not up, "attained in none")):
            scale = 1 + (1 if factor else -1) * sp.Rational(1, 10**4)
            wrong = type(claim)(claim.lhs, claim.rhs * scale, evaluate=False)
            with pytest.raises(DerivationError, match=reason):
                step.claiming(wrong).verify()


def test_filters_cite_the_limits_of_both_exponents() -> None:
    for cited, derived in zip(cited_limits(), STEPS[-2:], strict=True):
        assert cited.expression == derived.expression
        assert cited.verify() == derived.verify()
        assert PAGE in cited.justification


layers = st.lists(
    st.tuples(st.lists(st.integers(0, 6), min_size=1, max_size=5).filter(any), st.integers(1, 3)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(layers)
def test_no_network_beats_the_limits(layers: list[tuple[list[int], int]]) -> None:
    net = sd.Network([sd.Layer(sd.Kernel(weights), stride) for weights, stride in layers])
    pooled = PooledPixel([(layer.kernel.weights, layer.stride) for layer in net.layers])
    depth = net.depth
    drop, peak = pooled.sensitivity(depth), pooled.correlation(depth, 0)
    support, square = pooled.support(depth), 1 + 12 * pooled.variance(depth)
    assert peak >= Fraction(1, support)
    assert float(drop) >= 1 - math.cos(math.pi / (support + 1)) - 1e-12
    assert drop * (2 - drop) >= 1 / square
    assert 125 * peak**2 * square >= 108  # (6 sqrt(15) / 25)^2 = 108/125


def test_sine_window_is_lowest_by_dense_eigenvectors() -> None:
    for size in range(2, 8):
        matrix = 2 * np.eye(size) - np.eye(size, k=1) - np.eye(size, k=-1)
        values, vectors = np.linalg.eigh(matrix)
        lowest = abs(vectors[:, 0]) / abs(vectors[:, 0]).sum()
        window = np.sin(np.pi * np.arange(1, size + 1) / (size + 1))
        np.testing.assert_allclose(lowest, window / window.sum(), rtol=1e-10)
        assert float(dense_eigenvalue(0, size)) == pytest.approx(values[0], rel=1e-10)


def test_families_are_what_they_are_called() -> None:
    assert len(sine(3)) == 4
    assert peaked(1)[110] == max(peaked(1)) == 1
    assert parabola(1)[599] == max(parabola(1)) == 360000
    assert float(members(sine)[y.D](1)) == pytest.approx(1 / 2, rel=1e-15)


def test_path_has_no_more_eigenvalues_than_sites() -> None:
    with pytest.raises(IndexError, match="there is no eigenvalue 3 of 3"):
        dense_eigenvalue(3, 3)


HALVED = [(1, 1), (1, 1, 1), (2, 1), (1, 2, 1, 2), (3, 1, 4, 1), (1, 0, 1), (1,) * 6]
HALVED += [(1, 2, 0, 1, 2), LOGARITHMIC]
FILTERS = [(weights, 2) for weights in HALVED]
FILTERS += [((1,) * 6, 3), ((5, 1, 1, 2, 2), 3), ((1,) * 8, 4), ((1,) * 9, 5)]


@pytest.mark.parametrize(("weights", "stride"), FILTERS)
def test_measured_rates_are_those_of_the_exact_engine(
    weights: tuple[int, ...], stride: int
) -> None:
    exact = sd.predict_exponents(kernel=sd.Kernel(list(weights)), stride=stride)
    assert abs(sp.N(exact.alpha - measured_alpha(weights, stride), 40)) < 1e-35
    assert abs(sp.N(exact.beta - measured_beta(weights, stride), 40)) < 1e-35
    share = tuple(sp.Rational(w, sum(weights)) for w in weights)
    radius = spectral_radius(share, stride)
    assert abs(sp.N(exact.peak_growth - radius, 40)) < 1e-35
    peak, drop = growth_rates(weights, stride)
    assert drop.multiplicity - peak.multiplicity == exact.log_power
    if exact.plateau is not None and exact.plateau != 0:
        assert abs(sp.N(exact.plateau - far_sensitivity(weights, stride), 40)) < 1e-35


def test_logarithm_is_exact() -> None:
    exact = sd.predict_exponents(kernel=list(LOGARITHMIC), stride=2)
    assert (exact.alpha, exact.log_correction, exact.log_power) == (2, True, 1)


def test_squares_beyond_memory_continue_those_convolved() -> None:
    terms = deep_squares((1,) * 20, 10)
    assert len(terms) > 7  # 10^7 sites are not convolved
    deep = sd.predict(sd.Network.uniform(20, 10, depth=7), size=None).exact_D[7]
    assert deep == 1 - Fraction(terms[7][1], terms[7][0])
