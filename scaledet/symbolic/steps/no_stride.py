r"""Derive the series in 1/k of equal layers without stride.

The filter is a box of symbolic length f, any kernel through its cumulants, or one given kernel;
for the last also the proved recurrence in k and, where there is one, the closed form. Source:
Laplace's method and creative telescoping, our derivation; D_k ~ 1/k for boxes is Tomasini et al.,
arXiv:2210.01506.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.network.kernel import Kernel, box
from scaledet.reference.exact import number
from scaledet.reference.recursion import pooled
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.routes.checks import against
from scaledet.symbolic.routes.series import (
    approached,
    extrapolated,
    fourier,
    gaussian_moment,
    level,
    local_check,
    log_symbol,
    remainder,
    widths,
)
from scaledet.symbolic.steps.limits import cited_limits
from scaledet.symbolic.steps.noise import noise_law
from scaledet.symbolic.steps.piling_up import linear_noise
from scaledet.symbolic.steps.recurrence import recurrence_steps
from scaledet.symbolic.steps.series import (
    box_cumulants,
    kernel_cumulants,
    noise_series,
    peak_series,
    sensitivity_series,
)
from scaledet.symbols import f, k, n, theta, x

__all__ = ["derive_flat", "noise_series_steps", "series_steps"]

PANEL = (Kernel([1, 2, 1]), Kernel([1, 2, 4]), Kernel([2, 1, 1, 3]))
BOXES = (box(2), box(3), box(4), box(5))
DECADES = "exact rationals at $k = 40, 400, 4000$"
REMAINDER = f"{DECADES}: the remainder falls as the next power of $1/k$"

Panel = list[tuple[Kernel, dict[Any, Any]]]
"""Kernels to check with, each with what stands for the symbols."""


def derive_flat(
    kernel: Kernel | str, order: int, dim: Any, rectify: str | None, *, recurrent: bool = True
) -> Derivation:
    """Derive c_k(0), D_k and G_k of equal stride-1 layers to `order` terms.

    `kernel` is one kernel, "box" (of symbolic length f) or "any" (of span 1, by its cumulants).
    `recurrent` says whether the recurrence in k of one kernel is derived.

    >>> derive_flat(box(2), 2, 1, "input").result["D_k"]
    1/(k + 1)
    """
    if isinstance(kernel, Kernel) and kernel.span > 1:
        return _spread(kernel, dim, rectify)
    law = noise_law(rectify, dim)
    parts = [
        series_steps(kernel, order),
        ([law], {"G_k": law.expression.rhs}),
        noise_series_steps(kernel, order, dim, rectify),
    ]
    if isinstance(kernel, Kernel) and recurrent:
        parts.append(recurrence_steps(kernel))
    parts.append((list(cited_limits()), {}))
    matched = () if rectify is None else ("noise matched to the displacement, $L\\sigma^2 = 2$",)
    return Derivation(
        title=f"No stride: {_called(kernel)} to order {order} in $1/k$",
        abstract="Stacked pooling without stride is a random walk of the composite filter: "
        "$D_k$ falls as $A_k^{-2}$, and rectified noise piles up as $A_k^d$.",
        assumptions=(
            "filters $a \\ge 0$ of sum 1 and span 1, equal layers of stride 1, biases $\\ge 0$",
            "infinite lattice first, then $k \\to \\infty$; one active pixel",
            *matched,
        ),
        steps=tuple(step for steps, _ in parts for step in steps),
        result={name: value for _, named in parts for name, value in named.items()},
    )


def series_steps(kernel: Kernel | str, order: int) -> tuple[list[Step], dict[str, Any]]:
    """Return the steps on c_k(0), D_k, A_k and alpha in powers of 1/k, and the named results.

    >>> series_steps("any", 1)[1]["D_k"]
    1/(4*k*kappa_2) + O(k**(-2), (k, oo))
    """
    cumulants, panel = _cumulants(kernel, order)
    peaks = _truncated(peak_series(order, cumulants), 1, order)
    named = {
        "c_k(0)": Step(
            "The peak of the autocorrelation.",
            sp.Eq(y.c(k, 0), peaks / sp.sqrt(4 * sp.pi * k * cumulants[2])),
            "expand the exponential of all cumulants beyond the second in $1/k$ at fixed "
            "$k\\theta^2$ and integrate against the Gaussian weight.",
            Check(REMAINDER, partial(remainder, panel=panel, order=order)),
        ),
        "D_k": Step(
            "The sensitivity to displacements, in any dimension.",
            sp.Eq(y.D(k), _truncated(sensitivity_series(order, cumulants), 0, order)),
            "$D_k = 1 - c_k(1)/c_k(0)$; expand $1 - \\cos\\theta$ under the same integral and "
            "divide the series. In $d$ dimensions $c_k(0)^{d-1}$ cancels.",
            Check(REMAINDER, partial(remainder, panel=panel, order=order)),
        ),
        "A_k": Step(
            "The effective receptive field grows as in a random walk.",
            sp.Eq(y.A(k), sp.sqrt(1 + 12 * k * cumulants[2])),
            "$A_k$ is the width of the box of the variance of $h_k$, and variances of convolved "
            "filters add.",
            Check("variance of the filter read off pooled images", partial(widths, panel=panel)),
        ),
        "D_prefactor": Step(
            "The prefactor of the law $D_k \\sim A_k^{-2}$.",
            sp.Eq(sp.Limit(y.D(k) * y.A(k) ** 2, k, sp.oo), sp.Integer(3)),
            "the leading terms $D_k \\to 1/(4 k \\kappa_2)$ and $A_k^2 \\to 12 k \\kappa_2$ hold "
            "whatever the filter of span 1.",
            Check(f"{DECADES}: the difference falls as $1/k$", partial(approached, panel=panel)),
        ),
        "alpha": Step(
            "The exponent of stability.",
            sp.Eq(y.alpha, sp.Integer(2)),
            "the previous step, read as a power law.",
            local_check(y.alpha, panel),
        ),
    }
    steps = [*_first_steps(kernel, order, cumulants, panel), *named.values()]
    return steps, {name: step.expression.rhs for name, step in named.items()}


def _first_steps(kernel: Kernel | str, order: int, cumulants: Any, panel: Panel) -> list[Step]:
    """Return c_k(m) as an integral of an explicit symbol, if any, its logarithm, and Gaussians."""
    terms = [
        (-1) ** j * 2 * cumulants[2 * j] * theta ** (2 * j) / sp.factorial(2 * j)
        for j in range(1, order + 2)
    ]
    logarithm = Step(
        "Near $\\theta = 0$ the logarithm of the symbol is a series in the even cumulants.",
        sp.Eq(sp.Function("log")(y.symbol(theta)), sp.Add(*terms) + sp.O(theta ** (2 * order + 4))),
        "$\\hat a$ is the characteristic function of the kernel read as a probability law; in "
        "$|\\hat a|^2 = \\hat a(\\theta) \\hat a(-\\theta)$ odd cumulants cancel and even ones "
        "double. The span is 1, so $|\\hat a| < 1$ elsewhere and what is left of the circle is "
        "exponentially small in $k$.",
        Check(
            "numerical differentiation of the symbol at 80 digits, and its value near 0",
            partial(log_symbol, panel=panel, order=order),
        ),
    )
    kappa = y.kappa(2)
    weight = x ** (2 * n) * sp.exp(-k * kappa * x**2)
    moment = sp.sqrt(sp.pi / (k * kappa)) * sp.factorial2(2 * n - 1) / (2 * k * kappa) ** n
    gaussian = Step(
        "The quadratic term is a Gaussian weight, whose moments carry the powers of $1/k$.",
        sp.Eq(sp.Integral(weight, (x, -sp.oo, sp.oo)), moment),
        "integrate by parts $n$ times; each even power of $\\theta$ is worth one power of $1/k$, "
        "so a term of the expanded exponential contributes to finitely many orders.",
        Check("quadrature at 30 digits", gaussian_moment),
    )
    if kernel == "any":
        return [logarithm, gaussian]
    if isinstance(kernel, Kernel):
        weights = [number(w) for w in kernel.weights]
        pairs = [(i - j, u * v) for i, u in enumerate(weights) for j, v in enumerate(weights)]
        symbol = sum(value * sp.cos(lag * theta) for lag, value in pairs)
    else:
        symbol = (sp.sin(f * theta / 2) / (f * sp.sin(theta / 2))) ** 2
    integrand = symbol**k * sp.cos(y.m * theta)
    integral = Step(
        "The autocorrelation is a Fourier coefficient of a power of the kernel's symbol.",
        sp.Eq(y.c(k, y.m), sp.Integral(integrand, (theta, -sp.pi, sp.pi)) / (2 * sp.pi)),
        "without stride $c_{k+1} = \\mathcal{A} * c_k$, so $c_k$ has the symbol "
        "$|\\hat a(\\theta)|^{2k}$.",
        Check("pooled one-pixel images, $k \\le 4$", partial(fourier, cases=panel)),
    )
    return [integral, logarithm, gaussian]


def _called(kernel: Kernel | str) -> str:
    if isinstance(kernel, Kernel):
        return f"the filter ({', '.join(kernel.shown())})"
    return "the box of length $f$" if kernel == "box" else "any filter, by its cumulants"


def _cumulants(kernel: Kernel | str, order: int) -> tuple[Any, Panel]:
    """Cumulants to derive with, and the kernels to check with."""
    if isinstance(kernel, Kernel):
        return kernel_cumulants(kernel, order), [(kernel, {})]
    if kernel == "box":
        factored = {r: sp.factor_terms(value) for r, value in box_cumulants(order).items()}
        return factored, [(pool, {f: len(pool)}) for pool in BOXES]
    symbols = {r: y.kappa(r) for r in range(2, 2 * order + 3, 2)}
    return symbols, [
        (pool, {y.kappa(r): v for r, v in kernel_cumulants(pool, order).items()}) for pool in PANEL
    ]


def _truncated(coefficients: list[Any], first: Any, order: int) -> Any:
    """Series in 1/k with its remainder."""
    terms = [value / k**j for j, value in enumerate(coefficients, start=1)]
    return sp.Add(first, *terms) + sp.O(k ** -(order + 1), (k, sp.oo))


def noise_series_steps(
    kernel: Kernel | str, order: int, dim: Any, rectify: str | None
) -> tuple[list[Step], dict[str, Any]]:
    """Return the steps on the series, exponent, prefactor and crossover of G_k.

    Linear noise has nothing to expand. The formula of G_k in terms of c_k(0) comes before.

    >>> noise_series_steps(box(2), 1, 2, "input")[1]["beta"]
    2
    """
    cumulants, panel = _cumulants(kernel, order)
    if rectify is None:
        beta = linear_noise([pooled(pool, 1) for pool, _ in panel])
        return [beta], {"beta": beta.expression.rhs}
    power = sp.Rational(1, 2) * dim
    growth = (4 * sp.pi * k * cumulants[2]) ** power / (2 * sp.pi)
    terms = noise_series(order, cumulants, dim if isinstance(dim, int) else None)
    value = (sp.pi - 1) / (2 * sp.pi) + growth * _truncated(terms, 1, order)
    named = {
        "G_k": Step(
            "The sensitivity to noise, in powers of $1/k$.",
            sp.Eq(y.G(k), value),
            "insert the series of $c_k(0)$ into the law of noise and expand its power $-d$.",
            Check(REMAINDER, partial(remainder, panel=panel, order=order, dim=dim)),
        ),
        "G_prefactor": Step(
            "The prefactor of the law $G_k \\sim A_k^{d}$.",
            sp.Eq(sp.Limit(y.G(k) / y.A(k) ** dim, k, sp.oo), (sp.pi / 3) ** power / (2 * sp.pi)),
            "$c_k(0)^{-d} \\to (4\\pi k\\kappa_2)^{d/2}$ and $12 k \\kappa_2 \\to A_k^2$.",
            Check(f"{DECADES}, extrapolated", partial(approached, panel=panel, dim=dim)),
        ),
        "beta": _beta(panel, dim),
        "crossover": Step(
            "Both parts of $G_k$ are equal at the crossover scale.",
            sp.Eq(y.crossover, sp.sqrt(3 / sp.pi) * (sp.pi - 1) ** (1 / sp.sympify(dim))),
            "solve $r A_*^d = (\\pi - 1)/(2\\pi)$ with the prefactor $r$.",
            Check(
                "the prefactor extrapolated from exact rationals at $k = 400, 800$",
                partial(extrapolated, symbol=y.crossover, panel=panel, dim=dim),
            ),
        ),
    }
    return list(named.values()), {name: step.expression.rhs for name, step in named.items()}


def _beta(panel: Panel, dim: Any) -> Step:
    return Step(
        "The exponent of noise.",
        sp.Eq(y.beta, sp.sympify(dim)),
        "$G_k$ grows as $c_k(0)^{-d}$, hence as $k^{d/2}$, and $A_k$ as $\\sqrt{k}$.",
        local_check(y.beta, panel, dim),
    )


def _spread(kernel: Kernel, dim: Any, rectify: str | None) -> Derivation:
    """Derive D_k = 1 for span > 1: a lattice of its own, to which neighbours do not belong."""
    images = pooled(kernel, 1)
    values = {y.c: images.correlation, y.D: images.sensitivity}
    cases = [{k: depth} for depth in (2, 3, 4, 1)]
    route = against("pooled one-pixel images, $k \\le 4$", cases, values)
    apart = Step(
        "Neighbouring pixels never overlap.",
        sp.Eq(y.c(k, 1), 0),
        f"all sites that a unit sees differ by multiples of the span, {kernel.span}.",
        route,
    )
    named = {
        "D_k": Step(
            "So a move by one site changes everything, at any depth.",
            sp.Eq(y.D(k), 1),
            "$D_k = 1 - c_k(1)/c_k(0)$.",
            route,
        ),
        "alpha": Step(
            "The exponent of stability.",
            sp.Eq(y.alpha, 0),
            "$D_k$ is constant.",
            Check("exact rationals, $k = 1, 10, 100$", partial(level, kernel=kernel)),
        ),
        "G_k": noise_law(rectify, dim),
        "beta": linear_noise([images]) if rectify is None else _beta([(kernel, {})], dim),
    }
    return Derivation(
        title=f"No stride, span {kernel.span}: {_called(kernel)}",
        abstract="The filter lives on a sublattice: it averages, but never over neighbours.",
        assumptions=(
            "filters $a \\ge 0$ of sum 1, equal layers of stride 1, biases $\\ge 0$",
            "infinite lattice; one active pixel",
        ),
        steps=(apart, *named.values()),
        result={name: step.expression.rhs for name, step in named.items()},
    )
