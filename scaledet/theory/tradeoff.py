r"""The least sensitivity D_k of a non-negative filter that averages no more than a given amount.

:math:`c_k(0) = \sum_j h_j^2` is what noise depends on: G_k falls as it grows. Among all filters
h >= 0 of at most W consecutive weights with c_k(0) >= c, whether of one layer or of many,

.. math:: D_k \ge \max_{0 < \theta \le \pi} \left(1 - \cos\theta - \Phi(\theta)/c\right), \qquad
   \Phi(\theta) = \max_{h \ge 0, \sum h = 1} \sum_j \bigl(h_j h_{j+1} - \cos\theta\, h_j^2\bigr) .

Proof of the bound: the sum is :math:`(1 - \cos\theta - D_k)\, c_k(0)`. The maximum: a filter with a
gap inside is a mixture p, 1 - p of two apart, p^2 and (1 - p)^2 times whose values are convex in
p, so the better of the two alone is at least as good. On w consecutive weights, all positive, the
gradient is constant, so that

.. math:: h_x \propto \cos\theta x - \cos\theta X, \quad X = \tfrac{w + 1}{2}, \qquad
   \Phi_w = \frac{-(1 - \cos\theta) \cos\theta X}{\sin(w \theta/2)/\sin(\theta/2) - w \cos\theta X},

positive for w theta < 2 pi. For (w + 1) theta <= 2 pi the sum is concave where sum h = 1, since a
change v that sums to 0 (and is 0 beyond the w) has
:math:`\sum (v_j - v_{j+1})^2/2 \ge (1 - \cos(2\pi/(w + 1))) \sum v_j^2`. So Phi_w is the maximum,
and grows with w. Beyond, no w positive weights are best, as v_j = sin(2 pi j/(w + 1)) gains: only
the last w need a look. As c falls to the sine window's value the bound becomes
1 - cos(pi/(W + 1)). For a single layer it is attained where one h is the maximiser. Source: our
derivation (Lagrangian duality), step by step in ``derivations/d17_noise_and_stability.py``.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from flint import arb, ctx

from scaledet.isolation import LOCK

__all__ = ["least_sensitivity"]

_BITS = 160


@lru_cache(maxsize=4096)
def least_sensitivity(peak: float, support: int) -> float:
    """Return a lower bound of D_k for c_k(0) >= `peak` and at most `support` weights, rounded down.

    Certified in ball arithmetic at an angle that is found in floats.

    >>> round(least_sensitivity(0.0, 3), 12), round(least_sensitivity(1.0, 9), 12)
    (0.292893218813, 1.0)
    >>> round(least_sensitivity(3 / 8, 3), 12)        # no filter of the noise of [1, 2, 1] beats it
    0.333333333333
    """
    with LOCK, ctx.workprec(_BITS):
        sine = float((1 - (arb.pi() / (support + 1)).cos()).lower())
        if peak * support <= 1:  # No such filter has a smaller c_k(0).
            return _rounded_down(sine)
        theta = arb(_best_angle(peak, support))
        averaged = (1 - theta.cos()) - _maximum(theta, support) / arb(peak)
        return _rounded_down(max(sine, float(averaged.lower())))


def _best_angle(peak: float, support: int) -> float:
    """Return the angle of the largest bound: it is concave in 1 - cos(theta)."""
    from scipy.optimize import minimize_scalar

    def negative(log_angle: float) -> float:
        theta = math.exp(log_angle)
        return float(_maximum(theta, support) / peak - 2 * math.sin(theta / 2) ** 2)

    ends = math.log(math.pi / (support + 1)), math.log(math.pi)
    options = {"xatol": 1e-10}
    found = minimize_scalar(negative, bounds=ends, method="bounded", options=options)
    return min(math.exp(found.x), math.pi)


def _maximum(theta: Any, support: int) -> Any:
    """Phi(theta), of a float or, never too small, of a ball."""
    last = int(2 * math.pi / float(theta))
    sizes = {min(max(size, 1), support) for size in range(last - 2, last + 2)}
    turn = 2 * arb.pi() if isinstance(theta, arb) else 2 * math.pi
    values = [_stationary(theta, size) for size in sizes if not size * theta >= turn]
    return max(values, key=float)


def _stationary(theta: Any, size: int) -> Any:
    """Phi_w(theta)."""
    cos, sin = (arb.cos, arb.sin) if isinstance(theta, arb) else (math.cos, math.sin)
    edge, half = cos(theta * (size + 1) / 2), sin(theta / 2)
    return -2 * half * half * edge / (sin(size * theta / 2) / half - size * edge)


def _rounded_down(value: float) -> float:
    """Return the float below one that may have been rounded up."""
    return math.nextafter(value, 0)
