"""Pooling, as a map of real images and as a matrix: the arithmetic of a layer but for its ReLU."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from scaledet.errors import ArgumentError
from scaledet.network.boundary import PADDED, AxisRule
from scaledet.network.graph import Graph, fold
from scaledet.network.grid_kernel import GridKernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scaledet.network.layer import Layer

__all__ = ["apply_layer", "axis_matrix", "layer_matrix", "pool_axis", "responses", "tap_sites"]


def responses(
    net: Graph, images: NDArray[np.float64], *, rectify: bool
) -> Iterator[NDArray[np.float64]]:
    """Yield the images [n, *sides], then the map of every layer, the inputs of a layer summed.

    >>> from scaledet.network.layer import Layer
    >>> from scaledet.network.network import Network
    >>> net = Network([Layer(2, 2), Layer(1)], inputs=[(0,), (1, 1)])
    >>> [maps.tolist() for maps in responses(net, np.array([[1.0, 3.0]]), rectify=True)]
    [[[1.0, 3.0]], [[2.0]], [[4.0]]]
    """
    return fold(
        net,
        images,
        lambda incoming, layer, _: apply_layer(incoming, layer, rectify=rectify),
        lambda maps, _: reduce(np.add, maps),
    )


def apply_layer(images: NDArray[np.float64], layer: Layer, *, rectify: bool) -> NDArray[np.float64]:
    """Pool images [n, *sides] along every axis but the first, add the bias, rectify."""
    dim = images.ndim - 1
    rules = [layer.rule(axis, dim) for axis in range(dim)]
    if isinstance(layer.filter, GridKernel):
        images = _pool_grid(images, layer, layer.filter, rules)
    else:
        for axis, rule in enumerate(rules):
            images = _pool(images, layer, rule, axis)
    if layer.bias:
        images = images + float(layer.bias)
    return np.maximum(images, 0.0) if rectify else images


def pool_axis(
    images: NDArray[np.float64], weights: NDArray[np.float64], stride: int, axis: int
) -> NDArray[np.float64]:
    """Return y(i) = sum_j weights[j] images(stride * i + j) along one periodic axis.

    >>> pool_axis(np.array([[1.0, 0.0, 0.0, 4.0]]), np.array([0.5, 0.5]), 2, axis=1)
    array([[0.5, 2. ]])
    """
    return _summed(images, weights, AxisRule(len(weights), stride), axis)


def _pool(
    images: NDArray[np.float64], layer: Layer, rule: AxisRule, axis: int
) -> NDArray[np.float64]:
    """Pool images [n, *sides] along one axis, which is axis + 1 of the array."""
    size, kernel = images.shape[axis + 1], layer.kernel_along(axis)
    divisor = _divisor(layer, kernel.weights, [rule], [size])
    weights = np.array([float(weight) for weight in kernel.weights])
    if layer.is_max:
        return _largest(images, weights, rule, axis + 1)
    pooled = _summed(images, weights, rule, axis + 1)
    if divisor is None:
        return pooled
    pooled /= np.expand_dims(divisor, tuple(range(1, images.ndim - axis - 1)))
    return pooled


def _summed(
    images: NDArray[np.float64], weights: NDArray[np.float64], rule: AxisRule, axis: int
) -> NDArray[np.float64]:
    moved = np.moveaxis(images, axis, -1)
    size, stride = moved.shape[-1], rule.stride
    outputs = rule.outputs(size)
    if rule.padding is None:
        reach = stride * (outputs - 1) + len(weights)
        turns = -(-reach // size)
        # Neighbours across the seam: the image once more, as far as the filter reaches.
        padded = np.concatenate([moved] * turns, axis=-1)[..., :reach] if turns > 1 else moved
    else:
        padded = _padded(moved, rule.sites(size), 0.0)
    result = np.zeros((*moved.shape[:-1], outputs))
    for j, weight in enumerate(weights):
        if weight:
            result += weight * padded[..., j : j + stride * (outputs - 1) + 1 : stride]
    return np.moveaxis(result, -1, axis)


def _largest(
    images: NDArray[np.float64], weights: NDArray[np.float64], rule: AxisRule, axis: int
) -> NDArray[np.float64]:
    """Return the largest value of each window; padding of zeros never wins."""
    moved = np.moveaxis(images, axis, -1)
    outputs = rule.outputs(moved.shape[-1])
    padded = _padded(moved, rule.sites(moved.shape[-1]), -np.inf)
    result = np.full((*moved.shape[:-1], outputs), -np.inf)
    for j in np.flatnonzero(weights):
        np.maximum(
            result, padded[..., j : j + rule.stride * (outputs - 1) + 1 : rule.stride], out=result
        )
    return np.moveaxis(result, -1, axis)


def _padded(
    images: NDArray[np.float64], sites: NDArray[np.int64], fill: float
) -> NDArray[np.float64]:
    """Return the values at `sites` of the last axis, `fill` where there is no pixel."""
    values = images[..., np.maximum(sites, 0)]
    values[..., sites < 0] = fill
    return values


def _pool_grid(
    images: NDArray[np.float64], layer: Layer, kernel: GridKernel, rules: Sequence[AxisRule]
) -> NDArray[np.float64]:
    sides = images.shape[1:]
    outputs = [rule.outputs(size) for rule, size in zip(rules, sides, strict=True)]
    padded = images
    for axis, (rule, size) in enumerate(zip(rules, sides, strict=True), start=1):
        padded = np.moveaxis(
            _padded(np.moveaxis(padded, axis, -1), rule.sites(size), 0.0), -1, axis
        )
    result = np.zeros((len(images), *outputs))
    for place in itertools.product(*map(range, kernel.shape)):
        weight = kernel.array()[place]
        if weight:
            window = tuple(
                slice(j, j + rule.stride * (count - 1) + 1, rule.stride)
                for j, rule, count in zip(place, rules, outputs, strict=True)
            )
            result += weight * padded[(slice(None), *window)]
    divisor = _divisor(layer, kernel.weights, rules, sides)
    return result if divisor is None else result / divisor


def _divisor(
    layer: Layer,
    weights: Sequence[Fraction],
    rules: Sequence[AxisRule],
    sides: Sequence[int],
    *,
    exact: bool = False,
) -> NDArray[Any] | None:
    """Return the weight, a float or Fraction, that divides every output; None if all are 1.

    It is the weight on the pixels of the image without `count_include_pad`, on the padded image
    with `ceil_mode`, and everything otherwise.

    Raises
    ------
    ValueError
        If an output reads nothing that counts.
    """
    if layer.is_max or not layer.count_include_pad:
        lowest = 0
    elif layer.ceil_mode:
        lowest = PADDED
    else:
        return None
    # Windows that reach equally far beyond the image have equal shares.
    inside = [_inside(rule, size, lowest) for rule, size in zip(rules, sides, strict=True)]
    kinds, kind_of = zip(
        *(np.unique(rows, axis=0, return_inverse=True) for rows in inside), strict=True
    )
    taps = list(itertools.product(*(range(rule.length) for rule in rules)))
    shares = np.full([len(rows) for rows in kinds], Fraction(1))
    for at in np.ndindex(shares.shape):
        rows = [each[i] for each, i in zip(kinds, at, strict=True)]
        if not all(row.all() for row in rows):
            counted = [all(row[j] for row, j in zip(rows, tap, strict=True)) for tap in taps]
            shares[at] = sum(itertools.compress(weights, counted), Fraction(0))
    places = [kind.reshape(-1) for kind in kind_of]
    result: NDArray[Any] = (shares if exact else shares.astype(float))[np.ix_(*places)]
    if not result.all():
        at = tuple(int(zeros[0]) for zeros in np.nonzero(result == 0))
        raise ArgumentError(
            f"output {at if len(at) > 1 else at[0]} of {layer!r} reads padding only on "
            f"{' x '.join(map(str, sides))} pixels, and has no {layer.pooling} there: give "
            "less padding"
        )
    return result


def _inside(rule: AxisRule, size: int, lowest: int) -> NDArray[np.bool_]:
    """Return whether tap j of output i reads a site that counts, shape [outputs, length]."""
    return _window_sites(rule, size) >= lowest


def _window_sites(rule: AxisRule, size: int) -> NDArray[np.int64]:
    sites = rule.sites(size)
    windows: NDArray[np.int64] = np.lib.stride_tricks.sliding_window_view(sites, rule.length)
    return windows[:: rule.stride]


def tap_sites(
    rules: Sequence[AxisRule], sides: Sequence[int], taps: Iterable[tuple[int, ...]]
) -> Iterator[NDArray[np.int64]]:
    """Yield, for each tap, the site that it reads in every output, [*outputs]; -1 for padding.

    A tap is its place in the window; sites are numbered in C order.
    """
    windows = [_window_sites(rule, size) for rule, size in zip(rules, sides, strict=True)]
    for tap in taps:
        along = np.ix_(*(each[:, j] for each, j in zip(windows, tap, strict=True)))
        flat = np.ravel_multi_index(
            tuple(np.broadcast_arrays(*(np.maximum(sites, 0) for sites in along))), tuple(sides)
        )
        flat[reduce(np.logical_or, (sites < 0 for sites in along))] = -1
        yield flat


@overload
def axis_matrix(
    layer: Layer, axis: int, size: int, dim: int, *, exact: Literal[True]
) -> NDArray[np.object_]: ...
@overload
def axis_matrix(layer: Layer, axis: int, size: int, dim: int, *, exact: bool = False) -> Any: ...
def axis_matrix(layer: Layer, axis: int, size: int, dim: int, *, exact: bool = False) -> Any:
    """Return the matrix P [n_out, size] of pooling along one of `dim` axes.

    A ``scipy.sparse`` array of floats or, if `exact`, a dense array of Fractions. The layer must
    be separable and average.

    >>> from scaledet.network.layer import Layer
    >>> axis_matrix(Layer([1, 2, 1], 2, padding=1), 0, 4, dim=1).toarray()
    array([[0.5 , 0.25, 0.  , 0.  ],
           [0.  , 0.25, 0.5 , 0.25]])
    """
    if not layer.is_separable:
        raise ArgumentError(f"layer must be separable to have a matrix per axis; got {layer!r}")
    rule, weights = layer.rule(axis, dim), layer.kernel_along(axis).weights
    return _matrix(layer, weights, [rule], [size], exact)


def layer_matrix(layer: Layer, sides: Sequence[int], *, exact: bool = False) -> Any:
    """Return the matrix of pooling an image of these sides, its pixels in C order.

    Shape [number of outputs, number of pixels]; a ``scipy.sparse`` array of floats or, if `exact`,
    a dense array of Fractions. The layer must be average.
    """
    dim = len(sides)
    if isinstance(layer.filter, GridKernel):
        rules = [layer.rule(axis, dim) for axis in range(dim)]
        return _matrix(layer, layer.filter.weights, rules, sides, exact)
    from scipy import sparse

    factors = [axis_matrix(layer, axis, side, dim, exact=exact) for axis, side in enumerate(sides)]
    result = factors[0]
    for factor in factors[1:]:
        result = np.kron(result, factor) if exact else sparse.kron(result, factor, format="csr")
    return result


def _matrix(
    layer: Layer,
    weights: Sequence[Fraction],
    rules: Sequence[AxisRule],
    sides: Sequence[int],
    exact: bool,
) -> Any:
    """Return the matrix whose row i holds the weights of output i at the sites it reads."""
    if layer.is_max:
        raise ArgumentError(f"layer must be average to be a matrix; got {layer!r}")
    divisor = _divisor(layer, weights, rules, sides, exact=exact)
    outputs = [rule.outputs(size) for rule, size in zip(rules, sides, strict=True)]
    if divisor is None:
        divisor = np.full(outputs, Fraction(1) if exact else 1.0)
    places = itertools.product(*(range(rule.length) for rule in rules))
    taps = {tap: weight for tap, weight in zip(places, weights, strict=True) if weight}
    rows, columns, entries = [], [], []
    for weight, sites in zip(taps.values(), tap_sites(rules, sides, taps), strict=True):
        seen = sites >= 0
        rows.append(np.flatnonzero(seen))
        columns.append(sites[seen])
        entries.append((weight if exact else float(weight)) / divisor[seen])
    where = np.concatenate(rows), np.concatenate(columns)
    whole = (math.prod(outputs), math.prod(sides))
    if exact:
        result = np.full(whole, Fraction(0), dtype=object)
        np.add.at(result, where, np.concatenate(entries))
        return result
    from scipy import sparse

    return sparse.csr_array((np.concatenate(entries), where), shape=whole)
