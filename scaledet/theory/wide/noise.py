r"""The response of wide networks to noise, averaged over the noise by sampling, or exactly.

Exactly where the square distance passes linearly from layer to layer, so that the noise matters by
its mean and its variance at every pixel only: without ReLU, and for common filters (pooling 1) on
images without negative pixels, none of them after the noise either. Otherwise noise is drawn; what
is known of it (the sum of its squares, its sum, and the square of that) corrects the averages.

An image of one pixel is blank in most windows. So it is put on a smaller torus, just not smaller
than a window, and every output that the full image has more of is that of the noisy blank image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError
from scaledet.network.images import with_noise
from scaledet.scenario import Rectify
from scaledet.theory.noise.gaussians import normal_cdf, normal_density
from scaledet.theory.wide.mixture import ROUGH
from scaledet.theory.wide.recursion import bordered, distances, image_state, linear_distances
from scaledet.theory.wide.windows import WideNetwork, announce

__all__ = ["Images", "NoiseResponse", "noise_response", "smaller"]

Array = NDArray[np.float64]

_ROUNDING = 1e-12
_FIRST, _LARGEST = 128, 2**22
"""Noises before the error is looked at, and at most."""

Draw = Callable[[np.random.Generator, int], Array]


class NoiseResponse(NamedTuple):
    """Mean of |f_k(x + eta) - f_k(x)|^2 and its standard error, shape [depth + 1]."""

    mean: Array
    error: Array


@dataclass(frozen=True)
class Images:
    """Images to which noise is added.

    Attributes
    ----------
    net : WideNetwork
        The network, of the images' sides.
    all : ndarray [n, C, sites]
        The images.
    weights : ndarray [n]
        Their probabilities.
    more : ndarray [depth + 1]
        Outputs of blank images beyond those of `net`, relative to the number of these; None: none.
    """

    net: WideNetwork
    all: Array
    weights: Array
    more: Array | None = None


def noise_response(
    images: Images, rectify: Rectify, sigma: float, target: float, rng: np.random.Generator
) -> NoiseResponse:
    """Average over the noise until the standard error is below `target` at every layer."""
    if _is_linear(images, rectify):
        mean = _linear_response(images, rectify, sigma)
        return NoiseResponse(mean, np.zeros_like(mean))
    announce(images.net.effort * _FIRST, "G, averaged over noise,")
    values: list[Array] = []
    known: list[Array] = []
    count, first = 0, _batches(images, _FIRST)
    while True:
        for _ in range(_batches(images, max(_FIRST, count))):
            value, controls = _sample(images, rectify, sigma, rng)
            values.append(value)
            known.append(controls)
            count += value.shape[1]
        mean, error = _corrected(np.concatenate(values, axis=1), np.concatenate(known, axis=1))
        error[error < _ROUNDING * mean] = 0.0
        needed = float((error / (target * mean)).max()) ** 2
        if needed <= 1:
            return NoiseResponse(mean, error)
        if len(values) == first:
            announce(images.net.effort * count * (needed - 1), "the rest of G")
        if count > _LARGEST:
            raise ArgumentError(
                f"noise_error must be such that {_LARGEST} noises suffice; got {target:g}, and "
                f"{(error / mean).max():g} is reached"
            )


def _is_linear(images: Images, rectify: Rectify) -> bool:
    if images.net.coherent:
        return False
    if not images.net.rectified:
        return True
    common = all(
        not taps.spread.any() and len(taps.factors) == 1 and (taps.vectors >= 0).all()
        for taps in (law.taps for law in images.net.laws)
    )
    single = images.all.shape[1] == 1 and (images.all >= 0).all()
    rectified = rectify in ("input", "noise")
    return common and bool(single) and rectified and not images.net.biased


def _batches(images: Images, wanted: int) -> int:
    return -(-wanted // min(wanted, images.net.at_a_time(channels=images.all.shape[1])))


def _moments(images: Array, rectify: Rectify, sigma: float) -> tuple[Array, Array]:
    """Mean and variance of the change of every pixel."""
    if rectify in ("layers", None):
        return np.zeros_like(images), np.full_like(images, sigma**2)
    level = images if rectify == "input" else np.zeros_like(images)
    t = level / sigma
    density = normal_density(t)
    off = normal_cdf(-t)
    mean = sigma * density - level * off
    square = sigma**2 * (normal_cdf(t) - t * density) + level**2 * off
    return mean, square - mean**2


def _linear_response(images: Images, rectify: Rectify, sigma: float) -> Array:
    net = images.net
    total = np.zeros(len(net.counts))
    crossed = net.crossed[0]
    blank = np.zeros((1, *images.all.shape[1:]))
    every = images.all if images.more is None else np.concatenate([images.all, blank])
    amounts = [np.full(len(total), weight) for weight in images.weights]
    if images.more is not None:
        amounts.append(images.more)
    for image, amount in zip(every, amounts, strict=True):
        mean, variance = _moments(image[None], rectify, sigma)
        mean, variance = bordered(mean)[0], bordered(variance)[0].mean(axis=0)
        state = np.einsum("ci,ci->i", mean, mean) / len(mean) + variance
        if crossed:
            state = np.einsum("ci,cj->ij", mean, mean) / len(mean) + np.diag(variance)
        total += amount * linear_distances(net, net.everywhere(), state[None])[:, 0]
    return total


def _sample(
    images: Images, rectify: Rectify, sigma: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return distances [depth + 1, n] of noisy images, and centred controls [m, n]."""
    net = images.net
    size = min(_FIRST, net.at_a_time(channels=images.all.shape[1]))
    index = rng.choice(len(images.all), size=size, p=images.weights)
    clean = images.all[index]
    eta = sigma * rng.standard_normal(clean.shape)
    value, controls = _response(net, clean, eta, rectify, sigma)
    if images.more is not None:
        blank, others = _response(net, np.zeros_like(clean), eta, rectify, sigma)
        value = value + images.more[:, None] * blank
        controls = np.concatenate([controls, others])
    return value, controls


