"""Confront claims about noise with tori: the routes of `derive_noise` and of the derivations."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.reference.noise import (
    NoiseLaw,
    gaussian_moments,
    gaussian_sensitivity,
    infinite_sensitivity,
    rectified_moment,
)
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check

__all__ = ["Bench", "moment_check"]

TORI = {
    1: Torus([([1, 2, 4], 2), ([3, 1, 0, 2], 3)], 6, 1, biases=(3, 1)),
    2: Torus([([1, 2, 4], 1), ([3, 1, 0, 2], 3)], 3, 2, biases=(2, 5)),
    3: Torus([([1, 2, 4], 1), ([3, 1], 2)], 2, 3, biases=(1, 4)),
}
"""Skew filters, unequal strides: no symmetry hides a wrong sign or a swapped layer."""

LAWS = {
    1: NoiseLaw([(-3, 1), (-1, 3), (2, 3)], unit=2),
    2: NoiseLaw([(-3, 4), (12, 1)], unit=2),
    3: NoiseLaw([(-3, 4), (12, 1)], unit=2),
}
"""Noise without mean whose outcomes are enumerated; -3/2 switches an active pixel off."""

SKEW = (((1, 2, 4), 2), ((3, 1, 0, 2), 3))
LARGE = {1: (96, 144, 192), 2: (12, 18, 24), 3: (12, 18)}
"""Sizes extrapolated to infinity; exp(-L/4) bounds what is not a power of 1/L."""

WIDTHS = (mpmath.mpf("0.5"), mpmath.mpf(2))
"""Standard deviations of Gaussian noise at finite size."""

MOMENTS = (y.mu_1, y.v_0, y.active_mean, y.active_variance)

Trial = tuple[dict[Any, Any], dict[Any, Callable[..., Any]]]
"""What to put in for symbols and for applied functions."""


class Bench:
    """Tori of some dimensions on which claims about noise are tried, at every layer.

    Parameters
    ----------
    dims : sequence of int
        From 1 to 3.
    rectify : {"input", "noise", None}
        How the noise meets the first ReLU.
    """

    def __init__(self, dims: Sequence[int], rectify: str | None) -> None:
        self.dims, self.rectify = tuple(dims), rectify

    def dense(self, route: str) -> Check:
        """Check overlaps, c_k, S_k, Q_k and D_k in exact rationals."""
        return Check(route, lambda claim: self._tried(claim, lambda _: [({}, {})]))

    def unequal(self, claim: Any) -> str:
        """Enumerate noise whose law differs from pixel to pixel."""
        return self._tried(claim, _unequal_noise)

    def enumerated(self, claim: Any) -> str:
        """Enumerate noise of equal law, through the ReLUs of every layer."""
        return self._tried(claim, self._equal_noise)

    def gaussian(self, claim: Any) -> str:
        """Pool Gaussian noise, its moments taken by quadrature."""
        return self._tried(claim, self._gaussian_noise, digits=11)

    def infinite(self, route: str) -> Check:
        """Check the parts of G_k on the infinite lattice, noise matched."""
        return Check(route, self._infinite)

    def _tried(self, claim: Any, trials: Callable[[int], Iterable[Trial]], digits: int = 25) -> str:
        found = []
        for dim in self.dims:
            torus = TORI[dim]
            for symbols, functions in trials(dim):
                cases = [
                    {y.d: dim, y.L: torus.pixels, y.k: layer, **symbols}
                    for layer in range(len(torus.layers) + 1)
                ]
                found.append(agree(claim, cases, {**_dense(torus), **functions}, digits=digits))
        return _summary(found, self.dims)

    def _equal_noise(self, dim: int) -> list[Trial]:
        moments = dict(zip(MOMENTS, LAWS[dim].moments(self.rectify), strict=True))
        square = LAWS[dim].moments(None)[1]
        moments[y.sigma] = sp.sqrt(sp.Rational(square.numerator, square.denominator))
        return [(moments, {y.energy: lambda layer: _enumerated(dim, layer, self.rectify)})]

    def _gaussian_noise(self, dim: int) -> list[Trial]:
        def sensitivity(layer: int, width: Any) -> float:
            return sum(_gaussian(dim, layer, width, self.rectify))

        return [
            (
                {y.sigma: exact(width), **_quadrature(width, self.rectify)},
                {y.G: lambda layer, width=width: sensitivity(layer, width)},
            )
            for width in WIDTHS
        ]

    def _infinite(self, claim: Any) -> str:
        found = []
        for dim in self.dims:
            cases = [{y.d: dim, y.k: layer} for layer in range(len(SKEW) + 1)]
            found.append(agree(claim, cases, self._endless(dim), digits=11))
        return _summary(found, self.dims)

    def _endless(self, dim: int) -> dict[Any, Callable[..., Any]]:
        def parts(layer: int) -> tuple[float, float]:
            return infinite_sensitivity(SKEW, layer, dim, self.rectify, LARGE[dim])

        return {
            y.c: Torus(SKEW, LARGE[1][0]).correlation,
            y.G: lambda layer: sum(parts(layer)),
            y.G_mean: lambda layer: parts(layer)[0],
            y.G_variance: lambda layer: parts(layer)[1],
        }


def moment_check() -> Check:
    """Check moments of relu(m + sigma Z) and those of perturbed pixels by quadrature."""

    def confront(claim: Any) -> str:
        if claim.has(y.rectified):
            pairs = [(0, 1), (1, 1), (1, 3), (-1, 2), (2, 1), (3, 10)]
            cases = [{y.height: m, y.sigma: width} for m, width in pairs]
            return agree(claim, cases, {y.rectified: lambda *at: exact(rectified_moment(*at))})
        return agree(claim, [{y.sigma: exact(s), **_quadrature(s, "input")} for s in WIDTHS])

    return Check("quadrature of the definition against the normal density", confront)


def exact(value: Any) -> Any:
    """Return an mpmath number as a SymPy number of 32 digits."""
    return sp.Float(mpmath.nstr(value, 32), 32)


def _quadrature(width: Any, rectify: str | None) -> dict[Any, Any]:
    found = gaussian_moments(width, rectify)
    return {symbol: exact(value) for symbol, value in zip(MOMENTS, found, strict=True)}


def _dense(torus: Torus) -> dict[Any, Callable[..., Any]]:
    return {
        # Pixels are numbered round the torus.
        y.overlap: lambda layer, p, q: torus.overlap(layer, p % torus.pixels, q % torus.pixels),
        y.c: torus.correlation, y.S: torus.stride, y.Q: torus.distance,
        y.D: lambda layer: torus.displacement(layer) / torus.distance(layer),
    }  # fmt: skip


@lru_cache(maxsize=64)
def _enumerated(dim: int, layer: int, rectify: str | None) -> Fraction:
    return LAWS[dim].energy(TORI[dim], layer, rectify)


@lru_cache(maxsize=64)
def _gaussian(dim: int, layer: int, width: Any, rectify: str | None) -> tuple[float, float]:
    return gaussian_sensitivity(TORI[dim], layer, gaussian_moments(width, rectify))


def _unequal_noise(dim: int) -> list[Trial]:
    """Pixel q takes the values q + 1 and 2 - q*q with equal chances."""
    pixels = TORI[dim].pixels
    mean = [Fraction(q + 1 + 2 - q * q, 2) for q in range(pixels)]
    return [
        (
            {},
            {
                y.mean: lambda q: mean[q % pixels],
                y.variance: lambda q: (q % pixels + 1 - mean[q % pixels]) ** 2,
                y.energy: lambda layer: _unequal_energy(dim, layer),
            },
        )
    ]


@lru_cache(maxsize=64)
def _unequal_energy(dim: int, layer: int) -> Fraction:
    torus = TORI[dim]
    pairs = [(q + 1, 2 - q * q) for q in range(torus.pixels)]
    draws = np.array(list(itertools.product(*pairs)))
    pooled = torus.run(draws.reshape(-1, *[torus.size] * dim), layer)
    return Fraction(int((pooled**2).sum()), len(draws) * torus.scale(layer) ** 2)


def _summary(found: Sequence[str], dims: Sequence[int]) -> str:
    places = ", ".join(map(str, dims))
    return f"{found[0]} in each of d = {places}" if len(set(found)) == 1 else "; ".join(found)
