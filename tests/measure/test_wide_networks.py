"""Measured wide networks of random filters against the theory of infinitely wide ones."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd

pytest.importorskip("torch")

from tests.measure.networks import random_filters

SIZE, WIDTH, NETWORKS = 12, 512, 20


def predicted(kernel, stride, depth, pooling, bias_variance):
    net = sd.Network.uniform(kernel, stride, depth)
    return sd.predict_wide(
        net, size=SIZE, pooling=pooling, bias_variance=bias_variance, noise_error=0.002, rng=0
    )


def measured(kernel, stride, depth, pooling, bias_variance):
    """D, G, R, Q of every network, [networks, 4, depth + 1], as of independent images."""
    taps = (1 - pooling) * np.eye(kernel) / kernel + pooling / kernel**2
    names = ["input", *(str(3 * k + 2) for k in range(depth))]
    channels = np.array([1, *(WIDTH,) * depth])
    runs = []
    for rng in np.random.default_rng(2).spawn(NETWORKS):
        model = random_filters(taps, stride, depth, WIDTH, bias_variance, rng)
        images = np.eye(SIZE)[:, None]
        m = sd.measure.sensitivities(model, images, "task", layers=names, repeats=2, rng=rng)
        # All images differ: Q is N/(N - 1) times that of independent ones.
        share = (SIZE - 1) / SIZE
        runs.append([m.D / share, m.G / share, m.R, m.Q * share / channels])
    return np.array(runs)


def pulls(runs, theory):
    """Deviations of the mean over networks in its standard errors, [4, depth]."""
    values, errors = runs.mean(axis=0), runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
    limit = np.array([theory.D, theory.G, theory.R, theory.Q])
    stated = np.array([0 * theory.D, theory.G_err, theory.R_err, 0 * theory.D])
    return ((values - limit) / np.hypot(errors, stated))[:, 1:]


@pytest.mark.parametrize(
    ("architecture", "pooling", "bias_variance"),
    [((3, 1, 3), 0, 0), ((3, 1, 3), 0.5, 0.1), ((2, 2, 2), 0.3, 0)],
)
def test_wide_networks_respond_as_predicted(architecture, pooling, bias_variance):
    runs = measured(*architecture, pooling, bias_variance)
    theory = predicted(*architecture, pooling, bias_variance)
    np.testing.assert_allclose(runs[0, [0, 3], 0], [theory.D[0], theory.Q[0]], rtol=1e-12)
    assert abs(pulls(runs, theory)).max() < 4.5
    for rival in (pooling + 0.3, 1):
        other = predicted(*architecture, rival, bias_variance)
        assert abs(pulls(runs, other)[[0, 3]]).max(axis=1).min() > 5
