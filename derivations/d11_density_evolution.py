"""The law of a unit through layers that do not overlap: a block-spin renormalisation."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy as sp
from publish import main

from scaledet import symbols as y
from scaledet.reference.integer_noise import IntegerNoise
from scaledet.reference.pixel import PooledPixel
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbols import L, d, i, j, k, m, s

SKEW = ((0, 3), (1, 2), (3, 1))
"""Outcomes of the noise after its rectification, with weights."""
SIGNED = ((-2, 1), (1, 2), (4, 1))
"""Noise of both signs, which the first layer rectifies."""
NETWORKS = {
    (1, 2): (IntegerNoise(2, SKEW, (1, 2, 1)), 2),
    (1, 3): (IntegerNoise(3, ((0, 1), (2, 1)), (1, 3)), 2),
    (2, 2): (IntegerNoise(4, SKEW, (2,)), 1),
    (3, 2): (IntegerNoise(8, ((0, 2), (3, 1)), (2,)), 1),
}
"""For dimension and stride a network, and the layers whose outcomes can be enumerated."""
TORI = ((1, 2, 2, 1), (1, 2, 2, 2), (1, 2, 4, 1), (1, 3, 2, 1), (2, 2, 2, 1))
"""Dimension, stride, units and layers of tori whose outcomes can be enumerated."""
FILTERS = ([1, 1], [1, 1, 1], [1, 2, 1], [1, 3, 2, 1])


def derivation() -> Derivation:
    """Derive the recursion of the law of a unit and what follows for G_k."""
    law, atom, mean, variance = _law(), _atom(), _mean(), _variance()
    energy = _energy()
    return Derivation(
        title="Density evolution: the law of a unit with a bias in every layer",
        abstract="Where filters do not overlap, background units stay independent, and their law "
        "at one layer follows from that at the layer before: convolve, shift, cut at zero. It is "
        "a renormalisation by blocks, exact at any size, depth and bias. Without cuts the mean "
        "is kept and the fluctuations average out; a cut changes both by the moments of what it "
        "takes away.",
        assumptions=(
            "boxes $f = s$ in $d$ dimensions, $n = s^d$ inputs a unit; noise independent from "
            "pixel to pixel, of any law; a ReLU in every layer; layers $k \\ge 1$, and $k = 0$ "
            "if the noise enters rectified",
            "heights $y_k = n^k X_k$ in units of $n^{-k}$, of mean $\\bar y_k$; biases "
            "$b_k = -\\beta_k n^{-k} \\le 0$; a positive bias shifts a law that is rectified "
            "before, and cuts nothing; for sums over heights, heights and budgets are integers",
            "unequal weights and $f < s$: the same with weighted sums (the package's `evolve`)",
        ),
        steps=(law, atom, mean, variance, _kept(mean), _averaged(variance), energy, _overlap()),
        result={
            "p_k": law.expression.rhs,
            "mean": mean.expression.rhs,
            "variance": variance.expression.rhs,
            "energy": energy.expression.rhs,
        },
    )


def _values(network: IntegerNoise) -> dict[Any, Any]:
    return {
        y.unit_law: network.law,
        y.unit_mean: network.mean,
        y.unit_variance: network.variance,
        y.shortfall: network.shortfall,
        y.budget: network.budget,
    }


def _two_inputs(claim: Any, heights: tuple[int, ...]) -> str:
    found = []
    for outcomes in (SKEW, ((0, 1), (1, 1), (2, 3))):
        network = IntegerNoise(2, outcomes, (2, 1, 3))
        cases = [{d: 1, s: 2, k: at, m: height} for at in (0, 1) for height in heights]
        found.append(agree(claim, cases, _values(network)))
    return f"{found[0]} for each of {len(found)} laws of the noise"


def _law() -> Step:
    reach = m + y.budget(k + 1)
    return Step(
        "Two inputs ($d = 1$, $s = 2$): above zero, the law of a unit is the convolution of the "
        "law of the layer before, shifted by the bias.",
        sp.Eq(
            y.unit_law(k + 1, m),
            sp.Sum(y.unit_law(k, i) * y.unit_law(k, reach - i), (i, 0, sp.oo)),
        ),
        "units of layer $k$ over disjoint pixels are functions of independent noise: "
        "$y_{k+1} = (y + y' - \\beta_{k+1})_+$ with $y$, $y'$ independent copies of $y_k$. For "
        "$n$ inputs it is the $n$-fold convolution.",
        Check("all outcomes of noise of few integer values, sent through the layers image by image",
              lambda claim: _two_inputs(claim, (1, 2, 3, 5))),
    )  # fmt: skip


def _atom() -> Step:
    return Step(
        "All that lies below is collected in an atom at zero.",
        sp.Eq(
            y.unit_law(k + 1, 0),
            sp.Sum(
                y.unit_law(k, i) * y.unit_law(k, j - i), (i, 0, j), (j, 0, y.budget(k + 1))
            ),
        ),
        "the ReLU maps every sum up to $\\beta_{k+1}$ to zero. At $\\beta_{k+1} = 0$ the atom is "
        "$p_k(0)^n$: it is known exactly, beside a density that a grid only approximates.",
        Check("all outcomes of noise of few integer values, sent through the layers image by image",
              lambda claim: _two_inputs(claim, (0,))),
    )  # fmt: skip


def _moments(claim: Any) -> str:
    found = []
    for (dim, stride), (network, layers) in NETWORKS.items():
        cases = [{d: dim, s: stride, k: at} for at in range(layers)]
        found.append(agree(claim, cases, _values(network)))
    return f"{found[0]}, {len(found)} networks with d = 1, 2, 3"


def _mean() -> Step:
    return Step(
        "The mean: inputs add up, the bias takes its height off, and the cut gives back what "
        "the sums lacked, $a_{k, p} = \\mathrm{E}(\\beta_k - S)_+^p$.",
        sp.Eq(
            y.unit_mean(k + 1),
            s**d * y.unit_mean(k) - y.budget(k + 1) + y.shortfall(k + 1, 1),
        ),
        "$(S - \\beta)_+ = S - \\beta + (\\beta - S)_+$ for the sum $S$ of $n = s^d$ inputs.",
        Check("all outcomes of noise sent through networks with 2, 3, 4 and 8 inputs a unit",
              _moments),
    )  # fmt: skip


def _variance() -> Step:
    lack, square = y.shortfall(k + 1, 1), y.shortfall(k + 1, 2)
    return Step(
        "The variance, without differences of large numbers: where nothing is cut, both $a$ "
        "vanish.",
        sp.Eq(
            y.unit_variance(k + 1),
            s**d * y.unit_variance(k) - square - lack**2
            + 2 * (y.budget(k + 1) - s**d * y.unit_mean(k)) * lack,
        ),
        "$\\mathrm{Var}(S - \\beta)_+ = \\mathrm{Var} S + \\mathrm{Var}(\\beta - S)_+ + "
        "2\\,\\mathrm{Cov}(S, (\\beta - S)_+)$ and "
        "$S (\\beta - S)_+ = \\beta (\\beta - S)_+ - (\\beta - S)_+^2$.",
        Check("all outcomes of noise sent through networks with 2, 3, 4 and 8 inputs a unit",
              _moments),
    )  # fmt: skip


@lru_cache
def _uncut(dim: int, stride: int) -> IntegerNoise:
    return IntegerNoise(stride**dim, SIGNED if stride**dim < 4 else ((-1, 1), (2, 1)), (0, 0, 0))


def _without_bias(claim: Any) -> str:
    found = []
    for dim, stride, layers in ((1, 2, (1, 2)), (1, 3, (1, 2)), (2, 2, (1, 2)), (3, 2, (1,))):
        network = _uncut(dim, stride)
        cases = [{d: dim, s: stride, k: at} for at in layers]
        found.append(agree(claim, cases, _values(network)))
    return f"{found[0]}, {len(found)} networks with d = 1, 2, 3"


def _kept(mean: Step) -> Step:
    plain = mean.expression.rhs.subs({y.budget(k + 1): 0, y.shortfall(k + 1, 1): 0})
    value = plain.subs(y.unit_mean(k), s ** (d * (k - 1)) * y.unit_mean(1))
    return Step(
        "Without bias the mean that the first ReLU has given is kept for ever: "
        "$\\mathrm{E} X_k = \\mathrm{E} X_1$. In blocks it is the relevant direction, with "
        "eigenvalue $n$ against the signal's 1.",
        sp.Eq(y.unit_mean(k), sp.powsimp(value).subs(k, k - 1)),
        "after the first ReLU sums are not negative: nothing is cut; by induction.",
        Check("noise of both signs that the first layer rectifies, all outcomes", _without_bias),
    )


def _averaged(variance: Step) -> Step:
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
        Check("noise of both signs that the first layer rectifies, all outcomes", _without_bias),
    )


def _energy() -> Step:
    def confront(claim: Any) -> str:
        found = []
        for dim, stride, units, layer in TORI:
            outcomes = SIGNED if units * stride ** (dim * layer) <= 8 else ((-2, 1), (3, 1))
            network = IntegerNoise(stride**dim, outcomes, (1, 1), height=5)
            inputs, scale = stride**dim, Fraction(stride**dim) ** (2 * layer)
            values = {
                y.energy: lambda at, n=network, u=units, c=scale: n.energy(u, at) / c,
                y.background_square: lambda at, n=network, c=scale: n.moment(at, 2) / c,
                y.active_square: lambda at, n=network, c=scale: n.active_square(at) / c,
                y.S: lambda at, step=stride: step**at,
            }
            case = {d: dim, s: stride, k: layer, L: units * inputs**layer}
            found.append(agree(claim, [case], values))
        return f"exact for {len(found)} tori with d = 1, 2"

    return Step(
        "The noise of an image, $Q_k G_k$: all units but one are background.",
        sp.Eq(
            y.energy(k),
            (L / y.S(k) ** d - 1) * y.background_square(k) + y.active_square(k),
        ),
        "$L/S_k^d$ units, independent of one another; with $b_k \\le 0$ a clean background unit "
        "is 0. The unit over the active pixel obeys the same recursion with one input replaced, "
        "$Y_{k+1} = \\mathrm{relu}((Y_k + X + \\dots + X')/n + b_{k+1})$.",
        Check("all outcomes of noise on whole tori, against those on the pixels of one unit",
              confront),
    )  # fmt: skip


def _overlap() -> Step:
    def confront(claim: Any) -> str:
        found = []
        for weights in FILTERS:
            for stride in (1, 2, 3):
                taps = [Fraction(weight, sum(weights)) for weight in weights]
                pooled = PooledPixel([(taps, stride)])
                values = {
                    y.neighbours: lambda at, p=pooled: 9 * p.correlation(at, p.stride(at)),
                    y.autocorrelation: lambda lag, w=weights: _autocorrelation(w, lag),
                }
                found.append(agree(claim, [{s: stride, y.sigma: 3}], values))
        return f"exact for {len(found)} filters and strides, 0 exactly where they do not overlap"

    return Step(
        "What fails with overlap: neighbours share pixels and are correlated already at the "
        "first layer, before its ReLU.",
        sp.Eq(y.neighbours(1), y.sigma**2 * y.autocorrelation(s)),
        "two units at distance $s$ add $\\sum_j a_j a_{j+s}$ of the same noise, which "
        "is 0 for $f \\le s$ and positive for overlapping weights. The law of one unit then no "
        "longer determines the next layer; closing the recursion by independence or by a Gaussian "
        "is an approximation.",
        Check("the weights of two neighbouring units, pixel by pixel", confront),
    )


def _autocorrelation(weights: list[int], lag: int) -> Fraction:
    pairs = zip(weights, weights[lag:], strict=False)
    return Fraction(sum(one * other for one, other in pairs), sum(weights) ** 2)


if __name__ == "__main__":
    main(derivation(), __file__)
