"""The limit of many channels against neural-tangents, where the extra `kernels` is installed.

A layer whose taps share the part t of their variance is the sum of two independent layers: a
convolution of independent taps, and an average over the window before a convolution of one tap.
"""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

import scaledet as sd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    stax = pytest.importorskip("neural_tangents.stax")
    experimental = pytest.importorskip("jax.experimental")

pytestmark = pytest.mark.filterwarnings("ignore")

BIAS_VARIANCE = 0.3


def layer(sides, strides, padding, pooling):
    """Filters of weight variance 2 and tap covariance C_t with biases, and a ReLU."""
    independent = stax.Conv(
        1, sides, strides, padding, W_std=np.sqrt(2 * (1 - pooling)), b_std=np.sqrt(BIAS_VARIANCE)
    )
    common = stax.serial(
        stax.AvgPool(sides, strides, padding),
        stax.Conv(1, (1,) * len(sides), W_std=np.sqrt(2 * pooling), b_std=None),
    )
    if not pooling:
        return stax.serial(independent, stax.Relu())
    both = stax.serial(stax.FanOut(2), stax.parallel(independent, common), stax.FanInSum())
    return stax.serial(both, stax.Relu())


def distances(layers, images):
    """E|f(x) - f(y)|^2 per channel and site of every two images [n, channels, *sides]."""
    last = np.moveaxis(images, 1, -1)
    with experimental.enable_x64():
        *_, kernel = stax.serial(*layers, stax.Flatten())
        per_site = np.asarray(kernel(last, None, "nngp"))
    norms = np.diag(per_site)
    return norms[:, None] + norms - 2 * per_site


@pytest.mark.parametrize("pooling", [0, 0.5, 1])
@pytest.mark.parametrize(
    ("kernel", "stride", "depth", "padding", "name", "shape"),
    [
        (3, 1, 3, None, "CIRCULAR", (1, 9)),
        (3, 1, 2, 1, "SAME", (2, 9)),
        (2, 2, 3, None, "VALID", (1, 16)),
        (3, 2, 2, 0, "VALID", (2, 15)),
        (3, 1, 2, None, "CIRCULAR", (1, 5, 5)),
    ],
)
def test_given_images(kernel, stride, depth, padding, name, shape, pooling):
    dim = len(shape) - 1
    net = sd.Network.uniform(kernel, stride, depth, dim, padding=padding)
    images, change = np.random.default_rng(4).normal(size=(2, 3, *shape))
    displaced = images + 0.3 * change
    given = {"pooling": pooling, "bias_variance": BIAS_VARIANCE, "noise_error": 0.5, "rng": 0}
    predicted = sd.predict_wide(net, images=images, displaced=displaced, **given)
    sides = ((kernel,) * dim, (stride,) * dim)
    for k in range(1, depth + 1):
        layers = [layer(*sides, name, pooling)] * k
        sites = np.prod(net.sizes(shape[1:])[k])
        squares = sites * distances(layers, np.concatenate([images, displaced]))
        q = np.mean([squares[pair] for pair in itertools.combinations(range(3), 2)])
        d = np.mean([squares[i, i + 3] for i in range(3)]) / q
        assert predicted.Q[k] == pytest.approx(q, rel=1e-7)
        assert predicted.D[k] == pytest.approx(d, rel=1e-7)


def test_one_pixel_before_training():
    """The response to one pixel on a torus, which `predict_wide` computes from fewer sites."""
    net = sd.Network.uniform(3, depth=4)
    predicted = sd.predict_wide(net, size=24, bias_variance=BIAS_VARIANCE, noise_error=0.5, rng=0)
    squares = 24 * distances([layer((3,), (1,), "CIRCULAR", 0)] * 4, np.eye(24)[:, None])
    assert predicted.Q[4] == pytest.approx(squares.mean(), rel=1e-7)
    assert predicted.D[4] == pytest.approx(squares[0, 1] / squares.mean(), rel=1e-7)


def test_another_share_of_pooling_is_told_apart():
    net = sd.Network.uniform(3, depth=2)
    images = np.random.default_rng(4).normal(size=(3, 1, 9))
    squares = 9 * distances([layer((3,), (1,), "CIRCULAR", 0.5)] * 2, images)
    q = np.mean([squares[pair] for pair in itertools.combinations(range(3), 2)])
    given = {"images": images, "bias_variance": BIAS_VARIANCE, "noise_error": 0.5, "rng": 0}
    assert sd.predict_wide(net, pooling=0.5, **given).Q[2] == pytest.approx(q, rel=1e-7)
    assert abs(sd.predict_wide(net, pooling=0.49, **given).Q[2] / q - 1) > 1e-4
