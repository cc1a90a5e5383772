"""The response of every layer to displacements and to noise, whatever the image."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from scaledet.scenario import Scenario

__all__ = ["Response", "torus"]


class Response(NamedTuple):
    """Arrays over k = 0 ... depth.

    `G_mean` and `G_variance` are the parts of G_k due to the mean and to the variance of the noise.
    """

    D: NDArray[np.float64]
    Q: NDArray[np.float64]
    G_mean: NDArray[np.float64]
    G_variance: NDArray[np.float64]


def torus(scenario: Scenario) -> tuple[int, float]:
    """Pixels a side and standard deviation of the noise, of a scenario of finite size."""
    return cast("int", scenario.size), cast("float", scenario.sigma)
