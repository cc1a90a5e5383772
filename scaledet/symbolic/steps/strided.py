"""Derive exponents of one filter repeated with a stride s >= 2, from the transition operator.

Sources: Eirola 1992, Villemoes 1994, Jia 1999 (operator and smoothness); the exponents, and the
prefactors from residues of the generating functions at their dominant poles, are our derivation.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import sympy as sp

from scaledet import symbols as y
from scaledet.network.kernel import Kernel
from scaledet.reference.exact import number, refute
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.recursion import PlainRecursion, pooled
from scaledet.symbolic.confrontation import ENOUGH
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.routes.checks import against
from scaledet.symbolic.routes.layers import layers_and
from scaledet.symbolic.routes.strided import (
    RATES,
    annihilates,
    beta_check,
    falls,
    generates,
    grows,
    settled,
    settled_check,
)
from scaledet.symbolic.steps import any_filter, pooling_recursion
from scaledet.symbolic.steps.limits import cited_limits
from scaledet.symbolic.steps.noise import noise_law
from scaledet.symbolic.steps.piling_up import linear_noise
from scaledet.symbolic.steps.smoothness import smoothness_steps
from scaledet.symbols import k, m, x, z
from scaledet.theory.growth.asymptote import Asymptote, asymptote
from scaledet.theory.growth.closed_form import closed_form
from scaledet.theory.growth.transition import Growth, growth, transition_matrix

if TYPE_CHECKING:
    from flint import fmpz_poly

__all__ = ["derive_strided"]

MOST_OVERLAPS = 20_000
"""Overlaps of pooled pixels at one layer of a filter, over all lags and grid phases."""
SETTLED = "the plain recursion, settled to 10 digits or more"

Part = tuple[list[Step], dict[str, Any]]
"""Steps, and results by name."""


def derive_strided(kernel: Kernel, stride: int, dim: Any, rectify: str | None) -> Derivation:
    """Derive the exponents of `kernel`, of two weights or more, repeated at `stride` >= 2.

    >>> derive_strided(Kernel([1, 1, 1]), 2, 1, "input").result["plateau"]
    5/4 - sqrt(17)/4
    """
    limits = asymptote(kernel, stride)
    recursion, images = PlainRecursion(kernel.weights, stride), pooled(kernel, stride)
    operator = _operator(kernel, stride, images)
    noise = noise_law(rectify, dim)
    laws = any_filter.exponent_laws()
    parts: list[Part] = [
        ([_recursion(kernel, stride, images), operator], {"T": operator.expression.rhs}),
        _sequences(kernel, stride, recursion),
        _exponents(limits, recursion, images, dim, rectify),
        smoothness_steps(kernel, stride, images),
        ([law.cited(any_filter.PAGE) for law in laws], {}),
        ([noise], {"G_k": noise.expression.rhs}),
        _prefactors(limits, recursion, dim, rectify),
        (list(cited_limits()), {}),
    ]
    result = {name: value for _, named in parts for name, value in named.items()}
    shown = ", ".join(kernel.shown())
    matched = () if rectify is None else ("noise matched to the displacement, $L\\sigma^2 = 2$",)
    return Derivation(
        title=f"The filter ({shown}) at stride {stride}",
        abstract=_abstract(result, limits),
        assumptions=(
            f"filter $a \\ge 0$ of sum 1, equal layers of stride $s = {stride}$, biases $\\ge 0$",
            "infinite lattice first, then $k \\to \\infty$; one active pixel, every grid phase "
            "equally likely",
            *matched,
        ),
        steps=tuple(step for steps, _ in parts for step in steps),
        result=result,
    )


def _abstract(result: dict[str, Any], limits: Asymptote) -> str:
    alpha, beta = (sp.latex(result[name], ln_notation=False) for name in ("alpha", "beta"))
    exponents = limits.exponents
    becomes = "becomes" if exponents.alpha > 0 else "never becomes"
    logarithm = ""
    if exponents.log_correction:
        logarithm = f", with a factor $k^{{{exponents.log_power}}}$: a logarithm of $A_k$"
    return (
        f"The representation {becomes} stable: $\\alpha = {alpha}${logarithm}; noise grows with "
        f"$\\beta = {beta}$."
    )


def _recursion(kernel: Kernel, stride: int, images: PooledPixel) -> Step:
    size = stride * len(kernel)
    lags = sorted({*range(-1, len(kernel) + 1), stride * kernel.span})
    every = layers_and(m, lags)
    cases = [at for at in every if at[k] < 2 or stride ** (at[k] + 1) * len(lags) <= MOST_OVERLAPS]
    # Beyond 1000 there are too many phases to pool: the law is tried on the filters of its page.
    tried = () if size > 1000 else ({stride: images}, cases)
    return pooling_recursion.recursion_law(*tried).cited(pooling_recursion.PAGE)


def _operator(kernel: Kernel, stride: int, images: PooledPixel) -> Step:
    scale = sum(kernel.trimmed) ** 2
    integers = transition_matrix(kernel.trimmed, stride)
    size = integers.nrows()
    matrix = sp.ImmutableMatrix(size, size, lambda i, j: sp.Rational(int(integers[i, j]), scale))

    def entry(lag: int, column: int) -> Any:
        at = {int(column), -int(column)}
        return number(sum(images.correlation(1, int(lag) - stride * n) for n in at))

    def confront(claim: Any) -> str:
        given = claim.rhs if isinstance(claim.rhs, sp.MatrixBase) else claim.lhs
        true = sp.ImmutableMatrix(size, size, entry)
        if given != true:
            refute(f"the operator is {true}, not {given}")
        closed = (size - 1 + len(kernel.trimmed) - 1) // stride
        if closed > size - 1:
            refute(f"lag {closed} is needed beyond the window")
        return f"{size * size} entries exact; no lag beyond {size - 1} is ever needed"

    return Step(
        f"On the lags $0, \\dots, {size - 1}$, folded by symmetry, it is a finite matrix.",
        sp.Eq(sp.MatrixSymbol("T", size, size), matrix),
        "for $|m| \\le M$ only lags $|n| \\le (M + f - 1)/s$ contribute; "
        f"$M = {size - 1}$ is closed and holds $c_k(0)$ and $c_k(1)$.",
        Check(
            "the recursion applied to a pair of unit lags, autocorrelation from pooled images",
            confront,
        ),
    )


def _sequences(kernel: Kernel, stride: int, recursion: PlainRecursion) -> Part:
    """Derive c_k(0) and c_k(0) - c_k(1), and D_k where both have a closed form."""
    rates = growth(kernel.trimmed, stride)
    peak, drop = (_sequence(name, rates, recursion) for name in ("peak", "drop"))
    steps, result = peak[0] + drop[0], peak[1] | drop[1]
    if "c_k(0)" in result and "c_k(0)-c_k(1)" in result:
        result["D_k"] = sp.simplify(result["c_k(0)-c_k(1)"] / result["c_k(0)"])
        start = max(peak[2], drop[2])
        steps.append(
            Step(
                "The sensitivity to displacements in closed form, for "
                f"$k \\ge {start}$, in any dimension.",
                sp.Eq(y.D(k), result["D_k"]),
                "$D_k = 1 - c_k(1)/c_k(0)$; in $d$ dimensions $c_k(0)^{d-1}$ cancels.",
                _by_recursion(recursion, start, 12),
            )
        )
    return steps, result


def _by_recursion(recursion: PlainRecursion, start: int, count: int) -> Check:
    cases = [{k: layer} for layer in range(start, start + count)]
    return against("the plain recursion", cases, recursion.functions())


def _sequence(
    name: str, rates: Growth, recursion: PlainRecursion
) -> tuple[list[Step], dict[str, Any], int]:
    """Derive generating function, minimal polynomial, closed form and growth of one sequence.

    Also return the first term that obeys the recurrence: before it a polynomial part adds.
    """
    peak, drop = y.c(k, 0), y.c(k, 0) - y.c(k, 1)
    key, term, rate, (top, bottom), root = {
        "peak": ("c_k(0)", peak, y.rho, rates.peak_fraction, rates.peak),
        "drop": ("c_k(0)-c_k(1)", drop, y.rho_drop, rates.drop_fraction, rates.drop),
    }[name]
    degree = int(bottom.degree())
    first = max(0, int(top.degree()) - degree + 1)
    order = max(degree, int(top.degree()) + 1)  # of a recurrence that holds from term 0 on
    scale = sp.Rational(*root.scale.as_integer_ratio())
    numerator, denominator = (_in_scaled(polynomial, scale) for polynomial in (top, bottom))
    common = denominator.subs(z, 0)
    generating = sp.factor_terms(numerator / common) / sp.expand(denominator / common)
    # Sum_j r_j z^j annihilates C_k: the recurrence polynomial of c_k is its reversal, rescaled.
    coefficients = [int(c) for c in bottom.coeffs()]
    polynomial = sp.expand(
        sum(
            c * x ** (degree - j) / sp.Integer(coefficients[0]) / scale**j
            for j, c in enumerate(coefficients)
        )
    )
    terms = [getattr(recursion, name)(j) for j in range(2 * degree + first + 2)]
    result = {f"{name}_generating_function": generating, f"{name}_polynomial": polynomial}
    steps = [
        Step(
            f"The generating function of ${key}$ is rational.",
            sp.Eq(sp.Sum(term * z**k, (k, 0, sp.oo)), generating),
            "$\\sum_k z^k T^k = (1 - z T)^{-1}$; common factors of numerator and determinant "
            "cancel.",
            Check("the plain recursion", partial(generates, recursion=recursion, order=order)),
        ),
        Step(
            f"The minimal polynomial of the recurrence that ${key}$ obeys.",
            sp.Eq(polynomial, 0),
            "numerator and denominator have no common factor left.",
            Check(
                "the plain recursion", partial(annihilates, variable=x, terms=terms, start=first)
            ),
        ),
    ]
    closed = closed_form((top, bottom), scale, k)
    if closed is not None:
        result[key], start = closed
        steps.append(
            Step(
                f"In closed form, for $k \\ge {start}$:",
                sp.Eq(term, result[key]),
                "partial fractions of the generating function.",
                _by_recursion(recursion, start, 2 * order + 2),
            )
        )
    result[str(rate)] = root.sympy()
    steps.append(
        Step(
            "Its growth rate per layer is the largest root, "
            f"${root.ball(50).str(12, radius=False)}\\ldots$.",
            sp.Eq(rate, root.sympy()),
            "a non-negative sequence with a linear recurrence grows like a positive root of its "
            "minimal polynomial (Pringsheim); python-flint isolates the roots in certified balls.",
            Check(RATES, partial(grows, symbol=rate, recursion=recursion, name=name)),
        )
    )
    return steps, result, first


def _in_scaled(polynomial: fmpz_poly, scale: Any) -> Any:
    """Return a polynomial at z/scale: from unnormalised integers to c_k."""
    return sum((int(c) * (z / scale) ** j for j, c in enumerate(polynomial.coeffs())), sp.S.Zero)


def _exponents(
    limits: Asymptote,
    recursion: PlainRecursion,
    images: PooledPixel,
    dim: Any,
    rectify: str | None,
) -> Part:
    exponents, stride = limits.exponents, limits.exponents.stride
    variance = number(exponents.kernel.variance)
    width = sp.sqrt(1 + 12 * variance * (stride ** (2 * k) - 1) / sp.Integer(stride**2 - 1))
    values = {y.A: lambda layer: sp.sqrt(1 + 12 * number(images.variance(layer)))}
    depths = [at for at in (2, 3, 1, 4, 0) if stride**at * len(exponents.kernel) <= 1500]
    few = {} if len(depths) >= ENOUGH else {k: "deeper layers have too many grid phases"}
    named = {
        "A_k": Step(
            "The effective receptive field.",
            sp.Eq(y.A(k), width),
            "variances add, each layer's in units of its own grid: a geometric series.",
            against(
                "variance of the filter read off pooled images",
                [{k: at} for at in depths],
                values,
                few=few,
            ),
        ),
        "alpha": Step(
            "The exponent of stability.",
            sp.Eq(y.alpha, exponents.alpha),
            "$D_k = (c_k(0) - c_k(1))/c_k(0) \\sim (\\rho_D/\\rho)^k$ and $A_k \\sim s^k$: "
            "$\\alpha = \\log_s(\\rho/\\rho_D)$.",
            Check(RATES, partial(falls, recursion=recursion)),
        ),
        "beta": Step(
            "The exponent of noise.",
            sp.Eq(y.beta, dim * exponents.beta),
            "$G_k \\sim c_k(0)^{-d}/(2\\pi)$, by the law of noise below, so "
            "$\\beta = -d \\log_s \\rho$.",
            beta_check(recursion, dim),
        ),
    }
    if rectify is None:
        named["beta"] = linear_noise([images])
    return list(named.values()), {name: step.expression.rhs for name, step in named.items()}


def _prefactors(
    limits: Asymptote, recursion: PlainRecursion, dim: Any, rectify: str | None
) -> Part:
    """Return the steps on prefactors, plateau and crossover, and the named results.

    There is none on a law without limit: its prefactor keeps oscillating, or a power of k
    multiplies D_k.
    """
    exponents = limits.exponents
    if limits.reason is not None:
        return [], {}
    alpha, beta, steps = exponents.alpha, exponents.beta, {}

    def width(layer: int) -> Any:
        return limits.width * exponents.stride**layer

    def moved(layer: int) -> Any:
        return number(recursion.sensitivity(layer)).evalf(40) * width(layer) ** alpha

    def growing(at: int, layer: int) -> Any:
        return number(recursion.peak(layer)).evalf(40) ** -at

    limit = sp.Limit(y.D(k) * y.A(k) ** alpha, k, sp.oo)
    check = Check(SETTLED, partial(settled, subject=limit, value=moved))
    if alpha == 0:
        steps["plateau"] = Step(
            "The sensitivity to displacements tends to a plateau.",
            sp.Eq(limit, limits.ratio),
            "both sequences grow alike, and their dominant pole is simple and alone (a primitive "
            "matrix); the ratio of the residues there remains.",
            check,
        )
    elif exponents.log_power == 0:
        steps["D_prefactor"] = Step(
            "The prefactor of the law $D_k \\sim A_k^{-\\alpha}$.",
            sp.Eq(limit, limits.D_prefactor),
            "the ratio of the residues of both generating functions at their dominant poles, and "
            "$A_k \\to s^k \\sqrt{12 \\kappa_2/(s^2 - 1)}$.",
            check,
        )
    if rectify is not None:
        limit = sp.Limit(y.G(k) / y.A(k) ** (dim * beta), k, sp.oo)
        steps["G_prefactor"] = Step(
            "The prefactor of the law $G_k \\sim A_k^{\\beta}$.",
            sp.Eq(limit, limits.G_prefactor(dim)),
            "$c_k(0) \\sim C \\rho^k$ with $C$ the residue at the dominant pole.",
            settled_check(
                SETTLED,
                limit,
                dim,
                lambda at, layer: growing(at, layer) / (2 * sp.pi) / width(layer) ** (at * beta),
            ),
        )
        steps["crossover"] = Step(
            "Both parts of $G_k$ are equal at the crossover scale.",
            sp.Eq(y.crossover, limits.crossover(dim)),
            "solve $r A_*^{\\beta} = (\\pi - 1)/(2\\pi)$ with the prefactor $r$.",
            settled_check(
                "the growing part of exact $G_k$, followed back to the constant part",
                y.crossover,
                dim,
                lambda at, layer: (
                    width(layer) * ((sp.pi - 1) / growing(at, layer)).evalf(40) ** (1 / (at * beta))
                ),
            ),
        )
    return list(steps.values()), {name: step.expression.rhs for name, step in steps.items()}
