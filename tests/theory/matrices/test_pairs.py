"""predict for tasks where nothing is translation invariant, against every pair and every move."""

from __future__ import annotations

import itertools

import pytest

import scaledet as sd
from scaledet import Layer, Network, ScaleDetection
from scaledet.reference.bordered import Bordered
from scaledet.scenario import MOVES
from scaledet.theory.matrices.pairs import pair_matrices
from scaledet.theory.response import matrix_response
from tests.dense import perturbation_moments, pixel_pairs, weighted_pairs
from tests.theory.matrices.test_pixel import CORNER, RESIDUAL, graph

T1 = ScaleDetection(size=9, xi=3, gap=0.5)
OPEN = ScaleDetection(size=9, xi=3, gap=0.5, periodic=False)
T2 = ScaleDetection(size=8, xi=4, variant="T2")
SQUARE = ScaleDetection(size=4, xi=2.2, gap=0.2, dim=2)
SQUARE_OPEN = ScaleDetection(size=4, xi=2, gap=0, dim=2, periodic=False, norm="Linf")
BLOCKS = ScaleDetection(size=4, xi=2, variant="T2", dim=2)

LINE = Network([Layer([1, 2, 1], padding=1), Layer([1, 3, 3], 2, padding=(2, 1))])
PLANE = Network(
    [Layer(([1, 2], [1, 1, 2]), padding=1), Layer(3, (2, 1), padding=1, padding_mode="reflect")],
    dim=2,
)
GRID = Network([Layer(CORNER, padding=1), Layer(2, 2, padding=1)], dim=2)
CASES = {
    "line": (LINE, T1),
    "open line": (LINE, OPEN),
    "blocks": (LINE, T2),
    "dilated": (Network([Layer(2, padding=1, dilation=2), Layer(3, padding=0)]), T2),
    "branches": (graph(RESIDUAL, 1), OPEN),
    "plane": (PLANE, SQUARE),
    "open plane": (PLANE, SQUARE_OPEN),
    "plane of blocks": (PLANE, BLOCKS),
    "grid": (GRID, SQUARE),
    "open grid": (GRID, SQUARE_OPEN),
    "grid of blocks": (GRID, BLOCKS),
    "grid of branches": (graph(RESIDUAL, 2), SQUARE_OPEN),
}


def law_of(task, balanced):
    rule = task.rule
    labelled = pixel_pairs(
        task.size, rule.xi, rule.gap, task.variant, task.dim, task.periodic, task.norm
    )
    return dict(zip(*weighted_pairs(labelled, balanced), strict=True))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("moves", "balanced"), [("wrap", True), ("stay", False), ("stay", True), ("inside", False)]
)
def test_against_every_pair_and_move(name, moves, balanced):
    net, task = CASES[name]
    reference = Bordered(net, (task.size,) * task.dim, moves, exact=False)
    law = law_of(task, balanced)
    for rectify in ("input", "noise", None):
        prediction = sd.predict(
            net, task=task, balanced=balanced, moves=moves, rectify=rectify, sigma=0.3
        )
        low, high = (
            tuple(map(float, perturbation_moments(0.3, rectify, height))) for height in (0, 1)
        )
        for k in range(net.depth + 1):
            distance = reference.pair_distance(k, law)
            assert prediction.Q[k] == pytest.approx(distance, rel=1e-10)
            change = reference.pair_displacement(k, law)
            assert prediction.D[k] == pytest.approx(change / distance, rel=1e-10)
            mean, variance = reference.noise(k, law, low, high)
            assert prediction.G_mean[k] == pytest.approx(mean / distance, rel=1e-10)
            assert prediction.G_variance[k] == pytest.approx(variance / distance, rel=1e-10)