def _response(
    net: WideNetwork, clean: Array, eta: Array, rectify: Rectify, sigma: float
) -> tuple[Array, Array]:
    noisy = with_noise(clean, eta, rectify)
    state = image_state(net, bordered(clean), bordered(noisy))
    mean, variance = _moments(clean, rectify, sigma)
    change = noisy - clean
    rest = change - mean
    axes = (1, 2)
    controls = [
        np.square(rest).sum(axis=axes) - variance.sum(axis=axes),
        rest.sum(axis=axes),
        (rest.sum(axis=2) ** 2 - variance.sum(axis=2)).sum(axis=1),
        (clean * rest).sum(axis=axes),
    ]
    return distances(net, net.everywhere(), state, ROUGH), np.array(controls)


def _corrected(values: Array, controls: Array) -> tuple[Array, Array]:
    """Return means over samples, by regression on controls of mean 0, and their errors."""
    useful = controls[controls.std(axis=1) > 0]
    design = np.concatenate([np.ones((1, values.shape[1])), useful]).T
    scale = np.abs(design).max(axis=0)
    solution, _, rank, _ = np.linalg.lstsq(design / scale, values.T, rcond=1e-12)
    rest = values.T - design / scale @ solution
    freedom = max(values.shape[1] - rank, 1)
    inverse = np.linalg.pinv((design / scale).T @ (design / scale), hermitian=True)
    spread = np.sqrt(np.square(rest).sum(axis=0) / freedom)
    return solution[0] / scale[0], spread * np.sqrt(inverse[0, 0])


def smaller(net: WideNetwork, sides: tuple[int, ...]) -> tuple[WideNetwork, Array | None]:
    """Return the network on images of `sides`, and `Images.more` for it."""
    if sides == net.sides:
        return net, None
    reduced = replace(net, sides=sides)
    return reduced, net.counts / reduced.counts - 1
