"""Moments layer by layer, in floats where these suffice and in exact integers where they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.theory.matrices.maps import Factor
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
    floats, integers : function
        Return an iterator over the moments of all layers, in floats and exact.
    cancelling : float
        Ratio of Q_k to the mean square representation below which floats do not suffice.
    """

    factors: Sequence[Factor]
    floats: Callable[[], Iterator[Moments]]
    integers: Callable[[], Iterator[Moments]]
    cancelling: float

    def moments(self) -> list[Moments]:
        """Return the moments of all layers, exact where floats would cancel."""
        result = []
        for k, moments in enumerate(self.floats()):
            cancels = moments.distance <= self.cancelling * moments.square
            result.append(self._sharp(k) if cancels else moments)
        return result

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
        return self.integers()
