"""The power spectrum of images."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd


@pytest.mark.parametrize("periodic", [True, False])
def test_its_transform_is_the_mean_covariance_at_every_lag(periodic):
    size, rng = 5, np.random.default_rng(0)
    images = rng.random((7, size, size)) + rng.random((size, size))
    spectrum = sd.power_spectrum(images, periodic=periodic)
    width = len(spectrum)
    assert width == (size if periodic else 2 * size - 1)
    covariance = np.fft.ifft2(spectrum).real * width**2
    centred = images - images.mean(axis=0)
    for down in range(1 - size, size):
        for right in range(1 - size, size):
            products = []
            for y in range(size):
                for x in range(size):
                    there = np.array([y + down, x + right])
                    if periodic:
                        there %= size
                    elif not ((there >= 0) & (there < size)).all():
                        continue
                    products.append((centred[:, y, x] * centred[:, *there]).sum() / 6)
            assert covariance[down, right] == pytest.approx(np.mean(products), abs=1e-13)


def test_it_is_not_biased_by_the_mean_of_few_images():
    rng = np.random.default_rng(1)
    totals = [sd.power_spectrum(rng.standard_normal((3, 6, 6))).sum() for _ in range(2000)]
    assert abs(np.mean(totals) - 1) < 4 * np.std(totals) / np.sqrt(2000)


@pytest.mark.parametrize(
    ("images", "words"),
    [(np.zeros((1, 4, 4)), "at least two"), (np.zeros((3, 4, 5)), "got shape")],
)
def test_wrong_arguments(images, words):
    with pytest.raises(sd.errors.ArgumentError, match=words):
        sd.power_spectrum(images)
