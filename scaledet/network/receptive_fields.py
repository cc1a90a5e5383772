"""Widths of what the outputs of a network read, one number a layer, as results show them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet.network.network import Network

__all__ = ["receptive_fields", "supports", "width_column"]


def receptive_fields(net: Network) -> NDArray[Any]:
    """Return A_k, k = 0 ... depth (pixels), where the axes differ their geometric mean.

    Signed kernels have none, and are refused.

    >>> from scaledet.network.layer import Layer
    >>> receptive_fields(Network([Layer((2, 8))], dim=2))
    array([1., 4.])
    """
    if net.alike or net.signed:
        return np.array(net.box_width)
    return np.array(_means(net.summary().A))


def supports(net: Network) -> NDArray[Any]:
    """Return the supports, k = 0 ... depth (pixels), where the axes differ their geometric mean."""
    return np.array(net.support if net.alike else _means(net.summary().support))


def _means(rows: Sequence[tuple[float, ...]]) -> list[float]:
    """Return the geometric means over the axes, exactly where all are equal."""
    return [row[0] if len(set(row)) == 1 else math.prod(row) ** (1 / len(row)) for row in rows]


def width_column(net: Network, *, signed: bool | None = None) -> dict[str, Any]:
    """Return the column "A" of a table, or the column "support" where there is no A_k.

    That is where kernels are signed: those of `net`, or of another network, as `signed` says.
    """
    if net.signed if signed is None else signed:
        return {"support": supports(net)}
    return {"A": receptive_fields(net)}
