"""Many simulations at once: every network at every size, as one table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import product
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.isolation import usual_floats
from scaledet.network.network import Network
from scaledet.network.sizes import written
from scaledet.rationals import shown
from scaledet.results.contents import joined, parts_of
from scaledet.results.result import Result
from scaledet.results.tables import shown_columns
from scaledet.scenario import Moves, Rectify
from scaledet.simulation.engines.base import Specification
from scaledet.simulation.result import Simulation
from scaledet.simulation.run_options import Settings
from scaledet.simulation.simulate import checked_specification, execute
from scaledet.simulation.unit import EngineName
from scaledet.tasks.scale_detection import ScaleDetection

__all__ = ["Sweep", "sweep"]


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Result):
    """Simulations of several networks and sizes.

    Attributes
    ----------
    runs : tuple of Simulation
        All sizes of the first network, then those of the next; each repeats alone as
        ``simulate(run.network, size=run.size, rng=run.entropy, ...)``.
    partial : bool
        Whether the sweep was interrupted; runs without an estimate are left out then.

    Examples
    --------
    >>> from scaledet import Network, sweep
    >>> len(sweep([Network.uniform(2, 2, depth=3)], [32, 64], samples=400, rng=0).runs)
    2
    """

    _kind = "sweep"
    _facts: ClassVar = {"partial": validate.flag}

    runs: tuple[Simulation, ...]
    partial: bool

    @property
    def networks(self) -> tuple[Network, ...]:
        """The different networks, in order; column ``network`` counts them from 0."""
        return tuple(dict.fromkeys(run.network for run in self.runs))

    def columns(self) -> dict[str, Any]:
        """Columns of the table of results, by name: one row per network, size and layer."""
        # Signed kernels have a support, but no A_k.
        signed = any(run.network.signed for run in self.runs)
        parts = [run.table(signed=signed) for run in self.runs]
        lengths = [len(run.D) for run in self.runs]
        return {
            "network": np.repeat(self._numbers(), lengths),
            "size": np.repeat(self._sizes(), lengths),
            **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
        }

    def remarks(self) -> list[str]:
        """Networks by number, and the remarks of every run."""
        lines = [f"network {number}: {net!r}" for number, net in enumerate(self.networks)]
        for number, run in zip(self._numbers(), self.runs, strict=True):
            lines += [f"network {number}, size {run.size}: {text}" for text in run.remarks()]
        return lines

    def _sizes(self) -> list[int] | list[str]:
        """Sizes as numbers or, if one has unequal sides, as text."""
        numbers = [run.size for run in self.runs if isinstance(run.size, int)]
        if len(numbers) == len(self.runs):
            return numbers
        return [written(run.scenario.sides) for run in self.runs]

    def _numbers(self) -> list[int]:
        places = {network: number for number, network in enumerate(self.networks)}
        return [places[run.network] for run in self.runs]

    def _title(self) -> str:
        partial = "; partial: interrupted" if self.partial else ""
        samples = sum(run.samples for run in self.runs)
        return f"Sweep of {len(self.runs)} simulations, {samples} samples{partial}"

    def _shown(self) -> dict[str, Any]:
        return shown_columns(self.columns())

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        stored = [run.to_stored() for run in self.runs]
        arrays = joined({str(number): arrays for number, (_, arrays) in enumerate(stored)})
        return {"partial": self.partial, "runs": [facts for facts, _ in stored]}, arrays

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Sweep:
        """Rebuild from `to_stored`; called by ``load``."""
        divided = parts_of(arrays, map(str, range(len(facts["runs"]))))
        runs = map(Simulation.from_stored, facts.pop("runs"), divided.values())
        return super().from_stored({**facts, "runs": tuple(runs)}, {})


@usual_floats
def sweep(
    networks: Iterable[Network],
    sizes: Iterable[int | Sequence[int]],
    *,
    samples: int = 10_000,
    rng: Any = None,
    sigma: float | None = None,
    rectify: Rectify = "input",
    task: ScaleDetection | None = None,
    balanced: bool = False,
    background: float = 0.0,
    moves: Moves = "wrap",
    engine: EngineName | None = None,
    control_variates: bool = False,
    target_error: float | None = None,
    memory_limit: int = 2**30,
    workers: int = 1,
    executor: Executor | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Sweep:
    """Simulate every network at every size, all at once over the same workers.

    The simulations take turns, so none waits for the last units of another. Each has a random
    stream and equals ``simulate`` with ``rng=run.entropy``. Ctrl-C ends a sweep early, as it does
    ``simulate``.

    Parameters
    ----------
    networks : sequence of Network
        At least one.
    sizes : sequence of int or of sequences of int
        Pixels a side, or along every axis; at least one, and every network must take every size.
    samples, target_error
        Of each simulation.
    rng : None, int, SeedSequence or Generator
        Passed to ``numpy.random.default_rng``; one stream is spawned per simulation.
    sigma, rectify, task, balanced, background, moves, engine, control_variates
        Options of each simulation; see ``simulate``.
    memory_limit, workers, executor, progress
        Options shared by all simulations; see ``simulate``.
    checkpoint : str or path, optional
        One file for all of them; see ``simulate``.

    Returns
    -------
    Sweep

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer; the network and the size are named.
    CheckpointError
        If `checkpoint` cannot be written (an ``OSError``); what it holds is kept.
    TypeError, ValueError
        For bad arguments; a size that a network cannot take is named with it.

    Examples
    --------
    >>> nets = [Network.uniform(kernel, 2, depth=3) for kernel in (2, 3)]
    >>> s = sweep(nets, [32, 64], samples=2000, rng=0)
    >>> [(run.network.layers[0].kernel.support, run.size) for run in s.runs]
    [(2, 32), (2, 64), (3, 32), (3, 64)]
    >>> len(s.columns()["D"])
    16
    """
    settings = Settings(
        samples=samples,
        target_error=target_error,
        control_variates=control_variates,
        memory_limit=memory_limit,
        workers=workers,
        executor=executor,
        checkpoint=checkpoint,
        progress=progress,
    )
    specs: dict[str, Specification] = {}
    nets = _listed("networks", networks, Network, "a Network")
    pixels = _listed("sizes", sizes, (Integral, tuple, list), "an integer")
    for (place, net), (number, size) in product(enumerate(nets), enumerate(pixels)):
        label = f"networks[{place}] at sizes[{number}] ="
        try:
            spec = checked_specification(
                "sweep",
                net,
                size,
                rectify=rectify,
                sigma=sigma,
                task=task,
                balanced=balanced,
                background=background,
                moves=moves,
                engine=engine,
            )
            settings.units(spec)
        except ArgumentError as error:
            kind = ArgumentTypeError if isinstance(error, TypeError) else ArgumentError
            raise kind(f"{label} {shown(size)} is refused: {error}") from error
        specs[f"{label} {size}"] = spec
    runs = tuple(execute("sweep", specs, settings, rng, alone=False).values())
    return Sweep(runs, partial=len(runs) < len(specs) or any(run.partial for run in runs))


def _listed(name: str, values: Any, kind: type | tuple[type, ...], member: str) -> list[Any]:
    noun = member.split()[-1]
    if not isinstance(values, Iterable) or isinstance(values, str | Network):
        raise ArgumentTypeError(f"{name} must be a sequence of {noun}s; got {values!r}")
    result = list(values)
    if not result:
        raise ArgumentError(f"{name} must hold at least one {noun}; got none")
    for place, value in enumerate(result):
        if not isinstance(value, kind):
            raise ArgumentTypeError(f"{name}[{place}] must be {member}; got {value!r}")
        if value in result[:place]:
            raise ArgumentError(f"{name} must differ; got {shown(value)} twice")
    return result
