"""Pooling against loops written straight from the definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import scaledet as sd
from scaledet.network.pooling import apply_layer, pool_axis


def loops(image: np.ndarray, layer: sd.Layer) -> np.ndarray:
    """y(i) = relu(sum_j a_j x(s i + j) + b), every index written out."""
    size, dim, stride = image.shape[0], image.ndim, layer.stride
    weights = [float(w) for w in layer.kernel.weights]
    out = np.zeros((size // stride,) * dim)
    for i in itertools.product(range(size // stride), repeat=dim):
        for j in itertools.product(range(len(weights)), repeat=dim):
            source = tuple((stride * a + b) % size for a, b in zip(i, j, strict=True))
            out[i] += np.prod([weights[b] for b in j]) * image[source]
    return np.maximum(out + float(layer.bias), 0.0)


LAYERS = [
    sd.Layer(3),
    sd.Layer(2, stride=2),
    sd.Layer([1, 2, 0, 5], stride=3, bias=-0.2),
    sd.Layer([0, 1, 3], stride=2, bias=0.1),
    sd.Layer(sd.Kernel([1, -2, 1], signed=True), stride=1),
]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_layer_equals_loops(layer: sd.Layer, dim: int) -> None:
    image = np.random.default_rng(dim).normal(size=(6,) * dim)
    pooled = apply_layer(image[None], layer, rectify=True)[0]
    np.testing.assert_allclose(pooled, loops(image, layer), rtol=1e-13, atol=1e-13)


def test_kernel_longer_than_image_wraps_several_times() -> None:
    image = np.array([[1.0, 10.0]])
    pooled = pool_axis(image, np.arange(1.0, 8.0), 1, axis=1)
    even, odd = 1 + 3 + 5 + 7, 2 + 4 + 6
    np.testing.assert_array_equal(pooled, [[even + 10 * odd, odd + 10 * even]])


def test_without_rectification_negative_values_stay() -> None:
    image = np.array([[-1.0, -3.0]])
    linear = apply_layer(image, sd.Layer(2, bias=0.5), rectify=False)
    np.testing.assert_array_equal(linear, [[-1.5, -1.5]])
    assert not apply_layer(image, sd.Layer(2), rectify=True).any()


def test_input_is_not_modified() -> None:
    image = np.ones((2, 8))
    apply_layer(image, sd.Layer(3, bias=-2), rectify=True)
    assert (image == 1).all()
