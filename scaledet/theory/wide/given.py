"""Square distances of given images of any pixels and channels."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.network.network import Network
from scaledet.theory.wide.pairs import mean_distance
from scaledet.theory.wide.pixels import Moments
from scaledet.theory.wide.recursion import bordered, distances, image_state
from scaledet.theory.wide.windows import WideNetwork, announce

__all__ = ["FOLLOWED", "Stack", "given_images", "image_moments"]

Array = NDArray[np.float64]

FOLLOWED = 0.2
"""Part of the time for a pair of images that it takes if they are followed once, roughly."""


@dataclass(frozen=True)
class Stack:
    """Images [n, C, sites] and their displaced copies [m, n, C, sites]."""

    sides: tuple[int, ...]
    images: Array
    displaced: Array

    @property
    def matched_sigma(self) -> float:
        """Standard deviation of noise with the mean square of the displacement, per pixel."""
        return math.sqrt(float(np.square(self.displaced - self.images).mean()))


def given_images(net: Network, images: Any, displaced: Any, size: Any) -> Stack:
    """Check the arguments `images` and `displaced`; displace by one site where none are given."""
    accepted = "finite numbers of shape [n, *sides] or [n, channels, *sides], n >= 2"
    given = validate.floats("images", images, accepted)
    shape = given.shape
    if given.ndim == net.dim + 1:
        given = given[:, None]
    fits = given.ndim == net.dim + 2 and len(given) >= 2 and given.size
    if not fits or not np.isfinite(given).all():
        raise ArgumentError(f"images must be {accepted}; got shape {list(shape)}")
    sides = given.shape[2:]
    if size is not None and net.sizes(size)[0] != sides:
        raise ArgumentError(f"size must be left out or that of images, {sides}; got {size!r}")
    net.feasible_size(sides)
    if displaced is None:
        axes = range(2, given.ndim)
        moved = np.stack([np.roll(given, sign, axis) for axis in axes for sign in (1, -1)])
    else:
        moved = validate.floats("displaced", displaced, "numbers of the shape of images")
        moved = moved[None] if moved.shape == shape else moved
        if moved.shape[1:] != shape or not np.isfinite(moved).all() or not len(moved):
            raise ArgumentError(
                f"displaced must be finite numbers of shape {list(shape)} or "
                f"{['m', *shape]}; got shape {list(np.shape(displaced))}"
            )
        moved = moved.reshape(-1, *given.shape)
    stack = Stack(
        sides,
        given.reshape(*given.shape[:2], -1),
        moved.reshape(*moved.shape[:3], -1),
    )
    if not stack.matched_sigma:
        raise ArgumentError("displaced must differ from images somewhere")
    return stack


def image_moments(net: WideNetwork, stack: Stack) -> Moments:
    """Average over the images and their displacements, and over pairs of different images."""
    n, turns = len(stack.images), len(stack.displaced)
    followed = net.rectified and any(net.rows)
    pairs = (n - 1) / 2 * (FOLLOWED if followed else 1)
    announce(net.effort * n * (turns + pairs), "the pairs of images")
    moved = itertools.product(range(turns), range(n))
    displacement = _mean(net, ((stack.images[i], stack.displaced[m, i]) for m, i in moved))
    if followed:
        return Moments(displacement, mean_distance(net, bordered(stack.images)))
    different = itertools.combinations(stack.images, 2)
    return Moments(displacement, _mean(net, different))


def _mean(net: WideNetwork, pairs: Any) -> Array:
    step = net.at_a_time()
    total, count = np.zeros(len(net.counts)), 0
    pairs = iter(pairs)
    while chunk := list(itertools.islice(pairs, step)):
        first, second = (bordered(np.stack(part)) for part in zip(*chunk, strict=True))
        state = image_state(net, first, second)
        total += distances(net, net.everywhere(), state).sum(axis=1)
        count += len(chunk)
    return total / count
