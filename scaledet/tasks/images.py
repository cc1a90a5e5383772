"""Images with two active pixels: positions checked, drawn, and read back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError, ArgumentTypeError

__all__ = ["add_pixels", "as_images", "as_positions", "draw_images", "draw_noisy", "find_pairs"]


def as_positions(name: str, value: Any, size: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return `value` as int64 positions of shape ``[n, *shape]`` with entries in ``[0, size)``."""
    accepted = f"integers in [0, {size - 1}]"
    given = _as_array(name, value, accepted, "iu", shape)
    outside = (given < 0) | (given >= size)
    if outside.any():
        index = int(np.argmax(outside.reshape(len(given), -1).any(axis=1)))
        raise ArgumentError(
            f"{name} must be {accepted}; got {name}[{index}] = {given[index].tolist()}"
        )
    return given.astype(np.int64)


def as_images(value: Any, size: int, dim: int) -> NDArray[np.floating[Any]]:
    """Return a copy of `value` as floating images ``[n, 1, size]`` or ``[n, 1, size, size]``."""
    given = _as_array("images", value, "real numbers", "iuf", (1, *(size,) * dim))
    return np.array(given, dtype=given.dtype if given.dtype.kind == "f" else np.float64)


def _as_array(
    name: str, value: Any, accepted: str, kinds: str, shape: tuple[int, ...]
) -> NDArray[Any]:
    """Return `value` as an array ``[n, *shape]`` whose type is one of `kinds`."""
    accepted += f" of shape [n, {', '.join(map(str, shape))}]"
    try:
        given = np.asarray(value)
    except ValueError:
        raise ArgumentError(f"{name} must be {accepted}; got rows of different shapes") from None
    if given.ndim == 0 or given.shape[1:] != shape:
        raise ArgumentError(f"{name} must be {accepted}; got shape {list(given.shape)}")
    if given.dtype.kind not in kinds:
        raise ArgumentTypeError(f"{name} must be {accepted}; got dtype {given.dtype}")
    return given


def draw_images(positions: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return images ``[n, 1, ...]`` of height 1 at `positions` ``[n, 2, dim]``, 0 elsewhere."""
    images = np.zeros((len(positions), 1, *(size,) * positions.shape[-1]))
    add_pixels(images, positions, 1.0)
    return images


def draw_noisy(
    positions: NDArray[np.int64], size: int, image_noise: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return `draw_images` plus Gaussian noise of standard deviation `image_noise`."""
    images = draw_images(positions, size)
    if image_noise:
        images += image_noise * rng.standard_normal(images.shape)
    return images


def add_pixels(
    images: NDArray[np.floating[Any]], positions: NDArray[np.int64], height: float
) -> None:
    """Add `height` in place at both `positions` ``[n, 2, dim]`` of `images` ``[n, 1, ...]``."""
    rows = np.arange(len(images))
    for pixel in (0, 1):  # one pixel at a time: within each, no entry of `images` occurs twice
        images[rows, 0, *np.moveaxis(positions[:, pixel], -1, 0)] += height


def find_pairs(images: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return the positions ``[n, 2, dim]`` of the active pixels of `images` ``[n, 1, ...]``.

    These are two pixels of height in (0.5, 1.5), the smaller raster index first, or one of
    height in (1.5, 2.5), given twice. Images that are not finite or hold anything else above 0.5
    are refused.

    >>> find_pairs(np.array([[[0.0, 1.0, 0.0, 1.0]], [[0.0, 0.0, 2.0, 0.0]]])).tolist()
    [[[1], [3]], [[2], [2]]]
    """
    flat = images.reshape(len(images), -1)
    active = flat > 0.5
    number = active.sum(axis=1)
    highest = flat.max(axis=1)
    apart = (number == 2) & (highest < 1.5)
    collided = (number == 1) & (highest > 1.5) & (highest < 2.5)
    wrong = ~(apart | collided) | ~np.isfinite(flat).all(axis=1)
    if wrong.any():
        index = int(wrong.argmax())
        raise ArgumentError(
            f"images[{index}] must have exactly two pixels of height in (0.5, 1.5), or one in "
            f"(1.5, 2.5), and no other above 0.5; got {_description(flat[index])}"
        )
    last = flat.shape[1] - 1 - active[:, ::-1].argmax(axis=1)
    ends = np.stack([active.argmax(axis=1), last], axis=1)
    return np.stack(np.unravel_index(ends, images.shape[2:]), axis=-1).astype(np.int64)


def _description(pixels: NDArray[np.floating[Any]]) -> str:
    """Say what the flat image `pixels` has above 0.5."""
    if not np.isfinite(pixels).all():
        return "a pixel that is not finite"
    heights = [f"{height:g}" for height in pixels[pixels > 0.5]]
    listed = ", ".join([*heights[:5], "..."] if len(heights) > 5 else heights)
    return f"{len(heights)} above 0.5" + (f": {listed}" if listed else "")
