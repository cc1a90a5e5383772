"""Changes of a claim that no check contradicts: those that are true, and the known gaps.

The mutation test asserts that no check contradicts these.
"""

from __future__ import annotations

import re
from typing import Any

import sympy as sp

from scaledet.symbols import D, Layered, k

FLIPPED_LAG = re.compile(
    r"Eq\(c\(k \+ 1, m\), Sum\(autocorrelation\((-m - |m \+ )(n\*s|[0-9]\*n)\)\*c\(k, n\), .*"
)
STAYS_ONE = re.compile(r"Eq\(G\([0-9]+\), 1\)")
OTHER_LAYERS = (k + 1, 2 * k, k**2)
UNDECIDED = re.compile(r"Eq\(D\([0-9]+\), 1\)")
"""Changes of D_n = 1 into D_(n + 1) = 1: the layer behind decides whether this is true."""
EVEN = "c_k and the autocorrelation of a kernel are even in the lag"
LAST = "in the last power of 1/k kept, a shift of k by one is of the order left out"
RING = "displacements on a ring of N pixels, and phases of a stride, start again after the last"
ONE = "linear noise has the same share, and pixels on separate lattices stay apart, at every layer"
EVERY = "what holds at every layer holds at the next"
BACK = "the product of neighbours is summed over all sites, to the left or to the right"
WEAKER = "a smaller lower bound holds too, and a larger upper bound"
PRIME = "a multiple or a power of f is divisible by the prime s exactly if f is"
SHORT = "no other length is at most the stride: the change vanishes at all that are"
FAR = "a limit of large k does not see a shift of k by one"

EQUIVALENT: dict[str, str] = {
    "Eq(Sum(overlap(k, p, -m + p), (p, 0, S(k) - 1))/S(k), c(k, m)/S(k))": EVEN,
    "Eq(Sum(overlap(k, p, -m + p), (p, 0, N - 1))/N, c(k, m)/S(k))": EVEN,
    **{
        f"Eq(wave_sensitivity(n, N), 1 - Sum(autocorrelation({lag})*cos(2*pi*m*n/N), (m, -oo, oo))"
        "/Sum(autocorrelation(m*s)*cos(2*pi*m*n/N), (m, -oo, oo)))": EVEN
        for lag in ("m*s - 1", "-m*s + 1")
    },
    "energy(k) >= early_energy(k + 1)": "a layer halves it, a deeper cut at most doubles it",
    "Eq(Limit(A(k + 1)**2*D(k), k, oo, dir='-'), 3)": FAR,
    "Eq(Limit(A(k)**2*D(k + 1), k, oo, dir='-'), 3)": FAR,
    "Eq(Limit(G(k + 1)/A(k)**d, k, oo, dir='-'), (pi/3)**(d/2)/(2*pi))": FAR,
    "Eq(Limit(G(k + 1)/A(k), k, oo, dir='-'), sqrt(3)/(6*sqrt(pi)))": FAR,
    "Eq(Limit(G(k + 1)/A(k)**2, k, oo, dir='-'), 1/6)": FAR,
    "Eq(Limit(G(k)/A(k + 1)**2, k, oo, dir='-'), 1/6)": FAR,
    "Eq(D(k + 1), 49/(104*k) + O(k**(-2), (k, oo)))": LAST,
    "Eq(D_{\\infty}, Sum((phase_mass(p) - phase_mass(p - 1))**2, (p, 0, s - 1))/(2*Sum("
    "phase_mass(p)**2, (p, 0, s - 1))))": RING,
    "Eq(Sum(later(k + 1, n), (n, -oo, oo)), 1)": EVERY,
    "G_variance(k + 1) >= 1/4": EVERY,
    "uncertainty(k + 1) >= -12 + 12*omega*cot(omega) + 6*omega**2": EVERY,
    "uncertainty(2*k) >= -12 + 12*omega*cot(omega) + 6*omega**2": EVERY,
    "uncertainty(k**2) >= -12 + 12*omega*cot(omega) + 6*omega**2": EVERY,
    "c(k, 1) <= Sum(ordered(k, j)*ordered(k, j - 1), (j, -oo, oo))": BACK,
    "c(k, 1) <= Sum(ordered(k, j)*ordered(k, 1 - j), (j, -oo, oo))": WEAKER,
    "Eq(h(2, z), (z + 1)*Sum(z**j*layer_weight(1, j), (j, 0, 2))/2)": "layer 1 has two weights",
    "unit_mean(k) >= s**k*peak_mean(k)": WEAKER,
    "unit_mean(2*k) >= s**(d*k)*peak_mean(k)": WEAKER,
    "unit_mean(k**2) >= s**(d*k)*peak_mean(k)": WEAKER,
    "unit_mean(k) >= s**(d*k)*peak_mean(2*k)": WEAKER,
    "unit_mean(k) >= s**(d*k)*peak_mean(k**2)": WEAKER,
    "C <= (-1 + pi)/(2*pi)": WEAKER,
    "beta <= d**2": WEAKER,
    "c(k, 0) >= 1/W(k**2)": WEAKER,
    "D(k) >= 1 - cos(pi/(W(k**2) + 1))": WEAKER,
    "highest(k) >= 1/A(k**2)": WEAKER,
    "highest(k**2)**4 <= (2 - D(k))*D(k)*c(k, 0)**2": WEAKER,
    "highest(k)**4 <= (2 - D(k**2))*D(k)*c(k, 0)**2": WEAKER,
    "c(k, 0) >= 6*sqrt(15)/(25*A(k**2))": WEAKER,
    "G_variance(k**2) <= (-1 + pi)/(2*pi)": EVERY,
    "G_variance(2*k) >= 1/4": EVERY,
    "G_variance(k**2) >= 1/4": EVERY,
    "Eq(alpha, Piecewise((noise_exponent(f/2, 2) + 1, Eq(Mod(f**2, 2), 0)), (0, True)))": PRIME,
    "Eq(alpha, Piecewise((noise_exponent(f/3, 3) + 1, Eq(Mod(2*f, 3), 0)), (0, True)))": PRIME,
    "Eq(alpha, Piecewise((noise_exponent(f/3, 3) + 1, Eq(Mod(f**2, 3), 0)), (0, True)))": PRIME,
    "Eq(alpha, Piecewise((noise_exponent(f/5, 5) + 1, Eq(Mod(2*f, 5), 0)), (0, True)))": PRIME,
    "Eq(alpha, Piecewise((noise_exponent(f/5, 5) + 1, Eq(Mod(f**2, 5), 0)), (0, True)))": PRIME,
    "Eq(noise_exponent(f, 2), f*(f - 2)*(f - 1)/7 + log(f)/log(2))": SHORT,
    "Eq(noise_exponent(f, 2), (f - 3)*(f - 2)*(f - 1)/7 + log(f)/log(2))": SHORT,
    "Eq(noise_exponent(f, 3), (f - 3)*(f - 2)*(f - 1)/7 + log(f)/log(3))": SHORT,
    "c(k, 0) - c(2*k, 1) >= delta*c(k, 0)": WEAKER,
    "c(k, 0) - c(k**2, 1) >= delta*c(k, 0)": WEAKER,
    "c(k, 0) - c(k, 1) >= delta*c(2*k, 0)": WEAKER,
    "c(k, 0) - c(k, 1) >= delta*c(k**2, 0)": WEAKER,
    "Eq(noise_exponent(f**2, 2), log(f)/log(2))": SHORT,
    "-c(k, 0)*cos(theta) - c(k, 1) <= gain(n)": WEAKER,
    "-c(k, 0)*cos(theta) <= gain(n)": WEAKER,
    "-c(k, 0)*cos(theta) + c(k, 2) <= gain(n)": "even and odd sites are filters of their own",
    "D(k) >= -cos(theta) + 1 - 1/c(k, 0)": WEAKER,
    "D(k) >= 1 - 1/(4*c(k**2, 0))": WEAKER,
    "energy(k) >= early_energy(2*k)": WEAKER,
    "energy(k) >= early_energy(k**2)": WEAKER,
    "unit_mean(k) >= s**d*peak_mean(k)": WEAKER,
    "unit_mean(k) >= s**(d*k)*peak_mean(k + 1)": WEAKER,
    "Eq(root_change(k), Sum((sqrt(h(k, j)) - sqrt(h(k, j - 1)))**2, (j, -oo, oo)))": BACK,
    "wide_change(k) >= root_change(k + 1)": WEAKER,
    "wide_change(k) >= root_change(2*k)": WEAKER,
    "wide_change(k) >= root_change(k**2)": WEAKER,
}
"""Changed claim: reason."""

