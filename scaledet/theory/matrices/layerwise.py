"""Moments layer by layer, in floats where these suffice and in exact integers where they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.scenario import Moves
from scaledet.theory.matrices.maps import ExactMap, Factor, together
from scaledet.theory.signal.moments import Moments

__all__ = ["Layerwise"]

_MOST_EXACT = 512
"""Most pixels of a factor in exact integers."""


@dataclass(frozen=True, eq=False)
class Layerwise:
    """Moments of layers 0 ... depth of a network.

    Attributes
    ----------
    factors : sequence of Factor
        The factors of its matrices.
    moves : str
        What a move does that would leave the image.
    floats, integers : function
        Return the sums over the pixels of a factor's matrix at one layer, of floats or of integers,
        from the matrix, the sides of the factor and the moves.
    averages : function
        Returns the function that makes moments of the sums of all factors, exact or not.
    cancelling : float
        Ratio of Q_k to the mean square representation below which floats do not suffice.
    """

    factors: Sequence[Factor]
    moves: Moves
    floats: Callable[[Any, tuple[int, ...], Moves], Any]
    integers: Callable[[ExactMap, tuple[int, ...], Moves], Any]
    averages: Callable[[bool], Callable[[Sequence[Any]], Moments]]
    cancelling: float

    def moments(self) -> list[Moments]:
        """Return the moments of all layers, exact where floats would cancel."""
        result = []
        for k, moments in enumerate(self._layers(exact=False)):
            cancels = moments.distance <= self.cancelling * moments.square
            result.append(self._sharp(k) if cancels else moments)
        return result

    def _layers(self, *, exact: bool) -> Iterator[Moments]:
        """Yield the moments of all layers, in floats or exact."""

        def sums(part: Factor) -> Iterator[Any]:
            if exact:
                return (self.integers(each, part.sides, self.moves) for each in part.exact())
            return (self.floats(each, part.sides, self.moves) for each in part.floats())

        return map(self.averages(exact), together(self.factors, sums))

    def _sharp(self, k: int) -> Moments:
        if self._pixels > _MOST_EXACT:
            reason = "Q_k is 0, or lost in the rounding of floats"
            raise ExhaustionError.at(k, self._size, reason)
        return self.exact(k)

    def exact(self, k: int) -> Moments:
        """Return the exact moments of layer k; refused if Q_k = 0."""
        while len(self._known) <= k:
            self._known.append(next(self._stream))
        if self._known[k].distance == 0:
            raise ExhaustionError.at(k, self._size)
        return self._known[k]

    def sensitivity(self, k: int) -> Fraction:
        """Return D_k as an exact rational."""
        moments = self.exact(k)
        return Fraction(moments.displacement / moments.distance)

    def require_exact(self) -> None:
        """Raise if the exact integers would be too many."""
        if self._pixels > _MOST_EXACT:
            axes = len(self.factors[0].sides)
            which = "a side" if axes == 1 else "in all, of a network that is no product over axes"
            raise ArgumentError(
                f"exact_D needs images of at most {_MOST_EXACT} pixels {which} where layers are "
                f"not on the torus, for {_MOST_EXACT} x {_MOST_EXACT} integers a layer; got "
                f"{self._pixels}"
            )

    @property
    def _pixels(self) -> int:
        return max(factor.pixels for factor in self.factors)

    @property
    def _size(self) -> int | tuple[int, ...]:
        sides = self.factors[0].maps[0]
        return sides[0] if len(set(sides)) == 1 else sides

    @cached_property
    def _known(self) -> list[Moments]:
        return []

    @cached_property
    def _stream(self) -> Iterator[Moments]:
        return self._layers(exact=True)
