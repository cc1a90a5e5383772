r"""Covariances of two images from layer to layer of a wide network of random filters.

With x, y the images, and i, j sites, the pre-activations are Gaussian over channels,

.. math:: K^{xy}_{k+1}(i, j) = \sigma_b^2 + \sigma_w^2 \sum_{ff'} C_{ff'}
          \Phi^{xy}_k(s i + f, s j + f'), \qquad
          \Phi^{xy}_k(i, j) = \kappa(K^{xx}(i, i), K^{yy}(j, j), K^{xy}(i, j)) ,

:math:`\Phi_0^{xy}(i, j) = x(i) y(j)`, averaged over channels. The square distance is the trace of
:math:`E = \Phi^{xx} + \Phi^{yy} - \Phi^{xy} - \Phi^{yx}`. As its linear part passes from layer to
layer by itself, it is kept beside the three covariances: small distances lose no digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from scaledet.network.tap_covariance import Taps
from scaledet.theory.wide.arc_cosine import excess
from scaledet.theory.wide.windows import Map, WideNetwork

__all__ = ["bordered", "distances", "image_state", "linear_distances"]

Array = NDArray[np.float64]


def bordered(images: Array) -> Array:
    """Append the place that stands for no site."""
    return np.concatenate([images, np.zeros((*images.shape[:-1], 1))], axis=-1)


def image_state(first: Array, second: Array, crossed: bool) -> Array:
    """Return the covariances of images [B, C, V]: those of xx, yy, xy and E, [4, B, V(, V)].

    Without `crossed`, at equal sites only.
    """
    parts = ((first, first), (second, second), (first, second), (first - second,) * 2)
    form = "bci,bcj->bij" if crossed else "bci,bci->bi"
    return np.stack([np.einsum(form, x, y) / first.shape[1] for x, y in parts])


def distances(net: WideNetwork, maps: Iterable[Map], state: Array) -> Array:
    """Return the square distances of B pairs of images at all layers, shape [depth + 1, B].

    `state` is that of the images, see `image_state`.
    """
    return np.array([_trace(part[-1], each.real) for part, each in _states(net, maps, state)])


def linear_distances(net: WideNetwork, maps: Iterable[Map], state: Array) -> Array:
    """Return the same for the matrix E = `state` [B, V(, V)] of images that no layer rectifies."""
    total = []
    for k, each in enumerate(maps):
        if k:
            state = _pooled(state[None], each, net.taps[k - 1], net.crossed[k])[0]
            state = state * (net.weight_variance / (2 if net.rectified else 1))
        total.append(_trace(state, each.real))
    return np.array(total)


def _trace(state: Array, real: NDArray[np.bool_]) -> Array:
    diagonal = np.einsum("bii->bi", state) if state.ndim == 3 else state
    return np.asarray(np.where(real, diagonal, 0.0).sum(axis=1))


def _states(net: WideNetwork, maps: Iterable[Map], state: Array) -> Iterator[tuple[Array, Map]]:
    for k, each in enumerate(maps):
        if k:
            state = _pooled(state, each, net.taps[k - 1], net.crossed[k])
            state *= net.weight_variance
            state[:3] += net.bias_variance
            if net.rectified:
                state = _rectified(state)
            if net.bias_variance and not net.blank_is_uniform:  # The last place is padding.
                state[:, :, -1] = 0.0
                if state.ndim == 4:
                    state[..., -1] = 0.0
        yield state, each


def _rectified(covariances: Array) -> Array:
    """Return Phi and E behind the ReLU, from K and its E before it."""
    alike, other, across = covariances[:3]
    result = covariances / 2
    if alike.ndim == 2:
        first, second = np.sqrt(alike), np.sqrt(other)
        more = excess(first, second, across)
        result[2] += more
        result[3] -= 2 * more
        return result
    first, second = (np.sqrt(np.einsum("bii->bi", part)) for part in (alike, other))
    for place, (left, right) in enumerate(((first, first), (second, second), (first, second))):
        more = excess(left[:, :, None], right[:, None, :], covariances[place])
        result[place] += more
        result[3] += more if place < 2 else -(more + more.swapaxes(1, 2))
    return result


def _pooled(state: Array, each: Map, taps: Taps, crossed: bool) -> Array:
    """Return sum over f, f' of C_ff' state(.., si + f, sj + f'), at equal sites only or at all."""
    reads = cast("NDArray[np.int64]", each.reads)
    shared = len(reads) == 1
    rows = np.zeros(1, int) if shared else np.arange(state.shape[1])
    if state.ndim == 3:
        if shared:
            return np.asarray(
                sum(c * state[:, :, reads[0, :, f]] for f, c in enumerate(taps.spread) if c)
            )
        at = rows[:, None]
        return np.asarray(
            sum(c * state[:, at, reads[:, :, f]] for f, c in enumerate(taps.spread) if c)
        )
    if not crossed:
        return _at_equal_sites(state, reads, taps)
    width = reads.shape[1]
    result = np.zeros((*state.shape[:2], width, width))
    for f, amount in enumerate(taps.spread):
        if amount:
            result += amount * _gathered(_gathered(state, reads[:, :, f]), reads[:, :, f])
    for factor, vector in zip(taps.factors, taps.vectors, strict=True):
        half = sum(v * _gathered(state, reads[:, :, f]) for f, v in enumerate(vector) if v)
        whole = sum(v * _gathered(half, reads[:, :, f]) for f, v in enumerate(vector) if v)
        result += factor * whole
    return result


def _gathered(state: Array, places: NDArray[np.int64]) -> Array:
    """Return `state` [S, B, V, W] at rows `places` [B or 1, U], transposed: [S, B, W, U]."""
    if len(places) == 1:
        return np.asarray(state[:, :, places[0]].swapaxes(2, 3))
    count, pairs, width = state.shape[:3]
    offset = np.arange(count * pairs).reshape(count, pairs, 1) * width
    flat = state.reshape(count * pairs * width, -1)
    return np.asarray(flat[offset + places].swapaxes(2, 3))


def _at_equal_sites(state: Array, reads: NDArray[np.int64], taps: Taps) -> Array:
    matrix = taps.matrix
    pairs = np.arange(state.shape[1])[:, None]
    result = np.zeros((*state.shape[:2], reads.shape[1]))
    for f, g in np.argwhere(matrix):
        result += matrix[f, g] * state[:, pairs, reads[:, :, f], reads[:, :, g]]
    return result
