"""Filters that attain the limits of `derive_limits`, and stacks of layers that must not beat them.

Weights are written down and their squares summed; nothing here knows a closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import sympy as sp

from scaledet import symbols as y
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.rates import measured_alpha, measured_beta, pooled_values
from scaledet.symbolic.claims import agree
from scaledet.symbols import k

__all__ = ["FAMILY", "box", "dense_eigenvalue", "measured", "members", "parabola", "peaked",
           "sine", "tried"]  # fmt: skip

Weights = tuple[int, ...]
Values = dict[Any, Callable[..., Any]]
Family = Callable[[int], list[Any]]

PANEL = (
    (((1, 2, 4), 2), ((3, 1, 0, 2), 3)),
    (((1, 1), 2),),
    (((1, 3, 3, 1), 2),),
    (((2, 1, 1), 1),),
)
"""Layers that are stacked, the last one repeated; one stack per row."""
FILTERS = (
    ((1, 1), 2), ((1, 2, 1), 2), ((1, 1, 1), 2), ((2, 1), 2), ((1,) * 6, 3), ((1, 0, 1), 2),
    ((1, 2, 0, 1, 2), 2),
)  # fmt: skip
"""Filters and strides whose exponents are measured."""
LAYERS = [{k: layer} for layer in (1, 2, 3)]
FAMILY = [{k: member} for member in (1, 2, 3, 4)]
"""In a family of filters k is the number of the member."""


def tried(
    claim: Any, weights: Weights | None, stride: int, family: Family, digits: int = 25
) -> str:
    """Confront an inequality with stacks of layers, and find it attained in a family."""
    stacks = [*PANEL, *([((weights, stride),)] if weights else [])]
    for layers in stacks:
        agree(claim, LAYERS, _pooled(layers))
    attained = agree(claim, FAMILY, members(family), tight=True, digits=digits)
    return f"{len(LAYERS) * len(stacks)} cases of pooled images; {attained}"


def measured(claim: Any, weights: Weights | None, stride: int) -> str:
    """Confront a limit of an exponent with measured ones, and find it attained."""
    panel = [*FILTERS, *([(weights, stride)] if weights and stride > 1 else [])]
    cases = [
        {y.alpha: measured_alpha(*one), y.beta: dim * measured_beta(*one), y.d: dim}
        for one in panel
        for dim in (1, 2)
    ]
    return agree(claim, cases, tight=True)


@cache
def _pooled(layers: tuple[tuple[Weights, int], ...]) -> Values:
    return pooled_values(
        PooledPixel([([Fraction(w, sum(weights)) for w in weights], s) for weights, s in layers])
    )


@cache
def members(family: Family) -> Values:
    """Every quantity of member k of a family, summed from its weights.

    >>> values = members(box)
    >>> values[y.c](2, 1), values[y.A](2), values[y.D](2)
    (2/9, 3, 1/3)
    """

    @cache
    def found(member: int) -> dict[Any, Any]:
        with mpmath.workdps(70):
            weights = family(member)
            total = sum(weights)
            taps = [weight / total for weight in weights]
            mean = sum(at * tap for at, tap in enumerate(taps))
            spread = sum(at * at * tap for at, tap in enumerate(taps)) - mean * mean
            squares = [
                _number(sum(u * v for u, v in zip(taps, taps[lag:], strict=False)))
                for lag in (0, 1, 2)
            ]
            return {
                y.c: squares, y.D: 1 - squares[1] / squares[0], y.W: sp.Integer(len(taps)),
                y.A: sp.sqrt(1 + 12 * _number(spread)), y.highest: _number(max(taps)),
            }  # fmt: skip

    def single(name: Any) -> Callable[..., Any]:
        return lambda member: found(member)[name]

    return {
        y.c: lambda member, lag: found(member)[y.c][lag],
        **{name: single(name) for name in (y.D, y.W, y.A, y.highest)},
    }


def _number(value: Any) -> Any:
    if isinstance(value, Fraction):
        return sp.Rational(*value.as_integer_ratio())
    return sp.Float(mpmath.nstr(value, 60), 60)


def box(member: int) -> list[Any]:
    """Equal weights."""
    return [Fraction(1)] * (member + 1)


def sine(member: int) -> list[Any]:
    """Half a period of a sine."""
    return [mpmath.sinpi(mpmath.mpf(at) / (member + 2)) for at in range(1, member + 2)]


def peaked(member: int) -> list[Any]:
    """Two geometric tails, cut off below 1e-50 of the peak."""
    return [mpmath.mpf(member + 2) ** -abs(at) for at in range(-110, 111)]


def parabola(member: int) -> list[Any]:
    """Values of a parabola between its zeros, far apart."""
    half = 600 * member
    return [Fraction(half * half - at * at) for at in range(1 - half, half)]


@cache
def dense_eigenvalue(number: int, size: int) -> Any:
    """Eigenvalue of the dense Laplacian of a path, in ascending order, to 60 digits.

    >>> float(dense_eigenvalue(0, 2))
    1.0
    """
    if not 0 <= number < size:
        raise IndexError(f"there is no eigenvalue {number} of {size}")
    with mpmath.workdps(70):
        matrix = mpmath.matrix(size, size)
        for at in range(size):
            matrix[at, at] = 2
            if at:
                matrix[at, at - 1] = matrix[at - 1, at] = -1
        return _number(mpmath.eigsy(matrix, eigvals_only=True)[number])
