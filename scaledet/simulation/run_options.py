"""How simulations are carried out: the arguments that ``simulate`` and ``sweep`` share."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.simulation.executors import checked_executor
from scaledet.simulation.unit import Specification, bytes_per_worker, unit_sizes

__all__ = ["Settings", "checked_settings"]


@dataclass(frozen=True)
class Settings:
    """Number of images, precision, and who computes; see ``simulate``."""

    samples: int
    target_error: float | None
    control_variates: bool
    memory_limit: int
    workers: int
    executor: Executor | None
    checkpoint: Path | None
    progress: bool

    def counts(self, spec: Specification) -> tuple[int, ...]:
        """Return the images of every unit; refuse what one worker has no memory for."""
        counts = unit_sizes(spec, self.samples)
        need = bytes_per_worker(spec, max(counts))
        if need > self.memory_limit:
            raise ArgumentError(
                f"memory_limit must be at least {need} bytes, what one worker needs for images of "
                f"this size; got {self.memory_limit}"
            )
        return tuple(counts)


def checked_settings(
    *,
    samples: Any,
    target_error: Any,
    control_variates: Any,
    memory_limit: Any,
    workers: Any,
    executor: Any,
    checkpoint: Any,
    progress: Any,
) -> Settings:
    """Check the arguments."""
    workers = validate.integer("workers", workers, 1)
    if target_error is not None:
        target_error = validate.proportion("target_error", target_error)
    if checkpoint is not None:
        from scaledet.simulation.checkpoint import checked_path

        checkpoint = checked_path(checkpoint)
    return Settings(
        samples=validate.integer("samples", samples, 4),
        target_error=target_error,
        control_variates=validate.flag("control_variates", control_variates),
        memory_limit=validate.integer("memory_limit", memory_limit, 1),
        workers=workers,
        executor=checked_executor(executor, workers),
        checkpoint=checkpoint,
        progress=validate.flag("progress", progress),
    )
