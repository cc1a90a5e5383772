"""Confront claims about noise that every layer rectifies: the routes of `derive_layer_noise`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import mpmath
import sympy as sp

from scaledet import symbols as y
from scaledet.network.network import Network
from scaledet.reference.exact import number, refute
from scaledet.reference.noise import extrapolated
from scaledet.reference.rectified_units import (
    LayeredNoise,
    both_on,
    rectified_covariance,
    rectified_product,
    torus_noise,
)
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check
from scaledet.symbolic.routes.noise import exact

__all__ = [
    "Layered",
    "boxes_beta",
    "boxes_check",
    "flat_amplitude",
    "means_check",
    "network_check",
    "pair_check",
]

SKEW = LayeredNoise((((1, 2, 4), 2), ((3, 1, 0, 2), 3), ((2, 1), 1)))
"""Skew filters, unequal strides: no symmetry hides a wrong sign or a swapped layer."""
TORI = {
    1: Torus([((1, 2, 4), 2), ((3, 1), 3)], 6, 1),
    2: Torus([((1, 2, 4), 2), ((3, 1), 3)], 6, 2),
    3: Torus([((1, 2, 4), 2), ((3, 1), 2)], 4, 3),
}
SHALLOW = {1: 3, 2: 2, 3: 2}
"""Layers tried in each dimension."""
MEANS = (
    (Fraction(2), Fraction(0), Fraction(1, 2)), (Fraction(-1, 2), Fraction(3, 2), Fraction(1, 3)),
)  # fmt: skip
"""Means of two units and their correlation."""
PAIR = (((1, 1), 1), ((3, 1), 2))
SIZES = (256, 320)
DEPTHS = (8, 16, 32, 64)
"""Depths of boxes of 3 from which an amplitude is extrapolated in powers of A_k^-2."""

Values = dict[Any, Callable[..., Any]]


class Layered:
    """Networks on which claims are tried, in some dimensions, at every layer from 1.

    Parameters
    ----------
    dims : sequence of int
        From 1 to 3.
    """

    def __init__(self, dims: Sequence[int]) -> None:
        self.dims = tuple(dims)

    def dense(self, route: str) -> Check:
        """Check overlaps of units of layer 1 on tori, in exact rationals."""
        return Check(route, self._dense)

    def taps(self, route: str) -> Check:
        """Check sums of products of weights along one axis, in exact rationals."""
        return Check(route, lambda claim: agree(claim, self._cases(1), _line(1), reach=12))

    def line(self, route: str) -> Check:
        """Check both parts of G_k in one dimension."""
        return Check(route, lambda claim: agree(claim, self._cases(1), _line(1), reach=12))

    def parts(self, route: str, *, tight: bool = False) -> Check:
        """Check both parts of G_k in every dimension; `tight` as in ``agree``."""

        def confront(claim: Any) -> str:
            found = [agree(claim, self._cases(dim), _line(dim), tight=tight) for dim in self.dims]
            return _summary(found, self.dims)

        return Check(route, confront)

    def whole(self, route: str) -> Check:
        """Check G_k, the active pixel included, and in every dimension without it."""

        def confront(claim: Any) -> str:
            pair = LayeredNoise(PAIR)
            values = {
                y.c: _correlation(pair),
                y.G: lambda layer: sp.Float(torus_noise(PAIR, layer, SIZES)),
                y.G_variance: lambda layer: exact(pair.parts(layer, 1)[1]),
            }
            found = []
            if 1 in self.dims:
                cases = [{y.k: layer, y.d: 1} for layer in (1, 2)]
                found.append(agree(claim, cases, values, digits=11) + " on tori")
            found += [agree(claim, self._cases(dim), _line(dim)) for dim in self.dims]
            return "; ".join(dict.fromkeys(found))

        return Check(route, confront)

    def _cases(self, dim: int) -> list[dict[Any, Any]]:
        return [{y.k: layer, y.d: dim} for layer in range(1, SHALLOW[dim] + 1)]

    def _dense(self, claim: Any) -> str:
        found = []
        for dim in self.dims:
            torus = TORI[dim]
            values = {
                y.unit_overlap: partial(_shared, torus),
                y.c: torus.correlation,
                y.S: torus.stride,
            }
            cases = [{y.n: lag, y.d: dim} for lag in (0, 1, 2)]
            found.append(agree(claim, cases, values))
        return _summary(found, self.dims)


def _shared(torus: Torus, lag: int) -> Any:
    """Sum of products of the weights of unit 0 of layer 1 and of one `lag` along the first axis."""
    side = torus.size // torus.stride(1)
    weights = torus.features(1)
    other = (lag % side) * side ** (torus.dim - 1)
    return sp.Rational(int(weights[:, 0] @ weights[:, other]), torus.scale(1) ** 2)


def _correlation(noise: LayeredNoise) -> Callable[[int, int], Any]:
    return noise.whole.correlation


@lru_cache
def _parts(dim: int, layer: int) -> tuple[Any, Any]:
    return SKEW.parts(layer, dim)


def _line(dim: int) -> Values:
    return {
        y.later: SKEW.later,
        y.c: _correlation(SKEW),
        y.S: SKEW.whole.stride,
        y.unit_covariance: lambda lag: exact(SKEW.unit_covariance(lag)),
        y.G_mean: lambda layer: exact(_parts(dim, layer)[0]),
        y.G_variance: lambda layer: exact(_parts(dim, layer)[1]),
        y.G: lambda layer: exact(SKEW.total(layer, dim)),
    }


def pair_check(*, tight: bool = False) -> Check:
    """Check moments of two units of mean 0 by quadrature.

    `tight`: an upper bound must be attained at both ends of [0, 1], a lower one at 0.
    """

    def confront(claim: Any) -> str:
        found = agree(claim, [_pair(rho) for rho in (sp.Rational(1, 3), sp.Rational(3, 4))])
        if tight:
            ends = (0, 1) if isinstance(claim, sp.Le) else (0,)
            found = [agree(claim, [_pair(sp.Integer(end))], tight=True) for end in ends][-1]
            found += f" at correlation {' and '.join(map(str, ends))}"
        return found

    return Check("quadrature of the definition against the normal density", confront)


def _pair(rho: Any) -> dict[Any, Any]:
    value = Fraction(int(rho.p), int(rho.q))
    found = {
        y.correlation: rho,
        y.product: exact(rectified_product(0, 0, value)),
        y.covariance: exact(rectified_covariance(0, 0, value)) if rho else sp.Integer(0),
    }
    return found if rho == 1 else {**found, y.both_on: exact(both_on(value))}


def means_check() -> Check:
    """Check the covariance of two units of any means by quadrature."""

    def confront(claim: Any) -> str:
        for first, second, rho in MEANS:
            case = {
                y.height: number(first), y.other_height: number(second),
                y.correlation: number(rho),
                y.covariance: exact(rectified_covariance(first, second, rho)),
            }  # fmt: skip
            agree(_integrated(claim, case), [case])
        return f"to 25 digits in {len(MEANS)} cases"

    return Check("quadrature of the definition against the normal density", confront)


def _integrated(claim: Any, case: dict[Any, Any]) -> Any:
    """Put numbers in the place of integrals; SymPy's own quadrature takes seconds."""

    def value(node: Any) -> Any:
        (variable, *ends) = node.limits[0]
        low, high = (end.subs(case) for end in ends)
        integrand = sp.lambdify(variable, node.function.subs(case), "mpmath")
        with mpmath.workdps(35):
            ends = [mpmath.mpf(str(sp.N(end, 35))) for end in (low, high)]
            found = mpmath.mpmathify(mpmath.quad(integrand, ends))
        if not (mpmath.isfinite(found) and mpmath.im(found) == 0):
            refute(f"{node} is no finite real number")
        return exact(mpmath.re(found))

    if claim.has(sp.zoo):
        refute(f"{claim} is undefined")
    return claim.replace(lambda node: isinstance(node, sp.Integral), value)


