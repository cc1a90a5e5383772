r"""Squared distances of deformed images at every layer, from their covariance.

Images that look alike everywhere, of covariance :math:`R(r) = \sum_q S(q) e^{i q \cdot r}`, are
deformed by a Gaussian field u that is independent of them, :math:`\tau x(p) = x(p - u(p))`. A
difference of displacements has independent components of one variance V(p, p'), so that, if x
between the pixels is the band-limited function of the same spectrum,

.. math:: E[\tau x(p)\, \tau x(p')] = F(p - p', V(p, p')), \qquad
          E[\tau x(p)\, x(p')] = F(p - p', \mathrm{Var}\, u(p)), \qquad
          F(r, v) = \sum_q S(q)\, e^{i q \cdot r - |q|^2 v / 2}.

From these follows the covariance of tau x - x, which `matrices.deformed` sums over the pixels.
`DeformedCovariance.local_distances` takes the displacement for constant within every receptive
field, V = 0.

Linear interpolation at p - u is rounding of u, up or down, of mean u: the law of the rounded
displacement, second differences of :math:`E (u - z)_+`, takes the place of :math:`e^{-q^2 v/2}` on
either axis of the covariance of the deformed with the plain image, exactly. Two deformed pixels
share the rounding as far as they share the displacement: one and the same pixel loses

.. math:: 1 - 2 \kappa\, (1 - \cos q), \qquad \kappa = E f (1 - f), \quad f = u - \lfloor u \rfloor,

on every axis, and this factor, at the mean kappa of both, is taken for all pairs. That is exact for
p = p' and where nothing moves, and correct to the order q^2. Source: our derivation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["DeformedCovariance"]

Floats = NDArray[np.float64]

_STEP, _FEWEST = 0.05, 32
"""Largest distance of nodes in arsinh(sqrt(v)), and least number of them.

