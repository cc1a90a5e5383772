"""Negative biases on boxes f = s: how much they leave of the signal and of the noise."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes import integer_noise as routes
from scaledet.symbolic.routes.checks import against
from scaledet.symbolic.routes.integer_noise import LOW, NOISE, networks, outcomes_check
from scaledet.symbols import d, i, k, s

PEAKED = networks(
    (1, 2, NOISE, (1, 1, 1), (1, 2)),
    (1, 2, NOISE, (1, 1, 50), (1, 2)),
    (1, 3, ((0, 3), (4, 1)), (1, 2, 1), (1, 2)),
    (2, 2, ((0, 3), (4, 1)), (2, 1), (1,)),
)
ONE_CUT = networks(
    (1, 2, ((-2, 1), (3, 2)), (2, 0, 0), (1, 2, 3)),
    (1, 3, ((-2, 1), (3, 2)), (2, 0, 0), (1, 2)),
    (2, 2, ((-2, 1), (3, 2)), (2, 0, 0), (1, 2)),
)
EQUAL = networks(
    (1, 2, NOISE, (1, 1, 1), (0, 1)),
    (1, 3, LOW, (1, 1, 1), (0, 1)),
    (2, 2, ((0, 1), (2, 1)), (1, 1, 1), (0, 1)),
    (1, 2, LOW, (1, 1, 1), (1, 2)),
)
CARRIED = "clean images carried out in rationals, layer by layer"
UNIT_BUDGETS = "all outcomes of noise sent through networks with unit budgets"


def signal_budget() -> Step:
    """Derive the height that biases leave of a pixel that stands alone."""
    return Step(
        "The signal's budget. A pixel of height $q$ that stands alone loses the height that the "
        "biases take off, in units of $n^{-k}$, whatever their order; the signal is $q = 1$.",
        sp.Eq(
            s ** (d * k) * y.signal(k),
            sp.Max(y.peak - sp.Sum(y.budget(i), (i, 1, k)), 0),
        ),
        "$u_k = (u_{k-1}/n - \\beta_k n^{-k})_+$, times $n^k$; once zero it stays zero. A peak of "
        "the noise as high as the signal lives as long as the signal.",
        Check(CARRIED, routes.shares),
    )


def constant_bias() -> Step:
    """Derive the signal under equal biases."""
    power = s ** (-d * k)
    return Step(
        "Constant bias $b_k = -\\vartheta$, as long as the signal lives.",
        sp.Eq(y.signal(k), power - y.strength * (1 - power) * s**d / (s**d - 1)),
        "the budgets $\\vartheta (n + n^2 + \\dots + n^k)$ are a geometric sum.",
        Check(CARRIED, partial(routes.clean, _constant)),
    )


def dead_layer() -> Step:
    """Derive the first blank layer under equal biases."""
    need = 1 + (s**d - 1) / (s**d * y.strength)
    return Step(
        "It dies at a layer that depends on the strength by a logarithm: constant bias has its "
        "threshold at 0.",
        sp.Eq(y.dead, sp.ceiling(sp.log(need) / sp.log(s**d))),
        "$u_k \\le 0$ from $n^k \\ge 1 + (n - 1)/(n \\vartheta)$ on; then $Q_k = 0$ and neither "
        "$D_k$ nor $G_k$ is defined. Just before, $G_k$ may rise: the signal falls faster than the "
        "noise, unless the cuts have killed that first.",
        Check(
            "clean images carried out in rationals until they are blank",
            partial(routes.death, _constant),
        ),
    )


def _constant(strength: Fraction, inputs: int, depth: int) -> list[Fraction]:
    return [strength * inputs**layer for layer in range(1, depth + 1)]


def proportional_bias() -> Step:
    """Derive the signal under biases that fall as the signal does."""
    return Step(
        "Proportional biases $b_k = -\\vartheta n^{-k}$: the signal falls linearly in units of "
        "$n^{-k}$ and dies at layer $\\lceil 1/\\vartheta \\rceil$. At depth $k$ the threshold is "
        "$\\vartheta = 1/k$.",
        sp.Eq(y.signal(k), (1 - k * y.strength) / s ** (d * k)),
        "every layer takes $\\vartheta$ of the budget of 1.",
        Check(CARRIED, partial(routes.clean, _proportional)),
    )


def _proportional(strength: Fraction, _inputs: int, depth: int) -> list[Fraction]:
    return [strength] * depth


def cut_gain() -> Step:
    """Derive how much more an early cut takes off than a late one."""
    first, second, cut = y.first_height, y.second_height, y.spent
    return Step(
        "Cut early. A bias before two units are added takes off at least as much as the same "
        "budget after it; the gain is never negative.",
        sp.Eq(
            y.cut_gain(first, second, cut),
            sp.Min(first, second, cut, sp.Max(first + second - cut, 0)),
        ),
        "four cases: which of $y_1$, $y_2$ and $y_1 + y_2$ exceed $\\beta_1$. By induction over "
        "inputs and layers, of all schedules of the same total budget the single cut in the "
        "first layer leaves every background unit lowest, while the signal depends on the total "
        "alone: it minimises $\\mathrm{E} X_k^2$ at given $Q_k$.",
        Check(
            "images of two active pixels through two layers, the bias in the first or second",
            routes.gain,
        ),
    )


def peaks() -> Step:
    """Derive that peaks of the noise survive if the signal does."""
    return Step(
        "Peaks survive. If the signal lives for ever, $\\beta_1 + \\beta_2 + \\dots \\le 1$ and "
        "the mean of the noise stays above $\\mathrm{E}(y_0 - 1)_+$, positive for unbounded "
        "noise: then $G_k$ still grows as $A_k^d$ if the sum is below 1, and faster if it is 1. "
        "The prefactor is smaller for early cuts and may be larger for late ones, which cost the "
        "signal more than the noise.",
        sp.Ge(y.unit_mean(k), s ** (d * k) * y.peak_mean(k)),
        "the last step, repeated: a unit is at least as high as all its pixels' peaks after the "
        "whole cut, each standing alone. $\\mathrm{E} X_k$ is $n^{-k} \\bar y_k$. The noise $y_0$ "
        "of the pixels is rectified here; where it is not, the same holds from the first layer on.",
        outcomes_check("all outcomes of noise of few integer values, d = 1, 2", PEAKED),
    )


def early_cut() -> Step:
    """Derive the noise of a unit after one cut in the first layer."""
    mean = y.unit_mean(1) ** 2 / s ** (2 * d)
    return Step(
        "One early cut: after it the mean of the noise stays, and only fluctuations average out.",
        sp.Eq(y.background_square(k), mean + y.unit_variance(1) / s ** (d * (k + 1))),
        "later layers cut nothing. Against $Q_k \\propto n^{-2k}$ the noise of $L/n^k$ units grows "
        "as $n^k = A_k^d$: piling up needs no more than that, here or at $b = 0$. A deep cut makes "
        "$\\bar y_1$ exponentially small, so that this sets in late.",
        outcomes_check("noise of both signs through networks with one cut, all outcomes", ONE_CUT),
    )


def drive() -> Step:
    """Define the number that decides the fate of the noise under equal budgets."""
    return Step(
        "Equal budgets. Let every layer take the same height off, the unit in which heights are "
        "now counted, and let the noise take integer values: one number decides its fate.",
        sp.Eq(
            y.drive(k),
            sp.Sum(((s**d - 1) * i - 1) * s ** (d * i) * y.unit_law(k, i), (i, 0, sp.oo)),
        ),
        "definition, $\\Delta_k = (n - 1)\\, \\mathrm{E}\\, y_k n^{y_k} - \\mathrm{E}\\, "
        "n^{y_k}$. The recursion $y_{k+1} = (y + \\dots + y' - 1)_+$ is that of Derrida and "
        "Retaux (2014); the number goes back to Collet, Eckmann, Glaser and Martin (1984).",
        outcomes_check(UNIT_BUDGETS, EQUAL),
    )


def drive_sign() -> Step:
    """Derive that this number keeps its sign."""
    return Step(
        "Its sign never changes.",
        sp.Eq(y.drive(k + 1), y.weight_sum(k) ** (s**d - 1) * y.drive(k)),
        "with $H(z) = \\mathrm{E} z^{y_k}$ the next layer has $(H(z)^n - H(0)^n)/z + H(0)^n$; at "
        "$z = n$ the atom's share of both terms of $\\Delta$ cancels, and $H(n)^{n-1}$ is a common "
        "factor. For $\\Delta < 0$ heights stay exponentially rare and the noise dies; for "
        "$\\Delta > 0$ its mean outgrows the height that is taken off and survives (proved by the "
        "authors named above).",
        outcomes_check(UNIT_BUDGETS, EQUAL),
    )


def critical_probability() -> Step:
    """Derive the threshold for noise of two values."""
    return Step(
        "The threshold for noise of two values: a unit has height $q$ with probability $p$, else "
        "0. Beyond $p_c$ the noise survives.",
        sp.Eq(y.critical, 1 / (1 + ((s**d - 1) * y.peak - 1) * s ** (d * y.peak))),
        "solve $\\Delta_0 = p ((n - 1) q - 1) n^q - (1 - p) = 0$; $n = 2$, $q = 2$ gives 1/5. A "
        "law that is not on multiples of the cut lies between its roundings down and up: this "
        "brackets the critical $\\vartheta/\\sigma$ of Gaussian noise (`bias_phases`: 0.8063 for "
        "$n = 2$ and noise that enters the first layer).",
        against(
            "the zero of Delta after one layer, all outcomes enumerated, by bisection in p",
            routes.critical,
            digits=12,
        ),
    )
