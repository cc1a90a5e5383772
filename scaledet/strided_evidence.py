r"""What claims on one filter and stride are held to: the plain recursion, pooled images, floats.

The plain recursion :math:`c_{k+1}(m) = \sum_n \mathcal{A}(m - s n)\, c_k(n)` runs over all lags
up to twice the filter's length in Python integers: no window, no folding, no matrix. It is itself
held to pooled one-pixel images by the first step of every derivation.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any

import mpmath
import sympy as sp

from scaledet import symbols as y
from scaledet.brute_force import PooledPixel, autocorrelation
from scaledet.evidence import evaluate, number, refute
from scaledet.kernel import Kernel
from scaledet.symbols import k, z

__all__ = ["Orbit", "annihilates", "generates", "measured", "measures"]

DEPTHS = (16, 32, 64, 128, 256, 512)
"""Layers from which exponents are measured."""

SPAN = 60
"""Number of layers that a rate is averaged over."""


class Orbit:
    """c_k(m) of equal layers by the plain recursion; weights may have any sign.

    >>> orbit = Orbit([Fraction(1, 3)] * 3, 2)
    >>> orbit.correlation(2, 0), orbit.drop(2)
    (Fraction(13, 81), Fraction(1, 27))
    """

    def __init__(self, weights: Sequence[Fraction], stride: int) -> None:
        self.weights = [Fraction(w) for w in weights]
        self.stride = stride
        self.common = lcm(*(w.denominator for w in self.weights))
        integers = [w * self.common for w in self.weights]
        self._reach = 2 * len(integers)
        self._kernel = [int(autocorrelation(integers, m)) for m in range(len(integers))]
        self._rows = [{0: 1}]

    def _row(self, layer: int) -> dict[int, int]:
        if layer < 0:
            raise ValueError(f"there is no layer {layer}")
        while len(self._rows) <= layer:
            wider: dict[int, int] = {}
            for n, value in self._rows[-1].items():
                for lag in range(1 - len(self._kernel), len(self._kernel)):
                    m = lag + self.stride * n
                    if abs(m) <= self._reach:
                        wider[m] = wider.get(m, 0) + self._kernel[abs(lag)] * value
            self._rows.append(wider)
        return self._rows[layer]

    def correlation(self, layer: int, lag: int) -> Fraction:
        """c_k(m), for lags that are kept."""
        if abs(lag) > self._reach:
            raise ValueError(f"lag {lag} is beyond {self._reach}")
        return Fraction(self._row(layer).get(lag, 0), self.common ** (2 * layer))

    def drop(self, layer: int) -> Fraction:
        """c_k(0) - c_k(1)."""
        return self.correlation(layer, 0) - self.correlation(layer, 1)

    def sensitivity(self, layer: int) -> Fraction:
        """D_k on the infinite lattice."""
        return self.drop(layer) / self.correlation(layer, 0)

    def functions(self) -> dict[Any, Any]:
        """c, D and S for `evidence.agree`."""
        return {y.c: self.correlation, y.D: self.sensitivity,
                y.S: lambda layer: self.stride**layer}  # fmt: skip


def pooled(kernel: Kernel, stride: int) -> PooledPixel:
    """Return the pooled pixel of equal layers."""
    return PooledPixel([(kernel.weights, stride)])


def generates(claim: Any, orbit: Orbit, order: int) -> str:
    """Hold a generating function to the sequence, term by term.

    Both sides obey linear recurrences of order <= `order`: agreement in the first 2 order + 2
    terms is identity.
    """
    total = claim.lhs
    if not isinstance(total, sp.Sum) or total.limits != (sp.Tuple(k, 0, sp.oo),):
        refute(f"{claim} is no generating function in k >= 0")
    terms = 2 * order + 2
    series = sum(
        (evaluate(total.function, {k: layer}, orbit.functions()) for layer in range(terms)),
        sp.S.Zero,
    )
    top, bottom = sp.fraction(sp.together(claim.rhs))
    if bottom.has(k) or top.has(k) or claim.rhs.free_symbols != {z}:
        refute(f"{claim} is no function of z")
    rest = sp.Poly(sp.expand(top - bottom * series), z)
    low = [power for (power,), value in rest.terms() if value and power < terms]
    if low:
        refute(f"{claim} differs from the sequence at z^{min(low)}")
    if sp.Poly(bottom, z).degree() > order:
        refute(f"{claim}: denominator of degree above {order}")
    return f"{terms} terms: an identity, as both sides obey a recurrence of order {order}"


def annihilates(claim: Any, variable: Any, terms: list[Fraction], start: int) -> str:
    """Hold a minimal polynomial to a sequence: it annihilates it, and nothing shorter does.

    The recurrence holds from term `start` on (the generating function may have a polynomial
    part); a Hankel determinant that is not zero excludes any shorter one.
    """
    difference = claim.lhs - claim.rhs
    if difference.free_symbols != {variable}:
        refute(f"{claim} is no polynomial equation in {variable}")
    try:
        polynomial = sp.Poly(difference, variable)
    except sp.PolynomialError:
        refute(f"{claim} is no polynomial equation")
    coefficients = polynomial.all_coeffs()[::-1]
    degree, values = len(coefficients) - 1, [number(term) for term in terms[start:]]
    for at in range(len(values) - degree):
        if sum(c * v for c, v in zip(coefficients, values[at:], strict=False)) != 0:
            refute(f"{claim} fails at term {at + start}")
    hankel = sp.Matrix(degree, degree, lambda i, j: values[i + j])
    if hankel.det(method="domain-ge" if degree > 4 else "berkowitz") == 0:
        refute(f"{claim} is not minimal")
    return f"{len(values) - degree} terms; Hankel determinant of order {degree} not zero"


def measured(orbit: Orbit, what: str) -> tuple[Any, Any]:
    """Growth of a sequence per layer, as log base s, with its error, from exact integers.

    `what` is "peak" (c_k(0)) or "drop" (c_k(0) - c_k(1)). The rate over 60 layers, which hides
    periods of 2 to 6 and their like, is followed until it has settled to 12 digits; if it has not
    by layer 512 (a power of k multiplies it) it is extrapolated in 1/k, the error being ten times
    the difference of the last two extrapolations.
    """
    function = (lambda j: orbit.correlation(j, 0)) if what == "peak" else orbit.drop

    def log(layer: int) -> Any:
        value = function(layer)
        if value <= 0:
            refute(f"the sequence vanishes at layer {layer}")
        with mpmath.workdps(40):
            return mpmath.log(mpmath.mpf(value.numerator) / value.denominator)

    with mpmath.workdps(40):
        window = SPAN * mpmath.log(orbit.stride)
        rates = []
        for layer in DEPTHS:
            rates.append((log(layer + SPAN) - log(layer)) / window)
            if len(rates) > 1 and abs(rates[-1] - rates[-2]) < mpmath.mpf(10) ** -12:
                return rates[-1], mpmath.mpf(10) ** -10
        near, far = (2 * b - a for a, b in zip(rates[-3:], rates[-2:], strict=False))
        return far, 10 * abs(far - near)


def measures(claim: Any, symbol: Any, value: Any, error: Any) -> str:
    """Hold a claimed number to a measured one."""
    if claim.lhs != symbol:
        refute(f"{claim} is no claim on {symbol}")
    right = evaluate(claim.rhs, {})
    if not right.is_number or not right.is_real:
        refute(f"{claim} claims no real number")
    claimed = mpmath.mpf(right.evalf(30))
    if abs(claimed - value) > error:
        refute(f"{claim}: measured {mpmath.nstr(value, 12)}")
    return f"measured {mpmath.nstr(value, 10)} within {mpmath.nstr(error, 2)}"
