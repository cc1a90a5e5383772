"""Linear noise: its exponent is 0, for it shrinks as the pixel does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.reference.exact import number
from scaledet.reference.pixel import PooledPixel
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Step

__all__ = ["linear_noise"]


def linear_noise(pools: Sequence[PooledPixel]) -> Step:
    """Return the step beta = 0, confronted with pooled noise and pixels at layers 1 to 3."""
    return Step(
        "Linear noise is neither averaged away nor piled up.",
        sp.Eq(y.beta, sp.Integer(0)),
        "the energy of white noise and $Q_k$ both shrink as $c_k(0)^d$.",
        Check("energies of pooled noise and pixels", partial(_confront, pools=pools)),
    )


def _confront(claim: Any, *, pools: Sequence[PooledPixel]) -> str:
    cases = []
    for pooled in pools:
        layers = (1, 2) if pooled.stride(1) > 1 else (1, 2, 3)
        energies = [sum(_filter(pooled, layer)) / pooled.correlation(layer, 0) for layer in layers]
        cases += [{y.beta: sp.log(number(energy / energies[0]))} for energy in energies[1:]]
    return agree(claim, cases)


def _filter(pooled: PooledPixel, layer: int) -> list[Any]:
    """Squared weights of one output unit."""
    reach = len(pooled.layer(1)[0]) * pooled.stride(layer) * layer
    return [pooled.filter(layer, j) ** 2 for j in range(-1, reach + 1)]
