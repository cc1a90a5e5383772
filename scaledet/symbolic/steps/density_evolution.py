"""The law of a unit through layers that do not overlap, with a bias and a ReLU in each."""

from __future__ import annotations

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes import integer_noise as routes
from scaledet.symbolic.routes.integer_noise import NOISE, SIGNED, networks, outcomes_check
from scaledet.symbols import L, d, i, j, k, m, s

IMAGES = "all outcomes of noise of few integer values, sent through the layers image by image"
INPUTS = "all outcomes of noise sent through networks with 2, 3, 4 and 8 inputs a unit"
RECTIFIED = "noise of both signs that the first layer rectifies, all outcomes"

PAIRS = networks(
    (1, 2, NOISE, (2, 1, 3), (0, 1, 2)),
    (1, 2, ((0, 1), (1, 1), (2, 3)), (2, 1, 3), (0, 1, 2)),
)
CUT = networks(
    (1, 2, NOISE, (1, 2, 1), (0, 1, 2)),
    (1, 3, ((0, 1), (2, 1)), (1, 3), (0, 1)),
    (2, 2, NOISE, (2,), (0,)),
    (3, 2, ((0, 2), (3, 1)), (2,), (0,)),
)
UNCUT = networks(
    (1, 2, SIGNED, (0, 0, 0), (1, 2)),
    (1, 3, SIGNED, (0, 0, 0), (1, 2)),
    (2, 2, ((-1, 1), (2, 1)), (0, 0, 0), (1, 2)),
    (3, 2, ((-1, 1), (2, 1)), (0, 0, 0), (1,)),
)


def unit_law() -> Step:
    """Derive the law of a unit above zero."""
    reach = m + y.budget(k + 1)
    pairs = sp.Sum(y.unit_law(k, i) * y.unit_law(k, reach - i), (i, 0, sp.oo))
    return Step(
        "Two inputs ($d = 1$, $s = 2$): above zero, the law of a unit is the convolution of the "
        "law of the layer before, shifted by the bias.",
        sp.Eq(y.unit_law(k + 1, m), pairs),
        "units of layer $k$ over disjoint pixels are functions of independent noise: "
        "$y_{k+1} = (y + y' - \\beta_{k+1})_+$ with $y$, $y'$ independent copies of $y_k$. For "
        "$n$ inputs it is the $n$-fold convolution.",
        outcomes_check(IMAGES, PAIRS, heights=(1, 2, 3, 5)),
    )


def atom() -> Step:
    """Derive the probability that a unit is zero."""
    ends = ((i, 0, j), (j, 0, y.budget(k + 1)))
    return Step(
        "All that lies below is collected in an atom at zero.",
        sp.Eq(y.unit_law(k + 1, 0), sp.Sum(y.unit_law(k, i) * y.unit_law(k, j - i), *ends)),
        "the ReLU maps every sum up to $\\beta_{k+1}$ to zero. At $\\beta_{k+1} = 0$ the atom is "
        "$p_k(0)^n$: it is known exactly, beside a density that a grid only approximates.",
        outcomes_check(IMAGES, PAIRS, heights=(0,)),
    )


def unit_mean() -> Step:
    """Derive the mean of a unit from that of the layer before."""
    value = s**d * y.unit_mean(k) - y.budget(k + 1) + y.shortfall(k + 1, 1)
    return Step(
        "The mean: inputs add up, the bias takes its height off, and the cut gives back the "
        "height that the sums lacked, $a_{k, p} = \\mathrm{E}(\\beta_k - S)_+^p$.",
        sp.Eq(y.unit_mean(k + 1), value),
        "$(S - \\beta)_+ = S - \\beta + (\\beta - S)_+$ for the sum $S$ of $n = s^d$ inputs.",
        outcomes_check(INPUTS, CUT),
    )


