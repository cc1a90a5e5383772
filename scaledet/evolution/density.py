r"""Law of every unit of non-overlapping layers, layer by layer.

Units over disjoint pixels stay independent. A background unit X obeys the recursion of `evolve`;
for the unit over the active pixel, in slot i, in law

.. math:: Y_{k+1} = \mathrm{relu}\Bigl(w_i Y_k + \sum_{j \ne i} w_j X_k^{(j)} + b_{k+1}\Bigr) .

Next to the laws, the deviations from the clean image are carried: E(X - c) and E(Y - u)^2 without
cancellation; once no bias below zero is left, they close by themselves, whatever the weights.
Source: our derivation (`derivations/d11_density_evolution.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from typing import Any

import numpy as np

from scaledet.errors import ArgumentError
from scaledet.evolution.clean_signal import slot_weights
from scaledet.evolution.pixel_noise import Noise
from scaledet.evolution.unit_law import UnitLaw, constant, cut, power, total
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.rationals import full_text, parsed
from scaledet.results import contents
from scaledet.scenario import Rectify

__all__ = ["ActiveUnit", "NoisyLayer", "merged_laws", "noisy_layers", "pack", "unpack"]

_MOST = 1024
"""Active units whose laws are kept apart."""

Groups = list[tuple[Fraction, int]]
"""Different weights of a unit's inputs and how many inputs have each."""


@dataclass(frozen=True, eq=False)
class ActiveUnit:
    """The unit over the active pixel, for one sequence of slots of this `probability`.

    `clean`: its height u in the clean image; `law`: its law in the noisy one; `shift`: E(Y - u).
    """

    probability: Fraction
    clean: Fraction
    law: UnitLaw
    shift: float

    @property
    def square(self) -> float:
        """E(Y - u)^2."""
        return self.law.variance + self.shift**2


@dataclass(frozen=True, eq=False)
class NoisyLayer:
    """Law of a background unit at one layer, its `shift` E(X - c), and the active units.

    `active` is empty once only the moments are needed: `active_shift` and `active_square` are
    E(Y - u) and E(Y - u)^2 averaged over the positions at which a unit sees the pixel, times the
    probability `seen` of these.
    """

    background: UnitLaw
    shift: float
    active: tuple[ActiveUnit, ...] = ()
    seen: float = 1.0
    active_shift: float = 0.0
    active_square: float = 0.0

    @property
    def square(self) -> float:
        """E(X - c)^2."""
        return self.background.variance + self.shift**2


def weight_groups(layer: Layer, dim: int) -> Groups:
    """Return the different non-zero weights of a unit and how many inputs have each."""
    positions = layer.stride**dim
    return sorted((w, int(q * positions)) for w, q in slot_weights(layer, dim).items() if w)


def pooled(law: UnitLaw, groups: Groups, points: int) -> UnitLaw:
    """Law of the weighted sum of independent copies of a unit."""
    result = constant(0.0)
    for weight, count in groups:
        if count:
            result = total(result, power(law.scaled(float(weight)), count, points), points)
    return result


def noisy_layers(
    network: Network, noise: Noise, rectify: Rectify, points: int, *, active: bool
) -> list[NoisyLayer]:
    """Laws of layers 0 ... depth; with ``active=False`` of background units only."""
    last_cut = max((k for k, b in enumerate(network.layers, 1) if b.bias < 0), default=0)
    biases = [layer.bias for layer in network.layers]
    clean = list(accumulate(biases, lambda c, b: max(c + b, Fraction(0)), initial=Fraction(0)))
    paths = math.prod(len(weight_groups(layer, network.dim)) for layer in network.layers[:last_cut])
    if active and paths > _MOST:
        raise ArgumentError(
            "kernel must have equal weights, or biases below zero only in early layers: up to the "
            f"last of them, layer {last_cut}, the active unit has {paths} laws, {_MOST} at most"
        )
    layers = [_input_layer(noise, rectify, points, active)]
    for k, layer in enumerate(network.layers, start=1):
        groups = weight_groups(layer, network.dim)
        before = layers[-1]
        if k == 1 and rectify == "layers":
            step = _first_layer(layer, groups, noise, points, active)
        else:
            moments_suffice = k > last_cut and len(groups) > 1
            kept = replace(before, active=()) if moments_suffice else before
            step = _next_layer(kept, clean[k - 1], layer, groups, points)
        share = Fraction(sum(m for _, m in groups), layer.stride**network.dim)
        seen = before.seen * float(share)
        units = tuple(replace(unit, probability=unit.probability * share) for unit in step.active)
        if units:
            shift = sum(float(unit.probability) * unit.shift for unit in units)
            square = sum(float(unit.probability) * unit.square for unit in units)
        else:
            shift, square = _linear(before, groups, seen) if active else (0.0, 0.0)
        layers.append(NoisyLayer(step.background, step.shift, units, seen, shift, square))
    return layers


