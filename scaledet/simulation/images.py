"""Sensitivities measured on given images: each is deformed, made noisy, and sent through."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.image_scenario import ImageResult, ImageScenario
from scaledet.isolation import usual_floats
from scaledet.network.images import with_noise
from scaledet.network.network import Network
from scaledet.network.pooling import responses
from scaledet.results.contents import Values, count, one_of
from scaledet.scenario import Rectify
from scaledet.simulation.jackknife import jackknife_errors
from scaledet.tasks.deformation import (
    INTERPOLATIONS,
    Diffeomorphism,
    Interpolation,
    as_pictures,
    deformed,
)

__all__ = ["ImageSimulation", "simulate_images"]

Floats = NDArray[np.float64]

_CHUNK = 2**18
"""Pixels of all images held at a time; one image where it has more."""
_ROUNDING = 1e-26
"""Representations that differ by less than this (squared, relative) differ by rounding only."""

_ESTIMATES = ("D", "D_err", "G", "G_err", "R", "R_err", "Q", "Q_err")
_DRAWS = ("D_draw_err", "G_draw_err")


@dataclass(frozen=True, eq=False, repr=False)
class ImageSimulation(ImageResult):
    """Measured sensitivities with standard errors, k = 0 (the input) to the depth.

    All arrays have shape [depth + 1].

    Attributes
    ----------
    scenario : ImageScenario
        Network, deformation, size and noise; `network`, `deformation`, `size`, `rectify` and
        `sigma` are attributes here, too.
    interpolation : {"linear", "gaussian"}
        How images are interpolated between their pixels.
    samples, repeats : int
        Number of images; deformations (and noises) of each.
    D, D_err, G, G_err, R, R_err, Q, Q_err : ndarray
        Estimates, and their standard errors over images that are drawn independently.
    D_draw_err, G_draw_err : ndarray
        Standard errors over the drawn deformations and noises, for these images as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from scaledet import Diffeomorphism, Network, simulate_images
    >>> images = np.random.default_rng(0).random((50, 16, 16))
    >>> tau = Diffeomorphism.with_displacement(1, size=16, cut=2)
    >>> simulate_images(Network.uniform(2, 2, depth=3, dim=2), images, tau, rng=1).D.shape
    (4,)
    """

    scenario: ImageScenario
    interpolation: Interpolation
    samples: int
    repeats: int
    D: Floats
    D_err: Floats
    G: Floats
    G_err: Floats
    R: Floats
    R_err: Floats
    Q: Floats
    Q_err: Floats
    D_draw_err: Floats
    G_draw_err: Floats

    _kind = "image_simulation"
    _arrays: ClassVar = dict.fromkeys((*_ESTIMATES, *_DRAWS), Values(minimum=0))
    _facts: ClassVar = {
        "interpolation": one_of(*INTERPOLATIONS),
        "samples": count(3),
        "repeats": count(2),
    }

    def _title(self) -> str:
        return (
            f"Simulation of {self.scenario}, {self.samples} images, {self.repeats} deformations "
            "of each"
        )


@usual_floats
def simulate_images(
    net: Network,
    images: Any,
    deformation: Diffeomorphism,
    *,
    repeats: int = 4,
    rectify: Rectify = None,
    sigma: float | None = None,
    interpolation: Interpolation = "linear",
    rng: Any = None,
) -> ImageSimulation:
    r"""Measure the sensitivities of a network to deformations and to noise on given images.

    .. math:: D_k = E|f_k(\tau x) - f_k(x)|^2 / Q_k, \qquad
              G_k = E|f_k(x + \eta) - f_k(x)|^2 / Q_k, \qquad
              Q_k = E|f_k(x) - f_k(x')|^2 ,

    x' being another of the images. All is computed with images; no theory is used.

    Parameters
    ----------
    net : Network
        Of dimension 2; any kernels, biases, padding and branches, max pooling too.
    images : array [n, N, N]
        At least three images; of pixels >= 0 unless `rectify` is None.
    deformation : Diffeomorphism
        The law of the deformations: every image is deformed `repeats` times.
    repeats : int, default 4
        Deformations, and noises, of each image; at least two.
    rectify : {"input", "noise", "layers", None}
        relu(x + eta) enters the network, or x + relu(eta); "layers": x + eta enters and every
        layer rectifies; None: no ReLU at all, the network is linear but for max pooling.
    sigma : float, optional
        Standard deviation of the Gaussian noise per pixel (units of the pixel values). Default:
        matched to the deformations drawn, L sigma^2 = mean of \|tau x - x\|^2.
    interpolation : {"linear", "gaussian"}
        See `Diffeomorphism.apply`.
    rng : seed or Generator
        For ``numpy.random.default_rng``.

    Returns
    -------
    ImageSimulation
        Standard errors by the jackknife: images are left out one at a time, from numerators and
        from Q together. They take images for independent, which patches of one photograph are not.
        `D_draw_err` and `G_draw_err` hold for these images as they are, as does a prediction from
        their own spectrum.

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer.
    TypeError, ValueError
        For bad arguments.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((200, 16, 16))
    >>> tau = Diffeomorphism.with_displacement(1, size=16, cut=2)
    >>> net = Network.uniform(2, 2, depth=2, dim=2)
    >>> simulate_images(net, images, tau, rng=0)._shown()["D_k"]
    ['0.3083(48)', '0.2452(58)', '0.1608(62)']
    """
    pictures = as_pictures(images)
    scenario = ImageScenario.checked(net, deformation, pictures.shape[-1], rectify, sigma)
    repeats = validate.integer("repeats", repeats, 2)
    interpolation = validate.choice("interpolation", interpolation, INTERPOLATIONS)
    if len(pictures) < 3:
        raise ArgumentError(
            f"images must be at least three, for standard errors; got {len(pictures)}"
        )
    if scenario.rectify is not None and pictures.min() < 0:
        raise ArgumentError(
            f"images must have no pixel below 0 unless rectify is None; got {pictures.min():g}"
        )
    run = _Run(scenario, pictures, repeats, interpolation, _seeds(rng))
    means, energy = run.means_and_energy()
    if scenario.sigma is None:
        if not energy:
            raise ArgumentError("images must change when they are deformed; got constant ones")
        scenario = replace(scenario, sigma=math.sqrt(energy) / scenario.size)
    squares = replace(run, scenario=scenario).squares(means)
    estimates = _estimates(scenario.size, *squares)
    return ImageSimulation(scenario, interpolation, len(pictures), repeats, **estimates)


def _seeds(rng: Any) -> np.random.SeedSequence:
    return np.random.SeedSequence(validate.generator(rng).integers(0, 2**32, 4).tolist())


@dataclass(frozen=True)
class _Run:
    """Images in chunks; the random numbers of a chunk are the same in every pass."""

    scenario: ImageScenario
    images: Floats
    repeats: int
    interpolation: Interpolation
    seeds: np.random.SeedSequence

    def _chunks(self) -> Iterator[tuple[slice, np.random.Generator, np.random.Generator]]:
        """Yield the images of each chunk, and the generators of its deformations and noises."""
        length = max(1, _CHUNK // self.scenario.size**2)
        for number, start in enumerate(range(0, len(self.images), length)):
            key = (*self.seeds.spawn_key, number)
            seeds = np.random.SeedSequence(self.seeds.entropy, spawn_key=key).spawn(2)
            generators = [np.random.default_rng(seed) for seed in seeds]
            yield slice(start, start + length), generators[0], generators[1]

    def _layers(self, images: Floats) -> Iterator[Floats]:
        """Yield the images at every layer."""
        rectify = self.scenario.rectify is not None
        return responses(self.scenario.network, images, rectify=rectify)

    def _deformed(self, images: Floats, rng: np.random.Generator) -> Floats:
        fields = self.scenario.deformation.draw(self.scenario.size, len(images), rng=rng)
        return deformed(images, fields, self.interpolation)

    def _noisy(self, images: Floats, rng: np.random.Generator) -> Floats:
        eta = (self.scenario.sigma or 0.0) * rng.standard_normal(images.shape)
        return with_noise(images, eta, self.scenario.rectify)

    def means_and_energy(self) -> tuple[list[Floats], float]:
        """Return the mean image at every layer, and the mean of |tau x - x|^2."""
        sums: list[Any] = [0.0] * (self.scenario.network.depth + 1)
        energy = 0.0
        for chunk, rng, _ in self._chunks():
            images = self.images[chunk]
            sums = [s + f.sum(axis=0) for s, f in zip(sums, self._layers(images), strict=True)]
            for _ in range(self.repeats if self.scenario.sigma is None else 0):
                energy += float(np.square(self._deformed(images, rng) - images).sum())
        count = len(self.images)
        return [total / count for total in sums], energy / (count * self.repeats)

    def squares(self, means: list[Floats]) -> tuple[Floats, Floats, Floats, Floats]:
        """Return squared distances: to the deformed and to the noisy image, to the mean, to 0.

        Shapes are [repeats, images, depth + 1], twice, and [images, depth + 1].
        """
        shape = (len(self.images), len(means))
        moved, noisy = np.zeros((2, self.repeats, *shape))
        spread, square = np.zeros((2, *shape))
        for chunk, deforming, shaking in self._chunks():
            images = self.images[chunk]
            clean = list(self._layers(images))
            for k, values in enumerate(clean):
                spread[chunk, k] = _squares(values - means[k])
                square[chunk, k] = _squares(values)
            for turn in range(self.repeats):
                for totals, changed in (
                    (moved, self._deformed(images, deforming)),
                    (noisy, self._noisy(images, shaking)),
                ):
                    for k, values in enumerate(self._layers(changed)):
                        totals[turn, chunk, k] = _squares(values - clean[k])
        return moved, noisy, spread, square


def _squares(values: Floats) -> Floats:
    return np.asarray(np.square(values).sum(axis=(1, 2)))


def _estimates(
    size: int, moved: Floats, noisy: Floats, spread: Floats, square: Floats
) -> dict[str, Floats]:
    """Return ratios of means with their errors: jackknife over images, and over what was drawn."""
    repeats, n, _ = moved.shape
    alive = spread.mean(axis=0) > _ROUNDING * square.mean(axis=0)
    if not alive.all():
        raise ExhaustionError.at(int(np.argmin(alive)), size, "Q_k = 0 for the images given")
    total = spread.sum(axis=0)
    means = {"D": moved.mean(axis=0), "G": noisy.mean(axis=0)}
    # Without image i the mean moves: its distance counts n/(n-1) times in the sum of squares.
    distance = 2 * total / (n - 1)
    without = 2 * (total - n / (n - 1) * spread) / (n - 2)
    full = {name: values.mean(axis=0) / distance for name, values in means.items()}
    left = {
        name: (values.sum(axis=0) - values) / (n - 1) / without for name, values in means.items()
    }
    full |= {"R": full["D"] / full["G"], "Q": distance}
    left |= {"R": left["D"] / left["G"], "Q": without}
    errors = {f"{name}_err": jackknife_errors(values) for name, values in left.items()}
    draws = {
        f"{name}_draw_err": np.sqrt(values.var(axis=0, ddof=1).sum(axis=0) / repeats)
        / (n * distance)
        for name, values in (("D", moved), ("G", noisy))
    }
    return {**full, **errors, **draws}
