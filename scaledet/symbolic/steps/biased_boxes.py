"""Boxes f = s with a bias and a ReLU in each layer: the law of a unit, and when it dies."""

from __future__ import annotations

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes import integer_noise as routes
from scaledet.symbolic.routes.checks import against
from scaledet.symbolic.routes.integer_noise import DEEP, LOW, NOISE, SIGNED, networks
from scaledet.symbols import L, d, i, j, k, m, s

IMAGES = "all outcomes of noise of few integer values, sent through the layers image by image"
INPUTS = "all outcomes of noise sent through networks of 1, 2, 3, 4 and 8 inputs, d = 1, 2, 3"
RECTIFIED = "noise of both signs that the first layer rectifies, all outcomes, d = 1, 2, 3"

PAIRS = networks(
    (1, 2, ((2, 1),), DEEP, (2, 3, 0, 1)),
    (1, 2, ((2, 1),), (1, 1, 6, 7, 2), (2, 3, 0, 1)),
    (1, 2, NOISE, (2, 1, 3), (0, 1, 2)),
    (1, 2, ((0, 1), (1, 1), (2, 3)), (2, 1, 3), (0, 1, 2)),
)
CUT = networks(
    (1, 1, ((0, 3), (2, 2), (5, 1), (9, 1)), (1, 2, 2, 0, 3, 1), (2, 3, 0, 1)),
    (1, 2, NOISE, (1, 2, 1), (0, 1, 2)),
    (1, 3, ((0, 1), (2, 1)), (1, 3), (0, 1)),
    (1, 4, ((0, 1), (2, 1)), (3,), (0,)),
    (2, 2, NOISE, (2,), (0,)),
    (3, 2, ((0, 2), (3, 1)), (2,), (0,)),
)
UNCUT = networks(
    (1, 2, ((-1, 1), (2, 1)), (0, 0, 0, 0), (2, 3, 4, 1)),
    (1, 2, SIGNED, (0, 0, 0), (1, 2)),
    (1, 3, SIGNED, (0, 0, 0), (1, 2)),
    (1, 4, ((-1, 1), (2, 1)), (0, 0), (1, 2)),
    (1, 5, ((-1, 1), (2, 1)), (0, 0), (1,)),
    (2, 2, ((-1, 1), (2, 1)), (0, 0, 0), (1, 2)),
    (3, 2, ((-1, 1), (2, 1)), (0, 0, 0), (1,)),
)

PEAKED = networks(
    (1, 2, ((1, 3), (4, 1)), (0, 0, 0, 0), (2, 3, 4, 1)),
    (3, 2, ((1, 3), (4, 1)), (0,), (1,)),
    (1, 4, ((0, 3), (4, 1)), (1, 1), (1, 2)),
    (1, 5, ((0, 3), (4, 1)), (1, 1), (1,)),
    (3, 2, ((0, 3), (4, 1)), (2, 1), (1,)),
    (1, 2, NOISE, (1, 1, 1), (1, 2)),
    (1, 2, NOISE, (1, 1, 50), (1, 2)),
    (1, 3, ((0, 3), (4, 1)), (1, 2, 1), (1, 2)),
    (2, 2, ((0, 3), (4, 1)), (2, 1), (1,)),
)
ONE_CUT = networks(
    (1, 2, ((-2, 1), (3, 2)), (2, 0, 0, 0), (2, 3, 4, 1)),
    (1, 4, ((-2, 1), (3, 2)), (2, 0), (1, 2)),
    (1, 5, ((-2, 1), (3, 2)), (2, 0), (1,)),
    (3, 2, ((-2, 1), (3, 2)), (2, 0), (1,)),
    (1, 3, ((-2, 1), (3, 2)), (2, 0, 0), (1, 2)),
    (2, 2, ((-2, 1), (3, 2)), (2, 0, 0), (1, 2)),
)
EQUAL = networks(
    (1, 2, ((2, 1),), (1,) * 5, (2, 1)),
    (1, 2, ((0, 1), (2, 1)), (1,) * 5, (2, 3, 0, 1)),
    (1, 4, ((0, 1), (2, 1)), (1, 1), (0, 1)),
    (1, 5, ((0, 1), (2, 1)), (1, 1), (0,)),
    (3, 2, ((0, 2), (1, 1)), (1, 1), (0,)),
    (1, 2, NOISE, (1, 1, 1), (0, 1)),
    (1, 3, LOW, (1, 1, 1), (0, 1)),
    (2, 2, ((0, 1), (2, 1)), (1, 1, 1), (0, 1)),
    (1, 2, LOW, (1, 1, 1), (1, 2)),
)
CARRIED = "clean images carried out in rationals, layer by layer, d = 1, 2, 3"
UNIT_BUDGETS = "all outcomes of noise sent through networks with unit budgets, d = 1, 2, 3"


