"""Task T2 on small rings: pairs of one block enumerated, at offset 0 and at every offset."""

from __future__ import annotations

from fractions import Fraction
from functools import cache, partial
from typing import Any

from scaledet import symbols as y
from scaledet.network.network import Network
from scaledet.reference.pairs import Law, blocks, mixed
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import agree
from scaledet.symbols import k
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.prediction import predict

SIDE, SIZE = 2, 8
"""The counterexample: blocks of two pixels, one box of length 2 at stride 2."""
BLOCKS = ((2, 2, 1), (4, 2, 1), (4, 2, 2), (8, 2, 2), (3, 3, 1), (9, 3, 1))
"""Side of the blocks, length and stride of the boxes, layer."""


@cache
def _mean_in_block(side: int, stride: int, offsets: int, layer: int) -> Fraction:
    """Mean overlap over the pairs of one block, averaged over this many offsets."""
    ring = Torus([([1] * stride, stride)] * layer, 2 * side)
    law = mixed(*(blocks(ring.size, side, offset)[0] for offset in range(offsets)))
    return ring.pair_overlap(layer, law)


def in_blocks(claim: Any) -> str:
    """Confront the mean overlap within a block with all pairs of one block."""
    for side, stride, layer in BLOCKS:
        values = {
            y.S: partial(pow, stride),
            y.block_overlap: partial(_mean_in_block, side, stride, 1),
            y.shifted_overlap: partial(_mean_in_block, side, stride, side),
        }
        agree(claim, [{k: layer, y.xi: side}], values)
    return f"exact in {len(BLOCKS)} cases"


@cache
def balanced_law(offsets: int) -> Law:
    """Both labels of the counterexample with the same probability, over this many offsets."""
    return mixed(*(law for offset in range(offsets) for law in blocks(SIZE, SIDE, offset)))


@cache
def _enumerated(offsets: int, k: int) -> Fraction:
    return Torus([([1, 1], 2)], SIZE).pair_sensitivity(k, balanced_law(offsets))


@cache
def _predicted() -> list[Fraction]:
    task = ScaleDetection(size=SIZE, xi=SIDE, variant="T2")
    return list(predict(Network.uniform(2, 2), task=task, balanced=True).exact_D)


def by_enumeration(claim: Any) -> str:
    """Confront D_1 of the counterexample with all images, moves and pairs, and with `predict`."""
    values = {y.D: partial(_enumerated, 1), y.shifted_D: partial(_enumerated, SIDE)}
    evidence = agree(claim, [{}], values)
    agree(claim, [{}], {**values, y.D: lambda k: _predicted()[k]})
    return f"{evidence} by enumeration, and by predict"
