"""Derive alpha and beta of any non-negative filter at any stride: smoothness decides both.

Sources: Eirola 1992, Villemoes 1994, Jia 1999 (background); the theorem and its proof are ours.
"""

from __future__ import annotations

from functools import partial

import sympy as sp

from scaledet import symbols as y
from scaledet.reference.rates import growth_rates
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.boxes import law_values
from scaledet.symbolic.routes.checks import against
from scaledet.symbolic.routes.filter_panel import (
    NO_SUM_RULE,
    RANGE,
    RATES,
    SMOOTH,
    SUM_RULE,
    TWINS,
    averaged_radii,
    cohomologous,
    exponents,
    intertwined,
    leaking,
    named,
    overlapping,
    powers,
    radii,
    small_alphas,
    small_multiplicities,
    tried,
)
from scaledet.symbols import d, f, k, m, n, s

__all__ = [
    "PAGE",
    "averaging_steps",
    "examples",
    "exponent_laws",
    "law_steps",
    "operator_steps",
    "sum_rule_steps",
]

PAGE = "Any filter, any stride"
BOXES = (((1, 1), 2), ((1, 1, 1), 3))
PANEL = (*SUM_RULE, *NO_SUM_RULE)
# At stride 2 [1, 0, 0, 2, 0, 0, 1] has nu_R = 0 by cancellation: no relative precision there.
ROUGH = tuple(filter_ for filter_ in PANEL if filter_ != ((1, 0, 0, 2, 0, 0, 1), 2))
IMAGES = "pooled one-pixel images, 20 filters with sum rule at strides 2 to 5, most of them skew"


def operator_steps() -> list[Step]:
    """Say what the transition operator of a real filter tells."""
    check = Check(
        "composite filters convolved and correlated, against powers of dense matrices", powers
    )
    entries = Step(
        "For a real filter $e$ of length $f$ the transition operator is $(T v)(m) = \\sum_n "
        "\\mathcal{A}(m - s n)\\, v(n)$, with $\\mathcal{A}$ the autocorrelation of $e$. On the "
        "window $|m|, |n| \\le M = \\max(1, \\lceil (f-1)/(s-1) \\rceil - 1)$ its powers hold the "
        "autocorrelation $c_k$ of the composite filter:",
        sp.Eq(y.transition_entry(k, m, n), y.c(k, m - s**k * n)),
        "$T v$ has the generating function $\\mathcal{A}(z)\\, v(z^s)$; $k$ times this gives "
        "$c_k(z)\\, v(z^{s^k})$, and $v = \\delta_n$ the claim. The window is closed: $|m| \\le M$ "
        "and $|m - s n| \\le f - 1$ imply $|n| \\le (M + f - 1)/s < M + 1$. Hence "
        "$\\sum_k z^k c_k(0)$ and $\\sum_k z^k (c_k(0) - c_k(1))$ are entries of $(1 - z T)^{-1}$: "
        "rational functions, and all growth rates are algebraic over the weights.",
        check,
    )
    largest = Step(
        "No entry of $T^k$ is larger than the one in the middle.",
        sp.Eq(y.transition_norm(k), y.c(k, 0)),
        "entries are values of $c_k$, and $|c_k(l)| \\le c_k(0)$ by Cauchy and Schwarz. The "
        "largest entry is a norm, so by Gelfand's formula $c_k(0)^{1/k}$ tends to the spectral "
        "radius $\\rho(T_e)$: on any closed window, on all sequences or on even ones, whatever "
        "the signs of $e$.",
        check,
    )
    least = Step(
        "If $e$ has sum one, the growth rate cannot be less than that of spreading over the whole "
        "support.",
        sp.Ge(y.rho, 1 / s),
        "$1 = (\\sum_j h_k(j))^2 \\le W_k\\, c_k(0)$ for any signs, and the support $W_k$ is at "
        "most a constant times $s^k$.",
        against("spectral radii of dense matrices; boxes attain it", radii, tight=True),
    )
    return [entries, largest, least]


