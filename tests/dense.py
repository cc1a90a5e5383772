"""Tables of slow reference numbers, layer by layer, built on `scaledet.reference`.

A network is a list of layers ``(weights, stride)``; weights are divided by their sum. Everything is
exact but the moments of the noise.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np

from scaledet.reference.noise import linear_parts
from scaledet.reference.pixel import composites
from scaledet.reference.quadrature import (
    gaussian_moments,
    rectified_covariance,
    rectified_moment,
)
from scaledet.reference.rates import spectral_radius
from scaledet.reference.recursion import PlainRecursion
from scaledet.reference.torus import Torus


def pooled_torus(layers, size, dim=1, biases=()):
    """The torus of layers of any rational weights and biases."""
    layers = [([Fraction(w) for w in weights], stride) for weights, stride in layers]
    exact, scale = [], 1
    for (weights, stride), bias in itertools.zip_longest(layers, biases, fillvalue=Fraction(0)):
        # The unit of a layer is one over its scale, a multiple of the bias's denominator.
        unit = math.lcm(*(w.denominator for w in weights)) * bias.denominator
        weights = [int(w * unit) for w in weights]
        scale *= sum(weights) ** dim
        exact.append((weights, stride, int(bias * scale)))
    return Torus([(w, s) for w, s, _ in exact], size, dim, [bias for _, _, bias in exact])


def pooling_matrices(layers, size, dim=1):
    """P_0 = 1, P_1, ..., P_depth as dense matrices of Fractions."""
    torus = pooled_torus(layers, size, dim)
    return [
        [[Fraction(int(x), torus.scale(k)) for x in row] for row in torus.features(k).T]
        for k in range(len(layers) + 1)
    ]


def layer_matrix(weights, stride, size):
    """Dense matrix of one layer on a ring of `size` pixels."""
    return pooling_matrices([(weights, stride)], size)[1]


def neighbours(size, dim):
    """For every pixel (raster order) the 2 d pixels one site away; on small tori some coincide."""
    return Torus([], size, dim).neighbours.tolist()


def one_pixel(layers, size, dim=1):
    """[(D_k, Q_k)] of one uniformly placed pixel: sums over all pixels, moves and pairs."""
    return biased_images(layers, (), size, dim)


def biased_images(layers, biases, size, dim=1):
    """[(D_k, Q_k)] of one pixel, every layer pooled, biased and rectified."""
    torus = pooled_torus(layers, size, dim, biases)
    distances = [torus.distance(k) for k in range(len(layers) + 1)]
    return [
        (torus.displacement(k) / distance if distance else None, distance)
        for k, distance in enumerate(distances)
    ]


def perturbation_moments(sigma, rectify, height):
    """Mean and variance, by quadrature, of the perturbation of a pixel of `height`."""
    return gaussian_moments(mpmath.mpf(sigma), rectify, height)[2:]


def noise_response(layers, size, dim, actives, weights, sigma, rectify):
    """[(mean part, variance part)] of E|P(x + eta') - P x|^2 over images with active pixels."""
    torus = pooled_torus(layers, size, dim)
    law = dict(zip(actives, weights, strict=True))
    low, high = (
        tuple(map(float, perturbation_moments(sigma, rectify, height))) for height in (0, 1)
    )
    return [
        linear_parts(torus.features(k).astype(float) / torus.scale(k), law, low, high)
        for k in range(len(layers) + 1)
    ]


def every_pixel(size, dim):
    """All images of one active pixel, and their probabilities."""
    return [(p,) for p in range(size**dim)], [1 / size**dim] * size**dim


def one_pixel_noise(layers, size, dim, sigma, rectify):
    """[(mean part, variance part)] of Q_k G_k for one uniformly placed pixel."""
    return noise_response(layers, size, dim, *every_pixel(size, dim), sigma, rectify)


def layered_noise(layers, size, dim, sigma, actives=None, weights=None, bias=0.0):
    """[(mean part, variance part)] of Q_k G_k for k >= 1 if every layer rectifies.

    Averaged over images with the given active pixels (default: one, anywhere). Layer 1, with its
    bias, by quadrature for every pair of its units and every image, linear after that.
    """
    if actives is None:
        actives, weights = every_pixel(size, dim)
    (_, stride), *rest = layers
    first, tail = pooled_torus(layers[:1], size, dim), pooled_torus(rest, size // stride, dim)
    pool = first.features(1).T / first.scale(1)
    gram = pool @ pool.T
    width = sigma * math.sqrt(gram[0, 0])
    tails = [tail.features(k).T.astype(float) / tail.scale(k) for k in range(len(layers))]
    result = np.zeros((len(tails), 2))
    for active, weight in zip(actives, weights, strict=True):
        heights = [mpmath.mpf(h) for h in (pool[:, list(active)].sum(axis=1) + bias) / width]
        covariance = np.zeros_like(gram)
        for i, j in itertools.combinations_with_replacement(range(len(pool)), 2):
            low, high = sorted((heights[i], heights[j]))
            # Equal units have the correlation 1 but for a rounding.
            rho = min(1.0, gram[i, j] / gram[0, 0])
            covariance[i, j] = covariance[j, i] = rectified_covariance(low, high, rho)
        mean = np.array([float(rectified_moment(1, h, 1) - max(h, 0)) for h in heights])
        for row, later in zip(result, tails, strict=True):
            spread = (later @ covariance @ later.T).trace()
            row += weight * np.array([((later @ mean) ** 2).sum(), spread])
    return result * width**2


def composite_filters(layers, size=None):
    """h_0, ..., h_depth as (integer coefficients, their sum), folded modulo `size` if given."""
    filters = [list(map(int, sites)) for sites, _ in composites(layers)]
    if size:
        filters = [[sum(sites[at::size]) for at in range(size)] for sites in filters]
    return [(sites, sum(sites)) for sites in filters]


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
    """(c_k(0), c_k(1)) for k = 0 ... depth, not normalised, by the plain recursion."""
    recursion = PlainRecursion(weights, stride)
    pairs = [[recursion.correlation(k, lag) for lag in (0, 1)] for k in range(depth + 1)]
    return [(int(zero), int(one)) for zero, one in pairs]


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
    return n - math.log(stride * spectral_radius(tuple(b), stride)) / math.log(stride) / 2


def pixel_pairs(size, xi, gap=0, variant="T1", dim=1, periodic=True, norm="L2"):
    """Unordered pairs of raster indices by label, straight from the definition of the tasks."""
    positions = list(itertools.product(range(size), repeat=dim))
    pairs = {1: [], -1: []}
    for (i, p), (j, q) in itertools.combinations(enumerate(positions), 2):
        if variant == "T2":
            same = all(a // xi == b // xi for a, b in zip(p, q, strict=True))
            pairs[1 if same else -1].append((i, j))
            continue
        apart = [abs(a - b) for a, b in zip(p, q, strict=True)]
        if periodic:
            apart = [min(a, size - a) for a in apart]
        square = sum(a * a for a in apart) if norm == "L2" else max(apart) ** 2
        if square < (Fraction(xi) - Fraction(gap)) ** 2:
            pairs[1].append((i, j))
        elif square >= (Fraction(xi) + Fraction(gap)) ** 2:
            pairs[-1].append((i, j))
    return pairs


def weighted_pairs(labelled, balanced):
    """All pairs and their probabilities."""
    total = len(labelled[1]) + len(labelled[-1])
    pairs, weights = [], []
    for label in (1, -1):
        count = 2 * len(labelled[label]) if balanced else total
        pairs += labelled[label]
        weights += [Fraction(1, count)] * len(labelled[label])
    return pairs, weights


def two_pixels(layers, size, dim, labelled, balanced):
    """[(D_k, Q_k, change)] of two-pixel images, from all pairs, joint moves, pairs of images."""
    law = dict(zip(*weighted_pairs(labelled, balanced), strict=True))
    torus = pooled_torus(layers, size, dim)
    result = []
    for k in range(len(layers) + 1):
        distance, change = torus.pair_distance(k, law), torus.pair_change(k, law)
        result.append((change / distance if distance else None, distance, change))
    return result


def two_pixel_noise(layers, size, dim, labelled, balanced, sigma, rectify):
    """[(mean part, variance part)] of Q_k G_k for two-pixel images."""
    pairs, weights = weighted_pairs(labelled, balanced)
    return noise_response(layers, size, dim, pairs, list(map(float, weights)), sigma, rectify)
