"""Layers against PyTorch's own pooling and convolution, and TensorFlow's SAME by its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest

import scaledet as sd
from scaledet.network.pooling import apply_layer, axis_matrix, layer_matrix

torch = pytest.importorskip("torch")
functional = torch.nn.functional
RNG = np.random.default_rng(13)


def ours(layer, images, *, rectify=False):
    """Pool [n, *sides]; the maps must have the sides that the network says."""
    pooled = apply_layer(images, layer, rectify=rectify)
    net = sd.Network([layer], images.ndim - 1)
    if min(images.shape[1:]) > 1:
        assert net.sizes(images.shape[1:])[1] == pooled.shape[1:]
    return pooled


def dense(layer, images):
    """Pool by the matrix of the whole layer and, if it is separable, by those of its axes."""
    count, sides = len(images), images.shape[1:]
    matrix = layer_matrix(layer, sides)
    if len(sides) < 3:
        exact = layer_matrix(layer, sides, exact=True)
        np.testing.assert_allclose(matrix.toarray(), exact.astype(float), rtol=1e-15, atol=1e-17)
    return (matrix @ images.reshape(count, -1).T).T


def random_case(dim, *, most=9):
    """Return sides, window, stride, padding of PyTorch's pooling (padding up to half a window)."""
    while True:
        sides = tuple(int(n) for n in RNG.integers(1, 14, dim))
        window = tuple(int(n) for n in RNG.integers(1, most, dim))
        stride = tuple(int(n) for n in RNG.integers(1, 6, dim))
        padding = tuple(int(RNG.integers(0, n // 2 + 1)) for n in window)
        # PyTorch's own pooling in three dimensions wants windows that fit the bare image.
        room = padding if dim < 3 else (0,) * dim
        if all(n + 2 * p >= f for n, f, p in zip(sides, window, room, strict=True)):
            return sides, window, stride, padding


def layer_of(dim, window, stride, padding, **options):
    if dim == 1:
        return sd.Layer(window[0], stride[0], padding=padding[0], **options)
    return sd.Layer(window, stride, padding=padding, **options)


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_average_pooling_is_that_of_torch(dim, include, ceil):
    pool = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)[dim - 1]
    for _ in range(60 if dim < 3 else 15):
        sides, window, stride, padding = random_case(dim)
        images = RNG.normal(size=(2, *sides))
        layer = layer_of(dim, window, stride, padding, count_include_pad=include, ceil_mode=ceil)
        theirs = pool(
            torch.from_numpy(images)[:, None],
            window,
            stride,
            padding,
            ceil_mode=ceil,
            count_include_pad=include,
        )[:, 0].numpy()
        np.testing.assert_allclose(ours(layer, images), theirs, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(
            dense(layer, images).reshape(theirs.shape), theirs, rtol=1e-12, atol=1e-13
        )


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_max_pooling_is_that_of_torch(dim, ceil):
    pool = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)[dim - 1]
    done = 0
    while done < 60:
        sides, window, stride, padding = random_case(dim, most=6)
        dilation = tuple(int(n) for n in RNG.integers(1, 4, dim))
        extent = [1 + d * (f - 1) for d, f in zip(dilation, window, strict=True)]
        if any(n + 2 * p < f for n, f, p in zip(sides, extent, padding, strict=True)):
            continue
        images = RNG.normal(size=(2, *sides))
        gaps = dilation[0] if dim == 1 else dilation
        layer = layer_of(dim, window, stride, padding, ceil_mode=ceil, pooling="max", dilation=gaps)
        theirs = pool(
            torch.from_numpy(images)[:, None], window, stride, padding, dilation, ceil_mode=ceil
        )[:, 0].numpy()
        if np.isinf(theirs).any():
            with pytest.raises(ValueError, match="reads padding only"):
                ours(layer, images)
        else:
            np.testing.assert_array_equal(ours(layer, images), theirs)
        done += 1


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("separable", [True, False])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_convolution_is_that_of_torch(dim, mode, separable):
    convolution = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)[dim - 1]
    if dim == 1 and not separable:
        return
    done = 0
    while done < (40 if dim < 3 else 8):
        sides = tuple(int(n) for n in RNG.integers(1, 12, dim))
        window = tuple(int(n) for n in RNG.integers(1, 5 if dim < 3 else 3, dim))
        stride = tuple(int(n) for n in RNG.integers(1, 4, dim))
        dilation = tuple(int(n) for n in RNG.integers(1, 4, dim))
        padding = tuple(int(n) for n in RNG.integers(0, 5, dim))
        room = [
            n + 2 * p - 1 - d * (f - 1)
            for n, p, d, f in zip(sides, padding, dilation, window, strict=True)
        ]
        widest = {"circular": 0, "reflect": -1}.get(mode, 99)
        if min(room) < 0 or any(p > n + widest for p, n in zip(padding, sides, strict=True)):
            continue
        taps = [RNG.integers(1, 9, f) for f in window]
        if separable:
            kernel = tuple(list(tap) for tap in taps) if dim > 1 else list(taps[0])
            weights = np.array(1.0)
            for tap in taps:
                weights = np.multiply.outer(weights, tap / tap.sum())
        else:
            kernel = RNG.integers(0, 9, window)
            kernel.flat[0] = 1
            weights = kernel / kernel.sum()
        options = {"padding": padding, "stride": stride, "dilation": dilation}
        if dim == 1:
            options = {name: value[0] for name, value in options.items()}
        layer = sd.Layer(kernel, padding_mode=mode, **options)
        theirs = convolution(1, 1, window, padding_mode=mode, bias=False, **options).double()
        theirs.weight.data = torch.from_numpy(weights)[None, None]
        images = RNG.normal(size=(2, *sides))
        with torch.no_grad():
            expected = theirs(torch.from_numpy(images)[:, None])[:, 0].numpy()
        np.testing.assert_allclose(ours(layer, images), expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(
            dense(layer, images).reshape(expected.shape), expected, rtol=1e-12, atol=1e-12
        )
        done += 1


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_same_padding_is_that_of_torch(mode):
    for window in range(1, 7):
        for dilation in (1, 2):
            taps = RNG.integers(1, 9, window)
            images = RNG.normal(size=(2, 13))
            theirs = torch.nn.Conv1d(
                1, 1, window, padding="same", dilation=dilation, padding_mode=mode, bias=False
            ).double()
            theirs.weight.data = torch.from_numpy(taps / taps.sum())[None, None]
            layer = sd.Layer(list(taps), padding="same", dilation=dilation, padding_mode=mode)
            with torch.no_grad():
                expected = theirs(torch.from_numpy(images)[:, None])[:, 0].numpy()
            np.testing.assert_allclose(ours(layer, images), expected, rtol=1e-12, atol=1e-12)


def tensorflow_same(image, taps, stride, dilation, *, average):
    """Follow the documentation of tf.nn.convolution and tf.nn.avg_pool, index by index.

    None where an average has no pixel.
    """
    size, length = len(image), dilation * (len(taps) - 1) + 1
    # "If (in_height % strides[1] == 0): pad_along_height = max(filter_height - stride_height, 0)
    #  else: pad_along_height = max(filter_height - (in_height % stride_height), 0)"
    total = max(length - (stride if size % stride == 0 else size % stride), 0)
    top = total // 2
    values = []
    for i in range(math.ceil(size / stride)):
        reads = [(w, stride * i + dilation * j - top) for j, w in enumerate(taps)]
        inside = [(w, place) for w, place in reads if 0 <= place < size]
        whole = sum(w for w, _ in inside) if average else sum(w for w, _ in reads)
        if not whole:
            return None
        values.append(sum(w * image[place] for w, place in inside) / whole)
    return values


@pytest.mark.parametrize("average", [True, False])
def test_same_of_tensorflow_follows_its_documentation(average):
    for size in range(1, 16):
        for window in range(1, 6):
            for stride in range(1, 5):
                for dilation in (1, 2):
                    taps = [1] * window if average else RNG.integers(1, 9, window).tolist()
                    image = RNG.normal(size=size)
                    layer = sd.Layer(
                        taps,
                        stride,
                        padding="same-tf",
                        dilation=dilation,
                        count_include_pad=not average,
                    )
                    expected = tensorflow_same(image, taps, stride, dilation, average=average)
                    if expected is None:
                        with pytest.raises(ValueError, match="reads padding only"):
                            apply_layer(image[None], layer, rectify=False)
                        continue
                    pooled = apply_layer(image[None], layer, rectify=False)[0]
                    np.testing.assert_allclose(pooled, expected, rtol=1e-12, atol=1e-12)


def test_windows_that_overhang_are_divided_as_torch_does():
    """The two cases that the theory names, exactly."""
    ones = sd.Layer(3, 2, padding=1, ceil_mode=True)
    row = axis_matrix(ones, 0, 14, 1, exact=True)[-1]
    assert row.sum() == sd.Kernel([1, 1]).weights[0]
    whole = axis_matrix(sd.Layer(2, 2, padding=0, ceil_mode=True), 0, 7, 1, exact=True)
    assert whole.shape == (4, 7)
    assert (whole.sum(axis=1) == 1).all()
