"""Maximum-entropy diffeomorphisms: their law, their range, and how they move images."""

from __future__ import annotations

import math

import numpy as np
import pytest

import scaledet as sd
from scaledet import Diffeomorphism


def every_mode(cut):
    whole = range(1, int(cut) + 1)
    return [(i, j) for i in whole for j in whole if i * i + j * j <= cut * cut + 1e-9]


@pytest.mark.parametrize("cut", [math.sqrt(2), 2, 3, math.sqrt(13), 5.5])
def test_fields_are_the_published_sum_over_modes(cut):
    tau, size = Diffeomorphism(cut, 0.01), 17
    field = tau.draw(size, rng=3)[0]
    # The same normal numbers, mode by mode; i, j run to the highest wave number.
    highest = max(i for i, _ in every_mode(cut))
    normal = np.random.default_rng(3).standard_normal((2, highest, highest))
    x = np.linspace(0, 1, size)
    expected = np.zeros((2, size, size))
    for i, j in every_mode(cut):
        wave = np.outer(np.sin(i * np.pi * x), np.sin(j * np.pi * x))
        amplitude = np.sqrt(0.01 / (i * i + j * j)) * normal[:, i - 1, j - 1]
        expected += size * amplitude[:, None, None] * wave
    np.testing.assert_allclose(field, expected, atol=1e-12)
    assert not field[:, [0, -1]].any()
    assert not field[..., [0, -1]].any()


def test_half_integer_cut_admits_the_modes_of_the_published_code():
    published = sum(math.hypot(i, j) < 4 + 0.5 for i in range(1, 5) for j in range(1, 5))
    assert np.count_nonzero(Diffeomorphism(4.5, 1.0).modes(16)[1]) == published
    assert np.count_nonzero(Diffeomorphism(4, 1.0).modes(16)[1]) < published


def test_typical_displacement_is_the_mean_over_pixels_and_fields():
    for size, cut in ((9, 3), (32, 5.5), (5, 2)):
        tau = Diffeomorphism(cut, 0.003)
        sines, variances = tau.modes(size)
        mean = 2 * np.einsum("ij,iy,jx->yx", variances, sines**2, sines**2).mean()
        assert tau.typical_displacement(size) ** 2 == pytest.approx(mean, rel=1e-12)
    fields = tau.draw(5, 20_000, rng=0)
    square = (fields**2).sum(axis=1).mean(axis=(1, 2))
    error = square.std() / math.sqrt(len(square))
    assert abs(square.mean() - mean) < 4 * error


def test_temperature_range_by_displacement():
    size, cut = 65, 4
    lowest, highest = Diffeomorphism.temperature_range(size, cut)
    assert Diffeomorphism(cut, lowest).typical_displacement(size) == pytest.approx(0.5)
    expected = (size - 1) / (2 * math.pi * cut)
    assert Diffeomorphism(cut, highest).typical_displacement(size) == pytest.approx(expected)


def test_temperature_range_tends_to_the_published_formula():
    size = 3001
    distance = []
    for cut in (5, 50, 500):
        lowest, highest = Diffeomorphism.temperature_range(size, cut)
        log = math.log(cut)
        published = 1 / (math.pi * size**2 * log), 4 / (math.pi**3 * cut**2 * log)
        distance.append([abs(lowest / published[0] - 1), abs(4 * highest / published[1] - 1)])
    distance = np.array(distance)
    assert (np.diff(distance, axis=0) < 0).all()
    assert (distance[-1] < 0.15).all()


@pytest.mark.parametrize("cut", [2, 3, 6, 9.5])
def test_maps_hardly_ever_fold_up_to_the_highest_temperature(cut):
    highest = Diffeomorphism.temperature_range(49, cut)[1]
    folded = [
        Diffeomorphism(cut, factor * highest).folds(
            Diffeomorphism(cut, factor * highest).draw(49, 400, rng=1)
        )
        for factor in (1, 32)
    ]
    assert folded[0].mean() <= 0.03
    assert folded[1].mean() > 0.5  # the test sees folds


def test_folds():
    fields = np.zeros((3, 2, 5, 5))
    fields[1, 1, 2, 2] = 0.9
    fields[2, 1, 2, 2] = 1.1
    assert Diffeomorphism.folds(fields).tolist() == [False, False, True]


