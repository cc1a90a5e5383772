"""Confront claims about noise that every layer rectifies: the routes of `layer_noise_steps`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.algebra.precision import compiled, mpmath
from scaledet.network.kernel import Kernel
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.reference.exact import number, refute
from scaledet.reference.pixel import composites
from scaledet.reference.quadrature import (
    DIGITS,
    both_on,
    rectified_covariance,
    rectified_moment,
    rectified_product,
)
from scaledet.reference.rectified_units import LayeredNoise, torus_noise
from scaledet.reference.recursion import PlainRecursion
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import Case, agree
from scaledet.symbolic.derivation import Check
from scaledet.symbolic.routes import strided
from scaledet.symbolic.routes.box_noise import by_boxes, deep_correlation, flat_limit, late_noise
from scaledet.symbolic.routes.checks import against
from scaledet.symbolic.routes.noise import exact
from scaledet.symbolic.routes.series import local_check
from scaledet.theory.prediction import predict

SKEW = LayeredNoise((((1, 2, 4), 2), ((3, 1, 0, 2), 3), ((2, 1), 1), ((1, 3), 1)))
"""Skew filters, unequal strides: no symmetry hides a wrong sign or a swapped layer."""
WIDE = (1, 2, 4, 1, 3, 2, 5, 1, 2)
TORI = {
    1: Torus([(WIDE, 2), ((2, 1), 11)], 22, 1),
    2: Torus([(WIDE, 2), ((2, 1), 7)], 14, 2),
    3: Torus([(WIDE, 2), ((2, 1), 3)], 6, 3),
}
"""Tori of 11, 7 and 3 units a side: on the first two n, 2n and n^2 are different places."""
RULERS = {
    1: ((0, 5, 7, 17, 52, 56, 67, 80, 81, 100, 122, 138, 159, 165, 168, 191, 199), 4),
    2: ((0, 1, 4, 9, 11), 3),
    3: ((0, 1, 4, 6), 3),
}
"""By dimension: sites no two of which are as far apart as two others, and number of layers."""
MEANS = (
    (Fraction(2), Fraction(0), Fraction(1, 2)),
    (Fraction(-1, 2), Fraction(3, 2), Fraction(1, 3)),
)
"""Means of two units and their correlation."""
PAIR = (((1, 1), 1), ((3, 1), 2))
LONGEST = 256
"""Sites of the widest box whose noise is summed."""
EXPANDED = 400_000_000
"""Bits of the longest filter without stride that is expanded in integers."""
SIZES = (256, 320)
"""Tori on which the active pixel is included, extrapolated to infinite size."""
DEFINITION = "quadrature of the definition against the normal density"
DEPTHS = (8, 16, 32, 64)
"""Depths of boxes of 3 from which an amplitude is extrapolated in powers of A_k^-2."""


def overlaps(dim: int) -> list[Case]:
    """Overlaps of units of layer 1 on tori, in exact rationals."""
    torus = TORI[dim]
    weights, side = torus.features(1), torus.size // torus.stride(1)

    def shared(lag: int) -> Fraction:
        """Sum of products of the weights of unit 0 and of one `lag` along the first axis."""
        other = (lag % side) * side ** (dim - 1)
        return Fraction(int(weights[:, 0] @ weights[:, other]), torus.scale(1) ** 2)

    values = {y.unit_overlap: shared, y.c: torus.correlation, y.S: torus.stride}
    return [{y.n: lag, y.d: dim, **values} for lag in (2, 3, 1, 0, 4)]


def layers(dim: int) -> list[Case]:
    """Exact sums over weights, and parts of G_k, at every layer from 1."""
    values: Case = {
        y.later: SKEW.later,
        y.c: SKEW.whole.correlation,
        y.S: SKEW.whole.stride,
        y.unit_covariance: lambda lag: exact(SKEW.unit_covariance(lag)),
        y.G_mean: lambda layer: exact(_parts(dim, layer)[0]),
        y.G_variance: lambda layer: exact(_parts(dim, layer)[1]),
        y.G: lambda layer: exact(SKEW.total(layer, dim)),
    }
    return [{y.k: layer, y.d: dim, **values} for layer in (2, 3, 4, 1)]


@lru_cache
def _parts(dim: int, layer: int) -> tuple[Any, Any]:
    return SKEW.parts(layer, dim)


def weakly_correlated(dim: int) -> list[Case]:
    """Fluctuations where a unit of layer 1 shares one site each with many others."""
    marks, depth = RULERS[dim]
    ruler = tuple(int(at in marks) for at in range(marks[-1] + 1))
    noise = LayeredNoise(((ruler, 1), ((1,) * 8, 8)))

    def fluctuations(layer: int) -> Any:
        if layer != depth:
            raise IndexError(f"layer {layer} was not pooled")
        return exact(noise.parts(layer, dim)[1])

    return [{y.k: depth, y.d: dim, y.G_variance: fluctuations}]


def law(claim: Any, dims: Sequence[int]) -> str:
    """Confront G_k, the active pixel included, and in every dimension without it."""
    evidence = [agree(claim, layers(dim)) for dim in dims]
    if 1 in dims:
        pair = LayeredNoise(PAIR)
        values: Case = {
            y.c: pair.whole.correlation,
            y.G: on_tori,
            y.G_variance: lambda layer: exact(pair.parts(layer, 1)[1]),
        }
        cases = [{y.k: layer, y.d: 1} for layer in (1, 2)]
        evidence.insert(0, agree(claim, cases, values, digits=11) + " on tori")
    return "; ".join(dict.fromkeys(evidence))


def on_tori(layer: int) -> Any:
    """G_k with the active pixel, extrapolated to infinite size."""
    return sp.Float(torus_noise(PAIR, layer, SIZES))


def predicted(layer: int) -> Any:
    """G_k as the package predicts it."""
    net = Network([Layer(Kernel(weights), stride) for weights, stride in PAIR])
    return sp.Float(float(predict(net, size=2**40, rectify="layers").G[layer]))


def pair_check(tight: bool = False) -> Check:
    """Check moments of two units of mean 0; a bound may have to be attained at correlation 1."""

    def confront(claim: Any) -> str:
        correlations = (Fraction(1, 3), Fraction(1, 50), Fraction(3, 4), Fraction(1))
        return agree(claim, [_pair(rho) for rho in correlations], tight=tight)

    return Check(DEFINITION, confront)


def _pair(rho: Fraction) -> Case:
    return {
        y.correlation: rho,
        y.product: exact(rectified_product(0, 0, rho)),
        y.covariance: exact(rectified_covariance(0, 0, rho)),
        y.both_on: exact(both_on(rho)),
    }


def means(claim: Any) -> str:
    """Confront the covariance of two units of any means with quadrature."""
    for first, second, rho in MEANS:
        case = {
            y.height: number(first),
            y.other_height: number(second),
            y.correlation: number(rho),
            y.covariance: exact(rectified_covariance(first, second, rho)),
        }
        agree(_integrated(claim, case), [case])
    return f"to 25 digits in {len(MEANS)} cases"


def _integrated(claim: Any, case: dict[Any, Any]) -> Any:
    """Put numbers in the place of integrals; SymPy's own quadrature takes seconds."""

    def value(node: Any) -> Any:
        variable, low, high = (part.subs(case) for part in node.limits[0])
        integrand = compiled(variable, node.function.subs(case))
        with mpmath.workdps(DIGITS):
            ends = [mpmath.mpf(str(sp.N(end, DIGITS))) for end in (low, high)]
            integral = mpmath.mpmathify(mpmath.quad(integrand, ends))
        if not mpmath.isfinite(integral):
            refute(f"{node} is not finite")
        return exact(mpmath.re(integral)) + sp.I * exact(mpmath.im(integral))

    if claim.has(sp.zoo):
        refute(f"{claim} is undefined")
    return claim.replace(lambda node: isinstance(node, sp.Integral), value)


