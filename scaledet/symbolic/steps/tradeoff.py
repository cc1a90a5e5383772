"""The least sensitivity D_k at given c_k(0), on which noise depends, and what attains it."""

from __future__ import annotations

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes import tradeoff as routes
from scaledet.symbolic.routes.checks import against
from scaledet.symbols import c, j, k, n, theta

_COSINE = sp.cos(theta)
_GAIN = c(k, 1) - _COSINE * c(k, 0)
_EDGE = sp.cos(theta * (n + 1) / 2)
_TOTAL = sp.sin(n * theta / 2) / sp.sin(theta / 2) - n * _EDGE
_SOLVED = "dense linear systems of up to six rows at 70 digits, eight angles"
_PANEL = "stacks of layers, filters with gaps, and the stationary filters of each angle"


def stationary_steps() -> tuple[Step, Step, Step]:
    """Derive the gain at an angle, its stationary filters, and what they gain."""
    return (
        Step(
            "Weigh stability against noise: choose an angle $\\theta$, and ask how large "
            "$\\sum_j h_j h_{j+1} - \\cos\\theta\\, h_j^2$ can be. It is",
            sp.Eq(_GAIN, (1 - _COSINE - y.D(k)) * c(k, 0)),
            "$c_k(1) = (1 - D_k)\\, c_k(0)$. An upper bound of this gain is a lower bound of "
            "$D_k$ at every $c_k(0)$; the angle is a Lagrange multiplier.",
            against("pooled one-pixel images of stacks of layers, four angles", routes.stacks),
        ),
        Step(
            "Among $n$ weights that sum to 1, the gain is stationary where its gradient is the "
            "same at all of them:",
            sp.Eq(y.stationary(n, j), (sp.cos(theta * (j - (n + 1) / 2)) - _EDGE) / _TOTAL),
            "half the gradient is $\\frac{1}{2} (h_{j-1} + h_{j+1}) - \\cos\\theta\\, h_j$ with "
            "$h_0 = h_{n+1} = 0$. Waves of wave number $\\theta$ are mapped to 0, constants to a "
            "constant, and symmetry leaves the cosine. The divisor is the sum, a geometric "
            "series. For $n \\theta < 2 \\pi$ all weights are positive.",
            against(f"all weights: {_SOLVED}", routes.weights),
        ),
        Step(
            "There the gain is",
            sp.Eq(y.gain(n), -(1 - _COSINE) * _EDGE / _TOTAL),
            "it is half the product of filter and gradient, and the gradient is twice the "
            "constant $-(1 - \\cos\\theta) \\cos(\\theta (n + 1)/2)$ over the divisor; the "
            "weights sum to 1.",
            against(f"sums of products of neighbours and squares: {_SOLVED}", routes.gains),
        ),
    )


def bound_steps() -> tuple[Step, Step, Step]:
    """Derive the largest gain, the least D_k, and the bound at the right angle."""
    largest = y.gain(n)
    return (
        Step(
            "No filter of any length gains more than one of these. Let "
            "$(n + 1) \\theta \\le 2 \\pi < (n + 2) \\theta$. Then",
            sp.Le(_GAIN, largest),
            "two parts of masses $p$ and $1 - p$ with a gap between them gain $p^2$ and "
            "$(1 - p)^2$ times what they do alone, which is no more than the better one unless "
            "both lose; but $\\Phi_n > 0$. So a best filter has $w$ weights $> 0$ in a row and is "
            "stationary, and no change $v$ of sum 0 gains: $v_j = \\sin(2 \\pi j/(w + 1))$ gains "
            "$\\cos(2 \\pi/(w + 1)) - \\cos\\theta$ times $\\sum_j v_j^2$, so $w \\le n$. On $n$ "
            "weights no change of sum 0 has a larger factor than this one, at most 0: odd $v$ by "
            "the spectrum of the path, even ones because the lifted cosine of a smaller wave "
            "number is positive and does not sum to 0. The gain is concave there, and stationary "
            "means greatest.",
            against(_PANEL, routes.bounded),
        ),
        Step(
            "So at given $c_k(0)$, whether of one layer or of many, no $D_k$ is less than",
            sp.Ge(y.D(k), 1 - _COSINE - largest / c(k, 0)),
            "divide the first step by $c_k(0)$. Every angle gives a bound, the best one is that "
            "whose own filter has this $c_k(0)$: a single layer of it attains the bound. As "
            "$\\theta$ falls to 0 the filter becomes longer and $c_k(0)$ smaller.",
            against(_PANEL, routes.bounded),
        ),
        Step(
            "At the right angle $n = 3$, and the gain is $\\frac{1}{4}$:",
            sp.Ge(y.D(k), 1 - 1 / (4 * c(k, 0))),
            "insert $\\theta = \\pi/2$; or, directly, neighbours are one even and one odd site, "
            "and $c_k(1)$ is at most the product of the masses on both, $\\frac{1}{4}$. The box "
            "of 2 and $[1, 2, 1]/4$ attain it: none is more stable at their level of noise.",
            against("stacks of layers, filters with gaps, and these two", routes.right_angles),
        ),
    )
