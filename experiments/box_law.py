r"""What box filters say of a 1-D task, with its own law of pairs and of moves.

A network of filters without channels is a matrix M_k. Let m(p) and s(p) be mean and mean square of
M_k (e_{p'} - e_p) over the moves p' of a pixel p. Pixels move independently, so for a pair p, q

    E|M_k (tau x - x)|^2 = s(p) + s(q) + 2 m(p) m(q),

which is averaged over the pairs. In T1 pixels move freely, as in `predict`; in T2 only within their
block, as in the source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import scaledet as sd
from scaledet.network.pooling import responses

__all__ = ["BoxLaw", "box_law"]

Floats = NDArray[np.float64]

_ROUNDING = 1e-12
"""Mean squares below this, relative to those of the input, are 0."""


@dataclass(frozen=True)
class BoxLaw:
    """D and G of layers 0 ... depth as far as images differ there, and A of all of them."""

    A: Floats
    D: Floats
    G: Floats


def box_law(net: sd.Network, task: sd.ScaleDetection) -> BoxLaw:
    """Return the sensitivities of a network of one channel, each label having the same weight.

    The noise has the mean square of the displacement, and is rectified before it enters.
    """
    pairs = np.concatenate([task.pairs(label)[:, :, 0] for label in (1, -1)])
    counts = task.counts
    weights = np.repeat([1 / (2 * counts[1]), 1 / (2 * counts[-1])], [counts[1], counts[-1]])
    moves = _moves(task)
    displacement, distance = [], []
    for maps in responses(net, np.eye(task.size), rectify=False):
        steps = maps[moves] - maps[:, None]  # [pixels, 2, sites]
        mean, square = steps.mean(axis=1), np.square(steps).sum(axis=2).mean(axis=1)
        displacement.append(weights @ (square[pairs].sum(axis=1) + 2 * _products(mean, pairs)))
        centre = weights @ maps[pairs].sum(axis=1)
        centred = maps - centre / 2
        norms = np.square(centred).sum(axis=1)
        distance.append(2 * weights @ (norms[pairs].sum(axis=1) + 2 * _products(centred, pairs)))
    moved, apart = np.array(displacement), np.array(distance)
    moved[moved < _ROUNDING * moved[0]] = 0
    depth = int(np.argmin([*(apart > _ROUNDING * apart[0]), False])) - 1
    noise = sd.predict(
        net[:depth],
        task=task,
        balanced=True,
        rectify="noise",
        sigma=float(np.sqrt(moved[0] / task.size)),
    )
    widths = sd.predict(net).A
    return BoxLaw(widths, (moved / np.where(apart > 0, apart, 1))[: depth + 1], noise.G)


def _moves(task: sd.ScaleDetection) -> NDArray[np.int64]:
    """Return where each pixel goes with equal odds, [pixels, 2]."""
    pixels = np.arange(task.size)
    moved = np.stack([pixels - 1, pixels + 1], axis=1) % task.size
    if task.variant == "T1":
        return moved
    inside = moved // int(task.xi) == pixels[:, None] // int(task.xi)
    return np.where(inside, moved, moved[:, ::-1])


def _products(vectors: Floats, pairs: NDArray[np.int64]) -> Floats:
    """Return the scalar products of the vectors of the two pixels of each pair."""
    gram = vectors @ vectors.T
    return np.asarray(gram[pairs[:, 0], pairs[:, 1]])
