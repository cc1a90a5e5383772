"""Two active pixels on small tori: claims meet all images, joint moves and pairs of images."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache, partial
from typing import Any

from scaledet import symbols as y
from scaledet.network.kernel import Kernel
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.reference.torus import (
    Law,
    Torus,
    at_displacement,
    blocks,
    labelled,
    mixed,
    ring_distance,
    uniform,
)
from scaledet.symbolic.claims import Case
from scaledet.symbols import N, k, m, m_1, m_2, n, p
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.prediction import predict

RINGS = (
    Torus([([1, 2, 4], 1), ([1, 3], 2), ([2, 1], 1), ([3, 1, 0, 2], 3)], 12),
    Torus([([2, 1], 1), ([1, 3], 2), ([1, 2, 4], 1), ([3, 1], 5)], 10),
    Torus([([1, 2, 4], 1), ([3, 1], 11)], 11),
    Torus([([2, 1], 1), ([1, 3], 7)], 14),
)
"""Rings with skew filters at unequal strides."""
PLANE = Torus([([1, 2, 4], 1), ([1, 3], 2), ([2, 1], 1), ([3, 1], 5)], 10, dim=2)
WIDE = [
    Torus([([1, 2, 4], 2), ([3, 1], 1), ([2, 1], 1), ([1, 3], 1)], size)
    for size in (24, 26, 28, 30)
]
"""Rings on which two pixels can be farther apart than a unit sees."""
LAYERS = (2, 3, 1, 0, 4)

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
    (9, 3, Fraction(1, 2)),
    (12, 4, 1),
    (12, Fraction(9, 2), Fraction(4, 3)),
    (12, 5, 1),
)
"""Size of the ring, scale and gap of T1."""
SIDE, SIZE = 2, 8
"""The counterexample for T2: blocks of two pixels, one box of length 2 at stride 2."""
BLOCKS = ((4, 2, 2), (8, 2, 3), (16, 2, 4), (2, 2, 1), (4, 2, 1), (8, 2, 2), (3, 3, 1), (9, 3, 1))
"""Side of the blocks, length and stride of the boxes, layer."""


def _layers(ring: Torus) -> list[int]:
    return [layer for layer in LAYERS if layer <= len(ring.layers)]


@cache
def _averages(torus: Torus) -> Case:
    """Overlaps, and their changes by moves, averaged over the position of the first pixel."""
    return {
        N: torus.size,
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


def _under(ring: Torus, law: Law) -> dict[Any, Any]:
    """Functions that a law of displacements and the filters of a ring determine."""
    return {**_averages(ring), y.law: partial(at_displacement, law, ring.size)}


def averages(lags: Iterable[int]) -> Iterator[Case]:
    """Averages over the position on both rings."""
    for ring, lag in itertools.product(RINGS, tuple(lags)):
        yield from ({**_averages(ring), k: layer, m: lag} for layer in _layers(ring))


def plane() -> Iterator[Case]:
    """Averages over the position on a torus of two dimensions."""
    lags = ((0, 0), (1, 0), (0, 2), (1, 1), (2, 1), (1, 3), (2, 2), (3, 3))
    for layer, (first, second) in itertools.product(LAYERS, lags):
        yield {**_averages(PLANE), k: layer, m_1: first, m_2: second}


def phases() -> Iterator[Case]:
    """Cross terms of one pair of pixels, p and n, at several phases of the grid."""
    for ring, first, lag in itertools.product(RINGS, (2, 3, 1, 0), (1, 3, 0)):

        def cross(k: int, p: int, q: int, ring: Torus = ring) -> Fraction:
            return ring.pair_cross(k, {(p % ring.size, q % ring.size): Fraction(1)})

        case = {**_averages(ring), y.pair_cross: cross, p: first, n: first + lag}
        yield from ({**case, k: layer} for layer in _layers(ring))


@cache
def _enumerated() -> list[Case]:
    """Q_k and D_k of one displacement, each label, all pairs, balanced labels, coincidences."""
    cases: list[Case] = []
    for ring in RINGS:
        size = ring.size
        near, far = labelled(size, 3, 5)
        fixed = [uniform([(q, (q + lag) % size) for q in range(size)]) for lag in (1, 2, 3)]
        every = uniform(itertools.combinations(range(size), 2))
        meeting = mixed(near, ring.at_lag(0))
        for law in (*fixed, near, far, every, mixed(near, far), meeting):
            distance = cache(partial(ring.pair_distance, law=law))
            sensitivity = cache(partial(ring.pair_sensitivity, law=law))
            case = {**_under(ring, law), y.Q: distance, y.D: sensitivity}
            cases += [{**case, k: layer} for layer in _layers(ring)]
    return cases


@cache
def _predicted() -> list[Case]:
    """Exact D_k that the package predicts for the tasks, with the laws of their rings."""
    cases: list[Case] = []
    for options, balanced in TASKS:
        task = ScaleDetection(**options)
        layers = [([1, 2, 4], 3 if task.size % 2 else 2), ([2, 1], 1), ([1, 3], 1), ([3, 1], 1)]
        net = Network([Layer(Kernel(weights), stride) for weights, stride in layers])
        exact = list(predict(net, task=task, balanced=balanced).exact_D)
        near, far = ([(int(a[0]), int(b[0])) for a, b in task.pairs(label)] for label in (1, -1))
        law = mixed(uniform(near), uniform(far)) if balanced else uniform(near + far)
        case = {**_under(Torus(layers, task.size), law), y.D: exact.__getitem__}
        cases += [{**case, k: layer} for layer in LAYERS]
    return cases


def laws() -> Iterator[Case]:
    """Q_k and D_k under every law of displacements, all images enumerated."""
    return iter(_enumerated())


def laws_and_tasks() -> Iterator[Case]:
    """D_k under every law of displacements, and as `predict` has it for the tasks."""
    return iter((*_enumerated(), *_predicted()))


@cache
def _far_sensitivity(ring: Torus, k: int) -> Fraction:
    half = ring.size // 2
    return ring.pair_sensitivity(k, uniform([(q, q + half) for q in range(half)]))


FAR: list[Case] = [
    {y.c: ring.correlation, y.D: partial(_far_sensitivity, ring), k: layer, N: ring.size}
    for ring in WIDE
    for layer in LAYERS
]
"""Pixels that no unit sees together."""


def counts() -> Iterator[Case]:
    """Numbers of pairs of each label of T1: all pairs counted, and the counts of the task."""
    for size, xi, gap in SCALES:
        distances = [ring_distance(a, b, size) for a, b in itertools.combinations(range(size), 2)]
        near = sum(distance < xi - gap for distance in distances)
        far = sum(distance >= xi + gap for distance in distances)
        case = {N: size, y.xi: xi, y.gap: gap}
        for numbers in ({1: near, -1: far}, ScaleDetection(size=size, xi=xi, gap=gap).counts):
            yield {**case, y.near_pairs: numbers[1], y.far_pairs: numbers[-1]}


@cache
def _mean_in_block(side: int, stride: int, offsets: int, layer: int) -> Fraction:
    """Mean overlap over the pairs of one block of T2, averaged over this many offsets."""
    ring = Torus([([1] * stride, stride)] * layer, 2 * side)
    law = mixed(*(blocks(ring.size, side, offset)[0] for offset in range(offsets)))
    return ring.pair_overlap(layer, law)


IN_BLOCKS: list[Case] = [
    {
        k: layer,
        y.xi: side,
        y.S: partial(pow, stride),
        y.block_overlap: partial(_mean_in_block, side, stride, 1),
        y.shifted_overlap: partial(_mean_in_block, side, stride, side),
    }
    for side, stride, layer in BLOCKS
]
"""Mean overlaps within a block, from all pairs of one block."""


@cache
def balanced_law(offsets: int) -> Law:
    """Both labels of the counterexample with the same probability, over this many offsets."""
    return mixed(*(law for offset in range(offsets) for law in blocks(SIZE, SIDE, offset)))


@cache
def counterexample() -> list[Case]:
    """D_1 of the counterexample: from all images, moves and pairs, and from `predict`."""
    ring = Torus([([1, 1], 2)], SIZE)
    at_zero, shifted = (
        cache(partial(ring.pair_sensitivity, law=balanced_law(offsets))) for offsets in (1, SIDE)
    )
    task = ScaleDetection(size=SIZE, xi=SIDE, variant="T2")
    predicted = list(predict(Network.uniform(2, 2), task=task, balanced=True).exact_D)
    return [{y.D: D, y.shifted_D: shifted} for D in (at_zero, predicted.__getitem__)]
