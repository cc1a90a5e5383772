"""References for density evolution: exact laws, brute force and a small simulation.

Written from the definitions alone; imports nothing of scaledet.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import mpmath as mp
import numpy as np


def laplace_laws(copies, sigma, biases):
    """Atom, mean and variance of every layer for boxes and rectified Laplace noise, to 50 digits.

    relu(Laplace) is an atom and an exponential; sums, cuts and shifts of densities
    polynomial * exp(-rate x) are of that form again.
    """
    with mp.workdps(60):
        rate = mp.sqrt(2) / mp.mpf(sigma)
        edge, atom, poly = mp.mpf(0), mp.mpf(1) / 2, [rate / 2]
        laws = [_moments(edge, atom, poly, rate)]
        for bias in biases:
            total_atom, total = mp.mpf(1), []
            for _ in range(copies):
                total = _plus(
                    _plus([atom * c for c in total], [total_atom * c for c in poly]),
                    _convolved(total, poly),
                )
                total_atom *= atom
            rate *= copies
            total = [c * mp.mpf(copies) ** (j + 1) for j, c in enumerate(total)]
            edge += mp.mpf(bias)
            atom, poly = total_atom, total
            if edge < 0:
                poly = _cut(total, rate, -edge)
                atom, edge = 1 - _moment(poly, rate, 0), mp.mpf(0)
            laws.append(_moments(edge, atom, poly, rate))
        return laws


def _moment(poly, rate, power):
    return mp.fsum(
        c * mp.factorial(j + power) / rate ** (j + power + 1) for j, c in enumerate(poly)
    )


def _moments(edge, atom, poly, rate):
    mean = _moment(poly, rate, 1)
    return atom, edge + mean, _moment(poly, rate, 2) - mean**2


def _plus(one, other):
    pairs = itertools.zip_longest(one, other, fillvalue=mp.mpf(0))
    return [a + b for a, b in pairs]


def _convolved(one, other):
    result = [mp.mpf(0)] * (len(one) + len(other))
    for (i, a), (j, b) in itertools.product(enumerate(one), enumerate(other)):
        result[i + j + 1] += a * b * mp.factorial(i) * mp.factorial(j) / mp.factorial(i + j + 1)
    return result


def _cut(poly, rate, threshold):
    """Coefficients of poly(x + threshold) exp(-rate threshold)."""
    result = [mp.mpf(0)] * len(poly)
    for j, c in enumerate(poly):
        for i in range(j + 1):
            result[i] += c * mp.binomial(j, i) * threshold ** (j - i) * mp.exp(-rate * threshold)
    return result


def second_layer(sigma, first_bias, second_bias):
    """Atom, mean and variance of layer 2 for box 2 and Gaussian noise, by quadrature.

    X_1 = relu(N(first_bias, sigma^2/2)); the sum of two is below 2 |second_bias| or integrated
    over with inner and outer Gauss-Legendre rules on smooth pieces.
    """
    s = sigma / np.sqrt(2)

    def density(x):
        return np.exp(-((x - first_bias) ** 2) / (2 * s * s)) / (s * np.sqrt(2 * np.pi))

    nodes, weights = np.polynomial.legendre.leggauss(60)

    def panels(a, b, count):
        edges = np.linspace(a, b, count + 1)
        half = np.diff(edges)[:, None] / 2
        x = edges[:-1, None] + half * (nodes + 1)
        return x.ravel(), (half * weights).ravel()

    atom = float(mp.ncdf(-first_bias / s))
    start, end = -2 * second_bias, max(first_bias, 0) + 14 * s
    x, w = panels(start, 2 * end, 16)
    inner_x, inner_w = panels(0.0, 1.0, 8)
    pairs = (density(x[:, None] * inner_x) * density(x[:, None] * (1 - inner_x))) @ inner_w * x
    law = 2 * atom * density(x) + pairs
    value = x / 2 + second_bias
    alive, mean, square = (float(w @ (law * value**p)) for p in range(3))
    return 1 - alive, mean, square - mean**2


def clean_statistics(weights, stride, biases, size, dim=1):
    """Q_k and E|f_k(tau x) - f_k(x)|^2 over all positions and moves, exact."""
    total = sum(Fraction(w) for w in weights)
    positions = list(itertools.product(range(size), repeat=dim))
    images = {}
    for position in positions:
        image = np.full((size,) * dim, Fraction(0), dtype=object)
        image[position] = Fraction(1)
        images[position] = image
    statistics = [_clean(images, positions, size, dim)]
    for bias in biases:
        for position in positions:
            image = images[position]
            for axis in range(dim):
                moved = np.moveaxis(image, axis, 0)
                blocks = moved.reshape(-1, stride, *moved.shape[1:])
                pooled = sum(blocks[:, j] * (Fraction(w) / total) for j, w in enumerate(weights))
                image = np.moveaxis(pooled, 0, axis)
            images[position] = np.maximum(image + Fraction(bias), Fraction(0))
        statistics.append(_clean(images, positions, size, dim))
    return statistics


def _clean(images, positions, size, dim):
    flat = {position: list(images[position].ravel()) for position in positions}

    def apart(one, other):
        return sum((a - b) ** 2 for a, b in zip(flat[one], flat[other], strict=True))

    count = len(positions)
    distance = sum(apart(p, q) for p in positions for q in positions) / Fraction(count**2)
    moves = Fraction(0)
    for position in positions:
        for axis, step in itertools.product(range(dim), (1, -1)):
            moved = list(position)
            moved[axis] = (moved[axis] + step) % size
            moves += apart(position, tuple(moved))
    return distance, moves / (2 * dim * count)


def noise_energy(
    weights, stride, biases, *, size, sigma, rectify, samples, rng, dim=1, noise="gaussian"
):
    """Mean of |f_k(x + eta) - f_k(x)|^2 and its standard error, k = 0 ... depth."""
    rng = np.random.default_rng(rng)
    filter_ = np.zeros(stride)
    filter_[: len(weights)] = np.array(weights) / sum(weights)
    shape = (samples, *(size,) * dim)
    clean = np.zeros(shape)
    clean[(np.arange(samples), *rng.integers(size, size=(dim, samples)))] = 1
    draw = {
        "gaussian": lambda: rng.normal(0, sigma, shape),
        "laplace": lambda: rng.laplace(0, sigma / np.sqrt(2), shape),
        "uniform": lambda: rng.uniform(-1, 1, shape) * sigma * np.sqrt(3),
    }[noise]()
    noisy = {
        "layers": lambda: clean + draw,
        "input": lambda: np.maximum(clean + draw, 0),
        "noise": lambda: clean + np.maximum(draw, 0),
    }[rectify]()
    energies = [((noisy - clean) ** 2).reshape(samples, -1).sum(axis=1)]
    for bias in biases:
        clean, noisy = (_layer(image, filter_, stride, dim, bias) for image in (clean, noisy))
        energies.append(((noisy - clean) ** 2).reshape(samples, -1).sum(axis=1))
    table = np.array(energies)
    return table.mean(axis=1), table.std(axis=1, ddof=1) / np.sqrt(samples)


def _layer(image, filter_, stride, dim, bias):
    for axis in range(1, dim + 1):
        moved = np.moveaxis(image, axis, -1)
        blocks = moved.reshape(*moved.shape[:-1], -1, stride)
        image = np.moveaxis(blocks @ filter_, -1, axis)
    return np.maximum(image + bias, 0)


def gaussian_closure(copies, sigma, biases):
    """E X_k^2 if every background unit were a rectified Gaussian: wrong from layer 2 on."""
    mean, variance = 0.0, sigma**2
    squares = [variance]
    for bias in biases:
        m, s = mean + bias, float(np.sqrt(variance / copies))
        t = m / s
        phi = float(np.exp(-t * t / 2) / np.sqrt(2 * np.pi))
        mean = m * float(mp.ncdf(t)) + s * phi
        square = (m * m + s * s) * float(mp.ncdf(t)) + m * s * phi
        variance = square - mean**2
        squares.append(square)
    return np.array(squares)