def sum_rule_steps() -> list[Step]:
    """All grid phases carry the same weight."""
    tight = Check(f"{IMAGES}; boxes attain it", partial(tried, panel=SUM_RULE, attained=BOXES))
    above = Step(
        "Let $a \\ge 0$ satisfy the sum rule: each of the $s$ grid phases receives the weight "
        "$1/s$, or $q(z) = 1 + z + \\dots + z^{s-1}$ divides $a(z)$. Then",
        sp.Le(y.S(k) * y.c(k, 0), 1),
        "$a(z)$ vanishes at the $s$-th roots of unity other than 1, and so does $\\mathcal{A}(z) "
        "= a(z)\\, a(1/z)$: $s \\sum_n \\mathcal{A}(m - s n) = 1$ for every $m$. So $S_{k+1} "
        "c_{k+1}(m) = \\sum_n s \\mathcal{A}(m - s n)\\, S_k c_k(n)$ is an average of values of "
        "$S_k c_k$, which start at most at 1.",
        tight,
    )
    below = Step(
        "It is bounded below as well, so $c_k(0)$ falls exactly as $s^{-k}$: $\\rho = 1/s$ and "
        "$\\beta = d$.",
        sp.Ge(y.S(k) * y.c(k, 0), (s - 1) / (f - 1)),
        "$c_k(0) \\ge 1/W_k$ and $W_k = 1 + (f - 1)(S_k - 1)/(s - 1)$, which is at most "
        "$S_k (f - 1)/(s - 1)$ as the sum rule needs $f \\ge s$.",
        tight,
    )
    telescope = Step(
        "Take one average out of every layer: $g = a/(q/s)$, with composite filter $g_k$ and "
        "autocorrelation $\\gamma_k$. Neighbours turn into sites a cumulative stride apart.",
        sp.Eq(y.c(k, 0) - y.c(k, 1), s ** (-2 * k) * (y.gamma(k, 0) - y.gamma(k, y.S(k)))),
        "$q(z) = (1 - z^s)/(1 - z)$, and the product over the layers telescopes: $(1 - z)\\, "
        "h_k(z) = s^{-k} (1 - z^{S_k})\\, g_k(z)$. Take squares: $2 (c_k(0) - c_k(1)) = 2 s^{-2k} "
        "(\\gamma_k(0) - \\gamma_k(S_k))$. The weights of $g$ may be negative.",
        Check(f"{IMAGES}; $g_k$ convolved", partial(tried, panel=SUM_RULE)),
    )
    overlap = Step(
        "The two copies of $g_k$ overlap by a bounded fraction only. If $g_k$ has at most $n$ "
        "sites in any residue class modulo $S_k$, then",
        sp.Le(sp.Abs(y.gamma(k, y.S(k))), sp.cos(sp.pi / (n + 1)) * y.gamma(k, 0)),
        "let $v(1), \\dots, v(n)$ be the weights of one class, zeros among them included, with "
        "zeros beyond. The forms $\\sum_i (v(i+1) \\mp v(i))^2 = 2 \\sum_i v(i)^2 \\mp 2 \\sum_i "
        "v(i) v(i+1)$ have the lowest eigenvalue $2 - 2 \\cos(\\pi/(n+1))$, with the eigenvectors "
        "$(\\pm 1)^i \\sin(\\pi i/(n+1))$; add up the classes. And $g_k$ covers $1 + (f - s)(S_k - "
        "1)/(s - 1)$ sites, so $n \\le \\max(1, \\lceil (f - s)/(s - 1) \\rceil)$ at every depth.",
        Check("composite filters of $g$ convolved, their sites counted", overlapping),
    )
    alpha = Step(
        "So the exponent of stability is a growth rate of $g$, with $\\rho_g = \\rho(T_g)$.",
        sp.Eq(y.alpha, 1 - sp.log(y.rho_g) / sp.log(s)),
        "$c_k(0) - c_k(1)$ is $s^{-2k} \\gamma_k(0)$ up to factors between $1 - \\cos(\\pi/(n+1)) "
        "> 0$ and 2, hence of growth rate $\\rho_D = s^{-2} \\rho_g$; divide by $c_k(0)$, of "
        "growth rate $1/s$. $A_k^2 = 1 + 12 \\kappa_2 (s^{2k} - 1)/(s^2 - 1)$ is $s^{2k}$ up to "
        "bounded factors, so $\\alpha = \\log_s(\\rho/\\rho_D)$.",
        against(f"{RATES}; $\\rho_g$ of dense matrices", partial(exponents, SUM_RULE)),
    )
    return [above, below, telescope, overlap, alpha]


