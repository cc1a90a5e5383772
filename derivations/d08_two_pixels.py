"""Two pixels and a label: overlaps, independent moves, D_k and Q_k of the scale-detection task."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp
from publish import main

import scaledet as sd
from scaledet import symbols as y
from scaledet.reference.small_torus import (
    Law,
    Torus,
    at_displacement,
    labelled,
    mixed,
    rings,
    signed_moves,
    uniform,
)
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.steps.pair_blocks import block_steps
from scaledet.symbolic.steps.pair_counts import label_steps, norm_steps
from scaledet.symbols import N, k, m, m_1, m_2, p

PLANE = Torus([([1, 2, 4], 2), ([1, 3], 3)], 6, dim=2)
LINE = Torus(PLANE.layers, PLANE.size)


def cross_steps() -> list[Step]:
    """Return the overlap of two pixels and what independent moves do to it."""
    route = "all positions and all joint moves on rings of 12 and 10 pixels, skew filters"
    quarter = sp.Rational(1, 4)
    moved = sp.Add(*(quarter * sign * y.c(k, m + g - e) for e, g, sign in signed_moves((1, -1), 0)))
    overlap = Step(
        "Two pixels at displacement $m$ overlap, on average over their position, as one pixel "
        "does with itself at lag $m$.",
        sp.Eq(sp.Sum(y.overlap(k, p, p + m), (p, 0, N - 1)) / N, y.c(k, m) / y.S(k)),
        "$\\langle P e_p, P e_{p+m} \\rangle = \\sum_i h_k(p - S_k i)\\, h_k(p + m - S_k i)$, and "
        "a uniform $p$ visits every grid phase equally often. On a ring $h_k$ is first wrapped "
        "around it, and $c_k$ is that of the wrapped filter.",
        Check("all one-pixel images on rings of 12 and 10 pixels, skew filters",
              lambda claim: on_rings(claim, range(5))),
    )  # fmt: skip
    cross = Step(
        "Let both pixels move, each by one site to a random side, independently. The changes of "
        "their representations then overlap by a quarter of the fourth difference.",
        sp.Eq(y.pair_cross(k, m), sp.expand(moved) / y.S(k)),
        "$X_k(m)$ is the mean of $\\langle P(e_{p+e} - e_p), P(e_{q+e'} - e_q) \\rangle$ at "
        "$q = p + m$, here expanded and summed over the four joint moves. In other words: the "
        "moves being independent, each is averaged by itself, and $E\\, e_{p+e} - e_p$ is half a "
        "second difference; two of them make $\\frac14 \\delta^4 c_k(m)$.",
        Check(route, lambda claim: on_rings(claim, range(7))),
    )
    change = Step(
        "The image of both pixels changes by what each does alone and by twice the cross term.",
        sp.Eq(y.pair_change(k, m),
              4 * (y.c(k, 0) - y.c(k, 1)) / y.S(k) + 2 * y.pair_cross(k, m)),
        "$M_k(m)$ is the mean of $|P(\\tau x - x)|^2$. The network is linear on non-negative "
        "images, a collided pixel of height 2 included, and $|u + v|^2 = |u|^2 + |v|^2 + "
        "2 \\langle u, v \\rangle$, where $|u|^2$ and $|v|^2$ average to "
        "$2 (c_k(0) - c_k(1))/S_k$, the change of one pixel.",
        Check(route, lambda claim: on_rings(claim, range(1, 7))),
    )  # fmt: skip
    return [overlap, cross, plane_step(), change]


def plane_step() -> Step:
    """Return the cross term in two dimensions: (Laplacian/4)^2 on a product."""
    one, other = sp.symbols("one other")
    square = sp.Poly(sp.expand(((one + other) / 4) ** 2), one, other)
    differences = {
        (2, 0): y.fourth_difference(k, m_1) * y.c(k, m_2),
        (1, 1): y.second_difference(k, m_1) * y.second_difference(k, m_2),
        (0, 2): y.c(k, m_1) * y.fourth_difference(k, m_2),
    }
    total = sp.Add(*(factor * differences[powers] for powers, factor in square.terms()))
    return Step(
        "In $d$ dimensions a move goes along a random axis. With $m$ the displacement vector, "
        "$X_k$ is $\\big(\\frac{1}{2d} \\sum_a \\delta_a^2\\big)^2$ applied to the product over "
        "axes of $c_k(m_a)/S_k$; in the plane",
        sp.Eq(y.pair_cross(k, m_1, m_2), total / y.S(k) ** 2),
        "the mean move $E\\, e_{p+e} - e_p$ is now $\\frac{1}{2d}$ of the lattice Laplacian "
        "$\\sum_a \\delta_a^2$, it acts once for each pixel, and for tensor-product filters the "
        "overlap of two pixels is a product over axes. $\\delta^2 c_k(m) = c_k(m+1) - 2 c_k(m) + "
        "c_k(m-1)$, and $\\delta^4$ is $\\delta^2$ twice.",
        Check("all 36 positions and 16 joint moves on a torus of 6 by 6 pixels, skew filters, "
              "eight displacements", in_plane),
    )  # fmt: skip


def difference(ring: Torus, order: int, depth: int, lag: int) -> Fraction:
    """Second difference of c_k, taken `order` times."""
    if order == 0:
        return ring.correlation(depth, lag)
    after, here, before = (difference(ring, order - 1, depth, lag + e) for e in (1, 0, -1))
    return after - 2 * here + before


def on_rings(claim: Any, lags: Sequence[int]) -> str:
    """Confront a claim about averages over the position with both rings."""
    found = []
    for ring in rings():
        values = {
            y.c: ring.correlation,
            y.S: ring.stride,
            y.overlap: lambda depth, a, b, own=ring: own.overlap(depth, (a,), (b,)),
            y.pair_cross: lambda depth, *lag, own=ring: own.averaged(own.crossed, depth, *lag),
            y.pair_change: lambda depth, *lag, own=ring: own.averaged(own.change, depth, *lag),
        }
        cases = [{k: depth, m: lag, N: ring.size} for depth in (0, 1, 2) for lag in lags]
        found.append(agree(claim, cases, values))
    return " and ".join(found)


def in_plane(claim: Any) -> str:
    values = {
        y.c: LINE.correlation,
        y.S: PLANE.stride,
        y.second_difference: lambda depth, lag: difference(LINE, 1, depth, lag),
        y.fourth_difference: lambda depth, lag: difference(LINE, 2, depth, lag),
        y.pair_cross: lambda depth, *lag: PLANE.averaged(PLANE.crossed, depth, *lag),
    }
    lags = ((0, 0), (1, 0), (0, 2), (1, 1), (2, 1), (1, 3), (2, 2), (3, 3))
    cases = [{k: depth, m_1: a, m_2: b} for depth in (0, 1, 2) for a, b in lags]
    return agree(claim, cases, values)


def law_steps() -> list[Step]:
    """Return Q_k and D_k for any law of the displacement, the position being uniform."""
    spread = y.c(k, 0) + sp.Sum(y.law(m) * y.c(k, m), (m, 1, N - 1)) - 2 / N
    moved = sp.Sum(y.law(m) * y.fourth_difference(k, m), (m, 1, N - 1)) / 8
    distance = Step(
        "Now draw displacements from a law $\\varrho$, even in $m$, and positions uniformly, as T1 "
        "does on a ring, with all labels or one. Two independent images differ by",
        sp.Eq(y.Q(k), 4 * spread / y.S(k)),
        "$Q_k = 2 (E|f|^2 - |E f|^2)$. Each image has $E|f|^2 = 2 c_k(0)/S_k + 2 E\\, c_k(m)/S_k$ "
        "(step 1). The mean image is constant, $2/N$ a pixel, stays so under filters of sum 1, and "
        "has $N/S_k$ units at layer $k$: $|E f|^2 = 4/(N S_k)$.",
        Check("all pairs of two-pixel images on both rings: one distance, each label of T1, all "
              "pairs, balanced labels", with_laws),
    )  # fmt: skip
    sensitivity = Step(
        "The sensitivity to displacements of two-pixel images, at one displacement or averaged "
        "over a label: numerator and $Q_k$ are averaged separately.",
        sp.Eq(y.D(k), (y.c(k, 0) - y.c(k, 1) + moved) / spread),
        "this is the average of step 4 over $\\varrho$, with step 2 for the cross term, divided by "
        "$Q_k$; a factor $4/S_k$ cancels.",
        Check("all images, all joint moves and all pairs of images, the same laws; and predict on "
              "four tasks", lambda claim: f"{with_laws(claim)}; {on_tasks(claim)}"),
    )  # fmt: skip
    far = Step(
        "Pixels farther apart than the network sees are two one-pixel images side by side.",
        sp.Eq(y.D(k), (y.c(k, 0) - y.c(k, 1)) / (y.c(k, 0) - 2 / N)),
        "$c_k(m) = 0$ from the support $W_k$ of $h_k$ on, so both sums vanish once every "
        "displacement is at least $W_k + 2$. For $N \\to \\infty$ this is $1 - c_k(1)/c_k(0)$, "
        "the value of a single pixel.",
        Check("all images, moves and pairs of images on a ring of 24 pixels, displacement 12",
              far_apart),
    )  # fmt: skip
    return [distance, sensitivity, far]


@cache
def laws() -> list[tuple[Torus, int, Law]]:
    """Rings with laws: one displacement, each label, all pairs, both labels balanced."""
    found = []
    for ring in rings():
        size = ring.size
        near, far = labelled(size, 3, 5)
        one = [uniform([(q, (q + lag) % size) for q in range(size)]) for lag in (1, 2, 3)]
        every = uniform(itertools.combinations(range(size), 2))
        found += [(ring, size, law) for law in (*one, near, far, every, mixed(near, far))]
    return found


@cache
def enumerated(index: int, depth: int) -> tuple[Fraction, Fraction]:
    """Q_k and D_k under a law by enumeration."""
    ring, _, law = laws()[index]
    return ring.distance(depth, law), ring.sensitivity(depth, law)


def functions(ring: Torus, law: Law) -> dict[Any, Any]:
    """Return what a law and the filters of a ring provide."""
    return {
        y.c: ring.correlation,
        y.fourth_difference: lambda depth, lag: difference(ring, 2, depth, lag),
        y.S: ring.stride,
        y.law: lambda lag: at_displacement(law, ring.size, lag),
    }


def with_laws(claim: Any) -> str:
    """Confront a claim about a law of displacements with enumeration under every law."""
    found = ""
    for index, (ring, size, law) in enumerate(laws()):
        values = functions(ring, law) | {
            y.Q: lambda depth, at=index: enumerated(at, depth)[0],
            y.D: lambda depth, at=index: enumerated(at, depth)[1],
        }
        found = agree(claim, [{k: depth, N: size} for depth in (0, 1, 2)], values)
    return f"{found} for each of {len(laws())} laws on two rings"


@cache
def tasks() -> list[tuple[Torus, Law, list[Fraction]]]:
    """Tasks whose displacement tells nothing about the position, with the package's exact D_k."""
    found = []
    for options, fair in (
        ({"size": 12, "xi": 4, "gap": 1}, False),
        ({"size": 12, "xi": 4, "gap": 1}, True),
        ({"size": 9, "xi": 3, "gap": 0}, False),
        ({"size": 12, "xi": 4, "variant": "T2"}, False),
    ):
        task = sd.ScaleDetection(**options)
        layers = [([1, 2, 4], 3 if task.size % 2 else 2), ([2, 1], 1)]
        net = sd.Network([sd.Layer(weights, stride) for weights, stride in layers])
        exact = list(sd.predict(net, task=task, balanced=fair).exact_D)
        near, far = ([(int(a[0]), int(b[0])) for a, b in task.pairs(one)] for one in (1, -1))
        law = mixed(uniform(near), uniform(far)) if fair else uniform(near + far)
        found.append((Torus(layers, task.size), law, exact))
    return found


