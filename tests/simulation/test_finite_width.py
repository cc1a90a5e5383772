"""Networks of 64, 256 and 1024 channels differ from the limit by 1/width, seen at every width."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from tests.simulation.finite_width import FiniteWidth

SIZE, DEPTH, NOISY = 8, 3, 2
NET = sd.Network.uniform(3, depth=DEPTH)
PIXELS = np.arange(SIZE)
IMAGES = np.eye(SIZE)
SIGMA = sd.predict_wide(NET, size=SIZE, noise_error=0.5, rng=0).sigma
NOISE = SIGMA * np.random.default_rng(3).standard_normal((NOISY, SIZE))
NETWORKS = {64: 300, 256: 150, 1024: 60}


def law(pooling):
    taps = (1 - pooling) * np.eye(3) / 3 + pooling / 9
    return FiniteWidth(np.concatenate([IMAGES, IMAGES[:NOISY] + NOISE]), taps, DEPTH)


def moments(distances):
    """Mean square distances to displaced and to noisy images, and between any: [3, ...]."""
    moved = [distances[..., PIXELS, (PIXELS + step) % SIZE] for step in (1, -1)]
    noisy = distances[..., PIXELS[:NOISY], SIZE + PIXELS[:NOISY]].mean(-1)
    return np.array(
        [np.mean(moved, axis=(0, -1)), noisy, distances[..., :SIZE, :SIZE].mean((-2, -1))]
    )


def scaled(law, width, networks, rng):
    """Width times the relative differences of D, G, R and Q to the limit, and their errors."""
    limit = moments(law.limit())
    parts = 1 + moments(law.deviations(width, networks, rng)) / limit[:, None]
    displacement, noise, distance = means = parts.mean(axis=1)
    ratios = np.array([displacement / distance, noise / distance, displacement / noise, distance])
    # Of ratios of means over networks, errors are to leading order those of sums of the parts.
    each = parts / means[:, None]
    sums = np.array([each[0] - each[2], each[1] - each[2], each[0] - each[1], each[2]])
    return width * (ratios - 1), width * ratios * sums.std(axis=1, ddof=1) / np.sqrt(networks)


@pytest.mark.parametrize("pooling", [0, 0.5])
def test_the_limit_that_deviations_refer_to_is_the_predicted_one(pooling):
    displacement, noise, distance = moments(law(pooling).limit())
    given = {"pooling": pooling, "noise_error": 0.5, "rng": 0}
    pixels = sd.predict_wide(NET, size=SIZE, **given)
    assert displacement / distance == pytest.approx(pixels.D[DEPTH], rel=1e-7)
    assert distance == pytest.approx(pixels.Q[DEPTH], rel=1e-7)
    noisy = sd.predict_wide(NET, images=IMAGES[:NOISY], displaced=IMAGES[:NOISY] + NOISE, **given)
    assert noise == pytest.approx(noisy.D[DEPTH] * noisy.Q[DEPTH], rel=1e-7)


@pytest.mark.parametrize("pooling", [0, 0.5])
def test_the_difference_to_the_limit_is_resolved_and_falls_as_one_over_the_width(pooling):
    """At pooling 0, of D, G, Q about -0.25, -0.25, 0.28 over the width; of R less than 0.1."""
    seen = {
        width: scaled(law(pooling), width, networks, np.random.default_rng(width))
        for width, networks in NETWORKS.items()
    }
    first, first_error = seen[64]
    for width, (values, errors) in seen.items():
        assert (abs(values) > 3.5 * errors)[[0, 1, 3]].all()
        assert width == 64 or (abs(values - first) < 4 * np.hypot(errors, first_error)).all()
    # Differences that fell as the root of the width, or as its square, would be seen.
    last, last_error = seen[1024]
    for power in (1 / 2, 2):
        other = 16 ** (1 - power)
        pull = abs(last - other * first) / np.hypot(last_error, other * first_error)
        assert (pull > 3.5)[[0, 3]].all()


def test_another_limit_is_told_apart():
    """A share of pooling that is off by 0.01 is seen in D at 256 channels."""
    width = 256
    values, errors = scaled(law(0.5), width, 60, np.random.default_rng(0))
    given = {"size": SIZE, "noise_error": 0.5, "rng": 0}
    right, wrong = (sd.predict_wide(NET, pooling=t, **given).D[DEPTH] for t in (0.5, 0.49))
    simulated = right * (1 + values[0] / width)
    assert abs(width * (simulated / right - 1)) < 0.5
    assert abs(width * (simulated / wrong - 1)) > 20 * errors[0] + 0.5


@pytest.mark.parametrize("pooling", [0, 0.5])
def test_at_small_width_it_is_that_of_networks_simply_averaged(pooling):
    width = 8
    values, errors = scaled(law(pooling), width, 400, np.random.default_rng(1))
    limit = sd.predict_wide(NET, size=SIZE, pooling=pooling, noise_error=0.5, rng=0)
    s = sd.simulate_wide(
        NET, size=SIZE, pooling=pooling, width=width, networks=12000, samples=16, rng=1
    )
    for name, place in (("D", 0), ("Q", 3)):
        exact = getattr(limit, name)[DEPTH]
        value = width * (getattr(s, name)[DEPTH] / exact - 1)
        error = width * getattr(s, f"{name}_err")[DEPTH] / exact
        assert abs(value - values[place]) < 4 * np.hypot(error, errors[place])
        assert name == "Q" or value < -4 * error