def _input_layer(noise: Noise, rectify: Rectify, points: int, active: bool) -> NoisyLayer:
    if rectify == "layers":
        law, shift = noise.pooled([(1.0, 1)], points).law(points), noise.mean
    else:
        law = noise.rectified(0.0, points)[0]
        shift = law.edge + law.mean
    if not active:
        return NoisyLayer(law, shift)
    over, moved = law.shifted(1.0), shift
    if rectify == "input":
        over, added = noise.rectified(1.0, points)
        moved = added + noise.mean
    unit = ActiveUnit(Fraction(1), Fraction(1), over, moved)
    square = noise.sigma**2 + moved**2 if rectify == "layers" else unit.square
    return NoisyLayer(law, shift, (unit,), 1.0, moved, square)


def _first_layer(
    layer: Layer, groups: Groups, noise: Noise, points: int, active: bool
) -> NoisyLayer:
    """Rectify the first layer's sum of noise of both signs at the heights of its units."""
    pooled_noise = noise.pooled([(float(w), m) for w, m in groups], points)

    def unit(height: Fraction) -> tuple[UnitLaw, float]:
        law, added = pooled_noise.rectified(float(height), points)
        return law, noise.mean + added if height >= 0 else law.edge + law.mean

    law, shift = unit(layer.bias)
    units = []
    inputs = sum(m for _, m in groups)
    for weight, count in groups if active else []:
        height = weight + layer.bias
        over, moved = unit(height)
        units.append(ActiveUnit(Fraction(count, inputs), max(height, Fraction(0)), over, moved))
    return NoisyLayer(law, shift, tuple(units))


def _next_layer(
    before: NoisyLayer, clean: Fraction, layer: Layer, groups: Groups, points: int
) -> NoisyLayer:
    def rectified(total_law: UnitLaw, shift: float, height: Fraction) -> tuple[UnitLaw, float]:
        law, added = cut(total_law.shifted(float(layer.bias)), points)
        return law, shift + added if height >= 0 else law.edge + law.mean

    background = pooled(before.background, groups, points)
    law, shift = rectified(background, before.shift, clean + layer.bias)
    units: list[ActiveUnit] = []
    inputs = sum(m for _, m in groups)
    for weight, count in groups if before.active else []:
        others = [(w, m - (w == weight)) for w, m in groups]
        rest = pooled(before.background, others, points)
        w = float(weight)
        for unit in before.active:
            height = weight * unit.clean + (1 - weight) * clean + layer.bias
            moved = w * unit.shift + (1 - w) * before.shift
            over, moved = rectified(total(unit.law.scaled(w), rest, points), moved, height)
            probability = unit.probability * Fraction(count, inputs)
            units.append(ActiveUnit(probability, max(height, Fraction(0)), over, moved))
    return NoisyLayer(law, shift, tuple(units))


def _linear(before: NoisyLayer, groups: Groups, seen: float) -> tuple[float, float]:
    """E(Y - u) and E(Y - u)^2 after a layer that cuts nothing, from those before it.

    A unit that sees the pixel through weight w adds the deviations of its other inputs.
    """
    inputs = sum(m for _, m in groups)
    squares = sum(m * float(w) ** 2 for w, m in groups)
    share = seen / before.seen
    shift = square = 0.0
    for weight, count in groups:
        w, part = float(weight), share * count / inputs
        others = (1 - w) * before.shift
        spread = (squares - w * w) * before.background.variance
        shift += part * (w * before.active_shift + before.seen * others)
        square += part * (
            w * w * before.active_square
            + 2 * w * before.active_shift * others
            + before.seen * (spread + others**2)
        )
    return shift, square


