"""Confront claims about noise that every layer rectifies: the routes of `layer_noise_steps`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import mpmath
import sympy as sp

from scaledet import symbols as y
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.reference.exact import number, refute
from scaledet.reference.quadrature import (
    DIGITS,
    both_on,
    rectified_covariance,
    rectified_moment,
    rectified_product,
)
from scaledet.reference.rectified_units import LayeredNoise, torus_noise
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import agree, evaluate
from scaledet.symbolic.derivation import Check
from scaledet.symbolic.routes.box_noise import flat_limit
from scaledet.symbolic.routes.checks import against, check_in, dimensions
from scaledet.symbolic.routes.deep_boxes import deep_peak
from scaledet.symbolic.routes.noise import exact
from scaledet.symbolic.routes.repeated_block import close, log, repeated_block
from scaledet.theory.prediction import predict

SKEW = LayeredNoise((((1, 2, 4), 2), ((3, 1, 0, 2), 3), ((2, 1), 1)))
"""Skew filters, unequal strides: no symmetry hides a wrong sign or a swapped layer."""
TORI = {
    1: Torus([((1, 2, 4), 2), ((2, 1), 3)], 6, 1),
    2: Torus([((1, 2, 4), 2), ((2, 1), 3)], 6, 2),
    3: Torus([((1, 2, 4), 2), ((2, 1), 2)], 4, 3),
}
SHALLOW = {1: 3, 2: 2, 3: 2}
"""Layers tried in each dimension."""
MEANS = (
    (Fraction(2), Fraction(0), Fraction(1, 2)),
    (Fraction(-1, 2), Fraction(3, 2), Fraction(1, 3)),
)
"""Means of two units and their correlation."""
PAIR = (((1, 1), 1), ((3, 1), 2))
SIZES = (256, 320)
"""Tori on which the active pixel is included, extrapolated to infinite size."""
DEFINITION = "quadrature of the definition against the normal density"
DEPTHS = (8, 16, 32, 64)
"""Depths of boxes of 3 from which an amplitude is extrapolated in powers of A_k^-2."""

Values = dict[Any, Callable[..., Any]]


class Layered:
    """Networks on which claims are tried, in some dimensions, at every layer from 1."""

    def __init__(self, dims: Sequence[int]) -> None:
        self.dims = tuple(dims)

    def dense(self, route: str) -> Check:
        """Check overlaps of units of layer 1 on tori, in exact rationals."""

        def confront(claim: Any, dim: int) -> str:
            torus = TORI[dim]
            values: Values = {
                y.unit_overlap: partial(_shared, torus),
                y.c: torus.correlation,
                y.S: torus.stride,
            }
            return agree(claim, [{y.n: lag, y.d: dim} for lag in (0, 1, 2)], values)

        return check_in(self.dims, route, confront)

    def line(self, route: str) -> Check:
        """Check sums over the weights along one axis, in exact rationals, and parts of G_k."""
        return against(route, _cases(1), _values(1), reach=12)

    def parts(self, route: str, *, tight: bool = False) -> Check:
        """Check both parts of G_k in every dimension; `tight` as in ``agree``."""

        def confront(claim: Any, dim: int) -> str:
            return agree(claim, _cases(dim), _values(dim), tight=tight)

        return check_in(self.dims, route, confront)

    def whole(self, route: str) -> Check:
        """Check G_k, the active pixel included, and in every dimension without it."""

        def confront(claim: Any) -> str:
            pair = LayeredNoise(PAIR)
            values: Values = {
                y.c: pair.whole.correlation,
                y.G: lambda layer: sp.Float(torus_noise(PAIR, layer, SIZES)),
                y.G_variance: lambda layer: exact(pair.parts(layer, 1)[1]),
            }
            evidence = []
            if 1 in self.dims:
                cases = [{y.k: layer, y.d: 1} for layer in (1, 2)]
                evidence.append(agree(claim, cases, values, digits=11) + " on tori")
            evidence += [agree(claim, _cases(dim), _values(dim)) for dim in self.dims]
            return "; ".join(dict.fromkeys(evidence))

        return Check(route, confront)


def _cases(dim: int) -> list[dict[Any, Any]]:
    return [{y.k: layer, y.d: dim} for layer in range(1, SHALLOW[dim] + 1)]


def _values(dim: int) -> Values:
    return {
        y.later: SKEW.later,
        y.c: SKEW.whole.correlation,
        y.S: SKEW.whole.stride,
        y.unit_covariance: lambda lag: exact(SKEW.unit_covariance(lag)),
        y.G_mean: lambda layer: exact(_parts(dim, layer)[0]),
        y.G_variance: lambda layer: exact(_parts(dim, layer)[1]),
        y.G: lambda layer: exact(SKEW.total(layer, dim)),
    }


@lru_cache
def _parts(dim: int, layer: int) -> tuple[Any, Any]:
    return SKEW.parts(layer, dim)


def _shared(torus: Torus, lag: int) -> Any:
    """Sum of products of the weights of unit 0 of layer 1 and of one `lag` along the first axis."""
    side = torus.size // torus.stride(1)
    weights = torus.features(1)
    other = (lag % side) * side ** (torus.dim - 1)
    return sp.Rational(int(weights[:, 0] @ weights[:, other]), torus.scale(1) ** 2)


def pair_check(*, tight: bool = False) -> Check:
    """Check moments of two units of mean 0 by quadrature.

    `tight`: an upper bound must be attained at both ends of [0, 1], a lower one at 0.
    """

    def confront(claim: Any) -> str:
        evidence = agree(claim, [_pair(rho) for rho in (sp.Rational(1, 3), sp.Rational(3, 4))])
        if not tight:
            return evidence
        ends = (0, 1) if isinstance(claim, sp.Le) else (0,)
        for end in ends:
            evidence = agree(claim, [_pair(sp.Integer(end))], tight=True)
        return f"{evidence} at correlation {' and '.join(map(str, ends))}"

    return Check(DEFINITION, confront)


def _pair(rho: Any) -> dict[Any, Any]:
    value = Fraction(int(rho.p), int(rho.q))
    return {
        y.correlation: rho,
        y.product: exact(rectified_product(0, 0, value)),
        y.covariance: exact(rectified_covariance(0, 0, value)),
        y.both_on: exact(both_on(value)),
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
        integrand = sp.lambdify(variable, node.function.subs(case), "mpmath")
        with mpmath.workdps(DIGITS):
            ends = [mpmath.mpf(str(sp.N(end, DIGITS))) for end in (low, high)]
            integral = mpmath.mpmathify(mpmath.quad(integrand, ends))
        if not mpmath.isfinite(integral):
            refute(f"{node} is not finite")
        return exact(mpmath.re(integral)) + sp.I * exact(mpmath.im(integral))

    if claim.has(sp.zoo):
        refute(f"{claim} is undefined")
    return claim.replace(lambda node: isinstance(node, sp.Integral), value)


def half(claim: Any) -> str:
    """Confront G_1 with tori that hold the active pixel, and with the package."""
    agree(claim, [{}], {y.G: lambda layer: sp.Float(torus_noise(PAIR, layer, SIZES))}, digits=11)
    return agree(claim, [{}], {y.G: _predicted}, digits=10)


def _predicted(layer: int) -> Any:
    net = Network([Layer(weights, stride) for weights, stride in PAIR])
    return sp.Float(float(predict(net, size=2**40, rectify="layers").G[layer]))


def boxes(claim: Any, dim: int) -> str:
    """Confront G_k of boxes whose length is their stride, s = 2 and 3."""
    for length in (2, 3):
        cases = [{y.d: dim, y.s: length, y.k: layer} for layer in (1, 2, 3)]
        agree(claim, cases, {y.G: partial(_boxes, length, dim)})
    return "to 25 digits for s = 2, 3"


def boxes_beta(claim: Any, dim: int) -> str:
    """Confront beta with boxes of 2 at stride 2, whose parts are summed over all weights."""
    noise = [_boxes(2, dim, layer) for layer in (1, 2, 3)]
    growth = (noise[2] - noise[1]) / (noise[1] - noise[0])
    agree(claim, [{y.d: dim, y.beta: sp.log(growth, 2)}], digits=20)
    return "to 20 digits"


@lru_cache
def _boxes(length: int, dim: int, layer: int) -> Any:
    return exact(LayeredNoise((((1,) * length, length),)).total(layer, dim))


def beta_check(block: Network, dim: Any) -> Check:
    """Check beta of a block of layers that repeats."""
    repeated = repeated_block(block)

    def confront(claim: Any, dim: int) -> str:
        value, error = repeated.slope(lambda n: -log(repeated.peak(n)))
        with mpmath.workdps(DIGITS):
            measured = dim * value, dim * error
        here = sp.Eq(claim.lhs, evaluate(claim.rhs, {y.d: dim}), evaluate=False)
        return close(here, y.beta, measured)

    route = f"local exponents of $1/c_k(0)^d$ from {repeated.route}"
    return check_in(dimensions(dim), route, confront)


def network_check(net: Network) -> Check:
    """Check G at the last layer of a network."""
    noise = LayeredNoise([(layer.kernel.trimmed, layer.stride) for layer in net])
    route = "covariances by quadrature, summed over all weights read off pooled pixels"
    return against(route, [{}], {y.G: lambda layer: exact(noise.total(layer, net.dim))})


def flat_amplitude(claim: Any, dim: int) -> str:
    """Confront the amplitude of A_k^d with boxes of 3 without stride."""
    cases = [{y.d: dim, y.prefactor: sp.Float(_amplitude(dim))}]
    agree(claim, cases, {y.c: LayeredNoise((((1, 1, 1), 1),)).whole.correlation}, digits=4)
    return "to 4 digits"


@lru_cache
def _amplitude(dim: int) -> float:
    def drift(depth: int) -> float:
        ratio = deep_peak(3, 1) / deep_peak(3, depth)
        return float(rectified_moment(1, 0, 1) ** 2 * ratio**dim)

    return flat_limit(dim, DEPTHS, drift)
