"""The images that enter a model: clean, displaced and noisy, each by random numbers of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.images import with_noise
from scaledet.rationals import shown
from scaledet.tasks.deformation import LARGEST, Diffeomorphism, deformed
from scaledet.tasks.scale_detection import ScaleDetection

__all__ = [
    "DISPLACEMENTS",
    "NOISES",
    "Displace",
    "Stimuli",
    "as_image_set",
    "displaced_images",
    "displacement_of",
    "seeds_of",
    "stream",
]

Floats = NDArray[np.float64]
Displace = Callable[[Floats, np.random.Generator], Floats]
"""Takes an image [channels, *sides] and random numbers; returns the displaced image."""

DISPLACEMENTS = ("diffeomorphism", "shift", "task", "callable")
NOISES = ("matched", "matched_per_image", "given")

_CUT = 3.0
"""Highest wave number of the default deformation (half waves a side), as in the source."""


def stream(seeds: np.random.SeedSequence, *key: int) -> np.random.Generator:
    """Return the random numbers at a place below `seeds`, whatever is drawn elsewhere."""
    below = np.random.SeedSequence(seeds.entropy, spawn_key=(*seeds.spawn_key, *key))
    return np.random.default_rng(below)


def seeds_of(rng: Any) -> list[np.random.SeedSequence]:
    """Return the seeds of a measurement: of its stimuli, its permutations and its bootstrap."""
    drawn = validate.generator(rng).integers(0, 2**32, 4).tolist()
    return np.random.SeedSequence(drawn).spawn(3)


@dataclass(frozen=True)
class Stimuli:
    """Images, and what is done to each of them `repeats` times.

    Image number i has random streams of its own, so that neither the number of images nor the
    order or the batches in which they are made change them.
    """

    images: NDArray[Any]
    displace: Displace
    repeats: int
    noise: str
    sigma: float
    rectify: Literal["noise", "input"] | None
    seeds: np.random.SeedSequence

    def clean(self, image: int) -> Floats:
        """Return an image as floats."""
        return np.asarray(self.images[image], dtype=np.float64)

    def displaced(self, image: int, turn: int) -> Floats:
        """Return the displaced image; refuse what a callable returned if that is none."""
        clean = self.clean(image)
        moved = self.displace(clean, stream(self.seeds, image, turn, 0))
        if moved.shape != clean.shape or not np.isfinite(moved).all():
            raise ArgumentError(
                f"displacement must return finite images of shape {list(clean.shape)}; got shape "
                f"{list(moved.shape)} for images[{image}]"
            )
        return moved

    def energy(self, image: int) -> float:
        """Return the mean of |tau x - x|^2 over the displacements of an image."""
        clean = self.clean(image)
        turns = range(self.repeats)
        return float(np.mean([np.square(self.displaced(image, t) - clean).sum() for t in turns]))

    def noisy(self, image: int, turn: int, moved: Floats) -> Floats:
        """Return the noisy image; `moved` is its displaced image of the same turn."""
        clean, sigma = self.clean(image), self.sigma
        if self.noise == "matched_per_image":
            sigma = float(np.sqrt(np.square(moved - clean).mean()))
        eta = sigma * stream(self.seeds, image, turn, 1).standard_normal(clean.shape)
        return with_noise(clean, eta, self.rectify)


def displaced_images(images: NDArray[Any], displacement: Any, seed: int) -> Floats:
    """Return the displaced images that `sensitivities` measures for ``rng=seed``, one turn each."""
    _, _, displace = displacement_of(displacement, images)
    stimuli = Stimuli(images, displace, 1, "matched", 0.0, None, seeds_of(seed)[0])
    return np.stack([stimuli.displaced(image, 0) for image in range(len(images))])


def as_image_set(images: Any) -> NDArray[Any]:
    """Return a tensor or array of images [n, channels, *sides] as an array of finite numbers."""
    accepted = "at least 10 images, finite real numbers of shape [n, channels, *sides]"
    if hasattr(images, "detach"):
        images = images.detach().cpu()
        if "bfloat16" in str(images.dtype):  # NumPy has no such numbers; float32 holds them all.
            images = images.float()
        images = images.numpy()
    array = np.asarray(images)
    if array.dtype.kind not in "iuf":
        raise ArgumentTypeError(f"images must be {accepted}; got dtype {array.dtype}")
    if array.ndim < 3 or len(array) < 10 or not array.size:
        raise ArgumentError(f"images must be {accepted}; got shape {list(array.shape)}")
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if not finite.all():
        raise ArgumentError(f"images must be {accepted}; images[{finite.argmin()}] is not finite")
    return array


def displacement_of(
    displacement: Any, images: NDArray[Any]
) -> tuple[str, Diffeomorphism | None, Displace]:
    """Return the kind of a displacement, its law if it is a deformation, and what it does."""
    if isinstance(displacement, ScaleDetection):
        task = displacement
        shape = (1, *(task.size,) * task.dim)
        if images.shape[1:] != shape:
            raise ArgumentError(
                f"images must be those of the task, of shape [n, {', '.join(map(str, shape))}]; "
                f"got shape {list(images.shape)}"
            )
        return "task", None, lambda image, rng: task.displace(image[None], rng=rng)[0]
    if displacement == "diffeomorphism" or isinstance(displacement, Diffeomorphism):
        sides = images.shape[2:]
        if len(sides) != 2 or sides[0] != sides[1] or not 3 <= sides[0] <= LARGEST:
            raise ArgumentError(
                "images must be square, [n, channels, N, N], to be deformed (displacement='shift' "
                f"takes any); got shape {list(images.shape)}"
            )
        tau = displacement
        if not isinstance(tau, Diffeomorphism):
            highest = (sides[0] - 1) / (2 * math.pi * _CUT)  # that of the highest temperature
            pixels = min(1.0, highest)
            tau = Diffeomorphism.with_displacement(pixels, size=sides[0], cut=_CUT)
        tau.typical_displacement(sides[0])  # This refuses images too coarse for its modes.
        return "diffeomorphism", tau, _deforming(tau)
    if displacement == "shift":
        return "shift", None, _shifted
    if displacement == "task":
        return "task", None, _pixels_moved
    if not callable(displacement):
        raise ArgumentError(
            "displacement must be 'diffeomorphism', 'shift', 'task', a Diffeomorphism, a "
            "ScaleDetection, or a function of an image and a random generator; "
            f"got {shown(displacement)}"
        )
    return "callable", None, _calling(displacement)


def _deforming(tau: Diffeomorphism) -> Displace:
    def displace(image: Floats, rng: np.random.Generator) -> Floats:
        field = tau.draw(image.shape[-1], rng=rng)
        return deformed(image, np.repeat(field, len(image), axis=0), "linear")

    return displace


def _calling(function: Callable[[Floats, np.random.Generator], Any]) -> Displace:
    def displace(image: Floats, rng: np.random.Generator) -> Floats:
        moved = function(image.copy(), rng)
        moved = moved.detach().cpu() if hasattr(moved, "detach") else moved
        return validate.floats("displacement", moved, "a function that returns an image")

    return displace


def _shifted(image: Floats, rng: np.random.Generator) -> Floats:
    """Move the whole image by one pixel around the torus, along a random axis, either way."""
    axis = 1 + int(rng.integers(image.ndim - 1))
    return np.roll(image, 1 if rng.integers(2) else -1, axis=axis)


def _pixels_moved(image: Floats, rng: np.random.Generator) -> Floats:
    """Move every active pixel by one site around the torus, independently, with its value."""
    sites = np.argwhere(image.any(axis=0))
    if not 0 < 2 * len(sites) <= image[0].size:
        raise ArgumentError(
            "images must be 0 but for their active pixels, at most half of all, for "
            f"displacement='task'; got one with {len(sites)} of {image[0].size} active"
        )
    axes = rng.integers(sites.shape[1], size=len(sites))
    steps = 2 * rng.integers(2, size=len(sites)) - 1
    places = sites.copy()
    places[np.arange(len(sites)), axes] += steps
    places %= image.shape[1:]
    moved = np.zeros_like(image)
    for site, place in zip(sites, places, strict=True):  # Two pixels may meet.
        moved[(slice(None), *place)] += image[(slice(None), *site)]
    return moved
