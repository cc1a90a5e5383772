"""Simulations as jobs of work units, which are rules, not lists: there may be any number."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from scaledet.errors import ExhaustionError
from scaledet.simulation.engines.base import Specification
from scaledet.simulation.unit import Stream, engine_of

__all__ = ["STAGE", "Job", "Units", "unit_sizes"]

_FEWEST, _MOST, _UNITS = 128, 512, 2**16

STAGE = 64
"""Units of a run with a target grow after so many of them; fewer are not looked at, as they do not
determine their own scatter to better than 10 %."""
# Images of the units of the first stage, by which those of every next stage are larger.
_FIRST = 64


@dataclass(frozen=True)
class Units(Sequence[int]):
    """The number of images of every unit of a run of `samples` images in `number` units.

    They are equal (or differ by one), or have `step` images, after `STAGE` units 2 `step`, and so
    on up to `most`; the last unit takes what is left of `samples`. Those before the last do not
    depend on `samples` then.
    """

    samples: int
    number: int
    step: int = 0
    most: int = 0

    def before(self, unit: int) -> int:
        """Return the number of images of the first units, up to `unit`."""
        if unit >= self.number:
            return self.samples
        if not self.step:
            size, larger = divmod(self.samples, self.number)
            return unit * size + min(unit, larger)
        return _grown(unit, self.step, self.most)

    def holding(self, images: int) -> int:
        """Return how many units hold at least so many images, number + 1 if all hold fewer."""
        return bisect_left(range(self.number + 1), images, key=self.before)

    @property
    def rule(self) -> str | None:
        """The rule by which units grow, if they do: equal rules give the same units."""
        if not self.step:
            return None
        return f"{self.step} images, {self.step} more every {STAGE} units, at most {self.most}"

    @property
    def largest(self) -> int:
        """The number of images of the largest unit."""
        return max(self[0], *self[-2:])

    def __len__(self) -> int:
        return self.number

    @overload
    def __getitem__(self, unit: int) -> int: ...
    @overload
    def __getitem__(self, unit: slice) -> list[int]: ...
    def __getitem__(self, unit: int | slice) -> int | list[int]:
        if isinstance(unit, slice):
            return [self[place] for place in range(self.number)[unit]]
        place = range(self.number)[unit]
        if not self.step:
            size, larger = divmod(self.samples, self.number)
            return size + (place < larger)
        return self.before(place + 1) - self.before(place)


@dataclass(frozen=True)
class Job:
    """One simulation: units of `counts` images, all of them or until `target` is reached.

    `target` is a relative standard error, `control` says whether estimates use control variates,
    `label` names the job in messages ("" if it is the only one).
    """

    spec: Specification
    stream: Stream
    counts: Units
    target: float | None = None
    control: bool = False
    label: str = ""

    def named(self, error: ExhaustionError) -> ExhaustionError:
        """Return an error of this job as its messages name it."""
        return error.within(self.label) if self.label else error


def _grown(unit: int, step: int, most: int) -> int:
    """Return the number of images of the first units, of sizes min(step (1 + u // STAGE), most)."""
    stages = min(unit // STAGE, most // step)
    size = min(step * (stages + 1), most)
    return step * STAGE * stages * (stages + 1) // 2 + (unit - STAGE * stages) * size


def unit_sizes(spec: Specification, samples: int, *, growing: bool = False) -> Units:
    """Return how many images each unit holds, no more than memory allows.

    Units are equal, more than twice as many as the 3 (depth + 1) means whose covariance they
    determine. The larger a unit, the more pairs of images it has for the mean square distance.
    The units of a run that may stop early are `growing`, unless `samples` do not fill one stage.
    """
    most = engine_of(spec).most_images(spec)
    step = min(_FIRST, most)
    if growing and samples >= STAGE * step:
        number = bisect_right(range(samples), samples, key=lambda u: _grown(u, step, most)) - 1
        # What is left makes a unit of its own if it makes a pair.
        number += samples - _grown(number, step, most) > 1
        return Units(samples, number, step, most)
    wanted = max(_FEWEST, 8 * (spec.network.depth + 1))
    count = min(max(samples // wanted, 2), max(_MOST, samples // _UNITS))
    return Units(samples, samples // max(2, min(count, most)))
