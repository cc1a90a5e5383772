"""Laws of units as plain arrays, and back."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet.evolution.density import ActiveUnit
from scaledet.evolution.unit_law import UnitLaw

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["pack", "unpack"]

_PARAMETERS = ("edge", "log_atom", "mass", "start", "step", "mean", "variance", "defect",
               "lost")  # fmt: skip

Laws = tuple[UnitLaw, ...]
Active = tuple[tuple[ActiveUnit, ...], ...]


def pack(
    laws: Sequence[UnitLaw], active: Sequence[Sequence[ActiveUnit]]
) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """Return meta data and arrays of the laws of background units and of active ones.

    One row of `law_parameters` per law, the active ones after the others; their densities follow
    one another in `law_values`.
    """
    units = [unit for layer in active for unit in layer]
    everything = [*laws, *(unit.law for unit in units)]
    meta = {
        "law_points": [len(law.values) for law in everything],
        "active_units": [len(layer) for layer in active],
        "active_paths": [[str(unit.probability), str(unit.clean)] for unit in units],
    }
    arrays = {
        "law_values": np.concatenate([law.values for law in everything]),
        "law_parameters": np.array(
            [[getattr(law, name) for name in _PARAMETERS] for law in everything]
        ),
        "active_shift": np.array([unit.shift for unit in units]),
    }
    return meta, arrays


def unpack(
    meta: dict[str, Any], arrays: dict[str, Any]
) -> tuple[Laws, Active, dict[str, Any], dict[str, Any]]:
    """Return the laws that `pack` packed, and what else is in `meta` and `arrays`."""
    meta, arrays = dict(meta), dict(arrays)
    ends = np.cumsum(meta.pop("law_points"))
    parts = np.split(arrays.pop("law_values"), ends[:-1])
    rows = arrays.pop("law_parameters")
    found = []
    for row, values in zip(rows, parts, strict=True):
        named = dict(zip(_PARAMETERS, map(float, row), strict=True))
        found.append(UnitLaw(values=values, **named))
    counts, paths = meta.pop("active_units"), meta.pop("active_paths")
    shifts = arrays.pop("active_shift")
    background, over = found[: len(counts)], iter(found[len(counts) :])
    units = iter(
        ActiveUnit(Fraction(probability), Fraction(clean), law, float(shift))
        for (probability, clean), law, shift in zip(paths, over, shifts, strict=True)
    )
    active = tuple(tuple(next(units) for _ in range(count)) for count in counts)
    return tuple(background), active, meta, arrays
