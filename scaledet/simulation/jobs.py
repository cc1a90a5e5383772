"""A simulation as the scheduler takes it, and the outcome that it returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ExhaustionError
from scaledet.simulation.engines.base import Specification
from scaledet.simulation.unit import Stream

__all__ = ["Job", "Outcome"]


@dataclass(frozen=True)
class Job:
    """One simulation: units of `counts` images, all of them or until `target` is reached.

    `target` is a relative standard error, `control` says whether estimates use control variates,
    `label` names the job in messages ("" if it is the only one).
    """

    spec: Specification
    stream: Stream
    counts: tuple[int, ...]
    target: float | None = None
    control: bool = False
    label: str = ""

    def named(self, error: ExhaustionError) -> ExhaustionError:
        """Return an error of this job as its messages name it."""
        return error.within(self.label) if self.label else error


@dataclass(frozen=True)
class Outcome:
    """Images and packed sums [units, ...] of the units of a job that count, in their order.

    `partial`: the run was interrupted before the job was done.
    """

    counts: list[int]
    packed: NDArray[np.float64]
    partial: bool
