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
from scaledet.reference.exact import number, refute
from scaledet.reference.pixel import PooledPixel
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.routes.series import (
    exact_moments,
    fourier,
    gaussian_moment,
    log_symbol,
    remainder,
    settles,
)
from scaledet.symbolic.steps.limits import limit_steps
from scaledet.symbolic.steps.noise import noise_steps
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
BOXES = (box(2), box(3), box(5))


def derive_flat(kernel: Kernel | str, order: int, dim: Any, rectify: str | None) -> Derivation:
    """Derive c_k(0), D_k and G_k of equal stride-1 layers to `order` terms.

    Parameters
    ----------
    kernel : Kernel, "box" or "any"
        One kernel; the box of symbolic length f; or any kernel of span 1 by its cumulants.
    order : int
        Number of corrections in 1/k.
    dim : int or sympy.Symbol
        Dimension, or the symbol d.
    rectify : {"input", "noise", None}
        How the noise meets the ReLU.

    Examples
    --------
    >>> derive_flat(box(2), 2, 1, "input").result["D_k"]
    1/(k + 1)
    """
    if isinstance(kernel, Kernel) and kernel.span > 1:
        return _spread(kernel, dim, rectify)
    steps, result = series_steps(kernel, order)
    steps += noise_steps(rectify, dim)
    result["G_k"] = steps[-1].expression.rhs
    found, named = noise_series_steps(kernel, order, dim, rectify)
    steps += found
    result |= named
    if isinstance(kernel, Kernel):
        exact, closed = recurrence_steps(kernel)
        steps += exact
        result |= closed
    steps += limit_steps()
    return Derivation(
        title=f"No stride: {_called(kernel)} to order {order} in $1/k$",
        abstract="Stacked pooling without stride is a random walk of the composite filter: "
        "$D_k$ falls as $A_k^{-2}$, and rectified noise piles up as $A_k^d$.",
        assumptions=(
            "filters $a \\ge 0$ of sum 1 and span 1, equal layers of stride 1, biases $\\ge 0$",
            "infinite lattice first, then $k \\to \\infty$; one active pixel",
            *(() if rectify is None else ("noise matched to the displacement, $L\\sigma^2 = 2$",)),
        ),
        steps=tuple(steps),
        result=result,
    )


def series_steps(kernel: Kernel | str, order: int) -> tuple[list[Step], dict[str, Any]]:
    """Return the steps on c_k(0), D_k, A_k and alpha in powers of 1/k, and the named results.

    >>> series_steps("any", 1)[1]["D_k"]
    1/(4*k*kappa_2) + O(k**(-2), (k, oo))
    """
    cumulants, panel = _cumulants(kernel, order)
    steps = [*_integral(kernel), *_expansion(cumulants, order, panel)]
    peak, drop = _series(cumulants, order, panel)
    width, alpha, law = _stability(cumulants, panel)
    return [*steps, peak, drop, width, law, alpha], {
        "c_k(0)": peak.expression.rhs, "D_k": drop.expression.rhs, "A_k": width.expression.rhs,
        "alpha": alpha.expression.rhs, "D_prefactor": law.expression.rhs,
    }  # fmt: skip


def _called(kernel: Kernel | str) -> str:
    if isinstance(kernel, Kernel):
        return f"the filter ({', '.join(map(str, kernel.weights))})"
    return "the box of length $f$" if kernel == "box" else "any filter, by its cumulants"


def _cumulants(kernel: Kernel | str, order: int) -> tuple[Any, list[tuple[Kernel, Any]]]:
    """Cumulants to derive with, and (kernel, what to put in for the symbols) to check with."""
    if isinstance(kernel, Kernel):
        return kernel_cumulants(kernel, order), [(kernel, {})]
    if kernel == "box":
        factored = {r: sp.factor_terms(value) for r, value in box_cumulants(order).items()}
        return factored, [(pool, {f: len(pool)}) for pool in BOXES]
    orders = range(2, 2 * order + 3, 2)
    symbols = {r: y.kappa(r) for r in orders}
    return symbols, [
        (pool, {y.kappa(r): v for r, v in kernel_cumulants(pool, order).items()}) for pool in PANEL
    ]