The standard deviation sqrt(v) (pixels) is resolved to what it is itself, if it is large.
"""
_NODES = np.arange(-2, 4)
"""Nodes around a value that the polynomial between them is taken through."""


@dataclass(frozen=True)
class DeformedCovariance:
    """Covariances of images that are deformed by a field of given variances.

    Parameters
    ----------
    spectrum : array [M, M]
        S(q), in the order of ``numpy.fft.fft2``.
    sines, variances : array
        `Diffeomorphism.modes` for N pixels a side.
    linear : bool
        Whether images are interpolated linearly instead of band-limited.
    """

    spectrum: Floats
    sines: Floats
    variances: Floats
    linear: bool

    @property
    def size(self) -> int:
        """Pixels a side N."""
        return int(self.sines.shape[1])

    @cached_property
    def fixed(self) -> Floats:
        """Variance of a component of the displacement at every pixel, [N, N]."""
        squares = self.sines**2
        return np.asarray(np.einsum("ij,iy,jx->yx", self.variances, squares, squares))

    @cached_property
    def plain(self) -> Floats:
        """R at the lags -(N - 1) ... N - 1 of both axes."""
        return self._at_lags(self.spectrum, np.ones((1, len(self.spectrum))))[..., 0]

    @cached_property
    def _waves(self) -> Floats:
        return np.asarray(2 * np.pi * np.fft.fftfreq(len(self.spectrum)), dtype=float)

    @cached_property
    def moved_with_plain(self) -> _Table:
        """E[tau x(p) x(p')] at every lag as a function of Var u(p)."""
        nodes, step = _nodes(float(np.sqrt(self.fixed.max())))
        if self.linear:
            laws = map(_rounded, nodes)
            factors = [law @ np.cos(np.outer(places, self._waves)) for places, law in laws]
        else:
            factors = list(self._damping(nodes))
        return _Table(self._at_lags(self.spectrum, np.array(factors)), step)

    @cached_property
    def moved(self) -> list[_Table]:
        """Coefficients of 1, kappa and kappa^2 in E[tau x(p) tau x(p')] as functions of V."""
        spectra = [self.spectrum]
        if self.linear:
            loss = 2 * (1 - np.cos(self._waves))
            spectra += [-self.spectrum * np.add.outer(loss, loss)]
            spectra += [self.spectrum * np.outer(loss, loss)]
        nodes, step = _nodes(2 * float(np.sqrt(self.fixed.max())))
        damping = self._damping(nodes)
        return [_Table(self._at_lags(s, damping), step) for s in spectra]

    @cached_property
    def rounding(self) -> Floats:
        """Kappa at every pixel: the variance that linear interpolation adds to u, [N, N]."""
        deviations, inverse = np.unique(np.sqrt(self.fixed), return_inverse=True)
        added = [(law @ places**2) - d * d for d in deviations for places, law in [_rounded(d)]]
        return np.array(added)[inverse].reshape(self.fixed.shape)

    def distances(self) -> Iterator[tuple[int, NDArray[np.int64], Floats]]:
        """Yield, for every row of pixels, the covariance of tau x - x with the rows from it on.

        That is the row y, the rows y', and E[(tau x - x)(y, x) (tau x - x)(y', x')] of shape
        [x, y', x']. Covariances are interpolated in sqrt(v), in which they are even and smooth,
        through six nodes: relative error of sums over pixels below 1e-6 for white images, and
        below 1e-7 where the spectrum falls as |q|^-2.
        """
        size, sines, fixed = self.size, self.sines, self.fixed
        products = (sines[:, :, None] * sines[:, None, :]).reshape(len(sines), -1)
        column_lags = np.subtract.outer(np.arange(size), np.arange(size)) + size - 1
        rounding = self.rounding if self.linear else np.zeros_like(fixed)
        for row in range(size):
            rows = np.arange(row, size)
            lags = (row - rows + size - 1)[None, :, None], column_lags[:, None, :]
            mixed = self.variances.T @ (sines[:, [row]] * sines[:, rows])
            joint = (mixed.T @ products).reshape(len(rows), size, size).transpose(1, 0, 2)
            here, there = fixed[row][:, None, None], fixed[rows][None]
            apart = np.maximum(here + there - 2 * joint, 0.0)
            kappa = (rounding[row][:, None, None] + rounding[rows][None]) / 2
            distance = self.plain[lags]
            for power, table in enumerate(self.moved):
                distance = distance + kappa**power * table.at(lags, apart)
            for variances in (here, there):
                distance -= self.moved_with_plain.at(lags, variances)
            yield row, rows, distance

    def local_distances(self) -> Floats:
        """Return the same at all lags, without the gradients of the displacement."""
        distance = self.plain - 2 * self.moved_with_plain.mean(self.fixed)
        for power, table in enumerate(self.moved):
            still = table.mean(np.zeros(1))
            kappa = np.mean(self.rounding**power) if power else 1.0
            distance = distance + kappa * still
        return np.asarray(distance)

    def _damping(self, deviations: Floats) -> Floats:
        return np.exp(-0.5 * np.outer(deviations, self._waves) ** 2)

    def _at_lags(self, spectrum: Floats, factors: Floats) -> Floats:
        """Return the covariance [lags, lags, n] for each of n factors of both axes, [n, M]."""
        width = len(spectrum)
        lags = np.arange(1 - self.size, self.size) % width
        result = np.empty((len(lags), len(lags), len(factors)))
        for place, factor in enumerate(factors):
            waves = np.fft.ifft2(spectrum * np.outer(factor, factor))
            result[..., place] = waves.real[np.ix_(lags, lags)] * width**2
        return result


@dataclass(frozen=True)
class _Table:
    """Covariance at all lags as a smooth function of a standard deviation, [lags, lags, nodes]."""

    values: Floats
    step: float

    def at(self, lags: tuple[NDArray[np.int64], NDArray[np.int64]], variances: Floats) -> Floats:
        """Return the values at indices of lags and variances of shapes that broadcast."""
        _, columns, nodes = self.values.shape
        below, weights = self.weights(variances)
        first = (lags[0] * columns + lags[1]) * nodes + below
        flat = self.values.ravel()
        return np.asarray(sum(w * flat.take(first + j) for j, w in enumerate(weights)))

    def mean(self, variances: Floats) -> Floats:
        """Return the mean over these variances, at all lags."""
        below, weights = self.weights(variances)
        share = np.zeros(self.values.shape[2])
        for place, weight in enumerate(weights):
            np.add.at(share, below + place, weight / variances.size)
        return self.values @ share

    def weights(self, variances: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Index of the first of the six nodes of each value, and their weights, [6, ...]."""
        scaled = np.arcsinh(np.sqrt(variances)) / self.step
        below = np.floor(scaled).astype(np.int64)
        rest = scaled - below
        weights = np.ones((len(_NODES), *scaled.shape))
        for row, node in enumerate(_NODES):
            for other in _NODES[node != _NODES]:
                weights[row] *= (rest - other) / (node - other)
        return below, weights


def _nodes(highest: float) -> tuple[Floats, float]:
    """Return standard deviations from 0 to `highest`, as many beyond as are needed, and the step.

    They are equidistant in arsinh. The first ones are negative: all functions are continued there.
    """
    last = float(np.arcsinh(highest))
    step = min(_STEP, last / _FEWEST)
    count = int(np.ceil(last / step)) + 1
    return np.sinh(step * np.arange(_NODES[0], count + _NODES[-1])), step


def _rounded(deviation: float) -> tuple[NDArray[np.int64], Floats]:
    """Return integers and their probabilities: a Gaussian rounded up or down, of mean itself.

    Negative deviations continue the law, which is smooth in them but not even.
    """
    from scipy.special import ndtr

    reach = int(9 * abs(deviation)) + 2
    places = np.arange(-reach, reach + 1)
    if deviation == 0:
        return places, np.where(places == 0, 1.0, 0.0)
    # E (u - z)_+ for z on the integers, from one place before the first to one after the last.
    scaled = np.arange(places[0] - 1, places[-1] + 2) / deviation
    density = np.exp(-0.5 * scaled**2) / np.sqrt(2 * np.pi)
    excess = deviation * (density - np.abs(scaled) * ndtr(-np.abs(scaled)))
    # Beyond the mean it is -z more: z -> max(-z, 0), of second difference 1 at 0.
    return places, np.diff(excess, 2) + np.where(places == 0, 1.0, 0.0)
