"""Splits: exact numbers, balanced, and without an image in common."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from scaledet.train import Data, task_data

T1 = sd.ScaleDetection(size=128, xi=16)
PARTS = ("train", "validation", "test")


@pytest.mark.parametrize(
    "task",
    [T1, sd.ScaleDetection(size=128, xi=16, variant="T2"), sd.ScaleDetection(32, 8, dim=2)],
)
def test_parts_are_balanced_and_disjoint(task):
    data = task_data(task, train=300, validation=100, test=200, rng=3)
    keys = []
    for part in PARTS:
        images, labels = getattr(data, f"{part}_images"), getattr(data, f"{part}_labels")
        assert labels.sum() == 0
        heights = images.reshape(len(images), -1)
        assert ((heights > 0).sum(axis=1) == 2).all()
        assert heights.max() == np.float32(np.sqrt(task.size**task.dim / 2))
        keys += [row.tobytes() for row in heights]
        pairs = np.array([np.argwhere(image[0]) for image in images])
        assert task.label_of(pairs[:, 0], pairs[:, 1]).tolist() == labels.tolist()
    assert len(set(keys)) == 600


def test_by_default_the_rest_is_tested():
    data = task_data(T1, rng=0)
    assert len(data.test_labels) == 2 * (T1.counts[1] - 512 - 64)
    assert data.test_labels.sum() == 0
    large = task_data(sd.ScaleDetection(32, 8, dim=2), rng=0)
    assert len(large.test_labels) == 4096


def test_scale_and_noise():
    task = sd.ScaleDetection(size=32, xi=8, image_noise=0.1)
    data = task_data(task, train=200, validation=0, test=0, scale=3.0, rng=0)
    assert data.scale == 3
    background = data.train_images[data.train_images < 1.5]
    assert background.std() == pytest.approx(0.3, rel=0.05)
    assert "labels -1, 1; ScaleDetection(" in repr(data)


def test_equal_seeds_give_equal_data():
    first, second, third = (task_data(T1, train=64, rng=seed) for seed in (0, 0, 1))
    assert (first.train_images == second.train_images).all()
    assert not (first.train_images == third.train_images).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: task_data("T1"), "task must be a ScaleDetection"),
        (lambda: task_data(T1, train=4000), r"train \+ validation \+ test must be <= "),
        (lambda: task_data(T1, train=0), "train must be"),
        (lambda: task_data(T1, scale=0), "scale must be"),
    ],
)
def test_tasks_are_checked(call, message):
    with pytest.raises(ValueError, match=message):
        call()


IMAGES, NONE = np.zeros((2, 1, 8)), np.zeros((0, 1, 8))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((IMAGES[0], [1, 1], NONE, [], NONE, []), "train_images must be finite real numbers"),
        ((IMAGES.astype(str), [1, 1], NONE, [], NONE, []), "train_images must be .*dtype"),
        ((IMAGES + np.nan, [1, 1], NONE, [], NONE, []), "train_images must be finite"),
        ((IMAGES, [1], NONE, [], NONE, []), "train_labels must be 2 integers"),
        ((IMAGES, [1.0, 2.0], NONE, [], NONE, []), "train_labels must be 2 integers.*dtype"),
        ((IMAGES, [1, 1], IMAGES[..., 1:], [1, 1], NONE, []), "validation_images must have the"),
        ((NONE, [], NONE, [], NONE, []), "train_images must hold at least one"),
    ],
)
def test_arrays_are_checked(arrays, message):
    with pytest.raises(ValueError, match=message):
        Data(*arrays)
