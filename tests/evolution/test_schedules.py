"""Boundaries of bias schedules against closed forms, exact laws on integers, and simulation."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

import scaledet as sd
from scaledet.evolution.schedules import KINDS, _survives
from tests import evolution_reference as reference
from tests.evolution import biased


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("kernel", "dim", "depth"), [(2, 1, 6), (3, 1, 3), (2, 2, 3)])
def test_the_signal_dies_at_the_boundary_and_not_before(kind, kernel, dim, depth):
    phases = sd.bias_phases(kind, kernel=kernel, dim=dim, depth=depth)
    size = kernel ** (depth + 1)
    below = phases.evolve(phases.signal * Fraction(999, 1000), size=size, points=300)
    at = phases.evolve(phases.signal, size=size, points=300)
    assert below.dead_at is None
    assert at.dead_at == phases.dead_layer(phases.signal) == (1 if kind == "early" else depth)


@pytest.mark.parametrize(
    "theta", [Fraction(1, 3), Fraction(2, 7), Fraction(1, 100), Fraction(3, 2)]
)
def test_dead_layers(theta):
    depth = 7
    for kind in KINDS:
        phases = sd.bias_phases(kind, depth=depth)
        layer = phases.dead_layer(theta)
        evolution = phases.evolve(theta, size=2 ** (depth + 1), points=300)
        assert evolution.dead_at == (layer if layer is not None and layer <= depth else None)
        assert phases.dead_layer(0) is None


@pytest.mark.parametrize("depth", [3, 5, 9])
@pytest.mark.parametrize("copies", [2, 3])
def test_boundary_of_an_early_cut_in_closed_form(depth, copies):
    """G_K = n^K mu^2 + n v = 1 with the moments of relu(Z/sqrt(n) - tau/n)."""
    phases = sd.bias_phases("early", kernel=copies, depth=depth)

    def sensitivity(tau):
        s, m = 1 / mp.sqrt(copies), -tau / copies
        t = m / s
        mean = m * mp.ncdf(t) + s * mp.npdf(t)
        square = (m * m + s * s) * mp.ncdf(t) + m * s * mp.npdf(t)
        return copies**depth * mean**2 + copies * (square - mean**2)

    low, high = phases.noise
    assert high - low < 1e-8
    if sensitivity(mp.mpf(0)) <= 1:
        assert (low, high) == (0, 0)
    else:
        assert sensitivity(low) > 1 > sensitivity(high)


@pytest.mark.parametrize(("kind", "depth"), [("proportional", 5), ("constant", 5)])
def test_boundaries_against_simulation(kind, depth):
    """20 % to either side of the boundary the simulated G_k is above and below 1."""
    phases = sd.bias_phases(kind, depth=depth)
    ratio = sum(phases.noise) / 2
    size = 2 ** (depth + 8)
    sigma = 1e-6  # weak noise: the signal does not feel the bias
    linear = 2 * 2.0 ** (-2 * depth) * size * sigma**2 / 2
    sides = []
    for part in (0.8, 1.2):
        biases = [float(b) for b in phases.biases(part * ratio * sigma)]
        energy, error = reference.noise_energy(
            [1, 1], 2, biases, size=size, sigma=sigma, rectify="layers", samples=1000, rng=41
        )
        sides.append((energy[-1] - linear) / error[-1])
    assert sides[0] > 4
    assert sides[1] < -4


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("rectify", ["layers", "input"])
def test_the_critical_ratio_separates_survival_from_death(kernel, rectify):
    phases = sd.bias_phases(depth=2, kernel=kernel, rectify=rectify)
    low, high = phases.critical
    assert 0 < high - low < 3e-3
    # Of infinite order: below it the mean that survives vanishes like exp(-C/sqrt(distance)).
    depth = 40
    for ratio, alive in ((low - 0.2, True), (high + 0.02, False)):
        biases = [-ratio * float(kernel) ** -k for k in range(1, depth + 1)]
        evolution = sd.evolve(biased(kernel, biases), rectify=rectify)
        if alive:
            assert evolution.mean[-1] == pytest.approx(evolution.mean[-10], rel=1e-3)
            assert evolution.mean[-1] > 0
        else:
            assert evolution.mean[-1] < 1e-3 * kernel ** -float(depth)
    # Layer 1 already bounds it: the mean of the noise against all biases to come.
    if rectify == "input":
        assert low > (kernel - 1) / math.sqrt(2 * math.pi)


def integer_layer(law, copies):
    """Law of (sum of copies - 1)_+ for a law on 0, 1, 2, ..., exact."""
    total = [Fraction(1)]
    for _ in range(copies):
        longer = [Fraction(0)] * (len(total) + len(law) - 1)
        for i, p in enumerate(total):
            for j, q in enumerate(law):
                longer[i + j] += p * q
        total = longer
    return [total[0] + total[1], *total[2:]]


@pytest.mark.parametrize("copies", [2, 3])
@pytest.mark.parametrize("p", [Fraction(19, 100), Fraction(1, 5), Fraction(21, 100)])
def test_the_sign_that_decides_never_changes_on_integers(copies, p):
    """(n - 1) E y n^y - E n^y is multiplied by a positive number, (E n^y)^(n - 1)."""
    law = [1 - p, Fraction(0), p]
    values = []
    for _ in range(3):
        first = sum(q * copies**y for y, q in enumerate(law))
        second = sum(q * y * copies**y for y, q in enumerate(law))
        values.append((copies - 1) * second - first)
        expected = first ** (copies - 1) * values[-1]
        law = integer_layer(law, copies)
        after = sum(q * ((copies - 1) * y - 1) * copies**y for y, q in enumerate(law))
        assert after == expected
    if copies == 2:
        assert np.sign(float(values[0])) == np.sign(float(p - Fraction(1, 5)))


def test_undecided_is_said():
    net = sd.Network.uniform(2, 2, 3)
    low, high = sd.bias_phases(depth=2).critical
    assert _survives(net, (low + high) / 2, "layers") is None
    assert _survives(net, 0.3, "layers") is True
    assert _survives(net, 2.0, "layers") is False


def test_spending_the_budget_earlier_lowers_every_background_unit():
    """Pointwise, on the same noise: the theorem behind `best`."""
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.3, (2000, 64))
    budgets = rng.dirichlet(np.ones(4), 30) * 0.9

    def background(budget):
        x = noise
        for k, spent in enumerate(budget, start=1):
            x = np.maximum(x.reshape(len(x), -1, 2).mean(axis=-1) - spent / 2**k, 0)
        return x

    lowest = background([0.9, 0, 0, 0])
    for budget in budgets:
        assert (background(budget) >= lowest - 1e-15).all()
        assert (background(budget) > lowest + 1e-6).any()


@pytest.mark.parametrize(("kernel", "depth", "size"), [(2, 4, 64), (3, 3, 81)])
def test_no_random_schedule_beats_the_best(kernel, depth, size):
    best = sd.bias_phases(kernel=kernel, depth=depth).best(size=size)
    assert best.dead_at is None
    assert [layer.bias for layer in best.network.layers[1:]] == [0] * (depth - 1)
    rng = np.random.default_rng(9)
    for _ in range(40):
        budget = rng.uniform(0, 0.9) * rng.dirichlet(np.full(depth, 0.4))
        biases = [-b / float(kernel) ** k for k, b in enumerate(budget, start=1)]
        evolution = sd.evolve(biased(kernel, biases), size=size, points=300)
        assert evolution.G[-1] >= best.G[-1] * (1 - 1e-9)
    # Its own neighbours are worse: it is a minimum in theta.
    first = float(best.network.layers[0].bias)
    for part in (0.98, 1.02):
        biases = [first * part, *[0] * (depth - 1)]
        evolution = sd.evolve(biased(kernel, biases), size=size)
        assert evolution.G[-1] > best.G[-1]


@pytest.mark.parametrize("rectify", ["layers", "input", "noise"])
@pytest.mark.parametrize(("kernel", "depth", "size"), [(2, 4, 32), (3, 2, 27)])
def test_an_early_cut_is_best_of_all_schedules_of_its_budget(rectify, kernel, depth, size):
    """At any noise and budget, also where the ReLU reaches the unit over the active pixel."""
    rng = np.random.default_rng(4)
    for _ in range(25):
        shares = rng.uniform(0, 0.99) * rng.dirichlet(np.full(depth, 0.5))
        sigma = 10 ** rng.uniform(-2, 0.5)
        late, early = (
            sd.evolve(
                biased(kernel, [-b / float(kernel) ** k for k, b in enumerate(cuts, start=1)]),
                size=size,
                sigma=sigma,
                rectify=rectify,
                points=300,
            )
            for cuts in (shares, [shares.sum(), *[0] * (depth - 1)])
        )
        assert late.Q[-1] == pytest.approx(early.Q[-1], rel=1e-9)
        assert late.G[-1] >= early.G[-1] * (1 - 1e-9) - early.G_err[-1] - late.G_err[-1]


def test_phases_of_single_points():
    phases = sd.bias_phases(depth=6)
    ratio = sum(phases.noise) / 2
    assert phases.phase(Fraction(1, 6), 0.01) == "signal dead"
    assert phases.phase(0.001 * ratio * 1.1, 0.001) == "noise suppressed"
    assert phases.phase(0.001 * ratio * 0.9, 0.001) == "noise piles up"
    assert phases.phase(0, 0.1, size=512) == "noise piles up"
    assert "theta >= 1/6" in repr(phases)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: sd.bias_phases("linear", depth=3), ValueError, "kind must be one of 'constant', "),
        (lambda: sd.bias_phases(depth=0), ValueError, r"depth must be an integer in \[1, 60\]"),
        (lambda: sd.bias_phases(depth=2, kernel=1), ValueError, r"kernel must be an integer in"),
        (lambda: sd.bias_phases(depth=2, dim=4), ValueError, "dim must be an integer"),
        (lambda: sd.bias_phases(depth=2, rectify=None), ValueError, "rectify must be one of"),
        (lambda: sd.bias_phases(depth=2).phase(-1, 0.1), ValueError, "theta must be a finite"),
        (lambda: sd.bias_phases(depth=2).phase("1", 0.1), TypeError, "theta must be a finite"),
        (lambda: sd.bias_phases(depth=2).dead_layer(math.nan), ValueError, "theta must be a fin"),
        (lambda: sd.bias_phases(depth=2).phase(0.1, 0), ValueError, "sigma must be a finite"),
        (lambda: sd.bias_phases("early", depth=2).critical, ValueError, "noise never dies"),
        (lambda: sd.bias_phases("constant", depth=2).critical, ValueError, "noise always dies"),
    ],
)
def test_bad_arguments(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
