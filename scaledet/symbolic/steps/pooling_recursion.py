"""Derive the recursion of the autocorrelation: from layers to c_k(m) and D_k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.reference.pixel import PooledPixel
from scaledet.symbolic.confrontation import ENOUGH
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.layers import MOST_PHASES, SKEW, layers_and, on_images
from scaledet.symbols import k, m, n, p

__all__ = [
    "PAGE",
    "image_steps",
    "recursion_law",
    "sensitivity_law",
]

PAGE = "The pooling recursion"
NEAR = layers_and(m, range(-1, 6))
ROUTE = "pooled one-pixel images, skew filters at strides 2, 3, 4 and 5"


def image_steps() -> tuple[Step, Step, Step]:
    """Return the filter of one unit, that of one more layer, and the overlap of two pixels."""
    layers, units = (2, 3, 1, 0), range(2, -2, -1)
    cases = [{k: layer, y.i: i, p: q} for layer in layers for i in units for q in range(12)]
    unit = Step(
        "Output unit $i$ of layer $k$ sees pixel $p$ through one filter, read in steps of the "
        "cumulative stride.",
        sp.Eq(y.unit(k, y.i, p), y.h(k, p - y.S(k) * y.i)),
        "a layer maps $x$ to $\\sum_j a(j)\\, x(s i + j)$, which commutes with shifts of the "
        "input by $s$ and of the output by one; so does any stack of layers, with $S_k$ for $s$.",
        Check(ROUTE, partial(on_images, cases=cases)),
    )
    composite = Step(
        "The composite filter grows by one factor, read in steps of the finer grid.",
        sp.Eq(y.h(k + 1, m), sp.Sum(y.a(m - y.s * n) * y.h(k, n), (n, -sp.oo, sp.oo))),
        "a network of $k + 1$ equal layers is its first layer followed by the other $k$: their "
        "filter $h_k$ acts on the pooled grid, every site of which sees $a$ around $s n$.",
        Check(ROUTE, partial(on_images, cases=layers_and(m, range(-2, 20)))),
    )
    overlap = Step(
        "Averaged over the grid phase, the overlap of two pixels depends on their distance alone.",
        sp.Eq(sp.Sum(y.overlap(k, p, p + m), (p, 0, y.S(k) - 1)) / y.S(k), y.c(k, m) / y.S(k)),
        "a uniform pixel visits each of the $S_k$ phases once; the sum over phases and units "
        "of $h_k(p - S_k i)\\, h_k(p + m - S_k i)$ is a sum over all sites.",
        Check(
            "the filter read off pooled images, then correlated",
            partial(on_images, cases=layers_and(m, range(4)), by_filter=True),
        ),
    )
    return unit, composite, overlap


def recursion_law(
    pools: Mapping[int, PooledPixel] = SKEW, cases: Sequence[dict[Any, int]] = NEAR
) -> Step:
    """Return the transition operator of equal layers, tried on pooled pixels by stride."""
    stride = y.s if len(pools) > 1 else max(pools)
    shifted = y.autocorrelation(m - stride * n) * y.c(k, n)
    layers = {case[k] for case in cases if min(pools) ** case[k] <= MOST_PHASES}
    few = {} if len(layers) >= ENOUGH else {k: "deeper layers have too many grid phases"}
    return Step(
        "The autocorrelation obeys a linear recursion: the transition operator.",
        sp.Eq(y.c(k + 1, m), sp.Sum(shifted, (n, -sp.oo, sp.oo))),
        "the autocorrelation of a product of polynomials is the product of autocorrelations, so "
        "step 2 holds with $a * \\tilde a$ and $c_k$ for $a$ and $h_k$.",
        Check(
            ROUTE if pools is SKEW else "pooled one-pixel images at every grid phase",
            partial(on_images, cases=cases, pools=pools),
            few,
        ),
    )


def sensitivity_law() -> Step:
    """Return D_k by the autocorrelation."""
    return Step(
        "A pixel that moves by one site changes the representation by what neighbours do not "
        "share.",
        sp.Eq(y.D(k), 1 - y.c(k, 1) / y.c(k, 0)),
        "$|P(e_{p+1} - e_p)|^2$ averages to $2 (c_k(0) - c_k(1))/S_k$, and two independent "
        "pixels far apart differ by $Q_k = 2 c_k(0)/S_k$.",
        Check(
            "differences of pooled images",
            partial(on_images, cases=[{k: 2}, {k: 3}, {k: 1}, {k: 4}]),
        ),
    )
