r"""Random networks of finite width: how far their mean is from the limit of many channels.

The covariances of a layer's units over its `width` channels scatter by 1/sqrt(width) from network
to network, and their mean is off by 1/width only. The scatter is taken away by what is known of it:
with F the map from a layer's covariances to those of the next (many channels), the sum l of

.. math:: l_k = F'(\Phi_{k-1})\, l_{k-1} + (\hat\Phi_k - F(\hat\Phi_{k-1}))

has mean 0 at any width, because the channels of layer k are independent given the layer before.
What is left of a network's deviation, :math:`F(\hat\Phi_{K-1}) - \Phi_K - F'(\Phi_{K-1})\,
l_{K-1}`, is of second order, of mean and scatter 1/width. The weights of all layers but the last
are drawn; over those of the last the mean is taken exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STEP = 1e-3
"""Of the central difference that stands for a derivative: it is linear to 1e-6 and odd, exactly."""


@dataclass(frozen=True)
class FiniteWidth:
    """Layers with one tap covariance [F, F], variance of weights 2, on images [n, N] of a torus."""

    images: np.ndarray
    taps: np.ndarray
    depth: int

    def limit(self):
        """Return E|f(x) - f(y)|^2 per channel of every two images [n, n], many channels."""
        return self._distances(self._limits()[-1])

    def deviations(self, width, networks, rng):
        """Return for every network a [n, n] whose mean is the mean deviation from `limit`."""
        limits = self._limits()
        return np.array([self._deviation(limits, width, rng) for _ in range(networks)])

    def _limits(self):
        flat = self.images.ravel()
        limits = [np.outer(flat, flat)]
        for _ in range(self.depth):
            limits.append(self._next(limits[-1]))
        return limits

    def _deviation(self, limits, width, rng):
        covariance, linear = limits[0], np.zeros_like(limits[0])
        units = self.images[None]
        for limit in limits[:-2]:
            units = self._layer(units, width, rng)
            flat = units.reshape(width, -1)
            drawn = flat.T @ flat / width
            linear = self._derivative(limit, linear) + drawn - self._next(covariance)
            covariance = drawn
        rest = self._next(covariance) - limits[-1] - self._derivative(limits[-2], linear)
        return self._distances(rest)

    def _layer(self, units, width, rng):
        """Send units [channels, n, N] through a layer of random filters and a ReLU."""
        channels, taps = len(units), len(self.taps)
        values, vectors = np.linalg.eigh(self.taps)
        root = vectors * np.sqrt(np.maximum(values, 0))
        weights = rng.standard_normal((width, channels, taps)) @ root.T * np.sqrt(2 / channels)
        windows = np.stack([np.roll(units, -f, axis=2) for f in range(taps)], axis=1)
        result = weights.reshape(width, -1) @ windows.reshape(channels * taps, -1)
        return np.maximum(result, 0).reshape(width, *self.images.shape)

    def _next(self, covariance):
        n, size = self.images.shape
        maps = covariance.reshape(n, size, n, size)
        pooled = sum(
            2 * share * np.roll(maps, (-f, -g), axis=(1, 3))
            for (f, g), share in np.ndenumerate(self.taps)
            if share
        ).reshape(n * size, n * size)
        deviation = np.sqrt(np.diag(pooled))
        scale = np.outer(deviation, deviation)
        cosine = np.divide(pooled, scale, out=np.ones_like(scale), where=scale > 0).clip(-1, 1)
        angle = np.arccos(cosine)
        return scale * (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi)

    def _derivative(self, covariance, change):
        ends = [self._next(covariance + sign * _STEP * change) for sign in (1, -1)]
        return (ends[0] - ends[1]) / (2 * _STEP)

    def _distances(self, covariance):
        n, size = self.images.shape
        together = np.einsum("aibi->ab", covariance.reshape(n, size, n, size))
        norms = np.diag(together)
        return norms[:, None] + norms - 2 * together
