r"""Derive G_k for noise that every layer rectifies, biases zero, from two Gaussian units onwards.

Only the first ReLU acts: layer 1 pools white noise into correlated Gaussian units and rectifies
them, after it all units are non-negative and the layers are linear. With :math:`\bar c_k` the
autocorrelation of layers 2 ... k, in units of layer 1,

.. math:: G_k = \frac{1}{2\pi} \Bigl(\frac{c_1(0)}{c_k(0)}\Bigr)^d + G^{\mathrm{fluct}}_k, \qquad
          \frac14 \le G^{\mathrm{fluct}}_k \le \frac{\pi - 1}{2 \pi} .

Source: the mechanism is that of Tomasini et al., arXiv:2210.01506; moments of two rectified units
Price 1958, Cho and Saul 2009; the rest is our derivation.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet import validate
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes import rectified_units as routes
from scaledet.symbolic.routes.checks import against, against_in, check_in, dimensions
from scaledet.symbolic.routes.rectified_units import DEFINITION, pair_check
from scaledet.symbols import c, correlation, k, n, s, x

PAGE = "A ReLU in every layer"
"""Title of the page that derives the law."""

PAIRS = "covariances by quadrature, summed over all pairs of weights"

BOTH_ON = sp.Rational(1, 4) + sp.asin(correlation) / (2 * sp.pi)
"""Probability that two units of mean 0 are positive."""


def layer_noise_law(dim: Any) -> Step:
    """Cite the law of noise that every layer rectifies, the last of `layer_noise_steps`.

    >>> layer_noise_law(1).expression
    Eq(G(k), G_variance(k) + c(1, 0)/(2*pi*c(k, 0)))
    """
    return _law(dim).cited(PAGE)


@lru_cache(typed=True)
def layer_noise_steps(dim: Any) -> tuple[Step, ...]:
    """Derive G_k, the last of the steps, for matched noise on the infinite lattice, k >= 1.

    Assumptions: filters >= 0 of sum 1, biases 0, one active pixel, every layer rectifies. `dim` is
    1, 2, 3 or the symbol d; the checks of symbolic d put in 1, 2 and 3.

    >>> layer_noise_steps(1)[-1].expression
    Eq(G(k), G_variance(k) + c(1, 0)/(2*pi*c(k, 0)))
    >>> all(step.verify() for step in layer_noise_steps(2))
    True
    """
    if dim != y.d:
        dim = validate.integer("dim", dim, 1, 3)
    dims = dimensions(dim)
    units = Step(
        "Layer 1 pools white noise into correlated Gaussian units. Two of them, $n$ apart along "
        "one axis, share the weights",
        sp.Eq(y.unit_overlap(n), c(1, y.S(1) * n) * c(1, 0) ** (dim - 1)),
        "their covariance is $\\sigma^2 \\sum_p P(i, p) P(i', p)$, the sum of the products of the "
        "weights of one filter, moved by $S_1 n$ pixels against itself: $c_1(S_1 n)$ along that "
        "axis, and $c_1(0)$ along every other. In general the correlation is the product over "
        "axes of $\\rho_n = c_1(S_1 n)/c_1(0) \\ge 0$.",
        against_in(dims, "dense pooling matrices on tori", routes.overlaps),
    )
    slope = Step(
        "Both of two units of mean 0 and correlation $\\varrho$ are positive with probability",
        sp.Eq(y.both_on, BOTH_ON),
        "in coordinates in which $X$ and $Y$ are independent the two half planes meet in a wedge "
        "of angle $\\pi/2 + \\arcsin \\varrho$, and the density knows no angle.",
        pair_check(),
    )
    product = Step(
        "The mean of the product of the two units, rectified: an arc-cosine kernel.",
        sp.Eq(y.product, 1 / (2 * sp.pi) + unit_covariance()),
        "Price's theorem: the derivative of $\\mathrm{E}\\, u(X) v(Y)$ with respect to $\\varrho$ "
        "is $\\mathrm{E}\\, u'(X) v'(Y)$, here the probability of the previous step. Integrate "
        "from $\\varrho = 0$, where the product is that of the means, $1/(2\\pi)$.",
        pair_check(),
    )
    m, other = y.height, y.other_height
    density = sp.exp(-(m**2 - 2 * x * m * other + other**2) / (2 * (1 - x**2)))
    density /= 2 * sp.pi * sp.sqrt(1 - x**2)
    on = [(1 + sp.erf(height / sp.sqrt(2))) / 2 for height in (m, other)]
    integral = sp.Integral((correlation - x) * density, (x, 0, correlation))
    means = Step(
        "Next to the active pixel the means $m, m'$ of the two units are not 0: at any size the "
        "covariance of the rectified units is",
        sp.Eq(y.covariance, correlation * on[0] * on[1] + integral),
        "Price's theorem twice: the derivative of the covariance is the probability that both are "
        "positive, and the derivative of this is the density of the pair at the kinks. The first "
        "term is that of a linearised ReLU. Weak noise leaves it alone: on the infinite "
        "lattice units that see the pixel respond linearly, and they are few.",
        Check(DEFINITION, routes.means),
    )
    top = sp.simplify(unit_covariance().subs(correlation, 1))
    chord = Step(
        "The covariance of two rectified units of mean 0 lies below its chord.",
        sp.Le(y.covariance, correlation * top),
        "it is convex in $\\varrho \\in [0, 1]$, for its derivative $1/4 + \\arcsin(\\varrho)/"
        "(2\\pi)$ grows; it is 0 at $\\varrho = 0$, and at $\\varrho = 1$ the variance of one.",
        pair_check(tight=True),
    )
    start = sp.diff(unit_covariance(), correlation).subs(correlation, 0)
    tangent = Step(
        "It lies above its tangent at 0.",
        sp.Ge(y.covariance, correlation * start),
        "a convex function does.",
        pair_check(),
    )
    unity = Step(
        "Let $\\bar c_k$ be the autocorrelation of the filter of layers $2 \\dots k$, in units of "
        "layer 1. It has no negative entry, and the sum",
        sp.Eq(sp.Sum(y.later(k, n), (n, -sp.oo, sp.oo)), 1),
        "the weights of every layer sum to 1, and so do those of their composition.",
        against(
            "weights of layers $2 \\dots k$ read off pooled pixels",
            lambda: routes.layers(1),
            reach=12,
        ),
    )
    total = sp.Sum(y.later(k, n) * c(1, y.S(1) * n), (n, -sp.oo, sp.oo))
    composition = Step(
        "Along one axis, seen through the later layers, the shares of the units of layer 1 add up "
        "to the peak of the whole network.",
        sp.Eq(c(k, 0), total),
        "$h_k$ is the filter of the later layers, each of its weights replaced by a copy of $h_1$; "
        "the square of the sum of copies is the sum of their products.",
        against("weights of all layers read off pooled pixels", lambda: routes.layers(1), reach=12),
    )
    drift = Step(
        "The mean of the rectified units: from layer 1 on it stays, as the signal shrinks.",
        sp.Eq(y.G_mean(k), c(1, 0) ** dim / (2 * sp.pi * c(k, 0) ** dim)),
        "a unit has variance $\\sigma^2 c_1(0)^d$ and, rectified, the mean square "
        "$\\sigma^2 c_1(0)^d/(2\\pi)$, which weights of sum 1 keep in each of the $L/S_k^d$ units. "
        "With $L \\sigma^2 = 2$, divide by $Q_k = 2 c_k(0)^d/S_k^d$.",
        against_in(dims, "means by quadrature, summed over all weights", routes.layers),
    )
    total = sp.Sum(y.later(k, n) * y.unit_covariance(n), (n, -sp.oo, sp.oo))
    spread = Step(
        "Their fluctuations, written in $d = 1$; in $d$ dimensions $n$ is a vector, $\\bar c_k$ a "
        "product over axes, and so is the correlation.",
        sp.Eq(y.G_variance(k), c(1, 0) / c(k, 0) * total),
        "$\\mathcal{C}(n)$ is the covariance of two rectified units of variance 1 and correlation "
        "$\\rho_n$. The weights of two units of layer 1 that are $n$ apart occur with "
        "$\\bar c_k(n)$, averaged over the grid.",
        against(PAIRS, lambda: routes.layers(1), reach=12),
    )
    most = Step(
        "In every dimension the fluctuations contribute at most what they do at layer 1, as if "
        "the noise were rectified at the input.",
        sp.Le(y.G_variance(k), (sp.pi - 1) / (2 * sp.pi)),
        "insert the chord, $\\mathcal{C}(n) \\le \\rho_n (\\pi - 1)/(2\\pi)$: the sum of "
        "$\\bar c_k(n) \\rho_n$ is $(c_k(0)/c_1(0))^d$. At layer 1, where $\\bar c_1(0) = 1$, both "
        "sides agree.",
        against_in(dims, PAIRS, routes.layers, tight=True),
    )
    least = Step(
        "And at least the share of a ReLU that is on half of the time.",
        sp.Ge(y.G_variance(k), sp.Rational(1, 4)),
        "insert the tangent, $\\mathcal{C}(n) \\ge \\rho_n/4$. Many weak correlations come near "
        "it: sites of the first filter no two of which are as far apart as two others.",
        against_in(dims, PAIRS, lambda dim: [*routes.layers(dim), *routes.weakly_correlated(dim)]),
    )
    pair = units, slope, product, means, chord, tangent
    return *pair, unity, composition, drift, spread, most, least, _law(dim)


@lru_cache
def unit_covariance() -> Any:
    """Return the covariance of two rectified units of mean 0 as a function of their correlation.

    >>> unit_covariance()
    varrho*asin(varrho)/(2*pi) + varrho/4 + sqrt(1 - varrho**2)/(2*pi) - 1/(2*pi)
    """
    rise = sp.integrate(BOTH_ON.subs(correlation, x), x)
    return sp.expand(rise.subs(x, correlation) - rise.subs(x, 0))


def _law(dim: Any) -> Step:
    return Step(
        "The law of piling up, for a ReLU in every layer: between $1/4$ and $(\\pi - 1)/(2\\pi)$, "
        "plus a part that grows as for noise rectified at the input, less by the factor "
        "$c_1(0)^d$ that the first pooling wins.",
        sp.Eq(y.G(k), c(1, 0) ** dim / (2 * sp.pi * c(k, 0) ** dim) + y.G_variance(k)),
        "the sum of both parts. Whatever pools further makes $c_k(0)$ smaller, so that "
        "$G_k\\, c_k(0)^d \\to c_1(0)^d/(2\\pi)$ wherever $c_k(0)$ tends to 0.",
        Check(
            "all pairs of units by quadrature, active pixel included, on tori of 256 and 320 "
            "pixels, extrapolated; sums over all weights in the dimensions asked for",
            partial(routes.law, dims=dimensions(dim)),
        ),
    )


def halved_noise() -> Step:
    """Return the step on G_1."""
    return Step(
        "Layer 1 halves the noise, whatever it pools.",
        sp.Eq(y.G(1), sp.Rational(1, 2)),
        "at $k = 1$ the part of the mean is $1/(2\\pi)$ and that of the fluctuations "
        "$(\\pi - 1)/(2\\pi)$: a ReLU keeps half of the square of a variable that is as often "
        "positive as negative, and the signal is not touched.",
        against(
            "all pairs of units by quadrature on tori of 256 and 320 pixels, extrapolated; the "
            "exact engine of the package on $2^{40}$ pixels",
            [{y.G: routes.on_tori}, {y.G: routes.predicted}],
            digits=11,
        ),
    )


def flat_law(dim: Any) -> Step:
    """Return the step on the amplitude of A_k^d without stride.

    >>> flat_law(1).expression.rhs
    sqrt(3)*c(1, 0)/(6*sqrt(pi))
    """
    value = c(1, 0) ** dim * (sp.pi / 3) ** (sp.Rational(1, 2) * dim) / (2 * sp.pi)
    route = (
        "means by quadrature over filters multiplied out, boxes of 3 at depths 8 to 64, "
        "extrapolated in powers of $A_k^{-2}$"
    )
    return Step(
        "Without stride, for equal layers of span 1, $G_k$ grows as $r A_k^d$ with",
        sp.Eq(y.prefactor, sp.simplify(value) if dim != y.d else value),
        "$c_k(0)$ falls as $\\sqrt{3/\\pi}/A_k$ whatever the filter, by the local limit theorem: "
        "insert it into the law and divide by $A_k^d$.",
        against_in(dimensions(dim), route, routes.flat_amplitude, digits=4),
    )


def boxes_law(dim: Any) -> Step:
    """Return the step on boxes whose length is their stride.

    >>> boxes_law(1).expression.rhs
    s**(k - 1)/(2*pi) + (-1 + pi)/(2*pi)
    """
    piled = s ** (dim * (k - 1)) / (2 * sp.pi)
    route = (
        "covariances by quadrature, summed over all weights of boxes; layer 1 as a dense matrix, "
        "moments by quadrature at the pooled height, active pixel included, then pooled on tori"
    )
    return Step(
        "If every layer rectifies, boxes whose length is their stride, $f = s$, win one layer "
        "against noise rectified at the input.",
        sp.Eq(y.G(k), (sp.pi - 1) / (2 * sp.pi) + piled),
        "$c_k(0) = s^{-k}$; units of layer 1 do not overlap, $\\rho_n = 0$ for $n \\ne 0$, so that "
        "chord and covariance agree and the fluctuations contribute $(\\pi - 1)/(2\\pi)$. Layer 1 "
        "leaves white noise of variance $\\sigma^2/s^d$ on $L/s^d$ units, and an active unit of "
        "height $s^{-d}$. In units of this height the noise is matched once more: the $k - 1$ "
        "layers that follow cannot tell it from noise rectified at their input.",
        check_in(dimensions(dim), route, routes.boxes),
    )


def growth_step(dim: Any) -> Step:
    """Return the step on beta where c_k(0) A_k tends to a constant.

    >>> growth_step(2).expression
    Eq(beta, 2)
    """
    route = "boxes $f = s = 2$, covariances by quadrature, differences of successive layers"
    return Step(
        "Wherever $c_k(0) A_k$ tends to a constant, $G_k \\sim A_k^\\beta$ with",
        sp.Eq(y.beta, sp.sympify(dim)),
        "the constant part is left behind and the other is a constant times $A_k^d$: rectifying in "
        "every layer changes the amplitude, not the exponent.",
        against_in(dimensions(dim), route, routes.boxes_beta, digits=20),
    )
