"""Workers: threads that a call starts for itself, or any executor that the caller passes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import suppress
from typing import Any, cast

from scaledet.errors import ArgumentError, ArgumentTypeError

__all__ = ["Pool", "checked_executor"]

# An executor of a cluster may gain and lose workers: ask again after this time (seconds).
_REFRESH = 1.0


class Pool:
    """An executor with its number of workers."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._asked = -float("inf")
        self._width = 1

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand a task over."""
        try:
            return self._executor.submit(function, *arguments)
        except BrokenExecutor:
            raise
        except RuntimeError as error:
            raise RuntimeError(f"executor must take tasks; it refuses: {error}") from error

    def width(self) -> int:
        """Return the number of workers, at least 1."""
        now = time.monotonic()
        if now - self._asked > _REFRESH:
            self._width, self._asked = max(1, _workers_of(self._executor)), now
        return self._width


def _workers_of(executor: Any) -> int:
    # Dask's executor has a client; the others have a size.
    cores = getattr(getattr(executor, "_client", None), "ncores", None)
    if callable(cores):
        with suppress(AttributeError):  # the client is closed: submitting will fail and say so
            return int(sum(cores().values()))
    for name in ("_max_workers", "num_workers"):
        size = getattr(executor, name, None)
        if isinstance(size, int):
            return size
    return os.cpu_count() or 1


def checked_executor(executor: Any, workers: int) -> Executor | None:
    """Return `executor`, None or something to submit tasks to, not together with `workers`."""
    if executor is None:
        return None
    if hasattr(executor, "get_executor"):
        raise ArgumentTypeError(
            "executor must be a concurrent.futures.Executor or None; of a Dask client, pass "
            f"client.get_executor(); got {executor!r}"
        )
    if isinstance(executor, type) or not callable(getattr(executor, "submit", None)):
        raise ArgumentTypeError(
            "executor must be a concurrent.futures.Executor, which has a method submit, or None; "
            f"got {executor!r}"
        )
    if workers > 1:
        raise ArgumentError(
            f"workers must be left out with an executor, which sets their number; got {workers}"
        )
    return cast(Executor, executor)
