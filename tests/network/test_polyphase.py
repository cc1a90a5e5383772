"""Layers that choose their grid: against the slow network, in floats, with ties and refusals."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.network.polyphase import apply_adaptive_layer
from scaledet.reference.adaptive import outputs

NETS = [
    ([([1, 1], 2)] * 3, 16, 1),
    ([([1, 2, 1], 2), ([3, 1], 1), ([1, 1, 1], 3)], 12, 1),
    ([([1, 3], 2), ([1], 2)], 8, 2),
    ([([1, 0, 2], 3)], 6, 2),
]


def run(images, layers):
    for weights, stride in layers:
        images = apply_adaptive_layer(images, sd.Layer(weights, stride))
    return images


@pytest.mark.parametrize(("layers", "size", "dim"), NETS)
@pytest.mark.parametrize("largest", [2, 1000])
def test_against_the_slow_network(layers, size, dim, largest):
    """Weights are powers of two or integers over their sum: ties are broken alike."""
    rng = np.random.default_rng(1)
    images = rng.integers(0, largest, size=(12, *[size] * dim))
    scale = float(np.prod([float(sum(weights)) ** dim for weights, _ in layers]))
    # In units of the weights, floats of small integers are exact, and so are the ties.
    exact = [outputs(image.astype(object), layers)[-1] for image in images]
    for got, expected in zip(run(images.astype(float), layers), exact, strict=True):
        difference = got * scale - expected.astype(float)
        if dyadic(layers):
            assert not difference.any()
        else:
            # Components that tie in the integers may not in floats: sums of squares are equal.
            assert (got**2).sum() * scale**2 == pytest.approx(float((expected**2).sum()), rel=1e-12)


def dyadic(layers):
    return all(sum(weights) & (sum(weights) - 1) == 0 for weights, _ in layers)


@pytest.mark.parametrize("weights", [[1, 1, 1], [1, 2, 1], [1], [Fraction(1, 7), Fraction(6, 7)]])
@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("dim", [1, 2])
def test_shifts_change_no_bit(weights, stride, dim):
    """All shifts of an image yield the same heights, in floats as well, up to their order."""
    rng = np.random.default_rng(2)
    size = 6 * stride if dim == 1 else 2 * stride
    axes = tuple(range(dim))
    few = (rng.random((6, *[size] * dim)) < 0.3) / 3.0
    for image in (*few, *rng.standard_normal((3, *[size] * dim))):
        shifts = itertools.product(range(size), repeat=dim)
        stack = np.array([np.roll(image, shift, axes) for shift in shifts])
        pooled = run(stack, [(weights, stride)])
        rotations = {
            np.roll(pooled[0], shift, axes).tobytes()
            for shift in itertools.product(range(size // stride), repeat=dim)
        }
        assert {output.tobytes() for output in pooled} <= rotations


def test_the_order_of_a_sum_does_not_decide():
    """Negative control: sums of squares in the order of the sites differ under shifts."""
    rng = np.random.default_rng(3)
    image = rng.random(60)
    stack = np.array([np.roll(image, shift) for shift in range(60)])
    assert len({float((shifted**2).sum()) for shifted in stack}) > 1
    assert len({math.fsum((shifted**2).tolist()) for shifted in stack}) == 1


def test_biases_and_rectification_come_before_the_choice():
    """x = 4 0 | 1 3: without bias 4 1 and 0 3, with bias -2 only 2 0 and 0 1."""
    images = np.array([[2.0, 3.0, 2.5, 0.0]])
    assert apply_adaptive_layer(images, sd.Layer(1, 2)).tolist() == [[2.0, 2.5]]
    assert apply_adaptive_layer(images, sd.Layer(1, 2, bias=-2)).tolist() == [[1.0, 0.0]]


def test_stride_one_has_nothing_to_choose():
    images = np.arange(6.0)[None]
    assert apply_adaptive_layer(images, sd.Layer([1, 1])).tolist() == [
        [0.5, 1.5, 2.5, 3.5, 4.5, 2.5]
    ]


def test_sides_that_the_stride_does_not_divide_are_refused():
    with pytest.raises(ValueError, match="multiples of it, for components of one size; got 7"):
        apply_adaptive_layer(np.ones((1, 7)), sd.Layer(2, 2))