def unit_variance() -> Step:
    """Derive the variance of a unit from that of the layer before."""
    lack, square = y.shortfall(k + 1, 1), y.shortfall(k + 1, 2)
    mixed = 2 * (y.budget(k + 1) - s**d * y.unit_mean(k)) * lack
    return Step(
        "The variance, without differences of large numbers: where nothing is cut, both $a$ "
        "vanish.",
        sp.Eq(y.unit_variance(k + 1), s**d * y.unit_variance(k) - square - lack**2 + mixed),
        "$\\mathrm{Var}(S - \\beta)_+ = \\mathrm{Var} S + \\mathrm{Var}(\\beta - S)_+ + "
        "2\\,\\mathrm{Cov}(S, (\\beta - S)_+)$ and "
        "$S (\\beta - S)_+ = \\beta (\\beta - S)_+ - (\\beta - S)_+^2$.",
        outcomes_check(INPUTS, CUT),
    )


def kept_mean(mean: Step) -> Step:
    """Derive the mean of a unit without biases."""
    plain = mean.expression.rhs.subs({y.budget(k + 1): 0, y.shortfall(k + 1, 1): 0})
    value = plain.subs(y.unit_mean(k), s ** (d * (k - 1)) * y.unit_mean(1))
    return Step(
        "Without bias the mean that the first ReLU has given is kept for ever: "
        "$\\mathrm{E} X_k = \\mathrm{E} X_1$. In blocks it is the relevant direction, with "
        "eigenvalue $n$ against the signal's 1.",
        sp.Eq(y.unit_mean(k), sp.powsimp(value).subs(k, k - 1)),
        "after the first ReLU sums are not negative: nothing is cut; by induction.",
        outcomes_check(RECTIFIED, UNCUT),
    )


def averaged_fluctuations(variance: Step) -> Step:
    """Derive the variance of a unit without biases."""
    plain = variance.expression.rhs.subs(
        {y.budget(k + 1): 0, y.shortfall(k + 1, 1): 0, y.shortfall(k + 1, 2): 0}
    )
    value = plain.subs(y.unit_variance(k), s ** (d * (k - 1)) * y.unit_variance(1))
    return Step(
        "Fluctuations average out: $\\mathrm{Var} X_k = n^{1-k}\\, \\mathrm{Var} X_1$. The fixed "
        "point of the blocks is a unit without fluctuations, and the approach to it is Gaussian.",
        sp.Eq(y.unit_variance(k), sp.powsimp(value).subs(k, k - 1)),
        "the same without cuts; every cumulant of the height grows by $n$ a layer, so the one of "
        "order $r$ falls as $n^{k (1 - r)}$ against the $r$-th power of the mean.",
        outcomes_check(RECTIFIED, UNCUT),
    )


def whole_image() -> Step:
    """Derive the noise of an image from that of its units."""
    background = (L / y.S(k) ** d - 1) * y.background_square(k)
    return Step(
        "The noise of an image, $Q_k G_k$: all units but one are background.",
        sp.Eq(y.energy(k), background + y.active_square(k)),
        "$L/S_k^d$ units, independent of one another; with $b_k \\le 0$ a clean background unit "
        "is 0. The unit over the active pixel obeys the same recursion with one input replaced, "
        "$Y_{k+1} = \\mathrm{relu}((Y_k + X + \\dots + X')/n + b_{k+1})$.",
        Check(
            "all outcomes of noise on whole tori, against those on the pixels of one unit",
            routes.energy,
        ),
    )


def neighbours() -> Step:
    """Derive the covariance of neighbours where filters overlap."""
    return Step(
        "Where filters overlap, neighbours share pixels and are correlated already at the first "
        "layer, before its ReLU.",
        sp.Eq(y.neighbours(1), y.sigma**2 * y.autocorrelation(s)),
        "two units at distance $s$ add $\\sum_j a_j a_{j+s}$ of the same noise, which "
        "is 0 for $f \\le s$ and positive for overlapping weights. The law of one unit then no "
        "longer determines the next layer; closing the recursion by independence or by a Gaussian "
        "is an approximation.",
        Check("the weights of two neighbouring units, pixel by pixel", routes.neighbours),
    )
