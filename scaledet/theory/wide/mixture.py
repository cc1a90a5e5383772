r"""Moments behind the ReLU where means and biases differ between output channels.

Given the row h of an output channel, pre-activations at two sites, or of two images, are Gaussian
of means u, v, standard deviations :math:`\sigma, \tau` and covariance c, of which only the means
depend on h. With the heights :math:`u/\sigma, v/\tau` and :math:`\rho = c/\sigma\tau`,

.. math:: E\, \mathrm{relu}(z) \mathrm{relu}(z') = m m' + c\, \Phi(u/\sigma) \Phi(v/\tau)
          + \sigma \tau \int_0^\rho (\rho - r)\, \varphi_r(u/\sigma, v/\tau)\, dr ,

:math:`m = E\, \mathrm{relu}(z)`; all of it is averaged over the rows. Near :math:`\rho = 1` an
integral from there takes its place. The square distance at one site is that at :math:`\rho = 1` and
what a smaller correlation adds: neither is negative, so that small distances keep their digits.
Source: Price 1958; the arrangement is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaledet.theory.noise.gaussians import normal_cdf, normal_density, rectified_mean, unit_rule

__all__ = ["FINE", "ROUGH", "Rule", "Units", "products", "rectified_mixture"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Rule:
    """How exactly integrals over correlations are taken.

    Attributes
    ----------
    arcs : tuple of (float, int)
        The largest correlation, and nodes of a Gauss-Legendre rule in the arcsine from 0 to it.
    nodes : int
        The nodes of the rule from the arcsine to that of correlation 1.
    precise : bool
        Whether integrands are summed in double precision.
    """

    arcs: tuple[tuple[float, int], ...]
    nodes: int
    precise: bool


FINE = Rule(((0.6, 8), (0.8, 12), (0.95, 16), (0.99, 28), (0.999, 48), (1.0, 96)), 48, True)
"""Errors are below 1e-12 times standard deviations."""
ROUGH = Rule(((0.7, 6), (0.9, 8), (0.98, 12), (1.0, 20)), 24, False)
"""Errors are below 1e-7, in a third of the time."""

_NEAR = 0.01
"""Gap of a correlation to 1 below which integrals are taken from 1."""
_CHUNK = {True: 1 << 14, False: 1 << 16}
"""Heights that are held at a time, in double precision or not."""
_HIGHEST = 9.5
"""Units of this height are rectified with a probability below 1e-20; minus it, they are off."""
_CERTAIN = 1e-80
"""Standard deviations below this part of all scales are those of certain values."""


@dataclass(frozen=True)
class Units:
    """Pre-activations of one image at B x V places: scales [B, V, 1], the others [B, V, H]."""

    level: Array
    scale: Array
    height: Array
    on: Array
    mean: Array

    @classmethod
    def of(cls, level: Array, variance: Array) -> Units:
        """Return those of such means [B, V, H] and variances [B, V]."""
        largest = max(float(abs(level).max()), float(variance.max()) ** 0.5)
        scale = np.sqrt(np.maximum(variance, (_CERTAIN * (largest or 1.0)) ** 2))[..., None]
        height = level / scale
        return cls(level, scale, height, normal_cdf(height), scale * rectified_mean(height))

    @property
    def rows(self) -> Array:
        """Heights in the range where rectifying matters, one place a line: [B * V, H]."""
        return self.height.clip(-_HIGHEST, _HIGHEST).reshape(-1, self.height.shape[-1])


def rectified_mixture(levels: Array, covariances: Array, rule: Rule = FINE) -> tuple[Array, Array]:
    """Return the covariances of B pairs of images behind the ReLU, about 0, and the means.

    Parameters
    ----------
    levels : ndarray [2, B, V, H]
        Means of the pre-activations of both images at V places, of H rows.
    covariances : ndarray [4, B, V] or [4, B, V, V]
        Their covariances xx, yy and xy, and that of their difference.
    rule : Rule
        How exactly.

    Returns
    -------
    ndarray of the shape of `covariances`, and ndarray [2, B, V]
        Averages over the rows.
    """
    crossed = covariances.ndim == 4
    variances = np.einsum("pbii->pbi", covariances[:2]) if crossed else covariances[:2]
    x, y = (Units.of(*each) for each in zip(levels, variances, strict=True))
    result = np.empty_like(covariances)
    for place, (first, second) in enumerate(((x, x), (y, y), (x, y))):
        result[place] = products(first, second, covariances[place], rule)
    if crossed:
        result[3] = result[0] + result[1] - result[2] - result[2].swapaxes(1, 2)
        change = np.einsum("bii->bi", covariances[3])
        np.einsum("bii->bi", result[3])[...] = _distance(x, y, change, rule)
    else:
        result[3] = _distance(x, y, covariances[3], rule)
    return result, np.stack([x.mean.mean(axis=-1), y.mean.mean(axis=-1)])


def products(first: Units, second: Units, covariance: Array, rule: Rule) -> Array:
    """Return E relu(z) relu(z'), at all pairs of places or at equal ones."""
    places, count = first.level.shape[1:]
    crossed = covariance.ndim == 3

    def product(left: Array, right: Array) -> Array:
        if crossed:
            return left @ right.swapaxes(1, 2)
        return np.asarray((left * right).sum(axis=-1))

    scales = product(first.scale, second.scale)
    correlation = (covariance / scales).clip(-1.0, 1.0)
    wanted = correlation != 0
    if crossed and first is second:
        wanted &= np.triu(np.ones((places, places), dtype=bool))
    at = np.nonzero(wanted)
    left, right = (at[0] * places + at[axis] for axis in (1, -1))
    tails = np.zeros_like(covariance)
    tails[at] = _tails(first.rows, second.rows, left, right, correlation[at], rule)
    if crossed and first is second:
        tails += np.triu(tails, 1).swapaxes(1, 2)
    known = product(first.mean, second.mean) + covariance * product(first.on, second.on)
    return np.asarray(known / count + scales * tails)


def _distance(x: Units, y: Units, change: Array, rule: Rule) -> Array:
    """Return E (relu(z) - relu(z'))^2 at equal places, `change` being Var(z - z')."""
    scales = (x.scale * y.scale)[..., 0]
    gap = (change - np.square(x.scale - y.scale)[..., 0]) / (2 * scales)
    lost = _lost(x.rows, y.rows, gap.clip(0.0, 2.0).ravel(), rule).reshape(gap.shape)
    return np.asarray(_alike(x, y).mean(axis=-1) + 2 * scales * lost)


def _alike(x: Units, y: Units) -> Array:
    """Return E (relu(u + sigma X) - relu(v + tau X))^2 with the same X, [B, V, H]."""
    higher = x.height > y.height
    low, high = np.minimum(x.height, y.height), np.maximum(x.height, y.height)
    level, scale = x.level - y.level, x.scale - y.scale
    on, density = normal_cdf(low), normal_density(low)
    both = on * level**2 + 2 * level * scale * density + scale**2 * (on - low * density)
    # Else that of the larger height alone is on, over a range of this length.
    length = high - low
    nodes, weights = unit_rule(16)
    short = np.minimum(length, 1.0)
    alone = sum(
        w * q**2 * normal_density(high - short * q) for q, w in zip(nodes, weights, strict=True)
    )
    alone = alone * length**3
    wide = length > 1
    h, k = high[wide], low[wide]
    alone[wide] = (h**2 + 1) * (normal_cdf(h) - normal_cdf(k)) + h * normal_density(h)
    alone[wide] -= (2 * h - k) * normal_density(k)
    return np.asarray(both + np.where(higher, x.scale, y.scale) ** 2 * np.maximum(alone, 0.0))


def _tails(
    first: Array, second: Array, i: Integers, j: Integers, correlation: Array, rule: Rule
) -> Array:
    """Mean over rows of the integral from 0 to each `correlation`, of places i and j [n]."""
    result = np.zeros(len(correlation))
    size, lowest = abs(correlation), 0.0
    for highest, nodes in rule.arcs:
        for some in _chunks((size > lowest) & (size <= highest), first, rule):
            rho = correlation[some, None]
            angle = np.arcsin(rho)
            steps, weights = unit_rule(nodes)
            apart = np.pi / 2 - angle * steps
            factors = (rho - np.cos(apart)) * angle * weights
            result[some] = _integral(first[i[some]], second[j[some]], apart, factors, rule)
        lowest = highest
    return result


def _lost(first: Array, second: Array, gap: Array, rule: Rule) -> Array:
    """Mean over rows of the covariance of relu(h + X), relu(k + X) less that at 1 - `gap`."""
    result = np.empty(len(gap))
    for some in _chunks(gap <= _NEAR, first, rule):
        result[some] = _above(first[some], second[some], gap[some], rule)
    for some in _chunks(gap > _NEAR, first, rule):
        rho = 1 - gap[some]
        result[some] = _joined(first[some], second[some], rho)
        result[some] -= _tails(first, second, some, some, rho, rule)
    return result


def _chunks(chosen: NDArray[np.bool_], heights: Array, rule: Rule) -> Iterator[Integers]:
    places = np.flatnonzero(chosen)
    step = max(1, _CHUNK[rule.precise] // heights.shape[1])
    for start in range(0, len(places), step):
        yield places[start : start + step]


def _joined(h: Array, k: Array, rho: Array) -> Array:
    """Mean over rows of Cov(relu(h + X), relu(k + X)) less its part that is linear in `rho`."""
    low, high = np.minimum(h, k), np.maximum(h, k)
    square = (h * k + 1) * normal_cdf(low) + high * normal_density(low)
    linear = rho[:, None] * normal_cdf(h) * normal_cdf(k)
    return np.asarray((square - rectified_mean(h) * rectified_mean(k) - linear).mean(axis=1))


def _above(h: Array, k: Array, gap: Array, rule: Rule) -> Array:
    """Mean over rows of `_lost` where the correlation is near 1: the orthant probabilities."""
    steps, weights = unit_rule(rule.nodes)
    widest = 2 * np.arcsin(np.sqrt(gap / 2))[:, None]
    apart = widest * steps**3
    factors = (gap[:, None] - 2 * np.sin(apart / 2) ** 2) * 3 * widest * steps**2 * weights
    on = normal_cdf(np.minimum(h, k)).mean(axis=1)
    return np.asarray(gap * on - _integral(h, k, apart, factors, rule))


def _integral(h: Array, k: Array, apart: Array, factors: Array, rule: Rule) -> Array:
    """Mean over rows of sum_q factors_q phi_r(h, k) sqrt(1 - r^2), r = cos `apart`_q."""
    kind = np.float64 if rule.precise else np.float32
    squares, products = np.square(h - k).astype(kind), (h * k).astype(kind)
    narrow = (-1 / (2 * np.maximum(np.sin(apart) ** 2, 1e-30))).astype(kind)
    shallow = (-1 / (1 + np.cos(apart))).astype(kind)
    total, mean = np.zeros(len(h)), np.full(h.shape[1], 1 / h.shape[1], kind)
    exponent, part = np.empty_like(squares), np.empty_like(squares)
    with np.errstate(under="ignore"):
        for q in range(apart.shape[1]):
            np.multiply(squares, narrow[:, q, None], out=exponent)
            np.multiply(products, shallow[:, q, None], out=part)
            exponent += part
            np.exp(exponent, out=exponent)
            total += factors[:, q] * (exponent @ mean)
    return total / (2 * np.pi)