def density_steps() -> tuple[Step, ...]:
    """Derive the law of a unit from that of the layer before, its moments, and their noise."""
    reach = m + y.budget(k + 1)
    pairs = sp.Sum(y.unit_law(k, i) * y.unit_law(k, reach - i), (i, 0, sp.oo))
    law = Step(
        "Two inputs ($d = 1$, $s = 2$): above zero, the law of a unit is the convolution of the "
        "law of the layer before, shifted by the bias.",
        sp.Eq(y.unit_law(k + 1, m), pairs),
        "units of layer $k$ over disjoint pixels are functions of independent noise: "
        "$y_{k+1} = (y + y' - \\beta_{k+1})_+$ with $y$, $y'$ independent copies of $y_k$. For "
        "$n$ inputs it is the $n$-fold convolution.",
        against(IMAGES, [{**case, m: height} for case in PAIRS for height in (3, 4, 5, 1, 2)]),
    )
    ends = ((i, 0, j), (j, 0, y.budget(k + 1)))
    atom = Step(
        "All that lies below is collected in an atom at zero.",
        sp.Eq(y.unit_law(k + 1, 0), sp.Sum(y.unit_law(k, i) * y.unit_law(k, j - i), *ends)),
        "the ReLU maps every sum up to $\\beta_{k+1}$ to zero. At $\\beta_{k+1} = 0$ the atom is "
        "$p_k(0)^n$: it is known exactly, beside a density that a grid only approximates.",
        against(IMAGES, PAIRS),
    )
    value = s**d * y.unit_mean(k) - y.budget(k + 1) + y.shortfall(k + 1, 1)
    mean = Step(
        "The mean: inputs add up, the bias takes its height off, and the cut gives back the "
        "height that the sums lacked, $a_{k, p} = \\mathrm{E}(\\beta_k - S)_+^p$.",
        sp.Eq(y.unit_mean(k + 1), value),
        "$(S - \\beta)_+ = S - \\beta + (\\beta - S)_+$ for the sum $S$ of $n = s^d$ inputs.",
        against(INPUTS, CUT),
    )
    lack, square = y.shortfall(k + 1, 1), y.shortfall(k + 1, 2)
    mixed = 2 * (y.budget(k + 1) - s**d * y.unit_mean(k)) * lack
    variance = Step(
        "The variance, without differences of large numbers: where nothing is cut, both $a$ "
        "vanish.",
        sp.Eq(y.unit_variance(k + 1), s**d * y.unit_variance(k) - square - lack**2 + mixed),
        "$\\mathrm{Var}(S - \\beta)_+ = \\mathrm{Var} S + \\mathrm{Var}(\\beta - S)_+ + "
        "2\\,\\mathrm{Cov}(S, (\\beta - S)_+)$ and "
        "$S (\\beta - S)_+ = \\beta (\\beta - S)_+ - (\\beta - S)_+^2$.",
        against(INPUTS, CUT),
    )
    plain = mean.expression.rhs.subs({y.budget(k + 1): 0, y.shortfall(k + 1, 1): 0})
    value = plain.subs(y.unit_mean(k), s ** (d * (k - 1)) * y.unit_mean(1))
    kept = Step(
        "Without bias the mean that the first ReLU has given is kept for ever: "
        "$\\mathrm{E} X_k = \\mathrm{E} X_1$. In blocks it is the relevant direction, with "
        "eigenvalue $n$ against the signal's 1.",
        sp.Eq(y.unit_mean(k), sp.powsimp(value).subs(k, k - 1)),
        "after the first ReLU sums are not negative: nothing is cut; by induction.",
        against(RECTIFIED, UNCUT),
    )
    plain = variance.expression.rhs.subs(
        {y.budget(k + 1): 0, y.shortfall(k + 1, 1): 0, y.shortfall(k + 1, 2): 0}
    )
    value = plain.subs(y.unit_variance(k), s ** (d * (k - 1)) * y.unit_variance(1))
    averaged = Step(
        "Fluctuations average out: $\\mathrm{Var} X_k = n^{1-k}\\, \\mathrm{Var} X_1$. The fixed "
        "point of the blocks is a unit without fluctuations, and the approach to it is Gaussian.",
        sp.Eq(y.unit_variance(k), sp.powsimp(value).subs(k, k - 1)),
        "the same without cuts; every cumulant of the height grows by $n$ a layer, so the one of "
        "order $r$ falls as $n^{k (1 - r)}$ against the $r$-th power of the mean.",
        against(RECTIFIED, UNCUT),
    )
    background = (L / y.S(k) ** d - 1) * y.background_square(k)
    energy = Step(
        "The noise of an image, $Q_k G_k$: all units but one are background.",
        sp.Eq(y.energy(k), background + y.active_square(k)),
        "$L/S_k^d$ units, independent of one another; with $b_k \\le 0$ a clean background unit "
        "is 0. The unit over the active pixel obeys the same recursion with one input replaced, "
        "$Y_{k+1} = \\mathrm{relu}((Y_k + X + \\dots + X')/n + b_{k+1})$.",
        against(
            "all outcomes of noise on whole tori, d = 1, 2, 3, and on the pixels of one unit",
            routes.energy,
        ),
    )
    neighbours = Step(
        "Where filters overlap, neighbours share pixels and are correlated already at the first "
        "layer, before its ReLU.",
        sp.Eq(y.neighbours(1), y.sigma**2 * y.autocorrelation(s)),
        "two units at distance $s$ add $\\sum_j a_j a_{j+s}$ of the same noise, which "
        "is 0 for $f \\le s$ and positive for overlapping weights. The law of one unit then no "
        "longer determines the next layer; closing the recursion by independence or by a Gaussian "
        "is an approximation.",
        against("the weights of two neighbouring units, pixel by pixel", routes.neighbours),
    )
    return law, atom, mean, variance, kept, averaged, energy, neighbours


