"""What d08 counts: the norm of a move at the input, and the pairs of each label."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.reference.small_torus import Torus, ring_distance, signed_moves
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.prose import Entrywise
from scaledet.symbols import N
from scaledet.tasks.scale_detection import ScaleDetection


def norm_steps() -> list[Step]:
    """Return E|tau x - x|^2 at the input, on a line and in the plane."""
    return [
        norm_step([(1,), (2,), (3,)], Torus([], 10),
                  "On a line it differs from 4 only at distances 1 and 2",
                  "neighbours may follow each other or change places, and pixels two apart may "
                  "meet."),
        norm_step([(1, 0), (1, 1), (2, 0), (2, 1)], Torus([], 6, dim=2),
                  "In the plane it differs from 4 only for neighbours, across a diagonal, and two "
                  "sites along an axis",
                  "the same coincidences, diluted over the axes."),
    ]  # fmt: skip


def norm_step(lags: list[tuple[int, ...]], torus: Torus, where: str, why: str) -> Step:
    def norm(lag: tuple[int, ...]) -> Any:
        terms = signed_moves(torus.moves, (0,) * torus.dim)
        meeting = sum(
            sign
            for first, second, sign in terms
            if all(r + g - e == 0 for r, e, g in zip(lag, first, second, strict=True))
        )
        return 4 + 2 * sp.Rational(meeting, len(torus.moves) ** 2)

    def change(depth: int, *lag: int) -> Fraction:
        return torus.averaged(torus.change, depth, *lag)

    return Step(
        f"At the input this is the norm that the noise is matched to, $L \\sigma^2 = M_0$. "
        f"{where}.",
        Entrywise(sp.ImmutableMatrix([[y.pair_change(0, *lag) for lag in lags]]),
                  sp.ImmutableMatrix([[norm(lag) for lag in lags]])),
        f"$c_0$ is 1 at lag 0 and 0 elsewhere, and $M_0 = 4 + 2 X_0$ by steps 2 to 4: {why}",
        Check(f"all positions and joint moves of two-pixel images on {torus.size} pixels a side, "
              "collisions included", lambda claim: agree(claim, [{}], {y.pair_change: change})),
    )  # fmt: skip


def label_steps() -> list[Step]:
    """Return how many pairs each label of T1 has on a ring."""
    near, far = sp.ceiling(y.xi - y.gap) - 1, sp.ceiling(y.xi + y.gap) - 1
    why = (
        "on a ring every distance below $N/2$ belongs to exactly $N$ pairs, and "
        "$\\lceil r \\rceil - 1$ integers from 1 on lie below a real $r$"
    )
    route = "all pairs on rings of 7, 8 and 12 pixels, fractional scales; and the task's own counts"
    return [
        Step(
            "What the label adds is a law of displacements. In T1, label +1 asks for a distance "
            "below $\\xi - g$; the number of its pairs, if $\\xi + g \\le N/2$, is",
            sp.Eq(y.near_pairs, N * near),
            f"{why}. Given the label, $\\varrho$ is uniform over $0 < |m| < \\xi - g$, "
            "on a ring of any size.",
            Check(route, lambda claim: counted(claim, 1)),
        ),
        Step(
            "Label -1 asks for a distance of at least $\\xi + g$ and has",
            sp.Eq(y.far_pairs, N * (N - 1) / 2 - N * far),
            f"these are all pairs but those closer than $\\xi + g$: {why}. Among all admitted "
            "pairs the far ones prevail as $N$ grows; with balanced labels $\\varrho$ is half of "
            "each.",
            Check(route, lambda claim: counted(claim, -1)),
        ),
    ]


def counted(claim: Any, label: int) -> str:
    symbol = y.near_pairs if label == 1 else y.far_pairs
    half, third = Fraction(1, 2), Fraction(1, 3)
    cases = []
    for size, xi, gap in ((7, 5 * half, half), (8, 3, 0), (8, 2, third), (12, 4, 1),
                          (12, 9 * half, 4 * third), (12, 5, 1)):  # fmt: skip
        apart = [ring_distance(a, b, size) for a, b in itertools.combinations(range(size), 2)]
        own = {1: sum(r < xi - gap for r in apart), -1: sum(r >= xi + gap for r in apart)}
        task = ScaleDetection(size=size, xi=xi, gap=gap)
        for count in (own[label], task.counts[label]):
            cases.append({symbol: count, N: size, y.xi: xi, y.gap: gap})
    return agree(claim, cases)
