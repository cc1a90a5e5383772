r"""Derive the limits that no stack of non-negative filters can beat.

With support W_k and effective receptive field A_k of the composite filter h_k,

.. math:: c_k(0) \ge \frac{1}{W_k}, \qquad D_k \ge 1 - \cos\frac{\pi}{W_k + 1}, \qquad
    c_k(0) \ge \frac{6 \sqrt{15}}{25 A_k}, \qquad D_k (2 - D_k) \ge \frac{1}{A_k^2} .

The first two are attained, by the box and by the sine window; the last two give beta <= d and
alpha <= 2 for any layers and strides; the best bound of D_k at given A_k is that of the steps in
`sharp_limit`. Assumptions: weights >= 0 of sum 1, infinite lattice.
Sources: Cauchy-Schwarz, the spectrum of a path, and Epanechnikov (1969) for the least square at
given variance are textbook; their use for D_k and G_k is ours.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes.limits import (
    EIGENVALUES,
    EXPONENTS,
    WINDOWS,
    box,
    parabola,
    peaked,
    sine,
    stack_check,
)
from scaledet.symbols import j, k, n

PAGE = "Limits that no filter beats"
"""Title of the page that derives these limits."""


def cited_limits() -> tuple[Step, ...]:
    """Cite the limits of both exponents, for the page of a filter.

    >>> [str(step.expression) for step in cited_limits()]
    ['alpha <= 2', 'beta <= d']
    """
    return _alpha().cited(PAGE), _beta().cited(PAGE)


def limit_steps() -> tuple[Step, ...]:
    r"""Derive c_k(0) >= 1/W_k, D_k >= 1 - cos(pi/(W_k + 1)), alpha <= 2 and beta <= d.

    For all non-negative filters of sum 1, at any strides, unequal layers included.

    >>> [str(step.expression) for step in limit_steps()[-2:]]
    ['alpha <= 2', 'beta <= d']
    """
    support = Step(
        "No filter of support $W_k$ spreads a pixel further than the box.",
        sp.Ge(y.c(k, 0), 1 / y.W(k)),
        "the weights sum to one over $W_k$ sites, and by the inequality of Cauchy and Schwarz "
        "$1 = (\\sum_j 1 \\cdot h_k(j))^2 \\le W_k \\sum_j h_k(j)^2$. Equal weights attain it.",
        stack_check(box, "boxes attain it"),
    )
    angle = sp.Dummy("phi")
    wave = sp.sin(j * angle)
    image = 2 * wave - wave.subs(j, j - 1) - wave.subs(j, j + 1)
    value = sp.cancel(sp.expand(sp.expand_trig(sp.expand(image))) / wave)
    value = value.subs(angle, sp.pi * (n + 1) / (y.W(k) + 1))
    spectrum = Step(
        "The Laplacian of a path of $W_k$ sites, $v(j) \\mapsto 2 v(j) - v(j-1) - v(j+1)$ with "
        "$v = 0$ beyond both ends, has the eigenvalues $\\lambda_0 < \\lambda_1 < \\dots$",
        sp.Eq(y.path_eigenvalue(n, y.W(k)), value),
        "$v(j) = \\sin(j \\varphi)$ solves it with the eigenvalue $2 - 2 \\cos \\varphi$; it "
        "vanishes at $j = 0$, and at $j = W_k + 1$ for the $W_k$ angles "
        "$\\varphi = (n + 1) \\pi/(W_k + 1)$ between 0 and $\\pi$. Their eigenvalues differ, and a "
        "matrix of $W_k$ rows has no more.",
        EIGENVALUES,
    )
    size, angle = sp.Dummy("W", integer=True, positive=True), sp.Dummy("phi", positive=True)
    ratio = sp.simplify(_overlap(1, size, angle) / _overlap(0, size, angle))
    window = Step(
        "For the lowest eigenvector, the sine window $h_k(j) \\propto \\sin(\\pi j/(W_k + 1))$:",
        sp.Eq(y.c(k, 1), y.c(k, 0) * ratio.subs(size, y.W(k))),
        "with $\\varphi = \\pi/(W_k + 1)$ write $2 \\sin(j \\varphi) \\sin((j + m) \\varphi) = "
        "\\cos(m \\varphi) - \\cos((2j + m) \\varphi)$ and sum the geometric series: the sum over "
        "$j = 1, \\dots, W_k$ is $\\frac{1}{2} (W_k + 1) \\cos(m \\varphi)$ for $m = 0$ and 1.",
        WINDOWS,
    )
    lowest = Step(
        "No filter of support $W_k$ is more stable than the sine window.",
        sp.Ge(y.D(k), 1 - sp.cos(sp.pi / (y.W(k) + 1))),
        "$2 (c_k(0) - c_k(1)) = \\sum_j (h_k(j + 1) - h_k(j))^2$ is the quadratic form of the "
        "Laplacian of the path that carries $h_k$, so $2 D_k = 2 (c_k(0) - c_k(1))/c_k(0)$ is at "
        "least its lowest eigenvalue $\\lambda_0$; the lowest eigenvector attains it, has weights "
        "$> 0$ and so is a filter.",
        stack_check(sine, "sine windows attain it"),
    )
    x, top, area = (sp.Dummy(name, positive=True) for name in "xHA")
    variance = sp.integrate(x**2 * top, (x, -1 / (2 * top), 1 / (2 * top)))
    height = Step(
        "A filter of effective receptive field $A_k$ has a weight of at least $1/A_k$.",
        sp.Ge(y.highest(k), sp.solve(sp.Eq(area**2 / 12, variance), top)[0].subs(area, y.A(k))),
        "add to the site $j$, drawn with probability $h_k(j)$, a uniform number between $-1/2$ "
        "and $1/2$. The sum has the variance $\\mathrm{Var}\\, h_k + 1/12 = A_k^2/12$ and a "
        "density $p(x)$ that takes the values $h_k(j)$. Among densities bounded by $H$ the box "
        "$p_H$ of height $H$ has the least variance, $1/(12 H^2)$: with $p$ centred, "
        "$(x^2 - \\frac{1}{4} H^{-2})(p - p_H) \\ge 0$ at every $x$, and the integral of the "
        "constant vanishes.",
        stack_check(box, "boxes attain it"),
    )
    smooth = Step(
        "A stable filter is low: it cannot rise and fall in few steps.",
        sp.Le(y.highest(k) ** 4, y.c(k, 0) ** 2 * y.D(k) * (2 - y.D(k))),
        "the total variation of $h_k^2$ is at least twice its maximum: "
        "$2 (\\max h_k)^2 \\le \\sum_j |h_k(j+1)^2 - h_k(j)^2|$. Each term is a difference of "
        "neighbours times their sum: by Cauchy and Schwarz the total is at most "
        "$\\sqrt{2 (c_k(0) - c_k(1))} \\sqrt{2 (c_k(0) + c_k(1))}$. Square, and insert "
        "$c_k(1) = (1 - D_k)\\, c_k(0)$.",
        stack_check(peaked, "$h(j) \\propto r^{|j|}$ without end attains it"),
    )
    x, reach, area = (sp.Dummy(name, positive=True) for name in "xtA")
    cap = sp.integrate((1 - x**2 / reach**2) ** 2, (x, -reach, reach))
    bound = (1 - area**2 / 12 / reach**2) ** 2 / cap
    roots = sp.solve(sp.diff(bound, reach), reach)
    best = max(roots, key=lambda at: bound.subs(reach, at).subs(area, 1))
    least = Step(
        "No filter of effective receptive field $A_k$ spreads a pixel much further than the box.",
        sp.Ge(y.c(k, 0), sp.simplify(bound.subs(reach, best)).subs(area, y.A(k))),
        "let $p(x)$ be the density of the step on the largest weight, centred: its variance is "
        "$A_k^2/12$ and $\\int p^2 = c_k(0)$. For any $t > 0$, as $p \\ge 0$, "
        "$1 - A_k^2/(12 t^2) = \\int p\\, (1 - x^2/t^2)$ is at most the integral over $|x| < t$ "
        "alone, and that at most $\\sqrt{c_k(0)}$ times the root of "
        "$\\int_{-t}^{t} (1 - x^2/t^2)^2 = 16 t/15$. The best $t$ is $\\sqrt{5/12}\\, A_k$.",
        stack_check(parabola, "long parabolas attain it to six digits", digits=6),
    )
    return support, spectrum, window, lowest, height, smooth, least, _alpha(), _beta()


def _overlap(lag: int, size: Any, angle: Any) -> Any:
    """Sum of sin(j phi) sin((j + lag) phi), j = 1 ... W, at phi = pi/(W + 1), by SymPy."""
    ratio = sp.Dummy("q")
    series = sp.summation(ratio**j, (j, 1, size)).args[1][0].subs(ratio, sp.exp(2 * sp.I * angle))
    turned = (sp.exp(sp.I * lag * angle) * series).subs(angle, sp.pi / (size + 1))
    turning = sp.re(sp.simplify(sp.powsimp(sp.expand(turned))))
    return (size * sp.cos(lag * sp.pi / (size + 1)) - turning) / 2


def _alpha() -> Step:
    return Step(
        "So no filter, and no stack of filters, has a larger exponent of stability.",
        sp.Le(y.alpha, 2),
        "$c_k(0) \\le \\max h_k$, as the weights sum to one. With it the steps on $\\max h_k$ join "
        "to $1/A_k \\le \\max h_k \\le \\sqrt{D_k (2 - D_k)}$, hence "
        "$D_k \\ge 1 - \\sqrt{1 - A_k^{-2}} \\ge \\frac{1}{2} A_k^{-2}$ at every layer, "
        "whatever the strides (not the best number: the last step has it). The exponent exists "
        "where $A_k \\to \\infty$.",
        EXPONENTS,
    )


def _beta() -> Step:
    return Step(
        "Nor does noise pile up faster than the receptive field fills.",
        sp.Le(y.beta, y.d),
        "$c_k(0) A_k$ is bounded below, and what grows in $G_k$ is $c_k(0)^{-d}$.",
        EXPONENTS,
    )
