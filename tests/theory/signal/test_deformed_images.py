"""Squared distances of deformed images against dense double sums and drawn fields."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import scaledet as sd
from scaledet.theory.signal.deformed_images import _rounded
from tests.image_reference import decaying_spectrum, double_sum, sampled

NET = sd.Network([sd.Layer(3), sd.Layer([1, 3, 3, 1], 2), sd.Layer(2, 2)], dim=2)
SIZE = 8
DRAWS = 200


def symmetric_spectrum(width):
    values = np.random.default_rng(0).uniform(0.5, 1, (width, width))
    return values + np.roll(values[::-1, ::-1], 1, axis=(0, 1))


@pytest.mark.parametrize("width", [SIZE, 2 * SIZE - 1, 20])
@pytest.mark.parametrize("pixels", [1e-3, 0.1, 1.0, 3.0])
def test_band_limited_images_are_exact(width, pixels):
    spectrum = symmetric_spectrum(width)
    tau = sd.Diffeomorphism.with_displacement(pixels, SIZE, 3)
    made = sd.predict_images(NET, spectrum, tau, size=SIZE, interpolation="band-limited")
    moved, distance = double_sum(NET, spectrum, tau, SIZE)
    np.testing.assert_allclose(made.Q, distance, rtol=1e-11)
    np.testing.assert_allclose(made.D * made.Q, moved, rtol=1e-6)
    assert not made.approximate


def test_local_displacement_is_the_transfer_function():
    """Periodic images: sum of S |h|^2 times 2 (1 - <exp(-q^2 Var u/2)>)."""
    spectrum = symmetric_spectrum(SIZE)
    tau = sd.Diffeomorphism.with_displacement(0.7, SIZE, 3)
    made = sd.predict_images(
        NET, spectrum, tau, size=SIZE, method="local", interpolation="band-limited"
    )
    assert made.approximate
    waves = 2 * np.pi * np.fft.fftfreq(SIZE)
    square = np.add.outer(waves**2, waves**2)
    sines, variances = tau.modes(SIZE)
    fixed = np.einsum("ij,iy,jx->yx", variances, sines**2, sines**2)
    mean = np.exp(-square[..., None] * fixed.ravel() / 2).mean(axis=-1)
    gain, step, units = np.ones(SIZE), 1, SIZE
    for k in range(NET.depth + 1):
        if k:
            weights = [float(w) for w in NET[k - 1].kernel]
            transform = sum(w * np.exp(1j * waves * step * j) for j, w in enumerate(weights))
            gain = gain * np.abs(transform) ** 2
            step *= NET[k - 1].stride
            units = SIZE // step
        both = units**2 * spectrum * np.outer(gain, gain)
        assert made.Q[k] == pytest.approx(2 * both.sum(), rel=1e-11)
        assert made.D[k] * made.Q[k] == pytest.approx(2 * (both * (1 - mean)).sum(), rel=1e-6)


@pytest.mark.parametrize(("pixels", "cut"), [(0.3, 3), (1.2, 2)])
def test_drawn_fields_agree(pixels, cut):
    """Both interpolations against fields that are drawn, averaged over all images."""
    size, spectrum = 8, decaying_spectrum(15)
    net = sd.Network([sd.Layer(3), sd.Layer(2, 2)], dim=2)
    tau = sd.Diffeomorphism.with_displacement(pixels, size, cut)
    drawn = sampled(net, spectrum, tau, size, DRAWS, seed=4)
    made = np.array(
        [
            sd.predict_images(net, spectrum, tau, size=size, interpolation=kind).D
            for kind in ("band-limited", "linear")
        ]
    )
    pulls = (drawn.mean(axis=0) - made) / (drawn.std(axis=0) / DRAWS**0.5)
    assert np.abs(pulls).max() < 4
    # The difference of both is far more precise: fields are the same.
    gap = drawn[:, 1] - drawn[:, 0]
    error = gap.std(axis=0) / DRAWS**0.5
    assert (np.abs(gap.mean(axis=0) - (made[1] - made[0])) < 4 * error + 0.006 * made[1]).all()
    # Negative control: the interpolation matters, most at the input.
    assert (gap.mean(axis=0) / error < -5).all()
    assert abs(drawn[:, 1, 0].mean() - made[0, 0]) > 5 * drawn[:, 1, 0].std() / DRAWS**0.5


def test_gradients_matter_to_deep_layers():
    size = 16
    net = sd.Network.uniform(2, 2, 3, dim=2)
    tau = sd.Diffeomorphism.with_displacement(1, size, 5)
    spectrum = decaying_spectrum(2 * size - 1)
    exact, local = (
        sd.predict_images(
            net, spectrum, tau, size=size, method=method, interpolation="band-limited"
        ).D
        for method in ("gaussian", "local")
    )
    assert local[0] == pytest.approx(exact[0], rel=1e-6)
    assert local[-1] < 0.95 * exact[-1]


@pytest.mark.parametrize("deviation", [0.0, 0.05, 0.2, 1.0, 2.5])
def test_law_of_a_gaussian_that_is_rounded_up_or_down(deviation):
    places, law = _rounded(deviation)
    assert law.sum() == pytest.approx(1, abs=1e-14)
    if not deviation:
        assert law[places == 0] == 1
        return
    for place, probability in zip(places, law, strict=True):
        hat = [
            quad(lambda u, j=place: (1 - abs(u - j)) * norm.pdf(u, scale=deviation), a, a + 1)[0]
            for a in (place - 1, place)
        ]
        assert probability == pytest.approx(sum(hat), abs=1e-9)
