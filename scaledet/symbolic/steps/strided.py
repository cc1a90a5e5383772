r"""Derive exponents of one filter repeated with a stride s >= 2, from the transition operator.

Operator, generating functions, minimal polynomials, closed forms where the degree allows,
growth rates as exact algebraic numbers, exponents, smoothness, prefactors and crossover. Sources:
Eirola 1992, Villemoes 1994, Jia 1999 (operator and smoothness); the exponents are our derivation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mpmath
import sympy as sp

from scaledet import symbols as y
from scaledet.network.kernel import Kernel
from scaledet.reference.exact import number, refute
from scaledet.reference.recursion import PlainRecursion, measured, pooled
from scaledet.symbolic.claims import agree, evaluate
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.routes.sequences import annihilates, generates, measures
from scaledet.symbolic.steps.limits import limit_steps
from scaledet.symbolic.steps.noise import noise_steps
from scaledet.symbolic.steps.prefactors import prefactor_steps
from scaledet.symbolic.steps.smoothness import smoothness_steps
from scaledet.symbols import k, m, n, x, z
from scaledet.theory.growth.asymptote import Asymptote, asymptote
from scaledet.theory.growth.closed_form import closed_form
from scaledet.theory.growth.transition import Growth, growth, transition_matrix

if TYPE_CHECKING:
    from flint import fmpz_poly

__all__ = ["derive_strided"]


def derive_strided(kernel: Kernel, stride: int, dim: Any, rectify: str | None) -> Derivation:
    """Derive the exponents of `kernel` repeated at `stride` >= 2.

    Parameters
    ----------
    kernel : Kernel
        Non-negative, at least two weights.
    stride : int
        At least 2 (pixels).
    dim : int or sympy.Symbol
        Dimension, or the symbol d.
    rectify : {"input", "noise", None}
        How the noise meets the ReLU.

    Examples
    --------
    >>> derive_strided(Kernel([1, 1, 1]), 2, 1, "input").result["D_plateau"]
    5/4 - sqrt(17)/4
    """
    found = asymptote(kernel, stride)
    rates = growth(kernel.trimmed, stride)
    orbit = PlainRecursion(kernel.weights, stride)
    steps = [_recursion(kernel, stride), _operator(kernel, stride)]
    result: dict[str, Any] = {"T": steps[1].expression.rhs}
    for name, what in (("peak", "c_k(0)"), ("drop", "c_k(0)-c_k(1)")):
        more, named = _sequence(name, what, rates, orbit)
        steps += more
        result |= named
    if "c_k(0)" in result and "c_k(0)-c_k(1)" in result:
        ratio = sp.simplify(result["c_k(0)-c_k(1)"] / result["c_k(0)"])
        start = max(_first(fraction) for fraction in (rates.peak_fraction, rates.drop_fraction))
        steps.append(_closed_sensitivity(ratio, start, orbit))
        result["D_k"] = ratio
    more, named = _exponents(found, orbit, dim, rectify)
    steps += more
    result |= named
    more, named = smoothness_steps(kernel, stride, orbit)
    steps += more
    result |= named
    noise = noise_steps(rectify, dim)
    steps += noise
    law = noise[-1].expression.rhs
    result["G_k"] = law
    more, named = prefactor_steps(found, orbit, dim, rectify)
    steps += more
    result |= named
    steps += limit_steps()
    shown = ", ".join(str(w) for w in kernel.weights)
    return Derivation(
        title=f"The filter ({shown}) at stride {stride}",
        abstract=_abstract(result, found),
        assumptions=(
            f"filter $a \\ge 0$ of sum 1, equal layers of stride $s = {stride}$, biases $\\ge 0$",
            "infinite lattice first, then $k \\to \\infty$; one active pixel, every grid phase "
            "equally likely",
            *(() if rectify is None else ("noise matched to the displacement, $L\\sigma^2 = 2$",)),
        ),
        steps=tuple(steps),
        result=result,
    )


def _abstract(result: dict[str, Any], found: Asymptote) -> str:
    alpha, beta = (sp.latex(result[name], ln_notation=False) for name in ("alpha", "beta"))
    stable = (
        "The representation becomes stable"
        if found.exponents.alpha > 0
        else "The representation never becomes stable"
    )
    logarithm = (
        f", with a factor $k^{{{found.exponents.log_power}}}$: a logarithm of $A_k$"
        if found.exponents.log_correction
        else ""
    )
    return f"{stable}: $\\alpha = {alpha}${logarithm}; noise grows with $\\beta = {beta}$."


def _recursion(kernel: Kernel, stride: int) -> Step:
    images = pooled(kernel, stride)
    weights = images.layer(1)[0]
    deep = 3 if stride * len(weights) <= 24 else 2
    cases = [{k: layer, m: lag} for layer in range(1, deep) for lag in range(len(weights) + 1)]
    values = {
        y.c: images.correlation,
        y.autocorrelation: lambda lag: images.correlation(1, lag),
    }
    reach = len(weights) + stride
    return Step(
        "Pooling acts on autocorrelations by one linear map, the transition operator.",
        sp.Eq(y.c(k + 1, m),
              sp.Sum(y.autocorrelation(m - stride * n) * y.c(k, n), (n, -sp.oo, sp.oo))),
        "the composite filter of $k + 1$ layers is $a(z)\\, h_k(z^s)$, and the autocorrelation of "
        "a product is the product of autocorrelations; $\\mathcal{A} = c_1$.",
        Check(f"pooled one-pixel images at every grid phase, $k \\le {deep}$",
              lambda claim: agree(claim, cases, values, reach=reach)),
    )  # fmt: skip


def _operator(kernel: Kernel, stride: int) -> Step:
    scale = sum(kernel.trimmed) ** 2
    found = transition_matrix(kernel.trimmed, stride)
    size = found.nrows()
    matrix = sp.ImmutableMatrix(
        size, size, lambda i, j: sp.Rational(int(found[i, j]), scale)
    )  # fmt: skip

    def confront(claim: Any) -> str:
        images = pooled(kernel, stride)
        given = claim.rhs if isinstance(claim.rhs, sp.MatrixBase) else claim.lhs
        if given.shape != (size, size):
            refute(f"the operator acts on {size} lags")
        for column in range(size):
            vector = {column: 1, -column: 1}
            for lag in range(size):
                true = sum(images.correlation(1, lag - stride * at) * v for at, v in vector.items())
                if given[lag, column] != number(true):
                    refute(f"entry ({lag}, {column}) is {true}, not {given[lag, column]}")
        closed = (size - 1 + len(kernel.trimmed) - 1) // stride
        if closed > size - 1:
            refute(f"lag {closed} is needed beyond the window")
        return f"{size * size} entries exact; no lag beyond {size - 1} is ever needed"

    return Step(
        f"On the lags $0, \\dots, {size - 1}$, folded by symmetry, it is a finite matrix.",
        sp.Eq(sp.MatrixSymbol("T", size, size), matrix),
        "for $|m| \\le M$ only lags $|n| \\le (M + f - 1)/s$ contribute; "
        f"$M = {size - 1}$ is closed and holds $c_k(0)$ and $c_k(1)$.",
        Check("the recursion applied to a pair of unit lags, autocorrelation from pooled images",
              confront),
    )  # fmt: skip


def _sequence(
    name: str, what: str, rates: Growth, orbit: PlainRecursion
) -> tuple[list[Step], dict[str, Any]]:
    """Derive generating function, minimal polynomial, closed form and growth of one sequence."""
    top, bottom = rates.peak_fraction if name == "peak" else rates.drop_fraction
    root = rates.peak if name == "peak" else rates.drop
    scale = sp.Rational(root.scale.numerator, root.scale.denominator)
    term = y.c(k, 0) if name == "peak" else y.c(k, 0) - y.c(k, 1)
    value = (lambda j: orbit.correlation(j, 0)) if name == "peak" else orbit.drop
    degree, first = int(bottom.degree()), _first((top, bottom))
    order = max(degree, int(top.degree()) + 1)
    numerator = _in_scaled(top, scale)
    denominator = _in_scaled(bottom, scale)
    common = denominator.subs(z, 0)
    generating = sp.factor_terms(numerator / common) / sp.expand(denominator / common)
    steps = [Step(
        f"The generating function of ${what}$ is rational.",
        sp.Eq(sp.Sum(term * z**k, (k, 0, sp.oo)), generating),
        "$\\sum_k z^k T^k = (1 - z T)^{-1}$; common factors of numerator and determinant cancel.",
        Check("the plain recursion", lambda claim: generates(claim, orbit, order)),
    )]  # fmt: skip
    coefficients = [int(c) for c in bottom.coeffs()]
    # Sum_j r_j z^j annihilates C_k: the recurrence polynomial of c_k is its reversal, rescaled.
    polynomial = sum(
        c * scale**j * x ** (degree - j) / sp.Integer(coefficients[0]) / scale ** (2 * j)
        for j, c in enumerate(coefficients)
    )
    terms = [value(j) for j in range(2 * degree + first + 2)]
    steps.append(Step(
        f"The minimal polynomial of the recurrence that ${what}$ obeys.",
        sp.Eq(sp.expand(polynomial), 0),
        "numerator and denominator have no common factor left.",
        Check("the plain recursion", lambda claim: annihilates(
            claim, x, terms, first)),
    ))  # fmt: skip
    named = {
        f"{name}_generating_function": generating,
        f"{name}_polynomial": steps[-1].expression.lhs,
    }
    found = closed_form((top, bottom), scale, k)
    if found is not None:
        expression, start = found
        cases = [{k: layer} for layer in range(start, start + 2 * order + 2)]
        steps.append(Step(
            f"In closed form, for $k \\ge {start}$:",
            sp.Eq(term, expression),
            "partial fractions of the generating function.",
            Check("the plain recursion", lambda claim: agree(claim, cases, orbit.functions())),
        ))  # fmt: skip
        named[what] = expression
    symbol, exact = (y.rho, root.sympy()) if name == "peak" else (y.rho_drop, root.sympy())
    steps.append(Step(
        f"Its growth rate per layer is the largest root, ${_enclosure(root)}$.",
        sp.Eq(symbol, exact),
        "a non-negative sequence with a linear recurrence grows like a positive root of its "
        "minimal polynomial (Pringsheim); python-flint isolates the roots in certified balls.",
        Check("exact local rates of the plain recursion", lambda claim: _rate(
            claim, symbol, orbit, name)),
    ))  # fmt: skip
    named[str(symbol)] = exact
    return steps, named


def _in_scaled(polynomial: Any, scale: Any) -> Any:
    """Return a polynomial at z/scale: from unnormalised integers to c_k."""
    return sum((int(c) * (z / scale) ** j for j, c in enumerate(polynomial.coeffs())), sp.S.Zero)


def _enclosure(root: Any) -> str:
    ball = root.ball(50)
    return f"{ball.str(12, radius=False)}\\ldots"


def _rate(claim: Any, symbol: Any, orbit: PlainRecursion, name: str) -> str:
    rate, error = measured(orbit, name)
    value = mpmath.mpf(orbit.stride) ** rate
    return measures(claim, symbol, value, error * value * 4)


def _first(fraction: tuple[fmpz_poly, fmpz_poly]) -> int:
    """Return the first term that obeys the recurrence: before it a polynomial part adds."""
    top, bottom = fraction
    return max(0, int(top.degree()) - int(bottom.degree()) + 1)


def _closed_sensitivity(ratio: Any, start: int, orbit: PlainRecursion) -> Step:
    cases = [{k: layer} for layer in range(start, start + 12)]
    return Step(
        f"The sensitivity to displacements in closed form, for $k \\ge {start}$, in any dimension.",
        sp.Eq(y.D(k), ratio),
        "$D_k = 1 - c_k(1)/c_k(0)$; in $d$ dimensions $c_k(0)^{d-1}$ cancels.",
        Check("the plain recursion", lambda claim: agree(claim, cases, orbit.functions())),
    )


def _exponents(
    found: Asymptote, orbit: PlainRecursion, dim: Any, rectify: str | None
) -> tuple[list[Step], dict[str, Any]]:
    exponents, kernel, stride = found.exponents, found.exponents.kernel, found.exponents.stride
    images = pooled(kernel, stride)
    variance = number(kernel.variance)
    width = sp.sqrt(1 + 12 * variance * (stride ** (2 * k) - 1) / sp.Integer(stride**2 - 1))
    values = {y.A: lambda layer: sp.sqrt(1 + 12 * number(images.variance(layer)))}
    cases = [{k: layer} for layer in ((1, 2, 3) if stride * len(kernel) <= 24 else (1, 2))]
    steps = [Step(
        "The effective receptive field.",
        sp.Eq(y.A(k), width),
        "variances add, each layer's in units of its own grid: a geometric series.",
        Check("variance of the filter read off pooled images",
              lambda claim: agree(claim, cases, values)),
    )]  # fmt: skip

    def confront_alpha(claim: Any) -> str:
        peak, one = measured(orbit, "peak")
        drop, other = measured(orbit, "drop")
        return measures(claim, y.alpha, peak - drop, one + other)

    def confront_beta(claim: Any) -> str:
        peak, error = measured(orbit, "peak")
        return " and ".join(
            measures(sp.Eq(claim.lhs, evaluate(claim.rhs, {y.d: at}), evaluate=False), y.beta,
                     -at * peak, at * error)
            for at in ((1, 2, 3) if dim is y.d else (dim,))
        )  # fmt: skip

    alpha = exponents.alpha
    steps.append(Step(
        "The exponent of stability.",
        sp.Eq(y.alpha, alpha),
        "$D_k = (c_k(0) - c_k(1))/c_k(0) \\sim (\\rho_D/\\rho)^k$ and $A_k \\sim s^k$: "
        "$\\alpha = \\log_s(\\rho/\\rho_D)$.",
        Check("exact local rates of the plain recursion", confront_alpha),
    ))  # fmt: skip
    result = {"A_k": width, "alpha": alpha}
    if rectify is None:
        steps.append(_flat_noise(orbit))
        result["beta"] = sp.Integer(0)
        return steps, result
    beta = dim * exponents.beta
    steps.append(Step(
        "The exponent of noise.",
        sp.Eq(y.beta, beta),
        "$G_k \\sim c_k(0)^{-d}/(2\\pi)$, derived below, so $\\beta = -d \\log_s \\rho$.",
        Check("exact local rates of the plain recursion", confront_beta),
    ))  # fmt: skip
    result["beta"] = beta
    return steps, result


def _flat_noise(orbit: PlainRecursion) -> Step:
    """Linear noise: energy over signal does not change from layer to layer."""

    def confront(claim: Any) -> str:
        images = _PooledRatio(orbit)
        slope = sp.log(images(2) / images(1)) / sp.log(orbit.stride)
        return agree(claim, [{y.beta: slope}])

    return Step(
        "Linear noise is neither averaged away nor piled up.",
        sp.Eq(y.beta, sp.Integer(0)),
        "the energy of white noise and $Q_k$ both shrink as $c_k(0)^d$.",
        Check("energies of pooled noise and pixels, $k = 1, 2$", confront),
    )


class _PooledRatio:
    """Energy of pooled white noise per pixel over that of one pooled pixel."""

    def __init__(self, orbit: PlainRecursion) -> None:
        from scaledet.reference.pixel import PooledPixel

        self._images = PooledPixel([(orbit.weights, orbit.stride)])

    def __call__(self, layer: int) -> Any:
        reach = len(self._images.layer(1)[0]) * self._images.stride(layer)
        taps = [self._images.filter(layer, j) for j in range(-1, reach + 1)]
        per_unit = sum(w * w for w in taps) / self._images.stride(layer)
        return number(
            per_unit * self._images.stride(layer) / self._images.correlation(layer, 0)
        )  # fmt: skip
