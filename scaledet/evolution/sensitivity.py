r"""G_k and the moments of a unit from its law, each with an error from two coarser grids.

On the torus, with :math:`B_k = (N/S_k)^d` units, of which one sees the active pixel,

.. math:: G_k Q_k = (B_k - 1)\, E(X_k - c_k)^2 + E(Y_k - u_k)^2 ;

on the infinite lattice, noise of total power L sigma^2 = 2 gives
:math:`G_k Q_k = 2 E(X_k - c_k)^2 / (\sigma^2 S_k^d)`. Source: our derivation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scaledet.evolution.density import NoisyLayer, noisy_layers
from scaledet.evolution.grid import Array
from scaledet.evolution.pixel_noise import Noise
from scaledet.evolution.unit_law import NEGLIGIBLE
from scaledet.scenario import Scenario

__all__ = ["COLUMNS", "noise_columns"]

Columns = dict[str, Array]

COLUMNS = ("G", "atom", "mean", "variance")
_ROUNDING = 4e-15
_COARSE = (0.77, 0.6)
_SAFETY = 4
"""Factor of the differences between grids, which for rough laws are partly chance."""


def noise_columns(
    scenario: Scenario, noise: Noise, points: int, distance: Array
) -> tuple[Columns, list[NoisyLayer]]:
    """Return the values and errors of `COLUMNS`, and the laws; `distance` is Q_k where not 0.

    The relative error of a layer is four times the largest difference between the grids so far, of
    the quantity itself or of mass, mean or variance of the unit (but for the atom, which may be far
    smaller than the numbers that it is computed from): layers inherit earlier errors.
    """
    net, rectify, finite = scenario.network, scenario.rectify, scenario.size is not None
    fine, *coarser = (
        noisy_layers(net, noise, rectify, round(part * points), active=finite)
        for part in (1.0, *_COARSE)
    )
    units = [_units(scenario, noise.sigma, k, layer.seen) for k, layer in enumerate(fine)]
    values = _values(fine, units, distance)
    rough = [_values(layers, units, distance) for layers in coarser]
    errors = {
        name: _SAFETY * np.max([_difference(value, other[name]) for other in rough], axis=0)
        for name, value in values.items()
    }
    laws = np.max([errors[name] for name in ("mass", "mean", "variance")], axis=0)
    beyond = _beyond(fine, units, distance)
    for name in COLUMNS:
        value = values[name]
        largest = errors[name] if name == "atom" else np.maximum(errors[name], laws[: len(value)])
        relative = np.maximum.accumulate(largest) + _ROUNDING * (1 + np.arange(len(value)))
        values[f"{name}_err"] = relative * np.abs(value) + beyond[name]
    del values["mass"]
    return values, fine


def _difference(first: Array, second: Array) -> Array:
    """Relative difference; 0 where both are 0."""
    scale = np.maximum(np.abs(first), np.abs(second))
    return np.divide(np.abs(first - second), scale, out=np.zeros(len(scale)), where=scale > 0)


def _units(scenario: Scenario, sigma: float, layer: int, seen: float) -> float:
    """Count the background units; on the infinite lattice for L = 2 / sigma^2 pixels."""
    dim, stride = scenario.network.dim, scenario.network.strides[layer]
    if scenario.side is None:
        return float(2 / (sigma**2 * stride**dim))
    return float((scenario.side // stride) ** dim) - seen


def _values(layers: Sequence[NoisyLayer], units: Sequence[float], distance: Array) -> Columns:
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


def _beyond(layers: Sequence[NoisyLayer], units: Sequence[float], distance: Array) -> Columns:
    """Estimate the contribution of the dropped ends of the grids."""
    lost = np.array([layer.background.lost for layer in layers])
    return {
        "G": (np.array(units) * lost)[: len(distance)] / distance,
        "atom": np.full(len(lost), NEGLIGIBLE),
        "mean": np.sqrt(NEGLIGIBLE * lost),
        "variance": lost,
    }
