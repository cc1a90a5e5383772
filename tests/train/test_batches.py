"""Every image once an epoch; mirrored, cut out and noisy as is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scaledet.train.batches import batch_bounds, batches
from tests.train.test_training import RECIPE

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(("count", "size"), [(10, 4), (1024, 8), (10, 10), (10, 11), (7, 1)])
def test_batches_are_as_equal_as_can_be(count, size):
    lengths = [stop - start for start, stop in batch_bounds(count, size)]
    assert sum(lengths) == count
    assert max(lengths) <= size
    assert max(lengths) - min(lengths) <= 1


def epoch(images, labels=None, **changes):
    labels = torch.arange(len(images)) if labels is None else labels
    recipe = replace(RECIPE, **changes)
    parts = list(batches(images, labels, recipe, np.random.default_rng(0)))
    rows, answers = (torch.cat(part) for part in zip(*parts, strict=True))
    order = answers.argsort()
    assert answers[order].tolist() == labels.tolist()
    assert order.tolist() != labels.tolist()
    return rows[order]


@pytest.mark.parametrize("shape", [(30, 1, 8), (30, 3, 8, 8)])
def test_every_image_comes_once_in_random_order_with_its_label(shape):
    images = torch.rand(shape)
    assert torch.equal(epoch(images), images)


def test_noise_is_white_and_fresh():
    images = torch.zeros(500, 2, 8, 8)
    noise = epoch(images, noise=0.3)
    assert noise.std().item() == pytest.approx(0.3, rel=0.02)
    assert noise.mean().item() == pytest.approx(0, abs=0.005)
    values = noise.flatten(1)
    assert abs(np.corrcoef(values[:, 0], values[:, 1])[0, 1]) < 0.15
    assert len(torch.unique(values)) > 60000


def test_images_are_mirrored_and_cut_out_of_a_border_of_zeros():
    """Every image is the original shifted by up to four pixels, zeros moving in, or its mirror."""
    image = torch.rand(2, 6, 7)
    seen = set()
    padded = np.pad(image.numpy(), ((0, 0), (4, 4), (4, 4)))
    known = {}
    for down in range(9):
        for right in range(9):
            window = padded[:, down : down + 6, right : right + 7]
            known[window.tobytes()] = (down, right, False)
            known[window[:, :, ::-1].tobytes()] = (down, right, True)
    for row in epoch(image.expand(2000, -1, -1, -1), augment=True):
        seen.add(known[row.numpy().tobytes()])
    assert len(known) == 162
    assert len(seen) > 150


def test_half_of_the_images_are_mirrored():
    image = torch.zeros(1, 12, 12)
    image[0, 6, 6], image[0, 6, 7] = 1, 2  # 1 left of 2, unless mirrored
    rows = epoch(image.expand(1000, -1, -1, -1), augment=True)
    mirrored = (rows == 1).nonzero()[:, 3] > (rows == 2).nonzero()[:, 3]
    assert mirrored.float().mean().item() == pytest.approx(0.5, abs=0.06)
