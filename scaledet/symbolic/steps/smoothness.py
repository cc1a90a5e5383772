r"""Derive the sum rules, the smoothness number nu_R and the stability of the shifts of one filter.

Sources: Eirola 1992, Villemoes 1994, Jia 1999 (smoothness of refinable functions), Jia & Wang
1993, Zhou 1996 (stability of shifts); the relation to alpha and beta is our derivation.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.network.kernel import Kernel
from scaledet.reference.exact import number, refute
from scaledet.reference.pixel import PooledPixel, autocorrelation, composite
from scaledet.reference.recursion import PlainRecursion, measured
from scaledet.symbolic.claims import agree, evaluate
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.sequences import measures
from scaledet.symbols import k, z
from scaledet.theory.growth.smoothness import Smoothness, smoothness

__all__ = ["smoothness_steps"]

PANEL: tuple[tuple[tuple[int, ...], int], ...] = (
    ((1, 1), 2), ((1, 2, 1), 2), ((1, 1, 1), 2), ((2, 1), 2), ((1,) * 6, 3), ((1, 1, 1), 4),
)  # fmt: skip
"""Filters on every branch of the relation between nu_R and the exponents."""


def smoothness_steps(
    kernel: Kernel, stride: int, orbit: PlainRecursion
) -> tuple[list[Step], dict[str, Any]]:
    """Return the steps on sum rule, nu_R, its relation to alpha and beta, and stable shifts.

    >>> from scaledet.reference.recursion import PlainRecursion
    >>> kernel = Kernel([1, 2, 1])
    >>> steps, named = smoothness_steps(kernel, 2, PlainRecursion(kernel.weights, 2))
    >>> named["nu_R"], len(steps)
    (3/2, 8)
    """
    found = smoothness(kernel, stride)
    steps = [_sum_rule(kernel, stride), _order(found), _factors(found)]
    if found.order:
        steps.append(_telescoped(found, orbit))
    radius = found.quotient_radius.sympy()
    quotient = PlainRecursion(found.quotient, stride)
    steps.append(Step(
        "The growth rate of the energy of the composite filter of $b$.",
        sp.Eq(y.rho_b, radius),
        "as for $c_k(0)$; $|b_k|^2 \\ge 0$ on the unit circle makes it the spectral radius of the "
        "transition operator of $b$ on any closed window.",
        Check("exact local rates of the plain recursion for $b$",
              partial(_radius, orbit=quotient)),
    ))  # fmt: skip
    steps.append(Step(
        "The smoothness number.",
        sp.Eq(y.nu, found.nu),
        "$\\nu_R = n - \\tfrac12 \\log_s (s \\rho_b)$ by definition. If the integer shifts are "
        "stable it is the Sobolev smoothness of the limit of $h_k$, rescaled (Eirola, Villemoes, "
        "Jia); if not, the exponents still follow it, not the Sobolev number.",
        Check("multiplicities of numerical zeros and exact local rates",
              partial(_nu, kernel=kernel, stride=stride, orbit=quotient)),
    ))  # fmt: skip
    steps += [_relation(kernel, stride), _stability(found)]
    return steps, {
        "sum_rule_defect": steps[0].expression.rhs, "sum_rule_order": steps[1].expression.rhs,
        "rho_b": radius, "nu_R": found.nu,
    }  # fmt: skip


def _sum_rule(kernel: Kernel, stride: int) -> Step:
    images = PooledPixel([(kernel.weights, stride)])

    def confront(claim: Any) -> str:
        sums = [sum(images.image(1, r).values(), Fraction(0)) for r in range(stride)]
        return agree(claim, [{y.delta: max(sums) - min(sums)}])

    defect = number(kernel.sum_rule_defect(stride))
    return Step(
        "The sum rule " + ("holds: every grid phase receives the same weight." if defect == 0
                           else "fails: grid phases receive different weights."),
        sp.Eq(y.delta, defect),
        "$\\delta$ is the largest minus the smallest sum of the weights over a residue class of "
        "positions modulo $s$.",
        Check("total weight of a pooled pixel at each grid phase", confront),
    )  # fmt: skip


def _order(found: Smoothness) -> Step:
    return Step(
        "The order of the sum rules.",
        sp.Eq(y.sum_rules, sp.Integer(found.order)),
        "the largest $n$ such that the $n$-th power of $1 + z + \\dots + z^{s-1}$ divides $a(z)$.",
        Check("multiplicities of the zeros of $a$ at the roots of unity, by numerical derivatives",
              lambda claim: agree(claim, [{y.sum_rules: _multiplicity(found.kernel,
                                                                      found.stride)}])),
    )  # fmt: skip


def _multiplicity(kernel: Kernel, stride: int) -> int:
    """Smallest multiplicity of the zeros of a at the non-trivial s-th roots of unity."""
    coefficients = [mpmath.mpf(w.numerator) / w.denominator for w in reversed(kernel.weights)]
    lowest = len(coefficients)
    with mpmath.workdps(50):
        for r in range(1, stride):
            root, order = mpmath.expjpi(mpmath.mpf(2 * r) / stride), 0
            values = list(coefficients)
            while values and abs(mpmath.polyval(values, root)) < mpmath.mpf(10) ** -12:
                degree = len(values) - 1
                values = [v * (degree - i) for i, v in enumerate(values[:-1])]
                order += 1
            lowest = min(lowest, order)
    return lowest


def _factors(found: Smoothness) -> Step:
    stride, images = found.stride, PooledPixel([(found.kernel.weights, found.stride)])
    taps = [images.filter(1, j) for j in range(len(found.kernel))]
    average = sum((z**j for j in range(stride)), sp.S.Zero) / stride
    # Leading zero weights of the kernel are a power of z.
    lead = next(j for j, w in enumerate(found.kernel.weights) if w)
    rest = sum((number(w) * z ** (j + lead) for j, w in enumerate(found.quotient)), sp.S.Zero)
    values = {y.a: lambda at: sum((w * at**j for j, w in enumerate(taps)), Fraction(0))}
    return Step(
        "The filter as a polynomial: averages over a stride, times the quotient $b$.",
        sp.Eq(y.a(z), sp.Mul(average**found.order, rest, evaluate=found.order == 0)),
        "polynomial division in exact rationals.",
        Check("the filter read off pooled images, as a polynomial at integers",
              lambda claim: agree(claim, [{z: at} for at in range(-40, 41) if at], values)),
    )  # fmt: skip


def _telescoped(found: Smoothness, orbit: PlainRecursion) -> Step:
    """c_k(0) - c_k(1) by the autocorrelation of the filter with one average taken out."""
    stride, power = found.stride, found.order - 1
    one = [Fraction(1, stride)] * stride
    weights = list(found.quotient)
    for _ in range(power):
        weights = [
            sum((weights[j - i] * w for i, w in enumerate(one) if 0 <= j - i < len(weights)),
                Fraction(0))
            for j in range(len(weights) + stride - 1)
        ]  # fmt: skip
    deep = max(2, min(5, int(np.log(3000) / np.log(stride))))
    rows = [composite(weights, stride, layer) for layer in range(deep + 1)]
    values = {**orbit.functions(), y.gamma: lambda layer, lag: autocorrelation(rows[layer], lag)}
    return Step(
        "Taking one average out of every layer turns neighbours into pixels a stride apart.",
        sp.Eq(y.c(k, 0) - y.c(k, 1),
              sp.Integer(stride) ** (-2 * k) * (y.gamma(k, 0) - y.gamma(k, y.S(k)))),
        "with $g = a / ((1 + \\dots + z^{s-1})/s)$ of autocorrelation $\\gamma_k$, the averages "
        "telescope: $(1 - z)\\, h_k(z) = s^{-k} (1 - z^{S_k})\\, g_k(z)$. As $g_k$ has a support "
        "of a bounded number of $S_k$, the difference on the right is a bounded fraction of "
        "$\\gamma_k(0)$, so $\\rho_D = s^{-2} \\rho(T_g)$.",
        Check(f"direct convolution of the quotient, $k \\le {deep}$",
              lambda claim: agree(claim, [{k: layer} for layer in range(deep + 1)], values)),
    )  # fmt: skip


def _radius(claim: Any, *, orbit: PlainRecursion) -> str:
    rate, error = measured(orbit, "peak")
    value = mpmath.mpf(orbit.stride) ** rate
    return measures(claim, y.rho_b, value, 4 * error * value)


def _measured_nu(kernel: Kernel, stride: int, orbit: PlainRecursion) -> tuple[Any, Any]:
    rate, error = measured(orbit, "peak")
    return _multiplicity(kernel, stride) - (1 + rate) / 2, error


def _nu(claim: Any, *, kernel: Kernel, stride: int, orbit: PlainRecursion) -> str:
    value, error = _measured_nu(kernel, stride, orbit)
    return measures(claim, y.nu, value, error)


def _relation(kernel: Kernel, stride: int) -> Step:
    claim = sp.Eq(
        sp.Matrix([y.alpha, y.beta]),
        sp.Matrix([2 * sp.Min(1, sp.Max(0, y.nu)), y.d * (1 + 2 * sp.Min(0, y.nu))]),
        evaluate=False,
    )

    def confront(claim: Any) -> str:
        panel = [*PANEL, (kernel.trimmed, stride)]
        for weights, step in panel:
            pool = Kernel(weights)
            orbit = PlainRecursion(pool.weights, step)
            peak, one = measured(orbit, "peak")
            drop, other = measured(orbit, "drop")
            nu, third = _measured_nu(
                pool, step, PlainRecursion(smoothness(pool, step).quotient, step)
            )
            for dim in (1, 2):
                known = {y.alpha: sp.Float(peak - drop, 30), y.beta: sp.Float(-dim * peak, 30),
                         y.nu: sp.Float(nu, 30), y.d: dim}  # fmt: skip
                left, right = evaluate(claim.lhs, known), evaluate(claim.rhs, known)
                if getattr(left, "shape", 0) != getattr(right, "shape", 1):
                    refute(f"{claim} compares different shapes")
                off = max(abs(u - v) for u, v in zip(left, right, strict=True))
                if off > 4 * (one + other + third):
                    refute(f"{claim} is off by {off} for {pool!r} at stride {step}, d = {dim}")
        return f"measured exponents of {len(panel)} filters on every branch, d = 1 and 2"

    return Step(
        "Smoothness decides both exponents.",
        claim,
        "a theorem for every non-negative filter of two or more weights; its proof is the "
        "derivation of any filter and stride. In short: without sum rule ($n = 0$) grid "
        "phases carry unequal masses, $D_k \\ge \\delta > 0$ at every layer, $\\alpha = 0$ and "
        "$\\beta = -d \\log_s \\rho$. With it, $S_k c_k$ obeys a row-stochastic recursion, so "
        "$\\beta = d$, and taking one average out of every layer, $g = a/((1 + \\dots + "
        "z^{s-1})/s)$, gives $\\alpha = 1 - \\log_s \\rho(T_g)$; each "
        "further average in $g$ divides the spectrum by $s^2$ but for the eigenvalue $1/s$ of the "
        "constants.",
        Check("exponents measured on exact sequences", confront),
    )


def _stability(found: Smoothness) -> Step:
    stable = found.stable
    claim = sp.Gt(y.riesz, 0) if stable else sp.Eq(y.riesz, 0)
    why = (
        "under multiplication of the angle by $s$, no full set of $s$ preimages of an angle "
        "consists of zeros of $a$, and no cycle other than the angle 0 has zeros of $a$ for all "
        "its other preimages"
        if stable
        else f"an obstruction exists: {_typeset(found.obstruction or '')}"
    )
    return Step(
        "The integer shifts of the limit function are " + ("stable." if stable else "not stable."),
        claim,
        f"{why} (criterion of Jia and Wang, and Zhou). $m_\\varphi$ is the smallest value over "
        "$\\theta$ of the largest $|\\hat\\varphi(\\theta + 2\\pi l)|$ over integers $l$.",
        Check("the infinite product for the limit function, minimised numerically",
              partial(_riesz, found=found)),
    )  # fmt: skip


def _typeset(text: str) -> str:
    """Obstruction in the prose of a derivation: its few formulas between dollar signs."""
    result = text.replace("a(z)", "$a(z)$").replace("|w| = 1", "$|w| = 1$")
    words = [
        f"$\\Phi_{{{word[4:].rstrip(',')}}}${',' if word.endswith(',') else ''}"
        if word.startswith("Phi_") else word
        for word in result.split(" ")
    ]  # fmt: skip
    return " ".join(words)


def _riesz(claim: Any, *, found: Smoothness) -> str:
    """Minimise max_l |phi^(theta + 2 pi l)| over a grid, then around its lowest points."""
    weights, stride = [float(w) for w in reversed(found.kernel.weights)], found.stride
    shifts = 2 * np.pi * np.arange(-40, 41)
    levels = int(np.ceil(np.log(1e6) / np.log(stride)))

    def largest(theta: Any) -> Any:
        angle = np.add.outer(np.asarray(theta), shifts)
        product = np.ones(angle.shape)
        for _ in range(levels):
            angle = angle / stride
            product *= np.abs(np.polyval(weights, np.exp(1j * angle)))
        return product.max(axis=-1)

    grid = np.linspace(1e-3, np.pi, 361)
    values = largest(grid)
    lowest = float(values.min())
    for at in np.argsort(values)[:4]:
        low, high = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
        for _ in range(60):
            inner = np.array([low + (high - low) / 3, high - (high - low) / 3])
            one, other = largest(inner)
            low, high = (low, inner[1]) if one < other else (inner[0], high)
        lowest = min(lowest, float(largest((low + high) / 2)))
    truth = agree(claim, [{y.riesz: sp.Integer(0) if lowest < 1e-11 else sp.Float(lowest)}])
    return f"smallest value {lowest:.2g}; {truth}"
