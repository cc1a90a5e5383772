"""Images from arrays and npz files: layouts, splits, normalisation, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from scaledet.train import Data, image_data

LABELS = np.arange(200) % 4
# Every image has a first pixel of its own, by which it is known again.
PICTURES = np.random.default_rng(0).integers(256, size=(200, 8, 6, 3), dtype=np.uint8)
PICTURES[:, 0, 0, 0] = np.arange(200)


def numbers(images):
    return np.round(images[:, 0, 0, 0] * 255).astype(int).tolist()


def test_parts_are_balanced_and_disjoint():
    data = image_data(
        PICTURES, LABELS, PICTURES, LABELS, count=81, validation=22, test=40, normalise=False, rng=0
    )
    training, validating = numbers(data.train_images), numbers(data.validation_images)
    assert len({*training, *validating}) == 81 + 22
    assert LABELS[training].tolist() == data.train_labels.tolist()
    assert LABELS[validating].tolist() == data.validation_labels.tolist()
    assert LABELS[numbers(data.test_images)].tolist() == data.test_labels.tolist()
    for labels in (data.train_labels, data.validation_labels, data.test_labels):
        counts = np.bincount(labels)
        assert counts.max() - counts.min() <= 1
        assert labels.tolist() != sorted(labels)
    assert len(set(numbers(data.test_images))) == 40


def test_by_default_all_images_are_used():
    data = image_data(PICTURES, LABELS, PICTURES[:50], LABELS[:50], normalise=False, rng=0)
    assert len(data.validation_labels) == 20
    known = numbers(data.train_images) + numbers(data.validation_images)
    assert sorted(known) == list(range(200))
    assert len(data.test_labels) == 50
    assert not len(image_data(PICTURES, LABELS, rng=0).test_labels)


@pytest.mark.parametrize(
    "layout",
    [
        lambda pictures: pictures,
        lambda pictures: pictures.transpose(0, 3, 1, 2),
        lambda pictures: pictures.astype(np.float64) / 255,
    ],
)
def test_layouts_and_types_are_alike(layout):
    expected = image_data(PICTURES, LABELS, rng=0).train_images
    assert expected.shape == (180, 3, 8, 6)
    assert expected.dtype == np.float32
    images = image_data(layout(PICTURES), LABELS, rng=0).train_images
    np.testing.assert_allclose(images, expected, atol=1e-5)


def test_grey_images_need_no_axis_of_colours():
    grey = PICTURES[..., 0]
    first, second = (image_data(x, LABELS, rng=0).train_images for x in (grey, grey[..., None]))
    assert first.shape == (180, 1, 8, 6)
    assert (first == second).all()


def test_images_to_train_on_are_normalised_and_others_alike():
    half = (PICTURES // 2).astype(np.uint8)
    data = image_data(PICTURES, LABELS, half, LABELS, rng=0)
    assert data.train_images.mean(axis=(0, 2, 3)) == pytest.approx([0, 0, 0], abs=1e-5)
    assert data.train_images.std(axis=(0, 2, 3)) == pytest.approx([1, 1, 1], abs=1e-5)
    assert data.test_images.std() == pytest.approx(0.5, abs=0.02)
    assert data.test_images.mean() == pytest.approx(-0.87, abs=0.05)


def test_files_hold_images_and_labels(tmp_path):
    np.savez(tmp_path / "train.npz", x=PICTURES, y=LABELS)
    np.savez(tmp_path / "test.npz", x=PICTURES[:20], y=LABELS[:20].astype(np.uint8))
    read = image_data(tmp_path / "train.npz", test_x=str(tmp_path / "test.npz"), rng=0)
    given = image_data(PICTURES, LABELS, PICTURES[:20], LABELS[:20], rng=0)
    for name in vars(given):
        assert np.array_equal(getattr(read, name), getattr(given, name)), name
    assert isinstance(read, Data)


def test_equal_seeds_give_equal_data():
    first, second, third = (image_data(PICTURES, LABELS, count=20, rng=s) for s in (0, 0, 1))
    assert (first.train_images == second.train_images).all()
    assert not (first.train_images == third.train_images).all()


def test_bad_files_are_refused(tmp_path):
    path = tmp_path / "images.npz"
    with pytest.raises(ValueError, match="x must name an npz file with the arrays x and y"):
        image_data(path)
    np.savez(path, images=PICTURES)
    with pytest.raises(ValueError, match="x must name an npz file"):
        image_data(path)
    np.savez(path, x=PICTURES, y=np.array([None] * 200, dtype=object))
    with pytest.raises(ValueError, match="x must name an npz file"):
        image_data(path)
    path.write_text("no archive")
    with pytest.raises(ValueError, match="x must name an npz file"):
        image_data(path)
    np.save(tmp_path / "a.npy", PICTURES)
    with pytest.raises(ValueError, match="x must name an npz file"):
        image_data(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((PICTURES,), "y must be given with x"),
        ((PICTURES, LABELS[1:]), "y must be 200 integers"),
        ((PICTURES, LABELS / 2), "y must be 200 integers"),
        ((PICTURES[..., :2], LABELS), r"x must be uint8 or floats of shape .*got shape"),
        ((PICTURES.astype(int), LABELS), "x must be .*got dtype int64"),
        ((PICTURES[:, :3, :3].transpose(0, 3, 1, 2), LABELS), r"got shape \[200, 3, 3, 3\]"),
        ((PICTURES, LABELS, PICTURES), "test_y must be given with test_x"),
        ((PICTURES, LABELS, None, LABELS), "test_x must be given"),
        ((PICTURES, LABELS, PICTURES[:, 1:], LABELS), "test_images must have the shape"),
        ((np.zeros((20, 4, 4)), np.arange(20) % 2), "x must vary in every colour"),
        ((np.full((20, 4, 4), np.nan), np.arange(20) % 2), "not finite"),
    ],
)
def test_arrays_are_checked(given, message):
    with pytest.raises(ValueError, match=message):
        image_data(*given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"count": 0}, "count must be"),
        ({"count": 190, "validation": 20}, "x must have .* images more of class"),
        ({"validation": -1}, "validation must be"),
        ({"test": 10}, "test_x must be given"),
        ({"normalise": "yes"}, "normalise must be True or False"),
    ],
)
def test_numbers_are_checked(given, message):
    with pytest.raises(ValueError, match=message):
        image_data(PICTURES, LABELS, **given)