@pytest.mark.parametrize(("name", "moves"), list(zip(CASES, itertools.cycle(MOVES), strict=False)))
def test_exact_rationals_against_every_pair_and_move(name, moves):
    net, task = CASES[name]
    reference = Bordered(net, (task.size,) * task.dim, moves)
    law = law_of(task, True)
    exact = sd.predict(net, task=task, balanced=True, moves=moves, sigma=1.0).exact_D
    k = net.depth
    assert exact[k] == reference.pair_displacement(k, law) / reference.pair_distance(k, law)


TORI = [
    (Network([Layer([1, 2, 1]), Layer(3, 2)]), ScaleDetection(size=24, xi=6, gap=1)),
    (
        Network([Layer([1, 2, 1], 2), Layer(3, 2)]),
        ScaleDetection(size=24, xi=6, gap=1, periodic=False),
    ),
    (Network([Layer([1, 2], 2), Layer(3, 2)]), ScaleDetection(size=24, xi=6, variant="T2")),
    (
        Network([Layer([1, 2], 2), Layer(3, 2)], 2),
        ScaleDetection(size=12, xi=4, gap=1, dim=2, periodic=False),
    ),
    (Network([Layer([1, 2], 2), Layer(3)], 2), ScaleDetection(size=12, xi=3, variant="T2", dim=2)),
]


@pytest.mark.parametrize(("net", "task"), TORI)
@pytest.mark.parametrize("balanced", [False, True])
def test_tori_as_their_own_theory(net, task, balanced):
    old = sd.predict(net, task=task, balanced=balanced)
    assert old.scenario.is_torus
    new = matrix_response(old.scenario)
    for name in ("D", "Q", "G_mean", "G_variance"):
        assert getattr(new, name) == pytest.approx(getattr(old, name), rel=1e-12)
    exact = pair_matrices(net, task, balanced, "wrap")
    for k in range(net.depth + 1):
        assert exact.sensitivity(k) == old.exact_D[k]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("balanced", [False, True])
def test_matched_noise_changes_an_image_as_a_move_does(name, balanced):
    net, task = CASES[name]
    prediction = sd.predict(net, task=task, balanced=balanced)
    reference = Bordered(net, (task.size,) * task.dim, exact=False)
    energy = reference.pair_displacement(0, law_of(task, balanced))
    assert prediction.sigma**2 * reference.pixels == pytest.approx(energy, rel=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_another_move_at_the_border_is_seen(name):
    net, task = CASES[name]
    wrap, stay, inside = (
        sd.predict(net, task=task, moves=moves, sigma=1.0).D for moves in ("wrap", "stay", "inside")
    )
    assert abs(stay / wrap - 1).max() > 1e-3
    assert abs(inside / stay - 1).max() > 1e-3


def test_a_grid_that_is_a_product_after_all_is_that_of_its_axes():
    """Two routes of the code: sums per axis, and one weight for every pair of pixels."""
    product = Network([Layer([1, 2, 1], padding=1), Layer(3, padding=1)], dim=2)
    graph = Network([*product, Layer(1)], dim=2, inputs=[(0,), (1,), (2, 2)])
    for task in (SQUARE, SQUARE_OPEN, BLOCKS):
        axes = sd.predict(product, task=task, moves="inside", sigma=1.0)
        grid = sd.predict(graph, task=task, moves="inside", sigma=1.0)
        assert grid.D[:3] == pytest.approx(axes.D, rel=1e-12)
        assert grid.D[3] == pytest.approx(axes.D[2], rel=1e-12)
        assert grid.Q[3] == pytest.approx(4 * axes.Q[2], rel=1e-12)


def test_tasks_whose_matrices_do_not_fit_are_refused():
    big = ScaleDetection(size=96, xi=10, gap=1, dim=2)
    with pytest.raises(ValueError, match=r"task.size must be at most 80 .*size\^4.* got 96"):
        sd.predict(GRID, task=big)
    long = ScaleDetection(size=4100, xi=10, gap=1)
    with pytest.raises(ValueError, match=r"task.size must be at most 4096 .*GB.* got 4100"):
        sd.predict(LINE, task=long)
