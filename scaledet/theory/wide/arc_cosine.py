r"""The arc-cosine kernel of order one, E relu(u) relu(v) of centred Gaussians.

With variances a, b and covariance c, :math:`\cos\theta = c/\sqrt{ab}`, it is

.. math:: \kappa(a, b, c) = \frac c2 + \frac{\sqrt{ab}}{2\pi} (\sin\theta - \theta \cos\theta) .

Nothing cancels: the first part is linear, so differences are taken before the ReLU; the second, the
*excess*, is of the order of :math:`\theta^3` where two images agree.
Source: Cho and Saul 2009; the division is ours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["excess"]

Array = NDArray[np.float64]

_SMALL = 0.5
# (sin x - x cos x) / x^3 in powers of -x^2: the terms are 2 n / (2 n + 1)!.
_SERIES = tuple(
    2 * n / factorial
    for n, factorial in enumerate(
        (6, 120, 5040, 362880, 39916800, 6227020800, 1307674368000), start=1
    )
)


def excess(first: Array, second: Array, covariance: Array) -> Array:
    """Return E relu(u) relu(v) - c/2 for standard deviations `first`, `second`; they broadcast.

    >>> round(float(excess(np.array(1.0), np.array(1.0), np.array(0.0)) * 2 * np.pi), 12)
    1.0
    """
    scale = np.broadcast_to(first * second, covariance.shape)
    alive = scale > 0
    gap = np.divide(scale - covariance, 2 * scale, out=np.zeros_like(covariance), where=alive)
    np.clip(gap, 0.0, 1.0, out=gap)
    angle = 2 * np.arcsin(np.sqrt(gap))
    square = angle * angle
    result = np.full_like(angle, _SERIES[-1])
    for term in _SERIES[-2::-1]:
        result *= -square
        result += term
    result *= square
    result *= angle
    large = angle > _SMALL
    wide = angle[large]
    result[large] = np.sin(wide) - wide * np.cos(wide)
    result *= scale
    result /= 2 * np.pi
    return result