def boxes_check(dim: Any) -> Check:
    """Check G_k of boxes whose length is their stride, s = 2 and 3."""

    def confront(claim: Any) -> str:
        dims = (1, 2, 3) if dim == y.d else (dim,)
        for axes in dims:
            for length in (2, 3):
                boxes = LayeredNoise((((1,) * length, length),))
                cases = [{y.d: axes, y.s: length, y.k: layer} for layer in (1, 2, 3)]
                values = {y.G: lambda layer, own=boxes, at=axes: exact(own.total(layer, at))}
                agree(claim, cases, values)
        return f"to 25 digits for s = 2, 3 in each of d = {', '.join(map(str, dims))}"

    return Check("covariances by quadrature, summed over all weights of boxes", confront)


def network_check(net: Network) -> Check:
    """Check G at the last layer of a network."""

    def confront(claim: Any) -> str:
        layers = [(layer.kernel.trimmed, layer.stride) for layer in net]
        noise = LayeredNoise(layers)
        values = {y.G: lambda layer: exact(noise.total(layer, net.dim))}
        return agree(claim, [{}], values)

    return Check("covariances by quadrature, summed over all weights read off pooled pixels",
                 confront)  # fmt: skip


def flat_amplitude(dim: Any) -> Check:
    """Check the amplitude of the mean's part against A_k^d by boxes of 3 without stride."""

    def confront(claim: Any) -> str:
        first = LayeredNoise((((1, 1, 1), 1),))
        dims = (1, 2, 3) if dim == y.d else (dim,)
        for axes in dims:
            cases = [{y.d: axes, y.prefactor: sp.Float(_amplitude(axes))}]
            agree(claim, cases, {y.c: _correlation(first)}, digits=4)
        return f"to 4 digits in each of d = {', '.join(map(str, dims))}"

    return Check("means by quadrature over filters multiplied out, boxes of 3 at depths 8 to 64, "
                 "extrapolated in powers of $A_k^{-2}$", confront)  # fmt: skip


