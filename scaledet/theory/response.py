"""The response of every layer to displacements and to noise, whatever the image."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from scaledet.scenario import Scenario

__all__ = ["Response", "torus"]


class Response(NamedTuple):
    """Arrays over k = 0 ... depth.

    `D` and `Q` are D_k and Q_k; `noise_mean` and `noise_variance` the parts of G_k that the mean
    and the variance of the noise contribute.
    """

    D: NDArray[np.float64]
    Q: NDArray[np.float64]
    noise_mean: NDArray[np.float64]
    noise_variance: NDArray[np.float64]


def torus(scenario: Scenario) -> tuple[int, float]:
    """Pixels a side and standard deviation of the noise, of a scenario of finite size."""
    return cast("int", scenario.size), cast("float", scenario.sigma)
