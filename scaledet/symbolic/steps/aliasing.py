"""Derive what an odd box at stride 2 spoils, and which filter before it saves."""

from __future__ import annotations

from functools import partial

import sympy as sp

from scaledet import symbols as y
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.unequal_layers import (
    BOX_3,
    PAIR,
    SMOOTH,
    Layers,
    capped,
    exponent,
    limit,
    odd_boxes,
)
from scaledet.symbols import f, p, s
from scaledet.theory.growth.exponents import predict_exponents

__all__ = ["alpha_step", "as_network", "cap_steps", "filter_steps"]

TEXTS = (
    (
        BOX_3,
        "Repeat box 3 at stride 2 alone. It never becomes stable.",
        "the phases receive 2/3 and 1/3 in every layer, and $c(0)$ and $c(0) - c(1)$ shrink at "
        "the same pace.",
    ),
    (
        PAIR + BOX_3,
        "Put $[1, 1]$ at stride 1 before each box 3: stable.",
        "the filter of the block is $(1 + z)(1 + z + z^2)/6$, and its factor $1 + z$ gives both "
        "phases the same weight, the sum rule. What is left, box 3, limits the rest: "
        "$\\alpha$ is 1 plus the exponent of $c_k(0)$ of box 3 alone.",
    ),
    (
        SMOOTH + BOX_3,
        "Put $[1, 2, 1]$ before each box 3: stable at the largest $\\alpha$ there is.",
        "the filter of the block is $(1 + z)^2 (1 + z + z^2)/12$. The factor $1 + z$ twice keeps "
        "ramps as well as constants; now the difference of neighbours falls as the inverse "
        "square of the width, and no filter does better, for the lowest Dirichlet eigenvalue of "
        "its support is of that order.",
    ),
    (
        BOX_3 + SMOOTH,
        "Put the same $[1, 2, 1]$ behind each box 3: nothing is gained.",
        "the filter of the block is $(1 + z + z^2)(1 + z^2)^2/12$, with weights 2/3 and 1/3 on "
        "the two phases. What the stride has aliased no later filter can tell apart.",
    ),
)
"""Blocks with no, a short, and the right filter before box 3 at stride 2, and behind it."""


def as_network(given: Layers) -> Network:
    """Return the network of given layers."""
    return Network([Layer(list(weights), stride) for weights, stride in given])


def cap_steps() -> list[Step]:
    """Return how unequal masses of the phases bound D_k from below, for ever."""
    drops = sp.Sum((y.phase_mass(p) - y.phase_mass(p + 1)) ** 2, (p, 0, s - 1))
    squares = sp.Sum(y.phase_mass(p) ** 2, (p, 0, s - 1))
    large, small = (f + 1) / (2 * f), (f - 1) / (2 * f)
    odd = sp.factor(2 * (large - small) ** 2 / (2 * (large**2 + small**2)))
    cap = Step(
        "The first layer sets a limit to stability that no layer behind it lifts. Let $w_p$ be the "
        "sum of its outputs for an active pixel at phase $p$ of its grid. If all layers behind it "
        "were perfect, $D_k$ would still tend to",
        sp.Eq(y.plateau, drops / (2 * squares)),
        "$w_p$ is the sum of the weights of one residue class, $\\sum_n a(p - s n)$. To the layers "
        "behind, $r$ steps cost at most $r^2$ times one, and one costs nothing in the limit: all "
        "units that see the pixel are as good as one, and the image of the pixel is $w_p$ times "
        "one and the same bump. A move changes $w_p$ to $w_{p \\pm 1}$, with $w_s = w_0$.",
        Check(
            "exact $D_k$ 41 and 21 layers deep, four first layers at strides 2 and 3, two stable "
            "networks behind each",
            capped,
        ),
    )
    boxes = Step(
        "An odd box of length $f$ at stride 2 as the first layer therefore stops $D_k$ at",
        sp.Eq(y.plateau, odd),
        "its two phases receive $(f+1)/(2f)$ and $(f-1)/(2f)$. That is 1/5 for the box of length 3 "
        "and 1/25 for the length 7 that many networks begin with: longer is better, even is right.",
        Check("exact $D_k$ deep behind boxes of 3, 5, 7 and 11 pixels", odd_boxes),
    )
    return [cap, boxes]


def filter_steps() -> list[Step]:
    """Return alpha with no, a short, and the right filter before box 3 at stride 2, and behind."""
    steps = [alpha_step(statement, why, [block]) for block, statement, why in TEXTS]
    after = BOX_3 + SMOOTH
    stop = Step(
        "It stops where the first box 3 stops it.",
        sp.Eq(y.plateau, predict_exponents(as_network(after * 2)).plateau),
        "behind the first box 3 follow $[1, 2, 1]$ and box 3 in turn, which by step 14 become "
        "stable: this is step 11 at $f = 3$.",
        Check("exact $D_k$ of 40 blocks", partial(limit, network=after * 40)),
    )
    return [*steps, stop]


def alpha_step(statement: str, why: str, blocks: list[Layers]) -> Step:
    """Return the exponent of stability that `blocks` share."""
    both = ", both orders" if len(blocks) > 1 else ""
    return Step(
        statement,
        sp.Eq(y.alpha, predict_exponents(as_network(blocks[0] * 2)).alpha),
        why,
        Check(
            "growth rates of exact squares of composite filters, and local exponents in $A_k$ of "
            f"40 blocks by images, filters and walkers{both}",
            partial(exponent, symbol=y.alpha, blocks=blocks),
        ),
    )