@lru_cache
def _amplitude(dim: int) -> float:
    first, squares, ratios = mpmath.mpf(1) / 3, [], []
    mean = rectified_product(0, 0, Fraction(0))
    for depth in DEPTHS:
        taps = [1]
        for _ in range(depth):
            padded = [0, 0, *taps, 0, 0]
            taps = [sum(padded[at : at + 3]) for at in range(len(padded) - 2)]
        peak = mpmath.mpf(sum(tap * tap for tap in taps)) / 3 ** (2 * depth)
        square = 1 + 8 * depth
        squares.append(1 / square)
        ratios.append(float(mean * (first / peak) ** dim / mpmath.mpf(square) ** (dim / 2)))
    return extrapolated(squares, ratios)


def boxes_beta(dim: Any) -> Check:
    """Check beta on boxes of 2 at stride 2, whose parts are summed over all weights."""

    def confront(claim: Any) -> str:
        boxes = LayeredNoise((((1, 1), 2),))
        dims = (1, 2, 3) if dim == y.d else (dim,)
        for axes in dims:
            noise = [boxes.total(layer, axes) for layer in (1, 2, 3)]
            with mpmath.workdps(35):
                growth = (noise[2] - noise[1]) / (noise[1] - noise[0])
                slope = mpmath.log(growth) / mpmath.log(2)
            agree(claim, [{y.d: axes, y.beta: exact(slope)}], digits=20)
        return f"to 20 digits in each of d = {', '.join(map(str, dims))}"

    return Check("boxes $f = s = 2$, covariances by quadrature, differences of successive layers",
                 confront)  # fmt: skip


def _summary(found: Sequence[str], dims: Sequence[int]) -> str:
    places = ", ".join(map(str, dims))
    return f"{found[0]} in each of d = {places}" if len(set(found)) == 1 else "; ".join(found)
