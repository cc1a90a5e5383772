"""Rigid shifts: D_k(m) averaged over the grid phase, at a fixed one, and on chosen grids."""

from __future__ import annotations

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.prose import Entrywise
from scaledet.symbolic.routes import shifts as routes
from scaledet.symbolic.routes.checks import against
from scaledet.symbols import N, c, i, k, m, m_1, m_2, p, s

_POSITIONS = "all positions on rings of 10 to 14 pixels, skew filters"


def phase_steps() -> tuple[Step, Step, Step]:
    """Derive the change of one pixel at a given position, where it starts again, and of boxes."""
    change = y.overlap(k, p + m, p + m) + y.overlap(k, p, p) - 2 * y.overlap(k, p + m, p)
    crossing = sp.Piecewise((2 / s ** (2 * k), sp.Eq(sp.Mod(p + 1, s**k), 0)), (0, True))
    return (
        Step(
            "Shift the image by $m$ pixels. The pixel $p$ becomes $p + m$, and its representation "
            "changes by",
            sp.Eq(y.shift_change(k, m, p), change),
            "this is $|u - v|^2 = |u|^2 + |v|^2 - 2 \\langle u, v \\rangle$ for the pooled images "
            "of both pixels: entries of $P_k^T P_k$. On clean images the network is linear.",
            against(f"{_POSITIONS}, one by one", routes.positions),
        ),
        Step(
            "A shift by the whole stride $S_k$ moves the outputs by one unit, and changes nothing "
            "else. So the change depends on $p$ through its grid phase, $p$ modulo $S_k$.",
            sp.Eq(y.output(k, i + 1, p + y.S(k)), y.output(k, i, p)),
            "$(P_k e_p)(i) = h_k(p - S_k i)$ depends on $p - S_k i$ alone; biases and ReLUs act on "
            "all units alike. For $S_k = 1$: pooling at every site commutes with every shift.",
            against("all units and pixels of rings of 10 to 14 pixels", routes.units),
        ),
        Step(
            "How much the phase matters: boxes of length $s$ at stride $s$, shifted by one site. "
            "All the change is at the last site of a window, one phase in $S_k = s^k$.",
            sp.Eq(y.shift_change(k, 1, p), crossing),
            "the windows do not overlap, and each gives $s^{-k}$ for any pixel in it: nothing "
            "changes within a window, and two units change by $s^{-k}$ where the pixel leaves one. "
            "At the worst phase $D_k$ is $s^k$ times its average, and at all other phases 0.",
            against(
                "pixels at the ends of windows and inside, pooled on the infinite line, "
                "$s = 2, \\ldots, 5$",
                routes.windows,
            ),
        ),
    )


def average_steps() -> tuple[Step, Step, Step, Step]:
    """Derive the mean change, D_k(m) on a line and in the plane, and the local move."""
    mean = 2 * (c(k, 0) - c(k, m)) / y.S(k)
    plane = (c(k, 0) ** 2 - c(k, m_1) * c(k, m_2)) / (c(k, 0) ** 2 - N**-2)
    return (
        Step(
            "In an ordinary network the image lies anywhere on the grid. Averaged over its "
            "position it changes by",
            sp.Eq(sp.Sum(y.shift_change(k, m, p), (p, 0, N - 1)) / N, mean),
            "average step 1: $|P e_p|^2$ has the mean $c_k(0)/S_k$, the overlap at lag $m$ has "
            "the mean $c_k(m)/S_k$.",
            against(_POSITIONS, routes.averages),
        ),
        Step(
            "The sensitivity to a rigid shift of one pixel, exact at any size, filter and stride.",
            sp.Eq(y.shift_D(k, m), (c(k, 0) - c(k, m)) / (c(k, 0) - 1 / N)),
            "divide by $Q_k = 2(c_k(0) - 1/N)/S_k$, the distance of two independent pixels. "
            "Shifts farther than the filter reaches, where $c_k(m) = 0$, change as much as another "
            "image does, but for $1/N$.",
            against(f"{_POSITIONS}, and all pairs of pixels", routes.averages),
        ),
        Step(
            "In $d$ dimensions the overlap is a product over axes; in the plane",
            sp.Eq(y.shift_D(k, m_1, m_2), plane),
            "tensor-product filters: $c_k(0)^2$ in place of $c_k(0)$, $c_k(m_1) c_k(m_2)$ in place "
            "of $c_k(m)$, and $L = N^2$ pixels.",
            against("all positions and pairs on tori of 3 to 6 pixels a side", routes.plane),
        ),
        Step(
            "For one pixel the local move is the shift by one site.",
            sp.Eq(y.shift_D(k, 1), y.D(k)),
            "there is nothing else in the image that could stay behind, and $c_k(-1) = c_k(1)$ "
            "makes both directions alike. Two pixels tell them apart: a local move changes their "
            "distance, a shift does not.",
            against("all moves to either side on rings of 10 to 14 pixels", routes.averages),
        ),
    )


def adaptive_steps() -> tuple[Step, Step]:
    """Derive that grids chosen by the image undo circular shifts, and where that ends."""
    left = sp.ImmutableMatrix([[y.tied_change(1), y.moved_change(1), y.padded_change(1)]])
    half = sp.Rational(1, 2)
    return (
        Step(
            "Now every layer pools at every site and keeps, of the $s$ grids of spacing $s$, the "
            "one on which the image has the largest sum of squares. Let $\\hat{M}_k$ be the "
            "largest $\\min_r |S_r f_k(S_m x) - f_k(x)|^2$ of all circular shifts $m$ of some "
            "images, $S_r$ shifting the outputs.",
            sp.Eq(y.chosen_change(k), 0),
            "by induction over the layers. If the input of a layer shifts circularly, so does its "
            "image pooled at every site (step 2 with $S_k = 1$), bias and ReLU included. Then the "
            "grids hold the same heights as before, in another order of the grids and each "
            "shifted as a ring. The sum of squares does not see either; so the same heights are "
            "kept, shifted. If sums tie, let the grid be kept whose heights, read around the ring "
            "from the best place, are the greatest sequence: this does not see order and position "
            "either, and grids that still tie are shifts of each other. Thus $D_k(m) = 0$ for "
            "every image, filter of either sign, bias and depth.",
            against(
                "five images of small integers, all circular shifts of the image and of the "
                "outputs, three networks",
                routes.chosen,
            ),
        ),
        Step(
            "The proof ends where its premises do: if ties are decided by the order of the grids, "
            "if one of two pixels moves by itself, or if zeros are padded. One box of length 2 at "
            "stride 2 on six pixels changes by",
            Entrywise(left, sp.ImmutableMatrix([[half, half, half]])),
            "pooled in units of 1/2, on the grids $0, 2, 4$ and $1, 3, 5$. Tie: "
            "$0, 2, 0, 0, 1, 0$ gives $2, 0, 1$ and $2, 1, 0$, of equal sums but not shifts of "
            "each other; a shift by one site puts the other one first. Move: neighbours give "
            "$2, 0, 0$; two sites apart they give $1, 1, 0$. Padding: neighbours at the left end "
            "give $2, 0, 0$; shifted by one site to the left, around the ring, they give "
            "$1, 0, 1$, as no window sees both ends. Each differs by at least 2 squares of 1/2 "
            "from all shifts of its partner.",
            against("all grids and all shifts of the outputs, in integers", routes.LIMITS),
        ),
    )
