"""Deformed images by definition: dense matrices, and fields drawn with all images averaged."""

from __future__ import annotations

import numpy as np

from scaledet.network.pooling import responses


def decaying_spectrum(width):
    """S = 1/|q|^2, without the mean."""
    wave = 2 * np.pi * np.fft.fftfreq(width)
    square = np.add.outer(wave**2, wave**2)
    return np.divide(1, square, out=np.zeros_like(square), where=square > 0)


def pooling_matrices(net, size):
    """Matrix of the composite network for every k, [units, pixels]; biases cancel."""
    images = np.vstack([np.zeros(size**2), np.eye(size**2)]).reshape(-1, size, size)
    every = responses(net, images, rectify=False)
    return [(maps[1:] - maps[0]).reshape(size**2, -1).T for maps in every]


def double_sum(net, spectrum, tau, size):
    """Return E|P(tau x - x)|^2 and Q for every k: the double sum, frequency by frequency."""
    waves = 2 * np.pi * np.fft.fftfreq(len(spectrum))
    x = np.linspace(0, 1, size)
    numbers = [(i, j) for i in range(1, 9) for j in range(1, 9) if i * i + j * j <= tau.cut**2]
    modes = [np.outer(np.sin(i * np.pi * x), np.sin(j * np.pi * x)).ravel() for i, j in numbers]
    weights = [size**2 * tau.temperature / (i * i + j * j) for i, j in numbers]
    covariance = sum(w * np.outer(m, m) for w, m in zip(weights, modes, strict=True))
    fixed = np.diag(covariance)
    apart = fixed[:, None] + fixed - 2 * covariance
    rows, columns = np.divmod(np.arange(size**2), size)
    down, right = np.subtract.outer(rows, rows), np.subtract.outer(columns, columns)
    moved, plain = np.zeros((2, size**2, size**2))
    for a, row in enumerate(waves):
        for b, column in enumerate(waves):
            phase = spectrum[a, b] * np.cos(row * down + column * right)
            square = row**2 + column**2
            still = np.exp(-square * fixed / 2)
            moved += phase * (np.exp(-square * apart / 2) - still[:, None] - still + 1)
            plain += phase
    grams = [p.T @ p for p in pooling_matrices(net, size)]
    return (
        np.array([(gram * moved).sum() for gram in grams]),
        np.array([2 * (gram * plain).sum() for gram in grams]),
    )


def sampled(net, spectrum, tau, size, draws, seed):
    """Return |P(tau x - x)|^2/Q averaged over images, [draws, 2, depth + 1], of drawn fields.

    Band-limited and linear interpolation of plane waves. The fields are the only random numbers.
    """
    width, waves = len(spectrum), 2 * np.pi * np.fft.fftfreq(len(spectrum))

    def exact(places):
        return np.exp(1j * np.outer(places, waves))

    def linear(places):
        below = np.floor(places)
        rest = (places - below)[:, None]
        return (1 - rest) * exact(below) + rest * exact(below + 1)

    def images(kind, rows, columns):
        both = kind(rows)[:, :, None] * kind(columns)[:, None, :]
        return (both * np.sqrt(spectrum)).reshape(size**2, width**2)

    rows, columns = (values.ravel() for values in np.indices((size, size)))
    plain = images(exact, rows, columns)
    matrices = pooling_matrices(net, size)
    layers = np.repeat(np.arange(len(matrices)), [len(matrix) for matrix in matrices])
    every = np.concatenate(matrices)

    def energies(values):
        # Not a product of matrices: threads of BLAS wait for busy cores.
        units = np.einsum("up,pw->uw", every, np.hstack([values.real, values.imag]))
        return np.bincount(layers, (units**2).sum(axis=1))

    result = [
        [
            energies(images(kind, rows - u[0].ravel(), columns - u[1].ravel()) - plain)
            for kind in (exact, linear)
        ]
        for u in tau.draw(size, draws, rng=seed)
    ]
    return np.array(result) / (2 * energies(plain))