def merged_laws(
    backgrounds: Sequence[UnitLaw],
    active: Sequence[Sequence[ActiveUnit]],
    network: Network,
    at: int,
    points: int,
    noise: Noise | None,
) -> list[UnitLaw]:
    """Laws of the unit over two active pixels that first share one at layer `at`, equal weights.

    Before, the two units over them are independent. `noise` enters the first layer, if
    that is where they meet and no ReLU comes before.
    """
    laws: list[UnitLaw] = []
    for k in range(at, network.depth + 1):
        layer = network.layers[k - 1]
        ((weight, count),) = weight_groups(layer, network.dim)
        if k == 1 and noise is not None:
            pooled_noise = noise.pooled([(float(weight), count)], points)
            laws.append(pooled_noise.rectified(float(2 * weight + layer.bias), points)[0])
            continue
        actives = [active[k - 1][0].law] * 2 if k == at else laws[-1:]
        law = power(backgrounds[k - 1].scaled(float(weight)), count - len(actives), points)
        for unit in actives:
            law = total(law, unit.scaled(float(weight)), points)
        laws.append(cut(law.shifted(float(layer.bias)), points)[0])
    return laws


_PARAMETERS = ("edge", "log_atom", "mass", "start", "step", "mean", "variance", "defect", "lost")
_PACKED = {
    "law_values": contents.Values(("points",)),
    "law_parameters": contents.Values((f"laws, {len(_PARAMETERS)}",), infinite=True),
    "active_shift": contents.Values(("units",)),
}


def pack(
    laws: Sequence[UnitLaw], active: Sequence[Sequence[ActiveUnit]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return facts and arrays of the laws of background units and of active ones, to be saved.

    One row of `law_parameters` per law, the active ones after the others; their densities follow
    one another in `law_values`.
    """
    units = [unit for layer in active for unit in layer]
    everything = [*laws, *(unit.law for unit in units)]
    facts = {
        "law_points": [len(law.values) for law in everything],
        "active_units": [len(layer) for layer in active],
        "active_paths": [[full_text(unit.probability), full_text(unit.clean)] for unit in units],
    }
    arrays = {
        "law_values": np.concatenate([law.values for law in everything]),
        "law_parameters": np.array([[getattr(law, p) for p in _PARAMETERS] for law in everything]),
        "active_shift": np.array([unit.shift for unit in units]),
    }
    return facts, arrays


def unpack(
    facts: dict[str, Any], arrays: dict[str, Any]
) -> tuple[tuple[UnitLaw, ...], tuple[tuple[ActiveUnit, ...], ...]]:
    """Remove the entries that `pack` made from `facts` and `arrays`, and return the laws."""
    points = [contents.count()("law_points", n) for n in facts.pop("law_points")]
    counts, paths = facts.pop("active_units"), facts.pop("active_paths")
    if len(points) - len(counts) != len(paths) or sum(counts) != len(paths):
        raise ArgumentError(f"active_paths must hold {sum(counts)} paths; got {len(paths)}")
    lengths = {"points": sum(points), "laws": len(points), "units": len(paths)}
    for name, declared in _PACKED.items():
        declared.check(name, arrays[name], lengths)
    parts = np.split(arrays.pop("law_values"), np.cumsum(points)[:-1])
    laws = []
    for row, values in zip(arrays.pop("law_parameters"), parts, strict=True):
        parameters = dict(zip(_PARAMETERS, map(float, row), strict=True))
        laws.append(UnitLaw(values=values, **parameters))
    shifts, layers = arrays.pop("active_shift"), len(counts)
    units = iter(
        ActiveUnit(parsed(probability), parsed(clean), law, float(shift))
        for (probability, clean), law, shift in zip(paths, laws[layers:], shifts, strict=True)
    )
    active = tuple(tuple(next(units) for _ in range(count)) for count in counts)
    return tuple(laws[:layers]), active
