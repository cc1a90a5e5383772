"""The power spectrum of images, estimated."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.isolation import usual_floats
from scaledet.tasks.deformation import as_pictures

__all__ = ["power_spectrum"]


@usual_floats
def power_spectrum(images: Any, *, periodic: bool = False) -> NDArray[np.float64]:
    r"""Estimate the power spectrum of images that look alike everywhere, on average.

    With R(r) the covariance of two pixels at the lag r, over images and positions,

    .. math:: S(q) = \frac{1}{M^2} \sum_r R(r)\, e^{-i q \cdot r}, \qquad
              R(r) = \sum_q S(q)\, e^{i q \cdot r}, \qquad q = 2 \pi n / M .

    Parameters
    ----------
    images : array [n, N, N]
        At least two images; their mean is taken off, pixel by pixel.
    periodic : bool, default False
        Whether lags wrap around the image, so that M = N. Photographs have borders: M = 2 N - 1,
        one frequency for each of the lags up to N - 1, either way.

    Returns
    -------
    array [M, M]
        In the order of ``numpy.fft.fft2``, in units of the squared pixel values: the sum is R(0).
        The estimate of R has no bias; S, then, may be below 0 at some frequencies.

    Notes
    -----
    Source: textbook (the periodogram, and the correlogram without bias).

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((2000, 8, 8))
    >>> power_spectrum(noise, periodic=True).sum().round(2)
    np.float64(1.0)
    >>> power_spectrum(noise).shape
    (15, 15)
    """
    pictures = as_pictures(images)
    periodic = validate.flag("periodic", periodic)
    count, size, _ = pictures.shape
    if count < 2:
        raise ArgumentError("images must be at least two, for their variance; got one")
    centred = pictures - pictures.mean(axis=0)
    width = size if periodic else 2 * size - 1
    power = np.zeros((width, width))
    for start in range(0, count, _CHUNK):
        waves = np.fft.fft2(centred[start : start + _CHUNK], (width, width))
        power += (waves.real**2 + waves.imag**2).sum(axis=0)
    sums = np.fft.ifft2(power / (count - 1)).real
    lags = np.abs(np.fft.fftfreq(width, 1 / width))
    pairs = np.full(width, float(size)) if periodic else size - lags
    return np.asarray(np.fft.fft2(sums / np.outer(pairs, pairs)).real / width**2)


_CHUNK = 64
"""Images that are transformed at a time."""
