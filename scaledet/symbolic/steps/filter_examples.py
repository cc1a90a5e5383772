"""Tables, counterexamples and logarithms of filters with a stride."""

from __future__ import annotations

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.filter_table import (
    RANGE,
    RATES,
    SMOOTH,
    TWINS,
    box_table,
    cohomologous,
    far_box,
    logarithm,
    named,
    simple,
)
from scaledet.symbols import k, m


def examples() -> list[Step]:
    """Tables, counterexamples, the logarithm."""
    folded = sp.Matrix([[3, 2], [2, 2]]) / 9
    rate = max(folded.eigenvals(), key=lambda value: value.evalf())
    log = sp.log
    boxes = [(2, 2), (3, 2), (4, 2), (6, 2), (6, 3), (8, 4)]
    alphas = [1, 0, 2, 1 - log(rate) / log(2), 1 + log(2) / log(3), sp.Rational(3, 2)]
    betas = [1, -log(rate) / log(2), 1, 1, 1, 1]
    table = Step(
        "Boxes of length $f$ at stride $s$: $\\alpha(f, s)$ and $\\beta(f, s)$ in one dimension.",
        sp.Eq(
            sp.Matrix([[y.stability_exponent(*box), y.noise_exponent(*box)] for box in boxes]),
            sp.Matrix([alphas, betas]).T,
            evaluate=False,
        ),
        "divide by $q/s$ until it fails and take $\\rho_b$. Box 3 at stride 2 has no sum rule and "
        "never becomes stable, nor does any odd box; its operator, folded by symmetry, has the "
        "rows $(3, 2)/9$ and $(2, 2)/9$, of largest eigenvalue $(5 + \\sqrt{17})/18$. Box 6 at "
        "stride 2 is $q/2$ times box 3 in $z^2$, of the same radius. Box 6 at stride 3 and box 8 "
        "at stride 4 leave two weights $1/2$ a stride apart: $\\rho_b = 1/2$.",
        Check(RATES, box_table),
    )
    plateau = Step(
        "Where box 3 at stride 2 stops:",
        sp.Eq(y.plateau, sp.radsimp(1 / (9 * rate))),
        "$(1 - z)\\, h_k(z) = (1 - z^3)\\, h_{k-1}(z^2)/3$ gives $c_k(0) - c_k(1) = "
        "c_{k-1}(0)/9$, so $D_k$ tends to $1/(9 \\rho)$.",
        Check(
            "exact recurrence of the squares of composite filters, until 40 digits have settled",
            far_box,
        ),
    )
    smooth = Step(
        "Some other filters at stride 2.",
        sp.Eq(
            sp.Matrix(
                [[y.filter_exponent(kind, *w) for kind in ("alpha", "beta")] for w in SMOOTH]
            ),
            sp.Matrix([[2, 1], [2, 1], [2, 1], [0, log(sp.Rational(9, 5)) / log(2)]]),
            evaluate=False,
        ),
        "the first three have $n \\ge 2$ and $b = 1$: $\\nu_R = n - \\frac{1}{2} \\ge "
        "\\frac{3}{2}$. The last has the coset sums $2/3$ and $1/3$, and $\\rho = 5/9$.",
        Check(RATES, named),
    )
    return [table, plateau, smooth]


def sobolev() -> list[Step]:
    """Counterexamples to the relation with the Sobolev number."""
    twin = Step(
        "Why $\\nu_R$ and not the Sobolev number? Let $g_k$ be the composite filter of $[1, 3, 2]$ "
        "at stride 2, and $h_k$ that of $[1, 2, 0, 1, 2]$. Then",
        sp.Eq(
            y.h(k, m) + y.h(k, m - 1) + y.h(k, m - 2),
            y.g(k, m) + y.g(k, m - 2**k) + y.g(k, m - 2 * 2**k),
        ),
        "$1 + 2z + z^3 + 2z^4 = (1 + 3z + 2z^2)(1 - z + z^2)$ and $1 - z + z^2 = "
        "(1 + z^2 + z^4)/(1 + z + z^2)$ telescopes. So the refinable function of the longer filter "
        "is the mean of three integer shifts of that of the shorter one, and at least as smooth.",
        Check("composite filters convolved, $k \\le 4$", cohomologous),
    )
    apart = Step(
        "Yet their exponents differ, as do those of $[1, 1]$ and $[1, 0, 1]$, whose refinable "
        "functions are the unit box and one of length 2, both of Sobolev smoothness $1/2$.",
        sp.Eq(
            sp.Matrix([y.filter_exponent("alpha", *w) for w in TWINS]),
            sp.Matrix([1 + sp.log(sp.Rational(9, 5)) / sp.log(2), sp.log(3) / sp.log(2), 1, 0]),
            evaluate=False,
        ),
        "the integer shifts are stable for $[1, 3, 2]$, so that its number $0.924$ is "
        "$\\alpha/2$, and for $[1, 1]$. They are not for the other two: $D_k$ looks at the pixels, "
        "where $h_k$ keeps oscillating, and the limit function does not show it.",
        Check(RATES, named),
    )
    return [twin, apart]


def logarithms() -> list[Step]:
    """Jordan blocks."""
    exists = Step(
        "A logarithm can occur. For $[1, 0, 3, 8, 3, 0, 1]$ at stride 2 the growth rate of "
        "$c_k(0) - c_k(1)$ is a double root of its recurrence: with multiplicity $\\mu$,",
        sp.Eq(y.multiplicity, 2),
        "$a = (q/2)^2 b$ with $b = [1, -2, 6, -2, 1]/4$ and $\\rho_b = 2$, so $\\nu_R = 1$ "
        "exactly: the eigenvalues $1/s$ of the constants and $s^{-2} \\rho_b$ coincide and, as the "
        "root of the minimal recurrence is double, form a Jordan block. $D_k S_k^2/k$ tends to "
        "$96645/251224 = 0.385$, that is $\\alpha = 2$ with a factor $\\log A_k$. The eigenvalue "
        "$1/s$ of $T_g$ is simple if $\\nu_R > 1$, by the step on averages, as then $n \\ge 2$: "
        "there is none.",
        Check("exact recurrence of the squares of composite filters, factored", logarithm),
    )
    rare = Step(
        "Among small filters with sum rule it does not occur.",
        sp.Eq(y.multiplicity, 1),
        "an observation, over the range of the check. Without sum rule there is no logarithm, as "
        "$D_k$ lies between two constants; for $\\nu_R > 1$ the previous step excludes it; for $0 "
        "< \\nu_R \\le 1$ the question is open.",
        Check(f"exact recurrences, {RANGE}", simple),
        status="tested",
    )
    return [exists, rare]
