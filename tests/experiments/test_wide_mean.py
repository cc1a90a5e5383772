"""The channel mean before training: theory against random networks, drawn one by one."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from experiments.wide_mean import mean_sensitivities

NET = sd.Network.uniform(2, 2, depth=3)
TASK = sd.ScaleDetection(size=32, xi=8, gap=2)


@pytest.fixture(scope="module")
def stimuli():
    images, _ = TASK.sample(24, rng=0)
    return 4 * images, 4 * TASK.displace(images, rng=1)


def drawn(channels: int, count: int, images, displaced) -> np.ndarray:
    """Return mean squares of the channel mean's change and spread, [networks, 2, layers]."""
    rng = np.random.default_rng(channels)
    rows = []
    for _ in range(count):
        both = np.concatenate([images, displaced])
        values: list[list[float]] = [[], []]
        for _ in NET:
            inputs = both.shape[1]
            weights = rng.standard_normal((channels, inputs, 2)) / np.sqrt(2 * inputs)
            biases = rng.standard_normal((channels, 1))
            windows = np.stack([both[:, :, ::2], both[:, :, 1::2]], axis=3)
            both = np.maximum(
                np.einsum("hcf,ncsf->nhs", weights, windows, optimize=True) + biases, 0
            )
            clean, moved = np.split(both.mean(axis=1), 2)
            values[0].append(np.square(moved - clean).sum(axis=1).mean())
            spread = np.square(clean - clean.mean(axis=0)).sum() / (len(clean) - 1)
            values[1].append(2 * spread)
        rows.append(values)
    return np.array(rows)


def predicted(images, displaced, channels: int) -> np.ndarray:
    wide = sd.predict_wide(
        NET, images=images, displaced=displaced, weight_variance=1, bias_variance=1, rng=0
    )
    return mean_sensitivities(wide, images, displaced, channels)


@pytest.mark.parametrize(("channels", "count"), [(40, 300), (300, 50)])
def test_random_networks_agree(stimuli, channels, count):
    values = drawn(channels, count, *stimuli)
    means = values.mean(axis=0)
    quotient = means[0] / means[1]
    residues = (values[:, 0] - quotient * values[:, 1]) / means[1]
    errors = residues.std(axis=0, ddof=1) / np.sqrt(count)
    theory = predicted(*stimuli, channels)
    # Layers before are not infinitely wide: that is a change of the order of 1/channels, too.
    np.testing.assert_array_less(np.abs(quotient - theory), 4 * errors + 2 / channels * theory)
    assert (errors < 0.08 * theory).all()
    other = predicted(*stimuli, 10 * channels)
    assert (np.abs(quotient - other)[1:] > 4 * errors[1:]).any()


def test_the_wider_the_steeper(stimuli):
    slopes = [
        np.polyfit(np.log([2, 4, 8]), np.log(predicted(*stimuli, channels)), 1)[0]
        for channels in (16, 64, 10**6)
    ]
    assert np.diff(slopes).max() < -0.1
    images, displaced = stimuli
    wide = sd.predict_wide(
        NET, images=images, displaced=displaced, weight_variance=1, bias_variance=1, rng=0
    )
    np.testing.assert_allclose(mean_sensitivities(wide, *stimuli, 1), wide.D[1:], rtol=1e-12)
