r"""Two active pixels, noise that every layer rectifies: exact.

As for one pixel (`layer_noise`), layer 1 rectifies Gaussian units and the rest is linear. With
:math:`W(i, j) = E\, w_i w_j`, averaged over noise and pairs, and :math:`M_k` the Gram matrix of
layers 2 ... k,

.. math:: E|f_k(x + \eta) - f_k(x)|^2 = \sum_{i, j} M_k(i, j)\, W(i, j) .

The law of the pairs may depend on the position: W is averaged over pairs whose first pixel lies
in one cell of the translations that leave law and grid unchanged, and :math:`M_k`, a product over
axes, over these translations. Source: our derivation, after the model of Tomasini et al.,
arXiv:2210.01506.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError
from scaledet.network.network import Network
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.correlation.exact import pooling_matrix
from scaledet.theory.noise.gaussians import Array, rectified_covariance, rectified_excess
from scaledet.theory.signal.pairs import label_weights

__all__ = ["pair_layer_noise", "require_few_pairs"]

_WORK = 1 << 37
"""Products of the means of two units that are summed at most: about a minute."""
_UNITS = 4096
_CHUNK = 1 << 20


def pair_layer_noise(
    net: Network, task: ScaleDetection, sigma: float, *, balanced: bool
) -> tuple[Array, Array]:
    """Mean and variance part of E|f_k(x + eta) - f_k(x)|^2; shape [depth + 1] each.

    Relative error below 1e-10. Biases count in layer 1 only: later ones are taken for >= 0.
    """
    dim, stride = task.dim, net.layers[0].stride
    units, cell = task.size // stride, _cell(task, stride)
    pool = pooling_matrix(net, 1, task.size)
    gram = pool @ pool.T
    deviation = sigma * math.sqrt(gram[0, 0]) ** dim
    level = float(net.layers[0].bias) / deviation
    means, covariances = _averages(
        task, balanced, pool / deviation ** (1 / dim), gram[0] / gram[0, 0], level, cell
    )
    rows = [(0.0, task.size**dim * sigma * sigma)]
    for k in range(net.depth):
        after = np.eye(units)
        if k:
            after = pooling_matrix(net[1:], k, units)
        averaged = _averaged_gram(after, cell // stride)
        rows.append((_contracted(means, averaged, dim), _contracted(covariances, averaged, dim)))
    mean, variance = np.array(rows).T
    mean[1:] *= deviation * deviation
    variance[1:] *= deviation * deviation
    return mean, variance


def require_few_pairs(net: Network, task: ScaleDetection) -> None:
    """Raise if the task is too large to visit its pairs."""
    dim, stride = task.dim, net.layers[0].stride
    units = task.size // stride
    if units**dim > _UNITS or (_cell(task, stride) * task.size * units**2) ** dim > _WORK:
        raise ArgumentError(
            "task.size must be smaller with rectify='layers', where the pairs are visited one by "
            f"one; got {task.size} in d = {dim} with stride {stride} in layer 1"
        )


def _cell(task: ScaleDetection, stride: int) -> int:
    """Side of the cell of the translations that leave the law of the pairs and the grid alone."""
    if task.variant == "T2":
        return math.lcm(stride, int(task.xi))
    return stride if task.periodic else task.size


def _averages(
    task: ScaleDetection, balanced: bool, pool: Array, correlation: Array, level: float, cell: int
) -> tuple[Array, Array]:
    """Average of E w_i E w_j and of Cov(w_i, w_j), [units^d] * 2, in units of the variance."""
    dim, units = task.dim, len(pool)
    heights = pool
    for _ in range(dim - 1):
        heights = np.asarray(np.kron(heights, pool), dtype=float)
    places = np.indices((units,) * dim).reshape(dim, -1)
    means, covariances = np.zeros((2, len(heights), len(heights)))
    shifts = list(itertools.product(np.flatnonzero(correlation).tolist(), repeat=dim))
    everyone = np.arange(len(heights))
    for seen, codes, weights in _chunks(task, balanced, heights.T, cell):
        values = level + seen
        excess = rectified_excess(values)[codes]
        means += (excess * weights[:, None]).T @ excess
        for shift in shifts:
            rho = math.prod(float(correlation[n]) for n in shift)
            moved = (places + np.array(shift)[:, None]) % units
            other = np.ravel_multi_index(tuple(moved), (units,) * dim)
            both = codes * len(values) + codes[:, other]
            table = _table(values, np.unique(both), rho)
            covariances[everyone, other] += weights @ table[both]
    return means, covariances


def _table(values: Array, pairs: NDArray[np.int64], rho: float) -> Array:
    """Covariances of the pairs of heights that occur, at their place among all pairs."""
    first, second = np.divmod(pairs, len(values))
    table = np.zeros(len(values) ** 2)
    table[pairs] = rectified_covariance(values[first], values[second], np.array(rho))
    return table


def _chunks(
    task: ScaleDetection, balanced: bool, heights: Array, cell: int
) -> Iterator[tuple[Array, NDArray[np.int64], Array]]:
    """Yield the heights that occur, which of them every unit has [pairs, units], and weights."""
    size, dim, weight = task.size, task.dim, label_weights(task, balanced)
    share = {label: float((size // cell) ** dim * weight[label]) for label in weight}
    positions = np.indices((size,) * dim).reshape(dim, -1).T
    step = max(1, _CHUNK // heights.shape[1])
    for place in itertools.product(range(cell), repeat=dim):
        here = np.broadcast_to(np.array(place), positions.shape)
        labels = task.rule.labels_of(here, positions)
        weights = np.where(labels == 1, share[1], share[-1])
        first = heights[np.ravel_multi_index(place, (size,) * dim)]
        partners = np.flatnonzero(labels)
        for start in range(0, len(partners), step):
            chosen = partners[start : start + step]
            values, codes = np.unique(first + heights[chosen], return_inverse=True)
            yield values, codes.reshape(len(chosen), -1), weights[chosen]


def _averaged_gram(after: Array, step: int) -> Array:
    """Average P^T P along one axis over translations by multiples of `step`."""
    outputs, units = after.shape
    common = math.gcd(step, units // outputs)
    rows = np.arange(units)[:, None]
    columns = (rows + np.arange(units)) % units
    by_lag = (after.T @ after)[rows, columns].reshape(-1, common, units).mean(axis=0)
    result = np.empty((units, units))
    result[rows, columns] = np.tile(by_lag, (units // common, 1))
    return result


def _contracted(table: Array, gram: Array, dim: int) -> float:
    """Sum of table[i, j] over units, times the product over axes of gram[i_a, j_a]."""
    units = len(gram)
    rest = table.reshape((units,) * (2 * dim))
    for axes in range(dim, 0, -1):
        # The axes left are i_1 ... i_axes, then j_1 ... j_axes: the first of each are summed over.
        rest = np.tensordot(gram, rest, axes=((0, 1), (0, axes)))
    return float(rest)