def boxes(claim: Any, dim: int) -> str:
    """Confront G_k of boxes whose length is their stride."""
    cases = [
        {y.d: dim, y.s: length, y.k: layer, y.G: partial(_boxes, length, dim)}
        for length, deepest in ((2, 4), (3, 3), (4, 2), (5, 2))
        for layer in range(deepest, 0, -1)
    ]
    exactly = agree(claim, cases)
    small = [case for case in by_boxes(dim, late_noise, 1) if case[y.s] < 4 and case[y.k] < 3]
    return f"{exactly}; {agree(claim, small, digits=9)} on tori"


def boxes_beta(dim: int) -> list[Case]:
    """Growth of boxes of 2 at stride 2, whose parts are summed over all weights."""
    noise = [_boxes(2, dim, layer) for layer in (1, 2, 3)]
    return [{y.d: dim, y.beta: sp.log((noise[2] - noise[1]) / (noise[1] - noise[0]), 2)}]


@lru_cache
def _boxes(length: int, dim: int, layer: int) -> Any:
    if length**layer > LONGEST:
        raise IndexError(f"layer {layer} sees more than {LONGEST} sites")
    return exact(LayeredNoise((((1,) * length, length),)).total(layer, dim))


def beta_check(block: Network, dim: Any) -> Check:
    """Check beta of a block of layers that repeats."""
    *_, (sites, scale) = composites((layer.kernel.weights, layer.stride) for layer in block)
    kernel, stride = Kernel(sites), block.strides[-1]
    if stride > 1:
        return strided.beta_check(PlainRecursion(kernel.weights, stride), dim)
    widest = math.isqrt(EXPANDED // (len(sites) * scale.bit_length()))
    return local_check(y.beta, [(kernel, {})], dim, max(4, min(400, widest // 4)))


def network_check(net: Network) -> Check:
    """Check G at the last layer of a network."""
    noise = LayeredNoise([(layer.kernel.trimmed, layer.stride) for layer in net])
    route = "covariances by quadrature, summed over all weights read off pooled pixels"
    return against(route, [{}], {y.G: lambda layer: exact(noise.total(layer, net.dim))})


def flat_amplitude(dim: int) -> list[Case]:
    """Amplitude of A_k^d, boxes of 3 without stride."""

    def drift(depth: int) -> float:
        ratio = deep_correlation(3, 1) / deep_correlation(3, depth)
        return float(rectified_moment(1, 0, 1) ** 2 * ratio**dim)

    peak = LayeredNoise((((1, 1, 1), 1),)).whole.correlation
    return [{y.d: dim, y.prefactor: flat_limit(dim, DEPTHS, drift), y.c: peak}]
