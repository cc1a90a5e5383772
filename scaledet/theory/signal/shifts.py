r"""Rigid shifts of one pixel and of pairs: exact changes of the representations, and Q_k.

With h_k the composite filter on the torus, :math:`(P e_p)(i) = \prod_a h_k(p_a - S_k i_a)`, and per
axis :math:`K_k(p, q) = \sum_i h_k(p - S_k i)\, h_k(q - S_k i)`, a shift of the pixel p by m changes
the representation by

.. math:: |P(e_{p+m} - e_p)|^2 = \prod_a K_k(p_a + m_a, p_a + m_a) + \prod_a K_k(p_a, p_a)
          - 2 \prod_a K_k(p_a + m_a, p_a).

Averaged over the grid phase, :math:`K_k(p, p + m)` is :math:`c_k(m)/S_k`. Two pixels shift
together: each changes as above, and twice the inner product of both changes is added. All is exact
in integers. Source: our derivation, after the model of Tomasini et al., arXiv:2210.01506.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import numpy as np
from flint import fmpz

from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.network.network import Network
from scaledet.theory.correlation.exact import composite_filter, correlation
from scaledet.theory.signal.axis_sums import AxisSums
from scaledet.theory.signal.pairs import PairAverage, exact_moments, roomy_filter

__all__ = ["Change", "Position", "pairs_change", "pixel_change", "require_memory"]

Position = tuple[int, ...] | Literal["worst"] | None
"""Where images stand: moved by so many pixels, where they change most, or anywhere (None)."""

_MOST_PHASES = 2**20
"""Grid phases that are compared at most."""
_LONGEST = 2**22
"""Longest arrays of integers (pixels): the composite filter, or the lags up to the shift."""


class Change(NamedTuple):
    """E|f_k(S_m x) - f_k(x)|^2 and Q_k, exact."""

    moved: Fraction
    distance: Fraction


def require_memory(net: Network, shift: Sequence[int], position: Position) -> None:
    """Raise if `pixel_change` would need arrays that are too long."""
    seen, farthest = net.support[-1], max(map(abs, shift))
    if position is None and min(seen, farthest) > _LONGEST:
        raise ArgumentError(
            f"shift must be at most {_LONGEST} pixels where the layers see farther, {seen} pixels; "
            f"got {farthest}"
        )
    if position is not None and seen + min(seen, farthest) > _LONGEST:
        raise ArgumentError(
            f"phase must be 'average' where the layers see more than {_LONGEST} pixels, or half "
            f"of it and the shift as far; got {position!r} for the position and {seen} pixels"
        )
    phases = net.strides[-1] ** net.dim
    if position == "worst" and phases > _MOST_PHASES:
        raise ArgumentError(
            f"position must be that of a pixel, not 'worst', where the layers have {phases} grid "
            f"phases; at most {_MOST_PHASES} are compared"
        )


def pixel_change(
    net: Network, depth: int, shift: Sequence[int], size: int | None, position: Position
) -> Change:
    """Evaluate `Change` of one pixel at `position`; Q_k is that of uniform positions."""
    stride, dim = net.strides[depth], net.dim
    support = net.support[depth]
    # Lags beyond the filter have no correlation; on the torus none is longer than half of it.
    lags = [min(abs(m), support) for m in shift]
    exact = correlation(net, depth, size=size, lags=max(1, *lags))
    values, power = exact.values, exact.scale**dim
    peak = values[0] ** dim
    excess = Fraction(peak, power) - (Fraction(1, size**dim) if size else 0)
    if excess == 0:
        raise ExhaustionError.at(depth, size)
    if position is None:
        moved = 2 * Fraction(peak - math.prod(values[lag] for lag in lags), power)
    else:
        moved = stride**dim * _at_phase(net, depth, shift, size, position)
    return Change(moved / stride**dim, 2 * excess / stride**dim)


def _at_phase(
    net: Network, depth: int, shift: Sequence[int], size: int | None, position: Any
) -> Fraction:
    """Change of one pixel at one position, or at the worst one."""
    axes = [_grams(net, depth, m, size) for m in shift]
    if position == "worst":
        over_axes = zip(*axes, strict=True)
    else:
        at = [p % net.strides[depth] for p in position]
        over_axes = zip(
            *([gram[p : p + 1] for gram in grams] for p, grams in zip(at, axes, strict=True)),
            strict=True,
        )
    after, before, both = (_outer(grams) for grams in over_axes)
    scale = sum(composite_filter(net, depth)) ** (2 * net.dim)
    return Fraction(int((after + before - 2 * both).max()), scale)


def _outer(vectors: Sequence[Any]) -> Any:
    result = vectors[0]
    for vector in vectors[1:]:
        result = np.multiply.outer(result, vector)
    return result


def _grams(net: Network, depth: int, m: int, size: int | None) -> tuple[Any, Any, Any]:
    """K_k(p + m, p + m), K_k(p, p) and K_k(p + m, p) for p = 0 ... S_k - 1, in integers."""
    stride = net.strides[depth]
    pool = list(map(fmpz, composite_filter(net, depth)))
    # Shifts beyond the filter differ in phase only.
    reach = len(pool) + (abs(m) - len(pool)) % stride if abs(m) > len(pool) else abs(m)
    if size is not None and size < len(pool) + abs(m):
        pool = list(map(fmpz, composite_filter(net, depth, size)))
    else:  # A torus of this length is so large that nothing meets itself.
        m = reach if m > 0 else -reach
        pool += [fmpz(0)] * reach
        pool += [fmpz(0)] * (-len(pool) % stride)
    before = np.array(pool, dtype=object)
    after = np.roll(before, -m)
    products = (after * after, before * before, after * before)
    first, second, both = (values.reshape(-1, stride).sum(axis=0) for values in products)
    return first, second, both


def pairs_change(net: Network, depth: int, shift: Sequence[int], average: PairAverage) -> Change:
    """Evaluate `Change` of the pairs of a task, where the task has them."""
    task, dim = average.task, net.dim
    sums = AxisSums(task, net.strides[depth])
    pool, scale = roomy_filter(net, depth, task.size, exact=True, room=max(map(abs, shift)))
    after = [np.roll(pool, -m) for m in shift]
    before = [pool] * dim

    def overlap(first: list[Any], second: list[Any]) -> Fraction:
        """Mean of <u_p, v_p> + <u_p, v_q>, u and v pooling the pixels by these filters."""
        axes = list(zip(first, second, strict=True))
        alone = average.first_pixel([sums.by_phase(a * b).sum(axis=0) for a, b in axes])
        return Fraction(alone + average.pairs([sums.nested(a, b) for a, b in axes]))

    moved = overlap(after, after) + overlap(before, before) - 2 * overlap(after, before)
    distance = exact_moments(net, depth, average).distance
    return Change(2 * moved / scale ** (2 * dim), distance)
