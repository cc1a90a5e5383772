"""The pooling recursion: from layers to c_k(m) and D_k = 1 - c_k(1)/c_k(0)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp
from publish import main

from scaledet import symbols as y
from scaledet.reference.pixel import PooledPixel, autocorrelation
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbols import k, m, n, p

# Two skew filters at different strides, so that no symmetry hides a wrong sign.
STRIDES = (2, 3)
FILTERS = ([1, 2, 4], [3, 1, 0, 2])
POOLED = {
    s: PooledPixel([([Fraction(w, sum(weights)) for w in weights], s)])
    for s, weights in zip(STRIDES, FILTERS, strict=True)
}


def _confronted(claim: Any, cases: list[dict[Any, int]]) -> str:
    """Confront the claim with pooled pixels at both strides."""
    found = []
    for stride, pooled in POOLED.items():
        weights = pooled.layer(1)[0]
        values = {
            y.a: lambda at, w=weights: w[at] if 0 <= at < len(w) else Fraction(0),
            y.autocorrelation: lambda at, w=weights: autocorrelation(w, at),
            y.h: pooled.filter,
            y.c: pooled.correlation,
            y.S: pooled.stride,
            y.D: pooled.sensitivity,
            y.overlap: pooled.overlap,
            y.unit: lambda at, i, q, own=pooled: own.image(at, q).get(i, Fraction(0)),
        }
        found.append(agree(claim.subs(y.s, stride), cases, values))
    return " and ".join(found)


def _layers_and(symbol: Any, low: int, high: int, depth: int = 2) -> list[dict[Any, int]]:
    return [{k: layer, symbol: at} for layer in range(1, depth + 1) for at in range(low, high)]


def derivation() -> Derivation:
    """Derive the recursion of the autocorrelation."""
    route = "pooled one-pixel images, two skew filters at strides 2 and 3"
    unit = Step(
        "Output unit $i$ of layer $k$ sees pixel $p$ through one filter, read in steps of the "
        "cumulative stride.",
        sp.Eq(y.unit(k, y.i, p), y.h(k, p - y.S(k) * y.i)),
        "a layer maps $x$ to $\\sum_j a(j)\\, x(s i + j)$, which commutes with shifts of the "
        "input by $s$ and of the output by one; so does any stack of layers, with $S_k$ for $s$.",
        Check(route, lambda claim: _confronted(
            claim, [{k: layer, y.i: i, p: q} for layer in (1, 2) for i in (-1, 0, 1, 2)
                    for q in range(12)])),
    )  # fmt: skip
    composite = Step(
        "The composite filter grows by one factor, read in steps of the finer grid.",
        sp.Eq(y.h(k + 1, m), sp.Sum(y.a(m - y.s * n) * y.h(k, n), (n, -sp.oo, sp.oo))),
        "a network of $k + 1$ equal layers is its first layer followed by the other $k$: their "
        "filter $h_k$ acts on the pooled grid, every site of which sees $a$ around $s n$.",
        Check(route, lambda claim: _confronted(claim, _layers_and(m, -2, 20))),
    )
    overlap = Step(
        "Averaged over the grid phase, the overlap of two pixels depends on their distance alone.",
        sp.Eq(sp.Sum(y.overlap(k, p, p + m), (p, 0, y.S(k) - 1)) / y.S(k), y.c(k, m) / y.S(k)),
        "a uniform pixel visits each of the $S_k$ phases once; the sum over phases and units "
        "of $h_k(p - S_k i)\\, h_k(p + m - S_k i)$ is a sum over all sites.",
        Check("the filter read off pooled images, then correlated", _overlap_by_filter),
    )
    recursion = Step(
        "The autocorrelation obeys a linear recursion: the transition operator.",
        sp.Eq(y.c(k + 1, m), sp.Sum(y.autocorrelation(m - y.s * n) * y.c(k, n),
                                    (n, -sp.oo, sp.oo))),
        "the autocorrelation of a product of polynomials is the product of autocorrelations, so "
        "step 2 holds with $a * \\tilde a$ and $c_k$ for $a$ and $h_k$.",
        Check(route, lambda claim: _confronted(claim, _layers_and(m, -1, 6))),
    )  # fmt: skip
    sensitivity = Step(
        "A pixel that moves by one site changes the representation by what neighbours do not "
        "share.",
        sp.Eq(y.D(k), 1 - y.c(k, 1) / y.c(k, 0)),
        "$|P(e_{p+1} - e_p)|^2$ averages to $2 (c_k(0) - c_k(1))/S_k$, and two independent "
        "pixels far apart differ by $Q_k = 2 c_k(0)/S_k$.",
        Check("differences of pooled images", lambda claim: _confronted(
            claim, [{k: layer} for layer in (1, 2, 3)])),
    )  # fmt: skip
    return Derivation(
        title="The pooling recursion",
        abstract="One linear recursion for the autocorrelation of the composite filter carries "
        "every sensitivity of the network.",
        assumptions=(
            "filters $a \\ge 0$ of sum 1, equal layers, biases $\\ge 0$: clean images stay "
            "non-negative and no ReLU acts on them",
            "infinite lattice, $d = 1$, one active pixel at a uniform grid phase",
        ),
        steps=(unit, composite, overlap, recursion, sensitivity),
        result={"D_k": sensitivity.expression.rhs},
    )


def _overlap_by_filter(claim: Any) -> str:
    """c_k(m) from the filter, the overlaps from images: the two sides share no sum."""
    found = []
    for pooled in POOLED.values():
        taps = {
            layer: [pooled.filter(layer, at) for at in range(3 * pooled.stride(layer) + 6)]
            for layer in (1, 2, 3)
        }
        values = {
            y.overlap: pooled.overlap,
            y.S: pooled.stride,
            y.c: lambda layer, lag, t=taps: autocorrelation(t[layer], lag),
        }
        found.append(agree(claim, _layers_and(m, 0, 4), values))
    return " and ".join(found)


if __name__ == "__main__":
    main(derivation(), __file__)
