"""Enclosures of roots of integer polynomials, and of polynomials in such a root."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key, lru_cache
from typing import Any

from flint import acb, arb, arb_poly, ctx, fmpq_poly, fmpz_poly

from scaledet.algebra.interruptible import interruptible
from scaledet.isolation import LOCK

__all__ = [
    "complex_roots",
    "element_ball",
    "field_quotient",
    "largest",
    "largest_real_root",
    "refined",
]


def complex_roots(polynomial: fmpz_poly) -> list[acb]:
    """Enclose the distinct complex roots at the current working precision."""
    seconds = 6e-8 * polynomial.degree() ** 3
    pairs: Any = interruptible(polynomial, "complex_roots", seconds=seconds)
    return [root for root, _ in pairs]


def largest(roots: Iterable[acb]) -> acb:
    """Return a root whose real part is certainly below no other one."""

    def order(first: acb, second: acb) -> int:
        return int(bool(first.real > second.real)) - int(bool(first.real < second.real))

    return max(roots, key=cmp_to_key(order))


def refined(polynomial: fmpz_poly, root: acb, bits: int) -> acb:
    """Shrink the enclosure of a simple root to `bits` bits by Newton's method in balls.

    f(z) - f(m) is (z - m) times a mean of f' over the ball: z lies in m - f(m)/f'(ball).
    """
    slope = polynomial.derivative()
    with LOCK, ctx.workprec(bits + 32 + polynomial.height_bits()):
        while (known := root.rel_accuracy_bits()) < bits:
            middle = root.mid()
            closer = middle - polynomial(middle) / slope(root)
            if closer.rel_accuracy_bits() <= known:
                closer = next(near for near in complex_roots(polynomial) if near.overlaps(root))
            root = closer
    return root


def largest_real_root(polynomial: fmpz_poly, bits: int) -> arb:
    """Enclose the largest real root of a squarefree integer polynomial to `bits` bits."""
    return _largest_root(tuple(int(c) for c in polynomial.coeffs()), bits)


@lru_cache(maxsize=64)
def _largest_root(coefficients: tuple[int, ...], bits: int) -> arb:
    return refined(fmpz_poly(list(coefficients)), _isolated_root(coefficients), bits + 32).real


@lru_cache(maxsize=64)
def _isolated_root(coefficients: tuple[int, ...]) -> acb:
    """Enclose the largest real root; isolating all roots, once, is what takes time."""
    with LOCK, ctx.workprec(64):
        roots = complex_roots(fmpz_poly(list(coefficients)))
        return largest(root for root in roots if root.imag == 0)


def element_ball(element: fmpq_poly, factor: fmpz_poly, bits: int) -> arb:
    """Enclose `element` at the largest real root of the irreducible `factor` to `bits` bits.

    The error is relative: the working precision grows until cancellation has left `bits` bits.

    >>> from flint import fmpq_poly, fmpz_poly
    >>> element_ball(fmpq_poly([-7, 5]), fmpz_poly([-2, 0, 1]), 64).str(15)
    '[0.0710678118654752 +/- 4.41e-17]'
    """
    if not element % fmpq_poly(factor):
        return arb(0)
    working = bits + 32
    while True:
        root = largest_real_root(factor, working)
        with LOCK, ctx.workprec(working):
            value = arb_poly(element.numer())(root) / arb(element.denom())
        if value.rel_accuracy_bits() >= bits:
            return value
        working *= 2


def field_quotient(top: fmpq_poly, bottom: fmpq_poly, factor: fmpz_poly) -> fmpq_poly:
    """Divide in the field Q[x]/(factor)."""
    modulus = fmpq_poly(factor)
    return top % modulus * (bottom % modulus).xgcd(modulus)[1] % modulus