def averaging_steps() -> list[Step]:
    """Say what one more average does to the spectrum."""
    second = Step(
        "Let $e$ be real with autocorrelation $\\mathcal{B}$, and $\\mathcal{A}$ that of "
        "$(q/s)\\, e$: the same filter, averaged once more. Second differences carry one into the "
        "other.",
        sp.Eq(
            2 * y.autocorrelation(m) - y.autocorrelation(m - 1) - y.autocorrelation(m + 1),
            (
                2 * y.quotient_correlation(m)
                - y.quotient_correlation(m - s)
                - y.quotient_correlation(m + s)
            )
            / s**2,
        ),
        "$(1 - z)\\, q(z) = 1 - z^s$, times its mirror image. For $(\\delta^2 v)(m) = 2 v(m) - "
        "v(m-1) - v(m+1)$ this says $\\delta^2 T_{(q/s) e} = s^{-2} T_e\\, \\delta^2$.",
        Check("filters averaged and correlated", intertwined),
    )
    spectrum = Step(
        "So averaging once more divides the spectrum by $s^2$ and adds one eigenvalue. With "
        "$\\rho$ for $(q/s)\\, e$ and $\\rho_b$ for $e$, of sum one:",
        sp.Eq(y.rho, sp.Max(1 / s, y.rho_b / s**2)),
        "$\\delta^2$ maps the even sequences of the window $M$, of dimension $M + 1$, onto those "
        "of the window $M - 1$, which is closed for $e$ exactly if $M$ is for $(q/s)\\, e$, as $e$ "
        "is shorter by $s - 1$. Its kernel are the constants, and $(q/s)\\, e$ satisfies the sum "
        "rule, so $T$ multiplies constants by $1/s$. The quotient by the constants carries $s^{-2} "
        "T_e$.",
        against("spectral radii of dense matrices, signed filters included", averaged_radii),
    )
    repeated = Step(
        "Let $a = (q/s)^n b$ with $n \\ge 1$ as large as possible. Then $n - 1$ averages lead from "
        "$b$ to $g$.",
        sp.Eq(y.rho_g, sp.Max(1 / s, s ** (2 - 2 * n) * y.rho_b)),
        "by induction: among the maxima $s^{-1}, s^{-3}, \\dots$ only the first counts. For $n = "
        "1$ the claim is $g = b$, as $\\rho_b \\ge 1/s$.",
        against(
            "$a$ divided by $q/s$ until it fails; spectral radii of dense matrices",
            partial(exponents, SUM_RULE),
        ),
    )
    return [second, spectrum, repeated]


def exponent_laws() -> tuple[Step, Step]:
    """State the exponents of any filter."""
    alpha = Step(
        "The exponent of stability of any filter $a \\ge 0$ of two or more weights.",
        sp.Eq(y.alpha, 2 * sp.Min(1, sp.Max(0, y.nu))),
        "$n \\ge 1$: insert $\\rho_g$ into $\\alpha = 1 - \\log_s \\rho_g$, which gives $\\min(2, "
        "2n - 1 - \\log_s \\rho_b) = \\min(2, 2 \\nu_R)$. It is not negative, since $D_k \\le 1$; "
        "so $\\nu_R \\ge 0$ then. $n = 0$: $D_k$ lies between $\\delta$ and 1, so $\\alpha = 0$; "
        "and $\\nu_R \\le 0$, as $\\rho_b \\ge 1/s$.",
        against(f"{RATES}, 30 filters", partial(exponents, PANEL)),
    )
    beta = Step(
        "The exponent of noise.",
        sp.Eq(y.beta, d * (1 + 2 * sp.Min(0, y.nu))),
        "what grows in $G_k$ is $c_k(0)^{-d}$, so $\\beta = -d \\log_s \\rho$. With sum rule "
        "$\\rho = 1/s$ and $\\nu_R \\ge 0$ by the step before. Without, $b = a$ and "
        "$1 + 2 \\nu_R = -\\log_s \\rho_b$. There is never a logarithm in $G_k$: $T \\ge 0$ and "
        "$T(0, 0) > 0$, so the states that lead to 0 and back form a primitive matrix, and by the "
        "theorem of Perron and Frobenius $c_k(0) \\rho^{-k}$ has a positive limit.",
        against(
            f"{RATES}, 30 filters in one, two and three dimensions",
            partial(exponents, PANEL, (1, 2, 3)),
        ),
    )
    return alpha, beta


