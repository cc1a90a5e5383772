"""Slow reference implementations, written from the definitions alone; imports nothing of scaledet.

A network is a list of layers ``(weights, stride)``. A layer maps an image x on the torus to
y_i = sum_j a_j x_{s i + j}, with a the weights over their sum; in d dimensions it is the tensor
product of the 1-D map with itself. Everything is exact (Fractions) but the moments of the noise.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from functools import cache

import mpmath
import numpy as np


def layer_matrix(weights, stride, size):
    """Dense matrix of one layer on a ring of `size` pixels, entry by entry."""
    total = sum(Fraction(w) for w in weights)
    matrix = [[Fraction(0)] * size for _ in range(size // stride)]
    for i in range(size // stride):
        for j, weight in enumerate(weights):
            matrix[i][(stride * i + j) % size] += Fraction(weight) / total
    return matrix


def matrix_product(left, right):
    """Product of two matrices of Fractions (zeros of the left one are skipped)."""
    result = []
    for row in left:
        total = [Fraction(0)] * len(right[0])
        for entry, other in zip(row, right, strict=True):
            if entry:
                total = [t + entry * o for t, o in zip(total, other, strict=True)]
        result.append(total)
    return result


def tensor_power(matrix, dim):
    """Kronecker product of `dim` copies; pixels in raster order."""
    result = matrix
    for _ in range(dim - 1):
        result = [[a * b for a in row for b in other] for row in result for other in matrix]
    return result


def pooling_matrices(layers, size, dim=1):
    """P_0 = 1, P_1, ..., P_depth as dense matrices of Fractions."""
    matrix = [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    result = [matrix]
    for weights, stride in layers:
        matrix = matrix_product(layer_matrix(weights, stride, len(matrix)), matrix)
        result.append(matrix)
    return [tensor_power(matrix, dim) for matrix in result]


def integer_columns(matrix):
    """Columns P e_p as rows of an array of integers, and the common denominator."""
    scale = math.lcm(*(entry.denominator for row in matrix for entry in row))
    entries = [[int(entry * scale) for entry in row] for row in matrix]
    return np.array(entries, dtype=object).T, scale


def neighbours(size, dim):
    """For every pixel (raster order) the 2 d pixels one site away; on small tori some coincide."""
    result = []
    for position in itertools.product(range(size), repeat=dim):
        around = []
        for axis in range(dim):
            for step in (1, -1):
                moved = list(position)
                moved[axis] = (moved[axis] + step) % size
                around.append(sum(x * size ** (dim - 1 - a) for a, x in enumerate(moved)))
        result.append(around)
    return result


def one_pixel(layers, size, dim=1):
    """[(D_k, Q_k)] of one uniformly placed pixel: sums over all pixels, moves and pairs."""
    around = neighbours(size, dim)
    pixels = size**dim
    result = []
    for matrix in pooling_matrices(layers, size, dim):
        columns, scale = integer_columns(matrix)
        distance = sum(int(((columns - column) ** 2).sum()) for column in columns)
        moved = sum(
            int(((columns[q] - columns[p]) ** 2).sum()) for p in range(pixels) for q in around[p]
        )
        spread = Fraction(distance, pixels**2 * scale**2)
        displacement = Fraction(moved, pixels * 2 * dim * scale**2)
        result.append((displacement / spread if spread else None, spread))
    return result


@cache
def perturbation_moments(sigma, rectify, height):
    """Mean and variance, by quadrature, of the perturbation of a pixel of `height`."""

    def perturbation(z):
        if rectify is None:
            return sigma * z
        if rectify == "noise":
            return max(sigma * z, mpmath.mpf(0))
        return max(height + sigma * z, mpmath.mpf(0)) - height

    with mpmath.workdps(30):
        sigma = mpmath.mpf(sigma)
        kink = -height / sigma
        # Beyond 40 standard deviations the density is below 1e-347.
        points = {-40, -24, -12, -6, -3, 0, 3, 6, 12, 24, 40} | ({kink} if kink > -40 else set())
        points = sorted(mpmath.mpf(point) for point in points)
        mean = mpmath.quad(lambda z: perturbation(z) * mpmath.npdf(z), points)
        variance = mpmath.quad(lambda z: (perturbation(z) - mean) ** 2 * mpmath.npdf(z), points)
    return mean, variance


def noise_response(columns, actives, weights, sigma, rectify):
    """Mean and variance part of E|P(x + eta') - P x|^2 over images with the given active pixels.

    |P m|^2 + sum_i v_i |P e_i|^2, m_i and v_i being mean and variance of the perturbation of
    pixel i. `columns` are floats; all large terms are positive, so that nothing cancels.
    """
    low, high = (perturbation_moments(sigma, rectify, height) for height in (0, 1))
    squares = (columns**2).sum(axis=1)
    mean = variance = 0.0
    for active, weight in zip(actives, weights, strict=True):
        means = np.full(len(columns), float(low[0]))
        variances = np.full(len(columns), float(low[1]))
        means[list(active)], variances[list(active)] = float(high[0]), float(high[1])
        mean += weight * ((means @ columns) ** 2).sum()
        variance += weight * (variances @ squares)
    return mean, variance


def one_pixel_noise(layers, size, dim, sigma, rectify):
    """[(mean part, variance part)] of Q_k G_k for one uniformly placed pixel."""
    pixels = size**dim
    return [
        noise_response(
            np.array([[float(x) for x in row] for row in matrix]).T,
            [(p,) for p in range(pixels)],
            [1 / pixels] * pixels,
            sigma,
            rectify,
        )
        for matrix in pooling_matrices(layers, size, dim)
    ]


@cache
def rectified_covariance(h, k, rho):
    """Cov(relu(h + X), relu(k + Y)) of standard normal X, Y, by quadrature over X."""
    with mpmath.workdps(30):
        h, k, rho = map(mpmath.mpf, (h, k, rho))
        rest = mpmath.sqrt(1 - rho * rho)

        def mean(height, width):
            if width == 0:
                return max(height, mpmath.mpf(0))
            return height * mpmath.ncdf(height / width) + width * mpmath.npdf(height / width)

        kink = -k / rho if rho else mpmath.mpf(0)
        marks = (kink - 6 * rest, kink, kink + 6 * rest, 2 - h, 6 - h, mpmath.mpf(0), mpmath.mpf(3))
        # Beyond 15 standard deviations the density is below 1e-49.
        points = sorted({max(-h, -15), *(mark for mark in marks if max(-h, -15) < mark < 15), 15})
        product = mpmath.quad(lambda x: (h + x) * mean(k + rho * x, rest) * mpmath.npdf(x), points)
        return product - mean(h, 1) * mean(k, 1)


def layered_noise(layers, size, dim, sigma, actives=None, weights=None, bias=0.0):
    """[(mean part, variance part)] of Q_k G_k for k >= 1 if every layer rectifies.

    Averaged over images with the given active pixels (default: one, anywhere). Layer 1, with its
    bias, by quadrature for every pair of its units and every image, linear after that.
    """
    if actives is None:
        actives = [(p,) for p in range(size**dim)]
        weights = [1 / size**dim] * size**dim
    (kernel, stride), *rest = layers
    first = tensor_power(layer_matrix(kernel, stride, size), dim)
    square = matrix_product(first, [list(column) for column in zip(*first, strict=True)])
    units = len(first)
    width = sigma * math.sqrt(square[0][0])
    rho = [[float(entry / square[0][0]) for entry in row] for row in square]
    tails = [
        np.array([[float(entry) for entry in row] for row in matrix])
        for matrix in pooling_matrices(rest, size // stride, dim)
    ]
    result = np.zeros((len(tails), 2))
    for active, weight in zip(actives, weights, strict=True):
        heights = [(float(sum(row[pixel] for pixel in active)) + bias) / width for row in first]
        covariance = np.zeros((units, units))
        for i, j in itertools.combinations_with_replacement(range(units), 2):
            low, high = sorted((heights[i], heights[j]))
            covariance[i, j] = covariance[j, i] = rectified_covariance(low, high, rho[i][j])
        mean = np.array(
            [
                float(h * mpmath.ncdf(h) + mpmath.npdf(h) - max(h, 0))
                for h in map(mpmath.mpf, heights)
            ]
        )
        for row, tail in zip(result, tails, strict=True):
            row += weight * np.array(
                [((tail @ mean) ** 2).sum(), (tail @ covariance @ tail.T).trace()]
            )
    return result * width**2


def biased_images(layers, biases, size, dim=1):
    """[(D_k, Q_k)] of one pixel, every layer pooled, biased and rectified in Fractions."""
    around = neighbours(size, dim)
    images = [[Fraction(int(q == p)) for q in range(size**dim)] for p in range(size**dim)]
    result = []
    for k in range(len(layers) + 1):
        if k:
            weights, stride = layers[k - 1]
            matrix = tensor_power(layer_matrix(weights, stride, size), dim)
            size //= stride
            images = [
                [
                    max(sum(a * x for a, x in zip(row, image, strict=True)) + biases[k - 1], 0)
                    for row in matrix
                ]
                for image in images
            ]

        def apart(one, other):
            return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))

        count = len(images)
        distance = sum(apart(one, other) for one in images for other in images)
        spread = Fraction(distance) / count**2
        moved = sum(apart(images[p], images[q]) for p in range(count) for q in around[p])
        displacement = Fraction(moved) / (count * 2 * dim)
        result.append((displacement / spread if spread else None, spread))
    return result


def composite_filters(layers, size=None):
    """h_0, ..., h_depth as (integer coefficients, their sum), folded modulo `size` if given."""
    filter_, total, step = ([1] + [0] * (size - 1) if size else [1]), 1, 1
    result = [(filter_, total)]
    for weights, stride in layers:
        longer = [0] * (size or len(filter_) + step * (len(weights) - 1))
        for i, value in enumerate(filter_):
            for j, weight in enumerate(weights):
                position = i + step * j
                longer[position % size if size else position] += value * weight
        filter_, total, step = longer, total * sum(weights), step * stride
        result.append((filter_, total))
    return result


def filter_sensitivities(layers, size=None, dim=1):
    """[(D_k, C_k - 1/L)] from h_k: the same sums as in `one_pixel`, ordered by the grid phase."""
    result = []
    for h, total in composite_filters(layers, size):
        after = [*h[1:], h[0] if size else 0]
        zero = Fraction(sum(a * a for a in h), total**2)
        one = Fraction(sum(a * b for a, b in zip(h, after, strict=True)), total**2)
        excess = zero**dim - (Fraction(1, size**dim) if size else 0)
        result.append(((zero - one) * zero ** (dim - 1) / excess if excess else None, excess))
    return result


def autocorrelation(weights):
    """A(0), ..., A(f - 1), not normalised."""
    return [
        sum(a * b for a, b in zip(weights, weights[m:], strict=False)) for m in range(len(weights))
    ]


def stride_one_correlation(weights, depth):
    """c_k(0), c_k(1), ... and its scale: A(z)^k by the recurrence that p (p^k)' = k p' p^k implies.

    Needs weights[0] and weights[-1] non-zero. Cost linear in `depth` big-integer operations.
    """
    half = autocorrelation(weights)
    p = half[:0:-1] + half
    centre = (len(weights) - 1) * depth
    q = [p[0] ** depth]
    for n in range(1, centre + 1):
        total = sum(
            (depth * j - (n - j)) * p[j] * q[n - j] for j in range(1, min(n, len(p) - 1) + 1)
        )
        q.append(total // (n * p[0]))
    return q[::-1], sum(weights) ** (2 * depth)


def stride_one_sensitivity(correlation, scale, size=None):
    """(D, c(0) - 1/N) at d = 1 from c(0), c(1), ...; c is folded modulo `size` if given."""
    if size is None:
        zero, one = correlation[0], correlation[1]
        return Fraction(zero - one, zero), Fraction(zero, scale)
    reach = range(-(len(correlation) - 1), len(correlation))
    zero = sum(correlation[abs(m)] for m in reach if m % size == 0)
    one = sum(correlation[abs(m)] for m in reach if (m - 1) % size == 0)
    excess = Fraction(zero, scale) - Fraction(1, size)
    return Fraction(zero - one, scale) / excess, excess


def strided_orbit(weights, stride, depth):
    """(c_k(0), c_k(1)) for k = 0 ... depth, unnormalised: c(m) <- sum_n A(m - s n) c(n)."""
    half = autocorrelation(weights)
    reach = len(weights)  # lags beyond it never come back: (f + f - 1) / s <= f
    c = {m: int(m == 0) for m in range(-reach, reach + 1)}
    result = [(c[0], c.get(1, 0))]
    for _ in range(depth):
        c = {
            m: sum(
                half[abs(m - stride * n)] * value
                for n, value in c.items()
                if abs(m - stride * n) < len(half)
            )
            for m in c
        }
        result.append((c[0], c[1]))
    return result


def smoothness(weights, stride):
    """nu_R = n - log_s(s rho(T_b)) / 2, with a = ((1 + ... + z^(s-1))/s)^n b and n maximal."""
    b = [Fraction(w) / sum(weights) for w in weights]
    n = 0
    while len(b) >= stride:
        quotient, rest = [], b[:]
        for i in range(len(b) - stride + 1):  # divide by (1 + ... + z^(s-1)) / s
            value = rest[i]
            quotient.append(value * stride)
            for j in range(stride):
                rest[i + j] -= value
        if any(rest):
            break
        b, n = quotient, n + 1
    half = autocorrelation([float(value) for value in b])
    reach = max(0, math.ceil((len(b) - 1) / (stride - 1)) - 1)
    lags = range(-reach, reach + 1)
    matrix = [
        [half[abs(m - stride * q)] if abs(m - stride * q) < len(half) else 0.0 for q in lags]
        for m in lags
    ]
    radius = max(abs(np.linalg.eigvals(np.array(matrix))))
    return n - math.log(stride * radius) / math.log(stride) / 2


def pixel_pairs(size, xi, gap=0, variant="T1", dim=1, periodic=True, norm="L2"):
    """Unordered pairs of raster indices by label, straight from the definition of the tasks."""
    positions = list(itertools.product(range(size), repeat=dim))
    found = {1: [], -1: []}
    for (i, p), (j, q) in itertools.combinations(enumerate(positions), 2):
        if variant == "T2":
            same = all(a // xi == b // xi for a, b in zip(p, q, strict=True))
            found[1 if same else -1].append((i, j))
            continue
        apart = [abs(a - b) for a, b in zip(p, q, strict=True)]
        if periodic:
            apart = [min(a, size - a) for a in apart]
        square = sum(a * a for a in apart) if norm == "L2" else max(apart) ** 2
        if square < (Fraction(xi) - Fraction(gap)) ** 2:
            found[1].append((i, j))
        elif square >= (Fraction(xi) + Fraction(gap)) ** 2:
            found[-1].append((i, j))
    return found


def weighted_pairs(found, balanced):
    """All pairs and their probabilities."""
    total = len(found[1]) + len(found[-1])
    pairs, weights = [], []
    for label in (1, -1):
        weight = Fraction(1, 2 * len(found[label])) if balanced else Fraction(1, total)
        pairs += found[label]
        weights += [weight] * len(found[label])
    return pairs, weights


def two_pixels(layers, size, dim, found, balanced):
    """[(D_k, Q_k)] of two-pixel images, from all pairs, all joint moves, all pairs of images."""
    pairs, weights = weighted_pairs(found, balanced)
    around = neighbours(size, dim)
    scale_w = math.lcm(*(w.denominator for w in weights))
    whole = np.array([int(w * scale_w) for w in weights], dtype=object)
    first, second = np.array(pairs).T
    result = []
    for matrix in pooling_matrices(layers, size, dim):
        columns, scale = integer_columns(matrix)
        images = columns[first] + columns[second]
        moved = 0
        for e, f in itertools.product(range(2 * dim), repeat=2):
            to_p = np.array([around[p][e] for p in first])
            to_q = np.array([around[q][f] for q in second])
            change = columns[to_p] + columns[to_q] - images
            moved += (whole * (change**2).sum(axis=1)).sum()
        if len(pairs) <= 130:
            distance = sum(
                w * (whole * ((images - image) ** 2).sum(axis=1)).sum()
                for w, image in zip(whole, images, strict=True)
            )
        else:  # the same double sum, expanded
            mean = (whole[:, None] * images).sum(axis=0)
            distance = 2 * (scale_w * (whole * (images**2).sum(axis=1)).sum() - (mean**2).sum())
        spread = Fraction(int(distance), scale_w**2 * scale**2)
        displacement = Fraction(int(moved), scale_w * (2 * dim) ** 2 * scale**2)
        result.append((displacement / spread if spread else None, spread, displacement))
    return result


def two_pixel_noise(layers, size, dim, found, balanced, sigma, rectify):
    """[(mean part, variance part)] of Q_k G_k for two-pixel images."""
    pairs, weights = weighted_pairs(found, balanced)
    weights = [float(weight) for weight in weights]
    return [
        noise_response(
            np.array([[float(x) for x in row] for row in matrix]).T, pairs, weights, sigma, rectify
        )
        for matrix in pooling_matrices(layers, size, dim)
    ]
