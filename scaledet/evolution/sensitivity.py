r"""G_k and the moments of a unit from its law, each with an error from two coarser grids.

On the torus, with :math:`B_k = (N/S_k)^d` units, of which one sees the active pixel,

.. math:: G_k Q_k = (B_k - 1)\, E(X_k - c_k)^2 + E(Y_k - u_k)^2 ;

on the infinite lattice, noise of total power L sigma^2 = 2 gives
:math:`G_k Q_k = 2 E(X_k - c_k)^2 / (\sigma^2 S_k^d)`. Source: our derivation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from scaledet.evolution.density import NoisyLayer, noisy_layers
from scaledet.evolution.unit_law import NEGLIGIBLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scaledet.evolution.pixel_noise import Noise
    from scaledet.network.network import Network

    Columns = dict[str, NDArray[np.float64]]

__all__ = ["COLUMNS", "noise_columns"]

COLUMNS = ("G", "atom", "mean", "variance")
_ROUNDING = 4e-15
_COARSE = (0.77, 0.6)
_SAFETY = 4
"""What the differences between grids are multiplied by: those of rough laws are partly chance."""


def noise_columns(
    network: Network,
    size: int | None,
    noise: Noise,
    rectify: str,
    points: int,
    distance: NDArray[np.float64],
) -> tuple[Columns, list[NoisyLayer]]:
    """Return the values and errors of `COLUMNS`, and the laws; `distance` is Q_k where not 0.

    The relative error of a layer is four times the largest difference between the grids so far, of
    the quantity itself or of mass, mean or variance of the unit (but for the atom, which may be far
    smaller than what it is computed from): layers inherit the errors of those before.
    """
    fine, *coarser = (
        noisy_layers(network, noise, rectify, round(part * points), active=size is not None)
        for part in (1.0, *_COARSE)
    )
    units = [_units(network, size, noise.sigma, k, layer.seen) for k, layer in enumerate(fine)]
    values = _values(fine, units, distance)
    rough = [_values(layers, units, distance) for layers in coarser]

    def apart(name: str) -> NDArray[np.float64]:
        found = np.max([_difference(values[name], other[name]) for other in rough], axis=0)
        return np.asarray(_SAFETY * found)

    own = {name: apart(name) for name in (*COLUMNS, "mass")}
    laws = np.max([own[name] for name in ("mass", "mean", "variance")], axis=0)
    beyond = _beyond(fine, units, distance)
    for name in COLUMNS:
        value = values[name]
        largest = own[name] if name == "atom" else np.maximum(own[name], laws[: len(value)])
        relative = np.maximum.accumulate(largest) + _ROUNDING * (1 + np.arange(len(value)))
        values[f"{name}_err"] = relative * np.abs(value) + beyond[name]
    del values["mass"]
    return values, fine


def _difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative difference; 0 where both are 0."""
    scale = np.maximum(np.abs(one), np.abs(other))
    return np.divide(np.abs(one - other), scale, out=np.zeros(len(scale)), where=scale > 0)


def _units(network: Network, size: int | None, sigma: float, layer: int, seen: float) -> float:
    """Background units, or what stands for them on the infinite lattice, L = 2 / sigma^2."""
    stride = network.strides[layer]
    if size is None:
        return float(2 / (sigma**2 * stride**network.dim))
    return float((size // stride) ** network.dim) - seen


def _values(
    layers: Sequence[NoisyLayer], units: Sequence[float], distance: NDArray[np.float64]
) -> Columns:
    noise = [
        count * layer.square + layer.active_square
        for count, layer in zip(units, layers, strict=True)
    ]
    laws = [layer.background for layer in layers]
    return {
        "G": np.array(noise)[: len(distance)] / distance,
        "atom": np.array([law.atom for law in laws]),
        "mass": np.array([law.mass for law in laws]),
        "mean": np.array([law.edge + law.mean for law in laws]),
        "variance": np.array([law.variance for law in laws]),
    }


def _beyond(
    layers: Sequence[NoisyLayer], units: Sequence[float], distance: NDArray[np.float64]
) -> Columns:
    """Estimate what the dropped ends of the grids can amount to."""
    lost = np.array([layer.background.lost for layer in layers])
    return {
        "G": (np.array(units) * lost)[: len(distance)] / distance,
        "atom": np.full(len(lost), NEGLIGIBLE),
        "mean": np.sqrt(NEGLIGIBLE * lost),
        "variance": lost,
    }