def law_steps() -> list[Step]:
    """Say what aliasing does, define nu_R, state the laws, and which filters become stable."""
    leak = Step(
        "Let $a \\ge 0$ violate the sum rule. Then a constant $\\delta > 0$ bounds $D_k$ from "
        "below, at every layer $k \\ge 1$ and whatever layers follow the first one.",
        sp.Ge(y.c(k, 0) - y.c(k, 1), y.delta * y.c(k, 0)),
        "$\\hat h_k(\\theta) = \\hat a(\\theta)\\, \\hat h(s \\theta)$ with $h$ the composite "
        "filter of the later layers. The $s$ angles $\\theta_r = (\\theta + 2 \\pi r)/s$ share "
        "the factor $\\hat h(\\theta)$, so $D_k$, the mean of $1 - \\cos$ under $|\\hat h_k|^2$, "
        "is at least the least mean over such a fibre: $\\delta = \\inf_\\theta \\sum_r (1 - "
        "\\cos \\theta_r) |\\hat a(\\theta_r)|^2 / \\sum_r |\\hat a(\\theta_r)|^2$. A fibre with "
        "$|\\theta| \\ge \\epsilon$ keeps all its angles away from 0 (one without weight does not "
        "count). On those with small $\\theta$ the denominator is near that of $\\theta = 0$, at "
        "least 1, and the numerator near $\\sum_{r \\ne 0} (1 - \\cos(2 \\pi r/s)) |\\hat a(2 "
        "\\pi r/s)|^2$, which is positive unless $\\hat a$ vanishes at all these angles: the sum "
        "rule.",
        Check("pooled images of ten filters; means over 25 fibres at 60 digits", leaking),
    )
    smooth = n - sp.log(s * y.rho_b) / (2 * sp.log(s))
    number = Step(
        "Define the smoothness number of the filter, with $n \\ge 0$ as large as possible in "
        "$a = (q/s)^n b$ and $\\rho_b = \\rho(T_b)$.",
        sp.Eq(y.nu, smooth),
        "if the integer shifts of the refinable function $\\varphi(x) = s \\sum_j a(j)\\, "
        "\\varphi(s x - j)$ are stable, this is its Sobolev smoothness in $L_2$ (Eirola 1992, "
        "Villemoes 1994, Jia 1999). Stability is not assumed here.",
        against(
            "the package's own smoothness numbers, exact and algebraic, against dense matrices",
            partial(exponents, ROUGH),
        ),
    )
    stable = Step(
        "For which filters is $\\alpha > 0$? Exactly for those with sum rule and span 1: no "
        "integer $g > 1$ divides all distances between sites of the support. For these,",
        sp.Gt(y.alpha, 0),
        "without sum rule $D_k \\ge \\delta$; with span $g > 1$ all sites of $h_k$ differ by "
        "multiples of $g$, so $c_k(1) = 0$ and $D_k = 1$. Now let both hold.\n\n(1) A constant "
        "limit suffices. The recursion of $p_k(m) = S_k c_k(m)$ has rows of sum one: $p_k(m)$ is "
        "the probability that the Markov chain $P(m, n) = s \\mathcal{A}(m - s n)$ leads from $m$ "
        "to 0 in $k$ steps. As $P(0, 0) > 0$ and $p_k(0)$ is bounded below, 0 is recurrent and "
        "without period, so $p_k$ tends to some $p$ with $P p = p$: at every integer $m$, as every "
        "window larger than $M$ is closed too. If $p(1) = p(0)$, then $S_k (c_k(0) - c_k(1))$, a "
        "finite sum of terms $k^i \\lambda^k$, tends to 0, hence exponentially, and $\\alpha > "
        "0$.\n\n(2) Two sites in one phase. Suppose that two sites of the support differ by $s l "
        "\\ne 0$. The chain leads from 0 to $l$, and $p$ is constant on what a recurrent state "
        "leads to: $p(l) = p(0)$. As a limit of autocorrelations $p$ is positive definite, so it "
        "has the period $l$: $p(m) = \\sum_\\phi \\mu(\\phi) e^{i m \\phi}$ with finitely many "
        "angles, of weights $\\mu > 0$. As $P$ maps $e^{i m \\phi}$ to $\\sum_r |\\hat "
        "a(\\phi_r)|^2 e^{i m \\phi_r}$ with $\\phi_r = (\\phi + 2 \\pi r)/s$, comparing the "
        "weights of an angle on both sides of $P p = p$ gives $\\mu(\\phi) = |\\hat a(\\phi)|^2 "
        "\\mu(s \\phi)$. So with $\\phi$ also $s \\phi$ is one of them, of no smaller weight as "
        "$|\\hat a| \\le 1$, and of a larger one unless $|\\hat a(\\phi)| = 1$, which by span 1 "
        "means $\\phi = 0$. Since there are finitely many, multiplication by $s$ leads every one "
        "to 0. The last angle before 0 would be some $2 \\pi r/s$, where $\\hat a = 0$ and so "
        "$\\mu = 0$: there is none. Only $\\phi = 0$ is left, and $p$ is constant.\n\n(3) One site "
        "per phase. Otherwise the support is one site per phase, each of weight $1/s$, and "
        "$\\sum_r |\\hat a(\\theta_r)|^2 = 1$ over every fibre. On even sequences the transpose of "
        "$P$ acts on cosine polynomials as $(R f)(\\theta) = \\sum_r |\\hat a(\\theta_r)|^2 "
        "f(\\theta_r)$. Let $f$ be real, of degree at most $M$, with $R f = f$ but not constant, "
        "and let $Z$ be the finite set where $f$ is least. $R f = f$ at a point of $Z$ says that "
        "in its fibre all points with $\\hat a \\ne 0$ lie in $Z$, and there is one at least. "
        "Fibres are disjoint, so there is exactly one, with $|\\hat a| = 1$, and these points "
        "exhaust $Z$: by span 1 $Z$ holds the angle 0 alone. So does the set where $f$ is largest, "
        "a contradiction. So the even solutions of $P p = p$ form one dimension: $p$ is constant.",
        against(f"{RATES}, {RANGE}", small_alphas),
    )
    return [leak, number, *exponent_laws(), stable]


def examples() -> list[Step]:
    """Tables, counterexamples to a relation with the Sobolev number, and the logarithm."""
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
        against(RATES, [{}], law_values()),
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
        against(RATES, named),
    )
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
        against(RATES, named),
    )
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
        against(
            "exact recurrence of the squares of composite filters, factored",
            lambda: [{y.multiplicity: growth_rates((1, 0, 3, 8, 3, 0, 1), 2)[1].multiplicity}],
        ),
    )
    rare = Step(
        "Among small filters with sum rule it does not occur.",
        sp.Eq(y.multiplicity, 1),
        "an observation, over the range of the check. Without sum rule there is no logarithm, as "
        "$D_k$ lies between two constants; for $\\nu_R > 1$ the previous step excludes it; for $0 "
        "< \\nu_R \\le 1$ the question is open.",
        against(f"exact recurrences, {RANGE}", small_multiplicities),
        status="tested",
    )
    return [table, smooth, twin, apart, exists, rare]
