r"""Derive the exponents of boxes of any length f at any stride s.

.. math::

    \alpha(f, s) = \begin{cases} 1 + \beta(f/s, s) & s \text{ divides } f \\
                                 0 & \text{otherwise} \end{cases}, \qquad
    D_\infty = s^{\beta(f, s)} / f^2 \quad (s \text{ does not divide } f)

with beta(f, s) = -log_s rho the exponent of 1/c_k(0), equal to log_s f for f <= s and at most 1.
Assumptions: equal layers, infinite lattice. Source: our derivation.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import refute
from scaledet.reference.rates import far_sensitivity
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.routes.boxes import (
    law_values,
    local_beta,
    overlapping,
    rates_of,
    smooth_tail,
    summary,
    tried_boxes,
)
from scaledet.symbolic.steps.limits import limit_steps
from scaledet.symbolic.steps.noise import noise_steps
from scaledet.symbols import f, i, k, n

__all__ = ["box_law", "box_law_steps"]

Boxes = list[tuple[int, int]]


def box_law(stride: int, dim: Any, rectify: str | None) -> Derivation:
    """Derive the law of boxes of any length f at one stride.

    Examples
    --------
    >>> box_law(3, 1, "input").result["D_plateau"]
    3**noise_exponent(f, 3)/f**2
    """
    steps = box_law_steps(stride)
    claims = {step.expression.lhs: step.expression.rhs for step in steps}
    beta = _beta(stride, dim, rectify)
    noise = noise_steps(rectify, dim)
    return Derivation(
        title=f"Boxes of any length at stride {stride}",
        abstract=f"A box becomes stable if and only if {stride} divides its length; how fast, is "
        "decided by how the shorter box of length $f/s$ piles up noise.",
        assumptions=(
            f"boxes of length $f \\ge 2$ at stride $s = {stride}$, equal layers, biases $\\ge 0$",
            "infinite lattice first, then $k \\to \\infty$; one active pixel, every grid phase "
            "equally likely",
            *(() if rectify is None else ("noise matched to the displacement, $L\\sigma^2 = 2$",)),
        ),
        steps=(*steps, *noise, beta, *limit_steps()),
        result={
            "alpha": claims[y.alpha], "A_k": claims[y.A(k)], "D_plateau": claims[y.plateau],
            "G_k": noise[-1].expression.rhs, "beta": beta.expression.rhs,
        },
    )  # fmt: skip


def box_law_steps(stride: Any = y.s) -> tuple[Step, ...]:
    """Derive alpha, A_k and the plateau of D_k for boxes of length f; stride a number or s.

    Examples
    --------
    >>> box_law_steps(2)[-1].expression
    Eq(alpha, Piecewise((noise_exponent(f/2, 2) + 1, Eq(Mod(f, 2), 0)), (0, True)))
    """
    strides = (2, 3, 4) if stride == y.s else (int(stride),)
    boxes = [(length, s) for s in strides for length in range(2, 2 * s + 3)]
    whole = [(turns * s, s) for s in strides for turns in range(1, 4)]
    broken = [(length, s) for length, s in boxes if length % s]
    return (
        _width(stride, boxes), _apart(broken),
        _bound(stride, broken), _plateau(stride, broken), _short(stride, boxes),
        *([_shorter(boxes)] if stride != 2 else []),
        _telescope(stride, whole), _overlap(stride, whole), _alpha(stride, [*broken, *whole]),
    )  # fmt: skip


def _width(stride: Any, boxes: Boxes) -> Step:
    total = sp.summation(stride ** (2 * i), (i, 0, k - 1))
    total = total.args[1][0] if isinstance(total, sp.Piecewise) else total
    top, bottom = sp.fraction(sp.together(total))
    total = sp.expand(-top) / sp.expand(-bottom) if stride == y.s else sp.factor(total)
    return Step(
        "The effective receptive field of boxes of length $f$: it grows as $s^k$.",
        sp.Eq(y.A(k), sp.sqrt(1 + (f**2 - 1) * total)),
        "layer $i$ adds the variance $s^{2 (i - 1)} (f^2 - 1)/12$; the sum is geometric.",
        Check("variance of the filter read off pooled images",
              lambda claim: tried_boxes(claim, boxes)),
    )  # fmt: skip


def _apart(boxes: Boxes) -> Step:
    return Step(
        "If $s$ does not divide $f$, the layer below decides what a move costs.",
        sp.Eq(y.c(k, 0) - y.c(k, 1), y.c(k - 1, 0) / f**2),
        "$(1 - z)\\, h_k(z) = (1 - z^f)\\, h_{k-1}(z^s)/f$: two copies of $h_{k-1}/f$ of opposite "
        "sign, on the sites $0$ and $f$ modulo $s$. They do not overlap, so their squares add up "
        "to $2\\, c_{k-1}(0)/f^2$, which is $2 (c_k(0) - c_k(1))$.",
        Check("pooled one-pixel images at every grid phase",
              lambda claim: tried_boxes(claim, boxes)),
    )  # fmt: skip


def _bound(stride: Any, boxes: Boxes) -> Step:
    turns, rest = sp.floor(f / stride), sp.Mod(f, stride)
    value = stride * turns**2 + rest * (2 * turns + 1)
    if stride == 2:
        value = sp.factor(value.subs({rest: 1, turns: (f - 1) / 2}))

    def confront(claim: Any) -> str:
        return f"{tried_boxes(claim, boxes)}; approached: {smooth_tail(claim, boxes)}"

    return Step(
        "So if $s$ does not divide $f$, the sensitivity stays above a constant, from the first "
        "layer on and whatever layers follow it.",
        sp.Ge(y.D(k), 1 / value),
        "let $h$ be the composite filter of the layers after the first. Restricted to the grid "
        "phase $m$, $h_k$ is $h$ convolved with the weights of the box on that phase, of sum "
        "$\\sigma_m$: its square is at most $\\sigma_m^2 |h|^2$, and $c_k(0) \\le |h|^2 \\sum_m "
        "\\sigma_m^2$. Of the $s$ phases $f \\bmod s$ see $\\lfloor f/s \\rfloor + 1$ sites, the "
        "others $\\lfloor f/s \\rfloor$, each of weight $1/f$. The previous step holds with "
        "$|h|^2$ for $c_{k-1}(0)$; divide. Smooth $h$ approach the bound.",
        Check("pooled images; a box followed by a parabola of 999 weights, to five digits",
              confront),
    )  # fmt: skip


def _plateau(stride: Any, boxes: Boxes) -> Step:
    def confront(claim: Any) -> str:
        found = []
        for length, s in boxes:
            case = {f: length, y.s: s, y.plateau: far_sensitivity((1,) * length, s)}
            found.append(agree(claim, [case], law_values()))
        return summary(found, "boxes")

    return Step(
        "If $s$ does not divide $f$, the limit of $D_k$ tells the exponent of noise, "
        "$\\beta(f, s)$ in one dimension, and the other way round.",
        sp.Eq(y.plateau, stride ** y.noise_exponent(f, stride) / f**2),
        "$D_k = c_{k-1}(0)/(f^2 c_k(0))$, and $c_k(0)/c_{k-1}(0)$ has a limit, $\\rho = "
        "s^{-\\beta(f, s)}$: $c_k(0)$ is a diagonal entry of the $k$-th power of a non-negative "
        "matrix, positive already at $k = 1$, so the states that lead to it and back form a "
        "primitive matrix, and the theorem of Perron and Frobenius applies.",
        Check("exact recurrences of the squares of composite filters, until 40 digits have "
              "settled", confront),
    )  # fmt: skip


def _short(stride: Any, boxes: Boxes) -> Step:
    short = [(length, s) for length, s in boxes if length <= s]

    def confront(claim: Any) -> str:
        found = [agree(claim, [{f: length, y.s: s}], law_values()) for length, s in short]
        return summary(found, "boxes")

    return Step(
        "Boxes no longer than the stride.",
        sp.Eq(y.noise_exponent(f, stride), sp.log(f) / sp.log(stride)),
        "$f \\le s$ digits in base $s$ reach $f^k$ different sites: $c_k(0) = f^{-k}$.",
        Check("growth rates of exact squares of composite filters", confront),
    )


def _shorter(boxes: Boxes) -> Step:
    short = [(length, s) for length, s in boxes if length < s]
    return Step(
        "Boxes shorter than the stride: $D_k = 1/f$ at every layer $k \\ge 1$.",
        sp.Eq(y.c(k, 0) - y.c(k, 1), f ** (-k - 1)),
        "insert $c_{k-1}(0) = f^{1-k}$ into the difference above, and divide by $c_k(0)$. "
        "Pooling skips sites: a move takes the pixel out of sight of its unit, or into sight.",
        Check("pooled one-pixel images at every grid phase",
              lambda claim: tried_boxes(claim, short)),
    )  # fmt: skip


def _telescope(stride: Any, boxes: Boxes) -> Step:
    return Step(
        "If $s$ divides $f$, the boxes of length $s$ inside telescope. With $C_k$ the "
        "autocorrelation of the composite filter of boxes of length $f/s$:",
        sp.Eq(y.c(k, 0) - y.c(k, 1),
              stride ** (-2 * k) * (y.coarse(k, 0) - y.coarse(k, stride ** (k - 1)))),
        "$(1 - z^f)/(1 - z) = \\frac{1 - z^s}{1 - z} \\frac{1 - z^f}{1 - z^s}$ factors the box "
        "into a box of length $s$ and one of length $f/s$ in $z^s$. Multiplied over the layers, "
        "$(1 - z)\\, h_k(z) = s^{-k} (1 - z^{s^k}) H_k(z^s)$ with $H_k$ the composite filter of "
        "boxes of length $f/s$; in the variable $z^s$ the distance $s^k$ is $s^{k-1}$.",
        Check("pooled one-pixel images of both boxes",
              lambda claim: tried_boxes(claim, boxes)),
    )  # fmt: skip


def _overlap(stride: Any, boxes: Boxes) -> Step:
    return Step(
        "The two copies overlap by a bounded fraction only. If $H_k$ has at most $n$ sites in any "
        "residue class modulo $s^{k-1}$, then",
        sp.Le(y.coarse(k, stride ** (k - 1)), sp.cos(sp.pi / (n + 1)) * y.coarse(k, 0)),
        "let $v(1), \\dots, v(n)$ be the weights of one class. With zeros beyond both ends, "
        "$\\sum_i (v(i+1) - v(i))^2 = 2 \\sum_i v(i)^2 - 2 \\sum_i v(i) v(i+1)$ is a quadratic "
        "form of lowest eigenvalue $2 - 2 \\cos(\\pi/(n + 1))$ with the eigenvector "
        "$\\sin(\\pi i/(n + 1))$. Products of neighbours add up to at most "
        "$\\cos(\\pi/(n + 1))$ times the squares. And $n$ is bounded in $k$, which is all that is "
        "needed: $H_k$ covers "
        "$1 + (f/s - 1)(s^k - 1)/(s - 1)$ sites, so "
        "$n \\le \\max(1, \\lceil (f - s)/(s - 1) \\rceil)$ at every depth.",
        Check("pooled one-pixel images of the box of length $f/s$, their sites counted; attained "
              "for $f = s$ and $f = 2s$ at every depth",
              lambda claim: overlapping(claim, boxes)),
    )  # fmt: skip


def _alpha(stride: Any, boxes: Boxes) -> Step:
    law = sp.Piecewise(
        (1 + y.noise_exponent(f / stride, stride), sp.Eq(sp.Mod(f, stride), 0)), (0, True)
    )

    def confront(claim: Any) -> str:
        found = []
        for case in rates_of(boxes):
            # Only the branch that applies is evaluated: f/s may be no length.
            try:
                claimed = claim.subs({f: case[f], y.s: case[y.s]})
            except TypeError:
                refute(f"{claim} is undefined at {case}")
            found.append(agree(claimed, [{y.alpha: case[y.alpha]}], law_values()))
        return summary(found, "boxes and dimensions")

    return Step(
        "The exponent of stability of every box.",
        sp.Eq(y.alpha, law),
        "if $s$ does not divide $f$, $D_k$ stays between two constants. If it does, the two "
        "previous steps give $c_k(0) - c_k(1) = s^{-2k} C_k(0)$ up to bounded factors, and by "
        "the theorem of Perron and Frobenius, as above, $C_k(0) = s^{-k \\beta(f/s, s)}$ up to "
        "bounded factors. All phases carry the same weight, "
        "so $c_k(0)$ falls as $s^{-k}$ ($s^k c_k(m)$ is averaged by rows of sum one, so at most "
        "1, and $c_k(0)$ is at least the inverse of the support). Divide: "
        "$D_k \\propto s^{-k (1 + \\beta(f/s, s))}$. As $\\beta \\le 1$, $\\alpha \\le 2$.",
        Check("growth rates of exact squares of composite filters", confront),
    )


def _beta(stride: int, dim: Any, rectify: str | None) -> Step:
    boxes = [(length, stride) for length in range(2, 2 * stride + 3)]
    if rectify is None:
        return Step(
            "The exponent of noise.",
            sp.Eq(y.beta, 0),
            "linear noise is averaged like the signal; nothing piles up.",
            Check("linear noise pooled on tori: its local exponent",
                  lambda claim: agree(claim, [{y.beta: local_beta(1 if dim == y.d else dim)}])),
        )  # fmt: skip

    def confront(claim: Any) -> str:
        cases = [case for case in rates_of(boxes) if dim in (y.d, case[y.d])]
        return agree(claim, cases)

    return Step(
        "The exponent of noise, with $\\rho$ the spectral radius of the transition operator.",
        sp.Eq(y.beta, -dim * sp.log(y.rho) / sp.log(stride)),
        "the part of $G_k$ that grows is $c_k(0)^{-d}$, and $c_k(0)$ falls as $\\rho^k$.",
        Check("growth rates of exact squares of composite filters; $\\rho$ of dense matrices",
              confront),
    )  # fmt: skip
