"""The arguments of ``simulate`` and ``sweep`` that say how simulations are carried out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.simulation.engines.base import Specification
from scaledet.simulation.estimation import bytes_needed
from scaledet.simulation.executors import checked_executor
from scaledet.simulation.job import Units, unit_sizes
from scaledet.simulation.unit import engine_of

__all__ = ["Settings"]


_MOST_SAMPLES = 2**62


class Settings:
    """Number of images, precision, and who computes, checked; see ``simulate``."""

    def __init__(
        self,
        *,
        samples: Any,
        target_error: Any,
        control_variates: Any,
        memory_limit: Any,
        workers: Any,
        executor: Any,
        checkpoint: Any,
        progress: Any,
    ) -> None:
        self.workers = validate.integer("workers", workers, 1)
        self.target_error: float | None = None
        if target_error is not None:
            self.target_error = validate.proportion("target_error", target_error)
        self.samples = validate.integer("samples", samples, 4)
        if self.samples > _MOST_SAMPLES:
            raise ArgumentError(f"samples must be at most {_MOST_SAMPLES}; got {samples!r}")
        self.control_variates = validate.flag("control_variates", control_variates)
        self.memory_limit = validate.integer("memory_limit", memory_limit, 1)
        self.executor = checked_executor(executor, self.workers)
        self.checkpoint: Path | None = None
        if checkpoint is not None:
            self.checkpoint = validate.destination("checkpoint", checkpoint)
        self.progress = validate.flag("progress", progress)

    def units(self, spec: Specification) -> Units:
        """Return the images of every unit; refuse a run for which there is no memory."""
        units = unit_sizes(spec, self.samples, growing=self.target_error is not None)
        for need, purpose in (
            (engine_of(spec).bytes_needed(spec, units.largest), "what one worker needs for images"),
            (bytes_needed(spec), "what the covariance of all layers needs for a network"),
        ):
            if need > self.memory_limit:
                raise ArgumentError(
                    f"memory_limit must be at least {need} bytes, {purpose} of this size; got "
                    f"{self.memory_limit}"
                )
        return units
