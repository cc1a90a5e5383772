"""Two active pixels: their overlap, its change by independent moves, D_k and Q_k of a label."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import number
from scaledet.reference.torus import Law
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.prose import Entrywise, Stacked
from scaledet.symbolic.routes import pairs as routes
from scaledet.symbolic.routes.checks import against
from scaledet.symbols import N, k, m, m_1, m_2, n, p

_MOVES = "all positions and all joint moves on rings of 10 to 14 pixels, skew filters"
_PAIRS = "all pairs on rings of 7 to 12 pixels, fractional scales; and the task's own counts"
_BLOCKS = "all pairs of one block, pooled images, $s = 2$ and 3, six sizes of blocks and depths"


def _fourth_difference(overlap: Any) -> Any:
    """Expand E <e_{p+e} - e_p, e_{q+f} - e_q> over all moves e, f of a line.

    `overlap` takes the shifts of p and q.
    """
    quarter = sp.Rational(1, 4)
    return sp.Add(
        *(
            quarter * (overlap(e, f) - overlap(e, 0) - overlap(0, f) + overlap(0, 0))
            for e, f in itertools.product((1, -1), repeat=2)
        )
    )


def overlap_steps() -> tuple[Step, ...]:
    """Derive the overlap of two pixels and its change by independent moves."""
    moved = _fourth_difference(lambda first, second: y.c(k, m + second - first))
    first, second = sp.symbols("first second")
    square = sp.Poly(sp.expand(((first + second) / 4) ** 2), first, second)
    differences = {
        (2, 0): y.fourth_difference(k, m_1) * y.c(k, m_2),
        (1, 1): y.second_difference(k, m_1) * y.second_difference(k, m_2),
        (0, 2): y.c(k, m_1) * y.fourth_difference(k, m_2),
    }
    total = sp.Add(*(factor * differences[powers] for powers, factor in square.terms()))
    alone = 4 * (y.c(k, 0) - y.c(k, 1)) / y.S(k)
    return (
        Step(
            "Two pixels at displacement $m$ overlap, on average over their position, as one pixel "
            "does with itself at lag $m$.",
            sp.Eq(sp.Sum(y.overlap(k, p, p + m), (p, 0, N - 1)) / N, y.c(k, m) / y.S(k)),
            "$\\langle P e_p, P e_{p+m} \\rangle = \\sum_i h_k(p - S_k i)\\, h_k(p + m - S_k i)$, "
            "and a uniform $p$ visits every grid phase equally often. On a ring $h_k$ is first "
            "wrapped around it, and $c_k$ is that of the wrapped filter.",
            against(
                "all one-pixel images on rings of 10 to 14 pixels, skew filters",
                partial(routes.averages, range(5)),
            ),
        ),
        Step(
            "Let both pixels move, each by one site to a random side, independently. The changes "
            "of their representations then overlap by a quarter of the fourth difference.",
            sp.Eq(y.pair_cross(k, m), sp.expand(moved) / y.S(k)),
            "$X_k(m)$ is the mean of $\\langle P(e_{p+e} - e_p), P(e_{q+e'} - e_q) \\rangle$ at "
            "$q = p + m$, here expanded and summed over the four joint moves. In other words: the "
            "moves being independent, each is averaged by itself, and $E\\, e_{p+e} - e_p$ is "
            "half a second difference; two of them make $\\frac14 \\delta^4 c_k(m)$.",
            against(_MOVES, partial(routes.averages, range(7))),
        ),
        Step(
            "In $d$ dimensions a move goes along a random axis. With $m$ the displacement vector, "
            "$X_k$ is $\\big(\\frac{1}{2d} \\sum_a \\delta_a^2\\big)^2$ applied to the product "
            "over axes of $c_k(m_a)/S_k$; in the plane",
            sp.Eq(y.pair_cross(k, m_1, m_2), total / y.S(k) ** 2),
            "the mean move $E\\, e_{p+e} - e_p$ is now $\\frac{1}{2d}$ of the lattice Laplacian "
            "$\\sum_a \\delta_a^2$, it acts once for each pixel, and for tensor-product filters "
            "the overlap of two pixels is a product over axes. $\\delta^2 c_k(m) = c_k(m+1) - 2 "
            "c_k(m) + c_k(m-1)$, and $\\delta^4$ is $\\delta^2$ twice.",
            against(
                "all 100 positions and 16 joint moves on a torus of 10 by 10 pixels, skew filters, "
                "eight displacements",
                routes.plane,
            ),
        ),
        Step(
            "The image of both pixels changes by what each does alone and by twice the cross term.",
            sp.Eq(y.pair_change(k, m), alone + 2 * y.pair_cross(k, m)),
            "$M_k(m)$ is the mean of $|P(\\tau x - x)|^2$. The network is linear on non-negative "
            "images, a collided pixel of height 2 included, and $|u + v|^2 = |u|^2 + |v|^2 + "
            "2 \\langle u, v \\rangle$, where $|u|^2$ and $|v|^2$ average to "
            "$2 (c_k(0) - c_k(1))/S_k$, the change of one pixel.",
            against(_MOVES, partial(routes.averages, range(1, 7))),
        ),
    )


def law_steps() -> tuple[Step, Step, Step]:
    """Derive Q_k and D_k for any law of the displacement, the position being uniform."""
    spread = y.c(k, 0) + sp.Sum(y.law(m) * y.c(k, m), (m, 0, N - 1)) - 2 / N
    moved = sp.Sum(y.law(m) * y.fourth_difference(k, m), (m, 0, N - 1)) / 8
    distance = Step(
        "Now draw displacements from a law $\\varrho$, even in $m$, and positions uniformly, as T1 "
        "does on a ring, with all labels or one; there $\\varrho(0) = 0$. Two independent images "
        "differ by",
        sp.Eq(y.Q(k), 4 * spread / y.S(k)),
        "$Q_k = 2 (E|f|^2 - |E f|^2)$. Each image has $E|f|^2 = 2 c_k(0)/S_k + 2 E\\, c_k(m)/S_k$ "
        "(step 1). The mean image is constant, $2/N$ a pixel, stays so under filters of sum 1, and "
        "has $N/S_k$ units at layer $k$: $|E f|^2 = 4/(N S_k)$.",
        against(
            "all pairs of two-pixel images on all rings: one distance, each label of T1, all "
            "pairs, balanced labels, pixels that coincide",
            routes.laws,
        ),
    )
    sensitivity = Step(
        "The sensitivity to displacements of two-pixel images, at one displacement or averaged "
        "over a label: numerator and $Q_k$ are averaged separately.",
        sp.Eq(y.D(k), (y.c(k, 0) - y.c(k, 1) + moved) / spread),
        "this is the average of step 4 over $\\varrho$, with step 2 for the cross term, divided by "
        "$Q_k$; a factor $4/S_k$ cancels.",
        against(
            "all images, all joint moves and all pairs of images, the same laws; and predict on "
            "four tasks",
            routes.laws_and_tasks,
        ),
    )
    far = Step(
        "Pixels farther apart than the network sees are two one-pixel images side by side.",
        sp.Eq(y.D(k), (y.c(k, 0) - y.c(k, 1)) / (y.c(k, 0) - 2 / N)),
        "$c_k(m) = 0$ from the support $W_k$ of $h_k$ on, so both sums vanish once every "
        "displacement is at least $W_k + 2$. For $N \\to \\infty$ this is $1 - c_k(1)/c_k(0)$, "
        "the value of a single pixel.",
        against(
            "all images, moves and pairs of images on rings of 24 to 30 pixels, half a ring apart",
            routes.FAR,
        ),
    )
    return distance, sensitivity, far


def label_steps() -> tuple[Step, Step]:
    """Derive how many pairs each label of T1 has on a ring."""
    near, far = sp.ceiling(y.xi - y.gap) - 1, sp.ceiling(y.xi + y.gap) - 1
    why = (
        "on a ring every distance below $N/2$ belongs to exactly $N$ pairs, and "
        "$\\lceil r \\rceil - 1$ integers from 1 on lie below a real $r$"
    )
    return (
        Step(
            "What the label adds is a law of displacements. In T1, label +1 asks for a distance "
            "below $\\xi - g$; the number of its pairs, if $\\xi + g \\le N/2$, is",
            sp.Eq(y.near_pairs, N * near),
            f"{why}. Given the label, $\\varrho$ is uniform over $0 < |m| < \\xi - g$, "
            "on a ring of any size.",
            against(_PAIRS, routes.counts),
        ),
        Step(
            "Label -1 asks for a distance of at least $\\xi + g$ and has",
            sp.Eq(y.far_pairs, N * (N - 1) / 2 - N * far),
            f"these are all pairs but those closer than $\\xi + g$: {why}. Among all admitted "
            "pairs the far ones prevail as $N$ grows; with balanced labels $\\varrho$ is half of "
            "each.",
            against(_PAIRS, routes.counts),
        ),
    )


def block_steps() -> tuple[Step, ...]:
    """Derive the overlap within a block of T2, with and without an average over the phase."""
    S, xi = sp.Dummy("S", positive=True), sp.Dummy("xi", positive=True)
    lag = sp.Dummy("lag", integer=True, positive=True)
    law = 2 * (xi - lag) / (xi * (xi - 1))
    total = sp.factor(sp.summation(sp.expand(law * (S - lag) / S**3), (lag, 1, S - 1)))
    top, bottom = sp.fraction(total)
    mean = (S - 1) * sp.cancel(top / (S - 1)) / bottom
    cross = _fourth_difference(lambda e, f: y.overlap(k, p + e, n + f))
    values = [_by_gram(routes.balanced_law(offsets)) for offsets in (1, routes.SIDE)]
    return (
        Step(
            "In T2 a pair has label +1 if both pixels lie in one block of side $\\xi$. Let boxes "
            "of length $s$ pool at stride $s$, with $S_k$ dividing $\\xi$. Over the pairs of one "
            "block the mean $K_k$ of $\\langle P_k e_p, P_k e_q \\rangle$ is",
            sp.Eq(y.block_overlap(k), (y.S(k) - 1) / ((y.xi - 1) * y.S(k) ** 2)),
            "the blocks and the windows of the network share their edges. Of the $\\xi - 1$ "
            "partners of a pixel $S_k - 1$ lie in its window, where the overlap is $S_k^{-2}$; "
            "with all others it is 0.",
            against(_BLOCKS, routes.IN_BLOCKS),
        ),
        Step(
            "Averaging over the grid phase, as for T1, is wrong here: it answers for blocks that "
            "are cut anywhere.",
            sp.Eq(y.shifted_overlap(k), mean.subs({S: y.S(k), xi: y.xi})),
            "within a block displacement $m$ has probability $2(\\xi - |m|)/(\\xi(\\xi - 1))$ up "
            "to sign, and $c_k(m)/S_k = (S_k - |m|)/S_k^3$ for a box; this is the sum over $0 < "
            "|m| < S_k$. For $\\xi = S_k = 2$ it is half of the truth.",
            against(f"{_BLOCKS}, every offset of the blocks", routes.IN_BLOCKS),
        ),
        Step(
            "What holds without any average over the phase is the cross term of one pair of "
            "pixels, here $p$ and $n$, from the entries of the Gram matrix $P_k^T P_k$.",
            Stacked(y.pair_cross(k, p, n), cross),
            "this is step 2 before the position is averaged: $M^T P_k^T P_k M$ with $M$ half a "
            "second difference. Averaged over the pairs of the data set themselves, it serves T2 "
            "and distances that do not wrap around.",
            against(
                "all joint moves on rings of 10 to 14 pixels, skew filters, several phases",
                routes.phases,
            ),
        ),
        Step(
            "The error carries over to $D_k$. For $N = 8$, $\\xi = 2$, one box of length 2 at "
            "stride 2 and balanced labels, the phase average would claim $\\bar{D}_1$ for $D_1$.",
            Entrywise(sp.ImmutableMatrix([[y.D(1), y.shifted_D(1)]]), sp.ImmutableMatrix([values])),
            "the step before is averaged over the pairs of both labels, and for $\\bar{D}_1$ over "
            "both offsets of the blocks besides. With every pair of equal weight T2 leaves no "
            "pair out, the displacement then tells nothing about the position, and $D_k$ is that "
            "of a law of displacements.",
            against(
                "all images, joint moves and pairs of images, at offset 0 and at both; and predict "
                "with balanced labels",
                routes.counterexample,
            ),
        ),
    )


def _by_gram(law: Law) -> Any:
    """D_1 of the counterexample from the Gram matrix: 1/4 within a window, else 0."""
    size = routes.SIZE
    weights = sp.Matrix(size, size, lambda a, b: number(law.get((int(a), int(b)), 0)))
    gram = sp.Matrix(size, size, lambda a, b: sp.Rational(int(a // 2 == b // 2), 4))
    ring = sp.Matrix(size, size, lambda a, b: int((a - b) % size in (1, size - 1)))
    change = ring / 2 - sp.eye(size)  # of the mean image of a pixel, by a move
    active = (weights + weights.T) * sp.ones(size, 1)
    alone = -2 * (sp.diag(*active) * change * gram).trace()
    moved = alone + 2 * (weights.T * change * gram * change).trace()
    square = (sp.diag(*active) * gram).trace() + 2 * (weights.T * gram).trace()
    return moved / (2 * (square - (active.T * gram * active)[0]))