TOO_LARGE = "layer 3 of boxes in three dimensions, and layer 4, need tori of 4096 pixels and more"
KNOWN_GAPS: dict[str, str] = {
    "Eq(D(k**2), 1/(s**k*(1 - s**(3*k)/N**3)))": TOO_LARGE,
    "Eq(D(k), k*(k - 2)*(k - 1)/7 + 1/(s**k*(1 - s**(3*k)/N**3)))": TOO_LARGE,
    "Eq(G(k**2), s**(3*k)/(2*pi) + (-1 + pi)/(2*pi))": TOO_LARGE,
    "Eq((G(k**2) - (-1 + pi)/(2*pi))/A(k)**3, 1/(2*pi))": TOO_LARGE,
}
"""Wrong claims that the check of d = 3 alone does not contradict; that of symbolic d does."""


def reason_of_equivalence(claim: Any, change: str, changed: Any) -> str:
    """Say why no check contradicts the changed claim; an empty string if one must."""
    if FLIPPED_LAG.fullmatch(str(changed)):
        return EVEN
    shift = change == "k off by one" and claim.lhs == changed.lhs
    if shift and claim.has(sp.Order) and _within_the_order(claim, changed):
        return LAST
    if claim.rhs == 1 and STAYS_ONE.fullmatch(str(changed)):
        return ONE
    elsewhere = [claim.lhs.subs(k, layer) for layer in OTHER_LAYERS]
    if not claim.rhs.has(k) and changed.rhs == claim.rhs and changed.lhs in elsewhere:
        if isinstance(claim, sp.Eq) and isinstance(claim.lhs, Layered):
            return EVERY
        if isinstance(claim, sp.Ge) and claim.lhs == D(k):
            return EVERY
    return (EQUIVALENT | KNOWN_GAPS).get(str(changed), "")


def _within_the_order(claim: Any, changed: Any) -> bool:
    """Whether the series differ by no more than the order left out, at some other symbols."""
    if changed.atoms(sp.Order) != claim.atoms(sp.Order):
        return False
    others = sorted(claim.rhs.free_symbols - {k}, key=str)
    numbers = {symbol: sp.Rational(7 + place, 3) for place, symbol in enumerate(others)}

    def value(series: Any, share: int, depth: int) -> Any:
        orders = {order: share * order.expr for order in series.atoms(sp.Order)}
        return series.xreplace(orders).subs(numbers).subs(k, depth).evalf(60)

    ratios = [
        abs(value(changed.rhs, 0, depth) - value(claim.rhs, 0, depth))
        / abs(value(claim.rhs, 1, depth) - value(claim.rhs, 0, depth))
        for depth in (10**6, 10**8)
    ]
    return bool(ratios[1] < 2 * ratios[0])
