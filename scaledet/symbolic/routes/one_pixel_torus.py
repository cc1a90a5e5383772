"""One-pixel images of small tori, pooled one by one, and those of one axis."""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from scaledet.reference.exact import number
from scaledet.reference.small_torus import Torus
from scaledet.symbols import L, d


class OnePixel:
    """The one-pixel images of a d-dimensional torus, pooled one by one, and those of its axis."""

    def __init__(self, layers: Any, size: int, dim: int) -> None:
        self.torus = Torus(layers, size, dim)
        self.line = Torus(layers, size)
        self.dim = dim
        self.case = {d: dim, L: size**dim}
        self.pixel = cache(self._pixel)
        self.moved = cache(self._moved)
        self.distance = cache(self._distance)
        self.covariance = cache(self._covariance)

    def phases(self, k: int) -> list[tuple[int, ...]]:
        """One pixel of every phase of the grid."""
        return list(itertools.product(range(self.torus.stride(k)), repeat=self.dim))

    def _pixel(self, k: int) -> Fraction:
        """Mean square of the representation of one pixel."""
        squares = [int((self.torus.image(k, p) ** 2).sum()) for p in self.phases(k)]
        return Fraction(sum(squares), len(squares) * self.torus.scale(k) ** 2)

    def _moved(self, k: int) -> Fraction:
        """Mean square change when the pixel moves by one site along a random axis."""
        total = sum(
            int(((self.torus.image(k, self.torus.wrap(p, e)) - self.torus.image(k, p)) ** 2).sum())
            for p in self.phases(k)
            for e in self.torus.moves
        )
        count = len(self.phases(k)) * len(self.torus.moves)
        return Fraction(total, count * self.torus.scale(k) ** 2)

    def _distance(self, k: int) -> Fraction:
        """Q_k over all pairs of one-pixel images."""
        images = np.array([self.torus.image(k, p) for p in self.torus.sites])
        total = sum(int(((images - image) ** 2).sum()) for image in images)
        return Fraction(total, len(images) ** 2 * self.torus.scale(k) ** 2)

    def correlation(self, k: int, *lag: int) -> Fraction:
        """Autocorrelation of the filter in d dimensions, from overlaps at every phase."""
        overlaps = [self.torus.overlap(k, p, self.torus.wrap(p, lag)) for p in self.phases(k)]
        return sum(overlaps, Fraction(0))

    def rectified(self, k: int, *, infinite: bool) -> Any:
        """G_k of x + relu(eta) by moments from quadrature and sums over the weights."""
        mean, variance = rectified_moments()
        images = np.array([self.torus.image(k, p) for p in self.torus.sites])
        scale, pixels = self.torus.scale(k), len(images)
        drift = number(Fraction(int((images.sum(axis=0) ** 2).sum()), scale**2))
        spread = number(Fraction(int((images**2).sum()), scale**2))
        distance = 2 * self.pixel(k) if infinite else self.distance(k)
        return sp.Rational(2, pixels) * (mean**2 * drift + variance * spread) / number(distance)

    def _covariance(self, k: int) -> Any:
        """Covariance of the filter of output unit 0 read as a law on the sites."""
        weights = np.array([int(self.torus.image(k, p)[0]) for p in self.torus.sites])
        sites = np.array(self.torus.sites)
        total, means = int(weights.sum()), weights @ sites
        squares = sites.T @ (weights[:, None] * sites)
        return sp.Matrix(
            self.dim,
            self.dim,
            lambda a, b: sp.Rational(
                int(squares[a, b]) * total - int(means[a] * means[b]), total**2
            ),
        )


@cache
def rectified_moments() -> tuple[Any, Any]:
    """Mean and variance of a rectified standard normal variable, by quadrature."""
    with mpmath.workdps(60):
        moments = [
            mpmath.quad(lambda w, n=power: w**n * mpmath.npdf(w), [0, 3, 8, 20]) for power in (1, 2)
        ]
        mean, square = (sp.Float(str(moment), 55) for moment in moments)
    return mean, square - mean**2
