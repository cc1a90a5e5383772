"""Task T2: pixels of one block know the phase of the grid, so that it must not be averaged."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import number
from scaledet.reference.pairs import Law
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.prose import Entrywise, Stacked
from scaledet.symbolic.routes.pair_blocks import (
    SIDE,
    SIZE,
    balanced_law,
    by_enumeration,
    in_blocks,
)
from scaledet.symbolic.routes.pairs import at_phases
from scaledet.symbolic.steps.pairs import fourth_difference
from scaledet.symbols import k, n, p

_PAIRS = "all pairs of one block, pooled images, $s = 2$ and 3, six sizes of blocks and depths"


def block_steps() -> tuple[Step, ...]:
    """Derive the overlap within a block of T2, with and without an average over the phase."""
    return _inside(), _shifted(), _gram(), _counterexample()


def _inside() -> Step:
    return Step(
        "In T2 a pair has label +1 if both pixels lie in one block of side $\\xi$. Let boxes of "
        "length $s$ pool at stride $s$, with $S_k$ dividing $\\xi$. Over the pairs of one block "
        "the mean $K_k$ of $\\langle P_k e_p, P_k e_q \\rangle$ is",
        sp.Eq(y.block_overlap(k), (y.S(k) - 1) / ((y.xi - 1) * y.S(k) ** 2)),
        "the blocks and the windows of the network share their edges. Of the $\\xi - 1$ partners "
        "of a pixel $S_k - 1$ lie in its window, where the overlap is $S_k^{-2}$; with all others "
        "it is 0.",
        Check(_PAIRS, in_blocks),
    )


def _shifted() -> Step:
    S, xi = sp.Dummy("S", positive=True), sp.Dummy("xi", positive=True)
    lag = sp.Dummy("lag", integer=True, positive=True)
    law = 2 * (xi - lag) / (xi * (xi - 1))
    total = sp.factor(sp.summation(sp.expand(law * (S - lag) / S**3), (lag, 1, S - 1)))
    top, bottom = sp.fraction(total)
    mean = (S - 1) * sp.cancel(top / (S - 1)) / bottom
    return Step(
        "Averaging over the grid phase, as for T1, is wrong here: it answers for blocks that are "
        "cut anywhere.",
        sp.Eq(y.shifted_overlap(k), mean.subs({S: y.S(k), xi: y.xi})),
        "within a block displacement $m$ has probability $2(\\xi - |m|)/(\\xi(\\xi - 1))$ up to "
        "sign, and $c_k(m)/S_k = (S_k - |m|)/S_k^3$ for a box; this is the sum over "
        "$0 < |m| < S_k$. For $\\xi = S_k = 2$ it is half of the truth.",
        Check(f"{_PAIRS}, every offset of the blocks", in_blocks),
    )


def _gram() -> Step:
    return Step(
        "What holds without any average over the phase is the cross term of one pair of pixels, "
        "here $p$ and $n$, from the entries of the Gram matrix $P_k^T P_k$.",
        Stacked(y.pair_cross(k, p, n), _cross(p, n)),
        "this is step 2 before the position is averaged: $M^T P_k^T P_k M$ with $M$ half a second "
        "difference. Averaged over the pairs of the data set themselves, it serves T2 and "
        "distances that do not wrap around.",
        Check(
            "all joint moves on rings of 12 and 10 pixels, skew filters, several phases", at_phases
        ),
    )


def _cross(first: Any, second: Any) -> Any:
    """E over both moves of the overlap of both changes, in terms of the Gram matrix."""
    return fourth_difference(lambda e, f: y.overlap(k, first + e, second + f))


def _counterexample() -> Step:
    values = [number(_by_gram(balanced_law(offsets))) for offsets in (1, SIDE)]
    return Step(
        "The error carries over to $D_k$. For $N = 8$, $\\xi = 2$, one box of length 2 at stride 2 "
        "and balanced labels, the phase average would claim $\\bar{D}_1$ for $D_1$.",
        Entrywise(sp.ImmutableMatrix([[y.D(1), y.shifted_D(1)]]), sp.ImmutableMatrix([values])),
        "the step before is averaged over the pairs of both labels, and for $\\bar{D}_1$ over both "
        "offsets of the blocks besides. With every pair of equal weight T2 leaves no pair out, the "
        "displacement then tells nothing about the position, and $D_k$ is that of a law of "
        "displacements.",
        Check(
            "all images, joint moves and pairs of images, at offset 0 and at both; and predict "
            "with balanced labels",
            by_enumeration,
        ),
    )


def _by_gram(law: Law) -> Fraction:
    """D_1 of the counterexample from the Gram matrix: 1/4 within a window, else 0."""

    def gram(a: int, b: int) -> Fraction:
        return Fraction(int(a % SIZE // 2 == b % SIZE // 2), 4)

    moved = spread = Fraction(0)
    mean = [Fraction(0)] * SIZE
    for (a, b), weight in law.items():
        cross = _cross(sp.Integer(a), sp.Integer(b)).replace(
            y.overlap, lambda _, u, v: number(gram(int(u), int(v)))
        )
        alone = sum(
            gram(q, q) + gram(q + e, q + e) - 2 * gram(q, q + e) for q in (a, b) for e in (1, -1)
        )
        moved += weight * (alone / Fraction(2) + 2 * Fraction(int(cross.p), int(cross.q)))
        spread += weight * (gram(a, a) + 2 * gram(a, b) + gram(b, b))
        for q in (a, b):
            mean[q] += weight
    pixels = range(SIZE)
    square = sum((mean[u] * gram(u, v) * mean[v] for u in pixels for v in pixels), Fraction(0))
    return moved / (2 * (spread - square))