def test_linear_interpolation():
    rows, columns = np.indices((7, 7)).astype(float)
    image = (2 * rows - 3 * columns)[None]
    field = np.full((1, 2, 7, 7), 0.25)
    field[0, 1] = -0.5
    moved = Diffeomorphism(2, 0.1).apply(image, field)
    inner = np.s_[0, 1:, :-1]
    np.testing.assert_allclose(moved[inner], (image - 0.5 - 1.5)[inner], atol=1e-12)
    # Beyond the border: the nearest point of it.
    assert moved[0, 0, 0] == pytest.approx(-1.5)
    np.testing.assert_array_equal(
        Diffeomorphism(2, 0.1).apply(image, np.ones((1, 2, 7, 7)))[0, 1:, 1:], image[0, :-1, :-1]
    )


def test_gaussian_interpolation_is_a_mean_over_all_pixels():
    rng = np.random.default_rng(0)
    image, tau = rng.random((1, 9, 9)), Diffeomorphism(3, 0.003)
    field = tau.draw(9, rng=1)
    moved = tau.apply(image, field, interpolation="gaussian")
    rows, columns = np.indices((9, 9))
    for row in range(9):
        for column in range(9):
            y = np.clip(row - field[0, 0, row, column], 0, 8)
            x = np.clip(column - field[0, 1, row, column], 0, 8)
            weight = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 0.4715**2))
            mean = (weight * image[0]).sum() / weight.sum()
            assert moved[0, row, column] == pytest.approx(mean, rel=1e-9)


def test_every_image_has_a_field_of_its_own():
    images = np.random.default_rng(0).random((3, 8, 8))
    tau = Diffeomorphism(2, 0.01)
    moved = tau.apply(images, rng=5)
    np.testing.assert_array_equal(moved, tau.apply(images, tau.draw(8, 3, rng=5)))
    alone = tau.apply(images[2:], tau.draw(8, 3, rng=5)[2:])
    np.testing.assert_array_equal(moved[2:], alone)
    assert not np.array_equal(moved, tau.apply(images, rng=6))


def test_round_trip_and_displacement():
    tau = Diffeomorphism.with_displacement(1.3, 40, 3.5)
    assert Diffeomorphism.from_dict(tau.to_dict()) == tau
    assert tau.typical_displacement(40) == pytest.approx(1.3, rel=1e-14)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Diffeomorphism(1.4, 1.0), r"cut must be a real number from sqrt\(2\).*got 1.4"),
        (lambda: Diffeomorphism(-3, 1.0), "cut must be a real number"),
        (lambda: Diffeomorphism(3, 0), "temperature must be a finite real number > 0; got 0"),
        (lambda: Diffeomorphism("3", 1), "cut must be a finite real number; got '3'"),
        (lambda: Diffeomorphism(5, 1.0).draw(5), "size must be at least 6 pixels.*got 5"),
        (lambda: Diffeomorphism.temperature_range(20, 7), "at most.* 6.048.*from 23 pixels on"),
        (lambda: Diffeomorphism(2, 1).apply(np.zeros((2, 5, 6))), r"got shape \[2, 5, 6\]"),
        (lambda: Diffeomorphism(2, 1).apply(np.zeros((5, 5))), r"got shape \[5, 5\]"),
        (lambda: Diffeomorphism(2, 1).apply(np.full((1, 5, 5), np.nan)), r"images\[0\] is not fin"),
        (
            lambda: Diffeomorphism(2, 1).apply(np.zeros((1, 5, 5)), np.zeros((1, 5, 5))),
            r"fields must be .* \[1, 2, 5, 5\]; got shape \[1, 5, 5\]",
        ),
        (
            lambda: Diffeomorphism(2, 1).apply(np.zeros((1, 5, 5)), np.zeros((1, 2, 5, 5)), rng=1),
            "rng must be None where fields are given",
        ),
        (
            lambda: Diffeomorphism(2, 1).apply(np.zeros((1, 5, 5)), interpolation="cubic"),
            "interpolation must be one of 'linear', 'gaussian'; got 'cubic'",
        ),
        (lambda: Diffeomorphism.folds(np.zeros((2, 5, 5))), "fields must be"),
        (lambda: Diffeomorphism.from_dict({"cut": 3}), "data must have the keys"),
    ],
)
def test_wrong_arguments(call, words):
    with pytest.raises(sd.errors.ArgumentError, match=words):
        call()