def threshold_steps() -> tuple[Step, ...]:
    """Derive how much negative biases leave of the signal and of the noise."""
    budget = Step(
        "The signal's budget. A pixel of height $q$ that stands alone loses the height that the "
        "biases take off, in units of $n^{-k}$, whatever their order; the signal is $q = 1$.",
        sp.Eq(
            s ** (d * k) * y.signal(k),
            sp.Max(y.peak - sp.Sum(y.budget(i), (i, 1, k)), 0),
        ),
        "$u_k = (u_{k-1}/n - \\beta_k n^{-k})_+$, times $n^k$; once zero it stays zero. A peak of "
        "the noise as high as the signal lives as long as the signal.",
        against(CARRIED, routes.shares),
    )
    power = s ** (-d * k)
    constant = Step(
        "Constant bias $b_k = -\\vartheta$, as long as the signal lives.",
        sp.Eq(y.signal(k), power - y.strength * (1 - power) * s**d / (s**d - 1)),
        "the budgets $\\vartheta (n + n^2 + \\dots + n^k)$ are a geometric sum.",
        against(CARRIED, lambda: routes.clean(routes.constant)),
    )
    need = 1 + (s**d - 1) / (s**d * y.strength)
    death = Step(
        "It dies at a layer that depends on the strength by a logarithm: constant bias has its "
        "threshold at 0.",
        sp.Eq(y.dead, sp.ceiling(sp.log(need) / sp.log(s**d))),
        "$u_k \\le 0$ from $n^k \\ge 1 + (n - 1)/(n \\vartheta)$ on; then $Q_k = 0$ and neither "
        "$D_k$ nor $G_k$ is defined. Just before, $G_k$ may rise: the signal falls faster than the "
        "noise, unless the cuts have killed that first.",
        against(
            "clean images carried out until they are blank, 1 % to either side of every edge",
            routes.death,
        ),
    )
    proportional = Step(
        "Proportional biases $b_k = -\\vartheta n^{-k}$: the signal falls linearly in units of "
        "$n^{-k}$ and dies at layer $\\lceil 1/\\vartheta \\rceil$. At depth $k$ the threshold is "
        "$\\vartheta = 1/k$.",
        sp.Eq(y.signal(k), (1 - k * y.strength) / s ** (d * k)),
        "every layer takes $\\vartheta$ of the budget of 1.",
        against(CARRIED, lambda: routes.clean(lambda strength, *_: strength)),
    )
    first, second, cut = y.first_height, y.second_height, y.spent
    gain = Step(
        "Cut early. A bias before two units are added takes off at least as much as the same "
        "budget after it; the gain is never negative.",
        sp.Eq(
            y.cut_gain(first, second, cut),
            sp.Min(first, second, cut, sp.Max(first + second - cut, 0)),
        ),
        "four cases: which of $y_1$, $y_2$ and $y_1 + y_2$ exceed $\\beta_1$. By induction over "
        "inputs and layers, of all schedules of the same total budget the single cut in the "
        "first layer leaves every unit lowest.",
        against(
            "images of two active pixels through two layers, the bias in the first or second",
            routes.gain,
        ),
    )
    best = Step(
        "No schedule is better. If the noise has a mean $\\ge 0$, as Gaussian noise has, rectified "
        "or not, and the signal lives, then of all schedules of biases $\\le 0$ with the same "
        "total budget a single cut in the first layer (primed) leaves the image the least noise, "
        "and so the smallest $G_k$: at every size and depth, for $Q_k$ depends on the total alone.",
        sp.Ge(y.energy(k), y.early_energy(k)),
        "background units are lowest by the last step. For the unit over the active pixel let "
        "$1 + Z$ be the sum of its inputs in the first layer, $u = 1 - \\beta_1 - \\dots - "
        "\\beta_k > 0$ its clean height and $N$ the sum of the background units that join it "
        "later; $N \\ge N' \\ge 0$. Noise changes its height by $V' = \\max(Z, -u) + N'$ after the "
        "early cut. If $Z \\ge -u$, no bias cuts it under the other schedule: $V = Z + N$ and "
        "$V^2 - V'^2 \\ge 2 Z (N - N')$. If $Z < -u$, the biases take more than $1 + Z$, and the "
        "unit is at most $N$ high: $0 \\le V - V' \\le N - N'$, and $V \\ge V' \\ge -u$ gives "
        "$V^2 - V'^2 \\ge -2 u (N - N')$. In both cases the bound is $2 \\max(Z, -u) (N - N')$. "
        "Its factors are independent, and $\\mathrm{E} \\max(Z, -u) \\ge \\mathrm{E} Z \\ge 0$.",
        against(
            "all outcomes of noise on whole tori with one active pixel, 7 schedules of 2 to 4 "
            "layers, 2 and 3 inputs a unit",
            routes.schedules,
        ),
    )
    peaks = Step(
        "Peaks survive. If the signal lives for ever, $\\beta_1 + \\beta_2 + \\dots \\le 1$ and "
        "the mean of the noise stays above $\\mathrm{E}(y_0 - 1)_+$, positive for unbounded "
        "noise: then $G_k$ still grows as $A_k^d$ if the sum is below 1, and faster if it is 1. "
        "An early cut makes the prefactor smaller in weak noise, until it takes most of the "
        "signal; a late one may make it larger, for it costs the signal more than the noise.",
        sp.Ge(y.unit_mean(k), s ** (d * k) * y.peak_mean(k)),
        "the step on early cuts, repeated: a unit is at least as high as all its pixels' peaks "
        "after the whole cut, each standing alone. $\\mathrm{E} X_k$ is $n^{-k} \\bar y_k$. The "
        "noise $y_0$ of the pixels is rectified here; where it is not, the same holds from the "
        "first layer on.",
        against("all outcomes of noise of few integer values, d = 1, 2, 3", PEAKED, tight=True),
    )
    mean = y.unit_mean(1) ** 2 / s ** (2 * d)
    early = Step(
        "One early cut: after it the mean of the noise stays, and only fluctuations average out.",
        sp.Eq(y.background_square(k), mean + y.unit_variance(1) / s ** (d * (k + 1))),
        "later layers cut nothing. Against $Q_k \\propto n^{-2k}$ the noise of $L/n^k$ units grows "
        "as $n^k = A_k^d$: piling up needs no more than that, here or at $b = 0$. A deep cut makes "
        "$\\bar y_1$ exponentially small, so that this sets in late.",
        against(
            "noise of both signs through networks with one cut, all outcomes, d = 1, 2, 3", ONE_CUT
        ),
    )
    drive = Step(
        "Equal budgets. Let every layer take the same height off, the unit in which heights are "
        "now counted, and let the noise take integer values: one number decides its fate.",
        sp.Eq(
            y.drive(k),
            sp.Sum(((s**d - 1) * i - 1) * s ** (d * i) * y.unit_law(k, i), (i, 0, sp.oo)),
        ),
        "definition, $\\Delta_k = (n - 1)\\, \\mathrm{E}\\, y_k n^{y_k} - \\mathrm{E}\\, "
        "n^{y_k}$. The recursion $y_{k+1} = (y + \\dots + y' - 1)_+$ is that of Derrida and "
        "Retaux (2014); the number goes back to Collet, Eckmann, Glaser and Martin (1984).",
        against(UNIT_BUDGETS, EQUAL),
    )
    sign = Step(
        "Its sign never changes.",
        sp.Eq(y.drive(k + 1), y.weight_sum(k) ** (s**d - 1) * y.drive(k)),
        "with $H(z) = \\mathrm{E} z^{y_k}$ the next layer has $(H(z)^n - H(0)^n)/z + H(0)^n$; at "
        "$z = n$ the atom's share of both terms of $\\Delta$ cancels, and $H(n)^{n-1}$ is a common "
        "factor. For $\\Delta < 0$ heights stay exponentially rare and the noise dies; for "
        "$\\Delta > 0$ its mean outgrows the height that is taken off and survives (proved by the "
        "authors named above).",
        against(UNIT_BUDGETS, EQUAL),
    )
    critical = Step(
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
    signal = budget, constant, death, proportional
    return *signal, gain, best, peaks, early, drive, sign, critical
