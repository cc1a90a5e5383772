"""Two active pixels on small tori: claims meet all images, joint moves and pairs of images."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache, partial
from typing import Any

from scaledet import symbols as y
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.reference.pairs import Law, at_displacement, labelled, mixed, ring_distance, uniform
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import agree
from scaledet.symbols import N, k, m, m_1, m_2, n, p
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.prediction import predict

Values = dict[Any, Callable[..., Any]]

RINGS = (
    Torus([([1, 2, 4], 2), ([3, 1, 0, 2], 3)], 12),
    Torus([([2, 1], 1), ([1, 3], 2)], 10),
)
"""Two rings with skew filters at unequal strides."""
PLANE = Torus([([1, 2, 4], 2), ([1, 3], 3)], 6, dim=2)
WIDE = Torus(RINGS[0].layers, 24)
"""A ring on which two pixels can be farther apart than a unit sees."""
LAYERS = (0, 1, 2)

TASKS: tuple[tuple[dict[str, Any], bool], ...] = (
    ({"size": 12, "xi": 4, "gap": 1}, False),
    ({"size": 12, "xi": 4, "gap": 1}, True),
    ({"size": 9, "xi": 3, "gap": 0}, False),
    ({"size": 12, "xi": 4, "variant": "T2"}, False),
)
"""Tasks whose displacement tells nothing about the position, and whether labels are balanced."""
SCALES: tuple[tuple[int, Any, Any], ...] = (
    (7, Fraction(5, 2), Fraction(1, 2)),
    (8, 3, 0),
    (8, 2, Fraction(1, 3)),
    (12, 4, 1),
    (12, Fraction(9, 2), Fraction(4, 3)),
    (12, 5, 1),
)
"""Size of the ring, scale and gap of T1."""


@cache
def _averages(torus: Torus) -> Values:
    """Overlaps, and their changes by moves, averaged over the position of the first pixel."""
    return {
        y.c: torus.line.correlation,
        y.S: torus.stride,
        y.overlap: lambda k, p, q: torus.overlap(k, p % torus.pixels, q % torus.pixels),
        y.pair_cross: cache(lambda k, *lag: torus.pair_cross(k, torus.at_lag(*lag))),
        y.pair_change: cache(lambda k, *lag: torus.pair_change(k, torus.at_lag(*lag))),
        y.second_difference: partial(_difference, torus, 1),
        y.fourth_difference: partial(_difference, torus, 2),
    }


def _difference(torus: Torus, order: int, k: int, lag: int) -> Fraction:
    """Second difference of c_k, taken `order` times."""
    if order == 0:
        return torus.line.correlation(k, lag)
    after, here, before = (_difference(torus, order - 1, k, lag + e) for e in (1, 0, -1))
    return after - 2 * here + before


def on_rings(claim: Any, lags: Iterable[int]) -> str:
    """Confront a claim about averages over the position with both rings."""
    evidence = []
    for ring in RINGS:
        cases = [{k: layer, m: lag, N: ring.size} for layer in LAYERS for lag in lags]
        evidence.append(agree(claim, cases, _averages(ring)))
    return " and ".join(evidence)


def in_plane(claim: Any) -> str:
    """Confront a claim about averages over the position with a torus of two dimensions."""
    lags = ((0, 0), (1, 0), (0, 2), (1, 1), (2, 1), (1, 3), (2, 2), (3, 3))
    cases = [{k: layer, m_1: a, m_2: b} for layer in LAYERS for a, b in lags]
    return agree(claim, cases, _averages(PLANE))


def at_phases(claim: Any) -> str:
    """Confront the cross term of one pair of pixels, p and n, at several phases of the grid."""
    evidence = []
    for ring in RINGS:

        def cross(k: int, p: int, q: int, ring: Torus = ring) -> Fraction:
            return ring.pair_cross(k, {(p % ring.size, q % ring.size): Fraction(1)})

        places = itertools.product(LAYERS, range(3), (0, 1, 3))
        cases = [{k: layer, p: first, n: first + lag} for layer, first, lag in places]
        evidence.append(agree(claim, cases, {**_averages(ring), y.pair_cross: cross}))
    return " and ".join(evidence)


@cache
def _laws() -> list[tuple[Torus, Law]]:
    """Rings with laws: one displacement, each label, all pairs, balanced labels, coincidences."""
    laws = []
    for ring in RINGS:
        size = ring.size
        near, far = labelled(size, 3, 5)
        fixed = [uniform([(q, (q + lag) % size) for q in range(size)]) for lag in (1, 2, 3)]
        every = uniform(itertools.combinations(range(size), 2))
        meeting = mixed(near, ring.at_lag(0))
        laws += [(ring, law) for law in (*fixed, near, far, every, mixed(near, far), meeting)]
    return laws


def _under(ring: Torus, law: Law) -> Values:
    """Functions that a law of displacements and the filters of a ring determine."""
    return {**_averages(ring), y.law: partial(at_displacement, law, ring.size)}


@cache
def _enumerated(index: int) -> Values:
    ring, law = _laws()[index]
    return {
        **_under(ring, law),
        y.Q: cache(lambda k: ring.pair_distance(k, law)),
        y.D: cache(lambda k: ring.pair_sensitivity(k, law)),
    }


def with_laws(claim: Any) -> str:
    """Confront a claim about a law of displacements with enumeration under every law."""
    evidence = ""
    for index, (ring, _) in enumerate(_laws()):
        cases = [{k: layer, N: ring.size} for layer in LAYERS]
        evidence = agree(claim, cases, _enumerated(index))
    return f"{evidence} for each of {len(_laws())} laws on two rings"


@cache
def _predicted(index: int) -> tuple[Torus, Values]:
    """Return a ring with the law of a task, and the exact D_k that the package predicts."""
    options, balanced = TASKS[index]
    task = ScaleDetection(**options)
    layers = [([1, 2, 4], 3 if task.size % 2 else 2), ([2, 1], 1)]
    net = Network([Layer(weights, stride) for weights, stride in layers])
    exact = list(predict(net, task=task, balanced=balanced).exact_D)
    near, far = ([(int(a[0]), int(b[0])) for a, b in task.pairs(label)] for label in (1, -1))
    law = mixed(uniform(near), uniform(far)) if balanced else uniform(near + far)
    ring = Torus(layers, task.size)
    return ring, {**_under(ring, law), y.D: exact.__getitem__}


def on_tasks(claim: Any) -> str:
    """Confront a claim about a law of displacements with `predict` on four tasks."""
    evidence = ""
    for index in range(len(TASKS)):
        ring, values = _predicted(index)
        evidence = agree(claim, [{k: layer, N: ring.size} for layer in LAYERS], values)
    return f"predict {evidence} for each of {len(TASKS)} tasks"


@cache
def _far_sensitivity(k: int) -> Fraction:
    return WIDE.pair_sensitivity(k, uniform([(q, q + 12) for q in range(12)]))


def far_apart(claim: Any) -> str:
    """Confront a claim about pixels that no unit sees together."""
    values = {y.c: WIDE.correlation, y.D: _far_sensitivity}
    return agree(claim, [{k: layer, N: WIDE.size} for layer in (1, 2)], values)


def counted(claim: Any, label: int) -> str:
    """Confront the number of pairs of one label of T1 with all pairs, and with the task's count."""
    symbol = y.near_pairs if label == 1 else y.far_pairs
    cases = []
    for size, xi, gap in SCALES:
        distances = [ring_distance(a, b, size) for a, b in itertools.combinations(range(size), 2)]
        near = sum(distance < xi - gap for distance in distances)
        far = sum(distance >= xi + gap for distance in distances)
        task = ScaleDetection(size=size, xi=xi, gap=gap)
        for count in (near if label == 1 else far, task.counts[label]):
            cases.append({symbol: count, N: size, y.xi: xi, y.gap: gap})
    return agree(claim, cases)
