r"""Derive the exponents of a block of layers that repeats without end.

A block with composite filter a(z) and total stride s > 1 acts on the autocorrelation as one layer
does: by the transition operator :math:`(T c)(m) = \sum_n \mathcal{A}(m - s n)\, c(n)`. With rho and
rho_D the growth rates of c(0) and c(0) - c(1) per block,

.. math:: \alpha = \log_s(\rho/\rho_D), \qquad \beta = -d \log_s \rho,

and alpha = 2, beta = d without stride. Source: our derivation, after Eirola (1992) and Villemoes
(1994).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import sympy as sp

from scaledet import symbols as y
from scaledet.network.network import Network
from scaledet.reference.exact import number
from scaledet.reference.layers import BEHIND, UnequalLayers
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.prose import Entrywise, factor
from scaledet.symbolic.routes.repeated_block import (
    DIGITS,
    RepeatedBlock,
    close,
    log,
    repeated_block,
)
from scaledet.theory.growth.exponents import Exponents, predict_exponents
from scaledet.theory.growth.transition import Growth, growth, transition_matrix

__all__ = ["block_steps"]

LARGEST = 5
"""Lags of the largest transition operator that is written out."""


def block_steps(net: Network, rectify: str | None) -> tuple[list[Step], dict[str, Any]]:
    """Return the steps from one block of `net` to its exponents, and the exponents by name.

    Both are empty if no kernel of the block has two weights: nothing pools, A_k = 1.
    """
    block = net.prefix(net.period)
    if block.support[-1] == 1:
        return [], {}
    exponents = predict_exponents(net, rectify=rectify)
    repeated = repeated_block(block)
    steps = [_filter_step(block, repeated)] if block.support[-1] <= 16 else []
    if exponents.stride > 1:
        steps += _growth_steps(exponents, repeated)
    alpha, beta = _alpha_step(exponents, repeated), _beta_step(exponents, repeated)
    steps += [alpha, beta]
    result = {"alpha": alpha.expression.rhs, "beta": beta.expression.rhs}
    if exponents.plateau is not None and exponents.plateau != 0 and exponents.stride > 1:
        steps.append(_plateau_step(exponents, repeated))
        result["plateau"] = exponents.plateau
    return steps, result


def _filter_step(block: Network, repeated: RepeatedBlock) -> Step:
    product = sp.expand(sp.Mul(*(factor(block, i) for i in range(1, block.depth + 1))))
    own = UnequalLayers([*repeated.layers, BEHIND])

    def generating(k: int, z: int) -> Fraction:
        sites, scale = own.filters[own.require(k)]
        return Fraction(sum(w * z**j for j, w in enumerate(sites)), scale)

    values = {y.h: generating, y.layer_weight: lambda i, j: own.layers[i - 1][0][j]}
    one = "layer repeats" if block.depth == 1 else f"block of {block.depth} layers repeats"
    return Step(
        f"From here on the {one} without end. Multiplied out, its filter is that of one layer with "
        f"stride {repeated.stride}.",
        sp.Eq(y.h(block.depth, y.z), sp.factor_terms(product)),
        "it is the product of step 1, taken over one block.",
        Check("the filter convolved on the fine grid, summed at $z = 2$ and 3",
              lambda claim: agree(claim, [{y.z: at} for at in (2, 3)], values)),
    )  # fmt: skip


def _growth_steps(exponents: Exponents, repeated: RepeatedBlock) -> list[Step]:
    weights = exponents.kernel.trimmed
    matrix = transition_matrix(weights, exponents.stride)
    rates = growth(weights, exponents.stride)
    lags = int(matrix.nrows())
    steps = [_system_step(matrix, sum(weights) ** 2, repeated)] if lags <= LARGEST else []
    routes = (
        f"ratios of {repeated.route}"
        if repeated.long
        else f"the shortest recurrence that {repeated.route} obey, by Berlekamp and Massey; its "
        "roots by mpmath"
    )
    peak = Step(
        "The growth rate of $c(0)$ per block.",
        sp.Eq(y.rho, exponents.peak_growth),
        f"the operator acts on the {lags} lags $0 \\le m < {lags}$ (no other enters them), so "
        "$c(0)$ obeys a linear recurrence"
        + _characteristic(rates, "peak")
        + ". For a positive sequence the root of largest modulus is positive, and it is the "
        "growth rate along the orbit of $\\delta_0$.",
        Check(routes, lambda claim: close(claim, y.rho, repeated.rate("peak"))),
    )  # fmt: skip
    drop = Step(
        "The growth rate of the difference $c(0) - c(1)$.",
        sp.Eq(y.rho_drop, exponents.drop_growth),
        "it is a combination of the same lags and obeys a recurrence"
        + _characteristic(rates, "drop")
        + (
            ". The largest root survives in the difference."
            if exponents.peak_growth == exponents.drop_growth
            else ". The largest root of $c(0)$ cancels in the difference."
        ),
        Check(routes, lambda claim: close(claim, y.rho_drop, repeated.rate("drop"))),
    )  # fmt: skip
    return [*steps, peak, drop]


def _characteristic(rates: Growth, name: str) -> str:
    """Name the characteristic polynomial of the minimal recurrence."""
    root = getattr(rates, name)
    denominator = getattr(rates, f"{name}_fraction")[1]
    coefficients = [int(c) for c in denominator.coeffs()]
    order = len(coefficients) - 1
    scaled = [c * root.scale ** (order - j) for j, c in enumerate(coefficients)]
    polynomial = sp.Poly([number(value) for value in scaled], y.x).primitive()[1]
    if order > 4:
        return f" of order {order}"
    sign = -1 if polynomial.LC() < 0 else 1
    return f" with characteristic polynomial ${sp.latex((sign * polynomial).as_expr())}$"


def _system_step(matrix: Any, scale: int, repeated: RepeatedBlock) -> Step:
    lags, period = int(matrix.nrows()), repeated.period
    rows = [
        [sum(sp.Rational(int(matrix[m, n]), scale) * y.c(y.k, n) for n in range(lags))]
        for m in range(lags)
    ]
    left = [[y.c(y.k + period, m)] for m in range(lags)]
    few = UnequalLayers(repeated.layers * 4)
    cases = [{y.k: period * n} for n in range(4)]
    return Step(
        "One more block in front: the transition operator on the lags that decide $c(0)$ and "
        f"$c(1)$, for $k = 0, {period}, {2 * period}, \\ldots$",
        Entrywise(sp.ImmutableMatrix(left), sp.ImmutableMatrix(rows)),
        "$c_{k+p}(m) = \\sum_n \\mathcal{A}(m - s n)\\, c_k(n)$ with $\\mathcal{A}$ the "
        "autocorrelation of the filter of the block, $p$ its layers and $s$ its stride; $c_k$ is "
        "even, so negative lags are folded onto positive ones.",
        Check(few.reached(few.depth),
              lambda claim: agree(claim, cases, {y.c: few.correlation})),
    )  # fmt: skip


def _alpha_step(exponents: Exponents, repeated: RepeatedBlock) -> Step:
    if exponents.stride == 1:
        why = (
            "without stride $h_k$ tends to a Gaussian of variance $k$ times a constant: "
            "$1 - c_k(1)/c_k(0) \\sim 1/(4 \\mathrm{Var}\\, h_k)$, half the mean square of a wave "
            "number under $|\\hat h_k|^2$, and $A_k^2 \\sim 12\\, \\mathrm{Var}\\, h_k$."
        )
        if exponents.span > 1:
            why = (
                "the weights stand on a grid of more than one site, so that $c_k(1) = 0$ and "
                "$D_k = 1$ at every depth."
            )
    else:
        why = (
            "$A_k$ grows by $s$ per block and $D_k = (c_k(0) - c_k(1))/c_k(0)$ by "
            "$\\rho_D/\\rho$: $\\alpha = \\log_s(\\rho/\\rho_D)$, the logarithm to the base of the "
            f"total stride, {exponents.stride}."
        )
        if exponents.alpha == 0:
            why += (
                " Here both rates are equal, and the network never becomes stable, however deep"
                + (
                    "."
                    if exponents.sum_rule
                    else ": the phases of the grid receive unequal weight."
                )
            )
    if exponents.log_correction:
        why += f" A power of the depth, $k^{{{exponents.log_power}}}$, multiplies the law."

    def stability(n: int) -> Any:
        return log(repeated.peak(n) / repeated.drop(n))

    return Step(
        "The exponent of stability, $D_k \\sim A_k^{-\\alpha}$.",
        sp.Eq(y.alpha, exponents.alpha),
        why,
        Check(f"local exponents of $D_k$ in $A_k$ from {repeated.route}, with the drift that is "
              "left as their error",
              lambda claim: close(claim, y.alpha, repeated.slope(stability))),
    )  # fmt: skip


def _beta_step(exponents: Exponents, repeated: RepeatedBlock) -> Step:
    dim, linear = exponents.dim, exponents.rectify is None
    if linear:
        why = "linear noise keeps $G_k = 1$ at every depth."
    elif exponents.stride == 1:
        why = "$c_k(0) \\sim (4 \\pi\\, \\mathrm{Var}\\, h_k)^{-1/2}$ decays as $1/A_k$, and the " \
            "growing part of $G_k$ is $1/(2\\pi\\, c_k(0)^d)$."  # fmt: skip
    else:
        why = (
            "the growing part of $G_k$, due to the mean of the noise, is $1/(2 \\pi\\, c_k(0)^d)$, "
            "hence $\\beta = -d \\log_s \\rho$. The constant $(\\pi - 1)/(2\\pi)$ beside it makes "
            "the first layers look flat."
        )

    def noise(n: int) -> Any:
        return mpmath.mpf(0) if linear else -dim * log(repeated.peak(n))

    return Step(
        "The exponent of noise, $G_k \\sim A_k^{\\beta}$.",
        sp.Eq(y.beta, exponents.beta),
        why,
        Check("$G_k = 1$ at every layer " if linear else
              f"local exponents of the growing part of $G_k$ from {repeated.route}",
              lambda claim: close(claim, y.beta, repeated.slope(noise))),
    )  # fmt: skip


def _plateau_step(exponents: Exponents, repeated: RepeatedBlock) -> Step:
    def limit() -> tuple[Any, Any]:
        with mpmath.workdps(DIGITS):
            last, before = (
                mpmath.exp(log(repeated.drop(n) / repeated.peak(n)))
                for n in (repeated.times, repeated.times // 2)
            )
            return last, abs(last - before) + mpmath.mpf(10) ** (10 - DIGITS)

    return Step(
        "The value at which $D_k$ stops, after whole blocks.",
        sp.Eq(y.plateau, exponents.plateau),
        "it is the ratio of the amplitudes of $c(0) - c(1)$ and $c(0)$ along the eigenvector of "
        "their common growth rate.",
        Check(f"$D_k$ from {repeated.route}", lambda claim: close(claim, y.plateau, limit())),
    )
