r"""Derive how small D_k can be at given effective receptive field A_k: the sharp limit.

.. math:: D_k \ge \frac{C}{A_k^2 + 1 + C/3}, \qquad C = 6 \omega^2 - 12 + 12\, \omega \cot \omega
    = 2.5702\ldots, \qquad D_k A_k^2 \to C \text{ for the most stable window.}

Assumptions: weights >= 0, infinite lattice. Sources: rearrangement is that of Hardy, Littlewood and
Pólya (Inequalities, 1934, chapter X) and of Pólya and Szegő (1951); the rest is ours.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import sympy as sp

from scaledet import symbols as y
from scaledet.algebra.zeros import Zero
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes.sharp_limit import (
    CENTRED,
    EVEN,
    LEAST,
    LONG,
    PAIRS,
    SORTED,
    STACKS,
    WINDOW,
)
from scaledet.symbols import j, k, n, omega
from scaledet.theory.limits import stability_limit

TENTHS = (13, 15, 19, 20, 23, 25, 30, 40, 60, 80, 160)
"""Widths of the table, in tenths of a pixel."""

_BEND = 3 - 3 * omega * sp.cot(omega) - omega**2
_CONDITION = (15 * _BEND - 5 * _BEND**2, omega**4)
_ENDS = (sp.Rational(7, 4), sp.Rational(44, 25))
FREQUENCY = Zero("omega", _CONDITION[1] - _CONDITION[0], *_ENDS)
"""The frequency of the most stable window, as a certified number."""
DIGITS = Zero("1.750245617163082...", _CONDITION[1] - _CONDITION[0], *_ENDS)
"""The same number, printed by its first digits."""
SHARP = 6 * FREQUENCY**2 - 12 + 12 * FREQUENCY * sp.cot(FREQUENCY)
"""The least limit of D_k A_k^2, 2.5702102..."""


def sharp_steps() -> tuple[Step, ...]:
    r"""Derive the least D_k at given A_k: exact for few sites, certified for some, sharp for many.

    >>> print(sharp_steps()[-1].expression.lhs, round(float(SHARP), 7))
    uncertainty(k) 2.5702102
    """
    return _few_sites(), *_order_steps(), *_line_steps(), *_window_steps(), _limit()


def _few_sites() -> Step:
    return Step(
        "Narrow filters are bounded by their variance alone; up to $A_k = 2$ nothing better holds.",
        sp.Le((14 - 2 * y.A(k) ** 2) * (1 - y.D(k)), y.A(k) ** 2 - 1),
        "let $V = (A_k^2 - 1)/12$ be the variance, half the mean square distance of two sites "
        "drawn from $h_k$: $V = \\sum_{m \\ge 1} m^2 c_k(m) \\ge c_k(1) + 4 s$ with "
        "$s = \\sum_{m \\ge 2} c_k(m)$, while $c_k(0) = 1 - 2 c_k(1) - 2 s$. Hence "
        "$V c_k(0) - (1 - 2 V) c_k(1) = V - 2 V s - c_k(1) \\ge (4 - 2 V) s$, which is not "
        "negative for $V \\le 2$; beyond $V = 1/2$ the claim is trivial. Two weights have $s = 0$ "
        "and any $V$ up to $1/4$.",
        PAIRS,
    )


def _order_steps() -> tuple[Step, ...]:
    around = (j, -sp.oo, sp.oo)
    weight = y.ordered(k, j)
    smooth = Step(
        "Of all orders of its weights, a filter is most stable in the order of their size around "
        "the largest, $h^{\\circ}_k$: $\\dots, 5, 3, 1, 2, 4, \\dots$",
        sp.Le(y.c(k, 1), sp.Sum(weight * y.ordered(k, j + 1), around)),
        "the sites of the $n$ largest weights form a set $E_n$, and $h_k$ is the sum of the "
        "indicators of these sets, weighted with $b_n \\ge 0$, the weight number $n$ less the "
        "next. So $2 c_k(1)$ is the sum over $m$ and $n$ of $b_m b_n$ times the number of "
        "neighbours of $E_m$ in $E_n$. For $m \\le n$ that is at most $2m$, at most $2m - 2$ if "
        "$m = n$, as both ends of $E_n$ lack one, and at most $2m - 1$ if $m = n - 1$, as $E_m$ "
        "holds an end of $E_n$. In the order of size all $E_n$ are boxes, about 0 or about $1/2$, "
        "and have so many.",
        SORTED,
    )
    narrow = Step(
        "In the same order it is narrowest.",
        sp.Ge(y.spread(k), sp.Sum(j**2 * weight, around) - sp.Sum(j * weight, around) ** 2),
        "the variance is the sum over $m$ and $n$ of $b_m b_n$ times $m n$ times half the mean "
        "square distance of a site of $E_m$ and one of $E_n$. That is half the sum of both "
        "variances and of the square of the distance of the means: at least "
        "$\\frac{1}{24} (m^2 + n^2 - 2)$, and at least $\\frac{1}{8}$ more if $m + n$ is odd, for "
        "then the means differ by at least $1/2$ if both sets are boxes, and a set of $m$ sites "
        "that is no box has a variance larger by at least $1 - m^{-2} \\ge \\frac{3}{4}$: a gap "
        "behind its site number $r$ adds at least $2 (q - p) + 1$ to the squared distance of the sites "
        "number $p \\le r < q$, in all $r (m - r)(m + 1) \\ge m^2 - 1$, to be divided by $m^2$. "
        "Boxes about 0 and $1/2$ attain it.",
        SORTED,
    )
    table = Step(
        "So the least $D_k$ at a given width is a small problem in numbers $b_n \\ge 0$; with a "
        "relative error below $10^{-7}$,",
        sp.Eq(sp.Matrix([y.least(tenths) for tenths in TENTHS]), _table()),
        "in the order of size $c_k(0) - c_k(1)$, $c_k(0)$ and $\\mathrm{Var}\\, h_k - (A^2 - "
        "1)/12$ are quadratic forms of $b$, with matrices $K$, $M$ and $V$. $D_k \\ge t$ holds "
        "for all $A_k \\le A$ if for some $\\mu \\ge 0$ the matrix $K - t M + \\mu V$ is a "
        "positive definite one plus one of entries $\\ge 0$. Up to $A = 2$ the step of narrow "
        "filters gives $t$. Beyond, both were searched for in floats, by an interior-point method, "
        "and then certified in ball arithmetic, boxes of any length included "
        "(`scaledet.theory.box_mixtures`): no filter is below the certified numbers, shown here "
        "rounded to eight digits, and explicit filters come within $10^{-7}$ of them. (The least "
        "is attained: a bounded variance keeps the mass of a sequence of filters together, and in "
        "the limit it can only fall.)",
        LEAST,
    )
    return smooth, narrow, table


@cache
def _table() -> sp.Matrix:
    bounds = [stability_limit(Fraction(tenths, 10)) for tenths in TENTHS]
    return sp.Matrix([sp.Float(bound, 8) for bound in bounds])


def _line_steps() -> tuple[Step, Step]:
    product = y.uncertainty(k)
    linear = Step(
        "For wide filters pass to the line. Let $H$ be linear between the weights $h_k(j)$ and "
        "vanish beyond them, and let $U_k = 6\\, \\mathrm{Var}(H) \\int H'^2/\\int H^2$, which no "
        "change of scale alters.",
        sp.Eq(y.D(k), product / (y.A(k) ** 2 + 1 + product / 3)),
        "$\\int H'^2 = \\sum_j (h_k(j+1) - h_k(j))^2 = 2 c_k(0) D_k$, $\\int H^2 = \\frac{1}{3} "
        "(2 c_k(0) + c_k(1)) = c_k(0) (1 - D_k/3)$, and the triangles that $H$ is made of add "
        "their variance $1/6$ to that of $h_k$: $12\\, \\mathrm{Var}(H) = A_k^2 + 1$. So $U_k = "
        "(A_k^2 + 1) D_k/(1 - D_k/3)$; solve for $D_k$, which grows with $U_k$.",
        STACKS,
    )
    centred = Step(
        "Put an interval of equal length about 0 in place of every level set $\\{H > t\\}$: the "
        "product only falls, to $U^*_k$.",
        sp.Ge(product, y.rearranged(k)),
        "mass and square stay. By Pólya and Szegő the integral of the square of the slope does not "
        "rise. The second moment is the integral over $t$ of those of the level sets, and of all "
        "sets of one length the interval about 0 has the least: the variance falls unless every "
        "level set is an interval about the same point.",
        CENTRED,
    )
    return linear, centred


def _window_steps() -> tuple[Step, ...]:
    variance = Step(
        "The candidate is the window $u(x) = \\cos(\\omega x) - \\cos \\omega - \\frac{1}{2} "
        "\\omega \\sin \\omega\\, (1 - x^2)$ on $[-1, 1]$, $0 < \\omega < \\pi$. It solves $u'' + "
        "\\omega^2 u = \\kappa (x^2 - v)$ with $\\kappa = \\frac{1}{2} \\omega^3 \\sin \\omega$ "
        "and",
        sp.Eq(y.window_variance, 1 + 2 * sp.cot(omega) / omega - 2 / omega**2),
        "insert it. At both ends $u = u' = 0$, and $-u'(x) = \\omega\\, (\\sin(\\omega x) - x "
        "\\sin \\omega)$ is positive between 0 and 1, where the sine is concave: $u$ is positive "
        "and falls.",
        WINDOW,
    )
    frequency = Step(
        "Choose $\\omega$ so that $v$ is the variance of $u$.",
        sp.Eq(*_CONDITION),
        "$\\int x^2 u = v \\int u$, integrated, with the $v$ of the step before.",
        WINDOW,
    )
    certified = Step(
        "That is, to the digits shown,",
        sp.Eq(omega, DIGITS),
        "between $7/4$ and $44/25$ the difference of both sides changes its sign and its "
        "derivative does not: interval arithmetic certifies both, and Newton's method for "
        "intervals gives any number of digits. There is no other solution below $\\pi$: its "
        "window would be the optimum, too, by the steps that follow, which leave room for one.",
        WINDOW,
    )
    functions = (y.even_slope, y.even_square, y.even_mass, y.even_moment)
    slope, square, mass, moment = (function(n) for function in functions)
    v = y.window_variance
    excess = mass * (moment - v * mass) / (sp.Rational(1, 3) - v)
    squares = Step(
        "Compare any even function $g_n$ on $[-1, 1]$ with the multiple of $u$ of equal mass: "
        "$g_n = a u + r_n$.",
        sp.Eq(
            slope - omega**2 * square + omega**2 * excess,
            y.rest_slope(n) - omega**2 * y.rest_square(n),
        ),
        "the left side is a quadratic form $J$ of $g_n$. The equation of $u$, integrated over "
        "$[-1, 1]$, says $2 \\kappa (\\frac{1}{3} - v) = \\omega^2 \\int u$. Multiplied by $r_n$, "
        "of mass 0, it says that $J$ has no mixed term (no boundary term either: $u'$ vanishes at "
        "the ends, and $g_n$ need not); multiplied by $u$, it says $J(u) = 0$.",
        EVEN,
    )
    return variance, frequency, certified, squares


def _limit() -> Step:
    return Step(
        "No $h \\ge 0$ of finite mass and variance on the line has a smaller product than the "
        "window; so, with $C$ "
        "for the number on the right, $D_k \\ge C/(A_k^2 + 1 + C/3)$ for every filter, and every "
        "stack of filters at any strides.",
        sp.Ge(y.uncertainty(k), SHARP),
        "let $h$ be even and falling, as the rearranged $H$ is, let $g$ be its part in $[-1, 1]$, "
        "of mass $N$, and $\\nu$ the mass of the rest. Beyond 1 are $x^2 \\ge 1$ and $h \\le h(1) "
        "\\le N/2$, so the rest adds to $J$ at least $\\omega^2 \\nu N\\, ((1 - 2v)/(\\frac{1}{3} "
        "- v) - \\frac{1}{2}) \\ge 0$ as $v < \\frac{1}{3}$ (terms that are not negative, those of "
        "$\\nu^2$ and of second moments, are left out): $J(h) \\ge J(g)$. An even function "
        "$r$ of mass 0 on $[-1, 1]$ has $\\int r'^2 \\ge \\pi^2 \\int r^2$ (Wirtinger), so $J(g) "
        "\\ge (\\pi^2 - \\omega^2) \\int r^2 \\ge 0$. Choose the scale of $x$ so that $h$ has the "
        "variance $v$: then $J(h) \\ge 0$ reads $\\int h'^2 \\ge \\omega^2 \\int h^2$, and the "
        "product is at least $6 v \\omega^2$, the number on the right. Equality leaves $\\nu = 0$ "
        "and $r = 0$: the optimum is unique up to shift and scale, and filters that sample it "
        "have $D_k A_k^2 \\to C$. (The sine window has $\\frac{3}{2} \\pi^2 - 12 = 2.804$, stacks "
        "without stride tend to 3.)",
        LONG,
    )
