"""Networks without translation invariance: one matrix, its Gram sums, and moves at the border."""

from __future__ import annotations

from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes import borders as routes
from scaledet.symbolic.routes.checks import against
from scaledet.symbols import N, i, k, n, p

_PANEL = "images of 4 to 8 pixels, zeros, reflection, replicates, overhanging windows, branches"
_OTHER = sp.Dummy("q", integer=True)


def matrix_steps() -> tuple[Step, Step, Step]:
    """Derive the composite matrix of a chain and of residual sums, and the mass that zeros take."""
    places = (n, 0, y.side(k) - 1)
    received = y.unit(k, n, p) + y.unit(k - 1, n, p)
    reach, half = sp.Dummy("j", positive=True), sp.Dummy("r", positive=True)
    crossed = sp.factor(2 * sp.summation(reach, (reach, 1, half)) / (2 * half + 1))
    return (
        Step(
            "Output $i$ of layer $k + 1$ reads site $n$ of the $n_k$ before it with the weight "
            "$w_{k+1}(i, n)$, which contains stride, dilation and whatever the border does. Layer "
            "after layer, the image of pixel $p$ is",
            sp.Eq(y.unit(k + 1, i, p), sp.Sum(y.window(k + 1, i, n) * y.unit(k, n, p), places)),
            "a padded site holds zero or the value of a pixel of the image, and windows are "
            "weighted sums: both are linear. No row need be a shifted copy of another.",
            against(f"single units on {_PANEL}", routes.chains),
        ),
        Step(
            "Residual sums keep the network one matrix. If every layer receives the sum of both "
            "values before it,",
            sp.Eq(y.unit(k + 1, i, p), sp.Sum(y.window(k + 1, i, n) * received, (n, 0, N - 1))),
            "the matrices of the branches add up, as no ReLU acts: all weights are $\\ge 0$. Sums "
            "need equal sizes, so $n_k = N$. There is nothing before the image, $P_{-1} = 0$.",
            against("single units on images of 4 to 8 pixels with zeros around", routes.sums),
        ),
        Step(
            "Padding with zeros loses mass at the border. A box of $2n + 1$ weights at stride 1, "
            "$n \\le N$ zeros on either side, keeps on average",
            sp.Eq(y.mass(1), 1 - crossed.subs(half, n) / N),
            "the weight at distance $j$ from the centre carries the $j$ pixels that are nearest "
            "to one end beyond it, so the share lost is the mean distance over $N$: "
            "$2 (1 + \\dots + n)/(2 n + 1)$. Circular padding and replicates lose nothing of an "
            "image of equal pixels; what is lost grows with the receptive field.",
            against("4 to 8 pixels, boxes of up to nine weights, outputs summed", routes.losses),
        ),
    )


def _gram(first: Any, second: Any) -> Any:
    return y.overlap(k, first, second)


def distance_steps() -> tuple[Step, Step]:
    """Derive Q_k on a line and, for separable layers, in a plane of unequal sides."""
    diagonal = sp.Sum(_gram(p, p), (p, 0, N - 1))
    every = sp.Sum(_gram(p, _OTHER), (p, 0, N - 1), (_OTHER, 0, N - 1))
    squares = y.squares(k, 1) * y.squares(k, 2) - y.mean_square(k, 1) * y.mean_square(k, 2)
    return (
        Step(
            "Two independent images have the mean square distance",
            sp.Eq(y.Q(k), 2 * (diagonal / N - every / N**2)),
            "twice the variance of a vector: the mean of $|P_k e_p|^2$ less the square of the "
            "mean image. Without translation invariance the mean image is not flat, and no single "
            "entry of the Gram matrix stands for its row.",
            against(f"all pairs of images, ReLUs and biases included: {_PANEL}", routes.networks),
        ),
        Step(
            "In a plane let $T_k(a)$ and $B_k(a)$ be both terms, the mean of $|P_k e_p|^2$ and the "
            "square of the mean image, along axis $a$ alone. Then",
            sp.Eq(y.plane_Q(k), 2 * squares),
            "the matrix is the tensor product of one per axis, so its Gram matrix is, and each "
            "sum over all pixels is a product of sums along the axes. No matrix of the plane is "
            "needed.",
            against("all pairs of images of 3 x 5 to 6 x 4 pixels, unequal axes", routes.planes),
        ),
    )


