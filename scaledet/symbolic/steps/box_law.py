"""Derive the exponents of boxes of any length f at any stride s.

beta(f, s) = -log_s rho is the exponent of 1/c_k(0), equal to log_s f for f <= s and at most 1.
Assumptions: equal layers, infinite lattice. Source: our derivation.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.claims import Dimension
from scaledet.symbolic.confrontation import ENOUGH
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.boxes import (
    attained_overlap,
    images_check,
    law_values,
    linear_exponents,
    near_plateau,
    plateaus,
    rates,
)
from scaledet.symbolic.routes.checks import against, dimensions
from scaledet.symbols import f, k, n

PHASES = "pooled one-pixel images at every grid phase"
RATES = "growth rates of exact squares of composite filters"


def box_law_steps(stride: int | sp.Symbol = y.s) -> tuple[Step, ...]:
    """Derive alpha, A_k and the plateau of D_k for boxes of length f; stride a number or s.

    >>> box_law_steps(2)[-1].expression
    Eq(alpha, Piecewise((noise_exponent(f/2, 2) + 1, Eq(Mod(f, 2), 0)), (0, True)))
    """
    strides = (2, 3, 4, 5) if stride == y.s else (int(stride),)
    lengths: dict[int, Sequence[int]] = {s: range(2, max(2 * s + 3, 10)) for s in strides}
    if stride == y.s:
        lengths = {2: range(2, 7), 3: range(2, 9), 4: range(2, 11), 5: (3, 5, 7)}
    boxes = [(length, s) for s in strides for length in lengths[s]]
    multiples = [(turns * s, s) for s in strides for turns in range(1, 5)]
    broken = [(length, s) for length, s in boxes if length % s]
    middling = [(length, s) for length, s in broken if length < 2 * s + 3]
    short = [(length, s) for s in strides for length in range(1, s + 1)]
    shorter = [(length, s) for length, s in short if length < s]
    few = {f: "every length up to the stride is tried"} if max(strides) < ENOUGH + 1 else {}
    square = sp.sympify(stride**2)
    turns, rest = sp.floor(f / stride), sp.Mod(f, stride)
    phases = stride * turns**2 + rest * (2 * turns + 1)
    if stride == 2:
        phases = sp.factor(phases.subs({rest: 1, turns: (f - 1) / 2}))
    pooled = images_check(broken, PHASES).confront
    reduced = stride ** (-2 * k) * (y.coarse(k, 0) - y.coarse(k, stride ** (k - 1)))
    divisible = (1 + y.noise_exponent(f / stride, stride), sp.Eq(sp.Mod(f, stride), 0))
    steps = (
        Step(
            "The effective receptive field of boxes of length $f$: it grows as $s^k$.",
            sp.Eq(y.A(k), sp.sqrt(1 + (f**2 - 1) * (square**k - 1) / (square - 1))),
            "layer $i$ adds the variance $s^{2 (i - 1)} (f^2 - 1)/12$; the sum is geometric.",
            images_check(boxes, "variance of the filter read off pooled images"),
        ),
        Step(
            "If $s$ does not divide $f$, the layer below decides what a move costs.",
            sp.Eq(y.c(k, 0) - y.c(k, 1), y.c(k - 1, 0) / f**2),
            "$(1 - z)\\, h_k(z) = (1 - z^f)\\, h_{k-1}(z^s)/f$: two copies of $h_{k-1}/f$ of "
            "opposite sign, on the sites $0$ and $f$ modulo $s$. They do not overlap, so their "
            "squares add up to $2\\, c_{k-1}(0)/f^2$, which is $2 (c_k(0) - c_k(1))$.",
            images_check(broken, PHASES),
        ),
        Step(
            "So if $s$ does not divide $f$, the sensitivity stays above a constant, from the first "
            "layer on and whatever layers follow it.",
            sp.Ge(y.D(k), 1 / phases),
            "let $h$ be the composite filter of the layers after the first. Restricted to the "
            "grid phase $m$, $h_k$ is $h$ convolved with the weights of the box on that phase, of "
            "sum $\\sigma_m$: its square is at most $\\sigma_m^2 |h|^2$, and $c_k(0) \\le |h|^2 "
            "\\sum_m \\sigma_m^2$. Of the $s$ phases $f \\bmod s$ see $\\lfloor f/s \\rfloor + 1$ "
            "sites, the others $\\lfloor f/s \\rfloor$, each of weight $1/f$. The previous step "
            "holds with $|h|^2$ for $c_{k-1}(0)$; divide. Smooth $h$ approach the bound.",
            Check(
                "pooled images; a box followed by a parabola of 999 weights, to five digits",
                lambda claim: f"{pooled(claim)}; {near_plateau(claim, middling)}",
            ),
        ),
        Step(
            "If $s$ does not divide $f$, the limit of $D_k$ tells the exponent of noise, "
            "$\\beta(f, s)$ in one dimension, and the other way round.",
            sp.Eq(y.plateau, stride ** y.noise_exponent(f, stride) / f**2),
            "$D_k = c_{k-1}(0)/(f^2 c_k(0))$, and $c_k(0)/c_{k-1}(0)$ has a limit, $\\rho = "
            "s^{-\\beta(f, s)}$: $c_k(0)$ is a diagonal entry of the $k$-th power of a "
            "non-negative matrix, positive already at $k = 1$, so the states that lead to it and "
            "back form a primitive matrix, and the theorem of Perron and Frobenius applies.",
            against(
                "exact recurrences of the squares of composite filters, until 40 digits have "
                "settled",
                partial(plateaus, broken),
                law_values(),
            ),
        ),
        Step(
            "Boxes no longer than the stride.",
            sp.Eq(y.noise_exponent(f, stride), sp.log(f) / sp.log(stride)),
            "$f \\le s$ digits in base $s$ reach $f^k$ different sites: $c_k(0) = f^{-k}$.",
            against(RATES, [{f: length, y.s: s} for length, s in short], law_values(), few=few),
        ),
        Step(
            "Boxes shorter than the stride: $D_k = 1/f$ at every layer $k \\ge 1$.",
            sp.Eq(y.c(k, 0) - y.c(k, 1), f ** (-k - 1)),
            "insert $c_{k-1}(0) = f^{1-k}$ into the difference above, and divide by $c_k(0)$. "
            "Pooling skips sites: a move takes the pixel out of sight of its unit, or into sight.",
            images_check(shorter, PHASES, few=few),
        ),
        Step(
            "If $s$ divides $f$, the boxes of length $s$ inside telescope. With $C_k$ the "
            "autocorrelation of the composite filter of boxes of length $f/s$:",
            sp.Eq(y.c(k, 0) - y.c(k, 1), reduced),
            "$(1 - z^f)/(1 - z) = \\frac{1 - z^s}{1 - z} \\frac{1 - z^f}{1 - z^s}$ factors the "
            "box into a box of length $s$ and one of length $f/s$ in $z^s$. Multiplied over the "
            "layers, $(1 - z)\\, h_k(z) = s^{-k} (1 - z^{s^k}) H_k(z^s)$ with $H_k$ the composite "
            "filter of boxes of length $f/s$; in the variable $z^s$ the distance $s^k$ is "
            "$s^{k-1}$.",
            images_check(multiples, "pooled one-pixel images of both boxes"),
        ),
        Step(
            "The two copies overlap by a bounded fraction only. If $H_k$ has at most $n$ sites in "
            "any residue class modulo $s^{k-1}$, then",
            sp.Le(y.coarse(k, stride ** (k - 1)), sp.cos(sp.pi / (n + 1)) * y.coarse(k, 0)),
            "let $v(1), \\dots, v(n)$ be the weights of one class. With zeros beyond both ends, "
            "$\\sum_i (v(i+1) - v(i))^2 = 2 \\sum_i v(i)^2 - 2 \\sum_i v(i) v(i+1)$ is a "
            "quadratic form of lowest eigenvalue $2 - 2 \\cos(\\pi/(n + 1))$ with the eigenvector "
            "$\\sin(\\pi i/(n + 1))$. Products of neighbours add up to at most $\\cos(\\pi/(n + "
            "1))$ times the squares. And $n$ is bounded in $k$, which is all that is needed: "
            "$H_k$ covers $1 + (f/s - 1)(s^k - 1)/(s - 1)$ sites, so $n \\le \\max(1, \\lceil (f "
            "- s)/(s - 1) \\rceil)$ at every depth.",
            Check(
                "pooled one-pixel images of the box of length $f/s$, their sites counted; attained "
                "for $f = 2s$ at every depth",
                lambda claim: attained_overlap(claim, multiples),
            ),
        ),
        Step(
            "The exponent of stability of every box.",
            sp.Eq(y.alpha, sp.Piecewise(divisible, (0, True))),
            "if $s$ does not divide $f$, $D_k$ stays between two constants. If it does, the two "
            "previous steps give $c_k(0) - c_k(1) = s^{-2k} C_k(0)$ up to bounded factors, and by "
            "the theorem of Perron and Frobenius, as above, $C_k(0) = s^{-k \\beta(f/s, s)}$ up "
            "to bounded factors. All phases carry the same weight, so $c_k(0)$ falls as $s^{-k}$ "
            "($s^k c_k(m)$ is averaged by rows of sum one, so at most 1, and $c_k(0)$ is at least "
            "the inverse of the support). Divide: $D_k \\propto s^{-k (1 + \\beta(f/s, s))}$. As "
            "$\\beta \\le 1$, $\\alpha \\le 2$.",
            against(RATES, partial(rates, [*broken, *multiples], (1, 2)), law_values()),
        ),
    )
    return steps if max(strides) > 2 else steps[:5] + steps[6:]


def growing_noise(stride: int, dim: Dimension) -> Step:
    """Derive beta of rectified noise at one stride."""
    boxes = [(length, stride) for length in range(2, 2 * stride + 3)]
    return Step(
        "The exponent of noise, with $\\rho$ the spectral radius of the transition operator.",
        sp.Eq(y.beta, -dim * sp.log(y.rho) / sp.log(stride)),
        "the part of $G_k$ that grows is $c_k(0)^{-d}$, and $c_k(0)$ falls as $\\rho^k$.",
        against(f"{RATES}; $\\rho$ of dense matrices", partial(rates, boxes, dimensions(dim))),
    )


def linear_noise(dim: Dimension) -> Step:
    """Derive beta = 0 of noise that no ReLU rectifies."""
    return Step(
        "The exponent of noise.",
        sp.Eq(y.beta, 0),
        "linear noise is averaged like the signal; nothing piles up.",
        against("linear noise pooled on tori: its local exponent", partial(linear_exponents, dim)),
    )
