"""Types that both engines share: specifications, images, and the sums of a unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from scaledet.network.network import Network
from scaledet.scenario import Scenario

__all__ = ["Engine", "Floats", "Images", "Integers", "Specification", "UnitSums", "add_pixels"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Specification:
    """A scenario on a finite image, and the engine that simulates it."""

    scenario: Scenario
    engine: str

    @property
    def network(self) -> Network:
        """The layers."""
        return self.scenario.network

    @property
    def size(self) -> int:
        """Pixels a side of an image whose sides are equal."""
        return cast(int, self.scenario.side)

    @property
    def sides(self) -> tuple[int, ...]:
        """Pixels along every axis."""
        return self.scenario.sides

    @property
    def pixels(self) -> int:
        """Pixels of an image."""
        return self.scenario.pixels

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise."""
        return cast(float, self.scenario.sigma)

    @property
    def lowest(self) -> float:
        """Lowest value of a rectified unit: 0, or minus infinity where nothing is rectified."""
        return -np.inf if self.scenario.rectify is None else 0.0


class Images(NamedTuple):
    """The images of a unit: active pixels before and after the move, int64 [n, pixels, dim].

    `background` [n, all pixels] is the noise that the images carry themselves, None without any.
    """

    positions: Integers
    moved: Integers
    background: Floats | None = None


class UnitSums(NamedTuple):
    """Means over the images of one unit, at the layers k = 0 ... depth.

    Squared displacement response, squared noise response, mean square distance of two different
    images, mean square norm, each of shape [depth + 1]; and `controls`, shape [2]: the mean over
    all pixels of the noise (rectified where it is rectified at the input) and of its square.
    """

    displacement: Floats
    noise: Floats
    distance: Floats
    square: Floats
    controls: Floats

    def packed(self) -> Floats:
        """Return all numbers in one array, shape [4 (depth + 1) + 2]."""
        return np.concatenate(self)

    @classmethod
    def unpacked(cls, numbers: Floats) -> UnitSums:
        """Undo `packed`, of one unit or of many [units, ...] at once."""
        displacement, noise, distance, square = np.split(numbers[..., :-2], 4, axis=-1)
        return cls(displacement, noise, distance, square, numbers[..., -2:])


class Engine(Protocol):
    """The functions that a module must define to be an engine."""

    def run(self, spec: Specification, images: Images, seeds: np.random.SeedSequence) -> UnitSums:
        """Send the images through the network, with noise drawn from `seeds`."""

    def run_units(
        self,
        spec: Specification,
        seeds: np.random.SeedSequence,
        units: Sequence[int],
        counts: Sequence[int],
    ) -> Floats:
        """Return the packed sums [units, ...] of units below `seeds`, of so many images each."""

    def bytes_needed(self, spec: Specification, count: int) -> int:
        """Return the memory that a unit of `count` images needs (bytes)."""

    def most_images(self, spec: Specification) -> int:
        """Return the largest number of images that a unit may hold."""


def add_pixels(images: Floats, positions: Integers, sides: tuple[int, ...]) -> None:
    """Add one unit of height at `positions` [n, pixels, dim] of flat images of these sides.

    >>> images = np.zeros((1, 6))
    >>> add_pixels(images, np.array([[[1, 0], [1, 0]]]), (2, 3))
    >>> images.tolist()
    [[0.0, 0.0, 0.0, 2.0, 0.0, 0.0]]
    """
    for pixel in range(positions.shape[1]):  # one at a time: within each no place occurs twice
        places = np.ravel_multi_index(tuple(positions[:, pixel].T), sides)
        images[np.arange(len(images)), places] += 1.0