def move_steps() -> tuple[Step, ...]:
    """Derive what moves do that would leave the image: stay, wrap, inside; D_k; the plane."""
    edge = y.shift_change(k, 1, p)
    stays = sp.Sum(edge, (p, 0, N - 2)) / N
    ends = edge.subs(p, 0) + edge.subs(p, N - 2)
    along = (
        y.axis_change(k, 1) * y.squares(k, 2) + y.squares(k, 1) * y.axis_change(k, 2)
    ) / y.plane_Q(k)
    sensitivity = y.wrapping(k) / y.Q(k)
    return (
        Step(
            "A move along the edge from $p$ to $p + 1$ changes the image by an amount that now "
            "depends on $p$. If moves that would leave the image do not take place, the mean "
            "square change is",
            sp.Eq(y.staying(k), stays),
            "each of the $N - 1$ edges is crossed from either end, with probability "
            "$\\frac{1}{2}$ if the pixel, one of $N$, is there. "
            "$|P_k (e_{p+1} - e_p)|^2$ has the entries $(p, p)$, $(p + 1, p + 1)$ and "
            "$(p, p + 1)$ of the Gram matrix.",
            against(f"all moves of all pixels: {_PANEL}", routes.networks),
        ),
        Step(
            "If they come back on the other side,",
            sp.Eq(y.wrapping(k), y.staying(k) + edge.subs(p, N - 1) / N),
            "there is one edge more, from the last pixel to the first: the corner of the Gram "
            "matrix. As neither padding nor strides need join these ends, it may be far longer "
            "than the others.",
            against(f"all moves of all pixels: {_PANEL}", routes.networks),
        ),
        Step(
            "If the pixel goes to its only neighbour instead,",
            sp.Eq(y.inside(k), y.staying(k) + ends / (2 * N)),
            "both end pixels leave along their only edge with probability 1, not $\\frac{1}{2}$.",
            against(f"all moves of all pixels: {_PANEL}", routes.networks),
        ),
        Step(
            "The sensitivity, here for moves that wrap around, is the quotient.",
            sp.Eq(y.D(k), sensitivity),
            "its definition; the other moves take their own change in place of "
            "$M_k^{\\mathrm{wrap}}$. Biases drop out of both.",
            against(f"all pairs and moves, ReLUs and biases included: {_PANEL}", routes.networks),
        ),
        Step(
            "In a plane, with $M_k(a)$ the change by a move along axis $a$ on a line,",
            sp.Eq(y.plane_D(k), along / 2),
            "each axis is drawn with probability $\\frac{1}{2}$; along the other one the pixel "
            "stays, which gives $T_k$. For all three kinds of moves: each decides within its axis.",
            against(
                "all moves and pairs of 3 x 5 to 6 x 4 pixels, unequal axes, three kinds of moves",
                routes.planes,
            ),
        ),
    )


def noise_steps() -> tuple[Step, Step]:
    """Derive the matched energy of the noise, and the numerator of G_k."""
    excess = y.active_mean - y.mu_1
    means = y.mu_1 * (y.mu_1 * N + 2 * excess) * N * y.mean_square(k, 1)
    rest = (excess**2 + (N - 1) * y.v_0 + y.active_variance) * y.squares(k, 1)
    return (
        Step(
            "Noise is matched to the move, $N \\sigma^2 = \\mathrm{E}|\\tau x - x|^2$. This is 2 "
            "if every pixel moves; if some stay,",
            sp.Eq(y.staying(0), 2 * (1 - 1 / N)),
            "of the $2 N$ moves, those two that would leave the image change nothing, and all "
            "others two pixels by 1. In more dimensions $1/N$ is averaged over the axes.",
            against("all moves on images of 4 to 8 pixels", routes.images),
        ),
        Step(
            "Let noise of mean $\\mu_1$ and variance $v_0$ fall on background pixels, of mean "
            "$m_a$ and variance $v_a$ on the active one. At layer $k$ its mean square is",
            sp.Eq(y.energy(k), means + rest),
            "at given $p$ it is $\\sum_i (P_k \\mu^p)_i^2 + \\sum_{i, n} P_k(i, n)^2 v^p_n$, as "
            "pixels are independent. $\\mu^p = \\mu_1 + (m_a - \\mu_1) e_p$; squared and averaged "
            "over $p$, with $B_k = |P_k 1|^2/N^2$, it gives the terms in $B_k$ and the square of "
            "$m_a - \\mu_1$; the variances add up to $(N - 1) v_0 + v_a$ squares. "
            "$G_k$ is this over $Q_k$.",
            against(
                "all images of noise of two values on 4 to 7 pixels, carried through ReLUs and "
                "biases",
                routes.noisy,
            ),
        ),
    )
