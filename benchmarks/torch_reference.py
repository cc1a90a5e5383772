"""The straightforward way in PyTorch, as one would write the model down: what speed is held to.

A batch of one-pixel images, their displaced and noisy copies; per layer pad, unfold, mean over the
window, ReLU; all pairwise distances for Q_k. Written for this benchmark.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def sensitivities(
    samples: int, size: int, kernel: int, stride: int, depth: int, seed: int = 0
) -> tuple[Any, Any]:
    """Return D_k and G_k, k = 0 ... depth, for boxes in one dimension, noise at the input."""
    import torch

    torch.manual_seed(seed)
    place = torch.randint(size, (samples,))
    rows = torch.arange(samples)
    clean = torch.zeros(samples, 1, size)
    clean[rows, 0, place] = 1
    moved = torch.zeros(samples, 1, size)
    moved[rows, 0, (place + 2 * torch.randint(2, (samples,)) - 1) % size] = 1
    noisy = torch.relu(clean + (2 / size) ** 0.5 * torch.randn(samples, 1, size))
    sensitivities = []
    for layer in range(depth + 1):
        if layer:
            clean, moved, noisy = (
                torch.relu(_pool(images, kernel, stride)) for images in (clean, moved, noisy)
            )
        flat = clean.flatten(1)
        q = torch.cdist(flat, flat).pow(2)
        q = q.sum() / (samples * (samples - 1))
        displacement = (moved - clean).pow(2).sum(-1).mean()
        noise = (noisy - clean).pow(2).sum(-1).mean()
        sensitivities.append((float(displacement / q), float(noise / q)))
    d, g = np.array(sensitivities).T
    return d, g


def _pool(images: Any, kernel: int, stride: int) -> Any:
    import torch

    padded = torch.nn.functional.pad(images, (0, kernel - 1), mode="circular")
    return padded.unfold(-1, kernel, stride).sum(-1) / kernel
