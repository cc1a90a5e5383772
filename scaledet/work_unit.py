"""One block of simulated images: a pure function of the specification and a random stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scaledet.experiment import Experiment
from scaledet.pooling import apply_layer

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["BlockSums", "Specification", "bytes_per_image", "run_block"]


@dataclass(frozen=True, eq=False, repr=False)
class Specification(Experiment):
    """What every block simulates: an experiment on a finite image."""

    size: int
    sigma: float


class BlockSums(NamedTuple):
    """Block means over k = 0 ... depth.

    Squared displacement response, squared noise response, mean square distance of two different
    images of the block, and mean square norm.
    """

    displacement: NDArray[np.float64]
    noise: NDArray[np.float64]
    distance: NDArray[np.float64]
    square: NDArray[np.float64]


def bytes_per_image(spec: Specification) -> int:
    """Memory for one image: clean, displaced and noisy, with the temporaries of pooling."""
    return int(8 * 8 * spec.size**spec.network.dim)


def run_block(spec: Specification, rng: np.random.Generator, count: int, chunk: int) -> BlockSums:
    """Draw `count` images with moves and noise, `chunk` at a time, and send them through."""
    network, dim = spec.network, spec.network.dim
    depth = network.depth
    positions, moved = _draw(spec, rng, count)
    totals = np.zeros((4, depth + 1))
    sums: list[NDArray[np.float64]] = [np.zeros(0)] * (depth + 1)
    origins: list[NDArray[np.float64]] = [np.zeros(0)] * (depth + 1)
    for start in range(0, count, chunk):
        part = slice(start, min(count, start + chunk))
        clean = _paint(positions[part], spec.size, dim)
        shifted = _paint(moved[part], spec.size, dim)
        eta = spec.sigma * rng.standard_normal(clean.shape)
        if spec.rectify == "input":
            noisy = np.maximum(clean + eta, 0.0)
        elif spec.rectify == "noise":
            noisy = clean + np.maximum(eta, 0.0)
        else:
            noisy = clean + eta
        for k in range(depth + 1):
            if k:
                layer, active = network.layers[k - 1], spec.rectify is not None
                clean, shifted, noisy = (
                    apply_layer(images, layer, rectify=active) for images in (clean, shifted, noisy)
                )
            if start == 0:
                # Distances do not depend on the origin; the block's own first image keeps
                # their sums free of cancellation.
                origins[k] = clean[:1].copy()
                sums[k] = np.zeros(clean.shape[1:])
            centred = clean - origins[k]
            sums[k] += centred.sum(axis=0)
            totals[0, k] += _square(shifted - clean)
            totals[1, k] += _square(noisy - clean)
            totals[2, k] += _square(centred)
            totals[3, k] += _square(clean)
    spread = np.array([_square(total) for total in sums])
    distance = 2 * (totals[2] - spread / count) / (count - 1)
    return BlockSums(totals[0] / count, totals[1] / count, distance, totals[3] / count)


def _square(values: NDArray[np.float64]) -> float:
    flat = values.reshape(-1)
    return float(flat @ flat)


def _draw(
    spec: Specification, rng: np.random.Generator, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions [count, pixels, dim] of the active pixels before and after the move."""
    if spec.task is not None:
        positions, _ = spec.task.draw_pairs(count, rng=rng, balanced=spec.balanced)
        return positions, spec.task.move_pairs(positions, rng=rng)
    dim = spec.network.dim
    positions = rng.integers(spec.size, size=(count, 1, dim))
    axis = rng.integers(dim, size=count)
    sign = 2 * rng.integers(2, size=count) - 1
    moved = positions.copy()
    moved[np.arange(count), 0, axis] += sign
    return positions, moved % spec.size


def _paint(positions: NDArray[np.int64], size: int, dim: int) -> NDArray[np.float64]:
    """Images [n, size, ...] with one unit of height for each active pixel."""
    images = np.zeros((len(positions),) + (size,) * dim)
    index = np.arange(len(positions))
    for pixel in range(positions.shape[1]):
        np.add.at(images, (index, *positions[:, pixel].T), 1.0)
    return images
