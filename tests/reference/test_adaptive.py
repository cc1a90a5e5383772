"""The slow adaptive network by hand, and what it shows: circular shifts, ties, zeros, moves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from scaledet.reference.adaptive import least_change, outputs
from scaledet.reference.torus import Torus

BOXES = [([1, 1], 2)] * 2
MIXED = [([1, 2, 1], 2), ([3, 1], 1), ([1, 1, 1], 2)]


def images(size, dim=1, count=20):
    """Small integers, so that many components tie."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 3, size=(count, *[size] * dim)).astype(object)


def greatest_changes(stack, layers, shifts, **given):
    axes = tuple(range(stack.ndim - 1))
    pairs = [
        zip(
            outputs(image, layers, **given),
            outputs(np.roll(image, shift, axes), layers, **given),
            strict=True,
        )
        for image, shift in itertools.product(stack, shifts)
    ]
    return np.max([[least_change(f, g) for f, g in pair] for pair in pairs], axis=0).tolist()


def test_a_component_by_hand():
    """x = 0 2 0 0 1 0: pooled by [1, 1] it is 2 2 0 1 1 0, of components 2 0 1 and 2 1 0."""
    kept = [image.tolist() for image in outputs([0, 2, 0, 0, 1, 0], [([1, 1], 2)])]
    assert kept[1] in ([2, 0, 1], [2, 1, 0])
    # Both have the same sum of squares; read from the top, 2 1 0 is greater than 2 0 1 ... unless
    # the latter is read as the ring 2 0 1, whose greatest reading is itself.
    assert kept[1] == [2, 1, 0]
    assert outputs([0, 2, 0, 0, 1, 0], [([1, 1], 2)], first=True)[1].tolist() == [2, 0, 1]


def test_the_first_grid_is_that_of_the_torus():
    """With stride 1 nothing is chosen: the layers are those of the torus."""
    layers = [([1, 2], 1), ([3, 0, 1], 1)]
    torus = Torus(layers, 8)
    for p in range(8):
        pooled = outputs(np.eye(8, dtype=int)[p], layers)
        assert [image.tolist() for image in pooled] == [
            torus.features(k)[p].tolist() for k in range(3)
        ]


@pytest.mark.parametrize(("layers", "size", "dim"), [(BOXES, 8, 1), (MIXED, 12, 1), (MIXED, 4, 2)])
def test_circular_shifts_shift_the_outputs(layers, size, dim):
    shifts = list(itertools.product(range(size), repeat=dim)) if dim == 1 else [(1, 0), (3, 2)]
    stack = images(size, dim, 8)
    assert greatest_changes(stack, layers, shifts) == [0] * (len(layers) + 1)


def test_the_first_among_equals_is_no_invariant_choice():
    """Negative control: the tie-breaking rule matters, as published code breaks ties by order."""
    changes = greatest_changes(images(8), BOXES, [(1,)], first=True)
    assert changes[0] == 0
    assert changes[1] > 0


@pytest.mark.parametrize("layers", [BOXES, MIXED])
def test_padded_zeros_break_the_invariance(layers):
    changes = greatest_changes(images(12), layers, [(1,), (5,)], zeros=True)
    assert changes[0] == 0
    assert min(changes[1:]) > 0


def test_zeros_do_no_harm_far_from_the_border():
    """What pads is zero anyway if the image and its shift keep away from the border."""
    stack = images(8, count=10)
    wide = np.zeros((10, 48), dtype=object)
    wide[:, 20:28] = stack
    assert greatest_changes(wide, [([1, 2, 1], 2)] * 2, [(1,), (-2,)], zeros=True) == [0, 0, 0]


def test_local_moves_are_not_undone():
    """Of two pixels one moves: their distance changes, and with it most representations."""
    pairs = np.zeros((7, 16), dtype=object)
    pairs[:, 0] = 1
    for distance, image in enumerate(pairs, start=1):
        image[distance] = 1
    represented = [outputs(image, BOXES) for image in pairs]
    changes = [
        [least_change(f, g) for f, g in zip(before, after, strict=True)]
        for before, after in itertools.pairwise(represented)
    ]
    assert np.mean(changes, axis=0).min() > 0
    assert np.array(changes)[:, 0].min() > 0


def test_padding_keeps_sizes_and_centres_the_window():
    assert outputs([1, 0, 0, 2], [([1, 2, 4], 1)], zeros=True)[1].tolist() == [2, 1, 8, 4]
    with pytest.raises(ValueError, match="empty"):
        outputs(np.zeros(0, dtype=object), BOXES)