def _integral(kernel: Kernel | str) -> list[Step]:
    """c_k(m) as a Fourier integral of an explicit symbol (not for kernels given by cumulants)."""
    if kernel == "any":
        return []
    if isinstance(kernel, Kernel):
        weights = [number(w) for w in kernel.weights]
        lags = range(1, len(weights))
        overlap = [sum(a * b for a, b in zip(weights, weights[j:], strict=False)) for j in lags]
        symbol = sum(w * w for w in weights) + sum(
            2 * value * sp.cos(j * theta) for j, value in zip(lags, overlap, strict=True)
        )
        cases: list[tuple[Kernel, Any]] = [(kernel, {})]
    else:
        symbol = (sp.sin(f * theta / 2) / (f * sp.sin(theta / 2))) ** 2
        cases = [(pool, {f: len(pool)}) for pool in BOXES]
    integrand = symbol**k * sp.cos(y.m * theta)
    return [
        Step(
            "The autocorrelation is a Fourier coefficient of a power of the kernel's symbol.",
            sp.Eq(y.c(k, y.m), sp.Integral(integrand, (theta, -sp.pi, sp.pi)) / (2 * sp.pi)),
            "without stride $c_{k+1} = \\mathcal{A} * c_k$, so $c_k$ has the symbol "
            "$|\\hat a(\\theta)|^{2k}$.",
            Check("pooled one-pixel images, $k \\le 3$", partial(fourier, cases=cases)),
        )
    ]


def _expansion(cumulants: Any, order: int, panel: Any) -> list[Step]:
    terms = [
        (-1) ** j * 2 * cumulants[2 * j] * theta ** (2 * j) / sp.factorial(2 * j)
        for j in range(1, order + 2)
    ]
    log = Step(
        "Near $\\theta = 0$ the logarithm of the symbol is a series in the even cumulants.",
        sp.Eq(sp.Function("log")(y.symbol(theta)), sp.Add(*terms) + sp.O(theta ** (2 * order + 4))),
        "$\\hat a$ is the characteristic function of the kernel read as a probability law; in "
        "$|\\hat a|^2 = \\hat a(\\theta) \\hat a(-\\theta)$ odd cumulants cancel and even ones "
        "double. The span is 1, so $|\\hat a| < 1$ elsewhere and what is left of the circle is "
        "exponentially small in $k$.",
        Check("numerical differentiation of the symbol at 80 digits, and its value near 0",
              partial(log_symbol, panel=panel, order=order)),
    )  # fmt: skip
    kappa = y.kappa(2)
    weight = x ** (2 * n) * sp.exp(-k * kappa * x**2)
    moments = Step(
        "The quadratic term is a Gaussian weight, whose moments carry the powers of $1/k$.",
        sp.Eq(sp.Integral(weight, (x, -sp.oo, sp.oo)),
              sp.sqrt(sp.pi / (k * kappa)) * sp.factorial2(2 * n - 1) / (2 * k * kappa) ** n),
        "integrate by parts $n$ times; each even power of $\\theta$ is worth one power of $1/k$, "
        "so a term of the expanded exponential contributes to finitely many orders.",
        Check("quadrature at 30 digits", gaussian_moment),
    )  # fmt: skip
    return [log, moments]


def _tail(order: int) -> Any:
    return sp.O(k ** -(order + 1), (k, sp.oo))


def _series(cumulants: Any, order: int, panel: Any) -> tuple[Step, Step]:
    two = cumulants[2]
    route = "exact rationals at $k = 40, 400, 4000$: the remainder falls as the next power of $1/k$"
    peaks = [value / k**j for j, value in enumerate(peak_series(order, cumulants), start=1)]
    peak = Step(
        "The peak of the autocorrelation.",
        sp.Eq(y.c(k, 0), (sp.Add(1, *peaks) + _tail(order)) / sp.sqrt(4 * sp.pi * k * two)),
        "expand the exponential of all cumulants beyond the second in $1/k$ at fixed "
        "$k\\theta^2$ and integrate against the Gaussian weight.",
        Check(route, partial(remainder, panel=panel, order=order)),
    )
    drops = [value / k**j for j, value in enumerate(sensitivity_series(order, cumulants), start=1)]
    drop = Step(
        "The sensitivity to displacements, in any dimension.",
        sp.Eq(y.D(k), sp.Add(*drops) + _tail(order)),
        "$D_k = 1 - c_k(1)/c_k(0)$; expand $1 - \\cos\\theta$ under the same integral and divide "
        "the series. In $d$ dimensions $c_k(0)^{d-1}$ cancels.",
        Check(route, partial(remainder, panel=panel, order=order)),
    )
    return peak, drop


