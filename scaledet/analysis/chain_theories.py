"""What theories say of a chain of convolutions, on given images and their displaced copies.

Two kinds: linear maps of the images themselves (filters without ReLU and biases, or boxes in their
place), and the covariances of wide networks, whose filters are drawn at random with the second
moments of the measured ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scaledet.measure.chain import Chain, Convolution
from scaledet.network.filter_law import FilterLaw
from scaledet.network.tap_covariance import Taps, window_sites
from scaledet.theory.wide.given import FOLLOWED
from scaledet.theory.wide.pairs import pair_distances
from scaledet.theory.wide.recursion import bordered, distances, image_state, linear_distances
from scaledet.theory.wide.windows import WideNetwork

__all__ = [
    "Images",
    "Response",
    "before",
    "boxes",
    "coherent",
    "effort",
    "filters_alone",
    "independent",
    "linear",
    "wide",
]

Array = NDArray[np.float64]

_HELD = 2**24
"""Numbers of a map that are held at a time."""
_ROUNDING, _CANCELLED = 1e-24, 1e-13
"""Squared distances below this, relative to the mean square of images, are rounding errors: of
images that are sent through, and of covariances."""


class Images(NamedTuple):
    """Images [n, C, sites], the same displaced, and the pairs [P, 2] of them that are compared."""

    clean: Array
    moved: Array
    pairs: NDArray[np.int64]

    @property
    def all_pairs(self) -> bool:
        """Whether every image is compared with every other."""
        return 2 * len(self.pairs) == len(self.clean) * (len(self.clean) - 1)


@dataclass(frozen=True)
class Response:
    """What displacements change in every layer, and how far images are apart: [layers].

    `error` is the relative standard error of their quotient; `alive` says where images differ.
    """

    moved: Array
    distance: Array
    error: Array
    alive: NDArray[np.bool_]

    @property
    def D(self) -> tuple[float | None, ...]:
        """The sensitivity to displacements; None where all images look alike."""
        rows = zip(self.moved.tolist(), self.distance.tolist(), self.alive, strict=True)
        return tuple(moved / distance if alive else None for moved, distance, alive in rows)


def filters_alone(chain: Chain, images: Images) -> Response:
    """Send the images through all filters, without ReLU and biases."""

    def mixed(windows: Array, each: Convolution) -> Array:
        own = windows @ each.combined
        return np.asarray(np.tensordot(own, each.filters, ((1, 3), (1, 2))).transpose(0, 2, 1))

    return _mapped(chain, images, mixed)


def boxes(chain: Chain, images: Images) -> Response:
    """Send every channel of the images through boxes of the kernels' lengths."""

    def averaged(windows: Array, each: Convolution) -> Array:
        return np.asarray(windows @ each.combined.mean(axis=1))

    return _mapped(chain, images, averaged)


