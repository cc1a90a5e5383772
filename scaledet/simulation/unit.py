"""Work units of simulations, each a pure function of specification, stream and number.

Any worker on any machine of one kind computes the same sums for a unit, bit by bit, in whatever
order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from scaledet.isolation import usual_floats
from scaledet.simulation.engines.base import Engine, Floats, Specification

__all__ = [
    "ENGINES",
    "EngineName",
    "Stream",
    "engine_name",
    "engine_of",
    "run_units",
]

# The revision of an engine is raised with every change of the numbers that it draws or adds up.
_NUMBERS = {
    "numba": "revision 3, SFC64, 32 lanes; Box-Muller",
    "numpy": "revision 1, PCG64; ziggurat",
}
EngineName = Literal["numba", "numpy"]
"""Engines: compiled, fused; and plain NumPy, for every network, and for reading."""

ENGINES: tuple[EngineName, ...] = get_args(EngineName)


class Stream(NamedTuple):
    """Address of a tree of random streams: NumPy's ``SeedSequence(entropy, spawn_key=key)``."""

    entropy: int | tuple[int, ...]
    key: tuple[int, ...] = ()

    @classmethod
    def below(cls, generator: np.random.Generator) -> Stream:
        """Spawn a new stream from `generator`; without a seed sequence its numbers seed one."""
        seeds: Any = getattr(generator.bit_generator, "seed_seq", None)
        if not isinstance(seeds, np.random.SeedSequence):
            seeds = np.random.SeedSequence(int.from_bytes(generator.bytes(16), "little"))
        (child,) = seeds.spawn(1)
        entropy = child.entropy
        plain = int(entropy) if np.ndim(entropy) == 0 else tuple(int(word) for word in entropy)
        return cls(plain, tuple(int(index) for index in child.spawn_key))

    def child(self, index: int) -> Stream:
        """Return sub-stream number `index`."""
        return Stream(self.entropy, (*self.key, index))

    def independent(self, count: int) -> list[Stream]:
        """Return `count` streams, each that of ``simulate`` with an integer `rng`."""
        words = [self.child(run).seeds().generate_state(4) for run in range(count)]
        return [
            Stream(int.from_bytes(four.astype("<u4").tobytes(), "little"), (0,)) for four in words
        ]

    def seeds(self) -> np.random.SeedSequence:
        """Return the seed sequence at this address.

        >>> Stream(7).child(2).seeds().generate_state(1)[0] == (
        ...     np.random.SeedSequence(7).spawn(3)[2].generate_state(1)[0])
        np.True_
        """
        return np.random.SeedSequence(self.entropy, spawn_key=self.key)


def engine_of(spec: Specification) -> Engine:
    """Return the module that runs the units of `spec`; a compiled one takes a while to import."""
    if spec.engine == "numba":
        from scaledet.simulation.engines.compiled import engine

        return engine
    from scaledet.simulation.engines import plain

    return plain


def engine_name(engine: str) -> str:
    """Name the engine, its revision and its random numbers; equal names give equal sums."""
    return f"{engine}, {_NUMBERS[engine]}"


@usual_floats
def run_units(
    spec: Specification, stream: Stream, units: Sequence[int], counts: Sequence[int]
) -> Floats:
    """Draw the images of units of a stream, so many each, and send them through.

    Return the packed sums [units, ...] of each: the numbers do not depend on the other units.
    """
    return engine_of(spec).run_units(spec, stream.seeds(), units, counts)