def _stability(cumulants: Any, panel: Any) -> tuple[Step, Step, Step]:
    two = cumulants[2]

    def width_check(claim: Any) -> str:
        found = []
        for pool, symbols in panel:
            pooled = PooledPixel([(pool.weights, 1)])
            cases = [{k: depth, **symbols} for depth in (1, 2, 3)]
            values = {y.A: lambda at, p=pooled: sp.sqrt(1 + 12 * number(p.variance(at)))}
            found.append(agree(claim, cases, values))
        return " and ".join(found)

    width = Step(
        "The effective receptive field grows as in a random walk.",
        sp.Eq(y.A(k), sp.sqrt(1 + 12 * k * two)),
        "$A_k$ is the width of the box of the variance of $h_k$, and variances of convolved "
        "filters add.",
        Check("variance of the filter read off pooled images", width_check),
    )
    law = Step(
        "The prefactor of the law $D_k \\sim A_k^{-2}$.",
        sp.Eq(sp.Limit(y.D(k) * y.A(k) ** 2, k, sp.oo), sp.Integer(3)),
        "the leading terms $D_k \\to 1/(4 k \\kappa_2)$ and $A_k^2 \\to 12 k \\kappa_2$ hold "
        "whatever the filter.",
        Check("exact rationals at $k = 40, 400, 4000$: the difference falls as $1/k$",
              partial(settles, panel=panel, what="limit")),
    )  # fmt: skip
    alpha = Step(
        "The exponent of stability.",
        sp.Eq(y.alpha, sp.Integer(2)),
        "the previous step, read as a power law.",
        Check("local exponents of exact rationals at $k = 400$ and $800$, extrapolated",
              partial(settles, panel=panel, what="alpha")),
    )  # fmt: skip
    return width, alpha, law


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
        beta = Step(
            "Linear noise is neither averaged away nor piled up.",
            sp.Eq(y.beta, sp.Integer(0)),
            "numerator and $Q_k$ shrink alike, as the previous step says.",
            Check("energies of pooled noise and pixels, $k \\le 3$",
                  partial(_linear_noise, panel=panel)),
        )  # fmt: skip
        return [beta], {"beta": beta.expression.rhs}
    two = cumulants[2]
    terms = noise_series(order, cumulants, dim if isinstance(dim, int) else None)
    power = sp.Rational(1, 2) * dim
    growth = (4 * sp.pi * k * two) ** power / (2 * sp.pi)
    tail = sp.Add(1, *(value / k**j for j, value in enumerate(terms, start=1))) + _tail(order)
    route = "exact rationals at $k = 40, 400, 4000$"
    value = (sp.pi - 1) / (2 * sp.pi) + growth * tail
    series = Step(
        "The sensitivity to noise, in powers of $1/k$.",
        sp.Eq(y.G(k), value),
        "insert the series of $c_k(0)$ into the previous step and expand its power $-d$.",
        Check(f"{route}: the remainder falls as the next power",
              partial(remainder, panel=panel, order=order, dim=dim)),
    )  # fmt: skip
    prefactor = (sp.pi / 3) ** power / (2 * sp.pi)
    law = Step(
        "The prefactor of the law $G_k \\sim A_k^{d}$.",
        sp.Eq(sp.Limit(y.G(k) / y.A(k) ** dim, k, sp.oo), prefactor),
        "$c_k(0)^{-d} \\to (4\\pi k\\kappa_2)^{d/2}$ and $12 k \\kappa_2 \\to A_k^2$.",
        Check(f"{route}, extrapolated",
              partial(settles, panel=panel, what="limit", dim=dim)),
    )  # fmt: skip
    beta = Step(
        "The exponent of noise.",
        sp.Eq(y.beta, sp.sympify(dim)),
        "the previous step, read as a power law.",
        Check("local exponents of the part that grows at $k = 400$ and $800$, extrapolated",
              partial(settles, panel=panel, what="beta", dim=dim)),
    )  # fmt: skip
    meeting = sp.sqrt(3 / sp.pi) * (sp.pi - 1) ** (1 / sp.sympify(dim))
    crossover = Step(
        "Both parts of $G_k$ are equal at the crossover scale.",
        sp.Eq(y.crossover, meeting),
        "solve $r A_*^d = (\\pi - 1)/(2\\pi)$ with the prefactor $r$.",
        Check("the prefactor extrapolated from exact rationals at $k = 400, 800$",
              partial(settles, panel=panel, what="crossover", dim=dim)),
    )  # fmt: skip
    return [series, law, beta, crossover], {
        "G_k": value, "beta": beta.expression.rhs, "G_prefactor": prefactor,
        "crossover": meeting,
    }  # fmt: skip