def _mapped(
    chain: Chain, images: Images, pooled: Callable[[Array, Convolution], Array]
) -> Response:
    """Send images through a linear network; `pooled` makes a map from windows [n, C, sites, F]."""
    maps = chain.network.sizes(chain.sides)
    pairs = zip(chain.convolutions, maps[:-1], strict=True)
    tables = [window_sites(each.layer, sides) for each, sides in pairs]
    moved, distance, alive = [], [], []
    clean, change = images.clean, images.moved - images.clean
    for table, each in zip(tables, chain.convolutions, strict=True):
        step = max(1, _HELD // (table.size * clean.shape[1]))
        clean, change = (
            np.concatenate(
                [
                    pooled(bordered(part[start : start + step])[:, :, table], each)
                    for start in range(0, len(part), step)
                ]
            )
            for part in (clean, change)
        )
        least = _ROUNDING * float(np.square(clean).sum()) / len(clean)
        energy = float(np.square(change).sum()) / len(change)
        spread = float(np.square(clean - clean.mean(axis=0)).sum()) / (len(clean) - 1)
        moved.append(energy if energy > least else 0.0)
        distance.append(2 * spread)
        alive.append(spread > least)
    return Response(np.array(moved), np.array(distance), np.zeros(len(moved)), np.array(alive))


def independent(chain: Chain) -> WideNetwork:
    """Return the network of random filters of the measured tap covariances and mean squares."""
    return _network(
        chain, [_law(each, _second_moments(each.filters)) for each in chain.convolutions]
    )


def before(chain: Chain) -> WideNetwork:
    """Return the same with independent taps of equal variance."""
    laws = []
    for each in chain.convolutions:
        matrix = _second_moments(each.filters)
        laws.append(_law(each, np.eye(len(matrix)) * np.trace(matrix) / len(matrix)))
    return _network(chain, laws)


def coherent(chain: Chain) -> WideNetwork:
    """Return the network of random filters of the measured sums over input channels and biases.

    The covariance of the rest is that of independent filters which sum to 0 by chance.
    """
    laws = []
    for each in chain.convolutions:
        inputs = each.filters.shape[1]
        rest = each.filters - each.filters.mean(axis=1, keepdims=True)
        matrix = _second_moments(rest) * (inputs / max(inputs - 1, 1))
        means = each.filters.sum(axis=1) @ each.combined.T
        law = FilterLaw(_taps(matrix, each.combined), 1.0, 0.0, means, each.biases, True)
        laws.append(law)
    return _network(chain, laws)


def _second_moments(filters: Array) -> Array:
    """Return the mean over output channels of the sum over input channels of w_f w_f'."""
    flat = filters.reshape(-1, filters.shape[2])
    return flat.T @ flat / len(filters)


def _law(each: Convolution, matrix: Array) -> FilterLaw:
    return FilterLaw(_taps(matrix, each.combined), 1.0, float(np.square(each.biases).mean()))


def _network(chain: Chain, laws: list[FilterLaw]) -> WideNetwork:
    return WideNetwork(chain.network, chain.sides, tuple(laws), True)


def _taps(matrix: Array, combined: Array) -> Taps:
    count, own = combined.shape
    if count == own and not (matrix - np.diag(np.diag(matrix))).any():
        return Taps(np.diag(matrix).copy(), np.empty(0), np.empty((0, count)))
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-15 * values[-1]
    return Taps(np.zeros(count), values[kept], vectors.T[kept] @ combined.T)


def effort(net: WideNetwork, images: Images) -> float:
    """Return the work of `wide`, in units of `WideNetwork.work`."""
    count, pairs = len(images.clean), len(images.pairs)
    times = 2 * count + FOLLOWED * pairs if any(net.rows) else count + pairs
    return net.effort * times


def wide(net: WideNetwork, images: Images) -> Response:
    """Return the response of a wide network, compared on the pairs of `images`."""
    moved = _distances(net, images.clean, images.moved)
    if any(net.rows):
        apart = pair_distances(net, bordered(images.clean), images.pairs)[1:]
    else:
        apart = _distances(net, *images.clean[images.pairs.T])
    distance = apart.mean(axis=1)
    error = np.zeros(len(distance)) if images.all_pairs else _error(apart, images) / distance
    growth = np.array([law.gain for law in net.laws])
    before = np.concatenate(
        [np.square(images.clean).sum(axis=(1, 2)).mean(keepdims=True), distance]
    )
    alive = distance > _CANCELLED * growth * before[:-1]
    # Of displacements that are not read, rounding errors are left, of either sign.
    return Response(np.maximum(moved.mean(axis=1), 0.0), distance, error, alive)


def _error(apart: Array, images: Images) -> Array:
    """Return the standard errors of mean distances [layers, P] of some pairs of images.

    Every image is in equally many pairs, so that what an image adds to all its distances does not
    count, as far as there are enough pairs to know that.
    """
    count, chosen = len(images.clean), len(images.pairs)
    design = np.zeros((chosen, count))
    np.add.at(design, (np.arange(chosen)[:, None], images.pairs), 1.0)
    freedom = chosen - count
    if freedom < count // 2:
        design, freedom = np.ones((chosen, 1)), chosen - 1
    rest = apart.T - design @ np.linalg.lstsq(design, apart.T, rcond=None)[0]
    left = 1 - 2 * chosen / (count * (count - 1))
    return np.asarray(np.sqrt(np.square(rest).sum(axis=0) / freedom * left / chosen))


def _distances(net: WideNetwork, first: Array, second: Array) -> Array:
    """Return the square distances of images of equal rows, at all layers [layers, rows]."""
    step = net.at_a_time(channels=first.shape[1])
    parts = []
    for start in range(0, len(first), step):
        rows = slice(start, start + step)
        state = image_state(net, bordered(first[rows]), bordered(second[rows]))
        parts.append(distances(net, net.everywhere(), state)[1:])
    return np.concatenate(parts, axis=1)


def linear(net: WideNetwork, images: Images) -> Response:
    """Return the response of the same network without ReLU and biases."""
    plain = replace(net, rectified=False)
    rows = []
    centred = images.clean - images.clean.mean(axis=0)
    change = images.moved - images.clean
    for part, freedom in ((change, 0.0), (centred, 1.0), (images.clean, 0.0)):
        part = bordered(part)
        form = "nci,ncj->ij" if plain.crossed[0] else "nci,nci->i"
        state = np.einsum(form, part, part, optimize=True) / (part.shape[1] * (len(part) - freedom))
        rows.append(linear_distances(plain, plain.everywhere(), state[None])[1:, 0])
    distance, least = 2 * rows[1], _CANCELLED * rows[2]
    moved = np.where(rows[0] > least, rows[0], 0.0)
    return Response(moved, distance, np.zeros(len(distance)), distance > least)
