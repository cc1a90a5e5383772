"""Two pixels: D, Q and G against sums over the whole data set, all moves and all pairs."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.theory.signal.axis_sums import AxisSums
from scaledet.theory.signal.pairs import PairAverage, pair_moments
from tests.dense import composite_filters, pixel_pairs, two_pixel_noise, two_pixels
from tests.network.test_network import build
from tests.theory.correlation.test_spectrum import relative_error

# The accuracy scaledet states for a task.
STATED = 1e-10

TASKS = {
    "T1 ring": {"size": 12, "xi": 4, "gap": 1},
    "T1 ring, no gap": {"size": 8, "xi": 2, "gap": 0},
    "T1 ring, fractional": {"size": 16, "xi": Fraction(9, 2), "gap": Fraction(1, 3)},
    "T1 odd ring": {"size": 9, "xi": 3, "gap": 0},
    "T1 tiny ring": {"size": 4, "xi": 2, "gap": 0},
    "T1 open": {"size": 12, "xi": 4, "gap": 1, "periodic": False},
    "T1 open, long": {"size": 16, "xi": 12, "gap": 2, "periodic": False},
    "T2": {"size": 12, "xi": 4, "variant": "T2"},
    "T2 pairs": {"size": 16, "xi": 2, "variant": "T2"},
    "T1 torus": {"size": 6, "xi": 2.5, "gap": 0.25, "dim": 2},
    "T1 torus Linf": {"size": 6, "xi": 2, "gap": 0, "dim": 2, "norm": "Linf"},
    "T1 open square": {"size": 6, "xi": 3, "gap": 1, "dim": 2, "periodic": False},
    "T1 open Linf": {"size": 6, "xi": 3, "gap": 1, "dim": 2, "periodic": False, "norm": "Linf"},
    "T2 square": {"size": 6, "xi": 3, "variant": "T2", "dim": 2},
}

FILTERS = {
    4: [[([1, 1], 1), ([3, 1], 2)]],
    6: [[([1, 1], 2), ([1, 2], 1)], [([0, 2, 1], 1), ([1, 1, 1], 3)]],
    8: [[([1, 1, 1], 2), ([1, 3], 2)]],
    9: [[([1, 1, 1], 3)], [([2, 1, 3], 1), ([1, 1], 3)]],
    12: [[([1, 2, 1], 2), ([1, 1], 2)], [([5, 0, 1], 1)] * 3, [([1, 1, 1], 1), ([0, 1, 2], 3)]],
    16: [[([1, 1], 2)] * 3, [([1, 2, 0, 1, 2], 2), ([1], 2)]],
}

CASES = [(name, layers) for name, task in TASKS.items() for layers in FILTERS[task["size"]]]


def close(value, expected, tolerance=STATED):
    return relative_error(value, Fraction(expected)) < tolerance


@pytest.mark.parametrize("name", TASKS)
def test_pairs_and_counts_follow_the_definition(name):
    options = TASKS[name]
    task = sd.ScaleDetection(**options)
    expected = pixel_pairs(**{"gap": 2, **options})
    for label in (1, -1):
        weights = task.size ** np.arange(task.dim)[::-1]
        pairs = [tuple(sorted(pair)) for pair in (task.pairs(label) @ weights).tolist()]
        assert sorted(pairs) == sorted(expected[label])
        assert task.counts[label] == len(expected[label])


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize(("name", "layers"), CASES)
def test_whole_data_set(name, layers, balanced):
    options = TASKS[name]
    task = sd.ScaleDetection(**options)
    pairs = pixel_pairs(**{"gap": 2, **options})
    expected = two_pixels(layers, task.size, task.dim, pairs, balanced)
    net = build(layers, task.dim)
    prediction = sd.predict(net, task=task, balanced=balanced)
    assert task.mean_square_displacement(balanced=balanced) == expected[0][2]
    assert relative_error(prediction.sigma**2, expected[0][2] / task.size**task.dim) < 1e-15
    assert list(prediction.exact_D) == [sensitivity for sensitivity, _, _ in expected]
    for k, (sensitivity, spread, _) in enumerate(expected):
        assert close(prediction.D[k], sensitivity)
        assert close(prediction.Q[k], spread)


@pytest.mark.parametrize("name", [n for n in TASKS if TASKS[n]["size"] < 16])
@pytest.mark.parametrize(
    ("sigma", "rectify"),
    [(None, "input"), (0.05, "input"), (3.0, "input"), (0.4, "noise"), (1.5, None)],
)
def test_noise_over_the_whole_data_set(name, sigma, rectify):
    options = TASKS[name]
    task = sd.ScaleDetection(**options)
    layers = FILTERS[task.size][0]
    pairs = pixel_pairs(**{"gap": 2, **options})
    balanced = sigma == 3.0
    prediction = sd.predict(
        build(layers, task.dim), task=task, balanced=balanced, sigma=sigma, rectify=rectify
    )
    spread = [float(q) for _, q, _ in two_pixels(layers, task.size, task.dim, pairs, balanced)]
    expected = two_pixel_noise(
        layers, task.size, task.dim, pairs, balanced, prediction.sigma, rectify
    )
    mean, variance = (np.array(part) / spread for part in zip(*expected, strict=True))
    assert prediction.G_mean == pytest.approx(mean, rel=STATED)
    assert prediction.G_variance == pytest.approx(variance, rel=STATED)
    assert np.array_equal(prediction.G, prediction.G_mean + prediction.G_variance)


@pytest.mark.parametrize(
    "options",
    [
        {"size": 16, "xi": 4, "gap": 1},
        {"size": 16, "xi": 4, "gap": 1, "periodic": False},
        {"size": 16, "xi": 4, "variant": "T2"},
    ],
)
def test_near_exhaustion(options):
    """Only the lowest frequency is left, at 1e-2 ... 1e-12 of the mean: floats alone would fail."""
    task = sd.ScaleDetection(**options)
    layers = [([1, 4, 6, 4, 1], 1)] * 200
    pairs = pixel_pairs(**options)
    net = build(layers)
    prediction = sd.predict(net, task=task)
    # The matrix of all layers up to there, as one layer.
    filters = composite_filters(layers, task.size)
    for k in (20, 60, 75, 100, 200):
        h = filters[k][0]
        expected = two_pixels([(h, 1)], task.size, 1, pairs, False)[1]
        assert close(prediction.D[k], expected[0])
        assert close(prediction.Q[k], expected[1])
    assert prediction.Q[200] < 1e-12 * prediction.Q[0]


@pytest.mark.parametrize(
    ("weights", "stride", "layer"), [([1, 1], 2, 4), ([1] * 4, 2, 3), ([1] * 16, 1, 1)]
)
def test_exhaustion(weights, stride, layer):
    task = sd.ScaleDetection(size=16, xi=4, gap=1)
    net = sd.Network.uniform(weights, stride, depth=4)
    with pytest.raises(sd.ExhaustionError, match=f"at most {layer - 1} on size 16") as caught:
        sd.predict(net, task=task)
    assert (caught.value.layer, caught.value.largest_depth) == (layer, layer - 1)
    if layer > 1:
        assert sd.predict(net[: layer - 1], task=task).D[-1] > 0


def test_bias_and_shift_change_nothing():
    task = sd.ScaleDetection(size=12, xi=4, gap=1)
    plain = sd.predict(build([([1, 2], 2), ([1, 1], 1)]), task=task)
    biased = sd.Network([sd.Layer([1, 2], 2, bias=0.5), sd.Layer(2, 1, bias=3)])
    assert np.array_equal(sd.predict(biased, task=task).G, plain.G)
    shifted = sd.predict(build([([0, 1, 2], 2), ([1, 1], 1)]), task=task)
    # A periodic data set has no origin: the same sums in another order.
    assert pytest.approx(plain.D, rel=1e-14) == shifted.D


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("full", [False, True])
def test_pair_averages(name, balanced, full):
    """Average of X(p_1, q_1) ... over ordered pairs, by enumeration, for filters of any sign."""
    options = TASKS[name]
    task = sd.ScaleDetection(**options)
    n, dim = task.size, task.dim
    rng = np.random.default_rng(5)
    pairs = pixel_pairs(**{"gap": 2, **options})
    average = PairAverage(task, balanced)
    for stride in [s for s in range(1, n + 1) if n % s == 0]:
        filters = rng.integers(-9, 9, (dim, 2, n if full else 3)).astype(object)
        rows = np.zeros((dim, 2, n), dtype=object)
        rows[..., : filters.shape[-1]] = filters
        # X(p, q) is the sum over units of a(p - stride i) b(q - stride i).
        moved = np.array([np.roll(rows, stride * i, axis=-1) for i in range(n // stride)])
        matrices = [moved[:, axis, 0].T @ moved[:, axis, 1] for axis in range(dim)]
        vectors = [rng.integers(-9, 9, stride).astype(object) for _ in range(dim)]
        total, first, image = Fraction(0), Fraction(0), np.zeros(n**dim, dtype=object)
        for label in (1, -1):
            weight = Fraction(1, 2 * len(pairs[label]))
            weight *= (
                Fraction(1, 2)
                if balanced
                else Fraction(len(pairs[label]), len(pairs[1]) + len(pairs[-1]))
            )
            for i, j in pairs[label]:
                image[i] += 2 * weight
                image[j] += 2 * weight
                for p, q in ((i, j), (j, i)):
                    p, q = np.unravel_index(p, (n,) * dim), np.unravel_index(q, (n,) * dim)
                    product, alone = weight, weight
                    for axis in range(dim):
                        product *= matrices[axis][p[axis], q[axis]]
                        alone *= vectors[axis][p[axis] % stride]
                    total += product
                    first += alone
        sums = AxisSums(task, stride)
        assert average.pairs([sums.nested(*pair) for pair in filters]) == total
        assert average.first_pixel(vectors) == first
        pooled = image.reshape((n,) * dim)
        if average.uniform:
            assert set(image.tolist()) == {Fraction(2, n**dim)}
        else:
            # One filter for all axes, of sum unlike 0.
            pool = np.abs(moved[:, 0, 0]) + (moved[:, 0, 0] == 0)
            for axis in range(dim):
                pooled = np.moveaxis(np.tensordot(pool, pooled, axes=(1, axis)), 0, axis)
            assert average.mean_square(pool[0], stride) == (pooled * pooled).sum()


@pytest.mark.parametrize("name", TASKS)
def test_the_first_bits_of_a_filter_do_as_well_as_all(name):
    task = sd.ScaleDetection(**TASKS[name])
    layers = [(weights, 1) for weights in ([1, 2, 1], [3, 1], [7, 5, 3])] * 60
    layers += FILTERS[task.size][-1]
    net = build(layers, task.dim)
    average = PairAverage(task, False)
    for depth in (100, net.depth):  # filters of 267 and 481 bits
        exact = pair_moments(net, depth, average, exact=True)
        short = pair_moments(net, depth, average, exact=False)
        assert short != exact
        for name in ("displacement", "square", "mean_square", "active", "mass", "trace"):
            assert type(getattr(exact, name)) is Fraction
            assert abs(getattr(short, name) - getattr(exact, name)) < exact.square / 2**200


def far_apart(layers, task, period, reach):
    """D and Q of a task whose pairs beyond `reach` (per axis) do not meet and have label -1.

    Each first pixel stands for those that are a multiple of `period` further; the images are taken
    on a small torus, where the same pairs meet.
    """
    side, dim, small = 4 * reach, task.dim, tuple(range(-reach, reach + 1))
    filter_, weight = composite_filters(layers, side)[-1]
    stride, scale = math.prod(step for _, step in layers), weight ** (2 * dim)
    moved = np.array([np.roll(filter_, stride * i) for i in range(side // stride)], dtype=object)
    pool = moved
    for _ in range(dim - 1):
        pool = np.kron(pool, moved)
    gram = pool.T @ pool
    steps = [sign * step for step in np.eye(dim, dtype=int) for sign in (1, -1)]

    def energy(signed):
        places = [
            (np.ravel_multi_index(np.array(place) % side, (side,) * dim), sign)
            for place, sign in signed
        ]
        return sum(a * b * gram[p, q] for p, a in places for q, b in places)

    def both(p, q):
        drop = [energy([(p + a, 1), (q + b, 1), (p, -1), (q, -1)]) for a in steps for b in steps]
        return np.array([energy([(p, 1), (q, 1)]), Fraction(sum(drop), len(drop))], dtype=object)

    total, ordered = np.zeros(2, dtype=object), 0
    for p in itertools.product(range(period), repeat=dim):
        p = np.array(p)
        for apart in itertools.product(small, repeat=dim):
            q = p + np.array(apart)
            label = task.label_of([p], [q % task.size])[0]
            total += abs(label) * both(p, q)
            ordered += abs(int(label))
        rest = task.size**dim - len(small) ** dim
        total += rest * both(p, p + 2 * reach)
        ordered += rest
    assert ordered * (task.size // period) ** dim == 2 * sum(task.counts.values())
    square, drop = (Fraction(part) / (ordered * scale) for part in total)
    distance = 2 * (square - Fraction(4, (task.size * stride) ** dim))
    return drop / distance, distance


@pytest.mark.parametrize(
    ("options", "period", "reach"),
    [
        ({"size": 2**14, "xi": 4, "gap": 1}, 4, 8),
        ({"size": 2**20, "xi": 6, "gap": 0}, 4, 8),
        ({"size": 2**14, "xi": 4, "variant": "T2"}, 4, 8),
        ({"size": 2**20, "xi": 8, "variant": "T2"}, 8, 9),
        ({"size": 2**13, "xi": 2, "gap": 0.5, "dim": 2}, 2, 4),
        ({"size": 2**15, "xi": 2, "gap": 0, "dim": 2, "norm": "Linf"}, 2, 4),
        ({"size": 2**13, "xi": 2, "variant": "T2", "dim": 2}, 2, 4),
    ],
)
def test_images_beyond_matrices(options, period, reach):
    """Images of up to 2^30 pixels, of which only the pairs that meet are looked at."""
    task = sd.ScaleDetection(**options)
    layers = [([1, 3, 1], 2)] if task.dim == 2 else [([1, 3], 2), ([1, 2], 2)]
    sensitivity, distance = far_apart(layers, task, period, reach)
    prediction = sd.predict(build(layers, task.dim), task=task)
    assert prediction.exact_D[len(layers)] == sensitivity
    assert close(prediction.D[-1], sensitivity, 1e-15)
    assert close(prediction.Q[-1], distance, 1e-15)


def test_negative_control_independent_phase_would_be_wrong_for_blocks():
    """Balanced T2 as if displacement and grid phase were independent gives another D_k."""
    options = {"size": 12, "xi": 4, "variant": "T2"}
    pairs = pixel_pairs(**options)
    spread_out = {
        label: [
            tuple(sorted(((p + s) % 12, (q + s) % 12))) for p, q in pairs[label] for s in range(12)
        ]
        for label in (1, -1)
    }
    layers = [([1, 1, 1], 2), ([1, 1], 2)]
    right = two_pixels(layers, 12, 1, pairs, True)
    wrong = two_pixels(layers, 12, 1, spread_out, True)
    prediction = sd.predict(build(layers), task=sd.ScaleDetection(**options), balanced=True)
    assert close(prediction.D[2], right[2][0])
    assert not close(prediction.D[2], wrong[2][0])
