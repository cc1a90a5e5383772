"""What an odd box at stride 2 spoils, and which filter before it saves: for d10."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.network.network import Layer, Network
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.long_networks import (
    BOX_2,
    BOX_3,
    PAIR,
    SMOOTH,
    Layers,
    brute,
    exponent,
    layers,
    limit,
)
from scaledet.symbolic.steps.network import derive_network
from scaledet.symbols import f, p, s

SMOOTHING = (layers(([1, 2, 1], 2)), SMOOTH + BOX_2)
"""Blocks that become stable by themselves; 20 of them are deep."""


def derived(block: Layers) -> Any:
    """Results of the package's derivation of a block that stands twice."""
    net = Network([Layer(list(weights), stride) for weights, stride in block] * 2)
    return derive_network(net).result


def mass(first: Layers, phase: int) -> Fraction:
    """Sum of the outputs of these layers for an active pixel at a phase, from its image."""
    own = brute(first)
    phase %= own.stride(own.depth)
    return sum(own.pooled.image(own.depth, phase).values(), Fraction(0))


def capped(claim: Any) -> str:
    """Confront the cap by the first layer with deep networks behind several first layers."""
    words = []
    first_layers = (([1, 2, 4], 2), ([1, 3], 3), ([2, 1, 1, 5], 3), ([1, 1, 1], 2))
    for first in (layers(one) for one in first_layers):
        for block in SMOOTHING:
            known = {y.phase_mass: lambda phase, own=first: mass(own, phase)}
            words.append(limit(claim, y.plateau, first + block * 20, {s: first[0][1]}, known))
    return f"D_k tends to the claim in {len(words)} networks, as in {words[0]}"


def odd_boxes(claim: Any) -> str:
    words = []
    for length in (3, 5, 7, 11):
        first = layers(([1] * length, 2))
        words += [limit(claim, y.plateau, first + block * 20, {f: length}) for block in SMOOTHING]
    return "; ".join(words[::2])


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
        Check("exact $D_k$ 41 and 21 layers deep, four first layers at strides 2 and 3, two stable "
              "networks behind each", capped),
    )  # fmt: skip
    boxes = Step(
        "An odd box of length $f$ at stride 2 as the first layer therefore stops $D_k$ at",
        sp.Eq(y.plateau, odd),
        "its two phases receive $(f+1)/(2f)$ and $(f-1)/(2f)$. That is 1/5 for the box of length 3 "
        "and 1/25 for the length 7 that many networks begin with: longer is better, even is right.",
        Check("exact $D_k$ deep behind boxes of 3, 5, 7 and 11 pixels", odd_boxes),
    )  # fmt: skip
    return [cap, boxes]


def filter_steps() -> list[Step]:
    """Return alpha with no, a short, and the right filter before box 3 at stride 2, and behind."""
    bare, pair, before, after = BOX_3, PAIR + BOX_3, SMOOTH + BOX_3, BOX_3 + SMOOTH
    found = [derived(block) for block in (bare, pair, before, after)]
    texts = [
        ("Repeat box 3 at stride 2 alone. It never becomes stable.",
         "the phases receive 2/3 and 1/3 in every layer, and $c(0)$ and $c(0) - c(1)$ shrink at "
         "the same pace."),
        ("Put $[1, 1]$ at stride 1 before each box 3: stable.",
         "the filter of the block is $(1 + z)(1 + z + z^2)/6$, and its factor $1 + z$ gives both "
         "phases the same weight, the sum rule. What is left, box 3, limits the rest: "
         "$\\alpha$ is 1 plus the exponent of $c_k(0)$ of box 3 alone."),
        ("Put $[1, 2, 1]$ before each box 3: stable at the largest $\\alpha$ there is.",
         "the filter of the block is $(1 + z)^2 (1 + z + z^2)/12$. The factor $1 + z$ twice keeps "
         "ramps as well as constants; now the difference of neighbours falls as the inverse "
         "square of the width, and no filter does better, for the lowest Dirichlet eigenvalue of "
         "its support is of that order."),
        ("Put the same $[1, 2, 1]$ behind each box 3: nothing is gained.",
         "the filter of the block is $(1 + z + z^2)(1 + z^2)^2/12$, with weights 2/3 and 1/3 on "
         "the two phases. What the stride has aliased no later filter can tell apart."),
    ]  # fmt: skip
    blocks = (bare, pair, before, after)
    steps = [
        alpha_step(*text, result["alpha"], block)
        for text, result, block in zip(texts, found, blocks, strict=True)
    ]
    stop = Step(
        "It stops where the first box 3 stops it.",
        sp.Eq(y.plateau, found[3]["plateau"]),
        "behind the first box 3 follow $[1, 2, 1]$ and box 3 in turn, which by step 14 become "
        "stable: this is step 11 at $f = 3$.",
        Check("exact $D_k$ of 40 blocks", lambda claim: limit(claim, y.plateau, after * 40)),
    )
    return [*steps, stop]


def alpha_step(statement: str, why: str, value: Any, block: Layers) -> Step:
    return Step(
        statement,
        sp.Eq(y.alpha, value),
        why,
        Check(
            "exact $c_k$ of 40 blocks by images, filters and walkers: growth rates from the "
            "recurrences they obey, and local exponents in $A_k$",
            lambda claim: exponent(claim, y.alpha, [block]),
        ),
    )
