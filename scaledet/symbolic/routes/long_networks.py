"""Networks of given layers, followed exactly and deep by routes without transition operators."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import sympy as sp

from scaledet.reference.exact import number, refute
from scaledet.reference.layers import UnequalLayers, dominant_modulus, shortest_recurrence
from scaledet.symbolic.claims import agree

Layers = tuple[tuple[tuple[int, ...], int], ...]

BOX_3: Layers = (((1, 1, 1), 2),)
BOX_2: Layers = (((1, 1), 2),)
SMOOTH: Layers = (((1, 2, 1), 1),)
PAIR: Layers = (((1, 1), 1),)
BLOCKS = 40
"""Repetitions of a block."""


def layers(*given: tuple[Sequence[int], int]) -> Layers:
    """Layers of integer weights, hashable."""
    return tuple((tuple(weights), stride) for weights, stride in given)


@cache
def brute(given: Layers) -> UnequalLayers:
    """Pooled images, filters on the fine grid and two walkers, of layers of integer weights."""
    return UnequalLayers([([Fraction(w, sum(ws)) for w in ws], at) for ws, at in given])


@cache
def rates(block: Layers) -> tuple[Any, Any]:
    """Growth rates of c(0) and of c(0) - c(1) per block, from the recurrences they obey."""
    own = brute(block * BLOCKS)
    peaks = [own.correlation(n * len(block), 0) for n in range(BLOCKS)]
    drops = [c - own.correlation(n * len(block), 1) for n, c in enumerate(peaks)]
    found = []
    for terms in (peaks, drops):
        recurrence = shortest_recurrence(terms)
        if 2 * len(recurrence) + 2 > BLOCKS:
            refute(f"{block} obeys no short recurrence")
        found.append(dominant_modulus(recurrence))
    return found[0], found[1]


@cache
def stability(block: Layers) -> tuple[Any, Any]:
    """Local exponent of exact D_k against exact A_k after many blocks, and its last change."""
    own = brute(block * BLOCKS)

    def local(n: int) -> Any:
        ends = [at * len(block) for at in (n - 1, n)]
        drop = [mpmath.log(_float(own.sensitivity(at))) for at in ends]
        width = [mpmath.log(_float(1 + 12 * own.variance(at))) / 2 for at in ends]
        return -(drop[1] - drop[0]) / (width[1] - width[0])

    found, before = local(BLOCKS), local(BLOCKS // 2)
    return found, abs(found - before)


def _float(value: Fraction) -> Any:
    return mpmath.mpf(value.numerator) / value.denominator


def exponent(claim: Any, symbol: Any, blocks: Sequence[Layers]) -> str:
    """Confront alpha with growth rates and with local exponents of every block."""
    words = []
    for block in blocks:
        peak, drop = rates(block)
        stride = brute(block).stride(len(block))
        with mpmath.workdps(30):
            value = sp.Float(mpmath.nstr(mpmath.log(peak / drop) / mpmath.log(stride), 25), 25)
        miss = (claim.rhs - claim.lhs).subs(symbol, value).evalf(30)
        if not (miss.is_finite and abs(miss) < sp.Float("1e-20")):
            refute(f"{claim}, but growth rates give {value.evalf(12)}")
        local, error = stability(block)
        if abs(local - mpmath.mpf(str(value))) > error + mpmath.mpf("1e-10"):
            refute(f"local exponents reach {mpmath.nstr(local, 12)}, growth rates {value}")
        words.append(f"{value.evalf(12)} by rates, {mpmath.nstr(local, 6)} locally")
    return "; ".join(words)


def limit(claim: Any, symbol: Any, network: Layers, extra: dict[Any, Any] | None = None,
          values: dict[Any, Any] | None = None) -> str:  # fmt: skip
    """Confront the limit of D_k with its exact value at the last layer of a deep network."""
    own = brute(network)
    measured = own.sensitivity(own.depth)
    agree(claim, [{symbol: sp.Float(number(measured), 30), **(extra or {})}], values, digits=11)
    return f"{float(measured):.12g} at layer {own.depth}"