def _linear_noise(claim: Any, *, panel: Any) -> str:
    """Energy of white noise over that of a pixel, from pooled images of every pixel."""
    for kernel, _ in panel:
        pooled = PooledPixel([(kernel.weights, 1)])
        ratios = []
        for depth in (1, 2, 3):
            units = [pooled.image(depth, p).get(0, 0) ** 2 for p in range(-40, 41)]
            ratios.append(number(sum(units) / pooled.correlation(depth, 0)))
        slope = sp.log(ratios[2] / ratios[1]) / sp.log(2)
        agree(claim, [{y.beta: slope}])
    return f"exact for {len(panel)} filters"


def _spread(kernel: Kernel, dim: Any, rectify: str | None) -> Derivation:
    """Derive D_k = 1 for span > 1: a lattice of its own, to which neighbours do not belong."""
    pooled = PooledPixel([(kernel.weights, 1)])
    values = {y.c: pooled.correlation, y.D: pooled.sensitivity}
    cases = [{k: depth} for depth in (1, 2, 3)]
    route = "pooled one-pixel images, $k \\le 3$"
    apart = Step(
        "Neighbouring pixels never overlap.",
        sp.Eq(y.c(k, 1), 0),
        f"all sites that a unit sees differ by multiples of the span, {kernel.span}.",
        Check(route, lambda claim: agree(claim, cases, values)),
    )
    alone = Step(
        "So a move by one site changes everything, at any depth.",
        sp.Eq(y.D(k), 1),
        "$D_k = 1 - c_k(1)/c_k(0)$.",
        Check(route, lambda claim: agree(claim, cases, values)),
    )
    alpha = Step(
        "The exponent of stability.", sp.Eq(y.alpha, 0), "$D_k$ is constant.",
        Check("exact rationals, $k = 1, 10, 100$", lambda claim: _level(claim, kernel)),
    )  # fmt: skip
    steps = [apart, alone, alpha, *noise_steps(rectify, dim)]
    return Derivation(
        title=f"No stride, span {kernel.span}: {_called(kernel)}",
        abstract="The filter lives on a sublattice: it averages, but never over neighbours.",
        assumptions=("filters $a \\ge 0$ of sum 1, equal layers of stride 1, biases $\\ge 0$",
                     "infinite lattice; one active pixel"),
        steps=tuple(steps),
        result={"D_k": sp.Integer(1), "alpha": sp.Integer(0), "G_k": steps[-1].expression.rhs},
    )  # fmt: skip


def _level(claim: Any, kernel: Kernel) -> str:
    drops = {depth: 1 - one / zero for depth in (1, 10, 100)
             for zero, one in [exact_moments(kernel, depth)]}  # fmt: skip
    if len(set(drops.values())) != 1:
        refute(f"D_k is not constant: {drops}")
    return agree(claim, [{y.alpha: -sp.log(number(drops[100] / drops[10])) / sp.log(10)}])
