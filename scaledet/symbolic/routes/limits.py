"""Filters that attain the limits of `limit_steps`, and stacks of layers that must not beat them.

Weights are written down and their squares summed; nothing here knows a closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.reference.exact import number
from scaledet.reference.pixel import PooledPixel, autocorrelation
from scaledet.reference.rates import measured_alpha, measured_beta, pooled_values
from scaledet.symbolic.claims import Values, agree, agree_each
from scaledet.symbolic.derivation import Check
from scaledet.symbolic.routes.checks import against
from scaledet.symbols import k, n

Family = Callable[[int], list[Any]]

PANEL = (
    (((1, 2, 4), 2), ((3, 1, 0, 2), 3)),
    (((1, 1), 2),),
    (((1, 3, 3, 1), 2),),
    (((2, 1, 1), 1),),
    (((3, 1, 2), 2),),
    (((1, 1, 1, 1), 1),),
    (((1, 1), 3),),
)
"""Layers that are stacked, the last one repeated; one stack per row."""
HALVED = ((1, 1), (1, 2, 1), (1, 1, 1), (2, 1), (1, 0, 1), (1, 2, 0, 1, 2), (3, 1, 2))
FILTERS = (*((weights, 2) for weights in HALVED), ((1,) * 6, 3), ((1, 1), 3))
"""Filters and strides whose exponents are measured."""
LAYERS = [{k: layer} for layer in (2, 3, 1)]
FAMILY = [{k: member} for member in (1, 2, 3, 4)]
"""In a family of filters k is the number of the member."""


def stack_check(family: Family, attained: str, digits: int = 25) -> Check:
    """Confront an inequality with stacks of layers, and find it attained in a family."""

    def confront(claim: Any) -> str:
        agree_each(claim, [(LAYERS, pooled_stack(layers), False) for layers in PANEL])
        evidence = agree(claim, FAMILY, members(family), tight=True, digits=digits)
        return f"{len(LAYERS) * len(PANEL)} cases of pooled images; {evidence}"

    return Check(f"pooled one-pixel images, unequal layers included; {attained}", confront)


@cache
def pooled_stack(layers: tuple[tuple[tuple[int, ...], int], ...]) -> Values:
    """Return every quantity of layers of these weights and strides, from pooled images."""
    exact = [([Fraction(w, sum(weights)) for w in weights], stride) for weights, stride in layers]
    return pooled_values(PooledPixel(exact))


@cache
def members(family: Family) -> Values:
    """Every quantity of member k of a family, summed from its weights.

    >>> values = members(box)
    >>> values[y.c](2, 1), values[y.A](2), values[y.D](2)
    (2/9, 3, 1/3)
    """

    @cache
    def numbers(member: int) -> dict[Any, Any]:
        with mpmath.workdps(70):
            weights = family(member)
            total = sum(weights)
            taps = [weight / total for weight in weights]
            mean, square = (sum(at**p * tap for at, tap in enumerate(taps)) for p in (1, 2))
            squares = [_number(autocorrelation(taps, lag)) for lag in (0, 1, 2)]
            return {
                y.c: squares,
                y.D: 1 - squares[1] / squares[0],
                y.W: sp.Integer(len(taps)),
                y.A: sp.sqrt(1 + 12 * _number(square - mean * mean)),
                y.highest: _number(max(taps)),
            }

    return {
        y.c: lambda member, lag: numbers(member)[y.c][lag],
        y.D: lambda member: numbers(member)[y.D],
        y.W: lambda member: numbers(member)[y.W],
        y.A: lambda member: numbers(member)[y.A],
        y.highest: lambda member: numbers(member)[y.highest],
    }


def _number(value: Any) -> Any:
    return number(value if isinstance(value, Fraction) else sp.Float(mpmath.nstr(value, 60), 60))


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
def dense_eigenvalue(index: int, size: int) -> Any:
    """Eigenvalue of the dense Laplacian of a path, in ascending order, to 60 digits.

    >>> float(dense_eigenvalue(0, 2))
    1.0
    """
    if not 0 <= index < size:
        raise IndexError(f"there is no eigenvalue {index} of {size}")
    with mpmath.workdps(70):
        distances = [[abs(row - column) for column in range(size)] for row in range(size)]
        matrix = mpmath.matrix([[{0: 2, 1: -1}.get(gap, 0) for gap in row] for row in distances])
        return _number(mpmath.eigsy(matrix, eigvals_only=True)[index])


WINDOWS = against(
    "sine windows of two to six sites, squares summed at 60 digits", FAMILY, members(sine)
)
EIGENVALUES = against(
    "eigenvalues of dense matrices of up to five rows, to 40 digits",
    [{k: size, n: index} for size in range(1, 6) for index in range(size)],
    {y.W: lambda size: size, y.path_eigenvalue: dense_eigenvalue},
)


def _exponents() -> list[dict[Any, Any]]:
    measured = [(measured_alpha(*layer), measured_beta(*layer)) for layer in FILTERS]
    return [{y.alpha: a, y.beta: dim * b, y.d: dim} for a, b in measured for dim in (1, 2, 3)]


EXPONENTS = against(
    "growth rates of exact squares of composite filters; $[1, 2, 1]$ at stride 2 attains it",
    _exponents,
    tight=True,
)
