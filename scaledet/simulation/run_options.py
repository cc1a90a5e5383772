"""The arguments of ``simulate`` and ``sweep`` that say how simulations are carried out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
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
        self.checkpoint = _checked_path(checkpoint)
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


def _checked_path(path: Any) -> Path | None:
    """Return `path`, that of a new or an ordinary file in an existing folder, or None."""
    if path is None:
        return None
    if not isinstance(path, str | os.PathLike):
        raise ArgumentTypeError(f"checkpoint must be a string, a path or None; got {path!r}")
    target = Path(path).absolute()
    if not target.parent.is_dir():
        raise ArgumentError(f"checkpoint must be in an existing folder; got {str(path)!r}")
    if target.exists() and not target.is_file():
        raise ArgumentError(f"checkpoint must name a new or an ordinary file; got {str(path)!r}")
    return target
