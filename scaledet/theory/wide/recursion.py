r"""Covariances of two images from layer to layer of a wide network of random filters.

With x, y the images, and i, j sites, the pre-activations are Gaussian over channels,

.. math:: K^{xy}_{k+1}(i, j) = \sigma_b^2 + \sigma_w^2 \sum_{ff'} C_{ff'}
          \Phi^{xy}_k(s i + f, s j + f'), \qquad
          \Phi^{xy}_k(i, j) = \kappa(K^{xx}(i, i), K^{yy}(j, j), K^{xy}(i, j)) ,

:math:`\Phi_0^{xy}(i, j) = x(i) y(j)`, averaged over channels. The square distance is the trace of
:math:`E = \Phi^{xx} + \Phi^{yy} - \Phi^{xy} - \Phi^{yx}`. As its linear part passes from layer to
layer by itself, it is kept beside the three covariances: small distances lose no digits.

Filters of mean :math:`m_h(f)/\text{channels}` and biases :math:`b_h` shift these Gaussians in
output channel h by :math:`b_h + \sum_f m_h(f)\, \bar\Phi^x_k(s i + f)`, with the mean over
channels :math:`\bar\Phi_k`; behind the ReLU all is averaged over h.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from scaledet.network.filter_law import FilterLaw
from scaledet.network.tap_covariance import Taps
from scaledet.theory.wide.arc_cosine import excess
from scaledet.theory.wide.mixture import FINE, Rule, rectified_mixture
from scaledet.theory.wide.windows import Map, WideNetwork

__all__ = [
    "State",
    "before",
    "behind",
    "bordered",
    "distances",
    "image_state",
    "linear_distances",
    "pooled",
    "trace",
]

Array = NDArray[np.float64]


def bordered(images: Array) -> Array:
    """Append the place that stands for no site."""
    return np.concatenate([images, np.zeros((*images.shape[:-1], 1))], axis=-1)


class State(NamedTuple):
    """Covariances of B pairs of images at V places, and means over channels if they matter.

    Attributes
    ----------
    covariances : ndarray [4, B, V] or [4, B, V, V]
        Those of xx, yy, xy and E, about 0; at equal sites only, or between all.
    means : ndarray [2, B, V], or None
        Means over channels of both images.
    """

    covariances: Array
    means: Array | None


def image_state(net: WideNetwork, first: Array, second: Array) -> State:
    """Return the state of images [B, C, V]."""
    means = np.stack([first.mean(axis=1), second.mean(axis=1)]) if net.coherent else None
    return State(_squares(first, second, crossed=net.crossed[0]), means)


def distances(net: WideNetwork, maps: Iterable[Map], state: State, rule: Rule = FINE) -> Array:
    """Return the square distances of B pairs of images at all layers, shape [depth + 1, B].

    `state` is that of the images, see `image_state`.
    """
    states = _states(net, maps, state, rule)
    return np.array([trace(part.covariances[-1], each.real) for part, each in states])


def linear_distances(net: WideNetwork, maps: Iterable[Map], state: Array) -> Array:
    """Return the same for the matrix E = `state` [B, V(, V)] of images that no layer rectifies.

    For filters without means.
    """
    total = []
    for k, each in enumerate(maps):
        if k:
            law = net.laws[k - 1]
            state = pooled(state[None], each, law.taps, net.crossed[k])[0]
            state = state * (law.weight_variance / (2 if net.rectified else 1))
        total.append(trace(state, each.real))
    return np.array(total)


def trace(state: Array, real: NDArray[np.bool_]) -> Array:
    """Return the sum over real places of covariances [B, V(, V)] at equal ones, [B]."""
    diagonal = np.einsum("bii->bi", state) if state.ndim == 3 else state
    return np.asarray(np.where(real, diagonal, 0.0).sum(axis=1))


def _states(
    net: WideNetwork, maps: Iterable[Map], state: State, rule: Rule
) -> Iterator[tuple[State, Map]]:
    for k, each in enumerate(maps):
        if k:
            state = behind(net, *before(net, k, each, state), rule)
        yield state, each


def before(net: WideNetwork, k: int, each: Map, state: State) -> tuple[Array, Array | None]:
    """Return the covariances of layer k's pre-activations, and their means [2, B, V, H] if any."""
    law = net.laws[k - 1]
    covariances = state.covariances
    if law.fixed_sums:  # The mean over channels is what their sums act on.
        x, y = cast("Array", state.means)[:, :, None]
        covariances = covariances - _squares(x, y, crossed=covariances.ndim == 4)
    covariances = pooled(covariances, each, law.taps, net.crossed[k])
    covariances *= law.weight_variance
    covariances[:3] += law.bias_variance
    return covariances, _levels(law, state, each)


def behind(net: WideNetwork, covariances: Array, levels: Array | None, rule: Rule) -> State:
    """Return the state of the units, from the covariances and means of the pre-activations."""
    crossed, means = covariances.ndim == 4, None
    if levels is None:
        if net.coherent:
            variances = np.einsum("pbii->pbi", covariances[:2]) if crossed else covariances[:2]
            means = np.sqrt(variances * (1 / (2 * np.pi) if net.rectified else 0.0))
        covariances = _rectified(covariances) if net.rectified else covariances
    elif net.rectified:
        covariances, means = rectified_mixture(levels, covariances, rule)
    else:
        covariances += _squares(*levels.swapaxes(2, 3), crossed=crossed)
        means = levels.mean(axis=-1)
    if not net.blank_is_uniform:  # The last place is padding.
        covariances[:, :, -1] = 0.0
        if crossed:
            covariances[..., -1] = 0.0
        if means is not None:
            means[..., -1] = 0.0
    return State(covariances, means if net.coherent else None)


def _levels(law: FilterLaw, state: State, each: Map) -> Array | None:
    """Return the means of the pre-activations, [2, B, V, H]; None if all are 0."""
    if law.rows is None:
        return None
    filters, biases = law.rows
    reads = cast("NDArray[np.int64]", each.reads)
    pairs = state.covariances.shape[1]
    if state.means is None:
        return np.broadcast_to(biases, (2, pairs, reads.shape[1], len(biases)))
    rows = np.arange(pairs)[:, None, None] if len(reads) > 1 else slice(None)
    windows = state.means[:, rows, reads if len(reads) > 1 else reads[0]]
    return np.asarray(windows @ filters.T + biases)


def _squares(first: Array, second: Array, *, crossed: bool) -> Array:
    """Return the mean over channels of products xx, yy, xy and (x - y)(x - y) of [B, C, V]."""
    form = "bci,bcj->bij" if crossed else "bci,bci->bi"
    pairs = ((first, first), (second, second), (first, second), (first - second,) * 2)
    return np.asarray(np.stack([np.einsum(form, x, y) for x, y in pairs]) / first.shape[1])


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


def pooled(state: Array, each: Map, taps: Taps, crossed: bool) -> Array:
    """Return sum over f, f' of C_ff' state(.., si + f, sj + f'), at equal sites only or at all."""
    reads = cast("NDArray[np.int64]", each.reads)
    shared = len(reads) == 1
    rows = np.zeros(1, int) if shared else np.arange(state.shape[1])
    width = reads.shape[1]
    if state.ndim == 3:
        result = np.zeros((*state.shape[:2], width))
        for f in np.flatnonzero(taps.spread).tolist():
            places = reads[..., f]
            part = state[:, :, places[0]] if shared else state[:, rows[:, None], places]
            result += taps.spread[f] * part
        return result
    if not crossed:
        return _at_equal_sites(state, reads, taps)
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
