"""Filters that are formulas rather than whole numbers: Gaussian and Lanczos, made exact."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from scaledet import validate
from scaledet.network.kernel import LONGEST, Kernel

__all__ = ["gaussian", "lanczos"]

DECIMALS = 12
"""Decimal places that the values of a formula are rounded to, before they are divided by their sum.

More than single precision holds, few enough that exponents stay quick to compute.
"""


def gaussian(length: int, sigma: Any) -> Kernel:
    r"""Return the sampled Gaussian :math:`a_j \propto e^{-(j - (f - 1)/2)^2 / 2 \sigma^2}`.

    The values, in units of the largest, are rounded to 12 decimal places and divided by their exact
    sum: the weights are rationals, symmetric, and sum to 1. Of an odd length they miss the sum rule
    at stride 2, so that alpha is 0, however small the plateau; of an even length they meet it.

    Parameters
    ----------
    length : int
        Number f of weights (pixels).
    sigma : real
        Standard deviation of the Gaussian (pixels), at least 0.01. A weight below 5e-13 of the
        largest is 0.

    Raises
    ------
    ValueError, TypeError
        If `length` is no integer of at least 1, or `sigma` no finite number of at least 0.01.

    Examples
    --------
    >>> kernel = gaussian(7, 1)
    >>> sum(kernel), [round(float(weight), 4) for weight in kernel]
    (Fraction(1, 1), [0.0044, 0.054, 0.242, 0.3991, 0.242, 0.054, 0.0044])
    >>> gaussian(3, 1).integers
    (606530659713, 1000000000000, 606530659713)
    """
    length = validate.integer("length", length, 1, LONGEST)
    spread = validate.real("sigma", sigma, minimum=0.01)
    nearest = (length - 1) % 2 / 2
    places = (j - (length - 1) / 2 for j in range(length))
    return Kernel(_rounded(math.exp((nearest**2 - x**2) / 2 / spread / spread) for x in places))


def lanczos(stride: int, lobes: int = 3) -> Kernel:
    r"""Return the signed Lanczos filter that image editors shrink by `stride` with.

    .. math:: a_j \propto \operatorname{sinc}(x_j) \operatorname{sinc}(x_j / n), \qquad
        x_j = (j - \text{centre}) / s, \quad |x_j| < n,

    with sinc(x) = sin(pi x)/(pi x), s the stride and n the number of lobes. The centre is that of
    the s pixels that the output stands for: there are 2 n s weights if the stride is even, one less
    if it is odd. Values are rounded to 12 decimal places and divided by their exact sum. Some are
    negative, so the theory does not cover this filter; ``simulate`` runs it.

    Parameters
    ----------
    stride : int
        Pixels per output pixel, at least 1 (1: the filter of a single weight).
    lobes : int, default 3
        Number n of lobes on each side.

    Examples
    --------
    >>> kernel = lanczos(2, lobes=2)
    >>> [round(float(weight), 4) for weight in kernel], sum(kernel)
    ([-0.0089, -0.0419, 0.1165, 0.4343, 0.4343, 0.1165, -0.0419, -0.0089], Fraction(1, 1))
    """
    lobes = validate.integer("lobes", lobes, 1, 64)
    stride = validate.integer("stride", stride, 1, LONGEST // (2 * lobes))
    count = 2 * lobes * stride - stride % 2
    places = ((j - (count - 1) / 2) / stride for j in range(count))
    weights = _rounded(_sinc(place) * _sinc(place / lobes) for place in places)
    total = sum(weights)
    return Kernel([Fraction(weight, total) for weight in weights], signed=True)


def _sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0


def _rounded(values: Iterable[float]) -> list[int]:
    """Return values in units of the last decimal place that is kept."""
    return [round(value * 10**DECIMALS) for value in values]
