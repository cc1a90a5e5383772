"""Square distances of all pairs of given images, where means or biases differ between channels.

The covariances of a pair follow from themselves and from what either image has by itself. So every
image is followed once, and of every pair the covariances xy alone.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaledet.theory.wide.mixture import FINE, ROUGH, Units, products
from scaledet.theory.wide.recursion import before, behind, image_state, pooled, trace
from scaledet.theory.wide.windows import WideNetwork

__all__ = ["mean_distance", "pair_distances"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class _Alone:
    """What n images have at a layer, each by itself.

    Attributes
    ----------
    levels, variances : ndarray [n, V, H] and [n, V]
        Means and variances of the pre-activations; empty for the images themselves.
    means : ndarray [n, V]
        Means over channels behind the ReLU; empty where they do not matter.
    squares : ndarray [n]
        Sums over sites of the mean squares there.
    """

    levels: Array
    variances: Array
    means: Array
    squares: Array

    def units(self, chosen: Integers) -> Units:
        return Units.of(self.levels[chosen], self.variances[chosen])


def mean_distance(net: WideNetwork, images: Array) -> Array:
    """Return the mean over pairs of different images [n, C, V], shape [depth + 1].

    Its error is below 1e-6 times the mean square of the representations.
    """
    pairs = np.array(list(itertools.combinations(range(len(images)), 2)))
    return np.asarray(pair_distances(net, images, pairs).mean(axis=1))


def pair_distances(net: WideNetwork, images: Array, pairs: Integers) -> Array:
    """Return the square distances of `pairs` [P, 2] of images [n, C, V], shape [depth + 1, P].

    Their errors are those of `mean_distance`.
    """
    n, step = len(images), net.at_a_time(channels=images.shape[1])
    parts = [_followed(net, images[start : start + step]) for start in range(0, n, step)]
    alone = [_together(layer) for layer in zip(*parts, strict=True)]
    squares = np.array([layer.squares for layer in alone])
    across = [
        _across(net, images, alone, *pairs[start : start + step].T)
        for start in range(0, len(pairs), step)
    ]
    return np.asarray(squares[:, pairs].sum(axis=2) - 2 * np.concatenate(across, axis=1))


def _followed(net: WideNetwork, images: Array) -> list[_Alone]:
    state = image_state(net, images, images)
    none = np.zeros((len(images), 0))
    layers = []
    levels, variances = none, none
    for k, each in enumerate(net.everywhere()):
        if k:
            covariances, rows = before(net, k, each, state)
            state = behind(net, covariances, rows, FINE)
            variances = covariances[0]
            if covariances.ndim == 4:
                variances = np.einsum("bii->bi", variances)
            levels = np.zeros((*variances.shape, 1)) if rows is None else rows[0]
        means = none if state.means is None else state.means[0]
        squares = trace(state.covariances[0], each.real)
        layers.append(_Alone(levels, variances.copy(), means, squares))
    return layers


def _together(parts: tuple[_Alone, ...]) -> _Alone:
    names = ("levels", "variances", "means", "squares")
    return _Alone(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _across(
    net: WideNetwork, images: Array, alone: list[_Alone], first: Integers, second: Integers
) -> Array:
    """Return the sums over sites of the covariances xy of every pair, shape [depth + 1, P]."""
    form = "bci,bcj->bij" if net.crossed[0] else "bci,bci->bi"
    state = np.einsum(form, images[first], images[second], optimize=True) / images.shape[1]
    total = []
    for k, each in enumerate(net.everywhere()):
        if k:
            law = net.laws[k - 1]
            if law.fixed_sums:
                means = alone[k - 1].means
                form = "bi,bj->bij" if state.ndim == 3 else "bi,bi->bi"
                state = state - np.einsum(form, means[first], means[second])
            state = pooled(state[None], each, law.taps, net.crossed[k])[0]
            state = law.weight_variance * state + law.bias_variance
            state = products(alone[k].units(first), alone[k].units(second), state, ROUGH)
            if not net.blank_is_uniform:  # The last place is padding.
                state[:, -1] = 0.0
                if state.ndim == 3:
                    state[..., -1] = 0.0
        total.append(trace(state, each.real))
    return np.array(total)
