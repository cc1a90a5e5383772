"""The same simulation in PyTorch: as one would write it down, and as fast as its calls allow.

A batch holds one-pixel images, their displaced and noisy copies; every layer pools on the circle
and rectifies. Straightforward: float64, unfold and mean, all pairwise distances for Q_k. Without
distances: float32, Q_k from the images' mean, and either ``avg_pool1d`` or sums of shifted images,
which PyTorch computes several times faster, in batches that stay in the cache. Written for this
benchmark; it shares no code with the package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

__all__ = ["AVERAGE_POOL", "SHIFTED_SUMS", "STRAIGHTFORWARD", "TorchWay", "sensitivities"]


class TorchWay(NamedTuple):
    """How images are pooled, [..., size] to [..., size / stride]; how their distance is taken."""

    pool: Callable[[Any, int, int], Any]
    distance: Callable[[Any], Any]
    dtype: torch.dtype
    pixels: int
    """Of a batch of at most 1,024 images: the fastest of those tried."""


def _circular(images: Any, width: int) -> Any:
    return functional.pad(images, (0, width), mode="circular") if width > 0 else images


def _unfold_and_mean(images: Any, kernel: int, stride: int) -> Any:
    return _circular(images, kernel - 1).unfold(-1, kernel, stride).mean(-1)


def _average_pool(images: Any, kernel: int, stride: int) -> Any:
    return functional.avg_pool1d(_circular(images, kernel - stride), kernel, stride)


def _shifted_sums(images: Any, kernel: int, stride: int) -> Any:
    images = _circular(images, kernel - stride)
    end = images.shape[-1] - kernel + 1
    total = images[..., 0:end:stride] + images[..., 1 : end + 1 : stride]
    for shift in range(2, kernel):
        total += images[..., shift : end + shift : stride]
    return total.mul_(1 / kernel)


def _all_pairs(images: Any) -> Any:
    """Mean square distance of two different images, each pair by itself."""
    count = len(images)
    return torch.cdist(images, images).square().sum() / (count * (count - 1))


def _from_mean(images: Any) -> Any:
    """Twice the mean square distance to the mean image, which is the same number."""
    return 2 * (images - images.mean(0)).square().sum() / (len(images) - 1)


STRAIGHTFORWARD = TorchWay(_unfold_and_mean, _all_pairs, torch.float64, 2**18)
AVERAGE_POOL = TorchWay(_average_pool, _from_mean, torch.float32, 2**18)
SHIFTED_SUMS = TorchWay(_shifted_sums, _from_mean, torch.float32, 2**18)


def sensitivities(
    way: TorchWay, *, samples: int, size: int, kernel: int, stride: int, layers: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return D_k and G_k, k = 0 ... layers, for boxes in one dimension, noise at the input."""
    torch.manual_seed(seed)
    batch = max(2, min(1024, way.pixels // size))
    sums = np.zeros((3, layers + 1))
    with torch.inference_mode():
        for count in map(len, np.array_split(np.arange(samples), -(-samples // batch))):
            images = _images(count, size, way.dtype)
            for layer in range(layers + 1):
                if layer:
                    images = way.pool(images, kernel, stride).relu_()
                clean, moved, noisy = images
                sums[:, layer] += [
                    (moved - clean).square().sum().item(),
                    (noisy - clean).square().sum().item(),
                    way.distance(clean).item() * count,
                ]
    displacement, noise, distance = sums
    return displacement / distance, noise / distance


def _images(count: int, size: int, dtype: torch.dtype) -> Any:
    """Draw clean, displaced and noisy images, [3, count, size]."""
    images = torch.zeros(3, count, size, dtype=dtype)
    rows, place = torch.arange(count), torch.randint(size, (count,))
    images[0, rows, place] = 1
    images[1, rows, (place + 2 * torch.randint(2, (count,)) - 1) % size] = 1
    noise = torch.randn(count, size, dtype=dtype)
    images[2] = noise.mul_((2 / size) ** 0.5).add_(images[0]).relu_()
    return images
