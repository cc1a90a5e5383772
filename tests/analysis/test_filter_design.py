"""Designed filters: eigenvalues, brute force over whole weights, certified bounds, trade-offs."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import differential_evolution

import scaledet as sd
from scaledet.analysis.filter_search import Aim, noise_sensitivity, peak_at
from scaledet.network.grid_kernel import GridKernel
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.recursion import PlainRecursion

RNG = np.random.default_rng(13)


def responses(weights, stride, depth):
    """D_k, G_k in d = 1, by the plain recursion over all lags."""
    recursion = PlainRecursion([Fraction(int(w), int(sum(weights))) for w in weights], stride)
    peak = float(recursion.peak(depth))
    return float(recursion.sensitivity(depth)), (1 / peak + math.pi - 1) / (2 * math.pi)


@pytest.mark.parametrize("length", [1, 2, 3, 6, 11])
@pytest.mark.parametrize("stride", [1, 2, 5])
def test_one_layer_is_an_eigenvalue_problem(length, stride):
    design = sd.design_filter(length, stride)
    values, vectors = eigh_tridiagonal(np.ones(length), np.full(length - 1, -0.5))
    best = abs(vectors[:, 0])
    np.testing.assert_allclose(design.optimum, best / best.sum(), atol=1e-6)
    assert design.bound == pytest.approx(values[0], rel=1e-12)
    assert design.columns()["over_bound"][0] == pytest.approx(1, rel=1e-10)
    assert design.bound == pytest.approx(1 - math.cos(math.pi / (length + 1)), rel=1e-12)


@pytest.mark.parametrize(
    ("length", "stride", "depth", "total"),
    [(3, 2, 3, 60), (3, 3, 2, 60), (4, 2, 2, 24), (3, 1, 3, 60)],
)
def test_no_filter_of_whole_weights_is_better(length, stride, depth, total):
    """All of one sum; the best of them is near the optimum: the search has not stopped early."""
    best = sd.design_filter(length, stride, depth=depth).columns()["value"][0]
    values = [
        responses(weights, stride, depth)[0]
        for weights in itertools.product(range(total + 1), repeat=length)
        if sum(weights) == total
    ]
    assert best <= min(values) * (1 + 1e-9)
    assert min(values) < best * 1.02


@pytest.mark.parametrize(("length", "depth"), [(4, 4), (5, 3)])
def test_a_global_optimiser_without_gradients_finds_nothing_better(length, depth):
    def value(weights):
        net = sd.Network.uniform([float(w) + 1e-9 for w in weights], 2, depth)
        return math.log(sd.predict(net).D[-1])

    best = sd.design_filter(length, 2, depth=depth).columns()["value"][0]
    settings = {"rng": 1, "maxiter": 40, "popsize": 8, "tol": 1e-8}
    done = differential_evolution(value, [(0, 1)] * length, polish=False, **settings)
    assert math.log(best) <= done.fun + 1e-9
    assert done.fun < math.log(best) + 0.05


@pytest.mark.parametrize(
    ("length", "stride", "depth", "dim"), [(3, 2, 4, 1), (5, 2, 3, 2), (4, 1, 3, 3), (2, 5, 3, 1)]
)
def test_values_and_gradients(length, stride, depth, dim):
    aim = Aim(length, stride, depth, dim, 0.5, None)
    weights = RNG.dirichlet(np.ones(length))
    net = sd.Network.uniform(weights, stride, depth, dim)
    theory = sd.predict(net)
    assert aim.sensitivities(weights) == pytest.approx((theory.D[-1], theory.G[-1]), rel=1e-10)
    for function in (aim.moments, aim._logarithms):
        slopes = function(weights)[1]
        for j in range(length):
            step = 1e-6 * np.eye(length)[j]
            difference = function(weights + step)[0] - function(weights - step)[0]
            np.testing.assert_allclose(slopes[:, j], difference / 2e-6, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_noise_and_peak_are_inverse_and_those_of_the_theory(dim):
    net = sd.Network.uniform([1, 3, 2], 2, 3, dim)
    peak = float(PooledPixel([(net[0].kernel.weights, 2)]).correlation(3, 0))
    assert noise_sensitivity(peak, dim) == pytest.approx(sd.predict(net).G[-1], rel=1e-12)
    assert peak_at(noise_sensitivity(peak, dim), dim) == pytest.approx(peak, rel=1e-12)


CASES = [
    {"length": 3, "stride": 2, "depth": 1},
    {"length": 5, "stride": 2, "depth": 4},
    {"length": 4, "stride": 3, "depth": 3, "objective": 0.4},
    {"length": 3, "stride": 2, "depth": 2, "max_G": 1.0},
    {"length": 6, "stride": 2, "depth": 3, "dim": 2, "max_G": 3.0},
    {"length": 4, "stride": 1, "depth": 3, "objective": 0.2, "max_G": 1.1},
    {"length": 2, "stride": 4, "depth": 3, "objective": 0.5},
    {"length": 3, "stride": 4, "depth": 3, "max_G": 2.0},
]


@pytest.mark.parametrize("case", CASES)
def test_no_filter_drawn_at_random_is_below_bound_or_optimum(case):
    design = sd.design_filter(**case)
    aim, best = design.aim, design.columns()["value"][0]
    assert design.bound <= best
    admitted = 0
    for _ in range(400):
        weights = RNG.dirichlet(np.full(design.length, RNG.choice([0.2, 1.0, 5.0])))
        D, G = aim.sensitivities(weights)
        if aim.admits(G):
            admitted += 1
            assert aim.value(D, G) >= best * (1 - 1e-7)
    assert admitted > 20


@pytest.mark.parametrize("case", CASES)
def test_the_table_and_the_rational_filter(case):
    design = sd.design_filter(**case)
    columns = design.columns()
    names = columns["filter"]
    assert names[:2] == ["optimum", "rational"]
    assert {f"box({design.length})"} <= set(names)
    admitted = np.array(columns["admitted"])
    assert admitted[:2].all()
    assert (columns["over_optimum"][admitted] >= 1 - 1e-6).all()
    assert 1 - 1e-6 <= columns["over_optimum"][1] <= 1.01 + 1e-9
    # Exact, by pooled images.
    pooled = PooledPixel([(design.kernel.weights, design.stride)])
    assert pooled.sensitivity(design.depth) == design.D
    assert design.gap == pytest.approx(columns["value"][1] / design.bound - 1, rel=1e-9)
    assert columns["G"][1] == design.G
    simpler = [design.aim.value(*design.aim.sensitivities(k.integers)) for k in design.simpler]
    assert simpler == sorted(simpler, reverse=True)
    sums = [sum(kernel.integers) for kernel in design.simpler]
    assert sums[-1] == max(sums)


def test_rational_filters_meet_the_sum_rule_where_it_costs_little():
    for length in (3, 4, 5, 6, 7):
        design = sd.design_filter(length, 2, depth=6)
        assert design.kernel.sum_rule_defect(2) == 0
        assert sd.predict_exponents(kernel=design.kernel, stride=2).alpha > 1.9
    single = sd.design_filter(5, 2)
    assert single.kernel.sum_rule_defect(2) > 0
    assert "(no sum rule)" in single.remarks()[-1]


def test_five_weights_beat_the_binomial_filter_by_almost_two():
    design = sd.design_filter(5, 2, depth=6)
    assert design.kernel == sd.Kernel([2, 3, 2, 3, 2])
    binomial = PlainRecursion(sd.binomial(5).weights, 2).sensitivity(6)
    assert binomial / design.D == pytest.approx(1.8285, abs=1e-3)


def test_noise_alone_is_least_where_nothing_pools():
    for objective in ("G", 1, 1.0):
        design = sd.design_filter(4, 2, objective, depth=3)
        assert design.kernel.trimmed == (1,)
        assert (design.G, design.bound) == pytest.approx((0.5, 0.5), rel=1e-11)
        assert "nothing pools" in repr(design)


@pytest.mark.parametrize(("length", "stride", "depth"), [(3, 2, 1), (5, 2, 4), (4, 1, 3)])
def test_the_trade_off_curve_falls_and_ends_at_the_free_optimum(length, stride, depth):
    free = sd.design_filter(length, stride, depth=depth)
    most = free.columns()["G"][0]
    values = []
    for noise in np.geomspace(0.501, most * 1.1, 9):
        design = sd.design_filter(length, stride, depth=depth, max_G=noise)
        optimum = {name: column[0] for name, column in design.columns().items()}
        assert optimum["G"] <= noise
        if noise < most * 0.99:  # All of the noise that is admitted is used.
            assert optimum["G"] == pytest.approx(noise, rel=1e-6)
        values.append(optimum["D"])
    assert (np.diff(values) < 1e-9).all()
    assert values[-1] == pytest.approx(free.columns()["D"][0], rel=1e-6)


def test_at_one_layer_the_trade_off_is_attained_between_sine_and_hann_window():
    sites = np.arange(1, 7)
    sine, hann = np.sin(np.pi * sites / 7), np.sin(np.pi * sites / 7) ** 2
    noises = [noise_sensitivity(w @ w / w.sum() ** 2, 1) for w in (sine, hann)]
    for noise in np.linspace(*noises, 5)[1:-1]:
        design = sd.design_filter(6, 2, max_G=float(noise))
        assert design.columns()["over_bound"][0] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("noise", [6.5, 8.0, 11.0])
def test_four_equal_layers_come_within_two_percent_of_the_certified_limit(noise):
    design = sd.design_filter(9, 2, depth=4, max_G=noise)
    assert 1 <= design.columns()["over_bound"][0] < 1.02


def test_every_run_is_the_same_and_leaves_numpy_alone():
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (sd.design_filter(5, 2, depth=3) for _ in range(2))
    np.testing.assert_array_equal(first.optimum, second.optimum)
    assert repr(first) == repr(second)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_objectives_as_letters_and_as_weights():
    letter, number = (sd.design_filter(4, 2, objective, depth=2) for objective in ("D", 0))
    np.testing.assert_array_equal(letter.optimum, number.optimum)
    assert letter.objective == "D"
    assert number.objective == 0.0


WRONG = {
    r"length must be an integer in \[1, 32\]; got 33": {"length": 33},
    r"length must be an integer in \[1, 32\]; got \(2, 3\)": {"length": (2, 3)},
    r"length must be an integer in \[1, 32\]; got GridKernel": {
        "length": GridKernel([[1, 2], [3, 1]])
    },
    r"stride must be an integer in \[1, 4096\]; got \(2, 2\)": {"stride": (2, 2)},
    r"stride must be an integer in \[1, 4096\]; got 'kernel'": {"stride": "kernel"},
    r"depth must be such that stride\*\*depth is at most 4096; got depth 13": {"depth": 13},
    "depth must be at most 170 for 4 weights at stride 1; got 171": {"stride": 1, "depth": 171},
    r"objective must be 'D', 'G' or a weight in \[0, 1\]; got 'R'": {"objective": "R"},
    r"objective must be 'D', 'G' or a weight in \[0, 1\]; got 1.5": {"objective": 1.5},
    r"objective must be 'D', 'G' or a weight in \[0, 1\]; got None": {"objective": None},
    "objective must be a finite real number >= 0; got -1": {"objective": -1},
    "max_G must be a finite real number >= 0.5; got 0.4": {"max_G": 0.4},
    r"dim must be an integer in \[1, 3\]; got 0": {"dim": 0},
    "tolerance must be a finite real number > 0; got 0": {"tolerance": 0},
    "tolerance must be large enough for whole weights": {"tolerance": 1e-15},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        sd.design_filter(**{"length": 4, "stride": 2, **WRONG[message]})
