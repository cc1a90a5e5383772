r"""Derive the sum rules, the smoothness number nu_R and the stability of the shifts of one filter.

Sources: Eirola 1992, Villemoes 1994, Jia 1999 (smoothness of refinable functions), Jia & Wang
1993, Zhou 1996 (stability of shifts); the relation to alpha and beta is our derivation.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.network.kernel import Kernel
from scaledet.reference.exact import number
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.recursion import PlainRecursion
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.checks import against
from scaledet.symbolic.routes.strided import RATES, grows, lowest_maximum, multiplicity, smooth
from scaledet.symbols import z
from scaledet.theory.growth.smoothness import Smoothness, smoothness

__all__ = ["smoothness_steps"]


def smoothness_steps(
    kernel: Kernel, stride: int, images: PooledPixel
) -> tuple[list[Step], dict[str, Any]]:
    """Return the steps on sum rule, nu_R and stable shifts, and the named results.

    >>> kernel = Kernel([1, 2, 1])
    >>> steps, named = smoothness_steps(kernel, 2, PooledPixel([(kernel.weights, 2)]))
    >>> named["nu_R"], len(steps)
    (3/2, 6)
    """
    smooth_filter = smoothness(kernel, stride)
    quotient = PlainRecursion(smooth_filter.quotient, stride)
    gap = number(kernel.sum_rule_defect(stride))
    holds = "holds: every grid phase receives the same weight."
    fails = "fails: grid phases receive different weights."

    def phases() -> list[Any]:
        sums = [sum(images.image(1, r).values(), Fraction(0)) for r in range(stride)]
        return [{y.delta: max(sums) - min(sums)}]

    defect = Step(
        f"The sum rule {holds if gap == 0 else fails}",
        sp.Eq(y.delta, gap),
        "$\\delta$ is the largest minus the smallest sum of the weights over a residue class of "
        "positions modulo $s$.",
        against("total weight of a pooled pixel at each grid phase", phases),
    )
    order = Step(
        "The order of the sum rules.",
        sp.Eq(y.sum_rules, sp.Integer(smooth_filter.order)),
        "the largest $n$ such that the $n$-th power of $1 + z + \\dots + z^{s-1}$ divides $a(z)$.",
        against(
            "multiplicities of the zeros of $a$ at the roots of unity, by numerical derivatives",
            lambda: [{y.sum_rules: multiplicity(kernel, stride)}],
        ),
    )
    rate = Step(
        "The growth rate of the energy of the composite filter of $b$.",
        sp.Eq(y.rho_b, smooth_filter.quotient_radius.sympy()),
        "as for $c_k(0)$; $|b_k|^2 \\ge 0$ on the unit circle makes it the spectral radius of the "
        "transition operator of $b$ on any closed window.",
        Check(
            f"{RATES} for $b$",
            partial(grows, symbol=y.rho_b, recursion=quotient, name="peak"),
        ),
    )
    nu = Step(
        "The smoothness number.",
        sp.Eq(y.nu, smooth_filter.nu),
        "$\\nu_R = n - \\tfrac12 \\log_s (s \\rho_b)$ by definition. If the integer shifts are "
        "stable it is the Sobolev smoothness of the limit of $h_k$, rescaled (Eirola, Villemoes, "
        "Jia); if not, the exponents still follow it, not the Sobolev number.",
        Check(
            "multiplicities of numerical zeros and exact local rates",
            partial(smooth, kernel=kernel, stride=stride, quotient=quotient),
        ),
    )
    steps = [defect, order, _factors(smooth_filter, images), rate, nu, _stability(smooth_filter)]
    named = {"sum_rule_defect": defect, "sum_rule_order": order, "rho_b": rate, "nu_R": nu}
    return steps, {name: step.expression.rhs for name, step in named.items()}


def _factors(smooth_filter: Smoothness, images: PooledPixel) -> Step:
    stride, weights = smooth_filter.stride, smooth_filter.kernel.weights
    taps = [images.filter(1, j) for j in range(len(weights))]
    average = sum((z**j for j in range(stride)), sp.S.Zero) / stride
    # Leading zero weights of the kernel are a power of z.
    lead = next(j for j, w in enumerate(weights) if w)
    quotient = enumerate(smooth_filter.quotient, start=lead)
    rest = sum((number(w) * z**j for j, w in quotient), sp.S.Zero)
    order = smooth_filter.order
    cases = [{z: at} for at in range(-40, 41) if at]
    values = {y.a: lambda at: sum((w * at**j for j, w in enumerate(taps)), Fraction(0))}
    return Step(
        "The filter as a polynomial: averages over a stride, times the quotient $b$.",
        sp.Eq(
            y.a(z),
            sp.Mul(*(part for part in (average**order, rest) if part != 1), evaluate=order == 0),
        ),
        "polynomial division in exact rationals.",
        against("the filter read off pooled images, as a polynomial at integers", cases, values),
    )


def _stability(smooth_filter: Smoothness) -> Step:
    stable = smooth_filter.obstruction is None
    why = (
        "under multiplication of the angle by $s$, no full set of $s$ preimages of an angle "
        "consists of zeros of $a$, and no cycle other than the angle 0 has zeros of $a$ for all "
        "its other preimages"
    )
    if smooth_filter.obstruction is not None:
        text = smooth_filter.obstruction.replace("a(z)", "$a(z)$").replace("|w| = 1", "$|w| = 1$")
        text = re.sub(r"Phi_([^\s,]+)", r"$\\Phi_{\1}$", text)
        why = f"an obstruction exists: {text}"
    return Step(
        f"The integer shifts of the limit function are {'stable' if stable else 'not stable'}.",
        sp.Gt(y.riesz, 0) if stable else sp.Eq(y.riesz, 0),
        f"{why} (criterion of Jia and Wang, and Zhou). $m_\\varphi$ is the smallest value over "
        "$\\theta$ of the largest $|\\hat\\varphi(\\theta + 2\\pi l)|$ over integers $l$.",
        Check(
            "the infinite product for the limit function, minimised numerically",
            partial(lowest_maximum, kernel=smooth_filter.kernel, stride=smooth_filter.stride),
        ),
    )
