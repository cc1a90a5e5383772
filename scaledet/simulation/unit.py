"""One work unit of a simulation: a pure function of the specification, a stream and a number.

Any worker on any machine of one kind computes the same sums for it, bit by bit, in whatever order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scaledet.scenario import Experiment

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "ENGINES",
    "Images",
    "Specification",
    "Stream",
    "UnitSums",
    "add_pixels",
    "bytes_per_worker",
    "draw_images",
    "engine_name",
    "run_unit",
    "unit_sizes",
]

ENGINES = ("numba", "numpy")
"""Engines: compiled, fused; and plain NumPy, for reading."""

# Raised with every change of the numbers that an engine draws or adds up.
_REVISIONS = {"numba": 1, "numpy": 1}
_GENERATORS = {"numba": "SFC64, 32 lanes; Box-Muller", "numpy": "PCG64; ziggurat"}

_FEWEST, _MOST, _UNITS = 128, 512, 2**16


@dataclass(frozen=True, eq=False, repr=False)
class Specification(Experiment):
    """What every unit simulates: an experiment on a finite image, and the engine that runs it."""

    size: int
    sigma: float
    engine: str
    background: float = 0.0


class Stream(NamedTuple):
    """Address of a tree of random streams: NumPy's ``SeedSequence(entropy, spawn_key=key)``."""

    entropy: int | tuple[int, ...]
    key: tuple[int, ...] = ()

    @classmethod
    def below(cls, generator: np.random.Generator) -> Stream:
        """Spawn a new stream from `generator`."""
        (child,) = generator.bit_generator.seed_seq.spawn(1)  # type: ignore[attr-defined]
        entropy = child.entropy
        plain = int(entropy) if np.ndim(entropy) == 0 else tuple(int(word) for word in entropy)
        return cls(plain, tuple(int(index) for index in child.spawn_key))

    def child(self, index: int) -> Stream:
        """Return sub-stream number `index`."""
        return Stream(self.entropy, (*self.key, index))

    def seeds(self) -> np.random.SeedSequence:
        """Return the seed sequence at this address.

        >>> Stream(7).child(2).seeds().generate_state(1)[0] == (
        ...     np.random.SeedSequence(7).spawn(3)[2].generate_state(1)[0])
        np.True_
        """
        return np.random.SeedSequence(self.entropy, spawn_key=self.key)


class UnitSums(NamedTuple):
    """Means over the images of one unit, at the layers k = 0 ... depth.

    Squared displacement response, squared noise response, mean square distance of two different
    images, mean square norm, each of shape [depth + 1]; and `controls`, shape [2]: the mean over
    all pixels of the noise (rectified where it is rectified at the input) and of its square.
    """

    displacement: NDArray[np.float64]
    noise: NDArray[np.float64]
    distance: NDArray[np.float64]
    square: NDArray[np.float64]
    controls: NDArray[np.float64]

    def packed(self) -> NDArray[np.float64]:
        """Return all numbers in one array, shape [4 (depth + 1) + 2]."""
        return np.concatenate(self)

    @classmethod
    def unpacked(cls, numbers: NDArray[np.float64]) -> UnitSums:
        """Undo `packed`."""
        displacement, noise, distance, square = np.split(numbers[:-2], 4)
        return cls(displacement, noise, distance, square, numbers[-2:])


class Images(NamedTuple):
    """The images of a unit: active pixels before and after the move, int64 [n, pixels, dim].

    `background` [n, size^dim] is the noise that the images carry themselves, None without any.
    """

    positions: NDArray[np.int64]
    moved: NDArray[np.int64]
    background: NDArray[np.float64] | None = None


def run_unit(spec: Specification, stream: Stream, unit: int, count: int) -> UnitSums:
    """Draw and send through the `count` images of unit number `unit` of a stream."""
    own = stream.child(unit)
    images = draw_images(spec, np.random.default_rng(own.child(0).seeds()), count)
    sums: UnitSums = _engine(spec).run(spec, images, own.child(1).seeds())
    return sums


def _engine(spec: Specification) -> Any:
    if spec.engine == "numba":
        from scaledet.simulation.engines.compiled import engine as fused_engine

        return fused_engine
    from scaledet.simulation.engines import plain as numpy_engine

    return numpy_engine


def engine_name(engine: str) -> str:
    """Name the engine, its revision and its random numbers; equal names give equal sums."""
    return f"{engine}, revision {_REVISIONS[engine]}, {_GENERATORS[engine]}"


def bytes_per_worker(spec: Specification, count: int) -> int:
    """Memory that one worker needs for a unit of `count` images (bytes)."""
    return int(_engine(spec).bytes_needed(spec, count))


def unit_sizes(spec: Specification, samples: int) -> list[int]:
    """Return how many images each unit holds.

    Equal units: at least four times the 2 (depth + 1) means whose covariance they determine, and
    no more than memory allows. The larger a unit, the more pairs of images for the mean square
    distance.
    """
    wanted = max(_FEWEST, 8 * (spec.network.depth + 1))
    block = min(max(samples // wanted, 2), max(_MOST, samples // _UNITS))
    block = max(2, min(block, int(_engine(spec).most_images(spec))))
    units = samples // block
    return [samples // units + (unit < samples % units) for unit in range(units)]


def draw_images(spec: Specification, rng: np.random.Generator, count: int) -> Images:
    """Draw where the active pixels are, where the move takes them, and what lies around them."""
    if spec.task is not None:
        positions, _ = spec.task.draw_pairs(count, rng=rng, balanced=spec.balanced)
        return Images(positions, spec.task.move_pairs(positions, rng=rng))
    dim = spec.network.dim
    positions = rng.integers(spec.size, size=(count, 1, dim))
    axis = rng.integers(dim, size=count)
    sign = 2 * rng.integers(2, size=count) - 1
    moved = positions.copy()
    moved[np.arange(count), 0, axis] += sign
    background = None
    if spec.background:
        background = spec.background * rng.standard_normal((count, spec.size**dim))
    return Images(positions, moved % spec.size, background)


def add_pixels(images: NDArray[np.float64], positions: NDArray[np.int64], side: int) -> None:
    """Add one unit of height at `positions` [n, pixels, dim] of flat images [n, side^dim or more].

    >>> images = np.zeros((1, 4))
    >>> add_pixels(images, np.array([[[1, 0], [1, 0]]]), 2)
    >>> images.tolist()
    [[0.0, 0.0, 2.0, 0.0]]
    """
    steps = side ** np.arange(positions.shape[2] - 1, -1, -1)
    for pixel in range(positions.shape[1]):  # one at a time: within each no place occurs twice
        images[np.arange(len(images)), positions[:, pixel] @ steps] += 1.0
