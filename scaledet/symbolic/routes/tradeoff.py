r"""Filters that trade stability for noise: dense linear systems at 50 digits, and stacks of layers.

The stationary filter of w weights is solved for: with T the adjacency matrix of the path of w
sites, the gradient :math:`(T - 2 \cos\theta) h` is the same at all of them and the weights add up
to 1. No closed form is known here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from functools import cache, partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.reference.exact import number, refute
from scaledet.reference.pixel import autocorrelation
from scaledet.symbolic.claims import Case
from scaledet.symbolic.routes.limits import PANEL, pooled_stack
from scaledet.symbols import j, k, n, theta

TURNS = {
    1: (Fraction(7, 10), Fraction(19, 20)),
    2: (Fraction(21, 40), Fraction(5, 8)),
    3: (Fraction(17, 40), Fraction(19, 40)),
    4: (Fraction(7, 20), Fraction(31, 80)),
}
"""Angles over pi by n, the length of their best filter: (n + 1) theta < 2 pi < (n + 2) theta."""
GAPS = ((1, 0, 1), (2, 1, 0, 3), (1, 2, 1, 0, 0, 1, 1), (5, 1), (1, 5, 5, 1), (1,) * 12)
"""Filters of one layer, most of them with gaps inside."""


def _exact(value: Any) -> Any:
    return sp.Float(mpmath.nstr(value, 50), 50)


def _angle(turn: Fraction) -> Any:
    return (sp.pi * number(turn)).evalf(60)


@cache
def _weights(size: int, turn: Fraction) -> tuple[Any, ...]:
    """Return the filter of `size` weights at which the gradient is constant."""
    if size < 1:
        refute(f"there is no filter of {size} weights")
    with mpmath.workdps(70):
        matrix, right = mpmath.zeros(size + 1), mpmath.zeros(size + 1, 1)
        right[size] = 1
        for row in range(size):
            matrix[row, row] = -2 * _cosine(turn)
            matrix[row, size] = matrix[size, row] = 1
            if row:
                matrix[row, row - 1] = matrix[row - 1, row] = 1
        return tuple(mpmath.lu_solve(matrix, right))[:size]


def _cosine(turn: Fraction) -> Any:
    return mpmath.cospi(mpmath.mpf(turn.numerator) / turn.denominator)


@cache
def _squares(size: int, turn: Fraction) -> tuple[Any, Any]:
    """Return the sums of h(j)^2 and of h(j) h(j + 1) of this filter."""
    with mpmath.workdps(70):
        weights = _weights(size, turn)
        return _exact(autocorrelation(weights, 0)), _exact(autocorrelation(weights, 1))


def _gain(turn: Fraction, size: int) -> Any:
    peak, beside = _squares(size, turn)
    with mpmath.workdps(70):
        return beside - _exact(_cosine(turn)) * peak


def _weight(turn: Fraction, size: int, place: int) -> Any:
    """Return weight `place` of this filter, from 1; 0 right beside its ends."""
    if not 0 <= place <= size + 1:
        raise IndexError(f"there is no weight {place} of {size}")
    return _exact((0, *_weights(size, turn), 0)[place])


def weights() -> Iterator[Case]:
    """All weights of the stationary filters."""
    for size, turn in _filters():
        for place in range(1, size + 1):
            stationary = {y.stationary: partial(_weight, turn)}
            yield {n: size, j: place, theta: _angle(turn), **stationary}


def _filters() -> Iterator[tuple[int, Fraction]]:
    for last, turns in TURNS.items():
        yield from itertools.product(range(1, last + 2), turns)


def gains() -> Iterator[Case]:
    """Sum up what the stationary filters gain."""
    for size, turn in _filters():
        yield {n: size, theta: _angle(turn), y.gain: partial(_gain, turn)}


def stacks() -> Iterator[Case]:
    """Stacks of layers at some angles."""
    for layers, (turn, _) in itertools.product(PANEL, TURNS.values()):
        for layer in (2, 3, 1, 0):
            yield {k: layer, theta: _angle(turn), **pooled_stack(layers)}


def bounded() -> Iterator[Case]:
    """Stacks, filters with gaps, and stationary ones: that of n weights attains the bound."""
    for last, turns in TURNS.items():
        for turn in turns:
            angle = {n: last, theta: _angle(turn), y.gain: partial(_gain, turn)}
            for layers, layer in itertools.product(PANEL, (1, 2, 3)):
                yield {k: layer, **angle, **pooled_stack(layers)}
            for weights in GAPS:
                yield {k: 1, **angle, **pooled_stack(((weights, 1),))}
            for size in (last, last + 1):
                yield {k: 4, **angle, **_alone(size, turn)}


def _alone(size: int, turn: Fraction) -> Case:
    """Return the stationary filter, which has no weight below 0, as that of layer 4."""
    weights = _weights(size, turn)
    if min(weights) <= 0:
        refute(f"{size} weights at {turn} pi are no filter")

    def correlation(layer: int, lag: int) -> Any:
        if layer != 4:
            refute("the filter is that of layer 4")
        with mpmath.workdps(70):
            return _exact(autocorrelation(weights, lag))

    return {y.c: correlation, y.D: lambda layer: 1 - correlation(layer, 1) / correlation(layer, 0)}


def right_angles() -> Iterator[Case]:
    """Stacks, filters with gaps, and the two that attain the bound at the right angle."""
    for layers, layer in itertools.product(PANEL, (1, 2, 3)):
        yield {k: layer, **pooled_stack(layers)}
    for weights in (*GAPS, (1, 1), (1, 2, 1), (2, 1), (1, 2, 2, 1)):
        first = (((1,), 1),) * 3
        yield {k: 4, **pooled_stack((*first, (weights, 1)))}
