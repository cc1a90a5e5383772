"""The arguments of ``simulate`` and ``sweep`` that say how simulations are carried out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.simulation.engines.base import Specification
from scaledet.simulation.executors import checked_executor
from scaledet.simulation.unit import engine_of, unit_sizes

__all__ = ["Settings"]


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
        self.control_variates = validate.flag("control_variates", control_variates)
        self.memory_limit = validate.integer("memory_limit", memory_limit, 1)
        self.executor = checked_executor(executor, self.workers)
        self.checkpoint: Path | None = None
        if checkpoint is not None:
            self.checkpoint = validate.destination("checkpoint", checkpoint)
        self.progress = validate.flag("progress", progress)

    def counts(self, spec: Specification) -> tuple[int, ...]:
        """Return the images of every unit; refuse those for which a worker has no memory."""
        counts = unit_sizes(spec, self.samples)
        need = engine_of(spec).bytes_needed(spec, max(counts))
        if need > self.memory_limit:
            raise ArgumentError(
                f"memory_limit must be at least {need} bytes, what one worker needs for images of "
                f"this size; got {self.memory_limit}"
            )
        return tuple(counts)
