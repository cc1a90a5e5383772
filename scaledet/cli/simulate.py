"""Simulations that the command line asks for, here or on a cluster."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scaledet.cli.arguments import UsageError, build_network, rectify_of
from scaledet.errors import CheckpointError

if TYPE_CHECKING:
    from scaledet.simulation.result import Simulation

__all__ = ["run_simulation", "sampling_record"]

# How long a scheduler may take to answer (seconds).
_PATIENCE = 5.0
_ADDRESS = re.compile(r"([a-z]+://)?[^\s/]+:[0-9]+|inproc://\S+", re.IGNORECASE)


def run_simulation(arguments: Namespace, task: Any) -> Simulation:
    """Simulate what the arguments describe."""
    from scaledet.simulation.simulate import simulate

    if arguments.scheduler is not None and arguments.workers != 1:
        raise UsageError("argument --workers: not allowed with argument --scheduler")
    network = build_network(arguments)
    with _cluster(arguments.scheduler) as executor:
        return simulate(
            network,
            size=arguments.size,
            samples=arguments.samples,
            rng=arguments.rng,
            sigma=arguments.sigma,
            rectify=rectify_of(arguments),
            task=task,
            balanced=arguments.balanced,
            background=arguments.background,
            engine=arguments.engine,
            control_variates=arguments.control_variates,
            target_error=arguments.target_error,
            memory_limit=arguments.memory_limit,
            workers=arguments.workers,
            executor=executor,
            checkpoint=arguments.checkpoint,
            progress=arguments.progress,
        )


def sampling_record(result: Simulation) -> dict[str, Any]:
    """Return how the numbers came about, for JSON."""
    return {
        "background": result.background,
        "engine": result.engine,
        "samples": result.samples,
        "blocks": result.blocks,
        "entropy": result.entropy,
        "partial": result.partial,
        "target_error": result.target_error,
        "target_reached": result.target_reached,
        "relative_error": result.relative_error,
        "control_variates": result.control_variates,
        "gain": result.gain,
    }


@contextmanager
def _cluster(address: str | None) -> Iterator[Executor | None]:
    """Connect to the Dask scheduler at `address`, if one is given."""
    if address is None:
        yield None
        return
    if not _ADDRESS.fullmatch(address):
        raise UsageError(
            f"argument --scheduler: expected an address such as tcp://host:8786; got {address!r}"
        )
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise UsageError(
            "argument --scheduler: needs Dask: pip install dask distributed"
        ) from error
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"argument --scheduler: no Dask scheduler answers at {address!r}: {error}"
        ) from error
    with client:
        try:
            yield client.get_executor()
        except CheckpointError:
            raise
        except (CancelledError, OSError) as error:
            raise UsageError(
                f"argument --scheduler: the connection to {address!r} is lost; with --checkpoint, "
                "the same command goes on from the finished units"
            ) from error
        except KilledWorker as error:
            raise UsageError(f"argument --scheduler: workers keep dying: {error}") from error
        except ImportError as error:
            raise UsageError(
                f"argument --scheduler: the workers lack what scaledet needs: {error}"
            ) from error
