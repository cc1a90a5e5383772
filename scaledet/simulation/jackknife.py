"""Standard errors of ratios of means, from what they are without one sample at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["jackknife_errors"]


def jackknife_errors(without: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard errors of estimates that are `without` [n, ...] if sample i is left out.

    That of a mean is the usual one:

    >>> sample = np.array([1.0, 2.0, 4.0, 9.0])
    >>> usual = np.sqrt(sample.var(ddof=1) / 4)
    >>> bool(np.isclose(jackknife_errors((sample.sum() - sample) / 3), usual, rtol=1e-12))
    True
    """
    return np.asarray(np.sqrt((len(without) - 1) * without.var(axis=0)))
