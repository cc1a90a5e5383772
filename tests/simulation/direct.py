"""Networks evaluated straight from their description, for borders, graphs and max pooling.

`numpy.pad` says what stands outside the image; windows and their sums are NumPy's own.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from scaledet.reference.quadrature import gaussian_moments

_MODES = {"zeros": "constant", "circular": "wrap", "reflect": "reflect", "replicate": "edge"}


def per_axis(value, dim):
    return value if isinstance(value, tuple) else (value,) * dim


def taps(layer, dim):
    """The weights as an array of `dim` axes, zeros of the dilation included."""
    if hasattr(layer.taps, "array"):
        dense = layer.taps.array()
    else:
        dense = np.ones(())
        for kernel in per_axis(layer.taps, dim):
            dense = np.multiply.outer(dense, [float(weight) for weight in kernel])
    gaps = per_axis(layer.dilation, dim)
    shape = [gap * (length - 1) + 1 for gap, length in zip(gaps, dense.shape, strict=True)]
    spread = np.zeros(shape)
    spread[tuple(slice(None, None, gap) for gap in gaps)] = dense
    return spread


def sides_of(layer, window, dim):
    """Padding as pairs of sides; of the torus, what the last window needs."""
    if layer.padding is None:
        return [(0, length - 1) for length in window.shape]
    if layer.padding == "same":
        return [((length - 1) // 2, length - 1 - (length - 1) // 2) for length in window.shape]
    padding = per_axis(layer.padding, dim)
    if dim == 1 and isinstance(layer.padding, tuple) and isinstance(padding[0], int):
        padding = (padding,)
    return [entry if isinstance(entry, tuple) else (entry, entry) for entry in padding]


def windows(images, layer, window, fill):
    """Everything that the outputs read, [n, *outputs, *window], and the padded image's part."""
    dim = images.ndim - 1
    mode = "wrap" if layer.padding is None else _MODES[layer.padding_mode]
    given = {"constant_values": fill} if mode == "constant" else {}
    padded = np.pad(images, [(0, 0), *sides_of(layer, window, dim)], mode=mode, **given)
    axes = tuple(range(1, dim + 1))
    read = np.lib.stride_tricks.sliding_window_view(padded, window.shape, axes)
    strides = per_axis(layer.step, dim)
    return read[(slice(None), *(slice(None, None, step) for step in strides))]


def layer_output(images, layer, *, rectify=True):
    dim = images.ndim - 1
    window = taps(layer, dim)
    axes = tuple(range(-dim, 0))
    if layer.pooling == "max":
        seen = windows(images, layer, window, -np.inf)
        result = np.where(window > 0, seen, -np.inf).max(axis=axes)
    else:
        result = (windows(images, layer, window, 0.0) * window).sum(axis=axes)
        if not layer.count_include_pad:
            inside = windows(np.ones_like(images[:1]), layer, window, 0.0) * window
            result = result / inside.sum(axis=axes)
    result = result + float(layer.bias)
    return np.maximum(result, 0) if rectify else result


def all_maps(net, images, *, rectify=True):
    """The maps k = 0 ... depth of images [n, *sides], each flat."""
    maps = [images]
    for layer, inputs in zip(net.layers, net.inputs, strict=True):
        maps.append(layer_output(sum(maps[j] for j in inputs), layer, rectify=rectify))
    return [each.reshape(len(each), -1) for each in maps]


def move_law(place, sides, moves):
    """[(where a pixel goes, with which probability)], from the definition of `moves`."""
    law = []
    for axis, side in enumerate(sides):
        outcomes = [place[axis] - 1, place[axis] + 1]
        if moves == "wrap":
            outcomes = [x % side for x in outcomes]
        elif moves == "stay":
            outcomes = [x if 0 <= x < side else place[axis] for x in outcomes]
        else:
            outcomes = [x for x in outcomes if 0 <= x < side]
        for x in outcomes:
            moved = (*place[:axis], x, *place[axis + 1 :])
            law.append((moved, 1 / (len(sides) * len(outcomes))))
    return law


def clean(net, sides, moves="wrap", *, rectify=True):
    """(D_k, Q_k), arrays over k, averaged over all images of one pixel and all their moves."""
    pixels = math.prod(sides)
    sites = list(itertools.product(*map(range, sides)))
    number = {place: index for index, place in enumerate(sites)}
    weights = np.zeros((pixels, pixels))
    for place in sites:
        for moved, probability in move_law(place, sides, moves):
            weights[number[place], number[moved]] += probability / pixels
    sensitivity, distance = [], []
    for features in all_maps(net, np.eye(pixels).reshape(pixels, *sides), rectify=rectify):
        apart = ((features[:, None] - features[None]) ** 2).sum(axis=2)
        distance.append(apart.mean())
        sensitivity.append((weights * apart).sum() / apart.mean())
    return np.array(sensitivity), np.array(distance)


def linear_noise(net, sides, sigma, rectify):
    """Q_k G_k where the network is linear on what enters it: means and variances of the noise."""
    pixels = math.prod(sides)
    columns = np.eye(pixels).reshape(pixels, *sides)
    low, high = (gaussian_moments(sigma, rectify, height)[2:] for height in (0, 1))
    result = []
    blank = all_maps(net, np.zeros_like(columns[:1]), rectify=False)
    for maps, background in zip(all_maps(net, columns, rectify=False), blank, strict=True):
        features = maps - background
        squares = (features**2).sum(axis=1)
        flat = features.sum(axis=0) * float(low[0])
        mean = ((flat + float(high[0] - low[0]) * features) ** 2).sum(axis=1).mean()
        spread = float(low[1]) * squares.sum() + float(high[1] - low[1]) * squares.mean()
        result.append(mean + spread)
    return np.array(result)


def same_on_average(estimate, error, truth, name):
    """Four standard errors, which are half a percent at most."""
    assert (error < 5e-3 * truth).all(), name
    assert (abs(estimate - truth) < 4 * error + 1e-12 * truth).all(), name
