"""The batches of an epoch: in random order, mirrored and cut out, and with noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from scaledet.train.recipe import Recipe

__all__ = ["batch_bounds", "batches", "with_noise"]

_BORDER = 4
"""Zeros around an image out of which another is cut."""


def batch_bounds(count: int, batch_size: int) -> list[tuple[int, int]]:
    """Return the bounds of batches of at most `batch_size`, as equal as can be.

    >>> batch_bounds(10, 4)
    [(0, 3), (3, 6), (6, 10)]
    """
    parts = -(-count // batch_size)
    return [(part * count // parts, (part + 1) * count // parts) for part in range(parts)]


def batches(
    images: Tensor, labels: Tensor, recipe: Recipe, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the images and labels of every batch of one epoch."""
    import torch

    order = torch.from_numpy(rng.permutation(len(labels))).to(labels.device)
    for start, stop in batch_bounds(len(labels), recipe.batch_size):
        chosen = order[start:stop]
        rows = images[chosen]
        if recipe.augment:
            rows = _cut_out(rows, rng)
        if recipe.noise:
            rows = with_noise(rows, recipe.noise, rng)
        if images.ndim == 4:
            rows = rows.contiguous(memory_format=torch.channels_last)
        yield rows, labels[chosen]


def with_noise(rows: Tensor, deviation: float, rng: np.random.Generator) -> Tensor:
    """Return images with independent Gaussian noise on every pixel and channel."""
    import torch

    noise = rng.standard_normal(tuple(rows.shape), dtype=np.float32)
    return rows + deviation * torch.from_numpy(noise).to(rows)


def _cut_out(rows: Tensor, rng: np.random.Generator) -> Tensor:
    """Mirror half of the images, and shift all by up to the border, at random."""
    import torch

    count, _, height, width = rows.shape
    padded = torch.nn.functional.pad(rows, (_BORDER,) * 4)
    down, right = rng.integers(2 * _BORDER + 1, size=(2, count, 1))
    across = np.arange(width)
    columns = right + np.where(rng.integers(2, size=(count, 1)), across[::-1], across)
    lines = down + np.arange(height)
    images = np.arange(count)[:, None, None]
    places = (torch.from_numpy(a) for a in (images, lines[:, :, None], columns[:, None, :]))
    first, second, third = places
    return padded[first, :, second, third].permute(0, 3, 1, 2)
