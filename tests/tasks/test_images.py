"""Images drawn at given positions, moved, and refused when they hold something else."""

from __future__ import annotations

import numpy as np
import pytest

from scaledet.tasks.images import find_pairs
from scaledet.tasks.scale_detection import ScaleDetection
from tests.scale_detection_reference import every_task


def test_images_add_up_where_pixels_coincide():
    task = ScaleDetection(size=4, xi=2, variant="T2", dim=2)
    images = task.images([[[0, 1], [3, 2]], [[2, 2], [2, 2]]])
    expected = np.zeros((2, 1, 4, 4))
    expected[0, 0, 0, 1] = expected[0, 0, 3, 2] = 1
    expected[1, 0, 2, 2] = 2
    assert np.array_equal(images, expected)


@every_task
def test_displace_moves_the_pixels_of_the_images(task):
    images = task.images(np.repeat(task.pairs(), 3, axis=0))
    before = images.copy()
    for keep in (False, True):
        moved = task.displace(images, rng=12, label_preserving=keep)
        assert np.array_equal(images, before)
        assert set(np.unique(moved)) <= {0.0, 1.0, 2.0}
        assert (moved.reshape(len(moved), -1).sum(axis=1) == 2).all()
        where = find_pairs(images)
        expected = task.move_pairs(where, rng=12, label_preserving=keep)
        assert np.array_equal(moved, task.images(expected))
        # Images whose pixels have collided can be moved on.
        again = task.displace(moved, rng=13, label_preserving=keep)
        assert (again.reshape(len(again), -1).sum(axis=1) == 2).all()


def test_displace_keeps_the_background_in_place():
    task = ScaleDetection(size=16, xi=4, gap=1, dim=2, image_noise=0.05)
    images, _ = task.sample(50, rng=1)
    moved = task.displace(images, rng=2)
    before = images - task.images(find_pairs(images))
    after = moved - task.images(find_pairs(moved))
    assert np.abs(before - after).max() < 1e-15
    assert not np.array_equal(find_pairs(images), find_pairs(moved))


def test_displace_keeps_the_floating_type():
    task = ScaleDetection(size=8, xi=3, gap=0)
    images = task.images(task.pairs(1))
    expected = task.displace(images, rng=0)
    assert expected.dtype == np.float64
    for dtype, result in [(np.float32, np.float32), (np.int64, np.float64)]:
        given = task.displace(images.astype(dtype), rng=0)
        assert given.dtype == result
        assert np.array_equal(given, expected)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        ({0: 1.0}, r"images\[1\] must have exactly two pixels .*; got 1 above 0.5: 1$"),
        ({}, r"images\[1\] .*; got 0 above 0.5$"),
        ({0: 1.0, 2: 1.0, 4: 0.75}, r"images\[1\] .*; got 3 above 0.5: 1, 1, 0.75$"),
        ({0: 1.0, 2: 1.6}, r"got 2 above 0.5: 1, 1.6$"),
        ({0: 2.0, 2: 1.0}, r"got 2 above 0.5: 2, 1$"),
        ({0: 2.75}, r"got 1 above 0.5: 2.75$"),
        ({0: 1.0, 2: 1.0, 3: float("nan")}, r"images\[1\] .* got a pixel that is not finite$"),
        (dict.fromkeys(range(7), 1.0), r"got 7 above 0.5: 1, 1, 1, 1, 1, ...$"),
    ],
)
def test_displace_refuses_images_of_something_else(pixels, message):
    task = ScaleDetection(size=8, xi=3, gap=0)
    images = task.images([[[0], [1]], [[0], [0]]])
    images[1] = 0
    for site, height in pixels.items():
        images[1, 0, site] = height
    with pytest.raises(ValueError, match=message):
        task.displace(images)
