"""Confront claims about noise with tori: the routes of `noise_steps` and `piling_up`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.reference.exact import number
from scaledet.reference.noise import (
    NoiseLaw,
    gaussian_sensitivity,
    infinite_sensitivity,
    matched_width,
)
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.quadrature import gaussian_moments, rectified_moment
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import Case, agree
from scaledet.symbolic.confrontation import ENOUGH
from scaledet.symbolic.derivation import Check
from scaledet.symbolic.routes.checks import against_in
from scaledet.theory.prediction import predict

BIASES = (3, 1, 2, 5)
TORI = {
    1: (
        Torus([([1, 2, 4], 1), ([1, 3], 2), ([2, 1], 1), ([3, 1, 0, 2], 5)], 10, 1, BIASES),
        Torus([([1, 2, 4], 2), ([3, 1, 0, 2], 3)], 6, 1, BIASES),
        Torus([([1, 2, 4], 2), ([3, 1], 2)], 8, 1, BIASES),
        Torus([([2, 1, 1], 1), ([1, 3], 2)], 4, 1, BIASES),
    ),
    2: (
        Torus([([1, 2, 4], 1), ([1, 3], 1), ([2, 1], 1), ([3, 1, 0, 2], 3)], 3, 2, BIASES),
        Torus([([1, 2, 4], 1), ([3, 1], 2)], 2, 2, BIASES),
    ),
    3: (Torus([([1, 2, 4], 1), ([1, 3], 1), ([2, 1], 1), ([3, 1], 2)], 2, 3, BIASES),),
}
"""Skew filters, unequal strides: no symmetry hides a wrong sign or a swapped layer."""
LAWS = {
    1: NoiseLaw([(-3, 2), (2, 3)], unit=2),
    2: NoiseLaw([(-3, 4), (12, 1)], unit=2),
    3: NoiseLaw([(-3, 4), (12, 1)], unit=2),
}
"""Noise without mean whose outcomes are enumerated; -3/2 switches an active pixel off."""

SKEW = {
    1: (((1, 2, 4), 2), ((3, 1, 0, 2), 3), ((2, 1), 1), ((1, 3), 1)),
    2: (((1, 2, 4), 2), ((3, 1), 1), ((2, 1), 1), ((1, 3), 1)),
    3: (((1, 2), 2), ((3, 1), 1), ((2, 1), 1), ((1, 3), 1)),
}
"""Layers of the large tori, so short that no filter meets itself around them."""
LARGE = {1: (96, 144, 192), 2: (12, 16, 20), 3: (10, 12)}
"""Sizes extrapolated to infinity; exp(-L/4) bounds corrections that are no power of 1/L."""
LARGE_TORI = {dim: Torus(SKEW[dim], sizes[0], dim) for dim, sizes in LARGE.items()}

PREDICTED = {1: 1024, 2: 32, 3: 12}
"""Sizes for which the package predicts G_k of another network."""

WIDTHS = (mpmath.mpf("0.5"), mpmath.mpf(2))
"""Standard deviations of Gaussian noise at finite size."""

MOMENTS = (y.mu_1, y.v_0, y.active_mean, y.active_variance)


class Bench:
    """Tori of some dimensions on which claims about noise are tried, at every layer."""

    def __init__(self, dims: Sequence[int], rectify: str | None) -> None:
        self.dims, self.rectify = dims, rectify

    def dense(self, route: str) -> Check:
        """Check overlaps, c_k, S_k, Q_k and D_k in exact rationals."""
        return self._against(route, _on_tori)

    def unequal(self, route: str) -> Check:
        """Enumerate noise whose law differs from pixel to pixel."""
        return self._against(route, lambda dim: _on_tori(dim, _unequal_noise))

    def enumerated(self, route: str) -> Check:
        """Enumerate noise of equal law, through the ReLUs of every layer."""
        return self._against(route, self._equal_noise)

    def gaussian(self, route: str) -> Check:
        """Pool Gaussian noise, its moments taken by quadrature."""
        return self._against(route, self._gaussian_noise, digits=11)

    def infinite(self, route: str) -> Check:
        """Check the parts of G_k on the infinite lattice, noise matched."""

        def cases(dim: int) -> list[Case]:
            def parts(layer: int) -> tuple[float, float]:
                return infinite_sensitivity(SKEW[dim], layer, dim, self.rectify, LARGE[dim])

            values: Case = {
                y.c: LARGE_TORI[dim].correlation,
                y.G: lambda layer: sum(parts(layer)),
                y.G_mean: lambda layer: parts(layer)[0],
                y.G_variance: lambda layer: parts(layer)[1],
            }
            return [{y.d: dim, y.k: layer, **values} for layer in range(5)]

        return against_in(self.dims, route, cases, digits=11)

    def _against(self, route: str, cases: Callable[[int], list[Case]], **options: Any) -> Check:
        """Check a claim on small tori of every size that can be enumerated."""
        sizes = {torus.pixels for dim in self.dims for torus in TORI[dim]}
        few = {} if len(sizes) >= ENOUGH else {y.L: "larger tori have too many outcomes"}
        return against_in(self.dims, route, cases, few=few, **options)

    def _equal_noise(self, dim: int) -> list[Case]:
        law = LAWS[dim]
        moments = dict(zip(MOMENTS, law.moments(self.rectify), strict=True))
        moments[y.sigma] = sp.sqrt(number(law.moments(None)[1]))

        def noise(torus: Torus) -> Case:
            return {**moments, y.energy: partial(_enumerated, torus, rectify=self.rectify)}

        return _on_tori(dim, noise)

    def _gaussian_noise(self, dim: int) -> list[Case]:
        def noise(torus: Torus, width: Any) -> Case:
            pooled = partial(_gaussian, torus, width=width, rectify=self.rectify)
            return {**_quadrature(width, self.rectify), y.G: pooled}

        return [case for width in WIDTHS for case in _on_tori(dim, partial(noise, width=width))]


def moment(claim: Any) -> str:
    """Confront moments of relu(m + sigma Z) and of perturbed pixels with quadrature."""
    if claim.has(y.rectified):
        pairs = [(0, 1), (1, 1), (1, 3), (-1, 2), (2, 1), (3, 10)]
        cases = [{y.height: m, y.sigma: width} for m, width in pairs]
        return agree(claim, cases, {y.rectified: lambda *at: exact(rectified_moment(*at))})
    return agree(claim, [_quadrature(width, "input") for width in WIDTHS])


MOMENTS_CHECK = Check("quadrature of the definition against the normal density", moment)


def finite_size() -> list[Case]:
    """G_k at matched noise on tori of any size, and as the package predicts it."""
    cases: list[Case] = []
    for dim, torus in LARGE_TORI.items():
        cases += _cases(torus, _matched(torus, "input"))
        size = PREDICTED[dim]
        predicted = predict(Network([Layer(3), Layer(2, stride=2)], dim=dim), size=size).G
        pooled = PooledPixel([([Fraction(1, 3)] * 3, 1), ([Fraction(1, 2)] * 2, 2)])
        values = {y.G: lambda layer, G=predicted: float(G[layer]), y.c: pooled.correlation}
        cases += [{y.d: dim, y.L: size**dim, y.k: layer, **values} for layer in (0, 1, 2)]
    return cases


def rectified_alone(dim: int) -> list[Case]:
    """G_k at matched noise that is rectified alone, on tori."""
    return _on_tori(dim, lambda torus: _matched(torus, "noise"))


def linear_ratio(dim: int) -> list[Case]:
    """D_k/G_k of matched linear noise in exact rationals."""
    return _on_tori(dim, lambda torus: {y.R: partial(_relative, torus)})


def linear_growth(pools: Sequence[PooledPixel]) -> list[Case]:
    """Growth of the energy of linear noise against that of the pixel, from layer 1 on."""
    cases: list[Case] = []
    for pooled in pools:
        layers = (1, 2) if pooled.stride(1) > 1 else (1, 2, 3)
        noise = [
            sum(weight**2 for weight in pooled.seen(layer).values()) / pooled.correlation(layer, 0)
            for layer in layers
        ]
        cases += [{y.beta: sp.log(number(energy / noise[0]))} for energy in noise[1:]]
    return cases


def exact(value: Any) -> Any:
    """Return an mpmath number as a SymPy number of 32 digits."""
    return sp.Float(mpmath.nstr(value, 32), 32)


def _quadrature(width: Any, rectify: str | None) -> Case:
    moments = map(exact, gaussian_moments(width, rectify))
    return {y.sigma: exact(width), **dict(zip(MOMENTS, moments, strict=True))}


def _on_tori(dim: int, values: Callable[[Torus], Case] = lambda _: {}) -> list[Case]:
    """Every layer of every small torus of one dimension."""
    return [case for torus in TORI[dim] for case in _cases(torus, values(torus))]


def _cases(torus: Torus, values: Case | None = None) -> list[Case]:
    """Every layer; positions are read around the torus: pixel L is pixel 0."""
    measured: Case = {
        y.overlap: lambda k, p, q: torus.overlap(k, p % torus.pixels, q % torus.pixels),
        y.c: torus.correlation,
        y.S: torus.stride,
        y.Q: torus.distance,
        y.D: lambda k: torus.displacement(k) / torus.distance(k),
        **(values or {}),
    }
    layers = range(len(torus.layers) + 1)
    return [{y.d: torus.dim, y.L: torus.pixels, y.k: layer, **measured} for layer in layers]


def _matched(torus: Torus, rectify: str) -> Case:
    return {y.G: partial(_gaussian, torus, width=matched_width(torus), rectify=rectify)}


@lru_cache(maxsize=256)
def _gaussian(torus: Torus, layer: int, *, width: Any, rectify: str | None) -> float:
    return sum(gaussian_sensitivity(torus, layer, gaussian_moments(width, rectify)))


@lru_cache(maxsize=256)
def _enumerated(torus: Torus, layer: int, rectify: str | None) -> Fraction:
    return LAWS[torus.dim].energy(torus, layer, rectify)


@lru_cache
def _relative(torus: Torus, layer: int) -> Fraction:
    """Divide the change by moves by that by linear noise of the same energy."""
    matched = torus.pixels * LAWS[torus.dim].moments(None)[1] / 2
    noise: Fraction = _enumerated(torus, layer, rectify=None) / matched
    return torus.displacement(layer) / noise


def _unequal_noise(torus: Torus) -> Case:
    """Pixel q takes the values q + 1 and 2 - q*q with equal chances."""
    values = _values_of_pixels(torus)
    means, gaps = [Fraction(a + b, 2) for a, b in values], [Fraction(a - b, 2) for a, b in values]
    return {
        y.mean: lambda q: means[q % len(means)],
        y.variance: lambda q: gaps[q % len(gaps)] ** 2,
        y.energy: partial(_unequal_energy, torus),
    }


def _values_of_pixels(torus: Torus) -> list[tuple[int, int]]:
    return [(q + 1, 2 - q * q) for q in range(torus.pixels)]


@lru_cache(maxsize=256)
def _unequal_energy(torus: Torus, layer: int) -> Fraction:
    draws = np.array(list(itertools.product(*_values_of_pixels(torus))))
    pooled = torus.run(draws.reshape(-1, *[torus.size] * torus.dim), layer)
    squares = (pooled.astype(object) ** 2).sum()
    return Fraction(int(squares), len(draws) * torus.scale(layer) ** 2)
