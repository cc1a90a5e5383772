"""Task T2: pixels of one block know the phase of the grid, and what follows for d08."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.network.network import Network
from scaledet.reference.exact import number
from scaledet.reference.small_torus import Law, Torus, blocks, mixed, rings, signed_moves
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.prose import Entrywise, Stacked
from scaledet.symbols import k, n, p
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.prediction import predict

SIDE = 2
SMALL = Torus([([1, 1], 2)], 8)
"""The counterexample: blocks of two pixels, one box of length 2 at stride 2."""


def block_steps() -> list[Step]:
    """Return the steps on T2."""
    return [*overlap_steps(), gram_step(), numbers_step()]


def overlap_steps() -> list[Step]:
    """Return the mean overlap within a block, and what the phase average makes of it."""
    S, xi = sp.Dummy("S", positive=True), sp.Dummy("xi", positive=True)
    lag = sp.Dummy("lag", integer=True, positive=True)
    law = 2 * (xi - lag) / (xi * (xi - 1))
    total = sp.factor(sp.summation(sp.expand(law * (S - lag) / S**3), (lag, 1, S - 1)))
    top, bottom = sp.fraction(total)
    shifted = (S - 1) * sp.cancel(top / (S - 1)) / bottom
    route = "all pairs of one block, pooled images, $s = 2$ and 3, six sizes of blocks and depths"
    inside = Step(
        "In T2 a pair has label +1 if both pixels lie in one block of side $\\xi$. Let boxes of "
        "length $s$ pool at stride $s$, with $S_k$ dividing $\\xi$. Over the pairs of one block "
        "the mean $K_k$ of $\\langle P_k e_p, P_k e_q \\rangle$ is",
        sp.Eq(y.block_overlap(k), (y.S(k) - 1) / ((y.xi - 1) * y.S(k) ** 2)),
        "the blocks and the windows of the network share their edges. Of the $\\xi - 1$ partners "
        "of a pixel $S_k - 1$ lie in its window, where the overlap is $S_k^{-2}$; with all others "
        "it is 0.",
        Check(route, in_blocks),
    )
    outside = Step(
        "Averaging over the grid phase, as for T1, is wrong here: it answers for blocks that are "
        "cut anywhere.",
        sp.Eq(y.shifted_overlap(k), shifted.subs({S: y.S(k), xi: y.xi})),
        "within a block displacement $m$ has probability $2(\\xi - |m|)/(\\xi(\\xi - 1))$ up to "
        "sign, and $c_k(m)/S_k = (S_k - |m|)/S_k^3$ for a box; this is the sum over "
        "$0 < |m| < S_k$. For $\\xi = S_k = 2$ it is half of the truth.",
        Check(f"{route}, every offset of the blocks", in_blocks),
    )
    return [inside, outside]


@cache
def mean_in_block(side: int, stride: int, depth: int, offsets: int) -> Fraction:
    """Mean overlap over the pairs of one block, averaged over this many offsets."""
    ring = Torus([([1] * stride, stride)] * depth, 2 * side)
    law = mixed(*(blocks(ring.size, side, offset)[0] for offset in range(offsets)))
    return sum((w * ring.overlap(depth, (a,), (b,)) for (a, b), w in law.items()), Fraction(0))


def in_blocks(claim: Any) -> str:
    cases = ((2, 2, 1), (4, 2, 1), (4, 2, 2), (8, 2, 2), (3, 3, 1), (9, 3, 1))
    for side, stride, depth in cases:

        def mean(at: int, offsets: int, case: tuple[int, int, int] = (side, stride, depth)) -> Any:
            return mean_in_block(*case[:2], at, offsets)

        values: dict[Any, Any] = {
            y.S: lambda at, s=stride: s**at,
            y.block_overlap: lambda at, own=mean: own(at, 1),
            y.shifted_overlap: lambda at, own=mean, f=side: own(at, f),
        }
        agree(claim, [{k: depth, y.xi: side}], values)
    return f"exact in {len(cases)} cases"


def gram_step() -> Step:
    """Return the cross term of one pair of pixels."""
    return Step(
        "What holds without any average over the phase is the cross term of one pair of pixels, "
        "here $p$ and $n$, from the entries of the Gram matrix $P_k^T P_k$.",
        Stacked(y.pair_cross(k, p, n), gram_cross(p, n)),
        "this is step 2 before the position is averaged: $M^T P_k^T P_k M$ with $M$ half a second "
        "difference. Averaged over the pairs of the data set themselves, it serves T2 and "
        "distances that do not wrap around.",
        Check(
            "all joint moves on rings of 12 and 10 pixels, skew filters, several phases", at_phases
        ),
    )


def gram_cross(one: Any, other: Any) -> Any:
    """E over both moves of the overlap of both changes, in terms of the Gram matrix."""
    terms = [
        sp.Rational(sign, 4) * y.overlap(k, one + first, other + second)
        for first, second, sign in signed_moves((1, -1), 0)
    ]
    return sp.Add(*terms)


def at_phases(claim: Any) -> str:
    found = []
    for ring in rings():
        values = {
            y.overlap: lambda depth, a, b, own=ring: own.overlap(depth, (a,), (b,)),
            y.pair_cross: lambda depth, a, b, own=ring: own.crossed(
                depth, (a % own.size,), (b % own.size,)
            ),
        }
        cases = [
            {k: depth, p: a, n: a + lag}
            for depth in (0, 1, 2)
            for a in range(3)
            for lag in (0, 1, 3)
        ]
        found.append(agree(claim, cases, values))
    return " and ".join(found)


def numbers_step() -> Step:
    """Return the counterexample in numbers."""
    found = [number(by_gram(balanced(offsets))) for offsets in (1, SIDE)]
    return Step(
        "The error carries over to $D_k$. For $N = 8$, $\\xi = 2$, one box of length 2 at stride 2 "
        "and balanced labels, the phase average would claim $\\bar{D}_1$ for $D_1$.",
        Entrywise(
            sp.ImmutableMatrix([[y.D(1), y.shifted_D(1)]]),
            sp.ImmutableMatrix([found]),
        ),
        "step 14 is averaged over the pairs of both labels, and for $\\bar{D}_1$ over both offsets "
        "of the blocks besides. With every pair of equal weight T2 leaves no pair out, the "
        "displacement then tells nothing about the position, and step 8 does hold.",
        Check(
            "all images, joint moves and pairs of images, at offset 0 and at both; and predict "
            "with balanced labels",
            by_enumeration,
        ),
    )


@cache
def _balanced(offsets: int) -> tuple[tuple[tuple[int, int], Fraction], ...]:
    laws = [law for offset in range(offsets) for law in blocks(SMALL.size, SIDE, offset)]
    return tuple(mixed(*laws).items())


def balanced(offsets: int) -> Law:
    """Both labels with the same probability, averaged over this many offsets."""
    return dict(_balanced(offsets))


def by_gram(law: Law) -> Fraction:
    """D_1 of the counterexample from the Gram matrix: 1/4 within a window, else 0."""
    size = SMALL.size

    def gram(a: int, b: int) -> Fraction:
        return Fraction(int(a % size // 2 == b % size // 2), 4)

    moved = spread = Fraction(0)
    mean = [Fraction(0)] * size
    for (a, b), weight in law.items():
        cross = gram_cross(sp.Integer(a), sp.Integer(b)).replace(
            y.overlap, lambda _, u, v: number(gram(int(u), int(v)))
        )
        alone = sum(gram(q, q) + gram(q + e, q + e) - 2 * gram(q, q + e)
                    for q in (a, b) for e in (1, -1))  # fmt: skip
        moved += weight * (alone / Fraction(2) + 2 * Fraction(int(cross.p), int(cross.q)))
        spread += weight * (gram(a, a) + 2 * gram(a, b) + gram(b, b))
        for q in (a, b):
            mean[q] += weight
    square = sum(
        (mean[u] * gram(u, v) * mean[v] for u in range(size) for v in range(size)), Fraction(0)
    )
    return moved / (2 * (spread - square))


@cache
def _enumerated(offsets: int, depth: int) -> Fraction:
    return SMALL.sensitivity(depth, balanced(offsets))


@cache
def _predicted() -> Any:
    task = ScaleDetection(size=SMALL.size, xi=SIDE, variant="T2")
    return list(predict(Network.uniform(2, 2), task=task, balanced=True).exact_D)


def by_enumeration(claim: Any) -> str:
    values = {y.D: lambda depth: _enumerated(1, depth),
              y.shifted_D: lambda depth: _enumerated(SIDE, depth)}  # fmt: skip
    found = agree(claim, [{}], values)
    agree(claim, [{}], {**values, y.D: lambda depth: _predicted()[depth]})
    return f"{found} by enumeration, and by predict"