def on_tasks(claim: Any) -> str:
    found = ""
    for ring, law, exact in tasks():
        values = functions(ring, law) | {y.D: lambda depth, own=exact: own[depth]}
        found = agree(claim, [{k: depth, N: ring.size} for depth in (0, 1, 2)], values)
    return f"predict {found} for each of {len(tasks())} tasks"


@cache
def far_sensitivity(depth: int) -> tuple[Torus, Fraction]:
    ring = Torus(rings()[0].layers, 24)
    return ring, ring.sensitivity(depth, uniform([(q, q + 12) for q in range(12)]))


def far_apart(claim: Any) -> str:
    values = {y.c: far_sensitivity(1)[0].correlation, y.D: lambda depth: far_sensitivity(depth)[1]}
    return agree(claim, [{k: depth, N: 24} for depth in (1, 2)], values)


def derivation() -> Derivation:
    """Derive the sensitivities of two-pixel images."""
    known = law_steps()
    return Derivation(
        title="Two pixels and a label",
        abstract="Images of two active pixels, as in the scale-detection tasks, need the "
        "autocorrelation $c_k$ at the displacement of the pixels and its fourth difference, "
        "averaged over the pairs of the label; where the label knows the grid, as in T2, also the "
        "phase.",
        assumptions=(
            "two distinct active pixels of height 1; each moves by one site along a random axis, "
            "random sign, independently, and they may collide",
            "filters $a \\ge 0$ of sum 1, biases $\\ge 0$: no ReLU acts on clean images",
            "the tasks of arXiv:2210.01506. T1 (distance below $\\xi - g$ against at least "
            "$\\xi + g$) lives on a ring of $N$ pixels, T2 (same block of side $\\xi$ or not) on "
            "blocks that start at pixel 0",
            "exact at every finite $N$ and depth; no limit is taken but where it is said",
        ),
        steps=(*cross_steps(), *norm_steps(), *known, *label_steps(), *block_steps()),
        result={"Q_k": known[0].expression.rhs, "D_k": known[1].expression.rhs},
    )


if __name__ == "__main__":
    main(derivation(), __file__)
