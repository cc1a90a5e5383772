r"""The mean over channels of a network before training, in theory.

Over the random weights of a layer of H channels, with those before it wide, the mean of the
channels has the mean m(i) = (K(i, i)/2 pi)^(1/2) at site i, K being the variance before the ReLU,
and a scatter that is 1/H of what one channel has. For a change of the image from x to y,

    E|mean(y) - mean(x)|^2 = (1 - 1/H) |m_y - m_x|^2 + (1/H) E|f_h(y) - f_h(x)|^2,

the last being that of wide networks. So the wider the network, the more D_k of the channel mean is
that of m, which sees no more of a patch than its norm, and pools it: it falls before training.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

import scaledet as sd
from scaledet.network.pooling import apply_layer

__all__ = ["mean_sensitivities"]

Floats = NDArray[np.float64]


def mean_sensitivities(
    wide: sd.WidePrediction, images: Floats, displaced: Floats, channels: int
) -> Floats:
    """Return D of the channel mean in layers 1 ... depth, [depth].

    `wide` is the prediction for the same images [n, 1, size] and their displaced copies, with
    independent taps.
    """
    share = 1 / channels
    rows = []
    maps = zip(_means(wide, images), _means(wide, displaced), strict=True)
    for k, (clean, moved) in enumerate(maps, start=1):
        change = np.square(moved - clean).sum(axis=1).mean()
        spread = 2 * np.square(clean - clean.mean(axis=0)).sum() / (len(clean) - 1)
        one_channel = wide.Q[k] * np.array([wide.D[k], 1.0])
        both = (1 - share) * np.array([change, spread]) + share * one_channel
        rows.append(both[0] / both[1])
    return np.array(rows)


def _means(wide: sd.WidePrediction, images: Floats) -> Iterator[Floats]:
    """Yield the map m of every layer."""
    second = np.square(images[:, 0])
    depth = wide.network.depth
    variances = (np.broadcast_to(v, depth) for v in (wide.weight_variance, wide.bias_variance))
    for layer, weights, biases in zip(wide.network, *variances, strict=True):
        variance = biases + weights * apply_layer(second, layer, rectify=False)
        second = variance / 2
        yield np.sqrt(variance / (2 * math.pi))
